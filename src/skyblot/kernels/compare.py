"""Comparison of an exposure with its blot: the local structure of a blot, significances, masks.

A pixel that is not finite does not exist: neither as a pixel to judge nor as a neighbour. Levels of a pixel are bits:
`MEMBER` is beyond the lower threshold, `SEED` beyond the upper one.
"""

import numpy as np
from numba import njit

MEMBER, SEED = 1, 2
#: Columns of a sample.
RESIDUAL, SIGMA, SLOPE_X, SLOPE_Y, BEND, STRUCTURE, COLUMNS = 0, 1, 2, 3, 4, 5, 6


@njit(nogil=True, inline="always")
def _neighbour(blot, y, x, value):
    """A blot pixel, or `value` where it does not exist."""
    if 0 <= y < blot.shape[0] and 0 <= x < blot.shape[1]:
        near = blot[y, x]
        if np.isfinite(near):
            return near
    return value


@njit(nogil=True, inline="always")
def _neighbours(blot, y, x):
    """Values left, right, below and above; the pixel's own where there is none."""
    if 0 < y < blot.shape[0] - 1 and 0 < x < blot.shape[1] - 1:
        left, right, below, above = blot[y, x - 1], blot[y, x + 1], blot[y - 1, x], blot[y + 1, x]
        if np.isfinite(left + right + below + above):
            return left, right, below, above
    value = blot[y, x]
    return (
        _neighbour(blot, y, x - 1, value),
        _neighbour(blot, y, x + 1, value),
        _neighbour(blot, y - 1, x, value),
        _neighbour(blot, y + 1, x, value),
    )


@njit(nogil=True, inline="always")
def _largest_step(value, left, right, below, above):
    return max(max(abs(value - left), abs(value - right)), max(abs(value - below), abs(value - above)))


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def sample(row0, row1, step, data, blot, sigma, valid, least, most, stride, out):
    """Collect valid pixels whose structure is from `least` to `most` sigma; return how many there are.

    Of every `step`-th row of ``row0 ... row1`` each `stride`-th of them goes to `out` (n, COLUMNS), as far as it
    reaches: I - B, sigma, slopes, sum of second differences, structure. That is the root of the squares of the
    curvature, the sum of the absolute second differences, and of the largest difference to a neighbour.
    """
    found = 0
    for y in range(row0, row1, step):
        for x in range(data.shape[1]):
            if not valid[y, x]:
                continue
            value = blot[y, x]
            left, right, below, above = _neighbours(blot, y, x)
            bend_x, bend_y = left + right - 2 * value, below + above - 2 * value
            curvature, largest = abs(bend_x) + abs(bend_y), _largest_step(value, left, right, below, above)
            squared, error = curvature * curvature + largest * largest, sigma[y, x]
            if squared < (least * error) ** 2 or squared > (most * error) ** 2:
                continue
            if found % stride == 0 and found // stride < out.shape[0]:
                row = out[found // stride]
                row[RESIDUAL], row[SIGMA] = data[y, x] - value, error
                row[SLOPE_X], row[SLOPE_Y] = 0.5 * (right - left), 0.5 * (above - below)
                row[BEND], row[STRUCTURE] = bend_x + bend_y, np.sqrt(squared)
            found += 1
    return found


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def model_sigma(blot, sky, gain, read_noise, out):
    """Fill `out` with the noise of a pixel, in the blot's units: of its electrons, and of reading them."""
    for i in range(out.size):
        out[i] = np.sqrt(gain * abs(blot[i] + sky) + read_noise * read_noise) / gain


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def plain_levels(row0, data, blot, sigma, valid, background, snr, scale, levels, significance):
    """Levels by thresholds ``scale D + snr sigma``, for rows ``row0 ...``; the significance is in sigma."""
    for j in range(levels.shape[0]):
        y = row0 + j
        for x in range(data.shape[1]):
            levels[j, x], significance[j, x] = 0, np.nan
            if not valid[y, x]:
                continue
            residual = data[y, x] - blot[y, x] - background
            left, right, below, above = _neighbours(blot, y, x)
            step = _largest_step(blot[y, x], left, right, below, above)
            level = MEMBER if abs(residual) > scale[1] * step + snr[1] * sigma[y, x] else 0
            if abs(residual) > scale[0] * step + snr[0] * sigma[y, x]:
                level |= SEED
            levels[j, x], significance[j, x] = level, residual / sigma[y, x]


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def variance_levels(row0, data, blot, sigma, valid, terms, snr, weights, levels, significance):
    """Levels by thresholds on the residual over the root of one variance, for rows ``row0 ...``.

    Parameters
    ----------
    terms : (background, slope_x, slope_y, bend)
        What the residual is expected to be: ``background + slope_x Bx + slope_y By + bend (Bxx + Byy)``.
    snr : (seed, member)
    weights : (noise, curved, stepped, photons, negative)
        Part of sigma squared that the comparison sees; errors in units of the curvature and of the largest
        difference to a neighbour; 1 / gain if sigma includes the photons of the residual itself, else 0; and
        what a negative residual is divided by.
    """
    share, curved, stepped, photons, negative = weights
    for j in range(levels.shape[0]):
        y = row0 + j
        for x in range(data.shape[1]):
            levels[j, x], significance[j, x] = 0, np.nan
            if not valid[y, x]:
                continue
            value = blot[y, x]
            left, right, below, above = _neighbours(blot, y, x)
            bend_x, bend_y = left + right - 2 * value, below + above - 2 * value
            residual = data[y, x] - value - terms[0]
            noise = sigma[y, x] * sigma[y, x]
            if photons > 0:
                noise = max(noise - photons * residual, 0.05 * noise)
            residual -= (
                terms[1] * 0.5 * (right - left) + terms[2] * 0.5 * (above - below) + terms[3] * (bend_x + bend_y)
            )
            curvature, step = abs(bend_x) + abs(bend_y), _largest_step(value, left, right, below, above)
            model = (curved * curvature) ** 2 + (stepped * step) ** 2
            ratio = residual / np.sqrt(share * noise + model)
            significance[j, x] = ratio
            strength = ratio if ratio > 0 else -ratio / negative
            level = MEMBER if strength > snr[1] else 0
            levels[j, x] = level | SEED if strength > snr[0] else level


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def join_levels(row0, levels, mask):
    """Fill rows ``row0 ...`` of a mask: members with a seed among them and their eight neighbours."""
    ny, nx = levels.shape
    for j in range(mask.shape[0]):
        y = row0 + j
        for x in range(nx):
            mask[j, x] = False
            if levels[y, x] & MEMBER:
                for near_y in range(max(y - 1, 0), min(y + 2, ny)):
                    for near_x in range(max(x - 1, 0), min(x + 2, nx)):
                        if levels[near_y, near_x] & SEED:
                            mask[j, x] = True


@njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
def spread(row0, mask, offsets, out):
    """Fill rows ``row0 ...`` of `out`: pixels of the mask, and those at ``offsets`` (n, 2), y and x, from one."""
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
