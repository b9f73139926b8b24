"""Write copies of exposures with flags set in DQ, or with the blot in bad pixels; all else is as it was."""

import warnings
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from .. import messages
from ..errors import WARNING_FILTERS, DataError, FileError
from ..facts import CONSTANT, LSST_COSMIC, QUALITY, STORED, number
from .asdf import is_asdf
from .atomic import atomic_write
from .blocks import sort_extensions
from .content import open_content
from .fits import FitsImage, open_hdus, select_image
from .masks import KEY_CARD, BadPixels, ascii_text, key_cards
from .names import ImageName, plain_name, root_of
from .output import set_file_name, write_hdus
from .planes import Plane, find_plane

#: Changes the pixels of a plane, as they are stored, where they are bad.
Change = Callable[[Any, BadPixels], None]
_BZERO, _BSCALE, _BLANK = STORED.keywords


def write_flagged(path: Path, found: Iterable[BadPixels], bits: int, *, overwrite: bool) -> None:
    """Write a copy of an exposure with `bits` set in the DQ of bad pixels; all of `found` are of one file.

    A mask of Booleans gets 1, and LSST's its plane CR. An image without DQ gets one.

    Raises
    ------
    FileError
        If the file cannot be written.
    DataError
        If the bits do not fit the type of the DQ.
    """
    images = list(found)
    if is_asdf(images[0].where.path):
        _change_asdf(path, images[0], "dq", lambda data, bad: _set_bits(data, bad, bits), overwrite=overwrite)
        return
    with open_content(images[0].where.path) as content, open_hdus(content, stored=True) as hdus:
        changed = list(hdus)
        for bad in images:
            image = select_image(hdus, bad.where, content)
            plane = flags_of(image)
            if plane is not None:
                _change_plane(changed, image, plane, bad, bits)
            else:
                changed.append(_new_flags(image, bad, bits))
        _write(path, changed, images, "DQ", overwrite=overwrite)


def write_clean(path: Path, found: Iterable[BadPixels], *, overwrite: bool) -> None:
    """Write a copy of an exposure whose bad pixels, and gaps, have the blot's values, where there are any.

    Whole numbers are rounded, stay within the range of their type, and never become undefined (BLANK).
    """
    images = list(found)
    if is_asdf(images[0].where.path):
        _change_asdf(path, images[0], "data", _put_values, overwrite=overwrite)
        return
    with open_content(images[0].where.path) as content, open_hdus(content, stored=True) as hdus:
        changed = list(hdus)
        for bad in images:
            hdu = select_image(hdus, bad.where, content).hdu
            _put_values(hdu.data, bad, hdu.header)
            if isinstance(hdu, fits.CompImageHDU) and hdu.data.dtype.kind == "f":
                changed[_place(changed, hdu)] = _lossless(hdu)
        _write(path, changed, images, "SCI", overwrite=overwrite)


def flags_of(image: Any) -> Plane | None:
    """Return the flags of an image in its own file, None where there are none."""
    plane = find_plane(image, QUALITY)
    return plane if plane is None or plane.where is None else None


def copy_name(where: ImageName, label: str) -> str:
    """Return the name of a changed copy of an exposure: what is decompressed as a whole is no ``.gz`` any more.

    Examples
    --------
    >>> copy_name(ImageName(Path("j8c0d1bwq_flc.fits.gz")), "crclean")
    'j8c0d1bwq_crclean.fits'
    """
    name, tiled = plain_name(where.path), ""
    if name.lower().endswith(".fz"):
        name, tiled = name[:-3], name[-3:]
    _, dot, suffix = name.rpartition(".")
    return f"{root_of(where.path)}_{label}.{suffix if dot else 'fits'}{tiled}"


def _set_bits(data: np.ndarray, bad: BadPixels, bits: int, offset: int = 0) -> None:
    """Set bits where pixels are bad; stored values are less than those meant by the offset."""
    if bits > np.iinfo(data.dtype).max + offset:
        raise DataError(messages.BITS_TOO_LARGE(name=bad.where, dtype=data.dtype.newbyteorder("=").name, bits=bits))
    meant = data.flat[bad.flat].astype(object) + offset  # unsigned numbers of 64 bits fit no signed type
    data.flat[bad.flat] = ((meant | bits) - offset).astype(data.dtype)


def _change_plane(changed: list[Any], image: FitsImage, plane: Plane, bad: BadPixels, bits: int) -> None:
    hdu = plane.hdu
    if hdu.data is None:
        _fill_constant(hdu, image)
    elif hdu.data.dtype.kind not in "iu":
        raise DataError(messages.NOT_WHOLE_NUMBERS(name=image.name, part=plane.name, dtype=hdu.data.dtype.name))
    if plane.name != "DQ":
        cosmic = number(hdu.header.get(LSST_COSMIC.keywords[0]))
        bits = 1 if cosmic is None else 1 << int(cosmic)
    _set_bits(hdu.data, bad, bits, int(hdu.header.get(_BZERO, 0)))


