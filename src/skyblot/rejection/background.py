"""The background of an exposure as a smooth map: what it has more than its blot, cell by cell.

Arrays only.
"""

import math

import numpy as np

from ..bounds import Bounds
from .robust import clipped_median

#: Cells are this many pixels wide, and at most this many lie along an axis.
_CELL = 64
_MOST = 16
#: Pixels of a cell that are looked at, at most; with fewer than that a cell says nothing.
_SAMPLE = 4096
_FEWEST = 30
#: Sky is where the blot is within so many sigma of its middle in the cell.
_FLAT = 2.0


def background_map(
    data: np.ndarray, blot: np.ndarray, sigma: np.ndarray, valid: np.ndarray
) -> np.ndarray:
    """Return the background of an exposure at every pixel, float32.

    The clipped medians of exposure minus blot in cells of 64 pixels or, of large images, of a 16th
    of a side, each between those of its neighbours, joined by a cubic spline along each axis. What
    is in the sky is in the blot too: halos and nebulae are no background.

    Parameters
    ----------
    data, blot, sigma : ndarray, shape (ny, nx)
        The exposure, its blot and its errors.
    valid : ndarray of bool
        Pixels that count.
    """
    from scipy.interpolate import CubicSpline

    edges = [np.linspace(0, size, _cells(size) + 1).round().astype(int) for size in data.shape]
    grid = np.full([len(edge) - 1 for edge in edges], np.nan)
    for row, column in np.ndindex(*grid.shape):
        cell = Bounds(*edges[0][row : row + 2], *edges[1][column : column + 2])
        grid[row, column] = _level(*(image[cell.slices] for image in (data, blot, sigma, valid)))
    if np.isnan(grid).all():
        return np.zeros(data.shape, np.float32)
    values = _smooth(_filled(grid))
    for axis, (size, ends) in enumerate(zip(data.shape, edges, strict=True)):
        if len(ends) == 2:
            values = np.repeat(values, size, axis=axis)
            continue
        middles = (ends[1:] + ends[:-1] - 1) / 2
        values = CubicSpline(middles, values, axis=axis, bc_type="natural")(np.arange(size))
    return values.astype(np.float32)


def _cells(size: int) -> int:
    return max(1, min(_MOST, size // _CELL))


def _level(data: np.ndarray, blot: np.ndarray, sigma: np.ndarray, valid: np.ndarray) -> float:
    """The background of a cell; NaN where there are too few pixels."""
    step = max(1, math.isqrt(data.size // _SAMPLE))
    data, blot, sigma, valid = (image[::step, ::step] for image in (data, blot, sigma, valid))
    if np.count_nonzero(valid) < _FEWEST:
        return math.nan
    known = blot[valid]
    difference = (data[valid] - known).astype(np.float64)
    flat = np.abs(known - np.median(known)) < _FLAT * sigma[valid]
    return clipped_median(difference[flat] if np.count_nonzero(flat) >= _FEWEST else difference)


def _filled(grid: np.ndarray) -> np.ndarray:
    """A grid in which cells that say nothing are as the nearest that do."""
    from scipy import ndimage

    nearest = ndimage.distance_transform_edt(
        np.isnan(grid), return_distances=False, return_indices=True
    )
    return grid[tuple(nearest)]


def _smooth(grid: np.ndarray) -> np.ndarray:
    """A grid of which each cell lies between the others around it.

    Its edges continue as they are inside.
    """
    from scipy import ndimage

    if min(grid.shape) < 3:
        return grid
    padded = np.pad(grid, 1, mode="reflect", reflect_type="odd")
    around = np.ones((3, 3), bool)
    around[1, 1] = False
    low, high = (
        ndimage.rank_filter(padded, rank, footprint=around)[1:-1, 1:-1] for rank in (1, -2)
    )
    return np.clip(grid, low, high)
