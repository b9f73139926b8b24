"""Gain and read noise under every usual keyword, of each amplifier where headers tell."""

import numpy as np
import pytest
from astropy.io import fits
from samples import tan_header
from star_fields import F32

from skyblot.bounds import Bounds
from skyblot.errors import DataError
from skyblot.headers import pixel_facts
from skyblot.headers.amplifiers import electronics, sections
from skyblot.headers.facts import COMBINED, Facts
from skyblot.io.images import open_image
from skyblot.rejection.criteria import Noise
from skyblot.steps.noise import noise_of, noise_text

ESO = "HIERARCH ESO DET OUT1 "
SHAPE = (20, 40)
LEFT, RIGHT = Bounds(0, 20, 0, 20), Bounds(0, 20, 20, 40)


def known(**cards):
    return electronics(Facts("x.fits", fits.Header(cards), {}))


class TestKeywords:
    @pytest.mark.parametrize(
        ("cards", "gain"),
        [
            ({"GAIN": 1.5}, 1.5),
            ({"GAIN": "1.5"}, 1.5),
            ({"EGAIN": 1.5}, 1.5),
            ({"GAIN": 139, "EGAIN": 1.5}, 1.5),  # cameras of amateurs: GAIN is a setting
            ({"ATODGAIN": 1.5}, 1.5),
            ({"CCDGAIN": 1.5}, 1.5),
            ({"CCDGAIN": 2.0, "ATODGNA": 1.4, "ATODGNB": 1.6}, 1.5),
            ({"ATODGNA": 0.0, "ATODGNB": 0.0, "ATODGNC": 1.5, "ATODGND": 0.0}, 1.5),
            ({"ADCGAIN": 1.5}, 1.5),
            ({"GAINA": 1.0, "GAINB": 2.0}, 1.5),
            ({"GAIN1": 1.0, "GAIN2": 2.0, "GAIN3": 1.0, "GAIN4": 2.0}, 1.5),
            ({ESO + "CONAD": 1.5}, 1.5),
            ({ESO + "CONAD": 1.5, ESO + "GAIN": 0.7}, 1.5),
            ({ESO + "GAIN": 0.5}, 2.0),  # counts per electron
            ({"GAIN": "high", "EGAIN": 0.0, "CCDGAIN": 1.5}, 1.5),
        ],
    )
    @pytest.mark.parametrize(
        ("bunit", "seconds"), [("adu", 1.0), ("DN", 1.0), ("COUNTS", 1.0), ("adu/s", 20.0)]
    )
    def test_gain(self, cards, gain, bunit, seconds):
        assert known(BUNIT=bunit, EXPTIME=20.0, **cards).gain.mean == pytest.approx(
            gain * seconds, rel=1e-15
        )

    @pytest.mark.parametrize(
        "cards",
        [
            {"RDNOISE": 6.0},
            {"READNOIS": 6.0},
            {"READNOI": 6.0},
            {"HIERARCH READNOISE": 6.0},
            {"READNSE": 6.0},
            {"READNSEA": 5.0, "READNSEB": 7.0},
            {"RDNOISEA": 5.0, "RDNOISEB": 7.0},
            {"RDNOISE1": 5.0, "RDNOISE2": 7.0},
            {"RON": 6.0},
            {"ENOISE": 6.0},
            {"RN": 6.0},
            {ESO + "RON": 6.0},
            {"RDNOISE": -1.0, "RON": 6.0},
        ],
    )
    def test_read_noise(self, cards):
        assert known(**cards).read_noise.mean == 6.0

    @pytest.mark.parametrize("unit", ["ELECTRONS", "electron", "e-", "ELECTRONS/S"])
    def test_electrons_are_electrons_whatever_the_gain(self, unit):
        seconds = 20.0 if unit.endswith("/S") else 1.0
        assert known(BUNIT=unit, EXPTIME=20.0, CCDGAIN=1.5).gain.mean == seconds

    @pytest.mark.parametrize(
        ("chip", "nominal", "gain", "noise"),
        [(1, 7, 7.12, 5.24), (3, 7.0, 6.9, 5.22), (4, 15, 13.95, 8.32)],
    )
    def test_wfpc2_is_as_in_its_handbook(self, chip, nominal, gain, noise):
        found = known(INSTRUME="WFPC2", DETECTOR=chip, ATODGAIN=nominal, BUNIT="COUNTS")
        assert (found.gain.mean, found.read_noise.mean) == (gain, noise)
        assert known(INSTRUME="WFPC2", DETECTOR=chip, ATODGAIN=8.0, BUNIT="COUNTS").gain.mean == 8.0

    @pytest.mark.parametrize(
        ("value", "card"),
        [
            ("high", "GAIN = 'high'"),
            (0.0, "GAIN = 0.0"),
            (-1.5, "GAIN = -1.5"),
            ("NaN", "GAIN = 'NaN'"),
            (True, "GAIN = True"),
        ],
    )
    def test_what_is_no_gain_is_passed_over_and_said(self, value, card):
        found = known(BUNIT="adu", GAIN=value, RDNOISE=6.0)
        assert found.gain.mean is None
        assert found.missing(gain=True, read_noise=True) == f"no gain in its headers ({card})"
        assert found.remarks(gain=True, read_noise=True) == [
            f"its {card} is not used: expected a number above 0"
        ]
        assert found.remarks(gain=False, read_noise=True) == []

    def test_a_card_that_cannot_be_parsed_is_none(self):
        header = fits.Header.fromstring(
            "GAIN    =                  NaN".ljust(80) + "RON     = 4.0".ljust(80)
        )
        found = electronics(Facts("x.fits", header, {}))
        assert (found.gain.mean, found.read_noise.mean) == (None, 4.0)
        assert found.gain.odd == ("GAIN = '?'",)

    def test_without_a_unit_a_gain_means_adu_and_that_is_said(self):
        found = known(CCDGAIN=1.5, RON=4.0)
        assert found.gain.mean == 1.5
        assert found.remarks(gain=True, read_noise=True) == [
            "its BUNIT is missing: taken as adu, of 1.5 electrons each by its CCDGAIN"
        ]
        assert (
            known(RON=4.0).missing(gain=True, read_noise=True)
            == "no BUNIT and no gain in its headers"
        )

    @pytest.mark.parametrize(
        ("cards", "missing"),
        [
            ({"BUNIT": "adu"}, "no gain and no read noise in its headers"),
            ({"BUNIT": "MJy/sr"}, "no gain for BUNIT = 'MJy/sr' and no read noise in its headers"),
            (
                {"BUNIT": "furlong", "GAIN": 2.0, "RON": 4.0},
                "no use for GAIN with BUNIT = 'furlong' in its headers",
            ),
            (
                {"BUNIT": "DN/s", "GAIN": 2.0, "RON": 4.0},
                "no exposure time for the gain of a rate in its headers",
            ),
        ],
    )
    def test_what_is_missing_is_told_in_words(self, cards, missing):
        assert known(**cards).missing(gain=True, read_noise=True) == missing

    def test_the_rows_of_the_table_are_what_is_looked_up(self):
        names = "GAIN READ_NOISE AMPLIFIER_SECTIONS ERRORS QUALITY COVERAGE CONSTANT"
        for row in (*(getattr(pixel_facts, name) for name in names.split()), COMBINED):
            assert all((row.name, row.keywords, row.overrides, row.missing, row.odd))


