"""stcal's blot, with stcal's own signature, for the pipelines of JWST and Roman.

`gwcs_blot` takes the place of ``stcal.outlier_detection.utils.gwcs_blot``; `patch_stcal` puts it
there, and this project's rejection in the place of ``flag_resampled_crs`` if it is asked to.
"""

import logging
import sys
import weakref
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from inspect import signature
from typing import Any

import numpy as np

from ..errors import DataError, SkyblotError, WCSError
from ..parameters.table import Sampling
from ..rejection.compare import compare
from ..rejection.criteria import Criteria
from ..resampling.arrays import prepare
from .patching import Patch, thresholds_of

log = logging.getLogger(__name__)

__all__ = ["StcalPatch", "gwcs_blot", "patch_stcal"]

Function = Callable[..., np.ndarray]
#: Thresholds that both pipelines have by default.
_SNR = (5.0, 4.0)
_IMAGES = ("median_data", "median_wcs", "blot_shape", "blot_wcs")


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
    return _blotted(median_data, median_wcs, blot_wcs, blot_shape, "linear", fillval)


def _blotted(
    data: Any, wcs: Any, target: Any, shape: tuple[int, int], interp: str, fill: float
) -> np.ndarray:
    source = np.asarray(data)
    if source.dtype.kind != "f":
        source = source.astype(np.float32)
    job = prepare(source, wcs, target, Sampling(interp), shape=shape)
    return job.run(fill_value=fill).data.astype(np.float32, copy=False)


class StcalPatch(Patch):
    """Functions of stcal replaced by ours until `undo`, or until the end of a ``with`` block.

    Parameters
    ----------
    utils : module
        ``stcal.outlier_detection.utils``.
    driz_cr : bool
        Whether outliers are flagged by ours, too.
    """

    def __init__(self, utils: Any, *, driz_cr: bool) -> None:
        theirs = utils.gwcs_blot
        if driz_cr:
            flagging = _Flagging(theirs, utils.flag_resampled_crs)
            self._pairs = [
                ("gwcs_blot", theirs, flagging.gwcs_blot),
                ("flag_resampled_crs", utils.flag_resampled_crs, flagging.flag_resampled_crs),
            ]
        else:
            self._pairs = [("gwcs_blot", theirs, _with_fallback(gwcs_blot, theirs))]
        for name, old, new in self._pairs:
            _exchange(name, old, new)

    def undo(self) -> None:
        """Put stcal's own functions back."""
        for name, old, new in self._pairs:
            _exchange(name, new, old)


def patch_stcal(*, driz_cr: bool = False) -> StcalPatch:
    """Make an installed stcal, and the pipelines that use it, blot with `gwcs_blot`.

    Every module that has imported stcal's function gets ours, and so does every module that imports
    it later. Where a WCS is not one for `skyblot.blot`, as those of spectra are not, stcal's own
    function runs as before, and the log says so.

    Parameters
    ----------
    driz_cr : bool
        Find outliers by `skyblot.reject`, too, in the place of ``flag_resampled_crs``, as
        `skyblot.ablot.patch_drizzlepac` does for ``drizCR``. Blots are then interpolated by poly5.
        The pipeline sets flags and NaN as before. Spectra, and exposures that are not resampled,
        are left to stcal.

    Returns
    -------
    StcalPatch
        Its method ``undo()``, or the end of a ``with`` block, puts stcal's own functions back.

    Raises
    ------
    SkyblotError
        If stcal is not installed.
    """
    try:
        utils = import_module("stcal.outlier_detection.utils")
    except ImportError as error:
        raise SkyblotError(f"stcal is not installed ({error})", subject="patch_stcal") from error
    return StcalPatch(utils, driz_cr=driz_cr)


def _with_fallback(ours: Function, theirs: Function) -> Function:
    """Our function, and theirs for what ours does not take."""

    @wraps(gwcs_blot)
    def either(*args: Any, **keywords: Any) -> np.ndarray:
        try:
            return ours(*args, **keywords)
        except WCSError as error:
            log.info("blotted by stcal: %s", error)
            return theirs(*args, **keywords)

    return either


class _Flagging:
    """Our rejection with the signature of ``flag_resampled_crs``, for the blots that are ours.

    Those of spectra are stcal's, and nothing else in the arguments tells what is an image.
    """

    def __init__(self, blot: Function, flag: Function) -> None:
        self.gwcs_blot = _with_fallback(self._blot, blot)
        self._flag = flag
        self._blots = weakref.WeakValueDictionary[int, np.ndarray]()
        self._told = False

    @wraps(gwcs_blot)
    def _blot(self, *args: Any, **keywords: Any) -> np.ndarray:
        given = signature(gwcs_blot).bind(*args, **keywords).arguments
        median, wcs, shape, target = (given[name] for name in _IMAGES)
        # what is not covered is not judged, whatever it is to be filled with
        blot = _blotted(median, wcs, target, shape, "poly5", np.nan)
        # a pixel without data takes fewer of its neighbours with it
        missing = ~np.isfinite(blot)
        blot[missing] = _blotted(median, wcs, target, shape, "linear", np.nan)[missing]
        self._blots[id(blot)] = blot
        return blot

    def flag_resampled_crs(
        self,
        sci_data: Any,
        sci_err: Any,
        blot_data: Any,
        snr1: float,
        snr2: float,
        scale1: float,
        scale2: float,
        backg: float,
    ) -> np.ndarray:
        """Flag outliers: True where an exposure has what its blot does not explain."""
        theirs = (sci_data, sci_err, blot_data, snr1, snr2, scale1, scale2, backg)
        if self._blots.get(id(blot_data)) is not blot_data:
            return self._flag(*theirs)
        criteria = Criteria(snr=thresholds_of((snr1, snr2), [_SNR]))
        self._tell(criteria)
        errors = np.asarray(sci_err, np.float32)
        data = np.asarray(sci_data)
        try:
            rejection = compare(
                data, blot_data, errors, criteria, valid=None, gain=None, threads=None
            )
        except DataError as error:
            log.warning("outliers flagged by stcal: %s", error)
            return self._flag(*theirs)
        for doubt in rejection.doubts():
            log.warning("the exposure: %s", doubt)
        return rejection.mask

    def _tell(self, criteria: Criteria) -> None:
        """Say once how outliers are found."""
        if self._told:
            return
        self._told = True
        log.info(
            "outliers flagged by skyblot: seeds above %g and members above %g sigma (snr counts "
            "where it is no default); scale and backg do not count: what blots leave at sources, "
            "and the background, are measured",
            *criteria.thresholds[0],
        )


def _exchange(name: str, old: Function, new: Function) -> None:
    """Bind `new` in every loaded module that has `old` under a name.

    Pipelines import the function itself.
    """
    for module in list(sys.modules.values()):
        names = getattr(module, "__dict__", {})
        if names.get(name) is old:
            names[name] = new
