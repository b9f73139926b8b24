"""The command line of many exposures: the table, the lines, the log, exit codes, and interruptions."""

import json
import os
import re
import select
import signal
import subprocess
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from samples import CHIP_SHAPE, digests, rewrite
from terminals import on_a_terminal

from skyblot import __version__
from skyblot.cli import plan_table
from skyblot.cli.signals import interruptible
from skyblot.demo import make_demo

EXPOSURES = 9
BLOTS = 2 * EXPOSURES
RESULT = re.compile(r"(?P<path>\S+)  96 x 160  100\.0 % covered  (?P<end>kept|\d+\.\d\d s)")
SUMMARY = re.compile(r"(\d+) made, (\d+) kept, (\d+) failed, (\d+\.\d) MB written in \d+\.\d s")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return make_demo(tmp_path_factory.mktemp("demo"), exposures=EXPOSURES, chip_shape=CHIP_SHAPE)


@pytest.fixture(scope="module")
def undisturbed(demo, tmp_path_factory):
    """The blots of a run that nothing disturbs, by name."""
    out = tmp_path_factory.mktemp("undisturbed")
    command = [sys.executable, "-m", "skyblot", "blot", demo.median, *demo.exposures, "--output-dir", out, "-q"]
    subprocess.run(command, check=True)
    return digests(out)


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def bad(demo, tmp_path):
    """An exposure whose second chip has lost its WCS."""

    def lose_wcs(hdus):
        for keyword in ("CTYPE1", "CTYPE2"):
            del hdus["SCI", 2].header[keyword]

    return rewrite(demo.exposures[1], tmp_path / "bad_flc.fits", lose_wcs)


def events(log):
    """The events in a log: JSON without NaN, each with the time at which it was written."""
    found = [json.loads(line, parse_constant=pytest.fail) for line in log.read_text().splitlines()]
    for event in found:
        assert datetime.fromisoformat(event.pop("time")).utcoffset() == timedelta(0)
    return found


# The table, the lines, the summary.


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
    code, text, _ = run("blot", demo.median, f"{demo.exposures[0]}[sci,2]", "--output-dir", out, "--dry-run")
    assert code == 0
    y0, y1, x0, x1 = map(int, re.search(r"  (\d+):(\d+), (\d+):(\d+)$", text, re.MULTILINE).groups())
    assert run("blot", demo.median, f"{demo.exposures[0]}[sci,2]", "-o", out / "whole.fits", "-q")[0] == 0
    with fits.open(demo.median) as hdus:
        outside = np.ones((ny, nx), bool)
        outside[y0:y1, x0:x1] = False
        hdus["SCI"].data[outside] = np.nan
        hdus.writeto(out / "masked.fits")
    assert run("blot", out / "masked.fits", f"{demo.exposures[0]}[sci,2]", "-o", out / "part.fits", "-q")[0] == 0
    np.testing.assert_array_equal(*(fits.getdata(out / name, "SCI") for name in ("whole.fits", "part.fits")))


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
    code, text, _ = run("blot", demo.median, *demo.exposures[:2], "--output-dir", out, "--dry-run", "--resume")
    assert code == 0
    assert text.splitlines()[-1].startswith("2 blots to make, 2 kept")
    code, text, errors = run("blot", demo.median, *demo.exposures[:2], "--output-dir", out, "--dry-run")
    assert (code, text) == (2, "")
    assert "exists already" in errors
    assert digests(out) == before


def test_dry_run_names_what_cannot_be_blotted(run, demo, bad, out):
    code, text, errors = run("blot", demo.median, demo.exposures[0], bad, "--output-dir", out, "--dry-run")
    assert code == 1
    assert re.fullmatch(r"skyblot: error: \S+bad_flc\.fits\[sci,2\]: its WCS cannot be read.*\n", errors)
    assert text.splitlines()[-1].startswith("3 blots to make")


@pytest.mark.parametrize("name", ["{}", "{}[sci,1]"])
def test_one_exposure_has_neither_table_nor_summary(run, demo, out, name):
    code, text, errors = run("blot", demo.median, name.format(demo.exposures[0]), "--output-dir", out)
    assert (code, errors) == (0, "")
    assert len(text.splitlines()) == len(os.listdir(out))


def test_quiet_prints_failures_only(run, demo, bad, out):
    assert run("blot", demo.median, *demo.exposures[:2], "--output-dir", out, "-q") == (0, "", "")
    code, text, errors = run("blot", demo.median, bad, *demo.exposures[:2], "--output-dir", out, "-q", "--resume")
    assert (code, text) == (1, "")
    assert re.fullmatch(r"skyblot: error: \S+bad_flc\.fits\[sci,2\]: its WCS cannot be read.*\n", errors)


