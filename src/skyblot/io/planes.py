"""What goes with an image, in its file or beside it: the map of its errors, and the quality of its pixels."""

import re
import warnings
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from .. import messages
from ..errors import WARNING_FILTERS, DataError, FileError
from ..facts import CONSTANT, COVERAGE, ERRORS, QUALITY, Fact, number
from .asdf import AsdfImage
from .chips import is_plane
from .damage import check_heap, readable
from .fits import open_fits
from .gwcs import node_at
from .images import Image
from .names import ImageName, extension_text, parse_name
from .remote import AnyPath, RemotePath

DEVIATION, VARIANCE, WEIGHT = "standard deviation", "variance", "inverse variance"
#: What a plane of errors holds, by CCDData's UTYPE, by the name of its extension, and by that of its file.
_BY_TYPE = {"STDDEVUNCERTAINTY": DEVIATION, "VARIANCEUNCERTAINTY": VARIANCE, "INVERSEVARIANCE": WEIGHT}
_BY_NAME = {"VARIANCE": VARIANCE, "VAR": VARIANCE} | dict.fromkeys(("IVAR", "INVVAR", "WHT", "WGT", "WEIGHT"), WEIGHT)
_BY_FILE = ((re.compile(r"_o[a-z]w[_.]|weight|_wht|_wgt|i(nv)?var"), WEIGHT), (re.compile(r"[_.]var"), VARIANCE))
#: Files in which 0 is good, and anything else is not.
_MASK_FILE = re.compile(r"_o[a-z]d[_.]|mask")
#: Masks of AstroDrizzle, and skyblot's own, in which 1 is good.
_GOOD_IS_ONE = re.compile(r"_(cr|static|sing|final)_?mask")
_ALL_BITS = 0xFFFFFFFFFFFFFFFF
#: The planes of an LSST mask whose pixels are no data of the sky: the others, DETECTED for one, do no harm.
_LSST_BAD = ("BAD", "SAT", "NO_DATA", "CR", "INTRP", "SUSPECT")
#: Extensions that are no images of the sky, whatever WCS they have.
_NO_IMAGES = {*ERRORS.keywords, *QUALITY.keywords, *COVERAGE.keywords, "CON", "WCSDVARR", "D2IMARR"}
#: The nodes of Roman's files.
_NODES = {"ERR": "err", "DQ": "dq"}
_SUFFIX = re.compile(r"(\.(gz|fz|bz2|xz))?$")
#: Names of an exposure, and what stands in them for its planes: WFPC2's, and those of NOIRLab's pipelines (DECam, ...).
_WFPC2, _NOIRLAB = re.compile(r"_c0(?=[mf]\.)"), re.compile(r"(?<=_o[a-z])i(?=[_.])")
_BESIDE = {QUALITY.name: ((_WFPC2, "_c1"), (_NOIRLAB, "d")), ERRORS.name: ((_NOIRLAB, "w"),)}


@dataclass(frozen=True)
class Plane:
    """Where a plane of an image is, and what it holds.

    Attributes
    ----------
    name : str
        Of its extension; with the file, where it is in another one than the image.
    meaning : str
        Of errors: standard deviation, variance or inverse variance.
    forbidden : int, optional
        Of flags: the bits that leave a pixel out; None: those of the instrument.
    where : ImageName, optional
        In another file; its extension is a number.
    hdu : HDU, optional
        In the image's own file.
    """

    name: str
    meaning: str = ""
    forbidden: int | None = None
    where: ImageName | None = None
    hdu: Any = None

    def __str__(self) -> str:
        return f"{self.name} ({self.meaning})" if self.meaning not in ("", DEVIATION) else self.name


def find_plane(image: Any, fact: Fact, pattern: str | None = None) -> Plane | None:
    """Return the plane of an image that is used, None where there is none.

    Parameters
    ----------
    image : Image
    fact : Fact
        `skyblot.facts.ERRORS` or `QUALITY`.
    pattern : str, optional
        How its file is named, as for `companion_name`: no other place is looked at.

    Raises
    ------
    FileError, DataError
        If a file cannot be read, or does not say what it holds.
    """
    if pattern is not None:
        return _elsewhere(image, fact, companion_name(image.path, pattern))
    if isinstance(image, AsdfImage):
        name = fact.keywords[0]
        return Plane(name) if _NODES[name] in image.root else None
    for name in fact.keywords:
        hdu = _beside(image, name)
        if hdu is not None:
            return _described(name, fact, hdu, name)
    for path in files_beside(image.path, fact):
        return _elsewhere(image, fact, ImageName(path))
    return None


