"""From values to grey levels: two stretches, and images made smaller."""

from dataclasses import dataclass

import numpy as np

from ..rejection.robust import spread_about

#: Residuals of 30 sigma are black or white, and those of 1 sigma can be told from 0.
_RESIDUAL_LIMIT = 30.0
_RESIDUAL_WIDTH = 2.0
#: A pixel stands out of a block from so many sigma on: in one of a thousand blocks of 16 pixels by
#: chance.
STANDS_OUT = 4.0
#: Medians and percentiles are those of about so many pixels.
_SAMPLES = 500_000


@dataclass(frozen=True)
class Stretch:
    """asinh around `middle`: linear within `width` of it, logarithmic beyond.

    From `low` (0) to `high` (1).
    """

    low: float
    middle: float
    high: float
    width: float

    def levels(self, values: np.ndarray, count: int) -> np.ndarray:
        """Return the levels 0 to `count` - 1 of values, uint8.

        A missing one has that of `middle`.
        """
        # float32 is ample for 256 levels, and half the memory
        scaled = np.asarray((values - self.middle) / self.width, np.float32)
        np.nan_to_num(scaled, copy=False, nan=0.0)
        np.arcsinh(scaled, out=scaled)
        bottom = self._asinh(self.low)
        top = self._asinh(self.high)
        scaled -= np.float32(bottom)
        scaled *= np.float32((count - 1) / (top - bottom))
        return np.clip(np.rint(scaled, out=scaled), 0, count - 1, out=scaled).astype(np.uint8)

    def value(self, fraction: float) -> float:
        """Return the value that is so far up the scale."""
        bottom = self._asinh(self.low)
        top = self._asinh(self.high)
        return float(self.middle + self.width * np.sinh(bottom + fraction * (top - bottom)))

    def _asinh(self, value: float) -> float:
        return float(np.arcsinh((value - self.middle) / self.width))


#: Of residuals, in sigma.
RESIDUAL = Stretch(-_RESIDUAL_LIMIT, 0.0, _RESIDUAL_LIMIT, _RESIDUAL_WIDTH)


def image_stretch(exposure: np.ndarray, blot: np.ndarray) -> Stretch:
    """Return one stretch for an exposure and its blot: the sky of one, the peaks of the other.

    The blot's bright end, because it has no cosmic rays: they would darken all else.
    """
    data = _sample(exposure)
    clean = _sample(blot)
    if not data.size:
        return Stretch(0.0, 0.0, 1.0, 1.0)
    middle, spread = centre_and_spread(data)
    peak = float(np.percentile(clean, 99.95)) if clean.size else middle
    spread = spread or abs(peak - middle) / 10 or 1.0
    return Stretch(middle - 4 * spread, middle, max(peak, middle + 10 * spread), 3 * spread)


def centre_and_spread(values: np.ndarray) -> tuple[float, float]:
    """Return the median, and the standard deviation by the median deviation."""
    middle = float(np.median(values))
    return middle, spread_about(values, middle)


def _sample(array: np.ndarray) -> np.ndarray:
    """Some of an array's finite values, evenly spread over it, as float64."""
    step = max(1, int(np.sqrt(array.size / _SAMPLES)))
    values = np.asarray(array[step // 2 :: step, step // 2 :: step], np.float64)
    return values[np.isfinite(values)]


def block_mean(array: np.ndarray, step: int) -> np.ndarray:
    """Return the means of the finite pixels of step x step blocks, those at the far edges smaller.

    float32.
    """
    values = np.asarray(array, np.float32)
    if step == 1:
        return values
    finite = np.isfinite(values)
    count = _reduce(np.add, finite.astype(np.float32), step)
    total = _reduce(np.add, np.where(finite, values, np.float32(0)), step)
    with np.errstate(invalid="ignore"):
        return total / np.where(count > 0, count, np.float32(np.nan))


def block_residual(array: np.ndarray, step: int) -> np.ndarray:
    """Return the residuals of step x step blocks in units of their own noise.

    NaN where no pixel is finite.

    That is the sum over the root of the number of pixels, which shows faint structure and makes
    noise look as it is; and where a single pixel stands out, its own residual, which that would
    bury.
    """
    values = np.asarray(array, np.float32)
    if step == 1:
        return values
    high = _reduce(np.fmax, values, step)
    low = _reduce(np.fmin, values, step)
    extreme = np.where(high >= -low, high, low)
    finite = np.isfinite(values)
    count = _reduce(np.add, finite.astype(np.float32), step)
    together = _reduce(np.add, np.where(finite, values, np.float32(0)), step) / np.sqrt(
        np.maximum(count, 1)
    )
    return np.where(
        np.abs(extreme) > np.maximum(STANDS_OUT, np.abs(together)),
        extreme,
        np.where(count > 0, together, np.nan),
    )


def block_any(array: np.ndarray, step: int) -> np.ndarray:
    """Return whether any pixel of each step x step block is true."""
    return _reduce(np.logical_or, np.asarray(array, bool), step)


def block_sum(array: np.ndarray, step: int) -> np.ndarray:
    """Return the sums of step x step blocks."""
    return _reduce(np.add, array, step)


def _reduce(function: np.ufunc, array: np.ndarray, step: int) -> np.ndarray:
    if step == 1:
        return array
    # along rows first, which lie in memory one after the other; all whole blocks at once
    return _reduce_rows(function, _reduce_rows(function, array, step).T, step).T


def _reduce_rows(function: np.ufunc, array: np.ndarray, step: int) -> np.ndarray:
    ny, nx = array.shape
    whole = ny - ny % step
    blocks: np.ndarray = function.reduce(array[:whole].reshape(-1, step, nx), axis=1)
    if whole == ny:
        return blocks
    return np.concatenate([blocks, function.reduce(array[whole:], axis=0)[np.newaxis]])
