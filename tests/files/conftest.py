"""A blot of the demo, and a small pair of files."""

import numpy as np
import pytest
import samples
from astropy.io import fits
from samples import tan_header, texture, write_sci

from skyblot import blot_file


@pytest.fixture(scope="session")
def chip1(demo):
    return f"{demo.exposures[0]}[sci,1]"


@pytest.fixture(scope="session")
def blot1(demo, chip1, tmp_path_factory):
    """Blot onto chip 1 with the defaults: file name, and the pixels."""
    path = blot_file(demo.median, chip1, tmp_path_factory.mktemp("blot") / "one_blt.fits")
    return path, fits.getdata(path, "SCI")


@pytest.fixture
def pair(tmp_path):
    """A source with texture and a plain reference inside it, same scale, shifted by a fraction of a
    pixel.
    """
    source = write_sci(
        tmp_path / "med.fits", texture((60, 70)), tan_header((60, 70), BUNIT="counts/s")
    )
    header = tan_header((20, 24), ra=samples.RA + 3.3e-5, BUNIT="counts/s", MDRIZSKY=0.0)
    return source, write_sci(tmp_path / "one_flt.fits", np.zeros((20, 24), "f4"), header)


@pytest.fixture
def reference(tmp_path):
    header = tan_header((60, 80), ra=samples.RA + 3.3e-5, BUNIT="counts/s", MDRIZSKY=0.0)
    return write_sci(tmp_path / "one_flt.fits", np.zeros((60, 80), "f4"), header)


@pytest.fixture
def source(tmp_path):
    return write_sci(
        tmp_path / "med.fits", texture((300, 200)), tan_header((300, 200), BUNIT="counts/s")
    )


@pytest.fixture
def labels(tmp_path):
    data = (1000 * texture((300, 200))).astype("i4")
    return write_sci(tmp_path / "seg.fits", data, tan_header((300, 200)))
