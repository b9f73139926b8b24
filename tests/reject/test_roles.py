"""Files in the wrong place: an exposure as the mosaic, a mosaic as the exposure, or both."""

import shutil
import warnings

import camera
import numpy as np
import pytest
from astropy.io import fits
from samples import rewrite, tan_header, write_sci

import skyblot
from skyblot import BatchError, blot_file, blot_files, reject_files
from skyblot.errors import DataError, FileError
from skyblot.io.images import open_image
from skyblot.steps.roles import exposure_signs, mosaic_signs

SIP = {
    "CTYPE1": "RA---TAN-SIP",
    "CTYPE2": "DEC--TAN-SIP",
    "A_ORDER": 2,
    "B_ORDER": 2,
    "A_2_0": 1e-6,
    "B_0_2": 1e-6,
}
SHAPE = (20, 24)


def image(path, planes=("DQ",), primary=None, **cards):
    """An image SCI with planes beside it."""
    given = {"EXPTIME": 30.0, **cards}
    header = tan_header(
        SHAPE, **{keyword: value for keyword, value in given.items() if value is not None}
    )
    hdus = [
        fits.PrimaryHDU(header=fits.Header(primary or {})),
        fits.ImageHDU(np.ones(SHAPE, "f4"), header, name="SCI"),
    ]
    hdus += [fits.ImageHDU(np.zeros(SHAPE, "i2"), name=name) for name in planes]
    fits.HDUList(hdus).writeto(path)
    return path


@pytest.mark.parametrize(
    ("planes", "primary", "cards", "sign"),
    [
        (["DQ"], {}, SIP, "SIP"),
        (["ERR", "DQ"], {"TELESCOP": "HST", "IDCTAB": "iref$x_idc.fits"}, {}, "IDCTAB"),
        (["DQ"], {"TELESCOP": "JWST", "S_WCS": "COMPLETE", "S_RESAMP": "SKIPPED"}, {}, "S_WCS"),
        (["MASK"], {}, {"CTYPE1": "RA---TPV", "CTYPE2": "DEC--TPV"}, "TPV"),
        (["DQ"], {}, {**SIP, "NCOMBINE": 1}, "SIP"),
        # In doubt a file is taken for what it was given as.
        (["DQ"], {}, {}, ""),
        ([], {}, SIP, ""),
        (["DQ"], {}, {**SIP, "EXPTIME": None}, ""),
        (["DQ"], {}, {**SIP, "NCOMBINE": 3}, ""),
        (["DQ"], {}, {**SIP, "NDRIZIM": 4}, ""),
        (["DQ", "WHT"], {}, SIP, ""),
        (["DQ"], {"TELESCOP": "JWST", "S_WCS": "COMPLETE", "S_RESAMP": "COMPLETE"}, {}, ""),
        (["DQ"], {"TELESCOP": "JWST", "S_WCS": "SKIPPED"}, {}, ""),
        (["DQ"], {}, {**SIP, "BLOTVER": "1"}, ""),
        (["DQ"], {"TELESCOP": "WHT", "IDCTAB": "N/A"}, {}, ""),
    ],
)
def test_what_is_an_exposure_beyond_doubt(tmp_path, planes, primary, cards, sign):
    with open_image(image(tmp_path / "x.fits", planes, primary, **cards)) as found:
        said = exposure_signs(found)
    assert sign in said
    assert bool(said) is bool(sign)


@pytest.mark.parametrize(
    ("planes", "primary", "cards", "sign"),
    [
        ([], {"NDRIZIM": 8}, {}, "NDRIZIM = 8"),
        ([], {}, {"D001VER": "3.7.0"}, "D001VER = 3.7.0"),
        ([], {"S_RESAMP": "COMPLETE"}, {}, "S_RESAMP = COMPLETE"),
        (["WHT", "CTX"], {}, {}, "CTX and WHT beside it"),
        (["DQ"], {}, {}, ""),
        (["WHT"], {}, SIP, ""),
        ([], {"S_RESAMP": "SKIPPED"}, {}, ""),
        ([], {}, {"NCOMBINE": 4}, ""),
    ],
)
def test_what_is_a_mosaic_beyond_doubt(tmp_path, planes, primary, cards, sign):
    with open_image(image(tmp_path / "x.fits", planes, primary, **cards)) as found:
        assert mosaic_signs(found) == sign


class TestExposureFirst:
    MATCH = r"isky01a1q_flc\.fits\[sci,1\]: is an exposure \(SIP .*DQ.*\), expected the mosaic here"

    def test_is_refused(self, demo, out):
        first = f"{demo.exposures[0]}[sci,1]"
        with pytest.raises(DataError, match=self.MATCH):
            blot_file(first, demo.median, out / "b.fits")
        with pytest.raises(DataError, match=self.MATCH):
            blot_files(first, [demo.exposures[1]], out)
        with pytest.raises(DataError, match=self.MATCH):
            reject_files(first, [demo.exposures[1]], out)
        assert not list(out.iterdir())

    def test_is_taken_by_force(self, demo, out):
        first = f"{demo.exposures[0]}[sci,1]"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the unit of its sky
            blot_file(first, demo.median, out / "b.fits", force=True)
            assert len(blot_files(first, [demo.exposures[1]], out, force=True)) == 2
        assert fits.getdata(out / "b.fits", "SCI").any()

    @pytest.mark.parametrize("command", ["blot", "reject"])
    def test_at_the_prompt(self, demo, out, run, command):
        code, _, errors = run(command, demo.exposures[0], demo.exposures[1], "--output-dir", out)
        assert code == 2
        assert "is an exposure" in errors
        assert "mosaic" in errors
        assert (
            run("blot", demo.exposures[0], demo.exposures[1], "--output-dir", out, "--force")[0]
            == 0
        )

    def test_a_dry_run_tells_it_too(self, demo, out, run):
        assert "is an exposure" in run("blot", demo.exposures[0], demo.exposures[1], "--dry-run")[2]

    @pytest.mark.parametrize("kind", ["jwst", "roman"])
    def test_of_other_telescopes(self, tmp_path, kind):
        pytest.importorskip("gwcs")
        made = skyblot.make_demo(tmp_path, kind, exposures=2, chip_shape=(120, 130))
        with pytest.raises(DataError, match="is an exposure"):
            blot_file(
                made.exposures[0], made.exposures[1], tmp_path / f"b{made.exposures[0].suffix}"
            )

    def test_the_task_of_drizzlepac_takes_what_it_is_given(self, demo, out):
        from skyblot import ablot

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ablot.blot(
                f"{demo.exposures[0]}[sci,1]",
                f"{demo.exposures[1]}[sci,1]",
                str(out / "b.fits"),
                addsky=False,
            )
        assert (out / "b.fits").is_file()


