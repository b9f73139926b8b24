"""Instruments. This file alone says what is known of each: one entry has everything.

An entry is found by telescope, instrument and detector, the most exact one first. Nothing else asks
for these names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .facts import DETECTOR, EXPOSURE_TIME, INSTRUMENT, TELESCOPE, Fact, Facts, number
from .pixel_facts import ERRORS, QUALITY

Pair = tuple[float, float]
#: Cosmic-ray bits that AstroDrizzle and calibration set in HST's DQ: a pixel that has only these is
#: judged again.
_HST_COSMIC = 4096 | 8192
#: Pixels that are hot or warm, and corrected for it, and saturated ones.
_HOT_OR_SATURATED = 16 | 64 | 256
#: JWST's and Roman's bit of a pixel that is not to be used; their pipelines make most of these
#: undefined.
DO_NOT_USE = 1
#: Their bits that forbid a pixel, with SATURATED.
_FORBIDDEN = DO_NOT_USE | 2
#: Pixels that HST's CCDs have hit, as a fraction, in 1000 seconds: few and many, over all of them.
_CCD_RATE = (0.008, 0.05)
#: Where ramps are fitted, cosmic rays were taken out before: more than this fraction of outliers is
#: odd.
_RAMP_LIMIT = 0.02
#: Fewer cosmic rays than this are nothing to wonder at where as many are expected.
_ENOUGH = 30


@dataclass(frozen=True)
class Tails:
    """Where tails of charge run along y, 1 or -1: away from the amplifiers.

    Attributes
    ----------
    always : int
        Their direction, whatever headers say; 0 where nobody knows one.
    keyword : str
        Else the keyword that decides it.
    directions : mapping
        By the values of the keyword.
    """

    always: int = 0
    keyword: str = ""
    directions: Mapping[Any, int] = field(default_factory=dict)

    def direction(self, facts: Facts) -> int:
        """Return the direction in an exposure."""
        return self.directions.get(facts.find(self.keyword), 0) if self.keyword else self.always


@dataclass(frozen=True)
class Amplifiers:
    """The amplifiers of a chip, which read its left and its right half.

    Attributes
    ----------
    middle : int
        Columns of the left half, in physical pixels.
    of_chip : mapping
        The letters of the two, by the number of the chip; a chip that is not named here may have
        any.
    """

    middle: int
    of_chip: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Handbook:
    """Gain and read noise as the instrument's handbook has them, where headers lack them.

    Attributes
    ----------
    setting : str
        Keyword of the nominal gain.
    values : mapping
        By chip and nominal gain: electrons per count, and electrons.
    """

    setting: str
    values: Mapping[Pair, Pair]


@dataclass(frozen=True)
class Beside:
    """A plane of an exposure in a file beside it.

    Attributes
    ----------
    holds : Fact
        `ERRORS` or `QUALITY`.
    mark : str
        A pattern that the name of the exposure has.
    instead : str
        What the name of the plane has in its place.
    """

    holds: Fact
    mark: str
    instead: str


@dataclass(frozen=True)
class Names:
    """What an observatory puts between the root of a file's name and its suffix: ``x_flc.fits``.

    Attributes
    ----------
    exposures : tuple of str
        Of exposures, the best first: where a folder has several of one root the first is taken.
    products : tuple of str
        Of other files.
    suffix : str
    beside : tuple of Beside
        Planes of an exposure in other files.
    """

    exposures: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    suffix: str = ".fits"
    beside: tuple[Beside, ...] = ()


@dataclass(frozen=True)
class Instrument:
    """What is known of an instrument; the defaults are those of one that nobody knows.

    Attributes
    ----------
    name : str
        Telescope, instrument and detector.
    snr, scale : (float, float)
        Defaults of a rule that leaves them to the instrument.
    scale_of_few : (float, float), optional
        The second where the mosaic is of one exposure or two: it is less clean then.
    bits : int
        What a rejected pixel gets in DQ.
    ignored : int
        DQ bits that leave no pixel out.
    good : int
        DQ bits that leave no pixel out of a mosaic either, as AstroDrizzle's and the pipelines'
        defaults have it.
    weight : {"exptime", "ivm", "err"}
        What its pixels count in a mosaic by default.
    rate : (float, float), optional
        Fraction of the pixels that cosmic rays hit in 1000 seconds, few and many.
    tails : Tails
        Where the tails of charge run.
    amplifiers : Amplifiers, optional
    handbook : Handbook, optional
    counts_are_dn : bool
        COUNTS are data numbers, not electrons.
    level : str
        What its pipeline calls the level of an exposure's background; empty where it records none.
    table : str
        Keyword that names the table of distortion of an exposure; empty where there is none.
    has_gwcs : bool
        Its exposures in FITS carry a gwcs in an extension ASDF.
    flagged : str
        What its pipeline calls a copy of an exposure with cosmic rays in DQ.
    names : Names
        What its files are called.
    """

    name: str = "this instrument"
    snr: Pair = (3.5, 3.0)
    scale: Pair = (1.2, 0.7)
    scale_of_few: Pair | None = None
    bits: int = 4096
    ignored: int = _HST_COSMIC
    good: int = 0
    weight: str = "exptime"
    rate: Pair | None = None
    tails: Tails = Tails()
    amplifiers: Amplifiers | None = None
    handbook: Handbook | None = None
    counts_are_dn: bool = False
    level: str = ""
    table: str = ""
    has_gwcs: bool = False
    flagged: str = "crdq"
    names: Names = Names()

    def expected(self, exptime_s: float) -> Pair:
        """Fractions of the pixels between which this exposure's should be."""
        if self.rate is None:
            return 0.0, _RAMP_LIMIT
        low, high = (rate * exptime_s / 1000.0 for rate in self.rate)
        return low / 10.0, 2.0 * high + 0.005

    def doubts(self, fraction: float, judged: int, exptime_s: float | None) -> str:
        """Return a sentence on a fraction of rejected pixels that is hard to believe, if so."""
        if exptime_s is None:
            return ""
        low, high = self.expected(exptime_s)
        if low <= fraction <= high or (fraction < low and low * judged < _ENOUGH):
            return ""
        what = (
            "are exposure and blot in the same unit, and aligned?"
            if fraction > high
            else "is the noise right?"
        )
        percent = 100 * fraction
        low_text = 100 * low
        high_text = 100 * high
        return (
            f"{percent:.2f} % of its pixels were rejected, and {low_text:.2g} to "
            f"{high_text:.2g} % are expected of {self.name} in {exptime_s:g} s: {what}"
        )


