"""One exposure against its blot, from file to mask: what headers say of noise, flags and instrument."""

import time
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from . import messages
from .batch import Maker
from .errors import WARNING_FILTERS, DataError, SkyblotWarning
from .exposure import BlotResult, Resources, Settings, Source, rendered
from .files import output_name
from .instruments import Instrument, criteria_for, exposure_time, gain_of, instrument_of, read_noise_of
from .io.images import Image, blot_suffix, open_image
from .io.masks import BadPixels, write_mask
from .io.names import ImageName
from .io.planes import error_plane, quality_plane
from .rejection import Criteria, Noise, Rejection, compare

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
#: Exposure, blot, errors, significance, and a copy of one of them; flags and masks.
_BYTES_PER_PIXEL = 26


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
        What the user gave of `skyblot.rejection.Criteria`.
    exposures : int, optional
        How many exposures the mosaic was made of.
    gain, read_noise : float, optional
        Electrons per unit, and electrons: instead of what headers say.
    save_blots : bool
        Write the blots too.
    keep_pixels : bool
        Keep the bad pixels and the blot's values there in the results.
    inspect : callable, optional
        Called with each `Comparison`, in the thread that made it.
    """

    criteria: Mapping[str, Any] = field(default_factory=dict)
    exposures: int | None = None
    gain: float | None = None
    read_noise: float | None = None
    save_blots: bool = False
    keep_pixels: bool = False
    inspect: Callable[[Comparison], None] | None = None


@dataclass(frozen=True, repr=False)
class RejectResult(BlotResult):
    """A mask on disk, and what was found; `path` is the mask's.

    Attributes
    ----------
    rejected, judged : int
        Pixels that the rule rejected, without what `grow` and tails add, and pixels that it looked at.
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
    settings = _without_unknown_sky(source, where, settings)
    with rendered(source, where, settings, resources) as made:
        exposure, blot = made.reference, made.blot
        instrument, criteria = _judgement(source, exposure, settings)
        data = np.asarray(exposure.pixels()[:, :])
        sigma, gain = _noise(exposure, settings)
        valid = _valid(exposure, instrument)
        how: dict[str, Any] = {"valid": valid, "gain": gain, "threads": resources.threads, "name": exposure.name}
        found = compare(data, blot.data, sigma, criteria, **how)
        resources.proceed()
        made.check_unchanged()
        saved = blot_path(where, path) if settings.save_blots else None
        if saved is not None:
            made.write(saved, source, settings)
        write_mask(path, found.mask, exposure, _cards(source, exposure, found), overwrite=settings.overwrite)
        seconds = time.perf_counter() - start
        plain = BlotResult(source.image.name, exposure.name, path, exposure.shape, blot.covered, seconds)
        bad = _bad_pixels(where, found, blot.data) if settings.keep_pixels else None
        result = _result(plain, found, blot_path=saved, bits=instrument.bits, bad=bad)
        result = replace(result, notes=_notes(found, result, instrument, exposure))
        if settings.inspect is not None:
            settings.inspect(Comparison(result, data, blot.data, found, exposure.facts.bunit))
    for note in result.notes:
        _warn(messages.CONCERNING(name=result.reference, reason=note))
    return result


def _judgement(source: Source, exposure: Image, settings: RejectSettings) -> tuple[Instrument, Criteria]:
    """What is known of the exposure's instrument, and how its pixels are judged."""
    count = settings.criteria.get("exposures") or _counted(source) or settings.exposures
    instrument = instrument_of(exposure.facts, count, roman=blot_suffix(exposure.path) == ".asdf")
    return instrument, criteria_for(instrument, settings.criteria, count, exposure.name)


def _result(plain: BlotResult, found: Rejection, **more: Any) -> RejectResult:
    judged = int(np.count_nonzero(found.valid))
    facts = {name: getattr(found, name) for name in _MEASURED}
    return RejectResult(**vars(plain), rejected=round(found.fraction * judged), judged=judged, **facts, **more)


#: Compare, instead of writing blots.
MASK = Maker(compare_exposure, _BYTES_PER_PIXEL)


def _without_unknown_sky(source: Source, where: ImageName, settings: RejectSettings) -> RejectSettings:
    """Do not look for a sky that no header has: the comparison measures it."""
    with WARNING_FILTERS, open_image(where) as exposure:
        known = [exposure.facts.find("MDRIZSKY"), source.image.facts.find("MDRIZSKY"), exposure.facts.find("BKGLEVEL")]
    if any(each is not None for each in known):
        return settings
    return replace(settings, parameters=settings.parameters.override({"addsky": False}))


