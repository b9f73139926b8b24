"""Write a blot: primary header and SCI extension, with the reference's WCS and its tables."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from astropy.io import fits

from ..errors import WARNING_FILTERS, quiet
from ..headers.wcs_cards import GEOMETRY, HELD, linear_cards, tables_of
from .atomic import atomic_write
from .damage import copying
from .embedded import without_planes
from .image import Image, NewBlot
from .jwst import gwcs_counts
from .tiles import forget_times, tiled

if TYPE_CHECKING:
    from .fits import FitsImage

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
    "SIMPLE",
    "XTENSION",
    "BITPIX",
    "EXTEND",
    "PCOUNT",
    "GCOUNT",
    "GROUPS",
)
#: What AstroDrizzle knows of the whole mosaic, and the cards for it.
_TOTALS = (
    ("TEXPTIME", "texptime", "[s] total exposure time of the mosaic"),
    ("NCOMBINE", "nimages", "exposures in the mosaic"),
)


def write_blot(new: NewBlot) -> None:
    """Write a blot as primary header, one SCI extension and perhaps ERR, atomically.

    The reference's headers, distortion tables and ASDF extension go into the file, the latter
    without references to planes that a blot has not; the cards into the SCI header. Only the pixels
    are compressed, tile by tile.
    """
    with atomic_write(new.path, overwrite=new.overwrite) as stream, WARNING_FILTERS:
        with copying(new.reference.name):
            hdus = _blot_hdus(new)
            if new.compress:
                for name in ("SCI", "ERR")[: 1 if new.errors is None else 2]:
                    hdus[name] = tiled(hdus[name])
            _write(stream, hdus)
        if new.compress:
            stream.flush()
            forget_times(stream.name)


def _blot_hdus(new: NewBlot) -> fits.HDUList:
    reference = new.reference
    header = _copied(reference.wcs_header)
    if new.wcs is not None:
        _replace_wcs(header, new.wcs)
    elif new.move is not None:
        for axis in (1, 2):
            header[f"CRVAL{axis}"] = new.move.crval[axis - 1]
            header[f"CRPIX{axis}"] = new.move.crpix[axis - 1]
    for keyword, value, comment in new.cards:
        header[keyword] = (value, comment) if comment else value
    header.add_history(
        f"skyblot blot onto {reference.path.name.encode('ascii', 'replace').decode()}"
    )
    pixels = _storable(new.data)
    hdus = fits.HDUList(
        [primary_of(new.path, reference), fits.ImageHDU(pixels, header, name="SCI", ver=1)]
    )
    if new.errors is not None:
        errors = new.errors.astype(np.float32)
        hdus.append(fits.ImageHDU(errors, header.copy(), name="ERR", ver=1))
    if new.wcs is None:
        hdus.extend(_companions(reference, new.move, {(hdu.name, hdu.ver) for hdu in hdus}))
    hdus[0].header["NEXTEND"] = len(hdus) - 1
    return hdus


def write_hdus(
    path: Path,
    hdus: fits.HDUList,
    *,
    overwrite: bool,
    checksum: bool = False,
    compress: bool = False,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Write HDUs to a file, atomically, unless `check` raises.

    With checksums if asked for; with `compress` images are compressed tile by tile.
    """
    with atomic_write(path, overwrite=overwrite) as stream, WARNING_FILTERS:
        with copying(path):
            if compress:
                hdus = fits.HDUList([_tiled_image(hdu) for hdu in hdus])
            _write(stream, hdus, checksum=checksum)
        if compress:
            stream.flush()
            forget_times(stream.name)
        check()


def _tiled_image(hdu: Any) -> Any:
    return tiled(hdu) if isinstance(hdu, fits.ImageHDU) and hdu.data is not None else hdu


def _write(stream: BinaryIO, hdus: fits.HDUList, *, checksum: bool = False) -> None:
    for hdu in hdus:
        _announce_long_strings(hdu.header)
    hdus.writeto(stream, output_verify="silentfix+ignore", checksum=checksum)


def _announce_long_strings(header: fits.Header) -> None:
    """Say in a header that its strings go on in CONTINUE cards, as CFITSIO's convention asks."""
    # cards that cannot be parsed are written as they are
    with suppress(fits.VerifyError, ValueError):
        text = header.tostring()
        if "LONGSTRN" not in header and any(
            text.startswith("CONTINUE", k) for k in range(0, len(text), 80)
        ):
            header["LONGSTRN"] = ("OGIP 1.0", "long strings go on in CONTINUE cards")


