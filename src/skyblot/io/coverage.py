"""Where a mosaic is covered: its weights, in its file or beside it, read only where its pixels are."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import messages
from ..errors import DataError, SkyblotWarning
from ..facts import COVERAGE, ERRORS, QUALITY
from ..ground import is_swarp
from ..window import NonZeroView
from .chips import is_plane
from .fits import FitsImage, open_image
from .images import Image
from .remote import AnyPath

#: What stands in the name of a file of weights for what the mosaic's has: AstroDrizzle's with build=False, SWarp's.
_BESIDE = ((r"_sci(?=\.fits)", "_wht"), (r"_dr[zc](?=\.fits)", "_wht"), (r"(?=\.fits)", ".weight"))

#: Extensions beside a mosaic, and what they are.
_PLANES = {
    ("WHT", "WGT", "WEIGHT", "IVAR"): "a map of weights",
    ("CTX", "CON"): "a map of what went into each pixel",
    (*ERRORS.keywords, "VAR_POISSON", "VAR_RNOISE", "VAR_FLAT"): "a map of errors",
    QUALITY.keywords: "a map of flags",
}
_WEIGHT_FILE = re.compile(r"(_wht|\.weight|_o[a-z]w(_[^/]*)?)\.fits")


@contextmanager
def open_weights(image: Image) -> Iterator[Any]:
    """Open the weights of a mosaic: what is sliced as its pixels are, None where there are none.

    Where a weight is not above 0, the mosaic is not covered. Weights of another shape are not used, with a warning.
    What SWarp made has 0 where nothing is, which is all that tells where there are no weights.
    """
    if not isinstance(image, FitsImage):
        yield None
        return
    for name in COVERAGE.keywords:
        hdu = _beside(image, name)
        if hdu is not None:
            where = f"{image.path}[{name.lower()},{hdu.ver}]"
            yield _checked(image, replace(image, name=where, hdu=hdu), f"its {name}")
            return
    paths = weight_files(image.path)
    if not paths:
        yield NonZeroView(image.pixels()) if is_swarp(image.facts) else None
        return
    with open_image(paths[0]) as weights:
        yield _checked(image, weights, weights.name)


def weights_name(image: Image) -> str:
    """Return where the weights of a mosaic are, an empty string where there are none."""
    if not isinstance(image, FitsImage):
        return ""
    own = next((name for name in COVERAGE.keywords if _beside(image, name) is not None), "")
    return own or next((str(path) for path in weight_files(image.path)), "")


def weight_files(path: AnyPath) -> list[Path]:
    """Return the files of weights beside a mosaic on disk, by its name."""
    if not isinstance(path, Path):
        return []
    names = dict.fromkeys(re.sub(what, instead, path.name, count=1) for what, instead in _BESIDE)
    return [each for name in names if name != path.name and (each := path.with_name(name)).is_file()]


def check_mosaic(image: Image) -> None:
    """Refuse a plane that goes with a mosaic in the place of the mosaic itself.

    Raises
    ------
    DataError
        With what it is, by its extension or its file's name.
    """
    name = image.hdu.name if isinstance(image, FitsImage) else ""
    kind = next((kind for names, kind in _PLANES.items() if name in names), "")
    if not kind and name in ("", "PRIMARY") and _WEIGHT_FILE.search(str(image.path).lower()):
        kind = "a map of weights"
    if kind:
        raise DataError(messages.WRONG_PLANE(name=image.name, found=kind))


def _beside(image: FitsImage, name: str) -> Any:
    """The extension of weights that goes with an image: the file's only one, or that of the same version."""
    if image.hdu.name in COVERAGE.keywords:
        return None
    found = [hdu for hdu in image.hdus if hdu.name == name and hdu.is_image and is_plane(hdu.shape or ())]
    same = [hdu for hdu in found if hdu.ver == image.hdu.ver]
    return found[0] if len(found) == 1 else same[0] if len(same) == 1 else None


def _checked(image: FitsImage, weights: FitsImage, part: str) -> Any:
    if weights.shape != image.shape:
        warnings.warn(
            messages.WEIGHTS_NOT_USED(name=image.name, part=part, shape=weights.shape, expected=image.shape),
            SkyblotWarning,
            stacklevel=2,
        )
        return None
    return weights.pixels()
