"""Polynomials on blocks of one part of a target, refined until they keep a tolerance.

The true map is sampled at the nodes of a block, and the polynomials through them are compared with
the truth at pixels all over the part that they were not made from. Their last terms must have died
away, too. A block that fails is cut into four. One too small to cut is evaluated at each of its
pixels, and just outside: a neighbour that says otherwise there fails as well, so that borders and
kinks are followed to their ends. Where other parts follow, all pixels along the border are looked
at: what crosses it shows in both.
"""

import math
from collections.abc import Iterator

import numpy as np

from .patches import DEGREE, NEGLIGIBLE, NODES, Patches, PatchMap, Pixels, fit
from .types import PixelMap

#: Side of the smallest block with polynomials; it has 7 times as many pixels as nodes.
SMALLEST = 32
#: Side of the largest block that is believed to have no position anywhere: its nodes are at most 18
#: pixels apart.
LARGEST_EMPTY = 128
#: The lattice of checks has one for so many pixels, and visits every row and column.
PIXELS_PER_CHECK = 512
#: Every block has so many checks of its own.
OWN_CHECKS = 5
#: Checks must be met with this margin, for the largest error lies between them.
SAFETY = 4.0
#: Positions evaluated at once.
CHUNK = 1 << 18

_GOLDEN = (math.sqrt(5) - 1) / 2
_SCATTER = np.array([[0.5], [0.5]]) + np.outer(
    [0.7548776662466927, 0.5698402909980532], np.arange(OWN_CHECKS)
)
_SAMPLES = (DEGREE + 1) ** 2 + OWN_CHECKS

#: Half-open part of a target: first column, first row, end column, end row.
Box = tuple[int, int, int, int]
#: Pixels along an axis: positions on one of them, and a number on the other.
_Line = tuple[np.ndarray | int, np.ndarray | int]


