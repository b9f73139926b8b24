"""Adaptive maps: polynomials on blocks of pixels as large as a tolerance allows, exact where none will do.

The true map is sampled at the nodes of a block, and the polynomials through them are compared with the truth at
pixels all over the target that they were not made from. Their last terms must have died away, too. A block that
fails is cut into four. One too small to cut is evaluated at each of its pixels, and just outside: a neighbour that
says otherwise there fails as well, so that borders and kinks are followed to their ends.
"""

import logging
import math

import numpy as np

from .patches import DEGREE, NEGLIGIBLE, NODES, Patches, PatchMap, Pixels, fit
from .types import PixelMap, RowMap

logger = logging.getLogger(__name__)

#: Side of the smallest block with polynomials; it has 7 times as many pixels as nodes.
SMALLEST = 32
#: Side of the largest block that is believed to have no position anywhere: its nodes are at most 18 pixels apart.
LARGEST_EMPTY = 128
#: The lattice of checks has one for so many pixels, and visits every row and column.
PIXELS_PER_CHECK = 512
#: Every block has so many checks of its own.
OWN_CHECKS = 5
#: Checks must be met with this margin, for the largest error lies between them.
SAFETY = 4.0
#: With more single positions than these (64 MB), all pixels are evaluated exactly, band by band.
MOST_STORED = 1 << 22
#: Positions evaluated at once.
CHUNK = 1 << 18

_GOLDEN = (math.sqrt(5) - 1) / 2
_SCATTER = np.array([[0.5], [0.5]]) + np.outer([0.7548776662466927, 0.5698402909980532], np.arange(OWN_CHECKS))


def adaptive_map(exact: PixelMap, shape: tuple[int, int], tolerance: float) -> RowMap:
    """Return a map that is within `tolerance` source pixels of an exact one, from few evaluations of it.

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
    RowMap
        `exact` itself where the target is small, or where polynomials are hopeless.
    """
    if shape[0] * shape[1] <= SMALLEST**2:
        return exact
    plan = _Plan(exact, shape, tolerance)
    if not plan.refine():
        logger.debug("pixel map: no polynomials fit after %d samples; exact at every pixel", plan.samples)
        return exact
    result = plan.result()
    logger.debug(
        "pixel map: %d samples for %d pixels, %d of them exact; %d polynomials; largest checked error %.1e pixel",
        plan.samples, shape[0] * shape[1], plan.stored, len(plan.patches.boxes), plan.largest_error,
    )  # fmt: skip
    return result


