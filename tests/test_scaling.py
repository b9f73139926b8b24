"""Units, exposure, pixel area and sky: every fact from where it says, each missing fact an error or a warning."""

import warnings

import numpy as np
import pytest
from astropy.io import fits
from samples import tan_header, write_sci

from skyblot import Parameters, SkyblotWarning, blot_file
from skyblot.errors import DataError
from skyblot.record import _bunit
from skyblot.scaling import LABELS, Facts, counts_of, plan_scaling, unit_kind


def facts(name="ref.fits[sci,1]", primary=None, **extension):
    return Facts(name, extension, primary or {})


def source_facts(primary=None, **extension):
    return facts("med.fits[sci,1]", primary, **extension)


def plan(source, reference, ratio=1.0, **values):
    return plan_scaling(Parameters.from_values({"addsky": False, **values}), source, reference, ratio)


# The flat image of 2 cps, through files: EXPTIME 400 of the data, 100 of the reference.

FLAT = [("cps", "cps", 2.0), ("cps", "counts", 200.0), ("counts", "cps", 0.005), ("counts", "counts", 0.5)]


@pytest.fixture(scope="module")
def flat_files(tmp_path_factory):
    """Source and reference of the same pixel scale, without IDCSCALE."""
    folder = tmp_path_factory.mktemp("flat")
    flat = np.full((40, 50), 2, "f4")
    source = write_sci(folder / "med.fits", flat, tan_header(flat.shape, EXPTIME=400.0))
    zeros = np.zeros((20, 24), "f4")
    return source, write_sci(folder / "one_flt.fits", zeros, tan_header(zeros.shape), {"EXPTIME": 100.0})


@pytest.mark.parametrize(("in_units", "out_units", "expected"), FLAT)
def test_flat_image_is_scaled_by_exposure_once(flat_files, tmp_path, in_units, out_units, expected):
    path = blot_file(*flat_files, tmp_path / "blt.fits", in_units=in_units, out_units=out_units, addsky=False)
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
    path = blot_file(source, reference, tmp_path / "blt.fits", in_units="cps", out_units="cps", addsky=False)
    np.testing.assert_allclose(fits.getdata(path, "SCI"), 2 * area, rtol=2e-6)


@pytest.mark.parametrize("idcscale", [0.0, -0.05, "unknown"])
def test_an_idcscale_that_is_no_scale_is_not_used(tmp_path, idcscale):
    flat, zeros = np.full((60, 60), 2, "f4"), np.zeros((20, 24), "f4")
    source = write_sci(tmp_path / "med.fits", flat, tan_header(flat.shape, scale=0.04))
    header = tan_header(zeros.shape, scale=0.049, IDCSCALE=idcscale)
    reference = write_sci(tmp_path / "one_flt.fits", zeros, header)
    path = blot_file(source, reference, tmp_path / "blt.fits", in_units="cps", out_units="cps", addsky=False)
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
        source_facts(TEXP=400), facts(TEXP=100, EXPTIME=7), expkey=expkey, in_units="counts", out_units="counts"
    )
    assert scaling.factor == 0.25


def test_extension_before_primary():
    reference = facts(primary={"EXPTIME": 7.0}, EXPTIME=100.0)
    assert plan(source_facts(), reference, in_units="cps", out_units="counts").exptime_s == 100
    assert plan(source_facts(), facts(primary={"EXPTIME": 7.0}), in_units="cps", out_units="counts").exptime_s == 7


@pytest.mark.parametrize("blank", [None, ""])
def test_a_keyword_without_value_is_absent(blank):
    reference = facts(primary={"EXPTIME": 7.0}, EXPTIME=blank)
    assert plan(source_facts(), reference, in_units="cps", out_units="counts").exptime_s == 7


def test_drizexpt_stands_in_for_the_source_only():
    scaling = plan(source_facts(DRIZEXPT=50.0), facts(), in_units="counts", out_units="cps")
    assert scaling.factor == 0.02
    scaling = plan(source_facts({"EXPTIME": 400.0}, DRIZEXPT=50.0), facts(), in_units="counts", out_units="cps")
    assert scaling.factor == 0.0025
    with pytest.raises(DataError, match="no exposure time"):
        plan(source_facts(), facts(DRIZEXPT=50.0), in_units="cps", out_units="counts")


