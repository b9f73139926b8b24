"""The window: the part of the source that a blot needs, in the form the kernels want."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from . import messages
from .bands import for_each_band
from .errors import DataError
from .kernels.interpolants import Interpolant
from .kernels.resample import interpolate, pick_nearest
from .kernels.separable import static
from .kernels.variance import sum_variances
from .pixelmap.types import RowMap

#: Rows and columns around the window that the spline's recursive filter needs: 0.268**24 is below 1e-13.
SPLINE_MARGIN = 24

#: Bounds in source pixels: first row, end row, first column, end column.
Bounds = tuple[int, int, int, int]

#: The bounds of nothing.
EMPTY: Bounds = (0, 0, 0, 0)


@dataclass(frozen=True)
class Window:
    """Source pixels from `origin` (y, x) on, of a source of `shape` (ny, nx)."""

    pixels: np.ndarray
    origin: tuple[int, int]
    shape: tuple[int, int]
    interpolant: Interpolant

    def resample(
        self,
        xmap: np.ndarray,
        ymap: np.ndarray,
        out: np.ndarray,
        scale: float,
        offset: float,
        fill_value: float,
    ) -> tuple[int, int]:
        """Fill `out` at the positions of the map; return how many pixels were covered, and how many missed."""
        how = self.interpolant
        if how.own is not None:
            placement = (how.first, how.shift, how.centre)
            return sum_variances(
                self.pixels, self.origin, self.shape, xmap, ymap, out, float(scale), float(fill_value), how.table,
                placement, how.own,
            )  # fmt: skip
        if how.taps == 1 and scale == 1 and offset == 0:
            fill = out.dtype.type(fill_value)
            return pick_nearest(self.pixels, self.origin, self.shape, xmap, ymap, out, fill)
        table = how.padded(self.pixels.dtype)
        place, affine = (how.first, how.shift, how.centre), (float(scale), float(offset))
        return interpolate(
            self.pixels, self.origin, self.shape, xmap, ymap, out, affine, float(fill_value), table, place,
            static(how.taps), static(len(table)),
        )  # fmt: skip


class FloatView:
    """A source of integers or booleans, seen as floating-point numbers where it is sliced."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self.shape = tuple(source.shape)
        self.dtype = np.dtype(np.float32 if np.dtype(source.dtype).itemsize <= 2 else np.float64)

    def __getitem__(self, key: Any) -> np.ndarray:
        return np.asarray(self._source[key], dtype=self.dtype)


class SquareView:
    """A map of standard deviations, seen as variances where it is sliced."""

    dtype = np.dtype(np.float64)

    def __init__(self, deviations: Any) -> None:
        self._deviations = deviations
        self.shape = tuple(deviations.shape)

    def __getitem__(self, key: Any) -> np.ndarray:
        return np.square(np.asarray(self._deviations[key]), dtype=np.float64)


class CoveredView:
    """A source of floating-point numbers that is NaN where its weights, sliced as it is, are not above 0.

    Weights of whole numbers are bits, of which the highest makes a number negative: 0 alone is no weight.
    """

    def __init__(self, source: Any, weights: Any) -> None:
        self._source, self._weights = source, weights
        self.shape, self.dtype = tuple(source.shape), np.dtype(source.dtype)
        self.concurrent = all(getattr(each, "concurrent", isinstance(each, np.ndarray)) for each in (source, weights))

    def __getitem__(self, key: Any) -> np.ndarray:
        pixels = np.array(self._source[key])
        weights = np.asarray(self._weights[key])
        with np.errstate(invalid="ignore"):
            pixels[~(weights > 0) if weights.dtype.kind == "f" else weights == 0] = np.nan
        return pixels


class NonZeroView:
    """Where a source is not 0, as booleans where it is sliced."""

    dtype = np.dtype(bool)

    def __init__(self, source: Any) -> None:
        self._source, self.shape = source, tuple(source.shape)
        self.concurrent = getattr(source, "concurrent", isinstance(source, np.ndarray))

    def __getitem__(self, key: Any) -> np.ndarray:
        return np.asarray(self._source[key]) != 0


