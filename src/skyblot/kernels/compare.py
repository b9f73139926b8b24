"""Comparison of an exposure with its blot: the local structure of a blot, significances, masks.

A pixel that is not finite does not exist: neither as a pixel to judge nor as a neighbour. Levels of
a pixel are bits: `MEMBER` is beyond the lower threshold, `SEED` beyond the upper one, `PAIR` beyond
the one that is enough for two.
"""

import numpy as np
from numba import njit

from .compiling import kernel

MEMBER = 1
SEED = 2
PAIR = 4
#: What is known of the shape of the blot at a pixel: see `_shape_of_pixel`.
SHAPE = 5
#: Columns of a sample.
RESIDUAL = 0
SIGMA = 1
SLOPE_X = 2
SLOPE_Y = 3
BEND = 4
STRUCTURE = 5
BLOT = 6
PLACE_Y = 7
PLACE_X = 8
NEXT = 9
COLUMNS = 10


@njit(nogil=True, inline="always")
def _or(near, value):
    """A neighbour, or the pixel's own value where there is none."""
    return near if np.isfinite(near) else value


@njit(nogil=True, inline="always")
def _shape_of_pixel(value, left, right, below, above):
    """Slopes in x and y, sum of second differences, curvature, largest step to a neighbour."""
    left = _or(left, value)
    right = _or(right, value)
    below = _or(below, value)
    above = _or(above, value)
    bend_x = (left - value) + (right - value)
    bend_y = (below - value) + (above - value)
    step_x = max(abs(left - value), abs(right - value))
    step_y = max(abs(below - value), abs(above - value))
    return (
        0.5 * (right - left),
        0.5 * (above - below),
        bend_x + bend_y,
        abs(bend_x) + abs(bend_y),
        max(step_x, step_y),
    )


@njit(nogil=True, inline="always")
def _shape_of_row(blot, y, shape):
    """Fill `shape` (5, nx) with what `_shape_of_pixel` has of a row.

    The loop has no branches and vectorises.
    """
    last = blot.shape[1] - 1
    here = blot[y]
    below = blot[max(y - 1, 0)]
    above = blot[min(y + 1, blot.shape[0] - 1)]
    for x in range(1, last):
        shape[0, x], shape[1, x], shape[2, x], shape[3, x], shape[4, x] = _shape_of_pixel(
            here[x], here[x - 1], here[x + 1], below[x], above[x]
        )
    for x in (0, last):
        shape[0, x], shape[1, x], shape[2, x], shape[3, x], shape[4, x] = _shape_of_pixel(
            here[x], here[max(x - 1, 0)], here[min(x + 1, last)], below[x], above[x]
        )


