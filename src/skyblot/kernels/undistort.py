"""Inverse of a FITS distortion, for rows of positions.

One step of Newton's method is made from a start near the solution, with the true derivative: within
one cell of the tables the distortion is a polynomial, so what is left is half its second derivative
times the square of the step. Where the step was too long for that, or led into another cell, the
position is iterated by itself. Tables, models and limits are those of `distortion`.
"""

import math

import numpy as np
from numba import njit

from .compiling import kernel
from .distortion import chain, sip_slopes, solve_in_cell, table_cell

#: Pixels done together: what is known of them stays in the innermost cache.
CHUNK = 256

#: The buffer for a chunk: undistorted position, position, the same with D2IM, the length of the
#: step, cells, and of each pair of tables values, slopes and cells. One array with fixed parts, and
#: not an array each: so the compiler knows that they do not overlap, and vectorises.
FX, FY, PX, PY, QX, QY, LENGTH, CELL, OTHER = (part * CHUNK for part in range(9))
D2IM, CPDIS = 9 * CHUNK, 16 * CHUNK
X, X_X, X_Y, Y, Y_X, Y_Y, OWN = (part * CHUNK for part in range(7))
PARTS = 23


@njit(nogil=True, inline="always")
def _find_cells(w, size, at, out, place, shape):
    """Cells of a table for the positions that begin at `at` in the buffer."""
    ny = float(shape[0])
    nx = float(shape[1])
    for i in range(size):
        w[out + i] = table_cell(w[at + i], w[at + CHUNK + i], place, ny, nx)


@njit(nogil=True, inline="always")
def _run_end(cells, first, size):
    """End of the run of one cell that begins at `first`."""
    end = first + 1
    while end < size and cells[end] == cells[first]:
        end += 1
    return end


@njit(nogil=True, inline="always")
def _fill_start(w, size, row):
    """Start positions of the first positions of a buffer, from one cell."""
    a = row[0]
    b = row[1]
    c = row[2]
    d = row[3]
    e = row[4]
    f = row[5]
    g = row[6]
    h = row[7]
    for i in range(size):
        x = w[FX + i]
        y = w[FY + i]
        w[PX + i] = (a + b * x) + (c + d * x) * y
        w[PY + i] = (e + f * x) + (g + h * x) * y


@njit(nogil=True, inline="always")
def _begin(w, size, start, place, shape):
    """Start positions for undistorted ones; return whether any has one."""
    _find_cells(w, size, FX, CELL, place, shape)
    some = False
    first = 0
    while first < size:
        end = _run_end(w[CELL:], first, size)
        row = start[int(w[CELL + first])]
        some |= row[0] == row[0]
        _fill_start(w[first:], end - first, row)
        first = end
    return some


@njit(nogil=True, inline="always")
def _fill(w, size, at, out, row):
    """Values and slopes of one cell of a pair of tables, for the first positions of a buffer."""
    a = row[0]
    b = row[1]
    c = row[2]
    d = row[3]
    e = row[4]
    f = row[5]
    g = row[6]
    h = row[7]
    for i in range(size):
        x = w[at + i]
        y = w[at + CHUNK + i]
        w[out + X + i] = (a + b * x) + (c + d * x) * y
        w[out + X_X + i] = b + d * y
        w[out + X_Y + i] = c + d * x
        w[out + Y + i] = (e + f * x) + (g + h * x) * y
        w[out + Y_X + i] = f + h * y
        w[out + Y_Y + i] = g + h * x


@njit(nogil=True, inline="always")
def _look_up(w, size, at, out, pair):
    """Values, slopes and cells of a pair of tables, run by run of positions in one cell."""
    forms, place, shape = pair
    _find_cells(w, size, at, out + OWN, place, shape)
    first = 0
    while first < size:
        end = _run_end(w[out + OWN :], first, size)
        _fill(w[first:], end - first, at, out, forms[int(w[out + OWN + first])])
        first = end


@njit(nogil=True)
def _correct(w, size):
    """Apply D2IM."""
    for i in range(size):
        w[QX + i] = w[PX + i] + w[D2IM + X + i]
        w[QY + i] = w[PY + i] + w[D2IM + Y + i]


