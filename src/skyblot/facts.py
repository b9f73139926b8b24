"""Facts from headers: where each is looked for, what overrides it, and what becomes of it when it is odd.

Every fact that is read from a header has its row in this module, and the code that needs it takes its keywords from
there. The page "What skyblot believes" is made from the rows.
"""

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import messages
from .errors import DataError, SkyblotWarning, one_line

#: The two headers of an image in which most facts are looked for.
HEADERS = "the extension's header, then the primary header"
#: Extensions that only drizzling writes beside an image: weights and contexts.
DRIZZLED_BESIDE = frozenset({"WHT", "CTX"})


@dataclass(frozen=True)
class Fact:
    """What is believed of one fact.

    Attributes
    ----------
    name : str
        What it is, in words.
    keywords : tuple of str
        Where it is looked for, the first that is there counts. A ``{}`` stands for the amplifiers A, B, C and D.
    overrides : str
        What the user says instead.
    missing, odd : str
        What is done where it is not there; where it is no number, or one that cannot be.
    contradicted : str
        What is done where another place, or the pixels, say otherwise.
    places : str
        Which headers.
    """

    name: str
    keywords: tuple[str, ...]
    overrides: str
    missing: str
    odd: str
    contradicted: str = "not checked"
    places: str = HEADERS


@dataclass(frozen=True)
class Facts:
    """Where the facts about an image are looked up: its extension's header, then the primary header.

    Attributes
    ----------
    name : str
        File and extension, for messages.
    extension, primary : mapping
        FITS headers, or any mappings of upper-case keywords.
    beside : frozenset of str
        Names of the file's extensions.
    """

    name: str
    extension: Mapping[str, Any]
    primary: Mapping[str, Any]
    beside: frozenset[str] = frozenset()

    def find(self, keyword: str) -> Any:
        """Return the value of a keyword, or None where neither header has one.

        Of a keyword that is there twice the first counts; a `SkyblotWarning` says so where the values differ.
        """
        for header in (self.extension, self.primary):
            try:
                value = header.get(keyword.upper())
                others = _others(header, keyword.upper())
            except Exception as error:  # astropy's VerifyError: a card that it cannot parse, as EXPTIME = NaN
                part, reason = f"the value of {keyword.upper()}", one_line(error)
                raise DataError(messages.PART_CANNOT_BE_READ(name=self.name, part=part, reason=reason)) from error
            if value is not None and value != "":
                if any(other != value for other in others):
                    message = messages.KEYWORD_TWICE(name=self.name, keyword=keyword.upper(), value=value)
                    warnings.warn(message, SkyblotWarning, stacklevel=2)
                return value
        return None

    def first(self, fact: Fact) -> tuple[str, Any]:
        """Return the first keyword of a fact that is there, and its value; ("", None) where none is."""
        return next(((word, value) for word in fact.keywords if (value := self.find(word)) is not None), ("", None))

    @property
    def bunit(self) -> str:
        """BUNIT, an empty string where there is none."""
        return str(self.find("BUNIT") or "").strip()


def _others(header: Any, keyword: str) -> list[Any]:
    """The values of a keyword in a FITS header after its first."""
    count = header.count(keyword) if hasattr(header, "cards") and keyword in header else 1
    return [header[keyword, place] for place in range(1, count)]


def number(value: Any) -> float | None:
    """Return a header's value as a finite number, as text too; None where it is none.

    Examples
    --------
    >>> number(12), number(" 12.5"), number("INDEF"), number("NaN"), number(True)
    (12.0, 12.5, None, None, None)
    """
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if math.isfinite(found) and not isinstance(value, bool) else None


DRIZZLED = Fact(
    name="drizzled image",
    keywords=("D001VER", "D001DATA", "NDRIZIM", "S_RESAMP"),
    overrides="",
    missing="extensions WHT or CTX beside the image make it one too; else it is an exposure",
    odd="S_RESAMP counts only where it is COMPLETE, of the others it is enough that they are there",
    contradicted="what no drizzled image has of its own is ignored: SIP without -SIP in CTYPE, CPDIS and D2IM tables, "
    "IDCSCALE, MDRIZSKY",
)