@pytest.mark.parametrize("more", [(), ("-v",), ("--dry-run",)])
def test_terminal(demo, out, more):
    command = [sys.executable, "-m", "skyblot", "blot", demo.median, *demo.exposures, "--output-dir", out, *more]
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
    lines = plan_table.plain_table([("a.fits", "sci,1", "100.0 %", "51 x 1024", "0:9, 0:9"), ROWS[0]]).splitlines()
    assert lines == [
        "exposure     extension  overlap       size  window",
        "a.fits       sci,1      100.0 %  51 x 1024  0:9, 0:9",
        "x0_flc.fits  sci,1        5.0 %      2 x 3  none",
    ]


def test_exposures_of_two_folders_are_told_apart(run, demo, out, tmp_path):
    other = tmp_path / "elsewhere" / "other_flc.fits"
    other.parent.mkdir()
    other.symlink_to(demo.exposures[0])
    code, text, _ = run("blot", demo.median, demo.exposures[1], other, "--output-dir", out, "--dry-run")
    assert code == 0
    assert [line.split()[0] for line in text.splitlines()[1:-1:2]] == [str(demo.exposures[1]), str(other)]


def test_sizes_and_durations():
    sizes = [plan_table.size_text(size) for size in (0, 12_345_678, 4_500_000_000)]
    assert sizes == ["0.0 MB", "12.3 MB", "4.5 GB"]
    durations = [plan_table.duration_text(seconds) for seconds in (0.04, 59.9, 60, 3629, 7500)]
    assert durations == ["0.0 s", "59.9 s", "1 min", "1 h 0 min", "2 h 5 min"]


# Failures, and exit codes.


def test_one_bad_exposure_does_not_stop_the_others(run, demo, bad, out, undisturbed):
    code, text, errors = run("blot", demo.median, demo.exposures[0], bad, demo.exposures[2], "--output-dir", out)
    assert code == 1
    assert len(text.splitlines()) == 5
    reason = next(line for line in errors.splitlines() if line.startswith("skyblot: error: "))
    assert reason.startswith(f"skyblot: error: {bad}[sci,2]: its WCS cannot be read")
    *_, summary, failed = errors.splitlines()
    assert SUMMARY.fullmatch(summary).group(1, 2, 3) == ("5", "0", "1")
    assert failed == reason.replace("skyblot: error", "failed")
    assert "bad_sci2_blt.fits" not in os.listdir(out)
    made = digests(out)
    assert {name: made[name] for name in made if name in undisturbed}.items() <= undisturbed.items()


@pytest.mark.parametrize("content", [b"", b"no FITS file"])
def test_a_file_that_cannot_be_opened_is_one_of_the_failures(run, demo, out, tmp_path, content):
    broken = tmp_path / "broken_flc.fits"
    broken.write_bytes(content)
    code, text, errors = run("blot", demo.median, broken, demo.exposures[0], "--output-dir", out)
    assert (code, len(text.splitlines())) == (1, 2)
    assert errors.startswith(f"skyblot: error: {broken}: not a readable FITS file")
    assert errors.splitlines()[-1].startswith(f"failed: {broken}: not a readable FITS file")


def test_nothing_but_failures(run, demo, out, tmp_path):
    names = [tmp_path / f"{name}_flc.fits" for name in "ab"]
    code, text, errors = run("blot", demo.median, *names, "--output-dir", out)
    assert (code, text) == (1, "")
    assert [line.split(": ", 2)[1:] for line in errors.splitlines()[:2]] == [
        ["error", f"{name}: no such file"] for name in names
    ]
    assert SUMMARY.fullmatch(errors.splitlines()[2]).group(1, 2, 3) == ("0", "0", "2")


def test_a_reason_that_does_not_name_the_exposure_gets_its_name(run, demo, out, monkeypatch):
    def write(path, *_, **__):
        raise OSError("no\nroom")

    monkeypatch.setattr("skyblot.exposure.write_blot", write)
    code, text, errors = run("blot", demo.median, *demo.exposures[:2], "--output-dir", out, "-q")
    assert (code, text) == (1, "")
    reason = "internal error, OSError: no room"
    chips = [f"{path}[sci,{chip}]" for path in demo.exposures[:2] for chip in (1, 2)]
    assert sorted(errors.splitlines()) == [f"skyblot: error: {chip}: {reason}" for chip in chips]
    assert os.listdir(out) == []


