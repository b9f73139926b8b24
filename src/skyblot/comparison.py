"""One exposure against its blot, from file to mask: what headers say of noise, flags and
instrument.
"""

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from . import messages
from .batch import Maker
from .criteria import BACKGROUND_MAP, Criteria, criteria_for
from .errors import WARNING_FILTERS, DataError, SkyblotWarning
from .exposure import BlotResult, Rendered, Resources, Settings, Source, rendered
from .facts import COMBINED, number
from .files import output_name
from .instruments import DO_NOT_USE, Instrument, exposure_time, instrument_of
from .io.images import Image, open_image
from .io.masks import BadPixels, write_mask
from .io.names import ImageName
from .io.weights import WEIGHT_SUFFIX, read_weights
from .mask_record import mask_cards
from .noise import KnownNoise, noise_of
from .pipelines import recorded_sky
from .rejection import Rejection, compare
from .robust import NORMAL
from .roles import check_exposure
from .usable import Usable, usable_of

#: What a result on disk has of a `Rejection`.
_MEASURED = (
    "background",
    "flux_ratio",
    "flux_ratio_error",
    "ratio",
    "noise",
    "misalignment",
    "misalignment_error",
    "shift",
    "sharpness",
    "roughness",
    "criteria",
)
#: Between these is the spread of exposure minus blot, in sigma, wherever sigma is the noise.
_USUAL_SPREAD = (0.1, 10.0)
#: Exposure, blot, errors, significance, copies of some of them, flags and masks: 32, measured; a
#: sharper blot and its errors.
_BYTES_PER_PIXEL = 42
#: A map of the background, as a spline makes it, and the exposure without it.
_BYTES_OF_MAP = 16


@dataclass(frozen=True)
class Comparison:
    """One exposure and its blot, for who wants to look at them: a report.

    Attributes
    ----------
    result : RejectResult
    exposure, blot : ndarray, shape (ny, nx)
        In the exposure's unit; the blot is NaN where the mosaic does not cover it.
    rejection : Rejection
    unit : str
    """

    result: "RejectResult"
    exposure: np.ndarray = field(repr=False)
    blot: np.ndarray = field(repr=False)
    rejection: Rejection
    unit: str


@dataclass(frozen=True)
class RejectSettings(Settings):
    """How the exposures of a run are compared with their blots, beside what `Settings` has.

    Attributes
    ----------
    criteria : mapping
        What the user gave of `skyblot.Criteria`.
    exposures : int, optional
        How many exposures the mosaic was made of.
    gain, read_noise : float, optional
        Electrons per unit, and electrons: instead of what headers say.
    dq, err : str, optional
        Patterns of the files that hold flags and errors, instead of what is looked for.
    weight_suffix : str
        What stands for .fits in the name of an exposure's weights.
    save_blots : bool
        Write the blots too.
    keep_pixels : bool
        Keep the blot's values in bad pixels in the results.
    together : frozenset of Path
        Files that hold the masks of several chips: they are written when all are there.
    inspect : callable, optional
        Called with each `Comparison`, in the thread that made it.
    """

    compared = True

    criteria: Mapping[str, Any] = field(default_factory=dict)
    exposures: int | None = None
    gain: float | None = None
    read_noise: float | None = None
    dq: str | None = None
    err: str | None = None
    weight_suffix: str = WEIGHT_SUFFIX
    save_blots: bool = False
    keep_pixels: bool = False
    together: frozenset[Path] = frozenset()
    inspect: Callable[[Comparison], None] | None = None


