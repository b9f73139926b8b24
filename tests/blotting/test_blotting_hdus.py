"""`skyblot.blot` with FITS HDUs."""

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from builders import demo_pair, gwcs_like, mosaic_for, sky_image
from image_pair import IMAGE, SOURCE_WCS, TARGET_WCS, header_of, plain, same_place

import skyblot


@pytest.mark.parametrize("kind", [fits.PrimaryHDU, fits.ImageHDU, fits.CompImageHDU])
def test_an_hdu_gives_an_image_hdu_with_the_targets_wcs_and_bunit(kind):
    made = skyblot.blot(
        kind(IMAGE, header_of(SOURCE_WCS, BUNIT="ELECTRONS/S")), target_wcs=TARGET_WCS
    )
    assert type(made) is fits.ImageHDU
    assert made.header["BUNIT"] == "ELECTRONS/S"
    np.testing.assert_allclose(made.data, plain(), rtol=1e-5)  # the WCS went through cards
    assert same_place(WCS(made.header), TARGET_WCS, (40, 50))


def test_the_sip_of_the_target_is_in_the_hdu():
    target, _ = demo_pair()
    target.cpdis1 = target.cpdis2 = target.det2im1 = target.det2im2 = None
    mosaic = mosaic_for(target)
    hdu = fits.ImageHDU(sky_image(target.array_shape), header_of(mosaic))
    made = skyblot.blot(hdu, target_wcs=target)
    assert "BUNIT" not in made.header
    assert same_place(WCS(made.header), target, target.array_shape)


def test_tables_of_the_target_do_not_fit_into_an_hdu():
    target, mosaic = demo_pair()
    image = sky_image(mosaic.array_shape)
    with pytest.warns(
        skyblot.SkyblotWarning, match="look-up tables, which a single HDU cannot hold"
    ):
        made = skyblot.blot(fits.ImageHDU(image, header_of(mosaic)), mosaic, target)
    np.testing.assert_array_equal(made.data, skyblot.blot(image, mosaic, target))


def test_an_hdu_for_a_gwcs_has_no_wcs():
    with pytest.warns(skyblot.SkyblotWarning, match="has no FITS header: the HDU gets none"):
        made = skyblot.blot(
            fits.ImageHDU(IMAGE, header_of(SOURCE_WCS)), target_wcs=gwcs_like(TARGET_WCS)
        )
    assert "CTYPE1" not in made.header


def test_an_hdu_of_labels_stays_one():
    labels = (IMAGE > 1000).astype("i2")
    made = skyblot.blot(
        fits.ImageHDU(labels, header_of(SOURCE_WCS)), target_wcs=TARGET_WCS, interp="nearest"
    )
    assert made.data.dtype == "i2"


@pytest.mark.parametrize(
    ("hdu", "message"),
    [
        (fits.ImageHDU(IMAGE), "the source HDU: has no celestial WCS"),
        (fits.ImageHDU(None, header_of(SOURCE_WCS)), "the source: is a ImageHDU without pixels"),
        (
            fits.ImageHDU(IMAGE, header_of(SOURCE_WCS, CTYPE1="RA---SIN")),
            "the source HDU: its WCS cannot be read",
        ),
    ],
)
def test_hdus_that_cannot_be_used_are_refused_in_one_sentence(hdu, message):
    with pytest.raises(skyblot.SkyblotError, match=message):
        skyblot.blot(hdu, target_wcs=TARGET_WCS)


@pytest.mark.parametrize("other", [fits.HDUList(), fits.BinTableHDU()])
def test_lists_and_tables_are_refused(other):
    with pytest.raises(
        skyblot.DataError, match=f"the source: is a {type(other).__name__}, expected an image"
    ):
        skyblot.blot(other, SOURCE_WCS, TARGET_WCS)


def test_an_hdu_whose_wcs_needs_its_file_says_so(tmp_path):
    skyblot.make_demo(tmp_path, exposures=1, chip_shape=(96, 160))
    with (
        fits.open(tmp_path / "isky01a1q_flc.fits") as exposure,
        fits.open(tmp_path / "skydemo_med.fits") as mosaic,
    ):
        with pytest.raises(skyblot.WCSError, match=r"give target_wcs=WCS\(hdu.header, hdulist\)"):
            skyblot.blot(mosaic["SCI"], target_wcs=exposure["SCI", 1])
        target = WCS(exposure["SCI", 1].header, exposure)
        with pytest.warns(skyblot.SkyblotWarning, match="look-up tables"):
            made = skyblot.blot(mosaic["SCI"], target_wcs=target)
        assert made.header["BUNIT"] == "ELECTRONS/S"
        assert made.shape == (96, 160)
