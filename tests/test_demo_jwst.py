"""The JWST-like data set: a gwcs with a known distortion, files laid out like real ones, true to
their scene.

All files are made by hand with gwcs, asdf and astropy. Coefficients are about those of NRCBLONG;
the layout (extensions, keywords, references of the ASDF tree to the planes) is that of files of the
archive; pixels are invented.
"""

import io
import sys

import click
import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from scipy.ndimage import map_coordinates

from skyblot import demo as demos
from skyblot.cli.demo import command
from skyblot.demo import DemoPlan, jwst, make_demo, nircam
from skyblot.demo.infrared import DO_NOT_USE
from skyblot.demo.nircam import NIRCAM
from skyblot.errors import ParameterError, SkyblotError

gwcs = pytest.importorskip("gwcs")
asdf = pytest.importorskip("asdf")

PLAN = DemoPlan(exposures=2, chip_shape=(144, 160))


@pytest.fixture(scope="module")
def scene():
    return NIRCAM.scene(PLAN)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return make_demo(
        tmp_path_factory.mktemp("demo") / "new", "jwst", exposures=2, chip_shape=PLAN.chip_shape
    )


def pixels(shape, step=1.0):
    """x, y over the whole detector, outer borders of the pixels included."""
    y, x = np.meshgrid(
        *(np.append(np.arange(-0.5, n - 0.5, step), n - 0.5) for n in shape), indexing="ij"
    )
    return x.ravel(), y.ravel()


def asdf_tree(path):
    with fits.open(path) as hdus:
        return asdf.open(io.BytesIO(hdus["ASDF"].data["ASDF_METADATA"][0].tobytes())).tree


def separation(first, second, mosaic, x, y):
    """Distance between two WCS of a detector, in pixels of the mosaic."""
    one, other = mosaic.wcs_world2pix(*first, 0), mosaic.wcs_world2pix(*second, 0)
    return np.hypot(one[0] - other[0], one[1] - other[1])


# The WCS.


def test_wcs_has_jwst_frames_and_no_values_outside_the_detector():
    wcs = jwst.nircam_wcs((64, 96))
    assert wcs.available_frames == ["detector", "v2v3", "world"]
    assert wcs.array_shape == (64, 96)
    assert wcs.pixel_shape == (96, 64)
    x, y = pixels((64, 96))
    assert np.isfinite(wcs.pixel_to_world_values(x, y)).all()
    beyond = [[-0.51, 95.51, 3.0, 3.0], [3.0, 3.0, -0.51, 63.51]]
    assert np.isnan(wcs.pixel_to_world_values(*beyond)).all()
    free = jwst.nircam_wcs((64, 96), bounding_box=False)
    assert free.bounding_box is None
    np.testing.assert_array_equal(free.pixel_to_world_values(x, y), wcs.pixel_to_world_values(x, y))
    assert np.isfinite(free.pixel_to_world_values(*beyond)).all()


@pytest.mark.parametrize("shape", [(2048, 2048), (512, 512), (144, 160)])
@pytest.mark.parametrize("pointing", [{}, {"ra": 0.001, "dec": 75.0, "orient": -128.0}])
def test_wcs_points_where_it_is_told(shape, pointing):
    wcs = jwst.nircam_wcs(shape, **pointing)
    facts = {"ra": jwst.RA, "dec": jwst.DEC, "orient": jwst.ORIENT} | pointing
    x, y = np.array(shape[::-1]) / 2.0 - 0.5
    lon, lat = wcs.pixel_to_world_values([x, x, x + 1], [y, y + 1, y])
    # 1e-10 degree is 6e-6 pixel.
    assert (lon[0], lat[0]) == (
        pytest.approx(facts["ra"], abs=1e-10),
        pytest.approx(facts["dec"], abs=1e-10),
    )
    east, north = (lon[1:] - lon[0] + 180) % 360 - 180, lat[1:] - lat[0]
    east *= np.cos(np.radians(lat[0]))
    # One pixel of 0.063 arcsec by quadratic terms of 1e-5 and less: 1e-5 of its length and
    # direction.
    angle = np.degrees(np.arctan2(east, north)) - facts["orient"]
    assert (angle[0] + 180) % 360 - 180 == pytest.approx(0.0, abs=0.02)
    assert (angle[1] + 180) % 360 - 180 == pytest.approx(-90.0, abs=0.1)
    np.testing.assert_allclose(3600 * np.hypot(east, north), [0.06315, 0.06285], rtol=4e-4)


