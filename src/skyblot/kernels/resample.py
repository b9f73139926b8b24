"""Band kernels: source window and pixel map in, rows of the blot out.

The window is the part of the source that was loaded, its first pixel at `origin` (y, x) of the
source; `shape` is the whole source's (ny, nx). Every kernel returns ``(covered, missed)``: how many
blot pixels lie on the source, and how many of those needed source pixels outside the window (the
window was too small).
"""

import math

import numpy as np
from numba import int32, int64, njit

from .compiling import kernel
from .separable import multiply_add, prefetch, separable

#: Pixels of a row that are placed and weighed together, in arrays that stay in the nearest cache.
CHUNK = 256


@njit(nogil=True, inline="always")
def _covers(x, y, nx, ny):
    """Whether a position lies on the source; false for NaN and infinity."""
    return x >= -0.5 and x < nx - 0.5 and y >= -0.5 and y < ny - 0.5


@njit(nogil=True)
def _needed(first, taps, size):
    """First and last source pixel that `taps` from `first` on need, with reflections."""
    last = first + taps - 1
    low = max(first, 0)
    high = min(last, size - 1)
    if first < 0:
        high = max(high, min(-first, size - 1))
    if last >= size:
        low = min(low, max(2 * (size - 1) - last, 0))
    return low, high


@njit(nogil=True)
def _row_value(row, origin, x, size):
    """Pixel x of a row of the source, extended by point reflection about its end pixels.

    More than one reflection is needed where the taps are wider than the source.
    """
    offset = row.dtype.type(0)
    sign = row.dtype.type(1)
    while (x < 0 or x >= size) and size > 1:
        edge = 0 if x < 0 else size - 1
        offset = offset + 2 * sign * row[edge - origin]
        sign = -sign
        x = 2 * edge - x
    return offset + sign * row[(x if size > 1 else 0) - origin]


@njit(nogil=True)
def _value(window, y0, x0, y, x, ny, nx):
    """Pixel (y, x) of the extended source: rows by point reflection too."""
    offset = window.dtype.type(0)
    sign = window.dtype.type(1)
    while (y < 0 or y >= ny) and ny > 1:
        edge = 0 if y < 0 else ny - 1
        offset = offset + 2 * sign * _row_value(window[edge - y0], x0, x, nx)
        sign = -sign
        y = 2 * edge - y
    return offset + sign * _row_value(window[(y if ny > 1 else 0) - y0], x0, x, nx)


@njit(nogil=True)
def _gather(window, origin, shape, first_y, first_x, taps, patch):
    """Fill `patch` with the taps of a position near an edge.

    False if the window lacks a pixel for it.
    """
    ny, nx = shape
    y0, x0 = origin
    low_y, high_y = _needed(first_y, taps, ny)
    low_x, high_x = _needed(first_x, taps, nx)
    if low_y < y0 or low_x < x0 or high_y >= y0 + window.shape[0] or high_x >= x0 + window.shape[1]:
        return False
    for i in range(taps):
        y = first_y + i
        for j in range(taps):
            patch[i, j] = _value(window, y0, x0, y, first_x + j, ny, nx)
    return True


@njit(nogil=True)
def _place(position, shift, centre, low, high, index, fraction):
    """Split positions into the window index of the tap at `shift` and the fraction.

    Index -1 outside low ... high.
    """
    for i in range(position.size):
        moved = position[i] + shift
        base = math.floor(moved)
        inside = (moved >= low) & (moved < high)
        index[i] = int32(base - low) if inside else int32(-1)
        fraction[i] = (position[i] - base) - centre


@njit(nogil=True)
def _weigh(fraction, table, powers, tap, out):
    """Weight of one tap at every fraction: a polynomial by Horner's rule."""
    last = len(powers) - 1
    for i in range(fraction.size):
        weight = table[last, tap]
        for power in range(last - 1, -1, -1):
            weight = multiply_add(weight, fraction[i], table[power, tap])
        out[i] = weight