class Refinement:
    """The blocks of a part of a target while they are being refined.

    Parameters
    ----------
    exact : PixelMap
        The truth; NaN where there is no position.
    shape : tuple of int
        (ny, nx) of the whole target.
    box : Box
        The part.
    tolerance : float
        Largest error in x and in y, source pixels.
    most : int
        With more single positions than these, the part is given up: exact at every pixel.
    """

    def __init__(
        self, exact: PixelMap, shape: tuple[int, int], box: Box, tolerance: float, most: int
    ) -> None:
        self._exact = exact
        self._box = box
        self._tolerance = tolerance
        self._most = most
        self._first = np.array(box[:2])
        self._end = np.array(box[2:])
        self.samples = self.stored = 0
        self.largest_error = 0.0
        self._pixels: list[Pixels] = []
        # Rows: x, y, and the truth.
        self._checks = self._sampled(
            np.concatenate([_lattice(shape, box), _borders(shape, box)], axis=1)
        )
        nx, ny = self._end - self._first
        # block of each smallest square
        self._owner = np.full([-(-size // SMALLEST) for size in (ny, nx)], -1)
        self.patches = Patches.joined([])
        self._sides = np.zeros(0, int)
        self._bad = np.zeros(0, bool)
        side = SMALLEST << max(0, math.ceil(math.log2(max(nx, ny) / SMALLEST)))
        self._add(self._first[None], np.array([side]))

    def refine(self) -> bool:
        """Cut blocks until all are good; false if too many pixels would have to be stored."""
        while (failing := self._failing()).size:
            small = self._sides[failing] <= SMALLEST
            if self.stored + small.sum() * SMALLEST**2 > self._most:
                return False
            self._store(failing[small])
            corners = self.patches.boxes[failing[~small], :2]
            half = self._sides[failing[~small]] // 2
            self._keep(np.setdiff1d(self._in_use(), failing))
            steps = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
            corners = (corners[:, None] + steps * half[:, None, None]).reshape(-1, 2)
            self._add(corners, np.repeat(half, 4))
        return True

    def result(self) -> PatchMap:
        """The map of the blocks as they are."""
        return PatchMap(self.patches, Pixels.joined(self._pixels), self._tolerance)

    def _sampled(self, places: np.ndarray) -> np.ndarray:
        """Rows x, y of target positions, and below them the true source positions; infinities
        become NaN.
        """
        out = np.empty((4, places.shape[1]))
        out[:2] = places
        for first in range(0, places.shape[1], CHUNK):
            part = np.s_[first : first + CHUNK]
            out[2:, part] = self._exact.at(out[0, part].copy(), out[1, part].copy())
        out[2:, ~np.isfinite(out[2:]).all(axis=0)] = np.nan
        self.samples += places.shape[1]
        return out

    def _add(self, corners: np.ndarray, sides: np.ndarray) -> None:
        """Add blocks, some at a time; those beyond the part are left out."""
        inside = (corners < self._end).all(axis=1)
        corners = corners[inside]
        sides = sides[inside]
        added = [
            self._fitted(corners[part], sides[part])
            for part in _parts(len(sides), CHUNK // _SAMPLES)
        ]
        for index, (x0, y0, x1, y1) in enumerate(
            (box - np.tile(self._first, 2) for each, _ in added for box in each.boxes),
            len(self._sides),
        ):
            self._owner[
                y0 // SMALLEST : -(-y1 // SMALLEST), x0 // SMALLEST : -(-x1 // SMALLEST)
            ] = index
        self.patches = Patches.joined([self.patches, *(each for each, _ in added)])
        self._sides = np.concatenate([self._sides, sides])
        self._bad = np.concatenate([self._bad, *(bad for _, bad in added)])

    def _fitted(self, corners: np.ndarray, sides: np.ndarray) -> tuple[Patches, np.ndarray]:
        """Sample blocks and fit their polynomials; return them, and which are bad whatever the
        checks say.
        """
        boxes = np.concatenate([corners, np.minimum(corners + sides[:, None], self._end)], axis=1)
        nodes = _node_places(boxes)
        checks = _check_places(boxes)
        sampled = self._sampled(
            np.concatenate([nodes.reshape(2, -1), checks.reshape(2, -1)], axis=1)
        )
        count = nodes[0].size
        values = sampled[2:, :count].reshape(2, *nodes.shape[1:]).swapaxes(0, 1)
        self._check(sampled[:, count:])
        missing = np.isnan(values[:, 0]).mean(axis=(1, 2))
        degrees, terms, last = fit(values, min(self._tolerance / 16, NEGLIGIBLE))
        terms[missing > 0] = np.nan
        degrees[missing > 0] = 0
        poor = (last > self._tolerance / SAFETY) | (missing > 0)
        empty = (missing == 1) & (sides <= LARGEST_EMPTY)
        self._check_edges(boxes[empty])
        return Patches.of(boxes, degrees, terms), poor & ~empty

    def _check_edges(self, boxes: np.ndarray) -> None:
        """Look at all border pixels of blocks that seem to have no position: a slit between the
        nodes ends there.
        """
        if len(boxes):
            self._check(self._sampled(_edge_places(boxes)))

    def _check(self, sampled: np.ndarray) -> None:
        """Compare polynomials with these samples from now on."""
        self._checks = np.concatenate([self._checks, sampled], axis=1)

    def _in_use(self) -> np.ndarray:
        """Indices of the blocks that were neither cut nor stored."""
        return np.unique(self._owner[self._owner >= 0])

    def _keep(self, blocks: np.ndarray) -> None:
        """Forget all blocks but these."""
        new = np.full(len(self._sides) + 1, -1)  # the last is that of -1
        new[blocks] = np.arange(len(blocks))
        self._owner = new[self._owner]
        self.patches = self.patches[blocks]
        self._sides = self._sides[blocks]
        self._bad = self._bad[blocks]

    def _failing(self) -> np.ndarray:
        """Indices of the blocks that are not good enough."""
        owner = self._owners(self._checks)
        self._checks = self._checks[:, owner >= 0]
        owner = owner[owner >= 0]
        ours = self.patches.at(owner, *self._checks[:2])
        truth = self._checks[2:]
        error = np.nan_to_num(np.abs(ours - truth).max(axis=0), nan=np.inf)
        error[np.isnan(ours[0]) & np.isnan(truth[0])] = 0.0  # no position, as it should be
        self.largest_error = error.max(initial=0.0)
        wrong = np.zeros(len(self._sides), bool)
        wrong[owner[error > self._tolerance / SAFETY]] = True
        return np.flatnonzero(wrong | self._bad)

    def _owners(self, places: np.ndarray) -> np.ndarray:
        """Block of each pixel; -1 where pixels are stored."""
        column, row = (places[:2].astype(int) - self._first[:, None]) // SMALLEST
        return self._owner[row, column]

    def _store(self, blocks: np.ndarray) -> None:
        """Evaluate blocks at each pixel, and at those around them, which check the neighbours."""
        boxes = self.patches.boxes[blocks]
        self._owner[np.isin(self._owner, blocks)] = -1
        for part in _parts(len(boxes), CHUNK // SMALLEST**2):
            places, inside = _pixel_places(boxes[part], self._box)
            sampled = self._sampled(places)
            self._pixels.append(Pixels.of(boxes[part], sampled[2:, inside]))
            self.stored += int(inside.sum())
            around = sampled[:, ~inside]
            self._check(around[:, self._owners(around) >= 0])


def _parts(count: int, size: int) -> Iterator[slice]:
    return (slice(first, first + size) for first in range(0, count, size))


def _lattice(shape: tuple[int, int], box: Box) -> np.ndarray:
    """Pixels (x, y) of a part of a lattice spread evenly over the target, some in every row and in
    every column.

    Each row has equally many, equally spaced, displaced from row to row by the golden ratio.
    """
    (ny, nx) = shape
    (x0, y0, x1, y1) = box
    count = math.ceil(max(3.0, nx / PIXELS_PER_CHECK, 3.0 * nx / ny))
    first = max(math.floor(x0 * count / nx) - 1, 0)
    end = min(math.ceil(x1 * count / nx), count)
    row = np.repeat(np.arange(y0, y1), end - first)
    number = np.tile(np.arange(first, end), y1 - y0)
    x = np.floor((number + row * _GOLDEN % 1.0) * (nx / count))
    here = (x >= x0) & (x < x1)
    return np.stack([x[here], row[here]])


def _borders(shape: tuple[int, int], box: Box) -> np.ndarray:
    """Pixels (x, y) of a part along those of its borders where the target goes on."""
    (ny, nx) = shape
    (x0, y0, x1, y1) = box
    columns = np.arange(x0, x1)
    rows = np.arange(y0, y1)
    lines: list[_Line] = [(columns, y) for y, there in ((y0, y0 > 0), (y1 - 1, y1 < ny)) if there]
    lines += [(x, rows) for x, there in ((x0, x0 > 0), (x1 - 1, x1 < nx)) if there]
    return _on_lines(lines)


def _edge_places(boxes: np.ndarray) -> np.ndarray:
    """Pixels (x, y) along the four borders of blocks."""
    lines: list[_Line] = []
    for x0, y0, x1, y1 in boxes:
        columns = np.arange(x0, x1)
        rows = np.arange(y0 + 1, y1 - 1)
        lines += [(columns, y0), (columns, y1 - 1), (x0, rows), (x1 - 1, rows)]
    return _on_lines(lines)


def _on_lines(lines: list[_Line]) -> np.ndarray:
    """All pixels (x, y) of lines."""
    return np.concatenate(
        [np.zeros((2, 0)), *(np.stack(np.broadcast_arrays(*each)) for each in lines)], axis=1
    )


def _node_places(boxes: np.ndarray) -> np.ndarray:
    """Target positions (x and y; block, row, column) of the nodes of blocks."""
    first = boxes[:, :2, None]
    last = boxes[:, 2:, None] - 1
    x, y = np.moveaxis(first + (last - first) * (NODES + 1) / 2, 1, 0)
    return np.stack(np.broadcast_arrays(x[:, None, :], y[:, :, None]))


def _check_places(boxes: np.ndarray) -> np.ndarray:
    """Pixels (x and y; block, number) of the checks that blocks have of their own."""
    first = boxes[:, :2, None]
    size = (boxes[:, 2:] - boxes[:, :2])[:, :, None]
    return np.moveaxis(np.floor(first + _SCATTER % 1.0 * size), 1, 0)


def _pixel_places(boxes: np.ndarray, part: Box) -> tuple[np.ndarray, np.ndarray]:
    """Pixels (x, y) of blocks and of the frame one pixel wide around each, and which are in the
    blocks.
    """
    places = []
    inside = []
    for x0, y0, x1, y1 in boxes:
        rows = np.arange(max(y0 - 1, part[1]), min(y1 + 1, part[3]))
        columns = np.arange(max(x0 - 1, part[0]), min(x1 + 1, part[2]))
        x, y = (each.ravel() for each in np.meshgrid(columns, rows))
        places.append(np.stack([x, y]))
        inside.append((x >= x0) & (x < x1) & (y >= y0) & (y < y1))
    if not places:
        return np.zeros((2, 0)), np.zeros(0, bool)
    return np.concatenate(places, axis=1).astype(float), np.concatenate(inside)