def _counted(source: Source) -> int | None:
    """How many exposures the mosaic's headers count."""
    value = source.image.facts.find("NCOMBINE")
    return value if isinstance(value, int) and value > 1 else None


def _noise(exposure: Image, settings: RejectSettings) -> tuple[np.ndarray | Noise, float | None]:
    """The errors of the exposure's pixels, or what makes them; and the gain, where it is known."""
    gain = settings.gain if settings.gain is not None else gain_of(exposure.facts)
    errors = None if settings.read_noise is not None else error_plane(exposure)
    if errors is not None and np.any(errors > 0):
        return errors, gain
    read_noise = settings.read_noise if settings.read_noise is not None else read_noise_of(exposure.facts)
    missing = [name for name, value in (("gain", gain), ("read noise", read_noise)) if value is None]
    if gain is None or read_noise is None:
        raise DataError(messages.NO_NOISE(name=exposure.name, missing=" and no ".join(missing)))
    return Noise(gain, read_noise), gain


def _valid(exposure: Image, instrument: Instrument) -> np.ndarray | None:
    flags = quality_plane(exposure)
    if flags is None:
        return None
    unsigned = np.dtype(f"u{flags.dtype.itemsize}")
    forbidden = unsigned.type(~instrument.ignored & np.iinfo(unsigned).max)
    kept: np.ndarray = (flags.astype(flags.dtype.newbyteorder("=")).view(unsigned) & forbidden) == 0
    return kept


def _notes(found: Rejection, result: RejectResult, instrument: Instrument, exposure: Image) -> tuple[str, ...]:
    """What there is to warn of."""
    doubts = instrument.doubts(result.fraction, result.judged, exposure_time(exposure.facts)) if result.judged else ""
    return tuple(note for note in (*found.doubts(), doubts) if note)


def _bad_pixels(where: ImageName, found: Rejection, blot: np.ndarray) -> BadPixels:
    """The bad pixels, with the blot's values on the exposure's level."""
    flat = np.flatnonzero(found.mask)
    return BadPixels(where, flat, found.expected(blot).ravel()[flat].astype(np.float32))


def _cards(source: Source, exposure: Image, found: Rejection) -> list[tuple[str, Any, str]]:
    """How a mask was made, for its header."""
    from . import __version__

    criteria, (snr, scale) = found.criteria, found.criteria.thresholds
    cards: list[tuple[str, Any, str]] = [
        ("CRVER", __version__, "version of skyblot"),
        ("CRSRC", source.image.name, ""),
        ("CREXP", exposure.name, ""),
        ("CRRULE", criteria.rule, "rule"),
        ("CRSNR1", float(snr[0]), "[sigma] threshold of seeds"),
        ("CRSNR2", float(snr[1]), "[sigma] threshold of members"),
        ("CRSCALE1", float(scale[0]), "first factor of the blot's structure"),
        ("CRSCALE2", float(scale[1]), "second factor of the blot's structure"),
        ("CRGROW", float(criteria.grow), "[pixel] radius around bad pixels"),
        ("CRTAIL", criteria.cte_tail * criteria.cte_direction, "[pixel] tails along y, signed"),
        ("CRBACK", found.background, "background of exposure minus blot"),
        *([("CRNOISE", found.noise, "[sigma] noise of exposure minus blot")] if np.isfinite(found.noise) else []),
        ("CRFRAC", found.fraction, "fraction of the judged pixels rejected"),
    ]
    if np.isfinite(found.flux_ratio_error):
        cards += [
            ("CRFLUX", found.flux_ratio, "flux ratio of exposure to blot, measured"),
            ("CRFLUXE", found.flux_ratio_error, "its standard error"),
        ]
    cards.append(("CRRATIO", found.ratio, "what the blot was multiplied by"))
    if np.isfinite(found.sharpness):
        cards += [
            ("CRDX", found.misalignment[0], "[pixel] exposure minus blot, in x"),
            ("CRDY", found.misalignment[1], "[pixel] exposure minus blot, in y"),
        ]
    return cards


def _warn(message: str) -> None:
    with WARNING_FILTERS:
        warnings.warn(message, SkyblotWarning, stacklevel=3)
