"""Cosmic rays in files: masks, flagged and cleaned copies, what headers decide, and the command line."""

import logging
import re
import warnings

import numpy as np
import pytest
from astropy import log as astropy_log
from astropy.io import fits
from samples import digests, rewrite

import skyblot
from skyblot import BatchError, Criteria, SkyblotWarning, reject, reject_files
from skyblot.cli import main
from skyblot.errors import DataError, FileError, ParameterError
from skyblot.instruments import criteria_for, gain_of, instrument_of, read_noise_of
from skyblot.io.masks import copy_name
from skyblot.io.names import parse_name
from skyblot.scaling import Facts

CHIP_SHAPE = (96, 160)
RESULT = re.compile(
    r"(?P<path>\S+)  (?P<ny>\d+) x (?P<nx>\d+)  (?P<percent>\d+\.\d\d) % rejected"
    r"(  moved \([+-]\d\.\d{3}, [+-]\d\.\d{3}\) pixel)?  \d+\.\d\d s"
)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return skyblot.make_demo(tmp_path_factory.mktemp("demo"), exposures=2, chip_shape=CHIP_SHAPE)


@pytest.fixture(scope="module")
def made(demo, tmp_path_factory):
    """Everything that a run can write: the folder, the results, and what the inputs were before."""
    folder, before = tmp_path_factory.mktemp("made"), digests(demo.folder)
    results = reject_files(demo.median, demo.exposures, folder, save_blots=True, update_dq=True, clean=True)
    return folder, results, before


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def read(path, extension=0):
    return np.array(fits.getdata(path, extension))


def changed(demo, path, change):
    return rewrite(demo.exposures[0], path, change)


class TestMasks:
    def test_names_and_form(self, demo, made):
        _, results, _ = made
        roots = [path.name.split("_")[0] for path in demo.exposures]
        names = [f"{root}_sci{chip}_crmask.fits" for root in roots for chip in (1, 2)]
        assert [result.path.name for result in results] == names
        for result in results:
            with fits.open(result.path) as hdus:
                assert len(hdus) == 1
                assert hdus[0].data.dtype == np.uint8
                assert hdus[0].shape == CHIP_SHAPE == result.shape
                assert set(np.unique(hdus[0].data)) == {0, 1}
                assert hdus[0].header["CREXP"] == result.reference
                assert hdus[0].header["CRRULE"] == "skyblot"
                assert hdus[0].header["CRFRAC"] == pytest.approx(result.fraction)
                assert hdus[0].header["CRDX"] == pytest.approx(result.misalignment[0])

    def test_are_those_of_the_arrays(self, demo, made):
        """The same blot, errors, flags and gain, taken from the files by hand."""
        folder, results, _ = made
        for path, result in zip(np.repeat(demo.exposures, 2), results, strict=True):
            chip = parse_name(result.reference).extension[1]
            blot = read(folder / result.path.name.replace("_crmask", "_blt"), ("SCI", 1))
            found = reject(
                read(path, ("SCI", chip)), blot, read(path, ("ERR", chip)), gain=1.0,
                valid=read(path, ("DQ", chip)) == 0, exposures=2,
            )  # fmt: skip
            np.testing.assert_array_equal(read(result.path) == 0, found.mask)
            assert result.misalignment == found.misalignment
            assert result.background == found.background
            assert (result.rejected, result.judged) == (found.mask.sum(), found.valid.sum())

    def test_find_the_cosmic_rays_and_little_else(self, demo, made):
        """Of the demo, whose truth is known: nearly all above 10 sigma, few of the clean pixels."""
        for path, result in zip(np.repeat(demo.truth, 2), made[1], strict=True):
            chip = parse_name(result.reference).extension[1]
            cosmic, clean = read(path, ("CRMASK", chip)) > 0, read(path, ("CLEAN", chip))
            exposure = read(result.reference.partition("[")[0], ("SCI", chip))
            bright = cosmic & (exposure - clean > 10 * np.sqrt(clean + 10))
            mask = read(result.path) == 0
            assert bright.sum() > 50
            assert mask[bright].mean() > 0.98
            assert mask[~cosmic].mean() < 0.004

    def test_the_saved_blots_are_the_usual_ones(self, demo, made, out):
        usual = skyblot.blot_files(demo.median, demo.exposures, out, fill_value="nan")
        for each in usual:
            np.testing.assert_array_equal(read(each.path, ("SCI", 1)), read(made[0] / each.path.name, ("SCI", 1)))

    def test_nothing_else_is_written_unless_asked_for(self, demo, out):
        results = reject_files(demo.median, demo.exposures[:1], out)
        assert sorted(each.name for each in out.iterdir()) == sorted(each.path.name for each in results)

    def test_inputs_are_left_as_they_were(self, demo, made):
        assert digests(demo.folder) == made[2]

    def test_a_blot_that_does_not_cover_the_exposure_leaves_pixels_out(self, demo, out):
        def half(hdus):
            hdus["SCI", 1].header["CRPIX1"] -= 130

        moved = changed(demo, out / "moved_flc.fits", half)
        result = reject_files(demo.median, [f"{moved}[sci,1]"], out)[0]
        assert 0.1 < result.covered < 0.9
        assert result.judged <= round(result.covered * np.prod(CHIP_SHAPE))


