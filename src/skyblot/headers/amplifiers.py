"""Gain and read noise, of a whole detector or of each of its amplifiers, as headers have them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..bounds import Bounds
from ..errors import DataError
from .facts import DETECTOR, INSTRUMENT, Fact, Facts, number
from .instruments import camera_of, exposure_time
from .pixel_facts import AMPLIFIER_SECTIONS, AMPLIFIERS, AMPLIFIERS_READ, GAIN, READ_NOISE
from .units import COUNTS, RATE, unit_kind

_WHOLE = ""
_SECTION = re.compile(r"\[ *(\d+) *: *(\d+) *, *(\d+) *: *(\d+) *\]")
#: ESO's name for counts per electron; CONAD is electrons per count.
_PER_ELECTRON = "ESO DET OUT{} GAIN"
#: The amplifiers of a chip whose number tells nothing: any pair of neighbours.
_ANY_SIDES = "AB CD"


@dataclass(frozen=True)
class Reading:
    """A fact of an amplifier.

    Attributes
    ----------
    values : mapping
        By the letter or number of an amplifier; an empty string stands for all of them.
    source : str
        Where it was found: keywords, or words.
    odd : tuple of str
        Cards that hold no number above 0, as ``GAIN = 'high'``.
    """

    values: Mapping[str, float] = field(default_factory=dict)
    source: str = ""
    odd: tuple[str, ...] = ()

    @property
    def mean(self) -> float | None:
        """The mean over the amplifiers, None where nobody knows."""
        return sum(self.values.values()) / len(self.values) if self.values else None

    def at(self, amplifier: str) -> float:
        """The value of one amplifier, else the mean; there has to be one."""
        mean = self.mean
        assert mean is not None
        return self.values.get(amplifier, mean)


@dataclass(frozen=True)
class Electronics:
    """What headers say of how a detector is read.

    Attributes
    ----------
    gain : Reading
        Electrons per unit of the image's pixels.
    read_noise : Reading
        Electrons.
    unit : str
        What was assumed of the unit of the pixels, for the gain; empty where nothing was.
    no_gain : str
        Why the gain is not known.
    """

    gain: Reading
    read_noise: Reading
    unit: str = ""
    no_gain: str = ""

    def missing(self, *, gain: bool, read_noise: bool) -> str:
        """Why gain and read noise are not known, those of them that are needed, in words."""
        reasons = [self.no_gain] if gain and not self.gain.values else []
        reasons += ["no read noise"] if read_noise and not self.read_noise.values else []
        cards = self._odd(gain, read_noise)
        return f"{' and '.join(reasons)} in its headers" + (
            f" ({', '.join(cards)})" if cards else ""
        )

    def remarks(self, *, gain: bool, read_noise: bool) -> list[str]:
        """What was assumed and passed over, of those of gain and read noise that are used."""
        cards = self._odd(gain, read_noise)
        odd = [f"its {card} is not used: expected a number above 0" for card in cards]
        return odd + ([self.unit] if gain and self.unit else [])

    def _odd(self, gain: bool, read_noise: bool) -> list[str]:
        return [*(self.gain.odd if gain else ()), *(self.read_noise.odd if read_noise else ())]


def electronics(facts: Facts) -> Electronics:
    """Return what an image's headers say of gain and read noise."""
    gain_read = reading(facts, GAIN)
    noise = reading(facts, READ_NOISE)
    if handbook := _handbook(facts):
        gain_read = handbook[0]
        noise = noise if noise.values else handbook[1]
    gain, why = _per_unit(facts, gain_read)
    assumed = gain.values and not facts.bunit
    unit = (
        (
            f"its BUNIT is missing: taken as adu, of {gain_read.mean:.4g} electrons each by its "
            f"{gain_read.source}"
        )
        if assumed
        else ""
    )
    return Electronics(gain, noise, unit, why)


def reading(facts: Facts, fact: Fact) -> Reading:
    """Look a fact up that each amplifier may have for itself.

    The first keyword with a number above 0 counts.
    """
    odd: list[str] = []
    for pattern in fact.keywords:
        values: dict[str, float] = {}
        words = []
        unusable = []
        for amplifier in AMPLIFIERS if "{}" in pattern else (_WHOLE,):
            keyword = pattern.format(amplifier)
            value, known = _number(facts, keyword)
            if known is not None and known > 0:
                values[amplifier] = 1.0 / known if pattern == _PER_ELECTRON else known
                words.append(keyword)
            elif value is not None:
                unusable.append(f"{keyword} = {value!r}")
        if values:  # amplifiers that were not read have 0
            return Reading(values, ", ".join(words), tuple(odd))
        odd += unusable
    return Reading(odd=tuple(odd))


def _number(facts: Facts, keyword: str) -> tuple[Any, float | None]:
    """What a keyword has, and the number that it is."""
    try:
        value = facts.find(keyword)
    except DataError:  # a card that astropy cannot parse, as GAIN = NaN
        return "?", None
    return value, number(value)


