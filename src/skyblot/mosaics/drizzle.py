"""The mosaic itself: chips dropped onto it, one after the other, without what was rejected."""

import math
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
from ..resampling.drizzle import Mosaic, Sums, noise_correlation, planes_for
from ..resampling.drops import Drop, Exposure
from .chips import Chip, box_of
from .frame import Frame
from .storage import IN_MEMORY, Storage

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


@dataclass(frozen=True)
class Dropping:
    """How chips are dropped onto a mosaic: what depends on all of them.

    Attributes
    ----------
    drizzling : Drizzling
    weight_kind : str
        What pixels count: ``exptime``, ``ivm`` or ``err``.
    with_errors : bool
        All of them have errors, and so has the mosaic.
    correlation : float
        As of `Drizzled`.
    exposures : int
        For how many the context has room.
    """

    drizzling: Drizzling
    weight_kind: str
    with_errors: bool
    correlation: float
    exposures: int

    @classmethod
    def of(cls, frame: Frame, chips: Sequence[Chip], how: Drizzling) -> "Dropping":
        """Return how these chips are dropped, one at least."""
        scale_ratio = frame.scale / float(np.median([chip.scale for chip in chips]))
        return cls(
            how,
            how.weight or chips[0].instrument.weight,
            all(_has_errors(chip) for chip in chips if chip.box.area),
            noise_correlation(how.pixfrac, scale_ratio),
            max(chip.exposure for chip in chips) + 1,
        )

    @property
    def context_planes(self) -> int:
        """How many planes the context has."""
        return planes_for(self.exposures)

    @property
    def drop(self) -> Drop:
        """What becomes of a pixel."""
        kernel = self.drizzling.kernel
        return Drop(kernel, 1.0 if kernel == "point" else self.drizzling.pixfrac)

    def drizzled(self, pixels: Mosaic) -> Drizzled:
        """Return the mosaic with these pixels."""
        return Drizzled(pixels, self.weight_kind, self.correlation)


class Drizzler:
    """Drops chips onto a mosaic, or onto some rows of it.

    Parameters
    ----------
    frame : Frame
    how : Dropping
    threads : int
    storage : Storage
    rows : Bounds, optional
        Whole rows of the mosaic, by default all. No value depends on it.
    """

    def __init__(
        self,
        frame: Frame,
        how: Dropping,
        threads: int,
        storage: Storage = IN_MEMORY,
        rows: Bounds | None = None,
    ) -> None:
        self._frame = frame
        self._how = how
        self._threads = threads
        self._rows = rows or Bounds.whole(frame.shape)
        self._sums = Sums(
            self._rows.shape,
            self._rows.y0,
            variances=int(how.with_errors),
            dtype=np.float32,
            exposures=how.exposures,
            zeros=storage.zeros,
        )

    def drop(self, chips: Sequence[Chip]) -> Iterator[Chip]:
        """Drop chip after chip, and yield each when it is done."""
        for chip in chips:
            if chip.box.overlap(self._rows).area:
                self._one(chip)
            yield chip

    def result(self) -> Drizzled:
        """Return the mosaic, once."""
        return self._how.drizzled(self._sums.finish())

    def _one(self, chip: Chip) -> None:
        ny, nx = chip.shape
        shape = ny + 1, nx + 1
        corners = exact_map(chip.wcs, self._frame.wcs, shape, chip.tolerance, origin=CORNERS)
        weights = _weights(chip, self._how.weight_kind)
        errors = error_plane(chip.image) if self._how.with_errors else None
        for row0 in range(0, ny, _STRIP):
            rows = Bounds(row0, min(row0 + _STRIP, ny), 0, nx)
            if not self._touches(chip, rows):
                continue
            x = np.empty((rows.shape[0] + 1, nx + 1))
            y = np.empty_like(x)
            _fill(corners, row0, x, y, self._threads)
            data, good = chip.window(rows)
            weight = np.where(good, weights[rows.slices], np.float32(0))
            exposure = Exposure(data, weight, x, y)
            if errors is not None:
                variance = np.square(errors[rows.slices] * np.float32(1.0 / chip.factor))
                weight[~np.isfinite(variance)] = 0.0
                exposure = exposure._replace(variances=(variance,))
            self._sums.add(exposure, chip.exposure, self._how.drop, threads=self._threads)

    def _touches(self, chip: Chip, rows: Bounds) -> bool:
        """Whether some rows of a chip may fall on the rows that are wanted."""
        whole = Bounds.whole(self._frame.shape)
        if self._rows == whole:
            return True
        reach = math.ceil(chip.scale / self._frame.scale)
        return bool(box_of(chip.wcs, rows, self._frame).grown(reach).overlap(self._rows).area)


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
