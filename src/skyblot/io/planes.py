"""What goes with an image in its file: the map of its errors, and the quality of its pixels."""

from typing import Any

import numpy as np

from .. import messages
from ..errors import DataError, FileError, one_line
from .asdf import AsdfImage
from .gwcs import node_at
from .images import Image

#: FITS extensions, and the nodes of Roman's files.
_NODES = {"ERR": "err", "DQ": "dq"}


def error_plane(image: Image) -> np.ndarray | None:
    """Return the standard deviations of an image's pixels, None where its file has none.

    Raises
    ------
    DataError
        If they are not of the image's shape.
    FileError
        If they cannot be read.
    """
    return _plane(image, "ERR")


def quality_plane(image: Image) -> np.ndarray | None:
    """Return the DQ flags of an image's pixels, None where its file has none; errors as for `error_plane`."""
    plane = _plane(image, "DQ")
    if plane is not None and plane.dtype.kind not in "iu":
        raise DataError(messages.NOT_WHOLE_NUMBERS(name=image.name, part="DQ", dtype=plane.dtype.name))
    return plane


def _plane(image: Any, name: str) -> np.ndarray | None:
    try:
        plane = _asdf_plane(image, _NODES[name]) if isinstance(image, AsdfImage) else _fits_plane(image, name)
    except Exception as error:  # astropy and asdf raise anything for what they cannot read
        reason = one_line(error)
        raise FileError(messages.PART_CANNOT_BE_READ(name=image.name, part=f"its {name}", reason=reason)) from error
    if plane is None:
        return None
    while plane.ndim > 2 and plane.shape[0] == 1:
        plane = plane[0]
    if plane.shape != image.shape:
        raise DataError(messages.PART_SHAPE(name=image.name, part=name, shape=plane.shape, expected=image.shape))
    return plane


def _fits_plane(image: Any, name: str) -> np.ndarray | None:
    key = companion(image.hdu, name)
    if key is None or key not in image.hdus or image.hdus[key].data is None:
        return None
    return np.asarray(image.hdus[key].data)


def companion(hdu: Any, name: str) -> tuple[str, int] | None:
    """Return the extension that goes with an image: that of the same version; None for an image that is no SCI."""
    return (name, hdu.ver) if hdu.name == "SCI" else None


def _asdf_plane(image: AsdfImage, name: str) -> np.ndarray | None:
    if name not in image.raw["roman"]:
        return None
    array = node_at(image.tree, ("roman", name))
    return np.array(getattr(array, "value", array)[...])
