"""A gwcs that is not that of its image, as in cut-outs: the WCS in the header where that was cut
with it, else refused.

The truth is the gwcs of the whole image, at the pixels that were kept.
"""

import gwcs_files
import numpy as np
import pytest
from astropy.io import fits
from astropy.nddata import Cutout2D
from astropy.wcs import WCS
from samples import texture

from skyblot import SkyblotWarning, blot_file
from skyblot.errors import WCSError
from skyblot.io.images import open_image
from skyblot.io.output import wcs_cards

pytest.importorskip("gwcs")

WHOLE = (300, 320)
#: (ny, nx) of what is cut out, and the whole pixels before it in x and y.
CUT, BEFORE = (120, 140), (90, 60)
USED = r"it was cut out or resampled, and the WCS in its header is used"
REFUSED = r"but the image has \d+ x \d+ pixels, and no WCS in its header tells what was cut off"


def wcs_of(path):
    with open_image(path) as image:
        return image.wcs()


def jwst(path, kind, *, box="whole", pixel_shape=WHOLE, **cards):
    """A whole exposure with SIP, or a whole mosaic; its gwcs with that shape, and with a bounding
    box or without.
    """
    if kind == "i2d":
        header = gwcs_files.mosaic_header(WHOLE)
        wcs = gwcs_files.mosaic_gwcs(header, WHOLE)
    else:
        wcs = gwcs_files.exposure_gwcs(WHOLE)
        header = gwcs_files.sip_header(wcs, degree=3)
        header["BUNIT"] = "MJy/sr"
    wcs.bounding_box = None
    if box != "none":
        left, right = {"whole": (-0.5, WHOLE[1] - 0.5), "inside": (3.5, CUT[1] - 4.5)}[box]
        wcs.bounding_box = ((left, right), (-0.5, (WHOLE if box == "whole" else CUT)[0] - 0.5))
    wcs.array_shape = pixel_shape
    extra = (
        {"S_RESAMP": "COMPLETE"} if kind == "i2d" else {"SUBSIZE1": WHOLE[1], "SUBSIZE2": WHOLE[0]}
    )
    gwcs_files.write_jwst(path, texture(WHOLE), wcs, header, **(extra | cards))
    return path, wcs


def cut(path, new_path, *, header=True, fraction=0.0):
    """The image without the pixels around a cut-out, with the header's WCS changed or not; ASDF is
    kept.
    """
    with fits.open(path) as hdus:
        with_wcs = Cutout2D(
            hdus["SCI"].data,
            (BEFORE[0] + CUT[1] / 2 - 0.5, BEFORE[1] + CUT[0] / 2 - 0.5),
            CUT,
            WCS(hdus["SCI"].header),
        )
        assert with_wcs.origin_original == BEFORE
        hdus["SCI"].data = with_wcs.data
        del hdus["ERR"]
        if header:
            for axis in (1, 2):
                hdus["SCI"].header[f"CRPIX{axis}"] -= BEFORE[axis - 1] + fraction
        hdus.writeto(new_path)
    return new_path


def off(wcs, whole):
    """How far, in pixels, a WCS puts the cut-out from where it is."""
    y, x = (axis.ravel() for axis in np.mgrid[5 : CUT[0] - 5 : 9j, 5 : CUT[1] - 5 : 9j])
    whole.bounding_box = None
    lon, lat = whole(x + BEFORE[0], y + BEFORE[1])
    here = np.array(wcs.pixel_to_world_values(x, y))
    apart = np.hypot((here[0] - lon) * np.cos(np.radians(lat)), here[1] - lat) * 3600
    return apart.max() / 0.05


@pytest.mark.parametrize("kind", ["i2d", "cal"])
@pytest.mark.parametrize(
    "evidence",
    [
        {},
        {"box": "none"},
        {"box": "inside"},
        {"box": "inside", "pixel_shape": None},
        {"pixel_shape": None},
        {"box": "none", "pixel_shape": None},
    ],
    ids=str,
)
def test_the_header_of_a_cut_out_is_used(tmp_path, kind, evidence):
    """SIP of degree 3 is the very distortion: what is off is the fit, and the header's digits."""
    path, whole = jwst(tmp_path / f"a_{kind}.fits", kind, **evidence)
    made = cut(path, tmp_path / f"cut_{kind}.fits")
    with pytest.warns(SkyblotWarning, match=USED):
        wcs = wcs_of(made)
    assert isinstance(wcs, WCS)
    assert off(wcs, whole) < (1e-6 if kind == "i2d" else 0.03)