def test_debug_shows_the_traceback_of_each_failure(demo, bad, out):
    command = [sys.executable, "-m", "skyblot", "blot", demo.median, demo.exposures[0], bad, "--output-dir", out]
    done = subprocess.run([*command, "--debug"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback (most recent call last)" in done.stderr
    assert "WCSError: " in done.stderr


@pytest.mark.parametrize("options", [(), ("--fail-fast",), ("--dry-run",)])
def test_a_single_bad_exposure_is_exit_code_2(run, bad, demo, out, options):
    code, text, errors = run("blot", demo.median, f"{bad}[sci,2]", "--output-dir", out, *options)
    assert (code, text) == (2, "")
    assert re.fullmatch(rf"skyblot: error: {re.escape(str(bad))}\[sci,2\]: its WCS cannot be read.*\n", errors)


def test_fail_fast_stops_at_the_first(run, demo, bad, out):
    code, text, errors = run("blot", demo.median, bad, *demo.exposures, "--output-dir", out, "--fail-fast")
    assert (code, text) == (1, "")
    assert [line.split(": ")[0] for line in errors.splitlines() if "its WCS cannot be read" in line] == [
        "skyblot",
        "failed",
    ]
    assert SUMMARY.fullmatch(errors.splitlines()[-2]).group(1, 2, 3) == ("0", "0", "1")
    assert os.listdir(out) == []


def test_fail_fast_leaves_nothing_half_written(run, demo, out, monkeypatch, undisturbed):
    from skyblot import exposure

    write = exposure.write_blot

    def fail_later(path, *arguments, **options):
        if path.name.startswith(demo.exposures[4].name.split("_")[0]):
            raise OSError("no room")
        write(path, *arguments, **options)

    monkeypatch.setattr("skyblot.exposure.write_blot", fail_later)
    code, _, errors = run("blot", demo.median, *demo.exposures, "--output-dir", out, "--fail-fast")
    assert code == 1
    assert errors.count("skyblot: error: ") == 1
    made = digests(out)
    assert made.items() < undisturbed.items()
    assert SUMMARY.fullmatch(errors.splitlines()[-2]).group(1) == str(len(made))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--memory", "lots"), ["memory = 'lots'", "8G"]),
        (("--memory", "1M"), ["memory = '1M'", "at least 64M"]),
        (("--threads", "0"), ["threads = 0", "at least 1"]),
        (("--output-dir", "{out}/nowhere"), ["nowhere", "does not exist"]),
        (("-o", "{out}/one.fits"), ["--output names one file", f"{BLOTS} images"]),
        (("--log", "{out}/nowhere/run.log"), ["run.log", "log cannot be written", "No such file"]),
        (("--log", "{out}"), ["out", "log cannot be written", "Is a directory"]),
        (("--log", "{demo.median}"), ["skydemo_med.fits: is not a log", "JSON lines"]),
        (("--log", "{demo.exposures[0]}"), ["isky01a1q_flc.fits: is not a log", "JSON lines"]),
        ((), ["isky01a5q_sci2_blt.fits", "exists already", "--overwrite"]),
    ],
)
def test_what_is_refused_before_any_work(run, demo, out, options, words):
    (out / "isky01a5q_sci2_blt.fits").write_text("precious")
    before = digests(demo.folder)
    given = [each.format(out=out, demo=demo) for each in options]
    where = () if "--output-dir" in given else ("--output-dir", out)
    code, text, errors = run("blot", demo.median, *demo.exposures, *where, *given)
    assert (code, text) == (2, "")
    assert errors.startswith("skyblot: error: ")
    assert errors.count("\n") == 1
    assert [word for word in words if word not in errors] == [], errors
    assert os.listdir(out) == ["isky01a5q_sci2_blt.fits"]
    assert digests(demo.folder) == before


# Resume.


def test_resume_keeps_what_was_made_the_same_way(run, demo, out, undisturbed):
    where = ("--output-dir", out)
    assert run("blot", demo.median, *demo.exposures[:3], *where)[0] == 0
    assert run("blot", demo.median, demo.exposures[3], *where, "--interp", "linear")[0] == 0
    (out / "isky01a1q_sci2_blt.fits").write_bytes(b"half a file")
    code, text, errors = run("blot", demo.median, *demo.exposures, *where, "--resume")
    assert code == 0
    ends = {Path(line["path"]).name: line["end"] for line in map(RESULT.fullmatch, text.splitlines())}
    kept = {f"isky01a{visit}q_sci{chip}_blt.fits" for visit in (1, 2, 3) for chip in (1, 2)} - {
        "isky01a1q_sci2_blt.fits"
    }
    assert {name for name, end in ends.items() if end == "kept"} == kept
    assert len(ends) == BLOTS
    assert SUMMARY.fullmatch(errors.splitlines()[-1]).group(1, 2, 3) == (str(BLOTS - 5), "5", "0")
    assert digests(out) == undisturbed


