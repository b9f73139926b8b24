"""What the header of a mosaic says of its exposures: no value of one of them stands for all."""

import numpy as np
import pytest
from astropy.io import fits
from mosaic_data import DAY, SHAPE, inputs_of, new_mosaic, write_exposures
from samples import tan_header

from skyblot import SkyblotWarning
from skyblot.headers.blending import blended, sum_of
from skyblot.headers.facts import Facts
from skyblot.io.mosaics import write_mosaic

UNIT = "ELECTRONS/S"


def headers(*cards):
    """Facts of exposures, in electrons, with what each has beside."""
    return [Facts(f"x{k}", {"BUNIT": "ELECTRONS", **own}, {}) for k, own in enumerate(cards)]


def common(keyword, *cards, bunit=UNIT):
    """The value of a keyword in a mosaic of exposures with such cards; None where it has none."""
    facts = headers(*cards)
    return blended(facts, facts, bunit).get(keyword)


@pytest.mark.parametrize(
    ("keyword", "values", "expected"),
    [
        # Texts, numbers and truth values that all have; what differs; what one has not.
        ("FILTER", ["F606W", "F606W "], "F606W"),
        ("FILTER", ["F606W", "F814W"], "MULTIPLE"),
        ("FILTER", ["F606W", None], None),
        ("FILTER", ["", ""], None),
        ("FILTER", [1, "F606W"], None),
        ("PROPOSID", [12, 12], 12),
        ("PROPOSID", [12, 13], None),
        ("SUBARRAY", [False, False], False),
        ("SUBARRAY", [False, True], None),
        ("PHOTMODE", ["ACS MJD#1", "ACS MJD#2"], "MULTIPLE"),
        ("PHOTZPT", [-21.1, -21.1], -21.1),
        # Sensitivities: a mean of what is within a percent, nothing where it is not, or not known.
        ("PHOTPLAM", [5000.0, 5010.0], 5005.0),
        ("PHOTPLAM", [5000.0, 5100.0], None),
        ("PHOTPLAM", [5000.0, 0.0], None),
        ("PHOTFLAM", [1e-19, 1e-19, 1e-19], 1e-19),
        ("PHOTFLAM", [1e-19, "INDEF"], None),
        ("PHOTFLAM", [0.0, 0.0], None),
        # Times.
        ("EXPSTART", [DAY + 1, DAY], DAY),
        ("EXPEND", [DAY + 1, DAY], DAY + 1),
        ("EXPEND", [DAY + 1, "x"], None),
        # What no rule names.
        ("CCDGAIN", [1.5, 1.5], None),
        ("MDRIZSKY", [3.0, 3.0], None),
        ("IDCSCALE", [0.04, 0.04], None),
        ("VAFACTOR", [1.0, 1.0], None),
        ("WCSNAME", ["IDC", "IDC"], None),
    ],
)
def test_value(keyword, values, expected):
    cards = [{} if value is None else {keyword: value} for value in values]
    assert common(keyword, *cards) == expected


def test_a_sensitivity_that_differs_is_told():
    with pytest.warns(SkyblotWarning, match=r"PHOTFLAM is 1e-19 to 1\.1e-19 in its exposures"):
        assert common("PHOTFLAM", {"PHOTFLAM": 1e-19}, {"PHOTFLAM": 1.1e-19}) is None


@pytest.mark.parametrize(
    ("units", "bunit", "kept"),
    [
        (["ELECTRONS", "ELECTRONS/S"], UNIT, True),
        (["electrons", "ELECTRONS"], "electrons/s", True),
        (["ELECTRONS", "COUNTS"], UNIT, False),
        (["ELECTRONS", "ELECTRONS"], "COUNTS/S", False),
        (["", ""], "", True),
    ],
)
def test_sensitivities_are_for_their_unit(units, bunit, kept):
    """PHOTFLAM is for electrons in one exposure, and for counts in another."""
    cards = [{"BUNIT": unit, "PHOTFLAM": 1e-19} for unit in units]
    assert (common("PHOTFLAM", *cards, bunit=bunit) == 1e-19) is kept


@pytest.mark.parametrize(
    ("begun", "first", "last"),
    [
        ([{"EXPSTART": DAY + 1}, {"EXPSTART": DAY}], "B", "A"),
        ([{"MJD-OBS": DAY}, {"MJD-OBS": DAY + 1}], "A", "B"),
        ([{"UT": "10:00"}, {"UT": "09:00"}], "B", "A"),
        ([{"EXPSTART": DAY}, {}], "MULTIPLE", "MULTIPLE"),
        ([{"EXPSTART": DAY}, {"EXPSTART": "x"}], "MULTIPLE", "MULTIPLE"),
    ],
)
def test_first_and_last(begun, first, last):
    """By the times that all have, whatever the order they are named in."""
    dated = {"DATE-OBS": "2020-01-01"} if "UT" in begun[0] else {}
    cards = [
        {**time, **dated, "TIME-BEG": name, "TIME-END": name}
        for time, name in zip(begun, "AB", strict=True)
    ]
    assert common("TIME-BEG", *cards) == first
    assert common("TIME-END", *cards) == last


