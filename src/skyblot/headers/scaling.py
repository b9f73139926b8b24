"""Units, exposure, pixel area, sky: what a blot is multiplied by and what is added to it."""

import math
from dataclasses import dataclass, replace

from ..errors import DataError, not_allowed
from ..parameters.table import Parameters
from .facts import (
    BACKGROUND,
    BRIGHTNESS_OF_DN,
    DRIZZLED_TIME,
    EXPOSURE_TIME,
    PIXEL_AREA,
    Facts,
    number,
)
from .ground import flux_scale, is_swarp, keeps_outliers, pixel_area
from .pair import UNCHANGED, Pair, Units, resolve_units
from .pipelines import brightness_of_dn, is_freed, is_missed, recorded_sky, sky_word
from .units import BRIGHTNESS, COUNTS, FLUX, RATE, is_per_pixel, parsed, same_unit, unit_kind

#: Areas and exposure times that differ by more than these parts are not the same.
_SAME_AREA = 0.1
_SAME_TIME = 0.01
_SR_PER_ARCSEC2 = math.radians(1 / 3600) ** 2


@dataclass(frozen=True)
class Scaling:
    """``blot = interpolated * factor + offset``, and what it comes from, for the header."""

    factor: float
    offset: float
    in_units: str
    out_units: str
    exptime_s: float | None


#: An integer source is a map of labels: nothing is applied to it.
LABELS = Scaling(1.0, 0.0, "labels", "labels", None)
#: A map that is blotted as it is.
AS_IS = Scaling(1.0, 0.0, UNCHANGED, UNCHANGED, None)


def plan_scaling(parameters: Parameters, pair: Pair) -> Scaling:
    """Work out the scaling of a blot, as the ablot task documents it.

    ``blot = rate / scale_ratio**2 * exposure + sky``, where rate is the source in cps and the
    exposure counts for ``counts`` only. Flux per pixel is scaled by the pixel area, surface
    brightness is not, and neither by exposure; a blot of them in DN/s is divided by PHOTMJSR.

    Raises
    ------
    DataError
        If an exposure time that is needed is missing or not above 0, or units cannot be converted.
    """
    if parameters.as_is:
        return AS_IS
    pair = _with_area(parameters.pixel_area, pair)
    if pair.compared and is_swarp(pair.source) and keeps_outliers(pair.combination):
        #: A mean, or a sum, keeps a part of each cosmic ray, and masks made with it miss the
        #: fainter ones.
        pair.tell(
            f"COMBINET = {pair.combination!r}, so the cosmic rays of its exposures are in "
            "it, unless their weights left them out: use a coadd of the kind MEDIAN or "
            "CLIPPED",
            subject=pair.source.name,
        )
    units = resolve_units(parameters, pair)
    if parameters.pixel_area == "yes" and units.kinds[0] == BRIGHTNESS:
        raise not_allowed(
            "pixel_area", "yes", f"auto or no, as {pair.source.name} is in {units.names[0]}"
        )
    in_kind, out_kind = units.kinds
    offset = _sky(parameters, pair, units)
    applied = 1.0 / _applied(pair)
    if in_kind == UNCHANGED:
        factor = pair.area_ratio if pair.area == "yes" else 1.0
        return Scaling(factor * applied, offset, UNCHANGED, UNCHANGED, None)
    factor = pair.area_ratio
    if {in_kind, out_kind} & {BRIGHTNESS, FLUX}:
        factor = _flux_factor(parameters, units, pair)
    times, exptime = _exposure_factor(parameters, pair, units)
    return Scaling(factor * times * applied, offset, in_kind, out_kind, exptime)


def _with_area(wanted: str, pair: Pair) -> Pair:
    """A pair in which pixels have the same area where values are no flux per pixel."""
    area = pixel_area(wanted, pair.source, pair.area_ratio)
    return replace(pair, area=area, scales=(pair.scales[1],) * 2 if area == "no" else pair.scales)


def _applied(pair: Pair) -> float:
    """What SWarp multiplied the exposure by, which is told."""
    scale = flux_scale(pair.source, pair.reference)
    if scale != 1.0:
        #: SWarp's FLXSCALE, which SCAMP writes: it makes all exposures as bright.
        pair.tell(
            f"FLXSCALE = {scale:.6g}, by which SWarp multiplied it for {pair.source.file}: its "
            "blot is divided by that",
            subject=pair.reference.name,
        )
    return scale