def test_expout_number_needs_no_exposure_of_the_reference():
    scaling = plan(source_facts(), facts(EXPTIME="unknown"), expout="1.5", in_units="cps", out_units="counts")
    assert (scaling.factor, scaling.exptime_s) == (1.5, 1.5)
    scaling = plan(source_facts(), facts(), expout=300, in_units="cps", out_units="cps")
    assert (scaling.factor, scaling.exptime_s) == (1.0, None)


def test_exposures_that_are_not_needed_are_not_looked_at():
    bad = {"EXPTIME": 0}
    assert plan(source_facts(**bad), facts(**bad), in_units="cps", out_units="cps").factor == 1
    assert plan(source_facts(**bad), facts(EXPTIME=3), in_units="cps", out_units="counts").factor == 3


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
    ("which", "names"), [("source", "MYEXP or DRIZEXPT"), ("reference", "MYEXP (give")], ids=["source", "reference"]
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


# Sky.


@pytest.mark.parametrize(
    ("extension", "primary", "source", "expected"),
    [
        (1.0, 2.0, 3.0, 1.0),
        (None, 2.0, 3.0, 2.0),
        (None, None, 3.0, 3.0),
        (0.0, 2.0, 3.0, 0.0),
        (-4.5, 2.0, 3.0, -4.5),
        ("6.5", 2.0, 3.0, 6.5),
    ],
)
def test_mdrizsky_of_extension_then_primary_then_source(extension, primary, source, expected):
    reference = facts(primary={"MDRIZSKY": primary}, MDRIZSKY=extension)
    image = source_facts(MDRIZSKY=source)
    assert plan(image, reference, addsky=True, in_units="cps", out_units="cps").offset == expected


def test_absent_sky_is_a_warning_and_zero():
    with pytest.warns(SkyblotWarning, match=r"ref\.fits\[sci,1\]: no sky value MDRIZSKY"):
        scaling = plan(source_facts(), facts(EXPTIME=5), addsky=True, in_units="cps", out_units="counts")
    assert (scaling.offset, scaling.factor) == (0.0, 5.0)


@pytest.mark.parametrize("value", ["none at all", float("nan"), "inf", True])
def test_a_sky_that_is_no_number_is_an_error(value):
    with pytest.raises(DataError, match=r"med\.fits\[sci,1\]: sky MDRIZSKY = "):
        plan(source_facts(MDRIZSKY=value), facts(), addsky=True, in_units="cps", out_units="cps")


def test_skyval_counts_only_without_addsky():
    reference = facts(MDRIZSKY=7.0)
    assert plan(source_facts(), reference, addsky=False, skyval=1.25, in_units="cps", out_units="cps").offset == 1.25
    assert plan(source_facts(), reference, addsky=True, skyval=1.25, in_units="cps", out_units="cps").offset == 7.0


def test_sky_is_added_after_scaling(flat_files, tmp_path):
    path = tmp_path / "blt.fits"
    blot_file(*flat_files, path, in_units="cps", out_units="counts", addsky=False, skyval=-50.5)
    np.testing.assert_allclose(fits.getdata(path, "SCI"), 200 - 50.5, rtol=2e-6)
    assert fits.getval(path, "BLOTSKY", "SCI") == -50.5


# Units from BUNIT.

