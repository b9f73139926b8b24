"""The command line of many exposures: the table before, the lines, the summary."""

import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from batch_lines import BLOTS, RESULT, SUMMARY
from samples import digests
from terminals import on_a_terminal

from skyblot import text
from skyblot.cli import plan_table


def test_a_table_before_and_a_summary_behind_the_lines(run, demo, out, undisturbed):
    code, text, errors = run("blot", demo.median, *demo.exposures, "--output-dir", out)
    assert code == 0
    results = [RESULT.fullmatch(line) for line in text.splitlines()]
    assert sorted(Path(line["path"]).name for line in results) == sorted(undisturbed)
    headings, *rows, totals, summary = errors.splitlines()
    assert tuple(headings.split()) == plan_table.HEADINGS
    chips = [(path.name, f"sci,{chip}") for path in demo.exposures for chip in (1, 2)]
    assert [tuple(row.split()[:2]) for row in rows] == chips
    assert all("  100.0 %  96 x 160  " in row for row in rows)
    assert totals.startswith(f"{BLOTS} blots to make, 0 kept; about ")
    size = sum(path.stat().st_size for path in out.iterdir())
    assert SUMMARY.fullmatch(summary).groups() == (str(BLOTS), "0", "0", f"{size / 1e6:.1f}")
    assert digests(out) == undisturbed


def test_the_window_of_the_table_is_where_the_exposure_lies(run, demo, out):
    ny, nx = fits.getdata(demo.median, "SCI").shape
    code, text, _ = run(
        "blot", demo.median, f"{demo.exposures[0]}[sci,2]", "--output-dir", out, "--dry-run"
    )
    assert code == 0
    y0, y1, x0, x1 = map(
        int, re.search(r"  (\d+):(\d+), (\d+):(\d+)$", text, re.MULTILINE).groups()
    )
    assert (
        run("blot", demo.median, f"{demo.exposures[0]}[sci,2]", "-o", out / "whole.fits", "-q")[0]
        == 0
    )
    with fits.open(demo.median) as hdus:
        outside = np.ones((ny, nx), bool)
        outside[y0:y1, x0:x1] = False
        hdus["SCI"].data[outside] = np.nan
        hdus.writeto(out / "masked.fits")
    assert (
        run(
            "blot",
            out / "masked.fits",
            f"{demo.exposures[0]}[sci,2]",
            "-o",
            out / "part.fits",
            "-q",
        )[0]
        == 0
    )
    np.testing.assert_array_equal(
        *(fits.getdata(out / name, "SCI") for name in ("whole.fits", "part.fits"))
    )


def test_dry_run_prints_the_table_and_writes_nothing(run, demo, out):
    arguments = ("blot", demo.median, *demo.exposures, "--output-dir", out, "--dry-run")
    code, text, errors = run(*arguments, "--log", out / "run.log")
    assert (code, errors) == (0, "")
    assert len(text.splitlines()) == 1 + BLOTS + 1
    assert text.splitlines()[-1].startswith(f"{BLOTS} blots to make")
    assert os.listdir(out) == []
    assert run(*arguments, "-q") == (0, "", "")


def test_dry_run_after_some_blots_counts_what_is_kept(run, demo, out):
    assert run("blot", demo.median, demo.exposures[0], "--output-dir", out)[0] == 0
    before = digests(out)
    code, text, _ = run(
        "blot", demo.median, *demo.exposures[:2], "--output-dir", out, "--dry-run", "--resume"
    )
    assert code == 0
    assert text.splitlines()[-1].startswith("2 blots to make, 2 kept")
    code, text, errors = run(
        "blot", demo.median, *demo.exposures[:2], "--output-dir", out, "--dry-run"
    )
    assert (code, text) == (2, "")
    assert "exists already" in errors
    assert digests(out) == before


def test_dry_run_names_what_cannot_be_blotted(run, demo, bad, out):
    code, text, errors = run(
        "blot", demo.median, demo.exposures[0], bad, "--output-dir", out, "--dry-run"
    )
    assert code == 1
    assert re.fullmatch(
        r"skyblot: error: \S+bad_flc\.fits\[sci,2\]: its WCS cannot be read.*\n", errors
    )
    assert text.splitlines()[-1].startswith("3 blots to make")


