"""The mosaic itself: chips dropped onto it, one after the other, without what was rejected."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..bands import for_each_band
from ..bounds import Bounds
from ..errors import DataError, quiet
from ..headers.pixel_facts import ERRORS, READ_VARIANCE
from ..io.planes import error_plane, find_plane
from ..parameters.mosaic import Drizzling
from ..pixelmap import CORNERS, exact_map
from ..resampling.drizzle import Mosaic, Sums, noise_correlation
from ..resampling.drops import Drop, Exposure
from .chips import Chip
from .frame import Frame

#: Rows of a chip that are dropped at once.
_STRIP = 512


@dataclass(frozen=True)
class Drizzled:
    """A mosaic in memory.

    Attributes
    ----------
    pixels : Mosaic
    weight_kind : str
        What pixels counted: ``exptime``, ``ivm`` or ``err``.
    correlation : float
        How much more noise a large area has than its pixels' own would make.
    """

    pixels: Mosaic
    weight_kind: str
    correlation: float


class Drizzler:
    """Drops chips onto a mosaic.

    Parameters
    ----------
    frame : Frame
    chips : sequence of Chip
    how : Drizzling
    threads : int
    """

    def __init__(self, frame: Frame, chips: Sequence[Chip], how: Drizzling, threads: int) -> None:
        self._frame = frame
        self._chips = [chip for chip in chips if chip.box.area]
        self._how = how
        self._threads = threads
        self._kind = how.weight or (chips[0].instrument.weight if chips else "exptime")
        self._with_errors = all(_has_errors(chip) for chip in self._chips)
        self._scale_ratio = frame.scale / float(np.median([chip.scale for chip in chips]))
        self._sums = Sums(frame.shape, variances=int(self._with_errors), dtype=np.float32)

    def drop(self) -> Iterator[Chip]:
        """Drop chip after chip, and yield each when it is done."""
        kernel = self._how.kernel
        drop = Drop(kernel, 1.0 if kernel == "point" else self._how.pixfrac)
        for chip in self._chips:
            self._one(chip, drop)
            yield chip

    def result(self) -> Drizzled:
        """Return the mosaic, once."""
        correlation = noise_correlation(self._how.pixfrac, self._scale_ratio)
        return Drizzled(self._sums.finish(), self._kind, correlation)

    def _one(self, chip: Chip, drop: Drop) -> None:
        ny, nx = chip.shape
        shape = ny + 1, nx + 1
        corners = exact_map(chip.wcs, self._frame.wcs, shape, chip.tolerance, origin=CORNERS)
        weights = _weights(chip, self._kind)
        errors = error_plane(chip.image) if self._with_errors else None
        for row0 in range(0, ny, _STRIP):
            row1 = min(row0 + _STRIP, ny)
            x = np.empty((row1 - row0 + 1, nx + 1))
            y = np.empty_like(x)
            _fill(corners, row0, x, y, self._threads)
            rows = Bounds(row0, row1, 0, nx)
            data, good = chip.window(rows)
            weight = np.where(good, weights[rows.slices], np.float32(0))
            exposure = Exposure(data, weight, x, y)
            if errors is not None:
                variance = np.square(errors[rows.slices] * np.float32(1.0 / chip.factor))
                weight[~np.isfinite(variance)] = 0.0
                exposure = exposure._replace(variances=(variance,))
            self._sums.add(exposure, chip.exposure, drop, threads=self._threads)


def _fill(corners: Any, row0: int, x: np.ndarray, y: np.ndarray, threads: int) -> None:
    """Fill the map of rows of corners, over threads."""

    def work(first: int, end: int) -> None:
        with quiet():
            corners.rows(row0 + first, x[first:end], y[first:end])

    for_each_band(x.shape, work, threads)


def _has_errors(chip: Chip) -> bool:
    return find_plane(chip.image, ERRORS) is not None


def _weights(chip: Chip, kind: str) -> np.ndarray:
    """What the pixels of a chip count, float32 (ny, nx), maybe the same for all.

    Raises
    ------
    DataError
        Where what it takes is missing.
    """
    if kind == "exptime":
        if chip.exptime_s is None:
            expected = "one, or another weight (--weight ivm)"
            raise DataError(f"no exposure time to weigh it by: expected {expected}", chip.name)
        return np.broadcast_to(np.float32(chip.exptime_s), chip.shape)
    if kind == "err":
        errors = error_plane(chip.image)
        if errors is None:
            raise DataError(
                "no errors to weigh it by: expected some, or another weight (--weight ivm)",
                chip.name,
            )
        with np.errstate(divide="ignore", invalid="ignore"):
            weights = np.square(np.float32(chip.factor) / errors)
        return np.nan_to_num(weights, nan=0.0, posinf=0.0)
    plane = chip.image.plane(READ_VARIANCE)
    if plane is None:
        return np.broadcast_to(np.float32(1.0 / chip.line[0]), chip.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        weights = np.float32(chip.factor**2) / chip.image.plane_pixels(plane)
    return np.nan_to_num(weights, nan=0.0, posinf=0.0)
