"""JWST's two WCS: how far apart they are is shown, and that an exposure has no gwcs is said."""

import contextlib

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from gwcs_files import exposure_gwcs, mosaic_header, write_cal, write_i2d, write_jwst
from samples import rewrite, texture

import skyblot
from skyblot import SkyblotWarning
from skyblot.cli.info import text_of
from skyblot.io.images import open_image

pytest.importorskip("gwcs")

SHAPE = (96, 128)
APART = "pixels apart: only one of them was aligned"


def moved(path, dx):
    with fits.open(path, mode="update") as hdus:
        hdus["SCI"].header["CRPIX1"] += dx
    return path


@pytest.mark.parametrize(("dx", "shown"), [(0.04, "0.04"), (0.3, "0.3"), (-7.3, "7.3")])
@pytest.mark.parametrize("kind", ["cal", "i2d"])
def test_info_shows_how_far_they_are_apart_and_which_is_used(tmp_path, kind, dx, shown):
    path = tmp_path / f"a_{kind}.fits"
    made = (
        write_cal(path, exposure_gwcs(SHAPE)) if kind == "cal" else write_i2d(path, texture(SHAPE))
    )
    told = pytest.warns(SkyblotWarning, match=APART) if abs(dx) > 0.1 else contextlib.nullcontext()
    with told:
        (image,) = skyblot.info(moved(made, dx))
    assert image.wcs.kind == "gwcs"
    assert image.wcs.header_offset == pytest.approx(abs(dx), abs=0.003)
    assert f"  header      {shown} pixels from the gwcs, which is used\n" in text_of(image)


def test_a_mosaic_in_which_both_are_the_same_has_one(tmp_path):
    (image,) = skyblot.info(write_i2d(tmp_path / "a_i2d.fits", texture(SHAPE)))
    assert (image.wcs.kind, image.wcs.header_offset) == ("FITS", None)
    assert "  header " not in text_of(image)


def test_a_mosaic_whose_header_is_turned_is_told_too(tmp_path):
    """No shift: 0.4 degrees about the middle, where 31 pixels from it, the median, are 0.21 pixel
    off.
    """
    path = write_i2d(tmp_path / "a_i2d.fits", texture(SHAPE))
    with fits.open(path, mode="update") as hdus:
        angle, header = np.radians(0.4), hdus["SCI"].header
        sine, cosine, scale = np.sin(angle), np.cos(angle), header["CD2_2"]
        header["CD1_1"], header["CD1_2"] = -scale * cosine, scale * sine
        header["CD2_1"], header["CD2_2"] = scale * sine, scale * cosine
    y, x = np.meshgrid(
        np.linspace(0, SHAPE[0] - 1, 9), np.linspace(0, SHAPE[1] - 1, 9), indexing="ij"
    )
    radius = np.median(np.hypot(x - (SHAPE[1] - 1) / 2, y - (SHAPE[0] - 1) / 2))
    with pytest.warns(SkyblotWarning, match=APART):
        (image,) = skyblot.info(path)
    assert image.wcs.header_offset == pytest.approx(angle * radius, rel=1e-3)


# Without a gwcs.


def without(*names):
    def change(hdus):
        for name in names:
            del hdus[name]

    return change


def test_an_exposure_with_sip_and_without_gwcs_is_told(tmp_path):
    cal = write_cal(tmp_path / "a_cal.fits", exposure_gwcs(SHAPE))
    path = rewrite(cal, tmp_path / "b_cal.fits", without("ASDF"))
    words = (
        r"b_cal\.fits\[sci,1\]: has no gwcs \(no extension ASDF\); the SIP approximation .* up to "
        r"about 0\.01 pixel"
    )
    with pytest.warns(SkyblotWarning, match=words), open_image(path) as image:
        assert image.wcs().sip is not None
    with pytest.warns(SkyblotWarning, match=words):
        (shown,) = skyblot.info(path)
    assert shown.wcs.distortion == ("SIP of order 2",)


def test_an_exposure_with_neither_is_told(tmp_path):
    path = write_jwst(
        tmp_path / "a_cal.fits", texture(SHAPE), exposure_gwcs(SHAPE), mosaic_header(SHAPE)
    )
    bare = rewrite(path, tmp_path / "b_cal.fits", without("ASDF"))
    with pytest.warns(SkyblotWarning, match=r"neither a gwcs nor SIP \(was assign_wcs run\?\)"):
        skyblot.info(bare)


def test_a_mosaic_and_what_skyblot_wrote_need_none(tmp_path):
    i2d = write_i2d(tmp_path / "a_i2d.fits", texture((420, 420)))
    bare = rewrite(i2d, tmp_path / "b_i2d.fits", without("ASDF"))
    assert isinstance(wcs_of(bare), WCS)
    cal = write_cal(tmp_path / "a_cal.fits", exposure_gwcs())
    flat = skyblot.blot_file(i2d, cal, tmp_path / "flat_blt.fits", coeffs=False, addsky=False)
    assert isinstance(wcs_of(flat), WCS)


def wcs_of(path):
    with open_image(path) as image:
        return image.wcs()


# A gwcs that no installed package can read.


def newer(path, new_path):
    """The file as a later gwcs may write it."""

    def change(hdus):
        content = hdus["ASDF"].data["ASDF_METADATA"][0].tobytes()
        start = content.index(b":gwcs/wcs-") + len(b":gwcs/wcs-")
        changed = content[:start] + b"9" + content[start + 1 :]
        column = fits.Column(
            "ASDF_METADATA", f"{len(changed)}B", array=np.frombuffer(changed, "u1")[None]
        )
        hdus["ASDF"] = fits.BinTableHDU.from_columns([column], name="ASDF")

    return rewrite(path, new_path, change)


def test_of_a_mosaic_with_a_newer_gwcs_the_header_is_used(tmp_path):
    path = newer(write_i2d(tmp_path / "a_i2d.fits", texture(SHAPE)), tmp_path / "b_i2d.fits")
    words = r"its meta/wcs cannot be read: .*gwcs/wcs-9.*; the WCS in its header is used"
    with pytest.warns(SkyblotWarning, match=words):
        wcs = wcs_of(path)
    np.testing.assert_array_equal(wcs.wcs.crpix, WCS(mosaic_header(SHAPE)).wcs.crpix)


def test_an_exposure_with_a_newer_gwcs_is_refused(tmp_path):
    """Its header is an approximation."""
    path = newer(write_cal(tmp_path / "a_cal.fits", exposure_gwcs(SHAPE)), tmp_path / "b_cal.fits")
    with pytest.raises(skyblot.errors.WCSError, match=r"its meta/wcs cannot be read: .*gwcs/wcs-9"):
        wcs_of(path)


def test_the_newer_gwcs_of_a_mosaic_in_another_frame_is_refused(tmp_path):
    header = mosaic_header(SHAPE, RADESYS="FK5")
    path = write_i2d(tmp_path / "a_i2d.fits", texture(SHAPE), header)
    with pytest.raises(skyblot.errors.WCSError, match="cannot be read"):
        wcs_of(newer(path, tmp_path / "b_i2d.fits"))