@pytest.mark.parametrize("name", ["{}", "{}[sci,1]"])
def test_one_exposure_has_neither_table_nor_summary(run, demo, out, name):
    code, text, errors = run(
        "blot", demo.median, name.format(demo.exposures[0]), "--output-dir", out
    )
    assert (code, errors) == (0, "")
    assert len(text.splitlines()) == len(os.listdir(out))


def test_quiet_prints_failures_only(run, demo, bad, out):
    assert run("blot", demo.median, *demo.exposures[:2], "--output-dir", out, "-q") == (0, "", "")
    code, text, errors = run(
        "blot", demo.median, bad, *demo.exposures[:2], "--output-dir", out, "-q", "--resume"
    )
    assert (code, text) == (1, "")
    assert re.fullmatch(
        r"skyblot: error: \S+bad_flc\.fits\[sci,2\]: its WCS cannot be read.*\n", errors
    )


@pytest.mark.parametrize("more", [(), ("-v",), ("--dry-run",)])
def test_terminal(demo, out, more):
    command = [
        sys.executable,
        "-m",
        "skyblot",
        "blot",
        demo.median,
        *demo.exposures,
        "--output-dir",
        out,
        *more,
    ]
    code, shown, _ = on_a_terminal(command)
    assert code == 0
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)
    assert re.search(r"[│┃] exposure +[│┃] extension", plain)
    cells = {(path.name, chip) for path in demo.exposures for chip in "12"}
    seen = set(re.findall(r"│ (\S+) +│ sci,([12]) ", plain))
    assert seen == cells if more else seen < cells
    assert (f"... and {BLOTS - 15} more" in plain) == (not more)
    if more == ("--dry-run",):
        assert os.listdir(out) == []
        return
    lines = plain.replace("\r", "\n").splitlines()
    assert len([line for line in lines if RESULT.fullmatch(line)]) == BLOTS
    assert f"/{BLOTS}" in plain
    assert re.search(r"blotting .*\d/(s|min) ", plain)
    assert any(SUMMARY.fullmatch(line) for line in lines)


ROWS = [(f"x{number}_flc.fits", "sci,1", "5.0 %", "2 x 3", "none") for number in range(100)]


def test_a_long_table_is_shortened():
    assert plan_table.shortened(ROWS[:16]) == ROWS[:16]
    short = plan_table.shortened(ROWS)
    assert short == [*ROWS[:10], ("... and 85 more", "", "", "", ""), *ROWS[-5:]]


def test_a_plain_table_is_aligned():
    lines = plan_table.plain_table(
        [("a.fits", "sci,1", "100.0 %", "51 x 1024", "0:9, 0:9"), ROWS[0]]
    ).splitlines()
    assert lines == [
        "exposure     extension  overlap       size  window",
        "a.fits       sci,1      100.0 %  51 x 1024  0:9, 0:9",
        "x0_flc.fits  sci,1        5.0 %      2 x 3  none",
    ]


def test_exposures_of_two_folders_are_told_apart(run, demo, out, tmp_path):
    other = tmp_path / "elsewhere" / "other_flc.fits"
    other.parent.mkdir()
    other.symlink_to(demo.exposures[0])
    code, text, _ = run(
        "blot", demo.median, demo.exposures[1], other, "--output-dir", out, "--dry-run"
    )
    assert code == 0
    assert [line.split()[0] for line in text.splitlines()[1:-1:2]] == [
        str(demo.exposures[1]),
        str(other),
    ]


def test_sizes_and_durations():
    sizes = [text.size_text(size) for size in (0, 12_345_678, 4_500_000_000)]
    assert sizes == ["0.0 MB", "12.3 MB", "4.5 GB"]
    durations = [text.duration_text(seconds) for seconds in (0.04, 59.9, 60, 3629, 7500)]
    assert durations == ["0.0 s", "59.9 s", "1 min", "1 h 0 min", "2 h 5 min"]
