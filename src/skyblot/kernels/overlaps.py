"""What drops of input pixels cover of the cells of a mosaic, `LANES` pixels of a row at a time.

A quadrilateral's overlap with the cell of column c in a row is, by Green's theorem, what its edges
enclose right of x = c less what they enclose right of x = c + 1. Every drop is counted from a cell
of its own: no rounding comes from its neighbours, and what it does not touch gets exactly 0.

All quantities are in one buffer, at offsets that the compiler knows: of separate arrays it could
not tell that they do not overlap, and would make no vector code.
"""

import numpy as np
from numba import njit

#: Pixels of a row that are dropped together.
LANES = 32

# Offsets. The corners of a drop in turn, at first on the mosaic, then from its own cell:
X0, X1, X2, X3, Y0, Y1, Y2, Y3 = range(0, 8 * LANES, LANES)
VALUE, WEIGHT = range(8 * LANES, 10 * LANES, LANES)
#: The cell that a drop begins in, how large it is, and where it ends, counted from there.
COLUMN, WIDTH, RIGHT, ROW, HEIGHT, TOP = range(10 * LANES, 16 * LANES, LANES)
#: Weight for each unit of area (its sign is that of the area), and the least that is not rounding.
GAIN, LEAST = range(16 * LANES, 18 * LANES, LANES)
#: dx/dy of the edges, and half of dy/dx.
_S0, _S1, _S2, _S3, _H0, _H1, _H2, _H3 = range(18 * LANES, 26 * LANES, LANES)
#: Where the edges enter and leave a row of cells (x), and half of how far they climb within.
_A0, _A1, _A2, _A3, _B0, _B1, _B2, _B3, _D0, _D1, _D2, _D3 = range(26 * LANES, 38 * LANES, LANES)
#: What is enclosed right of the cell at hand; and the weight that falls into the cell.
_BEYOND, PART = range(38 * LANES, 40 * LANES, LANES)
#: The first of the variances.
VARIANCE = 40 * LANES
SIZE = 41 * LANES

#: Drops of more cells along an axis are a map's fault, and count as folded.
_HUGE = 1e3
#: Edges that run less along an axis are taken for straight: the slope would not be finite.
_FLAT = 1e-20
#: Eight times the rounding of one operation: an overlap is a sum of so many products.
_ROUNDING = 2.0**-50

FAST = {"nogil": True, "error_model": "numpy", "boundscheck": False}
_INLINE = {**FAST, "inline": "always"}


@njit(**_INLINE)
def _least(a, b, c, d):
    e = a if a < b else b
    f = c if c < d else d
    return e if e < f else f


@njit(**_INLINE)
def _largest(a, b, c, d):
    e = a if a > b else b
    f = c if c > d else d
    return e if e > f else f


@njit(**FAST)
def shrink(buffer, pixfrac):
    """Move corners towards the middle, as the bilinear map of the pixel does."""
    along = 0.25 * pixfrac
    twist = along * pixfrac
    for first in (X0, Y0):
        for k in range(first, first + LANES):
            p0 = buffer[k]
            p1 = buffer[LANES + k]
            p2 = buffer[2 * LANES + k]
            p3 = buffer[3 * LANES + k]
            middle = 0.25 * ((p0 + p2) + (p1 + p3))
            u = along * ((p1 - p0) + (p2 - p3))
            v = along * ((p3 - p0) + (p2 - p1))
            uv = twist * ((p0 - p1) + (p2 - p3))
            buffer[k] = middle - u - v + uv
            buffer[LANES + k] = middle + u - v - uv
            buffer[2 * LANES + k] = middle + u + v + uv
            buffer[3 * LANES + k] = middle - u + v - uv


@njit(**FAST)
def square_up(buffer, pixfrac, scale):
    """Put upright squares in place of the pixels, about the mean of their corners.

    `scale` is the size of a pixel in cells; where it is 0 each has that of its own area.
    """
    for k in range(LANES):
        x = 0.25 * ((buffer[X0 + k] + buffer[X2 + k]) + (buffer[X1 + k] + buffer[X3 + k]))
        y = 0.25 * ((buffer[Y0 + k] + buffer[Y2 + k]) + (buffer[Y1 + k] + buffer[Y3 + k]))
        across = (buffer[X2 + k] - buffer[X0 + k]) * (buffer[Y3 + k] - buffer[Y1 + k])
        area = 0.5 * abs(
            across - (buffer[X3 + k] - buffer[X1 + k]) * (buffer[Y2 + k] - buffer[Y0 + k])
        )
        size = scale if scale > 0.0 else np.sqrt(area)
        half = 0.5 * pixfrac * size if area > 0.0 else np.nan
        buffer[X0 + k] = x - half
        buffer[X3 + k] = x - half
        buffer[X1 + k] = x + half
        buffer[X2 + k] = x + half
        buffer[Y0 + k] = y - half
        buffer[Y1 + k] = y - half
        buffer[Y2 + k] = y + half
        buffer[Y3 + k] = y + half


