"""What could not be compared has no mask: one would call all of its pixels good."""

import numpy as np
import pytest
from astropy.io import fits
from plane_files import BAD, CARDS, CLEAN, SHAPE, SIGMA, hst, image, mosaic, write
from samples import tan_header

from skyblot import BatchError, reject_files
from skyblot.errors import DataError

EVERYWHERE = np.ones(SHAPE, "i2")


def exposure(path, *, data=None, errors=SIGMA, flags=BAD, **cards):
    """An exposure, with cards of its SCI extension changed."""
    science = image(**cards)
    if data is not None:
        science.data = data
    return write(
        path,
        science,
        fits.ImageHDU(errors, name="ERR"),
        fits.ImageHDU(flags.astype("i2"), name="DQ"),
    )


def other_mosaic(path, data, name=None):
    """A mosaic with other pixels; with a name, in an extension beside good ones."""
    header = tan_header(SHAPE, **CARDS)
    images = [fits.PrimaryHDU(data, header)]
    if name:
        images = [fits.PrimaryHDU(), fits.ImageHDU(CLEAN.astype("f4"), header, name="SCI")]
        images.append(fits.ImageHDU(data, header, name=name))
    fits.HDUList(images).writeto(path)
    return path


@pytest.fixture
def folder(tmp_path):
    mosaic(tmp_path / "m.fits")
    (tmp_path / "out").mkdir()
    return tmp_path


FULL = np.full(SHAPE, 1.0, "f4")
#: What is wrong: with the exposure, with the mosaic, and the reason.
CASES = {
    "elsewhere": ({"CRVAL2": 30.0}, None, "they do not overlap"),
    "mosaic of NaN": ({}, FULL * np.nan, "the mosaic has no finite pixel there"),
    "mosaic of zeros": ({}, FULL * 0, "the mosaic is 0 everywhere there"),
    "weights for a mosaic": ({}, FULL * 1200, "the mosaic is the same everywhere there"),
    "exposure of NaN": ({"data": FULL * np.nan}, None, "the exposure has no finite pixel"),
    "all flagged": ({"flags": EVERYWHERE}, None, "its flags leave out every pixel"),
    "nothing in common": (
        {"data": np.where(np.arange(80) < 40, np.nan, FULL)},
        np.where(np.arange(80) < 40, CLEAN, np.nan).astype("f4"),
        "no pixel has a finite value, a finite blot, an error above 0 and no flag",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_reason_is_told_and_no_mask_is_written(case, folder):
    changes, data, reason = CASES[case]
    source = folder / "m.fits" if data is None else other_mosaic(folder / "other.fits", data)
    path = exposure(folder / "x_flt.fits", **changes)
    with pytest.raises(DataError) as caught:
        reject_files(source, [path], folder / "out", fail_fast=True, save_blots=True)
    assert str(caught.value) == f"{path}[sci,1]: cannot be compared with {source}[0]: {reason}"
    assert list((folder / "out").iterdir()) == []


def test_no_weight_where_the_exposure_is(folder):
    weights = fits.ImageHDU(FULL * 0, name="WHT")
    science = fits.ImageHDU(CLEAN.astype("f4"), tan_header(SHAPE, **CARDS), name="SCI")
    fits.HDUList([fits.PrimaryHDU(), science, weights]).writeto(folder / "m_drz.fits")
    with pytest.raises(DataError, match="they do not overlap where the mosaic has weight"):
        reject_files(folder / "m_drz.fits", [hst(folder)], folder / "out", fail_fast=True)


def test_pixels_without_weight_are_not_judged(folder):
    weights = np.where(np.arange(80) < 60, 1, 0) * FULL
    science = fits.ImageHDU(
        np.where(weights > 0, CLEAN, 0).astype("f4"), tan_header(SHAPE, **CARDS), name="SCI"
    )
    fits.HDUList([fits.PrimaryHDU(), science, fits.ImageHDU(weights, name="WHT")]).writeto(
        folder / "m_drz.fits"
    )
    (result,) = reject_files(folder / "m_drz.fits", [hst(folder)], folder / "out")
    bad = fits.getdata(result.path) == 0
    assert not bad[:, 60:].any()
    assert bad.any()
    assert 0.5 < result.covered <= 60 / 80


def test_the_others_are_done_and_the_exit_code_says_it(folder, run):
    paths = [exposure(folder / "far_flt.fits", CRVAL2=30.0), hst(folder)]
    code, stdout, stderr = run("reject", folder / "m.fits", *paths, "--output-dir", folder / "out")
    assert code == 1
    assert "x_sci1_crmask.fits" in stdout
    assert "far_flt.fits[sci,1]: cannot be compared with" in stderr
    assert [each.name for each in (folder / "out").iterdir()] == ["x_sci1_crmask.fits"]
    code, _, stderr = run("reject", folder / "m.fits", paths[0], "--output-dir", folder / "out")
    assert code == 2
    assert stderr.count("\n") == 1


def test_a_chip_that_is_elsewhere_is_a_failure_of_its_own(folder):
    errors = [fits.ImageHDU(SIGMA, name="ERR", ver=ver) for ver in (1, 2)]
    flags = [fits.ImageHDU(BAD.astype("i2"), name="DQ", ver=ver) for ver in (1, 2)]
    path = write(folder / "x_flt.fits", image(), image(ver=2, CRVAL2=30.0), *errors, *flags)
    with pytest.raises(BatchError) as caught:
        reject_files(folder / "m.fits", [path], folder / "out")
    assert [each.reference for each in caught.value.failures] == [f"{path}[sci,2]"]
    assert [each.path.name for each in caught.value.results] == ["x_sci1_crmask.fits"]


def test_a_report_marks_it(folder, run):
    pytest.importorskip("matplotlib")
    pytest.importorskip("jinja2")
    paths = [exposure(folder / "far_flt.fits", CRVAL2=30.0), hst(folder)]
    page = folder / "page.html"
    run("reject", folder / "m.fits", *paths, "--output-dir", folder / "out", "--report", page)
    assert "far_flt.fits[sci,1]: cannot be compared with" in page.read_text()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("WHT", "a map of weights"),
        ("CTX", "a map of what went into each pixel"),
        ("ERR", "a map of errors"),
        ("DQ", "a map of flags"),
        ("VAR_POISSON", "a map of errors"),
    ],
)
def test_a_plane_in_the_place_of_the_mosaic_is_refused(name, kind, folder):
    source = f"{other_mosaic(folder / 'drz.fits', FULL, name)}[{name}]"
    with pytest.raises(
        DataError,
        match=rf"drz.fits\[{name.lower()},1\]: is {kind}, expected the mosaic's own image",
    ):
        reject_files(source, [hst(folder)], folder / "out")


@pytest.mark.parametrize("name", ["a_drz_wht.fits", "coadd.weight.fits", "c4d_1_2_oow_g_v1.fits"])
def test_a_file_of_weights_in_the_place_of_the_mosaic_is_refused(name, folder):
    with pytest.raises(
        DataError, match=r"\[0\]: is a map of weights, expected the mosaic's own image"
    ):
        reject_files(other_mosaic(folder / name, FULL), [hst(folder)], folder / "out")