def blot_dtype(source: Any, interpolant: Interpolant) -> np.dtype:
    """Return the dtype of the blot of a source, native byte order.

    Raises
    ------
    DataError
        If the source is not 2-D, has no pixels, or its dtype does not go with the interpolant.
    """
    shape, dtype = tuple(source.shape), np.dtype(source.dtype)
    if len(shape) != 2 or 0 in shape:
        expected = "a 2-D image, (ny, nx)"
        raise DataError(messages.ARRAY_HAS(name="the source", what="shape", given=shape, expected=expected))
    if dtype.kind == "f":
        return np.dtype(np.float64 if dtype.itemsize > 4 else np.float32)
    if dtype.kind not in "iub":
        expected = "floating-point numbers or integers"
        raise DataError(messages.ARRAY_HAS(name="the source", what="dtype", given=dtype.name, expected=expected))
    if interpolant.taps > 1:
        raise DataError(messages.CANNOT_AVERAGE(dtype=dtype.name, interp=interpolant.name))
    return dtype.newbyteorder("=")


def window_dtype(dtype: np.dtype, interpolant: Interpolant) -> np.dtype:
    """Return the dtype of a window's pixels for a blot of `dtype`: enough for the interpolant's weights."""
    return np.promote_types(dtype, interpolant.weights_dtype) if dtype.kind == "f" else dtype


def is_ready(source: Any, dtype: np.dtype, interpolant: Interpolant) -> bool:
    """Whether the kernels can read the source where it lies: no window has to be loaded."""
    return (
        isinstance(source, np.ndarray)
        and not isinstance(source, np.ma.MaskedArray)
        and source.dtype == dtype
        and source.flags.c_contiguous
        and source.flags.aligned
        and interpolant.name != "spline3"
    )


def window_bounds(
    pixel_map: RowMap, target: tuple[int, int], source: tuple[int, int], margin: int, step: int, row0: int = 0
) -> Bounds:
    """Return the bounds of the source that the target touches, from every `step`-th row and the last one.

    Parameters
    ----------
    pixel_map : RowMap
    target, source : tuple of int
        (ny, nx) of both images.
    margin : int
        Pixels to add on each side.
    step : int
        1 makes the bounds exact.
    row0 : int
        First row of the part of a larger target that is `target`.
    """
    x, y = np.empty((1, target[1])), np.empty((1, target[1]))
    low, high = np.full(2, np.inf), np.full(2, -np.inf)
    for row in sorted({*range(row0, row0 + target[0], step), row0 + target[0] - 1}):
        pixel_map.rows(row, x, y)
        inside = (x > -margin) & (x < source[1] + margin) & (y > -margin) & (y < source[0] + margin)
        if inside.any():
            here = np.array([y[inside], x[inside]])
            low, high = np.minimum(low, here.min(axis=1)), np.maximum(high, here.max(axis=1))
    if not np.isfinite(low).all():
        return 0, 1, 0, 1
    first = np.clip(np.floor(low) - margin, 0, np.array(source) - 1).astype(int)
    end = np.clip(np.ceil(high) + margin + 1, first + 1, source).astype(int)
    return int(first[0]), int(end[0]), int(first[1]), int(end[1])


def whole_source(source: np.ndarray, interpolant: Interpolant) -> Window:
    """Return a source that is ready as the window, without a copy."""
    return Window(_read_only(source), (0, 0), source.shape, interpolant)


