"""Closed form: two FITS TAN images are related by a homography, between the distortions of both.

``p = (x, y) + D2IM(x, y);  q = p + SIP(p - crpix) + CPDIS(p);  source = H (q, 1)``, divided by the
third component. H folds both CD matrices, both CRPIX, both rotations to the sky and a change of
celestial frame. A distortion of the source is then inverted by Newton's method.
"""

import logging
import math
from typing import Any

import numpy as np

from ..kernels.separable import static
from ..kernels.tangent import tangent_points, tangent_rows
from .direct import DirectMap
from .distortion import distortion_of
from .inverse import Undistortion, undistortion
from .sky import FitsSky, convert_frame, same_frame
from .types import CLOSED_FORM, Way

logger = logging.getLogger(__name__)

#: What the closed form differs from the WCS library by, at most: see the page on accuracy.
ROUNDING_PIXELS = 1e-8

#: The closed form must agree with the WCS library's own functions to this many source pixels ...
AGREEMENT_PIXELS = 1e-7
#: ... or to the rounding of degrees in double precision, for very small pixels (8 ulp of 360
#: degrees).
AGREEMENT_DEGREES = 8 * np.spacing(360.0)


class TangentMap:
    """Target pixel to source pixel in closed form; no approximation.

    Parameters
    ----------
    target, source : FitsSky
        Both TAN.
    origin : tuple of float
        Target position (x, y) of the map's pixel (0, 0).
    inverse : Undistortion, optional
        That of the source's distortion, if it has one.
    """

    way = Way(CLOSED_FORM, ROUNDING_PIXELS)

    def __init__(
        self,
        target: FitsSky,
        source: FitsSky,
        origin: tuple[float, float] = (0.0, 0.0),
        inverse: Undistortion | None = None,
    ) -> None:
        self._distortion = distortion_of(target.wcs)
        along_y = self._distortion.d2im[1]
        self._span = (float(along_y.min(initial=0.0)), float(along_y.max(initial=0.0)))
        self._homography = homography(target, source)
        self._first = (origin[0] + 1.0, origin[1] + 1.0)
        self._inverse = inverse

    @property
    def folds(self) -> bool:
        """Whether D2IM turns positions along a row back; the row kernel takes them to increase."""
        along_x = self._distortion.d2im[0]
        return bool((np.diff(along_x, axis=1) * self._distortion.places[0, 4] <= -1.0).any())

    @property
    def everywhere(self) -> bool:
        """Whether it has positions far outside of the source, too."""
        return self._inverse is None

    def rows(self, row0: int, xout: np.ndarray, yout: np.ndarray, column0: int = 0) -> None:
        """Fill the map of rows from `row0` and columns from `column0` on; both arrays float64."""
        h = self._homography
        powers = static(len(self._distortion.a))
        first = (self._first[0] + column0, self._first[1])
        tangent_rows(row0, first, *self._distortion, h, self._span, powers, xout, yout)
        if self._inverse is not None:
            self._inverse.apply(xout, yout)

    def at(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Source positions of any positions (0-based, float64, 1-D) of the map's pixels."""
        xout = np.empty(x.size)
        yout = np.empty(x.size)
        tangent_points(x, y, self._first, *self._distortion, self._homography, xout, yout)
        if self._inverse is not None:
            self._inverse.apply(xout[None], yout[None])
        return xout, yout


def tangent_map(
    target: Any,
    source: Any,
    shape: tuple[int, int],
    origin: tuple[float, float] = (0.0, 0.0),
    source_shape: tuple[int, int] | None = None,
) -> TangentMap | None:
    """Return the closed form for two celestial WCS, or None where there is none.

    The result has been compared with the WCS library at points all over the target, and all over
    the source if that is distorted: an odd header that the closed form would misread is left to the
    exact evaluation.
    """
    if not (isinstance(target, FitsSky) and isinstance(source, FitsSky)):
        return None
    if not (_is_tan(target) and _is_tan(source)):
        return None
    plane = source.undistorted()
    closed = TangentMap(target, plane, origin)
    if closed.folds:
        return None
    difference = _disagreement(closed, DirectMap(target, plane, origin), shape)
    allowed = max(AGREEMENT_PIXELS, AGREEMENT_DEGREES / _degrees_per_pixel(source))
    if not difference <= allowed:
        logger.debug("closed form of the pixel map is off by %.1e pixel; not used", difference)
        return None
    if not source.wcs.has_distortion:
        return closed
    inverse = undistortion(source.wcs, source_shape) if source_shape else None
    return None if inverse is None else TangentMap(target, plane, origin, inverse)


def _is_tan(sky: FitsSky) -> bool:
    return all(str(name)[4:] in ("-TAN", "-TAN-SIP") for name in sky.wcs.wcs.ctype)


def _degrees_per_pixel(sky: FitsSky) -> float:
    return math.sqrt(abs(np.linalg.det(sky.wcs.pixel_scale_matrix)))


def _disagreement(closed: TangentMap, direct: DirectMap, shape: tuple[int, int]) -> float:
    """Largest difference in pixels at 5 x 5 points; infinite where only one of both is a number."""
    ny, nx = shape
    x, y = np.meshgrid(np.linspace(0, nx - 1, 5), np.linspace(0, ny - 1, 5) + 0.25)
    ours = np.array(closed.at(x.ravel(), y.ravel()))
    theirs = np.array(direct.at(x.ravel(), y.ravel()))
    if not np.array_equal(np.isfinite(ours), np.isfinite(theirs)):
        return math.inf
    return float(np.nanmax(np.abs(ours - theirs), initial=0.0))


def homography(target: FitsSky, source: FitsSky) -> np.ndarray:
    """Matrix from undistorted target pixels (1-based) to source pixels (0-based), homogeneous."""
    shift = np.eye(3)
    shift[:2, 2] = source.wcs.wcs.crpix - 1.0
    centre = np.eye(3)
    centre[:2, 2] = -target.wcs.wcs.crpix
    rotation = _axes(source).T @ _frame_rotation(target, source) @ _axes(target)
    return shift @ np.linalg.inv(_plane(source)) @ rotation @ _plane(target) @ centre


def _plane(sky: FitsSky) -> np.ndarray:
    """Pixel offsets to the tangent plane: east and north, in radians at its centre."""
    matrix = np.eye(3)
    matrix[:2, :2] = np.deg2rad(sky.wcs.pixel_scale_matrix)[[sky.lon, sky.lat]]
    return matrix


def _axes(sky: FitsSky) -> np.ndarray:
    """Columns: the tangent plane's x and y axes and its normal, in the celestial frame.

    For LONPOLE = 180 degrees these are east, north, and the tangent point (FITS WCS Paper II,
    section 2.4).
    """
    lon, lat = np.deg2rad([sky.wcs.wcs.crval[sky.lon], sky.wcs.wcs.crval[sky.lat]])
    turn = math.radians(sky.wcs.wcs.lonpole - 180.0)
    east = np.array([-math.sin(lon), math.cos(lon), 0.0])
    normal = np.array([math.cos(lat) * math.cos(lon), math.cos(lat) * math.sin(lon), math.sin(lat)])
    north = np.cross(normal, east)
    x_axis = math.cos(turn) * east - math.sin(turn) * north
    y_axis = math.sin(turn) * east + math.cos(turn) * north
    return np.stack([x_axis, y_axis, normal], axis=1)


def _frame_rotation(target: FitsSky, source: FitsSky) -> np.ndarray:
    """Rotation from the target's celestial frame to the source's."""
    if same_frame(target, source):
        return np.eye(3)
    lon, lat = convert_frame(np.array([0.0, 90.0, 0.0]), np.array([0.0, 0.0, 90.0]), target, source)
    lon = np.deg2rad(lon)
    lat = np.deg2rad(lat)
    return np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
