"""The pixel map: exact for real headers at full size, in every frame, and for awkward ones."""

import numpy as np
import pytest
from astropy.coordinates import FK4, ICRS
from astropy.wcs import DistortionLookupTable
from builders import mosaic_for, tangent
from map_checks import FRAMES, check, in_frame, sampled, sip
from oracles import map_rounding, rotation_between, tolerance

import skyblot
from skyblot.pixelmap.linear import undistorted

HEADERS = ["uvis1", "uvis2", "ir", "hrc", "nircam"]


# ---- real headers at full size -------------------------------------------------------------------


@pytest.mark.parametrize("name", HEADERS)
def test_every_pixel_of_a_real_detector(real_wcs, name):
    """Measured: astropy within 9.6e-9, 8.0e-9 (UVIS), 2.3e-9 (IR), 1.1e-8 (HRC), 2.6e-9 (NIRCam).

    And within 5e-10 of the truth.

    HRC is where astropy's own rounding is the limit: 0.025 arcsec pixels at declination -72. It is
    1.1e-8 from the truth there, ours 2e-11.
    """
    target = real_wcs(name)
    astropy_apart, _ = check(target, mosaic_for(target))
    if name != "hrc":
        assert astropy_apart <= tolerance("map, astropy")


@pytest.mark.parametrize("name", HEADERS)
def test_coeffs_off(real_wcs, name):
    target = undistorted(real_wcs(name))
    assert not target.has_distortion
    check(target, mosaic_for(target), step_y=9)


@pytest.mark.parametrize("ratio", ["0p55", "1p0", "1p2"])
def test_real_nircam_mosaics(real_wcs, ratio):
    check(real_wcs("nircam"), real_wcs(f"nircam_{ratio}"), step_y=9)


@pytest.mark.parametrize("frame", FRAMES, ids=["FK5", "FK5 J1975", "Galactic", "ecliptic"])
@pytest.mark.parametrize("name", HEADERS)
def test_source_in_another_frame(real_wcs, name, frame):
    """Measured: within 1.3e-8 of astropy, whose own distance from the truth is 1.1e-8; ours 2.6e-9.

    astropy.coordinates returns degrees too: one more rounding to an ulp of 360 degrees, 5e-9 pixel
    of 0.04 arcsec.
    """
    target = real_wcs(name)
    source = in_frame(mosaic_for(target), frame)
    check(target, source, frames=(ICRS(), frame), step_y=37, step_x=5)


@pytest.mark.parametrize("frame", FRAMES, ids=["FK5", "FK5 J1975", "Galactic", "ecliptic"])
def test_target_in_another_frame(frame):
    check(in_frame(tangent(), frame), tangent(orient=-80.0), frames=(frame, ICRS()))


@pytest.mark.parametrize("frame", FRAMES[2:], ids=["Galactic", "ecliptic"])
def test_both_in_one_other_frame(frame):
    check(in_frame(tangent(), frame), in_frame(tangent(orient=-80.0), frame))


def test_an_equinox_of_2000_alone_is_no_frame():
    check(tangent(), tangent(radesys="", equinox=2000.0))


def test_fk4_has_no_closed_form():
    # Equinox 1975 without RADESYS is FK4 (FITS WCS Paper II, section 3.1), whose E-terms are no
    # rotation.
    sampled(tangent(), tangent(radesys="", equinox=1975.0), frames=(ICRS(), FK4(equinox="B1975")))


# ---- awkward headers -----------------------------------------------------------------------------


def test_declination_first():
    swapped = tangent((20.0, 10.0), ctype=("DEC--TAN", "RA---TAN"))
    check(swapped, tangent(orient=5.0))
    check(tangent(orient=5.0), swapped)
    check(swapped, swapped)


