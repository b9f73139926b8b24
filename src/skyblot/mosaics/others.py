"""What exposures put into a stack, so that one of them can be left out again."""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from ..bounds import EMPTY, Bounds
from ..kernels.others import add_half, add_layer, add_mean, halve, mean_of_others
from .chips import Chip, by_exposure
from .layers import REACH, cleared_layer, layer_of, line_of, weight_of
from .storage import IN_MEMORY, Storage

#: Layers are kept where they take no more than this, bytes.
KEPT_BYTES = 160 << 20
_HALF = np.dtype(np.float16)


class Layers:
    """Every exposure's pixels without outliers, less the stack, in half precision.

    That rounds them by 1/2048 at most of how far they are from the stack.
    """

    def __init__(self, chips: Sequence[Chip], storage: Storage) -> None:
        self._boxes = boxes_of(chips)
        self._lines = {mine[0].exposure: line_of(mine)[0] for mine in by_exposure(chips)}
        self._halves = {
            exposure: storage.zeros(f"layer-{exposure}", box.shape, np.uint16, box.y0)
            for exposure, box in self._boxes.items()
        }

    def add(
        self, chips: Sequence[Chip], cleared: np.ndarray, tile: Bounds, stack: np.ndarray
    ) -> None:
        """Keep a tile of one exposure."""
        exposure = chips[0].exposure
        box = self._boxes[exposure]
        part = tile.overlap(box)
        if part.area:
            here = part.within(tile).slices
            half = self._halves[exposure][part.within(box).slices]
            halve(cleared[here], stack[here], math.sqrt(self._lines[exposure]), half)

    def put_mean_without(
        self, chips: Sequence[Chip], bounds: Bounds, stack: np.ndarray, out: np.ndarray
    ) -> None:
        """Put the mean of all exposures but one into `out`, where there is another."""
        sums = np.zeros(bounds.shape, np.float32)
        weights = np.zeros(bounds.shape, np.float32)
        for exposure, box in self._boxes.items():
            part = bounds.overlap(box)
            if exposure != chips[0].exposure and part.area:
                here = part.within(bounds).slices
                half = self._halves[exposure][part.within(box).slices]
                variance = self._lines[exposure]
                add_half(half, math.sqrt(variance), 1 / variance, sums[here], weights[here])
        add_mean(sums, weights, out)


class Sums:
    """Sums over all exposures: to be left out, one is resampled once more.

    They take the same memory for any number of exposures.
    """

    def __init__(self, shape: tuple[int, int], exposures: int, storage: Storage) -> None:
        self._sums = storage.zeros("sums", shape, np.float32)
        self._weights = storage.zeros("sums-weights", shape, np.float32)
        self._counts = storage.zeros("sums-counts", shape, np.min_scalar_type(exposures))

    def add(
        self, chips: Sequence[Chip], cleared: np.ndarray, tile: Bounds, stack: np.ndarray
    ) -> None:
        """Add a tile of one exposure."""
        add_layer(cleared, weight_of(chips), *self._within(tile))

    def put_mean_without(
        self, chips: Sequence[Chip], bounds: Bounds, stack: np.ndarray, out: np.ndarray
    ) -> None:
        """Put the mean of all exposures but one into `out`, where there is another."""
        around = bounds.grown(REACH).overlap(Bounds.whole(stack.shape))
        own = layer_of(chips, around)
        cleared = cleared_layer(chips, own, stack[around.slices])[bounds.within(around).slices]
        mean_of_others(cleared, weight_of(chips), *self._within(bounds), out)

    def _within(self, bounds: Bounds) -> Iterator[np.ndarray]:
        return (plane[bounds.slices] for plane in (self._sums, self._weights, self._counts))


def boxes_of(chips: Sequence[Chip]) -> dict[int, Bounds]:
    """Return the mosaic pixels among which each exposure lies."""
    boxes: dict[int, Bounds] = {}
    for chip in chips:
        boxes[chip.exposure] = boxes.get(chip.exposure, EMPTY).union(chip.box)
    return boxes


def parts_of(
    chips: Sequence[Chip],
    shape: tuple[int, int],
    room: int = KEPT_BYTES,
    storage: Storage = IN_MEMORY,
) -> Layers | Sums:
    """Return what keeps the parts of a stack: layers, or sums where those take too much memory.

    Parameters
    ----------
    chips : sequence of Chip
    shape : tuple of int
        (ny, nx) of the mosaic.
    room : int
        How much layers may take, bytes.
    storage : Storage
    """
    boxes = boxes_of(chips)
    if _HALF.itemsize * sum(box.area for box in boxes.values()) <= room:
        return Layers(chips, storage)
    return Sums(shape, len(boxes), storage)