@pytest.mark.parametrize(
    ("cards", "values", "total"),
    [
        ([{}, {}], [10.0, 20.0], 30.0),
        ([{}, {}], [10.0, None], None),
        ([{"EXPSTART": 1.0}, {"EXPSTART": 2.0}], [10.0, 20.0], 30.0),
        # Two detectors at the same time: one exposure. The same detector twice is two.
        (
            [{"EXPSTART": 1.0, "DETECTOR": "NRCA1"}, {"EXPSTART": 1.0, "DETECTOR": "NRCA2"}],
            [10.0, 10.0],
            10.0,
        ),
        ([{"MJD-OBS": 1.0, "CCDNUM": 1}, {"MJD-OBS": 1.0, "CCDNUM": 2}], [9.0, 10.0], 10.0),
        ([{"EXPSTART": 1.0, "DETECTOR": "A"}] * 2, [10.0, 20.0], 30.0),
        ([{"DATE-OBS": "2020-01-01T10:00:00"}, {"DATE-OBS": "2020-01-01T11:00:00"}], [1, 2], 3),
        # Rounding errors are no digits of a header.
        ([{}, {}, {}], [311.366] * 3, 934.098),
    ],
)
def test_sum(cards, values, total):
    assert sum_of(headers(*cards), values) == total


def test_a_keyword_stands_where_the_first_exposure_has_it(tmp_path):
    """In the primary header, in the extension, or in both; with its comment."""
    science = [{"PHOTPLAM": (5000.0, "pivot"), "FILTER": "F606W"}] * 2
    paths = write_exposures(tmp_path, [{"FILTER": "F606W"}] * 2, science)
    with inputs_of(paths) as inputs:
        write_mosaic(new_mosaic(tmp_path / "m_drz.fits", inputs))
    with fits.open(tmp_path / "m_drz.fits") as hdus:
        assert [hdu.header.get("FILTER") for hdu in hdus[:3]] == ["F606W", "F606W", None]
        assert [hdu.header.get("PHOTPLAM") for hdu in hdus[:3]] == [None, 5000.0, None]
        assert hdus["SCI"].header.comments["PHOTPLAM"] == "pivot"


def test_exposures_that_are_an_image_alone(tmp_path):
    """Their only header is that of the file: what it says goes into that of the mosaic's file."""
    paths = []
    for number in range(2):
        header = tan_header(SHAPE, BUNIT="adu", FILTER="g", EXPTIME=30.0, NCOMBINE=1, GAIN=2.0)
        header["MJD-OBS"] = DAY + number
        paths.append(tmp_path / f"d{number}.fits")
        fits.PrimaryHDU(np.ones(SHAPE, "f4"), header).writeto(paths[-1])
    with inputs_of(paths) as inputs:
        write_mosaic(new_mosaic(tmp_path / "m_drz.fits", inputs, bunit="adu/s"))
    with fits.open(tmp_path / "m_drz.fits") as hdus:
        assert (hdus[0].header["FILTER"], hdus[0].header["MJD-OBS"]) == ("g", DAY)
        assert (hdus[0].header["EXPTIME"], hdus[0].header["D001DATA"]) == (60.0, "d0.fits[0]")
        assert not {"GAIN", "CTYPE1", "BUNIT", "NCOMBINE"} & set(hdus[0].header)
        assert "FILTER" not in hdus["SCI"].header
        assert (hdus["SCI"].header["NCOMBINE"], hdus["SCI"].header["BUNIT"]) == (2, "adu/s")


def test_a_card_that_cannot_be_parsed_says_nothing(tmp_path):
    paths = write_exposures(tmp_path, [{"PROPOSID": 12}] * 2)
    content = paths[1].read_bytes()
    card = b"PROPOSID=                   12"
    assert card in content
    paths[1].write_bytes(content.replace(card, b"PROPOSID=                  NaN"))
    with inputs_of(paths) as inputs:
        write_mosaic(new_mosaic(tmp_path / "m_drz.fits", inputs))
    assert "PROPOSID" not in fits.getheader(tmp_path / "m_drz.fits")


@pytest.mark.parametrize(
    ("cards", "count"),
    [
        ([{}, {}, {}], 3),
        ([{"EXPSTART": DAY, "DETECTOR": "A"}, {"EXPSTART": DAY, "DETECTOR": "B"}], 1),
    ],
)
def test_number_of_exposures(tmp_path, cards, count):
    paths = write_exposures(tmp_path, cards)
    with inputs_of(paths) as inputs:
        write_mosaic(new_mosaic(tmp_path / "m_drz.fits", inputs))
    with fits.open(tmp_path / "m_drz.fits") as hdus:
        assert hdus["SCI"].header["NCOMBINE"] == count
        assert hdus[0].header["EXPTIME"] == 100.0 * count