def load_window(
    source: Any,
    bounds: Bounds,
    dtype: np.dtype,
    interpolant: Interpolant,
    threads: int,
    previous: Window | None = None,
) -> Window:
    """Read the part of the source within `bounds`, in native byte order and `dtype`.

    Parameters
    ----------
    source : array-like
        Anything with `shape`, `dtype` and 2-D slicing: an array, a memory map, a section of a FITS file.
    bounds : tuple of int
        First row, end row, first column, end column.
    dtype : dtype
        Of the window's pixels.
    interpolant : Interpolant
    threads : int
        Conversion is spread over so many threads.
    previous : Window, optional
        Another window of the source: what both have is not read again.
    """
    ny, nx = source.shape
    extra = SPLINE_MARGIN if interpolant.name == "spline3" else 0
    row0, row1 = max(bounds[0] - extra, 0), min(bounds[1] + extra, ny)
    column0, column1 = max(bounds[2] - extra, 0), min(bounds[3] + extra, nx)
    pixels = np.empty((row1 - row0, column1 - column0), dtype)
    shared = EMPTY if previous is None or extra else _shared(previous, (row0, row1, column0, column1))
    if shared != EMPTY:
        assert previous is not None
        pixels[_within(shared, row0, column0)] = previous.pixels[_within(shared, *previous.origin)]
    for part in _around(shared, (row0, row1, column0, column1)):
        _read(source, part, pixels[_within(part, row0, column0)], threads)
    if extra:
        pixels = spline_coefficients(pixels)
    return Window(_read_only(pixels), (row0, column0), (ny, nx), interpolant)


def _read(source: Any, bounds: Bounds, out: np.ndarray, threads: int) -> None:
    """Fill `out` with the source's pixels within bounds, 256 rows at a time."""
    concurrent = getattr(source, "concurrent", isinstance(source, np.ndarray))

    def copy(first: int, end: int, *_: np.ndarray) -> None:
        piece = source[bounds[0] + first : bounds[0] + end, bounds[2] : bounds[3]]
        if isinstance(piece, np.ma.MaskedArray) and out.dtype.kind == "f":
            piece = np.ma.filled(piece.astype(out.dtype), np.nan)
        out[first:end] = piece

    for_each_band((len(out), 0), copy, threads if concurrent else 1, rows=256)


def _shared(window: Window, bounds: Bounds) -> Bounds:
    """What a window and bounds have in common."""
    (row, column), (rows, columns) = window.origin, window.pixels.shape
    row0, row1 = max(bounds[0], row), min(bounds[1], row + rows)
    column0, column1 = max(bounds[2], column), min(bounds[3], column + columns)
    return (row0, row1, column0, column1) if row0 < row1 and column0 < column1 else EMPTY


def _around(inner: Bounds, outer: Bounds) -> list[Bounds]:
    """The parts of `outer` that lie around `inner`: below, above, to its left and right."""
    if inner == EMPTY:
        return [outer]
    (row0, row1, column0, column1), (first, end, left, right) = inner, outer
    below, above = (first, row0, left, right), (row1, end, left, right)
    parts = [below, above, (row0, row1, left, column0), (row0, row1, column1, right)]
    return [part for part in parts if part[0] < part[1] and part[2] < part[3]]


def _within(bounds: Bounds, row: int, column: int) -> tuple[slice, slice]:
    """Slices of bounds in an array that begins at a row and a column."""
    return slice(bounds[0] - row, bounds[1] - row), slice(bounds[2] - column, bounds[3] - column)


def spline_coefficients(pixels: np.ndarray) -> np.ndarray:
    """Return cubic B-spline coefficients of an image that continues by point reflection about its edges.

    A pixel that is not finite makes its own coefficient NaN and is replaced by its nearest finite
    neighbour for the others, else the recursive filter would carry it over the whole image.
    """
    from scipy import ndimage

    bad = ~np.isfinite(pixels)
    work = np.array(pixels, dtype=np.float64)
    if bad.any():
        if bad.all():
            return pixels
        nearest = ndimage.distance_transform_edt(bad, return_distances=False, return_indices=True)
        work = work[tuple(nearest)]
    padded = np.pad(work, SPLINE_MARGIN, mode="reflect", reflect_type="odd")
    filtered = ndimage.spline_filter(padded, order=3, mode="mirror")
    inside = slice(SPLINE_MARGIN, -SPLINE_MARGIN)
    coefficients = filtered[inside, inside].astype(pixels.dtype)
    coefficients[bad] = np.nan
    return coefficients


def _read_only(pixels: np.ndarray) -> np.ndarray:
    """A read-only plain view: one type for the kernels, whatever array came in."""
    view = pixels.view(np.ndarray)
    view.flags.writeable = False
    return view
