"""What an exposure differs from its blot by, on the whole: sky, noise, position, sharpness, and what is left."""

import math
from dataclasses import dataclass

import numpy as np

from .kernels.compare import BEND, COLUMNS, RESIDUAL, SIGMA, SLOPE_X, SLOPE_Y, STRUCTURE, sample

#: Pixels that are looked at, at most: of the sky, and of sources.
_SAMPLE = 200_000
#: Sky is where the structure of the blot is below this many sigma; sources are where it is above that many.
_FLAT, _CURVED = 2.0, 12.0
#: Sources have to have so many pixels for their positions, and for the blot's errors, to be measured.
_ENOUGH = 30
#: The error of a blot in units of its structure, where there are too few sources to measure it: as of undersampled
#: stars. The weights of the fit assume it as well, so that the brightest source does not decide alone.
USUAL_ROUGHNESS = 0.3
#: What part of the sources' pixels it covers. Cosmic rays are few enough not to matter for it.
_COVERED = 90.0
#: The sky has to have so many pixels for its noise to be measured, and nobody's errors are farther off than this.
_ENOUGH_SKY, _NOISE_RANGE = 300, (0.3, 3.0)
#: Residuals are never taken for smaller than this part of their errors: data without noise have no width.
_LEAST_WIDTH = 0.1
_ROUNDS = 20


@dataclass(frozen=True)
class Systematics:
    """How an exposure differs from its blot on the whole; attributes as those of `skyblot.reject.Rejection`."""

    background: float
    noise: float = math.nan
    misalignment: tuple[float, float] = (math.nan, math.nan)
    misalignment_error: float = math.nan
    sharpness: float = math.nan
    roughness: float = USUAL_ROUGHNESS

    @property
    def terms(self) -> tuple[float, float, float, float]:
        """The residual they explain, as coefficients of 1, slopes in x and y, and second differences."""
        if math.isnan(self.sharpness):
            return self.background, 0.0, 0.0, 0.0
        dx, dy = self.misalignment
        return self.background, -dx, -dy, self.sharpness


def measure(
    data: np.ndarray, blot: np.ndarray, sigma: np.ndarray, valid: np.ndarray, background: float | None
) -> Systematics:
    """Measure background, noise, misalignment, sharpness and roughness from pixels most of which are good.

    The residual of a displaced blot is minus its gradient times the displacement, and that of a smoothed one its
    Laplacian times a constant, to first order. Both are fitted to the pixels of sources by least squares with weights
    that fall with the distance from the fit (Cauchy's), so that cosmic rays do not count. What is then left is the
    error of the blot: of interpolation, of pixels that undersample stars, of higher orders of the displacement.
    """
    sky, noise_factor = _sky(data, blot, sigma, valid)
    background = sky if background is None else background
    rows = _sampled(data, blot, sigma, valid, _CURVED, math.inf)
    if len(rows) < _ENOUGH:
        return Systematics(background, noise_factor)
    noise = np.hypot(rows[:, SIGMA], USUAL_ROUGHNESS * rows[:, STRUCTURE])
    design = rows[:, [SLOPE_X, SLOPE_Y, BEND]]
    found = _robust_fit(design / noise[:, None], (rows[:, RESIDUAL] - background) / noise)
    if found is None:
        return Systematics(background, noise_factor)
    coefficients, error = found
    left = np.abs(rows[:, RESIDUAL] - background - design @ coefficients)
    roughness = float(np.percentile(left / rows[:, STRUCTURE], _COVERED))
    slope_x, slope_y, bend = (float(each) for each in coefficients)
    return Systematics(background, noise_factor, (-slope_x, -slope_y), error, bend, roughness)


def _sky(data: np.ndarray, blot: np.ndarray, sigma: np.ndarray, valid: np.ndarray) -> tuple[float, float]:
    """Middle of the residuals of the sky, of all residuals where there is no sky, and their spread in sigma."""
    for most in (_FLAT, math.inf):
        rows = _sampled(data, blot, sigma, valid, 0.0, most)
        if len(rows) >= min(_ENOUGH, int(np.count_nonzero(valid))):
            break
    if not len(rows):
        return 0.0, math.nan
    background = clipped_median(rows[:, RESIDUAL])
    if len(rows) < _ENOUGH_SKY or most > _FLAT:
        return background, math.nan
    spread = 1.4826 * np.median(np.abs(rows[:, RESIDUAL] - background) / rows[:, SIGMA])
    return background, float(np.clip(spread, *_NOISE_RANGE))


def clipped_median(values: np.ndarray) -> float:
    """Return the median of the values within 3 sigma of it, until none is left out any more.

    Examples
    --------
    >>> clipped_median(np.array([1.0, 2.0, 3.0, 4.0, 1000.0]))
    2.5
    """
    kept = values
    for _ in range(_ROUNDS):
        middle = np.median(kept)
        spread = 1.4826 * np.median(np.abs(kept - middle))
        within = kept[np.abs(kept - middle) <= 3 * spread]
        if len(within) in (0, len(kept)):
            break
        kept = within
    return float(np.median(kept))


def _sampled(
    data: np.ndarray, blot: np.ndarray, sigma: np.ndarray, valid: np.ndarray, least: float, most: float
) -> np.ndarray:
    """Pixels whose structure is from `least` to `most` sigma, evenly thinned out to a number that is enough."""
    rows = np.empty((min(_SAMPLE, data.size), COLUMNS))
    count = sample(data, blot, sigma, valid, least, most, 1, rows)
    if count > len(rows):
        stride = math.ceil(count / len(rows))
        sample(data, blot, sigma, valid, least, most, stride, rows)
        count = math.ceil(count / stride)
    return rows[:count]


def _robust_fit(design: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, float] | None:
    """Coefficients of a fit with Cauchy's weights, and the standard error of the first two; None if there is none."""
    weights = np.ones(len(values))
    for _ in range(_ROUNDS):
        normal = (design * weights[:, None]).T @ design
        if not np.linalg.cond(normal) < 1e10:
            return None
        coefficients = np.linalg.solve(normal, (design * weights[:, None]).T @ values)
        away = values - design @ coefficients
        width = max(_LEAST_WIDTH, 1.4826 * float(np.median(np.abs(away))))
        weights = 1.0 / (1.0 + (away / (2.0 * width)) ** 2)
    variance = np.linalg.inv(normal).diagonal()[:2] * width**2
    return coefficients, float(np.sqrt(variance.max()))