def is_drizzled(facts: Facts) -> bool:
    """Whether an image was drizzled: it has no distortion and no sky of its own, whatever cards it kept."""
    if facts.beside & DRIZZLED_BESIDE:
        return True
    return any(
        value == "COMPLETE" if keyword == "S_RESAMP" else value is not None
        for keyword in DRIZZLED.keywords
        for value in [facts.find(keyword)]
    )


#: What a header says of its celestial frame: it names it, it has an equinox of 2000 alone, or nothing.
STATED, EQUINOX_2000, UNSTATED = "stated", "equinox 2000", "unstated"
#: Equinoxes of anything that was ever observed; other numbers, 0 for one, are none.
_EQUINOXES = (1700.0, 2200.0)

FRAME = Fact(
    name="celestial frame",
    keywords=("RADESYS", "RADECSYS"),
    overrides="a .head file beside the exposure; --wcs-key",
    missing="an EQUINOX or EPOCH other than 2000 states it too; else it is that of the other image: no rotation",
    odd="a name that is no frame is an error where there is a rotation",
    contradicted="two stated frames that differ are rotated; RADESYS goes before RADECSYS",
    places="the header that holds the WCS; not the primary header of another",
)
EQUINOX = Fact(
    name="equinox",
    keywords=("EQUINOX", "EPOCH"),
    overrides="a .head file beside the exposure; --wcs-key",
    missing="none is needed",
    odd="text is read as its number (B1950, '2000.0'); what is no year from 1700 to 2200 is ignored",
    contradicted="EQUINOX goes before EPOCH",
    places=FRAME.places,
)


WCS = Fact(
    name="world coordinates",
    keywords=("CTYPE1", "CTYPE2"),
    overrides="for an exposure: --wcs-key, then a .head file beside it, then the gwcs of a JWST or Roman file; and "
    "outscale, orient, raref, decref, xrefpix, yrefpix, outnx, outny",
    missing="an error: nothing can be blotted",
    odd="a WCS that is singular, or has no right ascension and declination or the like, is an error",
    contradicted="a gwcs that is more than 0.1 pixel from the WCS in the header is used, and the distance is said",
    places="the image's own header",
)
DISTORTION = Fact(
    name="distortion",
    keywords=("A_ORDER", "B_ORDER", "CPDIS1", "CPDIS2", "D2IMDIS1", "D2IMDIS2", "AXISCORR"),
    overrides="--no-coeffs; a .head file beside the exposure",
    missing="none is applied; said of an HST exposure that names an IDCTAB, and of a JWST exposure without gwcs",
    odd="a coefficient that is no number, and a table that is named and not there, are errors",
    contradicted="a card that is there twice counts once, the first, with a word where the values differ; SIP without "
    "-SIP in CTYPE is applied, and said so; a drizzled image has none, but SIP with -SIP in CTYPE",
    places="the image's own header, and the extensions WCSDVARR and D2IMARR",
)
PIXEL_SCALE = Fact(
    name="undistorted pixel scale of an exposure",
    keywords=("IDCSCALE",),
    overrides="outscale",
    missing="the square root of the area of the pixel in the middle, with all distortion",
    odd="a value that is no number above 0 is as one that is missing",
    contradicted="it counts where it agrees with the WCS to 10 percent, and never in a drizzled image; else it is said",
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
    years = [year for keyword in EQUINOX.keywords if (year := equinox_of(header.get(keyword))) is not None]
    if not years:
        return UNSTATED
    return EQUINOX_2000 if years[0] == 2000 else STATED


def with_statement(wcs: Any, statement: str) -> Any:
    """Return a FITS WCS that knows what its header says of its celestial frame: see `frame_statement`."""
    wcs.skyblot_frame = statement
    return wcs
