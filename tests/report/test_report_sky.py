"""Positions on the sky in a page: polynomials against the WCS they stand for."""

import numpy as np
import pytest
from astropy.wcs import WCS
from samples import tan_header

from skyblot.report.sky import fit_sky


def at(fit, x, y, shape):
    """RA and Dec by the page's formula, of pixels counted from 0."""
    from numpy.polynomial.chebyshev import chebval2d

    ny, nx = shape
    u, v = 2 * x / (nx - 1) - 1, 2 * y / (ny - 1) - 1
    xi, eta = (np.radians(chebval2d(v, u, c)) for c in (fit.xi, fit.eta))
    d0 = np.radians(fit.dec)
    below = np.cos(d0) - eta * np.sin(d0)
    ra = fit.ra + np.degrees(np.arctan2(xi, below))
    return ra % 360, np.degrees(np.arctan2(np.sin(d0) + eta * np.cos(d0), np.hypot(xi, below)))


def off_pixels(wcs, fit, shape, seed=1):
    """Largest distance to the WCS at random pixels, by the WCS itself turned round."""
    random = np.random.default_rng(seed)
    x, y = (random.uniform(0, size - 1, 2000) for size in (shape[1], shape[0]))
    ra, dec = wcs.all_pix2world(x, y, 0)
    found = at(fit, x, y, shape)
    scale = np.sqrt(abs(np.linalg.det(wcs.pixel_scale_matrix)))
    dra = (found[0] - ra + 180) % 360 - 180
    return np.max(np.hypot(dra * np.cos(np.radians(dec)), found[1] - dec)) / scale


@pytest.mark.parametrize(
    ("ra", "dec"), [(53.1, -27.8), (0.0001, 10.0), (359.9999, -60.0), (200.0, 89.99)]
)
def test_a_plane_is_exact_wherever_it_touches_the_sky(ra, dec):
    shape = (700, 900)
    wcs = WCS(tan_header(shape, ra=ra, dec=dec))
    fit = fit_sky(wcs, shape)
    assert fit.error < 1e-6
    assert len(fit.xi) == 3  # the least degree is enough
    assert off_pixels(wcs, fit, shape) < 1e-6


def test_distortion_is_followed_and_the_error_is_told():
    shape = (1000, 2000)
    header = tan_header(shape)
    header.update({"CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP", "A_ORDER": 4, "B_ORDER": 4})
    header.update({"A_2_0": 8e-6, "A_0_4": 3e-14, "B_1_1": -5e-6, "B_3_0": 4e-10})
    wcs = WCS(header)
    fit = fit_sky(wcs, shape)
    assert fit.error < 1e-3
    assert off_pixels(wcs, fit, shape) < 1.5 * max(fit.error, 1e-7)


@pytest.mark.parametrize("name", ["uvis1", "uvis2", "ir", "hrc", "nircam"])
def test_real_chips_are_good_to_a_small_part_of_a_pixel(real_wcs, name):
    wcs = real_wcs(name)
    shape = wcs.array_shape
    fit = fit_sky(wcs, shape)
    assert fit.error < 0.06  # of NPOL and D2IM, which are tables
    assert off_pixels(wcs, fit, shape) < 1.5 * fit.error + 1e-6


@pytest.mark.parametrize("wcs", [None, WCS(naxis=2), object()])
def test_without_a_sky_there_is_no_fit(wcs):
    assert fit_sky(wcs, (20, 30)) is None


def test_other_frames_are_named():
    header = tan_header((30, 40))
    header.update({"CTYPE1": "GLON-TAN", "CTYPE2": "GLAT-TAN"})
    del header["RADESYS"]
    assert fit_sky(WCS(header), (30, 40)).frame == "galactic"
    header = tan_header((30, 40))
    header["RADESYS"] = "FK5"
    assert fit_sky(WCS(header), (30, 40)).frame == "FK5"
    assert fit_sky(WCS(tan_header((30, 40))), (30, 40)).frame == ""