COUNTS = ("ELECTRONS", "electron", "e-", "E", "COUNTS", "count", "ct", "CTS", "DN", "ADU", "PHOTONS", "photoelectrons")
RATES = (
    *("ELECTRONS/S", "electron/s", "electrons / sec", "e-/s", "e/second", "COUNTS/S", "ct/s", "cts/seconds", "DN/s"),
    *("ADU/S", "cps", "CPS", "electron s-1", "electron s^-1", "DN s**-1", "count s**(-1)", "e- s-1", "photon.s-1"),
)
BRIGHTNESSES = (
    *("MJy/sr", "MJY/SR", "MJy sr-1", "MJy sr^-1", "MJy/(sr)", "Jy/arcsec2", "Jy/arcsec**2", "erg/s/cm2/arcsec2"),
    *("electron/s/arcsec2", "nJy deg-2", "W m-2 sr**-1"),
)
OTHERS = ("", "furlong", "Jy", "mJy/beam", "s", "seconds", "counts*s", "UNITLESS", "/s", "electrons/pixel")
KINDS = {"counts": COUNTS, "cps": RATES, "surface brightness": BRIGHTNESSES, None: OTHERS}


@pytest.mark.parametrize(("bunit", "kind"), [(bunit, kind) for kind, bunits in KINDS.items() for bunit in bunits])
def test_unit_kind(bunit, kind):
    assert unit_kind(bunit) == kind
    assert unit_kind(f"  {bunit} ") == kind


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("counts", COUNTS)
def test_auto_units_from_both_bunits(rate, counts):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkyblotWarning)  # gains: below
        forward = plan(source_facts(BUNIT=rate), facts(BUNIT=counts, EXPTIME=100))
        back = plan(source_facts(BUNIT=counts, EXPTIME=400), facts({"BUNIT": rate}, BUNIT=rate))
    assert (forward.in_units, forward.out_units, forward.factor) == ("cps", "counts", 100)
    assert (back.in_units, back.out_units, back.factor) == ("counts", "cps", 1 / 400)


def test_bunit_of_the_primary_header_serves():
    scaling = plan(source_facts({"BUNIT": "counts"}, EXPTIME=400), facts(BUNIT="counts/s"))
    assert (scaling.in_units, scaling.out_units) == ("counts", "cps")


@pytest.mark.parametrize(
    ("bunit", "words"), [({}, "there is no BUNIT"), ({"BUNIT": "furlong"}, "'furlong' is unknown")]
)
def test_unknown_bunit_is_a_warning_that_says_what_is_assumed(bunit, words):
    with pytest.warns(SkyblotWarning) as caught:
        scaling = plan(source_facts(**bunit), facts(**bunit, EXPTIME=100))
    source, reference = (str(each.message) for each in caught)
    assert words in source
    assert words in reference
    assert source.startswith("med.fits[sci,1]")
    assert "taken as cps" in source
    assert "--in-units" in source
    assert reference.startswith("ref.fits[sci,1]")
    assert "taken as counts" in reference
    assert "--out-units" in reference
    assert scaling.factor == 100


def test_given_units_need_no_bunit():
    assert plan(source_facts(), facts(EXPTIME=100), in_units="cps", out_units="counts").factor == 100


@pytest.mark.parametrize(("source", "reference"), [("ELECTRONS/S", "DN"), ("ADU/s", "electrons"), ("DN", "e-/s")])
def test_gain_between_electrons_and_dn_is_warned_of(source, reference):
    images = source_facts(BUNIT=source, EXPTIME=1), facts(BUNIT=reference, EXPTIME=1)
    with pytest.warns(SkyblotWarning, match="gain between them is not applied"):
        plan(*images)
    plan(*images, in_units="cps")  # explicit units: no warning


@pytest.mark.parametrize(("source", "reference"), [("ELECTRONS/S", "e-"), ("DN/s", "ADU"), ("COUNTS/S", "ELECTRONS")])
def test_no_gain_warning_without_need(source, reference):
    plan(source_facts(BUNIT=source), facts(BUNIT=reference, EXPTIME=1))


# Surface brightness.


def test_surface_brightness_is_scaled_by_neither_area_nor_exposure():
    scaling = plan(source_facts(BUNIT="MJy/sr", EXPTIME=400), facts(BUNIT="MJy/sr", EXPTIME=100), ratio=0.5)
    assert (scaling.factor, scaling.offset, scaling.exptime_s) == (1.0, 0.0, None)
    assert plan(source_facts(BUNIT="MJy/sr"), facts(BUNIT="MJy/sr"), addsky=True).offset == 0  # and no warning
    assert plan(source_facts(BUNIT="MJy/sr"), facts(BUNIT="MJy/sr", MDRIZSKY=0.5), addsky=True).offset == 0.5


