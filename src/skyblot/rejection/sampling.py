"""Pixels with structure to measure on, of images or, where stars are wide, of binned ones.

Stars of many pixels have little structure from a pixel to the next: what stands out there are hits
that were left in the mosaic. Such images are binned until stars are as wide as a good camera in
space has them. A bin is the median of the pixels in it and around it, so that nothing of a hit,
narrower than stars, is left in it.
"""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..bands import for_each_band
from ..kernels.compare import COLUMNS, PLACE_X, PLACE_Y, sample

#: Pixels that are looked at, at most.
SAMPLE = 50_000
#: Sources are where the structure of the blot is above this many sigma.
CURVED = 12.0
#: Rows of a piece that pixels are taken from, and rows of bins that are made together.
_PIECE = 64
_BINS = 32
#: Bins are so many times narrower than the FWHM of stars: stars of less than twice this many pixels
#: are sharp.
_PER_WIDTH = 2.5
_SHARP = 2 * _PER_WIDTH
#: More pixels than this are not binned together.
_MOST = 6
#: What is left of a hit in a median is narrower than this, in pixels.
_HIT = 3.0
#: So many peaks have to be wide, and this part of all; where more than this part is sharp nothing
#: else is looked at.
_FEWEST = 10
_SOME = 0.25
_SURELY = 0.75
#: Pixels, in rows, that stars are looked for in.
_LOOKED_AT = 500_000
#: The FWHM of a Gaussian in its standard deviation; and the error of a median in that of a mean.
_FWHM = 2.3548
_MEDIAN = 1.2533
#: A source of the blot, brighter than so many sigma, is in the exposure too if this part of its
#: brightness is.
_CLEAR = 5.0
_THERE = 0.5
#: Neighbours of a peak are taken for no fainter than this part of it.
_LEAST_SHARE = 1e-3

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def pixels_of_star(images: Arrays) -> int:
    """Return how many pixels to bin each way for stars about 2.5 bins wide: 1 if sharp.

    `images` are exposure, blot, sigma and the pixels to judge. The width is the median of the
    blot's peaks. Hits that were left in it do not count: those are sharp, and the exposure has none
    there.
    """
    part = _middle(images)
    sharp, there = _widths(part, 1)
    there &= sharp < _SHARP
    if np.count_nonzero(there) > _SURELY * len(sharp):
        return 1
    for times in range(2, _MOST + 1):
        if min(part[0].shape) < 4 * times:
            break
        widths = _widths(binned(part, times), times)[0]
        wide = np.count_nonzero(widths >= _SHARP * max(1.0, (times - 1) / 2))
        if wide >= max(_FEWEST, _SOME * len(widths)):
            width = float(np.median(np.concatenate([sharp[there], widths[widths > _HIT]])))
            return min(max(int(width / _PER_WIDTH), 1), _MOST)
    return 1


