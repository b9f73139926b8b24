"""The pixel map: exact against astropy and against the same geometry in extended precision."""

import logging

import numpy as np
import pytest
from astropy.coordinates import FK4, FK5, ICRS, BarycentricMeanEcliptic, Galactic, SkyCoord
from astropy.wcs import DistortionLookupTable, Sip
from builders import blot_at, demo_pair, gwcs_like, mosaic_for, sky_image, tangent
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracles import (
    assert_map,
    astropy_map,
    local_peak,
    map_rounding,
    pixel_grid,
    rotation_between,
    tolerance,
    true_map,
)

import skyblot
from skyblot.pixelmap import plan_map
from skyblot.pixelmap.direct import DirectMap
from skyblot.pixelmap.fits_exact import TangentMap
from skyblot.pixelmap.linear import undistorted
from skyblot.pixelmap.sky import sky_of

HEADERS = ["uvis1", "uvis2", "ir", "hrc", "nircam"]


def check(target, source, *, frames=None, step_y=1, step_x=1):
    """Compare `pixel_map` with the oracles; it must be the closed form."""
    shape = target.array_shape
    assert isinstance(plan_map(target, source, shape, None, 1e-4), TangentMap)
    x, y = pixel_grid(shape, step_y, step_x)
    ours = [each[y, x] for each in skyblot.pixel_map(target, source)]
    return assert_map(ours, target, source, x, y, frames)


# ---- real headers at full size --------------------------------------------------------------------------


@pytest.mark.parametrize("name", HEADERS)
def test_every_pixel_of_a_real_detector(real_wcs, name):
    """Measured: astropy within 9.6e-9, 8.0e-9 (UVIS), 2.3e-9 (IR), 1.1e-8 (HRC), 2.6e-9 (NIRCam).

    And within 5e-10 of the truth.

    HRC is where astropy's own rounding is the limit: 0.025 arcsec pixels at declination -72. It is 1.1e-8
    from the truth there, ours 2e-11.
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


def in_frame(wcs, frame):
    """An ICRS WCS with its pixels and orientation, moved to another frame (its tangent point stays)."""
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


FRAMES = [FK5(equinox="J2000"), FK5(equinox="J1975"), Galactic(), BarycentricMeanEcliptic(equinox="J2000")]


@pytest.mark.parametrize("frame", FRAMES, ids=["FK5", "FK5 J1975", "Galactic", "ecliptic"])
@pytest.mark.parametrize("name", HEADERS)
def test_source_in_another_frame(real_wcs, name, frame):
    """Measured: within 1.3e-8 of astropy, whose own distance from the truth is 1.1e-8; ours 2.6e-9.

    astropy.coordinates returns degrees too: one more rounding to an ulp of 360 degrees, 5e-9 pixel of 0.04 arcsec.
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


def test_the_frame_is_known_from_the_equinox_alone():
    check(tangent(), tangent(radesys="", equinox=2000.0), frames=(ICRS(), FK5(equinox="J2000")))


def test_fk4_has_no_closed_form():
    # Equinox 1975 without RADESYS is FK4 (FITS WCS Paper II, section 3.1), whose E-terms are no rotation.
    sampled(tangent(), tangent(radesys="", equinox=1975.0), frames=(ICRS(), FK4(equinox="B1975")))


# ---- awkward places on the sky --------------------------------------------------------------------------


@pytest.mark.parametrize("dec", [89.999, 89.9999999, 90.0, -89.99, -90.0])
@pytest.mark.parametrize("ra", [10.0, 200.0])
def test_poles(dec, ra):
    check(tangent((10.0, dec)), tangent((ra, dec), orient=5.0))


