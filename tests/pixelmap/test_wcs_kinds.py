"""Every kind of WCS, as target and as source: the pixel map against the exact transformation at
every pixel.
"""

import warnings

import numpy as np
import pytest
from astropy.coordinates import FK4, FK5, ICRS, BarycentricMeanEcliptic, Galactic, SkyCoord
from astropy.wcs import WCS, Sip
from astropy.wcs.wcsapi import HighLevelWCSWrapper, SlicedLowLevelWCS
from builders import gwcs_like, sky_image, tangent
from oracles import pixel_grid, tolerance
from wcs_samples import (
    CRVAL,
    KINDS,
    SCALE,
    SHAPE,
    all_sky,
    distorted,
    projected,
    table,
    tpv,
)

import skyblot
from skyblot.errors import SkyblotWarning, WCSError
from skyblot.pixelmap.linear import pixel_scale, undistorted


def exact_map(target, source, frames=None):
    """Source positions (2, ny * nx) of the pixels of `SHAPE` by the two WCS' APE 14 functions."""
    target, source = (getattr(each, "low_level_wcs", each) for each in (target, source))
    x, y = (each.astype(float) for each in pixel_grid(SHAPE))
    world = dict(
        zip(target.world_axis_physical_types, target.pixel_to_world_values(x, y), strict=True)
    )
    lon, lat = (
        next(value for kind, value in world.items() if kind.endswith(ends)) for ends in LONLAT
    )
    if frames is not None:
        there = SkyCoord(lon, lat, unit="deg", frame=frames[0]).transform_to(frames[1]).spherical
        lon, lat = there.lon.deg, there.lat.deg
    order = [lon if kind.endswith(LONLAT[0]) else lat for kind in source.world_axis_physical_types]
    if getattr(source, "has_distortion", False):
        return np.array(source.all_world2pix(*order, 0, tolerance=1e-10, maxiter=100))
    return np.array(source.world_to_pixel_values(*order))


LONLAT = ((".ra", ".lon"), (".dec", ".lat"))


def check(target, source, frames=None, rounding=None):
    """The map for tolerances 1e-2 to 1e-7: within them at every pixel, NaN where and only where the
    truth is.
    """
    truth = exact_map(target, source, frames)
    truth[:, np.isnan(truth).any(axis=0)] = np.nan  # gwcs checks its bounding box axis by axis
    assert np.isfinite(truth).any()
    # Both have rounded degrees: to twice what the closed form is allowed with pixels of 0.04
    # arcsec.
    rounding = rounding or 2 * tolerance("map, astropy")
    for allowed in (1e-2, 1e-4, 1e-7):
        ours = np.reshape(
            skyblot.pixel_map(target, source, shape=SHAPE, tolerance=allowed), truth.shape
        )
        assert np.array_equal(np.isnan(ours), np.isnan(truth))
        assert np.nanmax(np.abs(ours - truth)) <= allowed + rounding


@pytest.mark.parametrize("kind", KINDS)
def test_as_target(kind):
    check(KINDS[kind](), tangent(CRVAL, 1.1 * SCALE, orient=50.0))


@pytest.mark.parametrize("kind", KINDS)
def test_as_source(kind):
    # wcslib looks tables up backwards to 1e-8 of their nodes, ten pixels apart here.
    check(
        tangent(CRVAL, 0.4 * SCALE, orient=50.0, crpix=(40.0, 40.0), shape=SHAPE),
        KINDS[kind](),
        rounding=2e-7,
    )


@pytest.mark.parametrize("kind", ["SIP", "gwcs", "TPV", "-TAB"])
def test_on_both_sides(kind):
    check(KINDS[kind](), KINDS[kind](), rounding=2e-7)
    check(distorted(projected("TAN"), 1.0), KINDS[kind](), rounding=2e-7)