@pytest.mark.parametrize("shape", [(2048, 2048), (512, 512), (144, 160)])
def test_any_detector_has_the_relative_distortion_of_the_whole(shape):
    wcs = jwst.nircam_wcs(shape)
    x, y = pixels(shape, max(shape) / 40)
    at = np.array(jwst.exact_map(wcs, jwst.mosaic_wcs([wcs]))(x, y))
    linear = np.stack([np.ones(x.size), x, y], 1)
    rest = at - (linear @ np.linalg.lstsq(linear, at.T, rcond=None)[0]).T
    # A whole NIRCam detector bends by 8 to 15 pixels.
    assert 0.003 < np.hypot(*rest).max() / max(shape) < 0.009


@pytest.mark.parametrize("shape", [(2048, 2048), (512, 512), (144, 160)])
def test_inverse_is_as_good_as_documented(shape):
    # With a box, gwcs gives NaN for what comes back a hair outside it.
    wcs = jwst.nircam_wcs(shape, bounding_box=False)
    x, y = pixels(shape, max(shape) / 64)
    back = wcs.world_to_pixel_values(*wcs.pixel_to_world_values(x, y))
    assert np.hypot(back[0] - x, back[1] - y).max() < 0.001


def test_sip_in_the_headers_is_as_far_off_as_documented():
    wcs = jwst.nircam_wcs()
    x, y = pixels((2048, 2048), 32)
    header = WCS(wcs.to_fits_sip(degree=nircam.SIP_DEGREE))
    mosaic = jwst.mosaic_wcs([wcs])
    error = separation(header.all_pix2world(x, y, 0), wcs.pixel_to_world_values(x, y), mosaic, x, y)
    assert 0.005 < np.sqrt((error**2).mean()) < 0.012
    assert 0.02 < error.max() < 0.06


def test_mosaic_covers_every_exposure(scene):
    nx, ny = scene.wcs.pixel_shape
    assert 3600 * np.sqrt(np.abs(np.linalg.det(scene.wcs.pixel_scale_matrix))) == pytest.approx(
        0.063, rel=1e-9
    )
    for index in range(PLAN.exposures):
        x, y = jwst.exact_map(NIRCAM.wcs(PLAN, index), scene.wcs)(*pixels(PLAN.chip_shape))
        assert min(x.min(), y.min()) >= 20
        assert x.max() <= nx - 20
        assert y.max() <= ny - 20


# The files.


def test_equal_seeds_give_equal_bytes_and_others_do_not(demo, tmp_path):
    again = make_demo(tmp_path / "a", "jwst", exposures=2, chip_shape=PLAN.chip_shape)
    other = make_demo(tmp_path / "b", "jwst", exposures=2, chip_shape=PLAN.chip_shape, seed=21)
    sets = ((each.median, *each.exposures, *each.truth) for each in (demo, again, other))
    for first, second, third in zip(*sets, strict=True):
        assert first.name == second.name == third.name
        assert first.read_bytes() == second.read_bytes() != third.read_bytes()


def test_names_are_those_of_jwst(demo):
    root = "jw01234001001_02101_0000{}_nrcblong"
    assert demo.median.name == "jw01234-o001_t001_nircam_f356w_i2d.fits"
    assert [path.name for path in demo.exposures] == [f"{root.format(n)}_cal.fits" for n in (1, 2)]
    assert [path.name for path in demo.truth] == [f"{root.format(n)}_truth.fits" for n in (1, 2)]
    assert sorted(path.name for path in demo.folder.iterdir()) == sorted(
        path.name for path in (demo.median, *demo.exposures, *demo.truth)
    )


