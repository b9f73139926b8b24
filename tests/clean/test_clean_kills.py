"""A run of clean that is killed leaves nothing half-written, and the next one ends the same."""

import json
import os
import subprocess
import sys

import pytest

from skyblot.demo import make_demo

KILLER = """
import json, os, pathlib, random, signal, sys, time
import skyblot
out, *exposures = sys.argv[1:]
out = pathlib.Path(out)
make = lambda: skyblot.clean_files(exposures, out, resume=True, objects=True, save_median=True)
finals = lambda: {p.name: p.read_bytes() for p in out.iterdir() if not p.name.startswith(".")}
make()
expected = finals()
for path in out.iterdir():
    path.unlink()
start = time.perf_counter(); make(); whole = time.perf_counter() - start
assert finals() == expected
random.seed(3)
made = []
for _ in range(5):
    for path in out.iterdir():
        path.unlink()
    child = os.fork()
    if child == 0:
        try:
            make()
        finally:
            os._exit(0)
    wanted, ended = random.randint(0, len(expected)), False
    while len(finals()) < wanted and not ended:
        ended = os.waitpid(child, os.WNOHANG)[0] == child
    time.sleep(random.uniform(0, 0.1) * whole)
    if not ended:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    found = finals()
    assert all(expected[name] == content for name, content in found.items())
    made.append(len(found))
make()
names = {path.name for path in out.iterdir()}
print(json.dumps({"made": made, "same": finals() == expected, "left": len(names - set(expected))}))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_random_moments(tmp_path):
    exposures = make_demo(tmp_path / "in", chip_shape=(96, 192)).exposures
    (tmp_path / "out").mkdir()
    command = [sys.executable, "-W", "ignore", "-c", KILLER, tmp_path / "out", *exposures]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["same"]
    assert found["left"] == 0  # what killed runs have left is removed by the next
    assert len(set(found["made"])) > 1  # kills struck before, while and after files were written
