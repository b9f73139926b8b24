"""A mosaic and an exposure of JWST."""

import pytest
from gwcs_files import exposure_gwcs, write_cal, write_i2d
from jwst_blots import MOSAIC
from samples import texture


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("jwst")


@pytest.fixture(scope="module")
def i2d(folder):
    return write_i2d(folder / "jw01_i2d.fits", texture(MOSAIC))


@pytest.fixture(scope="module")
def cal(folder):
    return write_cal(folder / "jw01_nrcb5_cal.fits", exposure_gwcs())