def test_exposure_is_laid_out_like_a_real_cal(demo):
    for path in demo.exposures:
        with fits.open(path) as hdus:
            assert [hdu.name for hdu in hdus] == ["PRIMARY", "SCI", "ERR", "DQ", "ASDF"]
            primary, header = hdus[0].header, hdus["SCI"].header
            assert [primary[name] for name in ("TELESCOP", "INSTRUME", "DETECTOR")] == [
                "JWST",
                "NIRCAM",
                "NRCBLONG",
            ]
            assert primary["FILENAME"] == path.name
            assert primary["EFFEXPTM"] == primary["XPOSURE"] == NIRCAM.exptime_s
            assert (header["BUNIT"], header["PHOTMJSR"]) == ("MJy/sr", NIRCAM.conversion)
            assert [hdus[name].data.dtype for name in ("SCI", "ERR", "DQ")] == [">f4", ">f4", "u4"]
            assert {hdus[name].shape for name in ("SCI", "ERR", "DQ")} == {PLAN.chip_shape}
            assert isinstance(hdus["ASDF"], fits.BinTableHDU)
            assert len(hdus["ASDF"].data) == 1
            assert [column.name for column in hdus["ASDF"].columns] == ["ASDF_METADATA"]
            assert hdus["ASDF"].header["TFORM1"] == f"{hdus['ASDF'].header['NAXIS1']}B"


def test_asdf_extension_holds_the_exact_wcs(demo):
    x, y = pixels(PLAN.chip_shape)
    for index, path in enumerate(demo.exposures):
        facts = NIRCAM.facts(PLAN, index)
        wcs = asdf_tree(path)["meta"]["wcs"]
        expected = jwst.nircam_wcs(PLAN.chip_shape, ra=facts.ra, dec=facts.dec, orient=facts.orient)
        world = expected.pixel_to_world_values(x, y)
        np.testing.assert_array_equal(wcs.pixel_to_world_values(x, y), world)
        np.testing.assert_array_equal(
            wcs.world_to_pixel_values(*world), expected.world_to_pixel_values(*world)
        )
        assert wcs.array_shape == PLAN.chip_shape
        assert wcs.bounding_box.bounding_box() == expected.bounding_box.bounding_box()
    assert NIRCAM.facts(PLAN, 0) != NIRCAM.facts(PLAN, 1)


def test_asdf_tree_refers_to_the_planes_and_does_not_hold_them(demo):
    with fits.open(demo.exposures[0]) as hdus:
        content = hdus["ASDF"].data["ASDF_METADATA"][0].tobytes()
    for source in (b"source: fits:SCI,1", b"source: fits:ERR,1", b"source: fits:DQ,1"):
        assert content.count(source) == 1
    assert len(content) < PLAN.chip_shape[0] * PLAN.chip_shape[1]
    assert {"data", "err", "dq", "meta"} <= set(asdf_tree(demo.exposures[0]))


def test_sci_header_holds_an_approximation(demo, scene):
    x, y = pixels(PLAN.chip_shape)
    for index, path in enumerate(demo.exposures):
        with fits.open(path) as hdus:
            header = WCS(hdus["SCI"].header)
        assert list(header.wcs.ctype) == ["RA---TAN-SIP", "DEC--TAN-SIP"]
        assert header.sip.a_order == nircam.SIP_DEGREE
        exact = NIRCAM.wcs(PLAN, index).pixel_to_world_values(x, y)
        error = separation(header.all_pix2world(x, y, 0), exact, scene.wcs, x, y)
        # 0.05 pixel on a whole detector, and in proportion to its size.
        assert 1e-4 < error.max() < 0.05 * 160 / 2048


def test_mosaic_is_laid_out_like_a_real_i2d(demo, scene):
    with fits.open(demo.median) as hdus:
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "SCI", "WHT", "ASDF"]
        header, data = hdus["SCI"].header, hdus["SCI"].data
        assert hdus[0].header["EFFEXPTM"] == pytest.approx(2 * NIRCAM.exptime_s)
        assert header["BUNIT"] == "MJy/sr"
        assert data.dtype == ">f4"
        wcs = WCS(header)
        noise = data - nircam.mosaic_hdulist(PLAN, scene, noise=False)["SCI"].data
    assert list(wcs.wcs.ctype) == ["RA---TAN", "DEC--TAN"]
    assert wcs.array_shape == scene.wcs.array_shape
    x, y = pixels(wcs.array_shape, 20)
    world = asdf_tree(demo.median)["meta"]["wcs"].pixel_to_world_values(x, y)
    # Headers keep about 14 digits: 1e-12 degree is 6e-8 pixel.
    for each in (wcs, scene.wcs):
        back = each.wcs_world2pix(*world, 0)
        assert np.hypot(back[0] - x, back[1] - y).max() < 1e-6
    # Sky of 408 electrons and read noise of 9 in an exposure, two exposures: 15.6 electrons, 1570
    # for 1 MJy/sr.
    assert 0.0090 < np.median(np.abs(noise)) / 0.6745 < 0.0120


