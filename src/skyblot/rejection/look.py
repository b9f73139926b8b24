"""A first look at sources in an exposure and its blot: are they there, and by how much moved?"""

import math
from dataclasses import dataclass, replace

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
from .fluxratio import FluxRatio, Sources
from .registration import Images, find_shift
from .robust import clipped_median, robust_fit
from .sampling import CURVED, SAMPLE, on_wide_sources, sampled

#: Pixels of the sky, and of sources, to look for a shift.
_SHIFT_SAMPLE = 1500
#: Sky is where the structure of the blot is below this many sigma.
_FLAT = 2.0
#: What is taken of the sky lies so many columns from there: flat pixels are those that happen to be
#: like their neighbours, and 18 percent closer to the blot of a median of four than all are.
_ASIDE = 2
#: Where too little stands out, sources are the pixels of most structure, in percent; less, in
#: sigma, is rounding.
_BRIGHTEST = 99.5
_LEAST_STRUCTURE = 1e-3
#: Sources have to have so many pixels for their positions, and for the blot's errors, to be
#: measured; and so many for a blot without them in the exposure to be refused.
ENOUGH = 30
_PLENTY = 100
#: The error of a blot in units of its structure, where there are too few sources to measure it: as
#: of undersampled stars. The weights of the fit assume it as well, so that the brightest source
#: does not decide alone.
USUAL_ROUGHNESS = 0.3
#: What part of the sources' pixels it covers. Cosmic rays are few enough not to matter for it.
COVERED = 90.0
#: The sky has to have so many pixels for its noise to be measured.
ENOUGH_SKY = 300
#: A flux ratio beyond this factor is refused.
REFUSED_FLUX = 3.0
#: Beyond this misalignment, in pixels, roughness, and distance of the flux ratio from 1, a shift is
#: looked for.
_LINEAR = 0.3
_SMOOTH = 0.4
_ALIKE = 0.15
#: No blot that matches is rougher than this: aligned mosaics leave 0.09 to 0.36, and 0.45 if cosmic
#: rays are in them.
_ROUGHEST = 0.6
#: Fits that leave more of the brightness of sources than this are not of the same sources.
_WORST_FIT = 0.25
#: How often a shift found by correlation is corrected by the fit, and from how much on: half a
#: pixel and a little more, so that nothing goes back and forth. What is farther off than this is no
#: correction.
_CORRECTIONS = 3
HALF = 0.6
_FARTHEST = 2.5


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
        """Take pixels of sources, or the brightest where none stand out: the blot may be faint."""
        if times > 1:
            wide = on_wide_sources(images, times, threads)
            on, off = (images._replace(valid=images.valid & part) for part in (wide, ~wide))
            return cls(sampled(on, 0.0, math.inf, threads), *_sky_rows(off, threads, True))
        rows = sampled(images, CURVED, math.inf, threads)
        stand_out = len(rows) >= ENOUGH
        return cls(
            rows if stand_out else _brightest(images, threads),
            *_sky_rows(images, threads, stand_out),
        )


@dataclass(frozen=True)
class Look:
    """A first look at sources, for which nothing is known of positions and brightness.

    Attributes
    ----------
    sample : Sample
    sources : Sources
    misalignment : (float, float)
        By how many pixels in x and y sources lie farther in the exposure.
    shift : (int, int)
        Whole pixels (x, y) by which the blot was moved before.
    matches : bool
        False where the blot's sources are nowhere in the exposure.
    """

    sample: Sample
    sources: Sources
    misalignment: tuple[float, float]
    shift: tuple[int, int] = (0, 0)
    matches: bool = True

    @property
    def fits(self) -> bool:
        """Whether nothing speaks against its being linear: a small shift of the same brightness."""
        near = math.hypot(*self.misalignment) < _LINEAR and self.sources.roughness < _SMOOTH
        return near and abs(self.sources.terms[1] - 1.0) < _ALIKE

    def meant(self, measured: FluxRatio) -> FluxRatio:
        """What was measured, if it is of sources: else only a blot that is too faint counts."""
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


def first_look(sample: Sample) -> Look | None:
    """Fit the exposure by the blot, its slopes and second differences; None if sources are few."""
    rows = sample.sources
    sky_rows = sample.sky
    if len(rows) < ENOUGH or not len(sky_rows):
        return None
    level = clipped_median(sky_rows[:, BLOT] + sky_rows[:, RESIDUAL])
    sky = clipped_median(sky_rows[:, BLOT])
    errors = np.hypot(rows[:, SIGMA], USUAL_ROUGHNESS * rows[:, STRUCTURE])
    design = np.column_stack([rows[:, BLOT] - sky, rows[:, [SLOPE_X, SLOPE_Y, BEND]]])
    values = rows[:, RESIDUAL] + rows[:, BLOT] - level
    fit = robust_fit(design / errors[:, None], values / errors)
    if fit is None:
        return None
    ratio, slope_x, slope_y, bend = (float(coefficient) for coefficient in fit.coefficients)
    left = np.abs(values - design @ fit.coefficients) / rows[:, STRUCTURE]
    roughness = float(np.percentile(left, COVERED)) / max(abs(ratio), 1e-6)
    level += clipped_median(
        sky_rows[:, RESIDUAL] + sky_rows[:, BLOT] - level - ratio * (sky_rows[:, BLOT] - sky)
    )
    places = rows[:, [PLACE_Y, PLACE_X]].astype(np.int64)
    sources = Sources(places, (level - sky, ratio, slope_x, slope_y, bend), sky, roughness)
    return Look(
        sample, sources, (-slope_x / ratio, -slope_y / ratio) if ratio else (math.inf, math.inf)
    )


def _brightest(images: Images, threads: int) -> np.ndarray:
    """The pixels of most structure where none stands out: the blot may be much too faint."""
    rows = sampled(images, 0.0, math.inf, threads)
    if not len(rows):
        return rows
    least = float(np.percentile(rows[:, STRUCTURE] / rows[:, SIGMA], _BRIGHTEST))
    return sampled(images, least, math.inf, threads) if least > _LEAST_STRUCTURE else rows[:0]


def registered(images: Images, look: Look, threads: int, reach: int) -> tuple[Images, Look]:
    """Move the blot by the whole pixels that make the fit a good one, and look again."""
    if look.fits:
        return images, look
    shift = find_shift(*images, _places(images, look, threads), reach)
    if shift is None:
        matches = not look.has_plenty or look.sources.roughness < _ROUGHEST
        return images, replace(look, matches=matches)
    there = images.moved(shift)
    seen = look
    for _ in range(_CORRECTIONS):
        if shift != (0, 0):
            seen = first_look(Sample.of(there, threads)) or seen
        dx, dy = (
            round(distance) if HALF < abs(distance) < _FARTHEST else 0
            for distance in seen.misalignment
        )
        if (dx, dy) == (0, 0):
            break
        shift = (shift[0] + dx, shift[1] + dy)
        there = images.moved(shift)
    return there, replace(seen, shift=shift)


def _places(images: Images, look: Look, threads: int) -> np.ndarray:
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
        rows = sampled(images, 0.0, most, threads, every, aside=_ASIDE)
        if len(rows) >= min(ENOUGH_SKY, images.data.size):
            break
    return rows, stand_out, most == _FLAT
