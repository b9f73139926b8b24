"""stcal's blot, with stcal's own signature, for the pipelines of JWST and Roman.

`gwcs_blot` takes the place of ``stcal.outlier_detection.utils.gwcs_blot``; `patch_stcal` puts it
there.
"""

import logging
import sys
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Any

import numpy as np

from ..errors import SkyblotError, WCSError
from ..parameters.table import Sampling
from ..resampling.arrays import prepare
from .patching import Patch

log = logging.getLogger(__name__)

__all__ = ["StcalPatch", "gwcs_blot", "patch_stcal"]

Blot = Callable[..., np.ndarray]


def gwcs_blot(
    median_data: Any,
    median_wcs: Any,
    blot_shape: tuple[int, int],
    blot_wcs: Any,
    pix_ratio: float | None = None,
    fillval: float = 0.0,
    pixmap_stepsize: float = 1,
    pixmap_order: int = 1,
) -> np.ndarray:
    """Resample a median image onto the pixels of an exposure, linearly.

    Parameters
    ----------
    median_data : array, shape (ny, nx)
        The median.
    median_wcs, blot_wcs : WCS
        `gwcs.WCS`, or any other WCS that `skyblot.blot` takes, of the median and of the exposure.
    blot_shape : tuple of int
        (ny, nx) of the exposure.
    pix_ratio : float, optional
        Ignored, as by stcal since 1.17: a blot of surface brightness is not scaled.
    fillval : float
        Value of pixels that the median does not cover.
    pixmap_stepsize, pixmap_order
        Ignored: the pixel map is good to 1e-4 pixel whatever they are, and needs no coarse grid to
        be quick.

    Returns
    -------
    ndarray, float32, shape (ny, nx)

    Raises
    ------
    ParameterError, DataError, WCSError
        For arguments that `skyblot.blot` cannot use; spectra, whose WCS is not two-dimensional, are
        among them.
    """
    source = np.asarray(median_data)
    if source.dtype.kind != "f":
        source = source.astype(np.float32)
    job = prepare(source, median_wcs, blot_wcs, Sampling("linear"), shape=blot_shape)
    return job.run(fill_value=fillval).data.astype(np.float32, copy=False)


class StcalPatch(Patch):
    """`gwcs_blot` in place of stcal's own until `undo`, or until the end of a ``with`` block."""

    def __init__(self, theirs: Blot) -> None:
        self._theirs = theirs
        self._ours = _with_fallback(theirs)
        _exchange(self._theirs, self._ours)

    def undo(self) -> None:
        """Put stcal's own function back."""
        _exchange(self._ours, self._theirs)


def patch_stcal() -> StcalPatch:
    """Make an installed stcal, and the pipelines that use it, blot with `gwcs_blot`.

    Every module that has imported stcal's function gets ours, and so does every module that imports
    it later. Where a WCS is not one for `skyblot.blot`, as those of spectra are not, stcal's own
    function runs as before, and the log says so.

    Returns
    -------
    StcalPatch
        Its method ``undo()``, or the end of a ``with`` block, puts stcal's own function back.

    Raises
    ------
    SkyblotError
        If stcal is not installed.
    """
    try:
        utils = import_module("stcal.outlier_detection.utils")
    except ImportError as error:
        raise SkyblotError(f"stcal is not installed ({error})", subject="patch_stcal") from error
    return StcalPatch(utils.gwcs_blot)


def _with_fallback(theirs: Blot) -> Blot:
    """Our function, and theirs for what ours does not take."""

    @wraps(gwcs_blot)
    def either(*args: Any, **keywords: Any) -> np.ndarray:
        try:
            return gwcs_blot(*args, **keywords)
        except WCSError as error:
            log.info("blotted by stcal: %s", error)
            return theirs(*args, **keywords)

    return either


def _exchange(old: Blot, new: Blot) -> None:
    """Bind `new` in every loaded module that has `old` as its ``gwcs_blot``.

    Pipelines import the function itself.
    """
    for module in list(sys.modules.values()):
        if getattr(module, "__dict__", {}).get("gwcs_blot") is old:
            module.__dict__["gwcs_blot"] = new
