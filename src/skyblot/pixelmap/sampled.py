"""Sampled maps: exact on a grid of nodes, bilinear between them (DrizzlePac's `stepsize`)."""

import numpy as np

from ..kernels.grid import bilinear_rows
from .types import PixelMap, Way

#: Nodes evaluated at once: what the WCS libraries need for each is many times what is kept.
CHUNK = 1 << 18


class BilinearMap:
    """Target pixel to source pixel, exact at every `stepsize`-th pixel and bilinear between.

    The last node lies on or past the edge of the target, so that nothing is extrapolated.
    """

    def __init__(self, exact: PixelMap, shape: tuple[int, int], stepsize: int) -> None:
        self.way = Way(f"exact every {stepsize} pixels, bilinear between")
        ny, nx = shape
        self._steps = _step(stepsize, nx), _step(stepsize, ny)
        columns = _nodes(self._steps[0], nx)
        rows = _nodes(self._steps[1], ny)
        self._xgrid, self._ygrid = np.empty((2, len(rows), len(columns)))
        height = max(CHUNK // len(columns), 1)
        for first in range(0, len(rows), height):
            x, y = np.meshgrid(columns, rows[first : first + height])
            xmap, ymap = exact.at(x.ravel(), y.ravel())
            self._xgrid[first : first + height] = xmap.reshape(x.shape)
            self._ygrid[first : first + height] = ymap.reshape(x.shape)

    def rows(self, row0: int, xout: np.ndarray, yout: np.ndarray, column0: int = 0) -> None:
        """Fill the map of rows from `row0` and columns from `column0` on; both arrays float64."""
        bilinear_rows(row0, column0, self._xgrid, self._ygrid, *self._steps, xout, yout)


def _step(stepsize: int, size: int) -> int:
    """The step along an axis: no larger than the axis, so that nodes stay near the image."""
    return min(stepsize, max(size - 1, 1))


def _nodes(step: int, size: int) -> np.ndarray:
    """Node positions 0, step, 2 step, ...; at least two, the last on or past the last pixel."""
    return step * np.arange(max(-(-(size - 1) // step), 1) + 1, dtype=float)