@pytest.mark.parametrize("code", ["CAR", "AIT", "MOL", "ZEA"])
@pytest.mark.parametrize("place", [(30.0, 40.0), (180.0, 1.0), (0.0, -89.0)])
def test_all_sky_mosaics(code, place):
    # At 180 degrees the map jumps from one edge of the mosaic to the other.
    check(tangent(place, 0.05, shape=SHAPE), all_sky(code))


FRAMES = {
    "FK5": (FK5(equinox="J2000"), {"radesys": "FK5", "equinox": 2000.0}),
    "FK5 J1975": (FK5(equinox="J1975"), {"radesys": "FK5", "equinox": 1975.0}),
    "FK4": (FK4(equinox="B1950"), {"radesys": "FK4", "equinox": 1950.0}),
    "Galactic": (Galactic(), {"ctype": ("GLON-CAR", "GLAT-CAR"), "radesys": ""}),
    "ecliptic": (
        BarycentricMeanEcliptic(equinox="J2000"),
        {"ctype": ("ELON-CAR", "ELAT-CAR"), "radesys": ""},
    ),
}


@pytest.mark.parametrize("kind", ["SIP", "gwcs", "TPV"])
@pytest.mark.parametrize("name", FRAMES)
def test_frames_that_differ(name, kind):
    frame, facts = FRAMES[name]
    there = SkyCoord(*CRVAL, unit="deg").transform_to(frame).spherical
    other = tangent((there.lon.deg, there.lat.deg), SCALE, shape=SHAPE, **facts)
    check(KINDS[kind](), other, (ICRS(), frame))
    check(other, KINDS[kind](), (frame, ICRS()), rounding=1e-7)


def test_gwcs_in_other_frames_and_units():
    import gwcs
    from astropy import units as u
    from astropy.modeling import models as m
    from gwcs import coordinate_frames as cf

    there = SkyCoord(*CRVAL, unit="deg").transform_to(Galactic()).spherical
    pixels = cf.Frame2D(name="detector", unit=(u.pix, u.pix))
    sky = cf.CelestialFrame(name="sky", reference_frame=Galactic(), unit=(u.arcsec, u.arcsec))
    turn = m.Shift(-50.0) & m.Shift(-40.0) | m.Scale(SCALE) & m.Scale(SCALE) | m.Pix2Sky_TAN()
    turn = (
        turn
        | m.RotateNative2Celestial(there.lon.deg, there.lat.deg, 180.0)
        | m.Scale(3600.0) & m.Scale(3600.0)
    )
    made = gwcs.WCS([(pixels, turn), (sky, None)])
    made.array_shape = SHAPE
    twin = tangent(
        (there.lon.deg, there.lat.deg),
        SCALE,
        0.0,
        (51.0, 41.0),
        SHAPE,
        ctype=("GLON-TAN", "GLAT-TAN"),
        sign=1,
    )
    target, source = distorted(projected("TAN")), tangent(CRVAL, SCALE, orient=50.0)
    np.testing.assert_allclose(
        skyblot.pixel_map(made, source),
        skyblot.pixel_map(twin, source, shape=SHAPE),
        rtol=0,
        atol=1e-7,
    )
    np.testing.assert_allclose(
        skyblot.pixel_map(target, made), skyblot.pixel_map(target, twin), rtol=0, atol=1e-7
    )


@pytest.mark.parametrize(
    "box",
    [((-0.5, 109.5), (-0.5, 89.5)), ((3.5, 100.2), (10.0, 80.0)), ((50.0, 51.0), (-5.0, 300.0))],
)
def test_bounding_boxes(box):
    target = gwcs_like(projected("TAN"), bounded=False)
    target.bounding_box = box
    check(target, tangent(CRVAL, SCALE, orient=50.0))
    x, y = pixel_grid(SHAPE)
    (x0, x1), (y0, y1) = box
    inside = (x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)
    ours = skyblot.pixel_map(target, tangent(CRVAL, SCALE, orient=50.0))[0].ravel()
    assert np.array_equal(np.isfinite(ours), inside)