def _middle(images: Arrays) -> Arrays:
    """The rows in the middle, as many as are looked at."""
    data, blot, sigma, valid = images
    rows = max(_LOOKED_AT // data.shape[1], 1)
    first = max((len(data) - rows) // 2, 0)
    part = slice(first, first + rows)
    return data[part], blot[part], sigma[part], valid[part]


def _widths(images: Arrays, times: int) -> tuple[np.ndarray, np.ndarray]:
    """FWHM of the peaks of a binned blot, in pixels, and whether the exposure has them.

    The logarithm of a Gaussian has the second difference ``-1 / s^2`` wherever its middle lies in a
    pixel.
    """
    data, blot, sigma, valid = images
    if not valid.any():
        return np.empty(0), np.empty(0, bool)
    known = np.where(valid, blot, np.nan) - np.median(blot[valid])
    middle = known[1:-1, 1:-1]
    inside = (slice(1, -1), slice(1, -1))
    near = [known[1:-1, :-2], known[1:-1, 2:], known[:-2, 1:-1], known[2:, 1:-1]]
    peaks = (4 * middle - sum(near) >= CURVED * sigma[inside]) & (middle > 0)
    for neighbour in near:
        peaks &= middle >= neighbour
    top = middle[peaks]
    steps = sum(np.log(np.maximum(neighbour[peaks] / top, _LEAST_SHARE)) for neighbour in near)
    squared = -2.0 / np.minimum(steps, -1e-6) * (_FWHM * times) ** 2
    smoothed = ((2 * times - 1) ** 2 - 1) / 12 * _FWHM**2
    there = data[inside][peaks] - np.median(data[valid]) > _THERE * top
    return np.sqrt(np.maximum(squared - smoothed, 0.0)), there


def binned(images: Arrays, times: int) -> Arrays:
    """Return exposure, blot, sigma and valid pixels in bins of so many pixels each way.

    The bin k has its middle at the pixel ``times k + times - 1``; it is the median of the ``2 times
    - 1`` pixels around, each way. Where half of them or more are not valid it is not either.
    """
    across = 2 * times - 1
    shape = tuple((size - across) // times + 1 for size in images[0].shape)
    out = [np.empty(shape, image.dtype) for image in images]
    for row in range(0, shape[0], _BINS):
        last = min(row + _BINS, shape[0])
        rows = slice(row * times, (last - 1) * times + across)
        valid = sliding_window_view(images[3][rows], (across, across))[::times, ::times]
        unused = ~valid.reshape(last - row, shape[1], across**2)
        count = across**2 - np.count_nonzero(unused, axis=2)
        for to, image in zip(out, images[:3], strict=False):
            windows = sliding_window_view(image[rows], (across, across))[::times, ::times]
            to[row:last] = _medians(windows.reshape(unused.shape), unused, count)
        out[2][row:last] *= _MEDIAN / np.sqrt(np.maximum(count, 1))
        out[3][row:last] = 2 * count > across**2
    return out[0], out[1], out[2], out[3]


def _medians(values: np.ndarray, unused: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Medians of the used values along the last axis; infinite where none is left."""
    ordered = np.sort(np.where(unused, np.inf, values), axis=2)
    low = np.maximum(count - 1, 0) // 2
    high = np.minimum(count // 2, ordered.shape[2] - 1)
    return (
        np.take_along_axis(ordered, low[..., None], 2)
        + np.take_along_axis(ordered, high[..., None], 2)
    )[..., 0] / 2


def on_wide_sources(images: Arrays, times: int, threads: int) -> np.ndarray:
    """Return which pixels lie in bins of sources."""
    coarse = binned(images, times)
    bins = np.zeros_like(coarse[3])
    rows = sampled(coarse, CURVED, math.inf, threads, capacity=bins.size)
    bins[rows[:, PLACE_Y].astype(np.int64), rows[:, PLACE_X].astype(np.int64)] = True
    y, x = (
        np.clip((np.arange(size) - times // 2) // times, 0, last - 1)
        for size, last in zip(images[3].shape, bins.shape, strict=True)
    )
    on: np.ndarray = bins[y[:, None], x]
    return on


def in_both(images: Arrays, ratio: float) -> np.ndarray:
    """Return where an exposure is about as bright as a blot that stands out: no hits there."""
    from scipy.ndimage import maximum_filter

    data, blot, sigma, valid = images
    if not valid.any():
        return valid
    bright = np.where(valid, blot - np.median(blot[valid]), 0.0)
    seen = maximum_filter(np.where(valid, data - np.median(data[valid]), 0.0), 3)
    there: np.ndarray = (bright < _CLEAR * sigma) | (seen > _THERE * min(ratio, 1.0) * bright)
    return there


def sampled(
    images: Arrays,
    least: float,
    most: float,
    threads: int,
    step: int = 1,
    capacity: int = SAMPLE,
    aside: int = 0,
) -> np.ndarray:
    """Pixels of every `step`-th row with structure of `least` to `most` sigma, thinned out.

    Or pixels so many columns `aside` of them: what is chosen for having little structure differs
    less from its blot than it should.

    Rows are looked at in pieces that do not depend on the number of threads, and neither does the
    result.
    """
    pieces: dict[int, np.ndarray] = {}
    room = max(capacity * _PIECE // len(images[0]), 1)

    def look(row0: int, row1: int) -> None:
        pieces[row0] = _piece(images, (row0, row1, step), (least, most, aside), room)

    for_each_band(images[0].shape, look, threads, rows=_PIECE)
    return np.concatenate([pieces[row0] for row0 in sorted(pieces)])


def _piece(
    images: Arrays, rows: tuple[int, int, int], which: tuple[float, float, int], room: int
) -> np.ndarray:
    out = np.empty((room, COLUMNS))
    count = sample(*rows, *images, *which, 1, out)
    if count <= room:
        return out[:count]
    stride = math.ceil(count / room)
    sample(*rows, *images, *which, stride, out)
    return out[: math.ceil(count / stride)]