def _flux_factor(parameters: Parameters, units: Units, pair: Pair) -> float:
    """What converts flux per pixel, surface brightness and data numbers per second."""
    in_kind, out_kind = units.kinds
    if out_kind in (BRIGHTNESS, FLUX) and in_kind in (BRIGHTNESS, FLUX):
        return _conversion(units, pair, pair.reference.name, units.names[1], out_kind)
    brightness = brightness_of_dn(parameters.photmjsr, pair, units.names, in_kind)
    return _conversion(units, pair, BRIGHTNESS_OF_DN.keywords[0], "MJy/sr", BRIGHTNESS) / brightness


def _conversion(units: Units, pair: Pair, name: str, wanted: str, kind: str) -> float:
    """What turns the source into another unit of flux or surface brightness, that of `name`."""
    in_kind = units.kinds[0]
    unit = units.names[0]
    factor = pair.area_ratio if in_kind == kind == FLUX else 1.0
    if in_kind != kind:
        factor = (
            1 / _area(pair.source, pair.scales[0], pair) if in_kind == FLUX else _target_area(pair)
        )
    if in_kind == kind and same_unit(unit, wanted):
        return factor
    from astropy import units as u

    one = parsed(unit)
    other = parsed(wanted)
    try:
        one = one / u.sr if in_kind == FLUX else one
        other = other / u.sr if kind == FLUX else other
        return factor * float(one.to(other))
    except (TypeError, AttributeError, u.UnitConversionError):
        raise DataError(
            f"{pair.source.name} is in {unit} and {name} in {wanted}: cannot be converted"
        ) from None


def _target_area(pair: Pair) -> float:
    return _area(pair.reference, pair.scales[1], pair)


def _area(image: Facts, scale: float, pair: Pair) -> float:
    """The area of an image's pixels in sr, by its WCS.

    A header that says another one is told of.
    """
    area = scale**2 * _SR_PER_ARCSEC2
    keyword, value = image.first(PIXEL_AREA)
    recorded = number(value)
    if recorded is not None and abs(recorded / area - 1) > _SAME_AREA:
        #: A header that was copied from another image, for example.
        pair.tell(
            f"{keyword} = {recorded:.4g} sr, but its WCS has pixels of {area:.4g} sr, which are "
            "used",
            subject=image.name,
        )
    return area


def _exposure_factor(
    parameters: Parameters, pair: Pair, units: Units
) -> tuple[float, float | None]:
    """What exposure times multiply the source by, and that of the blot where it is in counts."""
    in_kind, out_kind = units.kinds
    automatic = units.automatic and parameters.out_units == "auto"
    if automatic and units.kinds == (COUNTS, COUNTS) and all(map(is_per_pixel, units.names)):
        _tell_times(parameters, pair)
        return 1.0, None
    if in_kind == COUNTS and units.automatic and pair.combination:
        return _coadd_factor(parameters, pair, out_kind)
    factor = 1.0
    exptime = None
    if in_kind == COUNTS:
        hint = "--in-units cps where it is in counts per second"
        factor /= _exposure_time_of(
            pair.source, parameters.expkey, *DRIZZLED_TIME.keywords, hint=hint
        )
    if out_kind == COUNTS:
        exptime = _output_exptime(parameters, pair)
        factor *= exptime
    return factor, exptime


def _coadd_factor(parameters: Parameters, pair: Pair, out_kind: str) -> tuple[float, float | None]:
    """The same for a coadd with the counts of one exposure: it is as long as this one."""
    seconds = _seconds_of(pair.reference, parameters.expkey)
    own = _seconds_of(pair.source, parameters.expkey)
    if seconds is None or own is None or abs(own / seconds - 1) > _SAME_TIME:
        #: SWarp writes the sum of all exposure times, whatever it makes of the pixels. `skyblot
        #: reject` measures what is true.
        pair.tell(
            f"COMBINET = {pair.combination!r}, so its counts are those of one exposure "
            "and not of its exposure time; taken as an exposure as long as the one it is "
            "blotted onto (in counts per second: --in-units cps)",
            subject=pair.source.name,
        )
    if out_kind == COUNTS and parameters.expout == "input":
        return 1.0, seconds
    rate = 1 / _exposure_time_of(pair.reference, parameters.expkey, hint=_hint(pair))
    return (
        (rate, None)
        if out_kind != COUNTS
        else (rate * float(parameters.expout), float(parameters.expout))
    )


