"""The pixel map onto a source with distortion: Newton's inverse of SIP, D2IM and CPDIS."""

import logging

import numpy as np
import pytest
from astropy.wcs import DistortionLookupTable, Sip
from builders import mosaic_for, tangent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from map_checks import sampled, sip
from oracles import map_rounding, pixel_grid, tolerance, true_map

import skyblot
from skyblot.pixelmap import plan_map
from skyblot.pixelmap.fits_exact import TangentMap
from skyblot.pixelmap.linear import undistorted

HEADERS = ["uvis1", "uvis2", "ir", "hrc", "nircam"]

#: What one step of Newton's method may leave (`inverse.LEFT_PIXELS`), and as much for the estimate
#: of the second derivative.
LEFT = 1e-9


def closed(target, source, shape=None, **more):
    """The plan, which must be the closed form."""
    plan = plan_map(target, source, shape or target.array_shape, None, 1e-4, **more)
    assert isinstance(plan, TangentMap)
    return plan


def touches(x, y, shape, reach=0.5):
    """Whether positions lie on an image, or within some pixels of it."""
    ny, nx = shape
    near_x = (x >= -reach) & (x <= nx - 1 + reach)
    return near_x & (y >= -reach) & (y <= ny - 1 + reach)


def astropy_pixels(target, source, x, y):
    """Astropy's inverse at its own limit."""
    world = target.all_pix2world(x, y, 0)
    return np.stack(source.all_world2pix(*world, 0, tolerance=1e-12, maxiter=200, quiet=True))


def check_inverse(target, source, step_y=1, step_x=1):
    """Compare a map with astropy, and with the truth by way of the distortion: no inverse there.

    Return what part of the target's pixels lies on the source.
    """
    closed(target, source)
    x, y = pixel_grid(target.array_shape, step_y, step_x)
    ours = np.stack([each[y, x] for each in skyblot.pixel_map(target, source)])
    truth = np.stack(true_map(target, source, x, y)).astype(float)
    there = np.isfinite(ours[0])
    back = np.stack(source.pix2foc(*ours[:, there], 0))
    assert np.abs(back - truth[:, there]).max() <= map_rounding(source) + LEFT
    on = touches(*ours, source.array_shape)
    theirs = astropy_pixels(target, source, x[on], y[on])
    # HRC's pixels are so small that astropy's degrees are the limit: two roundings of 360 degrees.
    scale = np.sqrt(abs(np.linalg.det(source.pixel_scale_matrix)))
    allowed = max(tolerance("map, astropy"), 2 * np.spacing(360.0) / scale)
    assert np.abs(ours[:, on] - theirs).max() <= allowed
    return on.mean()


def exposure_beside(wcs, turn=0.5):
    """The same detector, pointed some ten pixels away and rolled by some degrees."""
    other = wcs.deepcopy()
    cos = np.cos(np.radians(turn))
    sin = np.sin(np.radians(turn))
    other.wcs.cd = wcs.wcs.cd @ np.array([[cos, -sin], [sin, cos]])
    scale = np.sqrt(abs(np.linalg.det(wcs.pixel_scale_matrix)))
    other.wcs.crval = wcs.wcs.crval + scale * np.array([40.3, -25.7])
    other.wcs.set()
    return other


def table_for(values, step, first=1.0):
    """A look-up table whose nodes are some pixels apart."""
    return DistortionLookupTable(values.astype(np.float32), (1, 1), (first, first), (step, step))


# ---- real headers ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", HEADERS)
def test_a_mosaic_onto_a_real_exposure(real_wcs, name):
    source = real_wcs(name)
    ny, nx = source.array_shape
    grid = mosaic_for(source, origin=(0.4 * nx, 0.6 * ny))
    assert check_inverse(grid, source, step_y=11, step_x=3) > 0.5


@pytest.mark.parametrize("name", HEADERS)
@pytest.mark.parametrize("turn", [0.0, 0.5, 90.0])
def test_one_real_exposure_onto_another(real_wcs, name, turn):
    source = real_wcs(name)
    target = exposure_beside(source, turn)
    assert check_inverse(target, source, step_y=23, step_x=5) > 0.4


