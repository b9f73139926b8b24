"""How the noise of an exposure's pixels grows with their values: a stack needs it for outliers."""

import math

import numpy as np

from ..errors import SkyblotError
from ..headers.amplifiers import electronics
from ..io.image import Image
from ..io.planes import error_plane

#: Pixels that are looked at along each axis; rows whose neighbouring pixels are.
_SAMPLED = 512
_ROWS = 64
#: Pixels brighter than the sky by so many sigma tell how errors grow.
_BRIGHT = 8.0
#: Differences of pixels that are larger than this, in sigma, are not the sky's; rounds of it.
_FAR = 2.5
_ROUNDS = 6
#: One over the median of absolute normal numbers below that.
_MIDDLE = 1.5041
#: Fewer of them tell nothing.
_ENOUGH = 50


def noise_line(
    image: Image, data: np.ndarray, good: np.ndarray, level: float
) -> tuple[float, float]:
    """Return the variance of a pixel at the sky's level, and what it grows by for each unit above.

    The first is measured from neighbouring pixels. The second is that of the exposure's errors,
    else of its gain; 0 where neither is known.

    Parameters
    ----------
    image : Image
    data : ndarray, shape (ny, nx)
    good : ndarray of bool, shape (ny, nx)
    level : float
        Of its sky.
    """
    some = tuple(slice(None, None, max(1, size // _SAMPLED)) for size in data.shape)
    rows = slice(None, None, max(1, data.shape[0] // _ROWS))
    pairs = good[rows, 1:] & good[rows, :-1]
    steps = np.abs(np.diff(data[rows].astype(np.float64), axis=1)[pairs])
    sky = _spread(steps) ** 2 / 2.0
    if not sky > 0:
        sky = float(np.finfo(np.float32).tiny)
    growth = _growth_of_errors(image, data[some], good[some], level, sky, some)
    if growth is None:
        gain = electronics(image.facts).gain.mean
        growth = 0.0 if gain is None else 1.0 / gain
    return sky, growth


def _spread(steps: np.ndarray) -> float:
    """The standard deviation of differences without those at sources and cosmic rays."""
    spread = math.inf
    for _ in range(_ROUNDS):
        steps = steps[steps <= _FAR * spread]
        spread = _MIDDLE * float(np.median(steps)) if steps.size else 0.0
    return spread


def _growth_of_errors(
    image: Image,
    data: np.ndarray,
    good: np.ndarray,
    level: float,
    sky: float,
    some: tuple[slice, ...],
) -> float | None:
    """What the squares of the errors grow by with the data; None where too few pixels tell."""
    try:
        errors = error_plane(image)
    except SkyblotError:  # to be told when the exposure is judged
        return None
    if errors is None:
        return None
    squares = np.square(errors[some], dtype=np.float64)
    above = data.astype(np.float64) - level
    known = good & np.isfinite(squares) & (squares > 0)
    faint = known & (np.abs(above) < 2.0 * np.sqrt(sky))
    bright = known & (above > _BRIGHT * np.sqrt(sky))
    if np.count_nonzero(faint) < _ENOUGH or np.count_nonzero(bright) < _ENOUGH:
        return None
    base = float(np.median(squares[faint]))
    return max(float(np.median((squares[bright] - base) / above[bright])), 0.0)
