"""Blot arrays: plan the map, load the window of the source, resample band by band over threads."""

import operator
import warnings
from typing import Any

import numpy as np

from . import messages
from .bands import for_each_band
from .errors import ParameterError, SkyblotWarning, memory_errors_told, not_allowed
from .job import Job, checked_threads
from .kernels.interpolants import interpolant
from .parameters import parameter
from .pixelmap import RowMap, plan_map
from .pixelmap.callable import user_map
from .pixelmap.given import given_map
from .pixelmap.sky import array_shape
from .window import blot_dtype


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
    pixel_map: Any = None,
    variance: Any = None,
) -> Any:
    """Resample a plain array: `skyblot.blot` says what its arguments, results and errors are."""
    with memory_errors_told():
        job = prepare(
            source,
            source_wcs,
            target_wcs,
            shape=shape,
            interp=interp,
            sinscl=sinscl,
            stepsize=stepsize,
            tolerance=tolerance,
            pixel_map=pixel_map,
        )
        errors = None if variance is None else job.of_variances(_image(variance))
        data = job.run(scale=scale, fill_value=fill_value, out=out, threads=threads).data
        if errors is None:
            return data
        return data, errors.run(scale=float(scale) ** 2, fill_value=np.nan, threads=threads).data


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
    with memory_errors_told():
        x, y = np.empty(shape), np.empty(shape)

        def work(row0: int, row1: int) -> None:
            rows.rows(row0, x[row0:row1], y[row0:row1])

        for_each_band(shape, work, checked_threads(threads))
    return x, y


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
    pixel_map: Any = None,
) -> Job:
    """Validate what `blot` was given and plan it; arguments and errors are those of `blot`.

    `wcsmap` makes the pixel map instead of the two WCS: see `skyblot.pixelmap.callable.user_map`.
    """
    how = interpolant(parameter("interp").parse(interp), parameter("sinscl").parse(sinscl))
    source = _image(source)
    dtype = blot_dtype(source, how)
    if pixel_map is not None:
        given = given_map(pixel_map)
        _check_alone(given.shape, shape, source_wcs=source_wcs, target_wcs=target_wcs, stepsize=stepsize)
        return Job(source, given, given.shape, how, dtype)
    shape = target_shape(target_wcs, shape)
    if wcsmap is not None:
        return Job(source, user_map(wcsmap, target_wcs, source_wcs), shape, how, dtype)
    return Job(source, _plan(target_wcs, source_wcs, shape, stepsize, tolerance), shape, how, dtype)


def _image(source: Any) -> Any:
    """The source as something with a dtype, without axes of one pixel before its two last."""
    if not hasattr(source, "dtype"):
        source = np.asarray(source)
    while len(source.shape) > 2 and source.shape[0] == 1:
        warnings.warn(messages.AXIS_DROPPED(shape=source.shape), SkyblotWarning, stacklevel=5)
        source = source[0]
    return source


def target_shape(target_wcs: Any, shape: Any) -> tuple[int, int]:
    """Return the blot's (ny, nx): `shape`, else the WCS' own array shape."""
    given = shape if shape is not None else _image_shape(target_wcs)
    if given is None:
        raise ParameterError(messages.NO_SHAPE())
    try:
        ny, nx = (operator.index(size) for size in given)
    except (TypeError, ValueError):
        ny = nx = 0
    if min(ny, nx) < 1:
        raise not_allowed("shape", given, "two whole numbers, (ny, nx), each at least 1")
    return ny, nx


def _check_alone(given: tuple[int, int], shape: Any, **others: Any) -> None:
    """Refuse what a pixel map that is given leaves no room for."""
    for name, value in others.items():
        if value is not None:
            raise ParameterError(messages.MAP_AND_OTHER(name=name))
    if shape is not None and target_shape(None, shape) != given:
        expected = f"that of pixel_map, {given}"
        raise ParameterError(messages.ARRAY_HAS(name="the blot", what="shape", given=shape, expected=expected))


def _image_shape(wcs: Any) -> tuple[int, ...] | None:
    """The array shape of a WCS without axes of one pixel before its two last."""
    shape = array_shape(wcs)
    while shape is not None and len(shape) > 2 and shape[0] == 1:
        shape = shape[1:]
    return shape


def _plan(target_wcs: Any, source_wcs: Any, shape: tuple[int, int], stepsize: Any, tolerance: Any) -> RowMap:
    stepsize, tolerance = parameter("stepsize").parse(stepsize), parameter("tolerance").parse(tolerance)
    return plan_map(target_wcs, source_wcs, shape, stepsize, tolerance)