@dataclass(frozen=True, repr=False)
class RejectResult(BlotResult):
    """A mask on disk, and what was found; `path` is the mask's.

    Attributes
    ----------
    rejected, judged : int
        Pixels that the rule rejected, without what `grow` and tails add, and pixels that it looked
        at.
    background, flux_ratio, flux_ratio_error, ratio, noise, misalignment, misalignment_error, shift,
    sharpness, roughness
        As those of `skyblot.Rejection`.
    criteria : Criteria
    blot_path : Path or None
        The blot, if it was written.
    bits : int
        What DQ gets where a pixel is bad.
    bad : BadPixels or None
    notes : tuple of str
        What there was to warn of.
    remarks : tuple of str
        What was assumed of the exposure's file, or is missing in it: warned of once for all of its
        images.
    together : bool
        `path` holds the masks of other chips too, each in an extension.
    """

    rejected: int = 0
    judged: int = 0
    background: float = 0.0
    flux_ratio: float = np.nan
    flux_ratio_error: float = np.nan
    ratio: float = 1.0
    noise: float = np.nan
    misalignment: tuple[float, float] = (np.nan, np.nan)
    misalignment_error: float = np.nan
    shift: tuple[int, int] = (0, 0)
    sharpness: float = np.nan
    roughness: float = np.nan
    criteria: Criteria = field(default_factory=Criteria)
    blot_path: Path | None = None
    bits: int = 0
    bad: BadPixels | None = field(default=None, repr=False, compare=False)
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    together: bool = False

    @property
    def mask(self) -> str:
        """The mask's file, with the exposure's extension where there are masks of others in it."""
        extension = self.reference[self.reference.rfind("[") :] if self.together else ""
        return f"{self.path}{extension}"

    @property
    def fraction(self) -> float:
        """Part of the pixels that were looked at that the rule rejected."""
        return self.rejected / self.judged if self.judged else 0.0

    @property
    def _found(self) -> str:
        moved = f", moved {self._moved} pixel" if self._moved else ""
        flux = f", flux ratio {self._flux}" if self._flux else ""
        return f"{100 * self.fraction:.2f} % rejected{moved}{flux}"

    @property
    def _flux(self) -> str:
        return "" if np.isnan(self.flux_ratio_error) else f"{self.flux_ratio:.3f}"

    @property
    def _moved(self) -> str:
        dx, dy = self.misalignment
        return "" if np.isnan(self.misalignment_error) else f"({dx:+.3f}, {dy:+.3f})"

    @property
    def _facts(self) -> dict[str, str]:
        facts = super()._facts | {
            "rejected": f"{self.rejected} of {self.judged} pixels judged, {100 * self.fraction:.2f} %",
            "background": f"{self.background:.4g}",
            "noise": f"{self.noise:.3f} sigma",
            "misalignment": f"{self._moved} pixel" if self._moved else "not known",
            "flux ratio": f"{self._flux} ± {self.flux_ratio_error:.3f}" if self._flux else "not known",
            "rule": self.criteria.rule,
        }
        return facts | ({"notes": "; ".join(self.notes)} if self.notes else {})

    def _picture(self) -> tuple[str, str]:
        from .notebook import picture_of_mask

        return picture_of_mask(self.path, self.reference)


def blot_path(where: ImageName, mask: Path) -> Path:
    """Return where the blot of a mask's exposure is written."""
    return mask.with_name(output_name(where))


