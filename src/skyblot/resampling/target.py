"""The target of a blot: the reference's WCS, perhaps without distortion or with user's values."""

import logging
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ParameterError, warn
from ..headers.facts import Facts, is_drizzled, number
from ..headers.instruments import instrument_of
from ..headers.wcs_facts import PIXEL_SCALE
from ..parameters.table import Parameters, UserWCS
from ..pixelmap.linear import pixel_scale, tangent_wcs, undistorted
from ..pixelmap.shifted import shifted
from ..pixelmap.wcs_objects import is_fits_wcs, plain_copy, unwrapped

logger = logging.getLogger(__name__)

#: IDCSCALE is the pixel scale if it agrees with that of the WCS to this part.
AGREES = 0.1
#: A drizzled image may keep an IDCSCALE that is so near to its own scale without a word.
NEAR = 1e-3


@dataclass(frozen=True)
class Move:
    """Another reference pixel and value for a WCS that keeps its linear terms and its distortion.

    Attributes
    ----------
    crpix, crval : tuple of float
    shift : tuple of float
        How far pixels moved, x and y, with all that is attached to them.
    """

    crpix: tuple[float, float]
    crval: tuple[float, float]
    shift: tuple[float, float]


@dataclass(frozen=True)
class Target:
    """What to blot onto.

    Attributes
    ----------
    wcs : WCS
    shape : tuple of int
        (ny, nx).
    scale : float
        Undistorted pixel scale, arcsec.
    altered : bool
        Whether the WCS is an undistorted one in place of the reference's.
    move : Move, optional
        What else differs from the reference's WCS.
    """

    wcs: Any
    shape: tuple[int, int]
    scale: float
    altered: bool
    move: Move | None = None


def idcscale_of(facts: Facts, scale: float) -> float | None:
    """Return the IDCSCALE of an exposure whose WCS has a pixel scale, arcsec, if it counts."""
    value = number(facts.first(PIXEL_SCALE)[1])
    if value is None or value <= 0:
        return None
    apart = abs(value / scale - 1)
    drizzled = is_drizzled(facts)
    if apart <= AGREES and not drizzled:
        return value
    if not drizzled or apart > NEAR:
        reason = "is left from an exposure that was drizzled" if drizzled else "contradicts its WCS"
        warn(
            f"IDCSCALE = {value:g} arcsec {reason}: the pixel scale of its WCS, {scale:.6g} "
            "arcsec, is used",
            subject=facts.name,
        )
    return None


def say_if_undistorted(reference: Any, wcs: Any) -> None:
    """Warn of an exposure of HST or JWST whose distortion is known, but not in its file."""
    facts = reference.facts
    if not is_fits_wcs(wcs) or wcs.has_distortion or wcs.wcs.get_pv() or is_drizzled(facts):
        return
    reason = ""
    if str(facts.find("IDCTAB") or "N/A").strip().upper() != "N/A":
        reason = "its IDCTAB is named, but its header has no SIP (was updatewcs run?)"
    elif instrument_of(facts).has_gwcs and "ASDF" not in facts.beside:
        reason = "it has neither a gwcs nor SIP (was assign_wcs run?)"
    if reason:
        warn(
            f"{reason}: no distortion is applied, positions may be wrong by many pixels",
            subject=reference.name,
        )


def target_of(
    reference: Any, parameters: Parameters, shift: tuple[float, float] = (0.0, 0.0)
) -> Target:
    """Return what to blot onto: the reference's pixels, or what the parameters make of them.

    Everything lies farther by `shift` pixels than its WCS has it.
    """
    wcs = shifted(reference.wcs(), shift)
    say_if_undistorted(reference, wcs)
    return target_on(wcs, reference, parameters)


def target_on(wcs: Any, reference: Any, parameters: Parameters) -> Target:
    """Return what to blot onto where a reference has this WCS, which is not read again."""
    idcscale = idcscale_of(reference.facts, pixel_scale(wcs))
    return plan_target(wcs, reference.shape, idcscale, parameters, reference.name)