@pytest.mark.parametrize(
    ("source", "reference", "factor"),
    [
        # One arcsec2 is (pi/648000)**2 sr.
        ("MJy/sr", "MJy/arcsec2", (np.pi / 648000) ** 2),
        ("MJy/arcsec2", "MJy/sr", (648000 / np.pi) ** 2),
        ("MJy/sr", "Jy/sr", 1e6),
        ("MJy sr-1", "MJy/sr", 1.0),
    ],
)
def test_units_of_surface_brightness_are_converted(source, reference, factor):
    assert plan(source_facts(BUNIT=source), facts(BUNIT=reference)).factor == pytest.approx(factor, rel=1e-12)


@pytest.mark.parametrize(
    ("source", "reference"),
    [("MJy/sr", "ELECTRONS"), ("ELECTRONS/S", "MJy/sr"), ("MJy/sr", "K/sr"), ("MJy/sr", "what/sr")],
)
def test_what_cannot_be_converted_is_an_error_with_both(source, reference):
    with pytest.raises(DataError, match="cannot be converted") as caught:
        plan(source_facts(BUNIT=source), facts(BUNIT=reference, EXPTIME=100))
    for word in ("med.fits[sci,1]", "ref.fits[sci,1]", source, reference):
        assert word in str(caught.value)


def test_mixing_by_given_units_is_refused():
    with pytest.raises(DataError, match="cannot be converted"):
        plan(source_facts(BUNIT="MJy/sr"), facts(BUNIT="MJy/sr", EXPTIME=1), out_units="counts")


# Surface brightness in data numbers.


@pytest.mark.parametrize(
    ("source", "reference", "factor", "seconds"),
    [
        ("MJy/sr", "DN/s", 4.0, None),
        ("MJy/sr", "DN", 400.0, 100.0),
        ("Jy/sr", "DN/s", 4e-6, None),
        ("MJy/arcsec2", "DN/s", 4 * (648000 / np.pi) ** 2, None),
    ],
)
def test_photmjsr_makes_data_numbers_of_surface_brightness(source, reference, factor, seconds):
    facts_of = facts(BUNIT=reference, PHOTMJSR=0.25, EXPTIME=100)
    scaling = plan(source_facts(BUNIT=source), facts_of, ratio=0.5)
    assert (scaling.factor, scaling.exptime_s) == (pytest.approx(factor, rel=1e-12), seconds)


def test_photmjsr_of_the_source_is_not_used():
    with pytest.raises(DataError, match="by the reference's PHOTMJSR"):
        plan(source_facts(BUNIT="MJy/sr", PHOTMJSR=0.25), facts(BUNIT="DN/s"))


@pytest.mark.parametrize("bunit", ["ELECTRONS", "ELECTRONS/S", "e-/s"])
def test_photmjsr_makes_no_electrons(bunit):
    with pytest.raises(DataError, match=f"in {bunit} .*cannot be converted"):
        plan(source_facts(BUNIT="MJy/sr"), facts(BUNIT=bunit, PHOTMJSR=0.25, EXPTIME=100))


def test_photmjsr_makes_no_surface_brightness():
    with pytest.raises(DataError, match="cannot be converted"):
        plan(source_facts(BUNIT="DN/s"), facts(BUNIT="MJy/sr", PHOTMJSR=0.25))


@pytest.mark.parametrize("value", [0.0, -0.25, float("nan"), "unknown", True])
def test_a_photmjsr_that_is_no_conversion_is_an_error(value):
    with pytest.raises(DataError, match=r"ref\.fits\[sci,1\]: PHOTMJSR = .*, expected MJy/sr above 0"):
        plan(source_facts(BUNIT="MJy/sr"), facts(BUNIT="DN/s", PHOTMJSR=value))


