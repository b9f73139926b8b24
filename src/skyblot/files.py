"""Blot files: read the source and the reference, blot, scale, write."""

import logging
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from .blotting import Job, checked_threads, prepare
from .errors import DataError, FileError, ParameterError, SkyblotWarning, WCSError
from .io.atomic import check_output
from .io.fits import FitsImage, open_fits, open_image, science_extensions
from .io.names import ImageName, parse_name
from .io.output import write_blot
from .parameters import Parameters
from .pixelmap.sky import pixel_scale
from .scaling import COUNTS, LABELS, Scaling, counts_of, plan_scaling, unit_kind
from .target import Target, plan_target
from .window import FloatView

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class BlotResult:
    """One blot that was written.

    Attributes
    ----------
    source, reference : str
        The files and extensions it was made from.
    path : Path
        The file it was written to.
    shape : tuple of int
        (ny, nx).
    covered : float
        Fraction of its pixels that the source covers.
    seconds : float
        Time it took, reading and writing included.
    """

    source: str
    reference: str
    path: Path
    shape: tuple[int, int]
    covered: float
    seconds: float


def blot_file(
    source: str | Path,
    reference: str | Path,
    output: str | Path,
    *,
    parameters: Parameters | None = None,
    overwrite: bool = False,
    threads: int | None = None,
    **overrides: Any,
) -> Path:
    """Blot a mosaic onto one exposure and write the result.

    Parameters
    ----------
    source : str or Path
        The mosaic, ``med.fits`` or ``drz.fits[sci,1]``; without an extension its first SCI or 2-D image.
    reference : str or Path
        The exposure that defines the blot's pixels, in the same form.
    output : str or Path
        File to write: primary header and SCI extension, float32, with the reference's WCS.
    parameters : Parameters, optional
        By default the defaults: units from BUNIT, sky from MDRIZSKY, poly5, exact geometry.
    overwrite : bool
        Replace an existing output; without it that is an error.
    threads : int, optional
        By default the cores this process may use.
    **overrides
        Single parameters by name: ``interp="linear"``, ``out_units="cps"``, ...

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    SkyblotError
        With one sentence on what is wrong; nothing has been written then.
    """
    parameters = (parameters or Parameters()).override(overrides)
    where = parse_name(reference)
    if where.extension is None and where.path.is_file():
        with open_fits(where.path) as hdus:
            chips = science_extensions(hdus, where)
        if len(chips) > 1:
            _warn(f"{where.path}: has {len(chips)} SCI extensions, [sci,{chips[0].extension[1]}] is used")  # type: ignore[index]
        where = chips[0]
    tasks = [(where, Path(output))]
    return blot_all(source, tasks, Settings(parameters, overwrite, threads))[0].path


def blot_files(
    source: str | Path,
    references: Sequence[str | Path],
    output_dir: str | Path = ".",
    *,
    parameters: Parameters | None = None,
    overwrite: bool = False,
    threads: int | None = None,
    on_result: Callable[[BlotResult], None] | None = None,
    **overrides: Any,
) -> list[BlotResult]:
    """Blot a mosaic onto every SCI extension of every exposure.

    Parameters
    ----------
    source, parameters, overwrite, threads, **overrides
        As for `blot_file`.
    references : sequence of str or Path
        Exposures; ``flc.fits[sci,2]`` is that extension alone.
    output_dir : str or Path
        Folder for the blots, ``<root>_sci<N>_blt.fits``.
    on_result : callable, optional
        Called with each `BlotResult` as soon as it is written.

    Returns
    -------
    list of BlotResult

    Raises
    ------
    SkyblotError
        With one sentence on what is wrong. Outputs that cannot be written are refused before any work.
    """
    parameters = (parameters or Parameters()).override(overrides)
    return blot_all(source, plan_outputs(references, output_dir), Settings(parameters, overwrite, threads), on_result)