def _fill_constant(hdu: Any, image: FitsImage) -> None:
    """Give a plane that is one value pixels."""
    value = int(number(hdu.header.get(CONSTANT.keywords[0])) or 0)
    for keyword in (*CONSTANT.keywords, "NPIX1", "NPIX2"):
        hdu.header.remove(keyword, ignore_missing=True)
    hdu.data = np.full(image.shape, value, np.int16 if abs(value) < 1 << 15 else np.int32)


def _new_flags(image: FitsImage, bad: BadPixels, bits: int) -> fits.ImageHDU:
    made = fits.ImageHDU(np.zeros(image.shape, np.int16 if bits < 1 << 15 else np.int32), name="DQ", ver=image.hdu.ver)
    _set_bits(made.data, bad, bits)
    return made


def _put_values(data: np.ndarray, bad: BadPixels, header: Any = None) -> None:
    """Put the blot's values into bad pixels, as they are stored."""
    known = np.isfinite(bad.values)
    header = {} if header is None else header
    values = (bad.values[known].astype(np.float64) - header.get(_BZERO, 0)) / header.get(_BSCALE, 1)
    if data.dtype.kind in "iu":
        low, high = np.iinfo(data.dtype).min, np.iinfo(data.dtype).max
        values = np.clip(np.rint(values), low, float(high) if high < 1 << 53 else np.nextafter(float(high), 0))
        blank = header.get(_BLANK)
        if blank is not None:
            values[values == blank] += -1 if blank == high else 1
    data.flat[bad.places[known]] = values.astype(data.dtype)


def _place(hdus: Sequence[Any], hdu: Any) -> int:
    return next(index for index, each in enumerate(hdus) if each is hdu)


def _lossless(hdu: fits.CompImageHDU) -> fits.CompImageHDU:
    """An image of compressed floats as it is read, compressed without loss: new levels would change every pixel."""
    made = fits.CompImageHDU(
        hdu.data, hdu.header, compression_type="GZIP_2", quantize_level=0, tile_shape=hdu.tile_shape
    )
    made.ver = hdu.ver
    return made


def _write(path: Path, hdus: list[Any], images: Sequence[BadPixels], plane: str, *, overwrite: bool) -> None:
    checksum = any("CHECKSUM" in hdu.header or "DATASUM" in hdu.header for hdu in hdus)
    set_file_name(hdus[0].header, ascii_text(path.name))
    hdus[0].header.extend(key_cards(images), update=True)
    hdus[0].header.add_history(f"skyblot reject: {plane} of cosmic rays changed in {len(images)} images")
    if "NEXTEND" in hdus[0].header:
        hdus[0].header["NEXTEND"] = len(hdus) - 1
    check = images[0].check_unchanged  # what was not needed until now has just been read
    write_hdus(path, fits.HDUList(hdus), overwrite=overwrite, checksum=checksum, check=check)


def _change_asdf(path: Path, bad: BadPixels, name: str, change: Change, *, overwrite: bool) -> None:
    """Write a copy of a Roman file with one array changed, or a dq made; all tags, units and compressions stay."""
    import asdf
    from astropy.units import Quantity

    source = bad.where.path
    with WARNING_FILTERS, warnings.catch_warnings(), asdf.config_context() as config:
        warnings.simplefilter("ignore")  # tags of Roman's metadata
        config.remove_extension(package="roman_datamodels")  # the same with it and without it, whatever its version
        with open_content(source) as content, asdf.open(content.source, memmap=False, lazy_load=False) as opened:
            roman = opened["roman"]
            if name not in roman and name != "dq":
                raise FileError(messages.NOTHING_TO_CHANGE(name=source, part=f"roman/{name}"))
            old = roman[name] if name in roman else np.zeros(bad.shape, np.uint32)
            stored = getattr(old, "value", old)
            data = np.array(stored)
            change(data, bad)
            roman[name] = Quantity(data, old.unit, copy=False) if isinstance(old, Quantity) else data
            opened.set_array_compression(data, opened.get_array_compression(stored))
            _rename(roman.get("meta"), path.name)
            if bad.key:
                opened[KEY_CARD.lower()] = bad.key
            with atomic_write(path, overwrite=overwrite) as stream:
                opened.write_to(stream)
                stream.flush()
                sort_extensions(stream.name)
                bad.check_unchanged()


def _rename(meta: Any, name: str) -> None:
    """Put the name of a copy into its metadata, with the tag that the old one had."""
    if not isinstance(meta, MutableMapping):
        return
    old: Any = meta.get("filename")
    meta["filename"] = type(old)(name) if isinstance(old, str) else name
    if hasattr(old, "_tag"):
        meta["filename"]._tag = old._tag