@pytest.mark.parametrize(
    ("target", "source"), [(359.9999, 0.0002), (0.0001, 360.0002), (0.0001, -0.0002), (0.0, 360.0), (360.0, 0.0)]
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
    # Within a pixel or two of the edge positions are 1e5 pixels and more, and rounding decides the side.
    certain = np.abs(np.nan_to_num(expected, nan=0.0)).max(axis=0) < 1e9
    assert np.array_equal(np.isnan(ours)[:, certain], np.isnan(expected)[:, certain])


# ---- awkward headers ------------------------------------------------------------------------------------


def test_declination_first():
    swapped = tangent((20.0, 10.0), ctype=("DEC--TAN", "RA---TAN"))
    check(swapped, tangent(orient=5.0))
    check(tangent(orient=5.0), swapped)
    check(swapped, swapped)


def linear_terms(kind):
    """The same linear terms written as CD, as PC and CDELT, or as CDELT and CROTA2; the last in arcsec too."""
    wcs = tangent(orient=0.0)
    turn = np.array([[0.8, 0.6], [-0.6, 0.8]])
    if kind == "CD":
        wcs.wcs.cd = np.diag([-1e-5, 1.2e-5]) @ turn
        return wcs
    linear = type(wcs)(naxis=2)
    linear.wcs.ctype, linear.wcs.crval, linear.wcs.crpix = wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix
    linear.wcs.radesys, linear.array_shape = "ICRS", wcs.array_shape
    linear.wcs.cdelt = [-1e-5, 1.2e-5]
    if kind == "CROTA2":
        # CROTA mixes the steps: PC1_2 = -sin * CDELT2 / CDELT1 (Paper II, section 6.1), so it is not this PC.
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


def sip(target, order_a=3, order_b=2, crpix=(40.0, 30.0)):
    """Add a distortion of some pixels; the two orders and the reference pixel differ from the usual ones."""
    rng = np.random.default_rng(7)
    terms = []
    for order in (order_a, order_b):
        p, q = np.indices((order + 1, order + 1))
        size = np.where((p + q >= 2) & (p + q <= order), 2.0 * 60.0 ** -(p + q).astype(float), 0.0)
        terms.append(size * rng.uniform(-1, 1, p.shape))
    target.sip = Sip(*terms, None, None, crpix)
    return target


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
@pytest.mark.parametrize("names", [("cpdis1",), ("cpdis2",), ("det2im1",), ("det2im2",), ("cpdis2", "det2im1")])
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
    for name, size, shape, step in (("det2im1", amplitude, (40, 50), 2.0), ("cpdis1", 0.3, (9, 11), 10.0)):
        values = (size * np.random.default_rng(3).normal(size=shape)).astype(np.float32)
        setattr(target, name, DistortionLookupTable(values, (1.0, 1.0), (1.0, 1.0), (step, step)))
    if amplitude < 0.5:
        check(target, tangent(orient=3.0))
    else:
        sampled(target, tangent(orient=3.0))


# Tangent points anywhere, targets within some thousand pixels of each other's, distortion of up to pixels.
SIDES = st.fixed_dictionaries(
    {
        "orient": st.floats(-180, 180),
        "sign": st.sampled_from([-1, 1]),
        "crpix": st.tuples(st.floats(-500, 500), st.floats(-500, 500)),
        "shape": st.just((24, 30)),
        "lonpole": st.sampled_from([180.0, 0.0, 77.0]),
    }
)


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
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
    # Far from the tangent point the plane is stretched by 1 / cos**2, and positions have their own rounding.
    reach = np.radians(np.hypot(*(truth - np.array(source.wcs.crpix)[:, None])).max() * 0.8 * scale)
    allowed = map_rounding(source) * (1 + reach**2) ** 2 + 8 * np.spacing(float(np.abs(truth).max()))
    assert np.abs(ours - truth).max() <= allowed


# ---- where there is no closed form ----------------------------------------------------------------------


def shifted_origin(parameters):
    wcs = tangent()
    wcs.wcs.set_pv(parameters)
    wcs.wcs.set()
    return wcs


@pytest.mark.parametrize("parameters", [[(1, 1, 10.0), (1, 2, 80.0)], [(1, 0, 1.0), (1, 1, 10.0), (1, 2, 80.0)]])
def test_an_odd_header_has_no_closed_form(parameters, caplog):
    odd = shifted_origin(parameters)  # TAN about another point of the native sphere
    for target, source in ((tangent(), odd), (odd, tangent())):
        caplog.clear()
        with caplog.at_level(logging.DEBUG, logger="skyblot"):
            plan = plan_map(target, source, target.array_shape, None, 1e-4)
        assert not isinstance(plan, TangentMap)
        assert "closed form of the pixel map is off by" in caplog.text
        sampled(target, source)


def sampled(target, source, frames=None):
    """No closed form: at every pixel within the tolerance of the WCS library's own functions."""
    x, y = pixel_grid(target.array_shape)
    assert not isinstance(plan_map(target, source, target.array_shape, None, 1e-4), TangentMap)
    expected = np.stack(astropy_map(target, source, x, y, frames))
    for allowed in (1e-2, 1e-4, 1e-7):
        ours = np.stack([each.ravel() for each in skyblot.pixel_map(target, source, tolerance=allowed)])
        assert np.isfinite(ours).all()
        # The order of calls must not matter to the same library, beyond the rounding of degrees.
        np.testing.assert_allclose(ours, expected, rtol=0, atol=allowed + tolerance("map, astropy"))


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


def test_a_distorted_source():
    source = sip(tangent(orient=7.0))
    sampled(tangent(), source)
    sampled(sip(tangent()), source)
    table = tangent(orient=7.0)
    table.cpdis1 = DistortionLookupTable(np.full((4, 4), 0.3, np.float32), (1, 1), (1, 1), (30, 30))
    sampled(tangent(), table)


def test_threads_do_not_change_a_sampled_map():
    target, source = tangent(shape=(700, 100)), tangent(ctype=("RA---CAR", "DEC--CAR"))
    sampled(target, source)  # several bands
    one = skyblot.pixel_map(target, source, threads=1)
    for threads in (2, 5):
        assert np.array_equal(skyblot.pixel_map(target, source, threads=threads), one)


def direct_map(target, source):
    """The map by the WCS library's own functions, pixel by pixel."""
    return DirectMap(sky_of(target, "target"), sky_of(source, "source"))


# ---- gwcs -----------------------------------------------------------------------------------------------


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
    np.testing.assert_allclose([x.ravel(), y.ravel()], expected, rtol=0, atol=3 * tolerance("map, astropy"))


# ---- stepsize -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stepsize", [0, 1, None, 1.0, "1"])
def test_stepsize_up_to_one_is_exact(stepsize):
    target, source = demo_pair()
    assert np.array_equal(skyblot.pixel_map(target, source, stepsize=stepsize), skyblot.pixel_map(target, source))


@pytest.mark.parametrize("step", [2, 7, 10, 32, 95])
@pytest.mark.parametrize("exact", ["closed", "direct"])
def test_stepsize_is_bilinear_between_exact_nodes(step, exact):
    target, source = demo_pair()
    if exact == "direct":
        target, source = tangent(), sip(tangent(orient=7.0))
    ny, nx = target.array_shape
    # Enough whole cells to reach the last pixel or pass it: nothing is extrapolated. A cell is never wider
    # than the image.
    step_y, step_x = min(step, ny - 1), min(step, nx - 1)
    rows, columns = -(-(ny - 1) // step_y), -(-(nx - 1) // step_x)
    whole = np.empty((2, rows * step_y + 1, columns * step_x + 1))
    plan = plan_map(target, source, whole.shape[1:], None, 1e-4) if exact == "closed" else direct_map(target, source)
    plan.rows(0, *whole)
    y, x = np.mgrid[:ny, :nx]
    j, i = np.minimum(y // step_y, rows - 1), np.minimum(x // step_x, columns - 1)
    t, u = y / step_y - j, x / step_x - i
    for nodes, ours in zip(
        (each[::step_y, ::step_x] for each in whole), skyblot.pixel_map(target, source, stepsize=step), strict=True
    ):
        low = nodes[j, i] * (1 - u) + nodes[j, i + 1] * u
        high = nodes[j + 1, i] * (1 - u) + nodes[j + 1, i + 1] * u
        # Bilinear forms of numbers of some hundred, each with a dozen roundings; the closed form's rows and points
        # order their sums differently, which the homography carries through.
        allowed = 12 * np.spacing(np.abs(nodes).max()) + map_rounding(source)
        assert np.abs(ours - (low * (1 - t) + high * t)).max() <= allowed


def test_stepsize_on_a_real_chip(real_wcs):
    target = real_wcs("uvis1")
    source = mosaic_for(target)
    x, y = skyblot.pixel_map(target, source)
    xgrid, ygrid = skyblot.pixel_map(target, source, stepsize=10)
    for ours, exact in ((xgrid, x), (ygrid, y)):
        # Exact at the nodes (up to the order of sums), including the last whole ones.
        assert np.abs(ours - exact)[::10, ::10].max() <= map_rounding(source)
        # Between them: second derivatives of 6e-6 per pixel and kinks of the tables, h**2 / 8 and more.
        assert 1e-6 < np.abs(ours - exact).max() < 0.05


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1), (2, 2), (5, 7)])
@pytest.mark.parametrize("step", [2, 10, 10**6, 10**12])
def test_stepsize_larger_than_the_image(shape, step):
    target, source = tangent(shape=shape), tangent(orient=5.0)
    exact = np.stack(skyblot.pixel_map(target, source))
    ours = np.stack(skyblot.pixel_map(target, source, stepsize=step))
    assert ours.shape == (2, *shape)
    # Over so few pixels a gnomonic map bends by less than (pixels * scale in radians)**2 pixels.
    assert np.abs(ours - exact).max() <= (30 * np.radians(1e-5)) ** 2 * 100 + 2 * map_rounding(source)


