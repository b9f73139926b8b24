"""A chip as an image of blocks: its sky and what is large in it."""

import math
from dataclasses import dataclass

import numpy as np

from ..bands import for_each_band
from ..errors import not_allowed
from ..kernels.blocks import block_means

#: A chip has about so many blocks along its longer side ...
_BLOCKS = 64
#: ... of so many pixels at least and at most.
_SMALLEST = 16
_LARGEST = 64
#: A block with less than this part of its pixels says nothing.
_LEAST_GOOD = 0.25
#: The sky of a chip are the blocks within so many standard deviations of the most common level.
_SKY = 2.0
#: What the middle of a normal distribution within 2 standard deviations has for its standard
#: deviation.
_CLIPPED_WIDTH = 1.1368
#: The standard deviation of normal numbers over the median of their distances from the middle.
_NORMAL = 1.4826
_ROUNDS = 20


@dataclass(frozen=True)
class Binned:
    """Levels of a chip, block by block.

    Attributes
    ----------
    values, errors : ndarray, float64, shape (rows, columns)
        Level of each block, in units of the chip, and its standard deviation; NaN where too few
        pixels are good.
    x, y : ndarray, float64, shapes (columns,) and (rows,)
        Middles of the blocks, 0-based pixels of the chip.
    block : int
        Pixels of a block, each way.
    shape : tuple of int
        (ny, nx) of the chip.
    """

    values: np.ndarray
    errors: np.ndarray
    x: np.ndarray
    y: np.ndarray
    block: int
    shape: tuple[int, int]


def block_size(shape: tuple[int, int]) -> int:
    """Return how many pixels, each way, the blocks of a chip have: 16, 32 or 64.

    A chip that is smaller is one block across.

    Examples
    --------
    >>> block_size((2051, 4096)), block_size((2048, 2048)), block_size((10, 80))
    (64, 32, 10)
    """
    size = _SMALLEST
    while size < _LARGEST and max(shape) >= 1.5 * size * _BLOCKS:
        size *= 2
    return min(size, *shape)


def bin_chip(
    data: np.ndarray, good: np.ndarray, block: int | None = None, threads: int = 1
) -> Binned:
    """Return the levels of a chip's blocks.

    A level is the mean of the good pixels within three standard deviations of it, found from the
    median on: a mean is nearer than a median to the mean of counts, which are skewed.

    Parameters
    ----------
    data : ndarray, shape (ny, nx)
    good : ndarray of bool, shape (ny, nx)
        Pixels that count, if they are finite.
    block : int, optional
        Pixels of a block, each way; by default as `block_size` says. Blocks are whole: what is left
        at the edges, half of it at each, is in none.
    threads : int
        The result does not depend on it.
    """
    shape = (int(data.shape[0]), int(data.shape[1]))
    if block is None:
        block = block_size(shape)
    if not 1 <= block <= min(shape):
        raise not_allowed("block", block, f"a whole number of pixels, 1 to {min(shape)}")
    kind = np.float32 if data.dtype.kind == "f" and data.dtype.itemsize <= 4 else np.float64
    counts = tuple(size // block for size in shape)
    first_y, first_x = (
        (size - count * block) // 2 for size, count in zip(shape, counts, strict=True)
    )
    values = np.empty(counts)
    errors = np.empty(counts)
    fewest = max(1, math.ceil(_LEAST_GOOD * block**2))

    def work(row0: int, row1: int) -> None:
        rows = slice(first_y + row0 * block, first_y + row1 * block)
        columns = slice(first_x, first_x + counts[1] * block)
        # in this machine's order of bytes
        part = np.ascontiguousarray(data[rows, columns], dtype=kind)
        usable = np.ascontiguousarray(good[rows, columns], dtype=bool)
        block_means(part, usable, block, fewest, values[row0:row1], errors[row0:row1])

    for_each_band(counts, work, threads, rows=1)
    middle = (block - 1) / 2
    x = first_x + block * np.arange(counts[1]) + middle
    y = first_y + block * np.arange(counts[0]) + middle
    return Binned(values, _floored(errors), x, y, block, shape)


def _floored(errors: np.ndarray) -> np.ndarray:
    """Errors of which none is far below the others: equal pixels are stuck, not exact."""
    known = errors[errors > 0]
    least = 0.1 * float(np.median(known)) if len(known) else 1.0
    return np.where(np.isnan(errors), np.nan, np.maximum(errors, least))


def sky_level(values: np.ndarray, errors: np.ndarray) -> tuple[float, float]:
    """Return the most common level of blocks, and its error; NaN where no block has one.

    What is brighter than the sky is in more blocks than what is darker: the width is that of the
    blocks below, and those within two standard deviations of the middle make the next middle, until
    it stays.
    """
    known = np.isfinite(values)
    if not known.any():
        return math.nan, math.nan
    values = values[known]
    errors = errors[known]
    middle = float(np.median(values))
    width = _NORMAL * float(np.median(middle - values[values <= middle]))
    least = 0.5 * float(np.median(errors))
    for _ in range(_ROUNDS):
        width = max(width, least)
        near = np.abs(values - middle) <= _SKY * width
        if not near.any():
            break
        before = middle
        weights = 1.0 / errors[near] ** 2
        middle = float(np.average(values[near], weights=weights))
        below = near & (values <= middle)
        if below.any():
            width = _CLIPPED_WIDTH * float(np.sqrt(np.mean((values[below] - middle) ** 2)))
        if abs(middle - before) <= 1e-6 * width:
            break
    return middle, width / math.sqrt(max(int(np.count_nonzero(near)), 1))
