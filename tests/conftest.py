"""Fixtures shared by the tests."""

import logging
import warnings
from pathlib import Path

import pytest
from astropy import log as astropy_log
from astropy.io import fits
from astropy.wcs import WCS, FITSFixedWarning
from samples import CHIP_SHAPE

from skyblot.cli import main
from skyblot.demo import make_demo

pytest_plugins = ["provoked"]

REAL_HEADERS = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "real_wcs"

#: Name: file, extension (None for a text header), full size (nx, ny; None: in the header).
_REAL = {
    "uvis1": ("wfc3_uvis_flc.fits", ("SCI", 1), (4096, 2051)),
    "uvis2": ("wfc3_uvis_flc.fits", ("SCI", 2), (4096, 2051)),
    "ir": ("wfc3_ir_flt.fits", ("SCI", 1), (1014, 1014)),
    "hrc": ("acs_hrc_flt.fits", ("SCI", 1), (1024, 1024)),
    "nircam": ("nrcb5_sip_wcs.hdr", None, None),
    "nircam_0p55": ("nrcb5_output_wcs_psr_0p55.hdr", None, None),
    "nircam_1p0": ("nrcb5_output_wcs_psr_1p0.hdr", None, None),
    "nircam_1p2": ("nrcb5_output_wcs_psr_1p2.hdr", None, None),
}


def _read_wcs(name):
    filename, extension, size = _REAL[name]
    path = REAL_HEADERS / filename
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FITSFixedWarning)
        if extension is None:
            return WCS(fits.Header.fromfile(path, sep="\n", endcard=False, padding=False))
        with fits.open(path) as hdus:
            wcs = WCS(hdus[extension].header, hdus)
    wcs.pixel_shape = size
    return wcs


@pytest.fixture(scope="session")
def real_headers():
    """Folder of the real headers; the test is skipped where they are absent."""
    if not REAL_HEADERS.is_dir():
        pytest.skip(f"the real headers are not at {REAL_HEADERS}")
    return REAL_HEADERS


@pytest.fixture(scope="session")
def real_wcs(real_headers):
    """Return a fresh WCS of a real header at its full size, by name; see `_REAL`."""
    return _read_wcs


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    """A mosaic and two small exposures of it, which no test changes."""
    return make_demo(tmp_path_factory.mktemp("demo"), exposures=2, chip_shape=CHIP_SHAPE)


@pytest.fixture
def out(tmp_path):
    """An empty folder for what is written."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def message_settings():
    """Put back what the command line sets up: handlers, levels, filters of warnings."""
    root, package = logging.getLogger(), logging.getLogger("skyblot")
    before = root.handlers[:], root.level, package.level, astropy_log.level
    with warnings.catch_warnings():
        yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    package.setLevel(before[2])
    astropy_log.setLevel(before[3])


@pytest.fixture
def run(message_settings, capsys):
    """Run ``skyblot ...`` in this process; return exit code, stdout and stderr."""

    def call(*arguments):
        with pytest.raises(SystemExit) as caught:
            main([str(each) for each in arguments])
        return caught.value.code, *capsys.readouterr()

    return call
