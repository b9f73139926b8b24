"""The files that the fuzzer starts from, made once."""

import pytest
from fuzz_files import make_files


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz") / "base"
    make_files(folder)
    return folder
