"""Write a blot: primary header and SCI extension, with the reference's WCS and its distortion tables."""

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from .atomic import atomic_write
from .fits import FitsImage

logger = logging.getLogger(__name__)

#: Cards that describe how pixels were stored in the reference, not what they mean.
_STORAGE = (
    "BSCALE",
    "BZERO",
    "BLANK",
    "CHECKSUM",
    "DATASUM",
    "ZBLANK",
    "ZSCALE",
    "ZZERO",
    "BITPIX",
    "NAXIS1",
    "NAXIS2",
)
#: Prefixes of the cards of a distortion model.
_DISTORTION = (
    "A_",
    "B_",
    "AP_",
    "BP_",
    "CPDIS",
    "CPERR",
    "DP1",
    "DP2",
    "D2IM",
    "AXISCORR",
    "IDCTAB",
    "OCX",
    "OCY",
)
_LINEAR = ("CD", "PC", "CDELT", "CROTA", "PV", "LONPOLE", "LATPOLE", "CTYPE", "CRVAL", "CRPIX", "CUNIT")
#: The extension that holds each pair of tables, and the cards that point to it.
_TABLES = {"WCSDVARR": ("DP1", "DP2"), "D2IMARR": ("D2IM1", "D2IM2")}


def write_blot(
    path: Path,
    data: np.ndarray,
    reference: FitsImage,
    *,
    cards: Iterable[tuple],
    wcs: Any = None,
    overwrite: bool,
) -> None:
    """Write a blot as primary header and one SCI extension, atomically.

    Parameters
    ----------
    path : Path
    data : ndarray, shape (ny, nx)
        Written as float32, integers as they are.
    reference : FitsImage
        Its headers, distortion tables and ASDF extension go into the file.
    cards : iterable of (keyword, value, comment)
        Set in the SCI header.
    wcs : astropy.wcs.WCS, optional
        An undistorted WCS to write in place of the reference's.
    overwrite : bool
    """
    header = reference.header.copy(strip=True)
    for keyword in _STORAGE:
        header.remove(keyword, ignore_missing=True, remove_all=True)
    if wcs is not None:
        _replace_wcs(header, wcs)
    for keyword, value, comment in cards:
        header[keyword] = (value, comment) if comment else value
    header.add_history(f"skyblot blot onto {reference.path.name.encode('ascii', 'replace').decode()}")
    pixels = data if data.dtype.kind != "f" else data.astype(np.float32, copy=False)
    hdus = fits.HDUList([_primary(path, reference), fits.ImageHDU(_storable(pixels), header, name="SCI", ver=1)])
    if wcs is None:
        hdus.extend(_companions(reference))
    hdus[0].header["NEXTEND"] = len(hdus) - 1
    with atomic_write(path, overwrite=overwrite) as stream:
        hdus.writeto(stream, output_verify="silentfix+ignore")


def _primary(path: Path, reference: FitsImage) -> fits.PrimaryHDU:
    if reference.hdu is reference.hdus[0]:
        return fits.PrimaryHDU()
    header = reference.primary.copy(strip=True)
    for keyword in _STORAGE:
        header.remove(keyword, ignore_missing=True, remove_all=True)
    header["FILENAME"] = (path.name.encode("ascii", "replace").decode(), "name of this file")
    return fits.PrimaryHDU(header=header)


def _storable(pixels: np.ndarray) -> np.ndarray:
    """FITS has no boolean images: they are written as bytes."""
    return pixels.astype(np.uint8) if pixels.dtype.kind == "b" else pixels


def _replace_wcs(header: fits.Header, wcs: Any) -> None:
    """Take the distortion out of a header and put the linear terms of `wcs` in."""
    for keyword in list(header):
        alternate = keyword[-1:].isalpha() and keyword[-2:-1].isdigit()
        linear = keyword.startswith(_LINEAR) and not alternate
        if linear or (keyword.startswith(_DISTORTION) and not alternate):
            header.remove(keyword, ignore_missing=True, remove_all=True)
    header.update(_linear_cards(wcs))
    header.remove("IDCSCALE", ignore_missing=True)
    header.remove("ORIENTAT", ignore_missing=True)


def _linear_cards(wcs: Any) -> dict[str, Any]:
    """The cards of an undistorted WCS with a CD matrix, at full precision."""
    cards: dict[str, Any] = {"WCSAXES": 2}
    for i in (1, 2):
        cards[f"CTYPE{i}"], cards[f"CUNIT{i}"] = str(wcs.wcs.ctype[i - 1]), "deg"
        cards[f"CRVAL{i}"], cards[f"CRPIX{i}"] = float(wcs.wcs.crval[i - 1]), float(wcs.wcs.crpix[i - 1])
        for j in (1, 2):
            cards[f"CD{i}_{j}"] = float(wcs.pixel_scale_matrix[i - 1, j - 1])
    for keyword in ("lonpole", "latpole"):
        if np.isfinite(getattr(wcs.wcs, keyword)):
            cards[keyword.upper()] = float(getattr(wcs.wcs, keyword))
    return cards


def _companions(reference: FitsImage) -> list[Any]:
    """The extensions that the WCS of the reference needs: look-up tables, JWST's ASDF."""
    wanted = []
    for name, cards in _TABLES.items():
        versions = {int(reference.header[f"{card}.EXTVER"]) for card in cards if f"{card}.EXTVER" in reference.header}
        if name == "D2IMARR" and "AXISCORR" in reference.header:
            versions.add(1)
        wanted += [(name, version) for version in sorted(versions)]
    found = [reference.hdus[key].copy() for key in wanted if key in reference.hdus]
    if "ASDF" in reference.hdus:
        found.append(reference.hdus["ASDF"].copy())
    return found
