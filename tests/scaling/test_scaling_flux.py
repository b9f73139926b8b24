"""Flux per pixel, surface brightness, units that pass, coadds, and maps that are left alone."""

import math
import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from samples import tan_header, write_sci
from scaling_facts import facts, plan, source_facts

from skyblot import SkyblotWarning, blot_file
from skyblot.errors import DataError
from skyblot.headers.units import same_unit

#: One square arcsec in sr: the target's pixels in these tests.
SR = math.radians(1 / 3600) ** 2
#: Units of flux per pixel, and what one of them is in Jy.
FLUXES = [
    *(
        ("Jy", 1.0),
        ("mJy", 1e-3),
        ("uJy", 1e-6),
        ("nJy", 1e-9),
        ("10*nJy", 1e-8),
        ("10.0*nanoJansky", 1e-8),
    ),
    *(
        ("nanomaggy", 3.631e-6),
        ("nmgy", 3.631e-6),
        ("maggy", 3631.0),
        ("nJy/pixel", 1e-9),
        ("W m-2 Hz-1", 1e26),
    ),
]
#: Units of surface brightness, and what one of them is in Jy/sr.
BRIGHTNESSES = [
    ("MJy/sr", 1e6),
    ("MJY/SR", 1e6),
    ("Jy/arcsec2", 1 / SR),
    ("kJy sr-1", 1e3),
    ("nJy arcsec-2", 1e-9 / SR),
]


