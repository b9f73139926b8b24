"""Drizzle kernels: input pixels are dropped onto tiles of a mosaic.

Weights and weighted values are added up in an order that the exposure alone decides: rows of input
pixels, runs of `LANES` of their columns, then cells of the drops. Where a tile or a window of the
exposure ends changes no bit.
"""

import numpy as np
from numba import njit

from .compiling import kernel
from .overlaps import (
    COLUMN,
    FAST,
    GAIN,
    LANES,
    PART,
    RIGHT,
    ROW,
    SIZE,
    TOP,
    VALUE,
    VARIANCE,
    WEIGHT,
    X0,
    X1,
    X2,
    X3,
    Y0,
    Y1,
    Y2,
    Y3,
    enter_row,
    find_slopes,
    place,
    shrink,
    square_up,
    to_points,
    weigh,
    weigh_upright,
)

#: Rows of input pixels that are outlined together, `LANES` columns of them at a time.
BLOCK = 16
#: Cells around a tile that are written to and do not count: drops up to that size need no checks.
MARGIN = 8
SQUARE, TURBO, POINT = range(3)


@kernel
def outline(corners, first, low, high):
    """Fill `low` and `high` (rows, columns) with the extremes of blocks of corners; NaN is none.

    Columns of blocks end at multiples of `LANES`, counted from `first` columns before the window.
    """
    width = corners.shape[1]
    least = np.empty(width)
    most = np.empty(width)
    for row in range(low.shape[0]):
        least[:] = np.inf
        most[:] = -np.inf
        for i in range(row * BLOCK, min((row + 1) * BLOCK + 1, corners.shape[0])):
            _widen(corners[i], least, most)
        for column in range(low.shape[1]):
            start = max(column * LANES - first, 0)
            end = min((column + 1) * LANES - first, width - 1) + 1
            low[row, column] = least[start:end].min()
            high[row, column] = most[start:end].max()


@njit(**FAST)
def _widen(values, least, most):
    for j in range(values.size):
        value = values[j]
        least[j] = value if value < least[j] else least[j]
        most[j] = value if value > most[j] else most[j]


@kernel
def drop_pixels(data, weight, cx, cy, variances, blocks, first, tile, drop, cells):
    """Add to a tile what pixels drop there.

    Parameters
    ----------
    data, weight : (ny, nx)
    cx, cy : (ny + 1, nx + 1), float64
        Corners of the pixels on the mosaic.
    variances : (n, ny, nx)
    blocks : (4, rows, columns)
        Left, right, lower and upper end of blocks of pixels, by `outline`; `first` as there.
    tile : (y0, y1, x0, x1) of the mosaic, half-open.
    drop : (kernel, pixfrac, scale); with scale 0 every pixel of `TURBO` has its own.
    cells : (rows, columns, 2 + n)
        float64, with `MARGIN` cells more on each side: sums of weight, of weight and value, of
        squared weight and variances.

    Returns
    -------
    y0, y1, x0, x1 : int
        Of the tile's cells, counted from its first, no others have anything; all 0 where none has.
    """
    buffer = np.zeros(SIZE)
    places = np.zeros(LANES, np.int64)
    depth = cells.shape[2]
    flat = cells.reshape(-1)
    stride = cells.shape[1]
    touched = False
    extremes = np.array([np.inf, -np.inf, np.inf, -np.inf])
    for block in range(blocks.shape[1]):
        k0, k1 = _touching(blocks[:, block], tile, extremes)
        for i in range(block * BLOCK, min((block + 1) * BLOCK, data.shape[0]) if k0 < k1 else 0):
            for k in range(k0, k1):
                start = k * LANES - first
                _load(buffer, data, weight, cx, cy, variances, i, start)
                _shape(buffer, drop)
                place(buffer, tile)
                tall, wide = _extent(buffer, places, tile, stride)
                if tall > 0:
                    touched = True
                    reach = tall, wide, stride
                    _fill(
                        buffer,
                        places,
                        drop[0],
                        reach,
                        tile,
                        flat,
                        depth,
                        variances,
                        i,
                        start,
                    )
    return _touched(extremes, tile) if touched else (0, 0, 0, 0)


