"""Stacks of exposures on the mosaic's pixels, tile by tile."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..bands import each_done
from ..bounds import Bounds
from ..kernels.stack import clipped_median, minmed
from .chips import Chip, by_exposure
from .layers import REACH, cleared_layer, layer_of, line_of
from .others import Layers, Sums
from .storage import IN_MEMORY, Storage

#: Rows and columns of a tile of the mosaic. Windows of exposures at any roll angle stay small with
#: it, and each of their rows is a read by itself.
TILE = (256, 1024)
#: Where there are many exposures tiles are smaller, so that layers take no more than this, bytes.
_LAYER_BYTES = 64 << 20
_LEAST_ROWS = 32
#: Up to so many exposures a stack takes minima, where medians are too high.
MOST_FOR_MINIMA = 5
#: A minimum is taken where the median is so many sigma above it, and beside such pixels:
#: AstroDrizzle's defaults (combine_nsigma); of two exposures, where they differ by so many.
HIGH = 4.0
LOW = 3.0
PAIR = 3.0
#: What a stack of more exposures clips above its median, in sigma.
CLIP = 4.0


@dataclass(frozen=True)
class Stack:
    """A robust stack, and what it takes to leave one exposure out.

    Attributes
    ----------
    data : ndarray of float32, shape (ny, nx)
        NaN where no exposure has a pixel.
    counts : ndarray of int, shape (ny, nx)
        How many exposures have one.
    parts : Layers, Sums or None
        What the exposures put in, without what is far from the stack; None: only the stack is
        wanted.
    """

    data: np.ndarray
    counts: np.ndarray
    parts: Layers | Sums | None = None

    @classmethod
    def empty(
        cls,
        shape: tuple[int, int],
        exposures: int,
        parts: Layers | Sums | None = None,
        storage: Storage = IN_MEMORY,
    ) -> "Stack":
        """Return one that is to be filled, of so many exposures at most."""
        data = storage.zeros("stack", shape, np.float32)
        return cls(data, storage.zeros("counts", shape, np.min_scalar_type(exposures)), parts)


@dataclass(frozen=True)
class Others:
    """The mean of all exposures but one, made where it is sliced.

    Where no other has a pixel that is no outlier it is the robust stack of all.

    Attributes
    ----------
    stack : Stack
        Of all exposures, with its parts.
    chips : tuple of Chip
        Those of the exposure that is left out.
    """

    stack: Stack
    chips: tuple[Chip, ...]
    concurrent: ClassVar[bool] = True
    dtype: ClassVar[np.dtype] = np.dtype(np.float32)

    @property
    def shape(self) -> tuple[int, ...]:
        """(ny, nx)."""
        return self.stack.data.shape

    def __getitem__(self, key: tuple[slice, slice]) -> np.ndarray:
        stack = self.stack
        bounds = Bounds.of_slices(key, stack.data.shape)
        assert stack.parts is not None
        out = stack.data[bounds.slices].copy()
        stack.parts.put_mean_without(self.chips, bounds, stack.data, out)
        return out


def fill_stack(
    stack: Stack, chips: Sequence[Chip], threads: int, tiles: Sequence[Bounds] | None = None
) -> Iterator[Bounds]:
    """Stack exposures so that cosmic rays are not in it, and yield each tile when it is done.

    Parameters
    ----------
    stack : Stack
        To be filled.
    chips : sequence of Chip
    threads : int
        How many tiles at once.
    tiles : sequence of Bounds, optional
        By default all of the mosaic. No value depends on how large they are.
    """
    shape = stack.data.shape

    def work(part: Bounds) -> None:
        # a minimum looks at its neighbours, and so do outliers
        around = part.grown(REACH + 1).overlap(Bounds.whole(shape))
        members = members_on(chips, around)
        layers = np.empty((len(members), *around.shape), np.float32)
        for layer, mine in zip(layers, members, strict=True):
            layer[:] = layer_of(mine, around)
        out, number = _combined(members, layers)
        inside = part.within(around).slices
        at = part.slices
        stack.data[at] = out[inside]
        stack.counts[at] = number[inside]
        if stack.parts is None:
            return
        for layer, mine in zip(layers, members, strict=True):
            cleared = cleared_layer(mine, layer, out)[inside]
            stack.parts.add(mine, cleared, part, stack.data[at])

    wanted = tiles_of(shape, tile_for(chips)) if tiles is None else tiles
    yield from each_done(wanted, work, threads)


def _combined(
    members: Sequence[Sequence[Chip]], layers: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The robust stack of layers, and how many of them have each pixel: it decides on the kind."""
    shape = layers.shape[1:]
    out = np.full(shape, np.nan, np.float32)
    number = np.zeros(shape, np.min_scalar_type(len(layers)))
    if not members:
        return out, number
    lines = np.array([line_of(mine) for mine in members])
    if len(layers) <= MOST_FOR_MINIMA:
        minmed(layers, lines, HIGH, LOW, PAIR, out, number)
        return out, number
    clipped_median(layers, lines, CLIP, out, number)
    few = (number > 0) & (number <= MOST_FOR_MINIMA)
    if few.any():
        minima = np.empty_like(out)
        minmed(layers, lines, HIGH, LOW, PAIR, minima, number)
        np.copyto(out, minima, where=few)
    return out, number


def tile_for(chips: Sequence[Chip]) -> tuple[int, int]:
    """Return rows and columns of tiles of which all exposures' layers have room in memory."""
    rows, columns = TILE
    exposures = len({chip.exposure for chip in chips})
    while rows > _LEAST_ROWS and 4 * exposures * rows * columns > _LAYER_BYTES:
        rows //= 2
        columns //= 2
    return rows, columns


def tiles_of(shape: tuple[int, int], tile: tuple[int, int]) -> list[Bounds]:
    """Return the tiles of a mosaic, row by row."""
    ny, nx = shape
    rows, columns = tile
    return [
        Bounds(y0, min(y0 + rows, ny), x0, min(x0 + columns, nx))
        for y0 in range(0, ny, rows)
        for x0 in range(0, nx, columns)
    ]


def members_on(chips: Sequence[Chip], bounds: Bounds) -> list[list[Chip]]:
    """Return the chips of each exposure that touches a part of the mosaic: all of its chips."""
    return [
        mine for mine in by_exposure(chips) if any(chip.box.overlap(bounds).area for chip in mine)
    ]
