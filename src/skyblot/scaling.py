"""Units, exposure, pixel area, sky: what a blot is multiplied by and what is added to it."""

import re
import warnings
from dataclasses import dataclass

from . import messages
from .errors import DataError, SkyblotWarning
from .facts import Facts, number
from .parameters import Parameters

COUNTS, RATE, BRIGHTNESS = "counts", "cps", "surface brightness"

_BASES = r"electrons?|e-?|counts?|cts?|dn|data numbers?|adu|photons?|photoelectrons?"
_COUNTS = re.compile(rf"({_BASES})")
_RATE = re.compile(rf"cps|({_BASES})\s*(/\s*s(ec(ond)?s?)?|[ .*]s(\^|\*\*)?\(?-1\)?)")
_BRIGHTNESS = re.compile(r".*(/\s*(sr|arcsec|deg|\()|(sr|arcsec2?|deg2?)(\^|\*\*)?-[12]).*")
_ELECTRONS = re.compile(r"e|photoe")

#: JWST's names of the exposure time, in its primary header and beside the image.
JWST_EXPTIME = ("EFFEXPTM", "XPOSURE")


@dataclass(frozen=True)
class Scaling:
    """``blot = interpolated * factor + offset``, and the facts it came from, for the output's header."""

    factor: float
    offset: float
    in_units: str
    out_units: str
    exptime_s: float | None


#: An integer source is a map of labels: nothing is applied to it.
LABELS = Scaling(1.0, 0.0, "labels", "labels", None)


def unit_kind(bunit: str) -> str | None:
    """Return which kind of unit a BUNIT is: counts, cps, surface brightness; None if it is none of these.

    Examples
    --------
    >>> unit_kind("ELECTRONS/S"), unit_kind("DN"), unit_kind("MJy/sr"), unit_kind("furlong")
    ('cps', 'counts', 'surface brightness', None)
    """
    word = bunit.strip().lower()
    if _COUNTS.fullmatch(word):
        return COUNTS
    if _RATE.fullmatch(word):
        return RATE
    return BRIGHTNESS if _BRIGHTNESS.fullmatch(word) else None


def counts_of(bunit: str) -> str:
    """Return the unit of counts that goes with a rate: ``ELECTRONS/S`` gives ``ELECTRONS``.

    Examples
    --------
    >>> counts_of("DN s-1"), counts_of("cps"), counts_of("furlong")
    ('DN', 'COUNTS', 'COUNTS')
    """
    match = _RATE.fullmatch(bunit.strip().lower())
    return bunit.strip()[: len(match[1])].upper() if match and match[1] else "COUNTS"


def plan_scaling(parameters: Parameters, source: Facts, reference: Facts, scale_ratio: float) -> Scaling:
    """Work out the scaling of a blot, as the ablot task documents it.

    ``blot = rate / scale_ratio**2 * exposure + sky``, where rate is the source in cps and the exposure counts for
    ``counts`` only. Surface brightness is scaled by neither; a blot of it in DN/s is divided by PHOTMJSR.

    Parameters
    ----------
    parameters : Parameters
    source, reference : Facts
    scale_ratio : float
        Pixel scale of the source over the undistorted pixel scale of the target.

    Raises
    ------
    DataError
        If an exposure time that is needed is missing or not above 0, or units cannot be converted.
    """
    in_units, out_units = _resolve_units(parameters, source, reference)
    offset = _sky(parameters, source, reference, out_units)
    factor, exptime = 1.0 / scale_ratio**2, None
    if BRIGHTNESS in (in_units, out_units):
        factor = _brightness_factor(source, reference, in_units, out_units)
    if in_units == COUNTS:
        factor /= _exptime(source, parameters.expkey, "DRIZEXPT", hint="--in-units cps")
    if out_units == COUNTS:
        exptime = _output_exptime(parameters, reference)
        factor *= exptime
    return Scaling(factor, offset, in_units, out_units, exptime)


def _resolve_units(parameters: Parameters, source: Facts, reference: Facts) -> tuple[str, str]:
    in_units, out_units = parameters.in_units, parameters.out_units
    if in_units == "auto":
        in_units = _kind_or_assume(source, RATE, "in_units")
    if out_units == "auto":
        out_units = _kind_or_assume(reference, COUNTS, "out_units")
    if "auto" == parameters.in_units == parameters.out_units:
        _warn_of_gain(source, reference)
    return in_units, out_units


