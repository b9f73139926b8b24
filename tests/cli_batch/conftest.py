"""Many exposures, the blots of an undisturbed run, and an exposure that cannot be blotted."""

import subprocess
import sys

import pytest
from batch_lines import EXPOSURES
from samples import CHIP_SHAPE, digests, rewrite

from skyblot.demo import make_demo


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    return make_demo(tmp_path_factory.mktemp("demo"), exposures=EXPOSURES, chip_shape=CHIP_SHAPE)


@pytest.fixture(scope="session")
def undisturbed(demo, tmp_path_factory):
    """The blots of a run that nothing disturbs, by name."""
    out = tmp_path_factory.mktemp("undisturbed")
    command = [
        sys.executable,
        "-m",
        "skyblot",
        "blot",
        demo.median,
        *demo.exposures,
        "--output-dir",
        out,
        "-q",
    ]
    subprocess.run(command, check=True)
    return digests(out)


@pytest.fixture
def bad(demo, tmp_path):
    """An exposure whose second chip has lost its WCS."""

    def lose_wcs(hdus):
        for keyword in ("CTYPE1", "CTYPE2"):
            del hdus["SCI", 2].header[keyword]

    return rewrite(demo.exposures[1], tmp_path / "bad_flc.fits", lose_wcs)
