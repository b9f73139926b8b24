"""A gwcs in an ASDF tree: read and checked, compared with a FITS WCS, or made from one."""

import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

from ..errors import FileError, WCSError, in_words, quiet, reason_of
from .blocks import TREE_END
from .tree import check_tree

#: What to say where gwcs, asdf or a codec is missing.
INSTALL = "pip install 'skyblot[gwcs]'"
#: Who brings the converters of a tag, by a part of the tag.
_OWNERS = {
    "stsci.edu:jwst": "stdatamodels",
    "datamodels/jwst": "stdatamodels",
    "datamodels/roman": "roman_datamodels",
}
#: A FITS WCS stands in for a gwcs if it differs by no more, in pixels.
_SAME = 1e-7
#: Bounding boxes end at the edges of pixels or at their centres; one that ends farther out than
#: this, in pixels, is that of another image.
_EDGE = 0.75


class StoredWCS(NamedTuple):
    """A gwcs as it stands in a file.

    Attributes
    ----------
    wcs : gwcs.WCS
        With the shape of its image.
    confirmed : bool
        It is defined over just this image.
    misfit : str
        What shows that it is that of an image of another shape; empty where nothing does.
    problem : str
        Why it cannot be read, with the package to install, where one is missing; empty where it
        can.
    """

    wcs: Any
    confirmed: bool = False
    misfit: str = ""
    problem: str = ""


def missing_package() -> str | None:
    """Return the name of a package that a gwcs needs and that is not installed, or None."""
    for package in ("asdf", "gwcs", "asdf_astropy"):
        try:
            import_module(package)
        except ImportError:
            return package.replace("_", "-")
    return None


@contextmanager
def open_tree(content: Path | BinaryIO, name: str) -> Iterator[Any]:
    """Open an ASDF file so that each node is converted when it is looked at, and no other.

    Nothing is validated, and Roman's own converters are left out: files read the same with
    roman_datamodels and without it, and so do those of another of its versions.

    Raises
    ------
    FileError
        If it is not ASDF.
    """
    import asdf

    if isinstance(content, BytesIO):  # the others have been looked at before
        check_tree(TREE_END.split(content.getvalue(), maxsplit=1)[0], name)
    try:
        with quiet():
            # asdf reads what packages extend it once for all contexts, if this is asked for first
            shared = asdf.get_config()
            _ = (shared.extensions, shared.resource_manager)
        with asdf.config_context() as config, quiet():
            config.validate_on_read = False
            config.remove_extension(package="roman_datamodels")
            on_disk = not isinstance(content, BytesIO)  # else small, and the gwcs outlives it
            file = asdf.open(content, lazy_tree=True, lazy_load=on_disk, memmap=False)
    except Exception as error:  # asdf and its YAML parser raise anything
        reason = reason_of(error)
        raise FileError(f"not a readable ASDF file: {reason}", subject=name) from error
    with file:
        yield file.tree


def stored_wcs(tree: Any, keys: tuple[str, ...], shape: tuple[int, int], name: str) -> StoredWCS:
    """Return the gwcs under some keys, and whether it is that of an image of this shape.

    Raises
    ------
    WCSError
        If there is none, or it is not celestial and 2-D.
    """
    where = "/".join(keys)
    with quiet():  # tags of Roman's metadata
        parent = node_at(tree, keys[:-1])
    wcs, problem = _converted(parent, keys[-1])
    if problem:
        return StoredWCS(None, problem=problem)
    if wcs is None:
        raise WCSError(
            f"no WCS at {where} of its ASDF tree: it has none, or one for each slit", subject=name
        )
    try:
        _check_celestial(wcs, where, name)
        confirmed, misfit = _fit(wcs, shape)
    except WCSError:
        raise
    except Exception as error:  # a gwcs that was damaged raises anything
        return StoredWCS(None, problem=reason_of(error))
    wcs.array_shape = shape
    return StoredWCS(wcs, confirmed, misfit)


def unreadable(name: str, keys: tuple[str, ...], stored: StoredWCS) -> WCSError:
    """Return the error for a gwcs that cannot be read."""
    part = f"its {'/'.join(keys)}"
    return WCSError(f"{part} cannot be read: {stored.problem}", subject=name)


def refused(name: str, misfit: str, shape: tuple[int, int]) -> WCSError:
    """Return the error for a gwcs that is that of another image, where there is no other WCS."""
    #: The image was cut out, or sliced, by a program that left the gwcs as it was. Cut the pixels
    #: and the WCS together, and set `array_shape` and `bounding_box` of the gwcs.
    return WCSError(
        f"its gwcs {misfit}, but the image has {shape[0]} x {shape[1]} pixels, and no WCS "
        "in its header tells what was cut off: expected the gwcs of this image",
        subject=name,
    )


