"""Closed or full output, and signals: one sentence or none, never a traceback."""

import json
import os
import signal
import subprocess
import sys

import pytest

from skyblot.cli.signals import interruptible

SKYBLOT = [sys.executable, "-m", "skyblot"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_output_on_a_full_disk(visit):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*SKYBLOT, "info", visit.med],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert "No space left" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_output(visit, closed):
    command = f"{sys.executable} -m skyblot info {visit.med} {closed}"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


STUCK = """
import signal, sys, time
from pathlib import Path
from skyblot.cli.signals import interruptible
from skyblot.io.atomic import atomic_write
with interruptible() as interruption, atomic_write(Path(sys.argv[1]), overwrite=False) as stream:
    interruption.gentle = True
    print("there", flush=True)
    while True:
        time.sleep(0.1)
"""


#: One that is not in Python for minutes, as when a kernel is compiled: no handler runs meanwhile.
BUSY = """
import hashlib, sys, threading
from pathlib import Path
from skyblot.cli.signals import interruptible
from skyblot.io.atomic import atomic_write
with interruptible(), atomic_write(Path(sys.argv[1]), overwrite=False) as stream:
    threading.Timer(0.3, print, ["there"], {"flush": True}).start()  # when nothing of Python runs
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**30)
"""


@pytest.mark.parametrize("script", [STUCK, BUSY], ids=["stuck", "busy"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_process_that_is_told_to_end_ends(tmp_path, number, script):
    command = [sys.executable, "-c", script, tmp_path / "a.fits"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "there\n"
        process.send_signal(number)
        assert process.wait(timeout=20) == 130  # by itself it never ends
        assert process.stderr.read() == "skyblot: interrupted\n"
    assert list(tmp_path.iterdir()) == []


def test_signals_are_as_before_when_a_run_is_over():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with interruptible():
        assert signal.getsignal(signal.SIGTERM) is not before[1]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert signal.set_wakeup_fd(-1) == -1


def test_a_log_that_is_a_fifo(visit, run, tmp_path):
    """One that nobody reads is refused, instead of waited for; who reads it gets the lines."""
    fifo = tmp_path / "run.log"
    os.mkfifo(fifo)
    command = ("blot", visit.med, visit.exposures[0], "--output-dir", tmp_path, "--log", fifo)
    code, _, problem = run(*command)
    assert (code, problem.count("\n")) == (2, 1)
    assert "this log cannot be written: it is a FIFO that nobody reads" in problem
    assert not list(tmp_path.glob("*_blt.fits"))
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert run(*command)[0] == 0
        events = [json.loads(line)["event"] for line in os.read(reader, 1 << 16).splitlines()]
    finally:
        os.close(reader)
    assert events == ["start", "blot", "blot", "end"]


def test_parameters_from_a_fifo_are_refused(visit, run, tmp_path):
    os.mkfifo(tmp_path / "a.cfg")
    code, _, problem = run("blot", visit.med, visit.exposures[0], "--config", tmp_path / "a.cfg")
    assert code == 2
    assert "a.cfg: is no regular file" in problem
