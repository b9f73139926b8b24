"""What an exposure differs from its blot by: sky, noise, position, brightness, sharpness, rest."""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from ..kernels.compare import (
    BEND,
    BLOT,
    NEXT,
    RESIDUAL,
    SIGMA,
    SLOPE_X,
    SLOPE_Y,
    STRUCTURE,
)
from .fluxratio import FluxRatio, measure_flux_ratio
from .look import COVERED, ENOUGH, ENOUGH_SKY, HALF, USUAL_ROUGHNESS, Sample, first_look, registered
from .registration import REACH, Images
from .robust import Fit, clipped_median, robust_fit, spread_about
from .sampling import CURVED, binned, in_both, pixels_of_star, sampled

#: Nobody's errors are farther off than this.
NOISE_RANGE = (0.3, 3.0)
#: A misalignment above this, in pixels, matters; if its error is below a fifth of it.
MISALIGNED = 0.1
#: A flux ratio farther from 1 than this matters, by five standard errors.
WRONG_FLUX = 0.1
#: A flux ratio is used where it leaves less than this part of the roughness: a mosaic whose
#: stacking took the cores of stars for cosmic rays is too faint there, and nowhere else.
_EXPLAINED = 0.6
#: What fits leave of the brightness of sources: more than this where they are not right all over.
ODD_FIT = 0.15
#: Differences of neighbours farther off than this, in their spread, are those of cosmic rays; what
#: is left of the spread of normal numbers without them; and how often they are left out.
_NEAR = 2.5
_KEPT = 0.9546
_ROUNDS = 5


@dataclass(frozen=True)
class Systematics:
    """How an exposure differs from its blot on the whole; see `skyblot.Rejection` too.

    Attributes
    ----------
    spread : float
        The noise as measured; `noise` is within limits.
    own : float
        The noise of the exposure alone, in sigma; NaN where it is not known.
    growth : float
        By how much the square of sigma grows with the residual of a pixel of the sky; NaN where it
        is not known.
    slopes : (float, float)
        What single pixels need of the blot's slopes in x and y: where stars are undersampled, less
        than they move.
    flux_ratio : FluxRatio
        As measured.
    ratio : float
        What the blot is multiplied by.
    shift : (int, int)
        Whole pixels (x, y) that the blot is moved by.
    matches : bool
        False where the blot's sources are nowhere in the exposure.
    binned : int
        Pixels each way of the bins that it was measured on: 1 but where stars are wide.
    """

    background: float
    noise: float = math.nan
    spread: float = math.nan
    own: float = math.nan
    growth: float = math.nan
    misalignment: tuple[float, float] = (math.nan, math.nan)
    misalignment_error: float = math.nan
    slopes: tuple[float, float] = (0.0, 0.0)
    sharpness: float = math.nan
    roughness: float = USUAL_ROUGHNESS
    flux_ratio: FluxRatio = field(default_factory=FluxRatio)
    ratio: float = 1.0
    shift: tuple[int, int] = (0, 0)
    matches: bool = True
    binned: int = 1

    def of_bins(self, times: int) -> "Systematics":
        """The same in pixels, from bins of so many: the blot is moved to within half a pixel."""
        known = math.isfinite(self.sharpness)
        ratio = self.flux_ratio
        dx, dy = (times * bins for bins in (self.misalignment if known else self.shift))
        shift = tuple(round(distance) if abs(distance) > HALF else 0 for distance in (dx, dy))
        left = (dx - shift[0], dy - shift[1])
        return replace(
            self,
            misalignment=(dx, dy) if known else self.misalignment,
            misalignment_error=times * self.misalignment_error,
            slopes=(-left[0], -left[1]) if known else self.slopes,
            sharpness=times**2 * self.sharpness,
            roughness=USUAL_ROUGHNESS,
            flux_ratio=replace(ratio, shift=left, shift_error=times * ratio.shift_error),
            shift=(shift[0], shift[1]),
            binned=times,
        )

    @property
    def terms(self) -> tuple[float, float, float, float, float]:
        """Coefficients of the blot, 1, its slopes and second differences in a pixel's value.

        The blot is the one moved by whole pixels.
        """
        if math.isnan(self.sharpness):
            return self.ratio, self.background, 0.0, 0.0, 0.0
        slope_x, slope_y = self.slopes
        return (
            self.ratio,
            self.background,
            self.ratio * slope_x,
            self.ratio * slope_y,
            self.ratio * self.sharpness,
        )