class TestSections:
    @pytest.mark.parametrize(
        ("cards", "expected"),
        [
            ({}, {}),
            ({"CCDSECA": "[1:20,1:20]", "CCDSECB": "[21:40,1:20]"}, {"A": LEFT, "B": RIGHT}),
            ({"CCDSECA": "[20:1,20:1]", "CCDSECB": "[40:21, 1:20]"}, {"A": LEFT, "B": RIGHT}),
            ({"CCDSECA": "[21:40,1:20]", "CCDSECB": "[1:20,1:20]"}, {"A": RIGHT, "B": LEFT}),
            (
                {"CCDSECA": "[1:21,1:22]", "CCDSECB": "[22:42,1:22]", "LTV1": -1.0, "LTV2": -1.0},
                {"A": LEFT, "B": RIGHT},
            ),
            ({"DATASECA": "[1:20,1:20]", "DATASECB": "[21:40,1:20]"}, {"A": LEFT, "B": RIGHT}),
            # a raw image with overscan between its halves
            (
                {
                    "DATASECA": "[3:18,1:20]",
                    "DATASECB": "[23:38,1:20]",
                    "CCDSECA": "[1:16,1:20]",
                    "CCDSECB": "[17:32,1:20]",
                },
                {"A": Bounds(0, 20, 2, 18), "B": Bounds(0, 20, 22, 38)},
            ),
            # trimmed since: sections of the raw image do not fit any more
            (
                {
                    "DATASECA": "[5:24,1:20]",
                    "DATASECB": "[25:44,1:20]",
                    "CCDSECA": "[1:20,1:20]",
                    "CCDSECB": "[21:40,1:20]",
                },
                {"A": LEFT, "B": RIGHT},
            ),
            ({"CCDSECA": "[1:25,1:20]", "CCDSECB": "[21:40,1:20]"}, {}),  # one in the other
            ({"CCDSECA": "[1:20,1:20]", "CCDSECB": "[21:30,1:20]"}, {}),  # not all of the image
            ({"CCDSECA": "left", "CCDSECB": "right"}, {}),
            ({"DATASEC1": "[1:20,1:20]", "DATASEC2": "[21:40,1:20]"}, {"1": LEFT, "2": RIGHT}),
        ],
    )
    def test_what_amplifiers_read(self, cards, expected):
        assert sections(Facts("x.fits", cards, {}), SHAPE) == expected

    @pytest.mark.parametrize(
        ("cards", "expected"),
        [
            (
                {"DETECTOR": "WFC", "CCDCHIP": 1, "CCDAMP": "ABCD"},
                {"A": (0, 2048), "B": (2048, 4096)},
            ),
            (
                {"DETECTOR": "WFC", "CCDCHIP": 2, "CCDAMP": "ABCD"},
                {"C": (0, 2048), "D": (2048, 4096)},
            ),
            (
                {"DETECTOR": "UVIS", "CCDCHIP": 2, "CCDAMP": "ABCD"},
                {"C": (0, 2048), "D": (2048, 4096)},
            ),
            ({"DETECTOR": "UVIS", "CCDCHIP": 2, "CCDAMP": "C"}, {"C": (0, 4096)}),
            (
                {"DETECTOR": "UVIS", "CCDCHIP": 2, "CCDAMP": "CD", "LTV1": -1048.0},
                {"C": (0, 1000), "D": (1000, 4096)},
            ),
            ({"DETECTOR": "UVIS", "CCDCHIP": 2, "CCDAMP": "CD", "LTV1": -3000.0}, {"D": (0, 4096)}),
            (
                {"DETECTOR": "UVIS", "CCDCHIP": 1, "CCDAMP": "ABCD", "LTM1_1": 0.5},
                {"A": (0, 1024), "B": (1024, 4096)},
            ),
            ({"DETECTOR": "HRC", "CCDAMP": "C"}, {"C": (0, 4096)}),
            ({"DETECTOR": "HRC", "CCDAMP": "CD"}, {"C": (0, 512), "D": (512, 4096)}),
            ({"DETECTOR": "IR", "CCDAMP": "ABCD"}, {}),
            ({"DETECTOR": "WFC", "CCDCHIP": 1}, {}),
        ],
    )
    def test_hst(self, cards, expected):
        found = sections(Facts("x.fits", cards, {}), (16, 4096))
        assert {name: (area.x0, area.x1) for name, area in found.items()} == expected


