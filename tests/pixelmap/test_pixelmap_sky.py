"""The pixel map: exact anywhere on the sky."""

import numpy as np
import pytest
from astropy.wcs import Sip
from builders import tangent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from map_checks import check
from oracles import astropy_map, map_rounding, pixel_grid, true_map

import skyblot
from skyblot.pixelmap import plan_map
from skyblot.pixelmap.fits_exact import TangentMap

# ---- awkward places on the sky -------------------------------------------------------------------


@pytest.mark.parametrize("dec", [89.999, 89.9999999, 90.0, -89.99, -90.0])
@pytest.mark.parametrize("ra", [10.0, 200.0])
def test_poles(dec, ra):
    check(tangent((10.0, dec)), tangent((ra, dec), orient=5.0))


@pytest.mark.parametrize(
    ("target", "source"),
    [(359.9999, 0.0002), (0.0001, 360.0002), (0.0001, -0.0002), (0.0, 360.0), (360.0, 0.0)],
)
def test_right_ascension_zero(target, source):
    check(tangent((target, 20.0)), tangent((source, 20.0), orient=5.0))


def test_longitude_of_the_pole():
    check(tangent(lonpole=33.0), tangent(orient=5.0, lonpole=-50.0))
    check(tangent((10.0, 90.0), lonpole=0.0), tangent((30.0, 90.0), lonpole=77.0))
    check(tangent(), tangent(lonpole=90.0, latpole=10.0))
    moved = tangent()
    moved.wcs.set_pv([(1, 3, 123.0)])  # PVi_3 of the longitude axis is another LONPOLE
    check(tangent(), moved)


@pytest.mark.parametrize("crval", [(190.0, -20.0), (10.0, -80.0), (170.0, 5.0)])
def test_behind_the_tangent_plane_there_is_nothing(crval):
    target, source = tangent(), tangent(crval)
    assert isinstance(plan_map(target, source, (80, 100), None, 1e-4), TangentMap)
    for each in skyblot.pixel_map(target, source):
        assert np.isnan(each).all()
    blot = skyblot.blot(np.ones((80, 100), np.float32), source, target, fill_value=-5.0)
    assert (blot == -5.0).all()


def test_across_the_edge_of_the_half_sphere():
    # The middle of the target is 90 degrees from the source's tangent point: half of it is behind.
    target, source = tangent((10.0, 0.0), 1e-3), tangent((100.0, 0.0), 1e-3)
    x, y = pixel_grid(target.array_shape)
    expected = np.stack(astropy_map(target, source, x, y))
    assert 0.3 < np.isnan(expected).mean() < 0.7
    ours = np.stack([each[y, x] for each in skyblot.pixel_map(target, source)])
    # Within a pixel or two of the edge positions are 1e5 pixels and more, and rounding decides the
    # side.
    certain = np.abs(np.nan_to_num(expected, nan=0.0)).max(axis=0) < 1e9
    assert np.array_equal(np.isnan(ours)[:, certain], np.isnan(expected)[:, certain])


# ---- anywhere ------------------------------------------------------------------------------------


# Tangent points anywhere, targets within some thousand pixels of each other's, distortion of up to
# pixels.
SIDES = st.fixed_dictionaries(
    {
        "orient": st.floats(-180, 180),
        "sign": st.sampled_from([-1, 1]),
        "crpix": st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
        "shape": st.just((24, 30)),
        "lonpole": st.sampled_from([180.0, 0.0, 77.0]),
    }
)


@settings(
    max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
@given(
    ra=st.floats(0, 360),
    dec=st.one_of(st.floats(-90, 90), st.sampled_from([-90.0, 90.0])),
    offset=st.tuples(st.floats(-3000, 3000), st.floats(-3000, 3000)),
    log_scale=st.floats(-5.5, -3.0),
    sides=st.tuples(SIDES, SIDES),
    terms=st.lists(st.floats(-1, 1), min_size=32, max_size=32),
)
def test_any_tan_pair(ra, dec, offset, log_scale, sides, terms):
    scale = 10.0**log_scale
    target = tangent((ra, dec), scale, **sides[0])
    there = tangent((ra, dec), scale).wcs_pix2world(*offset, 0)
    source = tangent([float(value) for value in there], 0.8 * scale, **sides[1])
    p, q = np.indices((4, 4))
    size = np.where((p + q >= 2) & (p + q <= 3), 3.0 * 600.0 ** -(p + q).astype(float), 0.0)
    values = np.reshape(terms, (2, 4, 4)) * size
    target.sip = Sip(values[0], values[1], None, None, (10.0, 20.0))
    target.wcs.set()
    source.wcs.set()
    x, y = pixel_grid(target.array_shape)
    ours = np.stack([each.ravel() for each in skyblot.pixel_map(target, source)])
    truth = np.stack(true_map(target, source, x, y))
    # Far from the tangent point the plane is stretched by 1 / cos**2, and positions have their own
    # rounding.
    reach = np.radians(np.hypot(*(truth - np.array(source.wcs.crpix)[:, None])).max() * 0.8 * scale)
    allowed = map_rounding(source) * (1 + reach**2) ** 2 + 8 * np.spacing(
        float(np.abs(truth).max())
    )
    assert np.abs(ours - truth).max() <= allowed