@pytest.mark.parametrize("name", HEADERS)
def test_a_real_exposure_onto_a_mosaic_with_sip(real_wcs, name):
    target = real_wcs(name)
    ny, nx = target.array_shape
    mosaic = mosaic_for(target, origin=(0.4 * nx, 0.6 * ny))
    terms = np.zeros((2, 4, 4))
    terms[:, 2, 0] = 2e-6, -1e-6
    terms[:, 1, 1] = -3e-6, 2e-6
    terms[:, 0, 3] = 1e-10, 2e-10
    mosaic.sip = Sip(*terms, None, None, mosaic.wcs.crpix)
    assert check_inverse(target, mosaic, step_y=23, step_x=5) > 0.5


@pytest.mark.parametrize("name", HEADERS)
def test_no_pixel_of_a_real_detector_is_lost(real_wcs, name):
    source = real_wcs(name)
    ny, nx = source.array_shape
    plan = closed(undistorted(source), source)
    y, x = (each.ravel() for each in np.mgrid[-0.5 : ny - 0.5 : 97j, -0.5 : nx - 0.5 : 89j])
    back = plan.at(*source.pix2foc(x, y, 0))
    np.testing.assert_allclose(back, [x, y], rtol=0, atol=LEFT + map_rounding(source))


def test_other_frames_and_axes(real_wcs):
    source = sip(tangent(orient=7.0, shape=(80, 100)), 3, 3)
    swapped = tangent((20.0, 10.0), ctype=("DEC--TAN", "RA---TAN"))
    plan = closed(swapped, source)
    x = np.full((80, 100), np.nan)
    y = x.copy()
    plan.rows(0, x, y)
    lat, lon = swapped.all_pix2world(*pixel_grid((80, 100)), 0)
    world = source.all_pix2world(x.ravel(), y.ravel(), 0)
    there = np.isfinite(x.ravel())
    assert there.mean() > 0.5
    apart = (np.stack(world) - [lon, lat])[:, there]
    assert np.abs(apart).max() <= 1e-8 * 1e-5  # 1e-8 pixel, in degrees


# ---- the same, however it is asked ----------------------------------------------------------


@pytest.mark.parametrize("name", ["uvis1", "hrc"])
def test_neither_bands_nor_threads_change_a_bit(real_wcs, name):
    source = real_wcs(name)
    target = mosaic_for(source)
    target.array_shape = (150, 700)
    plan = closed(target, source, source_shape=source.array_shape)
    whole = np.empty((2, 150, 700))
    plan.rows(0, *whole)
    for height in (1, 7, 64):
        for row0 in range(0, 150, height):
            part = np.empty((2, min(height, 150 - row0), 700))
            plan.rows(row0, *part)
            assert np.array_equal(part, whole[:, row0 : row0 + height], equal_nan=True)
    for threads in (1, 2, 5):
        again = skyblot.pixel_map(target, source, threads=threads)
        assert np.array_equal(again, whole, equal_nan=True)


def test_a_part_of_a_target_has_the_positions_of_the_whole(real_wcs):
    source = real_wcs("hrc")
    target = mosaic_for(source)
    whole = skyblot.pixel_map(target, source)
    part = np.empty((2, 60, 50))
    closed(target, source, (60, 50), origin=(300.0, 200.0)).rows(0, *part)
    expected = np.stack(whole)[:, 200:260, 300:350]
    np.testing.assert_allclose(part, expected, rtol=0, atol=LEFT, equal_nan=True)


# ---- outside, and folds ---------------------------------------------------------------------


def folded(amount=1 / (3 * 150.0**2), shape=(200, 200)):
    """A distortion ``u - amount u^3`` along each axis, about the middle: it folds at 150 pixels."""
    source = tangent(orient=0.0, crpix=(100.5, 100.5), shape=shape, sign=1)
    terms = np.zeros((2, 4, 4))
    terms[0, 3, 0] = -amount
    terms[1, 0, 3] = -amount
    source.sip = Sip(*terms, None, None, (100.5, 100.5))
    return source, amount