def _kind_or_assume(image: Facts, assumed: str, name: str) -> str:
    kind = unit_kind(image.bunit)
    if kind is None:
        what = f"BUNIT = {image.bunit!r} is unknown" if image.bunit else "there is no BUNIT"
        _warn(
            messages.UNIT_ASSUMED(
                name=image.name, found=what, assumed=assumed, option=name.replace("_", "-"), argument=name
            )
        )
    return kind or assumed


def _warn_of_gain(source: Facts, reference: Facts) -> None:
    bases = [re.match(r"e|c|d|a|p", image.bunit.lower()) for image in (source, reference)]
    letters = {"d" if base.group() == "a" else base.group() for base in bases if base}
    if letters == {"e", "d"}:
        _warn(
            messages.GAIN_NOT_APPLIED(
                source=source.name, reference=reference.name, unit=source.bunit, wanted=reference.bunit
            )
        )


def _brightness_factor(source: Facts, reference: Facts, in_units: str, out_units: str) -> float:
    if in_units == out_units:
        return _conversion(source, reference.name, reference.bunit)
    conversion = reference.find("PHOTMJSR") if in_units == BRIGHTNESS else None
    if conversion is None or _ELECTRONS.match(reference.bunit.lower()):
        wanted = reference.bunit if out_units == unit_kind(reference.bunit) else out_units
        raise DataError(
            messages.NOT_CONVERTIBLE(
                source=source.name, reference=reference.name, unit=source.bunit or in_units, wanted=wanted
            )
        )
    brightness = number(conversion)
    if brightness is None or brightness <= 0:
        raise DataError(
            messages.BAD_KEYWORD(
                name=reference.name, keyword="PHOTMJSR", value=conversion, expected="MJy/sr above 0 for 1 DN/s"
            )
        )
    return _conversion(source, "PHOTMJSR", "MJy/sr") / brightness


def _conversion(source: Facts, name: str, unit: str) -> float:
    """What turns a source of surface brightness into another unit of it, that of `name`."""
    if source.bunit.lower() == unit.lower():
        return 1.0
    from astropy import units

    try:
        return float(units.Unit(source.bunit).to(unit))
    except (ValueError, units.UnitConversionError):
        raise DataError(
            messages.UNITS_DIFFER(source=source.name, reference=name, unit=source.bunit, wanted=unit)
        ) from None


def _output_exptime(parameters: Parameters, reference: Facts) -> float:
    if parameters.expout != "input":
        return float(parameters.expout)
    return _exptime(reference, parameters.expkey, hint="--expout SECONDS or --out-units cps")


def _exptime(image: Facts, *keywords: str, hint: str) -> float:
    """The first of the keywords that the image has, in seconds; JWST's names too where the first is EXPTIME."""
    jwst = JWST_EXPTIME if keywords[0].upper() == "EXPTIME" else ()
    for keyword in (keywords[0], *jwst, *keywords[1:]):
        value = image.find(keyword)
        if value is None:
            continue
        seconds = number(value)
        if seconds is None or seconds <= 0:
            raise DataError(
                messages.BAD_KEYWORD(
                    name=image.name,
                    keyword=f"exposure time {keyword.upper()}",
                    value=value,
                    expected=f"seconds above 0 (or give {hint})",
                )
            )
        return seconds
    names = " or ".join(keyword.upper() for keyword in keywords)
    raise DataError(messages.NO_EXPTIME(name=image.name, keywords=names, option=hint))


def _sky(parameters: Parameters, source: Facts, reference: Facts, out_units: str) -> float:
    """The sky to add: MDRIZSKY, or JWST's and Roman's level that mosaics were freed from and the exposure was not."""
    if not parameters.addsky:
        return parameters.skyval
    for image, keyword in ((reference, "MDRIZSKY"), (source, "MDRIZSKY"), (reference, "BKGLEVEL")):
        value = image.find(keyword)
        if value is None:
            continue
        if keyword == "BKGLEVEL" and image.find("BKGSUB") is not False:  # subtracted, or nobody knows
            return 0.0
        sky = number(value)
        if sky is None:
            raise DataError(
                messages.BAD_KEYWORD(
                    name=image.name, keyword=f"sky {keyword}", value=value, expected="a number (or give --no-addsky)"
                )
            )
        if sky and unit_kind(image.bunit) not in (None, out_units):
            _warn(messages.SKY_UNIT(name=image.name, keyword=keyword, unit=image.bunit, wanted=out_units))
        return sky
    if out_units != BRIGHTNESS:
        _warn(messages.NO_SKY(name=reference.name))
    return 0.0


def _warn(message: str) -> None:
    warnings.warn(message, SkyblotWarning, stacklevel=4)