@pytest.mark.parametrize(("out_units", "bunit"), [("cps", "DN/s"), ("counts", "DN"), ("auto", "MJy/sr")])
def test_bunit_of_converted_surface_brightness(out_units, bunit):
    class Image:
        facts = facts(BUNIT="MJy/sr", PHOTMJSR=0.25, EXPTIME=100)

    assert _bunit(Image, Image, plan(source_facts(BUNIT="MJy/sr"), Image.facts, out_units=out_units)) == bunit


# JWST's names.


@pytest.mark.parametrize("keyword", ["EFFEXPTM", "XPOSURE"])
@pytest.mark.parametrize("expkey", ["exptime", "EXPTIME"])
def test_exposure_time_of_jwst(keyword, expkey):
    values = {"expkey": expkey, "in_units": "counts", "out_units": "counts"}
    assert plan(source_facts({keyword: 400.0}, DRIZEXPT=7.0), facts(primary={keyword: 100.0}), **values).factor == 0.25
    assert plan(source_facts(EXPTIME=50), facts(**{"EXPTIME": 100.0, keyword: 7.0}), **values).factor == 2.0


def test_exposure_time_of_jwst_is_for_the_default_keyword_only():
    with pytest.raises(DataError, match="have no MYEXP"):
        plan(source_facts(), facts(EFFEXPTM=100.0), expkey="myexp", in_units="cps", out_units="counts")


BACKGROUND = [
    ({"BKGLEVEL": 1.5, "BKGSUB": False}, 1.5),
    ({"BKGLEVEL": 1.5, "BKGSUB": True}, 0.0),
    ({"BKGLEVEL": 1.5}, 0.0),
    ({"BKGLEVEL": 1.5, "BKGSUB": False, "MDRIZSKY": 2.5}, 2.5),
]


@pytest.mark.parametrize(("cards", "sky"), BACKGROUND)
def test_background_of_jwst_is_the_sky_where_it_was_not_subtracted(cards, sky):
    reference = facts(BUNIT="DN/s", **cards)
    assert plan(source_facts(BUNIT="DN/s"), reference, addsky=True).offset == sky
    assert plan(source_facts(BUNIT="DN/s", **cards), facts(BUNIT="DN/s"), skyval=3.0).offset == 3.0


def test_background_of_the_source_is_not_added():
    source = source_facts(BUNIT="MJy/sr", BKGLEVEL=1.5, BKGSUB=False)
    assert plan(source, facts(BUNIT="MJy/sr"), addsky=True).offset == 0.0


def test_background_in_other_units_is_a_warning():
    reference = facts(BUNIT="MJy/sr", BKGLEVEL=1.5, BKGSUB=False, PHOTMJSR=0.25)
    with pytest.warns(SkyblotWarning, match=r"ref\.fits\[sci,1\]: BKGLEVEL is in MJy/sr and the blot in cps"):
        assert plan(source_facts(BUNIT="MJy/sr"), reference, addsky=True, out_units="cps").offset == 1.5


# What the blot says about its own units.


@pytest.mark.parametrize("bunit", [*RATES, *COUNTS])
@pytest.mark.parametrize("out_units", ["cps", "counts"])
def test_bunit_of_the_blot_is_of_its_kind(bunit, out_units):
    class Image:
        facts = facts(BUNIT=bunit, EXPTIME=100)

    scaling = plan(source_facts(EXPTIME=1), Image.facts, in_units="cps", out_units=out_units)
    written = _bunit(Image, Image, scaling)
    assert unit_kind(written) == out_units
    if unit_kind(bunit) == out_units:
        assert written == bunit


@pytest.mark.parametrize(
    ("rate", "counts"), [("ELECTRONS/S", "ELECTRONS"), ("DN s-1", "DN"), ("e-/s", "E-"), ("cps", "COUNTS")]
)
def test_counts_of(rate, counts):
    assert counts_of(rate) == counts


def test_labels_are_left_alone():
    assert (LABELS.factor, LABELS.offset, LABELS.exptime_s) == (1.0, 0.0, None)