@njit(**FAST)
def _touching(blocks, tile, extremes):
    """First and last block of a row of them that may touch a tile, half-open; widen `extremes`."""
    y0, y1, x0, x1 = tile
    k0 = blocks.shape[1]
    k1 = 0
    for k in range(blocks.shape[1]):
        across = blocks[0, k] < x1 and blocks[1, k] > x0 - 1
        if across and blocks[2, k] < y1 and blocks[3, k] > y0 - 1:
            k0 = min(k0, k)
            k1 = k + 1
            for end in (0, 2):
                extremes[end] = min(extremes[end], blocks[end, k])
                extremes[end + 1] = max(extremes[end + 1], blocks[end + 1, k])
    return k0, k1


@njit(**FAST)
def _touched(extremes, tile):
    """Cells of a tile within extremes, and those around: (y0, y1, x0, x1) from its first."""
    y0, y1, x0, x1 = tile
    left = np.int64(max(extremes[0] - 1, x0))
    right = np.int64(min(extremes[1] + 2, x1))
    low = np.int64(max(extremes[2] - 1, y0))
    high = np.int64(min(extremes[3] + 2, y1))
    return low - y0, high - y0, left - x0, right - x0


@njit(**FAST)
def _load(buffer, data, weight, cx, cy, variances, i, start):
    """Fill the buffer with pixels of row i from column `start` on; what is none has no weight."""
    a = max(-start, 0)
    b = min(LANES, data.shape[1] - start)
    for k in range(LANES):
        buffer[WEIGHT + k] = 0.0
    _copy(buffer, WEIGHT, weight, i, start, a, b)
    _copy(buffer, VALUE, data, i, start, a, b)
    if variances.shape[0] > 0:
        _copy(buffer, VARIANCE, variances[0], i, start, a, b)
    _copy(buffer, X0, cx, i, start, a, b)
    _copy(buffer, X1, cx, i, start + 1, a, b)
    _copy(buffer, X2, cx, i + 1, start + 1, a, b)
    _copy(buffer, X3, cx, i + 1, start, a, b)
    _copy(buffer, Y0, cy, i, start, a, b)
    _copy(buffer, Y1, cy, i, start + 1, a, b)
    _copy(buffer, Y2, cy, i + 1, start + 1, a, b)
    _copy(buffer, Y3, cy, i + 1, start, a, b)


@njit(**FAST)
def _copy(buffer, at, values, i, start, a, b):
    """Copy values to places `a` to `b`; by indices that cannot be below 0, which is much faster."""
    row = np.uint64(i)
    to = np.uint64(at + a)
    base = np.uint64(start + a)
    for k in range(np.uint64(b - a)):
        buffer[to + k] = values[row, base + k]


@njit(**FAST)
def _shape(buffer, drop):
    """Make drops of the pixels."""
    kind, pixfrac, scale = drop
    if kind == POINT:
        to_points(buffer)
    elif kind == TURBO:
        square_up(buffer, pixfrac, scale)
    elif pixfrac != 1.0:
        shrink(buffer, pixfrac)


@njit(**FAST)
def _extent(buffer, places, tile, width):
    """Fill `places` with the cells that drops begin in; return how many they reach, (y, x).

    None, where no drop touches the tile. What pixels elsewhere reach counts too: it then is the
    same for all tiles.
    """
    y0, _, x0, _ = tile
    tall = np.int64(0)
    wide = np.int64(0)
    touching = np.int64(0)
    for k in range(LANES):
        tall = max(tall, np.int64(np.ceil(buffer[TOP + k])))
        wide = max(wide, np.int64(np.ceil(buffer[RIGHT + k])))
        touching += np.int64(buffer[GAIN + k] != 0.0)
    for k in range(LANES):
        row = np.int64(buffer[ROW + k]) - (y0 - MARGIN)
        places[k] = row * width + (np.int64(buffer[COLUMN + k]) - (x0 - MARGIN))
    return (tall, wide) if touching > 0 else (np.int64(0), np.int64(0))


