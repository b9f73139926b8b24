"""What goes with an image, in its file or beside it: its errors, and its flags."""

import re
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from ..errors import DataError, FileError
from ..headers.facts import Fact, number
from ..headers.instruments import known_names
from ..headers.pixel_facts import CONSTANT, ERRORS, QUALITY
from .damage import check_heap, readable
from .fits_planes import describe, holds_pixels, plane_pixels
from .hdus import open_fits, shape_of
from .image import ALL_BITS, DEVIATION, VARIANCE, Image, Plane
from .names import ImageName, extension_text, parse_name
from .remote import AnyPath, RemotePath

_SUFFIX = re.compile(r"(\.(gz|fz|bz2|xz))?$")


def find_plane(image: Any, fact: Fact, pattern: str | None = None) -> Plane | None:
    """Return the plane of an image that is used, None where there is none.

    Parameters
    ----------
    image : Image
    fact : Fact
        `skyblot.headers.pixel_facts.ERRORS` or `QUALITY`.
    pattern : str, optional
        How its file is named, as for `companion_name`: no other place is looked at.

    Raises
    ------
    FileError, DataError
        If a file cannot be read, or does not say what it holds.
    """
    if pattern is not None:
        return _elsewhere(image, fact, companion_name(image.path, pattern))
    own: Plane | None = image.plane(fact)
    if own is not None:
        return own
    for path in files_beside(image.path, fact):
        return _elsewhere(image, fact, ImageName(path))
    return None


def find_errors(image: Image) -> Plane | None:
    """Return the errors of an image that are used, None where there are none or none is above 0.

    Reads a few of them.

    Errors are those of `find_plane` and `error_plane`.
    """
    plane = find_plane(image, ERRORS)
    if plane is None or (plane.hdu is None and plane.where is None):
        return plane  # Roman's, which are made with the image
    with ExitStack() as stack:
        hdu = plane.hdu
        if plane.where is not None:
            hdu = stack.enter_context(open_fits(plane.where.path))[plane.where.extension]
        if not shape_of(hdu):
            return plane if (number(hdu.header.get(CONSTANT.keywords[0])) or 0) > 0 else None
        with readable(image.name, f"its {plane.name}"):
            if isinstance(hdu, fits.CompImageHDU):
                check_heap(hdu, str(plane))
            first = (0,) * (len(hdu.shape) - 2)
            parts = (
                hdu.section[(*first, slice(row, row + 256))] for row in range(0, hdu.shape[-2], 256)
            )
            return plane if any(np.any(part > 0) for part in parts) else None


def error_plane(image: Image) -> np.ndarray | None:
    """Return the standard deviations of an image's pixels, NaN where there is none, or None.

    Raises
    ------
    DataError
        If they are not of the image's shape.
    FileError
        If they cannot be read.
    """
    plane = find_plane(image, ERRORS)
    return None if plane is None else read_errors(image, plane)


def read_errors(image: Image, plane: Plane) -> np.ndarray:
    """Return the standard deviations that a plane of errors has, as `error_plane` does."""
    values = _read(image, plane)
    if plane.meaning in ("", DEVIATION):
        return np.asarray(values, values.dtype.newbyteorder("="))
    known = np.asarray(values, np.promote_types(values.dtype.newbyteorder("="), np.float32))
    with np.errstate(invalid="ignore", divide="ignore"):
        root = np.sqrt(known) if plane.meaning == VARIANCE else 1.0 / np.sqrt(known)
    return np.where(np.isfinite(root), root, known.dtype.type(np.nan))