def _handbook(facts: Facts) -> tuple[Reading, Reading] | None:
    """Gain and read noise by the instrument's handbook."""
    handbook = camera_of(facts).handbook
    if handbook is None:
        return None
    chip = number(facts.first(DETECTOR)[1])
    nominal = _number(facts, handbook.setting)[1]
    if chip is None or nominal is None or (chip, nominal) not in handbook.values:
        return None
    gain, read_noise = handbook.values[chip, nominal]
    source = f"{facts.first(INSTRUMENT)[1]}'s handbook"
    return Reading({_WHOLE: gain}, source), Reading({_WHOLE: read_noise}, source)


def _per_unit(facts: Facts, per_count: Reading) -> tuple[Reading, str]:
    """Electrons per unit of the pixels, from those per count; else why nobody knows them."""
    kind = unit_kind(facts.bunit)
    word = facts.bunit.lower()
    if facts.bunit and kind not in (COUNTS, RATE):
        use = f"no use for {per_count.source} with" if per_count.values else "no gain for"
        return Reading(odd=per_count.odd), f"{use} BUNIT = {facts.bunit!r}"
    if word.startswith(("e", "photoe")):
        per_count = Reading({_WHOLE: 1.0}, "BUNIT")
    if not per_count.values:
        return Reading(odd=per_count.odd), "no gain" if facts.bunit else "no BUNIT and no gain"
    seconds = exposure_time(facts) if kind == RATE else 1.0
    if seconds is None:
        return Reading(), "no exposure time for the gain of a rate"
    return Reading(
        {name: value * seconds for name, value in per_count.values.items()},
        per_count.source,
        per_count.odd,
    ), ""


def sections(facts: Facts, shape: tuple[int, int]) -> dict[str, Bounds]:
    """Return which amplifier read which part of an image; nothing where no header tells.

    Sections of the image (DATASECA, ...) count where all of them lie in it and none is in another;
    those of the detector (CCDSECA, ...), moved by LTV, where they are all of the image. HST's
    amplifiers (CCDAMP) are at the sides.
    """
    data, detector = (
        [_section(facts.find(pattern.format(amplifier))) for amplifier in AMPLIFIERS]
        for pattern in _PATTERNS
    )
    ltv = [number(facts.find(keyword)) or 0.0 for keyword in ("LTV2", "LTV1")]
    moved = [None if area is None else _moved(area, ltv, shape) for area in detector]
    for areas, all_of_it in ((data, False), (moved, True)):
        there = {
            name: area for name, area in zip(AMPLIFIERS, areas, strict=True) if area is not None
        }
        if len(there) > 1 and _apart(list(there.values()), shape, all_of_it=all_of_it):
            return there
    return _hst_sections(facts, shape)


_PATTERNS = AMPLIFIER_SECTIONS.keywords


def _section(text: Any) -> Bounds | None:
    """Rows and columns of a section as IRAF writes it, ``[1:1024,1:4096]``, in either direction."""
    match = _SECTION.fullmatch(str(text or "").strip())
    if match is None:
        return None
    first_x, last_x, first_y, last_y = (int(edge) for edge in match.groups())
    return Bounds(
        min(first_y, last_y) - 1,
        max(first_y, last_y),
        min(first_x, last_x) - 1,
        max(first_x, last_x),
    )


def _moved(area: Bounds, ltv: list[float], shape: tuple[int, int]) -> Bounds:
    """A section of the detector in pixels of the image, as far as it is there."""
    shifts = (ltv[0], ltv[0], ltv[1], ltv[1])
    sizes = (shape[0], shape[0], shape[1], shape[1])
    moved = (round(edge + shift) for edge, shift in zip(area, shifts, strict=True))
    return Bounds(*(int(np.clip(edge, 0, size)) for edge, size in zip(moved, sizes, strict=True)))


def _apart(areas: list[Bounds], shape: tuple[int, int], *, all_of_it: bool) -> bool:
    """Whether areas lie in an image, each pixel in one of them at most, or in just one."""
    if any(area.y1 > shape[0] or area.x1 > shape[1] for area in areas):
        return False
    count = np.zeros(shape, np.uint8)
    for area in areas:
        count[area.slices] += 1
    return bool(count.max() == 1 and (count.min() == 1 or not all_of_it))


def _hst_sections(facts: Facts, shape: tuple[int, int]) -> dict[str, Bounds]:
    """The parts of an HST chip by the amplifiers that it was read with."""
    read = facts.first(AMPLIFIERS_READ)[1]
    amplifiers = camera_of(facts).amplifiers
    if amplifiers is None or not isinstance(read, str):
        return {}
    sides = amplifiers.of_chip.get(facts.find("CCDCHIP") or 0, _ANY_SIDES)
    here = [letter for letter in read.strip().upper() if letter in sides]
    whole = Bounds.whole(shape)
    if len(here) == 1:
        return {here[0]: whole}
    if len(here) != 2 or "".join(here) not in sides:
        return {}
    scale, shift = (number(facts.find(keyword)) for keyword in ("LTM1_1", "LTV1"))
    middle = round(amplifiers.middle * (1.0 if scale is None else scale) + (shift or 0.0))
    if not 0 < middle < shape[1]:
        return {here[0] if middle >= shape[1] else here[1]: whole}
    return {here[0]: whole._replace(x1=middle), here[1]: whole._replace(x0=middle)}