@pytest.mark.parametrize("kind", ["i2d", "cal"])
@pytest.mark.parametrize("evidence", [{}, {"box": "none"}, {"pixel_shape": None}], ids=str)
@pytest.mark.parametrize("how", [{"header": False}, {"fraction": 0.4}], ids=str)
def test_a_cut_out_whose_header_does_not_tell_is_refused(tmp_path, kind, evidence, how):
    path, _ = jwst(tmp_path / f"a_{kind}.fits", kind, **evidence)
    made = cut(path, tmp_path / f"cut_{kind}.fits", **how)
    with pytest.raises(WCSError, match=REFUSED):
        wcs_of(made)


def test_an_exposure_smaller_than_its_subarray_is_refused_where_nothing_else_tells(tmp_path):
    path, _ = jwst(tmp_path / "a_cal.fits", "cal", box="none", pixel_shape=None)
    with pytest.raises(
        WCSError,
        match=r"its gwcs is that of 300 x 320 pixels by SUBSIZE2 and SUBSIZE1, but .*120 x 140",
    ):
        wcs_of(cut(path, tmp_path / "cut_cal.fits", header=False))


def test_a_mosaic_that_was_binned_has_the_wcs_of_its_header(tmp_path):
    path, whole = jwst(tmp_path / "a_i2d.fits", "i2d")
    with fits.open(path) as hdus:
        header = hdus["SCI"].header
        hdus["SCI"].data = hdus["SCI"].data.reshape(150, 2, 160, 2).mean(axis=(1, 3))
        for axis in (1, 2):
            header[f"CRPIX{axis}"] = (header[f"CRPIX{axis}"] - 0.5) / 2 + 0.5
            for other in (1, 2):
                header[f"CD{axis}_{other}"] *= 2
        del hdus["ERR"]
        hdus.writeto(tmp_path / "binned_i2d.fits")
    with pytest.warns(SkyblotWarning, match=USED):
        wcs = wcs_of(tmp_path / "binned_i2d.fits")
    np.testing.assert_allclose(wcs.pixel_to_world_values(20, 30), whole(40.5, 60.5), rtol=1e-12)


@pytest.mark.parametrize(
    "evidence",
    [
        {"box": "whole"},
        {"box": "none"},
        {"box": "none", "pixel_shape": None},
        {"box": "inside"},
        {"box": "inside", "pixel_shape": None},
        {"pixel_shape": (7, 9)},
    ],
    ids=str,
)
def test_a_whole_exposure_keeps_its_gwcs(tmp_path, evidence):
    """A bounding box may be smaller than its image, as MIRI's is; one that is just it tells more
    than the shape.
    """
    path, whole = jwst(tmp_path / "a_cal.fits", "cal", **evidence)
    wcs = wcs_of(path)
    assert not isinstance(wcs, WCS)
    np.testing.assert_array_equal(wcs(20.0, 30.0), whole(20.0, 30.0))


@pytest.mark.parametrize("slack", [0.0, 0.5])
def test_a_bounding_box_may_end_at_edges_or_centres(tmp_path, slack):
    wcs = gwcs_files.exposure_gwcs(WHOLE)
    wcs.bounding_box = ((-slack, WHOLE[1] - slack), (-slack, WHOLE[0] - slack))
    path = gwcs_files.write_cal(tmp_path / "a_cal.fits", wcs, data=texture(WHOLE))
    assert not isinstance(wcs_of(path), WCS)


