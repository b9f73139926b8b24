"""The command line: what it prints, what it writes, and one sentence for every bad input."""

import logging
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import samples
from astropy.io import fits
from samples import CHIP_SHAPE, digests, read_wcs, rewrite, tan_header, texture, world, write_sci
from terminals import on_a_terminal

from skyblot import __version__
from skyblot.cli.common import set_up_messages
from skyblot.demo import make_demo
from skyblot.parameters import INTERPOLANTS, TABLE

RAW = ("--in-units", "cps", "--out-units", "cps", "--no-addsky")
#: file, shape, percent, seconds
RESULT = re.compile(r"(?P<path>\S+)  (?P<ny>\d+) x (?P<nx>\d+)  (?P<percent>\d+\.\d) % covered  \d+\.\d\d s")


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    return make_demo(tmp_path_factory.mktemp("demo"), exposures=2, chip_shape=CHIP_SHAPE)


@pytest.fixture
def pair(tmp_path):
    """A source and a reference inside it, in a folder of their own."""
    folder = tmp_path / "in"
    folder.mkdir()
    source = write_sci(folder / "med.fits", texture((60, 70)), tan_header((60, 70), BUNIT="counts/s", MDRIZSKY=0.0))
    header = tan_header((20, 24), ra=samples.RA + 3.3e-5, BUNIT="counts", MDRIZSKY=0.0)
    return source, write_sci(folder / "one_flt.fits", np.zeros((20, 24), "f4"), header, {"EXPTIME": 100.0})


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


# Help.


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_lists_the_commands(run, option):
    code, text, errors = run(option)
    assert (code, errors) == (0, "")
    assert "Usage: skyblot " in text
    assert re.search(r"^  blot +Blot a mosaic", text, re.MULTILINE)
    assert re.search(r"^  demo +Make a synthetic", text, re.MULTILINE)


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_of_blot_lists_every_parameter_with_its_choices_and_default(run, option):
    code, text, errors = run("blot", option)
    assert (code, errors) == (0, "")
    words = " ".join(text.split())
    for row in TABLE:
        assert re.search(rf"^ +{row.option}\b", text, re.MULTILINE), row.option
        assert row.help in words
        assert ", ".join(row.choices) in words
        if row.kind == "bool":
            assert f"--no-{row.option[2:]}" in text
        elif row.default is not None:
            assert re.search(rf"{row.option} [^-]*default {row.default}\]", words), row.option
    for name in ("-o, --output ", "--output-dir", "--config", "--overwrite", "--threads", "-v, ", "-q, ", "--debug"):
        assert name in text


def test_help_of_demo(run):
    code, text, _ = run("demo", "--help")
    assert code == 0
    assert "--full-size" in text


def test_version(run):
    assert run("--version") == (0, f"skyblot {__version__}\n", "")


@pytest.mark.parametrize(
    "arguments", [(), ("blot",), ("blot", "one.fits"), ("blott",), ("blot", "a", "b", "--interpp")]
)
def test_wrong_usage_is_exit_code_2_without_traceback(run, arguments):
    code, _, errors = run(*arguments)
    assert code == 2
    assert "Traceback" not in errors
    assert "Usage: skyblot" in errors or "No such" in errors


# What it does.


def test_blots_every_chip_and_prints_a_line_for_each_and_no_bar_in_a_pipe(demo, out):
    before = digests(demo.folder)
    command = [sys.executable, "-m", "skyblot", "blot", demo.median, *demo.exposures, "--output-dir", out]
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
        np.testing.assert_array_equal(world(read_wcs(out / name), CHIP_SHAPE), world(expected, CHIP_SHAPE))


def test_progress_bar_on_a_terminal(demo, out):
    command = [sys.executable, "-m", "skyblot", "blot", demo.median, *demo.exposures, "--output-dir", out]
    code, shown, text = on_a_terminal(command, pipe_stdout=True)
    assert code == 0
    assert "blotting" in shown
    assert "/4" in shown
    assert len([line for line in text.splitlines() if RESULT.fullmatch(line)]) == 4


def test_one_chip_to_a_named_file(run, demo, out):
    code, text, errors = run("blot", demo.median, f"{demo.exposures[0]}[sci,2]", "-o", out / "mine.fits")
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
        errors
        == f"warning: {reference}[sci,1]: no sky value MDRIZSKY in its headers; sky 0 is added (--no-addsky says so)\n"
    )
    assert (out / "a.fits").is_file()