def compare_exposure(
    source: Source, where: ImageName, path: Path, settings: RejectSettings, resources: Resources
) -> RejectResult:
    """Compare one image with its blot, and write the mask.

    Raises
    ------
    SkyblotError
        With one sentence on what is wrong; no mask has been written then.
    """
    start = time.perf_counter()
    with WARNING_FILTERS, open_image(where) as exposure:
        if not settings.force:
            check_exposure(exposure)
        settings = _without_unknown_sky(source, exposure, settings)
    with rendered(source, where, settings, resources) as made:
        exposure, blot = made.reference, made.blot
        instrument, criteria = _judgement(source, exposure, settings)
        data = np.asarray(exposure.pixels()[:, :])
        _check_blot(source, made)
        noise, usable = _known(made, data, instrument, criteria, settings)
        valid = usable.pixels
        how: dict[str, Any] = {"valid": valid, "gain": noise.gain, "threads": resources.threads}
        found = compare(data, blot.data, noise.sigma, criteria, name=exposure.name, **how)
        _check_judged(source, exposure, data, found, valid)
        resources.proceed()
        made.check_unchanged()
        saved = blot_path(where, path) if settings.save_blots else None
        if saved is not None:
            made.write(saved, source, settings)
        cards = mask_cards(source.image.name, exposure.name, found)
        bad = _bad_pixels(where, found, made, cards, keep=settings.keep_pixels)
        if settings.keep_pixels and instrument.bits & DO_NOT_USE:
            bad = bad.with_gaps(data, found.expected(blot.data))
        shared = path in settings.together
        if not shared:
            write_mask(path, found.mask, exposure, bad.cards, overwrite=settings.overwrite)
        seconds = time.perf_counter() - start
        plain = BlotResult(source.image.name, exposure.name, path, exposure.shape, blot.covered, seconds)
        result = _result(plain, found, blot_path=saved, bits=instrument.bits, bad=bad, together=shared)
        remarks = (*noise.remarks, *usable.remarks)
        notes = (*_notes(found, result, instrument, exposure), *_noise_notes(made, data, found, noise))
        result = replace(result, notes=notes, remarks=remarks)
        if settings.inspect is not None:
            settings.inspect(Comparison(result, data, blot.data, found, exposure.facts.bunit))
    for note in result.notes:
        with WARNING_FILTERS:
            warnings.warn(messages.CONCERNING(name=result.reference, reason=note), SkyblotWarning, stacklevel=2)
    return result


def _judgement(source: Source, exposure: Image, settings: RejectSettings) -> tuple[Instrument, Criteria]:
    """What is known of the exposure's instrument, and how its pixels are judged."""
    count = settings.criteria.get("exposures") or _counted(source) or settings.exposures
    return instrument_of(exposure.facts), criteria_for(exposure.facts, settings.criteria, count)


def _result(plain: BlotResult, found: Rejection, **more: Any) -> RejectResult:
    judged = int(np.count_nonzero(found.valid))
    more |= {name: getattr(found, name) for name in _MEASURED}
    return RejectResult(**vars(plain), rejected=round(found.fraction * judged), judged=judged, **more)


def mask_maker(criteria: Mapping[str, Any]) -> Maker:
    """Return what compares exposures, instead of writing blots, with the memory that it takes."""
    more = _BYTES_OF_MAP if criteria.get("background") == BACKGROUND_MAP else 0
    return Maker(compare_exposure, _BYTES_PER_PIXEL + more)


def _without_unknown_sky(source: Source, exposure: Image, settings: RejectSettings) -> RejectSettings:
    """Do not look for a sky that no header has, or that is no number: the comparison measures it."""
    if not settings.parameters.addsky:
        return settings
    keyword, value = recorded_sky(exposure.facts)
    if number(value) is not None:
        return settings
    if value is not None:
        source.tell(messages.SKY_NOT_A_NUMBER(name=exposure.name, keyword=keyword, value=value))
    return replace(settings, parameters=settings.parameters.override({"addsky": False}))


def _counted(source: Source) -> int | None:
    """How many exposures the mosaic's headers count."""
    count = number(source.image.facts.first(COMBINED)[1])
    return int(count) if count is not None and count > 1 and count.is_integer() else None


def _known(
    made: Rendered, data: np.ndarray, instrument: Instrument, criteria: Criteria, settings: RejectSettings
) -> tuple[KnownNoise, Usable]:
    """What is known of the noise of an exposure, with the photons of a sky that its blot has not,
    and of its pixels.
    """
    exposure, blot, sky = made.reference, made.blot.data, criteria.level
    if sky is None:
        some = _some(data.shape)
        difference = data[some].astype(np.float64) - blot[some]
        finite = difference[np.isfinite(difference)]
        sky = float(np.median(finite)) if finite.size else 0.0
    weights = read_weights(exposure, settings.weight_suffix)
    noise = noise_of(
        exposure, blot, sky, gain=settings.gain, read_noise=settings.read_noise, pattern=settings.err, weights=weights
    )
    values = None if weights is None else weights[1]
    how: dict[str, Any] = {"ignored": instrument.ignored, "dq": settings.dq, "weights": values}
    return noise, usable_of(exposure, data, blot + sky, **how)


