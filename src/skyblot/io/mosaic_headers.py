"""The headers of a mosaic in FITS: what its exposures' have in common, and how it was made."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from astropy.io import fits

from ..headers.units import COUNTS, RATE, unit_kind
from ..headers.wcs_cards import linear_cards
from ..headers.wcs_facts import FRAME, STATED, with_statement
from ..text import ascii_text
from .new_mosaic import Input, NewMosaic
from .products import root_of

Cards = Iterable[tuple[str, Any, str]]

#: AstroDrizzle's cards are numbered with three digits.
_MOST = 999
#: What a card has for a value and its comment.
_ROOM = 67
#: What HST's pipeline says of an image that went through drizzling.
_DONE = "DRIZCORR"


def primary_header(
    new: NewMosaic, common: Mapping[str, Any], more: Cards, context: str
) -> fits.Header:
    """Return the primary header of a mosaic: of its exposures, and of how it was made.

    Parameters
    ----------
    new : NewMosaic
    common : mapping
        What the exposures' headers have in common, by keyword.
    more : iterable of (keyword, value, comment)
    context : str
        The extension that holds the context.
    """
    header = fits.Header()
    add_cards(header, [("FILENAME", new.path.name, ""), ("ROOTNAME", root_of(new.path), "")])
    add_cards(header, _placed(new, common, in_extension=False))
    if new.exposure_facts[0].primary.get(_DONE):
        add_cards(header, [(_DONE, "COMPLETE", "drizzle processing")])
    add_cards(header, more)
    add_cards(header, _making(new, context))
    add_cards(header, new.cards)
    how = "stacked" if new.drizzle is None else "drizzled"
    header.add_history(
        f"skyblot: {how} from {len(new.inputs)} images of {len(new.exposures)} exposures"
    )
    return header


def science_header(new: NewMosaic, common: Mapping[str, Any], more: Cards = ()) -> fits.Header:
    """Return the header of the pixels; arguments are as of `primary_header`."""
    header = fits.Header()
    if new.bunit:
        add_cards(header, [("BUNIT", new.bunit, "units of the pixels")])
    add_cards(header, [("NCOMBINE", new.combined, "exposures in the mosaic")])
    add_cards(header, _placed(new, common, in_extension=True))
    add_cards(header, more)
    return header


def with_wcs(header: fits.Header, wcs: Any) -> fits.Header:
    """Return a header with the cards of an undistorted WCS, a CD matrix, put before the others."""
    cards = {k: v for k, v in linear_cards(wcs).items() if k != "WCSAXES"}
    cd = wcs.pixel_scale_matrix
    cards["ORIENTAT"] = math.degrees(math.atan2(cd[0, 1], cd[1, 1]))
    placed = fits.Header()
    add_cards(placed, [(keyword, value, "") for keyword, value in cards.items()])
    placed.comments["ORIENTAT"] = "[deg] position angle of the y axis"
    add_cards(placed, frame_cards(wcs))
    placed.extend(header.cards)
    return placed


def frame_cards(wcs: Any) -> list[tuple[str, Any, str]]:
    """Return the cards of a celestial frame that is stated; none are there where it is not."""
    from ..pixelmap.wcs_objects import frame_stated

    system = str(wcs.wcs.radesys).strip()
    if frame_stated(wcs) != STATED or not system:
        return []
    cards: list[tuple[str, Any, str]] = [(FRAME.keywords[0], system, "celestial frame")]
    if system.startswith("FK") and math.isfinite(wcs.wcs.equinox):
        cards.append(("EQUINOX", float(wcs.wcs.equinox), ""))
    return cards


def in_icrs(wcs: Any) -> Any:
    """Return a WCS whose frame, if it is equatorial and nobody states it, is ICRS."""
    from ..pixelmap.wcs_objects import frame_stated, plain_copy

    if frame_stated(wcs) == STATED or not _is_equatorial(wcs):
        return wcs
    copy = plain_copy(wcs)
    copy.wcs.radesys = "ICRS"
    copy.wcs.equinox = math.nan
    copy.wcs.set()
    return with_statement(copy, STATED)


def is_icrs(wcs: Any) -> bool:
    """Whether a WCS gives right ascension and declination in ICRS."""
    return _is_equatorial(wcs) and str(wcs.wcs.radesys).strip() == "ICRS"


def _is_equatorial(wcs: Any) -> bool:
    return str(wcs.wcs.ctype[0]).startswith("RA--")


def add_cards(header: fits.Header, cards: Cards) -> None:
    """Put cards into a header; a value that is not known, or no finite number, is left out."""
    for keyword, value, comment in cards:
        if value is None or (isinstance(value, float | np.floating) and not math.isfinite(value)):
            continue
        text = ascii_text(value) if isinstance(value, str) else value
        taken = max(len(text.replace("'", "''")) + 2, 20) if isinstance(text, str) else 20
        fits_in = len(comment) <= _ROOM - taken
        card = fits.Card(keyword, text, comment if fits_in else "")
        if keyword in header:
            header[keyword] = (card.value, card.comment)
        else:
            header.append(card, end=True)  # at the end: else a long header takes minutes


def scale_of(new: NewMosaic) -> float:
    """Return the size of a pixel, arcsec."""
    from ..pixelmap.linear import pixel_scale

    return pixel_scale(new.wcs)


def scale_ratio(new: NewMosaic) -> float | None:
    """Return the size of a pixel in those of the exposures, None where one is not known."""
    scales = [each.scale for each in new.inputs if each.scale is not None]
    if len(scales) < len(new.inputs):
        return None
    return scale_of(new) / float(np.median(scales))


def outline(wcs: Any, shape: tuple[int, ...]) -> str:
    """Return the outline of an image on the sky, as the pipelines of JWST and Roman write it."""
    ny, nx = shape
    x = np.array([-0.5, nx - 0.5, nx - 0.5, -0.5])
    y = np.array([-0.5, -0.5, ny - 0.5, ny - 0.5])
    sky = np.transpose(wcs.wcs_pix2world(x, y, 0))
    corners = " ".join(f"{value:.9f}" for value in sky.ravel())
    return f"POLYGON ICRS  {corners}"


def _placed(
    new: NewMosaic, common: Mapping[str, Any], *, in_extension: bool
) -> Iterator[tuple[str, Any, str]]:
    """What the exposures' headers have in common, in the one of two in which the first has it."""
    facts = new.exposure_facts[0]
    apart = facts.extension is not facts.primary
    for keyword, value in common.items():
        there = apart and keyword in facts.extension
        if there if in_extension else (not there or keyword in facts.primary):
            header = facts.extension if in_extension else facts.primary
            yield keyword, value, _comment(header, keyword)


