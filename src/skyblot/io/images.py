"""Images in files behind one interface. This is the one place where formats are told apart."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..bounds import Bounds
from ..errors import FileError, SkyblotError, quiet
from .bad_pixels import BadPixels
from .fits_format import FitsFormat
from .image import Format, Image, NewBlot
from .names import COMPRESSIONS, ImageName, parse_name
from .remote import AnyPath
from .roman_format import RomanFormat

#: Every format; the first that recognises a file reads it, and the last takes what no other does.
FORMATS: list[Format] = [RomanFormat(), FitsFormat()]


def format_of(path: AnyPath) -> Format:
    """Return the format of a file, by its content."""
    return next((each for each in FORMATS if each.recognises(path)), FORMATS[-1])


@contextmanager
def open_reference(name: str | Path | ImageName, wcs_key: str = "") -> Iterator[Image]:
    """Open an image to blot onto, perhaps with an alternate WCS; errors as for `open_image`."""
    with open_image(name) as image:
        yield image.as_reference(wcs_key)


@contextmanager
def open_image(name: str | Path | ImageName) -> Iterator[Image]:
    """Open the image that `name` names, in a FITS or a Roman ASDF file.

    Raises
    ------
    FileError
        If the file or the extension is missing, unreadable or truncated.
    DataError
        If it is not a 2-D image.
    """
    where = parse_name(name)
    with format_of(where.path).open_image(where) as image:
        yield image


def float_pixels(image: Image) -> np.ndarray:
    """Return all pixels of an image, float32."""
    return np.asarray(image.pixels()[Bounds.whole(image.shape).slices], np.float32)


def read_pixels(name: str | Path | ImageName) -> np.ndarray:
    """Return all pixels of an image, float32, without a word on what is odd about its file."""
    with quiet(), open_image(name) as image:
        return float_pixels(image)


def list_images(name: str | Path | ImageName) -> list[ImageName]:
    """Return the images to blot onto: every chip of a file, or the one that is named."""
    where = parse_name(name)
    return format_of(where.path).list_images(where)


def blot_name(where: ImageName, *, compress: bool = False) -> str:
    """Return the name of a blot.

    ``j8c0d1bwq_flc.fits[sci,1]`` gives ``j8c0d1bwq_sci1_blt.fits``, or ``.fits.fz`` with
    `compress`; Roman's ``r0001_wfi01_cal.asdf``, which has no extensions, gives
    ``r0001_wfi01_blt.asdf``.
    """
    return format_of(where.path).blot_name(where, compress=compress)


def is_complete(path: Path) -> bool:
    """Whether there is a file that has all the bytes that its headers speak of."""
    try:
        return format_of(path).is_complete(path)
    except (OSError, SkyblotError):
        return False


def check_kind(path: Path, reference: AnyPath) -> None:
    """Refuse an output whose suffix says the other kind of file, or that all of it is compressed.

    Raises
    ------
    FileError
        If it does.
    """
    kind = format_of(reference)
    name = path.name.lower()
    others = [other.endings for other in FORMATS if other is not kind]
    if not name.endswith(kind.endings) and any(map(name.endswith, others)):
        raise FileError(
            f"a blot onto {reference} is {kind.words}, expected a name that ends in {kind.suffix}",
            subject=path,
        )
    if name.endswith(COMPRESSIONS):
        #: To compress pixels tile by tile, which every FITS reader knows, use `--compress`.
        raise FileError(
            f"no blot is compressed as a whole, expected a name that ends in {kind.suffix} or "
            ".fits.fz",
            subject=path,
        )


def write_blot(
    path: Path,
    data: np.ndarray,
    reference: Image,
    *,
    cards: Iterable[tuple],
    wcs: Any = None,
    move: Any = None,
    overwrite: bool,
    compress: bool = False,
    errors: np.ndarray | None = None,
) -> None:
    """Write a blot as a file of its reference's kind, atomically.

    Parameters
    ----------
    path : Path
    data : ndarray, shape (ny, nx)
        Written as float32, integers as they are.
    reference : Image
        Its metadata and its WCS go into the file.
    cards : iterable of (keyword, value, comment)
        How the blot was made.
    wcs : astropy.wcs.WCS, optional
        An undistorted WCS to write in place of the reference's.
    move : skyblot.resampling.target.Move, optional
        Another reference pixel and value for the reference's WCS.
    overwrite : bool
    compress : bool
        Compress the pixels, without loss: FITS tile by tile, ASDF with zlib. A name in ``.fz`` asks
        for it too.
    errors : ndarray, shape (ny, nx), optional
        Standard deviations, written as ERR.
    """
    compress = compress or path.name.lower().endswith(".fz")
    blot = NewBlot(path, data, reference, cards, wcs, move, overwrite, compress, errors)
    format_of(reference.path).write_blot(blot)


def write_flagged(path: Path, bad: Iterable[BadPixels], bits: int, *, overwrite: bool) -> None:
    """Write a copy of an exposure with `bits` set in the DQ of bad pixels, all of one file.

    A mask of Booleans gets 1, and LSST's its plane CR. An image without DQ gets one.

    Raises
    ------
    FileError
        If the file cannot be written.
    DataError
        If the bits do not fit the type of the DQ.
    """
    images = list(bad)
    format_of(images[0].where.path).write_flagged(path, images, bits, overwrite=overwrite)


def write_clean(path: Path, bad: Iterable[BadPixels], *, overwrite: bool) -> None:
    """Write a copy of an exposure with the blot's values in bad pixels, and in gaps.

    Whole numbers are rounded, stay within the range of their type, and never become undefined
    (BLANK).
    """
    images = list(bad)
    format_of(images[0].where.path).write_clean(path, images, overwrite=overwrite)
