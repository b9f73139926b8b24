"""The linear part of a celestial WCS: without distortion, as a TAN image that touches it, or its pixel scale alone."""

from typing import Any

import numpy as np

from .. import messages
from ..errors import WCSError
from .sky import array_shape, is_fits_wcs, plain_copy, sky_of, unwrapped


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
        linear.wcs.lonpole, linear.wcs.latpole = copy.wcs.lonpole, copy.wcs.latpole
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
    fresh.wcs.crpix, fresh.wcs.crval, fresh.wcs.cunit = wcs.wcs.crpix, wcs.wcs.crval, ["deg", "deg"]
    fresh.wcs.cd = cd
    fresh.wcs.radesys, fresh.wcs.equinox = wcs.wcs.radesys, wcs.wcs.equinox
    return fresh


def touching_tangent(wcs: Any) -> Any:
    """Return the TAN WCS that has the place, scale and orientation of any celestial WCS at its central pixel."""
    from astropy.wcs.utils import celestial_frame_to_wcs

    sky, (ny, nx) = sky_of(wcs, "target"), array_shape(wcs) or (1, 1)
    middle = np.array([(nx - 1) / 2, (ny - 1) / 2])
    steps = np.array([[0.0, 0.5, -0.5, 0.0, 0.0], [0.0, 0.0, 0.0, 0.5, -0.5]])
    lon, lat = sky.to_sky(*(middle[:, None] + steps))
    if not np.isfinite(lon + lat).all():
        raise WCSError(messages.OFF_THE_SKY(pixel=tuple(middle.tolist())))
    tangent = celestial_frame_to_wcs(sky.frame, "TAN")
    tangent.wcs.crval, tangent.wcs.crpix, tangent.wcs.cdelt = [lon[0], lat[0]], [0.0, 0.0], [1.0, 1.0]
    east, north = tangent.wcs_world2pix(lon, lat, 0)  # degrees in the tangent plane
    cd = [[each[1] - each[2], each[3] - each[4]] for each in (east, north)]
    tangent = tangent_wcs(tangent, np.array(cd))
    tangent.wcs.crpix, tangent.array_shape = middle + 1, (ny, nx)
    return tangent


def pixel_scale(wcs: Any) -> float:
    """Return the undistorted pixel scale in arcsec: ``sqrt(|det CD|)``, of a CD matrix or of the central pixel."""
    wcs = unwrapped(wcs)
    if not is_fits_wcs(wcs) or _is_table(wcs):
        wcs = touching_tangent(wcs)
    return float(np.sqrt(abs(np.linalg.det(wcs.pixel_scale_matrix))) * 3600)


def _is_table(wcs: Any) -> bool:
    """Whether positions come from a table (-TAB), whose index the CD matrix gives."""
    return any(str(name).endswith("-TAB") for name in wcs.wcs.ctype)
