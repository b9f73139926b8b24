"""Exposure and pixel area: every fact from where it says, and errors where it is missing."""

import numpy as np
import pytest
from astropy.io import fits
from samples import tan_header, write_sci
from scaling_facts import facts, plan, source_facts

from skyblot import SkyblotWarning, blot_file
from skyblot.errors import DataError
from skyblot.headers.facts import Facts

FLAT = [
    ("cps", "cps", 2.0),
    ("cps", "counts", 200.0),
    ("counts", "cps", 0.005),
    ("counts", "counts", 0.5),
]


# The flat image of 2 cps, through files: EXPTIME 400 of the data, 100 of the reference.


@pytest.fixture(scope="module")
def flat_files(tmp_path_factory):
    """Source and reference of the same pixel scale, without IDCSCALE."""
    folder = tmp_path_factory.mktemp("flat")
    flat = np.full((40, 50), 2, "f4")
    source = write_sci(folder / "med.fits", flat, tan_header(flat.shape, EXPTIME=400.0))
    zeros = np.zeros((20, 24), "f4")
    return source, write_sci(
        folder / "one_flt.fits", zeros, tan_header(zeros.shape), {"EXPTIME": 100.0}
    )


@pytest.mark.parametrize(("in_units", "out_units", "expected"), FLAT)
def test_flat_image_is_scaled_by_exposure_once(flat_files, tmp_path, in_units, out_units, expected):
    path = blot_file(
        *flat_files, tmp_path / "blt.fits", in_units=in_units, out_units=out_units, addsky=False
    )
    np.testing.assert_allclose(fits.getdata(path, "SCI"), expected, rtol=2e-6)
    header = fits.getheader(path, "SCI")
    assert (header["BLOTIN"], header["BLOTOUT"]) == (in_units, out_units)
    assert header["BLOTFACT"] == pytest.approx(expected / 2, rel=1e-12)
    assert header.get("BLOTEXP") == (100.0 if out_units == "counts" else None)


@pytest.mark.parametrize(("idcscale", "area"), [(0.05, 1.5625), (None, 1.500625)])
def test_area_ratio_is_of_idcscale_else_of_the_cd_matrix(tmp_path, idcscale, area):
    flat, zeros = np.full((60, 60), 2, "f4"), np.zeros((20, 24), "f4")
    source = write_sci(tmp_path / "med.fits", flat, tan_header(flat.shape, scale=0.04))
    header = tan_header(zeros.shape, scale=0.049, **({"IDCSCALE": idcscale} if idcscale else {}))
    reference = write_sci(tmp_path / "one_flt.fits", zeros, header)
    path = blot_file(
        source, reference, tmp_path / "blt.fits", in_units="cps", out_units="cps", addsky=False
    )
    np.testing.assert_allclose(fits.getdata(path, "SCI"), 2 * area, rtol=2e-6)


@pytest.mark.parametrize("idcscale", [0.0, -0.05, "unknown"])
def test_an_idcscale_that_is_no_scale_is_not_used(tmp_path, idcscale):
    flat, zeros = np.full((60, 60), 2, "f4"), np.zeros((20, 24), "f4")
    source = write_sci(tmp_path / "med.fits", flat, tan_header(flat.shape, scale=0.04))
    header = tan_header(zeros.shape, scale=0.049, IDCSCALE=idcscale)
    reference = write_sci(tmp_path / "one_flt.fits", zeros, header)
    path = blot_file(
        source, reference, tmp_path / "blt.fits", in_units="cps", out_units="cps", addsky=False
    )
    np.testing.assert_allclose(fits.getdata(path, "SCI"), 2 * 1.500625, rtol=2e-6)


def test_user_pixel_scale_replaces_idcscale(tmp_path):
    flat, zeros = np.full((60, 60), 2, "f4"), np.zeros((20, 24), "f4")
    source = write_sci(tmp_path / "med.fits", flat, tan_header(flat.shape, scale=0.04))
    reference = write_sci(tmp_path / "one_flt.fits", zeros, tan_header(zeros.shape, IDCSCALE=0.05))
    path = tmp_path / "blt.fits"
    blot_file(source, reference, path, in_units="cps", out_units="cps", addsky=False, outscale=0.02)
    np.testing.assert_allclose(fits.getdata(path, "SCI"), 2 * 0.25, rtol=2e-6)


@pytest.mark.parametrize("ratio", [0.5, 0.8, 1.0, 3.0])
def test_area_and_exposure_multiply(ratio):
    scaling = plan(source_facts(), facts(EXPTIME=100), ratio, in_units="cps", out_units="counts")
    assert scaling.factor == pytest.approx(100 / ratio**2, rel=1e-14)
    assert scaling.exptime_s == 100


# Where exposure times are looked up.


@pytest.mark.parametrize("expkey", ["texp", "TEXP", "TeXp"])
def test_expkey_in_any_case(expkey):
    scaling = plan(
        source_facts(TEXP=400),
        facts(TEXP=100, EXPTIME=7),
        expkey=expkey,
        in_units="counts",
        out_units="counts",
    )
    assert scaling.factor == 0.25


def test_extension_before_primary():
    reference = facts(primary={"EXPTIME": 7.0}, EXPTIME=100.0)
    assert plan(source_facts(), reference, in_units="cps", out_units="counts").exptime_s == 100
    assert (
        plan(
            source_facts(), facts(primary={"EXPTIME": 7.0}), in_units="cps", out_units="counts"
        ).exptime_s
        == 7
    )


