"""How bright an exposure's sources are in units of its blot's.

Exposure and blot are both smoothed by a Gaussian first. That keeps fluxes, whatever stars look like
in single pixels, and what is left of a difference in position or sharpness is a small derivative of
the smoothed blot: its first and second derivatives are fitted along. Pixels that are far off,
cosmic rays for example, take the value of the fit, which is then made again.
"""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np

from .robust import robust_fit

#: Standard deviations of the Gaussian to try, in pixels, and the reach of its stamps in units of
#: them.
_WIDTHS = (1.5, 3.0, 4.5)
_REACH = 3.4
#: A wider one is taken where this much of the second derivatives, in squares of the width, is in
#: the fit: where exposure and blot are of different sharpness.
_UNLIKE = 0.15
#: Sources' pixels to look at, at most; what lies around each; and how few stamps there may be.
_MOST = 250
FEWEST = 30
_AROUND = np.array([(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)])
#: What part of a stamp's light may be that of replaced pixels: of more, the exposure says too
#: little.
_REPLACED = 0.1
#: Pixels farther from the fit than this, in sigma, are replaced.
_FAR = 4.5
#: The smoothed fit is good to this part of a source, at best: it keeps the brightest from deciding
#: alone.
_GOOD_TO = 0.03
#: Sources whose noise is less than this part of them tell how good the fit is.
_NOISY = 0.05
#: The error comes from leaving out the stamps of one of so many blocks in turn, each way across the
#: image.
_BLOCKS = 5
_ROUNDS = 6
_SETTLED = 1e-5
#: How often the weights are made again without a block: they hardly change.
_AGAIN = 3


@dataclass(frozen=True)
class Sources:
    """What is known of an exposure and its blot before their flux ratio is.

    Attributes
    ----------
    places : ndarray of int, shape (n, 2)
        Pixels (y, x) of sources.
    terms : (float, float, float, float, float)
        A first fit to the exposure: background, flux ratio, coefficients of the blot's slopes and
        second differences.
    sky : float
        The blot where there is nothing.
    roughness : float
        What the fit leaves at sources, in units of the blot's structure.
    """

    places: np.ndarray
    terms: tuple[float, float, float, float, float]
    sky: float
    roughness: float


@dataclass(frozen=True)
class FluxRatio:
    """The ratio, and where the sources lie; NaN where there are too few sources.

    Attributes
    ----------
    value, error : float
        The ratio, and its standard error.
    shift : (float, float)
        By how many pixels in x and y sources lie farther in the exposure than in the blot.
    shift_error : float
        Its standard error.
    unexplained : float
        What the fit leaves at sources, in units of their brightness: the median. About 0.02 to 0.09
        where exposure and blot match, whatever their sharpness.
    """

    value: float = math.nan
    error: float = math.nan
    shift: tuple[float, float] = (math.nan, math.nan)
    shift_error: float = math.nan
    unexplained: float = math.nan

    @property
    def known(self) -> bool:
        """Whether it was measured."""
        return math.isfinite(self.value) and math.isfinite(self.error)

    def differs(self, times: float = 5.0) -> bool:
        """Whether it is not 1, by so many standard errors."""
        return self.known and abs(self.value - 1.0) > times * self.error


def measure_flux_ratio(
    data: np.ndarray, blot: np.ndarray, sigma: np.ndarray, valid: np.ndarray, sources: Sources
) -> FluxRatio:
    """Return the flux ratio of an exposure to its blot.

    The arrays are those of `skyblot.rejection.residuals.measure`.
    """
    flux_ratio = FluxRatio()
    for width in _WIDTHS:
        stamps = _Stamps.around(data, blot, sigma, valid, sources, width)
        smoothed = _smoothed(stamps, sources.terms[1], blot.shape)
        if smoothed is None:
            break
        flux_ratio, bend = smoothed
        if abs(bend) < _UNLIKE:
            break
    return flux_ratio


def _smoothed(
    stamps: "_Stamps", first: float, shape: tuple[int, int]
) -> tuple[FluxRatio, float] | None:
    """The flux ratio by smoothed images, and how much of the second derivatives is in it."""
    ratio = first
    weights = np.empty(0)
    for _ in range(_ROUNDS):
        design, values, kept = stamps.smoothed(ratio)
        fit = robust_fit(design, values) if len(values) >= FEWEST else None
        if fit is None or fit.coefficients[0] == 0:
            return None
        before = ratio
        weights = fit.weights
        coefficients = fit.coefficients
        ratio, move_x, move_y, bend, *_ = coefficients.tolist()
        if abs(ratio - before) < _SETTLED:
            break
    errors = _errors(design, values, weights, _blocks(stamps.places[kept], shape))
    pixels = stamps.width / ratio
    shift_error = abs(pixels) * float(errors[1:3].max())
    left = _unexplained(values - design @ coefficients, ratio * design[:, 0])
    flux_ratio = FluxRatio(
        ratio, float(errors[0]), (pixels * move_x, pixels * move_y), shift_error, left
    )
    return flux_ratio, bend / ratio


def _unexplained(left: np.ndarray, brightness: np.ndarray) -> float:
    """The median part that is left of sources that are bright enough to tell it from noise.

    Both are in errors.
    """
    bright = brightness > 1.0 / math.hypot(_GOOD_TO, _NOISY)
    return (
        float(np.median(np.abs(left[bright]) / brightness[bright]))
        if np.count_nonzero(bright) >= FEWEST
        else 0.0
    )


