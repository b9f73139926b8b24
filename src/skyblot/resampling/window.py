"""The window: the part of the source that a blot needs, in the form the kernels want."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..bands import for_each_band
from ..bounds import EMPTY, Bounds
from ..errors import DataError
from ..kernels.resample import interpolate, pick_nearest
from ..kernels.separable import static
from ..kernels.variance import sum_variances
from ..kernels.weights import Interpolant, Prefilter
from ..pixelmap.types import RowMap


@dataclass(frozen=True)
class Window:
    """Source pixels from `origin` (y, x) on, of a source of `shape` (ny, nx)."""

    pixels: np.ndarray
    origin: tuple[int, int]
    shape: tuple[int, int]
    interpolant: Interpolant

    @property
    def bounds(self) -> Bounds:
        """What there is of the source."""
        return Bounds.whole(self.pixels.shape).shifted(*self.origin)

    def resample(
        self,
        xmap: np.ndarray,
        ymap: np.ndarray,
        out: np.ndarray,
        scale: float,
        offset: float,
        fill_value: float,
    ) -> tuple[int, int]:
        """Fill `out` at the positions of the map.

        Return how many pixels were covered, and how many missed.
        """
        how = self.interpolant
        if how.own is not None:
            placement = (how.first, how.shift, how.centre)
            return sum_variances(
                self.pixels, self.origin, self.shape, xmap, ymap, out, float(scale),
                float(fill_value), how.table, placement, how.own,
            )  # fmt: skip
        if not how.averages and scale == 1 and offset == 0:
            fill = out.dtype.type(fill_value)
            return pick_nearest(self.pixels, self.origin, self.shape, xmap, ymap, out, fill)
        table = how.padded(self.pixels.dtype)
        place = (how.first, how.shift, how.centre)
        affine = (float(scale), float(offset))
        return interpolate(
            self.pixels, self.origin, self.shape, xmap, ymap, out, affine, float(fill_value), table,
            place, static(how.taps), static(len(table)),
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
    """A source of floating-point numbers that is NaN where its weights are not above 0.

    Weights of whole numbers are bits, of which the highest makes a number negative: 0 alone is no
    weight.
    """

    def __init__(self, source: Any, weights: Any) -> None:
        self._source = source
        self._weights = weights
        self.shape = tuple(source.shape)
        self.dtype = np.dtype(source.dtype)
        self.concurrent = all(
            getattr(part, "concurrent", isinstance(part, np.ndarray)) for part in (source, weights)
        )

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
        self._source = source
        self.shape = tuple(source.shape)
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
    shape = tuple(source.shape)
    dtype = np.dtype(source.dtype)
    if len(shape) != 2 or 0 in shape:
        expected = "a 2-D image, (ny, nx)"
        raise DataError(f"has shape {shape}, expected {expected}", subject="the source")
    if dtype.kind == "f":
        return np.dtype(np.float64 if dtype.itemsize > 4 else np.float32)
    if dtype.kind not in "iub":
        expected = "floating-point numbers or integers"
        raise DataError(f"has dtype {dtype.name}, expected {expected}", subject="the source")
    if interpolant.averages:
        raise DataError(
            f"has dtype {dtype.name}, which interp {interpolant.name} cannot average: "
            "use interp nearest, which keeps integers, or convert the source to float32",
            subject="the source",
        )
    return dtype.newbyteorder("=")


def window_dtype(dtype: np.dtype, interpolant: Interpolant) -> np.dtype:
    """Return the dtype of a window's pixels: enough for the interpolant's weights."""
    return np.promote_types(dtype, interpolant.weights_dtype) if dtype.kind == "f" else dtype


def is_ready(source: Any, dtype: np.dtype, interpolant: Interpolant) -> bool:
    """Whether the kernels can read the source where it lies: no window has to be loaded."""
    return (
        isinstance(source, np.ndarray)
        and not isinstance(source, np.ma.MaskedArray)
        and source.dtype == dtype
        and source.flags.c_contiguous
        and source.flags.aligned
        and interpolant.prefilter is None
    )


def window_bounds(
    pixel_map: RowMap, target: Bounds, source: tuple[int, int], margin: int, step: int
) -> Bounds:
    """Return the bounds of the source that rows of a target touch, from every `step`-th of them.

    Parameters
    ----------
    pixel_map : RowMap
    target : Bounds
        Whole rows of the target; the last one is always looked at.
    source : tuple of int
        (ny, nx) of the source.
    margin : int
        Pixels to add on each side.
    step : int
        1 makes the bounds exact.
    """
    x = np.empty((1, target.shape[1]))
    y = np.empty((1, target.shape[1]))
    low = np.full(2, np.inf)
    high = np.full(2, -np.inf)
    for row in sorted({*range(target.y0, target.y1, step), target.y1 - 1}):
        pixel_map.rows(row, x, y)
        inside = (x > -margin) & (x < source[1] + margin) & (y > -margin) & (y < source[0] + margin)
        if inside.any():
            here = np.array([y[inside], x[inside]])
            low = np.minimum(low, here.min(axis=1))
            high = np.maximum(high, here.max(axis=1))
    if not np.isfinite(low).all():
        return Bounds(0, 1, 0, 1)
    y0, x0 = np.clip(np.floor(low) - margin, 0, np.array(source) - 1).astype(int).tolist()
    y1, x1 = np.clip(np.ceil(high) + margin + 1, (y0 + 1, x0 + 1), source).astype(int).tolist()
    return Bounds(y0, y1, x0, x1)


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
        Anything with `shape`, `dtype` and 2-D slicing: an array, a memory map, a section of a FITS
        file.
    bounds : Bounds
    dtype : dtype
        Of the window's pixels.
    interpolant : Interpolant
    threads : int
        Conversion is spread over so many threads.
    previous : Window, optional
        Another window of the source: what both have is not read again.
    """
    prefilter = interpolant.prefilter
    if prefilter is not None:
        bounds = bounds.grown(prefilter.margin)
        previous = None  # which has coefficients
    bounds = bounds.overlap(Bounds.whole(source.shape))
    pixels = np.empty(bounds.shape, dtype)
    shared = EMPTY if previous is None else previous.bounds.overlap(bounds)
    if previous is not None and shared != EMPTY:
        pixels[shared.within(bounds).slices] = previous.pixels[
            shared.within(previous.bounds).slices
        ]
    for part in bounds.without(shared):
        _read(source, part, pixels[part.within(bounds).slices], threads)
    if prefilter is not None:
        pixels = filtered(pixels, prefilter)
    return Window(_read_only(pixels), bounds.origin, tuple(source.shape), interpolant)


