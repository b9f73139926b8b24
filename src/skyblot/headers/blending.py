"""What a mosaic's header has of its exposures': which keywords go along, and what if values differ.

The kinds of rules are those of AstroDrizzle's fitsblender, but for one: a value of the first
exposure alone never stands for all of them. Keywords without a rule stay behind.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from ..errors import DataError, warn
from .facts import DETECTOR, Facts, number
from .units import rate_of, same_unit

#: What stands for texts that differ.
MULTIPLE = "MULTIPLE"
#: Numbers of which a mean stands for all differ by no more, in parts of it.
_ALIKE = 0.01
#: When an exposure began: number of a day, or a text that sorts as the times do.
_BEGINNINGS = ("EXPSTART", "MJD-OBS", "MJD-BEG", "START_TIME", "DATE-BEG")
#: What tells the detectors of a camera apart, or the chips of one.
_CHIPS = (*DETECTOR.keywords, "CCDNUM", "DETPOS", "CCDCHIP")

Blend = Callable[[Sequence[Facts], str], Any]


class Rule(NamedTuple):
    """How the values of some keywords become that of the mosaic.

    Attributes
    ----------
    blend : callable
        From headers and a keyword to a value; None leaves it out.
    keywords : str
        With blanks between them.
    photometric : bool
        They are about brightness: they count only in the unit of the exposures.
    """

    blend: Blend
    keywords: str
    photometric: bool = False


def same(headers: Sequence[Facts], keyword: str) -> Any:
    """Return the value that all have; `MULTIPLE` of texts that differ, None of numbers that do."""
    values = [value_of(facts, keyword) for facts in headers]
    if any(value is None for value in values):
        return None
    if all(value == values[0] for value in values):
        return values[0]
    return MULTIPLE if all(isinstance(value, str) for value in values) else None


def mean(headers: Sequence[Facts], keyword: str) -> Any:
    """Return the mean of numbers above 0 that differ by 1 percent at most, None of others."""
    values = _positive(headers, keyword)
    if not values:
        return None
    low = min(values)
    high = max(values)
    if low == high:
        return low
    middle = sum(values) / len(values)
    return middle if high - low <= _ALIKE * middle else None


def mean_or_word(headers: Sequence[Facts], keyword: str) -> Any:
    """Return what `mean` does, and say so where numbers differ by more."""
    value = mean(headers, keyword)
    values = _positive(headers, keyword)
    if value is None and values:
        warn(
            f"{keyword} is {min(values):.6g} to {max(values):.6g} in its exposures: the mosaic "
            "has none",
            subject="the mosaic",
        )
    return value


def first(headers: Sequence[Facts], keyword: str) -> Any:
    """Return the value of the exposure that began first, as far as that is known."""
    return _at(headers, keyword, min)


def last(headers: Sequence[Facts], keyword: str) -> Any:
    """Return the value of the exposure that began last, as far as that is known."""
    return _at(headers, keyword, max)


def lowest(headers: Sequence[Facts], keyword: str) -> Any:
    """Return the lowest number, None where one is missing."""
    return _extreme(headers, keyword, min)


def highest(headers: Sequence[Facts], keyword: str) -> Any:
    """Return the highest number, None where one is missing."""
    return _extreme(headers, keyword, max)


def total(headers: Sequence[Facts], keyword: str) -> Any:
    """Return the sum over exposures, as `sum_of` has it."""
    return sum_of(headers, [number(value_of(facts, keyword)) for facts in headers])


RULES: tuple[Rule, ...] = (
    Rule(same, "TELESCOP OBSERVAT INSTRUME DETECTOR CHANNEL MODULE"),
    Rule(same, "FILTER FILTER1 FILTER2 FILTER3 FILTNAM1 FILTNAM2 PUPIL OPT_ELEM BAND"),
    Rule(same, "APERTURE SUBARRAY OBSTYPE OBSMODE EXP_TYPE READPATT"),
    Rule(same, "TARGNAME OBJECT TARGPROP TARGCAT TARGTYPE MTFLAG"),
    Rule(same, "RA_TARG DEC_TARG TARG_RA TARG_DEC"),
    Rule(same, "PROPOSID PROPID PROGRAM OBSERVTN CATEGORY TITLE OBSERVER PI_NAME"),
    Rule(same, "PR_INV_L PR_INV_F PR_INV_M"),
    Rule(same, "CAL_VER CRDS_VER CRDS_CTX TIMESYS"),
    Rule(same, "PHOTMODE PHOTZPT PHOTSYS", photometric=True),
    Rule(mean_or_word, "PHOTFLAM", photometric=True),
    Rule(mean, "PHOTFNU PHOTPLAM PHOTBW", photometric=True),
    Rule(same, "PHOTMJSR PHOTUJA2", photometric=True),
    Rule(first, "DATE-OBS TIME-OBS DATE-BEG TIME-BEG UT"),
    Rule(last, "DATE-END TIME-END"),
    Rule(lowest, "EXPSTART MJD-OBS MJD-BEG"),
    Rule(highest, "EXPEND MJD-END"),
    Rule(total, "TMEASURE DURATION"),
)


def blended(headers: Sequence[Facts], exposures: Sequence[Facts], bunit: str) -> dict[str, Any]:
    """Return what a mosaic has of the headers of its exposures, by keyword.

    Parameters
    ----------
    headers : sequence of Facts
        Of all images that went into it.
    exposures : sequence of Facts
        Of one image of each exposure: what is summed counts once for each.
    bunit : str
        The mosaic's.
    """
    comparable = all(_has_unit(facts, bunit) for facts in headers)
    blends: dict[str, Any] = {}
    for keyword, rule in _rows():
        absent = value_of(headers[0], keyword) is None
        if absent or (rule.photometric and not comparable):
            continue
        value = rule.blend(exposures if rule.blend is total else headers, keyword)
        if value is not None:
            blends[keyword] = value
    return blends


def value_of(facts: Facts, keyword: str) -> Any:
    """Return a keyword's value, a text without blanks around it; None where there is none."""
    try:
        value = facts.find(keyword)
    except DataError:  # a card that cannot be parsed says nothing
        return None
    if isinstance(value, str):
        return str(value).strip() or None
    return value if isinstance(value, bool | int | float) else None


