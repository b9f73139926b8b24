"""Copies of exposures with the flags of cosmic rays: in the DQ that is there, or in a new one."""

import warnings

import camera
import numpy as np
import pytest
from astropy.io import fits
from mask_files import changed, read

import skyblot
from skyblot import reject_files
from skyblot.errors import DataError

pytestmark = pytest.mark.filterwarnings("ignore:.*its pixels have no flags")


class TestFlags:
    """A DQ is there, or made."""

    @pytest.fixture
    def without(self, demo, out):
        return changed(
            demo, out / "x_flt.fits", lambda hdus: [hdus.pop(("DQ", chip)) for chip in (1, 2)]
        )

    def test_made_beside_sci(self, demo, out, without):
        results = reject_files(demo.median, [without], out, update_dq=True)
        with fits.open(out / "x_crdq.fits") as hdus, fits.open(without) as before:
            assert [each.name for each in hdus] == [*(each.name for each in before), "DQ", "DQ"]
            for chip, result in zip((1, 2), results, strict=True):
                np.testing.assert_array_equal(
                    hdus["DQ", chip].data, np.where(read(result.path) == 0, 4096, 0)
                )
                assert hdus["DQ", chip].data.dtype.kind == "i"
        assert skyblot.info(out / "x_crdq.fits")[0].planes

    @pytest.mark.parametrize("name", ["x.fits", "x.fits.fz"])
    def test_made_alone_for_an_image_alone(self, tmp_path, out, mosaic, name):
        hdu = fits.PrimaryHDU(camera.pixels(0), camera.header(0))
        if name.endswith(".fz"):
            hdu = fits.CompImageHDU(
                hdu.data, hdu.header, compression_type="GZIP_2", quantize_level=0
            )
            hdu = fits.HDUList([fits.PrimaryHDU(), hdu])
        hdu.writeto(tmp_path / name)
        (result,) = reject_files(mosaic, [tmp_path / name], out, update_dq=True, **camera.NOISE)
        with fits.open(out / "x_crdq.fits") as hdus:
            assert len(hdus) == 1
            np.testing.assert_array_equal(hdus[0].data, np.where(read(result.path) == 0, 4096, 0))
            assert hdus[0].header["CRPIX1"] == 40.5
        again = reject_files(
            mosaic, [tmp_path / name], out, dq=f"{out}/x_crdq.fits", overwrite=True, **camera.NOISE
        )
        assert again[0].judged == camera.pixels(0).size

    def test_made_as_the_exposure_is_laid_out(self, tmp_path, out, mosaic):
        path = camera.exposure(tmp_path / "x.fits", ["S29", "S30"])
        reject_files(mosaic, [path], out, update_dq=True, **camera.NOISE)
        with fits.open(out / "x_crdq.fits") as hdus:
            assert [each.name for each in hdus] == ["PRIMARY", "S29", "S30"]
            assert (hdus[2].data[camera.HITS] == 4096).all()

    @pytest.mark.parametrize("value", [0, 4])
    def test_of_one_value_get_pixels(self, demo, out, value):
        def constant(hdus):
            for chip in (1, 2):
                place = hdus.index_of(("DQ", chip))
                hdus[place] = fits.ImageHDU(
                    None,
                    fits.Header({"PIXVALUE": value, "NPIX1": 160, "NPIX2": 96}),
                    name="DQ",
                    ver=chip,
                )

        path = changed(demo, out / "x_flt.fits", constant)
        if value:
            with pytest.raises(skyblot.SkyblotError, match="flags leave out every pixel"):
                reject_files(demo.median, [f"{path}[sci,1]"], out, update_dq=True, fail_fast=True)
            return
        (result, _) = reject_files(demo.median, [path], out, update_dq=True)
        np.testing.assert_array_equal(
            read(out / "x_crdq.fits", ("DQ", 1)), np.where(read(result.path) == 0, 4096, 0)
        )

    @pytest.mark.parametrize("dtype", ["i2", "u2", "i4", "u4", "i8"])
    def test_of_any_type(self, tmp_path, out, mosaic, dtype):
        flags = np.zeros(camera.SHAPE, dtype)
        flags[:, :3] = 32 | 8192
        hdus = [
            fits.PrimaryHDU(),
            fits.ImageHDU(camera.pixels(0), camera.header(0), name="SCI"),
            fits.ImageHDU(flags, name="DQ"),
        ]
        fits.HDUList(hdus).writeto(tmp_path / "x.fits")
        (result,) = reject_files(mosaic, [tmp_path / "x.fits"], out, update_dq=True, **camera.NOISE)
        np.testing.assert_array_equal(
            read(out / "x_crdq.fits", "DQ"),
            flags | np.where(read(result.path) == 0, 4096, 0).astype(dtype),
        )

    def test_of_bytes_cannot_hold_the_bits(self, tmp_path, out, mosaic):
        hdus = [fits.PrimaryHDU(), fits.ImageHDU(camera.pixels(0), camera.header(0), name="SCI")]
        fits.HDUList([*hdus, fits.ImageHDU(np.zeros(camera.SHAPE, "u1"), name="DQ")]).writeto(
            tmp_path / "x.fits"
        )
        with pytest.raises(
            DataError, match="its DQ is uint8, which cannot hold the bits of cosmic rays, 4096"
        ):
            reject_files(
                mosaic, [tmp_path / "x.fits"], out, update_dq=True, fail_fast=True, **camera.NOISE
            )
        assert not (out / "x_crdq.fits").exists()

    def test_of_a_mask_of_booleans_are_one(self, tmp_path, out, mosaic):
        """As astropy's CCDData writes it: the image in the primary HDU, then MASK and UNCERT."""
        mask = np.zeros(camera.SHAPE, "u1")
        mask[:, :3] = 1
        hdus = [
            fits.PrimaryHDU(camera.pixels(0), camera.header(0)),
            fits.ImageHDU(mask, name="MASK"),
        ]
        fits.HDUList(hdus).writeto(tmp_path / "x.fits")
        (result,) = reject_files(mosaic, [tmp_path / "x.fits"], out, update_dq=True, **camera.NOISE)
        np.testing.assert_array_equal(
            read(out / "x_crdq.fits", "MASK"), mask | (read(result.path) == 0)
        )

    def test_of_repeated_versions_go_with_their_image(self, tmp_path, out, mosaic):
        hdus = fits.HDUList([fits.PrimaryHDU()])
        for number in (0, 1):
            hdus.append(fits.ImageHDU(camera.pixels(number), camera.header(number), name="SCI"))
            hdus.append(fits.ImageHDU(np.full(camera.SHAPE, 0, "i2"), name="DQ"))
        hdus.writeto(tmp_path / "x.fits")
        reject_files(mosaic, [f"{tmp_path}/x.fits[3]"], out, update_dq=True, **camera.NOISE)
        with fits.open(out / "x_crdq.fits") as found:
            assert not found[2].data.any()
            assert (found[4].data[camera.HITS] == 4096).all()

    def test_roman_without_dq(self, tmp_path):
        asdf = pytest.importorskip("asdf")
        pytest.importorskip("gwcs")
        made = skyblot.make_demo(tmp_path, "roman", exposures=2, chip_shape=(120, 130))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with asdf.open(made.exposures[0], lazy_load=False, memmap=False) as opened:
                del opened["roman"]["dq"]
                opened.write_to(tmp_path / "x_cal.asdf")
        (result,) = reject_files(made.median, [tmp_path / "x_cal.asdf"], tmp_path, update_dq=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with asdf.open(tmp_path / "x_crdq.asdf", lazy_load=False, memmap=False) as opened:
                np.testing.assert_array_equal(
                    opened["roman"]["dq"], np.where(read(result.path) == 0, 129, 0)
                )
