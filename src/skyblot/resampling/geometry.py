"""A planned blot: windows of the source, resampled band by band over threads."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..bands import available_cores, band_rows, for_each_mapped_band
from ..bounds import Bounds
from ..errors import DataError, ParameterError, not_allowed
from ..kernels.weights import Interpolant
from ..pixelmap import RowMap
from .window import (
    FloatView,
    Window,
    blot_dtype,
    is_ready,
    load_window,
    whole_source,
    window_bounds,
    window_dtype,
)


@dataclass(frozen=True)
class Resampled:
    """A blot and how much of it the source covers.

    Attributes
    ----------
    data : ndarray, shape (ny, nx)
    covered : float
        Fraction of the blot's pixels that lie on the source.
    """

    data: np.ndarray
    covered: float


@dataclass(frozen=True)
class Job:
    """A validated blot, ready to run: the map is planned, no pixel is read yet."""

    source: Any
    pixel_map: RowMap
    shape: tuple[int, int]
    interpolant: Interpolant
    dtype: np.dtype

    def run(
        self,
        *,
        scale: float = 1.0,
        offset: float = 0.0,
        fill_value: float = 0.0,
        out: np.ndarray | None = None,
        threads: int | None = None,
        window: Window | None = None,
        window_bytes: int | None = None,
    ) -> Resampled:
        """Compute ``interpolated * scale + offset`` where covered, `fill_value` elsewhere.

        A `window` of the source that is loaded already is used if it suffices. Others take
        `window_bytes` at most: the blot is made in strips if need be.
        """
        values = _checked_values(self.dtype, scale, offset, fill_value)
        _check_out(out, self.shape, self.dtype)
        workers = checked_threads(threads)
        data = (
            out
            if out is not None and _usable(out, self.source)
            else np.empty(self.shape, self.dtype)
        )
        if window is None and is_ready(self.source, self._window_dtype, self.interpolant):
            window = whole_source(self.source, self.interpolant)
        covered = 0
        missed = 1
        if window is not None:
            covered, missed = self._resample(window, data, 0, values, workers)
        if missed:
            strips = self._strips(window_bytes)
            covered = sum(self._strip(data, strip, values, workers) for strip in strips)
        if out is not None and data is not out:
            out[...] = data
        return Resampled(data if out is None else out, covered / data.size)

    def of_variances(self, variance: Any) -> "Job":
        """Return the job that makes the blot's variance from its source's, NaN if not covered.

        Raises
        ------
        DataError
            If the variance is not one number for each pixel of the source.
        """
        if tuple(variance.shape) != tuple(self.source.shape):
            expected = f"that of the source, {tuple(self.source.shape)}"
            given = tuple(variance.shape)
            raise DataError(f"has shape {given}, expected {expected}", subject="variance")
        kind = np.dtype(variance.dtype).kind
        if kind not in "fiu":
            expected = "floating-point numbers"
            raise DataError(f"has dtype {variance.dtype}, expected {expected}", subject="variance")
        variance = variance if kind == "f" else FloatView(variance)
        how = self.interpolant.of_variances()
        return replace(self, source=variance, interpolant=how, dtype=blot_dtype(variance, how))

    @property
    def _window_dtype(self) -> np.dtype:
        return window_dtype(self.dtype, self.interpolant)

    def window_of(self, strip: Bounds, step: int = 64) -> Bounds:
        """Return what some rows of the target need of the source, by every `step`-th of them."""
        return window_bounds(
            self.pixel_map, strip, self.source.shape, self.interpolant.margin, step
        )

    def _strips(self, window_bytes: int | None) -> list[Bounds]:
        """Rows of the target with windows no larger than `window_bytes`, or of a band each."""
        most_pixels = window_bytes // self._window_dtype.itemsize if window_bytes else math.inf
        strips = []
        waiting = [Bounds.whole(self.shape)]
        while waiting:
            strip = waiting.pop()
            rows, columns = strip.shape
            if rows > band_rows(columns) and self.window_of(strip).area > most_pixels:
                middle = strip.y0 + rows // 2
                waiting += [strip._replace(y0=middle), strip._replace(y1=middle)]
            else:
                strips.append(strip)
        return strips

    def _strip(
        self, out: np.ndarray, strip: Bounds, values: tuple[float, float, float], threads: int
    ) -> int:
        """Blot some rows, from a window sized from some of them, then from all.

        Return how many pixels are covered.
        """
        for step in (64, 1):
            bounds = self.window_of(strip, step)
            window = load_window(self.source, bounds, self._window_dtype, self.interpolant, threads)
            covered, missed = self._resample(
                window, out[strip.y0 : strip.y1], strip.y0, values, threads
            )
            if not missed:
                break
        return covered

    def _resample(
        self,
        window: Window,
        out: np.ndarray,
        first: int,
        values: tuple[float, float, float],
        threads: int,
    ) -> tuple[int, int]:
        """Fill the rows of the blot from `first` on.

        Return how many pixels were covered, and how many missed.
        """
        counts: list[tuple[int, int]] = []

        def work(row0: int, row1: int, xmap: np.ndarray, ymap: np.ndarray) -> None:
            self.pixel_map.rows(first + row0, xmap, ymap)
            counts.append(window.resample(xmap, ymap, out[row0:row1], *values))

        for_each_mapped_band((len(out), self.shape[1]), work, threads)
        return sum(covered for covered, _ in counts), sum(missed for _, missed in counts)


def checked_threads(threads: Any) -> int:
    """Return a valid number of threads; None means the cores this process may use."""
    if threads is None:
        return available_cores()
    if isinstance(threads, bool) or not isinstance(threads, int | np.integer) or threads < 1:
        raise not_allowed(
            "threads", threads, "a whole number, at least 1, or nothing for all cores"
        )
    return int(threads)


def _checked_values(
    dtype: np.dtype, scale: Any, offset: Any, fill_value: Any
) -> tuple[float, float, float]:
    scale = _number("scale", scale)
    offset = _number("offset", offset)
    for name, value in (("scale", scale), ("offset", offset)):
        if not math.isfinite(value):
            raise not_allowed(name, value, "a finite number")
    if dtype.kind == "f":
        return scale, offset, _number("fill_value", fill_value)
    if scale != 1 or offset != 0:
        raise ParameterError(
            f"scale = {scale}, offset = {offset}: an integer source ({dtype}) keeps its values, "
            "expected 1 and 0"
        )
    if not _fits(fill_value, dtype):
        raise not_allowed("fill_value", fill_value, f"a value of the source's dtype, {dtype}")
    return scale, offset, fill_value


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise not_allowed(name, value, "a number") from None


def _fits(value: Any, dtype: np.dtype) -> bool:
    low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    try:
        return int(value) == value and bool(low <= value <= high)
    except (TypeError, ValueError, OverflowError):
        return False


def _check_out(out: np.ndarray | None, shape: tuple[int, int], dtype: np.dtype) -> None:
    if out is None:
        return
    if (
        not isinstance(out, np.ndarray)
        or out.shape != shape
        or out.dtype != dtype
        or not out.flags.writeable
    ):
        given = f"{out.dtype} {out.shape}" if isinstance(out, np.ndarray) else type(out).__name__
        expected = f"a writeable {dtype} array of shape {shape}"
        raise ParameterError(f"is {given}, expected {expected}", subject="out")


def _usable(out: np.ndarray, source: Any) -> bool:
    """Whether the kernels may write into `out` directly."""
    return out.flags.c_contiguous and not (
        isinstance(source, np.ndarray) and np.may_share_memory(out, source)
    )