def sum_of(headers: Sequence[Facts], values: Sequence[float | None]) -> float | None:
    """Return a sum over exposures, None where a value is not known.

    What other detectors took at the same time counts once: the exposures of a camera's detectors
    may be files of their own.
    """
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    begun = beginnings(headers)
    if begun is None:
        return round(sum(known), 6)
    sums: dict[Any, dict[Any, float]] = {}
    for start, facts, value in zip(begun, headers, known, strict=True):
        chips = sums.setdefault(start, {})
        chip = tuple(value_of(facts, keyword) for keyword in _CHIPS)
        chips[chip] = chips.get(chip, 0.0) + value
    return round(sum(max(chips.values()) for chips in sums.values()), 6)


def beginnings(headers: Sequence[Facts]) -> list[Any] | None:
    """Return when exposures began: what can be sorted; None where that of one is not known."""
    for keyword in _BEGINNINGS:
        values = [value_of(facts, keyword) for facts in headers]
        if _sortable(values):
            return values
    days = [value_of(facts, "DATE-OBS") for facts in headers]
    times = [value_of(facts, "TIME-OBS") or value_of(facts, "UT") for facts in headers]
    if _sortable(days) and all("T" in str(day) for day in days):
        return days
    if _sortable(days) and _sortable(times):
        return [f"{day} {time}" for day, time in zip(days, times, strict=True)]
    return None


def _rows() -> Iterator[tuple[str, Rule]]:
    for rule in RULES:
        for keyword in rule.keywords.split():
            yield keyword, rule


def _positive(headers: Sequence[Facts], keyword: str) -> list[float]:
    """The numbers of a keyword; none where one is missing, or is the 0 that nobody filled in."""
    values = [number(value_of(facts, keyword)) for facts in headers]
    known = [value for value in values if value is not None and value > 0]
    return known if len(known) == len(values) else []


def _sortable(values: Sequence[Any]) -> bool:
    kinds = {isinstance(value, str) for value in values}
    return None not in values and len(kinds) == 1


def _has_unit(facts: Facts, bunit: str) -> bool:
    own = rate_of(facts.bunit)
    return own == bunit or same_unit(own, bunit)


def _at(headers: Sequence[Facts], keyword: str, which: Callable[..., Any]) -> Any:
    begun = beginnings(headers)
    if begun is None:
        return same(headers, keyword)
    return value_of(headers[begun.index(which(begun))], keyword)


def _extreme(headers: Sequence[Facts], keyword: str, which: Callable[..., Any]) -> Any:
    values = [number(value_of(facts, keyword)) for facts in headers]
    return None if None in values else which(values)
