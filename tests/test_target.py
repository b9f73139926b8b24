"""The target of a blot: the reference's WCS without its distortion, or with the user's values."""

import numpy as np
import pytest
from astropy.wcs import WCS
from gwcs_files import exposure_gwcs
from samples import tan_header

from skyblot.errors import ParameterError
from skyblot.parameters.table import Parameters, UserWCS
from skyblot.pixelmap.linear import pixel_scale, undistorted
from skyblot.resampling.target import plan_target, user_wcs

SHAPE = (20, 24)


def tpv_wcs():
    """A TAN image behind a quadratic distortion, written as TPV."""
    wcs = WCS(
        tan_header(SHAPE, CTYPE1="RA---TPV", CTYPE2="DEC--TPV", PV1_1=1.0, PV1_4=500.0, PV2_1=1.0)
    )
    wcs.array_shape = SHAPE
    return wcs


def test_undistorted_tpv_is_the_tan_image_with_its_linear_terms():
    x, y = np.meshgrid(np.arange(24.0), np.arange(20.0))
    plain = WCS(tan_header(SHAPE))
    distorted, linear = tpv_wcs(), undistorted(tpv_wcs())
    assert (
        np.abs(np.subtract(distorted.all_pix2world(x, y, 0), plain.all_pix2world(x, y, 0))).max()
        > 1e-7
    )
    np.testing.assert_allclose(
        linear.all_pix2world(x, y, 0), plain.all_pix2world(x, y, 0), rtol=0, atol=1e-12
    )
    assert list(linear.wcs.ctype) == ["RA---TAN", "DEC--TAN"]
    assert linear.array_shape == SHAPE


def test_undistorted_leaves_the_callers_wcs_alone():
    wcs = tpv_wcs()
    before = wcs.to_header_string()
    undistorted(wcs)
    assert wcs.to_header_string() == before


@pytest.mark.parametrize("orient", [-170.0, -30.0, 0.0, 45.0, 120.0])
def test_orient_is_the_position_angle_of_the_y_axis(orient):
    wcs = user_wcs(tpv_wcs(), UserWCS(outscale=0.1, orient=orient, raref=40.0, decref=0.0))
    x, y = wcs.wcs.crpix - 1
    (ra0, dec0), (ra1, dec1) = wcs.all_pix2world([[x, y], [x, y + 1]], 0)
    assert np.degrees(np.arctan2(ra1 - ra0, dec1 - dec0)) == pytest.approx(orient, abs=1e-6)
    assert pixel_scale(wcs) == pytest.approx(0.1, rel=1e-12)


def test_a_value_that_is_not_given_is_the_references():
    wcs = tpv_wcs()
    target = plan_target(wcs, SHAPE, None, Parameters(user_wcs=UserWCS(outnx=30)))
    assert target.shape == (20, 30)
    np.testing.assert_array_equal(target.wcs.wcs.crval, wcs.wcs.crval)
    np.testing.assert_array_equal(target.wcs.wcs.crpix, wcs.wcs.crpix)
    assert target.scale == pytest.approx(pixel_scale(wcs), rel=1e-12)


def test_a_gwcs_is_a_target_as_it_is_and_its_tangent_without_distortion():
    wcs = exposure_gwcs(SHAPE)
    x, y = (np.array(SHAPE)[::-1] - 1) / 2
    target = plan_target(wcs, SHAPE, None, Parameters())
    assert (target.wcs, target.shape, target.altered) == (wcs, SHAPE, False)
    assert target.scale == pytest.approx(pixel_scale(undistorted(wcs)), rel=1e-9)
    linear = plan_target(wcs, SHAPE, None, Parameters(coeffs=False))
    assert linear.altered
    np.testing.assert_allclose(linear.wcs.all_pix2world(x, y, 0), wcs(x, y), rtol=0, atol=1e-12)
    assert linear.scale == target.scale


def test_user_values_replace_those_of_a_gwcs():
    target = plan_target(
        exposure_gwcs(SHAPE), SHAPE, None, Parameters(user_wcs=UserWCS(outscale=0.07, outny=9))
    )
    assert (target.shape, target.scale) == ((9, SHAPE[1]), pytest.approx(0.07, rel=1e-12))


def test_user_values_need_right_ascension_first():
    wcs = WCS(tan_header(SHAPE, CTYPE1="DEC--TAN", CTYPE2="RA---TAN"))
    with pytest.raises(ParameterError, match="right ascension first"):
        user_wcs(wcs, UserWCS(outscale=0.1))