@kernel
def sample(row0, row1, step, data, blot, sigma, valid, least, most, aside, stride, out):
    """Collect valid pixels whose structure is from `least` to `most` sigma.

    Return how many there are. What is taken is the pixel `aside` columns on, if it is valid.

    Of every `step`-th row of ``row0 ... row1`` each `stride`-th of them goes to `out` (n, COLUMNS),
    as far as it reaches: I - B, sigma, slopes, sum of second differences, structure, B, y, x, NEXT.
    The structure is the root of the squares of the curvature, the sum of the absolute second
    differences, and of the largest difference to a neighbour. NEXT is by how much the next pixel of
    the row is brighter in the exposure, in standard deviations of such a difference: NaN where it
    is not valid.
    """
    count = 0
    nx = data.shape[1]
    shape = np.empty((SHAPE, nx), blot.dtype)
    wanted = np.empty(nx, np.bool_)
    for y in range(row0, row1, step):
        _shape_of_row(blot, y, shape)
        for x in range(nx):
            squared = shape[3, x] * shape[3, x] + shape[4, x] * shape[4, x]
            error = sigma[y, x] * sigma[y, x]
            wanted[x] = (
                valid[y, x] & (squared >= least * least * error) & (squared <= most * most * error)
            )
        for place in range(nx - aside):
            x = place + aside
            if not (wanted[place] and valid[y, x]):
                continue
            if count % stride == 0 and count // stride < out.shape[0]:
                row = out[count // stride]
                row[RESIDUAL] = data[y, x] - blot[y, x]
                row[SIGMA] = sigma[y, x]
                row[SLOPE_X] = shape[0, x]
                row[SLOPE_Y] = shape[1, x]
                row[BEND] = shape[2, x]
                row[STRUCTURE] = np.sqrt(shape[3, x] * shape[3, x] + shape[4, x] * shape[4, x])
                row[BLOT] = blot[y, x]
                row[PLACE_Y] = y
                row[PLACE_X] = x
                row[NEXT] = np.nan
                if x + 1 < nx and valid[y, x + 1]:
                    row[NEXT] = (data[y, x + 1] - data[y, x]) / np.hypot(
                        sigma[y, x], sigma[y, x + 1]
                    )
            count += 1
    return count


@kernel
def model_sigma(blot, sky, gain, read_noise, out):
    """Fill `out` with the noise of electrons and of reading, in the blot's unit."""
    for i in range(out.size):
        out[i] = np.sqrt(gain * abs(blot[i] + sky) + read_noise * read_noise) / gain


@kernel
def plain_levels(row0, data, blot, sigma, valid, terms, snr, scale, levels, significance):
    """Levels by thresholds ``scale D + snr sigma``, for rows ``row0 ...``.

    The significance is in sigma.

    `terms` are (ratio, background): what the blot is multiplied by, and what is added to it.
    """
    ratio, background = terms
    shape = np.empty((SHAPE, data.shape[1]), blot.dtype)
    for j in range(levels.shape[0]):
        y = row0 + j
        _shape_of_row(blot, y, shape)
        for x in range(data.shape[1]):
            error = sigma[y, x]
            step = ratio * shape[4, x]
            residual = data[y, x] - ratio * blot[y, x] - background
            seed = abs(residual) > scale[0] * step + snr[0] * error
            member = abs(residual) > scale[1] * step + snr[1] * error
            levels[j, x] = (seed * SEED + member * MEMBER) * valid[y, x]
            significance[j, x] = residual / error if valid[y, x] else np.nan


@kernel
def variance_levels(row0, data, blot, sigma, valid, terms, snr, weights, levels, significance):
    """Levels by thresholds on the residual over the root of one variance, for rows ``row0 ...``.

    Parameters
    ----------
    terms : (ratio, background, slope_x, slope_y, bend)
        What is expected of the exposure: ``ratio B + background + slope_x Bx + slope_y By + bend
        (Bxx + Byy)``.
    snr : (seed, member, pair)
    weights : (noise, curved, stepped, photons, negative)
        Part of sigma squared that the comparison sees; errors in units of the curvature and of the
        largest difference to a neighbour; 1 / gain if sigma includes the photons of the residual
        itself, else 0; and what a negative residual is divided by.
    """
    share, curved, stepped, photons, negative = weights
    shape = np.empty((SHAPE, data.shape[1]), blot.dtype)
    for j in range(levels.shape[0]):
        y = row0 + j
        _shape_of_row(blot, y, shape)
        for x in range(data.shape[1]):
            residual = data[y, x] - terms[0] * blot[y, x] - terms[1]
            squared = sigma[y, x] * sigma[y, x]
            noise = max(squared - photons * residual, 0.05 * squared)
            residual -= terms[2] * shape[0, x] + terms[3] * shape[1, x] + terms[4] * shape[2, x]
            model = (curved * shape[3, x]) ** 2 + (stepped * shape[4, x]) ** 2
            ratio = residual / np.sqrt(share * noise + model)
            strength = max(ratio, -ratio / negative)
            level = (
                (strength > snr[0]) * SEED
                + (strength > snr[1]) * MEMBER
                + (strength > snr[2]) * PAIR
            )
            levels[j, x] = level * valid[y, x]
            significance[j, x] = ratio if valid[y, x] else np.nan


@kernel
def join_levels(row0, levels, mask):
    """Fill rows ``row0 ...`` of a mask: members with a seed, or two of a pair, next to them."""
    ny, nx = levels.shape
    for j in range(mask.shape[0]):
        y = row0 + j
        for x in range(nx):
            mask[j, x] = False
            if levels[y, x] & MEMBER:
                pairs = 0
                for near_y in range(max(y - 1, 0), min(y + 2, ny)):
                    for near_x in range(max(x - 1, 0), min(x + 2, nx)):
                        if levels[near_y, near_x] & SEED:
                            mask[j, x] = True
                        if levels[near_y, near_x] & PAIR:
                            pairs += 1
                mask[j, x] |= pairs > 1


@kernel
def spread(row0, mask, offsets, out):
    """Fill rows ``row0 ...`` with the mask, and what lies at ``offsets`` (n, 2), y and x, of it."""
    ny, nx = mask.shape
    for j in range(out.shape[0]):
        for x in range(nx):
            out[j, x] = mask[row0 + j, x]
    for k in range(len(offsets)):
        dy, dx = offsets[k]
        for y in range(max(row0, dy), min(row0 + out.shape[0], ny + dy)):
            for x in range(max(0, dx), min(nx, nx + dx)):
                if mask[y - dy, x - dx]:
                    out[y - row0, x] = True


@kernel
def correlate(image, places, wanted, reach):
    """Return Pearson's correlation of values at places (n, 2) with an image that is moved.

    Those `wanted` are at `places`, and it is moved by up to `reach` pixels.

    The element [reach + dy, reach + dx] is that of the places (y + dy, x + dx). Pixels that are not
    finite or not there do not count; where less than half the places count the correlation is -1.
    """
    size = 2 * reach + 1
    ny, nx = image.shape
    count = np.zeros((size, size))
    sums = np.zeros((size, size, 5))
    for k in range(len(places)):
        y, x = places[k]
        value = wanted[k]
        for j in range(max(0, reach - y), min(size, ny - y + reach)):
            for i in range(max(0, reach - x), min(size, nx - x + reach)):
                there = image[y + j - reach, x + i - reach]
                if np.isfinite(there):
                    count[j, i] += 1.0
                    sums[j, i, 0] += there
                    sums[j, i, 1] += there * there
                    sums[j, i, 2] += there * value
                    sums[j, i, 3] += value
                    sums[j, i, 4] += value * value
    scores = np.full((size, size), -1.0)
    for j in range(size):
        for i in range(size):
            n = count[j, i]
            if 2 * n < len(places):
                continue
            there, squared, product, value, other = sums[j, i]
            spread = (n * squared - there * there) * (n * other - value * value)
            if spread > 0.0:
                scores[j, i] = (n * product - there * value) / np.sqrt(spread)
    return scores
