"""A blot made as sharp as its exposure, where their seeing differs. Arrays only.

What a blot is smoother by than its exposure is, to first order, its Laplacian times a constant.
Where seeing differs by much that does not do: at the cores of stars higher orders count, and
everywhere else a Laplacian is mostly noise. The blot is then convolved with a sum of Gaussians
whose weights are fitted, as Alard & Lupton (1998) match images: to the pixels of sources, so that
stars are as sharp as those of the exposure, and to those of the sky, which keep it from sharpening
noise. A median of exposures of different seeing is no convolution of one of them: peaks would still
be too low, by a quarter for the sharpest of five with 0.8 to 1.4 arcsec. So two terms of peaks are
fitted with it: how far the blot, smoothed a little, is above its neighbours, and the square of that
over its brightness.
"""

import math
from dataclasses import dataclass, replace

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
#: The one with which peaks are looked for, and the least brightness that is divided by, in sigma.
_PEAK = 0.7
_FAINTEST = 3.0
#: Terms of peaks.
_OF_PEAKS = 2
#: Sources are fitted to this part of their brightness at best: the brightest do not decide alone,
#: nor are their cores taken for outliers.
_GOOD_TO = 0.1
#: The error of a blot of another sharpness, in what it was changed by: stars of a median are not
#: all equally sharp.
MATCHED_TO = 0.25
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
    systematics : Systematics
        What they differ by.
    background : float, optional
        Exposure minus blot where there is nothing, where it is known.
    threads : int
    """
    if not abs(systematics.sharpness) > _UNLIKE:
        return images.blot, systematics
    bright = images._replace(blot=images.blot * images.blot.dtype.type(systematics.ratio))
    sample = Sample.of(bright, threads, systematics.binned)
    match = _Match.of(sample, math.sqrt(2 * abs(systematics.sharpness)))
    weights = _weights(bright, systematics, sample, match, threads)
    if weights is None:
        return images.blot, systematics
    blot = _matched(bright.blot, match, weights, threads)
    sample = Sample.of(bright._replace(blot=blot), threads, systematics.binned)
    return blot, at_pixels(sample, replace(systematics, ratio=1.0), background)


@dataclass(frozen=True)
class _Match:
    """What a blot may be changed by, term by term.

    Attributes
    ----------
    widths : tuple of float
        Standard deviations of Gaussians, pixels.
    peak : float
        That of the Gaussian with which peaks are looked for.
    sky, least : float
        Level of the blot's sky, and the least brightness that is divided by.
    """

    widths: tuple[float, ...]
    peak: float
    sky: float
    least: float

    @classmethod
    def of(cls, sample: Sample, smoother: float) -> "_Match":
        widths = tuple(min(width * smoother, _WIDEST) for width in _WIDTHS)
        sky = clipped_median(sample.sky[:, BLOT])
        least = _FAINTEST * float(np.median(sample.sky[:, SIGMA]))
        return cls(widths, min(_PEAK * smoother, _WIDEST), sky, least)

    def terms(self, blot: np.ndarray, row0: int, row1: int) -> list[np.ndarray]:
        """Return the terms in some rows: what convolutions change, and what peaks have."""
        here = blot[row0:row1]
        terms = [_smoothed(blot, row0, row1, width) - here for width in self.widths]
        bend = np.maximum(_bend(blot, row0, row1, self.peak), 0.0)
        return [*terms, bend, bend**2 / np.maximum(here - self.sky, self.least)]


def _weights(
    images: Images, systematics: Systematics, sample: Sample, match: _Match, threads: int
) -> np.ndarray | None:
    """What each term has to be multiplied by; None if nothing tells."""
    rows = np.concatenate([sample.sources, sample.sky[:: max(1, len(sample.sky) // _SKY_SAMPLE)]])
    y = rows[:, PLACE_Y].astype(np.int64)
    x = rows[:, PLACE_X].astype(np.int64)
    terms = np.empty((len(rows), len(match.widths) + _OF_PEAKS))

    def look(row0: int, row1: int, *_: np.ndarray) -> None:
        here = (y >= row0) & (y < row1)
        for k, term in enumerate(match.terms(images.blot, row0, row1)):
            terms[here, k] = term[y[here] - row0, x[here]]

    for_each_band(images.blot.shape, look, threads, _BAND)
    blot = images.blot[y, x]
    errors = np.hypot(rows[:, SIGMA], _GOOD_TO * (blot - match.sky))
    design = np.column_stack([terms, rows[:, [SLOPE_X, SLOPE_Y]]])
    fit = robust_fit(
        design / errors[:, None], (rows[:, RESIDUAL] - systematics.background) / errors
    )
    return None if fit is None else fit.coefficients[: terms.shape[1]]


def _matched(blot: np.ndarray, match: _Match, weights: np.ndarray, threads: int) -> np.ndarray:
    """The blot and its terms."""
    out = np.empty_like(blot)

    def change(row0: int, row1: int, *_: np.ndarray) -> None:
        terms = match.terms(blot, row0, row1)
        total = sum(weight * term for weight, term in zip(weights, terms, strict=True))
        out[row0:row1] = blot[row0:row1] + total

    for_each_band(blot.shape, change, threads, _BAND)
    return out


def _bend(blot: np.ndarray, row0: int, row1: int, width: float) -> np.ndarray:
    """By how much rows of a blot, convolved with a Gaussian, are above their four neighbours."""
    first = max(row0 - 1, 0)
    last = min(row1 + 1, len(blot))
    smooth = np.pad(_smoothed(blot, first, last, width), 1, mode="edge")
    inner = smooth[1:-1, 1:-1]
    around = smooth[:-2, 1:-1] + smooth[2:, 1:-1] + smooth[1:-1, :-2] + smooth[1:-1, 2:]
    return (4 * inner - around)[row0 - first : row1 - first]


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
