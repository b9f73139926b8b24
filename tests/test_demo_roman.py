"""The Roman-like data set: files laid out like real ones, true to their scene, and blotted from the
command line.

All files are made by hand with gwcs and asdf, from plain values where Roman's have tags of their
own.
"""

import subprocess
import sys

import numpy as np
import pytest

from skyblot.demo import DemoPlan, jwst, make_demo
from skyblot.demo.infrared import DO_NOT_USE
from skyblot.demo.roman import MOSAIC_NAME, WFI

gwcs = pytest.importorskip("gwcs")
asdf = pytest.importorskip("asdf")

PLAN = DemoPlan(exposures=2, chip_shape=(144, 160))
ROOT = "r0123401001001001001_000{}_wfi01_f158"


@pytest.fixture(scope="module")
def scene():
    return WFI.scene(PLAN)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return make_demo(
        tmp_path_factory.mktemp("demo") / "new", "roman", exposures=2, chip_shape=PLAN.chip_shape
    )


def read(path):
    """The tree ``roman`` of a file, all arrays read."""
    with asdf.open(path, lazy_load=False, memmap=False) as file:
        return file["roman"]


def test_names_and_bytes_depend_on_the_seed_alone(demo, tmp_path):
    again = make_demo(tmp_path, "roman", exposures=2, chip_shape=PLAN.chip_shape)
    assert demo.median.name == MOSAIC_NAME
    assert [path.name for path in demo.exposures] == [f"{ROOT.format(n)}_cal.asdf" for n in (1, 2)]
    assert [path.name for path in demo.truth] == [f"{ROOT.format(n)}_truth.asdf" for n in (1, 2)]
    for first, second in zip(
        *((each.median, *each.exposures, *each.truth) for each in (demo, again)), strict=True
    ):
        assert first.name == second.name
        assert first.read_bytes() == second.read_bytes()


def test_exposures_hold_the_exact_wcs_and_the_facts(demo):
    y, x = np.indices(PLAN.chip_shape)
    for index, path in enumerate(demo.exposures):
        tree = read(path)
        meta = tree["meta"]
        assert meta["filename"] == path.name
        assert (
            meta["exposure"]["exposure_time"]
            == meta["exposure"]["effective_exposure_time"]
            == WFI.exptime_s
        )
        assert meta["photometry"]["conversion_megajanskys"] == WFI.conversion
        assert [tree[name].dtype for name in ("data", "err", "dq")] == ["f4", "f4", "u4"]
        assert {tree[name].shape for name in ("data", "err", "dq")} == {PLAN.chip_shape}
        np.testing.assert_array_equal(np.isnan(tree["data"]), tree["dq"] == DO_NOT_USE)
        expected = WFI.wcs(PLAN, index).pixel_to_world_values(x, y)
        np.testing.assert_array_equal(meta["wcs"].pixel_to_world_values(x, y), expected)
    one, two = (
        np.array(each).ravel() for each in (expected, WFI.wcs(PLAN, 0).pixel_to_world_values(x, y))
    )
    assert np.abs(one - two).max() > WFI.scale / 3600


def test_pixels_have_the_size_of_wfi(scene):
    x, y = jwst.exact_map(WFI.wcs(PLAN, 0), scene.wcs)(
        np.array([70.0, 71.0]), np.array([70.0, 70.0])
    )
    assert np.hypot(np.diff(x), np.diff(y))[0] == pytest.approx(1.0, abs=0.01)
    assert 3600 * scene.wcs.wcs.cdelt[0] == pytest.approx(0.11)


def test_clean_is_the_scene_at_the_exact_coordinates_in_dn_per_second(demo, scene):
    y, x = np.indices(PLAN.chip_shape)
    for path, truth in zip(demo.exposures, demo.truth, strict=True):
        world = read(path)["meta"]["wcs"].pixel_to_world_values(x.ravel(), y.ravel())
        at = scene.wcs.wcs_world2pix(*world, 0)
        every = sum(
            sources.brightness(np.array(i), *at)
            for sources in scene.sources
            for i in range(sources.x.size)
        )
        clean = read(truth)["clean"]
        # Rounded to float32 twice, and divided by a conversion that is rounded too: 3 times 6e-8.
        np.testing.assert_allclose(clean.ravel(), (every + WFI.sky) / WFI.conversion, rtol=1.9e-7)


def test_noise_is_what_err_says(demo):
    for path, truth in zip(demo.exposures, demo.truth, strict=True):
        image, true = read(path), read(truth)
        residual = ((image["data"] - true["clean"]) / image["err"])[
            (true["crmask"] == 0) & (image["dq"] == 0)
        ]
        # 22000 pixels: the deviation is known to 0.005, the mean to 0.007.
        assert residual.std() == pytest.approx(1.0, abs=0.03)
        assert abs(residual.mean()) < 0.03


def test_blots_from_the_command_line_are_the_true_sky_in_the_units_of_the_images(tmp_path):
    command = [sys.executable, "-m", "skyblot", "demo", "--kind", "roman", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"skyblot blot {tmp_path}/{MOSAIC_NAME} {tmp_path}/*_cal.asdf " in done.stdout
    plan = DemoPlan(chip_shape=(512, 512))
    # The noise of the median of 4 on the sky, less what interpolation averages: 0.8 of it is left
    # (poly5).
    variance = WFI.sky * WFI.electrons + WFI.read_noise**2
    sigma = np.sqrt(np.pi / 2 / plan.exposures * variance) / WFI.electrons / WFI.conversion
    for index in range(plan.exposures):
        blot, truth = (
            read(tmp_path / f"{ROOT.format(index + 1)}_{kind}.asdf") for kind in ("blt", "truth")
        )
        x, y = np.meshgrid(np.linspace(-0.5, 511.5, 30), np.linspace(-0.5, 511.5, 30))
        np.testing.assert_array_equal(
            blot["meta"]["wcs"].pixel_to_world_values(x, y),
            WFI.wcs(plan, index).pixel_to_world_values(x, y),
        )
        residual = blot["data"].astype(float) - truth["clean"]
        sky = np.abs(truth["clean"] - WFI.sky / WFI.conversion) < 1e-4
        assert 0.7 * sigma < residual[sky].std() < 0.9 * sigma
        assert abs(residual[sky].mean()) < 5 * sigma / np.sqrt(sky.sum())
