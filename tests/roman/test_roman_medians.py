"""What romancal's outlier_detection saves: a median, and coadds of each exposure, as an array and a
gwcs alone.
"""

import asdf
import gwcs_files
import numpy as np
import pytest
from gwcs_files import map_error, mosaic_header
from roman_files import MOSAIC, expected, roman_tree, write_cal_asdf
from samples import texture

import skyblot
from skyblot import DataError, SkyblotWarning, blot_file, reject_files

UNIT = r"r01_median\.asdf: there is no BUNIT; taken as MJy/sr"


def write_median(path):
    """As romancal's ``_save_intermediate_output``."""
    wcs = gwcs_files.mosaic_gwcs(mosaic_header(MOSAIC), MOSAIC)
    asdf.AsdfFile({"data": texture(MOSAIC), "wcs": wcs}).write_to(path)
    return path


@pytest.mark.parametrize(("flux", "factor"), [("COMPLETE", 1.0), ("INCOMPLETE", 2.0)])
def test_a_median_is_a_source_in_the_unit_of_the_pipeline_and_that_is_said(tmp_path, flux, factor):
    median = write_median(tmp_path / "r01_median.asdf")
    cal = write_cal_asdf(tmp_path / "a_cal.asdf", meta={"cal_step": {"flux": flux}})
    with pytest.warns(SkyblotWarning, match=UNIT):
        blot = blot_file(median, cal, tmp_path / "b.asdf", interp="linear", addsky=False)
    assert np.abs(roman_tree(blot)["data"] / factor - expected()).max() <= map_error(
        texture(MOSAIC)
    )


def test_info_of_a_median(tmp_path):
    (image,) = skyblot.info(write_median(tmp_path / "r01_median.asdf"))
    assert (image.kind, image.shape, image.wcs.kind) == ("mosaic", MOSAIC, "gwcs")


def test_a_median_is_no_exposure(tmp_path):
    median = write_median(tmp_path / "r01_median.asdf")
    other = write_median(tmp_path / "r02_median.asdf")
    with pytest.raises(DataError, match=r"r02_median\.asdf.*Roman's level 3"):
        reject_files(median, [other], tmp_path, fail_fast=True)
