"""Pixel map from polynomial patches: blocks of target pixels, each with a polynomial for x and one
for y.

A block is ``(x0, y0, x1, y1)``, half-open, in 0-based target pixels. Its polynomials are in the
powers of u and v, which run from -1 at its first pixel to 1 at its last. The coefficients of ``v^j
u^i``, for x and then for y, are as many as its degree needs: ``terms[starts[block]:]``.
"""

import numpy as np
from numba import njit

from .compiling import kernel


@njit(nogil=True, inline="always")
def _unit(position, first, end):
    """Coordinate from -1 to 1 of a pixel of a block along one axis; -1 in a block of one pixel."""
    return (position - first) * (2.0 / max(end - 1 - first, 1)) - 1.0


@njit(nogil=True)
def _along_row(terms, degree, v, line):
    """Fill `line` with the coefficients of the powers of u, at a height v of the block."""
    for i in range(degree + 1):
        value = terms[degree, i]
        for j in range(degree - 1, -1, -1):
            value = value * v + terms[j, i]
        line[i] = value


@njit(nogil=True)
def _polynomial(line, degree, u, out):
    """Horner's rule for a run of pixels, power by power so that the pixels vectorise."""
    for i in range(out.size):
        out[i] = line[degree]
    for power in range(degree - 1, -1, -1):
        for i in range(out.size):
            out[i] = out[i] * u[i] + line[power]


@njit(nogil=True)
def _of_block(block, degrees, starts, terms):
    """The coefficients of a block: axis, power of v, power of u."""
    size = degrees[block] + 1
    return terms[starts[block] : starts[block] + 2 * size * size].reshape((2, size, size))


@njit(nogil=True)
def _longest(degrees):
    """How many powers the highest degree has."""
    most = 0
    for degree in degrees:
        most = max(most, degree)
    return most + 1


@kernel
def patch_rows(row0, column0, boxes, degrees, starts, terms, xout, yout):
    """Fill ``xout, yout`` (rows, nx) for target rows ``row0 ...`` and columns ``column0 ...`` where
    the blocks lie; the rest is left alone.
    """
    rows, nx = xout.shape
    u = np.empty(nx)
    line = np.empty(_longest(degrees))
    for block in range(len(boxes)):
        x0, y0, x1, y1 = boxes[block]
        first = max(x0, column0)
        size = min(x1, column0 + nx) - first
        if y1 <= row0 or y0 >= row0 + rows or size <= 0:
            continue
        degree = degrees[block]
        own = _of_block(block, degrees, starts, terms)
        for i in range(size):
            u[i] = _unit(first + i, x0, x1)
        for row in range(max(y0, row0), min(y1, row0 + rows)):
            v = _unit(row, y0, y1)
            for axis, out in enumerate((xout, yout)):
                _along_row(own[axis], degree, v, line)
                start = first - column0
                _polynomial(line, degree, u[:size], out[row - row0, start : start + size])


@kernel
def patch_points(owner, x, y, boxes, degrees, starts, terms, xout, yout):
    """The same for scattered positions (1-D), each in the block `owner`."""
    line = np.empty(_longest(degrees))
    for k in range(x.size):
        block = owner[k]
        x0, y0, x1, y1 = boxes[block]
        u = _unit(x[k], x0, x1)
        v = _unit(y[k], y0, y1)
        degree = degrees[block]
        own = _of_block(block, degrees, starts, terms)
        for axis, out in enumerate((xout, yout)):
            _along_row(own[axis], degree, v, line)
            value = line[degree]
            for power in range(degree - 1, -1, -1):
                value = value * u + line[power]
            out[k] = value


@kernel
def copy_rows(row0, column0, boxes, starts, values, xout, yout):
    """Copy the pixels of blocks that are stored one by one: ``values[axis, starts[block]:]``, row
    by row.
    """
    rows, nx = xout.shape
    for block in range(len(boxes)):
        x0, y0, x1, y1 = boxes[block]
        for row in range(max(y0, row0), min(y1, row0 + rows)):
            first = starts[block] + (row - y0) * (x1 - x0)
            for column in range(max(x0, column0), min(x1, column0 + nx)):
                xout[row - row0, column - column0] = values[0, first + column - x0]
                yout[row - row0, column - column0] = values[1, first + column - x0]
