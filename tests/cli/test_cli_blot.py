"""The command line: what it prints, and what it writes."""

import logging
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits
from cli_lines import RESULT
from samples import CHIP_SHAPE, digests, read_wcs, rewrite, tan_header, world, write_sci
from terminals import on_a_terminal

from skyblot.cli.common import set_up_messages
from skyblot.parameters.table import TABLE

# What it does.


def test_blots_every_chip_and_prints_a_line_for_each_and_no_bar_in_a_pipe(demo, out):
    before = digests(demo.folder)
    command = [
        sys.executable,
        "-m",
        "skyblot",
        "blot",
        demo.median,
        *demo.exposures,
        "--output-dir",
        out,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=out)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("\n") == len(("headings", 1, 2, 3, 4, "totals", "summary"))
    roots = [path.name.removesuffix("_flc.fits") for path in demo.exposures]
    names = [f"{root}_sci{chip}_blt.fits" for root in roots for chip in (1, 2)]
    lines = [RESULT.fullmatch(line) for line in done.stdout.splitlines()]
    assert [(line["path"], line["ny"], line["nx"], line["percent"]) for line in lines] == [
        (str(out / name), "96", "160", "100.0") for name in names
    ]
    assert re.search(r"[\x1b\r\u2500-\u259f]", done.stdout + done.stderr) is None
    assert sorted(os.listdir(out)) == sorted(names)
    assert digests(demo.folder) == before
    for k, name in enumerate(names):
        expected = read_wcs(demo.exposures[k // 2], ("SCI", k % 2 + 1))
        np.testing.assert_array_equal(
            world(read_wcs(out / name), CHIP_SHAPE), world(expected, CHIP_SHAPE)
        )


def test_progress_bar_on_a_terminal(demo, out):
    command = [
        sys.executable,
        "-m",
        "skyblot",
        "blot",
        demo.median,
        *demo.exposures,
        "--output-dir",
        out,
    ]
    code, shown, text = on_a_terminal(command, pipe_stdout=True)
    assert code == 0
    assert "blotting" in shown
    assert "/4" in shown
    assert len([line for line in text.splitlines() if RESULT.fullmatch(line)]) == 4


def test_one_chip_to_a_named_file(run, demo, out):
    code, text, errors = run(
        "blot", demo.median, f"{demo.exposures[0]}[sci,2]", "-o", out / "mine.fits"
    )
    assert (code, errors) == (0, "")
    assert RESULT.fullmatch(text.strip())["path"] == str(out / "mine.fits")
    assert os.listdir(out) == ["mine.fits"]
    assert fits.getval(out / "mine.fits", "BLOTREF", "SCI") == f"{demo.exposures[0]}[sci,2]"


def test_one_name_for_two_chips_is_refused(run, demo, out):
    code, text, errors = run("blot", demo.median, demo.exposures[0], "-o", out / "mine.fits")
    assert (code, text) == (2, "")
    assert errors.startswith("skyblot: error: --output names one file, but there are 2 images")
    assert "[sci,1]" in errors
    assert "[sci,2]" in errors
    assert os.listdir(out) == []


def test_default_folder_is_the_current_one(run, pair, out, monkeypatch):
    monkeypatch.chdir(out)
    assert run("blot", *pair)[0] == 0
    assert os.listdir(out) == ["one_sci1_blt.fits"]


def test_quiet_prints_nothing(run, pair, out):
    header = tan_header((20, 24), BUNIT="counts")  # no sky: a warning
    reference = write_sci(out / "two_flt.fits", np.zeros((20, 24), "f4"), header, {"EXPTIME": 1.0})
    rewrite(pair[0], out / "med.fits", lambda hdus: hdus["SCI"].header.remove("MDRIZSKY"))
    assert run("blot", out / "med.fits", reference, "-o", out / "a.fits", "-q") == (0, "", "")
    code, text, errors = run("blot", out / "med.fits", reference, "-o", out / "b.fits")
    assert (code, len(text.splitlines())) == (0, 1)
    assert (
        errors == f"warning: {reference}[sci,1]: no sky value MDRIZSKY in its headers; "
        "sky 0 is added (--no-addsky says so)\n"
    )
    assert (out / "a.fits").is_file()


def test_errors_are_printed_even_if_quiet(run, pair, out):
    code, text, errors = run("blot", *pair, "-o", out / "a.fits", "-q", "--interp", "poly9")
    assert (code, text) == (2, "")
    assert errors.startswith("skyblot: error: --interp poly9: expected one of")


def test_verbose_says_what_is_done(run, pair, out):
    code, _, errors = run("blot", *pair, "-o", out / "a.fits", "-v")
    assert code == 0
    assert [line for line in errors.splitlines() if not line.startswith("compiling ")] == [
        f"{pair[0]}[sci,1]: a FITS file, 60 x 70",
        f"{pair[1]}[sci,1]: a FITS file, 20 x 24",
        f"{out / 'a.fits'}: written",
        f"{out / 'a.fits'}: {pair[0]}[sci,1] onto {pair[1]}[sci,1]",
    ]


def test_of_other_packages_only_warnings_are_shown(message_settings, capsys):
    set_up_messages(verbose=True, quiet=False, debug=False)
    for name in ("skyblot.part", "other.part"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.INFO)  # as some do for themselves
        logger.info(f"{name} told")
        logger.warning(f"{name} warned")
        logger.setLevel(logging.NOTSET)
    assert capsys.readouterr().err.splitlines() == [
        "skyblot.part told",
        "skyblot.part warned",
        "other.part warned",
    ]


def test_every_option_reaches_the_blot(run, pair, out):
    options = {
        "--interp": "sinc",
        "--sinscl": 0.8,
        "--stepsize": 4,
        "--tolerance": 0.002,
        "--fill-value": -1,
        "--skyval": -2.5,
        "--pixel-area": "yes",
        "--in-units": "counts",
        "--out-units": "counts",
        "--expkey": "texp",
        "--expout": 50,
        "--outscale": 0.06,
        "--orient": -10.5,
        "--raref": 53.1001,
        "--decref": -27.8001,
        "--xrefpix": 14.5,
        "--yrefpix": 12,
        "--outnx": 30,
        "--outny": 22,
    }
    assert {row.option for row in TABLE} - set(options) == {
        "--coeffs",
        "--addsky",
        "--as-is",
        "--wcs-key",
        "--photmjsr",
    }
    source = rewrite(pair[0], out / "med.fits", lambda hdus: hdus[0].header.set("TEXP", 20.0))
    flags = [str(word) for item in options.items() for word in item]
    code, text, errors = run(
        "blot", source, pair[1], "-o", out / "a.fits", "--no-addsky", "--no-coeffs", *flags
    )
    assert (code, errors) == (0, "")
    assert RESULT.fullmatch(text.strip()).group("ny", "nx") == ("22", "30")
    header, wcs = fits.getheader(out / "a.fits", "SCI"), read_wcs(out / "a.fits")
    names = ("INT", "SSCL", "STEP", "TOL", "FILL", "SKY", "IN", "OUT", "EXP")
    expected = ["sinc", 0.8, 4, 0.002, "-1.0", -2.5, "counts", "counts", 50.0]
    assert [header[f"BLOT{name}"] for name in names] == expected
    assert header["BLOTFACT"] == pytest.approx((0.06 / 0.05) ** 2 * 50 / 20, rel=1e-9)
    assert [*wcs.wcs.crval, *wcs.wcs.crpix] == [53.1001, -27.8001, 14.5, 12.0]
    matrix = wcs.pixel_scale_matrix * 3600 / 0.06
    assert np.degrees(np.arctan2(matrix[0, 1], matrix[1, 1])) == pytest.approx(-10.5)
    np.testing.assert_allclose(matrix @ matrix.T, np.eye(2), atol=1e-12)


@pytest.mark.parametrize(("flag", "sky"), [("--addsky", 7.0), ("--no-addsky", 1.5)])
def test_addsky(run, pair, out, flag, sky):
    reference = rewrite(
        pair[1], out / "two_flt.fits", lambda hdus: hdus["SCI"].header.set("MDRIZSKY", 7.0)
    )
    assert run("blot", pair[0], reference, "-o", out / "a.fits", flag, "--skyval", 1.5)[0] == 0
    assert fits.getval(out / "a.fits", "BLOTSKY", "SCI") == sky


def test_config_and_options_over_it(run, pair, out):
    config = out / "blot.cfg"
    config.write_text(
        'interpol = "linear"\nstepsize = 10\n[Data Scaling Parameters]\nin_units = cps # as is\n'
    )
    assert run("blot", *pair, "-o", out / "a.fits", "--config", config)[0] == 0
    assert (
        run(
            "blot",
            *pair,
            "-o",
            out / "b.fits",
            "--config",
            config,
            "--interp",
            "poly3",
            "--stepsize",
            0,
        )[0]
        == 0
    )
    headers = [fits.getheader(out / name, "SCI") for name in ("a.fits", "b.fits")]
    assert [(each["BLOTINT"], each["BLOTSTEP"], each["BLOTIN"]) for each in headers] == [
        ("linear", 10, "cps"),
        ("poly3", 1, "cps"),
    ]


def test_threads_do_not_change_the_values(run, demo, out):
    for threads in (1, 2):
        arguments = (
            "blot",
            demo.median,
            f"{demo.exposures[0]}[sci,1]",
            "-o",
            out / f"{threads}.fits",
        )
        assert run(*arguments, "--threads", threads)[0] == 0
    np.testing.assert_array_equal(
        *(fits.getdata(out / f"{threads}.fits", "SCI") for threads in (1, 2))
    )


def test_stepsize_0_and_1_are_exact_and_10_is_not(run, demo, out):
    for name in ("", "0", "1", "10"):
        step = ("--stepsize", name) if name else ()
        target = out / f"step{name}.fits"
        assert run("blot", demo.median, f"{demo.exposures[0]}[sci,1]", "-o", target, *step)[0] == 0
    exact, *same, coarse = (
        fits.getdata(out / f"step{name}.fits", "SCI") for name in ("", "0", "1", "10")
    )
    for each in same:
        np.testing.assert_array_equal(each, exact)
    assert np.abs(coarse - exact).max() > 0


@pytest.mark.parametrize("with_pictures", [True, False])
def test_demo(run, out, monkeypatch, with_pictures):
    # The real sizes take seconds; the folder that was asked for, and a smaller chip, are enough
    # here.
    monkeypatch.setattr("skyblot.demo.detector.SMALL_CHIP_SHAPE", (64, 128))
    if with_pictures:
        pytest.importorskip("jinja2", reason="the page needs jinja2")
        pytest.importorskip("matplotlib", reason="the page needs matplotlib")
    else:
        monkeypatch.setattr("skyblot.report.packages.find_spec", lambda name: None)
    code, text, errors = run("demo", out / "new" / "folder", "--seed", 3)
    assert code == 0
    # chips as small as these are dithered by a large part of their sides
    assert all("no other exposure covers" in line for line in errors.splitlines())
    assert (out / "new" / "folder" / "cleaned" / "skydemo_drc.fits").is_file()
    lines = text.splitlines()
    assert len([line for line in lines if RESULT.fullmatch(line)]) == 8
    assert any(line.startswith("The same by hand: skyblot blot ") for line in lines)
    assert len(list((out / "new" / "folder").glob("*_blt.fits"))) == 8
    page = out / "new" / "folder" / "cleaned.html"
    assert page.exists() == with_pictures
    assert lines[-2].startswith("written: ")
    look = (
        page if with_pictures else "nothing, a page of pictures needs pip install matplotlib jinja2"
    )
    assert lines[-1] == f"to look at: {look}"


# The second process compiles nothing.


WITH_COUNTERS = """
import sys
from skyblot.cli import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    assert not end.code, end.code
from skyblot.kernels.resample import interpolate
from skyblot.kernels.tangent import tangent_rows
for kernel in (interpolate, tangent_rows):
    print(sum(kernel.stats.cache_hits.values()), sum(kernel.stats.cache_misses.values()))
"""


def test_a_second_process_compiles_nothing(demo, tmp_path):
    command = [
        sys.executable,
        "-c",
        WITH_COUNTERS,
        "blot",
        demo.median,
        demo.exposures[0],
        "-q",
        "--overwrite",
    ]
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    counts = []
    for _ in range(2):
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment
        )
        assert done.returncode == 0, done.stderr
        counts.append([tuple(map(int, line.split())) for line in done.stdout.splitlines()])
    first, second = counts
    assert all(hits == 0 and misses > 0 for hits, misses in first)
    assert all(hits > 0 and misses == 0 for hits, misses in second)