def test_the_bounding_box_of_a_source():
    source = gwcs_like(projected("TAN"), bounded=False)
    source.bounding_box = ((20.0, 60.0), (10.0, 50.0))
    check(tangent(CRVAL, SCALE, orient=50.0, shape=SHAPE), source)


class Slits:
    """The APE 14 methods of another WCS, with positions only in slits of `width` rows, `period`
    apart.
    """

    def __init__(self, wcs, period, width):
        self._wcs, self._period, self._width = wcs, period, width

    def __getattr__(self, name):
        return getattr(self._wcs, name)

    @property
    def low_level_wcs(self):
        return self

    def pixel_to_world_values(self, x, y):
        closed = np.asarray(y + 0.02 * x) % self._period > self._width
        return tuple(
            np.where(closed, np.nan, each) for each in self._wcs.pixel_to_world_values(x, y)
        )


@pytest.mark.parametrize(("period", "width"), [(30, 12), (17, 3), (200, 2)])
def test_slits(period, width):
    check(
        Slits(gwcs_like(projected("TAN"), bounded=False), period, width),
        tangent(CRVAL, SCALE, orient=50.0),
    )


def test_a_slice_of_a_cube():
    cube = WCS(naxis=3)
    cube.wcs.ctype, cube.wcs.crval = ("RA---TAN", "DEC--TAN", "WAVE"), (*CRVAL, 1e-6)
    cube.wcs.crpix, cube.wcs.cdelt, cube.wcs.radesys = (
        (50.0, 40.0, 1.0),
        (-SCALE, SCALE, 1e-9),
        "ICRS",
    )
    cube.wcs.set()
    cube.array_shape = (5, *SHAPE)
    flat = tangent(CRVAL, SCALE, 0.0, shape=SHAPE)
    plane = SlicedLowLevelWCS(cube, 2)
    source = tangent(CRVAL, SCALE, orient=50.0)
    np.testing.assert_allclose(
        skyblot.pixel_map(plane, source), skyblot.pixel_map(flat, source), rtol=0, atol=1e-7
    )
    np.testing.assert_allclose(
        skyblot.pixel_map(HighLevelWCSWrapper(plane), source),
        skyblot.pixel_map(flat, source),
        rtol=0,
        atol=1e-7,
    )
    with pytest.warns(SkyblotWarning, match="the target: its WCS has 3 axes: 'WAVE' dropped"):
        ours = skyblot.pixel_map(cube, source, shape=SHAPE)
    np.testing.assert_array_equal(ours, skyblot.pixel_map(flat, source))


def test_a_degenerate_third_axis():
    flat = tangent(CRVAL, SCALE, 0.0, shape=SHAPE)
    stokes = WCS(naxis=3)
    stokes.wcs.ctype, stokes.wcs.crval = ("RA---TAN", "DEC--TAN", "STOKES"), (*CRVAL, 1.0)
    stokes.wcs.crpix, stokes.wcs.cdelt, stokes.wcs.radesys = (
        (50.0, 40.0, 1.0),
        (-SCALE, SCALE, 1.0),
        "ICRS",
    )
    stokes.wcs.set()
    stokes.array_shape = (1, *SHAPE)
    image, target = sky_image(SHAPE), tangent(CRVAL, SCALE, orient=50.0, shape=(1, *SHAPE)[1:])
    with pytest.warns(SkyblotWarning) as caught:
        blot = skyblot.blot(image[None], stokes, target)
    assert [str(each.message) for each in caught] == [
        f"the source: has shape (1, {SHAPE[0]}, {SHAPE[1]}): its first axis is dropped",
        "the source: its WCS has 3 axes: 'STOKES' dropped",
    ]
    assert np.array_equal(blot, skyblot.blot(image, flat, target))
    with pytest.warns(SkyblotWarning, match="the target: its WCS has 3 axes: 'STOKES' dropped"):
        assert skyblot.blot(image, flat, stokes).shape == SHAPE


