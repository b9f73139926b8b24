"""Write copies of exposures with flags set in DQ, or with the blot in bad pixels."""

from collections.abc import Iterable
from pathlib import Path

from .images import format_of
from .masks import BadPixels
from .names import ImageName, plain_name, root_of


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


def copy_name(where: ImageName, label: str) -> str:
    """Return the name of a changed copy of an exposure, without ``.gz``: it is not packed.

    Examples
    --------
    >>> copy_name(ImageName(Path("j8c0d1bwq_flc.fits.gz")), "crclean")
    'j8c0d1bwq_crclean.fits'
    """
    name = plain_name(where.path)
    tiled = ""
    if name.lower().endswith(".fz"):
        tiled = name[-3:]
        name = name[:-3]
    _, dot, suffix = name.rpartition(".")
    return f"{root_of(where.path)}_{label}.{suffix if dot else 'fits'}{tiled}"
