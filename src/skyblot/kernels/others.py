"""Stacks without one of their images, and how many others there are at each pixel."""

import numpy as np

from .compiling import kernel

#: What is not known, which no half precision number is: all are kept with these bits reversed, so
#: that memory that is never touched is not known.
_UNKNOWN = np.uint16(0x7E00)


@kernel
def add_layer(layer, weight, sums, weights, counts):
    """Add a layer's pixels to sums of weight times value and of weights, and to counts."""
    for y in range(layer.shape[0]):
        for x in range(layer.shape[1]):
            value = layer[y, x]
            if value == value:
                sums[y, x] += weight * value
                weights[y, x] += weight
                counts[y, x] += 1


@kernel
def mean_of_others(own, weight, sums, weights, counts, out):
    """Fill `out` with the mean of all layers but one, where another has a pixel."""
    for y in range(own.shape[0]):
        for x in range(own.shape[1]):
            value = own[y, x]
            mine = value == value
            if counts[y, x] - mine > 0:
                if mine:
                    out[y, x] = (sums[y, x] - weight * value) / (weights[y, x] - weight)
                else:
                    out[y, x] = sums[y, x] / weights[y, x]


@kernel
def halve(layer, stack, unit, out):
    """Fill `out` with a layer less a stack, in a unit, as bits of IEEE's half precision.

    What is no number, or beyond 65504 units, is 0.
    """
    nx = layer.shape[1]
    row = np.empty(nx, np.float32)
    bits = row.view(np.uint32)
    for y in range(layer.shape[0]):
        for x in range(nx):
            row[x] = np.float32((layer[y, x] - stack[y, x]) / unit) * np.float32(2.0**-112)
        for x in range(nx):
            sign = (bits[x] >> 16) & np.uint32(0x8000)
            size = ((bits[x] & np.uint32(0x7FFFFFFF)) + np.uint32(0x1000)) >> 13
            out[y, x] = ((sign | size) ^ _UNKNOWN) if size < 0x7C00 else 0


@kernel
def add_half(half, unit, weight, sums, weights):
    """Add what `halve` made to sums of weight times value and of weights."""
    nx = half.shape[1]
    bits = np.empty(nx, np.uint32)
    row = bits.view(np.float32)
    stretch = np.float32(2.0**112) * np.float32(unit * weight)
    for y in range(half.shape[0]):
        for x in range(nx):
            own = half[y, x] ^ _UNKNOWN
            bits[x] = (np.uint32(own & 0x7FFF) << 13) | (np.uint32(own & 0x8000) << 16)
        for x in range(nx):
            known = half[y, x] != 0
            sums[y, x] += row[x] * stretch if known else 0.0
            weights[y, x] += weight if known else 0.0


@kernel
def add_mean(sums, weights, out):
    """Add to `out` the means of what was added to sums, where anything was."""
    for y in range(out.shape[0]):
        for x in range(out.shape[1]):
            if weights[y, x] > 0.0:
                out[y, x] += sums[y, x] / weights[y, x]


@kernel
def count_others(xmap, ymap, counts, usable, out):
    """Fill `out` with the counts at the nearest pixels of a mosaic, less 1 where a pixel is usable.

    0 beside the mosaic, and 255 where there are more.
    """
    ny, nx = counts.shape
    for j in range(out.shape[0]):
        for i in range(out.shape[1]):
            x = xmap[j, i]
            y = ymap[j, i]
            out[j, i] = 0
            if x >= -0.5 and x < nx - 0.5 and y >= -0.5 and y < ny - 0.5:
                number = int(counts[int(np.rint(y)), int(np.rint(x))]) - int(usable[j, i])
                out[j, i] = min(max(number, 0), 255)
