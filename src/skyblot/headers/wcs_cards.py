"""The cards of a header that make its WCS: which count, and what is said of the others.

Works on headers of `astropy.io.fits`, which is not imported: arrays-only code reads the headers of
HDUs with it.
"""

import math
import re
from collections.abc import Iterator
from typing import Any

from ..errors import WCSError, warn
from .facts import Facts, is_drizzled
from .wcs_facts import EQUINOX, FRAME, equinox_of

_LINEAR = (
    r"(?:CD|PC)\d_\d|PC\d{6}|(?:CDELT|CROTA|CTYPE|CRVAL|CRPIX|CUNIT)\d|P[VS]\d_\d+|LONPOLE|LATPOLE"
)
_FRAME = "|".join((*FRAME.keywords, *EQUINOX.keywords))
_SIP = re.compile(r"(A|B|AP|BP)_(\d+_\d+|ORDER|DMAX)")
#: Of each pair of look-up tables: the cards, their prefixes that name a table, and the extension
#: that holds it.
_TABLES = {
    "CPDIS": (re.compile(r"CPDIS\d|CPERR\d|DP\d\..*"), ("CPDIS", "DP", "WCSDVARR")),
    "D2IM": (re.compile(r"D2IM(DIS|ERR)\d|D2IM\d\..*|AXISCORR"), ("D2IMDIS", "D2IM", "D2IMARR")),
}
_DISTORTION = rf"{_SIP.pattern}|CPDIS\d|CPERR\d|DP\d.*|D2IM.*|AXISCORR|IDCTAB|OC[XY]1[01]"
#: The cards of linear terms and distortion, and what describes both.
GEOMETRY = re.compile(f"{_DISTORTION}|{_LINEAR}|IDCSCALE|ORIENTAT")
#: The cards of a WCS that a single HDU can hold: all but those of look-up tables.
HELD = re.compile(rf"{_LINEAR}|{_SIP.pattern}|{_FRAME}|WCSAXES|WCSNAME|WAT\d_\d+")
#: The end of a CTYPE that has a projection.
_PROJECTION = re.compile(r"-[A-Z]{3}\b")
#: All that a WCS is made from, of which a card may be there twice.
_MAKES_A_WCS = re.compile(rf"({_DISTORTION}|{_LINEAR}|{_FRAME}|WCSAXES|WCSNAME)[A-Z]?")
_ALTERNATE = re.compile(rf"({_LINEAR}|RADESYS|EQUINOX|WCSAXES|WCSNAME)([A-Z])")
#: The cards of axes after the second, in any of the header's WCS.
_EXTRA_AXES = re.compile(
    r"((NAXIS|CTYPE|CRVAL|CRPIX|CDELT|CUNIT|CROTA)[3-9]|(CD|PC)([3-9]_\d|\d_[3-9])|P[VS][3-9]_\d+)[A-Z]?"
)


def wcs_header(header: Any, facts: Facts, *, key: str = "", head: Any = None) -> Any:
    """Return a copy of an image's header in which only those cards of its WCS are left that count.

    What is left out although it differs, and what is odd, is said.

    Parameters
    ----------
    header : astropy.io.fits.Header
    facts : Facts
        Of the image.
    key : str
        The letter of the alternate WCS to take.
    head : astropy.io.fits.Header, optional
        Cards that go before those of the header, of a file ``.head``.

    Raises
    ------
    WCSError
        If there is no such alternate WCS, or a card would end the process in the WCS library.
    """
    flat = flat_header(header)
    if head is not None:
        flat = _with_head(flat, head)
    if key:
        flat = _promoted(flat, key, facts.name)
    _drop_doubles(flat, facts.name)
    _mend_frame(flat)
    stale = _drop_stale(flat, facts)
    if stale:
        what = " and ".join(stale)
        #: What AstroDrizzle and other programs copied from an exposure's header into that of the
        #: mosaic.
        warn(
            f"is a drizzled image: what its header has left of {what} from its exposures is "
            "ignored",
            subject=facts.name,
        )
    elif "A_ORDER" in flat and _PROJECTION.search(str(flat.get("CTYPE1"))) and not _says_sip(flat):
        value = flat.get("CTYPE1")
        warn(
            f"has SIP coefficients though CTYPE1 = {value!r} does not say -SIP: they are applied",
            subject=facts.name,
        )
    _check_records(flat, facts.name)
    return flat


def flat_header(header: Any) -> Any:
    """Return a copy of an image's header without the cards of axes after the second."""
    flat = header.copy()
    for keyword in filter(_EXTRA_AXES.fullmatch, header):
        flat.remove(keyword, ignore_missing=True, remove_all=True)
    for keyword in ("NAXIS", "WCSAXES"):
        if flat.get(keyword, 2) > 2:
            flat[keyword] = 2
    return flat


