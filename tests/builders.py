"""What the tests are made of: small WCS, pixel maps given as arrays, images."""

import numpy as np
import pytest
from astropy.wcs import WCS

from skyblot.demo import DemoPlan, chip_wcs, mosaic_wcs
from skyblot.kernels.interpolants import interpolant
from skyblot.parameters.table import INTERPOLANTS
from skyblot.resampling.geometry import Job
from skyblot.resampling.window import blot_dtype

#: A small exposure with SIP, NPOL and D2IM tables, and a mosaic that covers it.
PLAN = DemoPlan(exposures=1, chip_shape=(96, 160))
#: A test for each interpolant.
EVERY = pytest.mark.parametrize("interp", INTERPOLANTS)


def tangent(
    crval=(10.0, 20.0),
    scale=1e-5,
    orient=30.0,
    crpix=(50.0, 40.0),
    shape=(80, 100),
    sign=-1,
    **facts,
):
    """A TAN WCS: `scale` in degrees per pixel, `sign` -1 for east to the left, `facts` go to
    ``wcs.wcs``.
    """
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = facts.pop("ctype", ("RA---TAN", "DEC--TAN"))
    wcs.wcs.crval, wcs.wcs.crpix = crval, crpix
    cos, sin = np.cos(np.radians(orient)), np.sin(np.radians(orient))
    wcs.wcs.cd = scale * np.array([[sign * cos, sin], [-sign * sin, cos]])
    wcs.wcs.radesys = facts.pop("radesys", "ICRS")
    for name, value in facts.items():
        setattr(wcs.wcs, name, value)
    wcs.array_shape = shape
    return wcs


def gwcs_like(wcs, bounded=True):
    """A gwcs with the transformation of a TAN FITS WCS (and SIP, if it has one)."""
    gwcs = pytest.importorskip("gwcs")
    from astropy import units as u
    from astropy.coordinates import ICRS
    from astropy.modeling import models as m
    from gwcs import coordinate_frames as cf

    a, b = (value - 1 for value in wcs.wcs.crpix)
    transform = m.Shift(-a) & m.Shift(-b)
    transform |= m.AffineTransformation2D(matrix=wcs.pixel_scale_matrix)
    transform |= m.Pix2Sky_TAN() | m.RotateNative2Celestial(*wcs.wcs.crval, 180.0)
    detector = cf.Frame2D(name="detector", axes_order=(0, 1), unit=(u.pix, u.pix))
    sky = cf.CelestialFrame(
        name="sky", axes_order=(0, 1), reference_frame=ICRS(), unit=(u.deg, u.deg)
    )
    made = gwcs.WCS([(detector, transform), (sky, None)])
    ny, nx = made.array_shape = wcs.array_shape
    if bounded:
        made.bounding_box = ((-0.5, nx - 0.5), (9.5, ny - 0.5))
    return made


def mosaic_for(target, orient=28.0, scale=1.0, origin=(70.0, -50.0)):
    """A TAN WCS near a target of any kind, its pixels `scale` times the target's; `origin` is its
    CRPIX.
    """
    ny, nx = target.array_shape
    degrees = scale * np.sqrt(abs(np.linalg.det(target.pixel_scale_matrix)))
    crval = [float(value) for value in target.all_pix2world(0.4 * nx, 0.6 * ny, 0)]
    return tangent(crval, degrees, orient, origin, target.array_shape)


def demo_pair():
    """WCS of an exposure (SIP and tables) and of the mosaic that covers it."""
    return chip_wcs(PLAN, 0, 1), mosaic_wcs(PLAN)


class ArrayMap:
    """A pixel map given as two arrays."""

    def __init__(self, x, y):
        self.x, self.y = (np.atleast_2d(np.asarray(each, dtype=float)) for each in (x, y))

    def rows(self, row0, xout, yout):
        xout[:] = self.x[row0 : row0 + len(xout)]
        yout[:] = self.y[row0 : row0 + len(yout)]


def job_at(source, x, y, interp="poly5", sinscl=1.0):
    """A job that blots onto the positions ``x, y`` of the source."""
    positions, how = ArrayMap(x, y), interpolant(interp, sinscl)
    return Job(source, positions, positions.x.shape, how, blot_dtype(source, how))


def blot_at(source, x, y, interp="poly5", sinscl=1.0, **more):
    """The blot at the positions ``x, y`` of the source."""
    return job_at(source, x, y, interp, sinscl).run(**more).data


def sky_image(shape, seed=0):
    """A float32 image like a sky: noise about 100, and stars of up to 50000."""
    rng = np.random.default_rng(seed)
    image = rng.normal(100.0, 30.0, shape)
    y, x = np.indices(shape)
    for _ in range(max(3, image.size // 2000)):
        cy, cx, peak = rng.uniform(0, shape[0]), rng.uniform(0, shape[1]), 10 ** rng.uniform(2, 4.7)
        near = np.s_[max(int(cy) - 8, 0) : int(cy) + 9, max(int(cx) - 8, 0) : int(cx) + 9]
        image[near] += peak * np.exp(-((x[near] - cx) ** 2 + (y[near] - cy) ** 2) / 2.0)
    return image.astype(np.float32)


def scattered(shape, count=4000, seed=1, reach=0.5):
    """Random positions (x, y) over an image of `shape` up to `reach` pixels past its outer pixel
    centres.
    """
    rng = np.random.default_rng(seed)
    ny, nx = shape
    # Just inside the border: -0.5 <= x < nx - 0.5.
    x = rng.uniform(-reach, np.nextafter(nx - 1 + reach, 0), (count // 20, 20))
    y = rng.uniform(-reach, np.nextafter(ny - 1 + reach, 0), (count // 20, 20))
    return x, y


def singular():
    """A WCS whose matrix has no inverse."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.cd = [[1e-5, 1e-5], [1e-5, 1e-5]]
    wcs.array_shape = (80, 100)
    return wcs


def no_sky():
    """A WCS of two axes that are not on the sky."""
    wcs = WCS(naxis=2)
    wcs.array_shape = (80, 100)
    return wcs
