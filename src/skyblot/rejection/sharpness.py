"""A blot made as sharp as its exposure, where their seeing differs. Arrays only.

What a blot is smoother by than its exposure is, to first order, its Laplacian times a constant.
Where seeing differs by much that does not do: at the cores of stars higher orders count, and
everywhere else a Laplacian is mostly noise. The blot is then convolved with a sum of Gaussians
whose weights are fitted, as Alard & Lupton (1998) match images: to the pixels of sources, so that
stars are as sharp as those of the exposure, and to those of the sky, which keep it from sharpening
noise.
"""

import math
from dataclasses import replace

import numpy as np

from ..bands import for_each_band
from ..kernels.compare import BLOT, PLACE_X, PLACE_Y, RESIDUAL, SIGMA, SLOPE_X, SLOPE_Y
from .look import Sample
from .registration import Images
from .residuals import Systematics, at_pixels
from .robust import clipped_median, robust_fit

#: Where the coefficient of the Laplacian, in square pixels, is larger, the sharpness differs by
#: much: blots of mosaics made of the exposures of one telescope in space stay below 0.1.
_UNLIKE = 0.2
#: Standard deviations of the Gaussians, in that by which the blot is smoother, or sharper; the
#: widest, in pixels; and the reach of a Gaussian in its standard deviation.
_WIDTHS = (0.5, 1.0, 2.0)
_WIDEST = 10.0
_REACH = 4.0
#: Sources are fitted to this part of their brightness at best: the brightest do not decide alone,
#: nor are their cores taken for outliers.
_GOOD_TO = 0.1
#: The error of a blot of another sharpness, in what it was changed by: stars of a median are not
#: all equally sharp.
MATCHED_TO = 0.5
#: Pixels of the sky that are looked at, at most, and rows of a band.
_SKY_SAMPLE = 500
_BAND = 256
#: Less of a Gaussian than this is not on the image.
_LEAST_SHARE = 1e-6


def match_sharpness(
    images: Images, systematics: Systematics, background: float | None, threads: int
) -> tuple[np.ndarray, Systematics]:
    """Return a blot as bright and as sharp as its exposure, and what they then differ by.

    They are the blot as it is, and `systematics`, where the sharpness does not differ by much, or
    where nothing tells how.

    Parameters
    ----------
    images : Images
        Exposure, blot, errors, and the pixels to judge.
    found : Systematics
        What they differ by.
    background : float, optional
        Exposure minus blot where there is nothing, where it is known.
    threads : int
    """
    if not abs(systematics.sharpness) > _UNLIKE:
        return images.blot, systematics
    bright = images._replace(blot=images.blot * images.blot.dtype.type(systematics.ratio))
    smoother = math.sqrt(2 * abs(systematics.sharpness))
    widths = tuple(min(width * smoother, _WIDEST) for width in _WIDTHS)
    weights = _weights(bright, systematics, widths, threads)
    if weights is None:
        return images.blot, systematics
    blot = _convolved(bright.blot, widths, weights, threads)
    sample = Sample.of(bright._replace(blot=blot), threads, systematics.binned)
    return blot, at_pixels(sample, replace(systematics, ratio=1.0), background)


def _weights(
    images: Images, systematics: Systematics, widths: tuple[float, ...], threads: int
) -> np.ndarray | None:
    """What the blot convolved with each Gaussian, minus the blot, has to be multiplied by; None if
    nothing tells.
    """
    sample = Sample.of(images, threads, systematics.binned)
    rows = np.concatenate([sample.sources, sample.sky[:: max(1, len(sample.sky) // _SKY_SAMPLE)]])
    y = rows[:, PLACE_Y].astype(np.int64)
    x = rows[:, PLACE_X].astype(np.int64)
    terms = np.empty((len(rows), len(widths)))

    def look(row0: int, row1: int, *_: np.ndarray) -> None:
        here = (y >= row0) & (y < row1)
        for k, width in enumerate(widths):
            terms[here, k] = _smoothed(images.blot, row0, row1, width)[y[here] - row0, x[here]]

    for_each_band(images.blot.shape, look, threads, _BAND)
    blot = images.blot[y, x]
    errors = np.hypot(rows[:, SIGMA], _GOOD_TO * (blot - clipped_median(sample.sky[:, BLOT])))
    design = np.column_stack([terms - blot[:, None], rows[:, [SLOPE_X, SLOPE_Y]]])
    fit = robust_fit(
        design / errors[:, None], (rows[:, RESIDUAL] - systematics.background) / errors
    )
    return None if fit is None else fit.coefficients[: len(widths)]


def _convolved(
    blot: np.ndarray, widths: tuple[float, ...], weights: np.ndarray, threads: int
) -> np.ndarray:
    """The blot, and weighted differences of its convolutions to it: as bright as before."""
    out = np.empty_like(blot)

    def convolve(row0: int, row1: int, *_: np.ndarray) -> None:
        here = blot[row0:row1]
        total = (1.0 - weights.sum()) * here
        for width, weight in zip(widths, weights, strict=True):
            total += weight * _smoothed(blot, row0, row1, width)
        out[row0:row1] = total

    for_each_band(blot.shape, convolve, threads, _BAND)
    return out


def _smoothed(blot: np.ndarray, row0: int, row1: int, width: float) -> np.ndarray:
    """Rows of a blot convolved with a Gaussian; pixels that are not finite do not count."""
    from scipy.ndimage import gaussian_filter

    margin = math.ceil(_REACH * width)
    first = max(row0 - margin, 0)
    piece = blot[first : row1 + margin]
    how = {"sigma": width, "truncate": _REACH, "mode": "nearest"}
    known = np.isfinite(piece)
    if known.all():
        smooth = gaussian_filter(piece, **how)
    else:
        share = gaussian_filter(known.astype(piece.dtype), **how)
        smooth = gaussian_filter(np.where(known, piece, 0), **how) / np.maximum(share, _LEAST_SHARE)
    return smooth[row0 - first : row1 - first]
