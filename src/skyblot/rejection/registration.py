"""Where an exposure lies on its blot when it is far off: correlation over tens of pixels."""

from typing import NamedTuple

import numpy as np

from ..bounds import Bounds
from ..kernels.compare import correlate
from .robust import spread_about

#: Pixels in x and y within which a shift is looked for.
REACH = 50
#: The best correlation has to be this far above the middle of all, and above the next peak, in
#: units of their spread; and as large as this.
_ABOVE_MIDDLE = 8.0
_ABOVE_NEXT = 2.0
_LEAST = 0.2
#: Pixels around the best shift that belong to its peak.
_PEAK = 5
#: Residuals are compressed by a logarithm in units of so many sigma: no cosmic ray decides alone.
_UNIT = 3.0


def find_shift(
    data: np.ndarray,
    blot: np.ndarray,
    sigma: np.ndarray,
    valid: np.ndarray,
    places: np.ndarray,
    reach: int = REACH,
) -> tuple[int, int] | None:
    """Return by how many whole pixels (x, y) sources lie farther in the exposure than in the blot.

    Parameters
    ----------
    data, blot, sigma : ndarray, shape (ny, nx)
        The exposure, its blot and its errors.
    valid : ndarray of bool
        Pixels that count.
    places : ndarray of int, shape (n, 2)
        Pixels (y, x) of the blot to look for: those of sources, and as many of the sky.
    reach : int
        How far, in x and y, is looked.

    Returns
    -------
    tuple of int, or None
        None where no shift fits clearly better than others.
    """
    here = tuple(places.T)
    unit = _UNIT * float(np.median(sigma[here]))
    sky = float(np.median(blot[valid]))
    level = float(np.median(data[valid]))
    image = _compressed(data - level, unit)
    image[~valid] = np.nan
    wanted = _compressed(blot[here] - sky, unit)
    scores = correlate(image, places, wanted, reach)
    return _peak(scores)


def _compressed(values: np.ndarray, unit: float) -> np.ndarray:
    return np.log1p(np.maximum(values, 0.0) / unit).astype(np.float32)


def _peak(scores: np.ndarray) -> tuple[int, int] | None:
    """The shift (x, y) of the best score, if no other place comes near."""
    row, column = np.unravel_index(int(np.argmax(scores)), scores.shape)
    best = scores[row, column]
    y, x = np.indices(scores.shape)
    others = scores[np.hypot(y - row, x - column) > _PEAK]
    middle = float(np.median(others))
    spread = spread_about(others, middle)
    clear = (
        best - middle > _ABOVE_MIDDLE * spread and best - float(others.max()) > _ABOVE_NEXT * spread
    )
    if not (clear and best > _LEAST):
        return None
    return int(column) - len(scores) // 2, int(row) - len(scores) // 2


def moved(image: np.ndarray, shift: tuple[int, int]) -> np.ndarray:
    """Return an image moved by whole pixels (x, y); NaN where no pixel comes from.

    Examples
    --------
    >>> moved(np.array([[1.0, 2.0, 3.0]]), (1, 0))
    array([[nan,  1.,  2.]])
    """
    out = np.full_like(image, np.nan)
    dx, dy = shift
    whole = Bounds.whole(image.shape)
    filled = whole.shifted(dy, dx).overlap(whole)
    out[filled.slices] = image[filled.shifted(-dy, -dx).slices]
    return out


class Images(NamedTuple):
    """Exposure, blot, sigma, and the pixels to judge."""

    data: np.ndarray
    blot: np.ndarray
    sigma: np.ndarray
    valid: np.ndarray

    def moved(self, shift: tuple[int, int]) -> "Images":
        """The same with the blot moved by whole pixels (x, y)."""
        if shift == (0, 0):
            return self
        blot = moved(self.blot, shift)
        return self._replace(blot=blot, valid=self.valid & np.isfinite(blot))