class TestCopies:
    @pytest.fixture
    def pairs(self, demo, made):
        """Exposure, label of the copy, and the copy, by label."""
        names = {label: [made[0] / copy_name(parse_name(path), label) for path in demo.exposures] for label in LABELS}
        return {label: list(zip(demo.exposures, paths, strict=True)) for label, paths in names.items()}

    def test_flags_are_added_where_the_mask_is_bad(self, made, pairs):
        for exposure, copy in pairs["crdq"]:
            for chip in (1, 2):
                mask = read(made[0] / f"{exposure.name.split('_')[0]}_sci{chip}_crmask.fits")
                before, after = (read(path, ("DQ", chip)) for path in (exposure, copy))
                np.testing.assert_array_equal(after, before | np.where(mask == 0, 4096, 0))
                np.testing.assert_array_equal(read(copy, ("SCI", chip)), read(exposure, ("SCI", chip)))

    def test_bad_pixels_get_the_blot_on_the_level_of_the_exposure(self, made, pairs):
        for exposure, copy in pairs["crclean"]:
            for chip in (1, 2):
                root = exposure.name.split("_")[0]
                bad = read(made[0] / f"{root}_sci{chip}_crmask.fits") == 0
                blot = read(made[0] / f"{root}_sci{chip}_blt.fits", ("SCI", 1))
                result = next(each for each in made[1] if each.path.name == f"{root}_sci{chip}_crmask.fits")
                before, after = (read(path, ("SCI", chip)) for path in (exposure, copy))
                np.testing.assert_array_equal(after[~bad], before[~bad])
                np.testing.assert_array_equal(after[bad], (blot + result.background).astype("f4")[bad])

    def test_everything_else_is_as_in_the_exposure(self, pairs):
        for exposure, copy in [*pairs["crdq"], *pairs["crclean"]]:
            with fits.open(exposure) as one, fits.open(copy) as other:
                assert [(each.name, each.ver) for each in one] == [(each.name, each.ver) for each in other]
                other[0].header.remove("HISTORY")
                for before, after in zip(one, other, strict=True):
                    found = fits.HeaderDiff(before.header, after.header, ignore_keywords=["FILENAME"])
                    assert found.identical, found.report()
                np.testing.assert_array_equal(one["ERR", 1].data, other["ERR", 1].data)
                assert other[0].header["FILENAME"] == copy.name

    def test_one_chip_alone_leaves_the_other_as_it_is(self, demo, out):
        path = demo.exposures[0]
        reject_files(demo.median, [f"{path}[sci,2]"], out, update_dq=True)
        copy = out / copy_name(parse_name(path), "crdq")
        np.testing.assert_array_equal(read(copy, ("DQ", 1)), read(path, ("DQ", 1)))
        assert (read(copy, ("DQ", 2)) & 4096).any()

    def test_flags_need_a_dq(self, demo, out):
        path = changed(demo, out / "nodq_flc.fits", lambda hdus: [hdus.pop(("DQ", chip)) for chip in (1, 2)])
        with pytest.raises(BatchError, match="has no DQ extension to change") as caught:
            reject_files(demo.median, [path], out, update_dq=True)
        assert len(caught.value.failures) == 1
        assert not (out / "nodq_crdq.fits").exists()
        with pytest.raises(FileError, match="has no DQ extension"):
            reject_files(demo.median, [path], out, update_dq=True, overwrite=True, fail_fast=True)


