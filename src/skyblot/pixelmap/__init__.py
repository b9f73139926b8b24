"""Target pixel to source pixel: in closed form, by adaptive polynomials, or on a grid."""

import logging
from typing import Any

from .adaptive import adaptive_map
from .direct import DirectMap
from .fits_exact import TangentMap, tangent_map
from .sampled import BilinearMap
from .sky import sky_of, warn_of_unknown_frames
from .types import PartMap, RowMap
from .wcs_objects import image_shape

logger = logging.getLogger(__name__)

#: Origin of the map of a target's pixel corners: that of pixel (0, 0) is half a pixel before it.
CORNERS = (-0.5, -0.5)


def plan_map(
    target_wcs: Any,
    source_wcs: Any,
    shape: tuple[int, int],
    stepsize: int | None,
    tolerance: float,
    *,
    origin: tuple[float, float] = (0.0, 0.0),
    source_shape: tuple[int, int] | None = None,
) -> RowMap:
    """Choose the pixel map for a pair of WCS.

    Parameters
    ----------
    target_wcs, source_wcs : WCS
        An `astropy.wcs.WCS`, a `gwcs.WCS` or an APE 14 WCS; neither is changed.
    shape : tuple of int
        (ny, nx) of the map.
    stepsize : int or None
        None, 0 or 1 is exact; n > 1 is exact every n pixels and bilinear between.
    tolerance : float
        Largest error, source pixels, where there is no closed form.
    origin : tuple of float
        Target position (x, y) of the map's pixel (0, 0). That of a part of a target is its first
        pixel. `CORNERS`, with a shape larger by one, maps the corners of pixels.
    source_shape : tuple of int, optional
        (ny, nx) of the source, by default that of its WCS. A source with distortion has positions
        on and near its pixels only; without a shape, it has no closed form.

    Raises
    ------
    WCSError
        If either is not a usable celestial WCS.
    """
    if stepsize is not None and stepsize > 1:
        closed, direct = _maps(target_wcs, source_wcs, shape, origin, source_shape)
        # nodes may lie far outside a source with distortion, where its closed form has no positions
        nodes = closed if closed is not None and closed.everywhere else direct
        return BilinearMap(nodes, shape, stepsize)
    return exact_map(
        target_wcs, source_wcs, shape, tolerance, origin=origin, source_shape=source_shape
    )


def exact_map(
    target_wcs: Any,
    source_wcs: Any,
    shape: tuple[int, int],
    tolerance: float,
    *,
    origin: tuple[float, float] = (0.0, 0.0),
    source_shape: tuple[int, int] | None = None,
) -> PartMap:
    """Choose the pixel map that is the most exact; arguments and errors are those of `plan_map`."""
    closed, direct = _maps(target_wcs, source_wcs, shape, origin, source_shape)
    rows = closed or adaptive_map(direct, shape, tolerance)
    logger.debug("pixel map: %s", rows.way.name)
    return rows


def _maps(
    target_wcs: Any,
    source_wcs: Any,
    shape: tuple[int, int],
    origin: tuple[float, float],
    source_shape: tuple[int, int] | None,
) -> tuple[TangentMap | None, DirectMap]:
    """The closed form of a pair of WCS, where there is one, and their own functions."""
    target = sky_of(target_wcs, "target")
    source = sky_of(source_wcs, "source")
    warn_of_unknown_frames(target, source)
    closed = tangent_map(target, source, shape, origin, source_shape or image_shape(source_wcs))
    return closed, DirectMap(target, source, origin)


__all__ = ["CORNERS", "PartMap", "RowMap", "exact_map", "plan_map"]
