"""What an exposure differs from its blot by, on the whole: sky, noise, position, brightness,
sharpness, the rest.
"""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from ..kernels.compare import (
    BEND,
    BLOT,
    PLACE_X,
    PLACE_Y,
    RESIDUAL,
    SIGMA,
    SLOPE_X,
    SLOPE_Y,
    STRUCTURE,
)
from .fluxratio import FluxRatio, Sources, measure_flux_ratio
from .registration import REACH, Images, find_shift
from .robust import Fit, clipped_median, robust_fit, spread_about
from .sampling import CURVED, SAMPLE, binned, in_both, on_wide_sources, pixels_of_star, sampled

#: Pixels of the sky, and of sources, to look for a shift.
_SHIFT_SAMPLE = 1500
#: Sky is where the structure of the blot is below this many sigma.
_FLAT = 2.0
#: Where too little stands out, sources are the pixels of most structure, in percent; less, in
#: sigma, is rounding.
_BRIGHTEST = 99.5
_LEAST_STRUCTURE = 1e-3
#: Sources have to have so many pixels for their positions, and for the blot's errors, to be
#: measured; and so many for a blot without them in the exposure to be refused.
_ENOUGH = 30
_PLENTY = 100
#: The error of a blot in units of its structure, where there are too few sources to measure it: as
#: of undersampled stars. The weights of the fit assume it as well, so that the brightest source
#: does not decide alone.
USUAL_ROUGHNESS = 0.3
#: What part of the sources' pixels it covers. Cosmic rays are few enough not to matter for it.
_COVERED = 90.0
#: The sky has to have so many pixels for its noise to be measured, and nobody's errors are farther
#: off than this.
_ENOUGH_SKY = 300
NOISE_RANGE = (0.3, 3.0)

#: A misalignment above this, in pixels, matters; if its error is below a fifth of it.
MISALIGNED = 0.1
#: A flux ratio farther from 1 than this matters, by five standard errors; one beyond that factor is
#: refused.
WRONG_FLUX = 0.1
REFUSED_FLUX = 3.0
#: Beyond this misalignment, in pixels, roughness, and distance of the flux ratio from 1, a shift is
#: looked for.
_LINEAR = 0.3
_SMOOTH = 0.4
_ALIKE = 0.15
#: Rougher than this no blot is that matches: aligned mosaics leave 0.09 to 0.36, and 0.45 if cosmic
#: rays are in them.
_ROUGHEST = 0.6
#: A flux ratio is used where it leaves less than this part of the roughness: a mosaic whose
#: stacking took the cores of stars for cosmic rays is too faint there, and nowhere else.
_EXPLAINED = 0.6
#: What fits leave of the brightness of sources: more than this where they are not right all over,
#: and where not at all.
ODD_FIT = 0.15
_WORST_FIT = 0.25
#: How often a shift found by correlation is corrected by the fit, and from how much on: half a
#: pixel and a little more, so that nothing goes back and forth. What is farther off than this is no
#: correction.
_CORRECTIONS = 3
_HALF = 0.6
_FARTHEST = 2.5