# The scene.


def test_clean_is_the_scene_at_the_exact_coordinates(demo, scene):
    y, x = np.indices(PLAN.chip_shape)
    for path, truth in zip(demo.exposures, demo.truth, strict=True):
        wcs = asdf_tree(path)["meta"]["wcs"]
        at = scene.wcs.wcs_world2pix(*wcs.pixel_to_world_values(x.ravel(), y.ravel()), 0)
        every = sum(
            sources.brightness(np.array(i), *at)
            for sources in scene.sources
            for i in range(sources.x.size)
        )
        with fits.open(truth) as hdus:
            clean = hdus["CLEAN"].data
        # CLEAN is float32: half a unit in the last place is 6e-8.
        np.testing.assert_allclose(clean.ravel(), every + NIRCAM.sky, rtol=1e-7)
        assert clean.max() > 3 * NIRCAM.sky


def test_clean_is_what_the_mosaic_interpolates_to(scene):
    image = nircam.mosaic_hdulist(PLAN, scene, noise=False)["SCI"].data.astype(float)
    y, x = np.indices(PLAN.chip_shape)
    at = jwst.exact_map(NIRCAM.wcs(PLAN, 0), scene.wcs)(x.ravel(), y.ravel())
    clean = NIRCAM.frame(PLAN, 0, scene).clean.ravel()
    error = np.abs(map_coordinates(image, at[::-1], order=5) - clean)
    # Undersampled stars set the largest error, the rest is smooth (see test_demo).
    assert error.max() < 0.075 * clean.max()
    assert np.median(error) < 1e-3 * NIRCAM.sky


def test_noise_cosmic_rays_and_flags_are_what_the_planes_say(demo):
    for path, truth in zip(demo.exposures, demo.truth, strict=True):
        with fits.open(path) as hdus, fits.open(truth) as true:
            sci, err, dq = (hdus[name].data for name in ("SCI", "ERR", "DQ"))
            mask, clean = true["CRMASK"].data, true["CLEAN"].data
            assert true["CLEAN"].header["BUNIT"] == "MJy/sr"
        flagged = dq == DO_NOT_USE
        assert flagged.any()
        np.testing.assert_array_equal(np.isnan(sci), flagged)
        assert 0.001 < mask.mean() < 0.02
        residual = (sci - clean) / err
        good = (mask == 0) & ~flagged
        # 22000 pixels: the deviation is known to 0.005, the mean to 0.007.
        assert residual[good].std() == pytest.approx(1.0, abs=0.03)
        assert abs(residual[good].mean()) < 0.03
        assert np.median(residual[(mask == 1) & ~flagged]) > 3


# What is refused, and the command line.


@pytest.mark.parametrize("name", ["gwcs", "asdf", "asdf_astropy"])
def test_without_gwcs_one_sentence_says_what_to_install(monkeypatch, tmp_path, name):
    monkeypatch.setitem(sys.modules, name, None)
    message = rf"need the package {name.replace('_', '-')}: pip install gwcs asdf asdf-astropy lz4$"
    for kind in ("jwst", "roman"):
        with pytest.raises(SkyblotError, match=message):
            make_demo(tmp_path / "never", kind)
    with pytest.raises(SkyblotError, match=message):
        jwst.nircam_wcs()
    assert not (tmp_path / "never").exists()


@pytest.mark.parametrize("kind", ["JWST", "jws", "", None])
def test_unknown_kinds_are_refused(tmp_path, kind):
    with pytest.raises(
        ParameterError, match=rf"^kind = {kind!r}: expected one of hst, jwst, roman"
    ):
        make_demo(tmp_path / "never", kind)
    assert not (tmp_path / "never").exists()


def test_command_line_offers_every_kind():
    (option,) = [each for each in command.params if each.name == "kind"]
    assert isinstance(option.type, click.Choice)
    assert tuple(option.type.choices) == tuple(demos.KINDS)
    assert option.default == "hst"
