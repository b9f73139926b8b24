"""A pixel map that the user has: two arrays of source positions."""

from typing import Any

import numpy as np

from ..errors import ParameterError
from .types import Way


class GivenMap:
    """Target pixel to source pixel, from arrays of the target's shape."""

    way = Way("the user's own arrays")

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        self._x = x
        self._y = y
        self.shape: tuple[int, int] = x.shape

    def rows(self, row0: int, xout: np.ndarray, yout: np.ndarray) -> None:
        """Fill the map of the target rows from `row0` on; both arrays float64, shape (rows, nx)."""
        xout[:] = self._x[row0 : row0 + len(xout)]
        yout[:] = self._y[row0 : row0 + len(yout)]


def given_map(pixel_map: Any) -> GivenMap:
    """Return the map of ``(x, y)``.

    A `ParameterError` if they are not two 2-D arrays of one shape, of real numbers.
    """
    try:
        x, y = (_positions(axis) for axis in pixel_map)
    except (TypeError, ValueError):
        x = y = np.empty(0)
    if (
        x.ndim != 2
        or x.shape != y.shape
        or x.size == 0
        or {x.dtype.kind, y.dtype.kind} - set("fiu")
    ):
        both = [
            f"{getattr(axis, 'dtype', type(axis).__name__)} {np.shape(axis)}"
            for axis in _listed(pixel_map)
        ]
        expected = "two arrays (x, y) of numbers, of one shape (ny, nx)"
        given = " and ".join(both)
        raise ParameterError(f"is {given}, expected {expected}", subject="pixel_map")
    return GivenMap(x, y)


def _positions(values: Any) -> np.ndarray:
    """An array of positions, NaN where a mask marks them."""
    masked = isinstance(values, np.ma.MaskedArray)
    return np.ma.filled(values.astype(np.float64), np.nan) if masked else np.asarray(values)


def _listed(pixel_map: Any) -> list[Any]:
    return list(pixel_map)[:3] if isinstance(pixel_map, tuple | list) else [pixel_map]
