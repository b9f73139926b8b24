"""Write what a comparison found as masks, of a chip or an exposure in a file, and as flags."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from astropy.io import fits

from ..headers.instruments import instrument_of
from ..text import ascii_text
from .bad_pixels import BadPixels, key_cards
from .content import open_content
from .fits import select_image
from .hdus import open_fits, open_hdus
from .image import Image
from .names import ImageName
from .output import primary_of, wcs_cards, write_hdus


def write_mask(
    path: Path, mask: np.ndarray, exposure: Image, cards: Iterable[tuple], *, overwrite: bool
) -> None:
    """Write a mask as AstroDrizzle does: bytes in the primary HDU, 1 for good pixels.

    That of a JWST exposure is named SCI besides: its data models look for pixels by this name.

    Parameters
    ----------
    path : Path
    mask : ndarray of bool
        True where a pixel is bad.
    exposure : Image
        The mask gets its WCS.
    cards : iterable of (keyword, value, comment)
        How it was found.
    overwrite : bool
    """
    hdu = fits.PrimaryHDU((~mask).astype(np.uint8), wcs_cards(exposure))
    if instrument_of(exposure.facts).has_gwcs:
        hdu.name = "SCI"
    hdu.header["FILENAME"] = ascii_text(path.name)
    _describe(hdu, cards, f"skyblot reject: 0 where {ascii_text(exposure.path.name)} is bad")
    write_hdus(path, fits.HDUList([hdu]), overwrite=overwrite)


def write_masks(path: Path, chips: Sequence[BadPixels], *, overwrite: bool) -> None:
    """Write the masks of an exposure's chips as extensions of one file, each with its WCS."""
    _write_chips(
        path,
        chips,
        lambda chip: chip.good,
        "skyblot reject: 0 where the exposure is bad",
        overwrite=overwrite,
    )


def mask_headers(path: Path) -> list[fits.Header]:
    """Return the headers of the masks in a file."""
    with open_fits(path) as hdus:
        return [hdu.header.copy() for hdu in hdus if "CREXP" in hdu.header]


def mask_of(path: Path, exposure: str) -> ImageName:
    """Return the mask of an exposure in a file: the extension that says so, else the first image.

    An exposure that was in another folder then is known by its extension.
    """
    wanted = ascii_text(exposure)
    with open_fits(path) as hdus:
        names = {index: str(hdu.header.get("CREXP", "")) for index, hdu in enumerate(hdus)}
    same = (index for index, name in names.items() if name == wanted)
    brackets = wanted[wanted.rfind("[") :] if wanted.endswith("]") else ""
    alike = (index for index, name in names.items() if brackets and name.endswith(brackets))
    return ImageName(path, next(same, next(alike, None)))


def write_flag_image(path: Path, chips: Sequence[BadPixels], bits: int, *, overwrite: bool) -> None:
    """Write the flags of an exposure that has none, laid out as it is."""
    dtype = np.int16 if bits < 1 << 15 else np.int32

    def flags(chip: BadPixels) -> np.ndarray:
        return np.where(chip.good == 0, dtype(bits), dtype(0))

    history = "skyblot reject: flags of cosmic rays"
    if len(chips) > 1:
        plain = [replace(chip, cards=()) for chip in chips]  # the cards of a mask
        _write_chips(path, plain, flags, history, overwrite=overwrite, cards=key_cards(chips))
        return
    with open_content(chips[0].where.path) as content, open_hdus(content) as hdus:
        hdu = fits.PrimaryHDU(
            flags(chips[0]), wcs_cards(select_image(hdus, chips[0].where, content))
        )
    hdu.header["FILENAME"] = ascii_text(path.name)
    _describe(hdu, key_cards(chips), history)
    write_hdus(path, fits.HDUList([hdu]), overwrite=overwrite)


def _write_chips(
    path: Path,
    chips: Sequence[BadPixels],
    pixels: Callable[[BadPixels], np.ndarray],
    history: str,
    *,
    overwrite: bool,
    cards: Iterable[tuple] = (),
) -> None:
    output = fits.HDUList()
    with open_content(chips[0].where.path) as content, open_hdus(content) as hdus:
        for chip in chips:
            image = select_image(hdus, chip.where, content)
            if not output:
                output.append(primary_of(path, image))
                output[0].header.extend(cards)
            hdu = fits.ImageHDU(pixels(chip), wcs_cards(image), name=image.hdu.name)
            if "EXTVER" in image.header:
                hdu.ver = image.hdu.ver
            _describe(hdu, chip.cards, history)
            output.append(hdu)
        output[0].header["NEXTEND"] = len(output) - 1
        write_hdus(path, output, overwrite=overwrite)


def _describe(hdu: fits.PrimaryHDU | fits.ImageHDU, cards: Iterable[tuple], history: str) -> None:
    for keyword, value, comment in cards:
        text = ascii_text(value) if isinstance(value, str) else value
        hdu.header[keyword] = (text, comment) if comment else text
    hdu.header.add_history(history)