def _fit(wcs: Any, shape: tuple[int, int]) -> tuple[bool, str]:
    """Whether a gwcs is defined over just an image of this shape, else what speaks against it.

    Its bounding box tells before its shape, which some programs leave as it was. A box that is
    smaller than the image is usual: MIRI's is.
    """
    bounds = getattr(wcs, "pixel_bounds", None)
    if bounds is not None and np.isfinite(np.array(bounds, float)).all():
        outside = [
            (-0.5 - low, high - size + 0.5)
            for (low, high), size in zip(bounds, shape[::-1], strict=True)
        ]
        if np.max(outside) > _EDGE:
            (left, right), (low, high) = bounds
            return False, f"is defined at x {left:g} to {right:g}, y {low:g} to {high:g}"
        if np.min(outside) >= -_EDGE:
            return True, ""
    stored = wcs.array_shape
    if stored is not None and tuple(stored) != shape:
        return False, f"is that of {stored[0]} x {stored[1]} pixels"
    return False, ""


def node_at(tree: Any, keys: tuple[str, ...]) -> Any:
    """Return the converted node at ``tree[keys[0]][keys[1]]...``, or None if there is none."""
    for key in keys:
        if not isinstance(tree, Mapping) or key not in tree:
            return None
        tree = tree[key]
    return tree


def _converted(parent: Any, key: str) -> tuple[Any, str]:
    """The converted node under a key, and what went wrong.

    Then asdf warns, and leaves the node as it was.
    """
    from asdf.exceptions import AsdfConversionWarning

    node = None
    error = ""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            node = node_at(parent, (key,))
        except Exception as failure:  # whatever a converter raises
            error = reason_of(failure)
    problems = [
        " ".join(str(warning.message).split())
        for warning in caught
        if issubclass(warning.category, AsdfConversionWarning)
    ]
    unknown = [
        match.group()
        for problem in problems
        if (match := re.search(r"\S+(?= is not recognized)", problem))
    ]
    return node, _what_to_install(unknown) if unknown else error or "".join(
        map(in_words, problems[:1])
    )


def _what_to_install(tags: list[str]) -> str:
    packages = sorted({package for tag in tags for part, package in _OWNERS.items() if part in tag})
    if packages:
        return f"it needs the package {' and '.join(packages)}: pip install {' '.join(packages)}"
    return f"no installed package knows {tags[0]}"


def _check_celestial(wcs: Any, where: str, name: str) -> None:
    kinds = [str(kind) for kind in getattr(wcs, "world_axis_physical_types", None) or ["nothing"]]
    celestial = len(kinds) == 2 and all("pos." in kind for kind in kinds)
    if not celestial or wcs.pixel_n_dim != 2:
        axes = ", ".join(kinds)
        raise WCSError(
            f"its {where} gives {axes}, expected longitude and latitude of a 2-D image: spectra "
            "cannot be blotted",
            subject=name,
        )


def agrees(exact: Any, plain: Any, name: str) -> bool:
    """Whether a FITS WCS agrees with the gwcs to 1e-7 pixel, at 25 positions of an image."""
    ny, nx = exact.array_shape
    x, y = (
        axis.ravel() for axis in np.meshgrid(np.linspace(0, nx - 1, 5), np.linspace(0, ny - 1, 5))
    )
    try:
        lon, lat = exact.pixel_to_world_values(x, y)
    except Exception as error:  # transforms raise anything
        raise WCSError(f"its gwcs cannot be evaluated: {reason_of(error)}", subject=name) from error
    xback, yback = plain.all_world2pix(lon, lat, 0)
    return bool(np.hypot(xback - x, yback - y).max() <= _SAME)  # False where there is a NaN


def tangent_gwcs(wcs: Any) -> Any:
    """Return the gwcs of an undistorted TAN `astropy.wcs.WCS` with longitude first."""
    from astropy import units
    from astropy.modeling import models
    from astropy.wcs.utils import wcs_to_celestial_frame
    from gwcs import WCS, coordinate_frames

    x0, y0 = (float(value) - 1 for value in wcs.wcs.crpix)
    lon, lat = (float(value) for value in wcs.wcs.crval)
    pole = float(wcs.wcs.lonpole) if np.isfinite(wcs.wcs.lonpole) else 180.0
    pixel = coordinate_frames.Frame2D(
        name="detector", axes_order=(0, 1), unit=(units.pix, units.pix)
    )
    world = coordinate_frames.CelestialFrame(
        name="world", reference_frame=wcs_to_celestial_frame(wcs)
    )
    transform = (
        models.Shift(-x0) & models.Shift(-y0)
        | models.AffineTransformation2D(matrix=wcs.pixel_scale_matrix)
        | models.Pix2Sky_TAN()
        | models.RotateNative2Celestial(lon, lat, pole)
    )
    tangent = WCS([(pixel, transform), (world, None)])
    tangent.array_shape = wcs.array_shape
    return tangent
