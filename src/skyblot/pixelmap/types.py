"""What every pixel map can do."""

from typing import Protocol

import numpy as np


class RowMap(Protocol):
    """Target pixel to source pixel, row by row; safe to call from several threads at once."""

    def rows(self, row0: int, xout: np.ndarray, yout: np.ndarray) -> None:
        """Fill the map of the target rows from `row0` on; both arrays float64, shape (rows, nx)."""


class PixelMap(RowMap, Protocol):
    """A map that can also be evaluated anywhere."""

    def at(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Source positions of any target positions (0-based, float64, 1-D)."""