def wcs_cards(image: Image) -> fits.Header:
    """Return an image's WCS as the cards of one HDU, which have no look-up tables.

    A gwcs is fitted with SIP, unless the header has the SIP of it already. Empty where there is
    none, or it cannot be fitted.
    """
    try:
        with quiet():
            header = image.whole_wcs_header()
            header = image.wcs().to_fits_sip() if header is None else header
            return fits.Header([card for card in header.cards if HELD.fullmatch(card.keyword)])
    except Exception:  # a WCS library raises anything
        return fits.Header()


def chip_blot(data: np.ndarray, header: fits.Header, facts: Mapping[str, Any]) -> fits.PrimaryHDU:
    """Return the blot of a chip as AstroDrizzle's next step reads it: one primary HDU, float32.

    A single HDU has no room for look-up tables, so their cards are left out. EXPTIME is the
    exposure's own; the total of the mosaic is in TEXPTIME.
    """
    tables = (
        keyword
        for keyword in header
        if keyword.startswith(("CPDIS", "CPERR", "DP1", "DP2", "D2IM"))
    )
    header = _copied(header, ("EXTNAME", "EXTVER", "NEXTEND", "INHERIT", *tables))
    set_file_name(header, facts["name"])
    header["EXPTIME"] = (facts["exptime_s"], "[s] exposure time of this exposure")
    header["BLOTSKY"] = (facts["sky"], "sky added")
    for keyword, name, comment in _TOTALS:
        if facts.get(name) is not None:
            header[keyword] = (facts[name], comment)
    return fits.PrimaryHDU(data, header)


def _copied(header: fits.Header, without: Iterable[str] = ()) -> fits.Header:
    """A copy of a header without the cards of storage and some others."""
    copy = header.copy()
    # as many as there are
    structure = {keyword for keyword in copy if re.fullmatch(r"NAXIS\d*", keyword)}
    for keyword in (*_STORAGE, *structure, *without):
        copy.remove(keyword, ignore_missing=True, remove_all=True)
    return copy


def primary_of(path: Path, reference: "FitsImage") -> fits.PrimaryHDU:
    """Return a primary HDU without pixels, with the primary header of an image's file."""
    simple = reference.hdu is reference.hdus[0]
    header = fits.Header() if simple else _copied(reference.primary)
    set_file_name(header, path.name.encode("ascii", "replace").decode())
    return fits.PrimaryHDU(header=header)


def set_file_name(header: fits.Header, name: str) -> None:
    """Put the name of a file into its header, without a comment: long names leave no room."""
    header["FILENAME"] = (name, "")


def _storable(pixels: np.ndarray) -> np.ndarray:
    """Pixels as a blot has them: float32, integers, and bytes for Booleans, which FITS has not."""
    if pixels.dtype.kind == "f":
        return pixels.astype(np.float32, copy=False)
    return pixels.astype(np.uint8) if pixels.dtype.kind == "b" else pixels


def _replace_wcs(header: fits.Header, wcs: Any) -> None:
    """Take the distortion out of a header and put the linear terms of `wcs` in."""
    for keyword in list(header):
        if GEOMETRY.fullmatch(keyword):
            header.remove(keyword, ignore_missing=True, remove_all=True)
    header.update(linear_cards(wcs))


def _companions(
    reference: "FitsImage", move: Any, present: Collection[tuple[str, int]]
) -> list[Any]:
    """The extensions that the reference's WCS needs: look-up tables, or JWST's ASDF."""
    wanted = dict.fromkeys(table for _, table in tables_of(reference.wcs_header))
    extensions = [reference.hdus[key].copy() for key in wanted if key in reference.hdus]
    for table in extensions if move is not None else []:
        for axis in (1, 2):
            table.header[f"CRVAL{axis}"] = (
                table.header.get(f"CRVAL{axis}", 0.0) + move.shift[axis - 1]
            )
    other = reference.wcs_key or reference.head or move
    if "ASDF" in reference.hdus and not other and gwcs_counts(reference):
        extensions.append(without_planes(reference.hdus["ASDF"], present))
    return extensions
