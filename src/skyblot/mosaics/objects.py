"""What was rejected, object by object: where it lies, how bright it is, what it looks like."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import ndimage

from ..bounds import Bounds
from ..pixelmap.sky import sky_of
from ..steps.mask_record import RejectResult
from .chips import Chip

#: An object whose pixels lie along a line is so many times as long as it is wide.
ELONGATED = 3.0
#: One that is as long as this part of a chip's side is a satellite's or an aeroplane's.
TRAIL = 0.25
#: Objects of no more pixels are hits.
FEW = 3


@dataclass(frozen=True)
class RejectedObject:
    """Adjacent rejected pixels of one chip, a row of the list: names are those of its columns.

    Attributes
    ----------
    exposure, extension : str
    x, y : float
        Middle by flux, in pixels that are counted from 1.
    ra, dec : float
        The same on the sky, degrees.
    pixels : int
    flux : float
        Exposure minus blot, in the exposure's unit.
    length : float
        Pixels from end to end.
    kind : str
        ``hit``, ``track``, ``cluster`` or ``trail``.
    """

    exposure: str
    extension: str
    x: float
    y: float
    ra: float
    dec: float
    pixels: int
    flux: float
    length: float
    kind: str


def objects_of(
    chips: Sequence[Chip], results: Mapping[Any, RejectResult]
) -> Iterator[RejectedObject]:
    """Yield what was rejected in chips, in their order and along their rows."""
    for chip in chips:
        result = results.get(chip.where)
        if result is not None and result.bad is not None and len(result.bad.flat):
            yield from _objects(chip, result.bad.flat, result.bad.values)


def _objects(chip: Chip, flat: np.ndarray, values: np.ndarray) -> Iterator[RejectedObject]:
    mask = np.zeros(chip.shape, np.bool_)
    mask.ravel()[flat] = True
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    data, _ = chip.read(Bounds.whole(chip.shape))
    owner = labels.ravel()[flat] - 1
    y, x = np.divmod(flat, chip.shape[1])
    excess = np.nan_to_num(data.ravel()[flat] - values[: len(flat)]).astype(np.float64)
    pixels = np.bincount(owner, minlength=count)
    flux = np.bincount(owner, excess, count)
    weight = np.maximum(np.abs(excess), np.finfo(np.float64).tiny)
    total = np.bincount(owner, weight, count)
    mean_x = np.bincount(owner, weight * x, count) / total
    mean_y = np.bincount(owner, weight * y, count) / total
    long, wide = _axes(owner, x, y, pixels)
    lon, lat = sky_of(chip.wcs, "target").to_sky(mean_x, mean_y)
    for k in range(count):
        yield RejectedObject(
            chip.where.path.name,
            chip.extension,
            float(mean_x[k]) + 1.0,
            float(mean_y[k]) + 1.0,
            float(lon[k]),
            float(lat[k]),
            int(pixels[k]),
            float(flux[k]),
            float(long[k]),
            _kind(int(pixels[k]), float(long[k]), float(wide[k]), chip.shape),
        )


def _axes(
    owner: np.ndarray, x: np.ndarray, y: np.ndarray, pixels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Length and width of objects, pixels: of even rectangles with their second moments."""
    count = len(pixels)
    mean_x = np.bincount(owner, x, count) / pixels
    mean_y = np.bincount(owner, y, count) / pixels
    dx = x - mean_x[owner]
    dy = y - mean_y[owner]
    # A pixel is not a point: it has a twelfth of a square pixel itself.
    xx = np.bincount(owner, dx * dx, count) / pixels + 1 / 12
    yy = np.bincount(owner, dy * dy, count) / pixels + 1 / 12
    xy = np.bincount(owner, dx * dy, count) / pixels
    middle = (xx + yy) / 2
    spread = np.hypot((xx - yy) / 2, xy)
    return np.sqrt(12 * (middle + spread)), np.sqrt(12 * np.maximum(middle - spread, 1 / 12))


def _kind(pixels: int, length: float, width: float, shape: tuple[int, int]) -> str:
    """What adjacent pixels look like."""
    if length > TRAIL * math.sqrt(shape[0] * shape[1]) and length > ELONGATED * width:
        return "trail"
    if pixels <= FEW:
        return "hit"
    return "track" if length > ELONGATED * width else "cluster"
