"""Files in the wrong place: an exposure as the mosaic, a mosaic as an exposure, or both."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import DataError, FileError, SkyblotError
from ..headers.facts import COMBINED, DRIZZLED, DRIZZLED_BESIDE, EXPOSURE, is_drizzled, number
from ..headers.instruments import exposure_time, instrument_of
from ..headers.pixel_facts import QUALITY
from ..io.image import Image
from ..io.images import open_image
from ..io.names import ImageName, parse_name
from ..io.planes import find_plane

#: Projections that have a distortion with them.
_DISTORTED = ("-SIP", "-TPV", "-TNX", "-ZPX", "-TPD")
_S_WCS = EXPOSURE.keywords[1]
#: The card of a mask that names its exposure.
_MASKED = "CREXP"


def check_source(image: Image) -> None:
    """Refuse a source that is an exposure, where its headers leave no doubt.

    Raises
    ------
    DataError
    """
    signs = exposure_signs(image)
    if signs:
        #: The mosaic comes first on the command line, then the exposures that went into it.
        raise DataError(
            f"is an exposure ({signs}), expected the mosaic here, before the exposures; --force "
            "takes it",
            subject=image.name,
        )


def check_exposure(image: Image) -> None:
    """Refuse to look for cosmic rays in a mosaic, a blot or a mask.

    Raises
    ------
    DataError
    """
    product = "a blot" if image.record else "a mask" if image.facts.find(_MASKED) else ""
    if product:
        raise DataError(f"is {product}, expected an exposure; --force takes it", subject=image.name)
    signs = mosaic_signs(image)
    if signs:
        raise DataError(
            f"is a mosaic ({signs}), expected an exposure that went into one; --force takes it",
            subject=image.name,
        )


def check_not_both(source: str | Path, exposures: Iterable[ImageName]) -> None:
    """Refuse a source that is among the exposures; two extensions of one file are two images.

    Raises
    ------
    FileError
    """
    mosaic = parse_name(source)
    for where in exposures:
        if _same_file(mosaic, where) and (
            _called(mosaic) == _called(where) or mosaic.extension is None
        ):
            raise FileError(
                "is given as the mosaic and as an exposure, expected two images; --force "
                "takes it as both",
                subject=where,
            )


def _same_file(one: ImageName, other: ImageName) -> bool:
    if isinstance(one.path, Path) and isinstance(other.path, Path):
        return one.path.exists() and other.path.exists() and os.path.samefile(one.path, other.path)
    return one.path == other.path


def _called(where: ImageName) -> str:
    with open_image(where) as image:
        return image.name


def exposure_signs(image: Any) -> str:
    """Return what makes an image an exposure beyond doubt, in words; else an empty string.

    That is a distortion and a DQ of its own, and an exposure time, in a file that no one drizzled
    or combined. A blot, or a sum of exposures that were not resampled, may be meant as a source.
    """
    if image.stated is not None:
        return image.stated.words if image.stated.name == "exposure" else ""
    facts = image.facts
    combined = number(facts.first(COMBINED)[1]) or 1
    if image.record or is_drizzled(facts) or combined > 1 or exposure_time(facts) is None:
        return ""
    try:
        flags = find_plane(image, QUALITY)
    except SkyblotError:  # no reason to refuse a mosaic
        return ""
    if flags is None or flags.hdu is None:
        return ""
    return next((f"{sign}, {flags.name} and an exposure time" for sign in _distortions(image)), "")


def _distortions(image: Any) -> Iterable[str]:
    """What says that the pixels are those of a detector."""
    header = image.header
    facts = image.facts
    code = str(header.get("CTYPE1", "")).strip()[-4:]
    if code in _DISTORTED:
        yield f"{code[1:]} distortion"
    if "CPDIS1" in header or "D2IMDIS1" in header:
        yield "look-up tables of distortion"
    table = instrument_of(facts).table
    if table and facts.find(table) is not None:
        yield table
    if facts.find(_S_WCS) == "COMPLETE":
        yield "a distorted WCS (S_WCS)"


def mosaic_signs(image: Any) -> str:
    """Return what says that an image was drizzled; an empty string where nothing does."""
    if image.stated is not None:
        return image.stated.words if image.stated.name == "mosaic" else ""
    facts = image.facts
    if not is_drizzled(facts):
        return ""
    for keyword in DRIZZLED.keywords:
        value = facts.find(keyword)
        if value is not None and (keyword != "S_RESAMP" or value == "COMPLETE"):
            return f"{keyword} = {value}"
    return (
        ""
        if any(_distortions(image))
        else f"{' and '.join(sorted(facts.beside & DRIZZLED_BESIDE))} beside it"
    )