@njit(nogil=True, inline="always")
def _step(w, size, least, centre, a, b, order, tabled):
    """One step of Newton's method for all positions, and how long it was.

    It is infinite where a pixel's area is less than `least`.
    """
    for i in range(size):
        qx = w[QX + i] if tabled else w[PX + i]
        qy = w[QY + i] if tabled else w[PY + i]
        su, su_u, su_v, sv, sv_u, sv_v = sip_slopes(qx - centre[0], qy - centre[1], a, b, order)
        xx = 1.0 + su_u
        xy = su_v
        yx = sv_u
        yy = 1.0 + sv_v
        rx = w[FX + i] - (qx + su)
        ry = w[FY + i] - (qy + sv)
        if tabled:
            rx -= w[CPDIS + X + i]
            ry -= w[CPDIS + Y + i]
            xx, xy, yx, yy = chain(
                xx + w[CPDIS + X_X + i],
                xy + w[CPDIS + X_Y + i],
                yx + w[CPDIS + Y_X + i],
                yy + w[CPDIS + Y_Y + i],
                w[D2IM + X_X + i],
                w[D2IM + X_Y + i],
                w[D2IM + Y_X + i],
                w[D2IM + Y_Y + i],
            )
        det = xx * yy - xy * yx
        inverse = 1.0 / det
        step_x = (yy * rx - xy * ry) * inverse
        step_y = (xx * ry - yx * rx) * inverse
        size_x = abs(step_x)
        size_y = abs(step_y)
        longer = size_x if size_x > size_y else size_y
        w[LENGTH + i] = longer if det >= least else math.inf
        if tabled:
            along_x = w[D2IM + X_X + i] * step_x + w[D2IM + X_Y + i] * step_y
            along_y = w[D2IM + Y_X + i] * step_x + w[D2IM + Y_Y + i] * step_y
            w[QX + i] = qx + (step_x + along_x)
            w[QY + i] = qy + (step_y + along_y)
        w[PX + i] += step_x
        w[PY + i] += step_y


@njit(nogil=True, inline="always")
def _leave(w, size, at, out, pair):
    """Make the step infinite where it led out of its cell of a pair of tables."""
    _find_cells(w, size, at, OTHER, pair[1], pair[2])
    for i in range(size):
        same = w[OTHER + i] == w[out + OWN + i]
        w[LENGTH + i] = w[LENGTH + i] if same else math.inf


@njit(nogil=True)
def _mend(w, x, y, longest, near, nodes, limits, model):
    """Iterate the positions for which one step was not enough, each by itself."""
    for i in range(x.size):
        if not w[LENGTH + i] <= longest:
            cell = int(w[CELL + i])
            px = py = math.nan
            if near[cell]:
                px, py = solve_in_cell(w[FX + i], w[FY + i], cell, nodes, limits, model)
            x[i] = px - 1.0
            y[i] = py - 1.0


@kernel
def undistort_rows(x, y, start, near, grid, limits, rule, model, tabled, powers):
    """Replace undistorted positions (0-based, shape (rows, nx)) by those on the detector.

    NaN where there is none on the detector's branch within the limits.

    `start` (cells, 8) holds the forms, for x and for y, of a grid of solutions, `near` whether a
    cell has a solution near the image at a corner, `grid` is the solutions, (ny, nx, 2), and their
    place. `rule` is the longest step after which a position is done, and the least determinant
    there. `tabled` is a tuple that is empty where there are no tables, `powers` the SIP order + 1,
    static.
    """
    d2im, cpdis, centre, a, b = model
    nodes, place = grid
    longest, least = rule
    w = np.zeros(PARTS * CHUNK)
    for j in range(x.shape[0]):
        for first in range(0, x.shape[1], CHUNK):
            size = min(CHUNK, x.shape[1] - first)
            xrun = x[j, first : first + size]
            yrun = y[j, first : first + size]
            for i in range(size):
                w[FX + i] = xrun[i] + 1.0
                w[FY + i] = yrun[i] + 1.0
            if _begin(w, size, start, place, nodes.shape[:2]):
                if len(tabled):
                    _look_up(w, size, PX, D2IM, d2im)
                    _correct(w, size)
                    _look_up(w, size, QX, CPDIS, cpdis)
                    _step(w, size, least, centre, a, b, len(powers) - 1, True)
                    _leave(w, size, PX, D2IM, d2im)
                    _leave(w, size, QX, CPDIS, cpdis)
                else:
                    _step(w, size, least, centre, a, b, len(powers) - 1, False)
            else:
                w[LENGTH : LENGTH + size] = math.inf
            far = 0
            for i in range(size):
                xrun[i] = w[PX + i] - 1.0
                yrun[i] = w[PY + i] - 1.0
                far += not w[LENGTH + i] <= longest
            if far:
                _mend(w, xrun, yrun, longest, near, nodes, limits, model)
