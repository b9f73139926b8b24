"""Closed form: two FITS TAN images are related by a homography, after the target's own distortion.

``p = (x, y) + D2IM(x, y);  q = p + SIP(p - crpix) + CPDIS(p);  source = H (q, 1)``, divided by the
third component. H folds both CD matrices, both CRPIX, both rotations to the sky and a change of
celestial frame.
"""

import logging
import math
from typing import Any

import numpy as np

from ..kernels.separable import static
from ..kernels.tangent import tangent_points, tangent_rows
from .direct import DirectMap
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
        Both TAN; the source without distortion.
    """

    way = Way(CLOSED_FORM, ROUNDING_PIXELS)

    def __init__(self, target: FitsSky, source: FitsSky) -> None:
        wcs = target.wcs
        tables = [_table(getattr(wcs, name)) for name in ("det2im1", "det2im2", "cpdis1", "cpdis2")]
        self._d2im = (tables[0][0], tables[1][0])
        self._cpdis = (tables[2][0], tables[3][0])
        self._span = (float(self._d2im[1].min(initial=0.0)), float(self._d2im[1].max(initial=0.0)))
        self._places = np.array([place for _, place in tables])
        self._centre, self._a, self._b = _sip_terms(wcs.sip)
        self._homography = homography(target, source)

    @property
    def folds(self) -> bool:
        """Whether D2IM turns positions along a row back; the row kernel takes them to increase."""
        return bool((np.diff(self._d2im[0], axis=1) * self._places[0, 4] <= -1.0).any())

    def rows(self, row0: int, xout: np.ndarray, yout: np.ndarray) -> None:
        """Fill the map of the target rows from `row0` on; both arrays float64, shape (rows, nx)."""
        tangent_rows(row0, *self._terms(), self._span, static(len(self._a)), xout, yout)

    def at(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Source positions of any target positions (0-based, float64, 1-D)."""
        xout = np.empty(x.size)
        yout = np.empty(x.size)
        tangent_points(x, y, *self._terms(), xout, yout)
        return xout, yout

    def _terms(self) -> tuple:
        return (
            self._d2im,
            self._cpdis,
            self._places,
            self._centre,
            self._a,
            self._b,
            self._homography,
        )


def tangent_map(target: Any, source: Any, shape: tuple[int, int]) -> TangentMap | None:
    """Return the closed form for two celestial WCS, or None where there is none.

    The result has been compared with the WCS library at points all over the target: an odd header
    that the closed form would misread is left to the exact evaluation.
    """
    if not (isinstance(target, FitsSky) and isinstance(source, FitsSky)):
        return None
    if source.wcs.has_distortion or not (_is_tan(target) and _is_tan(source)):
        return None
    closed = TangentMap(target, source)
    if closed.folds:
        return None
    difference = _disagreement(closed, DirectMap(target, source), shape)
    allowed = max(AGREEMENT_PIXELS, AGREEMENT_DEGREES / _degrees_per_pixel(source))
    if difference <= allowed:
        return closed
    logger.debug("closed form of the pixel map is off by %.1e pixel; not used", difference)
    return None


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


def _table(lookup: Any) -> tuple[np.ndarray, list[float]]:
    """A distortion table as float64, and its place.

    It has at least 2 x 2 nodes; an empty one means that there is none.
    """
    if lookup is None:
        return np.empty((0, 0)), [1.0] * 6
    data = np.array(lookup.data, dtype=float)
    data = np.pad(data, [(0, max(0, 2 - size)) for size in data.shape], mode="edge")
    crpix1, crpix2 = lookup.crpix
    crval1, crval2 = lookup.crval
    cdelt1, cdelt2 = lookup.cdelt
    return data, [crpix1, crpix2, crval1, crval2, 1 / cdelt1, 1 / cdelt2]


def _sip_terms(sip: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reference pixel and square coefficient arrays of one common order.

    Order 0 and zero without SIP.
    """
    if sip is None or (sip.a is None and sip.b is None):
        return np.zeros(2), np.zeros((1, 1)), np.zeros((1, 1))
    both = [
        np.zeros((1, 1)) if terms is None else np.array(terms, dtype=float)
        for terms in (sip.a, sip.b)
    ]
    size = max(len(terms) for terms in both)
    a, b = (np.pad(terms, (0, size - len(terms))) for terms in both)
    return np.array(sip.crpix, dtype=float), a, b


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
