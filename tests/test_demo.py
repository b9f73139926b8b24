"""The synthetic data set is what it says: deterministic, laid out like a real `_flc`, true to its
scene.
"""

import dataclasses
import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from scipy.ndimage import map_coordinates

from skyblot.demo import (
    DemoPlan,
    Scene,
    chip_frame,
    chip_wcs,
    demo_scene,
    exact_map,
    exposure_facts,
    exposure_hdulist,
    make_demo,
    mosaic_hdulist,
    mosaic_wcs,
)
from skyblot.errors import ParameterError

PLAN = DemoPlan(exposures=2, chip_shape=(96, 160))
CHIPS = pytest.mark.parametrize("chip", [1, 2])


@pytest.fixture(scope="module")
def scene():
    return demo_scene(PLAN)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return make_demo(tmp_path_factory.mktemp("demo") / "new", exposures=2, chip_shape=(96, 160))


def chip_pixels(plan, scene, index, chip):
    """Mosaic coordinates of every pixel of a chip, two arrays (ny, nx)."""
    y, x = np.indices(plan.chip_shape)
    to_mosaic = exact_map(chip_wcs(plan, index, chip), scene.wcs)
    return (each.reshape(plan.chip_shape) for each in to_mosaic(x.ravel(), y.ravel()))


def observed_rate(plan, scene, index, chip):
    """CLEAN without sky and exposure time: electron/s per mosaic pixel (both scales are 0.0396
    arcsec).
    """
    exposure = exposure_facts(plan, index)
    clean = chip_frame(plan, index, chip, scene).clean.astype(float)
    return (clean - exposure.sky[chip]) / exposure.exptime_s


def test_equal_seeds_give_equal_bytes(demo, tmp_path):
    again = make_demo(tmp_path, exposures=2, chip_shape=(96, 160))
    for first, second in zip(
        (demo.median, *demo.exposures, *demo.truth),
        (again.median, *again.exposures, *again.truth),
        strict=True,
    ):
        assert first.name == second.name
        assert first.read_bytes() == second.read_bytes()


@CHIPS
def test_streams_are_independent_of_order_and_number(scene, chip):
    alone = chip_frame(PLAN, 1, chip)
    np.testing.assert_array_equal(alone.sci, chip_frame(PLAN, 1, chip, scene).sci)
    assert exposure_facts(PLAN, 1) == exposure_facts(dataclasses.replace(PLAN, exposures=7), 1)


def test_another_seed_differs():
    other = dataclasses.replace(PLAN, seed=21)
    assert exposure_facts(PLAN, 0) != exposure_facts(other, 0)
    assert (chip_frame(PLAN, 0, 1).sci != chip_frame(other, 0, 1).sci).mean() > 0.99


def test_files_are_replaced_and_nothing_is_left_behind(demo):
    before = sorted(path.name for path in demo.folder.iterdir())
    assert before == sorted(path.name for path in (demo.median, *demo.exposures, *demo.truth))
    make_demo(demo.folder, exposures=2, chip_shape=(96, 160))
    assert sorted(path.name for path in demo.folder.iterdir()) == before


def test_exposure_is_laid_out_like_a_real_flc(demo):
    planes = [(name, version) for version in (1, 2) for name in ("SCI", "ERR", "DQ")]
    tables = [(name, 2 * n + i) for n in (0, 1) for name in ("WCSDVARR", "D2IMARR") for i in (1, 2)]
    for path in demo.exposures:
        with fits.open(path) as hdus:
            assert [(hdu.name, hdu.ver) for hdu in hdus[1:]] == planes + tables
            assert hdus[0].header["NEXTEND"] == len(hdus) - 1
            assert hdus[0].header["FILENAME"] == path.name
            assert path.name == f"{hdus[0].header['ROOTNAME']}_flc.fits"
            assert [hdus["SCI", v].header["CCDCHIP"] for v in (1, 2)] == [2, 1]
            assert hdus["SCI", 1].data.dtype == np.dtype(">f4")
            assert hdus["DQ", 1].data.dtype == np.dtype(">i2")
            for plane in planes:
                assert hdus[plane].shape == (96, 160)


