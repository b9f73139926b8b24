"""Which image of a FITS file is meant, and what it is called."""

import re
from typing import Any

from ..errors import DataError, FileError
from .hdus import is_plane, shape_of
from .names import Extension, ImageName, can_be_named, extension_text

#: Words in the names of extensions that go with an image and are not blotted onto.
_COMPANIONS = frozenset(
    [
        "WHT",
        "WGT",
        "WEIGHT",
        "WEIGHTS",
        "IVAR",
        "INVVAR",
        "CTX",
        "CON",
        "CONF",
        "CONFIDENCE",
        "COV",
        "COVERAGE",
        "EXPMAP",
        "ERR",
        "ERROR",
        "ERRORS",
        "RMS",
        "SIGMA",
        "STD",
        "STDEV",
        "STDDEV",
        "STAT",
        "UNC",
        "UNCERT",
        "UNCERTAINTY",
        "DQ",
        "FLAG",
        "FLAGS",
        "FLG",
        "QUAL",
        "QUALITY",
        "MASK",
        "MSK",
        "BPM",
        "BITMASK",
        "SEG",
        "SEGM",
        "PSF",
        "BKG",
        "BACKGROUND",
        "AREA",
        "WCSDVARR",
        "D2IMARR",
        "SIPWCS",
    ]
)
_LONGITUDE = re.compile(r"RA(-|$)|[A-Z]?LON-|[A-Z]{2}LN-")
_LATITUDE = re.compile(r"DEC(-|$)|[A-Z]?LAT-|[A-Z]{2}LT-")
#: What astropy calls a tile-compressed image that has no name.
_NO_NAMES = ("", "PRIMARY", "COMPRESSED_IMAGE")


def science_images(hdus: Any) -> list[int]:
    """Return the numbers of a file's images to blot onto.

    Every SCI extension; where there is none, every 2-D image with a celestial WCS whose name is not
    that of weights, errors, flags or a look-up table. Empty where nothing tells them apart.
    """
    named = [index for index, hdu in enumerate(hdus) if hdu.name == "SCI" and hdu.is_image]
    return named or [index for index, hdu in enumerate(hdus) if _is_chip(hdu)]


def _is_chip(hdu: Any) -> bool:
    if not is_plane(shape_of(hdu)):
        return False
    words = re.split(r"[^A-Z0-9]+", hdu.name)
    if _COMPANIONS.intersection(words) or any(word.startswith("VAR") for word in words):
        return False
    types = [_text(hdu.header, f"CTYPE{axis}") for axis in range(1, 5)]
    return any(map(_LONGITUDE.match, types)) and any(map(_LATITUDE.match, types))


def _text(header: Any, keyword: str) -> str:
    try:
        return str(header.get(keyword, "")).strip().upper()
    except Exception:  # astropy's VerifyError: a card that it cannot parse
        return ""


def extension_of(hdus: Any, index: int) -> Extension:
    """Return the name and version of an HDU, or its number where another HDU has the same."""
    hdu = hdus[index]
    if hdu.name in _NO_NAMES or not can_be_named(hdu.name):
        return index
    versions = [other.ver for other in hdus if other.name == hdu.name]
    told = len(set(versions)) == len(versions) and isinstance(hdu.ver, int) and hdu.ver > 0
    return (hdu.name, hdu.ver) if told else index


def find_image(hdus: Any, where: ImageName) -> int:
    """Return the number of the HDU that a name means: a number is that very HDU.

    Without an extension it is the first of `science_images`, else the first 2-D image.

    Raises
    ------
    FileError
        If there is no such extension, or if several have the same name and version.
    DataError
        If no extension is named and the file holds no image.
    """
    extension = where.extension
    if extension is None:
        return _first_image(hdus, where)
    indices = [extension] if isinstance(extension, int) else _of_name(hdus, extension)
    if not indices or indices[0] not in range(len(hdus)):
        there = [extension_text(extension_of(hdus, index)) for index in range(len(hdus))]
        wanted = extension_text(extension)
        present = f"[{'], ['.join(there)}]"
        raise FileError(f"no extension [{wanted}], it has {present}", subject=where.path)
    if len(indices) > len({hdus[index].ver for index in indices}):
        numbers = f"[{'], ['.join(map(str, indices))}]"
        raise FileError(
            f"{len(indices)} extensions are called so, expected one by its number: {numbers}",
            subject=where,
        )
    return indices[0]


def _of_name(hdus: Any, extension: str | tuple[str, int]) -> list[int]:
    name, version = (extension, None) if isinstance(extension, str) else extension
    return [
        index
        for index, hdu in enumerate(hdus)
        if (hdu.name.strip() == name or (name == "PRIMARY" and index == 0))
        and version in (None, hdu.ver)
    ]


def _first_image(hdus: Any, where: ImageName) -> int:
    images = [index for index, hdu in enumerate(hdus) if hdu.is_image and shape_of(hdu)]
    science = [index for index in science_images(hdus) if index in images]
    flat = [index for index in images if is_plane(shape_of(hdus[index]))]
    for choice in (science, flat, images):
        if choice:
            return choice[0]
    raise DataError("holds no image", subject=where.path)
