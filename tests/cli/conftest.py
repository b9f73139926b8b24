"""A small pair of files for the command line."""

import numpy as np
import pytest
import samples
from samples import tan_header, texture, write_sci


@pytest.fixture
def pair(tmp_path):
    """A source and a reference inside it, in a folder of their own."""
    folder = tmp_path / "in"
    folder.mkdir()
    source = write_sci(
        folder / "med.fits", texture((60, 70)), tan_header((60, 70), BUNIT="counts/s", MDRIZSKY=0.0)
    )
    header = tan_header((20, 24), ra=samples.RA + 3.3e-5, BUNIT="counts", MDRIZSKY=0.0)
    return source, write_sci(
        folder / "one_flt.fits", np.zeros((20, 24), "f4"), header, {"EXPTIME": 100.0}
    )
