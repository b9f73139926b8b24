"""Inverse of a FITS distortion: undistorted pixel positions to those on the detector.

The distortion takes a pixel p to ``q + SIP(q - crpix) + CPDIS(q)`` with ``q = p + D2IM(p)``. One
step of Newton's method is made from a start near the solution, with the true derivative: within one
cell of the tables the distortion is a polynomial, so what is left is half its second derivative
times the square of the step. Where the step was too long for that, or led into another cell, the
position is iterated by itself.

All positions are 1-based FITS pixels. A pair of tables, for x and for y, travels as the bilinear
forms ``a + b x + (c + d x) y`` of its cells, one row of eight numbers a cell, those that lie outside
of it included: ``nx + 1`` cells for ``nx`` nodes along an axis; then its place, as in `tangent`, and
its shape (ny, nx).
"""

import math

import numpy as np
from numba import njit

from .compiling import kernel
from .tangent import cell_form

#: Pixels done together: what is known of them stays in the innermost cache.
CHUNK = 256
#: A position is found when a step is shorter than this, pixels; the error is smaller still.
CONVERGED = 1e-9
#: Most steps for one position.
MOST_STEPS = 30

#: The buffer for a chunk: undistorted position, position, the same with D2IM, the length of the
#: step, and of each pair of tables cell, values and slopes. One array with fixed parts, and not an
#: array each: so the compiler knows that they do not overlap, and vectorises.
FX, FY, PX, PY, QX, QY, LENGTH, CELL, OTHER = (part * CHUNK for part in range(9))
D2IM, CPDIS = 9 * CHUNK, 16 * CHUNK
X, X_X, X_Y, Y, Y_X, Y_Y, OWN = (part * CHUNK for part in range(7))
PARTS = 23


@kernel
def cell_forms(table, place, forms):
    """Fill `forms`, float64, shape (cells, 4), with the bilinear forms of all cells of a table."""
    ny, nx = table.shape
    for iy in range(ny + 1):
        for ix in range(nx + 1):
            a, b, c, d = cell_form(table, place, ix - 1, iy - 1)
            row = forms[iy * (nx + 1) + ix]
            row[0] = a
            row[1] = b
            row[2] = c
            row[3] = d


@njit(nogil=True, inline="always")
def _axis(position, crpix, crval, inverse, nodes):
    """Cell along one axis, a whole float: 0 before the first node (and for NaN), `nodes` behind the last."""
    t = (position - crval) * inverse + crpix
    t = t if t > 0.0 else 0.0
    t = t if t < nodes else nodes
    return np.floor(t)


@njit(nogil=True, inline="always")
def _cell(x, y, place, ny, nx):
    """Row of the forms for a position, a whole float; `ny` and `nx` are floats."""
    ix = _axis(x, place[0], place[2], place[4], nx)
    return _axis(y, place[1], place[3], place[5], ny) * (nx + 1.0) + ix


@njit(nogil=True, inline="always")
def _sip_slopes(u, v, a, b, order):
    """SIP polynomials and their slopes, by Horner's rule."""
    su = su_u = su_v = 0.0
    sv = sv_u = sv_v = 0.0
    for p in range(order, -1, -1):
        pa = pa_v = 0.0
        pb = pb_v = 0.0
        for q in range(order - p, -1, -1):
            pa_v = pa_v * v + pa
            pb_v = pb_v * v + pb
            pa = pa * v + a[p, q]
            pb = pb * v + b[p, q]
        su_u = su_u * u + su
        sv_u = sv_u * u + sv
        su = su * u + pa
        sv = sv * u + pb
        su_v = su_v * u + pa_v
        sv_v = sv_v * u + pb_v
    return su, su_u, su_v, sv, sv_u, sv_v


@njit(nogil=True, inline="always")
def _form(forms, cell, first, x, y):
    """Value of a cell's form, and its slopes along x and y."""
    a = forms[cell, first]
    b = forms[cell, first + 1]
    c = forms[cell, first + 2]
    d = forms[cell, first + 3]
    return (a + b * x) + (c + d * x) * y, b + d * y, c + d * x


@njit(nogil=True)
def _offsets(pair, x, y):
    """Values and slopes of a pair of tables at one position."""
    forms, place, shape = pair
    cell = int(_cell(x, y, place, float(shape[0]), float(shape[1])))
    return _form(forms, cell, 0, x, y), _form(forms, cell, 4, x, y)


@njit(nogil=True, inline="always")
def _chain(xx, xy, yx, yy, d1_x, d1_y, d2_x, d2_y):
    """Product of the derivatives of SIP with CPDIS, and of 1 + those of D2IM."""
    return (
        xx + (xx * d1_x + xy * d2_x),
        xy + (xx * d1_y + xy * d2_y),
        yx + (yx * d1_x + yy * d2_x),
        yy + (yx * d1_y + yy * d2_y),
    )


@njit(nogil=True)
def _distorted(x, y, model):
    """Undistorted position of a pixel, and the four derivatives."""
    d2im, cpdis, centre, a, b = model
    (d1, d1_x, d1_y), (d2, d2_x, d2_y) = _offsets(d2im, x, y)
    qx = x + d1
    qy = y + d2
    (c1, c1_x, c1_y), (c2, c2_x, c2_y) = _offsets(cpdis, qx, qy)
    su, su_u, su_v, sv, sv_u, sv_v = _sip_slopes(qx - centre[0], qy - centre[1], a, b, a.shape[0] - 1)
    xx = 1.0 + su_u + c1_x
    yy = 1.0 + sv_v + c2_y
    slopes = _chain(xx, su_v + c1_y, sv_u + c2_x, yy, d1_x, d1_y, d2_x, d2_y)
    return qx + su + c1, qy + sv + c2, slopes


