"""The data set from the ground is laid out like DECam's files, and true to its scene."""

import warnings

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

import skyblot
from skyblot import SkyblotWarning
from skyblot.api.clean import plan_clean
from skyblot.demo import DemoPlan, ground, make_demo

PLAN = DemoPlan(exposures=3, chip_shape=(96, 160))


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return make_demo(
        tmp_path_factory.mktemp("demo"), "ground", exposures=3, chip_shape=PLAN.chip_shape
    )


def beside(path, product):
    return path.with_name(path.name.replace("_ooi_", f"_{product}_"))


def test_the_pattern_stands_for_the_exposures_alone(demo):
    assert tuple(sorted(demo.folder.glob(demo.pattern))) == demo.exposures
    assert [path.name for path in demo.truth] == [
        beside(path, "truth").name for path in demo.exposures
    ]


def test_equal_seeds_give_equal_bytes(demo, tmp_path):
    again = make_demo(tmp_path, "ground", exposures=3, chip_shape=PLAN.chip_shape)
    for path in sorted(demo.folder.iterdir()):
        assert path.read_bytes() == (again.folder / path.name).read_bytes(), path.name


def test_flags_and_weights_beside_an_exposure_are_found(demo):
    for chip in skyblot.info(demo.exposures[0]):
        assert "TPV" in chip.wcs.distortion
        planes = str(chip)
        assert beside(demo.exposures[0], "ood").name in planes
        assert beside(demo.exposures[0], "oow").name in planes


def test_weights_are_the_inverse_variance_of_the_noise_and_zero_where_flagged(demo):
    with (
        fits.open(beside(demo.exposures[1], "oow")) as weights,
        fits.open(beside(demo.exposures[1], "ood")) as flags,
        fits.open(demo.exposures[1]) as pixels,
        fits.open(demo.truth[1]) as truth,
    ):
        for number, chip in enumerate(ground.CHIPS, 1):
            bad = flags[chip].data != 0
            assert ((weights[chip].data == 0) == bad).all()
            clean, hit = truth["CLEAN", number].data, truth["CRMASK", number].data == 1
            use = ~bad & ~hit
            pull = (pixels[chip].data - clean)[use] * np.sqrt(weights[chip].data[use])
            # The standard deviation of n values is good to 1 / sqrt(2 n): here 0.6 percent.
            assert np.std(pull) == pytest.approx(1, abs=5 / np.sqrt(2 * use.sum()))


def test_chips_do_not_overlap_and_the_coadd_covers_them_all(demo):
    ny, nx = PLAN.chip_shape
    coadd = fits.getheader(demo.median)
    for path in demo.exposures:
        covered = np.zeros((coadd["NAXIS2"], coadd["NAXIS1"]), int)
        with fits.open(path) as hdus:
            for chip in ground.CHIPS:
                y, x = np.indices((ny, nx))
                sky = WCS(hdus[chip].header).all_pix2world(x.ravel(), y.ravel(), 0)
                places = np.rint(WCS(coadd).wcs_world2pix(*sky, 0)).astype(int)
                assert (places >= 0).all()
                assert (places[0] < coadd["NAXIS1"]).all()
                assert (places[1] < coadd["NAXIS2"]).all()
                found = np.zeros_like(covered)
                found[places[1], places[0]] = 1
                covered += found
        assert covered.max() == 1


def test_a_blurred_scene_keeps_its_light_and_its_stars_are_as_wide_as_the_seeing():
    scene = ground.demo_scene(PLAN)
    at = scene.sources[0].x[:1], scene.sources[0].y[:1]
    steps = np.arange(-40, 40, 0.25)
    x, y = (each.ravel() for each in np.meshgrid(steps, steps))
    light = []
    for fwhm in (ground.SHARP, 4.0):
        star = ground.seen_through(scene, fwhm).sources[0]
        one = np.zeros(x.size, int)
        light.append(star.brightness(one, at[0] + x, at[1] + y).sum())
        middle, side = star.brightness(one[:2], at[0] + [0.0, fwhm / 2], at[1] + [0.0, 0.0])
        # Where the profile ends takes some percent of the height of its shoulders.
        assert side == pytest.approx(middle / 2, rel=0.1)
    assert light[0] == pytest.approx(light[1], rel=1e-3)


def test_clean_finds_what_the_truth_says(demo, tmp_path):
    result = skyblot.clean_files([str(demo.folder / demo.pattern)], tmp_path, mosaic=False)
    assert len(result.masks) == 12
    found, hits, wrong, pixels = 0, 0, 0, 0
    for path, truth in zip(demo.exposures, demo.truth, strict=True):
        with (
            fits.open(tmp_path / path.name.replace(".fits", "_crmask.fits")) as masks,
            fits.open(truth) as right,
            fits.open(beside(path, "oow")) as weights,
            fits.open(path) as seen,
        ):
            for number, chip in enumerate(ground.CHIPS, 1):
                bad = masks[chip].data == 0
                hit = right["CRMASK", number].data == 1
                sigma = 1 / np.sqrt(np.maximum(weights[chip].data, 1e-9))
                bright = hit & (seen[chip].data - right["CLEAN", number].data > 8 * sigma)
                found += (bad & bright).sum()
                hits += bright.sum()
                wrong += (bad & ~hit).sum()
                pixels += hit.size
    assert found > 0.8 * hits  # the edges of so small a field have no second exposure
    assert wrong < 1e-3 * pixels


def test_a_mosaic_of_exposures_through_clouds_is_said_to_be_a_mean(demo, tmp_path):
    names = [str(demo.folder / demo.pattern)]
    match = r"the exposures: FLXSCALE is 1\S* to 1\.\d+: each is compared at its own brightness"
    with pytest.warns(SkyblotWarning, match=match):
        plan_clean(names, tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plan_clean(names, tmp_path, mosaic=False)
