"""The common grid of exposures in files: the pixels of the mosaic that they make."""

from pathlib import Path
from typing import Any

from ..errors import ParameterError
from ..io.images import list_images, open_image, open_reference
from ..io.inputs import expand_references
from ..parameters.mosaic import check_like
from ..pixelmap.wcs_objects import array_shape
from ..resampling.grid import common_wcs
from ..resampling.target import say_if_undistorted


def common_grid(
    exposures: Any,
    *,
    scale: float | None = None,
    rotation: float | None = None,
    size: tuple[int, int] | None = None,
    centre: Any = None,
    like: str | Path | None = None,
) -> Any:
    """Return the undistorted pixels that all chips of exposures lie on; only headers are read.

    Parameters
    ----------
    exposures : sequence of str, Path or WCS
        Files, shell patterns, ``@list.txt``, associations and folders, as for `skyblot.blot_files`;
        or the WCS of chips, with an ``array_shape``.
    scale : float, optional
        Pixel scale, arcsec; by default the median of the chips' own in their middles.
    rotation : float, optional
        Position angle of the y axis, north through east, degrees: 0 has north up. By default the
        mean of the chips'.
    size : (int, int), optional
        Width and height, (nx, ny); by default what covers all exposures.
    centre : (float, float), str or SkyCoord, optional
        What is in the middle: degrees, ``"53.16 -27.79"``, ``"03:32:28.8 -27:47:28"``.
    like : str or Path, optional
        A mosaic whose pixels are taken, exactly; nothing else may be asked for then, and no
        exposure is opened.

    Returns
    -------
    astropy.wcs.WCS
        TAN, with ``array_shape``; the more exact WCS of the mosaic, if `like` has one.

    Raises
    ------
    ParameterError, DataError, WCSError, FileError
        As `skyblot.resampling.grid.common_wcs` does, and if a file cannot be read.
    """
    check_like(like, scale=scale, rotation=rotation, size=size, centre=centre)
    if like is not None:
        return like_wcs(like)
    listed = exposures if isinstance(exposures, list | tuple) else [exposures]
    files = [each for each in listed if isinstance(each, str | Path)]
    chips: list[tuple[Any, tuple[int, int]]] = []
    names: list[str] = []
    for name in expand_references(files).exposures:
        _add_file(name, chips, names)
    for place, exposure in enumerate(listed):
        if not isinstance(exposure, str | Path):
            names.append(f"exposures[{place}]")
            chips.append((exposure, _shape_of(exposure, names[-1])))
    return common_wcs(chips, scale=scale, rotation=rotation, size=size, centre=centre, names=names)


def like_wcs(mosaic: str | Path) -> Any:
    """Return the WCS of a mosaic, with its shape."""
    with open_image(mosaic) as image:
        wcs = image.wcs()
        wcs.array_shape = image.shape
        return wcs


def _add_file(name: str, chips: list[tuple[Any, tuple[int, int]]], names: list[str]) -> None:
    """Add what is in a file."""
    for where in list_images(name):
        with open_reference(where) as reference:
            wcs = reference.wcs()
            say_if_undistorted(reference, wcs)
            chips.append((wcs, reference.shape))
            names.append(reference.name)


def _shape_of(wcs: Any, name: str) -> tuple[int, int]:
    """The shape that a WCS says it is for."""
    shape = array_shape(wcs)
    if shape is None or len(shape) < 2:
        raise ParameterError("its WCS has no array_shape: set it to (ny, nx)", subject=name)
    return shape[-2], shape[-1]
