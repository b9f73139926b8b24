"""Three exposures of one mosaic."""

import pytest

import skyblot


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    return skyblot.make_demo(tmp_path_factory.mktemp("demo"), exposures=3, chip_shape=(96, 160))
