"""Where the numbers come from: processor, memory, versions, date. No names of hosts or folders."""

import os
import platform
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from skyblot.bands import available_cores

PACKAGES = (
    "skyblot", "numpy", "numba", "llvmlite", "scipy", "astropy", "drizzlepac", "stwcs", "drizzle",
    "stcal", "reproject", "gwcs",
)  # fmt: skip
#: What matters for the kernels, in the order in which it came.
VECTOR_FLAGS = ("sse2", "avx2", "fma", "avx512f", "avx512vl", "asimd")


def facts() -> dict[str, str]:
    """Everything about the machine and the software, as text."""
    cpu = _cpu()
    return {
        "Processor": cpu.get("model name") or platform.processor() or platform.machine(),
        "Vector instructions": ", ".join(
            flag for flag in VECTOR_FLAGS if flag in cpu.get("flags", "").split()
        ),
        "Cores this process may use": str(available_cores()),
        "Memory": _memory(),
        "System": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "Load before the start": _load(),
        "Versions": ", ".join(f"{name} {_version(name)}" for name in PACKAGES),
        "Date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    }


def _cpu() -> dict[str, str]:
    path = Path("/proc/cpuinfo")
    if not path.is_file():
        return {}
    lines = path.read_text().split("\n\n")[0].splitlines()
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}


def _memory() -> str:
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    except (AttributeError, ValueError, OSError):
        return "unknown"


def _load() -> str:
    try:
        return f"{os.getloadavg()[0]:.1f} (mean of a minute)"
    except (AttributeError, OSError):
        return "unknown"


def _version(package: str) -> str:
    try:
        return metadata.version(package).split("+")[0]
    except metadata.PackageNotFoundError:
        return "not installed"