def _inside(places: np.ndarray, shape: tuple[int, int], margin: int) -> np.ndarray:
    """Some of the places, with the pixels around them that lie on the image.

    A source counts with all its pixels: what is wrong on its one side cancels with what is wrong on
    the other.
    """
    chosen = places[:: max(1, math.ceil(len(places) / _MOST))]
    around = np.unique((chosen[:, None] + _AROUND).reshape(-1, 2), axis=0)
    return around[(around >= margin).all(axis=1) & (around < np.array(shape) - margin).all(axis=1)]


@cache
def _bells(width: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights of a stamp, as columns, and their squares.

    The Gaussian, and its derivatives by x, y, xx + yy, xx - yy, xy.
    """
    reach = int(_REACH * width)
    u = np.arange(-reach, reach + 1) / width
    bell = np.exp(-(u**2) / 2)
    bell /= bell.sum()
    slope = -u * bell
    bend = (u**2 - 1) * bell
    xx = np.outer(bell, bend)
    yy = np.outer(bend, bell)
    plain = np.outer(bell, bell)
    stamps = [
        plain,
        np.outer(bell, slope),
        np.outer(slope, bell),
        xx + yy,
        xx - yy,
        np.outer(slope, slope),
    ]
    return np.stack([stamp.ravel() for stamp in stamps], axis=1), plain.ravel() ** 2


@dataclass(frozen=True)
class _Stamps:
    """Pixels around places, row by row.

    All arrays but the first three have the shape (n, pixels of a stamp).

    Attributes
    ----------
    width : float
    places : ndarray of int, shape (n, 2)
    terms : ndarray, shape (n, 6)
        The blot, smoothed, and its derivatives.
    observed, blot : ndarray
        Exposure and blot, without their sky.
    rest : ndarray
        What is expected of the exposure beside the blot times the ratio: for its position and
        sharpness.
    sigma, rough : ndarray
        Errors of the exposure, and of the blot.
    unused : ndarray of bool
        Pixels that do not count.
    """

    width: float
    places: np.ndarray
    terms: np.ndarray
    observed: np.ndarray
    blot: np.ndarray
    rest: np.ndarray
    sigma: np.ndarray
    rough: np.ndarray
    unused: np.ndarray

    @classmethod
    def around(
        cls,
        data: np.ndarray,
        blot: np.ndarray,
        sigma: np.ndarray,
        valid: np.ndarray,
        sources: Sources,
        width: float,
    ) -> "_Stamps":
        """Cut the stamps out; places where the blot is not known all over are left out."""
        margin = int(_REACH * width) + 1
        places = _inside(sources.places, blot.shape, margin)
        reach = np.arange(-margin, margin + 1)
        rows = places[:, 0, None, None] + reach[:, None]
        columns = places[:, 1, None, None] + reach
        wide = blot[rows, columns] - sources.sky
        known = np.isfinite(wide).all(axis=(1, 2))
        places = places[known]
        wide = wide[known]
        rows = rows[known, 1:-1]
        columns = columns[known, :, 1:-1]
        middle = wide[:, 1:-1, 1:-1]
        left = wide[:, 1:-1, :-2]
        right = wide[:, 1:-1, 2:]
        below = wide[:, :-2, 1:-1]
        above = wide[:, 2:, 1:-1]
        bend_x = left + right - 2 * middle
        bend_y = below + above - 2 * middle
        step = np.maximum.reduce([np.abs(near - middle) for near in (left, right, below, above)])
        background, _, slope_x, slope_y, bend = sources.terms
        rest = (
            slope_x * (right - left) / 2 + slope_y * (above - below) / 2 + bend * (bend_x + bend_y)
        )
        unused = ~valid[rows, columns]
        stamps = [
            np.where(unused, 0.0, data[rows, columns]) - background - sources.sky,
            middle,
            rest,
            np.where(unused, 0.0, sigma[rows, columns]),
            sources.roughness * np.hypot(np.abs(bend_x) + np.abs(bend_y), step),
            unused,
        ]
        flat = [stamp.reshape(len(places), math.prod(stamp.shape[1:])) for stamp in stamps]
        return cls(width, places, flat[1] @ _bells(width)[0], *flat)

    def smoothed(self, ratio: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the terms and the values of the fit, in their errors, and their stamps."""
        bells, squares = _bells(self.width)
        expected = ratio * self.blot + self.rest
        replaced = self.unused | (
            np.abs(self.observed - expected) > _FAR * np.hypot(self.sigma, ratio * self.rough)
        )
        values = np.where(replaced, expected, self.observed) @ bells[:, 0]
        light = np.abs(self.blot)
        kept = np.where(replaced, light, 0.0) @ bells[:, 0] <= _REPLACED * (light @ bells[:, 0])
        variance = self.sigma**2 @ squares + (_GOOD_TO * ratio * self.terms[:, 0]) ** 2
        errors = np.sqrt(variance + np.finfo(float).tiny)
        design = np.column_stack([self.terms, np.ones(len(values))]) / errors[:, None]
        return design[kept], (values / errors)[kept], kept


def _blocks(places: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The number of the block that each place lies in."""
    row, column = (places * _BLOCKS // np.array(shape)).T
    return row * _BLOCKS + column


def _errors(
    design: np.ndarray, values: np.ndarray, weights: np.ndarray, blocks: np.ndarray
) -> np.ndarray:
    """The jackknife's standard errors: the fit is made again without each block."""
    unknown = np.full(design.shape[1], math.nan)
    fits = []
    for block in np.unique(blocks):
        kept = blocks != block
        enough = np.count_nonzero(kept) > design.shape[1]
        fit = robust_fit(design[kept], values[kept], weights[kept], _AGAIN) if enough else None
        if fit is None:
            return unknown
        fits.append(fit.coefficients)
    return np.sqrt((len(fits) - 1) * np.var(fits, axis=0)) if len(fits) > 1 else unknown
