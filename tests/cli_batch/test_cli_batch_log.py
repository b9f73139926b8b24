"""The command line of many exposures: the log, and clusters."""

import os
import subprocess
import sys

import pytest
from batch_lines import BLOTS, SUMMARY, events
from samples import digests

from skyblot import __version__

# The log.


def test_log(run, demo, bad, out, tmp_path):
    log = tmp_path / "run.log"
    where = ("--output-dir", out, "--log", log)
    assert run("blot", demo.median, demo.exposures[0], *where, "--fill-value", "nan")[0] == 0
    start, *made, end = events(log)
    assert [start[key] for key in ("event", "version")] == ["start", __version__]
    assert start["source"] == str(demo.median)
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
    more = ("--fill-value", "nan", "--resume")
    assert run("blot", demo.median, demo.exposures[0], bad, *where, *more)[0] == 1
    assert log.read_text().startswith(first)
    again = events(log)[4:]
    kinds = "blot end failed kept kept start"
    assert sorted(event["event"] for event in again) == kinds.split()
    failed = next(event for event in again if event["event"] == "failed")
    assert failed.pop("reason").startswith(f"{bad}[sci,2]: its WCS cannot be read")
    nothing = dict.fromkeys(("shape", "covered", "seconds"))
    name = f"{bad}[sci,2]"
    assert (
        failed
        == {"event": "failed", "reference": name, "path": str(out / "bad_sci2_blt.fits")} | nothing
    )
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
def test_a_file_that_is_no_log_is_left_as_it_is(run, demo, out, tmp_path):
    (tmp_path / "notes.txt").write_text("not a log")
    code, _, errors = run(
        "blot", demo.median, demo.exposures[0], "--output-dir", out, "--log", tmp_path / "notes.txt"
    )
    assert code == 2
    assert "notes.txt: is not a log, expected a new file or one of JSON lines" in errors
    assert (tmp_path / "notes.txt").read_text() == "not a log"


def test_a_log_that_breaks_is_a_warning_and_no_reason_to_stop(run, demo, out):
    code, text, errors = run(
        "blot", demo.median, demo.exposures[0], "--output-dir", out, "--log", "/dev/full"
    )
    assert (code, len(text.splitlines())) == (0, 2)
    assert errors == "warning: /dev/full: cannot be written any more: No space left on device\n"


# Clusters.


def test_dask_is_handed_the_run(run, demo, out, monkeypatch):
    from skyblot.runs import cluster
    from skyblot.runs.local import run_here

    addresses = []

    def here(plan):
        addresses.append(plan.options.client)
        yield from run_here(plan)

    monkeypatch.setattr(cluster, "run_on_cluster", here)
    arguments = (
        "blot",
        demo.median,
        *demo.exposures[:2],
        "--output-dir",
        out,
        "--dask",
        "tcp://here:8786",
    )
    code, text, errors = run(*arguments)
    assert (code, len(text.splitlines())) == (0, 4)
    assert SUMMARY.fullmatch(errors.splitlines()[-1]).group(1, 2, 3) == ("4", "0", "0")
    assert addresses == ["tcp://here:8786"]


def test_dask_local_makes_the_same_files(demo, out, undisturbed):
    pytest.importorskip("distributed")
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
    done = subprocess.run(
        [*command, "--dask", "local"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == BLOTS
    assert digests(out) == undisturbed
