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


IMAGE_MEANT = Fact(
    name="which image of a file",
    keywords=("EXTNAME", "EXTVER"),
    overrides="file.fits[3], which is that very HDU, file.fits[NAME] or file.fits[NAME,2]",
    missing="no EXTVER is 1; without any SCI, every 2-D image with a celestial WCS is meant, but for weights, errors, flags "
    "and look-up tables by their names; a mosaic is the first of them, and where there are more it is said",
    odd="capital and small letters count alike; an extension whose name cannot be written in brackets goes by its number",
    contradicted="of extensions with the same name and version each goes by its number, and their name alone is an error",
    places="the headers of all HDUs",
)
EXPOSURE = Fact(
    name="exposure, not a mosaic",
    keywords=("NCOMBINE", "IDCTAB", "S_WCS"),
    overrides="--force",
    missing="IDCTAB of HST and S_WCS of JWST, like SIP, look-up tables, TPV and TNX, say that a WCS is an exposure's only where "
    "a DQ of the same version, an exposure time and no sign of drizzling go with them: then it is refused as the mosaic",
    odd="in doubt, a file is taken for what it was given as",
    contradicted="NCOMBINE above 1: it is a sum of exposures, and may be given as the mosaic",
)
STORED = Fact(
    name="how whole numbers are stored",
    keywords=("BZERO", "BSCALE", "BLANK"),
    overrides="",
    missing="values are as stored, and none is undefined",
    odd="astropy's error is told",
    contradicted="what --clean and --update-dq write is rounded, kept within the type's range, and never BLANK",
    places="the extension's header",
)