def usable_pixels(image: Image, ignored: int, pattern: str | None = None) -> np.ndarray | None:
    """Return which pixels no flag leaves out, None where there are no flags.

    Errors as for `error_plane`.

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
    bits = ALL_BITS & ~ignored if plane.forbidden is None else plane.forbidden
    forbidden = unsigned.type(bits & np.iinfo(unsigned).max)
    usable: np.ndarray = (
        flags.astype(flags.dtype.newbyteorder("=")).view(unsigned) & forbidden
    ) == 0
    return usable


def flags_of(image: Image, pattern: str | None = None) -> np.ndarray | None:
    """Return the flags of an image's pixels, None where there are none.

    `pattern` and errors are as for `usable_pixels`.
    """
    plane = find_plane(image, QUALITY, pattern)
    return None if plane is None else _flags(image, plane)


def companion_name(path: AnyPath, pattern: str) -> ImageName:
    """Return the file that a pattern names for an exposure.

    A ``*`` stands for its name without ``.fits``.

    A pattern with a ``*`` and without a folder names a file beside the exposure.

    Examples
    --------
    >>> patterns = ("*_dq.fits", "flags/*.fits[1]")
    >>> [str(companion_name(Path("data/x.fits.gz"), pattern)) for pattern in patterns]
    ['data/x_dq.fits', 'flags/x.fits[1]']
    """
    folder, _, file = str(path).rpartition("/")
    name = pattern.replace(
        "*", re.sub(r"\.(fits?|fts|asdf)(\.(gz|fz|bz2|xz))?$", "", file, flags=re.IGNORECASE)
    )
    beside = folder and "*" in pattern and "/" not in pattern
    return parse_name(f"{folder}/{name}" if beside else name)


def files_beside(path: AnyPath, fact: Fact) -> list[Path]:
    """Return the files that hold a plane of an exposure, by the names observatories give them.

    A URL has none.
    """
    if isinstance(path, RemotePath):
        return []
    files = []
    for beside in (companion for names in known_names() for companion in names.beside):
        if beside.holds is fact and re.search(beside.mark, path.name):
            stem = _SUFFIX.sub("", re.sub(beside.mark, beside.instead, path.name, count=1))
            suffixes = dict.fromkeys((_SUFFIX.search(path.name)[0], "", ".fz", ".gz"))  # type: ignore[index]
            files += [
                file for suffix in suffixes if (file := path.with_name(stem + suffix)).is_file()
            ]
    return files


def companion_files(
    path: AnyPath, patterns: tuple[str | None, str | None] = (None, None)
) -> list[AnyPath]:
    """Return the files beside an exposure that are read with it: its errors', and its flags'."""
    files: list[AnyPath] = []
    for fact, pattern in zip((ERRORS, QUALITY), patterns, strict=True):
        files += (
            files_beside(path, fact) if pattern is None else [companion_name(path, pattern).path]
        )
    return files


def _elsewhere(image: Any, fact: Fact, where: ImageName) -> Plane:
    """The plane of an image in another file.

    It is the extension named, else that of its name or number, or the only one.
    """
    with open_fits(where.path) as hdus:
        index = _index(hdus, image, fact, where)
        hdu = hdus[index]
        label = extension_text((hdu.name, hdu.ver) if hdu.name and hdu.name != "PRIMARY" else index)
        name = f"{where.path}[{label}]"
        return describe(name, fact, hdu, hdu.name, ImageName(where.path, index))


def _index(hdus: Any, image: Any, fact: Fact, where: ImageName) -> int:
    there = [k for k, hdu in enumerate(hdus) if holds_pixels(hdu)]
    if where.extension is not None:
        try:
            index = (
                where.extension
                if isinstance(where.extension, int)
                else int(hdus.index_of(where.extension))
            )
            return range(len(hdus))[index]
        except (KeyError, IndexError):
            present = f"[{'], ['.join(extension_text((hdus[k].name, hdus[k].ver)) for k in there)}]"
            wanted = extension_text(where.extension)
            raise FileError(
                f"no extension [{wanted}], it has {present}", subject=where.path
            ) from None
    if len(there) == 1:
        return there[0]
    own = getattr(image, "hdu", None)
    if own is not None:
        number_of = next(k for k, hdu in enumerate(image.hdus) if hdu is own)
        for name in (*fact.keywords, own.name):
            same = [k for k in there if (hdus[k].name, hdus[k].ver) == (name, own.ver)]
            if len(same) == 1:
                return same[0]
        if number_of in there:
            return number_of
    reason = (
        f"none of its {len(there)} images has the name or the number of {image.name}: name one, as "
        "[1]"
    )
    raise DataError(reason, subject=where.path)


def _flags(image: Image, plane: Plane) -> np.ndarray:
    flags = _read(image, plane)
    if flags.dtype.kind not in "iu":
        raise DataError(
            f"its {plane.name} is {flags.dtype.name}, expected whole numbers", subject=image.name
        )
    return flags


def _read(image: Any, plane: Plane) -> np.ndarray:
    """The pixels of a plane, of the image's shape."""
    with readable(image.name, f"its {plane.name}"):
        if plane.where is None:
            pixels = image.plane_pixels(plane)
        else:
            with open_fits(plane.where.path) as hdus:
                hdu = hdus[plane.where.extension]
                pixels = np.array(plane_pixels(hdu, image.shape, plane.name))
    while pixels.ndim > 2 and pixels.shape[0] == 1:
        pixels = pixels[0]
    if pixels.shape != image.shape:
        raise DataError(
            f"its {plane.name} has shape {pixels.shape}, expected {image.shape}", subject=image.name
        )
    return pixels