LABELS = ("crdq", "crclean")


@pytest.mark.parametrize(("kind", "bits"), [("jwst", 1 | 16), ("roman", 1 | 128)])
def test_the_webb_and_roman_telescopes(kind, bits, tmp_path):
    pytest.importorskip("gwcs")
    asdf = pytest.importorskip("asdf")
    made = skyblot.make_demo(tmp_path, kind, exposures=2, chip_shape=(120, 130))
    results = reject_files(made.median, made.exposures, tmp_path, update_dq=True, clean=True)
    for exposure, result in zip(made.exposures, results, strict=True):
        mask = read(result.path) == 0
        flagged, clean = (tmp_path / copy_name(parse_name(exposure), label) for label in LABELS)
        if kind == "jwst":
            dq, after = read(exposure, "DQ"), read(flagged, "DQ")
            before, cleaned = read(exposure, "SCI"), read(clean, "SCI")
        else:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # tags of Roman's metadata
                planes = [asdf.open(path, lazy_load=False, memmap=False) for path in (exposure, flagged, clean)]
                dq, after = (np.array(each["roman"]["dq"]) for each in planes[:2])
                before, cleaned = (np.array(planes[n]["roman"]["data"]) for n in (0, 2))
                for each in planes:
                    each.close()
        assert mask.any()
        np.testing.assert_array_equal(after, dq | np.where(mask, bits, 0).astype(dq.dtype))
        np.testing.assert_array_equal(cleaned[~mask], before[~mask])
        assert not np.isclose(cleaned[mask], before[mask]).any()


class TestHeadersDecide:
    def test_flagged_pixels_are_left_out_but_earlier_cosmic_rays_are_judged_again(self, demo, made, out):
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
        path = changed(demo, out / "noerr_flc.fits", lambda hdus: [hdus.pop(("ERR", chip)) for chip in (1, 2)])
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
        with pytest.raises(DataError, match=r"\[sci,1\]: no ERR extension, and no read noise in its headers: give"):
            reject_files(demo.median, [path], out, fail_fast=True)
        assert [each.name for each in out.iterdir()] == [path.name]

    def test_errors_of_another_shape_are_refused(self, demo, out):
        def cut(hdus):
            hdus["ERR", 1].data = hdus["ERR", 1].data[:10]

        path = changed(demo, out / "cut_flc.fits", cut)
        with pytest.raises(DataError, match=r"\[sci,1\]: its ERR has shape \(10, 160\), expected \(96, 160\)"):
            reject_files(demo.median, [path], out, fail_fast=True)

    def test_a_sky_that_no_header_has_is_measured_and_not_warned_of(self, demo, out):
        def strip(hdus):
            del hdus["SCI", 1].header["MDRIZSKY"]

        path = changed(demo, out / "nosky_flc.fits", strip)
        sky = fits.getval(demo.exposures[0], "MDRIZSKY", ("SCI", 1))
        result = reject_files(demo.median, [f"{path}[sci,1]"], out)[0]
        assert result.background == pytest.approx(sky, abs=0.5)

    def test_a_misaligned_exposure_is_warned_of_by_name(self, demo, out):
        def move(hdus):
            hdus["SCI", 1].header["CRPIX1"] += 0.3

        path = changed(demo, out / "moved_flc.fits", move)
        with pytest.warns(SkyblotWarning, match=r"moved_flc.fits\[sci,1\]: its sources lie \([+-]0\.\d\d, "):
            result = reject_files(demo.median, [f"{path}[sci,1]"], out)[0]
        assert abs(result.misalignment[0]) == pytest.approx(0.3, abs=0.06)
        assert result.notes

    def test_too_many_cosmic_rays_are_warned_of(self, demo, out):
        def brief(hdus):
            hdus[0].header["EXPTIME"] = 450.0
            hit = np.random.default_rng(1).random(hdus["SCI", 1].data.shape) < 0.1
            hdus["SCI", 1].data[hit] += 500

        path = changed(demo, out / "hit_flc.fits", brief)
        with pytest.warns(SkyblotWarning, match=r"% of its pixels were rejected, and .* % are expected of HST WFC3"):
            reject_files(demo.median, [f"{path}[sci,1]"], out)

    def test_what_is_inspected_is_what_was_compared(self, demo, made, out):
        seen = []
        results = reject_files(demo.median, demo.exposures[:1], out, exposures=2, inspect=seen.append)
        assert {each.result.path for each in seen} == {each.path for each in results}
        for each in seen:
            assert each.unit == "ELECTRONS"
            np.testing.assert_array_equal(read(each.result.path) == 0, each.rejection.mask)
            np.testing.assert_array_equal(each.blot, read(made[0] / _blot_name(each.result.path), ("SCI", 1)))


