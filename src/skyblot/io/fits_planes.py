"""The planes of an image in its own FITS file, and their pixels."""

import re
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from ..errors import DataError
from ..headers.facts import Fact, number
from ..headers.pixel_facts import CONSTANT, COVERAGE, ERRORS, QUALITY
from .damage import check_heap
from .hdus import is_plane, shape_of
from .image import ALL_BITS, DEVIATION, VARIANCE, WEIGHT, Plane
from .names import ImageName

#: What a plane of errors holds, by CCDData's UTYPE, by the name of its extension, and by that of
#: its file.
_BY_TYPE = {
    "STDDEVUNCERTAINTY": DEVIATION,
    "VARIANCEUNCERTAINTY": VARIANCE,
    "INVERSEVARIANCE": WEIGHT,
}
_BY_NAME = {"VARIANCE": VARIANCE, "VAR": VARIANCE} | dict.fromkeys(
    ("IVAR", "INVVAR", "WHT", "WGT", "WEIGHT"), WEIGHT
)
_BY_FILE = (
    (re.compile(r"_o[a-z]w[_.]|weight|_wht|_wgt|i(nv)?var"), WEIGHT),
    (re.compile(r"[_.]var"), VARIANCE),
)
#: Files in which 0 is good, and anything else is not.
_MASK_FILE = re.compile(r"_o[a-z]d[_.]|mask")
#: Masks of AstroDrizzle, and skyblot's own, in which 1 is good.
_GOOD_IS_ONE = re.compile(r"_(cr|static|sing|final)_?mask")
#: The planes of an LSST mask whose pixels are no data of the sky: the others, DETECTED for one, do
#: no harm.
_LSST_BAD = ("BAD", "SAT", "NO_DATA", "CR", "INTRP", "SUSPECT")
#: Extensions that are no images of the sky, whatever WCS they have.
_NO_IMAGES = {*ERRORS.keywords, *QUALITY.keywords, *COVERAGE.keywords, "CON", "WCSDVARR", "D2IMARR"}


def plane_beside(image: Any, name: str) -> Any:
    """Return the extension of a name that goes with an image of its file: that of the same version.

    Where versions are repeated, as astropy writes them, the second goes with the second. An image
    that is not an SCI has planes only if no other image has its version.
    """
    own = image.hdu
    hdus = [hdu for hdu in image.hdus if hdu.ver == image.hdu.ver]
    siblings = [hdu for hdu in hdus if hdu.name == own.name and is_plane(shape_of(hdu))]
    if own.name != "SCI":
        images = [
            hdu
            for hdu in hdus
            if is_plane(shape_of(hdu)) and "CTYPE1" in hdu.header and hdu.name not in _NO_IMAGES
        ]
        if any(hdu is not own for hdu in images):
            return None
    planes = [hdu for hdu in hdus if hdu.name == name and hdu is not own and holds_pixels(hdu)]
    rank = next(k for k, hdu in enumerate(siblings) if hdu is own)
    return planes[rank] if len(planes) == len(siblings) or (planes and len(siblings) == 1) else None


def holds_pixels(hdu: Any) -> bool:
    """Return whether an HDU has pixels, or the one value of all of them."""
    return is_plane(shape_of(hdu)) or (
        hdu.is_image and not shape_of(hdu) and CONSTANT.keywords[0] in hdu.header
    )


def describe(
    name: str, fact: Fact, hdu: Any, extension: str, where: ImageName | None = None
) -> Plane:
    """Return a plane with what its header, its extension and its file say of what it holds."""
    file = "" if where is None else Path(str(where.path)).name.lower()
    own = None if where is not None else hdu
    if fact is ERRORS:
        return Plane(name, _meaning(name, hdu.header, extension, file), None, where, own)
    if _GOOD_IS_ONE.search(file) or "CRVER" in hdu.header:
        reason = (
            "1 is good in it, as in masks of cosmic rays, expected flags with 0 for good pixels"
        )
        raise DataError(reason, subject=name)
    bits = _lsst_bits(hdu.header)
    if bits is None and (extension == "MASK" or (extension != "DQ" and _MASK_FILE.search(file))):
        bits = ALL_BITS
    return Plane(name, "", bits, where, own)


def _meaning(name: str, header: Any, extension: str, file: str) -> str:
    kind = header.get("UTYPE")
    if kind is not None:
        known = _BY_TYPE.get(str(kind).strip().upper())
        if known is None:
            expected = "StdDevUncertainty, VarianceUncertainty or InverseVariance"
            raise DataError(f"UTYPE = {kind!r}, expected {expected}", subject=name)
        return known
    by_file = next((meaning for what, meaning in _BY_FILE if what.search(file)), DEVIATION)
    return DEVIATION if extension in ("ERR", "UNCERT") else _BY_NAME.get(extension, by_file)


def _lsst_bits(header: Any) -> int | None:
    """The bits of an LSST mask that leave a pixel out, by the MP_ cards that number its planes."""
    if not any(keyword.startswith("MP_") for keyword in header):
        return None
    numbers = (number(header.get(f"MP_{plane}")) for plane in _LSST_BAD)
    return sum(1 << int(bit) for bit in numbers if bit is not None and 0 <= bit < 64)


def plane_pixels(hdu: Any, shape: tuple[int, int], name: str) -> np.ndarray:
    """Return the pixels of an HDU.

    A plane of one value gets as many pixels as its header says.
    """
    if shape_of(hdu):
        if isinstance(hdu, fits.CompImageHDU):
            check_heap(hdu, name)
        return np.asarray(hdu.data)
    keyword = CONSTANT.keywords[0]
    header = hdu.header
    card = header.get(keyword)
    value = number(card)
    if value is None:
        raise DataError(f"{keyword} = {card!r}, expected a number", subject=name)
    sides = [header.get(side, size) for side, size in zip(("NPIX2", "NPIX1"), shape, strict=True)]
    return np.broadcast_to(np.array(int(value) if value.is_integer() else value), sides)