def _some(shape: tuple[int, ...]) -> tuple[slice, ...]:
    """Rows and columns that stand for all of an image."""
    return tuple(slice(None, None, max(1, size // 256)) for size in shape)


def _noise_notes(made: Rendered, data: np.ndarray, found: Rejection, noise: KnownNoise) -> tuple[str, ...]:
    """Errors that the pixels contradict: variances or weights taken for deviations, another unit."""
    if not isinstance(noise.sigma, np.ndarray):
        return ()
    some = _some(data.shape)
    judged = found.valid[some]
    uneven = 0.0 if found.uneven is None else found.uneven[some]
    difference = np.abs(data[some] - made.blot.data[some] - found.background - uneven)[judged]
    spread = float(NORMAL * np.median(difference) / np.median(noise.sigma[some][judged]))
    least, most = _USUAL_SPREAD
    return () if least <= spread <= most else (messages.ODD_NOISE(spread=spread, source=noise.source),)


def _check_blot(source: Source, made: Rendered) -> None:
    """Refuse a blot that has nothing to compare with: its mask would call every pixel good."""
    blot, reason = made.blot.data, ""
    some = blot[_some(blot.shape)]
    if _only_value(some[np.isfinite(some)]) is None:
        return
    known = np.isfinite(blot)
    if made.blot.covered == 0:
        reason = "they do not overlap" + (" where the mosaic has weight" if source.weighted else "")
    elif not known.any():
        reason = "the mosaic has no finite pixel there"
    elif (level := _only_value(blot[known] - np.float32(made.planned.scaling.offset))) is not None:
        reason = f"the mosaic is {'0' if level == 0 else 'the same'} everywhere there"
    if reason:
        raise DataError(messages.NOT_COMPARED(name=made.reference.name, source=source.image.name, reason=reason))


def _only_value(values: np.ndarray) -> float | None:
    """The value that all pixels have, to the rounding of an interpolation; None where they differ.

    NaN without any.
    """
    if not values.size:
        return float("nan")
    low, high = float(values.min()), float(values.max())
    return low if high - low <= 1e-5 * max(abs(low), abs(high)) else None


def _check_judged(
    source: Source, exposure: Image, data: np.ndarray, found: Rejection, valid: np.ndarray | None
) -> None:
    """Refuse a comparison in which no pixel was looked at."""
    if found.valid.any():
        return
    reason = "no pixel has a finite value, a finite blot, an error above 0 and no flag"
    if not np.isfinite(data).any():
        reason = "the exposure has no finite pixel"
    elif valid is not None and not valid.any():
        reason = "its flags leave out every pixel"
    raise DataError(messages.NOT_COMPARED(name=exposure.name, source=source.image.name, reason=reason))


def _notes(found: Rejection, result: RejectResult, instrument: Instrument, exposure: Image) -> tuple[str, ...]:
    """What there is to warn of."""
    doubts = instrument.doubts(result.fraction, result.judged, exposure_time(exposure.facts)) if result.judged else ""
    return tuple(note for note in (*found.doubts(), doubts) if note)


def _bad_pixels(where: ImageName, found: Rejection, made: Rendered, cards: list[tuple], *, keep: bool) -> BadPixels:
    """The bad pixels, with the values of a blot on the exposure's level."""
    flat = np.flatnonzero(found.mask)
    values = found.expected(made.blot.data).ravel()[flat] if keep else np.empty(0)
    return BadPixels(where, flat, values.astype(np.float32), found.mask.shape, cards, made.identity)