def plan_target(
    wcs: Any,
    shape: tuple[int, int],
    idcscale: float | None,
    parameters: Parameters,
    name: str = "the reference",
) -> Target:
    """Return the target for a reference's WCS, shape and IDCSCALE, and the user's parameters.

    Each of the user's WCS values replaces its own of the reference's, and no other: `outnx` and
    `outny` the size, `raref` and `decref` the sky position of the reference pixel, `xrefpix` and
    `yrefpix` that pixel, with which the whole image moves, distortion included. A pixel scale or an
    orientation is that of square pixels without distortion, and so is every WCS that has no
    reference pixel (gwcs).
    """
    scale = pixel_scale(wcs) if idcscale is None else idcscale
    user = parameters.user_wcs
    places = [each for each in user.given if each not in ("outnx", "outny")]
    size = (user.outny or shape[0], user.outnx or shape[1])
    linear = [each for each in places if each in ("outscale", "orient")]
    if linear or (places and not is_fits_wcs(unwrapped(wcs))):
        if _is_distorted(wcs) and parameters.coeffs:
            given = " and ".join(linear or places)
            logger.warning(f"{name}: its distortion is dropped, since {given} is given")
        made = user_wcs(wcs, user)
        made.array_shape = size
        return Target(made, size, pixel_scale(made), altered=True)
    if not parameters.coeffs:
        wcs = undistorted(wcs)
    move = None
    if places:
        wcs, move = moved(wcs, user)
        wcs.array_shape = size
    return Target(wcs, size, scale, altered=not parameters.coeffs, move=move)


def _is_distorted(wcs: Any) -> bool:
    """Whether something is lost with the linear terms alone."""
    return not is_fits_wcs(unwrapped(wcs)) or wcs.has_distortion or bool(wcs.wcs.get_pv())


def moved(wcs: Any, user: UserWCS) -> tuple[Any, Move]:
    """Return a FITS WCS with the user's reference pixel and position; see `plan_target`."""
    copy = plain_copy(wcs)
    copy.wcs.set()
    if (user.raref, user.decref) != (None, None) and (copy.wcs.lngtyp.strip(), copy.wcs.lng) != (
        "RA",
        0,
    ):
        raise ParameterError(
            "user WCS values need a reference with right ascension first, declination second"
        )
    before = copy.wcs.crpix.copy()
    crval = copy.wcs.crval
    crval = np.array([_given(user.raref, crval[0]), _given(user.decref, crval[1])])
    crpix = np.array([_given(user.xrefpix, before[0]), _given(user.yrefpix, before[1])])
    shift = crpix - before
    copy = shifted(copy, (float(shift[0]), float(shift[1])))
    copy.wcs.crval = crval
    copy.wcs.crpix = crpix
    pairs = [(float(each[0]), float(each[1])) for each in (crpix, crval, shift)]
    return copy, Move(*pairs)


def user_wcs(wcs: Any, user: UserWCS) -> Any:
    """Return an undistorted TAN WCS: the user's values, else those of `wcs`.

    Raises
    ------
    ParameterError
        If `wcs` is not a FITS WCS in right ascension and declination, first axis first.
    """
    linear = undistorted(wcs)
    if (linear.wcs.lng, linear.wcs.lat) != (0, 1):
        raise ParameterError(
            "user WCS values need a reference with right ascension first, declination second"
        )
    scale = pixel_scale(linear)
    orient = _orientation(linear)
    crval = linear.wcs.crval
    crpix = linear.wcs.crpix
    linear.wcs.crval = [_given(user.raref, crval[0]), _given(user.decref, crval[1])]
    linear.wcs.crpix = [_given(user.xrefpix, crpix[0]), _given(user.yrefpix, crpix[1])]
    angle = math.radians(_given(user.orient, orient))
    step = _given(user.outscale, scale) / 3600
    matrix = [[-math.cos(angle), math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    return tangent_wcs(linear, step * np.array(matrix))


def _given(value: float | None, otherwise: float) -> float:
    return float(otherwise if value is None else value)


def _orientation(wcs: Any) -> float:
    """Position angle of the y axis in degrees, north through east."""
    matrix = wcs.pixel_scale_matrix
    return math.degrees(math.atan2(matrix[0, 1], matrix[1, 1]))