# ---- item 5: a source 30000 pixels wide -----------------------------------------------------------------


@pytest.fixture
def wide_pair(tmp_path):
    """A sparse memory map (ny, nx) = (200, 30000) with an image near its right end, and WCS that point there."""
    image = sky_image((200, 400))
    path = tmp_path / "wide.dat"
    wide = np.memmap(path, dtype=np.float32, mode="w+", shape=(200, 30000))
    wide[:, 29000:29400] = image
    wide.flush()
    source = tangent(scale=1.1e-5, crpix=(15000.0, 100.0), shape=(200, 30000))
    crval = [float(value) for value in source.wcs_pix2world(29200.0, 100.0, 0)]
    target = sip(tangent(crval, orient=33.0, crpix=(60.0, 50.0), shape=(100, 120)))
    return np.memmap(path, dtype=np.float32, mode="r", shape=(200, 30000)), source, target, image


def test_coordinates_are_exact_on_a_wide_source(wide_pair):
    _, source, target, _ = wide_pair
    source.wcs.set()
    x, y = skyblot.pixel_map(target, source)
    grid_x, grid_y = pixel_grid(target.array_shape)
    assert 29000 < x.min() < x.max() < 29400
    assert_map((x, y), target, source, grid_x, grid_y)
    # float32 coordinates, what others use, are off by half an ulp of 29000.
    assert 0.0005 < np.abs(x - x.astype(np.float32)).max() <= 2.0**-10


