"""Roman's ASDF files: what is written, and under which names."""

import os
import re
import warnings

import gwcs_files
import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from gwcs_files import (
    SHAPE,
    exact_blot,
    exposure_gwcs,
    map_error,
    mosaic_header,
    write_cal,
    write_i2d,
)
from roman_files import MOSAIC, RAW, expected, positions, roman_tree, write_cal_asdf, write_coadd
from samples import digests, no_space, read_wcs, tan_header, tasks_of, texture, write_sci

from skyblot import __version__, blot_file, blot_files
from skyblot.errors import FileError, ParameterError
from skyblot.io.images import open_image

# Writing.


def test_blot_is_the_exact_one_with_the_gwcs_of_its_reference(coadd, cal, tmp_path):
    before = digests(cal.parent)
    path = blot_file(coadd, cal, tmp_path / "blt.asdf", **RAW)
    tree = roman_tree(path)
    assert np.abs(tree["data"] * 0.5 - expected()).max() <= map_error(texture(MOSAIC))
    np.testing.assert_array_equal(tree["meta"]["wcs"](*positions()), exposure_gwcs()(*positions()))
    assert tree["meta"]["wcs"].array_shape == SHAPE
    assert digests(cal.parent) == before
    made = tree["meta"]["skyblot"]
    assert re.fullmatch("[0-9a-f]{16}", made.pop("blotkey"))
    assert made == {
        "blottol": 1e-4, "blotcovr": 1.0, "blotver": __version__,
        "blotsrc": str(coadd), "blotref": str(cal), "blotint": "linear", "blotsscl": 1.0,
        "blotstep": 1, "blotcoef": True, "blotin": "surface brightness", "blotout": "cps",
        "blotfact": 2.0, "blotsky": 0.0, "blotfill": "0.0", "bunit": "DN/s",
    }  # fmt: skip


