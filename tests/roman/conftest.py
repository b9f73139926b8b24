"""A mosaic and an exposure of Roman's."""

import pytest
from roman_files import write_cal_asdf, write_coadd


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("roman")


@pytest.fixture(scope="session")
def coadd(folder):
    return write_coadd(folder / "r01_p_v01001_270p65x60y70_f158_coadd.asdf")


@pytest.fixture(scope="session")
def cal(folder):
    return write_cal_asdf(folder / "r0000101001001001001_0001_wfi01_f158_cal.asdf")
