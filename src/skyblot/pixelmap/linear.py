"""The linear part of a celestial WCS: undistorted, as a TAN image, or its scale alone."""

import math
from typing import Any

import numpy as np

from ..errors import WCSError
from ..headers.wcs_facts import with_statement
from .sky import sky_of
from .wcs_objects import array_shape, frame_stated, is_fits_wcs, plain_copy, unwrapped

#: Two linear WCS put pixels to the same place if they differ by less.
_SAME_PIXELS = 1e-5


def undistorted(wcs: Any) -> Any:
    """Return an independent FITS WCS with the linear terms and the projection of `wcs` only.

    A WCS of another kind gives the TAN image that touches it in the middle.
    """
    wcs = unwrapped(wcs)
    if not is_fits_wcs(wcs):
        return touching_tangent(wcs)
    copy = plain_copy(wcs)
    copy.wcs.set()
    if all(str(name)[4:] in ("-TAN", "-TAN-SIP") for name in copy.wcs.ctype):
        linear = tangent_wcs(copy, copy.pixel_scale_matrix)
        linear.wcs.lonpole = copy.wcs.lonpole
        linear.wcs.latpole = copy.wcs.latpole
        linear.pixel_shape = copy.pixel_shape
        return linear
    copy.sip = copy.cpdis1 = copy.cpdis2 = copy.det2im1 = copy.det2im2 = None
    copy.wcs.ctype = [name.removesuffix("-SIP") for name in copy.wcs.ctype]
    return copy


def tangent_wcs(wcs: Any, cd: np.ndarray) -> Any:
    """Return a new TAN WCS with the reference values of `wcs` and a CD matrix (degrees per pixel).

    Nothing else comes along: TPV and TNX are TAN to wcslib too, with a distortion inside.
    """
    from astropy.wcs import WCS

    fresh = WCS(naxis=2)
    fresh.wcs.ctype = [f"{str(name)[:4]}-TAN" for name in wcs.wcs.ctype]
    fresh.wcs.crpix = wcs.wcs.crpix
    fresh.wcs.crval = wcs.wcs.crval
    fresh.wcs.cunit = ["deg", "deg"]
    fresh.wcs.cd = cd
    fresh.wcs.radesys = wcs.wcs.radesys
    fresh.wcs.equinox = wcs.wcs.equinox
    return with_statement(fresh, frame_stated(wcs))


def touching_tangent(wcs: Any) -> Any:
    """Return the TAN WCS that a celestial WCS is like at its central pixel."""
    from astropy.wcs.utils import celestial_frame_to_wcs

    sky = sky_of(wcs, "target")
    shape = array_shape(wcs)
    ny, nx = shape[-2:] if shape else (1, 1)
    middle = np.array([(nx - 1) / 2, (ny - 1) / 2])
    if shape is None and is_fits_wcs(unwrapped(wcs)):
        middle = np.array(unwrapped(wcs).wcs.crpix[:2]) - 1
    steps = np.array([[0.0, 0.5, -0.5, 0.0, 0.0], [0.0, 0.0, 0.0, 0.5, -0.5]])
    lon, lat = sky.to_sky(*(middle[:, None] + steps))
    if not np.isfinite(lon + lat).all() or np.abs(lat).max() > 90:
        raise WCSError(
            f"the WCS has no sky position around its central pixel, {tuple(middle.tolist())}"
        )
    tangent = celestial_frame_to_wcs(sky.frame, "TAN")
    tangent.wcs.crval = [lon[0], lat[0]]
    tangent.wcs.crpix = [0.0, 0.0]
    tangent.wcs.cdelt = [1.0, 1.0]
    east, north = tangent.wcs_world2pix(lon, lat, 0)  # degrees in the tangent plane
    cd = [[axis[1] - axis[2], axis[3] - axis[4]] for axis in (east, north)]
    tangent = tangent_wcs(tangent, np.array(cd))
    tangent.wcs.crpix = middle + 1
    tangent.array_shape = (ny, nx)
    return tangent


def pixel_scale(wcs: Any) -> float:
    """Return the pixel scale in arcsec, the square root of a pixel's area on the sky.

    A TAN image has that of its CD matrix, at its tangent point, with SIP too if that lies on the
    image. Else it is that of the pixel in the middle, with all distortion: what a CD matrix says
    depends on how the same geometry was split between it and the distortion.
    """
    wcs = unwrapped(wcs)
    if not is_fits_wcs(wcs):
        return 3600 * _local_scale(wcs)
    degrees = math.sqrt(abs(np.linalg.det(wcs.pixel_scale_matrix)))
    if _scale_is_linear(wcs):
        return 3600 * degrees
    try:
        return 3600 * _local_scale(wcs)
    except WCSError:  # the middle of a map of the whole sky may lie outside of it
        if _is_table(wcs):
            raise
        return 3600 * degrees


def _local_scale(wcs: Any) -> float:
    """The scale, in degrees, at the middle of a WCS.

    A `WCSError` where pixels have no area there.
    """
    matrix = touching_tangent(wcs).wcs.cd  # wcslib refuses to look at one that is singular
    area = abs(float(np.linalg.det(matrix)))
    if area == 0:
        raise WCSError(
            f"its WCS is singular: its CD matrix is {matrix.tolist()}", subject="the image"
        )
    return math.sqrt(area)


def _scale_is_linear(wcs: Any) -> bool:
    """Whether linear terms alone make the scale at the tangent point, on the image.

    SIP may have linear terms of its own.
    """
    if not _is_tangent(wcs):
        return False
    if wcs.sip is None:
        return True
    shape = array_shape(wcs)
    place = np.array(wcs.wcs.crpix[::-1]) - 1
    inside = shape is None or bool(np.all((place >= 0) & (place <= np.array(shape[-2:]) - 1)))
    own = any(
        terms is not None and (terms[0, 1] or terms[1, 0]) for terms in (wcs.sip.a, wcs.sip.b)
    )
    return inside and not own


def _is_tangent(wcs: Any) -> bool:
    """Whether a WCS is TAN but for SIP and tables.

    The WCS library calls TPV, TNX and DSS plates TAN too.
    """
    if any(str(name)[4:] not in ("-TAN", "-TAN-SIP") for name in wcs.wcs.ctype):
        return False
    copy = plain_copy(wcs)
    shape = array_shape(wcs) or (100, 100)
    linear = undistorted(wcs)
    x = np.array([0.0, 0.5, 1.0]) * shape[-1]
    y = np.array([0.3, 0.0, 1.0]) * shape[-2]
    there = linear.wcs_world2pix(*copy.wcs_pix2world(x, y, 0), 0)
    return bool(np.abs(np.subtract(there, (x, y))).max() < _SAME_PIXELS)


def _is_table(wcs: Any) -> bool:
    """Whether positions come from a table (-TAB), whose index the CD matrix gives."""
    return any(str(name).endswith("-TAB") for name in wcs.wcs.ctype)