def _read(source: Any, bounds: Bounds, out: np.ndarray, threads: int) -> None:
    """Fill `out` with the source's pixels within bounds, 256 rows at a time."""
    concurrent = getattr(source, "concurrent", isinstance(source, np.ndarray))

    def copy(first: int, end: int) -> None:
        piece = source[bounds.y0 + first : bounds.y0 + end, bounds.x0 : bounds.x1]
        if isinstance(piece, np.ma.MaskedArray) and out.dtype.kind == "f":
            piece = np.ma.filled(piece.astype(out.dtype), np.nan)
        out[first:end] = piece

    for_each_band((len(out), 0), copy, threads if concurrent else 1, rows=256)


def filtered(pixels: np.ndarray, prefilter: Prefilter) -> np.ndarray:
    """Return B-spline coefficients of an image that continues by point reflection about its edges.

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
    margin = prefilter.margin
    padded = np.pad(work, margin, mode="reflect", reflect_type="odd")
    splines = ndimage.spline_filter(padded, order=prefilter.degree, mode="mirror")
    coefficients = splines[margin:-margin, margin:-margin].astype(pixels.dtype)
    coefficients[bad] = np.nan
    return coefficients


def _read_only(pixels: np.ndarray) -> np.ndarray:
    """A read-only plain view: one type for the kernels, whatever array came in."""
    view = pixels.view(np.ndarray)
    view.flags.writeable = False
    return view