#: The calibrated exposures of WFPC2 are c0m.
_HST_NAMES = Names(
    exposures=("flc", "flt", "c0m"),
    products=(
        *("raw", "flm", "crj", "crc", "ima", "drz", "drc", "drw", "mos", "x2d", "sx2", "sfl"),
        *("c0f", "c0h", "c1m", "c1f", "d0m", "d0f"),
    ),
    beside=(Beside(QUALITY, r"_c0(?=[mf]\.)", "_c1"),),
)
#: crf has the WCS of the mosaic, cal the one before alignment.
_JWST_NAMES = Names(
    exposures=("crf", "cal"),
    products=(
        *(
            "uncal",
            "ramp",
            "rate",
            "rateints",
            "calints",
            "crfints",
            "skymatch",
            "i2d",
            "s2d",
            "s3d",
        ),
    ),
)
#: The files of NOIRLab's pipelines, for DECam and others: ooi is an image, ood its flags, oow its
#: weights.
_NOIRLAB_NAMES = Names(
    products=("ooi", "ooj", "opi", "ood"),
    beside=(
        Beside(QUALITY, r"(?<=_o[a-z])i(?=[_.])", "d"),
        Beside(ERRORS, r"(?<=_o[a-z])i(?=[_.])", "w"),
    ),
)
_HST = Instrument(table="IDCTAB", names=_HST_NAMES)
_CCD = replace(_HST, rate=_CCD_RATE)
#: Detectors that count photons one by one see no cosmic rays.
_MAMA = replace(_HST, rate=(0.0, 0.0))
_RAMP = Instrument(
    snr=(5.0, 4.0),
    bits=DO_NOT_USE | 16,
    ignored=~_FORBIDDEN & 0xFFFFFFFF,
    good=~DO_NOT_USE & 0xFFFFFFFF,
    weight="ivm",
)
_STIS = replace(_HST, bits=8192, counts_are_dn=True)
#: Chip 2 of two chips has its amplifiers at the lower edge.
_TWO_CHIPS = replace(
    _CCD,
    scale_of_few=(1.5, 1.2),
    good=_HOT_OR_SATURATED,
    tails=Tails(keyword="CCDCHIP", directions={1: -1, 2: 1}),
    amplifiers=Amplifiers(2048, {1: "AB", 2: "CD"}),
)
#: WFPC2's headers have no read noise: its instrument handbook, table 4.2.
_WFPC2_HANDBOOK = Handbook(
    setting="ATODGAIN",
    values={
        (1, 7): (7.12, 5.24),
        (1, 15): (13.99, 7.02),
        (2, 7): (7.12, 5.51),
        (2, 15): (14.50, 7.84),
        (3, 7): (6.90, 5.22),
        (3, 15): (13.95, 6.99),
        (4, 7): (7.10, 5.19),
        (4, 15): (13.95, 8.32),
    },
)
#: All instruments by telescope, instrument and detector, or the first of these.
INSTRUMENTS: dict[tuple[str, ...], Instrument] = {
    ("HST",): _HST,
    ("HST", "ACS"): _CCD,
    ("HST", "ACS", "WFC"): _TWO_CHIPS,
    ("HST", "ACS", "HRC"): replace(
        _TWO_CHIPS,
        tails=Tails(keyword="CCDAMP", directions={"A": -1, "B": -1, "C": 1, "D": 1}),
        amplifiers=Amplifiers(512),
    ),
    ("HST", "ACS", "SBC"): _MAMA,
    ("HST", "WFC3", "UVIS"): _TWO_CHIPS,
    ("HST", "WFC3", "IR"): replace(_HST, snr=(5.0, 4.0), scale=(3.0, 2.4), good=16 | 512),
    ("HST", "WFPC"): replace(_HST, counts_are_dn=True),
    ("HST", "WFPC2"): replace(
        _CCD,
        snr=(5.5, 3.5),
        scale=(2.0, 1.5),
        good=1024,
        tails=Tails(always=1),
        handbook=_WFPC2_HANDBOOK,
        counts_are_dn=True,
    ),
    ("HST", "STIS"): replace(_STIS, rate=_CCD_RATE),
    ("HST", "STIS", "CCD"): replace(_STIS, rate=_CCD_RATE, tails=Tails(always=-1)),
    ("HST", "STIS", "FUV-MAMA"): replace(_STIS, rate=(0.0, 0.0)),
    ("HST", "STIS", "NUV-MAMA"): replace(_STIS, rate=(0.0, 0.0)),
    ("HST", "COS"): _MAMA,
    ("HST", "NICMOS"): replace(_HST, counts_are_dn=True),
    ("JWST",): replace(_RAMP, level="BKGLEVEL", has_gwcs=True, flagged="crf", names=_JWST_NAMES),
    ("ROMAN",): replace(
        _RAMP,
        bits=DO_NOT_USE | 128,
        level="background.level",
        names=Names(("cal",), ("uncal", "coadd"), ".asdf"),
    ),
    ("CTIO 4.0-M TELESCOPE",): Instrument(names=_NOIRLAB_NAMES),
}


