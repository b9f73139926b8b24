"""Inverse of a FITS distortion: undistorted positions to pixels, by Newton's method.

A grid of solutions over the image is made first, each from its neighbour, so that all lie on the
branch of the distortion on which the middle of the image lies. It gives every position a start that
is good to some thousandths of a pixel; one step from there, with the true derivative, does for
nearly all.
"""

import logging
import math
from functools import lru_cache
from typing import Any

import numpy as np

from ..kernels.distortion import cell_forms, distorted_points, spread
from ..kernels.separable import static
from ..kernels.undistort import undistort_rows
from .distortion import Distortion, distortion_of

logger = logging.getLogger(__name__)

#: Positions are looked for up to so many pixels outside of the image, ...
MARGIN = 64.0
#: ... or so many steps of the grid, whichever is more.
MARGIN_STEPS = 3.0
#: Solutions this many steps outside of the image may have a pixel of it in their cell.
NEAR_STEPS = 2.0
#: The grid's steps are no shorter and no longer than this, pixels, ...
FINEST = 8.0
COARSEST = 64.0
#: ... and no more along an axis than these.
MOST_STEPS = 256
#: What one step of Newton's method may leave, pixels: half the second derivative times its square.
LEFT_PIXELS = 5e-10
#: One step is never enough from further away than this: the second derivative is an estimate.
LONGEST_STEP = 1 / 64
#: Nor where the area of a pixel is less than this part of that in the middle: near a fold.
LEAST_AREA = 0.5
#: The largest slope of a table, pixels per pixel, that Newton's method is sure to get along with.
STEEPEST = 0.25
#: Positions along each axis where the derivatives are looked at, and where the result is checked.
LATTICE = 17
#: What is found must lead back to the place that the WCS library has for it, to this many pixels.
AGREEMENT_PIXELS = 1e-8
#: How many inverses are kept: a mosaic of a detector's exposures wants one for each chip.
DISTORTIONS = 16

#: Solutions, (ny, nx, 2), and their place, as that of a table.
Grid = tuple[np.ndarray, np.ndarray]


class Undistortion:
    """Undistorted positions of an image to its pixels.

    Parameters
    ----------
    distortion : Distortion
    shape : tuple of int
        (ny, nx) of the image.
    """

    def __init__(self, distortion: Distortion, shape: tuple[int, int]) -> None:
        self._model = _model(distortion)
        self._tables = int(any(table.size for table in distortion.d2im + distortion.cpdis))
        self._size = np.array(shape[::-1], dtype=float)
        middle = (self._size + 1) / 2
        *centre, xx, xy, yx, yy = self._distorted(middle[:, None])[:, 0]
        area = max(xx * yy - xy * yx, np.finfo(float).tiny)
        curvature = self._curvature()
        longest = min(math.sqrt(2 * LEFT_PIXELS / curvature), LONGEST_STEP)
        # Bilinear starts are off by an eighth of the second derivative times the step's square.
        step = min(max(math.sqrt(4 * longest / curvature), FINEST), COARSEST)
        step = max(step, float(self._size.max()) / MOST_STEPS)
        margin = max(MARGIN, MARGIN_STEPS * step)
        high_x, high_y = (self._size + 0.5 + margin).tolist()
        reach = 4 * step / math.sqrt(area)
        self._limits = (0.5 - margin, 0.5 - margin, high_x, high_y, reach)
        self._rule = (longest, LEAST_AREA * area)
        self._grid = self._solutions(step, middle, np.array(centre))
        self._start = _forms(*self._grid)
        around = NEAR_STEPS * step
        self._near = _near(self._grid[0], 0.5 - around, self._size + 0.5 + around)

    def apply(self, x: np.ndarray, y: np.ndarray) -> None:
        """Replace undistorted positions by pixels, 0-based; float64, shape (rows, nx).

        NaN where there is none, and further than `MARGIN` outside of the image.
        """
        kind = (static(self._tables), static(len(self._model[4])))
        grid = (self._start, self._near, self._grid)
        undistort_rows(x, y, *grid, self._limits, self._rule, self._model, *kind)

    def agrees(self, wcs: Any) -> bool:
        """Whether pixels all over the image are found again from where the WCS library has them."""
        x, y = self._lattice(self._size - 1)
        back = np.stack(wcs.pix2foc(x, y, 0))[:, None]
        self.apply(back[0], back[1])
        apart = np.abs(back[:, 0] - (x, y)).max()
        if apart <= AGREEMENT_PIXELS:  # false for NaN
            return True
        logger.debug("inverse of the distortion is off by %.1e pixel; not used", apart)
        return False

    def _distorted(self, places: np.ndarray) -> np.ndarray:
        """Undistorted positions of pixels (2, n), 1-based, and below them the derivatives."""
        out = np.empty((6, places.shape[1]))
        distorted_points(places[0], places[1], self._model, out)
        return out

    def _lattice(self, high: np.ndarray, low: float = 0.0) -> np.ndarray:
        """Places (2, n) from `low` to `high` along each axis."""
        x, y = np.meshgrid(*(np.linspace(low, end, LATTICE) for end in high))
        return np.stack([x.ravel(), y.ravel()])

    def _curvature(self) -> float:
        """About the largest second derivative of SIP over the image, 1 / pixel; above 0."""
        slopes = self._distorted(self._lattice(self._size, 1.0))[2:].reshape(4, LATTICE, LATTICE)
        step_x, step_y = np.maximum(self._size - 1, 1) / (LATTICE - 1)
        along_x = np.abs(np.diff(slopes, axis=2)).max() / step_x
        along_y = np.abs(np.diff(slopes, axis=1)).max() / step_y
        return float(along_x + along_y) + 1e-12

    def _solutions(self, step: float, middle: np.ndarray, centre: np.ndarray) -> Grid:
        """Pixels of a grid of undistorted positions, NaN where there is none, and its place.

        The grid has a node at the `centre`, the undistorted position of the `middle`.
        """
        low = np.array(self._limits[:2])
        size = np.array(self._limits[2:4]) - low
        there = self._distorted(self._lattice(size) + low[:, None])
        there = there[:2, there[2] * there[5] > there[3] * there[4]]
        from_centre = np.column_stack([np.zeros(2), there - centre[:, None]])
        before = np.ceil(np.minimum(-from_centre.min(axis=1), size) / step)
        after = np.ceil(np.minimum(from_centre.max(axis=1), size) / step)
        nx, ny = (before + after + 1).astype(int)
        first = centre - before * step
        nodes = np.empty((ny, nx, 2))
        grid = (*first.tolist(), step, step)
        at = (int(before[1]), int(before[0]))
        spread(nodes, grid, at, tuple(middle.tolist()), self._limits, self._model)
        return nodes, np.array([1.0, 1.0, *first, 1 / step, 1 / step])


