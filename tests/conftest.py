"""Fixtures shared by the tests."""

import warnings
from pathlib import Path

import pytest
from astropy.io import fits
from astropy.wcs import WCS, FITSFixedWarning

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
