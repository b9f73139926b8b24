"""The same blot on other processors: code compiled for them runs here and gives the same values."""

import os
import platform
import subprocess
import sys

import numpy as np
import pytest
from builders import demo_pair, sky_image
from scipy.ndimage import maximum_filter

import skyblot
from skyblot.parameters.table import INTERPOLANTS

BLOT = """
import sys
import numpy as np
sys.path.insert(0, sys.argv[1])
from builders import demo_pair, sky_image
import skyblot
target, mosaic = demo_pair()
source = sky_image(mosaic.array_shape)
blots = {name: skyblot.blot(source, mosaic, target, interp=name) for name in sys.argv[3:]}
np.savez(sys.argv[2], **blots)
"""


def blots_on(tmp_path, **processor):
    """Blots of every interpolant by code compiled for a processor, in a process and a cache of its
    own.
    """
    output = tmp_path / "blots.npz"
    environment = {**os.environ, **processor, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    command = [sys.executable, "-c", BLOT, os.path.dirname(__file__), str(output), *INTERPOLANTS]
    subprocess.run(command, env=environment, check=True, timeout=300)
    with np.load(output) as blots:
        return dict(blots)


@pytest.fixture(scope="module")
def native():
    target, mosaic = demo_pair()
    source = sky_image(mosaic.array_shape)
    return {name: skyblot.blot(source, mosaic, target, interp=name) for name in INTERPOLANTS}


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="code for x86 processors")
@pytest.mark.parametrize("name", ["x86-64", "x86-64-v3"], ids=["SSE2 only", "AVX2, no AVX-512"])
def test_processors_agree_to_2_ulp_of_the_local_peak(tmp_path, native, name):
    """Every operation is rounded once on all of them, but for sums that are rounded to double
    before.
    """
    other = blots_on(tmp_path, NUMBA_CPU_NAME=name, NUMBA_CPU_FEATURES="")
    for interp in INTERPOLANTS:
        here, there = native[interp].astype(float), other[interp].astype(float)
        assert np.abs(here).max() > 0
        peak = maximum_filter(np.abs(here), 13).astype(np.float32)
        assert (np.abs(here - there) <= 2 * np.spacing(peak)).all(), interp
