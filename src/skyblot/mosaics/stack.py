"""Stacks of exposures on the mosaic's pixels, tile by tile: robust ones, and running sums."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from ..bands import each_done
from ..bounds import Bounds
from ..errors import quiet
from ..kernels.interpolants import interpolant
from ..kernels.stack import add_layer, clipped_median, fill_bad, mean_of_others, minmed, settle
from ..resampling.window import Window
from .chips import Chip

#: Side of a tile of the mosaic. Windows of exposures at any roll angle stay small with it.
TILE = 512
#: Up to so many exposures a stack takes minima, where medians are too high.
MOST_FOR_MINIMA = 5
#: A minimum is taken where the median is so many sigma above it, and beside such pixels:
#: AstroDrizzle's defaults (combine_nsigma); of two exposures, where they differ by so many.
HIGH = 4.0
LOW = 3.0
PAIR = 3.0
#: What a stack of more exposures clips above its median, in sigma.
CLIP = 4.0
#: Where exposures are interpolated for a stack.
INTERPOLANT = "poly5"

#: Of the pixels of a stack.
_DTYPE = np.dtype(np.float32)


@dataclass(frozen=True)
class Stack:
    """A robust stack.

    Attributes
    ----------
    data : ndarray of float32, shape (ny, nx)
        NaN where no exposure has a pixel.
    counts : ndarray of uint16, shape (ny, nx)
        How many have one.
    """

    data: np.ndarray
    counts: np.ndarray

    @classmethod
    def empty(cls, shape: tuple[int, int], exposures: int) -> "Stack":
        """Return one that is to be filled, of so many exposures at most."""
        return cls(np.empty(shape, np.float32), np.zeros(shape, _counter(exposures)))


@dataclass(frozen=True)
class Sums:
    """Running sums of exposures.

    Attributes
    ----------
    sums, weights : ndarray of float32, shape (ny, nx)
        Of weight times value, and of weights.
    counts : ndarray of uint16, shape (ny, nx)
        How many exposures have a pixel.
    """

    sums: np.ndarray
    weights: np.ndarray
    counts: np.ndarray

    @classmethod
    def empty(cls, shape: tuple[int, int], exposures: int) -> "Sums":
        """Return sums of nothing, for so many exposures at most."""
        counts = np.zeros(shape, _counter(exposures))
        return cls(np.zeros(shape, np.float32), np.zeros(shape, np.float32), counts)


@dataclass(frozen=True)
class Others:
    """The mean of all exposures but one, made where it is sliced.

    Where no other has a pixel that was not rejected it is the robust stack of all.

    Attributes
    ----------
    of : Sums
        Of all exposures.
    stack : ndarray of float32, shape (ny, nx)
        The robust stack.
    chips : tuple of Chip
        Those of the exposure that is left out.
    """

    of: Sums
    stack: np.ndarray
    chips: tuple[Chip, ...]
    dtype: Any = _DTYPE
    concurrent: bool = True

    @property
    def shape(self) -> tuple[int, ...]:
        """(ny, nx)."""
        return self.of.sums.shape

    def __getitem__(self, key: tuple[slice, slice]) -> np.ndarray:
        bounds = Bounds.of_slices(key, self.of.sums.shape)
        out = np.empty(bounds.shape, np.float32)
        own = layer_of(self.chips, bounds)
        at = bounds.slices
        weight = weight_of(self.chips)
        sums = self.of
        mean_of_others(own, weight, sums.sums[at], sums.weights[at], sums.counts[at], out)
        np.copyto(out, self.stack[at], where=np.isnan(out))
        return out


def fill_stack(stack: Stack, chips: Sequence[Chip], threads: int) -> Iterator[Bounds]:
    """Stack exposures so that cosmic rays are not in it, and yield each tile when it is done.

    Parameters
    ----------
    stack : Stack
        To be filled.
    chips : sequence of Chip
        Those of one exposure beside each other.
    threads : int
    """
    shape = stack.data.shape

    def work(tile: Bounds) -> None:
        around = tile.grown(1).overlap(Bounds.whole(shape))  # a minimum looks at its neighbours
        layers = list(layers_of(chips, around))
        out = np.full(around.shape, np.nan, np.float32)
        number = np.zeros(around.shape, stack.counts.dtype)
        if layers:
            cube = np.stack([layer for _, layer in layers])
            lines = np.array([line_of(members) for members, _ in layers])
            if len(layers) <= MOST_FOR_MINIMA:
                minmed(cube, lines, HIGH, LOW, PAIR, out, number)
            else:
                clipped_median(cube, lines, CLIP, out, number)
        inside = tile.within(around).slices
        stack.data[tile.slices] = out[inside]
        stack.counts[tile.slices] = number[inside]

    yield from each_done(tiles_of(shape), work, threads)


def fill_sums(sums: Sums, chips: Sequence[Chip], threads: int) -> Iterator[Bounds]:
    """Add exposures up, without the pixels that were rejected; arguments are as of `fill_stack`."""

    def work(tile: Bounds) -> None:
        at = tile.slices
        for members, layer in layers_of(chips, tile):
            add_layer(layer, weight_of(members), sums.sums[at], sums.weights[at], sums.counts[at])

    yield from each_done(tiles_of(sums.counts.shape), work, threads)


def _counter(most: int) -> Any:
    """The smallest type that counts as far."""
    return np.min_scalar_type(most)


def tiles_of(shape: tuple[int, int], side: int = TILE) -> list[Bounds]:
    """Return the tiles of a mosaic, row by row."""
    ny, nx = shape
    return [
        Bounds(y0, min(y0 + side, ny), x0, min(x0 + side, nx))
        for y0 in range(0, ny, side)
        for x0 in range(0, nx, side)
    ]


def layers_of(chips: Sequence[Chip], bounds: Bounds) -> Iterator[tuple[list[Chip], np.ndarray]]:
    """Yield the chips of each exposure that touch a part of the mosaic, and their pixels there."""
    near = [chip for chip in chips if chip.box.overlap(bounds).area]
    for _, members in groupby(near, key=lambda chip: chip.exposure):
        mine = list(members)
        yield mine, layer_of(mine, bounds)


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
    """Return how the variance of an exposure's pixels grows: of its noisiest chip."""
    return max(chip.line for chip in chips)


def weight_of(chips: Sequence[Chip]) -> float:
    """Return what an exposure counts in a mean: the inverse of its sky's variance."""
    return 1.0 / line_of(chips)[0]


def resampled(chip: Chip, part: Bounds) -> np.ndarray:
    """Return a chip's pixels on a part of the mosaic in its box, NaN where it has none."""
    out = np.full(part.shape, np.nan, np.float32)
    x, y = positions(chip, part)
    ny, nx = chip.shape
    with np.errstate(invalid="ignore"):
        inside = (x > -0.5) & (x < nx - 0.5) & (y > -0.5) & (y < ny - 0.5)
    if not inside.any():
        return out
    how = interpolant(INTERPOLANT)
    margin = how.margin + 1
    xs = x[inside]
    ys = y[inside]
    bounds = Bounds(
        math.floor(ys.min()) - margin,
        math.ceil(ys.max()) + margin + 1,
        math.floor(xs.min()) - margin,
        math.ceil(xs.max()) + margin + 1,
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
    x = np.empty((inner.shape[0], chip.box.shape[1]))
    y = np.empty_like(x)
    assert chip.inverse is not None
    with quiet():
        chip.inverse.rows(inner.y0, x, y)
    columns = slice(inner.x0, inner.x1)
    return np.ascontiguousarray(x[:, columns]), np.ascontiguousarray(y[:, columns])