def _blot_name(path):
    return path.name.replace("_crmask", "_blt")


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
        found = instrument_of(facts(TELESCOP=telescope, INSTRUME=instrument, DETECTOR=detector), exposures)
        assert (found.snr, found.scale, found.bits) == (snr, scale, bits)
        criteria = criteria_for(found, {"rule": "plain"}, exposures, "x.fits")
        assert criteria == Criteria("plain", snr, scale, exposures)
        assert criteria_for(found, {"rule": "plain", "snr": (9, 8)}, None, "x.fits").snr == (9, 8)

    def test_romans_files_do_not_name_the_telescope(self):
        assert instrument_of(facts(), roman=True).bits == 129

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
        found = instrument_of(facts(TELESCOP="HST", **cards))
        assert criteria_for(found, {"cte_tail": 7}, None, "x.fits").cte_direction == direction

    def test_a_tail_without_a_direction_is_refused(self):
        found = instrument_of(facts(TELESCOP="HST", INSTRUME="WFC3", DETECTOR="IR"))
        with pytest.raises(ParameterError, match="HST WFC3 IR has no known direction of tails: give cte_direction"):
            criteria_for(found, {"cte_tail": 7}, None, "x.fits")
        assert criteria_for(found, {"cte_tail": 7, "cte_direction": -1}, None, "x.fits").cte_tail == 7

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
        assert gain_of(facts(**cards)) == gain
        assert read_noise_of(facts(**cards)) == read_noise

    @pytest.mark.parametrize(
        ("fraction", "seconds", "words"),
        [(0.02, 1000, ""), (0.2, 1000, "same unit"), (0.0, 1000, "noise right"), (0.001, 5, ""), (0.5, None, "")],
    )
    def test_the_fraction_is_compared_with_what_a_ccd_has_hit(self, fraction, seconds, words):
        found = instrument_of(facts(TELESCOP="HST", INSTRUME="ACS", DETECTOR="WFC")).doubts(fraction, 100_000, seconds)
        assert words in found
        assert bool(found) == bool(words)


class TestRefusals:
    def test_an_output_that_is_there_is_refused_before_any_work(self, demo, out):
        last = out / f"{demo.exposures[1].name.split('_')[0]}_sci2_crmask.fits"
        last.write_text("mine")
        with pytest.raises(FileError, match="exists already"):
            reject_files(demo.median, demo.exposures, out)
        assert [each.name for each in out.iterdir()] == [last.name]
        reject_files(demo.median, demo.exposures, out, overwrite=True)
        assert read(last).dtype == np.uint8

    def test_an_input_is_never_overwritten(self, demo, out):
        path = changed(demo, out / "x_crdq.fits", lambda hdus: None)
        with pytest.raises(FileError, match=r"x_crdq.fits: is an input file"):
            reject_files(demo.median, [path], out, update_dq=True, overwrite=True)

    def test_two_exposures_for_one_mask(self, demo, out):
        for folder in ("a", "b"):
            (out / folder).mkdir()
            changed(demo, out / folder / "x_flc.fits", lambda hdus: None)
        with pytest.raises(ParameterError, match="two references would be written to this file"):
            reject_files(demo.median, [out / "a" / "x_flc.fits", out / "b" / "x_flc.fits"], out)

    def test_other_exposures_go_on(self, demo, out):
        bad = out / "bad_flc.fits"
        bad.write_bytes(b"no FITS")
        with pytest.raises(BatchError, match="1 of 3 blots could not be made") as caught:
            reject_files(demo.median, [bad, demo.exposures[0]], out)
        assert len(caught.value.results) == 2

    @pytest.mark.parametrize("given", [{"rule": "plane"}, {"growth": 2}, {"criteria": {"snr": 3}}])
    def test_criteria_are_checked_before_any_work(self, demo, out, given):
        with pytest.raises(ParameterError):
            reject_files(demo.median, demo.exposures, out, **given)
        assert not list(out.iterdir())