@dataclass(frozen=True)
class Systematics:
    """How an exposure differs from its blot on the whole; attributes as those of
    `skyblot.reject.Rejection`.

    Attributes
    ----------
    spread : float
        The noise as measured; `noise` is within limits.
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
        """The same in pixels, where it is in bins of so many each way: the blot is moved to within
        half a pixel.
        """
        known = math.isfinite(self.sharpness)
        ratio = self.flux_ratio
        dx, dy = (times * each for each in (self.misalignment if known else self.shift))
        shift = tuple(round(each) if abs(each) > _HALF else 0 for each in (dx, dy))
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
        """What is expected of a pixel, as coefficients of the blot, of 1, of slopes in x and y, and
        second differences.

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
    """Measure background, noise, misalignment, flux ratio, sharpness and roughness from pixels most
    of which are good.

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
    found = _measured(bins, *how)
    if found.matches and found.flux_ratio.known:
        there = in_both(bins.moved(found.shift), found.flux_ratio.value)
        again = _measured(bins._replace(valid=bins.valid & there), *how)
        found = again if again.flux_ratio.known else found
    # in wide stars single pixels do not tell whether the ratio explains what is left, nor how sharp
    # they are
    found = replace(found, ratio=_used(found.flux_ratio, flux_ratio)).of_bins(times)
    pixels = at_pixels(Sample.of(images.moved(found.shift), threads, times), found, background)
    return replace(pixels, sharpness=found.sharpness)


def _measured(
    images: Images,
    background: float | None,
    flux_ratio: float | str | None,
    threads: int,
    reach: int = REACH,
) -> Systematics:
    """What `measure` returns, measured on the images as they are."""
    sample = Sample.of(images, threads)
    found = Systematics(0.0)
    look = _look(sample)
    if look is not None:
        images, look, found = _registered(images, look, threads, reach)
        measured = look.meant(measure_flux_ratio(*images, look.sources))
        matches = found.matches and look.is_believable(measured)
        found = replace(found, flux_ratio=measured, matches=matches)
        sample = look.sample
    found = replace(found, ratio=_used(found.flux_ratio, flux_ratio))
    as_it_is = replace(found, ratio=1.0)
    if found.ratio == 1.0 and sample.stand_out:
        return at_pixels(sample, as_it_is, background)
    scaled = replace(sample, sources=sampled(images, CURVED / found.ratio, math.inf, threads))
    result = at_pixels(scaled, found, background)
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


def at_pixels(sample: "Sample", found: Systematics, background: float | None) -> Systematics:
    """Add what single pixels say: background, noise, what is left of the misalignment, sharpness,
    roughness.
    """
    ratio = found.ratio
    rows = sample.sources
    sky, spread = _sky(sample, ratio)
    background = sky if background is None else background
    found = replace(
        found, background=background, noise=float(np.clip(spread, *NOISE_RANGE)), spread=spread
    )
    if len(rows) < _ENOUGH:
        return found
    structure = ratio * rows[:, STRUCTURE]
    errors = np.hypot(rows[:, SIGMA], USUAL_ROUGHNESS * structure)
    design = ratio * rows[:, [SLOPE_X, SLOPE_Y, BEND]]
    residual = _residual(rows, ratio) - background
    fit = robust_fit(design / errors[:, None], residual / errors)
    if fit is None:
        return found
    left = np.abs(residual - design @ fit.coefficients)
    slope_x, slope_y, bend = (float(each) for each in fit.coefficients)
    smoothed = found.flux_ratio
    (dx, dy), error = (
        (smoothed.shift, smoothed.shift_error)
        if smoothed.known
        else ((-slope_x, -slope_y), _position_error(fit))
    )
    return replace(
        found,
        misalignment=(found.shift[0] + dx, found.shift[1] + dy),
        misalignment_error=error,
        slopes=(slope_x, slope_y),
        sharpness=bend,
        roughness=_roughness(left, structure, rows[:, SIGMA], found),
    )


def _roughness(
    left: np.ndarray, structure: np.ndarray, sigma: np.ndarray, found: Systematics
) -> float:
    """What is left of sources in units of their structure; in wide stars of what is no noise, and
    as usual at most.
    """
    if found.binned == 1:
        return float(np.percentile(left / structure, _COVERED))
    clear = structure > CURVED * sigma
    known = np.count_nonzero(clear) >= _ENOUGH
    rough = float(np.percentile(left[clear] / structure[clear], _COVERED)) if known else math.inf
    return min(rough, USUAL_ROUGHNESS)


def _position_error(fit: Fit) -> float:
    return float(np.sqrt(fit.covariance.diagonal()[:2].max()))


def _residual(rows: np.ndarray, ratio: float) -> np.ndarray:
    """Exposure minus the blot times a ratio."""
    return rows[:, RESIDUAL] + (1.0 - ratio) * rows[:, BLOT]


@dataclass(frozen=True)
class Sample:
    """Pixels of sources and of the sky, as rows of the columns of `skyblot.kernels.compare.sample`.

    Attributes
    ----------
    sources, sky : ndarray
        Where there are no flat pixels, `sky` has all.
    stand_out, flat : bool
        Whether the sources stand out of the exposure's noise; whether `sky` is flat.
    """

    sources: np.ndarray
    sky: np.ndarray
    stand_out: bool
    flat: bool

    @classmethod
    def of(cls, images: Images, threads: int, times: int = 1) -> "Sample":
        """Look at the images. Where no sources stand out, of a blot too faint perhaps, the
        brightest pixels count.
        """
        if times > 1:
            wide = on_wide_sources(images, times, threads)
            on, off = (images._replace(valid=images.valid & each) for each in (wide, ~wide))
            return cls(sampled(on, 0.0, math.inf, threads), *_sky_rows(off, threads, True))
        rows = sampled(images, CURVED, math.inf, threads)
        stand_out = len(rows) >= _ENOUGH
        return cls(
            rows if stand_out else _brightest(images, threads),
            *_sky_rows(images, threads, stand_out),
        )


@dataclass(frozen=True)
class _Look:
    """A first look at sources, for which nothing is known of positions and brightness."""

    sample: Sample
    sources: Sources
    misalignment: tuple[float, float]

    @property
    def fits(self) -> bool:
        """Whether nothing speaks against its being linear: a small shift of the same brightness."""
        near = math.hypot(*self.misalignment) < _LINEAR and self.sources.roughness < _SMOOTH
        return near and abs(self.sources.terms[1] - 1.0) < _ALIKE

    def meant(self, measured: FluxRatio) -> FluxRatio:
        """What was measured, if it is of sources: where none stand out, only a blot that is too
        faint says anything.
        """
        shines = measured.known and measured.value > max(REFUSED_FLUX, 5 * measured.error)
        return measured if self.sample.stand_out or shines else FluxRatio()

    def is_believable(self, measured: FluxRatio) -> bool:
        """Whether the exposure has the blot's sources at all, if there are enough of them."""
        if not (measured.known and self.has_plenty):
            return True
        return measured.value > 3 * measured.error and measured.unexplained <= _WORST_FIT

    @property
    def has_plenty(self) -> bool:
        """Whether there are so many sources that they cannot all be missing in the exposure."""
        return self.sample.stand_out and len(self.sample.sources) >= _PLENTY


