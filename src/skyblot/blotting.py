"""Blot arrays: plan the map, load the window of the source, resample band by band over threads."""

import math
import operator
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from .bands import available_cores, for_each_band
from .errors import ParameterError, SkyblotWarning
from .kernels.interpolants import Interpolant, interpolant
from .parameters import parameter
from .pixelmap import RowMap, plan_map
from .pixelmap.callable import user_map
from .pixelmap.sky import array_shape
from .window import Window, blot_dtype, is_ready, load_window, whole_source, window_bounds


@dataclass(frozen=True)
class Blot:
    """A blot and how much of it the source covers.

    Attributes
    ----------
    data : ndarray, shape (ny, nx)
    covered : float
        Fraction of the blot's pixels that lie on the source.
    """

    data: np.ndarray
    covered: float


def blot(
    source: Any,
    source_wcs: Any,
    target_wcs: Any,
    *,
    shape: tuple[int, int] | None = None,
    interp: str = "poly5",
    sinscl: float = 1.0,
    stepsize: int | None = None,
    tolerance: float = 1e-4,
    scale: float = 1.0,
    fill_value: float = 0.0,
    out: np.ndarray | None = None,
    threads: int | None = None,
) -> np.ndarray:
    """Resample a mosaic onto the pixels of a distorted exposure.

    Parameters
    ----------
    source : array, shape (ny, nx)
        The mosaic: float32, float64 or integers, in any byte order; read-only arrays and memory maps are
        fine, and only the part that the target touches is read. Integers and booleans go with ``nearest``.
    source_wcs, target_wcs : WCS
        `astropy.wcs.WCS` (with whatever distortion it carries), `gwcs.WCS` or an APE 14 WCS; celestial,
        2-D. Neither is changed.
    shape : tuple of int, optional
        (ny, nx) of the blot; by default ``target_wcs.array_shape``.
    interp : {'nearest', 'linear', 'poly3', 'poly5', 'spline3', 'lanczos3', 'lanczos5', 'sinc'}
        Interpolant.
    sinscl : float
        Scale of the sinc interpolant, in pixels.
    stepsize : int, optional
        None, 0 or 1 is exact at every pixel; n > 1 is exact every n pixels and bilinear between.
    tolerance : float
        Largest error of the pixel map, in source pixels, for WCS without a closed form (which is exact): see
        :doc:`/how_it_works`.
    scale : float
        Multiplies the covered pixels: exposure time, ratio of pixel areas.
    fill_value : float
        Value of blot pixels that the source does not cover.
    out : ndarray, optional
        Array of the blot's shape and dtype to write into.
    threads : int, optional
        By default the cores this process may use. The values do not depend on it.

    Returns
    -------
    ndarray, shape (ny, nx)
        float32 for a float32 source, float64 for float64, the source's own dtype for integers.

    Raises
    ------
    ParameterError, DataError, WCSError
        For arguments that cannot be used; nothing has been changed then, `out` included.

    Notes
    -----
    A blot pixel is covered where its centre falls on a pixel of the source. Near its edges the source is
    extended by point reflection. NaN spreads to the blot pixels whose taps touch it, and no further.

    Examples
    --------
    >>> import numpy as np
    >>> from astropy.wcs import WCS
    >>> import skyblot
    >>> wcs = WCS(naxis=2)
    >>> wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    >>> wcs.wcs.cdelt = [-1e-5, 1e-5]
    >>> wcs.array_shape = (3, 4)
    >>> skyblot.blot(np.ones((3, 4), np.float32), wcs, wcs)
    array([[1., 1., 1., 1.],
           [1., 1., 1., 1.],
           [1., 1., 1., 1.]], dtype=float32)
    """
    job = prepare(
        source,
        source_wcs,
        target_wcs,
        shape=shape,
        interp=interp,
        sinscl=sinscl,
        stepsize=stepsize,
        tolerance=tolerance,
    )
    return job.run(scale=scale, fill_value=fill_value, out=out, threads=threads).data


