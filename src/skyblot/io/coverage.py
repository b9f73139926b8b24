"""Where a mosaic is covered: its weights, in its file or beside it, read where its pixels are."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import DataError, warn
from ..headers.ground import is_swarp
from ..headers.pixel_facts import ERRORS, QUALITY
from ..resampling.window import NonZeroView
from .fits import open_image
from .image import Image
from .remote import AnyPath

#: A part of a mosaic's name, and what its file of weights has there: AstroDrizzle's with
#: build=False, SWarp's.
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
    """Open the weights of a mosaic, to be sliced as its pixels are; None where there are none.

    Where a weight is not above 0, the mosaic is not covered. Weights of another shape are not used,
    with a warning. A mosaic of SWarp's without weights is not covered where it is 0: nothing else
    tells.
    """
    own = image.weights()
    if own is not None:
        yield _checked(image, own, f"its {own.extension}")
        return
    paths = weight_files(image.path)
    if not paths:
        yield NonZeroView(image.pixels()) if is_swarp(image.facts) else None
        return
    with open_image(paths[0]) as weights:
        yield _checked(image, weights, weights.name)


def weights_name(image: Image) -> str:
    """Return where the weights of a mosaic are, an empty string where there are none."""
    own = image.weights()
    if own is not None:
        return own.extension
    return next((str(path) for path in weight_files(image.path)), "")


def weight_files(path: AnyPath) -> list[Path]:
    """Return the files of weights beside a mosaic on disk, by its name."""
    if not isinstance(path, Path):
        return []
    names = dict.fromkeys(re.sub(what, instead, path.name, count=1) for what, instead in _BESIDE)
    return [
        file for name in names if name != path.name and (file := path.with_name(name)).is_file()
    ]


def check_mosaic(image: Image) -> None:
    """Refuse a plane that goes with a mosaic in the place of the mosaic itself.

    Raises
    ------
    DataError
        With what it is, by its extension or its file's name.
    """
    name = image.extension
    kind = next((kind for names, kind in _PLANES.items() if name in names), "")
    if not kind and name in ("", "PRIMARY") and _WEIGHT_FILE.search(str(image.path).lower()):
        kind = "a map of weights"
    if kind:
        raise DataError(f"is {kind}, expected the mosaic's own image", subject=image.name)


def _checked(image: Image, weights: Image, part: str) -> Any:
    if weights.shape != image.shape:
        #: Weights of another mosaic, left there by mistake perhaps.
        warn(
            f"{part} beside it has shape {weights.shape}, not {image.shape}: it is not used",
            subject=image.name,
        )
        return None
    return weights.pixels()