def known_names() -> list[Names]:
    """Return what the files of all instruments are called, each kind of names once."""
    names = [instrument.names for instrument in INSTRUMENTS.values()]
    return [one for number, one in enumerate(names) if one not in names[:number]]


def instrument_of(facts: Facts) -> Instrument:
    """Return what is known of an image's instrument; general values for an unknown one."""
    words = _words(facts)
    entry = next(
        (INSTRUMENTS[words[:n]] for n in (3, 2, 1) if words[:n] in INSTRUMENTS), Instrument()
    )
    return replace(entry, name=" ".join(word for word in words if word) or entry.name)


def camera_of(facts: Facts) -> Instrument:
    """Return what is known of a camera whose headers may lack the telescope or the instrument."""
    words = _words(facts)
    fitting = [names for names in INSTRUMENTS if len(names) > 1 and _fits(names, words)]
    return INSTRUMENTS[max(fitting, key=len)] if fitting else Instrument()


def _fits(names: tuple[str, ...], words: tuple[str, ...]) -> bool:
    """Whether the last name of an entry is in the headers, and nothing there says otherwise."""
    pairs = zip(names[:-1], words, strict=False)
    return names[-1] == words[len(names) - 1] and all(word in ("", name) for name, word in pairs)


def _words(facts: Facts) -> tuple[str, ...]:
    return tuple(
        str(facts.first(fact)[1] or "").strip().upper()
        for fact in (TELESCOPE, INSTRUMENT, DETECTOR)
    )


def exposure_time(facts: Facts) -> float | None:
    """Return the exposure time in seconds, None where the headers have none."""
    for keyword in EXPOSURE_TIME.keywords:
        seconds = number(facts.find(keyword))
        if seconds is not None and seconds > 0:
            return seconds
    return None
