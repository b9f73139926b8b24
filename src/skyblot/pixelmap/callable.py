"""A mapping supplied by the user: the `wcsmap` of the ablot task."""

import inspect
import threading
from typing import Any

import numpy as np

from ..errors import ParameterError, not_allowed
from .types import Way


class CallableMap:
    """Target pixel to source pixel by a mapping's ``forward(x, y)``, which counts pixels from 1.

    `forward` gets two 1-D float64 arrays, the positions of a whole band, and returns two arrays of
    that length. It is called by one thread at a time.
    """

    way = Way("the user's own mapping")

    def __init__(self, mapping: Any) -> None:
        self._forward = mapping.forward
        self._lock = threading.Lock()

    def rows(self, row0: int, xout: np.ndarray, yout: np.ndarray) -> None:
        """Fill the map of the target rows from `row0` on; both arrays float64, shape (rows, nx)."""
        y, x = np.mgrid[row0 : row0 + xout.shape[0], : xout.shape[1]].astype(float) + 1.0
        with self._lock:
            result = self._forward(x.ravel(), y.ravel())
        try:
            xmap, ymap = (
                np.asarray(positions, dtype=float).reshape(xout.shape) for positions in result
            )
        except (TypeError, ValueError):
            raise ParameterError(
                f"wcsmap: forward(x, y) returned {type(result).__name__}, expected two arrays of "
                f"{x.size} positions"
            ) from None
        np.subtract(xmap, 1.0, out=xout)
        np.subtract(ymap, 1.0, out=yout)


def user_map(wcsmap: Any, target_wcs: Any, source_wcs: Any) -> CallableMap:
    """Return the map that a `wcsmap` makes of two WCS, or is if it has `forward` already.

    A class whose first parameters are shifts (DrizzlePac's `LinearMap`) is made with its defaults.

    Raises
    ------
    ParameterError
        If it is neither, or what it makes has no `forward`.
    """
    mapping = wcsmap
    if isinstance(wcsmap, type) or not hasattr(wcsmap, "forward"):
        if not callable(wcsmap):
            raise not_allowed("wcsmap", wcsmap, "a class or function wcsmap(blot_wcs, source_wcs)")
        mapping = wcsmap() if _takes_shifts(wcsmap) else wcsmap(target_wcs, source_wcs)
    if not hasattr(mapping, "forward"):
        raise ParameterError(f"wcsmap: a {type(mapping).__name__} has no method forward(x, y)")
    return CallableMap(mapping)


def _takes_shifts(wcsmap: Any) -> bool:
    try:
        return list(inspect.signature(wcsmap).parameters)[:2] == ["xsh", "ysh"]
    except ValueError:  # written in C
        return False
