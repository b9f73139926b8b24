"""Why a file cannot be written: what the system says, and a hint at the disk only where it may be
full.
"""

import errno
import os

import pytest

from skyblot.errors import FileError
from skyblot.io.atomic import atomic_write


def behind(error, cause):
    """An error as a library raises it in the place of the system's own."""
    error.__context__ = cause
    return error


TOO_MANY = OSError(errno.EMFILE, os.strerror(errno.EMFILE))
REASONS = {
    "the system's": (TOO_MANY, "Too many open files"),
    "the system's behind a library's": (
        behind(OSError("no luck"), TOO_MANY),
        "Too many open files",
    ),
    "a library's": (OSError("[Errno 24] Too many open files"), "[Errno 24] Too many open files"),
    "NumPy's": (
        OSError("4000 requested and 512 written"),
        "4000 requested and 512 written (is the disk full?)",
    ),
    "the disk's": (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "No space left on device"),
}


@pytest.mark.parametrize(("error", "reason"), REASONS.values(), ids=REASONS)
def test_reasons(tmp_path, error, reason):
    with pytest.raises(FileError) as caught, atomic_write(tmp_path / "a.fits", overwrite=False):
        raise error
    assert str(caught.value) == f"{tmp_path / 'a.fits'}: cannot be written: {reason}"
    assert not list(tmp_path.iterdir())