@pytest.mark.parametrize("blank", [None, ""])
def test_a_keyword_without_value_is_absent(blank):
    reference = facts(primary={"EXPTIME": 7.0}, EXPTIME=blank)
    assert plan(source_facts(), reference, in_units="cps", out_units="counts").exptime_s == 7


def test_drizexpt_stands_in_for_the_source_only():
    scaling = plan(source_facts(DRIZEXPT=50.0), facts(), in_units="counts", out_units="cps")
    assert scaling.factor == 0.02
    scaling = plan(
        source_facts({"EXPTIME": 400.0}, DRIZEXPT=50.0), facts(), in_units="counts", out_units="cps"
    )
    assert scaling.factor == 0.0025
    with pytest.raises(DataError, match="no exposure time"):
        plan(source_facts(), facts(DRIZEXPT=50.0), in_units="cps", out_units="counts")


def test_expout_number_needs_no_exposure_of_the_reference():
    scaling = plan(
        source_facts(), facts(EXPTIME="unknown"), expout="1.5", in_units="cps", out_units="counts"
    )
    assert (scaling.factor, scaling.exptime_s) == (1.5, 1.5)
    scaling = plan(source_facts(), facts(), expout=300, in_units="cps", out_units="cps")
    assert (scaling.factor, scaling.exptime_s) == (1.0, None)


def test_exposures_that_are_not_needed_are_not_looked_at():
    bad = {"EXPTIME": 0}
    assert plan(source_facts(**bad), facts(**bad), in_units="cps", out_units="cps").factor == 1
    assert (
        plan(source_facts(**bad), facts(EXPTIME=3), in_units="cps", out_units="counts").factor == 3
    )


BAD = [0, 0.0, -100.0, "N/A", "NaN", "inf", float("nan"), float("inf"), True]


@pytest.mark.parametrize("value", BAD, ids=repr)
@pytest.mark.parametrize("which", ["source", "reference"])
def test_bad_exposure_is_an_error_with_file_keyword_and_value(which, value):
    images = {"source": source_facts(EXPTIME=400.0), "reference": facts(EXPTIME=100.0)}
    images[which] = Facts(images[which].name, {"EXPTIME": value}, {})
    with pytest.raises(DataError) as caught:
        plan(*images.values(), in_units="counts", out_units="counts")
    assert images[which].name in str(caught.value)
    assert f"EXPTIME = {value!r}" in str(caught.value)


@pytest.mark.parametrize(
    ("which", "names"),
    [("source", "MYEXP or DRIZEXPT"), ("reference", "MYEXP (give")],
    ids=["source", "reference"],
)
def test_missing_exposure_is_an_error_that_says_what_was_looked_for(which, names):
    images = {"source": source_facts(MYEXP=400.0), "reference": facts(MYEXP=100.0)}
    images[which] = Facts(images[which].name, {"EXPTIME": 5.0}, {"TEXPTIME": 5.0})
    with pytest.raises(DataError) as caught:
        plan(*images.values(), expkey="myexp", in_units="counts", out_units="counts")
    assert str(caught.value).startswith(f"{images[which].name}: no exposure time")
    assert names in str(caught.value)


@pytest.mark.parametrize("text", ["NaN", "1.0.0", "12 34"])
def test_a_card_that_cannot_be_parsed(text):
    header = fits.Header.fromstring(f"EXPTIME = {text:>20}".ljust(80))
    reference = Facts("ref.fits[sci,1]", header, {})
    with pytest.raises(DataError, match=r"ref\.fits\[sci,1\]: the value of EXPTIME cannot be read"):
        plan(source_facts(), reference, in_units="cps", out_units="counts")
    assert plan(source_facts(), reference, in_units="cps", out_units="cps").factor == 1


def test_sky_is_added_after_scaling(flat_files, tmp_path):
    path = tmp_path / "blt.fits"
    blot_file(*flat_files, path, in_units="cps", out_units="counts", addsky=False, skyval=-50.5)
    np.testing.assert_allclose(fits.getdata(path, "SCI"), 200 - 50.5, rtol=2e-6)
    assert fits.getval(path, "BLOTSKY", "SCI") == -50.5


# JWST's names.


@pytest.mark.parametrize("keyword", ["EFFEXPTM", "XPOSURE"])
@pytest.mark.parametrize("expkey", ["exptime", "EXPTIME"])
def test_exposure_time_of_jwst(keyword, expkey):
    values = {"expkey": expkey, "in_units": "counts", "out_units": "counts"}
    assert (
        plan(
            source_facts({keyword: 400.0}, DRIZEXPT=7.0), facts(primary={keyword: 100.0}), **values
        ).factor
        == 0.25
    )
    assert (
        plan(source_facts(EXPTIME=50), facts(**{"EXPTIME": 100.0, keyword: 7.0}), **values).factor
        == 2.0
    )


def test_exposure_time_of_jwst_is_for_the_default_keyword_only():
    with pytest.raises(DataError, match="have no MYEXP"):
        plan(
            source_facts(),
            facts(EFFEXPTM=100.0),
            expkey="myexp",
            in_units="cps",
            out_units="counts",
        )


def test_a_keyword_that_is_there_twice_is_warned_of_where_its_values_differ():
    header = fits.Header([("EXPTIME", 100.0), ("EXPTIME", 250.0), ("GAIN", 2.0), ("GAIN", 2.0)])
    facts = Facts("x.fits[sci,1]", header, {})
    with pytest.warns(
        SkyblotWarning,
        match=r"^x.fits\[sci,1\]: EXPTIME is there more than once.*; 100.0, the first",
    ):
        assert facts.find("exptime") == 100.0
    assert facts.find("GAIN") == 2.0
