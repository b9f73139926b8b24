"""The command line of many exposures: interruptions."""

import os
import select
import signal
import subprocess
import sys
import threading

import pytest
from batch_lines import BLOTS, SUMMARY, events
from samples import digests

from skyblot.cli.signals import interruptible

#: The command line, slowed down, so that a signal comes before the end.
SLOW = """
import signal, sys, time
from skyblot.steps import blot
from skyblot.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever the tests were started with
write = blot.write_blot
def write_slowly(*arguments, **options):
    time.sleep(0.1)
    write(*arguments, **options)
blot.write_blot = write_slowly
main(sys.argv[1:])
"""


def interrupted(arguments, number):
    """Run slowly, send a signal, twice, after the first result; return exit code, stdout and
    stderr.
    """
    command = [sys.executable, "-c", SLOW, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    ready, _, _ = select.select([process.stdout], [], [], 120)
    assert ready, "no result"
    process.send_signal(number)
    process.send_signal(number)
    text, errors = process.communicate(timeout=120)
    return process.returncode, text, errors


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interruption_leaves_complete_files_and_resume_ends_the_same(
    run, demo, out, undisturbed, tmp_path, number
):
    log = tmp_path / "run.log"
    arguments = [
        "blot",
        demo.median,
        *demo.exposures,
        "--output-dir",
        out,
        "--threads",
        "2",
        "--log",
        log,
    ]
    code, text, errors = interrupted(arguments, number)
    assert code == 130, errors
    made = digests(out)
    assert 1 <= len(text.splitlines()) <= len(made) < BLOTS
    assert made.items() < undisturbed.items()  # complete, and nothing else is there
    how = "the same command with --resume makes the rest"
    assert (
        errors.splitlines()[-1]
        == f"skyblot: interrupted: {len(made)} of {BLOTS} blots are there; {how}"
    )
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
    code, _, errors = interrupted(
        ["blot", demo.median, demo.exposures[0], "--output-dir", out, "--threads", "1"], 15
    )
    assert (code, errors.strip()) == (130, "skyblot: interrupted")
    assert os.listdir(out) == ["isky01a1q_sci1_blt.fits"]


def test_blots_that_nobody_was_told_of_are_counted(run, demo, out, monkeypatch):
    """A blot may be complete, but its line not printed, when the signal comes; an old file is no
    blot of the run.
    """
    (out / "isky01a3q_sci1_blt.fits").write_text("old")

    def interrupted_run(plan):
        plan.work.tasks[0].path.write_text("new")
        raise KeyboardInterrupt

    monkeypatch.setattr("skyblot.api.results.run_here", interrupted_run)
    code, text, errors = run(
        "blot", demo.median, *demo.exposures, "--output-dir", out, "--overwrite"
    )
    assert (code, text) == (130, "")
    assert errors.splitlines()[-1].startswith(
        f"skyblot: interrupted: 1 of {BLOTS} blots are there; "
    )


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
