"""Pixel map in closed form: D2IM, SIP and CPDIS of the target, then one homography to the source.

Positions are 1-based FITS pixels of the target until the homography; results are 0-based source
pixels. A table travels as a 2-D float64 array and its ``(crpix1, crpix2, crval1, crval2, 1/cdelt1,
1/cdelt2)``; an empty array means no table. Look-ups are bilinear and clamped at the border (FITS
WCS Paper IV drafts).
"""

import math

import numpy as np
from numba import njit

from .compiling import kernel


@njit(nogil=True, inline="always")
def _node(position, crpix, crval, inverse, nodes):
    """Table coordinate (0-based, clamped) of a pixel coordinate, along one axis."""
    return min(max((position - crval) * inverse + (crpix - 1.0), 0.0), nodes - 1.0)


@njit(nogil=True)
def _look_up(table, place, x, y):
    """Bilinear look-up at one pixel position."""
    ny, nx = table.shape
    tx = _node(x, place[0], place[2], place[4], nx)
    ty = _node(y, place[1], place[3], place[5], ny)
    ix = min(int(tx), nx - 2)
    iy = min(int(ty), ny - 2)
    fx = tx - ix
    fy = ty - iy
    low = table[iy, ix] + (table[iy, ix + 1] - table[iy, ix]) * fx
    high = table[iy + 1, ix] + (table[iy + 1, ix + 1] - table[iy + 1, ix]) * fx
    return low + (high - low) * fy


@njit(nogil=True)
def _run_end(px, start, border):
    """End of the run of positions from `start` on that lie below `border`.

    Px increases by about 1 a pixel.
    """
    size = px.size
    end = min(max(start, start + int(border - px[start])), size)
    while end > start and px[end - 1] >= border:
        end -= 1
    while end < size and px[end] < border:
        end += 1
    return end


@njit(nogil=True)
def _add_cell(out, px, py, plane):
    """Add the bilinear form ``a + b x + (c + d x) y`` of one table cell to a run of pixels."""
    a, b, c, d = plane
    for i in range(out.size):
        out[i] += (a + b * px[i]) + (c + d * px[i]) * py[i]


@njit(nogil=True)
def _axis_cell(position, crpix, crval, inverse, nodes):
    """Cell of a pixel coordinate along one axis.

    -1 before the first node, nodes - 1 behind the last.
    """
    t = (position - crval) * inverse + (crpix - 1.0)
    return -1 if t < 0 else int(min(t, nodes - 1.0))


@njit(nogil=True)
def _cell_line(cell, crpix, crval, inverse, nodes):
    """Lower node, upper node, and the fraction between them as ``slope * position + start``."""
    if cell < 0:
        return 0, 0, 0.0, 0.0
    if cell >= nodes - 1:
        return nodes - 1, nodes - 1, 0.0, 0.0
    return cell, cell + 1, inverse, (crpix - 1.0) - crval * inverse - cell


@njit(nogil=True)
def cell_form(table, place, ix, iy):
    """Coefficients of one cell's bilinear form in pixel coordinates.

    Constant beyond the border nodes.
    """
    ny, nx = table.shape
    x0, x1, slope_x, start_x = _cell_line(ix, place[0], place[2], place[4], nx)
    y0, y1, slope_y, start_y = _cell_line(iy, place[1], place[3], place[5], ny)
    corner = table[y0, x0]
    along_x = table[y0, x1] - table[y0, x0]
    along_y = table[y1, x0] - table[y0, x0]
    twist = table[y1, x1] - table[y1, x0] - along_x
    a = corner + along_x * start_x + (along_y + twist * start_x) * start_y
    b = (along_x + twist * start_y) * slope_x
    c = (along_y + twist * start_x) * slope_y
    return a, b, c, twist * slope_x * slope_y


@njit(nogil=True)
def _add_table(out, px, py, low, high, table, place):
    """Add a table's offsets along a row of positions, cell by cell, so that runs vectorise."""
    if table.size == 0:
        return
    ny, nx = table.shape
    iy = _axis_cell(low, place[1], place[3], place[5], ny)
    if iy != _axis_cell(high, place[1], place[3], place[5], ny) or not place[4] > 0:
        for i in range(out.size):
            out[i] += _look_up(table, place, px[i], py[i])
        return
    start = 0
    ix = _axis_cell(px[0], place[0], place[2], place[4], nx)
    while start < out.size:
        end = out.size
        if ix < nx - 1:
            end = _run_end(px, start, (ix + 2 - place[0]) / place[4] + place[2])
        _add_cell(out[start:end], px[start:end], py[start:end], cell_form(table, place, ix, iy))
        start = end
        ix = ix + 1


