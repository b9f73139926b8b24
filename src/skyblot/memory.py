"""How much memory a run may take."""

import os
import re
from pathlib import Path

from .errors import SkyblotError, not_allowed
from .text import size_text

_UNITS = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
#: Less than this holds no band of a detector and its window.
LEAST = 64 << 20


def memory_limit(given: str | int | float | None) -> int:
    """Return a limit in bytes: a number, or a text such as ``8G``; None is half of what is free.

    Raises
    ------
    ParameterError
        If it is neither, or less than 64 MB.
    """
    if given is None:
        return max(free_memory() // 2, LEAST)
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?)i?B?\s*", str(given), re.IGNORECASE)
    size = int(float(match[1]) * _UNITS[match[2].upper()]) if match else 0
    if size < LEAST:
        raise not_allowed("memory", given, "bytes, or a size such as 8G or 500M, at least 64M")
    return size


def check_memory(name: str, needed: int, allowed: int) -> None:
    """Refuse an image that needs more memory than is allowed, however small its parts."""
    if needed > allowed:
        #: The blot of an image is whole in memory until it is written, and with it the exposure
        #: that it is compared with.
        raise SkyblotError(
            f"needs about {size_text(needed)} of memory, {size_text(allowed)} are allowed: give "
            "more (memory)",
            subject=name,
        )


def free_memory() -> int:
    """Return how many bytes this process may still take, by its system and control group."""
    free = _system_free()
    try:
        group = Path("/sys/fs/cgroup")
        allowed = int((group / "memory.max").read_text()) - int(
            (group / "memory.current").read_text()
        )
    except (OSError, ValueError):  # no such group, or "max"
        return free
    return max(min(free, allowed), 0)


def _system_free() -> int:
    try:
        match = re.search(r"MemAvailable:\s*(\d+) kB", Path("/proc/meminfo").read_text())
        if match:
            return int(match[1]) << 10
    except OSError:
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, OSError, ValueError):  # not POSIX
        return 4 << 30