@njit(**FAST)
def to_points(buffer):
    """Put the whole cell that the middle of a pixel falls on in place of the pixel."""
    for k in range(LANES):
        x = np.floor(
            0.25 * ((buffer[X0 + k] + buffer[X2 + k]) + (buffer[X1 + k] + buffer[X3 + k])) + 0.5
        )
        y = np.floor(
            0.25 * ((buffer[Y0 + k] + buffer[Y2 + k]) + (buffer[Y1 + k] + buffer[Y3 + k])) + 0.5
        )
        buffer[X0 + k] = x - 0.5
        buffer[X3 + k] = x - 0.5
        buffer[X1 + k] = x + 0.5
        buffer[X2 + k] = x + 0.5
        buffer[Y0 + k] = y - 0.5
        buffer[Y1 + k] = y - 0.5
        buffer[Y2 + k] = y + 0.5
        buffer[Y3 + k] = y + 0.5


@njit(**_INLINE)
def _count_from_cell(buffer, at, cell, size, end):
    """Count one coordinate of the corners from the edge of the cell that the drop begins in."""
    for k in range(LANES):
        p0 = buffer[at + k]
        p1 = buffer[at + LANES + k]
        p2 = buffer[at + 2 * LANES + k]
        p3 = buffer[at + 3 * LANES + k]
        low = _least(p0, p1, p2, p3)
        first = np.floor(low + 0.5)
        p0 = (p0 - first) + 0.5
        p1 = (p1 - first) + 0.5
        p2 = (p2 - first) + 0.5
        p3 = (p3 - first) + 0.5
        high = _largest(p0, p1, p2, p3)
        buffer[at + k] = p0
        buffer[at + LANES + k] = p1
        buffer[at + 2 * LANES + k] = p2
        buffer[at + 3 * LANES + k] = p3
        buffer[cell + k] = first
        buffer[size + k] = high - _least(p0, p1, p2, p3)
        buffer[end + k] = high


@njit(**FAST)
def place(buffer, tile):
    """Count corners from the drops' own cells, and find which drops count on a tile.

    A pixel counts if its weight is above 0 and finite, its value finite, and the Jacobian of its
    bilinear map has one sign at all four corners: else it is folded. `TOP` and `RIGHT` are 0 for
    those that do not; `GAIN` is 0 also for those that do not touch the tile.
    """
    y0, y1, x0, x1 = tile
    _count_from_cell(buffer, X0, COLUMN, WIDTH, RIGHT)
    _count_from_cell(buffer, Y0, ROW, HEIGHT, TOP)
    for k in range(LANES):
        ux = buffer[X1 + k] - buffer[X0 + k]
        uy = buffer[Y1 + k] - buffer[Y0 + k]
        vx = buffer[X2 + k] - buffer[X1 + k]
        vy = buffer[Y2 + k] - buffer[Y1 + k]
        wx = buffer[X3 + k] - buffer[X2 + k]
        wy = buffer[Y3 + k] - buffer[Y2 + k]
        zx = buffer[X0 + k] - buffer[X3 + k]
        zy = buffer[Y0 + k] - buffer[Y3 + k]
        p = zx * uy - ux * zy
        q = ux * vy - vx * uy
        r = vx * wy - wx * vy
        s = wx * zy - zx * wy
        area = 0.25 * ((p + q) + (r + s))
        weight = buffer[WEIGHT + k]
        gain = weight / area
        counts = (weight > 0.0) & (abs(gain) < np.inf) & (abs(buffer[VALUE + k]) < np.inf)
        counts &= (_least(p, q, r, s) > 0.0) | (_largest(p, q, r, s) < 0.0)
        counts &= (buffer[RIGHT + k] < _HUGE) & (buffer[TOP + k] < _HUGE)
        right = buffer[RIGHT + k] if counts else 0.0
        top = buffer[TOP + k] if counts else 0.0
        column = buffer[COLUMN + k]
        row = buffer[ROW + k]
        touches = counts & (row < y1) & (column < x1) & (row + top > y0) & (column + right > x0)
        width = buffer[WIDTH + k]
        height = buffer[HEIGHT + k]
        rounding = _ROUNDING * ((width + 1.0) * height + (height + 1.0) * width)
        buffer[GAIN + k] = gain if touches else 0.0
        buffer[LEAST + k] = rounding * abs(gain)
        buffer[VALUE + k] = buffer[VALUE + k] if touches else 0.0
        buffer[COLUMN + k] = column if touches else x0
        buffer[ROW + k] = row if touches else y0
        buffer[RIGHT + k] = right
        buffer[TOP + k] = top


@njit(**_INLINE)
def _slopes(dx, dy):
    """dx/dy of an edge, and half of dy/dx."""
    inverse = 1.0 / (dx * dy)
    leans = (abs(dx) > _FLAT) & (abs(dy) > _FLAT)
    return (dx * dx * inverse if leans else 0.0), (0.5 * dy * dy * inverse if leans else 0.0)