def quiet(*images, **values):
    """The scaling of a pair of which nothing is to be said."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", SkyblotWarning)
        return plan(*images, **values)


# Between units.


@pytest.mark.parametrize(("brightness", "jy_per_sr"), BRIGHTNESSES)
@pytest.mark.parametrize(("flux", "jy"), FLUXES)
def test_flux_per_pixel_and_surface_brightness_convert_by_pixel_area(
    flux, jy, brightness, jy_per_sr
):
    images = source_facts(BUNIT=flux, EXPTIME=400), facts(BUNIT=brightness, EXPTIME=100)
    # of the mosaic, whose pixels have a quarter of a square arcsec
    onto = quiet(*images, ratio=0.5)
    assert onto.factor == pytest.approx(jy / (0.25 * SR) / jy_per_sr, rel=1e-12)
    back = quiet(source_facts(BUNIT=brightness), facts(BUNIT=flux, EXPTIME=100), ratio=0.5)
    assert back.factor == pytest.approx(jy_per_sr * SR / jy, rel=1e-12)
    assert (onto.exptime_s, back.exptime_s) == (None, None)


@pytest.mark.parametrize(("one", "jy"), FLUXES)
@pytest.mark.parametrize(("other", "its_jy"), FLUXES)
def test_units_of_flux_per_pixel_convert(one, jy, other, its_jy):
    assert quiet(source_facts(BUNIT=one), facts(BUNIT=other), ratio=0.5).factor == pytest.approx(
        4 * jy / its_jy, rel=1e-12
    )


def test_factors_are_those_of_astropys_units():
    sky = 2.0 * u.MJy / u.sr
    pixel = (0.5 * u.arcsec) ** 2
    factor = quiet(source_facts(BUNIT="10*nJy"), facts(BUNIT="MJy/sr"), ratio=0.5).factor
    assert factor * (sky * pixel).to_value(10 * u.nJy) == pytest.approx(2.0, rel=1e-12)


def test_flux_per_pixel_becomes_data_numbers_by_photmjsr():
    reference = facts(BUNIT="DN/s", PHOTMJSR=0.4)
    factor = quiet(source_facts(BUNIT="nJy"), reference, ratio=0.5).factor
    assert factor == pytest.approx(1e-9 / (0.25 * SR) / 1e6 / 0.4, rel=1e-12)
    with pytest.raises(
        DataError, match=r"in nJy and the blot is to be in ELECTRONS .*cannot be converted.*--as-is"
    ):
        plan(source_facts(BUNIT="nJy"), facts(BUNIT="ELECTRONS", EXPTIME=10))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Jy/beam", "MJy/sr"),
        ("K", "MJy/sr"),
        ("nJy", "Jy/beam"),
        ("mag/arcsec2", "MJy/sr"),
        ("nJy", "K"),
    ],
)
def test_what_needs_more_than_an_area_is_refused_with_both_units(one, other):
    with pytest.raises(
        DataError,
        match=rf"med.fits\[sci,1\] is in {one} and ref.fits\[sci,1\] in {other}: cannot be",
    ):
        plan(source_facts(BUNIT=one), facts(BUNIT=other))


@pytest.mark.parametrize(
    ("one", "other", "factor"), [("mJy/sr", "MJy/sr", 1e-9), ("MJy", "mJy", 1e9)]
)
def test_small_and_large_letters_are_different_prefixes(one, other, factor):
    assert not same_unit(one, other)
    assert quiet(source_facts(BUNIT=one), facts(BUNIT=other)).factor == pytest.approx(
        factor, rel=1e-12
    )


# The same unit on both sides.


@pytest.mark.parametrize(
    "unit", [*(unit for unit, _ in FLUXES), "ph/s", "electron/pixel", "ADU/pix", "e/s/pix", "cps"]
)
def test_the_same_unit_per_pixel_is_scaled_by_the_area_alone(unit):
    scaling = quiet(source_facts(BUNIT=unit), facts(BUNIT=unit, EXPTIME=30.0), ratio=0.5)
    assert (scaling.factor, scaling.exptime_s) == (pytest.approx(4.0), None)


@pytest.mark.parametrize(
    "unit", [*(unit for unit, _ in BRIGHTNESSES), "K", "Jy/beam", "mag/arcsec2", "e/s/arcsec2"]
)
def test_the_same_brightness_is_left_as_it_is(unit):
    assert quiet(source_facts(BUNIT=unit), facts(BUNIT=unit, EXPTIME=30.0), ratio=0.5).factor == 1.0


@pytest.mark.parametrize("unit", ["furlong", "mag", "Normalized", "adimensional"])
def test_the_same_unknown_unit_is_left_as_it_is_and_said_where_pixels_differ(unit):
    assert quiet(source_facts(BUNIT=unit), facts(BUNIT=f"{unit} ", EXPTIME=30.0)).factor == 1.0
    with pytest.warns(
        SkyblotWarning, match=r"^med\.fits: no unit tells .*0\.5 arcsec.*1 arcsec.*left as they are"
    ):
        scaling = plan(source_facts(BUNIT=unit), facts(BUNIT=unit, EXPTIME=30.0), ratio=0.5)
    assert (scaling.factor, scaling.in_units) == (1.0, "as they are")


def test_counts_of_different_exposures_are_scaled_by_both_times():
    assert (
        quiet(source_facts(BUNIT="counts", EXPTIME=400), facts(BUNIT="counts", EXPTIME=100)).factor
        == 0.25
    )


def test_exposure_times_that_are_not_used_are_told():
    images = (
        source_facts(BUNIT="electron/pixel", EXPTIME=400),
        facts(BUNIT="electron/pixel", EXPTIME=100),
    )
    with pytest.warns(
        SkyblotWarning, match=r"is in electron/pixel .*though exposure times are 400 and 100 s"
    ):
        assert plan(*images).factor == 1.0


@pytest.mark.filterwarnings("ignore:.*taken as")
def test_an_area_that_is_assumed_to_matter_is_told():
    with pytest.warns(
        SkyblotWarning, match=r"^med\.fits: no unit tells .*scaled by the pixel area"
    ):
        assert plan(source_facts(), facts(BUNIT="counts", EXPTIME=100), ratio=0.5).factor == 400


# Gains.


@pytest.mark.parametrize("instrument", ["WFPC2", "STIS", "NICMOS"])
@pytest.mark.parametrize(
    ("one", "other"), [("ELECTRONS/S", "COUNTS"), ("COUNTS/S", "ELECTRONS"), ("cps", "e-/s")]
)
def test_counts_are_data_numbers_where_the_instrument_says_so(instrument, one, other):
    images = (
        source_facts(BUNIT=one),
        facts(primary={"INSTRUME": instrument}, BUNIT=other, EXPTIME=100),
    )
    with pytest.warns(SkyblotWarning, match="gain between them is not applied"):
        assert plan(*images).factor in (1, 100)
    quiet(source_facts(BUNIT=one), facts(primary={"INSTRUME": "WFC3"}, BUNIT=other, EXPTIME=100))
    quiet(
        source_facts(BUNIT="COUNTS/S"),
        facts(primary={"INSTRUME": instrument}, BUNIT="DN", EXPTIME=100),
    )


# Areas that a header states.


@pytest.mark.parametrize(("part", "told"), [(1.0, False), (1.05, False), (0.8, True), (1.2, True)])
def test_a_pixel_area_that_contradicts_the_wcs_is_told_and_not_used(part, told):
    source = source_facts(BUNIT="nJy", PIXAR_SR=0.25 * SR * part)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        factor = plan(source, facts(BUNIT="MJy/sr", PIXAR_SR=9.0), ratio=0.5).factor
    assert factor == pytest.approx(1e-9 / (0.25 * SR) / 1e6, rel=1e-12)
    assert [str(each.message).startswith("med.fits[sci,1]: PIXAR_SR = ") for each in caught] == [
        True
    ] * told


# Coadds.


@pytest.mark.parametrize("word", ["MEDIAN", "WEIGHTED", "AVERAGE", "CLIPPED", "median"])
@pytest.mark.parametrize(
    "exptime", [{"EXPTIME": 300.0}, {}, {"EXPTIME": 0.0}, {"EXPTIME": "unknown"}]
)
def test_counts_of_a_coadd_are_those_of_one_exposure(word, exptime):
    images = source_facts(BUNIT="adu", COMBINET=word, **exptime), facts(BUNIT="adu", EXPTIME=30.0)
    with pytest.warns(
        SkyblotWarning,
        match=rf"COMBINET = '{word.upper()}'.*as long as the one it is",
    ):
        scaling = plan(*images, ratio=0.5)
    assert (scaling.factor, scaling.exptime_s) == (4.0, 30.0)


@pytest.mark.parametrize(
    ("values", "factor"),
    [
        ({"expout": 60}, 2.0),
        ({"out_units": "cps"}, 1 / 30),
        ({"in_units": "counts"}, 0.1),
        ({"in_units": "cps"}, 30.0),
    ],
)
@pytest.mark.filterwarnings("ignore:.*COMBINET")
def test_a_coadd_in_other_units(values, factor):
    images = (
        source_facts(BUNIT="adu", COMBINET="MEDIAN", EXPTIME=300.0),
        facts(BUNIT="adu", EXPTIME=30.0),
    )
    assert plan(*images, **values).factor == pytest.approx(factor, rel=1e-12)


def test_a_coadd_that_is_a_sum_or_as_long_as_the_exposure_needs_no_warning():
    exposure = facts(BUNIT="adu", EXPTIME=30.0)
    assert quiet(
        source_facts(BUNIT="adu", COMBINET="SUM", EXPTIME=300.0), exposure
    ).factor == pytest.approx(0.1)
    assert quiet(source_facts(BUNIT="adu", COMBINET="MEDIAN", EXPTIME=30.0), exposure).factor == 1.0
    assert (
        quiet(source_facts(BUNIT="adu/s", COMBINET="MEDIAN", EXPTIME=300.0), exposure).factor
        == 30.0
    )


@pytest.mark.parametrize(
    ("unit", "factor"), [("adu", 1.0), ("adu/s", 1.0), ("", 1.0), ("nJy", 1.0)]
)
@pytest.mark.filterwarnings("ignore:.*(COMBINET|taken as)")
def test_a_coadd_without_a_unit_is_in_that_of_the_exposure(unit, factor):
    with pytest.warns(
        SkyblotWarning, match=r"^med\.fits: there is no BUNIT; taken as .*, as ref\.fits is"
    ):
        assert plan(source_facts(COMBINET="MEDIAN"), facts(BUNIT=unit)).factor == factor


# What errors recommend.


@pytest.mark.parametrize(
    ("compared", "hint"), [(False, "--out-units cps"), (True, "--expout SECONDS)")]
)
@pytest.mark.parametrize("cards", [{}, {"EXPTIME": 0}])
def test_no_hint_leads_to_a_comparison_of_counts_with_rates(compared, hint, cards):
    with pytest.raises(DataError) as caught:
        plan(source_facts(BUNIT="cps"), facts(BUNIT="counts", **cards), compared=compared)
    assert hint in str(caught.value)
    assert ("--out-units" in str(caught.value)) != compared


# Maps that are left alone, through files.


def blotted(folder, source_cards, cards, **values):
    flat = np.full((60, 60), 7.0, "f4")
    source = write_sci(
        folder / "med.fits", flat, tan_header(flat.shape, scale=0.03, **source_cards)
    )
    header = tan_header((20, 20), scale=0.06, **cards)
    path = blot_file(
        source,
        write_sci(folder / "one_flt.fits", np.zeros((20, 20), "f4"), header),
        folder / "b.fits",
        **values,
    )
    return fits.getdata(path, "SCI"), fits.getheader(path, "SCI")


@pytest.mark.parametrize("unit", [{}, {"BUNIT": "Jy/beam"}, {"BUNIT": "COUNTS"}])
@pytest.mark.parametrize(
    "cards", [{}, {"BUNIT": "MJy/sr"}, {"BUNIT": "ELECTRONS", "EXPTIME": 30.0, "MDRIZSKY": 5.0}]
)
def test_as_is_leaves_values_and_unit(tmp_path, unit, cards):
    with warnings.catch_warnings():
        warnings.simplefilter("error", SkyblotWarning)
        data, header = blotted(tmp_path, unit, cards, as_is=True, expout=100, skyval=3.0)
    assert (data == 7.0).all()
    assert header.get("BUNIT", "") == unit.get("BUNIT", "")
    assert (header["BLOTIN"], header["BLOTFACT"], header["BLOTSKY"]) == ("as they are", 1.0, 0.0)


def test_flux_per_pixel_through_files(tmp_path):
    cards = {"BUNIT": "MJy/sr", "EXPTIME": 30.0}
    data, header = blotted(tmp_path, {"BUNIT": "10.0*nanoJansky"}, cards, addsky=False)
    np.testing.assert_allclose(data, 7e-8 / (0.03**2 * SR) / 1e6, rtol=1e-5)
    assert header["BUNIT"] == "MJy/sr"
    assert (header["BLOTIN"], header["BLOTOUT"]) == ("flux per pixel", "surface brightness")


def test_what_is_assumed_of_a_file_is_told_once(tmp_path, run):
    image = fits.ImageHDU(np.zeros((20, 20), "f4"), tan_header((20, 20), EXPTIME=9.0), name="SCI")
    chips = [fits.ImageHDU(image.data, image.header, name="SCI", ver=k) for k in (1, 2)]
    fits.HDUList([fits.PrimaryHDU(), *chips]).writeto(tmp_path / "two_flt.fits")
    write_sci(tmp_path / "med.fits", np.ones((60, 60), "f4"))
    _, _, err = run(
        "blot",
        tmp_path / "med.fits",
        tmp_path / "two_flt.fits",
        "--output-dir",
        tmp_path,
        "--no-addsky",
    )
    assert err.count("there is no BUNIT") == 2
    assert err.count(f"{tmp_path / 'med.fits'}: there is no BUNIT; taken as cps") == 1
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        blot_file(
            tmp_path / "med.fits",
            tmp_path / "two_flt.fits[sci,1]",
            tmp_path / "one.fits",
            addsky=False,
        )
    assert sum("there is no BUNIT" in str(each.message) for each in caught) == 2
