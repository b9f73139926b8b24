"""grizli's blot of exact pixels, with grizli's own signature.

It carries segmentation maps and masks to detector frames.

``grizli.utils.blot_nearest_exact = skyblot.compat.grizli.blot_nearest_exact`` puts it into grizli.
"""

from typing import Any

import numpy as np

from ..errors import ParameterError
from ..parameters.table import Sampling
from ..pixelmap.linear import pixel_scale
from ..resampling.arrays import prepare

__all__ = ["blot_nearest_exact"]


def blot_nearest_exact(
    in_data: Any,
    in_wcs: Any,
    out_wcs: Any,
    verbose: bool = True,
    stepsize: int = -1,
    scale_by_pixel_area: bool = False,
    wcs_mask: bool = True,
    fill_value: float = 0,
) -> np.ndarray:
    """Give every pixel of a frame the value of the image's pixel that its centre falls on.

    Parameters
    ----------
    in_data : array, shape (ny, nx)
        Image to blot; integers of any size and booleans keep their values exactly.
    in_wcs, out_wcs : WCS
        WCS of the image and of the frame. The frame's size is that of `out_wcs`.
    verbose : bool
        Ignored, nothing is printed.
    stepsize : int
        Ignored, the pixel map is always that of every pixel.
    scale_by_pixel_area : bool
        Multiply by the ratio of pixel areas, the frame's to the image's, both without distortion.
    wcs_mask : bool
        Ignored, no mask is needed.
    fill_value : int or float
        Value of pixels that the image does not cover.

    Returns
    -------
    ndarray, shape (ny, nx)
        Of the dtype of `in_data`.

    Raises
    ------
    ParameterError, DataError, WCSError
        For arguments that `skyblot.blot` cannot use, and for integers with `scale_by_pixel_area`.
    """
    data = np.asarray(in_data)
    scale = 1.0
    if scale_by_pixel_area:
        if data.dtype.kind != "f":
            raise ParameterError(
                f"scale_by_pixel_area=True with data of dtype {data.dtype}: expected float data"
            )
        scale = (pixel_scale(out_wcs) / pixel_scale(in_wcs)) ** 2
    return (
        prepare(data, in_wcs, out_wcs, Sampling("nearest"))
        .run(scale=scale, fill_value=fill_value)
        .data
    )
