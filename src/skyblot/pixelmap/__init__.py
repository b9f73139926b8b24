"""Target pixel to source pixel: closed form where there is one, exact evaluation elsewhere, or a grid."""

from typing import Any

from .direct import DirectMap
from .fits_exact import tangent_map
from .sampled import BilinearMap
from .sky import sky_of
from .types import RowMap


def plan_map(target_wcs: Any, source_wcs: Any, shape: tuple[int, int], stepsize: int | None) -> RowMap:
    """Choose the pixel map for a pair of WCS.

    Parameters
    ----------
    target_wcs, source_wcs : WCS
        An `astropy.wcs.WCS`, a `gwcs.WCS` or an APE 14 WCS; neither is changed.
    shape : tuple of int
        (ny, nx) of the target.
    stepsize : int or None
        None, 0 or 1 is exact; n > 1 is exact every n pixels and bilinear between.

    Raises
    ------
    WCSError
        If either is not a usable celestial WCS.
    """
    target, source = sky_of(target_wcs, "target"), sky_of(source_wcs, "source")
    exact = tangent_map(target, source, shape) or DirectMap(target, source)
    if stepsize is not None and stepsize > 1:
        return BilinearMap(exact, shape, stepsize)
    return exact


__all__ = ["RowMap", "plan_map"]
