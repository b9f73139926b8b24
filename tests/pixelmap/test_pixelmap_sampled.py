"""The pixel map: where there is no closed form."""

import logging

import numpy as np
import pytest
from astropy.coordinates import ICRS, Galactic
from builders import gwcs_like, sky_image, tangent
from map_checks import in_frame, sampled
from oracles import astropy_map, local_peak, pixel_grid, tolerance

import skyblot
from skyblot.pixelmap import plan_map
from skyblot.pixelmap.fits_exact import TangentMap
from skyblot.pixelmap.sampled import BilinearMap

# ---- where there is no closed form ---------------------------------------------------------------


def shifted_origin(parameters):
    wcs = tangent()
    wcs.wcs.set_pv(parameters)
    wcs.wcs.set()
    return wcs


@pytest.mark.parametrize(
    "parameters", [[(1, 1, 10.0), (1, 2, 80.0)], [(1, 0, 1.0), (1, 1, 10.0), (1, 2, 80.0)]]
)
def test_an_odd_header_has_no_closed_form(parameters, caplog):
    odd = shifted_origin(parameters)  # TAN about another point of the native sphere
    for target, source in ((tangent(), odd), (odd, tangent())):
        caplog.clear()
        with caplog.at_level(logging.DEBUG, logger="skyblot"):
            plan = plan_map(target, source, target.array_shape, None, 1e-4)
        assert not isinstance(plan, TangentMap)
        assert "closed form of the pixel map is off by" in caplog.text
        sampled(target, source)


@pytest.mark.parametrize("projection", ["CAR", "ZEA", "SIN", "STG"])
def test_other_projections(projection):
    other = tangent(ctype=(f"RA---{projection}", f"DEC--{projection}"))
    sampled(tangent(orient=5.0), other)
    sampled(other, tangent(orient=5.0))
    sampled(other, other)


def test_tpv_on_either_side():
    # To wcslib TPV is TAN with a distortion of its own, which `has_distortion` does not tell.
    tpv = tangent(ctype=("RA---TPV", "DEC--TPV"), orient=7.0)
    tpv.wcs.set_pv([(1, 0, 0.0), (1, 1, 1.0), (1, 4, 2.0), (2, 0, 0.0), (2, 1, 1.0), (2, 4, -3.0)])
    tpv.wcs.set()
    sampled(tpv, tangent())
    sampled(tangent(), tpv)


def test_threads_do_not_change_a_sampled_map():
    target, source = tangent(shape=(700, 100)), tangent(ctype=("RA---CAR", "DEC--CAR"))
    sampled(target, source)  # several bands
    one = skyblot.pixel_map(target, source, threads=1)
    for threads in (2, 5):
        assert np.array_equal(skyblot.pixel_map(target, source, threads=threads), one)


# ---- gwcs ----------------------------------------------------------------------------------------


def test_gwcs_target_onto_a_fits_source():
    fits_target, source = tangent(), tangent(orient=5.0)
    target = gwcs_like(fits_target)
    x, y = skyblot.pixel_map(target, source)
    expected = np.reshape(astropy_map(fits_target, source, *pixel_grid((80, 100))), (2, 80, 100))
    # Two libraries, each rounding degrees: the box of astropy's error is theirs too.
    allowed = 2 * tolerance("map, astropy")
    np.testing.assert_allclose(np.stack([x, y])[:, 10:], expected[:, 10:], rtol=0, atol=allowed)
    # Rows 0 to 9 lie outside the bounding box.
    assert np.isnan(x[:10]).all()
    assert np.isnan(y[:10]).all()
    image = sky_image((80, 100))
    blot = skyblot.blot(image, source, target, fill_value=-7.0)
    plain = skyblot.blot(image, source, fits_target, fill_value=-7.0)
    assert (blot[:10] == -7.0).all()
    peak = np.maximum(local_peak(image, x[10:], y[10:]), 1.0)
    # 2e-8 pixel of at most some peaks per pixel, and 4 ulp.
    assert (np.abs(blot[10:] - plain[10:]) <= (4 * 2.0**-23 + 1e-6) * peak).all()


def test_fits_target_onto_a_gwcs_source_in_another_frame():
    fits_source, target = tangent(orient=5.0), in_frame(tangent(), Galactic())
    source = gwcs_like(fits_source, bounded=False)
    x, y = skyblot.pixel_map(target, source)
    expected = astropy_map(target, fits_source, *pixel_grid((80, 100)), (Galactic(), ICRS()))
    np.testing.assert_allclose(
        [x.ravel(), y.ravel()], expected, rtol=0, atol=3 * tolerance("map, astropy")
    )


@pytest.mark.parametrize("column0", [0, 1, 15, 16, 100, 321])
def test_a_part_of_a_sampled_map_has_the_bits_of_all(column0):
    class Parabola:
        def at(self, x, y):
            return x + 1e-5 * x * x, y - 1e-5 * x * y

    grid = BilinearMap(Parabola(), (210, 330), 16)
    whole = np.empty((2, 9, 330))
    grid.rows(40, *whole)
    part = np.empty((2, 9, min(9, 330 - column0)))
    grid.rows(40, *part, column0)
    np.testing.assert_array_equal(part, whole[..., column0 : column0 + part.shape[2]])