def undistortion(wcs: Any, shape: tuple[int, int]) -> Undistortion | None:
    """Return the inverse of the distortion of an image of `shape`; None where there is no safe one.

    It has been compared with the WCS library's own distortion all over the image.
    """
    distortion = distortion_of(wcs)
    if not _is_gentle(distortion):
        logger.debug("distortion with tables that are steep or do not go together: no inverse")
        return None
    inverse = _undistortion(_ByValue(distortion), shape)
    return inverse if inverse.agrees(wcs) else None


class _ByValue:
    """A distortion that equals another with the same terms: all exposures of a chip have them."""

    def __init__(self, distortion: Distortion) -> None:
        self.distortion = distortion
        arrays = (*distortion.d2im, *distortion.cpdis, *distortion[2:])
        self._terms = tuple((np.shape(array), np.asarray(array).tobytes()) for array in arrays)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ByValue) and self._terms == other._terms

    def __hash__(self) -> int:
        return hash(self._terms)


@lru_cache(maxsize=DISTORTIONS)
def _undistortion(distortion: _ByValue, shape: tuple[int, int]) -> Undistortion:
    """The inverse of a distortion, made once for some megabytes of memory."""
    return Undistortion(distortion.distortion, shape)


def _is_gentle(distortion: Distortion) -> bool:
    """Whether all terms are numbers, no table is steep, and those of a pair have the same nodes."""
    if not (np.isfinite(distortion.a).all() and np.isfinite(distortion.b).all()):
        return False
    pairs = (distortion.d2im, distortion.places[:2]), (distortion.cpdis, distortion.places[2:])
    for tables, places in pairs:
        both = all(table.size for table in tables)
        if both and not (tables[0].shape == tables[1].shape and np.array_equal(*places)):
            return False
        for table, place in zip(tables, places, strict=True):
            for axis in (0, 1):
                steps = np.abs(np.diff(table, axis=1 - axis)).max(initial=0.0)
                if steps * abs(place[4 + axis]) > STEEPEST:
                    return False
    return True


def _model(distortion: Distortion) -> tuple:
    """The distortion in the form that the kernels want."""
    d2im = _pair(distortion.d2im, distortion.places[:2])
    cpdis = _pair(distortion.cpdis, distortion.places[2:])
    return d2im, cpdis, distortion.centre, distortion.a, distortion.b


def _pair(tables: tuple[np.ndarray, np.ndarray], places: np.ndarray) -> tuple:
    """A pair of tables: the forms of their cells, their place and shape."""
    place = places[0] if tables[0].size else places[1]
    ny, nx = max(table.shape for table in tables)
    forms = np.zeros(((ny + 1) * (nx + 1), 8))
    for table, own in zip(tables, (forms[:, :4], forms[:, 4:]), strict=True):
        if table.size:
            cell_forms(table, place, own)
    return forms, place, (ny, nx)


def _forms(nodes: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Bilinear forms of the cells of a grid, for x and y; NaN outside of it."""
    ny, nx, _ = nodes.shape
    forms = np.empty((ny + 1, nx + 1, 8))
    for axis in (0, 1):
        own = forms.reshape(-1, 8)[:, 4 * axis : 4 * axis + 4]
        cell_forms(np.ascontiguousarray(nodes[..., axis]), place, own)
    forms[[0, -1]] = np.nan
    forms[:, [0, -1]] = np.nan
    return forms.reshape(-1, 8)


def _near(nodes: np.ndarray, low: float, high: np.ndarray) -> np.ndarray:
    """Whether cells have a solution from `low` to `high` at a corner; false outside of the grid."""
    ny, nx, _ = nodes.shape
    solved: np.ndarray = np.all((nodes >= low) & (nodes <= high), axis=2)
    near = np.zeros((ny + 1, nx + 1), bool)
    near[1:-1, 1:-1] = solved[1:, 1:] | solved[1:, :-1] | solved[:-1, 1:] | solved[:-1, :-1]
    return near.ravel()
