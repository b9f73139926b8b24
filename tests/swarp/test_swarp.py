"""The real SWarp end to end: coadds of exposures of different seeing and transparency, against
truth.
"""

import glob
import shutil
import subprocess
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from swarp_survey import SCALE, SWARP, WEATHER, tpv_header

from skyblot import Parameters, SkyblotWarning, reject_files
from skyblot.pixelmap.linear import pixel_scale

pytestmark = pytest.mark.filterwarnings("ignore::skyblot.SkyblotWarning")


def compared(mosaic, truths, folder, **keywords):
    folder.mkdir(exist_ok=True)
    results = reject_files(
        mosaic, [each.path for each in truths], folder, overwrite=True, **keywords
    )
    return [
        (truth, result, fits.getdata(result.path) == 0)
        for truth, result in zip(truths, results, strict=True)
    ]


@pytest.mark.parametrize("stretch", [1.0, 1.1, 0.9])
def test_the_pixel_scale_does_not_depend_on_how_cd_and_pv_share_the_geometry(stretch):
    scale = [pixel_scale(WCS(tpv_header(2, stretch=each))) for each in (1.0, stretch)]
    assert scale[1] == pytest.approx(scale[0], rel=1e-6)
    assert scale[0] == pytest.approx(SCALE, rel=1e-3)


@pytest.mark.parametrize(("kind", "cores"), [("MEDIAN", 0.015), ("CLIPPED", 0.035)])
def test_positions_flux_noise_and_masks_are_true(survey, swarp, tmp_path, kind, cores):
    """Clipping has taken the brightest cores of the sharpest exposure out of its stack; others are
    as in a median.
    """
    for truth, result, bad in compared(swarp(kind), survey[1], tmp_path / "m"):
        assert np.hypot(*result.misalignment) < 0.03
        assert result.flux_ratio == pytest.approx(1.0, abs=0.06)
        # what five exposures share makes it less; a blot that is made sharper has more noise, of
        # a median that shared nothing 0.1 pi of an exposure's variance
        assert 0.75 < result.noise < np.sqrt(1 + np.pi / 10)
        sky = ~truth.hits & ~truth.stars
        assert bad[truth.hits].mean() > 0.94
        assert bad[sky].mean() < 1e-3
        assert bad[truth.cores & ~truth.hits].mean() < cores


def test_a_mean_is_said_to_have_the_cosmic_rays_in_it(survey, swarp, tmp_path):
    with pytest.warns(SkyblotWarning) as caught:
        compared(swarp("WEIGHTED"), survey[1][:1], tmp_path / "m")
    assert any("the cosmic rays of its exposures are in it" in str(each.message) for each in caught)


@pytest.mark.parametrize(("kind", "area"), [("FIXED", "auto"), ("NONE", "no")])
def test_coadds_with_other_pixels_by_their_kind_of_flux(survey, swarp, tmp_path, kind, area):
    mosaic = swarp("MEDIAN", PIXEL_SCALE=0.2, IMAGE_SIZE=500, FSCALASTRO_TYPE=kind)
    how = {"parameters": Parameters(pixel_area=area)}
    for _, result, _ in compared(mosaic, survey[1][1:3], tmp_path / "m", **how):
        assert result.flux_ratio == pytest.approx(1.0, abs=0.06)


def test_masks_are_weights_for_swarp_and_its_weighted_coadd_has_no_cosmic_rays(
    survey, swarp, tmp_path
):
    """Masks go beside the exposures; the stars and the sky of the coadd are then those of the
    median.
    """
    median = swarp("MEDIAN")
    for truth, result, _ in compared(median, survey[1], tmp_path / "m"):
        shutil.copy(truth.path, tmp_path)
        shutil.copy(result.path, tmp_path)
    words = [
        "-WEIGHT_TYPE",
        "MAP_WEIGHT",
        "-WEIGHT_SUFFIX",
        "_sci1_crmask.fits",
        "-COMBINE_TYPE",
        "WEIGHTED",
    ]
    words += [
        "-CENTER_TYPE",
        "MANUAL",
        "-CENTER",
        "150.0,2.2",
        "-PIXELSCALE_TYPE",
        "MANUAL",
        "-PIXEL_SCALE",
        "0.26",
    ]
    words += [
        "-IMAGE_SIZE",
        "380",
        "-VERBOSE_TYPE",
        "QUIET",
        "-WRITE_XML",
        "N",
        "-RESAMPLING_TYPE",
        "BILINEAR",
    ]
    names = [truth.path.name for truth in survey[1]]
    subprocess.run([SWARP, *names, *words], cwd=tmp_path, check=True, capture_output=True)
    difference = fits.getdata(tmp_path / "coadd.fits") - fits.getdata(median)
    inside = difference[110:270, 110:270]
    assert np.percentile(np.abs(inside), 99.5) < 60  # single hits are of 60 to several thousand
    assert len(names) == len(WEATHER)


