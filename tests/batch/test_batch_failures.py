"""Many exposures from one mosaic: failures one by one, resuming, stopping."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from samples import blots_watched, digests, write_sci

import skyblot
from skyblot.api.blot import blot_file, blot_files
from skyblot.api.results import BatchError
from skyblot.errors import FileError
from skyblot.io.atomic import atomic_write, remove_leftovers
from skyblot.steps import blot as steps_blot

# ---- failures ------------------------------------------------------------------------------------


@pytest.fixture
def mixed(demo, tmp_path):
    """Good exposures and bad ones of several kinds; the reasons expected, by name."""
    good = [shutil.copy(path, tmp_path) for path in demo.exposures[:2]]
    truncated = tmp_path / "truncated_flc.fits"
    truncated.write_bytes(demo.exposures[0].read_bytes()[:100_000])
    garbage = tmp_path / "garbage_flc.fits"
    garbage.write_text("no FITS file")
    lost = write_sci(tmp_path / "lost_flc.fits", np.zeros((20, 20), "f4"), fits.Header())
    missing = tmp_path / "missing_flc.fits"
    reasons = {
        "truncated": "truncated_flc.fits[sci,1]: its WCS cannot be read",  # its tables are gone
        "garbage": "garbage_flc.fits: not a readable FITS file",
        "lost": "lost_flc.fits[sci,1]: no celestial WCS",
        "missing": "missing_flc.fits: no such file",
    }
    return [truncated, good[0], garbage, lost, good[1], missing], reasons


def test_one_bad_exposure_does_not_stop_the_others(demo, mixed, out):
    references, reasons = mixed
    with pytest.raises(BatchError) as caught:
        blot_files(demo.median, references, out)
    error = caught.value
    assert len(error.results) == 4
    assert str(error).startswith("4 of 8 blots could not be made: ")
    for reason in reasons.values():
        assert sum(reason in each.reason for each in error.failures) == 1
    assert sorted(path.name for path in out.iterdir()) == sorted(
        each.path.name for each in error.results
    )
    for each in error.results:
        blot_file(demo.median, each.reference, out / "again.fits", overwrite=True)
        assert np.array_equal(
            fits.getdata(out / "again.fits", "SCI"), fits.getdata(each.path, "SCI")
        )


def test_fail_fast(demo, mixed, out):
    references, _ = mixed
    with pytest.raises(FileError, match=r"garbage_flc\.fits: not a readable FITS file"):
        blot_files(demo.median, references, out, fail_fast=True)
    assert list(out.iterdir()) == []
    with pytest.raises(skyblot.SkyblotError, match="lost_flc"):
        blot_files(demo.median, [references[1], references[3], references[4]], out, fail_fast=True)


def test_an_unforeseen_error_is_a_failure_too(demo, out, monkeypatch):
    original = steps_blot.write_blot

    def write(path, *args, **options):
        if path.name.startswith("isky01a2q_sci1"):
            raise RuntimeError("out of luck")
        original(path, *args, **options)

    monkeypatch.setattr(steps_blot, "write_blot", write)
    with pytest.raises(
        BatchError,
        match="1 of 6 blots could not be made: internal error, RuntimeError: out of luck",
    ):
        blot_files(demo.median, demo.exposures, out)
    assert len(list(out.iterdir())) == 5


def test_a_bad_source_is_no_failure_of_the_exposures(demo, tmp_path, out):
    with pytest.raises(FileError, match=r"nowhere\.fits: no such file"):
        blot_files(tmp_path / "nowhere.fits", demo.exposures, out)
    integers = write_sci(tmp_path / "int.fits", np.ones((30, 30), "i4"))
    with pytest.raises(skyblot.DataError, match=r"int.fits\[sci,1\]: has dtype int32"):
        blot_files(integers, demo.exposures, out)
    assert list(out.iterdir()) == []


def test_a_source_that_changes_ends_the_run(demo, tmp_path, out):
    med = Path(shutil.copy(demo.median, tmp_path))

    def touch(_):
        os.utime(med, ns=(1, 1))

    results, failures = blots_watched(med, demo.exposures, out, touch, threads=1)
    assert {each.reason for each in failures} == {f"{med}: has changed since the run began"}
    assert len(results) in (1, 2)  # one more may have been past its last check
    assert len(list(out.iterdir())) == len(results)


# ---- resuming and stopping -----------------------------------------------------------------------


def test_resume(demo, tmp_path, out):
    exposures_ = [Path(shutil.copy(path, tmp_path)) for path in demo.exposures]
    med = Path(shutil.copy(demo.median, tmp_path))
    first = blot_files(med, exposures_, out)
    undisturbed = digests(out)

    def again(**more):
        results = blot_files(med, exposures_, out, resume=True, **more)
        assert [result.path for result in results] == [result.path for result in first]
        return [result.kept for result in results]

    assert again() == [True] * 6
    kept = blot_files(med, exposures_, out, resume=True)[1]
    assert (kept.shape, kept.covered, kept.reference) == (
        first[1].shape,
        first[1].covered,
        first[1].reference,
    )
    first[2].path.unlink()
    first[3].path.write_bytes(first[3].path.read_bytes()[:30_000])
    assert again() == [True, True, False, False, True, True]
    assert digests(out) == undisturbed
    os.utime(exposures_[1])
    assert again() == [True, True, False, False, True, True]
    assert again(interp="linear") == [False] * 6
    assert again(interp="linear") == [True] * 6
    os.utime(med)
    assert again(interp="linear") == [False] * 6
    # What skyblot has not made is not replaced.
    fits.writeto(first[0].path, np.zeros((3, 3), "f4"), overwrite=True)
    theirs = first[0].path.read_bytes()
    with pytest.raises(FileError, match="is no blot of skyblot's, and --resume"):
        again(interp="linear")
    assert first[0].path.read_bytes() == theirs
    assert again(interp="linear", overwrite=True) == [False] + [True] * 5


def test_resume_removes_what_a_killed_process_left(demo, out):
    done = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True
    )
    with atomic_write(out / "isky01a1q_sci1_blt.fits", overwrite=False) as stream:
        mine = Path(stream.name)
        host = mine.name.removeprefix(".isky01a1q_sci1_blt.fits.").rsplit("-", 2)[0]
        dead = mine.with_name(f".isky01a1q_sci1_blt.fits.{host}-{done.stdout.strip()}-0123abcd.tmp")
        elsewhere = mine.with_name(
            f".isky01a1q_sci1_blt.fits.other-{done.stdout.strip()}-0123abcd.tmp"
        )
        for each in (dead, elsewhere):
            each.touch()
        remove_leftovers(out)
        assert mine.exists()
        assert elsewhere.exists()
        assert not dead.exists()
        dead.touch()
    (out / "isky01a1q_sci1_blt.fits").unlink()
    blot_files(demo.median, demo.exposures[:1], out, resume=True)
    assert not dead.exists()


@pytest.mark.parametrize("signal", [KeyboardInterrupt, SystemExit])
def test_an_interruption_drops_what_is_being_made(demo, out, signal):
    def stop(_):
        raise signal

    with pytest.raises(signal):
        blots_watched(demo.median, demo.exposures, out, stop)
    made = sorted(out.iterdir())
    assert 1 <= len(made) < 6
    assert not [path for path in made if path.name.endswith(".tmp")]
    results = blot_files(demo.median, demo.exposures, out, resume=True)
    assert sum(result.kept for result in results) == len(made)


def test_another_run_s_file_is_not_replaced(tmp_path):
    path = tmp_path / "blot.fits"

    def both_write():
        with atomic_write(path, overwrite=False) as stream:
            stream.write(b"mine")
            path.write_bytes(b"theirs")

    with pytest.raises(FileError, match="exists already"):
        both_write()
    assert path.read_bytes() == b"theirs"
    with atomic_write(path, overwrite=True) as stream:
        stream.write(b"mine")
    assert path.read_bytes() == b"mine"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_system_without_links(tmp_path, monkeypatch):
    def link(*_):
        raise PermissionError

    monkeypatch.setattr(os, "link", link)
    with atomic_write(tmp_path / "blot.fits", overwrite=False) as stream:
        stream.write(b"mine")
    assert (tmp_path / "blot.fits").read_bytes() == b"mine"
