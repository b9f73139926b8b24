"""What a BUNIT means: which kind of unit it is, and how two of them convert."""

import re
from functools import cache
from typing import Any

from ..errors import quiet

COUNTS = "counts"
RATE = "cps"
BRIGHTNESS = "surface brightness"
FLUX = "flux per pixel"

_BASES = r"electrons?|e-?|counts?|c(n?ts?|nt)|dns?|data numbers?|adus?|ph|photons?|photoelectrons?"
_COUNTS = re.compile(rf"({_BASES})")
_RATE = re.compile(rf"cps|({_BASES})\s*(/\s*s(ec(ond)?s?)?|[ .*]s(\^|\*\*)?\(?-1\)?)")
_BRIGHTNESS = re.compile(r".*(/\s*(sr|arcsec|deg|\()|(sr|arcsec2?|deg2?)(\^|\*\*)?-[12]).*")
_EACH_PIXEL = re.compile(
    r"\s*(/\s*(px|pix(el)?s?)|[\s.*](px|pix(el)?s?)\s*(\^|\*\*)?\s*\(?-1\)?)(?![a-z])",
    re.IGNORECASE,
)
#: Spellings that astropy does not read, or not as what is meant.
_SPELLINGS = (
    (r"\b(nano-?magg(y|ies?)|n(magg|mg)y)\b", "nJy"),
    (r"\b(micro-?magg(y|ies?)|umgy)\b", "uJy"),
    (r"\b(magg(y|ies?)|mgy)\b", "Jy"),
    (r"\bnanojy\b", "nJy"),
    (r"\bmicrojy\b", "uJy"),
    (r"\bergs\b", "erg"),
    (r"^(.*erg.*)/\s*(a|ang)\b", r"\1/Angstrom"),
    (r"\b(ster|str)\b", "sr"),
    (r"\bsq\.?\s*arcsec\b", "arcsec2"),
    (r"\bbeam\b", "beam"),
    (r"\bkelvin\b", "K"),
)
#: A maggy is the zero point of AB magnitudes: so many Jy.
_MAGGY = 3631.0
_MAGGIES = re.compile(r"magg(y|ies?)\b|\b[nu]?mgy\b", re.IGNORECASE)
#: Spellings in capitals of which there is no doubt: MJY could be a thousand million times less, but
#: for /SR.
_CAPITALS = (
    (r"\bMJY(?=\s*(/|\s)\s*\(?SR)", "MJy"),
    (r"\bJY\b", "Jy"),
    (r"\bNJY\b", "nJy"),
    (r"\bUJY\b", "uJy"),
    (r"\bSR\b", "sr"),
    (r"\bARCSEC", "arcsec"),
)


def unit_kind(bunit: str) -> str | None:
    """Return which kind of unit a BUNIT is: counts, cps, surface brightness, flux per pixel.

    None if it is none.

    Examples
    --------
    >>> [unit_kind(text) for text in ("ELECTRONS/S", "DN", "MJy/sr", "10*nJy", "furlong")]
    ['cps', 'counts', 'surface brightness', 'flux per pixel', None]
    """
    word = _without_pixel(bunit).lower()
    if _COUNTS.fullmatch(word):
        return COUNTS
    if _RATE.fullmatch(word):
        return RATE
    unit = parsed(bunit)
    if unit is not None:
        return _kind_of(unit)
    return BRIGHTNESS if _BRIGHTNESS.fullmatch(word) else None


def counts_of(bunit: str) -> str:
    """Return the unit of counts that goes with a rate: ``ELECTRONS/S`` gives ``ELECTRONS``.

    Examples
    --------
    >>> counts_of("DN s-1"), counts_of("cps"), counts_of("furlong")
    ('DN', 'COUNTS', 'COUNTS')
    """
    match = _RATE.fullmatch(_without_pixel(bunit).lower())
    return _without_pixel(bunit)[: len(match[1])].upper() if match and match[1] else "COUNTS"


def rate_of(bunit: str) -> str:
    """Return the unit of a rate that goes with counts; other units as they are.

    Examples
    --------
    >>> rate_of("ELECTRONS"), rate_of("adu / pixel"), rate_of("MJy/sr"), rate_of("")
    ('ELECTRONS/S', 'adu/s', 'MJy/sr', '')
    """
    if unit_kind(bunit) != COUNTS:
        return bunit
    word = _without_pixel(bunit).strip()
    return f"{word}/S" if word.isupper() else f"{word}/s"


def same_unit(one: str, other: str) -> bool:
    """Return whether two BUNITs mean the same unit.

    Examples
    --------
    >>> same_unit("10*nJy", "1e-8 Jy"), same_unit("mJy", "MJy")
    (True, False)
    >>> same_unit("Furlong", "furlong "), same_unit("", "")
    (True, False)
    """
    units = parsed(one), parsed(other)
    if units[0] is not None and units[1] is not None:
        return bool(units[0] == units[1])
    return bool(one.strip()) and one.lower().split() == other.lower().split()


def is_per_pixel(bunit: str) -> bool:
    """Return whether a BUNIT says that it is per pixel, as electron/pixel does."""
    return _EACH_PIXEL.search(_with_slashes(bunit)) is not None


def parsed(bunit: str) -> Any:
    """Return a BUNIT as an `astropy.units.Unit`, of flux per pixel without the pixel.

    None where it is none.
    """
    return _parsed(_without_pixel(bunit))


@cache
def _parsed(text: str) -> Any:
    from astropy import units

    if not text:
        return None
    usual = _spelled(text, _SPELLINGS, re.IGNORECASE)
    for spelling in (usual, _spelled(usual, _CAPITALS, 0)):
        try:
            with quiet():
                unit = units.Unit(spelling)
        except (ValueError, TypeError):
            continue
        return units.Unit(_MAGGY * unit) if _MAGGIES.search(text) else unit
    return None


def _spelled(text: str, spellings: tuple[tuple[str, str], ...], flags: int) -> str:
    for pattern, replacement in spellings:
        text = re.sub(pattern, replacement, text, flags=flags)
    return text


def _kind_of(unit: Any) -> str | None:
    """The kind of a unit that is no number of electrons or the like, by what it is made of."""
    parts = unit.decompose()
    powers = {str(base): power for base, power in zip(parts.bases, parts.powers, strict=True)}
    if powers.get("rad", 0) < 0 or powers.get("beam", 0) < 0:
        return BRIGHTNESS
    if powers.get("K", 0) == 1 and "kg" not in powers:  # brightness temperature
        return BRIGHTNESS
    if "dex" in powers:  # magnitudes
        return None
    energy = powers.get("kg", 0) == 1 and powers.get("s", 0) < -1
    return FLUX if energy or {"ph", "m"} <= set(powers) else None


def _without_pixel(bunit: str) -> str:
    return _EACH_PIXEL.sub("", _with_slashes(bunit)).strip()


def _with_slashes(bunit: str) -> str:
    return re.sub(r"\s+per\s+", "/", bunit.strip(), flags=re.IGNORECASE)
