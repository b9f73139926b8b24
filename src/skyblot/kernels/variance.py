"""Band kernel of variances: squared weights of the source's own pixels.

Near the edges the source is extended by point reflection, so that a tap outside counts for the edge
pixel twice and for its mirror image negatively: weights are added up for each pixel before they are
squared.
"""

import math

import numpy as np
from numba import int64, njit

from .compiling import kernel
from .resample import _covers, _needed


@njit(nogil=True)
def _weigh(fraction, table, out):
    """Weights of all taps at a fraction: polynomials by Horner's rule."""
    last = table.shape[0] - 1
    for tap in range(table.shape[1]):
        weight = table[last, tap]
        for power in range(last - 1, -1, -1):
            weight = weight * fraction + table[power, tap]
        out[tap] = weight


@njit(nogil=True)
def _along(position, first, shift, centre, size, table, own, taps, weights, touched):
    """Weights of the source's pixels along an axis, squared, and whether taps of `own` touch them.

    Returns the first pixel and how many there are.
    """
    base = math.floor(position + shift)
    _weigh((position - base) - centre, table, taps)
    start = int64(base) + first
    if start < 0 or start + taps.size > size:
        return _folded(start, size, own, taps, weights, touched)
    for tap in range(taps.size):
        weights[tap] = taps[tap] * taps[tap]
        touched[tap] = own[0] <= tap < own[1]
    return start, taps.size


@njit(nogil=True)
def _folded(start, size, own, taps, weights, touched):
    """The same where taps reach beyond an edge."""
    low, high = _needed(start, taps.size, size)
    count = high - low + 1
    weights[:count] = 0.0
    touched[:count] = False
    for tap in range(taps.size):
        at = start + tap
        weight = taps[tap]
        near = own[0] <= tap < own[1]
        while (at < 0 or at >= size) and size > 1:
            edge = 0 if at < 0 else size - 1
            weights[edge - low] += 2 * weight
            touched[edge - low] |= near
            weight = -weight
            at = 2 * edge - at
        at = at if size > 1 else 0
        weights[at - low] += weight
        touched[at - low] |= near
    for k in range(count):
        weights[k] *= weights[k]
    return low, count


@njit(nogil=True)
def _sum(window, y, x, rows, columns, wy, wx):
    total = 0.0
    for i in range(rows):
        line = 0.0
        for j in range(columns):
            line += wx[j] * window[y + i, x + j]
        total += wy[i] * line
    return total


@njit(nogil=True)
def _sum_near(window, y, x, rows, columns, wy, wx, near_y, near_x):
    """The same where some pixel is NaN: it counts where a tap of the interpolant touches it."""
    total = 0.0
    for i in range(rows):
        for j in range(columns):
            value = window[y + i, x + j]
            if not math.isnan(value) or (near_y[i] and near_x[j]):
                total += wy[i] * wx[j] * value
    return total


@kernel
def sum_variances(window, origin, shape, xmap, ymap, out, factor, fill, table, placement, own):
    """Fill `out` with the variance at every point of the map, times `factor`.

    Where there is no source it is `fill`.

    `table` has the interpolant's weights (powers, taps), `placement` is its ``(first, shift,
    centre)``; taps from ``own[0]`` to ``own[1]`` are those that NaN spreads by.
    """
    ny, nx = shape
    y0, x0 = origin
    first, shift, centre = placement
    end_y = y0 + window.shape[0]
    end_x = x0 + window.shape[1]
    count = table.shape[1]
    taps = np.empty(count)
    wy = np.empty(count + 2)
    wx = np.empty(count + 2)
    near_y = np.empty(count + 2, np.bool_)
    near_x = np.empty(count + 2, np.bool_)
    covered = 0
    missed = 0
    for j in range(out.shape[0]):
        for i in range(out.shape[1]):
            x = xmap[j, i]
            y = ymap[j, i]
            if not _covers(x, y, nx, ny):
                out[j, i] = fill
                continue
            covered += 1
            row, rows = _along(y, first, shift, centre, ny, table, own, taps, wy, near_y)
            column, columns = _along(x, first, shift, centre, nx, table, own, taps, wx, near_x)
            if row < y0 or column < x0 or row + rows > end_y or column + columns > end_x:
                missed += 1
                continue
            value = _sum(window, row - y0, column - x0, rows, columns, wy, wx)
            if math.isnan(value):
                value = _sum_near(
                    window, row - y0, column - x0, rows, columns, wy, wx, near_y, near_x
                )
            out[j, i] = value * factor
    return covered, missed