@njit(**FAST)
def find_slopes(buffer):
    """Fill in the slopes of all edges."""
    for k in range(LANES):
        x0 = buffer[X0 + k]
        x1 = buffer[X1 + k]
        x2 = buffer[X2 + k]
        x3 = buffer[X3 + k]
        y0 = buffer[Y0 + k]
        y1 = buffer[Y1 + k]
        y2 = buffer[Y2 + k]
        y3 = buffer[Y3 + k]
        buffer[_S0 + k], buffer[_H0 + k] = _slopes(x1 - x0, y1 - y0)
        buffer[_S1 + k], buffer[_H1 + k] = _slopes(x2 - x1, y2 - y1)
        buffer[_S2 + k], buffer[_H2 + k] = _slopes(x3 - x2, y3 - y2)
        buffer[_S3 + k], buffer[_H3 + k] = _slopes(x0 - x3, y0 - y3)


@njit(**_INLINE)
def _clamped(y, low, high):
    a = y if y > low else low
    return a if a < high else high


@njit(**FAST)
def enter_row(buffer, row):
    """Clip all edges to a row of cells, at the right end of which nothing is enclosed yet."""
    low = float(row)
    high = low + 1.0
    for k in range(LANES):
        y0 = buffer[Y0 + k]
        y1 = buffer[Y1 + k]
        y2 = buffer[Y2 + k]
        y3 = buffer[Y3 + k]
        c0 = _clamped(y0, low, high)
        c1 = _clamped(y1, low, high)
        c2 = _clamped(y2, low, high)
        c3 = _clamped(y3, low, high)
        buffer[_A0 + k] = buffer[X0 + k] + (c0 - y0) * buffer[_S0 + k]
        buffer[_B0 + k] = buffer[X0 + k] + (c1 - y0) * buffer[_S0 + k]
        buffer[_D0 + k] = 0.5 * (c1 - c0)
        buffer[_A1 + k] = buffer[X1 + k] + (c1 - y1) * buffer[_S1 + k]
        buffer[_B1 + k] = buffer[X1 + k] + (c2 - y1) * buffer[_S1 + k]
        buffer[_D1 + k] = 0.5 * (c2 - c1)
        buffer[_A2 + k] = buffer[X2 + k] + (c2 - y2) * buffer[_S2 + k]
        buffer[_B2 + k] = buffer[X2 + k] + (c3 - y2) * buffer[_S2 + k]
        buffer[_D2 + k] = 0.5 * (c3 - c2)
        buffer[_A3 + k] = buffer[X3 + k] + (c3 - y3) * buffer[_S3 + k]
        buffer[_B3 + k] = buffer[X3 + k] + (c0 - y3) * buffer[_S3 + k]
        buffer[_D3 + k] = 0.5 * (c0 - c3)
        buffer[_BEYOND + k] = 0.0


@njit(**_INLINE)
def _right_of(x, start, end, half_climb, half_slope):
    """The integral of max(x(y) - x, 0) dy along a piece of an edge."""
    u = start - x
    v = end - x
    p = u if u > 0.0 else 0.0
    q = v if v > 0.0 else 0.0
    nearer = u if u < v else v
    return (p + q) * (half_climb if nearer > 0.0 else (q - p) * half_slope)


@njit(**FAST)
def weigh(buffer, column):
    """Fill `PART` with the weight that falls into a column of the row, the one right of it done."""
    x = float(column)
    for k in range(LANES):
        first = _right_of(x, buffer[_A0 + k], buffer[_B0 + k], buffer[_D0 + k], buffer[_H0 + k])
        second = _right_of(x, buffer[_A1 + k], buffer[_B1 + k], buffer[_D1 + k], buffer[_H1 + k])
        third = _right_of(x, buffer[_A2 + k], buffer[_B2 + k], buffer[_D2 + k], buffer[_H2 + k])
        fourth = _right_of(x, buffer[_A3 + k], buffer[_B3 + k], buffer[_D3 + k], buffer[_H3 + k])
        enclosed = (first + second) + (third + fourth)
        part = (enclosed - buffer[_BEYOND + k]) * buffer[GAIN + k]
        buffer[PART + k] = part if part > buffer[LEAST + k] else 0.0
        buffer[_BEYOND + k] = enclosed


@njit(**FAST)
def weigh_upright(buffer, row, column):
    """The same for upright squares, in any order."""
    x = float(column)
    y = float(row)
    for k in range(LANES):
        left = _clamped(buffer[X0 + k], x, x + 1.0)
        right = _clamped(buffer[X2 + k], x, x + 1.0)
        low = _clamped(buffer[Y0 + k], y, y + 1.0)
        top = _clamped(buffer[Y2 + k], y, y + 1.0)
        part = (right - left) * (top - low) * buffer[GAIN + k]
        buffer[PART + k] = part if part > 0.0 else 0.0
