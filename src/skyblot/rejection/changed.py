"""Sources that are only brighter or fainter than in the mosaic are no cosmic rays. Arrays only.

A cosmic ray has not the shape of the source that it hits. Where what stands out is in every pixel
the same part of the source's own light, the source has changed: a variable star, or another night.
"""

from collections.abc import Callable

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .registration import Images
from .residuals import Systematics
from .robust import clipped_median

#: A pixel of a source is so many sigma above the sky, and so is this part of an object's pixels.
BRIGHT = 5.0
COVERED = 0.8
#: Fewer pixels than this have no shape.
FEWEST = 4
#: A source changes by this part of its light at most: a hit that was left in a mosaic of two, as
#: half of it, is as much brighter as it is itself.
MOST = 0.6
#: How far each pixel may be from that part of the source's light: in sigma, and in parts of it.
NOISE = 3.5
SHAPE = 0.15
#: With this part of the source's light as their error bright pixels do not decide alone.
_GOOD_TO = 0.05
#: One pixel in so many along each axis tells the level of the blot's sky.
_STEP = 7
_AROUND = [(dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]


def without_changed(mask: np.ndarray, images: Images, left: Systematics) -> np.ndarray:
    """Return a mask without the objects that are sources of another brightness.

    Parameters
    ----------
    mask : ndarray of bool, shape (ny, nx)
    images : Images
        What was compared.
    left : Systematics
        What exposure and blot differ by on the whole.
    """
    flat = np.flatnonzero(mask)
    if not flat.size:
        return mask
    owner, count = objects_of(flat, mask.shape[1])
    light = _light(images, left)
    noise = left.noise * images.sigma.ravel()[flat].astype(np.float64)
    bright = np.bincount(owner, light(flat) > BRIGHT * noise, count)
    size = np.bincount(owner, minlength=count)
    doubtful = (size >= FEWEST) & (bright >= COVERED * size)
    if not doubtful.any():
        return mask
    chosen = doubtful[owner]
    around, place = _around(owner[chosen], flat[chosen], images.valid)
    source = light(place)
    residual = images.data.ravel()[place] - left.ratio * images.blot.ravel()[place]
    residual = residual.astype(np.float64) - left.background
    noise = left.noise * images.sigma.ravel()[place].astype(np.float64)
    part = _part(around, count, source, residual, noise)[around]
    apart = np.abs(residual - part * source) > NOISE * noise + SHAPE * np.abs(part * source)
    unlike = np.bincount(around, apart | (np.abs(part) > MOST), count) > 0
    out = mask.copy()
    out.ravel()[flat] = ~(doubtful & ~unlike)[owner]
    return out


def _light(images: Images, left: Systematics) -> Callable[[np.ndarray], np.ndarray]:
    """What gives the light of sources at some pixels: the blot without its sky."""
    some = (slice(None, None, _STEP),) * 2
    known = images.blot[some][images.valid[some]].astype(np.float64)
    sky = clipped_median(known) if known.size else 0.0
    blot = images.blot.ravel()
    return lambda flat: left.ratio * (blot[flat].astype(np.float64) - sky)


def objects_of(flat: np.ndarray, nx: int) -> tuple[np.ndarray, int]:
    """Which object each of some pixels is of, and how many there are: eight neighbours touch."""
    column = flat % nx
    pairs = []
    for dy, dx in ((0, 1), (1, -1), (1, 0), (1, 1)):
        beside = flat + dy * nx + dx
        at = np.minimum(np.searchsorted(flat, beside), len(flat) - 1)
        inside = (column + dx >= 0) & (column + dx < nx)
        here = np.flatnonzero((flat[at] == beside) & inside)
        pairs.append(np.stack([here, at[here]]))
    i, j = np.concatenate(pairs, axis=1)
    graph = coo_array((np.ones(len(i), np.bool_), (i, j)), shape=(len(flat), len(flat)))
    count, owner = connected_components(graph, directed=False)
    return owner, count


def _around(
    owner: np.ndarray, flat: np.ndarray, valid: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The pixels of objects and those beside them, each once: of which object, and where."""
    ny, nx = valid.shape
    rows, columns = np.divmod(flat, nx)
    near = [
        np.clip(rows + dy, 0, ny - 1) * nx + np.clip(columns + dx, 0, nx - 1) for dy, dx in _AROUND
    ]
    owners = np.tile(owner.astype(np.int64), len(_AROUND))
    of, place = np.divmod(np.unique(owners * valid.size + np.concatenate(near)), valid.size)
    good = valid.ravel()[place]
    return of[good], place[good]


def _part(
    owner: np.ndarray, count: int, source: np.ndarray, residual: np.ndarray, noise: np.ndarray
) -> np.ndarray:
    """By which part of its light each object is brighter: least squares."""
    weight = 1.0 / (noise**2 + (_GOOD_TO * source) ** 2)
    total = np.bincount(owner, weight * source * source, count)
    return np.bincount(owner, weight * source * residual, count) / np.maximum(
        total, np.finfo(np.float64).tiny
    )
