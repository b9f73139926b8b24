"""Find cosmic rays in exposures: blots are made on the way, and only masks are written."""

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from . import record
from .batch import Failure, Maker, Options, Outcome, run_batch
from .errors import WARNING_FILTERS, DataError, FileError, SkyblotError, SkyblotWarning
from .exposure import BlotResult, Resources, Settings, Source, Task, rendered
from .files import BatchError, output_name, plan_outputs
from .instruments import Instrument, criteria_for, exposure_time, gain_of, instrument_of, read_noise_of
from .io.atomic import check_output
from .io.images import Image, blot_suffix, write_blot
from .io.masks import BadPixels, copy_name, write_clean, write_flagged, write_mask
from .io.names import ImageName, parse_name
from .io.planes import error_plane, quality_plane
from .parameters import Parameters
from .rejection import Criteria, Noise, Rejection, compare, criteria_with

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
    exposure: np.ndarray
    blot: np.ndarray
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


@dataclass(frozen=True)
class RejectResult(BlotResult):
    """A mask on disk, and what was found; `path` is the mask's.

    Attributes
    ----------
    rejected, judged : int
        Pixels that the rule rejected, without what `grow` and tails add, and pixels that it looked at.
    background, misalignment, misalignment_error, sharpness, roughness
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
    misalignment: tuple[float, float] = (np.nan, np.nan)
    misalignment_error: float = np.nan
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


def reject_files(
    source: str | Path,
    exposures: Sequence[str | Path],
    output_dir: str | Path = ".",
    *,
    criteria: Criteria | Mapping[str, Any] | None = None,
    parameters: Parameters | None = None,
    save_blots: bool = False,
    update_dq: bool = False,
    clean: bool = False,
    gain: float | None = None,
    read_noise: float | None = None,
    overwrite: bool = False,
    fail_fast: bool = False,
    memory: int | str | None = None,
    threads: int | None = None,
    inspect: Callable[[Comparison], None] | None = None,
    on_result: Callable[[RejectResult], None] | None = None,
    **overrides: Any,
) -> list[RejectResult]:
    """Compare exposures with the blots of a mosaic, and write a mask for each of their SCI extensions.

    Parameters
    ----------
    source : str or Path
        The mosaic, as for `skyblot.blot_files`.
    exposures : sequence of str or Path
        As the references of `skyblot.blot_files`. They are not changed.
    output_dir : str or Path
        Folder for the masks, ``<root>_sci<N>_crmask.fits``: bytes, 1 for good pixels and 0 for bad ones.
    criteria : Criteria or mapping, optional
        How pixels are judged. What is not given is the instrument's default; of a `Criteria`, everything is given.
    parameters : Parameters, optional
        How blots are made.
    save_blots : bool
        Write the blots as well, ``<root>_sci<N>_blt.fits``.
    update_dq : bool
        Write a copy of each exposure with the bits for cosmic rays set in its DQ, ``<root>_crdq.fits``: 4096 for ACS,
        WFC3, WFPC2 and NICMOS, 8192 for STIS, 1 + 16 for JWST, 1 + 128 for Roman.
    clean : bool
        Write a copy of each exposure with the blot's values in bad pixels, ``<root>_crclean.fits``.
    gain, read_noise : float, optional
        Electrons per unit of the exposures, and electrons; by default from their headers. They are needed where
        there is no ERR extension.
    overwrite, fail_fast, memory, threads
        As for `skyblot.blot_files`.
    inspect : callable, optional
        Called with a `Comparison` of each exposure and its blot, by several threads.
    on_result : callable, optional
        Called with each `RejectResult` as soon as it is there.
    **overrides
        Single criteria by name: ``rule="plain"``, ``grow=1.5``, ...

    Returns
    -------
    list of RejectResult
        In the order of the exposures.

    Raises
    ------
    BatchError
        At the end, if some exposures could not be compared.
    SkyblotError
        With one sentence on what is wrong.

    Warns
    -----
    SkyblotWarning
        If an exposure is misaligned by more than 0.1 pixel, or if more or fewer pixels are rejected than its
        instrument has hit in its exposure time.
    """
    given = _given(criteria, overrides)
    failures: list[Failure] = []
    blots = plan_outputs(exposures, output_dir, None if fail_fast else failures.append)
    tasks = [Task(where, Path(output_dir) / mask_name(where)) for where, _ in blots]
    settings = RejectSettings(
        (parameters or Parameters()).override({"fill_value": "nan"}), overwrite, threads,
        criteria=given, exposures=mosaic_exposures(tasks), gain=gain, read_noise=read_noise,
        save_blots=save_blots, keep_pixels=update_dq or clean, inspect=inspect,
    )  # fmt: skip
    copies = Copies(tasks, Path(output_dir), update_dq=update_dq, clean=clean, overwrite=overwrite)
    _check_outputs(source, tasks, copies, settings)
    run = _Run(copies, failures, on_result)
    run_batch(source, tasks, settings, Options(memory, fail_fast), run.collect, maker=MASK)
    done = [run.results[task.path] for task in tasks if task.path in run.results]
    if failures:
        raise BatchError(done, failures)
    return done


def _given(criteria: Criteria | Mapping[str, Any] | None, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """What was given of the criteria, checked."""
    known = vars(criteria) if isinstance(criteria, Criteria) else dict(criteria or {})
    given = {**known, **overrides}
    criteria_with(None, given)
    return {name: value for name, value in given.items() if value is not None}


def mosaic_exposures(tasks: Sequence[Task]) -> int | None:
    """Return how many exposures a mosaic was made of, if these are all of them; one alone says nothing."""
    count = len({task.where.path for task in tasks})
    return count if count > 1 else None


def mask_name(where: ImageName) -> str:
    """Return the name of a mask.

    Examples
    --------
    >>> from skyblot.io.names import parse_name
    >>> mask_name(parse_name("j8c0d1bwq_flc.fits[sci,2]"))
    'j8c0d1bwq_sci2_crmask.fits'
    """
    return output_name(where).rsplit("_blt", 1)[0] + "_crmask.fits"


class Copies:
    """The changed copies of exposures: each is written when all images of its file have been compared."""

    def __init__(
        self, tasks: Sequence[Task], folder: Path, *, update_dq: bool, clean: bool, overwrite: bool
    ) -> None:
        self._images: dict[Path, list[ImageName]] = {}
        for task in tasks:
            self._images.setdefault(task.where.path, []).append(task.where)
        self._folder, self._overwrite = folder, overwrite
        self._labels = [label for label, wanted in (("crdq", update_dq), ("crclean", clean)) if wanted]
        self._found: dict[Path, list[RejectResult]] = {}

    def paths(self) -> list[Path]:
        """Every file that is going to be written."""
        return [self._path(images[0], label) for images in self._images.values() for label in self._labels]

    def add(self, result: RejectResult) -> None:
        """Take what was found in an image, and write its file's copies if it was the last one."""
        if result.bad is None:
            return
        where = result.bad.where
        found = self._found.setdefault(where.path, [])
        found.append(result)
        if len(found) < len(self._images[where.path]):
            return
        bad = [each.bad for each in self._found.pop(where.path) if each.bad is not None]
        for label in self._labels:
            path = self._path(where, label)
            if label == "crdq":
                write_flagged(path, bad, result.bits, overwrite=self._overwrite)
            else:
                write_clean(path, bad, overwrite=self._overwrite)

    def _path(self, where: ImageName, label: str) -> Path:
        return self._folder / copy_name(where, label)


