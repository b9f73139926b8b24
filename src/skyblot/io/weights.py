"""The weights of an exposure, in a file beside it as SWarp and SExtractor have them."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError, not_allowed
from .fits import open_image
from .image import Image
from .names import ImageName
from .remote import AnyPath

_FITS = re.compile(r"\.(fits?|fts)((\.(gz|fz|bz2|xz))?)$", re.IGNORECASE)


def checked_suffix(suffix: Any) -> str:
    """Return a suffix as it is given; a `ParameterError` where it cannot be one."""
    if (
        not isinstance(suffix, str)
        or not suffix
        or "/" in suffix
        or _FITS.search(f"x{suffix}") is None
    ):
        raise not_allowed(
            "weight_suffix", suffix, "the end of a FITS file's name, as '.weight.fits'"
        )
    return suffix


def exposure_weight_files(path: AnyPath, suffix: str) -> list[Path]:
    """Return the file of weights beside an exposure, packed or not; none for a URL."""
    if not isinstance(path, Path) or not _FITS.search(path.name):
        return []
    stem = _FITS.sub("", path.name) + suffix
    names = dict.fromkeys((stem, *(f"{stem}.{end}" for end in ("fz", "gz"))))
    return [
        file for name in names if name != path.name and (file := path.with_name(name)).is_file()
    ]


def read_weights(image: Image, suffix: str) -> tuple[str, np.ndarray] | None:
    """Return where the weights of an exposure's image are, and the weights, or None.

    Raises
    ------
    DataError
        If they are not of the image's shape, or none is above 0.
    FileError
        If they cannot be read.
    """
    files = exposure_weight_files(image.path, suffix)
    if not files:
        return None
    with open_image(ImageName(files[0], image.number)) as weights:
        values = np.asarray(weights.pixels()[:, :])
        if values.shape != image.shape:
            raise DataError(
                f"its {weights.name} has shape {values.shape}, expected {image.shape}",
                subject=image.name,
            )
        if not np.any(values > 0):
            raise DataError("no weight is above 0", subject=weights.name)
        return weights.name, values


def without_weights(names: list[str]) -> list[str]:
    """Leave files of weights out where their images are named too, as a shell pattern finds both.

    Examples
    --------
    >>> without_weights(["a.fits", "a.weight.fits", "b.weight.fits"])
    ['a.fits', 'b.weight.fits']
    """
    known = set(names)
    return [
        name
        for name in names
        if name.replace(".weight.fits", ".fits") == name or _image_of(name) not in known
    ]


def _image_of(name: str) -> str:
    return name.replace(".weight.fits", ".fits")