def _look(sample: Sample) -> _Look | None:
    """Fit the exposure by the blot, its slopes and second differences; None where there are too few
    sources.
    """
    rows = sample.sources
    sky_rows = sample.sky
    if len(rows) < _ENOUGH or not len(sky_rows):
        return None
    level = clipped_median(sky_rows[:, BLOT] + sky_rows[:, RESIDUAL])
    sky = clipped_median(sky_rows[:, BLOT])
    errors = np.hypot(rows[:, SIGMA], USUAL_ROUGHNESS * rows[:, STRUCTURE])
    design = np.column_stack([rows[:, BLOT] - sky, rows[:, [SLOPE_X, SLOPE_Y, BEND]]])
    values = rows[:, RESIDUAL] + rows[:, BLOT] - level
    fit = robust_fit(design / errors[:, None], values / errors)
    if fit is None:
        return None
    ratio, slope_x, slope_y, bend = (float(each) for each in fit.coefficients)
    left = np.abs(values - design @ fit.coefficients) / rows[:, STRUCTURE]
    roughness = float(np.percentile(left, _COVERED)) / max(abs(ratio), 1e-6)
    level += clipped_median(
        sky_rows[:, RESIDUAL] + sky_rows[:, BLOT] - level - ratio * (sky_rows[:, BLOT] - sky)
    )
    places = rows[:, [PLACE_Y, PLACE_X]].astype(np.int64)
    sources = Sources(places, (level - sky, ratio, slope_x, slope_y, bend), sky, roughness)
    return _Look(
        sample, sources, (-slope_x / ratio, -slope_y / ratio) if ratio else (math.inf, math.inf)
    )


def _brightest(images: Images, threads: int) -> np.ndarray:
    """The pixels of most structure where none stands out of the noise: of a blot that is much too
    faint, perhaps.
    """
    rows = sampled(images, 0.0, math.inf, threads)
    if not len(rows):
        return rows
    least = float(np.percentile(rows[:, STRUCTURE] / rows[:, SIGMA], _BRIGHTEST))
    return sampled(images, least, math.inf, threads) if least > _LEAST_STRUCTURE else rows[:0]


def _registered(
    images: Images, look: _Look, threads: int, reach: int
) -> tuple[Images, _Look, Systematics]:
    """Find the whole pixels by which the blot has to be moved for the fit to be a good one."""
    if look.fits:
        return images, look, Systematics(0.0)
    shift = find_shift(*images, _places(images, look, threads), reach)
    if shift is None:
        matches = not look.has_plenty or look.sources.roughness < _ROUGHEST
        return images, look, Systematics(0.0, matches=matches)
    there = images.moved(shift)
    seen = look
    for _ in range(_CORRECTIONS):
        if shift != (0, 0):
            seen = _look(Sample.of(there, threads)) or seen
        dx, dy = (round(each) if _HALF < abs(each) < _FARTHEST else 0 for each in seen.misalignment)
        if (dx, dy) == (0, 0):
            break
        shift = (shift[0] + dx, shift[1] + dy)
        there = images.moved(shift)
    return there, seen, Systematics(0.0, shift=shift)


def _places(images: Images, look: _Look, threads: int) -> np.ndarray:
    """Pixels of sources and of the sky, to look for in the exposure."""
    sources = look.sources.places
    sky = sampled(images, 0.0, _FLAT, threads, capacity=_SHIFT_SAMPLE)[
        :, [PLACE_Y, PLACE_X]
    ].astype(np.int64)
    return np.concatenate([sources[:: max(1, math.ceil(len(sources) / _SHIFT_SAMPLE))], sky])


def _sky_rows(images: Images, threads: int, stand_out: bool) -> tuple[np.ndarray, bool, bool]:
    """Pixels of the sky, all pixels where there is no sky; what `Sample` has beside them."""
    step = max(1, images.data.size // (4 * SAMPLE))  # nearly all is sky, most often
    for most, every in ((_FLAT, step), (_FLAT, 1), (math.inf, 1)):
        rows = sampled(images, 0.0, most, threads, every)
        if len(rows) >= min(_ENOUGH_SKY, images.data.size):
            break
    return rows, stand_out, most == _FLAT


def _sky(sample: Sample, ratio: float) -> tuple[float, float]:
    """Middle of the residuals of the sky, of all residuals where there is no sky, and their spread
    in sigma.
    """
    rows = sample.sky
    if not len(rows):
        return 0.0, math.nan
    residual = _residual(rows, ratio)
    background = clipped_median(residual)
    if len(rows) < _ENOUGH_SKY or not sample.flat:
        return background, math.nan
    return background, spread_about((residual - background) / rows[:, SIGMA], 0.0)