class _Run:
    """The outcomes of a run."""

    def __init__(
        self, copies: Copies, failures: list[Failure], on_result: Callable[[RejectResult], None] | None
    ) -> None:
        self.results: dict[Path, RejectResult] = {}
        self._copies, self._failures, self._on_result = copies, failures, on_result

    def collect(self, outcome: Outcome) -> None:
        if isinstance(outcome, Failure):
            self._failures.append(outcome)
            return
        assert isinstance(outcome, RejectResult)
        try:
            self._copies.add(outcome)
        except SkyblotError as error:
            self._failures.append(Failure.of(outcome.reference, error))
            return
        result = replace(outcome, bad=None)
        self.results[outcome.path] = result
        if self._on_result is not None:
            self._on_result(result)


def _check_outputs(source: str | Path, tasks: Sequence[Task], copies: Copies, settings: RejectSettings) -> None:
    """Refuse, before any work is done, outputs that are inputs, or that exist and may not be replaced."""
    inputs = {parse_name(source).path.resolve(), *(task.where.path.resolve() for task in tasks)}
    masks = [task.path for task in tasks]
    blots = [_blot_path(task.where, task.path) for task in tasks] if settings.save_blots else []
    seen: set[Path] = set()
    for path in [*masks, *blots, *copies.paths()]:
        if path.resolve() in inputs:
            raise FileError(f"{path}: is an input file; inputs are never overwritten")
        if path in seen:
            raise FileError(f"{path}: two exposures would be written to this file; compare them one by one")
        seen.add(path)
        check_output(path, overwrite=settings.overwrite)