def test_metadata_of_the_reference_are_kept_as_plain_values(coadd, tmp_path):
    from asdf.tagged import TaggedDict, TaggedString

    start = TaggedString("2027-01-01T00:00:00.000")
    start._tag = "tag:stsci.edu:asdf/time/time-1.1.0"
    meta = {
        "filename": "a_cal.asdf",
        "instrument": {"name": "WFI", "detector": "WFI01"},
        "pattern": [[1], [2, 3]],
    }
    meta |= {
        "exposure": {"start_time": start, "effective_exposure_time": 107.0, "truncated": False},
        "none": None,
    }
    meta |= {
        "table": np.arange(300),
        "rcs": TaggedDict({"bank": "1"}, "asdf://stsci.edu/datamodels/roman/tags/rcs-1.0.0"),
    }
    path = blot_file(
        coadd, write_cal_asdf(tmp_path / "a_cal.asdf", meta=meta), tmp_path / "a_blt.asdf", **RAW
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a tag that is not known would be a warning
        found = roman_tree(path)["meta"]
    assert found["filename"] == "a_blt.asdf"
    assert found["instrument"] == meta["instrument"]
    assert found["pattern"] == meta["pattern"]
    assert found["exposure"] == {
        "start_time": str(start),
        "effective_exposure_time": 107.0,
        "truncated": False,
    }
    assert (found["rcs"], found["table"]) == ({"bank": "1"}, None)


def test_a_blot_can_be_blotted_again_and_keeps_its_unit(coadd, cal, tmp_path):
    path = blot_file(coadd, cal, tmp_path / "blt.asdf", **RAW)
    with open_image(path) as image:
        assert image.facts.bunit == "DN/s"
        wcs = image.wcs()
    again = roman_tree(blot_file(coadd, path, tmp_path / "again.asdf", **RAW))
    np.testing.assert_array_equal(again["data"], roman_tree(path)["data"])
    np.testing.assert_array_equal(again["meta"]["wcs"](*positions()), wcs(*positions()))


@pytest.mark.parametrize("how", ["linear terms", "user values"])
def test_an_undistorted_blot_has_a_tangent_gwcs(coadd, cal, tmp_path, how):
    values = (
        {"coeffs": False}
        if how == "linear terms"
        else {"outscale": 0.07, "outnx": 100, "outny": 90, "orient": 10}
    )
    tree = roman_tree(
        blot_file(coadd, cal, tmp_path / "blt.asdf", out_units="cps", **values, **RAW)
    )
    shape = SHAPE if how == "linear terms" else (90, 100)
    assert tree["data"].shape == tree["meta"]["wcs"].array_shape == shape
    exact = exact_blot(texture(MOSAIC), WCS(mosaic_header(MOSAIC)), tree["meta"]["wcs"], shape)
    assert np.abs(tree["data"] / 2 - exact).max() <= map_error(texture(MOSAIC), 1e-7)
    assert tree["meta"]["skyblot"]["blotcoef"] is False
    fits_blot = blot_file(
        coadd,
        write_cal(tmp_path / "a_cal.fits", exposure_gwcs(), "DN/s"),
        tmp_path / "b.fits",
        **values,
        **RAW,
    )
    np.testing.assert_allclose(
        tree["meta"]["wcs"](*positions(shape)),
        read_wcs(fits_blot).all_pix2world(*positions(shape), 0),
        rtol=1e-13,
    )


def test_labels_keep_their_type_and_values(cal, tmp_path):
    labels = 2**24 + np.arange(MOSAIC[0] * MOSAIC[1], dtype="i4").reshape(MOSAIC)
    tree = roman_tree(
        blot_file(
            write_coadd(tmp_path / "segm.asdf", labels), cal, tmp_path / "b.asdf", interp="nearest"
        )
    )
    assert tree["data"].dtype == np.int32
    assert np.isin(tree["data"], labels).all()
    assert "bunit" not in tree["meta"]["skyblot"]


def test_fits_and_asdf_mix_and_the_format_is_the_reference_s(coadd, cal, tmp_path):
    i2d = write_i2d(tmp_path / "a_i2d.fits", texture(MOSAIC))
    fits_cal = write_cal(tmp_path / "b_cal.fits", exposure_gwcs())
    results = blot_files(i2d, [cal, fits_cal], tmp_path, **RAW)
    results += blot_files(coadd, [fits_cal], tmp_path, overwrite=True, **RAW)
    names = ["r0000101001001001001_0001_wfi01_f158_blt.asdf", "b_sci1_blt.fits", "b_sci1_blt.fits"]
    assert [result.path.name for result in results] == names
    onto_roman, onto_fits = roman_tree(results[0].path), fits.getdata(results[2].path, "SCI")
    assert np.abs(onto_roman["data"] / 2 - expected()).max() <= map_error(texture(MOSAIC))
    assert np.abs(onto_fits - expected()).max() <= map_error(texture(MOSAIC))
    assert fits.getval(results[2].path, "BLOTSRC", "SCI") == str(coadd)


def test_onto_an_image_with_a_fits_wcs_only(coadd, tmp_path):
    header = tan_header(
        (60, 50), scale=0.08, ra=gwcs_files.CENTRE[0], dec=gwcs_files.CENTRE[1], BUNIT="MJy/sr"
    )
    path = write_sci(tmp_path / "one.fits", np.zeros((60, 50), "f4"), header)
    data = fits.getdata(blot_file(coadd, path, tmp_path / "blt.fits", **RAW), "SCI")
    assert np.abs(data - linear_expected(header)).max() <= map_error(texture(MOSAIC))


def linear_expected(header):
    from samples import linear_blot

    return linear_blot(texture(MOSAIC), WCS(mosaic_header(MOSAIC)), WCS(header), (60, 50))


@pytest.mark.parametrize("failing", ["replace", "fsync"])
@pytest.mark.parametrize("old", [None, b"the old blot"], ids=["new", "overwrite"])
def test_a_failure_while_writing_leaves_no_trace(coadd, cal, tmp_path, monkeypatch, failing, old):
    path = tmp_path / "blt.asdf"
    if old is not None:
        path.write_bytes(old)
    with monkeypatch.context() as patch:
        patch.setattr(os, failing, no_space)
        with pytest.raises(
            FileError, match=r"blt\.asdf: cannot be written: No space left on device"
        ):
            blot_file(coadd, cal, path, overwrite=True, **RAW)
    assert [each.read_bytes() for each in tmp_path.iterdir()] == ([] if old is None else [old])


# Names.


def test_names_of_blots(folder, cal, coadd, tmp_path):
    plain = tmp_path / "plain.asdf"
    plain.write_bytes(cal.read_bytes())
    names = [path.name for _, path in tasks_of([cal, coadd, plain], tmp_path)]
    roots = [cal.name.removesuffix("_cal.asdf"), coadd.name.removesuffix("_coadd.asdf"), "plain"]
    assert names == [f"{root}_blt.asdf" for root in roots]


def test_a_file_is_known_by_its_content(coadd, cal, tmp_path):
    odd = tmp_path / "cal.dat"
    odd.write_bytes(cal.read_bytes())
    (result,) = blot_files(coadd, [odd], tmp_path, **RAW)
    assert result.path.name == "cal_blt.asdf"
    np.testing.assert_array_equal(
        roman_tree(result.path)["data"],
        roman_tree(blot_file(coadd, cal, tmp_path / "b.asdf", **RAW))["data"],
    )


def test_two_references_for_one_name_are_refused(cal, tmp_path):
    twin = tmp_path / cal.name
    twin.write_bytes(cal.read_bytes())
    with pytest.raises(ParameterError, match="two references would be written to this file"):
        tasks_of([cal, twin], tmp_path)
