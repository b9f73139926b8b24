"""Stacks of exposures on the mosaic's pixels, tile by tile: robust ones, and running sums."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..bands import each_done
from ..bounds import Bounds
from ..errors import quiet
from ..kernels.interpolants import interpolant
from ..kernels.stack import (
    FILLED,
    add_layer,
    clear_outliers,
    clipped_median,
    fill_bad,
    mean_of_others,
    minmed,
    settle,
    touched,
)
from ..resampling.window import Window
from .chips import Chip, by_exposure

#: Side of a tile of the mosaic. Windows of exposures at any roll angle stay small with it.
TILE = 512
#: Where there are many exposures tiles are smaller, so that layers take no more than this, bytes.
_LAYER_BYTES = 64 << 20
_LEAST_TILE = 64
#: Up to so many exposures a stack takes minima, where medians are too high.
MOST_FOR_MINIMA = 5
#: A minimum is taken where the median is so many sigma above it, and beside such pixels:
#: AstroDrizzle's defaults (combine_nsigma); of two exposures, where they differ by so many.
HIGH = 4.0
LOW = 3.0
PAIR = 3.0
#: What a stack of more exposures clips above its median, in sigma.
CLIP = 4.0
#: What is no outlier in a mean of the others: a seed and its neighbours, in sigma.
OUTLIER = (4.0, 3.0)
#: Pixels around, on which it depends whether one is an outlier.
_REACH = 3
#: Where exposures are interpolated for a stack.
INTERPOLANT = "poly5"


@dataclass(frozen=True)
class Stack:
    """A robust stack, and sums without what is far from it.

    Attributes
    ----------
    data : ndarray of float32, shape (ny, nx)
        NaN where no exposure has a pixel.
    counts : ndarray of int, shape (ny, nx)
        How many exposures have one.
    sums, weights : ndarray of float32, shape (ny, nx)
        Of weight times value, and of weights, without outliers.
    clean : ndarray of int, shape (ny, nx)
        How many exposures are in the sums.
    """

    data: np.ndarray
    counts: np.ndarray
    sums: np.ndarray
    weights: np.ndarray
    clean: np.ndarray

    @classmethod
    def empty(cls, shape: tuple[int, int], exposures: int) -> "Stack":
        """Return one that is to be filled, of so many exposures at most."""
        counter = np.min_scalar_type(exposures)
        return cls(
            np.empty(shape, np.float32),
            np.zeros(shape, counter),
            np.zeros(shape, np.float32),
            np.zeros(shape, np.float32),
            np.zeros(shape, counter),
        )


@dataclass(frozen=True)
class Others:
    """The mean of all exposures but one, made where it is sliced.

    Where no other has a pixel that is no outlier it is the robust stack of all.

    Attributes
    ----------
    stack : Stack
        Of all exposures.
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
        around = bounds.grown(_REACH).overlap(Bounds.whole(stack.data.shape))
        own = layer_of(self.chips, around)
        cleared = cleared_layer(self.chips, own, stack.data[around.slices])
        out = np.empty(bounds.shape, np.float32)
        at = bounds.slices
        mean_of_others(
            cleared[bounds.within(around).slices],
            weight_of(self.chips),
            stack.sums[at],
            stack.weights[at],
            stack.clean[at],
            out,
        )
        np.copyto(out, stack.data[at], where=np.isnan(out))
        return out


def fill_stack(
    stack: Stack, chips: Sequence[Chip], threads: int, side: int | None = None
) -> Iterator[Bounds]:
    """Stack exposures so that cosmic rays are not in it, and yield each tile when it is done.

    Parameters
    ----------
    stack : Stack
        To be filled.
    chips : sequence of Chip
    threads, side : int
        How many tiles at once, and how large; no value depends on them.
    """
    shape = stack.data.shape

    def work(tile: Bounds) -> None:
        # a minimum looks at its neighbours, and so do outliers
        around = tile.grown(_REACH + 1).overlap(Bounds.whole(shape))
        members = members_on(chips, around)
        layers = np.empty((len(members), *around.shape), np.float32)
        for layer, mine in zip(layers, members, strict=True):
            layer[:] = layer_of(mine, around)
        out, number = _combined(members, layers)
        inside = tile.within(around).slices
        at = tile.slices
        stack.data[at] = out[inside]
        stack.counts[at] = number[inside]
        for layer, mine in zip(layers, members, strict=True):
            cleared = cleared_layer(mine, layer, out)[inside]
            sums = (stack.sums[at], stack.weights[at], stack.clean[at])
            add_layer(cleared, weight_of(mine), *sums)

    yield from each_done(tiles_of(shape, side or side_for(chips)), work, threads)


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


