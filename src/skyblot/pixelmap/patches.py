"""A map made of blocks of target pixels: polynomials on most, single positions on some."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from numpy.polynomial import chebyshev

from ..kernels.patches import copy_rows, patch_points, patch_rows
from .types import ADAPTIVE, Way

#: Degree of the polynomials along each axis before terms that do not matter are dropped.
DEGREE = 11
#: Terms are dropped while together they are below this many source pixels, about the rounding of
#: degrees.
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
    terms : ndarray, 1-D
        Coefficients of ``v^j u^i`` for x, then for y, of one block after the other: as many as its
        degree needs, so that most blocks, and those without a position, take little memory. NaN
        where there is no position.
    """

    boxes: np.ndarray
    degrees: np.ndarray
    terms: np.ndarray

    @classmethod
    def of(cls, boxes: np.ndarray, degrees: np.ndarray, terms: np.ndarray) -> "Patches":
        """Keep what matters of terms of the shape (n, 2, DEGREE + 1, DEGREE + 1)."""
        used = np.broadcast_to(degrees[:, None, None, None] >= _ORDER, terms.shape)
        return cls(boxes, degrees, terms[used])

    @classmethod
    def joined(cls, parts: Iterable["Patches"]) -> "Patches":
        """The blocks of all parts, in order."""
        empty = cls(np.zeros((0, 4), int), np.zeros(0, int), np.zeros(0))
        every = [empty, *parts]
        return cls(
            *(np.concatenate([getattr(each, item.name) for each in every]) for item in fields(cls))
        )

    @cached_property
    def starts(self) -> np.ndarray:
        """Where the terms of each block begin."""
        sizes = 2 * (self.degrees + 1) ** 2
        return np.cumsum(sizes) - sizes

    def at(self, block: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Source positions (2, n) of target positions, each by the polynomials of its `block`."""
        out = np.empty((2, x.size))
        patch_points(block, x, y, self.boxes, self.degrees, self.starts, self.terms, out[0], out[1])
        return out

    def __getitem__(self, which: np.ndarray) -> "Patches":
        degrees = self.degrees[which]
        sizes = 2 * (degrees + 1) ** 2
        moved = self.starts[which] - (np.cumsum(sizes) - sizes)
        return Patches(
            self.boxes[which], degrees, self.terms[np.repeat(moved, sizes) + np.arange(sizes.sum())]
        )


def fit(values: np.ndarray, negligible: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return degrees, terms and the sum of the last terms of the polynomials through values at the
    nodes.

    The last terms are those of the two highest orders. A value at a corner that does not fit the
    others by some amount leaves a quarter of it there: ``1 - (9.5 / 11)**2``.

    Parameters
    ----------
    values : ndarray, shape (n, 2, DEGREE + 1, DEGREE + 1)
        Source positions (x and y) at the nodes of each block, rows first.
    negligible : float
        Terms whose sizes add up to less are dropped.
    """
    chebyshevs = _TO_CHEBYSHEV @ values @ _TO_CHEBYSHEV.T
    sizes = np.abs(chebyshevs).max(axis=1)
    by_order = np.stack(
        [sizes[:, order == _ORDER].sum(axis=1) for order in range(DEGREE + 1)], axis=1
    )
    # the terms of this order and of higher ones
    above = np.cumsum(by_order[:, ::-1], axis=1)[:, ::-1]
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

    @classmethod
    def of(cls, boxes: np.ndarray, values: np.ndarray) -> "Pixels":
        """Blocks whose pixels follow each other."""
        sizes = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        return cls(boxes, np.cumsum(sizes) - sizes, values)

    @classmethod
    def joined(cls, parts: Iterable["Pixels"]) -> "Pixels":
        """The blocks of all parts, in order."""
        every = list(parts)
        boxes = np.concatenate([np.zeros((0, 4), int), *(each.boxes for each in every)])
        return cls.of(
            boxes, np.concatenate([np.zeros((2, 0)), *(each.values for each in every)], axis=1)
        )


class PatchMap:
    """Target pixel to source pixel by polynomials where there are some, by stored positions
    elsewhere.
    """

    def __init__(self, patches: Patches, pixels: Pixels, tolerance: float) -> None:
        self.patches = patches
        self.pixels = pixels
        self.way = Way(ADAPTIVE, tolerance)

    @classmethod
    def joined(cls, parts: Iterable["PatchMap"], tolerance: float) -> "PatchMap":
        """One map of the blocks of several."""
        every = list(parts)
        return cls(
            Patches.joined(part.patches for part in every),
            Pixels.joined(part.pixels for part in every),
            tolerance,
        )

    @property
    def nbytes(self) -> int:
        """Memory that the map takes."""
        pixels = self.pixels
        patches = self.patches
        arrays = (
            patches.boxes,
            patches.degrees,
            patches.starts,
            patches.terms,
            pixels.boxes,
            pixels.starts,
        )
        return sum(each.nbytes for each in arrays) + pixels.values.nbytes

    def rows(self, row0: int, xout: np.ndarray, yout: np.ndarray, column0: int = 0) -> None:
        """Fill the map of rows from `row0` and columns from `column0` on; both arrays float64."""
        here = self.patches
        stored = self.pixels
        terms = (here.boxes, here.degrees, here.starts, here.terms)
        patch_rows(row0, column0, *terms, xout, yout)
        copy_rows(row0, column0, stored.boxes, stored.starts, stored.values, xout, yout)
