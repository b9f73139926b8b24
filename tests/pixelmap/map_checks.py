"""Checks of pixel maps, and the WCS that several of them need."""

import numpy as np
from astropy.coordinates import FK5, ICRS, BarycentricMeanEcliptic, Galactic, SkyCoord
from astropy.wcs import Sip
from oracles import assert_map, astropy_map, pixel_grid, tolerance

import skyblot
from skyblot.pixelmap import plan_map
from skyblot.pixelmap.fits_exact import TangentMap


def check(target, source, *, frames=None, step_y=1, step_x=1):
    """Compare `pixel_map` with the oracles; it must be the closed form."""
    shape = target.array_shape
    assert isinstance(plan_map(target, source, shape, None, 1e-4), TangentMap)
    x, y = pixel_grid(shape, step_y, step_x)
    ours = [each[y, x] for each in skyblot.pixel_map(target, source)]
    return assert_map(ours, target, source, x, y, frames)


def in_frame(wcs, frame):
    """An ICRS WCS with its pixels and orientation, moved to another frame (its tangent point
    stays).
    """
    there = SkyCoord(*wcs.wcs.crval, unit="deg", frame="icrs").transform_to(frame).spherical
    kinds = {Galactic: ("GLON-TAN", "GLAT-TAN"), BarycentricMeanEcliptic: ("ELON-TAN", "ELAT-TAN")}
    wcs.wcs.ctype = kinds.get(type(frame), ("RA---TAN", "DEC--TAN"))
    wcs.wcs.crval = [there.lon.deg, there.lat.deg]
    if isinstance(frame, FK5):
        wcs.wcs.radesys, wcs.wcs.equinox = "FK5", frame.equinox.jyear
    elif not isinstance(frame, ICRS):
        wcs.wcs.radesys = ""
    wcs.wcs.set()
    return wcs


FRAMES = [
    FK5(equinox="J2000"),
    FK5(equinox="J1975"),
    Galactic(),
    BarycentricMeanEcliptic(equinox="J2000"),
]


def sip(target, order_a=3, order_b=2, crpix=(40.0, 30.0)):
    """Add a distortion of some pixels; the two orders and the reference pixel differ from the usual
    ones.
    """
    rng = np.random.default_rng(7)
    terms = []
    for order in (order_a, order_b):
        p, q = np.indices((order + 1, order + 1))
        size = np.where((p + q >= 2) & (p + q <= order), 2.0 * 60.0 ** -(p + q).astype(float), 0.0)
        terms.append(size * rng.uniform(-1, 1, p.shape))
    target.sip = Sip(*terms, None, None, crpix)
    return target


def sampled(target, source, frames=None):
    """No closed form: at every pixel within the tolerance of the WCS library's own functions."""
    x, y = pixel_grid(target.array_shape)
    assert not isinstance(plan_map(target, source, target.array_shape, None, 1e-4), TangentMap)
    expected = np.stack(astropy_map(target, source, x, y, frames))
    for allowed in (1e-2, 1e-4, 1e-7):
        ours = np.stack(
            [each.ravel() for each in skyblot.pixel_map(target, source, tolerance=allowed)]
        )
        assert np.isfinite(ours).all()
        # The order of calls must not matter to the same library, beyond the rounding of degrees.
        np.testing.assert_allclose(ours, expected, rtol=0, atol=allowed + tolerance("map, astropy"))