@CHIPS
def test_wcs_reads_back_with_all_corrections_and_no_warning(demo, chip):
    for index, path in enumerate(demo.exposures):
        with fits.open(path) as hdus, warnings.catch_warnings():
            warnings.simplefilter("error")
            wcs = WCS(hdus["SCI", 3 - chip].header, hdus)
        assert list(wcs.wcs.ctype) == ["RA---TAN-SIP", "DEC--TAN-SIP"]
        assert (wcs.sip.a_order, wcs.sip.b_order) == (4, 4)
        for table, largest in (
            (wcs.cpdis1, 0.2),
            (wcs.cpdis2, 0.2),
            (wcs.det2im1, 0.1),
            (wcs.det2im2, 0.1),
        ):
            assert table.data.shape == (32, 64)
            assert 0.02 < np.abs(table.data).max() < largest
        expected = chip_wcs(PLAN, index, chip).all_pix2world([[0, 0], [159, 95], [80.3, 40.8]], 0)
        # Headers keep about 14 digits: 1e-12 degree is 1e-7 pixel.
        np.testing.assert_allclose(
            wcs.all_pix2world([[0, 0], [159, 95], [80.3, 40.8]], 0), expected, rtol=0, atol=1e-12
        )


@CHIPS
@pytest.mark.parametrize("shape", [(96, 160), (512, 1024), (2051, 4096)])
def test_scale_varies_as_on_the_real_detector(shape, chip):
    plan = DemoPlan(exposures=1, chip_shape=shape)
    to_mosaic = exact_map(chip_wcs(plan, 0, chip), mosaic_wcs(plan))
    y, x = (np.indices((9, 9)) / 8.0).reshape(2, 81) * np.array(
        [[shape[0] * 0.9], [shape[1] * 0.9]]
    )
    # wide, so that the small structure of the tables averages out
    step = 0.1 * np.array(shape)[::-1]
    at = np.array(to_mosaic(x, y))
    along_x = (np.array(to_mosaic(x + step[0], y)) - at) / step[0]
    along_y = (np.array(to_mosaic(x, y + step[1])) - at) / step[1]
    scale = np.sqrt(np.abs(along_x[0] * along_y[1] - along_x[1] * along_y[0]))
    assert 0.01 < np.ptp(scale) < 0.04
    assert abs(scale.mean() - 1.0) < 0.01


def test_mosaic_covers_every_chip(scene):
    nx, ny = scene.wcs.pixel_shape
    for index in range(PLAN.exposures):
        for chip in (1, 2):
            x, y = chip_pixels(PLAN, scene, index, chip)
            assert min(x.min(), y.min()) >= 20
            assert x.max() <= nx - 20
            assert y.max() <= ny - 20


def test_mosaic_file_is_an_undistorted_rate(demo, scene):
    with fits.open(demo.median) as hdus:
        header, data = hdus["SCI"].header, hdus["SCI"].data
        total = sum(exposure_facts(PLAN, i).exptime_s for i in (0, 1))
        assert hdus[0].header["EXPTIME"] == header["EXPTIME"] == pytest.approx(total, abs=0.05)
        assert header["NCOMBINE"] == 2
        assert header["BUNIT"] == "ELECTRONS/S"
        assert data.dtype == np.dtype(">f4")
        assert data.shape == scene.wcs.pixel_shape[::-1]
        wcs = WCS(header)
        np.testing.assert_allclose(wcs.wcs.cd, scene.wcs.wcs.cd, rtol=1e-12)
        assert list(wcs.wcs.ctype) == ["RA---TAN", "DEC--TAN"]
        noise = data - mosaic_hdulist(PLAN, scene, noise=False)["SCI"].data
    # Sky of 50 electrons and read noise of 3.1 in 450 s, two exposures: 0.012 electron/s.
    assert 0.010 < np.median(np.abs(noise)) / 0.6745 < 0.015


@CHIPS
def test_stamps_lose_nothing(scene, chip):
    x, y = chip_pixels(PLAN, scene, 0, chip)
    every = sum(
        sources.brightness(np.array(i), x, y)
        for sources in scene.sources
        for i in range(sources.x.size)
    )
    exposure = exposure_facts(PLAN, 0)
    expected = every * exposure.exptime_s + exposure.sky[chip]
    # CLEAN is float32: half a unit in the last place is 6e-8.
    np.testing.assert_allclose(chip_frame(PLAN, 0, chip, scene).clean, expected, rtol=1e-7)


