"""Faults, injected one by one: nothing half-written under a final name, nothing wrong, nothing
lost.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from samples import blots_watched, digests, tan_header, texture, write_sci

import skyblot
from skyblot.api.blot import blot_files
from skyblot.api.results import BatchError
from skyblot.errors import FileError
from skyblot.steps import blot as exposure_module


@pytest.fixture(scope="module")
def undisturbed(demo, tmp_path_factory):
    """Name and hash of what an undisturbed run writes."""
    out = tmp_path_factory.mktemp("undisturbed")
    blot_files(demo.median, demo.exposures, out)
    return digests(out)


def finals(folder):
    """Name and hash of what has a final name."""
    return {name: digest for name, digest in digests(folder).items() if not name.startswith(".")}


def run(code, *arguments, **options):
    """Run Python code in a process of its own."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def command_line(*arguments):
    """Start ``skyblot blot``."""
    command = [sys.executable, "-m", "skyblot", "blot", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


# One process has everything imported, and forks; its children are killed shortly after a number of
# blots are there, from none on: at any moment of a run, however long the machine takes for it.
KILLER = """
import hashlib, json, os, pathlib, random, shutil, signal, sys, time
import skyblot
median, out, *exposures = sys.argv[1:]
out = pathlib.Path(out)
make = lambda: skyblot.blot_files(median, exposures, out, resume=True, threads=2)
finals = lambda: [path.name for path in out.iterdir() if not path.name.startswith(".")]
make()
shutil.rmtree(out); out.mkdir()
start = time.perf_counter(); make(); whole = time.perf_counter() - start
expected = {path.name: path.read_bytes() for path in out.iterdir()}
shutil.rmtree(out); out.mkdir()
random.seed(7)
made, leftovers, restarts = [], 0, 0
for _ in range(20):
    child = os.fork()
    if child == 0:
        try:
            make()
        finally:
            os._exit(0)
    wanted, ended = random.randint(len(finals()), len(expected)), False
    while len(finals()) < wanted and not ended:
        ended = os.waitpid(child, os.WNOHANG)[0] == child
    time.sleep(random.uniform(0, 0.2) * whole)
    if not ended:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    names, final = [path.name for path in out.iterdir()], finals()
    leftovers += len(names) - len(final)
    for name in final:
        assert (out / name).read_bytes() == expected[name], name
    made.append(len(final))
    if len(final) == len(expected):
        shutil.rmtree(out); out.mkdir()
        restarts += 1
make()
same = {path.name: path.read_bytes() for path in out.iterdir()} == expected
print(json.dumps({"made": made, "leftovers": leftovers, "restarts": restarts, "same": same}))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_twenty_times_at_random_moments(demo, out):
    before = digests(demo.folder)
    done = run(KILLER, demo.median, out, *demo.exposures)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found["made"]) == 20
    assert found["same"]
    # The kills struck in the middle of runs: some blots were there and others were not.
    assert {0 < count < 6 for count in found["made"]} == {True, False}
    assert digests(demo.folder) == before


FULL = """
import resource, signal, sys, skyblot
median, out, *exposures = sys.argv[1:]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
try:
    skyblot.blot_files(median, exposures, out, overwrite=True)
except skyblot.BatchError as error:
    print(len(error.results), len(error.failures), error.failures[0].reason)
"""


def test_a_full_disk(demo, out):
    """A limit on the size of files, which a blot of 61 kB exceeds."""
    old = out / "isky01a1q_sci1_blt.fits"
    old.write_bytes(b"an old blot")
    done = run(FULL, demo.median, out, *demo.exposures)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"0 6 {out}/isky01a1q_sci")
    assert "cannot be written: " in done.stdout
    assert "File too large" in done.stdout or "is the disk full?" in done.stdout
    assert {path.name for path in out.iterdir()} == {old.name}
    assert old.read_bytes() == b"an old blot"


SMALL_DISK = """
import skyblot, sys
median, out, *exposures = sys.argv[1:]
try:
    skyblot.blot_files(median, exposures, out, overwrite=True)
except skyblot.BatchError as error:
    print(len(error.results), len(error.failures))
    print(*[each.reason for each in error.failures], sep="\\n")
"""


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of 300 kB: room for two blots of 124 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", folder]
    possible = os.geteuid() == 0 and shutil.which("mount")
    if not possible or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("cannot mount a small disk here")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_disk_that_fills_up(demo, undisturbed, small_disk):
    old = small_disk / "isky01a3q_sci2_blt.fits"
    old.write_bytes(b"an old blot")
    unchanged = digests(small_disk)
    done = run(SMALL_DISK, demo.median, small_disk, *demo.exposures)
    assert done.returncode == 0, done.stderr
    counts, *reasons = done.stdout.splitlines()
    made = dict(digests(small_disk).items() - unchanged.items())
    assert made.items() <= undisturbed.items()  # complete
    assert old.name in made or digests(small_disk)[old.name] == unchanged[old.name]
    assert counts == f"{len(made)} {6 - len(made)}"
    assert 1 <= len(made) <= 2
    assert len(reasons) == 6 - len(made)
    for reason in reasons:
        assert "_blt.fits: cannot be written: " in reason
        assert reason.count("space") <= 1  # said once


def test_a_read_only_folder(demo, tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir()
    if os.geteuid() != 0:
        folder.chmod(0o555)
    elif subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "ro", "tmpfs", folder], capture_output=True, check=False
    ).returncode:
        pytest.skip("root may write anywhere, and cannot mount a read-only folder here")
    try:
        with pytest.raises(FileError, match="locked cannot be written to"):
            blot_files(demo.median, demo.exposures, folder)
        assert list(folder.iterdir()) == []
    finally:
        if os.geteuid() == 0:
            subprocess.run(["umount", folder], check=True)
        folder.chmod(0o755)


def after_the_first(change):
    """What to watch results with: makes a change once, after the first blot."""
    done = []

    def call(result):
        if not done:
            done.append(result)
            change()

    return call


def test_a_folder_that_vanishes(demo, out):
    change = after_the_first(lambda: shutil.rmtree(out))
    _, failures = blots_watched(demo.median, demo.exposures, out, change, threads=1)
    assert not out.exists()
    assert len(failures) >= 4  # one or two were made before
    assert all(re.search("does not exist|cannot be written", each.reason) for each in failures)


@pytest.mark.parametrize("where", [0.3, 0.7, 0.95])
def test_a_truncated_exposure_among_good_ones(demo, undisturbed, tmp_path, out, where):
    """Cut in the first chip, in the second, in the tables: good ones are made, and what can be made
    is right.
    """
    content = demo.exposures[1].read_bytes()
    cut = tmp_path / demo.exposures[1].name
    cut.write_bytes(content[: int(where * len(content))])
    with pytest.raises(BatchError) as caught:
        blot_files(demo.median, [demo.exposures[0], cut, demo.exposures[2]], out)
    made = finals(out)
    assert all(str(cut) in each.reason for each in caught.value.failures)
    assert {name for name in undisturbed if "a2q" not in name} <= set(made)
    for each in caught.value.results:
        if each.path.name in undisturbed and "a2q" not in each.path.name:
            assert made[each.path.name] == undisturbed[each.path.name]


def test_an_exposure_that_goes_away(demo, undisturbed, tmp_path, out):
    exposures = [Path(shutil.copy2(path, tmp_path)) for path in demo.exposures]
    _, failures = blots_watched(
        demo.median, exposures, out, after_the_first(exposures[2].unlink), threads=1
    )
    assert [each.reason for each in failures] == [f"{exposures[2]}: no such file"] * 2
    assert sorted(finals(out)) == sorted(name for name in undisturbed if "a3q" not in name)


@pytest.mark.parametrize("change", ["replaced", "rewritten", "removed"])
def test_an_exposure_that_changes_while_it_is_blotted_onto(
    demo, tmp_path, out, monkeypatch, change
):
    """Its blot would be of the old one, and `resume` would take it for one of the new one."""
    exposures = [Path(shutil.copy2(path, tmp_path)) for path in demo.exposures]
    other = Path(shutil.copy(exposures[0], tmp_path / "other"))
    plan = exposure_module._plan

    def plan_and_change(source, reference, settings):
        planned = plan(source, reference, settings)
        if reference.name == f"{exposures[1]}[sci,1]":
            happen = {
                "replaced": lambda: other.replace(exposures[1]),
                "removed": exposures[1].unlink,
            }
            happen.get(change, lambda: exposures[1].write_bytes(other.read_bytes()))()
        return planned

    monkeypatch.setattr(exposure_module, "_plan", plan_and_change)
    with pytest.raises(BatchError) as caught:
        blot_files(demo.median, exposures, out, threads=1)
    failed = [each.reason for each in caught.value.failures]
    assert failed[0].startswith(
        f"{exposures[1]}: {'cannot be read' if change == 'removed' else 'has changed'}"
    )
    assert len(failed) == (2 if change == "removed" else 1)
    assert "isky01a2q_sci1_blt.fits" not in finals(out)
    assert digests(out) == finals(out)


@pytest.mark.parametrize("change", ["truncated", "replaced", "removed"])
def test_a_source_that_changes_during_the_run(demo, tmp_path, out, change):
    median = Path(shutil.copy(demo.median, tmp_path))
    content = median.read_bytes()

    def happen():
        if change == "removed":
            median.unlink()
        else:
            median.write_bytes(content[:-50_000] if change == "truncated" else content[::-1])

    results, failures = blots_watched(
        median, demo.exposures, out, after_the_first(happen), threads=1
    )
    assert failures
    assert all(str(median) in each.reason for each in failures)
    # What was written is right: a source as it was. Its name and time are in the header, so pixels
    # are compared.
    from astropy.io import fits

    for result in results:
        alone = skyblot.blot_file(
            demo.median, result.reference, tmp_path / "alone.fits", overwrite=True
        )
        assert np.array_equal(fits.getdata(result.path, "SCI"), fits.getdata(alone, "SCI"))


@pytest.mark.parametrize("overwrite", [True, False])
def test_two_runs_into_one_folder_at_once(demo, undisturbed, out, overwrite):
    arguments = [
        demo.median,
        *demo.exposures,
        "--output-dir",
        out,
        *(["--overwrite"] if overwrite else []),
    ]
    both = [command_line(*arguments), command_line(*arguments)]
    said = [process.communicate() for process in both]
    assert finals(out) == digests(out) == undisturbed
    if overwrite:
        assert [process.returncode for process in both] == [0, 0], said
        return
    made = sum(line.endswith(" s") for text, _ in said for line in text.splitlines())
    assert made == 6  # each once
    for process, (_, errors) in zip(both, said, strict=True):
        assert process.returncode in (0, 1, 2)
        assert process.returncode == 0 or "exists already" in errors
        assert "Traceback" not in errors


FLAT = """
import json, os, sys, threading, skyblot
source, folder, out = sys.argv[1:]
seen = []
def look(_):
    with open("/proc/self/statm") as stream:
        resident = int(stream.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    seen.append((len(os.listdir("/proc/self/fd")), threading.active_count(), resident))
plan = skyblot.plan_blots(source, [folder], out, in_units="cps", out_units="cps", addsky=False)
for result in skyblot.run(plan):
    look(result)
print(json.dumps(seen))
"""


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc")
def test_two_hundred_exposures_take_no_more_than_fifty(tmp_path, out):
    """Open files, threads and memory stay flat."""
    shape = (60, 80)
    source = write_sci(tmp_path / "med.fits", texture((200, 220)), tan_header((200, 220)))
    folder = tmp_path / "exposures"
    folder.mkdir()
    for number in range(200):
        header = tan_header(shape)
        header["CRPIX1"] += number % 20
        header["CRPIX2"] += number // 20
        write_sci(folder / f"e{number:03d}_flt.fits", np.zeros(shape, "f4"), header)
    done = run(FLAT, source, folder, out)
    assert done.returncode == 0, done.stderr
    seen = np.array(json.loads(done.stdout))
    assert len(seen) == 200
    first, rest = seen[20:60].max(axis=0), seen[60:].max(axis=0)
    assert rest[0] <= first[0] + 2  # a worker may have an input and an output open
    assert rest[1] <= first[1]
    # Of 140 blots not even one in ten leaves its pixels behind.
    assert rest[2] - first[2] < 14 * 4 * shape[0] * shape[1] + (4 << 20)
