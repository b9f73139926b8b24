"""Target pixel to source pixel: in closed form, by adaptive polynomials, or on a grid."""

from typing import Any

from .adaptive import adaptive_map
from .direct import DirectMap
from .fits_exact import tangent_map
from .sampled import BilinearMap
from .sky import sky_of, warn_of_unknown_frames
from .types import RowMap


def plan_map(
    target_wcs: Any, source_wcs: Any, shape: tuple[int, int], stepsize: int | None, tolerance: float
) -> RowMap:
    """Choose the pixel map for a pair of WCS.

    Parameters
    ----------
    target_wcs, source_wcs : WCS
        An `astropy.wcs.WCS`, a `gwcs.WCS` or an APE 14 WCS; neither is changed.
    shape : tuple of int
        (ny, nx) of the target.
    stepsize : int or None
        None, 0 or 1 is exact; n > 1 is exact every n pixels and bilinear between.
    tolerance : float
        Largest error, source pixels, where there is no closed form.

    Raises
    ------
    WCSError
        If either is not a usable celestial WCS.
    """
    target = sky_of(target_wcs, "target")
    source = sky_of(source_wcs, "source")
    warn_of_unknown_frames(target, source)
    closed = tangent_map(target, source, shape)
    direct = DirectMap(target, source)
    if stepsize is not None and stepsize > 1:
        return BilinearMap(closed or direct, shape, stepsize)
    return closed or adaptive_map(direct, shape, tolerance)


__all__ = ["RowMap", "plan_map"]