def cleared_layer(chips: Sequence[Chip], layer: np.ndarray, stack: np.ndarray) -> np.ndarray:
    """Return a layer without what is far from the stack: right but for `_REACH` pixels around."""
    out = np.empty_like(layer)
    scale = chips[0].instrument.scale
    clear_outliers(layer, stack, np.array(line_of(chips)), OUTLIER, scale, out)
    return out


def side_for(chips: Sequence[Chip]) -> int:
    """Return the side of tiles of which all exposures' layers have room in memory."""
    side = TILE
    exposures = len({chip.exposure for chip in chips})
    while side > _LEAST_TILE and 4 * exposures * side**2 > _LAYER_BYTES:
        side //= 2
    return side


def tiles_of(shape: tuple[int, int], side: int) -> list[Bounds]:
    """Return the tiles of a mosaic, row by row."""
    ny, nx = shape
    return [
        Bounds(y0, min(y0 + side, ny), x0, min(x0 + side, nx))
        for y0 in range(0, ny, side)
        for x0 in range(0, nx, side)
    ]


def members_on(chips: Sequence[Chip], bounds: Bounds) -> list[list[Chip]]:
    """Return the chips of each exposure that touches a part of the mosaic: all of its chips."""
    return [
        mine for mine in by_exposure(chips) if any(chip.box.overlap(bounds).area for chip in mine)
    ]


def layer_of(chips: Sequence[Chip], bounds: Bounds) -> np.ndarray:
    """Return the pixels of one exposure on a part of the mosaic, float32, NaN where it has none."""
    layer = np.full(bounds.shape, np.nan, np.float32)
    for chip in chips:
        part = chip.box.overlap(bounds)
        if part.area:
            values = resampled(chip, part)
            inside = layer[part.within(bounds).slices]
            np.copyto(inside, values, where=np.isfinite(values))
    return layer


def line_of(chips: Sequence[Chip]) -> tuple[float, float]:
    """Return how the variance of an exposure's pixels grows: that of its noisiest chip.

    All its chips are asked: it must not depend on which lie on a tile.
    """
    return max(chip.line for chip in chips)


def weight_of(chips: Sequence[Chip]) -> float:
    """Return what an exposure counts in a mean: the inverse of its sky's variance."""
    return 1.0 / line_of(chips)[0]


def resampled(chip: Chip, part: Bounds) -> np.ndarray:
    """Return a chip's pixels on a part of the mosaic in its box, NaN where it has none."""
    out = np.full(part.shape, np.nan, np.float32)
    x, y = positions(chip, part)
    edges = np.empty(4)
    if not touched(x, y, chip.shape, edges):
        return out
    how = interpolant(INTERPOLANT)
    margin = how.margin + FILLED
    low_y, high_y, low_x, high_x = edges
    bounds = Bounds(
        math.floor(low_y) - margin,
        math.ceil(high_y) + margin + 1,
        math.floor(low_x) - margin,
        math.ceil(high_x) + margin + 1,
    ).overlap(Bounds.whole(chip.shape))
    data, good = chip.window(bounds)
    filled = np.empty_like(data)
    fill_bad(data, good, filled)
    Window(filled, bounds.origin, chip.shape, how).resample(x, y, out, 1.0, 0.0, math.nan)
    settle(filled, good, np.array(bounds.origin), x, y, math.sqrt(chip.line[0]), out)
    return out


def positions(chip: Chip, part: Bounds) -> tuple[np.ndarray, np.ndarray]:
    """Return where pixels of a chip's box lie on the chip; both float64."""
    inner = part.within(chip.box)
    x = np.empty(inner.shape)
    y = np.empty(inner.shape)
    assert chip.inverse is not None
    with quiet():
        chip.inverse.rows(inner.y0, x, y, inner.x0)
    return x, y
