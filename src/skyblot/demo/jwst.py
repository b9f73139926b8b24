"""A detector with a distorted gwcs, in the likeness of NIRCam's, and the WCS of its mosaic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from astropy import units
from astropy.coordinates import ICRS
from astropy.modeling import Model, models
from astropy.wcs import WCS

from ..errors import SkyblotError
from ..io.gwcs import INSTALL, missing_package
from .sky import PixelMap

if TYPE_CHECKING:
    import gwcs

FULL_SHAPE = (2048, 2048)
SMALL_SHAPE = (512, 512)
SCALE = 0.063  # arcsec per pixel, the long-wave detectors
# degrees; the position angle is that of the detector's y axis
RA = 34.462
DEC = -5.237
ORIENT = 70.0
# arcsec, about those of NRCBLONG
V2_REF = -89.4
V3_REF = -491.4
MARGIN = 24  # mosaic pixels around the exposures
DEGREE = 5
INVERSE_DEGREE = 6
# Arcsec per pixel in V2, V3 (rows) along x, y (columns): x runs against V2, and the axes are 0.08
# degrees askew.
LINEAR = ((-0.06285, 0.0), (0.00009, 0.06315))
# Distortion in pixels of a detector 2048 wide, about NRCBLONG's. By degree, then by power of y.
HIGH_X = (1.7e-9, 1.0e-10, 1.7e-9, 2e-11, 7e-15, -5.4e-14, 2.0e-14, -3.1e-14, 6e-15)
HIGH_Y = (4e-12, 1.7e-9, 8e-11, 1.7e-9, 2.2e-14, -5e-15, 7e-15, -1.7e-14, -2.6e-14)
DISTORTION = {
    "x": (
        -1.9e-6,
        -1.18e-5,
        1.6e-6,
        *HIGH_X,
        -2.6e-17,
        -1.0e-17,
        9.5e-17,
        -4.4e-17,
        3.1e-17,
        -9e-18,
    ),
    "y": (
        4.9e-6,
        -3.7e-6,
        -7.0e-6,
        *HIGH_Y,
        -1.8e-17,
        -2.8e-17,
        -3.2e-17,
        7.2e-17,
        -3e-18,
        3.8e-17,
    ),
}


def nircam_wcs(
    shape: tuple[int, int] = FULL_SHAPE,
    *,
    ra: float = RA,
    dec: float = DEC,
    orient: float = ORIENT,
    bounding_box: bool = True,
    scale: float = SCALE,
) -> gwcs.WCS:
    """Return an imaging WCS in the likeness of NIRCam's: detector, v2v3, world.

    A polynomial of degree 5 distorts (up to 14 pixels on the whole detector), rotations lead to the
    sky. Coefficients are about those of NRCBLONG, scaled so that a detector of any `shape` has the
    same relative distortion.

    Parameters
    ----------
    shape : (int, int)
        (ny, nx).
    ra, dec : float
        Where the reference pixel, the centre of the detector, points; degrees, ICRS.
    orient : float
        Position angle of the y axis, degrees.
    bounding_box : bool
        Coordinates outside the detector are NaN; without it they are extrapolated.
    scale : float
        About the size of a pixel, arcsec.

    Returns
    -------
    gwcs.WCS
        With `array_shape` set. Its inverse is a fitted polynomial, good to 0.001 pixel.

    Raises
    ------
    SkyblotError
        If gwcs is not installed.
    """
    require_gwcs()
    import gwcs

    detector, v2v3, world = _frames()
    sky = _sky_rotation(ra, dec, orient)
    wcs = gwcs.WCS([(detector, _distortion(shape, scale)), (v2v3, sky), (world, None)])
    wcs.array_shape = shape
    if bounding_box:
        ny, nx = shape
        wcs.bounding_box = ((-0.5, nx - 0.5), (-0.5, ny - 0.5))
    return wcs


def mosaic_wcs(exposures: Sequence[Any], *, scale: float = SCALE) -> WCS:
    """Return the TAN WCS of a mosaic, its `pixel_shape` covering every exposure.

    Parameters
    ----------
    exposures : sequence of gwcs.WCS
        With `array_shape`; the tangent point is the centre of the first.
    scale : float
        Arcsec per pixel.

    Returns
    -------
    astropy.wcs.WCS
        Its y axis is turned by 1.5 degrees against `ORIENT`.
    """
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ("RA---TAN", "DEC--TAN")
    wcs.wcs.radesys = "ICRS"
    wcs.wcs.crval = exposures[0].pixel_to_world_values(
        *(np.array(exposures[0].array_shape[::-1]) / 2.0 - 0.5)
    )
    angle = np.radians(ORIENT - 1.5)
    sin = np.sin(angle)
    cos = np.cos(angle)
    wcs.wcs.crpix = (1.0, 1.0)
    wcs.wcs.cdelt = (scale / 3600.0, scale / 3600.0)
    wcs.wcs.pc = [[-cos, sin], [sin, cos]]
    t = np.linspace(0.0, 1.0, 65)
    border = np.concatenate([[t, 0 * t], [t, 0 * t + 1], [0 * t, t], [0 * t + 1, t]], axis=1)
    edges = [
        exact_map(exposure, wcs)(*(border * np.array(exposure.array_shape[::-1])[:, None] - 0.5))
        for exposure in exposures
    ]
    low = np.floor(np.min(np.concatenate(edges, axis=1), axis=1)) - MARGIN
    high = np.ceil(np.max(np.concatenate(edges, axis=1), axis=1)) + MARGIN
    wcs.wcs.crpix = 1.0 - low
    wcs.wcs.set()
    wcs.pixel_shape = tuple(int(n) for n in high - low + 1)
    return wcs


def exact_map(target: Any, mosaic: WCS) -> PixelMap:
    """Return the map from detector pixels (0-based) to mosaic pixels, by both WCS alone."""
    return lambda x, y: mosaic.wcs_world2pix(*target.pixel_to_world_values(x, y), 0)


def require_gwcs() -> None:
    """Refuse in one sentence where gwcs, asdf or asdf-astropy is not installed."""
    package = missing_package()
    if package is not None:
        purpose = "JWST-like and Roman-like data"
        raise SkyblotError(f"{purpose} need the package {package}: {INSTALL}")


def _distortion(shape: tuple[int, int], scale: float) -> Model:
    """Detector pixels to V2, V3 in arcsec, and a fitted inverse."""
    ny, nx = shape
    powers = [(1, 0), (0, 1), *_powers(2, DEGREE)]
    # A coefficient of degree p + q scales so that any detector has the same relative distortion.
    scales = [(2048 / max(shape)) ** (p + q - 1) for p, q in powers[2:]]
    pixels = np.array([[1.0, 0.0, *DISTORTION["x"]], [0.0, 1.0, *DISTORTION["y"]]]) * [
        1.0,
        1.0,
        *scales,
    ]
    arcsec = scale / SCALE * (np.array(LINEAR) @ pixels)
    centre = ((nx - 1) / 2.0, (ny - 1) / 2.0)
    reference = (V2_REF, V3_REF)
    forward = _polynomials(centre, powers, arcsec, reference)
    forward.inverse = _polynomials(reference, *_inverse(shape, powers, arcsec), centre)
    return forward


def _powers(low: int, high: int) -> list[tuple[int, int]]:
    """Powers of x and y of the terms of degrees `low` to `high`, in the order of `DISTORTION`."""
    return [(degree - q, q) for degree in range(low, high + 1) for q in range(degree + 1)]


def _terms(powers: list[tuple[int, int]], x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.stack([x**p * y**q for p, q in powers])


def _inverse(
    shape: tuple[int, int], powers: list[tuple[int, int]], arcsec: np.ndarray
) -> tuple[list[tuple[int, int]], np.ndarray]:
    """Powers and coefficients of a polynomial from V2, V3 to pixels, by least squares.

    Both are counted from the reference.
    """
    y, x = ((np.indices((33, 33)) / 32.0 - 0.5) * np.array(shape)[:, None, None]).reshape(2, -1)
    v2, v3 = arcsec @ _terms(powers, x, y)
    size = np.abs([v2, v3]).max()
    wanted = _powers(0, INVERSE_DEGREE)
    fit = np.linalg.lstsq(_terms(wanted, v2 / size, v3 / size).T, np.stack([x, y], 1), rcond=None)[
        0
    ]
    return wanted, fit.T / [size ** (p + q) for p, q in wanted]


def _polynomials(
    origin: tuple[float, float],
    powers: list[tuple[int, int]],
    values: np.ndarray,
    target: tuple[float, float],
) -> Model:
    """Two polynomials of the offsets from `origin`, and their values counted from `target`."""
    degree = max(p + q for p, q in powers)
    pair = [
        models.Polynomial2D(
            degree, **{f"c{p}_{q}": v for (p, q), v in zip(powers, row, strict=True)}
        )
        for row in values
    ]
    start, end = (
        models.Shift(shift[0]) & models.Shift(shift[1])
        for shift in ((-origin[0], -origin[1]), target)
    )
    return start | models.Mapping((0, 1, 0, 1)) | pair[0] & pair[1] | end


def _sky_rotation(ra: float, dec: float, orient: float) -> Model:
    """V2, V3 (arcsec) to right ascension and declination (degrees).

    V3 is at the position angle `orient`.
    """
    from gwcs.geometry import CartesianToSpherical, SphericalToCartesian

    v2 = V2_REF / 3600.0
    v3 = V3_REF / 3600.0
    rotation = models.RotationSequence3D([v2, -v3, orient, dec, -ra], axes_order="zyxyz")
    degrees = models.Scale(1 / 3600.0) & models.Scale(1 / 3600.0)
    return (
        degrees
        | SphericalToCartesian(wrap_lon_at=180)
        | rotation
        | CartesianToSpherical(wrap_lon_at=360)
    )


def _frames() -> tuple[Any, Any, Any]:
    """Return the coordinate frames of detector, v2v3 and world."""
    from gwcs import coordinate_frames as cf

    detector = cf.Frame2D(name="detector", unit=(units.pix, units.pix))
    v2v3 = cf.Frame2D(name="v2v3", axes_names=("v2", "v3"), unit=(units.arcsec, units.arcsec))
    return (
        detector,
        v2v3,
        cf.CelestialFrame(name="world", reference_frame=ICRS(), unit=(units.deg, units.deg)),
    )