def _tell_times(parameters: Parameters, pair: Pair) -> None:
    """Say that exposure times are not used, where both images are in counts and these differ."""
    times = [_seconds_of(image, parameters.expkey) for image in (pair.source, pair.reference)]
    if None not in times and abs(times[0] / times[1] - 1) > _SAME_TIME:  # type: ignore[operator]
        unit = pair.source.bunit
        pair.tell(
            f"is in {unit} as the exposure is, and its values are left as they are, "
            f"though exposure times are {times[0]:g} and {times[1]:g} s",
            subject=pair.source.name,
        )


def _output_exptime(parameters: Parameters, pair: Pair) -> float:
    if parameters.expout != "input":
        return float(parameters.expout)
    return _exposure_time_of(pair.reference, parameters.expkey, hint=_hint(pair))


def _hint(pair: Pair) -> str:
    """What to do where the exposure has no time: a rate cannot be compared with its counts."""
    return "--expout SECONDS" if pair.compared else "--expout SECONDS or --out-units cps"


def _sky(parameters: Parameters, pair: Pair, units: Units) -> float:
    """The sky to add: MDRIZSKY, or a level that only the mosaic was freed of."""
    if not parameters.addsky:
        return parameters.skyval
    reference = pair.reference
    out_kind = units.kinds[1]
    keyword, value = recorded_sky(reference)
    if value is None:
        if not keyword and is_missed(pair, out_kind):
            pair.tell(
                f"no sky value {sky_word(reference)} in its headers; sky 0 is added (--no-addsky "
                "says so)",
                subject=reference.name,
            )
        return 0.0
    sky = number(value)
    word = sky_word(reference, keyword)
    if sky is None:
        expected = "a number (or give --no-addsky)"
        raise DataError(f"sky {word} = {value!r}, expected {expected}", subject=reference.name)
    if keyword in BACKGROUND.keywords:
        return _level(parameters, pair, units, sky) if sky and is_freed(pair, sky) else 0.0
    if sky and unit_kind(reference.bunit) not in (None, out_kind):
        pair.tell(
            f"{word} is in {reference.bunit} and the blot in {out_kind}; it is added as it is",
            subject=reference.name,
        )
    return sky


def _level(parameters: Parameters, pair: Pair, units: Units, level: float) -> float:
    """A background level, which is in the unit of the exposure's file, in that of the blot."""
    bunit = pair.reference.bunit
    out_kind = units.kinds[1]
    kind = unit_kind(bunit)
    if kind in (None, out_kind) or out_kind not in (RATE, COUNTS):
        return level
    if kind == BRIGHTNESS:
        own = Pair(pair.reference, pair.reference, (pair.scales[1],) * 2)
        level *= _conversion(
            Units((kind, out_kind), (bunit, ""), automatic=False), own, "", "MJy/sr", BRIGHTNESS
        )
        level /= brightness_of_dn(parameters.photmjsr, pair, units.names, kind)
    if kind == COUNTS:
        return level / _exposure_time_of(pair.reference, parameters.expkey, hint=_hint(pair))
    return level * _output_exptime(parameters, pair) if out_kind == COUNTS else level


def _exposure_keywords(expkey: str) -> tuple[str, ...]:
    """Return where an exposure time is looked for: as the user says, else the usual names."""
    usual = EXPOSURE_TIME.keywords
    return usual if expkey.upper() == usual[0] else (expkey,)


def _seconds_of(image: Facts, expkey: str) -> float | None:
    """An exposure time above 0, None where there is none."""
    value = next(
        (value for word in _exposure_keywords(expkey) if (value := image.text(word)) is not None),
        None,
    )
    seconds = number(value)
    return seconds if seconds is not None and seconds > 0 else None


def _exposure_time_of(image: Facts, expkey: str, *others: str, hint: str) -> float:
    """The first exposure time that the image has, in seconds."""
    for keyword in (*_exposure_keywords(expkey), *others):
        value = image.find(keyword)
        if value is None:
            continue
        seconds = number(value)
        if seconds is None or seconds <= 0:
            expected = f"seconds above 0 (or give {hint})"
            keyword = f"exposure time {keyword.upper()}"
            raise DataError(f"{keyword} = {value!r}, expected {expected}", subject=image.name)
        return seconds
    names = " or ".join(keyword.upper() for keyword in (expkey, *others))
    raise DataError(
        f"no exposure time, its headers have no {names} (give --expkey KEYWORD, or {hint})",
        subject=image.name,
    )
