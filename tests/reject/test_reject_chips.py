"""Masks of cameras with many chips: one file for each exposure, an extension for each chip; and
their WCS.
"""

import warnings

import camera
import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from samples import CHIP_SHAPE, read_wcs, world

import skyblot
from skyblot import BatchError, reject_files

pytestmark = pytest.mark.filterwarnings("ignore:.*its pixels have no flags")


class TestOneFile:
    @pytest.mark.parametrize(
        "names",
        [["S29", "S30", "N4"], ["CHIP"] * 3, ["ESO_CCD_#65", "DET1.CHIP1", "CCD-1"], ["", "", ""]],
    )
    def test_has_an_extension_for_each_chip(self, tmp_path, out, mosaic, names):
        path = camera.exposure(tmp_path / "c4d_1_ooi_g_v1.fits", names)
        results = reject_files(mosaic, [path], out, **camera.NOISE)
        assert [each.name for each in out.iterdir()] == ["c4d_1_ooi_g_v1_crmask.fits"]
        with fits.open(out / "c4d_1_ooi_g_v1_crmask.fits") as hdus, fits.open(path) as exposure:
            assert hdus[0].data is None
            assert hdus[0].header["OBJECT"] == "field"
            assert [(each.name, each.ver) for each in hdus] == [
                (each.name, each.ver) for each in exposure
            ]
            for number, (hdu, result) in enumerate(zip(hdus[1:], results, strict=True)):
                assert hdu.data.dtype == np.uint8
                assert (hdu.data[camera.HITS] == 0).all()
                assert (hdu.data == 1).mean() > 0.95
                assert hdu.header["CREXP"] == result.reference
                assert hdu.header["CRPIX1"] == 40.5 - 90 * number
                assert result.path == out / "c4d_1_ooi_g_v1_crmask.fits"
                assert result.mask.endswith(result.reference[result.reference.rindex("[") :])

    def test_of_chips_that_were_named(self, tmp_path, out, mosaic):
        path = camera.exposure(tmp_path / "x.fits", ["A", "B", "C"])
        reject_files(mosaic, [f"{path}[C]", f"{path}[1]"], out, **camera.NOISE)
        with fits.open(out / "x_crmask.fits") as hdus:
            assert [each.name for each in hdus] == ["PRIMARY", "C", "A"]

    def test_one_chip_alone_has_a_file_of_its_own(self, tmp_path, out, mosaic):
        path = camera.exposure(tmp_path / "x.fits", ["S30", "B"])
        reject_files(mosaic, [f"{path}[s30]"], out, **camera.NOISE)
        assert [each.name for each in out.iterdir()] == ["x_s30_1_crmask.fits"]

    @pytest.mark.parametrize(
        ("one_file", "names"),
        [(True, ["x_crmask.fits"]), (False, ["x_a1_crmask.fits", "x_b1_crmask.fits"])],
    )
    def test_when_asked_for(self, tmp_path, out, mosaic, one_file, names):
        path = camera.exposure(tmp_path / "x.fits", ["A", "B"])
        reject_files(mosaic, [path], out, one_file=one_file, **camera.NOISE)
        assert sorted(each.name for each in out.iterdir()) == names

    def test_of_sci_only_when_asked_for(self, demo, out):
        reject_files(demo.median, demo.exposures[:1], out, one_file=True)
        (path,) = out.iterdir()
        assert path.name == demo.exposures[0].name.replace("_flc", "_crmask")
        with fits.open(path) as hdus:
            assert [(each.name, each.ver) for each in hdus[1:]] == [("SCI", 1), ("SCI", 2)]

    def test_holds_what_could_be_compared(self, tmp_path, out, mosaic):
        def make(number):
            far = {"CRVAL2": 10.0} if number == 1 else {}
            return fits.ImageHDU(camera.pixels(number), camera.header(number, **far))

        path = camera.exposure(tmp_path / "x.fits", ["A", "B", "C"], make)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with pytest.raises(BatchError, match="1 of 3 masks could not be made") as caught:
                reject_files(mosaic, [path], out, **camera.NOISE)
        assert len(caught.value.results) == 2
        with fits.open(out / "x_crmask.fits") as hdus:
            assert [each.name for each in hdus[1:]] == ["A", "C"]

    def test_that_is_there_is_refused(self, tmp_path, out, mosaic):
        path = camera.exposure(tmp_path / "x.fits", ["A", "B"])
        (out / "x_crmask.fits").write_text("mine")
        with pytest.raises(skyblot.SkyblotError, match=r"x_crmask\.fits: exists already"):
            reject_files(mosaic, [path], out, **camera.NOISE)

    def test_at_the_prompt(self, tmp_path, out, mosaic, run):
        path = camera.exposure(tmp_path / "x.fits", ["S29", "S30"])
        code, shown, _ = run(
            "reject",
            mosaic,
            path,
            "--output-dir",
            out,
            "--gain",
            1.5,
            "--read-noise",
            5,
            "--no-addsky",
        )
        assert code == 0
        assert [line.split()[0] for line in shown.splitlines()] == [
            f"{out}/x_crmask.fits[s{n},1]" for n in (29, 30)
        ]
        assert (
            run(
                "reject",
                mosaic,
                path,
                "--output-dir",
                out,
                "--no-one-file",
                "--gain",
                1.5,
                "--read-noise",
                5,
            )[0]
            == 0
        )
        assert (out / "x_s30_1_crmask.fits").is_file()

    def test_is_shown_chip_by_chip(self, tmp_path, out, mosaic):
        pytest.importorskip("PIL")
        path = camera.exposure(tmp_path / "x.fits", ["CHIP"] * 2)
        for result in reject_files(mosaic, [path], out, **camera.NOISE):
            assert "data:image/png" in result._repr_html_()