def test_what_lies_beyond_a_fold_is_not_on_the_detector():
    source, amount = folded()
    target = tangent(orient=0.0, crpix=(500.5, 500.5), shape=(1000, 1000), sign=1)
    x, y = skyblot.pixel_map(target, source)
    # Along each axis by itself: the root of the cubic between the folds, at up to 150 pixels.
    offset = np.arange(1000) - 499.5
    inside = np.abs(offset) < 100.0  # the undistorted fold
    roots = np.full(1000, np.nan)
    for k in np.flatnonzero(inside):
        every = np.roots([-amount, 0.0, 1.0, -offset[k]])
        real = every[np.abs(every.imag) < 1e-6].real
        roots[k] = real[np.argmin(np.abs(real))]
    expected_x, expected_y = np.meshgrid(roots + 99.5, roots + 99.5)
    on = touches(expected_x, expected_y, (200, 200))
    assert on.sum() > 20000
    np.testing.assert_allclose(x[on], expected_x[on], rtol=0, atol=1e-9)
    np.testing.assert_allclose(y[on], expected_y[on], rtol=0, atol=1e-9)
    assert not touches(x[~on], y[~on], (200, 200)).any()
    # Astropy's iteration finds places on the detector for some of them.
    finite = np.isfinite(x)
    back = source.pix2foc(x[finite], y[finite], 0)
    where = np.nonzero(finite)
    np.testing.assert_allclose(back[0] - 99.5, offset[where[1]], rtol=0, atol=1e-8)
    np.testing.assert_allclose(back[1] - 99.5, offset[where[0]], rtol=0, atol=1e-8)


def test_a_detector_that_is_folded_has_no_closed_form(caplog):
    source, _ = folded(1 / (3 * 80.0**2))
    with caplog.at_level(logging.DEBUG, logger="skyblot"):
        plan = plan_map(tangent(), source, (80, 100), None, 1e-4)
    assert not isinstance(plan, TangentMap)
    assert "inverse of the distortion is off by" in caplog.text


def test_behind_the_tangent_plane_and_far_away_there_is_nothing(real_wcs):
    source = real_wcs("ir")
    lon, lat = source.wcs.crval
    for crval in ((lon + 180.0, -lat), (lon, lat + 1.0)):
        target = tangent(crval, 3e-5)
        assert np.isnan(skyblot.pixel_map(target, source)).all()


@pytest.mark.parametrize("name", ["uvis1", "ir"])
def test_outside_of_a_real_detector_positions_are_outside(real_wcs, name):
    source = real_wcs(name)
    ny, nx = source.array_shape
    wide = mosaic_for(source, origin=(0.5 * nx, 0.5 * ny), scale=4.0)
    x, y = pixel_grid(wide.array_shape, 7, 7)
    ours = np.stack([each[y, x] for each in skyblot.pixel_map(wide, source)])
    there = np.isfinite(ours[0])
    truth = np.stack(true_map(wide, source, x, y)).astype(float)
    back = np.stack(source.pix2foc(*ours[:, there], 0))
    assert np.abs(back - truth[:, there]).max() <= map_rounding(source) + LEFT
    # Pixels are 16 times as large as the detector's: so many fall on it, but for its border.
    assert 0.95 < 16 * touches(*ours, (ny, nx)).mean() < 1.05


# ---- awkward headers ------------------------------------------------------------------------


def with_tables(names=("cpdis1", "cpdis2", "det2im1", "det2im2"), size=0.3, step=16.0):
    source = sip(tangent(orient=7.0))
    for number, name in enumerate(names):
        values = size * np.random.default_rng(number).uniform(-1, 1, (7, 9))
        setattr(source, name, table_for(values, step))
    return source


PAIRS = [("cpdis1", "cpdis2"), ("det2im1", "det2im2"), ("cpdis1", "det2im1")]


@pytest.mark.parametrize("names", [("cpdis1",), ("det2im2",), *PAIRS])
def test_tables_alone_and_in_pairs(names):
    check_inverse(tangent(), with_tables(names))


def test_tables_that_run_backwards():
    source = tangent(orient=7.0)
    values = np.random.default_rng(5).uniform(-0.3, 0.3, (7, 9))
    source.cpdis1 = table_for(values, -16.0, first=120.0)
    check_inverse(tangent(), source)


@pytest.mark.parametrize("size", [1, 2])
def test_a_table_of_a_node_or_two(size):
    source = tangent(orient=7.0)
    source.cpdis2 = table_for(np.linspace(0.1, 0.3, size * size).reshape(size, size), 50.0)
    check_inverse(tangent(), source)


def test_steep_tables_have_no_closed_form():
    source = tangent(orient=7.0)
    source.cpdis1 = table_for(np.random.default_rng(1).uniform(-2, 2, (60, 60)), 2.0)
    assert not isinstance(plan_map(tangent(), source, (80, 100), None, 1e-4), TangentMap)