def misaligned(misalignment: tuple[float, float], error: float) -> bool:
    """Whether a misalignment matters, and is no chance."""
    size = math.hypot(*misalignment)
    return size > MISALIGNED and size > 5 * error


def measure(
    data: np.ndarray,
    blot: np.ndarray,
    sigma: np.ndarray,
    valid: np.ndarray,
    background: float | None,
    flux_ratio: float | str | None = None,
    threads: int = 1,
) -> Systematics:
    """Measure background, noise, misalignment, flux ratio, sharpness and roughness.

    The residual of a displaced blot is minus its gradient times the displacement, and that of a
    smoothed one its Laplacian times a constant, to first order. Both are fitted to the pixels of
    sources by least squares with weights that fall with the distance from the fit (Cauchy's), so
    that cosmic rays do not count. What is then left is the error of the blot: of interpolation, of
    pixels that undersample stars, of higher orders of the displacement. Where the fit is a bad one
    the shift is looked for over tens of pixels first.

    Parameters
    ----------
    data, blot, sigma, valid : ndarray, shape (ny, nx)
        Exposure, blot, errors, and the pixels to look at.
    background : float, optional
        Exposure minus blot where there is nothing, where it is known.
    flux_ratio : float or "fit", optional
        What the blot is multiplied by; "fit": what is measured. By default that too, where it is
        not 1 by five standard errors and the exposure's sources are then fitted clearly better.
    threads : int
    """
    images = Images(data, blot, sigma, valid)
    times = pixels_of_star(images)
    if times == 1:
        return _measured(images, background, flux_ratio, threads)
    bins = Images(*binned(images, times))
    how = (background, flux_ratio, threads, REACH // times)
    systematics = _measured(bins, *how)
    if systematics.matches and systematics.flux_ratio.known:
        there = in_both(bins.moved(systematics.shift), systematics.flux_ratio.value)
        again = _measured(bins._replace(valid=bins.valid & there), *how)
        systematics = again if again.flux_ratio.known else systematics
    # in wide stars single pixels do not tell whether the ratio explains what is left, nor how sharp
    # they are
    systematics = replace(systematics, ratio=_used(systematics.flux_ratio, flux_ratio)).of_bins(
        times
    )
    pixels = at_pixels(
        Sample.of(images.moved(systematics.shift), threads, times), systematics, background
    )
    return replace(pixels, sharpness=systematics.sharpness)


def _measured(
    images: Images,
    background: float | None,
    flux_ratio: float | str | None,
    threads: int,
    reach: int = REACH,
) -> Systematics:
    """What `measure` returns, measured on the images as they are."""
    sample = Sample.of(images, threads)
    systematics = Systematics(0.0)
    look = first_look(sample)
    if look is not None:
        images, look = registered(images, look, threads, reach)
        measured = look.meant(measure_flux_ratio(*images, look.sources))
        matches = look.matches and look.is_believable(measured)
        systematics = replace(systematics, flux_ratio=measured, shift=look.shift, matches=matches)
        sample = look.sample
    systematics = replace(systematics, ratio=_used(systematics.flux_ratio, flux_ratio))
    as_it_is = replace(systematics, ratio=1.0)
    if systematics.ratio == 1.0 and sample.stand_out:
        return at_pixels(sample, as_it_is, background)
    scaled = replace(sample, sources=sampled(images, CURVED / systematics.ratio, math.inf, threads))
    result = at_pixels(scaled, systematics, background)
    if flux_ratio is None and sample.stand_out:
        without = at_pixels(sample, as_it_is, background)
        return result if result.roughness < _EXPLAINED * without.roughness else without
    return result


def _used(measured: FluxRatio, wanted: float | str | None) -> float:
    """What the blot is multiplied by."""
    if isinstance(wanted, int | float):
        return float(wanted)
    usable = measured.known and measured.value > 0
    return measured.value if usable and (wanted == "fit" or measured.differs()) else 1.0


def at_pixels(sample: "Sample", systematics: Systematics, background: float | None) -> Systematics:
    """Add what single pixels say: background, noise, misalignment left, sharpness, roughness."""
    ratio = systematics.ratio
    rows = sample.sources
    sky, spread = _sky(sample, ratio)
    background = sky if background is None else background
    systematics = replace(
        systematics,
        background=background,
        noise=float(np.clip(spread, *NOISE_RANGE)),
        spread=spread,
        own=_own(sample) if math.isfinite(spread) else math.nan,
        growth=_growth(sample.sky) if math.isfinite(spread) else math.nan,
    )
    if len(rows) < ENOUGH:
        return systematics
    structure = ratio * rows[:, STRUCTURE]
    errors = np.hypot(rows[:, SIGMA], USUAL_ROUGHNESS * structure)
    design = ratio * rows[:, [SLOPE_X, SLOPE_Y, BEND]]
    residual = _residual(rows, ratio) - background
    fit = robust_fit(design / errors[:, None], residual / errors)
    if fit is None:
        return systematics
    left = np.abs(residual - design @ fit.coefficients)
    slope_x, slope_y, bend = (float(coefficient) for coefficient in fit.coefficients)
    smoothed = systematics.flux_ratio
    (dx, dy), error = (
        (smoothed.shift, smoothed.shift_error)
        if smoothed.known
        else ((-slope_x, -slope_y), _position_error(fit))
    )
    return replace(
        systematics,
        misalignment=(systematics.shift[0] + dx, systematics.shift[1] + dy),
        misalignment_error=error,
        slopes=(slope_x, slope_y),
        sharpness=bend,
        roughness=_roughness(left, structure, rows[:, SIGMA], systematics),
    )


def _roughness(
    left: np.ndarray, structure: np.ndarray, sigma: np.ndarray, systematics: Systematics
) -> float:
    """What is left of sources in units of their structure; at most the usual in wide stars."""
    if systematics.binned == 1:
        return float(np.percentile(left / structure, COVERED))
    clear = structure > CURVED * sigma
    known = np.count_nonzero(clear) >= ENOUGH
    rough = float(np.percentile(left[clear] / structure[clear], COVERED)) if known else math.inf
    return min(rough, USUAL_ROUGHNESS)


def _position_error(fit: Fit) -> float:
    return float(np.sqrt(fit.covariance.diagonal()[:2].max()))


def _residual(rows: np.ndarray, ratio: float) -> np.ndarray:
    """Exposure minus the blot times a ratio."""
    return rows[:, RESIDUAL] + (1.0 - ratio) * rows[:, BLOT]


def _sky(sample: Sample, ratio: float) -> tuple[float, float]:
    """Middle of the residuals of the sky, or of all if there is none, and spread in sigma."""
    rows = sample.sky
    if not len(rows):
        return 0.0, math.nan
    residual = _residual(rows, ratio)
    background = clipped_median(residual)
    if len(rows) < ENOUGH_SKY or not sample.flat:
        return background, math.nan
    return background, spread_about((residual - background) / rows[:, SIGMA], 0.0)


def _own(sample: Sample) -> float:
    """The noise of the exposure alone, in sigma, by its pixels beside each other.

    It is the root of a mean of squares, as whole numbers have no good median. NaN where they are so
    coarse that most pixels are equal.
    """
    steps = np.abs(sample.sky[:, NEXT])
    steps = steps[np.isfinite(steps)]
    width = spread_about(steps, 0.0) if len(steps) >= ENOUGH_SKY else 0.0
    if not width > 0:
        return math.nan
    for _ in range(_ROUNDS):
        near = steps[steps <= _NEAR * width]
        width = float(np.sqrt(np.mean(near**2))) / _KEPT
    return width


def _growth(rows: np.ndarray) -> float:
    """By how much the square of sigma grows with the residual: from pixels above and below 0."""
    residual = rows[:, RESIDUAL] - clipped_median(rows[:, RESIDUAL])
    sides = [rows[residual > 0], rows[residual < 0]]
    if min(len(side) for side in sides) < ENOUGH:
        return math.nan
    (above, high), (below, low) = (
        (float(np.median(side[:, RESIDUAL])), float(np.median(side[:, SIGMA] ** 2)))
        for side in sides
    )
    return (high - low) / (above - below)
