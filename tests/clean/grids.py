"""Common grids, and what is measured on them."""

import numpy as np

from skyblot.pixelmap.sky import sky_of
from skyblot.resampling.grid import common_wcs


def grid_of(*wcs, **wishes):
    return common_wcs([(each, each.array_shape) for each in wcs], **wishes)


def border(wcs, count=301):
    """Positions along the outer edges of an image."""
    ny, nx = wcs.array_shape
    x, y = np.linspace(-0.5, nx - 0.5, count), np.linspace(-0.5, ny - 0.5, count)
    low, high = np.full(count, -0.5), np.ones(count)
    return np.concatenate([x, x, low, high * (nx - 0.5)]), np.concatenate(
        [low, high * (ny - 0.5), y, y]
    )


def on_grid(grid, wcs):
    """Where the border of an image lies on a grid, by the WCS library."""
    return grid.wcs_world2pix(*sky_of(wcs, "target").to_sky(*border(wcs)), 0)


def overhang(grid, *wcs):
    """How far the grid reaches beyond the exposures on its four sides, in pixels."""
    x, y = np.concatenate([on_grid(grid, each) for each in wcs], axis=1)
    ny, nx = grid.array_shape
    return np.array([x.min() + 0.5, nx - 0.5 - x.max(), y.min() + 0.5, ny - 0.5 - y.max()])


def scale_of(grid):
    return 3600 * np.sqrt(abs(np.linalg.det(grid.pixel_scale_matrix)))


def roll_of(grid):
    cd = grid.pixel_scale_matrix
    return np.degrees(np.arctan2(cd[0, 1], cd[1, 1])) % 360