def pixel_map(
    target_wcs: Any,
    source_wcs: Any,
    *,
    shape: tuple[int, int] | None = None,
    stepsize: int | None = None,
    tolerance: float = 1e-4,
    threads: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Return where the pixels of a target fall on a source.

    Parameters
    ----------
    target_wcs, source_wcs : WCS
        As for `blot`; neither is changed.
    shape, stepsize, tolerance, threads
        As for `blot`.

    Returns
    -------
    x, y : ndarray, float64, shape (ny, nx)
        0-based source pixel positions, pixel centres at integers; NaN where there is none.

    Raises
    ------
    ParameterError, WCSError
        For arguments that cannot be used.
    """
    shape = target_shape(target_wcs, shape)
    rows = _plan(target_wcs, source_wcs, shape, stepsize, tolerance)
    x, y = np.empty(shape), np.empty(shape)

    def work(row0: int, row1: int, *_: np.ndarray) -> None:
        rows.rows(row0, x[row0:row1], y[row0:row1])

    for_each_band(shape, work, checked_threads(threads))
    return x, y


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
    ) -> Blot:
        """Compute ``interpolated * scale + offset`` where covered, `fill_value` elsewhere."""
        values = _checked_values(self.dtype, scale, offset, fill_value)
        _check_out(out, self.shape, self.dtype)
        workers = checked_threads(threads)
        data = out if out is not None and _usable(out, self.source) else np.empty(self.shape, self.dtype)
        for window in self._windows(workers):
            covered, missed = self._resample(window, data, values, workers)
            if not missed:
                break
        if out is not None and data is not out:
            out[...] = data
        return Blot(data if out is None else out, covered / data.size)

    def _windows(self, threads: int) -> Iterator[Window]:
        """The source itself; or a window sized from some rows of the map, then one sized from all."""
        work = self.dtype
        if self.dtype.kind == "f":
            work = np.promote_types(self.dtype, self.interpolant.weights_dtype)
        if is_ready(self.source, work, self.interpolant):
            yield whole_source(self.source, self.interpolant)
            return
        for step in (64, 1):
            bounds = window_bounds(self.pixel_map, self.shape, self.source.shape, self.interpolant.margin, step)
            yield load_window(self.source, bounds, work, self.interpolant, threads)

    def _resample(
        self, window: Window, out: np.ndarray, values: tuple[float, float, float], threads: int
    ) -> tuple[int, int]:
        counts: list[tuple[int, int]] = []

        def work(row0: int, row1: int, xmap: np.ndarray, ymap: np.ndarray) -> None:
            self.pixel_map.rows(row0, xmap, ymap)
            counts.append(window.resample(xmap, ymap, out[row0:row1], *values))

        for_each_band(self.shape, work, threads)
        return sum(covered for covered, _ in counts), sum(missed for _, missed in counts)


def prepare(
    source: Any,
    source_wcs: Any,
    target_wcs: Any,
    *,
    shape: tuple[int, int] | None = None,
    interp: str = "poly5",
    sinscl: float = 1.0,
    stepsize: int | None = None,
    tolerance: float = 1e-4,
    wcsmap: Any = None,
) -> Job:
    """Validate what `blot` was given and plan it; arguments and errors are those of `blot`.

    `wcsmap` makes the pixel map instead of the two WCS: see `skyblot.pixelmap.callable.user_map`.
    """
    how = interpolant(parameter("interp").parse(interp), parameter("sinscl").parse(sinscl))
    source = _image(source)
    dtype = blot_dtype(source, how)
    shape = target_shape(target_wcs, shape)
    if wcsmap is not None:
        return Job(source, user_map(wcsmap, target_wcs, source_wcs), shape, how, dtype)
    return Job(source, _plan(target_wcs, source_wcs, shape, stepsize, tolerance), shape, how, dtype)


def _image(source: Any) -> Any:
    """The source as something with a dtype, without axes of one pixel before its two last."""
    if not hasattr(source, "dtype"):
        source = np.asarray(source)
    while len(source.shape) > 2 and source.shape[0] == 1:
        warnings.warn(f"the source has shape {source.shape}: its first axis is dropped", SkyblotWarning, stacklevel=4)
        source = source[0]
    return source


def target_shape(target_wcs: Any, shape: Any) -> tuple[int, int]:
    """Return the blot's (ny, nx): `shape`, else the WCS' own array shape."""
    given = shape if shape is not None else _image_shape(target_wcs)
    if given is None:
        raise ParameterError("shape is not given and the target's WCS has no array_shape: give shape=(ny, nx)")
    try:
        ny, nx = (operator.index(size) for size in given)
    except (TypeError, ValueError):
        ny = nx = 0
    if min(ny, nx) < 1:
        raise ParameterError(f"shape = {given!r}: expected two whole numbers, (ny, nx), each at least 1")
    return ny, nx


def _image_shape(wcs: Any) -> tuple[int, ...] | None:
    """The array shape of a WCS without axes of one pixel before its two last."""
    shape = array_shape(wcs)
    while shape is not None and len(shape) > 2 and shape[0] == 1:
        shape = shape[1:]
    return shape


def checked_threads(threads: Any) -> int:
    """Return a valid number of threads; None means the cores this process may use."""
    if threads is None:
        return available_cores()
    if isinstance(threads, bool) or not isinstance(threads, int | np.integer) or threads < 1:
        raise ParameterError(f"threads = {threads!r}: expected a whole number, at least 1, or None for all cores")
    return int(threads)


def _plan(target_wcs: Any, source_wcs: Any, shape: tuple[int, int], stepsize: Any, tolerance: Any) -> RowMap:
    if not (isinstance(tolerance, int | float) and tolerance > 0):
        raise ParameterError(f"tolerance = {tolerance!r}: expected a number of source pixels, above 0")
    return plan_map(target_wcs, source_wcs, shape, parameter("stepsize").parse(stepsize), float(tolerance))


def _checked_values(dtype: np.dtype, scale: Any, offset: Any, fill_value: Any) -> tuple[float, float, float]:
    scale, offset = _number("scale", scale), _number("offset", offset)
    if not (math.isfinite(scale) and math.isfinite(offset)):
        raise ParameterError(f"scale = {scale}, offset = {offset}: expected finite numbers")
    if dtype.kind == "f":
        return scale, offset, _number("fill_value", fill_value)
    if scale != 1 or offset != 0:
        raise ParameterError(
            f"scale = {scale}, offset = {offset}: an integer source ({dtype}) keeps its values, expected 1 and 0"
        )
    if not _fits(fill_value, dtype):
        raise ParameterError(f"fill_value = {fill_value}: not a value of the source's dtype, {dtype}")
    return scale, offset, fill_value


def _number(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ParameterError(f"{name} = {value!r}: expected a number") from None


def _fits(value: Any, dtype: np.dtype) -> bool:
    try:
        return int(value) == value and bool(dtype.type(int(value)) == value)
    except (TypeError, ValueError, OverflowError):
        return False


def _check_out(out: np.ndarray | None, shape: tuple[int, int], dtype: np.dtype) -> None:
    if out is None:
        return
    if not isinstance(out, np.ndarray) or out.shape != shape or out.dtype != dtype or not out.flags.writeable:
        given = f"{out.dtype} {out.shape}" if isinstance(out, np.ndarray) else type(out).__name__
        raise ParameterError(f"out is {given}: expected a writeable {dtype} array of shape {shape}")


def _usable(out: np.ndarray, source: Any) -> bool:
    """Whether the kernels may write into `out` directly."""
    return out.flags.c_contiguous and not (isinstance(source, np.ndarray) and np.may_share_memory(out, source))
