"""Units, pixel area and background of blots onto JWST exposures; see gwcs_files.py."""

import numpy as np
import pytest
from astropy.io import fits
from gwcs_files import SHAPE, exposure_gwcs, map_error, write_cal
from jwst_blots import LINEAR, MOSAIC, expected
from samples import rewrite, texture

from skyblot import blot_file
from skyblot.errors import DataError


@pytest.mark.parametrize(
    ("bunit", "factor"), [("MJy/sr", 1.0), ("Jy/sr", 1e6), ("DN/s", 4.0), ("DN", 400.0)]
)
def test_units_of_the_blot_are_the_reference_s(i2d, tmp_path, bunit, factor):
    path = write_cal(tmp_path / "a_rate.fits", exposure_gwcs(), bunit)
    blot = blot_file(i2d, path, tmp_path / "blt.fits", addsky=False, **LINEAR)
    header = fits.getheader(blot, "SCI")
    assert header["BLOTFACT"] == pytest.approx(factor, rel=1e-12)
    assert header["BUNIT"] == bunit
    assert header.get("BLOTEXP") == (100.0 if bunit == "DN" else None)
    data = fits.getdata(blot, "SCI") / factor
    assert np.abs(data - expected(i2d)).max() <= map_error(texture(MOSAIC))


@pytest.mark.parametrize(
    ("out_units", "bunit", "factor"), [("cps", "DN/s", 4.0), ("counts", "DN", 400.0)]
)
def test_surface_brightness_can_be_asked_for_in_data_numbers(
    i2d, cal, tmp_path, out_units, bunit, factor
):
    header = fits.getheader(
        blot_file(i2d, cal, tmp_path / "blt.fits", out_units=out_units, addsky=False), "SCI"
    )
    assert (header["BLOTFACT"], header["BUNIT"]) == (pytest.approx(factor, rel=1e-12), bunit)


def test_without_photmjsr_the_conversion_is_an_error(i2d, cal, tmp_path):
    path = rewrite(cal, tmp_path / "a_cal.fits", lambda hdus: hdus["SCI"].header.remove("PHOTMJSR"))
    with pytest.raises(
        DataError,
        match=r"MJy/sr .* in cps \(.*a_cal\.fits\[sci,1\]\): .* by the reference's PHOTMJSR",
    ):
        blot_file(i2d, path, tmp_path / "blt.fits", out_units="cps", addsky=False)


def test_the_area_ratio_of_a_rate_is_that_of_the_gwcs(i2d, tmp_path):
    """Oracle: the solid angle of the pixel at the middle of the subarray, by its corners on the
    sky.
    """
    source = rewrite(
        i2d, tmp_path / "rate_i2d.fits", lambda hdus: hdus["SCI"].header.set("BUNIT", "DN/s")
    )
    path = write_cal(tmp_path / "a_rate.fits", exposure_gwcs(), "DN/s")
    factor = fits.getval(
        blot_file(source, path, tmp_path / "blt.fits", addsky=False), "BLOTFACT", "SCI"
    )
    wcs, (y, x) = exposure_gwcs(), (np.array(SHAPE) - 1) / 2
    across, up = (
        np.subtract(wcs(x + dx, y + dy), wcs(x - dx, y - dy)) * 3600
        for dx, dy in ((0.5, 0), (0, 0.5))
    )
    area = abs(across[0] * up[1] - across[1] * up[0]) * np.cos(np.radians(wcs(x, y)[1]))
    assert factor == pytest.approx(area / 0.05**2, rel=1e-6)


@pytest.mark.parametrize(("subtracted", "sky"), [(False, 1.25), (True, 0.0), (None, 0.0)])
def test_background_that_the_mosaic_was_freed_from_is_added(i2d, tmp_path, subtracted, sky):
    cards = {"BKGLEVEL": 1.25} | ({} if subtracted is None else {"BKGSUB": subtracted})
    path = write_cal(tmp_path / "a_crf.fits", exposure_gwcs(), **cards)
    i2d = rewrite(
        i2d, tmp_path / "freed_i2d.fits", lambda hdus: hdus[0].header.set("S_SKYMAT", "COMPLETE")
    )
    for addsky, added in ((True, sky), (False, 0.0)):
        blot = blot_file(i2d, path, tmp_path / "blt.fits", addsky=addsky, overwrite=True, **LINEAR)
        assert fits.getval(blot, "BLOTSKY", "SCI") == added
        assert np.abs(fits.getdata(blot, "SCI") - added - expected(i2d)).max() <= map_error(
            texture(MOSAIC) + sky
        )
