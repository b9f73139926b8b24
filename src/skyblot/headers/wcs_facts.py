"""Facts of world coordinates from headers, as those of `skyblot.headers.facts`.

What a header says of its celestial frame.
"""

from collections.abc import Mapping
from typing import Any

from .facts import Fact, number

#: What a header says of its celestial frame: it names it, it has an equinox of 2000 alone, or
#: nothing.
STATED = "stated"
EQUINOX_2000 = "equinox 2000"
UNSTATED = "unstated"
#: Equinoxes of anything that was ever observed; other numbers, 0 for one, are none.
_EQUINOXES = (1700.0, 2200.0)

FRAME = Fact(
    name="celestial frame",
    keywords=("RADESYS", "RADECSYS"),
    overrides="a .head file beside the exposure; --wcs-key",
    missing=(
        "an EQUINOX or EPOCH other than 2000 states it too; else it is that of the other image: no "
        "rotation"
    ),
    odd="a name that is no frame is an error where there is a rotation",
    contradicted="two stated frames that differ are rotated; RADESYS goes before RADECSYS",
    places="the header that holds the WCS; not the primary header of another",
)
EQUINOX = Fact(
    name="equinox",
    keywords=("EQUINOX", "EPOCH"),
    overrides="a .head file beside the exposure; --wcs-key",
    missing="none is needed",
    odd=(
        "text is read as its number (B1950, '2000.0'); what is no year from 1700 to 2200 is ignored"
    ),
    contradicted="EQUINOX goes before EPOCH",
    places=FRAME.places,
)


WCS = Fact(
    name="world coordinates",
    keywords=("CTYPE1", "CTYPE2"),
    overrides=(
        "for an exposure: --wcs-key, then a .head file beside it, then the gwcs of a JWST or Roman "
        "file; and outscale, orient, raref, decref, xrefpix, yrefpix, outnx, outny"
    ),
    missing="an error: nothing can be blotted",
    odd=(
        "a WCS that is singular, or has no right ascension and declination or the like, is an error"
    ),
    contradicted=(
        "a gwcs that is more than 0.1 pixel from the WCS in the header is used, and the distance "
        "is said"
    ),
    places="the image's own header",
)
DISTORTION = Fact(
    name="distortion",
    keywords=("A_ORDER", "B_ORDER", "CPDIS1", "CPDIS2", "D2IMDIS1", "D2IMDIS2", "AXISCORR"),
    overrides="--no-coeffs; a .head file beside the exposure",
    missing=(
        "none is applied; said of an HST exposure that names an IDCTAB, and of a JWST exposure "
        "without gwcs"
    ),
    odd="a coefficient that is no number, and a table that is named and not there, are errors",
    contradicted=(
        "a card that is there twice counts once, the first, with a word where the values differ; "
        "SIP without -SIP in CTYPE is applied, and said so; a drizzled image has none, but SIP "
        "with -SIP in CTYPE"
    ),
    places="the image's own header, and the extensions WCSDVARR and D2IMARR",
)
PIXEL_SCALE = Fact(
    name="undistorted pixel scale of an exposure",
    keywords=("IDCSCALE",),
    overrides="outscale",
    missing="the square root of the area of the pixel in the middle, with all distortion",
    odd="a value that is no number above 0 is as one that is missing",
    contradicted=(
        "it counts where it agrees with the WCS to 10 percent, and never in a drizzled image; else "
        "it is said"
    ),
)


def equinox_of(value: Any) -> float | None:
    """Return the equinox that a card gives, as a year; None where it is none.

    Examples
    --------
    >>> equinox_of(2000), equinox_of("B1950.0"), equinox_of(0.0), equinox_of("apparent")
    (2000.0, 1950.0, None, None)
    """
    year = number(value.strip().lstrip("JBjb") if isinstance(value, str) else value)
    return year if year is not None and _EQUINOXES[0] <= year <= _EQUINOXES[1] else None


def frame_statement(header: Mapping[str, Any]) -> str:
    """Return what a header says of its celestial frame: `STATED`, `EQUINOX_2000` or `UNSTATED`."""
    if any(str(header.get(keyword) or "").strip() for keyword in FRAME.keywords):
        return STATED
    years = [
        year
        for keyword in EQUINOX.keywords
        if (year := equinox_of(header.get(keyword))) is not None
    ]
    if not years:
        return UNSTATED
    return EQUINOX_2000 if years[0] == 2000 else STATED


def with_statement(wcs: Any, statement: str) -> Any:
    """Return a FITS WCS that knows what its header says of its frame.

    See `frame_statement`.
    """
    wcs.skyblot_frame = statement
    return wcs
