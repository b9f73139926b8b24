"""Where a mosaic is covered: its weights, in its file or beside it, read only where its pixels are."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from .. import messages
from ..errors import SkyblotWarning
from ..facts import COVERAGE
from .chips import is_plane
from .fits import FitsImage, open_image
from .images import Image
from .remote import AnyPath

#: What stands in the name of a file of weights for what the mosaic's has: AstroDrizzle's with build=False, SWarp's.
_BESIDE = ((r"_sci(?=\.fits)", "_wht"), (r"_dr[zc](?=\.fits)", "_wht"), (r"(?=\.fits)", ".weight"))


@contextmanager
def open_weights(image: Image) -> Iterator[Any]:
    """Open the weights of a mosaic: what is sliced as its pixels are, None where there are none.

    Where a weight is not above 0, the mosaic is not covered. Weights of another shape are not used, with a warning.
    """
    if not isinstance(image, FitsImage):
        yield None
        return
    for name in COVERAGE.keywords:
        hdu = _beside(image, name)
        if hdu is not None:
            yield _checked(image, replace(image, name=f"its {name}", hdu=hdu))
            return
    paths = weight_files(image.path)
    if not paths:
        yield None
        return
    with open_image(paths[0]) as weights:
        yield _checked(image, weights)


def weight_files(path: AnyPath) -> list[Path]:
    """Return the files of weights beside a mosaic on disk, by its name."""
    if not isinstance(path, Path):
        return []
    names = dict.fromkeys(re.sub(what, instead, path.name, count=1) for what, instead in _BESIDE)
    return [each for name in names if name != path.name and (each := path.with_name(name)).is_file()]


def _beside(image: FitsImage, name: str) -> Any:
    """The extension of weights that goes with an image: the file's only one, or that of the same version."""
    if image.hdu.name in COVERAGE.keywords:
        return None
    found = [hdu for hdu in image.hdus if hdu.name == name and hdu.is_image and is_plane(hdu.shape or ())]
    same = [hdu for hdu in found if hdu.ver == image.hdu.ver]
    return found[0] if len(found) == 1 else same[0] if len(same) == 1 else None


def _checked(image: FitsImage, weights: FitsImage) -> Any:
    if weights.shape != image.shape:
        warnings.warn(
            messages.WEIGHTS_NOT_USED(name=image.name, part=weights.name, shape=weights.shape, expected=image.shape),
            SkyblotWarning,
            stacklevel=2,
        )
        return None
    return weights.pixels()
