"""A map made of blocks of target pixels: polynomials on most, single positions on some."""

from dataclasses import dataclass

import numpy as np
from numpy.polynomial import chebyshev

from ..kernels.patches import copy_rows, patch_points, patch_rows
from .types import ADAPTIVE, Way

#: Degree of the polynomials along each axis before terms that do not matter are dropped.
DEGREE = 11
#: Terms are dropped while together they are below this many source pixels, about the rounding of degrees.
NEGLIGIBLE = 5e-9

#: Where a polynomial is sampled, -1 to 1 (Chebyshev-Lobatto nodes: the ends are among them).
NODES = -np.cos(np.pi * np.arange(DEGREE + 1) / DEGREE)
_TO_CHEBYSHEV = np.linalg.inv(chebyshev.chebvander(NODES, DEGREE))
_TO_POWERS = np.zeros((DEGREE + 1, DEGREE + 1))
for _row in range(DEGREE + 1):
    _TO_POWERS[_row, : _row + 1] = chebyshev.cheb2poly(np.eye(DEGREE + 1)[_row])[: _row + 1]
_ORDER = np.maximum(*np.indices((DEGREE + 1, DEGREE + 1)))


@dataclass(frozen=True)
class Patches:
    """Polynomials on blocks of target pixels.

    Attributes
    ----------
    boxes : ndarray of int64, shape (n, 4)
        Half-open ``(x0, y0, x1, y1)``, 0-based target pixels.
    degrees : ndarray of int64, shape (n,)
    terms : ndarray, shape (n, 2, DEGREE + 1, DEGREE + 1)
        Coefficients of ``v^j u^i`` for x and for y; NaN where there is no position.
    """

    boxes: np.ndarray
    degrees: np.ndarray
    terms: np.ndarray

    def at(self, block: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Source positions (2, n) of target positions, each by the polynomials of its `block`."""
        out = np.empty((2, x.size))
        patch_points(block, x, y, self.boxes, self.degrees, self.terms, out[0], out[1])
        return out

    def __getitem__(self, which: np.ndarray) -> "Patches":
        return Patches(self.boxes[which], self.degrees[which], self.terms[which])


def fit(values: np.ndarray, negligible: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return degrees, terms and the sum of the last terms of the polynomials through values at the nodes.

    The last terms are those of the two highest orders. A value at a corner that does not fit the others by some
    amount leaves a quarter of it there: ``1 - (9.5 / 11)**2``.

    Parameters
    ----------
    values : ndarray, shape (n, 2, DEGREE + 1, DEGREE + 1)
        Source positions (x and y) at the nodes of each block, rows first.
    negligible : float
        Terms whose sizes add up to less are dropped.
    """
    chebyshevs = _TO_CHEBYSHEV @ values @ _TO_CHEBYSHEV.T
    sizes = np.abs(chebyshevs).max(axis=1)
    by_order = np.stack([sizes[:, order == _ORDER].sum(axis=1) for order in range(DEGREE + 1)], axis=1)
    above = np.cumsum(by_order[:, ::-1], axis=1)[:, ::-1]  # the terms of this order and of higher ones
    degrees = np.maximum(np.sum(above > negligible, axis=1) - 1, 0)
    kept = np.where(degrees[:, None, None, None] >= _ORDER, chebyshevs, 0.0)
    return degrees, _TO_POWERS.T @ kept @ _TO_POWERS, above[:, DEGREE - 1]


@dataclass(frozen=True)
class Pixels:
    """Blocks of target pixels with a position for each pixel.

    Attributes
    ----------
    boxes : ndarray of int64, shape (n, 4)
    starts : ndarray of int64, shape (n,)
        Where the first pixel of each block is in `values`; the others follow row by row.
    values : ndarray, shape (2, number of pixels)
        x and y.
    """

    boxes: np.ndarray
    starts: np.ndarray
    values: np.ndarray


class PatchMap:
    """Target pixel to source pixel by polynomials where there are some, by stored positions elsewhere."""

    def __init__(self, patches: Patches, pixels: Pixels, tolerance: float) -> None:
        self._patches = patches
        self._pixels = pixels
        self.way = Way(ADAPTIVE, tolerance)

    def rows(self, row0: int, xout: np.ndarray, yout: np.ndarray) -> None:
        """Fill the map of the target rows from `row0` on; both arrays float64, shape (rows, nx)."""
        here = self._patches[_touches(self._patches.boxes, row0, len(xout))]
        patch_rows(row0, here.boxes, here.degrees, here.terms, xout, yout)
        stored = _touches(self._pixels.boxes, row0, len(xout))
        if stored.any():
            boxes, starts = self._pixels.boxes[stored], self._pixels.starts[stored]
            copy_rows(row0, boxes, starts, self._pixels.values, xout, yout)


def _touches(boxes: np.ndarray, row0: int, rows: int) -> np.ndarray:
    return (boxes[:, 1] < row0 + rows) & (boxes[:, 3] > row0)