@njit(nogil=True, inline="always")
def _sip(u, v, a, b, order):
    """SIP polynomials: sum of ``a[p, q] u^p v^q`` and the same with b, by Horner's rule."""
    su = 0.0
    sv = 0.0
    for p in range(order, -1, -1):
        pa = 0.0
        pb = 0.0
        for q in range(order - p, -1, -1):
            pa = pa * v + a[p, q]
            pb = pb * v + b[p, q]
        su = su * u + pa
        sv = sv * u + pb
    return su, sv


@njit(nogil=True, inline="always")
def _project(x, y, h):
    """Apply a homography; NaN for what lies behind the source's tangent plane."""
    depth = h[2, 0] * x + h[2, 1] * y + h[2, 2]
    inverse = 1.0 / depth if depth > 0 else math.nan
    along_x = h[0, 0] * x + h[0, 1] * y + h[0, 2]
    along_y = h[1, 0] * x + h[1, 1] * y + h[1, 2]
    return along_x * inverse, along_y * inverse


@njit(nogil=True, inline="always")
def _finish(px, py, dx, dy, centre, a, b, h, order):
    """Turn corrected pixels into source pixels, in place: SIP, CPDIS offsets, homography."""
    for i in range(px.size):
        su, sv = _sip(px[i] - centre[0], py[i] - centre[1], a, b, order)
        px[i], py[i] = _project(px[i] + su + dx[i], py[i] + sv + dy[i], h)


@njit(nogil=True)
def _start(column, line, px, py, dx, dy, x, y):
    """Begin a row at a 1-based position: those of its pixels, and no offsets yet."""
    for i in range(column.size):
        column[i] = px[i] = i + x
        line[i] = py[i] = y
        dx[i] = dy[i] = 0.0


@kernel
def tangent_rows(row0, first, d2im, cpdis, places, centre, a, b, h, span, powers, xout, yout):
    """Fill ``xout, yout`` (rows, nx) with the source pixels of target rows ``row0 ...``.

    `first` is the 1-based target position (x, y) of the first pixel of row 0, `d2im` and `cpdis`
    are pairs of tables, `places` (4, 6) their geometry in that order, `centre` the SIP reference
    pixel, `a` and `b` SIP coefficients, `h` the homography, `span` the smallest and largest D2IM
    offset in y, `powers` the SIP order + 1, static.
    """
    nx = xout.shape[1]
    column = np.empty(nx)
    line = np.empty(nx)
    dx = np.empty(nx)
    dy = np.empty(nx)
    below, above = span
    for j in range(xout.shape[0]):
        y = row0 + j + first[1]
        px = xout[j]
        py = yout[j]
        _start(column, line, px, py, dx, dy, first[0], y)
        _add_table(px, column, line, y, y, d2im[0], places[0])
        _add_table(py, column, line, y, y, d2im[1], places[1])
        _add_table(dx, px, py, y + below, y + above, cpdis[0], places[2])
        _add_table(dy, px, py, y + below, y + above, cpdis[1], places[3])
        _finish(px, py, dx, dy, centre, a, b, h, len(powers) - 1)


@kernel
def tangent_points(x, y, first, d2im, cpdis, places, centre, a, b, h, xout, yout):
    """The same for scattered 0-based positions of the map's pixels (1-D arrays), one by one."""
    order = a.shape[0] - 1
    for i in range(x.size):
        px = column = x[i] + first[0]
        py = line = y[i] + first[1]
        if d2im[0].size:
            px += _look_up(d2im[0], places[0], column, line)
        if d2im[1].size:
            py += _look_up(d2im[1], places[1], column, line)
        su, sv = _sip(px - centre[0], py - centre[1], a, b, order)
        if cpdis[0].size:
            su += _look_up(cpdis[0], places[2], px, py)
        if cpdis[1].size:
            sv += _look_up(cpdis[1], places[3], px, py)
        xout[i], yout[i] = _project(px + su, py + sv, h)