def plan_outputs(references: Sequence[str | Path], output_dir: str | Path) -> list[tuple[ImageName, Path]]:
    """Return every image to blot onto and the file its blot goes to."""
    tasks: list[tuple[ImageName, Path]] = []
    for reference in references:
        with open_fits(parse_name(reference).path) as hdus:
            for where in science_extensions(hdus, parse_name(reference)):
                tasks.append((where, Path(output_dir) / output_name(where)))
    paths = [path for _, path in tasks]
    for path in paths:
        if paths.count(path) > 1:
            raise ParameterError(f"{path}: two references would be written to this file; blot them one by one")
    return tasks


def output_name(where: ImageName) -> str:
    """Return the name of a blot: ``j8c0d1bwq_flc.fits[sci,1]`` gives ``j8c0d1bwq_sci1_blt.fits``."""
    name = where.path.name.removesuffix(".gz").removesuffix(".fz")
    stem = name.rsplit(".", 1)[0]
    root = stem.rsplit("_", 1)[0] if "_" in stem else stem
    version = where.extension[1] if isinstance(where.extension, tuple) else 1
    label = "sci" if where.extension is None or isinstance(where.extension, int) else _label(where.extension)
    number = where.extension if isinstance(where.extension, int) else version
    return f"{root}_{label}{number}_blt.fits"


def _label(extension: str | tuple[str, int]) -> str:
    return (extension if isinstance(extension, str) else extension[0]).lower()


@dataclass(frozen=True)
class Settings:
    """How every blot of a run is made.

    Attributes
    ----------
    parameters : Parameters
    overwrite : bool
        Replace existing outputs.
    threads : int or None
        None: the cores this process may use.
    wcsmap : class or callable, optional
        Makes the pixel map, in place of the two WCS: see `skyblot.ablot.blot`.
    as_float : bool
        Average integers too, instead of refusing them.
    """

    parameters: Parameters = field(default_factory=Parameters)
    overwrite: bool = False
    threads: int | None = None
    wcsmap: Any = None
    as_float: bool = False


def blot_all(
    source: str | Path,
    tasks: Sequence[tuple[ImageName, Path]],
    settings: Settings,
    on_result: Callable[[BlotResult], None] | None = None,
) -> list[BlotResult]:
    """Blot one source onto each image of ``(image, output)`` pairs, opening the source once."""
    settings = replace(settings, threads=checked_threads(settings.threads))
    inputs = [parse_name(source).path, *(where.path for where, _ in tasks)]
    for _, path in tasks:
        _check_not_input(path, inputs)
        check_output(path, overwrite=settings.overwrite)
    results = []
    with open_image(source) as mosaic:
        source_wcs = mosaic.wcs()
        for where, path in tasks:
            results.append(_blot_one(mosaic, source_wcs, where, path, settings))
            if on_result is not None:
                on_result(results[-1])
    return results


def _check_not_input(path: Path, inputs: Sequence[Path]) -> None:
    for given in inputs:
        if path.exists() and given.exists() and path.samefile(given):
            raise FileError(f"{path}: is an input file; inputs are never overwritten")


def _blot_one(mosaic: FitsImage, source_wcs: Any, where: ImageName, path: Path, settings: Settings) -> BlotResult:
    start = time.perf_counter()
    parameters = settings.parameters
    with open_image(where) as reference:
        target = _target(reference, parameters)
        job = _prepare(mosaic, source_wcs, target, reference, settings)
        scaling = LABELS
        if job.dtype.kind == "f":
            ratio = _scale_ratio(source_wcs, target, mosaic, reference)
            scaling = plan_scaling(parameters, mosaic.facts, reference.facts, ratio)
        fill = scaling.offset if parameters.fill_value == "sky" else float(parameters.fill_value)
        blot = job.run(scale=scaling.factor, offset=scaling.offset, fill_value=fill, threads=settings.threads)
        if blot.covered == 0:
            _warn(f"{mosaic.name} does not overlap {reference.name}: every pixel of the blot is {fill:g}")
        cards = _cards(mosaic, reference, parameters, scaling, fill)
        wcs = target.wcs if target.altered else None
        write_blot(path, blot.data, reference, cards=cards, wcs=wcs, overwrite=settings.overwrite)
    seconds = time.perf_counter() - start
    logger.info("%s: %s onto %s", path, mosaic.name, reference.name)
    return BlotResult(mosaic.name, reference.name, path, target.shape, blot.covered, seconds)