def test_memory_and_threads_do_not_change_the_values(run, demo, out, undisturbed):
    code, _, _ = run("blot", demo.median, *demo.exposures, "--output-dir", out, "--memory", "64M", "--threads", 2)
    assert code == 0
    assert digests(out) == undisturbed


def test_compressed_blots_hold_the_same_values(run, demo, out):
    for more in ((), ("--compress",)):
        assert run("blot", demo.median, *demo.exposures[:2], "--output-dir", out, *more)[0] == 0
    names = [f"isky01a{visit}q_sci{chip}_blt.fits" for visit in (1, 2) for chip in (1, 2)]
    assert sorted(os.listdir(out)) == sorted([*names, *(f"{name}.fz" for name in names)])
    for name in names:
        np.testing.assert_array_equal(*(fits.getdata(out / each, "SCI") for each in (name, f"{name}.fz")))


# The log.


def test_log(run, demo, bad, out, tmp_path):
    log = tmp_path / "run.log"
    where = ("--output-dir", out, "--log", log)
    assert run("blot", demo.median, demo.exposures[0], *where, "--fill-value", "nan")[0] == 0
    start, *made, end = events(log)
    assert (start["event"], start["version"], start["source"]) == ("start", __version__, str(demo.median))
    assert (start["parameters"]["interp"], start["parameters"]["fill_value"]) == ("poly5", "nan")
    for number, event in enumerate(made, 1):
        assert event.pop("seconds") > 0
        assert event == {
            "event": "blot",
            "reference": f"{demo.exposures[0]}[sci,{number}]",
            "path": str(out / f"isky01a1q_sci{number}_blt.fits"),
            "shape": [96, 160],
            "covered": 1.0,
            "reason": None,
        }
    assert len(made) == 2
    assert end.pop("seconds") > 0
    assert end == {"event": "end", "made": 2, "kept": 0, "failed": 0, "reason": None}

    first = log.read_text()
    assert run("blot", demo.median, demo.exposures[0], bad, *where, "--fill-value", "nan", "--resume")[0] == 1
    assert log.read_text().startswith(first)
    again = events(log)[4:]
    assert sorted(event["event"] for event in again) == ["blot", "end", "failed", "kept", "kept", "start"]
    failed = next(event for event in again if event["event"] == "failed")
    assert failed.pop("reason").startswith(f"{bad}[sci,2]: its WCS cannot be read")
    nothing = dict.fromkeys(("shape", "covered", "seconds"))
    name = f"{bad}[sci,2]"
    assert failed == {"event": "failed", "reference": name, "path": str(out / "bad_sci2_blt.fits")} | nothing
    assert [again[-1][count] for count in ("made", "kept", "failed")] == [1, 2, 1]