def _comment(header: Any, keyword: str) -> str:
    known = isinstance(header, fits.Header) and keyword in header
    return str(header.comments[keyword]) if known else ""


def _making(new: NewMosaic, context: str) -> Iterator[tuple[str, Any, str]]:
    """How the mosaic was made: AstroDrizzle's keywords, one set for each image."""
    from .. import __version__

    program = f"skyblot {__version__}"
    yield "PROD_VER", program, "what made this file"
    if new.drizzle is None:
        return
    yield "RMSFACT", new.drizzle.correlation, "noise of large areas / that of single pixels"
    yield "NDRIZIM", len(new.inputs), "Drizzle, No. images drizzled onto output"
    shared = _shared_cards(new, program, context)
    for place, each in enumerate(new.inputs[:_MOST], 1):
        for name, value, comment in (*_input_cards(each), *shared):
            yield f"D{place:03d}{name}", value, comment


def _input_cards(each: Input) -> list[tuple[str, Any, str]]:
    """What is said of an image alone; keywords without the number of their set."""
    path = each.image.path
    image = f"{path.name}{each.image.name[len(str(path)) :]}"
    return [
        ("DATA", image, "Drizzle, input data image"),
        ("DEXP", each.exptime_s, "Drizzle, input image exposure time (s)"),
        ("MASK", each.mask, "Drizzle, input weighting image"),
        ("WTSC", each.weight, "Drizzle, weighting factor for input image"),
        ("ISCL", each.scale, "Drizzle, pixel size (arcsec) of input image"),
        ("BIT", each.exposure, "bit of the context that stands for it, from 0"),
        ("SKY", each.sky, "sky subtracted, in units of the input image"),
        ("FACT", each.factor, "unit of the output in those of the input image"),
    ]


def _shared_cards(new: NewMosaic, program: str, context: str) -> list[tuple[str, Any, str]]:
    """What is said of every image, and is the same for all."""
    how = new.drizzle
    assert how is not None
    name = new.path.name
    place = f"{name}[{context}]" if new.context is not None else ""
    unit = {RATE: "cps", COUNTS: "counts"}.get(unit_kind(new.bunit) or "", new.bunit)
    fill = "NaN" if math.isnan(how.fill) else f"{how.fill:g}"
    return [
        ("VER", program, "Drizzle, task version"),
        ("GEOM", "wcs", "Drizzle, source of geometric information"),
        ("OUDA", name, "Drizzle, output data image"),
        ("OUWE", f"{name}[WHT]", "Drizzle, output weighting image"),
        ("OUCO", place, "Drizzle, output context image"),
        ("KERN", how.kernel, "Drizzle, form of weight distribution kernel"),
        ("PIXF", how.pixfrac, "Drizzle, linear size of drop"),
        ("COEF", "wcs", "Drizzle, source of coefficients"),
        ("OUUN", unit, "Drizzle, units of output image"),
        ("FVAL", fill, "Drizzle, fill value for zero weight output pix"),
        ("WKEY", "", "Input image WCS Version used"),
        ("SCAL", scale_of(new), "Drizzle, pixel size (arcsec) of output image"),
    ]
