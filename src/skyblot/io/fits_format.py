"""FITS: how its files are known and named, and what reads and writes them."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from ..errors import DataError
from ..headers.facts import BACKGROUND, BACKGROUND_SUBTRACTED, SKY, number
from ..headers.instruments import instrument_of
from ..headers.pixel_facts import CONSTANT, LSST_COSMIC, QUALITY
from ..text import ascii_text
from . import fits_mosaic, jwst_mosaic, output
from .bad_pixels import BZERO, BadPixels, key_cards, put_values, set_bits
from .content import open_content
from .fits import FitsImage, open_image, science_extensions, select_image
from .hdus import open_fits, open_hdus
from .image import NewBlot, Plane
from .names import COMPRESSIONS, ImageName
from .new_mosaic import NewMosaic
from .products import extension_label, label_of, root_of
from .remote import AnyPath


class FitsFormat:
    """FITS files, of whatever observatory."""

    words = "a FITS file"
    suffix = ".fits"
    endings = (".fits", ".fit", ".fts", ".fits.fz", *(f".fits{end}" for end in COMPRESSIONS))
    chips = True

    def recognises(self, path: AnyPath) -> bool:
        """Yes: what is no FITS file either is refused when it is read."""
        return True

    def open_image(self, where: ImageName) -> AbstractContextManager[FitsImage]:
        """Open an image."""
        return open_image(where)

    def list_images(self, where: ImageName) -> list[ImageName]:
        """Return the science images of a file, or the one that is named."""
        with open_fits(where.path) as hdus:
            return science_extensions(hdus, where)

    def is_complete(self, path: Path) -> bool:
        """Whether a file has all the bytes that its headers speak of."""
        with open_fits(path) as hdus:
            last = hdus[-1].fileinfo()
            return bool(last["datLoc"] + last["datSpan"] <= path.stat().st_size)

    def blot_name(self, where: ImageName, *, compress: bool) -> str:
        """Return the name of a blot: with the extension, as an exposure has several."""
        tiled = ".fz" if compress else ""
        return f"{root_of(where.path)}_{extension_label(where.extension)}_blt.fits{tiled}"

    def write_blot(self, blot: NewBlot) -> None:
        """Write a blot as primary header and SCI extension."""
        output.write_blot(blot)

    def mosaic_name(self, name: str, images: Sequence[ImageName], kind: str) -> str:
        """Return the name of a mosaic, as JWST's pipeline or AstroDrizzle have it."""
        with open_image(images[0]) as image:
            jwst = instrument_of(image.facts).has_gwcs
        labels = {label_of(where.path) for where in images}
        product = "i2d" if jwst and kind == "drz" else fits_mosaic.product_of(labels, kind)
        return f"{name}_{product}.fits"

    def write_mosaic(self, new: NewMosaic) -> None:
        """Write a mosaic in the layout of JWST's pipeline, or of AstroDrizzle."""
        layout = jwst_mosaic if new.instrument.has_gwcs else fits_mosaic
        layout.write_mosaic(new)

    def write_flagged(
        self, path: Path, images: list[BadPixels], bits: int, *, overwrite: bool
    ) -> None:
        """Write a copy with bits set in the flags; LSST's masks, and Booleans, have their own."""
        with open_content(images[0].where.path) as content, open_hdus(content, stored=True) as hdus:
            changed = list(hdus)
            for bad in images:
                image = select_image(hdus, bad.where, content)
                plane = image.plane(QUALITY)
                if plane is not None:
                    _change_plane(image, plane, bad, bits)
                else:
                    changed.append(_new_flags(image, bad, bits))
                if bad.sky is not None:
                    _record_sky(image, bad.sky)
            _write(path, changed, images, "DQ", overwrite=overwrite)

    def write_clean(self, path: Path, images: list[BadPixels], *, overwrite: bool) -> None:
        """Write a copy with the blot's values in bad pixels, as they are stored."""
        with open_content(images[0].where.path) as content, open_hdus(content, stored=True) as hdus:
            changed = list(hdus)
            for bad in images:
                hdu = select_image(hdus, bad.where, content).hdu
                put_values(hdu.data, bad, hdu.header)
                if isinstance(hdu, fits.CompImageHDU) and hdu.data.dtype.kind == "f":
                    changed[_place(changed, hdu)] = _lossless(hdu)
            _write(path, changed, images, "SCI", overwrite=overwrite)


def _record_sky(image: FitsImage, level: float) -> None:
    """Write the level of an image's sky where AstroDrizzle, or JWST's pipeline, records it."""
    if instrument_of(image.facts).has_gwcs:
        image.header[BACKGROUND.keywords[0]] = (level, "level of the background, not subtracted")
        image.header[BACKGROUND_SUBTRACTED.keywords[0]] = False
    else:
        image.header[SKY.keywords[0]] = (level, "level of the sky, by skyblot")


def _change_plane(image: FitsImage, plane: Plane, bad: BadPixels, bits: int) -> None:
    hdu = plane.hdu
    if hdu.data is None:
        _fill_constant(hdu, image)
    elif hdu.data.dtype.kind not in "iu":
        raise DataError(
            f"its {plane.name} is {hdu.data.dtype.name}, expected whole numbers", subject=image.name
        )
    if plane.name != "DQ":
        cosmic = number(hdu.header.get(LSST_COSMIC.keywords[0]))
        bits = 1 if cosmic is None else 1 << int(cosmic)
    set_bits(hdu.data, bad, bits, int(hdu.header.get(BZERO, 0)))


def _fill_constant(hdu: Any, image: FitsImage) -> None:
    """Give a plane that is one value pixels."""
    value = int(number(hdu.header.get(CONSTANT.keywords[0])) or 0)
    for keyword in (*CONSTANT.keywords, "NPIX1", "NPIX2"):
        hdu.header.remove(keyword, ignore_missing=True)
    hdu.data = np.full(image.shape, value, np.int16 if abs(value) < 1 << 15 else np.int32)


def _new_flags(image: FitsImage, bad: BadPixels, bits: int) -> fits.ImageHDU:
    flags = fits.ImageHDU(
        np.zeros(image.shape, np.int16 if bits < 1 << 15 else np.int32),
        name="DQ",
        ver=image.hdu.ver,
    )
    set_bits(flags.data, bad, bits)
    return flags


def _place(hdus: Sequence[Any], hdu: Any) -> int:
    return next(index for index, other in enumerate(hdus) if other is hdu)


def _lossless(hdu: fits.CompImageHDU) -> fits.CompImageHDU:
    """An image of compressed floats, compressed without loss.

    New levels would change every pixel.
    """
    lossless = fits.CompImageHDU(
        hdu.data, hdu.header, compression_type="GZIP_2", quantize_level=0, tile_shape=hdu.tile_shape
    )
    lossless.ver = hdu.ver
    return lossless


def _write(
    path: Path, hdus: list[Any], images: Sequence[BadPixels], plane: str, *, overwrite: bool
) -> None:
    checksum = any("CHECKSUM" in hdu.header or "DATASUM" in hdu.header for hdu in hdus)
    output.set_file_name(hdus[0].header, ascii_text(path.name))
    hdus[0].header.extend(key_cards(images), update=True)
    hdus[0].header.add_history(
        f"skyblot reject: {plane} of cosmic rays changed in {len(images)} images"
    )
    if "NEXTEND" in hdus[0].header:
        hdus[0].header["NEXTEND"] = len(hdus) - 1
    check = images[0].check_unchanged  # what was not needed until now has just been read
    output.write_hdus(path, fits.HDUList(hdus), overwrite=overwrite, checksum=checksum, check=check)
