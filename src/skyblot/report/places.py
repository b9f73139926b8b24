"""Where the worst residuals of a chip are."""

from collections.abc import Iterator

import numpy as np


def worst(strength: np.ndarray, count: int, apart: int) -> list[tuple[int, int]]:
    """Return (x, y) of the largest finite values that are `apart` pixels from each other.

    The largest of every apart x apart block are candidates: as many as are needed, however large
    one source is.
    """
    places: list[tuple[int, int]] = []
    for x, y in _block_maxima(strength, apart):
        if all(max(abs(x - other_x), abs(y - other_y)) >= apart for other_x, other_y in places):
            places.append((x, y))
            if len(places) == count:
                break
    return places


def _block_maxima(strength: np.ndarray, step: int) -> Iterator[tuple[int, int]]:
    """Where the largest value of each block is, the largest of all first."""
    ny, nx = strength.shape
    tops = np.fmax.reduceat(strength, np.arange(0, ny, step), axis=0)
    tops = np.fmax.reduceat(tops, np.arange(0, nx, step), axis=1)
    order = np.argsort(np.where(np.isfinite(tops), -tops, np.inf), axis=None, kind="stable")
    for index in order:
        row, column = divmod(int(index), tops.shape[1])
        if not np.isfinite(tops[row, column]):
            return
        block = strength[row * step : (row + 1) * step, column * step : (column + 1) * step]
        y, x = np.unravel_index(np.nanargmax(block), block.shape)
        yield column * step + int(x), row * step + int(y)
