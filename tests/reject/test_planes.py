"""Errors and flags of exposures: found in every usual place, by `info` and `reject` alike."""

import re
import warnings

import numpy as np
import pytest
from astropy.io import fits
from plane_files import (
    BAD,
    CLEAN,
    FORMS,
    HIT,
    SHAPE,
    SIGMA,
    constant,
    constants,
    hst,
    image,
    mosaic,
    named,
    pixels,
    wfpc2,
    write,
)
from star_fields import F32

import skyblot
from skyblot import SkyblotWarning, reject_files
from skyblot.errors import DataError, FileError, ParameterError
from skyblot.io.images import open_image
from skyblot.io.planes import error_plane, usable_pixels
from skyblot.rejection.criteria import Noise

SOME = pytest.mark.parametrize("form", FORMS)


@pytest.fixture
def folder(tmp_path):
    mosaic(tmp_path / "m.fits")
    return tmp_path


def masked(folder, exposure, **more):
    """The bad pixels that `reject` finds, without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (result,) = reject_files(folder / "m.fits", [exposure], folder, **more)
    return fits.getdata(result.path) == 0


def expected(sigma=SIGMA, **more):
    """What the arrays give."""
    return skyblot.reject(pixels(), CLEAN.astype("f4"), sigma, valid=~BAD, exposures=9, **more).mask


@SOME
def test_planes_are_read_as_what_they_are(form, folder):
    write_form, _ = FORMS[form]
    with open_image(write_form(folder)) as opened:
        np.testing.assert_allclose(error_plane(opened), SIGMA, rtol=4 * F32)
        np.testing.assert_array_equal(usable_pixels(opened, 4096), ~BAD)


@SOME
def test_info_and_reject_use_the_same(form, folder):
    write_form, told = FORMS[form]
    exposure = write_form(folder)
    (about,) = skyblot.info(exposure)
    assert about.planes == tuple(each.format(folder) for each in told)
    assert about.noise == about.planes[0]
    found = masked(folder, exposure)
    np.testing.assert_array_equal(found, expected())
    assert found[HIT]
    assert not found[BAD].any()


def test_a_plane_of_one_value_without_pixels(folder):
    exposure = constants(folder)
    assert skyblot.info(exposure)[0].planes == ("ERR", "DQ")
    np.testing.assert_array_equal(
        masked(folder, exposure), expected(np.full(SHAPE, float(SIGMA.min())))
    )


@pytest.mark.parametrize("value", [0, 4])
def test_flags_of_one_value(value, folder):
    path = write(
        folder / "x_flt.fits", image(), fits.ImageHDU(SIGMA, name="ERR"), constant("DQ", value)
    )
    with open_image(path) as opened:
        np.testing.assert_array_equal(usable_pixels(opened, 4096), np.full(SHAPE, value == 0))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda hdu: hdu.header.update(NPIX1=7),
            r"its ERR has shape \(60, 7\), expected \(60, 80\)",
        ),
        (
            lambda hdu: hdu.header.update(PIXVALUE="low"),
            r"ERR: PIXVALUE = 'low', expected a number",
        ),
    ],
)
def test_one_value_of_another_shape_or_that_is_none(change, message, folder):
    hdu = constant("ERR", 2.0)
    change(hdu)
    with (
        open_image(write(folder / "x_flt.fits", image(), hdu)) as opened,
        pytest.raises(DataError, match=message),
    ):
        error_plane(opened)


def test_a_plane_without_pixels_and_value_is_not_there(folder):
    path = write(
        folder / "x_flt.fits", image(), fits.ImageHDU(name="ERR"), fits.ImageHDU(name="DQ")
    )
    assert skyblot.info(path)[0].planes == ()


def test_wfpc2_has_its_flags_in_a_second_file(folder):
    exposure = wfpc2(folder)
    (about,) = skyblot.info(exposure)
    assert about.planes == (f"{folder}/u1_c1m.fits[sci,1]",)
    assert about.noise == "gain 6.9 (WFPC2's handbook), read noise 5.22 (WFPC2's handbook)"
    sky = float(np.median(pixels().astype(float) - CLEAN.astype("f4")))
    np.testing.assert_array_equal(
        masked(folder, exposure), expected(Noise(6.9, 5.22, max(sky, 0.0)))
    )


@pytest.mark.parametrize(
    "patterns",
    [
        {"err": "*_err.fits", "dq": "{}/flags/*.fits"},
        {"err": "{}/x_err.fits[0]", "dq": "{}/flags/x.fits[BPM]"},
    ],
)
def test_patterns_name_other_files(patterns, folder):
    exposure = named(folder)
    patterns = {name: pattern.format(folder) for name, pattern in patterns.items()}
    np.testing.assert_array_equal(masked(folder, exposure, **patterns), expected())


def test_patterns_name_extensions_of_the_exposures_own_file(folder):
    planes = fits.ImageHDU(SIGMA**-2.0, name="WGT"), fits.ImageHDU(BAD.astype("u1"), name="MSK")
    exposure = write(folder / "x.fits", image(), *planes)
    np.testing.assert_array_equal(
        masked(folder, exposure, err="*.fits[WGT]", dq="*.fits[msk]"), expected()
    )


def test_the_prompt_takes_patterns(folder, run):
    code, _, stderr = run(
        "reject", folder / "m.fits", named(folder), "--output-dir", folder,
        "--err", "*_err.fits", "--dq", f"{folder}/flags/*.fits",
    )  # fmt: skip
    assert (code, stderr) == (0, "")
    np.testing.assert_array_equal(fits.getdata(folder / "x_sci1_crmask.fits") == 0, expected())


class TestPairs:
    """Which plane goes with which image."""

    def opened(self, path, which):
        return open_image(f"{path}[{which}]")

    def test_the_one_of_the_same_version(self, tmp_path):
        flags = [fits.ImageHDU(np.full(SHAPE, ver, "i2"), name="DQ", ver=ver) for ver in (2, 1)]
        path = write(tmp_path / "x.fits", image(), image(ver=2), *flags)
        with self.opened(path, "sci,2") as opened:
            np.testing.assert_array_equal(usable_pixels(opened, 2), np.ones(SHAPE, bool))
        with self.opened(path, "sci,1") as opened:
            np.testing.assert_array_equal(usable_pixels(opened, 2), np.zeros(SHAPE, bool))

    @pytest.mark.parametrize("order", [(0, 2, 1, 3), (0, 1, 2, 3)])
    def test_the_second_with_the_second_where_versions_are_repeated(self, tmp_path, order):
        hdus = [
            image(),
            image(),
            *(fits.ImageHDU(np.full(SHAPE, value, "i2"), name="DQ") for value in (1, 2)),
        ]
        path = write(tmp_path / "x.fits", *(hdus[k] for k in order))
        with fits.open(path) as stored:
            second = [k for k, hdu in enumerate(stored) if hdu.name == "SCI"][1]
            from skyblot.io.content import FileContent
            from skyblot.io.fits import FitsImage

            opened = FitsImage("x", stored, stored[second], FileContent(path))
            assert usable_pixels(opened, 2).all()
            assert not usable_pixels(opened, 1).any()

    def test_none_where_a_file_has_several_images_of_other_names(self, tmp_path):
        path = write(
            tmp_path / "x.fits", image("CCD1"), image("CCD2"), fits.ImageHDU(SIGMA, name="ERR")
        )
        with self.opened(path, "ccd1") as opened:
            assert error_plane(opened) is None


class TestSaid:
    def test_missing_flags_once_for_a_file(self, folder):
        errors = [fits.ImageHDU(SIGMA, name="ERR", ver=ver) for ver in (1, 2)]
        path = write(folder / "x_flt.fits", image(), image(ver=2), *errors)
        with pytest.warns(SkyblotWarning) as caught:
            reject_files(folder / "m.fits", [path], folder)
        said = [str(each.message) for each in caught if "flags" in str(each.message)]
        assert said == [
            f"{path}: its pixels have no flags (DQ): bad ones are judged as all others (--dq, or "
            "dq=, names their file)"
        ]

    def test_errors_that_are_none(self, folder):
        zeros, flags = (
            fits.ImageHDU(np.zeros(SHAPE, "f4"), name="ERR"),
            fits.ImageHDU(BAD.astype("i2"), name="DQ"),
        )
        path = write(folder / "x_flt.fits", image(GAIN=2.0, RON=3.0), zeros, flags)
        (about,) = skyblot.info(path)
        assert (about.planes, about.noise) == (("DQ",), "gain 2 (GAIN), read noise 3 (RON)")
        with pytest.warns(
            SkyblotWarning,
            match="its ERR has no value above 0: the noise is made of gain and read noise",
        ):
            reject_files(folder / "m.fits", [path], folder)

    def test_errors_in_another_unit(self, folder):
        errors = fits.ImageHDU(SIGMA, fits.Header({"BUNIT": "adu/s"}), name="ERR")
        path = write(
            folder / "x_flt.fits", image(), errors, fits.ImageHDU(BAD.astype("i2"), name="DQ")
        )
        with pytest.warns(
            SkyblotWarning,
            match=r"x_flt\.fits: its ERR is in adu/s and the image in adu; it is taken",
        ):
            reject_files(folder / "m.fits", [path], folder)

    def test_errors_that_the_pixels_contradict(self, folder):
        """Weights that nothing tells from deviations: sigma is 10, and 1 / sigma**2 0.01."""
        weights, flags = (
            fits.ImageHDU(SIGMA**-2.0, name="ERR"),
            fits.ImageHDU(BAD.astype("i2"), name="DQ"),
        )
        path = write(folder / "x_flt.fits", image(), weights, flags)
        with pytest.warns(SkyblotWarning) as caught:
            reject_files(folder / "m.fits", [path], folder)
        sentence = (
            r"its difference to the blot spreads by \d+ sigma in half of its pixels: is the noise, "
            r"by ERR, right\?"
        )
        assert any(re.search(sentence, str(each.message)) for each in caught)

    def test_an_unknown_kind_of_uncertainty(self, folder):
        errors = fits.ImageHDU(SIGMA, fits.Header({"UTYPE": "Percent"}), name="UNCERT")
        message = (
            r"UNCERT: UTYPE = 'Percent', expected StdDevUncertainty, VarianceUncertainty or "
            r"InverseVariance"
        )
        path = write(folder / "x.fits", image(), errors)
        with open_image(path) as opened, pytest.raises(DataError, match=message):
            error_plane(opened)


class TestRefused:
    def test_one_file_for_several_exposures(self, folder):
        paths = [write(folder / f"{name}_flt.fits", image()) for name in "ab"]
        with pytest.raises(
            ParameterError,
            match=r"dq = 'x.fits': expected a name with \* for .*, as there are 2 exp",
        ):
            reject_files(folder / "m.fits", paths, folder, dq="x.fits")

    def test_errors_and_read_noise(self, folder):
        with pytest.raises(
            ParameterError, match=r"read_noise = 5.0: expected none beside err = '\*_e.fits'"
        ):
            reject_files(folder / "m.fits", [hst(folder)], folder, err="*_e.fits", read_noise=5.0)

    def test_a_mask_in_which_1_is_good(self, folder):
        exposure = hst(folder)
        masked(folder, exposure)
        (folder / "x_sci1_crmask.fits").rename(folder / "x_flt_crmask.fits")
        with pytest.raises(
            DataError, match=r"x_flt_crmask.fits\[0\]: 1 is good in it, as in masks of cosmic rays"
        ):
            reject_files(
                folder / "m.fits",
                [exposure],
                folder,
                dq="*_crmask.fits",
                overwrite=True,
                fail_fast=True,
            )

    def test_a_file_that_is_read_is_never_written(self, folder):
        exposure = hst(folder)
        reject_files(folder / "m.fits", [exposure], folder, update_dq=True)
        with pytest.raises(FileError, match=r"x_crdq.fits: is an input file"):
            reject_files(
                folder / "m.fits",
                [exposure],
                folder,
                dq=f"{folder}/x_crdq.fits[dq]",
                update_dq=True,
                overwrite=True,
            )

    @pytest.mark.parametrize(
        ("pattern", "message"),
        [
            ("*_dq.fits", r"x_flt_dq\.fits: no such file"),
            (
                "*.fits[MSK]",
                r"x_flt.fits: no extension \[msk\], it has \[sci,1\], \[err,1\], \[dq,1\]",
            ),
            ("small.fits", r"its small.fits\[0\] has shape \(5, 6\), expected \(60, 80\)"),
            (
                "many.fits",
                r"many.fits: none of its 2 images has the name or the number of ",
            ),
        ],
    )
    def test_a_pattern_that_names_nothing_fit(self, folder, monkeypatch, pattern, message):
        monkeypatch.chdir(folder)
        write(folder / "small.fits", first=fits.PrimaryHDU(np.zeros((5, 6), "u1")))
        empty = [fits.ImageHDU(name="NONE") for _ in range(2)]
        write(
            folder / "many.fits",
            *empty,
            *(fits.ImageHDU(np.zeros(SHAPE, "u1"), name=name) for name in "ab"),
        )
        with pytest.raises((DataError, FileError), match=message):
            reject_files(folder / "m.fits", [hst(folder)], folder, dq=pattern, fail_fast=True)


@pytest.mark.parametrize(
    ("instrument", "detector"),
    [("ACS", "SBC"), ("STIS", "FUV-MAMA"), ("STIS", "NUV-MAMA"), ("COS", "FUV")],
)
def test_detectors_that_see_no_cosmic_rays_are_not_warned_of_for_having_none(instrument, detector):
    words = {"TELESCOP": "HST", "INSTRUME": instrument, "DETECTOR": detector}
    found = skyblot.headers.instruments.instrument_of(
        skyblot.headers.facts.Facts("x.fits", words, {})
    )
    assert found.doubts(0.0, 100_000, 2000.0) == ""
    assert "0 to 0.5 %" in found.doubts(0.02, 100_000, 2000.0)