def test_errors_are_printed_even_if_quiet(run, pair, out):
    code, text, errors = run("blot", *pair, "-o", out / "a.fits", "-q", "--interp", "poly9")
    assert (code, text) == (2, "")
    assert errors.startswith("skyblot: error: interp = 'poly9'")


def test_verbose_says_what_is_done(run, pair, out):
    code, _, errors = run("blot", *pair, "-o", out / "a.fits", "-v")
    assert code == 0
    assert errors == f"{out / 'a.fits'}: {pair[0]}[sci,1] onto {pair[1]}[sci,1]\n"


def test_of_other_packages_only_warnings_are_shown(message_settings, capsys):
    set_up_messages(verbose=True, quiet=False, debug=False)
    for name in ("skyblot.part", "other.part"):
        logger = logging.getLogger(name)
        logger.setLevel(logging.INFO)  # as some do for themselves
        logger.info(f"{name} told")
        logger.warning(f"{name} warned")
        logger.setLevel(logging.NOTSET)
    assert capsys.readouterr().err.splitlines() == ["skyblot.part told", "skyblot.part warned", "other.part warned"]


def test_every_option_reaches_the_blot(run, pair, out):
    options = {
        "--interp": "sinc",
        "--sinscl": 0.8,
        "--stepsize": 4,
        "--tolerance": 0.002,
        "--fill-value": -1,
        "--skyval": -2.5,
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
    assert {row.option for row in TABLE} - set(options) == {"--coeffs", "--addsky"}
    source = rewrite(pair[0], out / "med.fits", lambda hdus: hdus[0].header.set("TEXP", 20.0))
    flags = [str(word) for item in options.items() for word in item]
    code, text, errors = run("blot", source, pair[1], "-o", out / "a.fits", "--no-addsky", "--no-coeffs", *flags)
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
    reference = rewrite(pair[1], out / "two_flt.fits", lambda hdus: hdus["SCI"].header.set("MDRIZSKY", 7.0))
    assert run("blot", pair[0], reference, "-o", out / "a.fits", flag, "--skyval", 1.5)[0] == 0
    assert fits.getval(out / "a.fits", "BLOTSKY", "SCI") == sky


def test_config_and_options_over_it(run, pair, out):
    config = out / "blot.cfg"
    config.write_text('interpol = "linear"\nstepsize = 10\n[Data Scaling Parameters]\nin_units = cps # as is\n')
    assert run("blot", *pair, "-o", out / "a.fits", "--config", config)[0] == 0
    assert run("blot", *pair, "-o", out / "b.fits", "--config", config, "--interp", "poly3", "--stepsize", 0)[0] == 0
    headers = [fits.getheader(out / name, "SCI") for name in ("a.fits", "b.fits")]
    assert [(each["BLOTINT"], each["BLOTSTEP"], each["BLOTIN"]) for each in headers] == [
        ("linear", 10, "cps"),
        ("poly3", 1, "cps"),
    ]


def test_threads_do_not_change_the_values(run, demo, out):
    for threads in (1, 2):
        arguments = ("blot", demo.median, f"{demo.exposures[0]}[sci,1]", "-o", out / f"{threads}.fits")
        assert run(*arguments, "--threads", threads)[0] == 0
    np.testing.assert_array_equal(*(fits.getdata(out / f"{threads}.fits", "SCI") for threads in (1, 2)))


def test_stepsize_0_and_1_are_exact_and_10_is_not(run, demo, out):
    for name in ("", "0", "1", "10"):
        step = ("--stepsize", name) if name else ()
        target = out / f"step{name}.fits"
        assert run("blot", demo.median, f"{demo.exposures[0]}[sci,1]", "-o", target, *step)[0] == 0
    exact, *same, coarse = (fits.getdata(out / f"step{name}.fits", "SCI") for name in ("", "0", "1", "10"))
    for each in same:
        np.testing.assert_array_equal(each, exact)
    assert np.abs(coarse - exact).max() > 0


def test_demo(run, out, monkeypatch):
    # The real sizes take seconds; the folder that was asked for, and a smaller chip, are enough here.
    monkeypatch.setattr("skyblot.demo.detector.SMALL_CHIP_SHAPE", (64, 128))
    code, text, errors = run("demo", out / "new" / "folder", "--seed", 3)
    assert (code, errors) == (0, "")
    lines = text.splitlines()
    assert len([line for line in lines if RESULT.fullmatch(line)]) == 8
    assert lines[-1].startswith("The same by hand: skyblot blot ")
    assert len(list((out / "new" / "folder").glob("*_blt.fits"))) == 8


# Bad input: one sentence that names it, exit code 2, nothing written, nothing changed.


def change_source(change):
    return lambda source, reference: (rewrite(source, source.with_name("bad_med.fits"), change), reference)


def change_reference(change):
    return lambda source, reference: (source, rewrite(reference, reference.with_name("bad_flt.fits"), change))


def with_data(data):
    def change(hdus):
        hdus["SCI"] = fits.ImageHDU(data, hdus["SCI"].header, name="SCI")

    return change


def without_wcs(hdus):
    for keyword in ("CTYPE1", "CTYPE2", "CRVAL1", "CRVAL2"):
        del hdus["SCI"].header[keyword]


def with_card(index, keyword, value):
    return lambda hdus: hdus[index].header.set(keyword, value)


def without_card(index, keyword):
    return lambda hdus: hdus[index].header.remove(keyword)


def with_matrix(*values):
    def change(hdus):
        hdus["SCI"].header.update(dict(zip(("CD1_1", "CD1_2", "CD2_1", "CD2_2"), values, strict=True)))

    return change


def with_bytes(which, change):
    def make(*pair):
        pair = list(pair)
        path = pair[which].with_name(f"bad_{pair[which].name}")
        path.write_bytes(change(pair[which].read_bytes()))
        pair[which] = path
        return tuple(pair)

    return make


def raw_card(text):
    def change(content):
        place = content.index(b"EXPTIME =")
        return content[:place] + f"EXPTIME = {text:>20}".ljust(80).encode() + content[place + 80 :]

    return change


RANDOM = np.random.default_rng(5).bytes(20000)
COUNTS = ("--in-units", "counts", "--out-units", "counts")
LINE, CUBE = np.zeros(30, "f4"), np.zeros((2, 20, 24), "f4")

#: Inputs made from a good pair, options, and what the message must hold.
BAD = {
    "missing source": (lambda s, r: (s.with_name("nowhere.fits"), r), (), ["nowhere.fits: no such file"]),
    "missing reference": (lambda s, r: (s, r.with_name("nowhere.fits")), (), ["nowhere.fits: no such file"]),
    "source is a folder": (lambda s, r: (s.parent, r), (), ["is a folder, expected a FITS file"]),
    "missing source extension": (lambda s, r: (f"{s}[sci,3]", r), (), ["med.fits", "[sci,3]", "it has [0], [sci,1]"]),
    "missing reference extension": (lambda s, r: (s, f"{r}[err,1]"), (), ["one_flt.fits", "[err,1]", "[sci,1]"]),
    "missing extension number": (lambda s, r: (s, f"{r}[7]"), (), ["one_flt.fits", "[7]", "[sci,1]"]),
    "not an extension": (lambda s, r: (s, f"{r}[sci,one]"), (), ["one_flt.fits[sci,one]", "is not an extension"]),
    "no pixels": (lambda s, r: (s, f"{r}[0]"), (), ["one_flt.fits[0]", "it has no pixels"]),
    "1-D source": (change_source(with_data(LINE)), (), ["bad_med.fits[sci,1]", "(30,)", "2-D"]),
    "3-D source": (change_source(with_data(CUBE)), (), ["bad_med.fits[sci,1]", "(2, 20, 24)", "2-D"]),
    "1-D reference": (change_reference(with_data(LINE)), (), ["bad_flt.fits[sci,1]", "(30,)", "2-D"]),
    "3-D reference": (change_reference(with_data(CUBE)), (), ["bad_flt.fits[sci,1]", "(2, 20, 24)", "2-D"]),
    "source without WCS": (change_source(without_wcs), (), ["bad_med.fits[sci,1]", "no celestial WCS"]),
    "reference without WCS": (change_reference(without_wcs), (), ["bad_flt.fits[sci,1]", "no celestial WCS"]),
    "half a WCS": (
        change_source(with_card("SCI", "CTYPE2", "FREQ")),
        (),
        ["bad_med.fits[sci,1]", "WCS cannot be read"],
    ),
    "unknown interpolant": (None, ("--interp", "poly7"), ["interp = 'poly7'", *INTERPOLANTS, "closest: 'poly5'"]),
    "negative stepsize": (None, ("--stepsize", "-3"), ["stepsize = '-3'", "whole number, at least 0"]),
    "fractional stepsize": (None, ("--stepsize", "2.5"), ["stepsize = '2.5'", "whole number, at least 0"]),
    "no threads": (None, ("--threads", "0"), ["threads = 0", "at least 1"]),
    "bad units": (None, ("--out-units", "electrons"), ["out_units = 'electrons'", "auto, cps, counts"]),
    "bad declination": (None, ("--decref", "123"), ["decref = '123'", "at most 90"]),
    "unreadable source": (with_bytes(0, lambda _: RANDOM), (), ["bad_med.fits: not a readable FITS file"]),
    "unreadable reference": (with_bytes(1, lambda _: RANDOM), (), ["bad_one_flt.fits: not a readable FITS file"]),
    "empty source": (with_bytes(0, lambda _: b""), (), ["bad_med.fits: not a readable FITS file"]),
    "truncated source": (
        with_bytes(0, lambda c: c[: 2880 * 5]),
        (),
        ["bad_med.fits[sci,1]: truncated", "the file has 14400"],
    ),
    "truncated reference": (with_bytes(1, lambda c: c[: 2880 * 2 + 99]), (), ["bad_one_flt.fits[sci,1]: truncated"]),
    "truncated header": (with_bytes(0, lambda c: c[:4000]), (), ["bad_med.fits"]),
    "missing exposure": (change_reference(without_card(0, "EXPTIME")), (), ["bad_flt.fits[sci,1]", "EXPTIME"]),
    "missing source exposure": (None, COUNTS, ["med.fits[sci,1]", "EXPTIME or DRIZEXPT"]),
    "no such keyword": (None, ("--expkey", "myexp"), ["one_flt.fits[sci,1]", "MYEXP"]),
    "zero exposure": (change_reference(with_card(0, "EXPTIME", 0.0)), (), ["bad_flt.fits[sci,1]", "EXPTIME = 0.0"]),
    "zero source exposure": (change_source(with_card(0, "EXPTIME", 0)), COUNTS, ["bad_med.fits[sci,1]", "EXPTIME = 0"]),
    "negative exposure": (change_reference(with_card(0, "EXPTIME", -5.0)), (), ["bad_flt.fits", "EXPTIME = -5.0"]),
    "NaN exposure": (with_bytes(1, raw_card("NaN")), (), ["bad_one_flt.fits[sci,1]", "EXPTIME"]),
    "NaN exposure as text": (change_reference(with_card(0, "EXPTIME", "NaN")), (), ["bad_flt.fits", "EXPTIME = 'NaN'"]),
    "NaN expout": (None, ("--expout", "nan"), ["expout = 'nan'", "number of seconds > 0"]),
    "integers": (
        change_source(with_data(np.ones((60, 70), "i2"))),
        (),
        ["bad_med.fits[sci,1]", "dtype", "poly5", "nearest"],
    ),
    "singular source": (change_source(with_matrix(1e-5, 1e-5, 1e-5, 1e-5)), (), ["bad_med.fits[sci,1]", "singular"]),
    "zero source": (change_source(with_matrix(0.0, 0.0, 0.0, 0.0)), (), ["bad_med.fits[sci,1]", "singular"]),
    "singular reference": (change_reference(with_matrix(2e-5, 1e-5, 4e-5, 2e-5)), (), ["bad_flt.fits", "singular"]),
    "zero row": (change_reference(with_matrix(1e-5, 1e-5, 0.0, 0.0)), (), ["bad_flt.fits[sci,1]", "singular"]),
    "mixed units": (change_source(with_card("SCI", "BUNIT", "MJy/sr")), (), ["bad_med.fits", "MJy/sr", "converted"]),
    "missing config": (None, ("--config", "no.cfg"), ["no.cfg: no such file"]),
    "config is FITS": (lambda s, r: (s, r, "--config", s), (), ["med.fits"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_that_names_it(run, pair, out, case):
    make, options, words = BAD[case]
    inputs = pair if make is None else make(*pair)
    before = digests(pair[0].parent)
    code, text, errors = run("blot", *inputs, *options, "-o", out / "blt.fits")
    assert (code, text) == (2, ""), errors
    assert errors.startswith("skyblot: error: ")
    assert errors.count("\n") == 1
    assert errors.endswith("\n")
    assert [word for word in words if word not in errors] == [], errors
    assert "Traceback" not in errors
    assert os.listdir(out) == []
    assert digests(pair[0].parent) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-o", "{out}/no/such/blt.fits"), ["no/such/blt.fits", "the folder", "does not exist"]),
        (("--output-dir", "{out}/nowhere"), ["nowhere", "does not exist"]),
        (("-o", "{out}"), ["is a folder, expected a file name"]),
        (("-o", "{out}/old.fits"), ["old.fits: exists already", "--overwrite"]),
        (("-o", "{pair[0]}", "--overwrite"), ["med.fits: is an input file"]),
        (("-o", "{pair[1]}", "--overwrite"), ["one_flt.fits: is an input file"]),
        (("--output-dir", "{out}/old.fits"), ["does not exist"]),
    ],
)
def test_bad_output_is_one_line_that_names_it(run, pair, out, arguments, words):
    (out / "old.fits").write_text("precious")
    before = digests(pair[0].parent)
    code, text, errors = run("blot", *pair, *(each.format(out=out, pair=pair) for each in arguments))
    assert (code, text) == (2, "")
    assert errors.startswith("skyblot: error: ")
    assert errors.count("\n") == 1
    assert [word for word in words if word not in errors] == [], errors
    assert os.listdir(out) == ["old.fits"]
    assert (out / "old.fits").read_text() == "precious"
    assert digests(pair[0].parent) == before


def test_overwrite(run, pair, out):
    (out / "old.fits").write_text("not precious")
    assert run("blot", *pair, "-o", out / "old.fits", "--overwrite")[0] == 0
    assert fits.getdata(out / "old.fits", "SCI").shape == (20, 24)


@pytest.mark.parametrize(("ra", "dec"), [(samples.RA + 1, samples.DEC), (samples.RA + 180, -samples.DEC)])
@pytest.mark.parametrize("fill", ["0", "-32.5", "nan"])
def test_disjoint_sky_is_a_warning_and_a_blot_of_fill_values(run, pair, out, ra, dec, fill):
    source = write_sci(out / "med.fits", texture((60, 70)), tan_header((60, 70), ra=ra, dec=dec))
    code, text, errors = run("blot", source, pair[1], "-o", out / "blt.fits", "--fill-value", fill, *RAW)
    assert code == 0
    assert RESULT.fullmatch(text.strip())["percent"] == "0.0"
    assert errors.count("\n") == 1
    assert errors.startswith(f"warning: {source}[sci,1] does not overlap {pair[1]}[sci,1]")
    np.testing.assert_array_equal(fits.getdata(out / "blt.fits", "SCI"), np.full((20, 24), float(fill), "f4"))


def test_exposures_that_are_not_needed_may_be_bad(run, pair, out):
    _, reference = with_bytes(1, raw_card("NaN"))(*pair)
    code, _, errors = run("blot", pair[0], reference, "-o", out / "blt.fits", *RAW)
    assert (code, errors) == (0, "")
    assert fits.getdata(out / "blt.fits", "SCI").max() > 5


def test_debug_shows_the_traceback(pair, out):
    command = [sys.executable, "-m", "skyblot", "blot", *pair, "-o", out / "blt.fits", "--expkey", "nosuch"]
    done = [
        subprocess.run([*command, *more], capture_output=True, text=True, check=False) for more in ((), ("--debug",))
    ]
    assert [each.returncode == 0 for each in done] == [False, False]
    assert "Traceback" not in done[0].stderr
    assert "Traceback (most recent call last)" in done[1].stderr
    assert "DataError: " in done[1].stderr
    assert os.listdir(out) == []


def test_a_bug_is_one_line_that_says_how_to_see_more(run, pair, out, monkeypatch):
    def break_down(*_, **__):
        raise ZeroDivisionError("two\nlines")

    monkeypatch.setattr("skyblot.exposure.write_blot", break_down)
    code, text, errors = run("blot", *pair, "-o", out / "blt.fits")
    assert (code, text) == (3, "")
    assert errors == "skyblot: internal error, ZeroDivisionError: two lines (--debug shows where)\n"


def test_interruption_leaves_nothing(run, pair, out, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupt)
    code, text, errors = run("blot", *pair, "-o", out / "blt.fits")
    assert (code, text, errors.strip()) == (130, "", "skyblot: interrupted")
    assert os.listdir(out) == []


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
    command = [sys.executable, "-c", WITH_COUNTERS, "blot", demo.median, demo.exposures[0], "-q", "--overwrite"]
    environment = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    counts = []
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path, env=environment)
        assert done.returncode == 0, done.stderr
        counts.append([tuple(map(int, line.split())) for line in done.stdout.splitlines()])
    first, second = counts
    assert all(hits == 0 and misses > 0 for hits, misses in first)
    assert all(hits > 0 and misses == 0 for hits, misses in second)
