"""From the command line: make the JWST-like set, blot its mosaic onto every exposure, compare with
the true scene.

The exposures are synthetic, their distortion about NRCBLONG's (see ``skyblot.demo.jwst``). What a
blot should be is worked out here from the gwcs in the file and the TAN header of the mosaic, by
asdf, gwcs and ``astropy.wcs`` alone.
"""

import io
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from scipy.interpolate import lagrange

from skyblot.demo import DemoPlan
from skyblot.demo.nircam import MOSAIC_NAME, NIRCAM

gwcs = pytest.importorskip("gwcs")
asdf = pytest.importorskip("asdf")

PLAN = DemoPlan(chip_shape=(512, 512))
ROOTS = [f"jw01234001001_02101_0000{n}_nrcblong" for n in (1, 2, 3, 4)]
PERIOD = 16.0  # mosaic pixels
TOLERANCE = 1e-4  # mosaic pixels, the default of the adaptive pixel map


def skyblot(*arguments):
    """Run the command line in a process of its own; return what it printed. It must not warn."""
    command = [sys.executable, "-m", "skyblot", *(str(each) for each in arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stderr
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("jwst") / "demo"
    lines = skyblot("demo", "--kind", "jwst", folder)
    hint = f"The same by hand: skyblot blot {folder}/{MOSAIC_NAME} {folder}/*_cal.fits "
    assert any(line.startswith(hint) for line in lines)
    return folder


@pytest.fixture(scope="module")
def blots(demo, tmp_path_factory):
    """Folder of the blots of the noisy mosaic."""
    folder = tmp_path_factory.mktemp("blots")
    lines = skyblot("blot", demo / MOSAIC_NAME, *cal_files(demo), "--output-dir", folder)
    assert [line.split()[:4] for line in lines] == [
        [f"{folder}/{root}_sci1_blt.fits", "512", "x", "512"] for root in ROOTS
    ]
    assert all("  100.0 % covered  " in line for line in lines)
    return folder


def cal_files(folder):
    return [folder / f"{root}_cal.fits" for root in ROOTS]


def blot_of(folder, root):
    return fits.getdata(folder / f"{root}_sci1_blt.fits", "SCI").astype(float)


def clean_of(folder, root):
    return fits.getdata(folder / f"{root}_truth.fits", "CLEAN").astype(float)


def exact_wcs(path):
    with fits.open(path) as hdus:
        return asdf.open(io.BytesIO(hdus["ASDF"].data["ASDF_METADATA"][0].tobytes()))["meta"]["wcs"]


def waves(x, y):
    """A scene in MJy/sr that is smooth on the scale of a pixel, so that a blot's error is that of
    its coordinates.
    """
    k = 2 * np.pi / PERIOD
    return 3.0 + np.sin(k * x + 0.3) * np.cos(k * y - 0.7)


def lagrange_weights():
    """Weights of the 6 pixels that poly5 takes, (101 fractions of a pixel, 6)."""
    taps, fraction = np.arange(-2, 4), np.linspace(0.0, 1.0, 101)
    return np.stack([lagrange(taps, row)(fraction) for row in np.eye(6)], axis=1)


@pytest.fixture(scope="module")
def smooth(demo, tmp_path_factory):
    """Folder of a mosaic of `waves`, and of blots of it: with the exact WCS, and ``sip/``, of
    exposures without it.
    """
    folder = tmp_path_factory.mktemp("smooth")
    (folder / "sip").mkdir()
    with fits.open(demo / MOSAIC_NAME) as hdus:
        y, x = np.indices(hdus["SCI"].shape)
        hdus["SCI"].data = waves(x, y).astype("f4")
        hdus.writeto(folder / "waves_i2d.fits")
    for path in cal_files(demo):
        with fits.open(path) as hdus:
            del hdus["ASDF"]
            hdus.writeto(folder / path.name)
    skyblot("blot", folder / "waves_i2d.fits", *cal_files(demo), "--output-dir", folder)
    # says so
    skyblot(
        "blot",
        folder / "waves_i2d.fits",
        *cal_files(folder),
        "--output-dir",
        folder / "sip",
        "--quiet",
    )
    return folder


def true_waves(demo, root):
    """`waves` at the exact coordinates of every pixel of an exposure."""
    mosaic = WCS(fits.getheader(demo / MOSAIC_NAME, "SCI"))
    y, x = np.indices(PLAN.chip_shape)
    return waves(
        *mosaic.wcs_world2pix(*exact_wcs(demo / f"{root}_cal.fits").pixel_to_world_values(x, y), 0)
    )


def bound_of_waves():
    """Largest error of a blot of `waves` at coordinates that are good to `TOLERANCE`."""
    k = 2 * np.pi / PERIOD
    # Interpolation through 6 points errs by |f^(6)| / 6! times the product of the distances, 225/64
    # at most; along one axis, then the other, whose weights add up to `spread` in absolute value.
    # The amplitude is 1.
    spread = np.abs(lagrange_weights()).sum(axis=1).max()
    interpolation = k**6 / 720 * 225 / 64 * (1 + spread)
    # The largest gradient is k. Values up to 4 are rounded to float32, in the mosaic and in the
    # blot.
    return interpolation + k * TOLERANCE + 4 * 2**-24 * (spread**2 + 1)


@pytest.mark.parametrize("root", ROOTS)
def test_noise_free_blot_is_the_scene_at_the_exact_coordinates(demo, smooth, root):
    error = np.abs(blot_of(smooth, root) - true_waves(demo, root))
    assert error.max() < bound_of_waves()


@pytest.mark.parametrize("root", ROOTS)
def test_the_sip_of_the_header_alone_would_miss_it(demo, smooth, root):
    truth = true_waves(demo, root)
    exact, approximate = (
        np.abs(blot_of(folder, root) - truth) for folder in (smooth, smooth / "sip")
    )
    # SIP is off by 0.01 pixel near the corners, 0.002 in rms: ten times the bound, and the rms of
    # what is exact.
    assert approximate.max() > 10 * bound_of_waves()
    assert np.sqrt((approximate**2).mean()) > 10 * np.sqrt((exact**2).mean())


@pytest.mark.parametrize("root", ROOTS)
def test_blot_is_the_true_sky_within_the_noise_of_the_mosaic(demo, blots, root):
    clean = clean_of(demo, root)
    residual = blot_of(blots, root) - clean
    sky = np.abs(clean - NIRCAM.sky) < 1e-4
    assert sky.mean() > 0.2
    # Noise of the median of 4 exposures, on the sky; interpolation averages it, along each axis, by
    # the sum of the squared weights.
    sigma = (
        np.sqrt(np.pi / 2 / 4 * (NIRCAM.sky * NIRCAM.electrons + NIRCAM.read_noise**2))
        / NIRCAM.electrons
    )
    expected = sigma * (lagrange_weights() ** 2).sum(axis=1)[:-1].mean()
    assert residual[sky].std() == pytest.approx(expected, rel=0.03)
    # The noise of neighbours is correlated: every mosaic pixel counts about once.
    assert abs(residual[sky].mean()) < 5 * sigma / np.sqrt(sky.sum())


@pytest.mark.parametrize("root", ROOTS)
def test_blot_singles_out_the_cosmic_rays(demo, blots, root):
    with (
        fits.open(demo / f"{root}_cal.fits") as hdus,
        fits.open(demo / f"{root}_truth.fits") as truth,
    ):
        sci, err, good = hdus["SCI"].data, hdus["ERR"].data, hdus["DQ"].data == 0
        mask = truth["CRMASK"].data == 1
    clean = clean_of(demo, root)
    found, best = ((sci - each) / err > 5 for each in (blot_of(blots, root), clean))
    sky = good & (clean < 1.1 * NIRCAM.sky)
    # Noise of exposure and median: a pixel in a million is 5 sigma above by chance, and its
    # neighbours are alike.
    assert found[sky & ~mask].mean() < 1e-4
    # The median's noise is 0.5 of an exposure's: some of the faintest are missed that the true sky
    # would show.
    assert found[sky & mask].sum() > 0.95 * best[sky & mask].sum() > 500


@pytest.mark.parametrize("root", ROOTS)
def test_blot_keeps_units_planes_and_the_exact_wcs_of_its_exposure(demo, blots, root):
    with (
        fits.open(blots / f"{root}_sci1_blt.fits") as blot,
        fits.open(demo / f"{root}_cal.fits") as exposure,
    ):
        assert blot["SCI"].header["BUNIT"] == "MJy/sr"
        assert blot["SCI"].data.dtype == ">f4"
        assert blot["ASDF"].header["EXTNAME"] == exposure["ASDF"].header["EXTNAME"]
    x, y = np.meshgrid(np.linspace(-0.5, 511.5, 40), np.linspace(-0.5, 511.5, 40))
    written, given = (
        exact_wcs(path) for path in (blots / f"{root}_sci1_blt.fits", demo / f"{root}_cal.fits")
    )
    np.testing.assert_array_equal(
        written.pixel_to_world_values(x, y), given.pixel_to_world_values(x, y)
    )
