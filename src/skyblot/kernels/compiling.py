"""Compile kernels, and keep what was compiled on disk where that is possible."""

import logging

from numba import njit

logger = logging.getLogger(__name__)

_OPTIONS = {"nogil": True, "error_model": "numpy", "boundscheck": False}


def kernel(function):
    """Compile a function, serial and without the GIL.

    One that cannot be kept on disk is compiled in every process.

    Numba raises where no folder for its cache can be written to, where the disk is full, and where
    what it finds there is damaged.
    """
    try:
        compiled = njit(cache=True, **_OPTIONS)(function)
    except RuntimeError:  # no folder at all
        return njit(**_OPTIONS)(function)
    cache = getattr(compiled, "_cache", None)
    if cache is None:  # Numba is switched off
        return compiled
    load = cache.load_overload
    save = cache.save_overload

    def load_if_possible(*arguments):
        try:
            kept = load(*arguments)
        except Exception:  # what unpickling a damaged file raises
            kept = None
        if kept is None:
            logger.info("compiling %s, once for each new version", function.__name__)
        return kept

    def save_if_possible(*arguments):
        try:
            save(*arguments)
        except OSError:  # the disk is full
            return

    cache.load_overload = load_if_possible
    cache.save_overload = save_if_possible
    return compiled