def test_a_pair_of_tables_with_other_nodes_has_no_closed_form():
    source = tangent(orient=7.0)
    source.cpdis1 = table_for(np.full((4, 4), 0.3), 30.0)
    source.cpdis2 = table_for(np.full((5, 4), 0.3), 30.0)
    sampled(tangent(), source)


def test_a_source_without_a_shape_has_no_closed_form():
    source = sip(tangent(orient=7.0))
    source.pixel_shape = None
    sampled(tangent(), source)
    closed(tangent(), source, source_shape=(80, 100))


def test_the_image_and_not_its_header_says_how_large_the_source_is():
    source = sip(tangent(orient=7.0))
    blot = skyblot.blot(np.ones((80, 100), np.float32), source, tangent())
    source.pixel_shape = (10, 10)
    again = skyblot.blot(np.ones((80, 100), np.float32), source, tangent())
    assert np.array_equal(blot, again)
    assert blot.mean() > 0.5


def test_a_step_reaches_the_edge_of_a_distorted_source():
    # Nodes may lie hundreds of pixels outside of the source.
    source = tangent(orient=0.0, shape=(300, 300), crpix=(150.5, 150.5))
    terms = np.zeros((2, 3, 3))
    terms[:, 2, 0] = 1e-5
    source.sip = Sip(*terms, None, None, (150.5, 150.5))
    target = tangent(orient=0.0, shape=(900, 900), crpix=(450.5, 450.5))
    exact = np.stack(skyblot.pixel_map(target, source))
    ours = np.stack(skyblot.pixel_map(target, source, stepsize=300))
    on = touches(*exact, (300, 300))
    # Half the second derivative, 1e-5, times the square of 150 pixels, and as much for the inverse.
    assert np.abs(ours - exact)[:, on].max() <= 0.5


def test_terms_that_are_no_numbers_have_no_closed_form():
    source = tangent(orient=7.0)
    terms = np.zeros((2, 3, 3))
    terms[0, 2, 0] = np.nan
    source.sip = Sip(*terms, None, None, (50.0, 40.0))
    with pytest.warns(RuntimeWarning, match="All-NaN"):  # of the WCS library
        assert np.isnan(skyblot.pixel_map(tangent(), source)).all()


# ---- anything plausible ---------------------------------------------------------------------


SLOW = [HealthCheck.too_slow]


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=SLOW)
@given(
    order=st.integers(2, 5),
    terms=st.lists(st.floats(-1, 1), min_size=72, max_size=72),
    percent=st.floats(0.01, 4.0),
    centre=st.tuples(st.floats(-50, 350), st.floats(-50, 350)),
    offsets=st.floats(0.0, 0.1),
    orient=st.floats(-180, 180),
    seed=st.integers(0, 99),
)
def test_any_plausible_distortion(order, terms, percent, centre, offsets, orient, seed):
    """Every pixel of the image is found again, and everything found leads back."""
    shape = (260, 300)
    source = tangent(orient=orient, crpix=centre, shape=shape)
    p, q = np.indices((order + 1, order + 1))
    # Each term is `percent` of 400 pixels, at most, at 400 pixels from the reference pixel.
    size = np.where((p + q >= 2) & (p + q <= order), percent / 100 * 400.0 ** (1.0 - p - q), 0.0)
    count = (order + 1) ** 2
    a, b = (np.reshape(terms[k * 36 : k * 36 + count], p.shape) * size for k in (0, 1))
    source.sip = Sip(a / count * 9, b / count * 9, None, None, centre)
    random = np.random.default_rng(seed)
    for name in ("cpdis1", "cpdis2", "det2im1", "det2im2"):
        setattr(source, name, table_for(offsets * random.uniform(-1, 1, (9, 11)), 32.0))
    source.wcs.set()
    plain = undistorted(source)
    plan = closed(plain, source)
    y, x = (each.ravel() for each in np.mgrid[-0.5:259.5:23j, -0.5:299.5:19j])
    rounding = 2 * LEFT + map_rounding(source)
    np.testing.assert_allclose(plan.at(*source.pix2foc(x, y, 0)), [x, y], rtol=0, atol=rounding)
    rows = np.empty((2, *shape))
    plan.rows(0, *rows)
    y, x = np.mgrid[:260, :300]
    there = np.isfinite(rows[0])
    back = np.stack(source.pix2foc(*rows[:, there], 0))
    assert np.abs(back - [x[there], y[there]]).max(initial=0.0) <= rounding