def find_errors(image: Image, pattern: str | None = None) -> Plane | None:
    """Return the errors of an image that are used, None where there are none or none is above 0; reads a few of them.

    Errors are those of `find_plane` and `error_plane`.
    """
    plane = find_plane(image, ERRORS, pattern)
    if plane is None or (plane.hdu is None and plane.where is None):
        return plane  # Roman's, which are made with the image
    with ExitStack() as stack:
        hdu = plane.hdu
        if plane.where is not None:
            hdu = stack.enter_context(open_fits(plane.where.path))[plane.where.extension]
        if not _shape(hdu):
            return plane if (number(hdu.header.get(CONSTANT.keywords[0])) or 0) > 0 else None
        with readable(image.name, f"its {plane.name}"):
            if isinstance(hdu, fits.CompImageHDU):
                check_heap(hdu, str(plane))
            first = (0,) * (len(hdu.shape) - 2)
            parts = (hdu.section[(*first, slice(row, row + 256))] for row in range(0, hdu.shape[-2], 256))
            return plane if any(np.any(part > 0) for part in parts) else None


def error_plane(image: Image, pattern: str | None = None) -> np.ndarray | None:
    """Return the standard deviations of an image's pixels, None where there are none; NaN where one is none.

    Raises
    ------
    DataError
        If they are not of the image's shape.
    FileError
        If they cannot be read.
    """
    plane = find_plane(image, ERRORS, pattern)
    return None if plane is None else read_errors(image, plane)


def read_errors(image: Image, plane: Plane) -> np.ndarray:
    """Return the standard deviations that a plane of errors has, as `error_plane` does."""
    values = _read(image, plane)
    if plane.meaning in ("", DEVIATION):
        return values
    known = np.asarray(values, np.promote_types(values.dtype.newbyteorder("="), np.float32))
    with np.errstate(invalid="ignore", divide="ignore"):
        root = np.sqrt(known) if plane.meaning == VARIANCE else 1.0 / np.sqrt(known)
    return np.where(np.isfinite(root), root, known.dtype.type(np.nan))


def quality_plane(image: Image, pattern: str | None = None) -> np.ndarray | None:
    """Return the flags of an image's pixels, None where there are none; errors as for `error_plane`."""
    plane = find_plane(image, QUALITY, pattern)
    return None if plane is None else _flags(image, plane)


def usable_pixels(image: Image, ignored: int, pattern: str | None = None) -> np.ndarray | None:
    """Return which pixels no flag leaves out, None where there are no flags; errors as for `error_plane`.

    Parameters
    ----------
    image : Image
    ignored : int
        The instrument's bits that leave no pixel out.
    pattern : str, optional
        As for `find_plane`.
    """
    plane = find_plane(image, QUALITY, pattern)
    if plane is None:
        return None
    flags = _flags(image, plane)
    unsigned = np.dtype(f"u{flags.dtype.itemsize}")
    bits = _ALL_BITS & ~ignored if plane.forbidden is None else plane.forbidden
    forbidden = unsigned.type(bits & np.iinfo(unsigned).max)
    usable: np.ndarray = (flags.astype(flags.dtype.newbyteorder("=")).view(unsigned) & forbidden) == 0
    return usable


def companion_name(path: AnyPath, pattern: str) -> ImageName:
    """Return the file that a pattern names for an exposure: ``*`` stands for its name without ``.fits``.

    A pattern with a ``*`` and without a folder names a file beside the exposure.

    Examples
    --------
    >>> [str(companion_name(Path("data/x.fits.gz"), pattern)) for pattern in ("*_dq.fits", "flags/*.fits[1]")]
    ['data/x_dq.fits', 'flags/x.fits[1]']
    """
    folder, _, file = str(path).rpartition("/")
    name = pattern.replace("*", re.sub(r"\.(fits?|fts|asdf)(\.(gz|fz|bz2|xz))?$", "", file, flags=re.IGNORECASE))
    beside = folder and "*" in pattern and "/" not in pattern
    return parse_name(f"{folder}/{name}" if beside else name)


