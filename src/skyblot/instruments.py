"""What is known of instruments: how their exposures are compared with blots, flagged, and hit by cosmic rays."""

from dataclasses import dataclass, replace

from . import messages
from .facts import DETECTOR, EXPOSURE_TIME, INSTRUMENT, TELESCOPE, Facts, number

Pair = tuple[float, float]
#: Cosmic-ray bits that AstroDrizzle and calibration set in HST's DQ: a pixel that has only these is judged again.
_HST_COSMIC = 4096 | 8192
#: JWST's and Roman's bit of a pixel that is not to be used; their pipelines make most of these undefined.
DO_NOT_USE = 1
#: Their bits that forbid a pixel, with SATURATED.
_FORBIDDEN = DO_NOT_USE | 2
#: Pixels that HST's CCDs have hit, as a fraction, in 1000 seconds: few and many, over all of them.
_CCD_RATE = (0.008, 0.05)
#: Where ramps are fitted, cosmic rays were taken out before: more than this fraction of outliers is odd.
_RAMP_LIMIT = 0.02
#: Fewer cosmic rays than this are nothing to wonder at where as many are expected.
_ENOUGH = 30


@dataclass(frozen=True)
class Instrument:
    """What the comparison needs to know of an instrument.

    Attributes
    ----------
    name : str
        Telescope, instrument and detector.
    snr, scale : (float, float)
        Defaults of the plain rule.
    bits : int
        What a rejected pixel gets in DQ.
    ignored : int
        DQ bits that leave no pixel out.
    ccd_tail : {-1, 0, 1}
        Where the tails of charge run along y; 0 where there are none.
    rate : (float, float), optional
        Fraction of the pixels that cosmic rays hit in 1000 seconds, few and many.
    """

    name: str = "this instrument"
    snr: Pair = (3.5, 3.0)
    scale: Pair = (1.2, 0.7)
    bits: int = 4096
    ignored: int = _HST_COSMIC
    ccd_tail: int = 0
    rate: Pair | None = None

    def expected(self, exptime_s: float) -> Pair:
        """Fractions of the pixels between which this exposure's should be."""
        if self.rate is None:
            return 0.0, _RAMP_LIMIT
        low, high = (rate * exptime_s / 1000.0 for rate in self.rate)
        return low / 10.0, 2.0 * high + 0.005

    def doubts(self, fraction: float, judged: int, exptime_s: float | None) -> str:
        """Return a sentence on a fraction of rejected pixels, of those judged, that is hard to believe, or nothing."""
        if exptime_s is None:
            return ""
        low, high = self.expected(exptime_s)
        if low <= fraction <= high or (fraction < low and low * judged < _ENOUGH):
            return ""
        what = "are exposure and blot in the same unit, and aligned?" if fraction > high else "is the noise right?"
        return messages.UNLIKELY_FRACTION(
            percent=100 * fraction,
            low=100 * low,
            high=100 * high,
            instrument=self.name,
            seconds=exptime_s,
            question=what,
        )


_CCD = Instrument(rate=_CCD_RATE)
#: Detectors that count photons one by one see no cosmic rays.
_MAMA = Instrument(rate=(0.0, 0.0))
_RAMP = Instrument(snr=(5.0, 4.0), bits=DO_NOT_USE | 16, ignored=~_FORBIDDEN & 0xFFFFFFFF)
_BY_NAME = {
    ("HST", "ACS"): _CCD,
    ("HST", "ACS", "SBC"): _MAMA,
    ("HST", "WFC3", "UVIS"): _CCD,
    ("HST", "WFC3", "IR"): Instrument(snr=(5.0, 4.0), scale=(3.0, 2.4)),
    ("HST", "WFPC2"): replace(_CCD, snr=(5.5, 3.5), scale=(2.0, 1.5)),
    ("HST", "STIS"): replace(_CCD, bits=8192),
    ("HST", "STIS", "FUV-MAMA"): replace(_MAMA, bits=8192),
    ("HST", "STIS", "NUV-MAMA"): replace(_MAMA, bits=8192),
    ("HST", "COS"): _MAMA,
    ("HST", "NICMOS"): Instrument(),
    ("JWST",): _RAMP,
    ("ROMAN",): replace(_RAMP, bits=DO_NOT_USE | 128),
}
#: The cameras for which two exposures or fewer need more tolerance: their mosaic is less clean.
_FEW = {("ACS", "WFC"), ("ACS", "HRC"), ("WFC3", "UVIS")}


def instrument_of(facts: Facts, exposures: int | None = None, *, roman: bool = False) -> Instrument:
    """Return what is known of the instrument that an exposure's headers name; general values for an unknown one.

    Parameters
    ----------
    facts : Facts
    exposures : int, optional
        How many exposures the mosaic was made of.
    roman : bool
        The exposure is one of Roman's, whose files do not name the telescope in a keyword.
    """
    words = [str(facts.first(fact)[1] or "").strip().upper() for fact in (TELESCOPE, INSTRUMENT, DETECTOR)]
    if roman:
        words[0] = "ROMAN"
    found = next((_BY_NAME[key] for n in (3, 2, 1) if (key := tuple(words[:n])) in _BY_NAME), Instrument())
    found = replace(found, name=" ".join(word for word in words if word) or found.name)
    if exposures is not None and exposures <= 2 and tuple(words[1:]) in _FEW and words[0] == "HST":
        found = replace(found, scale=(1.5, 1.2))
    return replace(found, ccd_tail=_tail(words, facts)) if found.rate else found


def _tail(words: list[str], facts: Facts) -> int:
    """Where tails of charge run: away from the amplifiers, which are at the lower edge of chip 2 of two chips."""
    telescope, instrument, detector = words
    if telescope != "HST":
        return 0
    if (instrument, detector) in (("ACS", "WFC"), ("WFC3", "UVIS")):
        return {1: -1, 2: 1}.get(facts.find("CCDCHIP") or 0, 0)
    if (instrument, detector) == ("ACS", "HRC"):
        return {"A": -1, "B": -1, "C": 1, "D": 1}.get(str(facts.find("CCDAMP") or ""), 0)
    return {("STIS", "CCD"): -1}.get((instrument, detector), 1 if instrument == "WFPC2" else 0)


def exposure_time(facts: Facts) -> float | None:
    """Return the exposure time in seconds, None where the headers have none."""
    for keyword in EXPOSURE_TIME.keywords:
        seconds = number(facts.find(keyword))
        if seconds is not None and seconds > 0:
            return seconds
    return None
