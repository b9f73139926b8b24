"""Roman's ASDF files: units, exposure times and backgrounds."""

import asdf
import numpy as np
import pytest
from astropy import units
from gwcs_files import SHAPE, exposure_gwcs, map_error, write_roman
from roman_files import MOSAIC, RAW, expected, roman_tree, write_cal_asdf, write_coadd
from samples import texture

from skyblot import SkyblotWarning, blot_file
from skyblot.errors import DataError
from skyblot.headers.units import unit_kind
from skyblot.io.images import open_image

BRIGHT = {"cal_step": {"flux": "COMPLETE"}}


@pytest.mark.parametrize(
    ("meta", "tag", "quantity", "bunit"),
    [
        ({}, "wfi_image-1.0.0", None, "DN/s"),
        ({"cal_step": None}, "wfi_image-1.0.0", None, "DN/s"),
        (BRIGHT, "wfi_image-1.0.0", None, "MJy/sr"),
        (BRIGHT, None, None, "MJy/sr"),
        ({"cal_step": None}, "wfi_mosaic-1.0.0", None, "MJy/sr"),
        ({"cal_step": None, "model_type": "MosaicModel"}, None, None, "MJy/sr"),
        ({"model_type": "ImageModel"}, None, None, "DN/s"),
        ({}, None, None, ""),
        ({}, "wfi_image-1.0.0", "electron / s", None),
        (BRIGHT, "wfi_image-1.0.0", "MJy / sr", None),
    ],
)
def test_the_unit_is_that_of_the_kind_of_file(tmp_path, meta, tag, quantity, bunit):
    data = (
        np.zeros(SHAPE, "f4") if quantity is None else np.zeros(SHAPE, "f4") << units.Unit(quantity)
    )
    with open_image(write_roman(tmp_path / "a.asdf", data, exposure_gwcs(), tag, meta)) as image:
        found = image.facts.bunit
    if quantity is None:
        assert found == bunit
    else:  # in one of several spellings
        assert units.Unit(found) == units.Unit(quantity)
        assert unit_kind(found) == unit_kind(quantity)


@pytest.mark.parametrize(("meta", "factor"), [({}, 2.0), (BRIGHT, 1.0)])
def test_brightness_is_blotted_in_the_unit_of_the_reference(coadd, tmp_path, meta, factor):
    tree = roman_tree(
        blot_file(coadd, write_cal_asdf(tmp_path / "a.asdf", meta=meta), tmp_path / "b.asdf", **RAW)
    )
    assert tree["meta"]["skyblot"]["blotfact"] == factor
    assert np.abs(tree["data"] / factor - expected()).max() <= map_error(texture(MOSAIC))


@pytest.mark.parametrize("value", [None, -999999, -999999.0])
def test_a_conversion_that_is_not_known_is_an_error(coadd, tmp_path, value):
    path = write_cal_asdf(
        tmp_path / "a_cal.asdf", meta={"photometry": {"conversion_megajanskys": value}}
    )
    with pytest.raises(
        DataError, match=r"in DN/s \(.*a_cal\.asdf\): .* except to DN/s by the reference's PHOTMJSR"
    ):
        blot_file(coadd, path, tmp_path / "b.asdf", **RAW)


def test_exposure_time_is_that_of_the_exposure(coadd, cal, tmp_path):
    tree = roman_tree(blot_file(coadd, cal, tmp_path / "b.asdf", out_units="counts", **RAW))
    record = tree["meta"]["skyblot"]
    assert (record["blotfact"], record["blotexp"], record["bunit"]) == (214.0, 107.0, "DN")
    with open_image(coadd) as image:
        assert image.facts.find("exptime") == 642.0


@pytest.mark.parametrize(
    ("background", "sky"),
    [({"level": 1.5, "subtracted": False}, 1.5), ({"level": 1.5, "subtracted": True}, 0)],
)
def test_background_that_the_mosaic_was_freed_from_is_added(tmp_path, background, sky):
    coadd = write_coadd(tmp_path / "freed_coadd.asdf", meta={"cal_step": {"skymatch": "COMPLETE"}})
    path = write_cal_asdf(
        tmp_path / "a.asdf", meta={"background": {**background, "method": "match"}}
    )
    tree = roman_tree(blot_file(coadd, path, tmp_path / "b.asdf", interp="linear"))
    assert tree["meta"]["skyblot"]["blotsky"] == sky
    assert np.abs((tree["data"] - sky) / 2 - expected()).max() <= map_error(texture(MOSAIC))


def test_sky_that_is_not_known_is_a_warning(coadd, cal, tmp_path):
    with pytest.warns(SkyblotWarning, match=r"no sky value background\.level in its headers"):
        blot_file(coadd, cal, tmp_path / "b.asdf")


def test_errors_go_into_the_blot(cal, tmp_path):
    data, errors = texture(MOSAIC), np.full(MOSAIC, 0.3, "f4")
    coadd = write_coadd(tmp_path / "r01_coadd.asdf", data, err=errors)
    path = blot_file(coadd, cal, tmp_path / "b.asdf", errors=True, interp="nearest", addsky=False)
    with asdf.open(path, memmap=False) as file:
        written = np.array(file["roman"]["err"])
    assert written.dtype == np.float32
    np.testing.assert_allclose(written, 0.6, rtol=1e-6)  # DN/s, of 0.5 MJy/sr each
