"""Closed or full output, and signals: one sentence or none, never a traceback."""

import os
import signal
import subprocess
import sys
import time

import pytest

SKYBLOT = [sys.executable, "-m", "skyblot"]


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_output_on_a_full_disk(visit):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*SKYBLOT, "info", visit.med], stdout=full, stderr=subprocess.PIPE, text=True, check=False
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


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_process_that_is_told_to_end_ends(tmp_path, number):
    command = [sys.executable, "-c", STUCK, tmp_path / "a.fits"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "there\n"
        start = time.perf_counter()
        process.send_signal(number)
        assert process.wait(timeout=20) == 130
        assert time.perf_counter() - start < 2.0  # a busy machine
        assert process.stderr.read() == "skyblot: interrupted\n"
    assert list(tmp_path.iterdir()) == []