def tables_of(header: Any) -> Iterator[tuple[str, tuple[str, int]]]:
    """Yield each card that asks for a look-up table, and the extension that is to hold it."""
    for _, (kind, prefix, name) in _TABLES.values():
        for axis in (1, 2):
            if str(header.get(f"{kind}{axis}", "")).strip().lower() == "lookup":
                yield f"{kind}{axis}", (name, int(header.get(f"{prefix}{axis}.EXTVER", 1)))
    if "AXISCORR" in header:
        yield "AXISCORR", ("D2IMARR", 1)


def alternates(header: Any) -> list[str]:
    """Return the letters of the alternate WCS that a header has."""
    return sorted({keyword[-1] for keyword in header if re.fullmatch(r"CTYPE1[A-Z]", keyword)})


def _says_sip(header: Any) -> bool:
    return str(header.get("CTYPE1", "")).rstrip().endswith("-SIP")


def _drop(header: Any, pattern: re.Pattern[str]) -> bool:
    """Remove the cards that match; return whether there were any."""
    keywords = [keyword for keyword in header if pattern.fullmatch(keyword)]
    for keyword in keywords:
        header.remove(keyword, ignore_missing=True, remove_all=True)
    return bool(keywords)


def _drop_stale(header: Any, facts: Facts) -> list[str]:
    """Take out what a drizzled image has left from its exposures, and name it."""
    if not is_drizzled(facts):
        return []
    stale = ["SIP"] if not _says_sip(header) and _drop(header, _SIP) else []
    return stale + [name for name, (pattern, _) in _TABLES.items() if _drop(header, pattern)]


def _drop_doubles(header: Any, name: str) -> None:
    """Leave the first of the cards that are there more than once.

    Say so where their values differ.
    """
    first: dict[str, Any] = {}
    later: list[int] = []
    for place, card in enumerate(header.cards):
        keyword = card.keyword
        if not _MAKES_A_WCS.fullmatch(keyword):
            continue
        if keyword not in first:
            first[keyword] = card.value
            continue
        later.append(place)
        if card.value != first[keyword]:
            warn(
                f"{keyword} is there more than once, with different values; {first[keyword]!r}, "
                "the first, is used",
                subject=name,
            )
    for place in reversed(later):
        del header[place]


def _mend_frame(header: Any) -> None:
    """Leave one card of the frame and one of the equinox, as the WCS library reads them."""
    for preferred, other in (FRAME.keywords, EQUINOX.keywords):
        if str(header.get(preferred, "")).strip():
            header.remove(other, ignore_missing=True)
    for keyword in EQUINOX.keywords:
        if keyword in header:
            year = equinox_of(header[keyword])
            if year is None:
                header.remove(keyword)
            elif isinstance(header[keyword], str):
                header[keyword] = year


def _check_records(header: Any, name: str) -> None:
    """Refuse coefficients with fields, ``A_2_0.NAME: value``, which crash the WCS library."""
    for keyword in header:
        if "." in keyword and re.match(r"[AB]P?_\d", keyword):
            reason = f"{keyword.partition('.')[0]} is not a number"
            raise WCSError(f"its WCS cannot be read: {reason}", subject=name)


def _with_head(header: Any, head: Any) -> Any:
    """The header with the WCS of a ``.head`` file; nothing is left of its own."""
    _drop(header, re.compile(rf"{GEOMETRY.pattern}|{_FRAME}"))
    for card in head.cards:
        if _MAKES_A_WCS.fullmatch(card.keyword):
            header[card.keyword] = (card.value, card.comment)
    return header


def _promoted(header: Any, key: str, name: str) -> Any:
    """The header with an alternate WCS as its first.

    Distortion stays, as all WCS of a header share it.
    """
    letters = alternates(header)
    if key not in letters:
        present = " and ".join(letters) if letters else "none"
        raise WCSError(
            f"no alternate WCS with the key {key} (--wcs-key), it has {present}", subject=name
        )
    _drop(header, re.compile(rf"{_LINEAR}|{_FRAME}|WCSNAME"))
    for card in list(header.cards):
        match = _ALTERNATE.fullmatch(card.keyword)
        if match and match[2] == key:
            header[match[1]] = (card.value, card.comment)
    return header


def linear_cards(wcs: Any) -> dict[str, Any]:
    """Return the cards of an undistorted WCS with a CD matrix, at full precision."""
    cards: dict[str, Any] = {"WCSAXES": 2}
    for i in (1, 2):
        cards[f"CTYPE{i}"], cards[f"CUNIT{i}"] = str(wcs.wcs.ctype[i - 1]), "deg"
        cards[f"CRVAL{i}"], cards[f"CRPIX{i}"] = (
            float(wcs.wcs.crval[i - 1]),
            float(wcs.wcs.crpix[i - 1]),
        )
        for j in (1, 2):
            cards[f"CD{i}_{j}"] = float(wcs.pixel_scale_matrix[i - 1, j - 1])
    cards |= {f"PV{i}_{m}": value for i, m, value in wcs.wcs.get_pv()}
    for keyword in ("lonpole", "latpole"):
        if math.isfinite(getattr(wcs.wcs, keyword)):
            cards[keyword.upper()] = float(getattr(wcs.wcs, keyword))
    return cards