@njit(nogil=True)
def _ask_ahead(window, ix, iy, count):
    """Ask for the source rows above and below the taps: the next target row needs one of them.

    Where the source is read nearly along its rows, every 16th pixel steps to another row, and no
    processor foresees that; waiting for memory then takes as long as the rest. Steeper reading
    gains nothing.
    """
    stride = int64(window.shape[1])
    if abs(iy[-1] - iy[0]) * 4 >= iy.size:
        return
    for i in range(0, ix.size, 16):
        at = int64(iy[i]) * stride + ix[i]
        prefetch(window, at - stride)
        prefetch(window, at + count * stride)


@kernel
def interpolate(
    window, origin, shape, xmap, ymap, out, affine, fill, weights, placement, taps, powers
):
    """Interpolate a floating-point window at every point of the map.

    ``out = value * affine[0] + affine[1]`` where covered, else `fill`. `weights` is the padded
    table of an interpolant, `placement` its ``(first, shift, centre)``, `taps` and `powers` its
    static sizes.
    """
    ny, nx = shape
    y0, x0 = origin
    first, shift, centre = placement
    factor, offset = affine
    count = len(taps)
    lanes = int64(weights.shape[1])
    stride = int64(window.shape[1])
    low_x = float(x0 - first)
    low_y = float(y0 - first)
    high_x = low_x + window.shape[1] - lanes + 1
    high_y = low_y + window.shape[0] - count + 1
    ix = np.empty(CHUNK, np.int32)
    iy = np.empty(CHUNK, np.int32)
    sx = np.empty(CHUNK, window.dtype)
    sy = np.empty(CHUNK, window.dtype)
    wy = np.empty((count, CHUNK), window.dtype)
    patch = np.zeros((count, lanes), window.dtype)
    covered = 0
    missed = 0
    for j in range(out.shape[0]):
        for start in range(0, out.shape[1], CHUNK):
            x = xmap[j, start : start + CHUNK]
            y = ymap[j, start : start + CHUNK]
            line = out[j, start : start + CHUNK]
            _place(x, shift, centre, low_x, high_x, ix, sx)
            _place(y, shift, centre, low_y, high_y, iy, sy)
            _ask_ahead(window, ix[: x.size], iy[: x.size], count)
            for tap in range(count):
                _weigh(sy[: x.size], weights, powers, tap, wy[tap])
            for i in range(x.size):
                if ix[i] >= 0 and iy[i] >= 0:
                    at = int64(iy[i]) * stride + ix[i]
                    value = separable(window, at, stride, sx[i], wy, i, weights, taps, powers)
                    covered += 1
                elif not _covers(x[i], y[i], nx, ny):
                    line[i] = fill
                    continue
                else:
                    covered += 1
                    left = int64(math.floor(x[i] + shift)) + first
                    low = int64(math.floor(y[i] + shift)) + first
                    if not _gather(window, origin, shape, low, left, count, patch):
                        missed += 1
                        continue
                    value = separable(patch, int64(0), lanes, sx[i], wy, i, weights, taps, powers)
                line[i] = value * factor + offset
    return covered, missed


@kernel
def pick_nearest(window, origin, shape, xmap, ymap, out, fill):
    """Copy the nearest source pixel, whatever its type, to every point of the map."""
    ny, nx = shape
    y0, x0 = origin
    end_y = y0 + window.shape[0]
    end_x = x0 + window.shape[1]
    ix = np.empty(CHUNK, np.int32)
    iy = np.empty(CHUNK, np.int32)
    unused = np.empty(CHUNK, np.float32)
    covered = 0
    missed = 0
    for j in range(out.shape[0]):
        for start in range(0, out.shape[1], CHUNK):
            x = xmap[j, start : start + CHUNK]
            y = ymap[j, start : start + CHUNK]
            line = out[j, start : start + CHUNK]
            _place(x, 0.5, 0.0, float(x0), float(end_x), ix, unused)
            _place(y, 0.5, 0.0, float(y0), float(end_y), iy, unused)
            _ask_ahead(window, ix[: x.size], iy[: x.size], 1)
            for i in range(x.size):
                if ix[i] >= 0 and iy[i] >= 0:
                    line[i] = window[iy[i], ix[i]]
                    covered += 1
                elif _covers(x[i], y[i], nx, ny):
                    covered += 1
                    missed += 1
                else:
                    line[i] = fill
    return covered, missed