def files_beside(path: AnyPath, fact: Fact) -> list[Path]:
    """Return the files that hold a plane of an exposure, by the names that observatories give them; none for a URL."""
    if isinstance(path, RemotePath):
        return []
    found = []
    for what, instead in _BESIDE[fact.name]:
        if what.search(path.name):
            stem = _SUFFIX.sub("", what.sub(instead, path.name, count=1))
            suffixes = dict.fromkeys((_SUFFIX.search(path.name)[0], "", ".fz", ".gz"))  # type: ignore[index]
            found += [each for suffix in suffixes if (each := path.with_name(stem + suffix)).is_file()]
    return found


def companion_files(path: AnyPath, patterns: tuple[str | None, str | None] = (None, None)) -> list[AnyPath]:
    """Return the files beside an exposure that are read with it: its errors', and its flags'."""
    files: list[AnyPath] = []
    for fact, pattern in zip((ERRORS, QUALITY), patterns, strict=True):
        files += files_beside(path, fact) if pattern is None else [companion_name(path, pattern).path]
    return files


def companion(hdu: Any, name: str) -> tuple[str, int] | None:
    """Return the extension that goes with an image: that of the same version; None for an image that is no SCI."""
    return (name, hdu.ver) if hdu.name == "SCI" else None


def _beside(image: Any, name: str) -> Any:
    """The extension of a name that goes with an image of its file: that of the same version.

    Where versions are repeated, as astropy writes them, the second goes with the second. What goes with an image that
    is no SCI is known where the version has no other image.
    """
    own, hdus = image.hdu, [hdu for hdu in image.hdus if hdu.ver == image.hdu.ver]
    siblings = [hdu for hdu in hdus if hdu.name == own.name and is_plane(_shape(hdu))]
    if own.name != "SCI":
        images = [
            hdu for hdu in hdus if is_plane(_shape(hdu)) and "CTYPE1" in hdu.header and hdu.name not in _NO_IMAGES
        ]
        if any(hdu is not own for hdu in images):
            return None
    planes = [hdu for hdu in hdus if hdu.name == name and hdu is not own and _holds_pixels(hdu)]
    rank = next(k for k, hdu in enumerate(siblings) if hdu is own)
    return planes[rank] if len(planes) == len(siblings) or (planes and len(siblings) == 1) else None


def _shape(hdu: Any) -> tuple[int, ...]:
    return (getattr(hdu, "shape", ()) or ()) if hdu.is_image else ()


def _holds_pixels(hdu: Any) -> bool:
    """Whether an HDU has pixels, or the one value of all of them."""
    return is_plane(_shape(hdu)) or (hdu.is_image and not _shape(hdu) and CONSTANT.keywords[0] in hdu.header)


def _elsewhere(image: Any, fact: Fact, where: ImageName) -> Plane:
    """The plane of an image in another file: the extension named, else that of its name or number, or the only one."""
    with open_fits(where.path) as hdus:
        index = _index(hdus, image, fact, where)
        hdu = hdus[index]
        label = extension_text((hdu.name, hdu.ver) if hdu.name and hdu.name != "PRIMARY" else index)
        name = f"{where.path}[{label}]"
        return _described(name, fact, hdu, hdu.name, ImageName(where.path, index))


def _index(hdus: Any, image: Any, fact: Fact, where: ImageName) -> int:
    there = [k for k, hdu in enumerate(hdus) if _holds_pixels(hdu)]
    if where.extension is not None:
        try:
            index = where.extension if isinstance(where.extension, int) else int(hdus.index_of(where.extension))
            return range(len(hdus))[index]
        except (KeyError, IndexError):
            present = f"[{'], ['.join(extension_text((hdus[k].name, hdus[k].ver)) for k in there)}]"
            wanted = extension_text(where.extension)
            raise FileError(messages.NO_EXTENSION(name=where.path, extension=wanted, present=present)) from None
    if len(there) == 1:
        return there[0]
    own = getattr(image, "hdu", None)
    if own is not None:
        number_of = next(k for k, hdu in enumerate(image.hdus) if hdu is own)
        for name in (own.name, *fact.keywords):
            same = [k for k in there if (hdus[k].name, hdus[k].ver) == (name, own.ver)]
            if len(same) == 1:
                return same[0]
        if number_of in there:
            return number_of
    reason = f"none of its {len(there)} images has the name or the number of {image.name}: name one, as [1]"
    raise DataError(messages.CONCERNING(name=where.path, reason=reason))


