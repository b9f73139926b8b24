"""The right answers, in float64, by definition: where a pixel falls, and what an interpolant gives
there.

Nothing here is shared with skyblot, and nothing is fast.
"""

import numpy as np
from competitors import Map
from numba import njit
from scipy import ndimage
from work import Work

HALF = {"linear": 1, "poly3": 2, "spline3": 2, "poly5": 3, "lanczos3": 3, "lanczos5": 5}
MARGIN = 8  # no taps reach further
ROWS = 32  # of the blot, at a time


def exact_map(work: Work) -> Map:
    """Source positions of all target pixels by ``astropy.wcs`` or ``gwcs``, good to about 1e-8
    pixel.
    """
    x, y = np.empty(work.shape), np.empty(work.shape)
    for row0 in range(0, work.shape[0], ROWS):
        rows, columns = np.indices(x[row0 : row0 + ROWS].shape, dtype=float)
        sky = work.target_wcs.pixel_to_world_values(columns, rows + row0)
        x[row0 : row0 + ROWS], y[row0 : row0 + ROWS] = work.source_wcs.world_to_pixel_values(*sky)
    return x, y


def inside(work: Work, positions: Map) -> np.ndarray:
    """Which pixels are so far from the edges of the source that all taps lie on it."""
    (x, y), (ny, nx) = positions, work.source.shape
    return (x > MARGIN) & (y > MARGIN) & (x < nx - 1 - MARGIN) & (y < ny - 1 - MARGIN)


def exact_values(work: Work, positions: Map, interp: str, where: np.ndarray) -> np.ndarray:
    """The source interpolated at the positions; NaN where not `where`."""
    source = work.source.astype(float)
    if interp == "spline3":
        source = ndimage.spline_filter(source, order=3, mode="mirror")
    values = np.full(work.shape, np.nan)
    for row0 in range(0, work.shape[0], ROWS):
        rows = slice(row0, row0 + ROWS)
        chosen = where[rows]
        first_x, weights_x = taps_and_weights(interp, positions[0][rows][chosen])
        first_y, weights_y = taps_and_weights(interp, positions[1][rows][chosen])
        values[rows][chosen] = weighted_sum(source, first_x, weights_x, first_y, weights_y)
    return values


def taps_and_weights(interp: str, position: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First tap of every position (1-D), and the weights, shape (taps, positions)."""
    if interp in ("nearest", "sinc"):
        base = np.floor(position + 0.5)
        if interp == "nearest":
            return base.astype(np.int64), np.ones((1, position.size))
        j = np.arange(-6, 7)[:, None]
        weights = np.sinc(j - (position - base)) * np.cos(np.pi * j / 14) ** 2
        return base.astype(np.int64) - 6, weights / weights.sum(axis=0)
    half, base = HALF[interp], np.floor(position)
    t = np.arange(1 - half, half + 1)[:, None] - (position - base)
    if interp == "spline3":
        weights = _b_spline(np.abs(t))
    elif interp.startswith("lanczos"):
        weights = np.sinc(t) * np.sinc(t / half)
        weights /= weights.sum(axis=0)
    else:
        weights = _lagrange(t, half)
    return base.astype(np.int64) + 1 - half, weights


def _b_spline(t: np.ndarray) -> np.ndarray:
    return np.where(t < 1, 2 / 3 - t**2 + t**3 / 2, np.clip(2 - t, 0, None) ** 3 / 6)


def _lagrange(t: np.ndarray, half: int) -> np.ndarray:
    """``t`` holds the nodes minus the position; each weight is 1 at its own node and 0 at the
    others.
    """
    weights = np.ones_like(t)
    for own in range(len(t)):
        for other in range(len(t)):
            if other != own:
                weights[own] *= t[other] / (other - own)
    return weights


@njit
def weighted_sum(source, first_x, weights_x, first_y, weights_y):
    """Sum over the taps of ``source * weight_y * weight_x`` at every position."""
    values = np.zeros(first_x.size)
    for k in range(first_x.size):
        for i in range(weights_y.shape[0]):
            line = 0.0
            for j in range(weights_x.shape[0]):
                line += weights_x[j, k] * source[first_y[k] + i, first_x[k] + j]
            values[k] += weights_y[i, k] * line
    return values
