"""What every pixel map can do."""

from typing import NamedTuple, Protocol

import numpy as np

CLOSED_FORM = "closed form"
ADAPTIVE = "adaptive map"
EVERY_PIXEL = "exact at every pixel"


class Way(NamedTuple):
    """How a map is made, and how well.

    Attributes
    ----------
    name : str
        In words; `CLOSED_FORM`, `ADAPTIVE` and `EVERY_PIXEL` (by the WCS library) are those that
        are chosen where the user asks for nothing else.
    error_pixels : float or None
        What it differs from the WCS library by, at most, source pixels; None where nobody knows.
    """

    name: str
    error_pixels: float | None = None


class RowMap(Protocol):
    """Target pixel to source pixel, row by row; safe to call from several threads at once."""

    @property
    def way(self) -> Way:
        """How it is made, and how well."""

    def rows(self, row0: int, xout: np.ndarray, yout: np.ndarray) -> None:
        """Fill the map of the target rows from `row0` on; both arrays float64, shape (rows, nx)."""


class PartMap(RowMap, Protocol):
    """A map of which a part of some columns can be made, too."""

    def rows(self, row0: int, xout: np.ndarray, yout: np.ndarray, column0: int = 0) -> None:
        """Fill the map of rows from `row0` and columns from `column0` on; both arrays float64."""


class PixelMap(PartMap, Protocol):
    """A map that can also be evaluated anywhere."""

    def at(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Source positions of any target positions (0-based, float64, 1-D)."""