def _blot_path(where: ImageName, mask: Path) -> Path:
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
    with rendered(source, where, settings, resources) as (exposure, planned, blot):
        resources.proceed()
        facts = exposure.facts
        roman = blot_suffix(where.path) == ".asdf"
        count = settings.criteria.get("exposures") or _counted(source) or settings.exposures
        instrument = instrument_of(facts, count, roman=roman)
        criteria = criteria_for(instrument, settings.criteria, count, exposure.name)
        data = np.asarray(exposure.pixels()[:, :])
        sigma, gain = _noise(exposure, settings)
        valid = _valid(exposure, instrument)
        found = compare(data, blot.data, sigma, criteria, valid=valid, gain=gain, threads=resources.threads)
        notes = _notes(found, instrument, exposure)
        resources.proceed()
        blot_path = None
        if settings.save_blots:
            blot_path = _blot_path(where, path)
            cards = record.cards(
                source.image, exposure, settings.parameters, planned.scaling, planned.fill, blot.covered
            )
            write_blot(blot_path, blot.data, exposure, cards=cards, overwrite=settings.overwrite)
        cards = _cards(source, exposure, found)
        write_mask(path, found.mask, exposure, cards, overwrite=settings.overwrite)
        judged = int(np.count_nonzero(found.valid))
        result = RejectResult(
            source.image.name, exposure.name, path, exposure.shape, blot.covered, time.perf_counter() - start,
            rejected=round(found.fraction * judged), judged=judged, background=found.background,
            misalignment=found.misalignment, misalignment_error=found.misalignment_error,
            sharpness=found.sharpness, roughness=found.roughness, criteria=criteria, blot_path=blot_path, bits=instrument.bits,
            bad=_bad_pixels(where, found, blot.data) if settings.keep_pixels else None, notes=notes,
        )  # fmt: skip
        if settings.inspect is not None:
            settings.inspect(Comparison(result, data, blot.data, found, facts.bunit))
    for note in notes:
        _warn(f"{result.reference}: {note}")
    return result


#: Compare, instead of writing blots.
MASK = Maker(compare_exposure, _BYTES_PER_PIXEL)


def _without_unknown_sky(source: Source, where: ImageName, settings: RejectSettings) -> RejectSettings:
    """Do not look for a sky that no header has: the comparison measures it."""
    from .io.images import open_image

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
        raise DataError(
            f"{exposure.name}: no ERR extension, and no {' and no '.join(missing)} in its headers: "
            "give --gain and --read-noise (gain=, read_noise=)"
        )
    return Noise(gain, read_noise), gain


def _valid(exposure: Image, instrument: Instrument) -> np.ndarray | None:
    flags = quality_plane(exposure)
    if flags is None:
        return None
    kept: np.ndarray = (flags.astype(np.int64) & ~np.int64(instrument.ignored)) == 0
    return kept


def _notes(found: Rejection, instrument: Instrument, exposure: Image) -> tuple[str, ...]:
    doubts = instrument.doubts(found.fraction, exposure_time(exposure.facts)) if found.valid.any() else ""
    return tuple(note for note in (found.misaligned(), doubts) if note)


def _bad_pixels(where: ImageName, found: Rejection, blot: np.ndarray) -> BadPixels:
    """The bad pixels, with the blot's values on the exposure's level."""
    flat = np.flatnonzero(found.mask)
    return BadPixels(where, flat, (blot.ravel()[flat] + found.background).astype(np.float32))


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
        ("CRFRAC", found.fraction, "fraction of the judged pixels rejected"),
    ]
    if np.isfinite(found.sharpness):
        cards += [
            ("CRDX", found.misalignment[0], "[pixel] exposure minus blot, in x"),
            ("CRDY", found.misalignment[1], "[pixel] exposure minus blot, in y"),
        ]
    return cards


def _warn(message: str) -> None:
    with WARNING_FILTERS:
        warnings.warn(message, SkyblotWarning, stacklevel=3)
