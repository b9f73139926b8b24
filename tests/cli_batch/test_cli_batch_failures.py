"""The command line of many exposures: failures, exit codes, and resuming."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from batch_lines import BLOTS, RESULT, SUMMARY
from samples import digests

# Failures, and exit codes.


def test_one_bad_exposure_does_not_stop_the_others(run, demo, bad, out, undisturbed):
    code, text, errors = run(
        "blot", demo.median, demo.exposures[0], bad, demo.exposures[2], "--output-dir", out
    )
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

    monkeypatch.setattr("skyblot.steps.blot.write_blot", write)
    code, text, errors = run("blot", demo.median, *demo.exposures[:2], "--output-dir", out, "-q")
    assert (code, text) == (1, "")
    reason = "internal error, OSError: no room"
    chips = [f"{path}[sci,{chip}]" for path in demo.exposures[:2] for chip in (1, 2)]
    assert sorted(errors.splitlines()) == [f"skyblot: error: {chip}: {reason}" for chip in chips]
    assert os.listdir(out) == []


def test_debug_shows_the_traceback_of_each_failure(demo, bad, out):
    command = [
        sys.executable,
        "-m",
        "skyblot",
        "blot",
        demo.median,
        demo.exposures[0],
        bad,
        "--output-dir",
        out,
    ]
    done = subprocess.run([*command, "--debug"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback (most recent call last)" in done.stderr
    assert "WCSError: " in done.stderr


@pytest.mark.parametrize("options", [(), ("--fail-fast",), ("--dry-run",)])
def test_a_single_bad_exposure_is_exit_code_2(run, bad, demo, out, options):
    code, text, errors = run("blot", demo.median, f"{bad}[sci,2]", "--output-dir", out, *options)
    assert (code, text) == (2, "")
    assert re.fullmatch(
        rf"skyblot: error: {re.escape(str(bad))}\[sci,2\]: its WCS cannot be read.*\n", errors
    )


def test_fail_fast_stops_at_the_first(run, demo, bad, out):
    code, text, errors = run(
        "blot", demo.median, bad, *demo.exposures, "--output-dir", out, "--fail-fast"
    )
    assert (code, text) == (1, "")
    assert [
        line.split(": ")[0] for line in errors.splitlines() if "its WCS cannot be read" in line
    ] == [
        "skyblot",
        "failed",
    ]
    assert SUMMARY.fullmatch(errors.splitlines()[-2]).group(1, 2, 3) == ("0", "0", "1")
    assert os.listdir(out) == []


def test_fail_fast_leaves_nothing_half_written(run, demo, out, monkeypatch, undisturbed):
    from skyblot.steps import blot as steps_blot

    write = steps_blot.write_blot

    def fail_later(path, *arguments, **options):
        if path.name.startswith(demo.exposures[4].name.split("_")[0]):
            raise OSError("no room")
        write(path, *arguments, **options)

    monkeypatch.setattr("skyblot.steps.blot.write_blot", fail_later)
    code, _, errors = run("blot", demo.median, *demo.exposures, "--output-dir", out, "--fail-fast")
    assert code == 1
    assert errors.count("skyblot: error: ") == 1
    made = digests(out)
    assert made.items() < undisturbed.items()
    assert SUMMARY.fullmatch(errors.splitlines()[-2]).group(1) == str(len(made))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--memory", "lots"), ["--memory lots: expected", "8G"]),
        (("--memory", "1M"), ["--memory 1M: expected", "at least 64M"]),
        (("--threads", "0"), ["--threads 0: expected", "at least 1"]),
        (("--output-dir", "{out}/isky01a5q_sci2_blt.fits"), ["is no folder"]),
        (("-o", "{out}/one.fits"), ["--output names one file", f"{BLOTS} images"]),
        (("--log", "{out}/nowhere/run.log"), ["run.log", "log cannot be written", "No such file"]),
        (("--log", "{out}"), ["out", "log cannot be written", "Is a directory"]),
        (("--log", "{demo.median}"), ["skydemo_med.fits: is an input file"]),
        (("--log", "{demo.exposures[0]}"), ["isky01a1q_flc.fits: is an input file"]),
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
    half = out / "isky01a1q_sci2_blt.fits"
    half.write_bytes(half.read_bytes()[:30_000])
    code, text, errors = run("blot", demo.median, *demo.exposures, *where, "--resume")
    assert code == 0
    ends = {
        Path(line["path"]).name: line["end"] for line in map(RESULT.fullmatch, text.splitlines())
    }
    kept = {f"isky01a{visit}q_sci{chip}_blt.fits" for visit in (1, 2, 3) for chip in (1, 2)} - {
        "isky01a1q_sci2_blt.fits"
    }
    assert {name for name, end in ends.items() if end == "kept"} == kept
    assert len(ends) == BLOTS
    assert SUMMARY.fullmatch(errors.splitlines()[-1]).group(1, 2, 3) == (str(BLOTS - 5), "5", "0")
    assert digests(out) == undisturbed


def test_memory_and_threads_do_not_change_the_values(run, demo, out, undisturbed):
    code, _, _ = run(
        "blot", demo.median, *demo.exposures, "--output-dir", out, "--memory", "64M", "--threads", 2
    )
    assert code == 0
    assert digests(out) == undisturbed


def test_compressed_blots_hold_the_same_values(run, demo, out):
    for more in ((), ("--compress",)):
        assert run("blot", demo.median, *demo.exposures[:2], "--output-dir", out, *more)[0] == 0
    names = [f"isky01a{visit}q_sci{chip}_blt.fits" for visit in (1, 2) for chip in (1, 2)]
    assert sorted(os.listdir(out)) == sorted([*names, *(f"{name}.fz" for name in names)])
    for name in names:
        np.testing.assert_array_equal(
            *(fits.getdata(out / each, "SCI") for each in (name, f"{name}.fz"))
        )
