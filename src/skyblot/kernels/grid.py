"""Pixel map by bilinear interpolation between the nodes of a sampled grid."""

import numpy as np

from .compiling import kernel


@kernel
def bilinear_rows(row0, column0, xgrid, ygrid, step_x, step_y, xout, yout):
    """Fill ``xout, yout`` (rows, nx) for rows ``row0 ...`` and columns ``column0 ...`` from nodes
    every few pixels.
    """
    nodes = xgrid.shape[1]
    xline = np.empty(nodes)
    yline = np.empty(nodes)
    nx = xout.shape[1]
    for j in range(xout.shape[0]):
        cell = min((row0 + j) // step_y, xgrid.shape[0] - 2)
        t = (row0 + j - cell * step_y) / step_y
        first = min(column0 // step_x, nodes - 2)
        last = min((column0 + nx - 1) // step_x, nodes - 2)
        for k in range(first, last + 2):
            xline[k] = xgrid[cell, k] + (xgrid[cell + 1, k] - xgrid[cell, k]) * t
            yline[k] = ygrid[cell, k] + (ygrid[cell + 1, k] - ygrid[cell, k]) * t
        for k in range(first, last + 1):
            start = k * step_x - column0
            slope_x = (xline[k + 1] - xline[k]) / step_x
            slope_y = (yline[k + 1] - yline[k]) / step_x
            end = min(start + step_x, nx) if k < nodes - 2 else nx
            for i in range(max(start, 0), end):
                xout[j, i] = xline[k] + slope_x * (i - start)
                yout[j, i] = yline[k] + slope_y * (i - start)
