"""Cosmic rays in files: the command line."""

import re

import numpy as np
import pytest
from astropy.io import fits
from mask_files import read

import skyblot
from skyblot import reject_files
from skyblot.parameters.rules import RULES

RESULT = re.compile(
    r"(?P<path>\S+)  (?P<ny>\d+) x (?P<nx>\d+)  (?P<percent>\d+\.\d\d) % rejected"
    r"(  moved \([+-]\d\.\d{3}, [+-]\d\.\d{3}\) pixel)?(  flux ratio \d\.\d{3})?  \d+\.\d\d s"
)


class TestCommandLine:
    def test_a_line_for_each_mask(self, demo, made, run_reject, out):
        code, said, errors = run_reject(demo.median, *demo.exposures, "--output-dir", out)
        assert code == 0
        table, totals, summary = errors.splitlines()[:-2], *errors.splitlines()[-2:]
        assert len(table) == 1 + 4
        assert totals.startswith("4 masks to make, 0 kept; about ")
        assert summary.startswith("4 made, 0 kept, 0 failed, ")
        for line, result in zip(said.splitlines(), made[1], strict=True):
            match = RESULT.fullmatch(line)
            assert match, line
            assert match["path"] == str(out / result.path.name)
            assert float(match["percent"]) == pytest.approx(100 * result.fraction, abs=0.006)
            np.testing.assert_array_equal(read(out / result.path.name), read(result.path))

    def test_every_option_reaches_the_comparison(self, demo, run_reject, out):
        options = (
            "--rule plain --snr 6 5 --scale 2 1.5 --grow 1.5 --cte-tail 3 --background 0.5 "
            "--exposures 7 --read-noise 4 --gain 1 --save-blots --update-dq --clean --interp linear"
        )
        where = f"{demo.exposures[0]}[sci,2]"
        code, said, _ = run_reject(demo.median, where, "--output-dir", out, *options.split())
        assert code == 0, said
        given = {
            "rule": "plain",
            "snr": (6, 5),
            "scale": (2, 1.5),
            "grow": 1.5,
            "cte_tail": 3,
            "background": 0.5,
        }
        how = {
            "read_noise": 4.0,
            "gain": 1.0,
            "overwrite": True,
            "parameters": skyblot.Parameters(interp="linear"),
        }
        written = sorted(each.name for each in out.iterdir())
        assert len(written) == 4
        path = out / next(name for name in written if "crmask" in name)
        mask, header = read(path), fits.getheader(path)
        reject_files(demo.median, [where], out, criteria=given, exposures=7, **how)
        np.testing.assert_array_equal(mask, read(path))
        cards = [header[key] for key in ("CRRULE", "CRSNR1", "CRGROW", "CRBACK")]
        assert cards == ["plain", 6, 1.5, 0.5]
        assert abs(header["CRTAIL"]) == 3

    def test_quiet(self, demo, run_reject, out):
        assert run_reject(demo.median, demo.exposures[0], "--output-dir", out, "-q") == (0, "", "")

    def test_the_only_exposure_that_fails_ends_with_2_and_its_sentence(self, demo, run_reject, out):
        code, said, errors = run_reject(demo.median, out / "none_flc.fits", "--output-dir", out)
        assert (code, said) == (2, "")
        assert errors == f"skyblot: error: {out}/none_flc.fits: no such file\n"

    def test_some_that_fail_end_with_1(self, demo, run_reject, out):
        bad = out / "bad_flc.fits"
        bad.write_bytes(b"no FITS")
        code, said, errors = run_reject(demo.median, bad, demo.exposures[0], "--output-dir", out)
        assert code == 1
        assert len(said.splitlines()) == 2
        assert errors.startswith(f"skyblot: error: {bad}: not a readable FITS file")
        assert errors.splitlines()[-2].startswith("2 made, 0 kept, 1 failed, ")

    def test_help_tells_what_it_does(self, run_reject):
        code, said, _ = run_reject("--help")
        assert code == 0
        for word in (
            "SOURCE EXPOSURE...",
            "--save-blots",
            "--update-dq",
            "--clean",
            "--rule",
            "--snr",
            "--interp",
        ):
            assert word in said

    def test_help_tells_the_defaults_of_the_rule(self, run_reject):
        said = " ".join(run_reject("--help")[1].split())
        for pair in (RULES["skyblot"].snr, RULES["skyblot"].scale):
            assert "[default {:g} {:g}; with --rule plain the instrument's]".format(*pair) in said