@pytest.mark.skipif(shutil.which("source-extractor") is None, reason="SExtractor is not installed")
def test_flags_are_flags_for_sextractor(survey, swarp, tmp_path):
    truth = survey[1][2]
    (tmp_path / "default.param").write_text("X_IMAGE\nY_IMAGE\nIMAFLAGS_ISO\n")
    (tmp_path / "default.conv").write_text("CONV NORM\n1 2 1\n2 4 2\n1 2 1\n")
    how = {"update_dq": True}
    compared(swarp("MEDIAN"), [truth], tmp_path / "m", **how)
    flags = tmp_path / "m" / f"{truth.path.stem}_crdq.fits"
    words = [
        "-FLAG_IMAGE",
        str(flags),
        "-CATALOG_NAME",
        "x.cat",
        "-PARAMETERS_NAME",
        "default.param",
    ]
    words += ["-FILTER_NAME", "default.conv", "-STARNNW_NAME", "none.nnw", "-VERBOSE_TYPE", "QUIET"]
    subprocess.run(
        ["source-extractor", str(truth.path), *words], cwd=tmp_path, check=True, capture_output=True
    )
    x, y, flag = np.loadtxt(tmp_path / "x.cat", unpack=True)
    places = np.rint([y - 1, x - 1]).astype(int)
    hit = fits.getdata(flags)[tuple(places)] > 0
    assert set(flag) == {0, 4096}
    assert hit.any()
    assert (flag[hit] == 4096).all()


@pytest.mark.skipif(shutil.which("source-extractor") is None, reason="SExtractor is not installed")
def test_the_commands_of_the_page_run(survey, swarp, tmp_path, monkeypatch, run):
    """All but skyblot's own are run by a shell, in a folder with the exposures and SExtractor's
    usual files.
    """
    swarp("MEDIAN")
    monkeypatch.chdir(tmp_path)
    for truth in survey[1]:
        shutil.copy(truth.path, tmp_path)
    (tmp_path / "default.param").write_text("X_IMAGE\nY_IMAGE\nIMAFLAGS_ISO\n")
    (tmp_path / "default.conv").write_text("CONV NORM\n1 2 1\n2 4 2\n1 2 1\n")
    page = Path(__file__).parents[2] / "docs" / "ground_based.rst"
    commands = [
        line.split("$ ")[1] for line in page.read_text().splitlines() if line.startswith("   $ ")
    ]
    assert len(commands) == 4
    for command in commands:
        if command.startswith("skyblot "):
            names = [
                part for word in command.split()[1:] for part in (sorted(glob.glob(word)) or [word])
            ]
            assert run(*names)[0] in (0, None)
        else:
            subprocess.run(command, shell=True, cwd=tmp_path, check=True, capture_output=True)
    assert {"coadd.fits", "deep.fits", "test.cat"} <= {each.name for each in tmp_path.iterdir()}


def test_weights_of_swarp_are_read_beside_its_coadd(survey, swarp, tmp_path):
    mosaic = swarp("MEDIAN")
    shutil.copy(mosaic, tmp_path)
    shutil.copy(mosaic.with_name(mosaic.name.replace(".fits", ".weight.fits")), tmp_path)
    with fits.open(tmp_path / mosaic.name.replace(".fits", ".weight.fits"), mode="update") as hdus:
        hdus[0].data[:, :190] = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ((_, result, _),) = compared(tmp_path / mosaic.name, survey[1][:1], tmp_path / "m")
    assert 0.3 < result.covered < 0.7
