"""Units: every fact from where it says, each missing fact an error or a warning."""

import warnings

import numpy as np
import pytest
from scaling_facts import facts, plan, source_facts

from skyblot import SkyblotWarning
from skyblot.errors import DataError, ParameterError
from skyblot.headers.scaling import LABELS
from skyblot.headers.units import counts_of, unit_kind
from skyblot.steps.provenance import _bunit

COUNTS = (
    *("ELECTRONS", "electron", "e-", "E", "COUNTS", "count", "ct", "CTS", "cnt"),
    *("DN", "ADU", "PHOTONS", "photoelectrons"),
    *("electron/pixel", "electrons/pixel", "ADU/pix", "DN/px", "e- pix-1", "counts per pixel"),
)
RATES = (
    *(
        "ELECTRONS/S",
        "electron/s",
        "electrons / sec",
        "e-/s",
        "e/second",
        "COUNTS/S",
        "ct/s",
        "cts/seconds",
        "DN/s",
    ),
    *(
        "ADU/S",
        "cps",
        "CPS",
        "electron s-1",
        "electron s^-1",
        "DN s**-1",
        "count s**(-1)",
        "e- s-1",
        "photon.s-1",
    ),
)
BRIGHTNESSES = (
    *(
        "MJy/sr",
        "MJY/SR",
        "MJy sr-1",
        "MJy sr^-1",
        "MJy/(sr)",
        "Jy/arcsec2",
        "Jy/arcsec**2",
        "erg/s/cm2/arcsec2",
    ),
    *(
        "electron/s/arcsec2",
        "nJy deg-2",
        "W m-2 sr**-1",
        "Jy/beam",
        "JY/BEAM",
        "Jy/Beam",
        "K",
        "KELVIN",
        "MJy/ster",
        "mK",
        "mag/arcsec2",
    ),
)
FLUXES = (
    *(
        "Jy",
        "nJy",
        "NJY",
        "uJy",
        "mJy",
        "10*nJy",
        "10.0*nanoJansky",
        "1e-8 Jy",
        "microJy",
        "nJy/pixel",
        "Jy pix-1",
    ),
    *(
        "nanomaggy",
        "nmgy",
        "nanomaggies",
        "maggy",
        "ergs/s/cm2/A",
        "erg/s/cm^2/Ang",
        "10^-20 erg/s/cm2/Angstrom",
        "erg s-1 cm-2 Hz-1",
    ),
)
OTHERS = (
    "",
    "furlong",
    "mag",
    "AB mag",
    "per second",
    "s",
    "seconds",
    "counts*s",
    "UNITLESS",
    "/s",
    "m",
)
KINDS = {
    "counts": COUNTS,
    "cps": RATES,
    "surface brightness": BRIGHTNESSES,
    "flux per pixel": FLUXES,
    None: OTHERS,
}


# Units from BUNIT.


@pytest.mark.parametrize(
    ("bunit", "kind"), [(bunit, kind) for kind, bunits in KINDS.items() for bunit in bunits]
)
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


@pytest.mark.parametrize("bunits", [("", ""), ("furlong", ""), ("", "furlong"), ("furlong", "mag")])
def test_unknown_bunit_is_a_warning_that_says_what_is_assumed(bunits):
    words = [f"BUNIT = {bunit!r} is unknown" if bunit else "there is no BUNIT" for bunit in bunits]
    with pytest.warns(SkyblotWarning) as caught:
        scaling = plan(source_facts(BUNIT=bunits[0]), facts(BUNIT=bunits[1], EXPTIME=100))
    reference, source = (str(each.message) for each in caught)
    assert words[0] in source
    assert words[1] in reference
    assert source.startswith("med.fits: ")  # once for a file, whatever the number of its chips
    assert "taken as cps" in source
    assert "--in-units" in source
    assert reference.startswith("ref.fits: ")
    assert "taken as counts" in reference
    assert "--out-units" in reference
    assert scaling.factor == 100


def test_given_units_need_no_bunit():
    assert (
        plan(source_facts(), facts(EXPTIME=100), in_units="cps", out_units="counts").factor == 100
    )


@pytest.mark.parametrize(
    ("source", "reference"), [("ELECTRONS/S", "DN"), ("ADU/s", "electrons"), ("DN", "e-/s")]
)
def test_gain_between_electrons_and_dn_is_warned_of(source, reference):
    images = source_facts(BUNIT=source, EXPTIME=1), facts(BUNIT=reference, EXPTIME=1)
    with pytest.warns(SkyblotWarning, match="gain between them is not applied"):
        plan(*images)
    plan(*images, in_units="cps")  # explicit units: no warning