@pytest.mark.parametrize("interp", ["nearest", "poly5", "spline3", "sinc"])
def test_blot_of_a_wide_source_equals_that_of_its_cutout(wide_pair, interp):
    wide, source, target, image = wide_pair
    cutout = source.slice((slice(None), slice(29000, 29400)))
    ours = skyblot.blot(wide, source, target, interp=interp)
    expected = skyblot.blot(image, cutout, target, interp=interp)
    x, y = skyblot.pixel_map(target, cutout)
    assert np.ptp(ours) > 100
    peak = local_peak(image, x, y)
    # The whole map is displaced by rounding (`map_rounding`), of images that change by a peak per pixel.
    assert (np.abs(ours.astype(float) - expected) <= (tolerance("cutout") + map_rounding(source)) * peak).all()
    # Coordinates rounded to float32 would show.
    if interp == "poly5":
        rough = blot_at(image, x, y + 0.0005, interp)
        assert (np.abs(rough - expected) > (tolerance("cutout") + map_rounding(source)) * peak).mean() > 0.5


def test_the_rotation_oracle_is_a_rotation():
    for frame in FRAMES:
        matrix = rotation_between((ICRS(), frame))
        np.testing.assert_allclose(matrix @ matrix.T, np.eye(3), rtol=0, atol=1e-14)
