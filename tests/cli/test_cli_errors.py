"""The command line: for every bad input one sentence that names it, exit code 2, nothing written,
nothing changed.
"""

import os
import subprocess
import sys

import numpy as np
import pytest
import samples
from astropy.io import fits
from cli_lines import RAW, RESULT
from samples import digests, rewrite, tan_header, texture, write_sci

from skyblot.parameters.table import INTERPOLANTS


def change_source(change):
    return lambda source, reference: (
        rewrite(source, source.with_name("bad_med.fits"), change),
        reference,
    )


def change_reference(change):
    return lambda source, reference: (
        source,
        rewrite(reference, reference.with_name("bad_flt.fits"), change),
    )


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
        hdus["SCI"].header.update(
            dict(zip(("CD1_1", "CD1_2", "CD2_1", "CD2_2"), values, strict=True))
        )

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
    "missing source": (
        lambda s, r: (s.with_name("nowhere.fits"), r),
        (),
        ["nowhere.fits: no such file"],
    ),
    "missing reference": (
        lambda s, r: (s, r.with_name("nowhere.fits")),
        (),
        ["nowhere.fits: no such file"],
    ),
    "source is a folder": (lambda s, r: (s.parent, r), (), ["is a folder, expected a FITS file"]),
    "missing source extension": (
        lambda s, r: (f"{s}[sci,3]", r),
        (),
        ["med.fits", "[sci,3]", "it has [0], [sci,1]"],
    ),
    "missing reference extension": (
        lambda s, r: (s, f"{r}[err,1]"),
        (),
        ["one_flt.fits", "[err,1]", "[sci,1]"],
    ),
    "missing extension number": (
        lambda s, r: (s, f"{r}[7]"),
        (),
        ["one_flt.fits", "[7]", "[sci,1]"],
    ),
    "not an extension": (
        lambda s, r: (s, f"{r}[sci,one]"),
        (),
        ["one_flt.fits[sci,one]", "is not an extension"],
    ),
    "no pixels": (lambda s, r: (s, f"{r}[0]"), (), ["one_flt.fits[0]", "it has no pixels"]),
    "1-D source": (change_source(with_data(LINE)), (), ["bad_med.fits[sci,1]", "(30,)", "2-D"]),
    "3-D source": (
        change_source(with_data(CUBE)),
        (),
        ["bad_med.fits[sci,1]", "(2, 20, 24)", "2-D"],
    ),
    "1-D reference": (
        change_reference(with_data(LINE)),
        (),
        ["bad_flt.fits[sci,1]", "(30,)", "2-D"],
    ),
    "3-D reference": (
        change_reference(with_data(CUBE)),
        (),
        ["bad_flt.fits[sci,1]", "(2, 20, 24)", "2-D"],
    ),
    "source without WCS": (
        change_source(without_wcs),
        (),
        ["bad_med.fits[sci,1]", "no celestial WCS"],
    ),
    "reference without WCS": (
        change_reference(without_wcs),
        (),
        ["bad_flt.fits[sci,1]", "no celestial WCS"],
    ),
    "half a WCS": (
        change_source(with_card("SCI", "CTYPE2", "FREQ")),
        (),
        ["bad_med.fits[sci,1]", "WCS cannot be read"],
    ),
    "unknown interpolant": (
        None,
        ("--interp", "poly7"),
        ["--interp poly7: expected one of", *INTERPOLANTS, "closest: 'poly5'"],
    ),
    "negative stepsize": (
        None,
        ("--stepsize", "-3"),
        ["--stepsize -3: expected", "whole number, at least 0"],
    ),
    "fractional stepsize": (
        None,
        ("--stepsize", "2.5"),
        ["--stepsize 2.5: expected", "whole number, at least 0"],
    ),
    "no threads": (None, ("--threads", "0"), ["--threads 0: expected", "at least 1"]),
    "bad units": (
        None,
        ("--out-units", "electrons"),
        ["--out-units electrons: expected", "auto, cps, counts"],
    ),
    "bad declination": (None, ("--decref", "123"), ["--decref 123: expected", "at most 90"]),
    "unreadable source": (
        with_bytes(0, lambda _: RANDOM),
        (),
        ["bad_med.fits: not a readable FITS file"],
    ),
    "unreadable reference": (
        with_bytes(1, lambda _: RANDOM),
        (),
        ["bad_one_flt.fits: not a readable FITS file"],
    ),
    "empty source": (with_bytes(0, lambda _: b""), (), ["bad_med.fits: not a readable FITS file"]),
    "truncated source": (
        with_bytes(0, lambda c: c[: 2880 * 5]),
        (),
        ["bad_med.fits[sci,1]: truncated", "the file has 14400"],
    ),
    "truncated reference": (
        with_bytes(1, lambda c: c[: 2880 * 2 + 99]),
        (),
        ["bad_one_flt.fits[sci,1]: truncated"],
    ),
    "truncated header": (with_bytes(0, lambda c: c[:4000]), (), ["bad_med.fits"]),
    "missing exposure": (
        change_reference(without_card(0, "EXPTIME")),
        (),
        ["bad_flt.fits[sci,1]", "EXPTIME"],
    ),
    "missing source exposure": (None, COUNTS, ["med.fits[sci,1]", "EXPTIME or DRIZEXPT"]),
    "no such keyword": (None, ("--expkey", "myexp"), ["one_flt.fits[sci,1]", "MYEXP"]),
    "zero exposure": (
        change_reference(with_card(0, "EXPTIME", 0.0)),
        (),
        ["bad_flt.fits[sci,1]", "EXPTIME = 0.0"],
    ),
    "zero source exposure": (
        change_source(with_card(0, "EXPTIME", 0)),
        COUNTS,
        ["bad_med.fits[sci,1]", "EXPTIME = 0"],
    ),
    "negative exposure": (
        change_reference(with_card(0, "EXPTIME", -5.0)),
        (),
        ["bad_flt.fits", "EXPTIME = -5.0"],
    ),
    "NaN exposure": (with_bytes(1, raw_card("NaN")), (), ["bad_one_flt.fits[sci,1]", "EXPTIME"]),
    "NaN exposure as text": (
        change_reference(with_card(0, "EXPTIME", "NaN")),
        (),
        ["bad_flt.fits", "EXPTIME = 'NaN'"],
    ),
    "NaN expout": (None, ("--expout", "nan"), ["--expout nan: expected", "number of seconds > 0"]),
    "integers": (
        change_source(with_data(np.ones((60, 70), "i2"))),
        (),
        ["bad_med.fits[sci,1]", "dtype", "poly5", "nearest"],
    ),
    "singular source": (
        change_source(with_matrix(1e-5, 1e-5, 1e-5, 1e-5)),
        (),
        ["bad_med.fits[sci,1]", "singular"],
    ),
    "zero source": (
        change_source(with_matrix(0.0, 0.0, 0.0, 0.0)),
        (),
        ["bad_med.fits[sci,1]", "singular"],
    ),
    "singular reference": (
        change_reference(with_matrix(2e-5, 1e-5, 4e-5, 2e-5)),
        (),
        ["bad_flt.fits", "singular"],
    ),
    "zero row": (
        change_reference(with_matrix(1e-5, 1e-5, 0.0, 0.0)),
        (),
        ["bad_flt.fits[sci,1]", "singular"],
    ),
    "mixed units": (
        change_source(with_card("SCI", "BUNIT", "MJy/sr")),
        (),
        ["bad_med.fits", "MJy/sr", "converted"],
    ),
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
        (("-o", "{out}"), ["is a folder, expected a file name"]),
        (("-o", "{out}/old.fits"), ["old.fits: exists already", "--overwrite"]),
        (("-o", "{pair[0]}", "--overwrite"), ["med.fits: is an input file"]),
        (("-o", "{pair[1]}", "--overwrite"), ["one_flt.fits: is an input file"]),
        (("--output-dir", "{out}/old.fits"), ["old.fits: is no folder"]),
        (("--output-dir", "{out}/old.fits/new"), ["old.fits: is no folder"]),
    ],
)
def test_bad_output_is_one_line_that_names_it(run, pair, out, arguments, words):
    (out / "old.fits").write_text("precious")
    before = digests(pair[0].parent)
    code, text, errors = run(
        "blot", *pair, *(each.format(out=out, pair=pair) for each in arguments)
    )
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