class _Plan:
    """The blocks of a target while they are being refined."""

    def __init__(self, exact: PixelMap, shape: tuple[int, int], tolerance: float) -> None:
        self._exact, self._shape, self._tolerance = exact, shape, tolerance
        self.samples = self.stored = 0
        self.largest_error = 0.0
        self._pixels: list[tuple[np.ndarray, np.ndarray]] = []  # boxes; positions
        self._checks = self._sampled(_lattice(shape))  # rows: x, y, and the truth
        side = SMALLEST << max(0, math.ceil(math.log2(max(shape) / SMALLEST)))
        self._owner = np.full([-(-size // SMALLEST) for size in shape], -1)  # block of each smallest square
        empty = np.zeros((0, 2, DEGREE + 1, DEGREE + 1))
        self.patches = Patches(np.zeros((0, 4), int), np.zeros(0, int), empty)
        self._sides, self._bad = np.zeros(0, int), np.zeros(0, bool)
        self._add(np.zeros((1, 2), int), np.array([side]))

    def refine(self) -> bool:
        """Cut blocks until all are good; false if too many pixels would have to be stored."""
        while (failing := self._failing()).size:
            small = self._sides[failing] <= SMALLEST
            if self.stored + small.sum() * SMALLEST**2 > MOST_STORED:
                return False
            self._store(failing[small])
            corners, half = self.patches.boxes[failing[~small], :2], self._sides[failing[~small]] // 2
            steps = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
            corners = (corners[:, None] + steps * half[:, None, None]).reshape(-1, 2)
            self._add(corners, np.repeat(half, 4))
        return True

    def result(self) -> RowMap:
        """The map of the blocks as they are."""
        boxes = np.concatenate([np.zeros((0, 4), int), *(boxes for boxes, _ in self._pixels)])
        values = np.concatenate([np.zeros((2, 0)), *(values for _, values in self._pixels)], axis=1)
        sizes = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        self.patches = self.patches[self._in_use()]
        pixels = Pixels(boxes, np.cumsum(sizes) - sizes, values)
        return PatchMap(self.patches, pixels, self._tolerance)

    def _sampled(self, places: np.ndarray) -> np.ndarray:
        """Rows x, y of target positions, and below them the true source positions; infinities become NaN."""
        out = np.empty((4, places.shape[1]))
        out[:2] = places
        for first in range(0, places.shape[1], CHUNK):
            part = np.s_[first : first + CHUNK]
            out[2:, part] = self._exact.at(out[0, part].copy(), out[1, part].copy())
        out[2:, ~np.isfinite(out[2:]).all(axis=0)] = np.nan
        self.samples += places.shape[1]
        return out

    def _add(self, corners: np.ndarray, sides: np.ndarray) -> None:
        """Sample blocks, fit their polynomials, and give them their squares; those beyond the target are left out."""
        inside = (corners < self._shape[::-1]).all(axis=1)
        corners, sides = corners[inside], sides[inside]
        boxes = np.concatenate([corners, np.minimum(corners + sides[:, None], self._shape[::-1])], axis=1)
        nodes, checks = _node_places(boxes), _check_places(boxes)
        sampled = self._sampled(np.concatenate([nodes.reshape(2, -1), checks.reshape(2, -1)], axis=1))
        count = nodes[0].size
        values = sampled[2:, :count].reshape(2, *nodes.shape[1:]).swapaxes(0, 1)
        self._check(sampled[:, count:])
        missing = np.isnan(values[:, 0]).mean(axis=(1, 2))
        degrees, terms, last = fit(values, min(self._tolerance / 16, NEGLIGIBLE))
        degrees[missing > 0], terms[missing > 0] = 0, np.nan
        poor = (last > self._tolerance / SAFETY) | (missing > 0)
        empty = (missing == 1) & (sides <= LARGEST_EMPTY)
        self._check_borders(boxes[empty])
        self._append(Patches(boxes, degrees, terms), sides, poor & ~empty)

    def _check_borders(self, boxes: np.ndarray) -> None:
        """Look at all border pixels of blocks that seem to have no position: a slit between the nodes ends there."""
        if len(boxes):
            places, inside = _pixel_places(boxes + np.array([1, 1, -1, -1]), self._shape)
            self._check(self._sampled(places[:, ~inside]))

    def _check(self, sampled: np.ndarray) -> None:
        """Compare polynomials with these samples from now on."""
        self._checks = np.concatenate([self._checks, sampled], axis=1)

    def _in_use(self) -> np.ndarray:
        """Indices of the blocks that were neither cut nor stored."""
        return np.unique(self._owner[self._owner >= 0])

    def _append(self, new: Patches, sides: np.ndarray, bad: np.ndarray) -> None:
        for index, (x0, y0, x1, y1) in enumerate(new.boxes, len(self._sides)):
            self._owner[y0 // SMALLEST : -(-y1 // SMALLEST), x0 // SMALLEST : -(-x1 // SMALLEST)] = index
        old = self.patches
        pairs = (old.boxes, new.boxes), (old.degrees, new.degrees), (old.terms, new.terms)
        self.patches = Patches(*(np.concatenate(pair) for pair in pairs))
        self._sides, self._bad = np.concatenate([self._sides, sides]), np.concatenate([self._bad, bad])

    def _failing(self) -> np.ndarray:
        """Indices of the blocks that are not good enough."""
        owner = self._owners(self._checks)
        self._checks, owner = self._checks[:, owner >= 0], owner[owner >= 0]
        ours, truth = self.patches.at(owner, *self._checks[:2]), self._checks[2:]
        error = np.nan_to_num(np.abs(ours - truth).max(axis=0), nan=np.inf)
        error[np.isnan(ours[0]) & np.isnan(truth[0])] = 0.0  # no position, as it should be
        self.largest_error = error.max(initial=0.0)
        wrong = np.zeros(len(self._sides), bool)
        wrong[owner[error > self._tolerance / SAFETY]] = True
        used = self._in_use()
        return used[(wrong | self._bad)[used]]

    def _owners(self, places: np.ndarray) -> np.ndarray:
        """Block of each pixel; -1 where pixels are stored."""
        column, row = places[:2].astype(int) // SMALLEST
        return self._owner[row, column]

    def _store(self, blocks: np.ndarray) -> None:
        """Evaluate blocks at each pixel, and at the pixels around them, which check the neighbours."""
        boxes = self.patches.boxes[blocks]
        self._owner[np.isin(self._owner, blocks)] = -1
        for first in range(0, len(boxes), CHUNK // SMALLEST**2):
            some = boxes[first : first + CHUNK // SMALLEST**2]
            places, inside = _pixel_places(some, self._shape)
            sampled = self._sampled(places)
            self._pixels.append((some, sampled[2:, inside]))
            self.stored += int(inside.sum())
            around = sampled[:, ~inside]
            self._check(around[:, self._owners(around) >= 0])


def _lattice(shape: tuple[int, int]) -> np.ndarray:
    """Pixels (x, y) spread evenly over the target, some in every row and at least one in every column.

    Each row has equally many, equally spaced, displaced from row to row by the golden ratio.
    """
    ny, nx = shape
    count = math.ceil(max(3.0, nx / PIXELS_PER_CHECK, 3.0 * nx / ny))
    row, number = np.repeat(np.arange(ny), count), np.tile(np.arange(count), ny)
    x = (number + row * _GOLDEN % 1.0) * (nx / count)
    return np.stack([np.floor(x), row])


def _node_places(boxes: np.ndarray) -> np.ndarray:
    """Target positions (x and y; block, row, column) of the nodes of blocks."""
    first, last = boxes[:, :2, None], boxes[:, 2:, None] - 1
    x, y = np.moveaxis(first + (last - first) * (NODES + 1) / 2, 1, 0)
    return np.stack(np.broadcast_arrays(x[:, None, :], y[:, :, None]))


def _check_places(boxes: np.ndarray) -> np.ndarray:
    """Pixels (x and y; block, number) of the checks that blocks have of their own."""
    first, size = boxes[:, :2, None], (boxes[:, 2:] - boxes[:, :2])[:, :, None]
    return np.moveaxis(np.floor(first + _SCATTER % 1.0 * size), 1, 0)


def _pixel_places(boxes: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (x, y) of blocks and of the frame one pixel wide around each, and which are in the blocks."""
    places, inside = [], []
    for x0, y0, x1, y1 in boxes:
        rows = np.arange(max(y0 - 1, 0), min(y1 + 1, shape[0]))
        columns = np.arange(max(x0 - 1, 0), min(x1 + 1, shape[1]))
        x, y = (each.ravel() for each in np.meshgrid(columns, rows))
        places.append(np.stack([x, y]))
        inside.append((x >= x0) & (x < x1) & (y >= y0) & (y < y1))
    if not places:
        return np.zeros((2, 0)), np.zeros(0, bool)
    return np.concatenate(places, axis=1).astype(float), np.concatenate(inside)
