"""Adaptive maps: polynomials on blocks of pixels as large as a tolerance allows, exact where none
will do.

A target that is larger than a block may be is refined in rows of such blocks, each when the first
band of it comes. A row is kept while there is room, else until the bands have gone past it.
"""

import logging

import numpy as np

from .kept import Kept
from .patches import PatchMap
from .refining import SMALLEST, Box, Refinement
from .types import ADAPTIVE, PartMap, PixelMap, Way

logger = logging.getLogger(__name__)

#: Side of the largest block: no detector has more pixels along an axis, but for a few.
LARGEST = 4096
#: A row of the largest blocks has so many pixels at most: in wider targets, blocks are smaller.
MOST_PIXELS = 1 << 28
#: With more single positions than these (64 MB), all pixels are evaluated exactly, band by band.
MOST_STORED = 1 << 22
#: Memory for rows of blocks that no band needs now, bytes.
ROOM = 1 << 28


def adaptive_map(exact: PixelMap, shape: tuple[int, int], tolerance: float) -> PartMap:
    """Return a map that is within `tolerance` source pixels of an exact one, from few evaluations
    of it.

    Parameters
    ----------
    exact : PixelMap
        The truth; NaN where there is no position.
    shape : tuple of int
        (ny, nx) of the target.
    tolerance : float
        Largest error in x and in y, source pixels.

    Returns
    -------
    PartMap
        `exact` itself where the target is small, or where polynomials are hopeless.
    """
    if shape[0] * shape[1] <= SMALLEST**2:
        return exact
    if max(shape) <= LARGEST:
        return _refined(exact, shape, (0, 0, shape[1], shape[0]), tolerance, MOST_STORED) or exact
    return BlockRows(exact, shape, tolerance)


def _refined(
    exact: PixelMap, shape: tuple[int, int], box: Box, tolerance: float, most: int
) -> PatchMap | None:
    """The map of a part of a target; None where polynomials are hopeless."""
    plan = Refinement(exact, shape, box, tolerance, most)
    if not plan.refine():
        logger.debug(
            "pixel map: no polynomials fit after %d samples; exact at every pixel", plan.samples
        )
        return None
    logger.debug(
        "pixel map: %d samples for %d pixels, %d of them exact; %d polynomials; largest checked "
        "error %.1e pixel",
        plan.samples, (box[2] - box[0]) * (box[3] - box[1]), plan.stored, len(plan.patches.boxes),
        plan.largest_error,
    )  # fmt: skip
    return plan.result()


class BlockRows:
    """An adaptive map of a large target, refined one row of the largest blocks at a time, when it
    is needed.

    What a row of blocks is depends on the target alone: not on the bands, nor on which of them
    comes first.
    """

    def __init__(self, exact: PixelMap, shape: tuple[int, int], tolerance: float) -> None:
        self._exact = exact
        self._shape = shape
        self._tolerance = tolerance
        self.way = Way(ADAPTIVE, tolerance)
        self._side = LARGEST
        while self._side > SMALLEST and self._side * shape[1] > MOST_PIXELS:
            self._side //= 2
        self._kept = Kept(self._made, ROOM)
        # a WCS that fails does so before any work
        exact.at(np.array([shape[1] / 2]), np.array([shape[0] / 2]))

    def rows(self, row0: int, xout: np.ndarray, yout: np.ndarray, column0: int = 0) -> None:
        """Fill the map of rows from `row0` and columns from `column0` on; both arrays float64."""
        end = row0 + len(xout)
        for number in range(row0 // self._side, -(-end // self._side)):
            first = max(row0, number * self._side)
            part = np.s_[first - row0 : min(end, (number + 1) * self._side) - row0]
            self._kept[number].rows(first, xout[part], yout[part], column0)

    def _made(self, number: int) -> "_BlockRow":
        """The row of blocks of this number."""
        (ny, nx) = self._shape
        y0 = number * self._side
        boxes = [
            (x0, y0, min(x0 + self._side, nx), min(y0 + self._side, ny))
            for x0 in range(0, nx, self._side)
        ]
        most = MOST_STORED // min(len(boxes), 4) * self._side // LARGEST
        made = {
            box: _refined(self._exact, self._shape, box, self._tolerance, most) for box in boxes
        }
        return _BlockRow(
            PatchMap.joined((part for part in made.values() if part is not None), self._tolerance),
            self._exact,
            np.concatenate(
                [
                    np.zeros(0, int),
                    *(np.arange(box[0], box[2]) for box in boxes if made[box] is None),
                ]
            ),
        )


class _BlockRow:
    """The map of a row of blocks: polynomials, and the columns where they are hopeless."""

    def __init__(self, patches: PatchMap, exact: PixelMap, columns: np.ndarray) -> None:
        self._patches = patches
        self._exact = exact
        self._columns = columns
        self.nbytes = patches.nbytes + columns.nbytes

    def rows(self, row0: int, xout: np.ndarray, yout: np.ndarray, column0: int = 0) -> None:
        """Fill the map of the target rows from `row0` on."""
        self._patches.rows(row0, xout, yout, column0)
        here = self._columns - column0
        here = here[(here >= 0) & (here < xout.shape[1])]
        if here.size:
            rows = np.arange(row0, row0 + len(xout), dtype=float)
            x, y = np.meshgrid((here + column0).astype(float), rows)
            xmap, ymap = self._exact.at(x.ravel(), y.ravel())
            xout[:, here] = xmap.reshape(x.shape)
            yout[:, here] = ymap.reshape(x.shape)