def test_nothing_is_written_of_a_blot_onto_a_cut_out_that_is_refused(tmp_path):
    mosaic = gwcs_files.write_i2d(tmp_path / "m_i2d.fits", texture((420, 420)))
    path, _ = jwst(tmp_path / "a_cal.fits", "cal")
    made = cut(path, tmp_path / "cut_cal.fits", header=False)
    with pytest.raises(WCSError, match=REFUSED):
        blot_file(mosaic, made, tmp_path / "out.fits")
    assert not (tmp_path / "out.fits").exists()


# Roman's files have no other WCS.


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({}, True),
        ({"bounding_box": None}, True),
        ({"array_shape": None}, True),
        ({"bounding_box": ((-0.5, CUT[1] - 0.5), (-0.5, CUT[0] - 0.5))}, False),
        ({"bounding_box": None, "array_shape": CUT}, False),
        ({"bounding_box": None, "array_shape": None}, False),
    ],
    ids=str,
)
def test_a_sliced_coadd_of_roman_is_refused(tmp_path, change, refused):
    wcs = gwcs_files.mosaic_gwcs(gwcs_files.mosaic_header(WHOLE), WHOLE)
    for name, value in change.items():
        setattr(wcs, name, value)
    data = texture(WHOLE)[BEFORE[1] : BEFORE[1] + CUT[0], BEFORE[0] : BEFORE[0] + CUT[1]]
    path = gwcs_files.write_roman(tmp_path / "a_coadd.asdf", data, wcs, tag="wfi_mosaic-1.0.0")
    if refused:
        with pytest.raises(WCSError, match=REFUSED):
            wcs_of(path)
        return
    assert wcs_of(path).array_shape == CUT


# What is written of a cut-out.


@pytest.mark.parametrize("evidence", [{}, {"box": "none", "pixel_shape": None}], ids=str)
def test_a_blot_onto_a_cut_out_leaves_the_gwcs_of_the_whole_behind(tmp_path, evidence):
    mosaic = gwcs_files.write_i2d(tmp_path / "m_i2d.fits", texture((420, 420)))
    path, _ = jwst(tmp_path / "a_cal.fits", "cal", **evidence)
    made = cut(path, tmp_path / "cut_cal.fits")
    with pytest.warns(SkyblotWarning, match=USED):
        blot = blot_file(mosaic, made, tmp_path / "b.fits", addsky=False)
    with fits.open(blot) as hdus, fits.open(made) as exposure:
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "SCI"]
        expected = WCS(exposure["SCI"].header)
    y, x = np.mgrid[: CUT[0] : 9j, : CUT[1] : 9j]
    np.testing.assert_array_equal(
        wcs_of(blot).all_pix2world(x, y, 0), expected.all_pix2world(x, y, 0)
    )
    whole = blot_file(mosaic, path, tmp_path / "whole.fits", addsky=False)
    with fits.open(whole) as hdus:
        assert "ASDF" in hdus


@pytest.mark.parametrize("linear", [False, True])
def test_a_mask_of_a_cut_out_has_the_wcs_that_was_used(tmp_path, linear):
    path, _ = jwst(tmp_path / "a_cal.fits", "i2d" if linear else "cal")
    made = cut(path, tmp_path / "cut_cal.fits")
    with open_image(made) as image:
        cards = wcs_cards(image)
        expected = WCS(image.header)
    y, x = np.mgrid[: CUT[0] : 9j, : CUT[1] : 9j]
    np.testing.assert_allclose(
        WCS(cards).all_pix2world(x, y, 0), expected.all_pix2world(x, y, 0), rtol=1e-13
    )


def test_a_mask_has_the_gwcs_where_only_that_was_aligned(tmp_path):
    """The header is 3 pixels off; a fit of SIP is as good as the header was."""
    path = gwcs_files.write_cal(tmp_path / "a_cal.fits", gwcs_files.exposure_gwcs())
    with fits.open(path, mode="update") as hdus:
        hdus["SCI"].header["CRPIX1"] += 3.0
    with open_image(path) as image:
        wcs = WCS(wcs_cards(image))
    y, x = np.mgrid[:199:9j, :239:9j]
    back = wcs.all_world2pix(*gwcs_files.exposure_gwcs()(x, y), 0)
    assert np.hypot(back[0] - x, back[1] - y).max() < 0.02