def _described(name: str, fact: Fact, hdu: Any, extension: str, where: ImageName | None = None) -> Plane:
    """A plane with what its header, its extension and its file say of what it holds."""
    file, own = "" if where is None else Path(str(where.path)).name.lower(), None if where is not None else hdu
    if fact is ERRORS:
        return Plane(name, _meaning(name, hdu.header, extension, file), None, where, own)
    if _GOOD_IS_ONE.search(file) or "CRVER" in hdu.header:
        reason = "1 is good in it, as in masks of cosmic rays, expected flags with 0 for good pixels"
        raise DataError(messages.CONCERNING(name=name, reason=reason))
    bits = _lsst_bits(hdu.header)
    if bits is None and (extension == "MASK" or (extension != "DQ" and _MASK_FILE.search(file))):
        bits = _ALL_BITS
    return Plane(name, "", bits, where, own)


def _meaning(name: str, header: Any, extension: str, file: str) -> str:
    kind = header.get("UTYPE")
    if kind is not None:
        known = _BY_TYPE.get(str(kind).strip().upper())
        if known is None:
            expected = "StdDevUncertainty, VarianceUncertainty or InverseVariance"
            raise DataError(messages.BAD_KEYWORD(name=name, keyword="UTYPE", value=kind, expected=expected))
        return known
    by_file = next((meaning for what, meaning in _BY_FILE if what.search(file)), DEVIATION)
    return DEVIATION if extension in ("ERR", "UNCERT") else _BY_NAME.get(extension, by_file)


def _lsst_bits(header: Any) -> int | None:
    """The bits of an LSST mask that leave a pixel out, by the MP_ cards that number its planes."""
    if not any(keyword.startswith("MP_") for keyword in header):
        return None
    numbers = (number(header.get(f"MP_{plane}")) for plane in _LSST_BAD)
    return sum(1 << int(bit) for bit in numbers if bit is not None and 0 <= bit < 64)


def _flags(image: Image, plane: Plane) -> np.ndarray:
    flags = _read(image, plane)
    if flags.dtype.kind not in "iu":
        raise DataError(messages.NOT_WHOLE_NUMBERS(name=image.name, part=plane.name, dtype=flags.dtype.name))
    return flags


def _read(image: Any, plane: Plane) -> np.ndarray:
    """The pixels of a plane, of the image's shape."""
    with readable(image.name, f"its {plane.name}"):
        if plane.hdu is not None:
            pixels = _fits_pixels(plane.hdu, image.shape, plane.name)
        elif plane.where is not None:
            with open_fits(plane.where.path) as hdus:
                pixels = np.array(_fits_pixels(hdus[plane.where.extension], image.shape, plane.name))
        else:
            pixels = _asdf_plane(image, _NODES[plane.name])
    while pixels.ndim > 2 and pixels.shape[0] == 1:
        pixels = pixels[0]
    if pixels.shape != image.shape:
        raise DataError(messages.PART_SHAPE(name=image.name, part=plane.name, shape=pixels.shape, expected=image.shape))
    return pixels


def _fits_pixels(hdu: Any, shape: tuple[int, int], name: str) -> np.ndarray:
    """The pixels of an HDU; where it has none but the value of all of them, as many as it says."""
    if _shape(hdu):
        if isinstance(hdu, fits.CompImageHDU):
            check_heap(hdu, name)
        return np.asarray(hdu.data)
    keyword, header = CONSTANT.keywords[0], hdu.header
    given = header.get(keyword)
    value = number(given)
    if value is None:
        raise DataError(messages.BAD_KEYWORD(name=name, keyword=keyword, value=given, expected="a number"))
    sides = [header.get(side, size) for side, size in zip(("NPIX2", "NPIX1"), shape, strict=True)]
    return np.broadcast_to(np.array(int(value) if value.is_integer() else value), sides)


def _asdf_plane(image: AsdfImage, name: str) -> np.ndarray:
    with WARNING_FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tags of Roman's metadata
        array = node_at(image.tree, image.keys_of(name))
    return np.array(getattr(array, "value", array)[...])
