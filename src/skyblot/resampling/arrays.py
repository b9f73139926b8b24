"""Plan a blot of arrays: what is resampled, onto which pixels, by which map."""

import operator
from typing import Any

import numpy as np

from ..bands import for_each_band
from ..errors import ParameterError, memory_errors_told, not_allowed, warn
from ..kernels.interpolants import interpolant
from ..parameters.table import Sampling
from ..pixelmap import plan_map
from ..pixelmap.callable import user_map
from ..pixelmap.given import given_map
from ..pixelmap.wcs_objects import array_shape
from .geometry import Job, checked_threads
from .window import blot_dtype


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
    sampling = Sampling(stepsize=stepsize, tolerance=tolerance)
    rows = plan_map(target_wcs, source_wcs, shape, sampling.stepsize, sampling.tolerance)
    with memory_errors_told():
        x = np.empty(shape)
        y = np.empty(shape)

        def work(row0: int, row1: int) -> None:
            rows.rows(row0, x[row0:row1], y[row0:row1])

        for_each_band(shape, work, checked_threads(threads))
    return x, y


def prepare(
    source: Any,
    source_wcs: Any,
    target_wcs: Any,
    sampling: Sampling | None = None,
    *,
    shape: tuple[int, int] | None = None,
    wcsmap: Any = None,
    pixel_map: Any = None,
) -> Job:
    """Validate what `blot` was given and plan it; arguments and errors are those of `blot`.

    `wcsmap` makes the pixel map instead of the two WCS: see `skyblot.pixelmap.callable.user_map`.
    """
    sampling = sampling or Sampling()
    how = interpolant(sampling.interp, sampling.sinscl)
    source = image_of(source)
    dtype = blot_dtype(source, how)
    if pixel_map is not None:
        given = given_map(pixel_map)
        _check_alone(
            given.shape,
            shape,
            source_wcs=source_wcs,
            target_wcs=target_wcs,
            stepsize=sampling.stepsize,
        )
        return Job(source, given, given.shape, how, dtype)
    shape = target_shape(target_wcs, shape)
    if wcsmap is not None:
        return Job(source, user_map(wcsmap, target_wcs, source_wcs), shape, how, dtype)
    rows = plan_map(
        target_wcs,
        source_wcs,
        shape,
        sampling.stepsize,
        sampling.tolerance,
        source_shape=tuple(source.shape),
    )
    return Job(source, rows, shape, how, dtype)


def image_of(source: Any) -> Any:
    """The source as something with a dtype, without axes of one pixel before its two last."""
    if not hasattr(source, "dtype"):
        source = np.asarray(source)
    while len(source.shape) > 2 and source.shape[0] == 1:
        warn(f"has shape {source.shape}: its first axis is dropped", subject="the source")
        source = source[0]
    return source


def target_shape(target_wcs: Any, shape: Any) -> tuple[int, int]:
    """Return the blot's (ny, nx): `shape`, else the WCS' own array shape."""
    given = shape if shape is not None else _image_shape(target_wcs)
    if given is None:
        raise ParameterError(
            "shape is not given and the target's WCS has no array_shape: give shape=(ny, nx)"
        )
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
            raise ParameterError(f"{name} is given beside pixel_map: expected one of them")
    if shape is not None and target_shape(None, shape) != given:
        expected = f"that of pixel_map, {given}"
        raise ParameterError(f"has shape {shape}, expected {expected}", subject="the blot")


def _image_shape(wcs: Any) -> tuple[int, ...] | None:
    """The array shape of a WCS without axes of one pixel before its two last."""
    shape = array_shape(wcs)
    while shape is not None and len(shape) > 2 and shape[0] == 1:
        shape = shape[1:]
    return shape
