"""Cosmic rays in files: what headers decide, and what is known of instruments."""

import numpy as np
import pytest
from astropy.io import fits
from mask_files import changed, read

from skyblot import Criteria, SkyblotWarning, reject_files
from skyblot.errors import DataError, ParameterError
from skyblot.headers.amplifiers import electronics
from skyblot.headers.facts import Facts
from skyblot.headers.instruments import instrument_of
from skyblot.rejection.criteria import criteria_for


class TestHeadersDecide:
    def test_flagged_pixels_are_left_out_but_earlier_cosmic_rays_are_judged_again(
        self, demo, made, out
    ):
        mask = read(made[1][0].path) == 0
        where = np.flatnonzero(mask)

        def flag(hdus):
            hdus["DQ", 1].data.flat[where[::2]] |= 4
            hdus["DQ", 1].data.flat[where[1::2]] |= 4096

        path = changed(demo, out / "flagged_flc.fits", flag)
        found = read(reject_files(demo.median, [f"{path}[sci,1]"], out, exposures=2)[0].path) == 0
        assert not found.flat[where[::2]].any()
        assert found.flat[where[1::2]].mean() > 0.7  # members whose seed was left out are gone

    def test_noise_is_made_from_the_header_where_there_is_no_err(self, demo, out):
        path = changed(
            demo, out / "noerr_flc.fits", lambda hdus: [hdus.pop(("ERR", chip)) for chip in (1, 2)]
        )
        with_header, by_hand = (
            reject_files(demo.median, [f"{path}[sci,1]"], out, overwrite=True, **how)[0]
            for how in ({}, {"gain": 1.0, "read_noise": 3.08})
        )
        assert with_header.rejected == by_hand.rejected > 100

    def test_an_exposure_without_noise_is_refused_in_one_sentence(self, demo, out):
        def strip(hdus):
            for chip in (1, 2):
                hdus.pop(("ERR", chip))
            for amplifier in "ABCD":
                del hdus[0].header[f"READNSE{amplifier}"]

        path = changed(demo, out / "nonoise_flc.fits", strip)
        with pytest.raises(
            DataError, match=r"\[sci,1\]: no ERR extension, and no read noise in its headers: give"
        ):
            reject_files(demo.median, [path], out, fail_fast=True)
        assert [each.name for each in out.iterdir()] == [path.name]

    def test_errors_of_another_shape_are_refused(self, demo, out):
        def cut(hdus):
            hdus["ERR", 1].data = hdus["ERR", 1].data[:10]

        path = changed(demo, out / "cut_flc.fits", cut)
        with pytest.raises(
            DataError, match=r"\[sci,1\]: its ERR has shape \(10, 160\), expected \(96, 160\)"
        ):
            reject_files(demo.median, [path], out, fail_fast=True)

    def test_a_sky_that_no_header_has_is_measured_and_not_warned_of(self, demo, out):
        def strip(hdus):
            del hdus["SCI", 1].header["MDRIZSKY"]

        path = changed(demo, out / "nosky_flc.fits", strip)
        sky = fits.getval(demo.exposures[0], "MDRIZSKY", ("SCI", 1))
        result = reject_files(demo.median, [f"{path}[sci,1]"], out)[0]
        assert result.background == pytest.approx(sky, abs=0.5)

    @pytest.mark.parametrize("value", ["NaN", "INDEF", "12 counts", True])
    def test_a_sky_that_is_no_number_is_told_and_measured(self, demo, out, value):
        path = changed(
            demo, out / "oddsky_flc.fits", lambda hdus: hdus["SCI", 1].header.set("MDRIZSKY", value)
        )
        sky = fits.getval(demo.exposures[0], "MDRIZSKY", ("SCI", 1))
        words = (
            rf"oddsky_flc.fits\[sci,1\]: sky MDRIZSKY = {value!r} is no number; the background is "
            r"measured"
        )
        with pytest.warns(SkyblotWarning, match=words):
            result = reject_files(demo.median, [f"{path}[sci,1]"], out)[0]
        assert result.background == pytest.approx(sky, abs=0.5)

    def test_an_exposure_time_that_is_missing_is_no_reason_to_compare_counts_with_rates(
        self, demo, out
    ):
        path = changed(demo, out / "notime_flc.fits", lambda hdus: hdus[0].header.remove("EXPTIME"))
        with pytest.raises(DataError, match=r"no exposure time") as caught:
            reject_files(demo.median, [path], out, fail_fast=True)
        assert "--expout SECONDS" in str(caught.value)
        assert "--out-units" not in str(caught.value)

    def test_a_misaligned_exposure_is_warned_of_by_name(self, demo, out):
        def move(hdus):
            hdus["SCI", 1].header["CRPIX1"] += 0.3

        path = changed(demo, out / "moved_flc.fits", move)
        with pytest.warns(
            SkyblotWarning, match=r"moved_flc.fits\[sci,1\]: its sources lie \([+-]0\.\d\d, "
        ):
            result = reject_files(demo.median, [f"{path}[sci,1]"], out)[0]
        assert abs(result.misalignment[0]) == pytest.approx(0.3, abs=0.06)
        assert result.notes

    def test_too_many_cosmic_rays_are_warned_of(self, demo, out):
        def brief(hdus):
            hdus[0].header["EXPTIME"] = 450.0
            hit = np.random.default_rng(1).random(hdus["SCI", 1].data.shape) < 0.1
            hdus["SCI", 1].data[hit] += 500

        path = changed(demo, out / "hit_flc.fits", brief)
        with pytest.warns(
            SkyblotWarning,
            match=r"% of its pixels were rejected, and .* % are expected of HST WFC3",
        ):
            reject_files(demo.median, [f"{path}[sci,1]"], out)