def _prepare(mosaic: FitsImage, source_wcs: Any, target: Target, reference: FitsImage, settings: Settings) -> Job:
    parameters, pixels = settings.parameters, mosaic.pixels()
    if settings.as_float and parameters.interp != "nearest" and np.dtype(pixels.dtype).kind in "iub":
        pixels = FloatView(pixels)
    try:
        return prepare(
            pixels,
            source_wcs,
            target.wcs,
            shape=target.shape,
            interp=parameters.interp,
            sinscl=parameters.sinscl,
            stepsize=parameters.stepsize,
            wcsmap=settings.wcsmap,
        )
    except (WCSError, DataError) as error:
        text = str(error).replace("the source", mosaic.name, 1).replace("the target", reference.name, 1)
        raise type(error)(text) from error


def _target(reference: FitsImage, parameters: Parameters) -> Target:
    idcscale = reference.facts.find("IDCSCALE")
    known = isinstance(idcscale, float | int) and idcscale > 0
    return plan_target(reference.wcs(), reference.shape, float(idcscale) if known else None, parameters)


def _scale_ratio(source_wcs: Any, target: Target, mosaic: FitsImage, reference: FitsImage) -> float:
    scale = pixel_scale(source_wcs)
    for value, image in ((scale, mosaic), (target.scale, reference)):
        if not value > 0:
            raise WCSError(f"{image.name}: its WCS is singular (pixel scale {value} arcsec)")
    return scale / target.scale


def _cards(
    mosaic: FitsImage, reference: FitsImage, parameters: Parameters, scaling: Scaling, fill: float
) -> list[tuple[str, Any, str]]:
    """The keywords that record how the blot was made."""
    from . import __version__

    cards: list[tuple[str, Any, str]] = [
        ("BLOTVER", __version__, "version of skyblot"),
        ("BLOTSRC", _ascii(mosaic.name), ""),
        ("BLOTREF", _ascii(reference.name), ""),
        ("BLOTINT", parameters.interp, "interpolant"),
        ("BLOTSSCL", parameters.sinscl, "scale of the sinc interpolant"),
        ("BLOTSTEP", parameters.stepsize or 1, "[pixel] step of the pixel map, 1 is exact"),
        ("BLOTCOEF", parameters.coeffs and not parameters.user_wcs.given, "distortion model used?"),
        ("BLOTIN", scaling.in_units, "units of the source"),
        ("BLOTOUT", scaling.out_units, "units of the blot"),
        ("BLOTFACT", scaling.factor, "factor applied to the source"),
        ("BLOTSKY", scaling.offset, "sky added, in units of the blot"),
        ("BLOTFILL", str(fill), "value where the source does not cover"),
    ]
    if scaling is not LABELS:
        cards.append(("BUNIT", _bunit(mosaic, reference, scaling), "units of the blot"))
    if scaling.exptime_s is not None:
        cards.append(("BLOTEXP", scaling.exptime_s, "[s] exposure time of the blot"))
    return cards


def _bunit(mosaic: FitsImage, reference: FitsImage, scaling: Scaling) -> str:
    """The reference's BUNIT, turned from counts to a rate or back where the blot differs from it."""
    given = reference.facts.bunit or mosaic.facts.bunit
    kind = unit_kind(given)
    if kind == scaling.out_units:
        return given
    if scaling.out_units == COUNTS:
        return counts_of(given)
    return f"{given}/S" if kind == COUNTS else "COUNTS/S"


def _ascii(text: str) -> str:
    """FITS headers hold ASCII only."""
    return text.encode("ascii", "backslashreplace").decode()


def _warn(message: str) -> None:
    warnings.warn(message, SkyblotWarning, stacklevel=2)