@pytest.mark.parametrize(
    ("source", "reference"), [("ELECTRONS/S", "e-"), ("DN/s", "ADU"), ("COUNTS/S", "ELECTRONS")]
)
def test_no_gain_warning_without_need(source, reference):
    plan(source_facts(BUNIT=source), facts(BUNIT=reference, EXPTIME=1))


# Surface brightness.


def test_surface_brightness_is_scaled_by_neither_area_nor_exposure():
    scaling = plan(
        source_facts(BUNIT="MJy/sr", EXPTIME=400), facts(BUNIT="MJy/sr", EXPTIME=100), ratio=0.5
    )
    assert (scaling.factor, scaling.offset, scaling.exptime_s) == (1.0, 0.0, None)
    # and no warning
    assert plan(source_facts(BUNIT="MJy/sr"), facts(BUNIT="MJy/sr"), addsky=True).offset == 0
    assert (
        plan(source_facts(BUNIT="MJy/sr"), facts(BUNIT="MJy/sr", MDRIZSKY=0.5), addsky=True).offset
        == 0.5
    )


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
    assert plan(source_facts(BUNIT=source), facts(BUNIT=reference)).factor == pytest.approx(
        factor, rel=1e-12
    )


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


def test_photmjsr_of_the_source_is_used_where_the_exposure_has_none_and_told():
    with pytest.warns(
        SkyblotWarning, match=r"has no PHOTMJSR; that of .*, 0\.25 MJy/sr for 1 DN/s, is used"
    ):
        assert plan(source_facts(BUNIT="MJy/sr", PHOTMJSR=0.25), facts(BUNIT="DN/s")).factor == 4.0
    assert (
        plan(source_facts(BUNIT="MJy/sr", PHOTMJSR=0.25), facts(BUNIT="DN/s", PHOTMJSR=0.5)).factor
        == 2.0
    )


@pytest.mark.parametrize(
    "cards", [{}, {"PHOTMJSR": 0.5}, {"PHOTMJSR": "INDEF"}, {"PHOTMJSR": -1.0}]
)
def test_photmjsr_may_be_given(cards):
    assert (
        plan(source_facts(BUNIT="MJy/sr"), facts(BUNIT="DN/s", **cards), photmjsr=0.125).factor
        == 8.0
    )
    with pytest.raises(ParameterError, match=r"photmjsr = 0\.0: expected a number, at least"):
        plan(source_facts(BUNIT="MJy/sr"), facts(BUNIT="DN/s", **cards), photmjsr=0.0)


@pytest.mark.parametrize("bunit", ["ELECTRONS", "ELECTRONS/S", "e-/s"])
def test_photmjsr_makes_no_electrons(bunit):
    with pytest.raises(DataError, match=f"in {bunit} .*cannot be converted"):
        plan(source_facts(BUNIT="MJy/sr"), facts(BUNIT=bunit, PHOTMJSR=0.25, EXPTIME=100))


def test_photmjsr_makes_no_surface_brightness():
    with pytest.raises(DataError, match="cannot be converted"):
        plan(source_facts(BUNIT="DN/s"), facts(BUNIT="MJy/sr", PHOTMJSR=0.25))


@pytest.mark.parametrize("value", [0.0, -0.25, float("nan"), "unknown", True])
def test_a_photmjsr_that_is_no_conversion_is_an_error(value):
    with pytest.raises(
        DataError, match=r"ref\.fits\[sci,1\]: PHOTMJSR = .*, expected MJy/sr above 0"
    ):
        plan(source_facts(BUNIT="MJy/sr"), facts(BUNIT="DN/s", PHOTMJSR=value))


@pytest.mark.parametrize(
    ("out_units", "bunit"), [("cps", "DN/s"), ("counts", "DN"), ("auto", "MJy/sr")]
)
def test_bunit_of_converted_surface_brightness(out_units, bunit):
    class Image:
        facts = facts(BUNIT="MJy/sr", PHOTMJSR=0.25, EXPTIME=100)

    assert (
        _bunit(Image, Image, plan(source_facts(BUNIT="MJy/sr"), Image.facts, out_units=out_units))
        == bunit
    )


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
    ("rate", "counts"),
    [("ELECTRONS/S", "ELECTRONS"), ("DN s-1", "DN"), ("e-/s", "E-"), ("cps", "COUNTS")],
)
def test_counts_of(rate, counts):
    assert counts_of(rate) == counts


def test_labels_are_left_alone():
    assert (LABELS.factor, LABELS.offset, LABELS.exptime_s) == (1.0, 0.0, None)