@njit(**FAST)
def _fill(buffer, places, kind, reach, tile, flat, depth, variances, i, start):
    """Add drops to their cells: a row of those after the other, each from its right end."""
    y0, y1, x0, x1 = tile
    tall, wide, stride = reach
    small = max(tall, wide) <= MARGIN
    r0, r1 = (np.int64(0), tall) if small else _within(buffer, ROW, y0, y1, tall)
    c0, c1 = (np.int64(0), wide) if small else _within(buffer, COLUMN, x0, x1, wide)
    if kind == SQUARE:
        find_slopes(buffer)
    for r in range(r0, r1):
        if kind == SQUARE:
            enter_row(buffer, r)
            if c1 < wide:
                weigh(buffer, c1)
        for c in range(c1 - 1, c0 - 1, -1):
            if kind == SQUARE:
                weigh(buffer, c)
            else:
                weigh_upright(buffer, r, c)
            offset = r * stride + c
            if not small:
                _keep_within(buffer, r, c, tile)
            if small and depth == 2:
                _add(buffer, places, offset, flat)
            elif small and depth == 3:
                _add_with_variance(buffer, places, offset, flat)
            else:
                _add_with_noise(buffer, places, offset, flat, depth, variances, i, start)


@njit(**FAST)
def _within(buffer, cells, low, high, extent):
    """Which rows, or columns, of drops are within a tile, half-open."""
    first = extent
    end = np.int64(0)
    for k in range(LANES):
        if buffer[GAIN + k] != 0.0:
            cell = np.int64(buffer[cells + k])
            first = min(first, max(low - cell, 0))
            end = max(end, min(high - cell, extent))
    return first, end


@njit(**FAST)
def _keep_within(buffer, r, c, tile):
    """Leave out what drops, that are larger than the margin, put outside a tile."""
    y0, y1, x0, x1 = tile
    for k in range(LANES):
        row = buffer[ROW + k] + r
        column = buffer[COLUMN + k] + c
        if row < y0 or row >= y1 or column < x0 or column >= x1:
            buffer[PART + k] = 0.0


@njit(**FAST)
def _add(buffer, places, offset, flat):
    for k in range(LANES):
        at = 2 * (places[k] + offset)
        part = buffer[PART + k]
        flat[at] += part
        flat[at + 1] += part * buffer[VALUE + k]


@njit(**FAST)
def _add_with_variance(buffer, places, offset, flat):
    for k in range(LANES):
        at = 3 * (places[k] + offset)
        part = buffer[PART + k]
        flat[at] += part
        flat[at + 1] += part * buffer[VALUE + k]
        squared = part * part * buffer[VARIANCE + k]
        flat[at + 2] += squared if part > 0.0 else 0.0  # a variance that is none stays where it is


@njit(**FAST)
def _add_with_noise(buffer, places, offset, flat, depth, variances, i, start):
    """The same for those drops alone that reach a cell, and variances with squared weights."""
    for k in range(LANES):
        part = buffer[PART + k]
        if part > 0.0:
            at = depth * (places[k] + offset)
            flat[at] += part
            flat[at + 1] += part * buffer[VALUE + k]
            for n in range(depth - 2):
                flat[at + 2 + n] += part * part * variances[n, i, start + k]


@kernel
def merge(cells, bit, touched, origin, sums, weights, noises, context):
    """Add the sums of one exposure in a tile to those of all, and set its bit where it counts.

    `touched` are the cells (y0, y1, x0, x1) of the tile, which begins at `origin` (y, x) of the
    sums of all. The tile is emptied.
    """
    y0, y1, x0, x1 = touched
    y, x = origin
    for i in range(y0, y1):
        row = i + MARGIN
        for j in range(x0, x1):
            total = cells[row, MARGIN + j, 0]
            weights[y + i, x + j] += total
            sums[y + i, x + j] += cells[row, MARGIN + j, 1]
            context[y + i, x + j] |= bit if total > 0.0 else np.uint32(0)
        for n in range(noises.shape[0]):
            for j in range(x0, x1):
                noises[n, y + i, x + j] += cells[row, MARGIN + j, 2 + n]
    for row in range(y0, y1 + 2 * MARGIN):
        cells[row, x0 : x1 + 2 * MARGIN] = 0.0
