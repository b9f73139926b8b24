"""Files: outputs and inputs, and that nothing else changes, whatever fails."""

import os
import signal
import subprocess
import sys

import numpy as np
import pytest
from astropy.io import fits
from samples import RAW, digests, no_space, tasks_of, texture, write_sci

from skyblot import blot_file, blot_files
from skyblot.errors import FileError, SkyblotError


def test_an_existing_output_is_replaced_only_with_overwrite(pair, tmp_path):
    path = tmp_path / "blt.fits"
    path.write_text("precious")
    with pytest.raises(FileError, match=r"blt\.fits: exists already; --overwrite replaces it$"):
        blot_file(*pair, path)
    assert path.read_text() == "precious"
    assert blot_file(*pair, path, overwrite=True) == path
    assert fits.getdata(path, "SCI").shape == (20, 24)
    with pytest.raises(FileError, match="exists already"):
        blot_file(*pair, path)


def test_an_existing_output_is_refused_before_any_work(demo, tmp_path):
    last = tasks_of(demo.exposures, tmp_path)[-1][1]
    last.write_text("precious")
    with pytest.raises(FileError, match="exists already"):
        blot_files(demo.median, demo.exposures, tmp_path)
    assert os.listdir(tmp_path) == [last.name]


@pytest.mark.parametrize("which", [0, 1], ids=["source", "reference"])
@pytest.mark.parametrize("link", ["itself", "symlink", "hardlink", "dotted"])
def test_an_output_that_is_an_input_is_refused(pair, tmp_path, which, link):
    output = {
        "itself": pair[which],
        "symlink": tmp_path / "link.fits",
        "hardlink": tmp_path / "link.fits",
        "dotted": tmp_path / ".." / tmp_path.name / pair[which].name,
    }[link]
    if link == "symlink":
        output.symlink_to(pair[which])
    if link == "hardlink":
        output.hardlink_to(pair[which])
    before = digests(tmp_path)
    with pytest.raises(FileError, match="is an input file"):
        blot_file(*pair, output, overwrite=True)
    assert digests(tmp_path) == before


def test_inputs_do_not_change(demo, chip1, tmp_path):
    before = digests(demo.folder)
    blot_file(demo.median, chip1, tmp_path / "a.fits")
    blot_file(demo.median, chip1, tmp_path / "b.fits", coeffs=False, interp="spline3")
    blot_file(demo.median, chip1, tmp_path / "c.fits", outscale=0.1, interp="nearest")
    for bad in ({"interp": "poly9"}, {"stepsize": -3}, {"expkey": "NOSUCH"}, {"threads": 0}):
        with pytest.raises(SkyblotError):
            blot_file(demo.median, chip1, tmp_path / "d.fits", **bad)
    with pytest.raises(FileError):
        blot_file(demo.median, chip1, tmp_path / "nowhere" / "d.fits")
    assert digests(demo.folder) == before
    assert sorted(os.listdir(tmp_path)) == ["a.fits", "b.fits", "c.fits"]


def partial_writeto(self, stream, **_):
    stream.write(b"SIMPLE  =                    T" * 1000)
    no_space()


def broken_writeto(self, stream, **_):
    stream.write(b"SIMPLE  =                    T" * 1000)
    raise RuntimeError("not an OSError")


FAILURES = {
    "replace": (os, "replace", no_space, FileError),
    "fsync": (os, "fsync", no_space, FileError),
    "disk full": (fits.HDUList, "writeto", partial_writeto, FileError),
    "bug": (fits.HDUList, "writeto", broken_writeto, RuntimeError),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("old", [None, b"the old blot"], ids=["new", "overwrite"])
def test_a_failure_while_writing_leaves_no_trace(pair, tmp_path, monkeypatch, failure, old):
    owner, name, replacement, expected = FAILURES[failure]
    path = tmp_path / "blt.fits"
    if old is not None:
        path.write_bytes(old)
    before = digests(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(owner, name, replacement)
        with pytest.raises(expected) as caught:
            blot_file(*pair, path, overwrite=True)
    if expected is FileError:
        assert str(caught.value) == f"{path}: cannot be written: No space left on device"
    assert digests(tmp_path) == before
    blot_file(*pair, path, overwrite=True)
    assert sorted(os.listdir(tmp_path)) == ["blt.fits", "med.fits", "one_flt.fits"]


def test_an_output_that_appears_meanwhile_is_not_replaced(pair, tmp_path, monkeypatch):
    path, fsync = tmp_path / "blt.fits", os.fsync

    def another_process(descriptor):
        path.write_text("someone else's")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", another_process)
    with pytest.raises(FileError, match="exists already"):
        blot_file(*pair, path)
    assert path.read_text() == "someone else's"
    assert sorted(os.listdir(tmp_path)) == ["blt.fits", "med.fits", "one_flt.fits"]


KILLED = """
import os, signal, sys
import skyblot
os.fsync = lambda descriptor: os.kill(os.getpid(), signal.SIGKILL)
skyblot.blot_file(*sys.argv[1:], overwrite=True)
"""


@pytest.mark.parametrize("old", [None, b"the old blot"], ids=["new", "overwrite"])
def test_a_process_killed_while_writing_leaves_no_partial_blot(pair, tmp_path, old):
    path = tmp_path / "blt.fits"
    if old is not None:
        path.write_bytes(old)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, *pair, path], capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert (path.read_bytes() if path.exists() else None) == old
    visible = [name for name in os.listdir(tmp_path) if not name.startswith(".")]
    assert sorted(visible) == sorted(
        ["med.fits", "one_flt.fits", *([] if old is None else ["blt.fits"])]
    )
    assert fits.getdata(blot_file(*pair, path, overwrite=True), "SCI").shape == (20, 24)


@pytest.mark.parametrize("interp", ["linear", "poly5"])
def test_float64_source_is_written_as_float32(pair, tmp_path, interp):
    write_sci(tmp_path / "double.fits", texture((60, 70), "f8"))
    path = blot_file(tmp_path / "double.fits", pair[1], tmp_path / "blt.fits", interp=interp, **RAW)
    assert fits.getval(path, "BITPIX", "SCI") == -32
    single = fits.getdata(blot_file(*pair, tmp_path / "single.fits", interp=interp, **RAW), "SCI")
    np.testing.assert_allclose(fits.getdata(path, "SCI"), single, rtol=2e-6)