def test_a_sip_source_far_away_gives_nothing_and_no_false_positions():
    source = distorted(projected("TAN"), 8.0)
    source.sip = Sip(source.sip.a * 50, source.sip.b * 50, None, None, source.wcs.crpix)
    far = tangent((152.0, 2.0), SCALE, shape=SHAPE)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x, y = skyblot.pixel_map(far, source)
    found = np.isfinite(x)
    lon, lat = source.all_pix2world(x[found], y[found], 0)
    there = far.all_pix2world(*(each[found.ravel()] for each in pixel_grid(SHAPE)), 0)
    np.testing.assert_allclose([lon, lat], there, rtol=0, atol=1e-3 * SCALE)


def test_no_wcs_is_changed():
    from copy import deepcopy

    gwcs_target = gwcs_like(projected("TAN"))
    steps, box, shape = (
        deepcopy(gwcs_target.pipeline),
        gwcs_target.bounding_box.copy(),
        gwcs_target.array_shape,
    )
    tpv_source = tpv()
    before = tpv_source.to_header_string(relax=True)
    skyblot.pixel_map(gwcs_target, tpv_source)
    assert tpv_source.to_header_string(relax=True) == before
    assert [str(step) for step in gwcs_target.pipeline] == [str(step) for step in steps]
    assert gwcs_target.bounding_box == box
    assert gwcs_target.array_shape == shape


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if kind not in ("-TAB", "ZPX", "ZPN", "TNX", "TPV")]
)
def test_the_pixel_scale_of_any_kind(kind):
    expected = np.sqrt(1.1) * SCALE if kind == "CROTA2" else SCALE
    if kind == "PC":
        expected = SCALE * np.sqrt(1.1 * (0.9 * 0.95 + 0.1 * 0.2))
    assert pixel_scale(KINDS[kind]()) == pytest.approx(3600 * expected, rel=1e-4)


def test_the_pixel_scale_of_a_table():
    # Nodes every ten pixels: near the middle a pixel is 1 x (1 + small) steps.
    assert pixel_scale(table()) == pytest.approx(3600 * SCALE, rel=0.02)


def test_the_undistorted_form_of_a_gwcs_touches_it():
    target = gwcs_like(projected("TAN", orient=33.0), bounded=False)
    flat = undistorted(target)
    assert flat.array_shape == SHAPE
    x, y = skyblot.pixel_map(target, flat)
    # One gnomonic projection against another, tangent some hundredths of a degree away.
    assert np.abs(np.stack([x, y]) - np.indices(SHAPE)[::-1]).max() < 1e-3


@pytest.mark.parametrize(
    ("types", "units", "message"),
    [
        (
            ("pos.eq.ra", "pos.eq.dec", "em.wl"),
            ("deg", "deg", "um"),
            "maps 2 pixel axes to pos.eq.ra, pos.eq.dec, em.wl",
        ),
        (
            ("em.wl", "pos.eq.dec"),
            ("um", "deg"),
            "expected two pixel axes to longitude and latitude",
        ),
        (
            ("pos.eq.ra", "pos.eq.dec"),
            ("deg", "um"),
            "has world units 'deg', 'um', expected angles",
        ),
    ],
)
def test_wcs_that_are_not_celestial(types, units, message):
    class Odd(Slits):
        world_axis_physical_types, world_axis_units = types, units

    with pytest.raises(WCSError, match=message):
        skyblot.pixel_map(Odd(gwcs_like(projected("TAN")), 9, 3), tangent(CRVAL, SCALE))


@pytest.mark.parametrize(
    ("raised", "message"),
    [
        (NotImplementedError, "the source: its WCS has no inverse"),
        (RuntimeError("lost"), "cannot be inverted: lost"),
    ],
)
def test_a_source_without_an_inverse(raised, message):
    class OneWay(Slits):
        def world_to_pixel_values(self, *_):
            raise raised

    with pytest.raises(WCSError, match=message):
        skyblot.pixel_map(tangent(CRVAL, SCALE), OneWay(gwcs_like(projected("TAN")), 1, 2))
