"""Where Numba can keep nothing on disk, kernels are compiled again, and the run goes on."""

import subprocess
import sys

import pytest

CODE = """
import sys
from numba.core import caching
{prelude}
from skyblot.kernels.compiling import kernel
@kernel
def double(x):
    return 2.0 * x
print(double(21.0))
"""
FAULTS = {
    "a full disk": """
def fail(*arguments):
    raise OSError(28, "No space left on device")
caching.IndexDataCacheFile.save = fail
""",
    "a damaged file": """
def fail(*arguments):
    raise EOFError("Ran out of input")
caching.IndexDataCacheFile.load = fail
""",
    "no folder": """
def fail(self):
    raise OSError(30, "Read-only file system")
caching._CacheLocator.ensure_cache_path = fail
""",
}


@pytest.mark.parametrize("prelude", FAULTS.values(), ids=FAULTS)
def test_kernels_run_without_a_cache(tmp_path, prelude):
    script = tmp_path / "kernel.py"
    script.write_text(CODE.format(prelude=prelude))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "42.0\n", "")
