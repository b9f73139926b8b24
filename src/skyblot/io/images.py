"""Images in files, FITS or ASDF, behind one interface: the kind of a file is recognised by its content."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from .. import messages
from ..errors import FileError, SkyblotError
from ..facts import Facts
from . import asdf, fits, output, roman
from .names import COMPRESSIONS, ImageName, extension_label, parse_name, root_of
from .remote import AnyPath

_FITS_SUFFIXES = (".fits", ".fit", ".fts", ".fits.fz", *(f".fits{end}" for end in COMPRESSIONS))


class Image(Protocol):
    """What blotting needs of an image in an open file."""

    @property
    def name(self) -> str:
        """File, and extension where it has one, for messages."""

    @property
    def path(self) -> AnyPath:
        """The file."""

    @property
    def choices(self) -> int:
        """How many images the name that was opened stands for; this is the first of them."""

    @property
    def facts(self) -> Facts:
        """Where exposure, units and sky are looked up."""

    @property
    def shape(self) -> tuple[int, int]:
        """(ny, nx)."""

    @property
    def record(self) -> Mapping[str, Any]:
        """How the image was made, if it is a blot: keywords that begin with BLOT."""

    @property
    def files(self) -> tuple[AnyPath, ...]:
        """All files that the image and its WCS come from."""

    def as_reference(self, wcs_key: str = "") -> "Image":
        """Return the image with the WCS that is blotted onto: an alternate one, or that of a ``.head`` file."""

    def pixels(self) -> Any:
        """Return the pixels, unread: something with shape and dtype that reads what is sliced from it."""

    def wcs(self) -> Any:
        """Return the most exact celestial WCS that the file holds; a `WCSError` if there is none."""


@contextmanager
def open_reference(name: str | Path | ImageName, wcs_key: str = "") -> Iterator[Image]:
    """Open an image to blot onto, with the alternate WCS `wcs_key` if one is asked for; errors as for `open_image`."""
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
    with asdf.open_image(where) if asdf.is_asdf(where.path) else fits.open_image(where) as image:
        yield image


def list_images(name: str | Path | ImageName) -> list[ImageName]:
    """Return the images to blot onto: every chip of a FITS file, or the one named; an ASDF file's only one."""
    where = parse_name(name)
    if asdf.is_asdf(where.path):
        return [where]
    with fits.open_fits(where.path) as hdus:
        return fits.science_extensions(hdus, where)


def is_complete(path: Path) -> bool:
    """Whether there is a file that has all the bytes that its headers speak of."""
    try:
        if asdf.is_asdf(path):
            with open_image(path) as image:
                return bool(image.shape)
        with fits.open_fits(path) as hdus:
            facts = hdus[-1].fileinfo()
            return bool(facts["datLoc"] + facts["datSpan"] <= path.stat().st_size)
    except (OSError, SkyblotError):
        return False


def blot_suffix(reference: AnyPath) -> str:
    """Return the suffix of blots onto a reference: they are files of its kind."""
    return ".asdf" if asdf.is_asdf(reference) else ".fits"


def blot_name(where: ImageName, *, compress: bool = False) -> str:
    """Return the name of a blot.

    ``j8c0d1bwq_flc.fits[sci,1]`` gives ``j8c0d1bwq_sci1_blt.fits``, or ``.fits.fz`` with `compress`; Roman's
    ``r0001_wfi01_cal.asdf``, which has no extensions, gives ``r0001_wfi01_blt.asdf``.
    """
    root = root_of(where.path)
    if blot_suffix(where.path) == ".asdf":
        return f"{root}_blt.asdf"
    return f"{root}_{extension_label(where.extension)}_blt.fits{'.fz' if compress else ''}"


def check_kind(path: Path, reference: AnyPath) -> None:
    """Refuse an output whose suffix says the other kind of file, or that all of it is compressed.

    Raises
    ------
    FileError
        If it does.
    """
    kind, name = blot_suffix(reference), path.name.lower()
    if name.endswith(_FITS_SUFFIXES if kind == ".asdf" else ".asdf"):
        words = {".asdf": "an ASDF file", ".fits": "a FITS file"}
        raise FileError(messages.WRONG_SUFFIX(name=path, reference=reference, kind=words[kind], suffix=kind))
    if name.endswith(COMPRESSIONS):
        raise FileError(messages.NO_GZIP(name=path, suffix=kind))


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
    move : skyblot.target.Move, optional
        Another reference pixel and value for the reference's WCS.
    overwrite : bool
    compress : bool
        Compress the pixels, without loss: FITS tile by tile, ASDF with zlib. A name in ``.fz`` asks for it too.
    errors : ndarray, shape (ny, nx), optional
        Standard deviations, written as ERR.
    """
    compress = compress or path.name.lower().endswith(".fz")
    how: dict[str, Any] = {"cards": cards, "wcs": wcs, "overwrite": overwrite, "compress": compress, "errors": errors}
    if isinstance(reference, asdf.AsdfImage):
        roman.write_blot(path, data, reference, **how)
    else:
        output.write_blot(path, data, cast(fits.FitsImage, reference), move=move, **how)