@pytest.mark.parametrize(
    ("ra", "dec"), [(samples.RA + 1, samples.DEC), (samples.RA + 180, -samples.DEC)]
)
@pytest.mark.parametrize("fill", ["0", "-32.5", "nan"])
def test_disjoint_sky_is_a_warning_and_a_blot_of_fill_values(run, pair, out, ra, dec, fill):
    source = write_sci(out / "med.fits", texture((60, 70)), tan_header((60, 70), ra=ra, dec=dec))
    code, text, errors = run(
        "blot", source, pair[1], "-o", out / "blt.fits", "--fill-value", fill, *RAW
    )
    assert code == 0
    assert RESULT.fullmatch(text.strip())["percent"] == "0.0"
    assert errors.count("\n") == 1
    assert errors.startswith(f"warning: {source}[sci,1] does not overlap {pair[1]}[sci,1]")
    np.testing.assert_array_equal(
        fits.getdata(out / "blt.fits", "SCI"), np.full((20, 24), float(fill), "f4")
    )


def test_exposures_that_are_not_needed_may_be_bad(run, pair, out):
    _, reference = with_bytes(1, raw_card("NaN"))(*pair)
    code, _, errors = run("blot", pair[0], reference, "-o", out / "blt.fits", *RAW)
    assert (code, errors) == (0, "")
    assert fits.getdata(out / "blt.fits", "SCI").max() > 5


def test_debug_shows_the_traceback(pair, out):
    command = [
        sys.executable,
        "-m",
        "skyblot",
        "blot",
        *pair,
        "-o",
        out / "blt.fits",
        "--expkey",
        "nosuch",
    ]
    done = [
        subprocess.run([*command, *more], capture_output=True, text=True, check=False)
        for more in ((), ("--debug",))
    ]
    assert [each.returncode == 0 for each in done] == [False, False]
    assert "Traceback" not in done[0].stderr
    assert "Traceback (most recent call last)" in done[1].stderr
    assert "DataError: " in done[1].stderr
    assert os.listdir(out) == []


def test_a_bug_is_one_line_that_says_how_to_see_more(run, pair, out, monkeypatch):
    def break_down(*_, **__):
        raise ZeroDivisionError("two\nlines")

    monkeypatch.setattr("skyblot.steps.blot.write_blot", break_down)
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
