"""One bad exposure never ends a run of many, whatever is wrong with it."""

import errno
import shutil

import numpy as np
import pytest
from astropy.io import fits

from skyblot.resampling import target as module

ERRORS = (
    RuntimeError("nobody foresaw it"),
    KeyError("NAXIS1"),
    np.linalg.LinAlgError("Singular matrix"),
    RecursionError("too deep"),
    MemoryError("Unable to allocate 2.00 TiB"),
    OSError(errno.EIO, "Input/output error"),
    OSError("nothing known"),
    fits.VerifyError("Unparsable card"),
    UnicodeDecodeError("utf-8", b"x", 0, 1, "invalid"),
    StopIteration(),
    AssertionError(),
)
COMMANDS = {
    "blot": ["blot"],
    "reject": ["reject"],
    "reject with flags": ["reject", "--update-dq"],
    "reject with copies": ["reject", "--clean", "--save-blots"],
    "reject to one file": ["reject", "--one-file"],
}


@pytest.fixture
def files(base, tmp_path):
    return [shutil.copy(base / name, tmp_path) for name in ("med.fits", "a_flt.fits", "d_flt.fits")]


def check(run, files, out, options):
    command, *more = options
    code, _, said = run(command, *more, *files, "--output-dir", out)
    assert code == 1, said
    assert "a_flt.fits" in said
    assert "Traceback" not in said
    made = sorted(path.name[:2] for path in out.iterdir())
    assert set(made) == {"d_"}


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("command", ["blot", "reject"])
def test_an_error_of_one_exposure(run, files, out, monkeypatch, command, error):
    right = module.say_if_undistorted

    def wrong(reference, wcs):
        if "a_flt" in reference.name:
            raise error
        right(reference, wcs)

    monkeypatch.setattr(module, "say_if_undistorted", wrong)
    check(run, files, out, COMMANDS[command])


DAMAGE = {
    "truncated": lambda content: content[:20000],
    "no header": lambda content: content[:2000],
    "no FITS": lambda content: b"x" * 5000,
    "a card that cannot be parsed": lambda content: content.replace(
        b"BUNIT   = 'ELECTRONS'", b"BUNIT   = NaN        ", 1
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_damaged_exposure(run, files, out, command, damage):
    with open(files[1], "rb") as stream:
        content = DAMAGE[damage](stream.read())
    with open(files[1], "wb") as stream:
        stream.write(content)
    check(run, files, out, COMMANDS[command])
