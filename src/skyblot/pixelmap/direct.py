"""Exact evaluation of any pair of celestial WCS: target pixel to sky, sky to source pixel."""

import numpy as np

from .sky import FitsSky, LowLevelSky, convert_frame
from .types import EVERY_PIXEL, Way


class DirectMap:
    """Target pixel to source pixel by the two WCS' own functions.

    Parameters
    ----------
    target, source : FitsSky or LowLevelSky
    origin : tuple of float
        Target position (x, y) of the map's pixel (0, 0).
    """

    way = Way(EVERY_PIXEL, 0.0)

    def __init__(
        self,
        target: FitsSky | LowLevelSky,
        source: FitsSky | LowLevelSky,
        origin: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        self._target = target
        self._source = source
        self._origin = origin

    def rows(self, row0: int, xout: np.ndarray, yout: np.ndarray, column0: int = 0) -> None:
        """Fill the map of rows from `row0` and columns from `column0` on; both arrays float64."""
        rows, columns = xout.shape
        y, x = np.mgrid[row0 : row0 + rows, column0 : column0 + columns].astype(float)
        xmap, ymap = self.at(x.ravel(), y.ravel())
        xout[:] = xmap.reshape(xout.shape)
        yout[:] = ymap.reshape(yout.shape)

    def at(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Source positions of any positions (0-based, float64, 1-D) of the map's pixels."""
        places = (x + self._origin[0], y + self._origin[1])
        lon, lat = convert_frame(*self._target.to_sky(*places), self._target, self._source)
        return self._source.to_pixel(lon, lat)