class TestWCS:
    def test_is_the_exposures_with_sip(self, demo, made):
        """Tables are what one HDU has no room for."""
        for result in made[1]:
            chip = int(result.reference[-2])
            with fits.open(result.reference.partition("[")[0]) as hdus:
                header = hdus["SCI", chip].header.copy()
            for keyword in [
                each for each in header if each.startswith(("CPDIS", "DP1", "DP2", "D2IM"))
            ]:
                header.remove(keyword, ignore_missing=True, remove_all=True)
            wcs = WCS(header)
            assert wcs.sip is not None
            wcs.array_shape = CHIP_SHAPE
            np.testing.assert_array_equal(
                world(read_wcs(result.path, 0), CHIP_SHAPE), world(wcs, CHIP_SHAPE)
            )

    @pytest.mark.parametrize("code", ["TPV", "TAN", "ZPN"])
    def test_of_other_projections(self, tmp_path, out, mosaic, code):
        path = tmp_path / "x.fits"
        cards = {"CTYPE1": f"RA---{code}", "CTYPE2": f"DEC--{code}"} | (
            {"PV1_1": 1.0, "PV1_4": 0.2, "PV2_1": 1.0} if code == "TPV" else {}
        )
        cards |= {"PV2_1": 1.0, "PV2_3": 40.0} if code == "ZPN" else {}
        fits.PrimaryHDU(camera.pixels(0), camera.header(0, **cards)).writeto(path)
        (result,) = reject_files(mosaic, [path], out, **camera.NOISE)
        np.testing.assert_array_equal(
            world(read_wcs(result.path, 0), camera.SHAPE), world(read_wcs(path, 0), camera.SHAPE)
        )

    @pytest.mark.parametrize("kind", ["jwst", "roman"])
    def test_of_a_gwcs_is_its_sip(self, tmp_path, kind):
        pytest.importorskip("gwcs")
        demo = skyblot.make_demo(tmp_path, kind, exposures=2, chip_shape=(120, 130))
        result = reject_files(demo.median, demo.exposures[:1], tmp_path)[0]
        from skyblot.io.images import open_image

        with open_image(demo.exposures[0]) as image:
            exact = image.wcs()
        y, x = np.indices((120, 130))
        lon, lat = exact(x.ravel(), y.ravel(), with_bounding_box=False)
        fitted = world(read_wcs(result.path, 0), (120, 130))
        apart = np.hypot((fitted[0] - lon) * np.cos(np.radians(lat)), fitted[1] - lat) * 3600
        assert apart.max() < 0.02