def facts(**cards):
    return Facts("x.fits", {}, cards)


class TestInstruments:
    @pytest.mark.parametrize(
        ("words", "exposures", "snr", "scale", "bits"),
        [
            ("HST ACS WFC", 6, (3.5, 3.0), (1.2, 0.7), 4096),
            ("HST ACS WFC", 2, (3.5, 3.0), (1.5, 1.2), 4096),
            ("HST ACS HRC", 1, (3.5, 3.0), (1.5, 1.2), 4096),
            ("HST WFC3 UVIS", 2, (3.5, 3.0), (1.5, 1.2), 4096),
            ("HST WFC3 UVIS", None, (3.5, 3.0), (1.2, 0.7), 4096),
            ("HST WFC3 IR", 2, (5.0, 4.0), (3.0, 2.4), 4096),
            ("HST WFPC2 1", 4, (5.5, 3.5), (2.0, 1.5), 4096),
            ("HST STIS CCD", 4, (3.5, 3.0), (1.2, 0.7), 8192),
            ("HST NICMOS 3", 4, (3.5, 3.0), (1.2, 0.7), 4096),
            ("JWST NIRCAM NRCB1", 2, (5.0, 4.0), (1.2, 0.7), 17),
            ("ROMAN WFI WFI01", 2, (5.0, 4.0), (1.2, 0.7), 129),
            ("ESO VIMOS Q1", 2, (3.5, 3.0), (1.2, 0.7), 4096),
        ],
    )
    def test_defaults_of_the_plain_rule_and_flags(self, words, exposures, snr, scale, bits):
        telescope, instrument, detector = words.split()
        cards = facts(TELESCOP=telescope, INSTRUME=instrument, DETECTOR=detector)
        assert instrument_of(cards).bits == bits
        criteria = criteria_for(cards, {"rule": "plain"}, exposures)
        assert criteria == Criteria("plain", snr, scale, exposures)
        assert criteria_for(cards, {"rule": "plain", "snr": (9, 8)}, None).snr == (9, 8)

    @pytest.mark.parametrize(
        ("cards", "direction"),
        [
            ({"INSTRUME": "ACS", "DETECTOR": "WFC", "CCDCHIP": 2}, 1),
            ({"INSTRUME": "ACS", "DETECTOR": "WFC", "CCDCHIP": 1}, -1),
            ({"INSTRUME": "WFC3", "DETECTOR": "UVIS", "CCDCHIP": 2}, 1),
            ({"INSTRUME": "ACS", "DETECTOR": "HRC", "CCDAMP": "C"}, 1),
            ({"INSTRUME": "ACS", "DETECTOR": "HRC", "CCDAMP": "A"}, -1),
            ({"INSTRUME": "STIS", "DETECTOR": "CCD"}, -1),
            ({"INSTRUME": "WFPC2", "DETECTOR": 3}, 1),
        ],
    )
    def test_tails_run_away_from_the_amplifier(self, cards, direction):
        found = facts(TELESCOP="HST", **cards)
        assert criteria_for(found, {"cte_tail": 7}, None).cte_direction == direction

    def test_a_tail_without_a_direction_is_refused(self):
        found = facts(TELESCOP="HST", INSTRUME="WFC3", DETECTOR="IR")
        with pytest.raises(
            ParameterError, match="HST WFC3 IR has no known direction of tails: give cte_direction"
        ):
            criteria_for(found, {"cte_tail": 7}, None)
        assert criteria_for(found, {"cte_tail": 7, "cte_direction": -1}, None).cte_tail == 7

    @pytest.mark.parametrize(
        ("cards", "gain", "read_noise"),
        [
            ({"BUNIT": "ELECTRONS", "READNSEA": 3.0, "READNSEB": 4.0}, 1.0, 3.5),
            ({"BUNIT": "ELECTRONS/S", "EXPTIME": 250.0}, 250.0, None),
            ({"BUNIT": "COUNTS", "ATODGNA": 1.5, "ATODGNB": 0.0, "READNSEA": 0.0}, 1.5, None),
            ({"BUNIT": "DN/s", "CCDGAIN": 7.0, "EXPTIME": 10.0}, 70.0, None),
            ({"BUNIT": "ELECTRONS/S"}, None, None),
            ({"BUNIT": "MJy/sr"}, None, None),
            ({}, None, None),
        ],
    )
    def test_gain_and_read_noise(self, cards, gain, read_noise):
        found = electronics(facts(**cards))
        assert (found.gain.mean, found.read_noise.mean) == (gain, read_noise)

    @pytest.mark.parametrize(
        ("fraction", "seconds", "words"),
        [
            (0.02, 1000, ""),
            (0.2, 1000, "same unit"),
            (0.0, 1000, "noise right"),
            (0.001, 5, ""),
            (0.5, None, ""),
        ],
    )
    def test_the_fraction_is_compared_with_what_a_ccd_has_hit(self, fraction, seconds, words):
        found = instrument_of(facts(TELESCOP="HST", INSTRUME="ACS", DETECTOR="WFC")).doubts(
            fraction, 100_000, seconds
        )
        assert words in found
        assert bool(found) == bool(words)
