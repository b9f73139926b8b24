"""Facts from headers: where each is looked for, and what becomes of odd values.

Every fact has its row here, and the page "What skyblot believes" is made from the rows.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import DataError, quiet, reason_of, warn

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
        The first that is there counts; ``{}`` stands for an amplifier, A to D or 1 to 16.
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
    """Where facts are looked up: the header of the extension, then the primary header.

    Attributes
    ----------
    name : str
        File and extension, for messages.
    extension, primary : mapping
        FITS headers, or any mappings of upper-case keywords.
    beside : frozenset of str
        Names of the file's extensions.
    presumed : str
        The unit of files of this kind, where they state none.
    """

    name: str
    extension: Mapping[str, Any]
    primary: Mapping[str, Any]
    beside: frozenset[str] = frozenset()
    presumed: str = ""

    def find(self, keyword: str) -> Any:
        """Return the value of a keyword, or None where neither header has one.

        Of a keyword that is there twice the first counts; where their values differ it is said.
        """
        for header in (self.extension, self.primary):
            try:
                value = header.get(keyword.upper())
                others = _others(header, keyword.upper())
            except Exception as error:
                # astropy's VerifyError: a card that it cannot parse, as EXPTIME = NaN
                part = f"the value of {keyword.upper()}"
                raise DataError(
                    f"{part} cannot be read: {reason_of(error)}", subject=self.name
                ) from error
            if value is not None and value != "":
                if any(other != value for other in others):
                    warn(
                        f"{keyword.upper()} is there more than once, with different "
                        f"values; {value!r}, the first, is used",
                        subject=self.name,
                    )
                return value
        return None

    def first(self, fact: Fact) -> tuple[str, Any]:
        """Return the first keyword of a fact that is there and its value, else ("", None)."""
        return next(
            ((word, value) for word in fact.keywords if (value := self.find(word)) is not None),
            ("", None),
        )

    @property
    def bunit(self) -> str:
        """BUNIT, an empty string where there is none."""
        return str(self.first(UNIT)[1] or "").strip()

    @property
    def file(self) -> str:
        """The file without the extension, for what is said once for all images of a file."""
        return self.name.rpartition("[")[0] or self.name

    def text(self, keyword: str) -> Any:
        """Return what `find` does, and the text of a card whose value cannot be parsed."""
        try:
            return self.find(keyword)
        except DataError:
            value = _raw_value(
                self.extension if keyword in self.extension else self.primary, keyword
            )
            if value is None:
                raise
            return value


def _raw_value(header: Any, keyword: str) -> str | None:
    """The text of a card between its equals sign and its comment, or None."""
    try:
        with quiet():
            return str(header.cards[keyword])[10:].partition("/")[0].strip(" '")
    except Exception:  # astropy mends a card to show it, and raises anything where it cannot
        return None


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
        finite = float(value)
    except (TypeError, ValueError):
        return None
    return finite if math.isfinite(finite) and not isinstance(value, bool) else None


IMAGE_MEANT = Fact(
    name="which image of a file",
    keywords=("EXTNAME", "EXTVER"),
    overrides="file.fits[3], which is that very HDU, file.fits[NAME] or file.fits[NAME,2]",
    missing=(
        "no EXTVER is 1; without any SCI, every 2-D image with a celestial WCS is meant, but for "
        "weights, errors, flags and look-up tables by their names; a mosaic is the first of them, "
        "and where there are more it is said"
    ),
    odd=(
        "capital and small letters count alike; a name that cannot be written in brackets is left "
        "for the number"
    ),
    contradicted=(
        "of extensions with the same name and version each goes by its number, and the name is an "
        "error"
    ),
    places="the headers of all HDUs",
)
EXPOSURE = Fact(
    name="exposure, not a mosaic",
    keywords=("IDCTAB", "S_WCS"),
    overrides="--force",
    missing=(
        "IDCTAB of HST and S_WCS of JWST, like SIP, look-up tables, TPV and TNX, say that it is "
        "one only where flags of its own, an exposure time and no sign of drizzling go with them: "
        "then it is refused as the mosaic"
    ),
    odd="in doubt, a file is taken for what it was given as",
    contradicted="NCOMBINE above 1: it is a sum of exposures, and may be given as the mosaic",
)


COMBINED = Fact(
    "exposures in a mosaic",
    ("NCOMBINE",),
    overrides="--exposures (exposures=)",
    missing="the number of exposures that are named, if there are two or more",
    odd="as if it were missing, 1 too",
    contradicted="NDRIZIM, which counts chips, only says that the image is a mosaic",
)
TELESCOPE = Fact(
    "telescope",
    ("TELESCOP",),
    overrides="the single criteria: --snr, --scale, ...",
    missing="general values; Roman's files are known by their kind",
    odd="general values",
)
INSTRUMENT = Fact(
    "instrument", ("INSTRUME",), TELESCOPE.overrides, "general values", "general values"
)
DETECTOR = Fact(
    "detector",
    ("DETECTOR",),
    TELESCOPE.overrides,
    "those of the instrument",
    "those of the instrument",
)

FILTERS = Fact(
    name="filters of an exposure",
    keywords=("FILTER", "FILTER1", "FILTER2", "FILTNAM1", "PUPIL", "OPT_ELEM", "BAND"),
    overrides="none: name the exposures of one filter",
    missing="exposures are taken to be of one filter",
    odd="compared as text",
    contradicted="exposures of several filters that are cleaned together are warned of",
)
TARGET = Fact(
    "target",
    ("TARGNAME", "TARGPROP"),
    overrides="--name",
    missing="a mosaic is called clean",
    odd="what is no letter, digit, plus or dot becomes a minus in the file's name",
    contradicted="where exposures have different targets, a mosaic is called clean",
)

UNIT = Fact(
    name="unit",
    keywords=("BUNIT",),
    overrides="--in-units, --out-units, --as-is",
    missing=(
        "said once for each file: the mosaic is taken to be in counts per second, the exposure in "
        "counts; a coadd with COMBINET in the exposure's unit"
    ),
    odd="the same text on both sides leaves the values as they are; else as where it is missing",
    contradicted="reject compares the brightness of sources in exposure and blot",
)

EXPOSURE_TIME = Fact(
    name="exposure time",
    keywords=("EXPTIME", "EFFEXPTM", "XPOSURE"),
    overrides="--expkey, which is then the only keyword; --expout for the blot's",
    missing="an error where counts have to be scaled by it, else it is not looked for",
    odd="an error where it is needed: 0, negative, text",
    contradicted=(
        "that of a coadd with COMBINET other than SUM is not used: it is taken to be as long as "
        "the exposure"
    ),
)

DRIZZLED_TIME = Fact(
    name="exposure time of a drizzled mosaic",
    keywords=("DRIZEXPT",),
    overrides="--expkey comes first",
    missing="an error where a mosaic in counts has no other exposure time",
    odd="an error where it is needed",
)

COMBINATION = Fact(
    name="kind of a coadd",
    keywords=("COMBINET",),
    overrides="--in-units counts divides by EXPTIME whatever it says; --in-units cps",
    missing="counts are those of the whole exposure time",
    odd="anything but SUM stands for a mean or a median, whose counts are those of one exposure",
    contradicted="said where EXPTIME is not that of the exposure",
)

SKY = Fact(
    name="sky of an exposure",
    keywords=("MDRIZSKY",),
    overrides="--no-addsky, --skyval",
    missing="said, and 0 is added; reject measures the background anyway",
    odd="blot: an error; reject: said, and the background is measured",
    contradicted="that of a mosaic, and what a drizzled image kept of its exposures, is not used",
    places="the exposure's extension, then its primary header",
)

BACKGROUND = Fact(
    name="background of JWST and Roman",
    keywords=("BKGLEVEL",),
    overrides="--no-addsky, --skyval; MDRIZSKY comes first",
    missing=(
        "as for MDRIZSKY; in surface brightness it is said for JWST and Roman, and where S_SKYMAT "
        "is COMPLETE"
    ),
    odd="blot: an error; reject: said, and the background is measured",
    contradicted=(
        "added only where BKGSUB says that it was not subtracted, and the mosaic was freed of it; "
        "converted from the unit of its own file to that of the blot"
    ),
    places="the exposure's extension, then its primary header",
)

BACKGROUND_SUBTRACTED = Fact(
    name="whether that background was subtracted",
    keywords=("BKGSUB",),
    overrides="--no-addsky, --skyval",
    missing="taken to be subtracted: nothing is added",
    odd="taken to be subtracted, unless it is F",
    contradicted="not checked by blot; reject measures the background",
    places="the exposure's extension, then its primary header",
)
MATCHED = Fact(
    "whether a mosaic was freed of that background",
    ("S_SKYMAT",),
    "--no-addsky, --skyval",
    "said, and the background is added",
    "what is not COMPLETE says that it was not, and the background is not added, which is said",
    places="the mosaic's headers; Roman's meta.cal_step.skymatch",
)
BRIGHTNESS_OF_DN = Fact(
    name="surface brightness of 1 DN/s",
    keywords=("PHOTMJSR",),
    overrides="--photmjsr",
    missing=(
        "the mosaic's, which is said; else an error where flux or surface brightness is blotted "
        "onto DN"
    ),
    odd="an error: not above 0, text",
    contradicted="not checked by blot; reject compares the brightness of sources",
)
SUBARRAY = Fact(
    "size of a JWST subarray",
    ("SUBSIZE1", "SUBSIZE2"),
    overrides="nothing",
    missing="the bounding box and the shape of the gwcs tell alone whether it is that of the image",
    odd="as if it were missing",
    contradicted=(
        "an exposure of another size, and with no gwcs defined over just that, was cut out: its "
        "header's WCS is used where it is whole pixels from the gwcs, with a warning; else it is "
        "refused"
    ),
)
PIXEL_AREA = Fact(
    name="area of a pixel",
    keywords=("PIXAR_SR",),
    overrides="nothing",
    missing="the area is that of the WCS anyway",
    odd="not used",
    contradicted="said where it differs from that of the WCS by more than 10 percent",
)

DRIZZLED = Fact(
    name="drizzled image",
    keywords=("D001VER", "D001DATA", "NDRIZIM", "S_RESAMP"),
    overrides="",
    missing="extensions WHT or CTX beside the image make it one too; else it is an exposure",
    odd="S_RESAMP counts only where it is COMPLETE, of the others it is enough that they are there",
    contradicted=(
        "what no drizzled image has of its own is ignored: SIP without -SIP in CTYPE, CPDIS and "
        "D2IM tables, IDCSCALE, MDRIZSKY"
    ),
)


def is_drizzled(facts: Facts) -> bool:
    """Whether an image was drizzled: it has no distortion and no sky, whatever cards it kept."""
    if facts.beside & DRIZZLED_BESIDE:
        return True
    return any(
        value == "COMPLETE" if keyword == "S_RESAMP" else value is not None
        for keyword in DRIZZLED.keywords
        for value in [facts.find(keyword)]
    )
