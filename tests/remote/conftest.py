"""A web server, and a pair of files on it."""

import numpy as np
import pytest
import samples
from samples import tan_header, write_sci
from web import serve
from web_data import WIDE


@pytest.fixture
def web(tmp_path):
    (tmp_path / "web").mkdir()
    with serve(tmp_path / "web") as server:
        yield server


@pytest.fixture
def pair(web):
    """Names, on the server, of a wide mosaic and of a small exposure in it."""
    write_sci(web.folder / "med.fits", WIDE, tan_header(WIDE.shape, BUNIT="counts/s"))
    header = tan_header((60, 80), ra=samples.RA + 3.3e-5, BUNIT="counts/s", MDRIZSKY=0.0)
    write_sci(web.folder / "one_flt.fits", np.zeros((60, 80), "f4"), header)
    return "med.fits", "one_flt.fits"