class TestNoise:
    @pytest.fixture
    def exposure(self, tmp_path):
        """A function that opens an exposure with some cards and no errors."""

        def opened(**cards):
            path = tmp_path / "x.fits"
            header = tan_header(
                SHAPE, BUNIT="adu", GAINA=2.0, GAINB=4.0, RDNOISEA=5.0, RDNOISEB=7.0, **cards
            )
            fits.PrimaryHDU(np.ones(SHAPE, "f4"), header).writeto(path, overwrite=True)
            return open_image(path)

        return opened

    blot = np.linspace(0, 500, 800, dtype="f4").reshape(SHAPE)

    def sigma(self, gain, noise, sky=0.0):
        return np.sqrt(gain * (self.blot + sky) + noise**2) / gain

    def test_is_that_of_each_amplifier(self, exposure):
        with exposure(CCDSECA="[1:20,1:20]", CCDSECB="[21:40,1:20]") as image:
            found = noise_of(image, self.blot, 30.0)
        assert found.gain is None
        assert found.remarks == ()
        expected = np.where(
            np.arange(40) < 20, self.sigma(2.0, 5.0, 30.0), self.sigma(4.0, 7.0, 30.0)
        )
        np.testing.assert_allclose(found.sigma, expected, rtol=4 * F32)

    def test_is_that_of_the_means_where_nobody_says_what_they_read(self, exposure):
        with exposure() as image:
            assert noise_of(image, self.blot, -30.0).sigma == Noise(3.0, 6.0, 0.0)
            assert noise_text(image) == "gain 3 (GAINA, GAINB), read noise 6 (RDNOISEA, RDNOISEB)"

    def test_what_is_given_counts_for_all_of_them(self, exposure):
        with exposure(CCDSECA="[1:20,1:20]", CCDSECB="[21:40,1:20]") as image:
            assert noise_of(image, self.blot, 0.0, gain=1.5, read_noise=3.0).sigma == Noise(
                1.5, 3.0
            )

    def test_of_an_unknown_unit_is_refused(self, exposure):
        with exposure() as image:
            image.header["BUNIT"] = "furlong"
            with pytest.raises(
                DataError,
                match=r"\[0\]: no ERR extension, and no use for GAINA, GAINB with BUNIT = ",
            ):
                noise_of(image, self.blot, 0.0)