def interpolated(plan, scene, index, chip, order):
    x, y = chip_pixels(plan, scene, index, chip)
    mosaic = mosaic_hdulist(plan, scene, noise=False)["SCI"].data.astype(float)
    return map_coordinates(mosaic, [y, x], order=order)


@CHIPS
def test_mosaic_interpolates_to_the_stars(chip):
    plan = DemoPlan(exposures=1, chip_shape=(192, 320))
    scene = demo_scene(plan)
    scene = Scene(scene.wcs, scene.sources[:1])
    stars = scene.sources[0]
    x, y = chip_pixels(plan, scene, 0, chip)
    rate = observed_rate(plan, scene, 0, chip)
    error = np.abs(interpolated(plan, scene, 0, chip, 5) - rate)
    relative = []
    for star_x, star_y in zip(stars.x, stars.y, strict=True):
        near = np.hypot(x - star_x, y - star_y) < 3.0
        if near.sum() > 25:
            relative.append(error[near].max() / rate[near].max())
    assert len(relative) > 15
    # A fwhm of 2 pixels is undersampled (the Gaussian has 3 % left at the Nyquist frequency).
    # Measured with a quintic spline, in units of the peak: median 0.023 and 0.026, worst 0.054 and
    # 0.051. Moving the map by a tenth of a pixel makes the medians 0.08.
    assert np.median(relative) < 0.035
    assert np.max(relative) < 0.075


@CHIPS
def test_mosaic_interpolates_to_the_galaxies(chip):
    plan = DemoPlan(exposures=1, chip_shape=(192, 320))
    scene = demo_scene(plan)
    scene = Scene(scene.wcs, scene.sources[1:])
    rate = observed_rate(plan, scene, 0, chip)
    assert rate.max() > 0.1
    # Well sampled. Measured, in units of the brightest: 0.0012 (cubic) and 0.0006 (quintic).
    for order, tolerance in ((3, 0.003), (5, 0.0015)):
        error = np.abs(interpolated(plan, scene, 0, chip, order) - rate)
        assert error.max() < tolerance * rate.max()


@CHIPS
def test_cosmic_rays_are_where_the_mask_says(demo, scene, chip):
    frame = chip_frame(PLAN, 0, chip, scene)
    without = chip_frame(dataclasses.replace(PLAN, cosmic_fraction=0.0), 0, chip, scene)
    with fits.open(demo.truth[0]) as truth, fits.open(demo.exposures[0]) as exposure:
        mask, clean = truth["CRMASK", 3 - chip].data, truth["CLEAN", 3 - chip].data
        sci, err = exposure["SCI", 3 - chip].data, exposure["ERR", 3 - chip].data
        assert mask.dtype == np.uint8
        np.testing.assert_array_equal(mask == 1, frame.cosmic > 0)
        np.testing.assert_array_equal(clean, frame.clean)
        assert exposure["SCI", 3 - chip].header["MDRIZSKY"] == clean.min().astype(float).round(4)
        added = sci - without.sci
        np.testing.assert_array_equal(added[mask == 0], 0.0)
        # A track's faintest pixel still stands above the rounding of a float32 of its size.
        np.testing.assert_allclose(added, frame.cosmic, rtol=1e-6, atol=1e-3)
        residual = (sci - clean)[mask == 0] / err[mask == 0]
    assert 0.002 < mask.mean() < 0.02
    assert frame.cosmic[frame.cosmic > 0].mean() > 100
    assert residual.std() == pytest.approx(1.0, abs=0.03)
    assert abs(residual.mean()) < 0.03


def test_in_memory_exposure_is_the_written_one(demo):
    with fits.open(demo.exposures[1]) as written:
        built = exposure_hdulist(PLAN, 1)
        assert [hdu.name for hdu in built] == [hdu.name for hdu in written]
        for ours, theirs in zip(built[1:], written[1:], strict=True):
            np.testing.assert_array_equal(ours.data, theirs.data)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"exposures": 0}, "exposures = 0"),
        ({"seed": -1}, "seed = -1: expected a whole number, at least 0"),
        ({"chip_shape": (8, 160)}, r"chip_shape = \(8, 160\)"),
        ({"chip_shape": (96, 160), "full_size": True}, "chip_shape"),
    ],
)
def test_bad_arguments_write_nothing(tmp_path, arguments, message):
    with pytest.raises(ParameterError, match=message):
        make_demo(tmp_path / "never", **arguments)
    assert not (tmp_path / "never").exists()
