"""The target of a blot: the reference's WCS, without its distortion or with the user's values if asked."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import messages
from .errors import ParameterError
from .parameters import Parameters, UserWCS
from .pixelmap.linear import pixel_scale, tangent_wcs, undistorted


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
        Whether the WCS differs from the reference's.
    """

    wcs: Any
    shape: tuple[int, int]
    scale: float
    altered: bool


def plan_target(wcs: Any, shape: tuple[int, int], idcscale: float | None, parameters: Parameters) -> Target:
    """Return the target for a reference's WCS, shape and IDCSCALE, and the user's parameters."""
    scale = pixel_scale(wcs) if idcscale is None else idcscale
    user = parameters.user_wcs
    if user.given:
        ny, nx = shape
        linear = user_wcs(wcs, user)
        size = (user.outny or ny, user.outnx or nx)
        linear.array_shape = size
        return Target(linear, size, pixel_scale(linear), altered=True)
    if not parameters.coeffs:
        return Target(undistorted(wcs), shape, scale, altered=True)
    return Target(wcs, shape, scale, altered=False)


def user_wcs(wcs: Any, user: UserWCS) -> Any:
    """Return an undistorted TAN WCS: the user's values, else those of `wcs`.

    Raises
    ------
    ParameterError
        If `wcs` is not a FITS WCS in right ascension and declination, first axis first.
    """
    linear = undistorted(wcs)
    if (linear.wcs.lng, linear.wcs.lat) != (0, 1):
        raise ParameterError(messages.NOT_RA_DEC())
    scale, orient = pixel_scale(linear), _orientation(linear)
    crval, crpix = linear.wcs.crval, linear.wcs.crpix
    linear.wcs.crval = [_given(user.raref, crval[0]), _given(user.decref, crval[1])]
    linear.wcs.crpix = [_given(user.xrefpix, crpix[0]), _given(user.yrefpix, crpix[1])]
    angle, step = math.radians(_given(user.orient, orient)), _given(user.outscale, scale) / 3600
    matrix = [[-math.cos(angle), math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    return tangent_wcs(linear, step * np.array(matrix))


def _given(value: float | None, otherwise: float) -> float:
    return float(otherwise if value is None else value)


def _orientation(wcs: Any) -> float:
    """Position angle of the y axis in degrees, north through east."""
    matrix = wcs.pixel_scale_matrix
    return math.degrees(math.atan2(matrix[0, 1], matrix[1, 1]))