def linear_terms(kind):
    """The same linear terms written as CD, as PC and CDELT, or as CDELT and CROTA2; the last in
    arcsec too.
    """
    wcs = tangent(orient=0.0)
    turn = np.array([[0.8, 0.6], [-0.6, 0.8]])
    if kind == "CD":
        wcs.wcs.cd = np.diag([-1e-5, 1.2e-5]) @ turn
        return wcs
    linear = type(wcs)(naxis=2)
    linear.wcs.ctype, linear.wcs.crval, linear.wcs.crpix = (
        wcs.wcs.ctype,
        wcs.wcs.crval,
        wcs.wcs.crpix,
    )
    linear.wcs.radesys, linear.array_shape = "ICRS", wcs.array_shape
    linear.wcs.cdelt = [-1e-5, 1.2e-5]
    if kind == "CROTA2":
        # CROTA mixes the steps: PC1_2 = -sin * CDELT2 / CDELT1 (Paper II, section 6.1), so it is
        # not this PC.
        linear.wcs.crota = [0.0, 36.0]
    else:
        linear.wcs.pc = turn
    if kind == "arcsec":
        linear.wcs.cunit = ["arcsec", "arcsec"]
        linear.wcs.cdelt = [-0.036, 0.0432]
        linear.wcs.crval = [36000.0, 72000.0]
    return linear


@pytest.mark.parametrize("kind", ["CD", "PC", "CROTA2", "arcsec"])
def test_linear_terms_in_any_form(kind):
    one, other = linear_terms(kind), tangent(orient=5.0)
    # The oracle must know degrees: what it gets is set up by wcslib.
    one.wcs.set()
    check(one, other)
    check(other, one)
    if kind in ("PC", "arcsec"):
        reference = skyblot.pixel_map(linear_terms("CD"), other)
        ours = skyblot.pixel_map(linear_terms(kind), other)
        assert np.abs(np.subtract(ours, reference)).max() <= 2 * map_rounding(other)


def test_a_mirrored_image():
    check(tangent(sign=1), tangent(orient=5.0))


@pytest.mark.parametrize("orders", [(3, 2), (2, 5), (9, 9)])
def test_sip_of_any_order_about_its_own_pixel(orders):
    check(sip(tangent(), *orders), tangent(orient=3.0))


TABLES = {
    "usual": ((9, 11), (1.0, 1.0), (1.0, 1.0), (10.0, 10.0)),
    "one node": ((1, 1), (1.0, 1.0), (1.0, 1.0), (10.0, 10.0)),
    "one row": ((1, 5), (1.0, 1.0), (1.0, 1.0), (10.0, 10.0)),
    "one column": ((5, 1), (1.0, 1.0), (1.0, 1.0), (10.0, 10.0)),
    "four nodes": ((2, 2), (1.0, 1.0), (1.0, 1.0), (50.0, 50.0)),
    "off the pixels": ((5, 7), (2.5, 1.5), (30.2, 20.0), (7.3, 9.1)),
    "backwards": ((5, 7), (2.5, 1.5), (30.2, 20.0), (-7.3, -9.1)),
    "finer than pixels": ((200, 300), (1.0, 1.0), (1.0, 1.0), (0.37, 0.41)),
    "beside the image": ((4, 4), (1.0, 1.0), (500.0, -500.0), (10.0, 10.0)),
}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    "names", [("cpdis1",), ("cpdis2",), ("det2im1",), ("det2im2",), ("cpdis2", "det2im1")]
)
def test_tables_of_any_shape_on_any_axis(table, names):
    shape, *place = TABLES[table]
    rng = np.random.default_rng(1)
    target = sip(tangent())
    for name in names:
        values = (0.03 * place[2][0] * rng.normal(size=shape)).astype(np.float32)
        setattr(target, name, DistortionLookupTable(values, *place))
    check(target, tangent(orient=3.0))


@pytest.mark.parametrize("amplitude", [0.3, 1.0, 5.0])
def test_a_detector_table_that_folds_the_rows(amplitude):
    # Steps between nodes of more than their distance: positions along a row go back and forth.
    target = tangent()
    for name, size, shape, step in (
        ("det2im1", amplitude, (40, 50), 2.0),
        ("cpdis1", 0.3, (9, 11), 10.0),
    ):
        values = (size * np.random.default_rng(3).normal(size=shape)).astype(np.float32)
        setattr(target, name, DistortionLookupTable(values, (1.0, 1.0), (1.0, 1.0), (step, step)))
    if amplitude < 0.5:
        check(target, tangent(orient=3.0))
    else:
        sampled(target, tangent(orient=3.0))


def test_the_rotation_oracle_is_a_rotation():
    for frame in FRAMES:
        matrix = rotation_between((ICRS(), frame))
        np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), rtol=0, atol=1e-14)