class TestCommandLine:
    @pytest.fixture(autouse=True)
    def _message_settings(self):
        root, package = logging.getLogger(), logging.getLogger("skyblot")
        before = root.handlers[:], root.level, package.level, astropy_log.level
        with warnings.catch_warnings():
            yield
        root.handlers[:] = before[0]
        for logger, level in zip((root, package, astropy_log), before[1:], strict=True):
            logger.setLevel(level)

    @pytest.fixture
    def run(self, capsys):
        def call(*arguments):
            with pytest.raises(SystemExit) as end:
                main(["reject", *(str(each) for each in arguments)])
            said = capsys.readouterr()
            return end.value.code or 0, said.out, said.err

        return call

    def test_a_line_for_each_mask(self, demo, made, run, out):
        code, said, errors = run(demo.median, *demo.exposures, "--output-dir", out)
        assert (code, errors) == (0, "")
        for line, result in zip(said.splitlines(), made[1], strict=True):
            match = RESULT.fullmatch(line)
            assert match, line
            assert match["path"] == str(out / result.path.name)
            assert float(match["percent"]) == pytest.approx(100 * result.fraction, abs=0.006)
            np.testing.assert_array_equal(read(out / result.path.name), read(result.path))

    def test_every_option_reaches_the_comparison(self, demo, run, out):
        options = ("--rule", "plain", "--snr", 6, 5, "--scale", 2, 1.5, "--grow", 1.5, "--cte-tail", 3)
        more = ("--background", 0.5, "--exposures", 7, "--read-noise", 4, "--gain", 1, "--save-blots", "--update-dq")
        where = f"{demo.exposures[0]}[sci,2]"
        code, said, _ = run(demo.median, where, "--output-dir", out, *options, *more, "--clean", "--interp", "linear")
        assert code == 0, said
        given = {"rule": "plain", "snr": (6, 5), "scale": (2, 1.5), "grow": 1.5, "cte_tail": 3, "background": 0.5}
        how = {"read_noise": 4.0, "gain": 1.0, "overwrite": True, "parameters": skyblot.Parameters(interp="linear")}
        written = sorted(each.name for each in out.iterdir())
        assert len(written) == 4
        path = out / next(name for name in written if "crmask" in name)
        mask, header = read(path), fits.getheader(path)
        reject_files(demo.median, [where], out, criteria=given, exposures=7, **how)
        np.testing.assert_array_equal(mask, read(path))
        assert (header["CRRULE"], header["CRSNR1"], header["CRGROW"], header["CRBACK"]) == ("plain", 6, 1.5, 0.5)
        assert abs(header["CRTAIL"]) == 3

    def test_quiet(self, demo, run, out):
        assert run(demo.median, demo.exposures[0], "--output-dir", out, "-q") == (0, "", "")

    def test_the_only_exposure_that_fails_ends_with_2_and_its_sentence(self, demo, run, out):
        code, said, errors = run(demo.median, out / "none_flc.fits", "--output-dir", out)
        assert (code, said) == (2, "")
        assert errors == f"skyblot: error: {out}/none_flc.fits: no such file\n"

    def test_some_that_fail_end_with_1(self, demo, run, out):
        bad = out / "bad_flc.fits"
        bad.write_bytes(b"no FITS")
        code, said, errors = run(demo.median, bad, demo.exposures[0], "--output-dir", out)
        assert code == 1
        assert len(said.splitlines()) == 2
        assert errors.startswith(f"skyblot: error: {bad}: not a readable FITS file")
        assert len(errors.splitlines()) == 1

    def test_help_tells_what_it_does(self, run):
        code, said, _ = run("--help")
        assert code == 0
        for word in ("SOURCE EXPOSURE...", "--save-blots", "--update-dq", "--clean", "--rule", "--snr", "--interp"):
            assert word in said