class TestMosaicAsExposure:
    @pytest.fixture
    def drizzled(self, demo, out):
        def drizzle(hdus):
            hdus[0].header["NDRIZIM"] = 4

        return rewrite(demo.median, out / "x_drz.fits", drizzle)

    def test_is_refused_by_reject(self, demo, out, drizzled):
        match = r"x_drz\.fits\[sci,1\]: is a mosaic \(NDRIZIM = 4\), expected an exposure"
        with pytest.raises(DataError, match=match):
            reject_files(demo.median, [drizzled], out, fail_fast=True)
        with pytest.raises(BatchError, match=match) as caught:
            reject_files(demo.median, [drizzled, demo.exposures[0]], out)
        assert len(caught.value.results) == 2

    def test_is_a_grid_to_blot_onto(self, demo, out, drizzled):
        blot_file(demo.median, drizzled, out / "b.fits", addsky=False)
        np.testing.assert_allclose(
            fits.getdata(out / "b.fits", "SCI"),
            fits.getdata(demo.median, "SCI"),
            rtol=1e-4,
            atol=1e-4,
        )


class TestProductAsExposure:
    @pytest.fixture
    def products(self, demo, tmp_path):
        """A blot, and a mask."""
        [result, *_] = reject_files(demo.median, demo.exposures[:1], tmp_path, save_blots=True)
        return {"blot": result.blot_path, "mask": result.path}

    @pytest.mark.parametrize("kind", ["blot", "mask"])
    def test_is_refused(self, demo, out, products, kind):
        match = rf"is a {kind}, expected an exposure; --force takes it"
        with pytest.raises(DataError, match=match):
            reject_files(demo.median, [products[kind]], out, fail_fast=True)
        with pytest.raises(BatchError, match=match):
            skyblot.clean_files([products[kind], *demo.exposures], out, mosaic=False)

    def test_is_left_out_where_its_exposure_is_named_too(self, demo, out, products):
        folder = products["mask"].parent
        for exposure in demo.exposures:
            shutil.copy(exposure, folder)
        result = skyblot.clean_files([f"{folder}/*.fits"], out, mosaic=False)
        assert len({mask.where.path for mask in result.masks}) == len(demo.exposures)


class TestBoth:
    MATCH = r"coadd\.fits.* is given as the mosaic and as an exposure, expected two images"

    @pytest.fixture
    def mosaic(self, out):
        return camera.mosaic(out / "coadd.fits")

    @pytest.mark.parametrize(
        "other",
        ["coadd.fits", "./coadd.fits", "link.fits", "coadd.fits[1]", "coadd.fits[sci]", "*.fits"],
    )
    def test_is_refused_under_any_name(self, out, mosaic, other, monkeypatch):
        monkeypatch.chdir(out)
        if "link" in other:
            (out / other).symlink_to(mosaic)
        match = self.MATCH.replace("coadd", "(coadd|link)")
        with pytest.raises(FileError, match=match):
            blot_files("coadd.fits", [other], "made")
        with pytest.raises(FileError, match=match):
            reject_files("coadd.fits", [other], "made")

    def test_behind_a_url(self, out, mosaic):
        fsspec = pytest.importorskip("fsspec")
        with (
            fsspec.open("memory://roles/coadd.fits", "wb") as stream,
            open(mosaic, "rb") as content,
        ):
            shutil.copyfileobj(content, stream)
        with pytest.raises(FileError, match=self.MATCH):
            blot_files("memory://roles/coadd.fits", ["memory://roles/coadd.fits[sci,1]"], out)

    def test_two_extensions_are_two_images(self, out, mosaic):
        path = write_sci(out / "two.fits", camera.pixels(0), camera.header(0))
        with fits.open(path, mode="append") as hdus:
            hdus.append(fits.ImageHDU(camera.pixels(1), camera.header(0), name="MODEL"))
        blot_file(f"{path}[model]", f"{path}[sci]", out / "b.fits", addsky=False)
        np.testing.assert_allclose(fits.getdata(out / "b.fits", "SCI"), camera.pixels(1), rtol=1e-5)

    def test_is_taken_by_force(self, out, mosaic):
        blot_file(mosaic, mosaic, out / "b.fits", force=True, addsky=False)
        np.testing.assert_allclose(
            fits.getdata(out / "b.fits", "SCI"), fits.getdata(mosaic, "SCI"), rtol=1e-5
        )
