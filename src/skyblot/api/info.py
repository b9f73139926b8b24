"""What skyblot understands of a file: its images, their units and facts, and blots onto them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import SkyblotError, reason_of
from ..headers.facts import (
    BACKGROUND,
    COMBINED,
    DETECTOR,
    DRIZZLED_TIME,
    EXPOSURE_TIME,
    INSTRUMENT,
    SKY,
    TELESCOPE,
    Fact,
    Facts,
    is_drizzled,
    number,
)
from ..headers.instruments import instrument_of
from ..headers.pixel_facts import QUALITY
from ..headers.units import unit_kind
from ..io.coverage import weights_name
from ..io.image import Image
from ..io.images import list_images, open_reference
from ..io.names import ImageName
from ..io.planes import find_errors, find_plane
from ..io.weights import exposure_weight_files
from ..parameters.options import WEIGHT_SUFFIX, RunOptions
from ..resampling.target import target_of
from ..runs.footprints import Group, footprint_of
from ..runs.plan import Needs
from ..runs.work import Failure
from ..steps.blot import Blot, plan_job
from ..steps.noise import noise_text
from .wcs_info import MapInfo, WCSInfo, map_info_of, wcs_info

#: Where exposure time and sky are looked for.
_EXPTIME = (EXPOSURE_TIME, DRIZZLED_TIME)
_SKY = (SKY, BACKGROUND)
#: How masks say how they were made.
_MASK_CARDS = ("CRVER", "CRSRC", "CREXP", "CRRULE", "CRFRAC")


@dataclass(frozen=True)
class PairInfo:
    """A blot of a mosaic onto an image, as it would be made.

    Attributes
    ----------
    source : str
    map : MapInfo
    overlap : float or None
        Fraction of the image that lies on the mosaic.
    memory_bytes, seconds : int, float or None
        About what the blot takes.
    """

    source: str
    map: MapInfo
    overlap: float | None = None
    memory_bytes: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class ImageInfo:
    """One image of a file.

    Attributes
    ----------
    name : str
        File and extension.
    kind : str
        ``"exposure"``, ``"mosaic"``, ``"blot"``, ``"mask"``, or ``"image"`` if its header does not
        tell.
    instrument : str
        Telescope, instrument, detector; empty if unknown.
    shape : tuple of int
        (ny, nx).
    dtype : str
    unit, unit_kind : str
        BUNIT, and what it is taken for: ``"counts"``, ``"cps"``, ``"surface brightness"``, or
        nothing.
    exptime, sky : object or None
        Values as the headers have them: seconds, and in units of the image.
    exptime_keyword, sky_keyword : str
        Where they were found.
    planes : tuple of str
        The errors and the flags that a comparison uses: ERR and DQ, or what there is in their
        place.
    weights : str
        Where the weights are, which say what a mosaic covers, and which pixels of an exposure
        count; empty where there are none.
    noise : str
        What a comparison makes the noise of: one of the planes, or gain and read noise, with their
        keywords; empty where nobody knows it.
    record : mapping
        How a blot or a mask was made: keywords and values.
    wcs : WCSInfo or None
    wcs_problem : str
        Why there is no WCS.
    pair : PairInfo or None
        The blot onto this image, where a mosaic was named.
    """

    name: str
    kind: str
    instrument: str
    shape: tuple[int, int]
    dtype: str
    unit: str
    unit_kind: str
    exptime: Any
    exptime_keyword: str
    sky: Any
    sky_keyword: str
    planes: tuple[str, ...]
    weights: str
    noise: str
    record: Mapping[str, Any] = field(repr=False)
    wcs: WCSInfo | None
    wcs_problem: str = ""
    pair: PairInfo | None = None


def info(file: str | Path, source: str | Path | None = None) -> list[ImageInfo]:
    """Tell what skyblot understands of a file, from its headers.

    Parameters
    ----------
    file : str or Path
        FITS or Roman's ASDF, local or a URL; with an extension, that one alone.
    source : str or Path, optional
        A mosaic: the result then says, too, what its blots onto the images of the file would be.

    Returns
    -------
    list of ImageInfo
        One for each image that a blot would be made onto: every SCI extension, else every image
        with a celestial WCS.

    Raises
    ------
    SkyblotError
        If a file cannot be read. A WCS that cannot be used is no error: the result says why.
    """
    (outcome,) = infos([file], source)
    if isinstance(outcome, Failure):
        raise outcome.error
    return outcome


def infos(
    files: Sequence[str | Path], source: str | Path | None = None
) -> Iterator[list[ImageInfo] | Failure]:
    """Yield what `info` says of each of some files, or the failure of one that cannot be read.

    Raises
    ------
    SkyblotError
        If the source cannot be used.
    """
    if source is not None:
        with Blot(force=True).open(source):  # its errors are raised here, not blamed on a file
            pass
    for file in files:
        try:
            found = [_image_info(where, source) for where in list_images(file)]
        except SkyblotError as error:
            yield Failure.of(file, error)
        else:
            yield found


def _image_info(where: ImageName, source: str | Path | None) -> ImageInfo:
    with open_reference(where) as image:
        planes = _planes(image)
        wcs, problem = wcs_info(image)
        kind, record = _kind(image, planes, wcs)
        exptime_keyword, exptime = _first(image.facts, _EXPTIME)
        sky_keyword, sky = _first(image.facts, _SKY)
        return ImageInfo(
            name=image.name,
            kind=kind,
            instrument=_instrument(image),
            shape=image.shape,
            dtype=np.dtype(image.pixels().dtype).name,
            unit=image.facts.bunit,
            unit_kind=unit_kind(image.facts.bunit) or "",
            exptime=exptime,
            exptime_keyword=exptime_keyword,
            sky=sky,
            sky_keyword=sky_keyword,
            planes=planes,
            weights=_weights(image, kind),
            noise=noise_text(image),
            record=record,
            wcs=wcs,
            wcs_problem=problem,
            pair=None if source is None else _pair_info(where, source),
        )


def _first(facts: Facts, rows: tuple[Fact, ...]) -> tuple[str, Any]:
    """The first keyword of some facts that is there, and its value."""
    pairs = (facts.first(row) for row in rows)
    return next((pair for pair in pairs if pair[1] is not None), ("", None))


def _weights(image: Image, kind: str) -> str:
    if kind == "mosaic":
        return weights_name(image)
    files = (
        exposure_weight_files(image.path, WEIGHT_SUFFIX) if kind in ("exposure", "image") else []
    )
    return str(files[0]) if files else ""


def _planes(image: Image) -> tuple[str, ...]:
    """The errors and the flags that a comparison uses."""
    return tuple(
        str(plane)
        for plane in (find_errors(image), find_plane(image, QUALITY))
        if plane is not None
    )


def _instrument(image: Image) -> str:
    known = any(image.facts.first(fact)[1] for fact in (TELESCOPE, INSTRUMENT, DETECTOR))
    return instrument_of(image.facts).name if known else ""


def _kind(
    image: Image, planes: tuple[str, ...], wcs: WCSInfo | None
) -> tuple[str, Mapping[str, Any]]:
    """What an image is, as far as its headers tell, and the record of how it was made."""
    facts = image.facts
    if image.record:
        return "blot", dict(image.record)
    if facts.find("CRVER") is not None and facts.find("CREXP") is not None:
        cards = {keyword: facts.find(keyword) for keyword in _MASK_CARDS}
        return "mask", {keyword: value for keyword, value in cards.items() if value is not None}
    if _is_mosaic(image):
        return "mosaic", {}
    observed = planes or facts.find("EXPSTART") is not None or (wcs is not None and wcs.distortion)
    return ("exposure" if observed else "image"), {}


def _is_mosaic(image: Image) -> bool:
    """Whether drizzling or the pipelines of JWST and Roman have left their marks."""
    if image.stated is not None:
        return image.stated.name == "mosaic"
    facts = image.facts
    combined = number(image.facts.first(COMBINED)[1])
    if is_drizzled(facts):
        return True
    return combined is not None and combined > 1


def _pair_info(where: ImageName, source_name: str | Path) -> PairInfo:
    """What the blot of a mosaic onto an image would be."""
    step = Blot(as_float=True, force=True)
    try:
        with step.open(source_name) as source, open_reference(where) as reference:
            footprint = footprint_of(source, where, step.recipe)
            group = Group((footprint,), footprint.bounds)
            needs = Needs.of(source, step, RunOptions())
            job = plan_job(source, target_of(reference, step.recipe), reference, step)
    except Exception as error:  # WCS libraries raise anything
        return PairInfo(str(source_name), MapInfo(problem=reason_of(error)))
    way = map_info_of(job.pixel_map)
    return PairInfo(
        source.image.name,
        way,
        footprint.overlap,
        needs.bytes_of([group]),
        needs.seconds_of([group]),
    )
