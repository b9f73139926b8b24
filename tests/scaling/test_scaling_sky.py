"""The sky of an exposure: where it says it, what is told where it does not, and its unit."""

import pytest
from astropy.io import fits
from scaling_facts import facts, plan, source_facts

from skyblot import SkyblotWarning
from skyblot.errors import DataError
from skyblot.headers.facts import Facts


@pytest.mark.parametrize(
    ("extension", "primary", "expected"),
    [(1.0, 2.0, 1.0), (None, 2.0, 2.0), (0.0, 2.0, 0.0), (-4.5, 2.0, -4.5), ("6.5", 2.0, 6.5)],
)
def test_mdrizsky_of_extension_then_primary(extension, primary, expected):
    reference = facts(primary={"MDRIZSKY": primary}, MDRIZSKY=extension)
    image = source_facts(MDRIZSKY=3.0)
    assert plan(image, reference, addsky=True, in_units="cps", out_units="cps").offset == expected


@pytest.mark.parametrize(
    ("source", "reference"),
    [
        ({"MDRIZSKY": 7.0}, {}),
        ({}, {"MDRIZSKY": 7.0, "NDRIZIM": 4}),
        ({}, {"MDRIZSKY": "INDEF", "D001VER": "3.1"}),
    ],
)
def test_the_sky_of_a_mosaic_is_no_exposures_sky(source, reference):
    with pytest.warns(SkyblotWarning, match=r"ref\.fits\[sci,1\]: no sky value MDRIZSKY"):
        assert (
            plan(
                source_facts(**source),
                facts(EXPTIME=5, **reference),
                addsky=True,
                out_units="cps",
                in_units="cps",
            ).offset
            == 0
        )


def test_absent_sky_is_a_warning_and_zero():
    with pytest.warns(SkyblotWarning, match=r"ref\.fits\[sci,1\]: no sky value MDRIZSKY"):
        scaling = plan(
            source_facts(), facts(EXPTIME=5), addsky=True, in_units="cps", out_units="counts"
        )
    assert (scaling.offset, scaling.factor) == (0.0, 5.0)


@pytest.mark.parametrize("keyword", ["MDRIZSKY", "BKGLEVEL"])
@pytest.mark.parametrize("value", ["none at all", "NaN", "INDEF", float("nan"), "inf", True])
def test_a_sky_that_is_no_number_is_an_error(keyword, value):
    reference = facts(BKGSUB=False, **{keyword: value})
    with pytest.raises(
        DataError, match=rf"^ref\.fits\[sci,1\]: sky {keyword} = {value!r}, .*--no-addsky"
    ):
        plan(source_facts(), reference, addsky=True, in_units="cps", out_units="cps")


def test_a_sky_whose_card_cannot_be_parsed_is_told_by_its_text():
    header = fits.Header.fromstring("MDRIZSKY=                  nan / sky".ljust(80))
    with pytest.raises(
        DataError,
        match=r"^ref\.fits\[sci,1\]: sky MDRIZSKY = 'nan', expected a number .*--no-addsky",
    ):
        plan(
            source_facts(),
            Facts("ref.fits[sci,1]", header, {}),
            addsky=True,
            in_units="cps",
            out_units="cps",
        )


def test_skyval_counts_only_without_addsky():
    reference = facts(MDRIZSKY=7.0)
    assert (
        plan(
            source_facts(), reference, addsky=False, skyval=1.25, in_units="cps", out_units="cps"
        ).offset
        == 1.25
    )
    assert (
        plan(
            source_facts(), reference, addsky=True, skyval=1.25, in_units="cps", out_units="cps"
        ).offset
        == 7.0
    )


BACKGROUND = [
    ({"BKGLEVEL": 1.5, "BKGSUB": False}, 1.5),
    ({"BKGLEVEL": 1.5, "BKGSUB": True}, 0.0),
    ({"BKGLEVEL": 1.5}, 0.0),
    ({"BKGLEVEL": 1.5, "BKGSUB": False, "MDRIZSKY": 2.5}, 2.5),
]


@pytest.mark.parametrize(("cards", "sky"), BACKGROUND)
def test_background_of_jwst_is_the_sky_where_it_was_not_subtracted(cards, sky):
    reference = facts(BUNIT="DN/s", **cards)
    assert (
        plan(source_facts(BUNIT="DN/s", S_SKYMAT="COMPLETE"), reference, addsky=True).offset == sky
    )
    assert plan(source_facts(BUNIT="DN/s", **cards), facts(BUNIT="DN/s"), skyval=3.0).offset == 3.0