@njit(nogil=True)
def _solve(fx, fy, x, y, limits, model):
    """Newton's method from a start; NaN where it leaves the limits, or comes to a fold."""
    low_x, low_y, high_x, high_y, reach = limits
    x0 = x
    y0 = y
    for _ in range(MOST_STEPS):
        ux, uy, (xx, xy, yx, yy) = _distorted(x, y, model)
        det = xx * yy - xy * yx
        if not det > 0.0:
            break
        step_x = (yy * (fx - ux) - xy * (fy - uy)) / det
        step_y = (xx * (fy - uy) - yx * (fx - ux)) / det
        x += step_x
        y += step_y
        if not max(abs(x - x0), abs(y - y0)) <= reach:
            break
        if max(abs(step_x), abs(step_y)) <= CONVERGED:
            if x >= low_x and x <= high_x and y >= low_y and y <= high_y:
                return x, y
            break
    return math.nan, math.nan


@kernel
def distorted_points(x, y, model, out):
    """Fill `out` (6, n) with undistorted positions (1-based, as x and y are) and derivatives."""
    for i in range(x.size):
        out[0, i], out[1, i], slopes = _distorted(x[i], y[i], model)
        out[2, i], out[3, i], out[4, i], out[5, i] = slopes


@kernel
def spread(nodes, grid, first, start, limits, model):
    """Fill the pixels of the nodes of a grid of undistorted positions; NaN where there is none.

    From the node `first`, whose pixel is near `start`, on: a node is found from a neighbour that
    has been found, so that all lie on one branch of the distortion.

    `nodes` has the shape (ny, nx, 2), `grid` is the first node's undistorted position and the steps
    along x and y, `limits` are as for `undistort_rows`.
    """
    ny, nx, _ = nodes.shape
    nodes[:] = math.nan
    queue = np.empty(ny * nx, np.int64)
    iy, ix = first
    fx = grid[0] + ix * grid[2]
    fy = grid[1] + iy * grid[3]
    nodes[iy, ix] = _solve(fx, fy, start[0], start[1], limits, model)
    queue[0] = iy * nx + ix
    size = 0 if math.isnan(nodes[iy, ix, 0]) else 1
    done = 0
    while done < size:
        iy = queue[done] // nx
        ix = queue[done] % nx
        done += 1
        for turn in range(4):
            jy = iy + (turn == 2) - (turn == 3)
            jx = ix + (turn == 0) - (turn == 1)
            if jy < 0 or jx < 0 or jy >= ny or jx >= nx or not math.isnan(nodes[jy, jx, 0]):
                continue
            fx = grid[0] + jx * grid[2]
            fy = grid[1] + jy * grid[3]
            x, y = _solve(fx, fy, nodes[iy, ix, 0], nodes[iy, ix, 1], limits, model)
            if not math.isnan(x):
                nodes[jy, jx, 0] = x
                nodes[jy, jx, 1] = y
                queue[size] = jy * nx + jx
                size += 1


@njit(nogil=True, inline="always")
def _find_cells(w, size, at, out, place, shape):
    """Cells of a table for the positions that begin at `at` in the buffer."""
    ny = float(shape[0])
    nx = float(shape[1])
    for i in range(size):
        w[out + i] = _cell(w[at + i], w[at + CHUNK + i], place, ny, nx)


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
        su, su_u, su_v, sv, sv_u, sv_v = _sip_slopes(qx - centre[0], qy - centre[1], a, b, order)
        xx = 1.0 + su_u
        xy = su_v
        yx = sv_u
        yy = 1.0 + sv_v
        rx = w[FX + i] - (qx + su)
        ry = w[FY + i] - (qy + sv)
        if tabled:
            rx -= w[CPDIS + X + i]
            ry -= w[CPDIS + Y + i]
            xx, xy, yx, yy = _chain(
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
def _alone(fx, fy, cell, nodes, limits, model):
    """One position by itself, from a solution at a corner of its cell."""
    nx = nodes.shape[1]
    iy = cell // (nx + 1) - 1
    ix = cell % (nx + 1) - 1
    for corner in range(4):
        x = nodes[iy + corner // 2, ix + corner % 2, 0]
        y = nodes[iy + corner // 2, ix + corner % 2, 1]
        if not math.isnan(x):
            x, y = _solve(fx, fy, x, y, limits, model)
            if not math.isnan(x):
                return x, y
    return math.nan, math.nan


@njit(nogil=True)
def _mend(w, x, y, longest, near, nodes, limits, model):
    """Iterate the positions for which one step was not enough, each by itself."""
    for i in range(x.size):
        if not w[LENGTH + i] <= longest:
            cell = int(w[CELL + i])
            px = py = math.nan
            if near[cell]:
                px, py = _alone(w[FX + i], w[FY + i], cell, nodes, limits, model)
            x[i] = px - 1.0
            y[i] = py - 1.0


@kernel
def undistort_rows(x, y, start, near, grid, limits, rule, model, tabled, powers):
    """Replace undistorted positions (0-based, shape (rows, nx)) by those on the detector.

    NaN where there is none on the detector's branch within the limits.

    `start` (cells, 8) holds the forms, for x and for y, of a grid of solutions, `near` whether a
    cell has a solution at a corner, `grid` is the solutions, (ny, nx, 2), and their place. `limits` are the lowest and highest
    positions, and the longest way from a start. `rule` is the longest step after which a position
    is done, and the least determinant there. `model` is both pairs of tables, the reference pixel
    and coefficients of SIP, `tabled` a tuple that is empty where there are no tables, `powers` the
    SIP order + 1, static.
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