def test_log_of_a_single_failure_and_of_a_refused_run(run, demo, bad, out, tmp_path):
    log = tmp_path / "run.log"
    assert run("blot", demo.median, f"{bad}[sci,2]", "--output-dir", out, "--log", log)[0] == 2
    (out / "isky01a1q_sci1_blt.fits").write_text("precious")
    assert run("blot", demo.median, *demo.exposures, "--output-dir", out, "--log", log)[0] == 2
    single, refused = events(log)[:3], events(log)[3:]
    assert [event["event"] for event in single] == ["start", "failed", "end"]
    assert (single[-1]["failed"], "its WCS cannot be read" in single[-1]["reason"]) == (1, True)
    assert [event["event"] for event in refused] == ["start", "end"]
    assert [refused[-1][count] for count in ("made", "kept", "failed")] == [0, 0, 0]
    assert "exists already" in refused[-1]["reason"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no device that is always full")
def test_a_log_that_breaks_is_a_warning_and_no_reason_to_stop(run, demo, out):
    code, text, errors = run("blot", demo.median, demo.exposures[0], "--output-dir", out, "--log", "/dev/full")
    assert (code, len(text.splitlines())) == (0, 2)
    assert errors == "warning: /dev/full: cannot be written any more: No space left on device\n"


# Clusters.


def test_dask_is_handed_the_run(run, demo, out, monkeypatch):
    from skyblot import cluster, files

    addresses = []

    def here(*arguments, client):
        addresses.append(client)
        files.run_tasks(*arguments)

    monkeypatch.setattr(cluster, "run_on_cluster", here)
    arguments = ("blot", demo.median, *demo.exposures[:2], "--output-dir", out, "--dask", "tcp://here:8786")
    code, text, errors = run(*arguments)
    assert (code, len(text.splitlines())) == (0, 4)
    assert SUMMARY.fullmatch(errors.splitlines()[-1]).group(1, 2, 3) == ("4", "0", "0")
    assert addresses == ["tcp://here:8786"]


def test_dask_local_makes_the_same_files(demo, out, undisturbed):
    pytest.importorskip("distributed")
    command = [sys.executable, "-m", "skyblot", "blot", demo.median, *demo.exposures, "--output-dir", out]
    done = subprocess.run([*command, "--dask", "local"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == BLOTS
    assert digests(out) == undisturbed


# Interruption.

#: The command line, slowed down, so that a signal comes before the end.
SLOW = """
import signal, sys, time
from skyblot import exposure
from skyblot.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever the tests were started with
write = exposure.write_blot
def write_slowly(*arguments, **options):
    time.sleep(0.1)
    write(*arguments, **options)
exposure.write_blot = write_slowly
main(sys.argv[1:])
"""


def interrupted(arguments, number):
    """Run slowly, send a signal, twice, after the first result; return exit code, stdout and stderr."""
    command = [sys.executable, "-c", SLOW, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    ready, _, _ = select.select([process.stdout], [], [], 120)
    assert ready, "no result"
    process.send_signal(number)
    process.send_signal(number)
    text, errors = process.communicate(timeout=120)
    return process.returncode, text, errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interruption_leaves_complete_files_and_resume_ends_the_same(run, demo, out, undisturbed, tmp_path, number):
    log = tmp_path / "run.log"
    arguments = ["blot", demo.median, *demo.exposures, "--output-dir", out, "--threads", "2", "--log", log]
    code, text, errors = interrupted(arguments, number)
    assert code == 130, errors
    made = digests(out)
    assert 1 <= len(text.splitlines()) <= len(made) < BLOTS
    assert made.items() < undisturbed.items()  # complete, and nothing else is there
    how = "the same command with --resume makes the rest"
    assert errors.splitlines()[-1] == f"skyblot: interrupted: {len(made)} of {BLOTS} blots are there; {how}"
    end = events(log)[-1]
    assert (end["event"], end["made"], end["reason"]) == ("end", len(made), "interrupted")

    code, text, errors = run(*arguments, "--resume")
    assert code == 0
    assert len([line for line in text.splitlines() if line.endswith("  kept")]) == len(made)
    counts = SUMMARY.fullmatch(errors.splitlines()[-1]).group(1, 2, 3)
    assert counts == (str(BLOTS - len(made)), str(len(made)), "0")
    assert digests(out) == undisturbed


def test_interruption_of_one_exposure(demo, out):
    # Two chips, one after the other: the first line comes while the second chip is being made.
    code, _, errors = interrupted(["blot", demo.median, demo.exposures[0], "--output-dir", out, "--threads", "1"], 15)
    assert (code, errors.strip()) == (130, "skyblot: interrupted")
    assert os.listdir(out) == ["isky01a1q_sci1_blt.fits"]


def test_blots_that_nobody_was_told_of_are_counted(run, demo, out, monkeypatch):
    """A blot may be complete, but its line not printed, when the signal comes; an old file is no blot of the run."""
    (out / "isky01a3q_sci1_blt.fits").write_text("old")

    def interrupted_run(source, tasks, *_):
        tasks[0].path.write_text("new")
        raise KeyboardInterrupt

    monkeypatch.setattr("skyblot.files.run_tasks", interrupted_run)
    code, text, errors = run("blot", demo.median, *demo.exposures, "--output-dir", out, "--overwrite")
    assert (code, text) == (130, "")
    assert errors.startswith(f"skyblot: interrupted: 1 of {BLOTS} blots are there; ")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_interrupts_and_the_next_ones_do_not(number):
    before = signal.getsignal(number)
    with interruptible():
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
        signal.raise_signal(number)
    assert signal.getsignal(number) is before


def test_a_signal_that_is_ignored_stays_ignored():
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with interruptible():
            signal.raise_signal(signal.SIGTERM)
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def test_other_threads_leave_signals_alone():
    seen = []

    def look():
        with interruptible():
            seen.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [before]