def test_background_of_the_source_is_not_added():
    source = source_facts(BUNIT="MJy/sr", BKGLEVEL=1.5, BKGSUB=False)
    assert plan(source, facts(BUNIT="MJy/sr"), addsky=True).offset == 0.0


LEFT = {"BKGLEVEL": 1.5, "BKGSUB": False}


@pytest.mark.parametrize(
    ("bunit", "out_units", "sky"),
    [
        ("MJy/sr", "auto", 1.5),
        ("MJy/sr", "cps", 6.0),
        ("MJy/sr", "counts", 600.0),
        ("kJy/sr", "cps", 6e-3),
        ("DN/s", "auto", 1.5),
        ("DN/s", "counts", 150.0),
        ("DN", "auto", 1.5),
        ("DN", "cps", 0.015),
    ],
)
def test_background_is_in_the_unit_of_its_file_and_converted_to_that_of_the_blot(
    bunit, out_units, sky
):
    reference = facts(BUNIT=bunit, PHOTMJSR=0.25, EXPTIME=100.0, **LEFT)
    source = source_facts(BUNIT="MJy/sr", S_SKYMAT="COMPLETE")
    assert plan(source, reference, addsky=True, out_units=out_units).offset == pytest.approx(
        sky, rel=1e-12
    )


def test_background_is_converted_by_the_factor_that_is_given():
    source, reference = (
        source_facts(BUNIT="MJy/sr", S_SKYMAT="COMPLETE"),
        facts(BUNIT="MJy/sr", **LEFT),
    )
    assert plan(source, reference, addsky=True, out_units="cps", photmjsr=0.5).offset == 3.0


@pytest.mark.parametrize("status", ["SKIPPED", "INCOMPLETE", "FAILED"])
@pytest.mark.parametrize("telescope", ["JWST", "ROMAN"])
def test_background_is_not_added_where_the_mosaic_was_not_freed_of_it(status, telescope):
    source, reference = (
        source_facts(BUNIT="MJy/sr", S_SKYMAT=status),
        facts(BUNIT="MJy/sr", TELESCOP=telescope, **LEFT),
    )
    word = {"JWST": "BKGLEVEL", "ROMAN": "background.level"}[telescope]
    with pytest.warns(
        SkyblotWarning, match=rf"its {word}, 1\.5, is not added: .* its skymatch is {status}"
    ):
        assert plan(source, reference, addsky=True).offset == 0.0


def test_background_is_added_and_told_where_the_mosaic_does_not_say():
    with pytest.warns(
        SkyblotWarning, match=r"its BKGLEVEL, 1\.5, is added, though .* does not tell"
    ):
        assert (
            plan(
                source_facts(BUNIT="MJy/sr"),
                facts(BUNIT="MJy/sr", TELESCOP="JWST", **LEFT),
                addsky=True,
            ).offset
            == 1.5
        )


@pytest.mark.parametrize(
    ("unit", "status", "telescope", "word"),
    [
        ("MJy/sr", "COMPLETE", "JWST", "BKGLEVEL"),
        ("MJy/sr", None, "JWST", "BKGLEVEL"),
        ("MJy/sr", None, "ROMAN", "background.level"),
        ("DN/s", "COMPLETE", "ROMAN", "background.level"),
        ("DN/s", None, "JWST", "BKGLEVEL"),
        ("DN/s", None, "HST", "MDRIZSKY"),
        ("MJy/sr", "COMPLETE", None, "MDRIZSKY"),
        ("MJy/sr", None, None, None),
        ("MJy/sr", "SKIPPED", "JWST", None),
        ("DN/s", "SKIPPED", "JWST", None),
    ],
)
def test_a_background_that_is_missing_is_told_in_every_unit(unit, status, telescope, word):
    source = source_facts(BUNIT=unit, **({} if status is None else {"S_SKYMAT": status}))
    reference = facts(BUNIT=unit, **({} if telescope is None else {"TELESCOP": telescope}))
    if word is None:
        assert plan(source, reference, addsky=True).offset == 0.0
        return
    with pytest.warns(SkyblotWarning, match=f"no sky value {word} in its headers"):
        assert plan(source, reference, addsky=True).offset == 0.0
