"""Write what a comparison found: masks, and copies of exposures with flags set or bad pixels replaced."""

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from .. import messages
from ..errors import WARNING_FILTERS, FileError
from .asdf import is_asdf
from .atomic import atomic_write
from .fits import open_fits, select_image
from .images import Image
from .names import ImageName
from .output import write_hdus
from .planes import companion


@dataclass(frozen=True)
class BadPixels:
    """The bad pixels of one image.

    Attributes
    ----------
    where : ImageName
        The image.
    flat : ndarray of int
        Their positions, counted along rows.
    values : ndarray of float32
        The blot's values there.
    """

    where: ImageName
    flat: np.ndarray
    values: np.ndarray


def write_mask(path: Path, mask: np.ndarray, exposure: Image, cards: Iterable[tuple], *, overwrite: bool) -> None:
    """Write a mask as AstroDrizzle does: bytes in the primary HDU, 1 for good pixels and 0 for bad ones.

    Parameters
    ----------
    path : Path
    mask : ndarray of bool
        True where a pixel is bad.
    exposure : Image
    cards : iterable of (keyword, value, comment)
        How it was found.
    overwrite : bool
    """
    hdu = fits.PrimaryHDU((~mask).astype(np.uint8))
    hdu.header["FILENAME"] = _ascii(path.name)
    for keyword, value, comment in cards:
        text = _ascii(value) if isinstance(value, str) else value
        hdu.header[keyword] = (text, comment) if comment else text
    hdu.header.add_history(f"skyblot reject: 0 where {_ascii(exposure.path.name)} is bad")
    write_hdus(path, fits.HDUList([hdu]), overwrite=overwrite)


def write_flagged(path: Path, found: Iterable[BadPixels], bits: int, *, overwrite: bool) -> None:
    """Write a copy of an exposure with `bits` set in the DQ of bad pixels; all of `found` are of one file.

    Raises
    ------
    FileError
        If an image has no DQ, or the file cannot be written.
    """

    def change(data: np.ndarray, bad: BadPixels) -> None:
        data.flat[bad.flat] |= np.array(bits).astype(data.dtype)

    _write_changed(path, found, "DQ", change, overwrite=overwrite)


def write_clean(path: Path, found: Iterable[BadPixels], *, overwrite: bool) -> None:
    """Write a copy of an exposure whose bad pixels have the blot's values, where there are any."""

    def change(data: np.ndarray, bad: BadPixels) -> None:
        known = np.isfinite(bad.values)
        data.flat[bad.flat[known]] = bad.values[known].astype(data.dtype)

    _write_changed(path, found, "SCI", change, overwrite=overwrite)


def _write_changed(path: Path, found: Iterable[BadPixels], plane: str, change: Any, *, overwrite: bool) -> None:
    images = list(found)
    if is_asdf(images[0].where.path):
        _change_asdf(path, images[0], {"DQ": "dq", "SCI": "data"}[plane], change, overwrite=overwrite)
        return
    with open_fits(images[0].where.path) as hdus:
        for bad in images:
            hdu = select_image(hdus, bad.where).hdu
            key = companion(hdu, plane) if plane != "SCI" else None
            if plane != "SCI":
                if key is None or key not in hdus or hdus[key].data is None:
                    raise FileError(messages.NOTHING_TO_CHANGE(name=bad.where, part="DQ extension"))
                hdu = hdus[key]
            data = np.array(hdu.data)
            change(data, bad)
            hdu.data = data
        hdus[0].header["FILENAME"] = _ascii(path.name)
        hdus[0].header.add_history(f"skyblot reject: {plane} of cosmic rays changed")
        write_hdus(path, fits.HDUList(list(hdus)), overwrite=overwrite)


def _change_asdf(path: Path, bad: BadPixels, name: str, change: Any, *, overwrite: bool) -> None:
    import asdf

    source = bad.where.path
    with WARNING_FILTERS, warnings.catch_warnings(), asdf.config_context():
        warnings.simplefilter("ignore")  # tags of Roman's metadata
        with asdf.open(source, memmap=False, lazy_load=False) as opened:
            roman = opened["roman"]
            if name not in roman:
                raise FileError(messages.NOTHING_TO_CHANGE(name=source, part=f"roman/{name}"))
            data = np.array(getattr(roman[name], "value", roman[name]))
            change(data, bad)
            roman[name] = data
            with atomic_write(path, overwrite=overwrite) as stream:
                opened.write_to(stream)


def copy_name(where: ImageName, label: str) -> str:
    """Return the name of a changed copy of an exposure.

    Examples
    --------
    >>> copy_name(ImageName(Path("j8c0d1bwq_flc.fits.gz")), "crclean")
    'j8c0d1bwq_crclean.fits'
    """
    stem, suffix = re.sub(r"\.(gz|fz)$", "", where.path.name).rsplit(".", 1)
    root = stem.rsplit("_", 1)[0] if "_" in stem else stem
    return f"{root}_{label}.{suffix}"


def _ascii(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode()
