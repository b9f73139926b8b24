"""A FITS distortion with its derivatives, and Newton's method on it, position by position.

The distortion takes a pixel p to ``q + SIP(q - crpix) + CPDIS(q)`` with ``q = p + D2IM(p)``. All
positions are 1-based FITS pixels. A pair of tables, for x and for y, travels as the bilinear forms
``a + b x + (c + d x) y`` of its cells, one row of eight numbers a cell, those that lie outside of
it included: ``nx + 1`` cells for ``nx`` nodes along an axis; then its place, as in `tangent`, and
its shape (ny, nx). A `model` is the pair of D2IM, the pair of CPDIS, and the reference pixel and
both arrays of coefficients of SIP. `limits` are the lowest x and y, the highest x and y that are
looked at, and the longest way from a start.
"""

import math

import numpy as np
from numba import njit

from .compiling import kernel
from .tangent import cell_form

#: A position is found when a step is shorter than this, pixels; the error is smaller still.
CONVERGED = 1e-9
#: Most steps for one position.
MOST_STEPS = 30


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
    """Cell along one axis, a whole float.

    0 before the first node, and for NaN; `nodes` behind the last.
    """
    t = (position - crval) * inverse + crpix
    t = t if t > 0.0 else 0.0
    t = t if t < nodes else nodes
    return np.floor(t)


@njit(nogil=True, inline="always")
def table_cell(x, y, place, ny, nx):
    """Row of the forms for a position, a whole float; `ny` and `nx` are floats."""
    ix = _axis(x, place[0], place[2], place[4], nx)
    return _axis(y, place[1], place[3], place[5], ny) * (nx + 1.0) + ix


@njit(nogil=True, inline="always")
def sip_slopes(u, v, a, b, order):
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
    cell = int(table_cell(x, y, place, float(shape[0]), float(shape[1])))
    return _form(forms, cell, 0, x, y), _form(forms, cell, 4, x, y)


@njit(nogil=True, inline="always")
def chain(xx, xy, yx, yy, d1_x, d1_y, d2_x, d2_y):
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
    order = a.shape[0] - 1
    su, su_u, su_v, sv, sv_u, sv_v = sip_slopes(qx - centre[0], qy - centre[1], a, b, order)
    xx = 1.0 + su_u + c1_x
    yy = 1.0 + sv_v + c2_y
    slopes = chain(xx, su_v + c1_y, sv_u + c2_x, yy, d1_x, d1_y, d2_x, d2_y)
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
    along x and y.
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


@njit(nogil=True)
def solve_in_cell(fx, fy, cell, nodes, limits, model):
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
