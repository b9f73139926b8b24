"""Pictures as data URIs: JPEG for the views, PNG for masks and stamps."""

from base64 import b64encode
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

#: Noise is most of what a view shows; a higher quality doubles its size.
_QUALITY = 82
#: Blue, white, red: told apart with any colour vision, and on a projector.
_DIVERGING = ((5, 48, 97), (67, 147, 195), (247, 247, 247), (214, 96, 77), (103, 0, 31))
#: Of stamps: levels of grey, as many of the diverging colours, and as many of a darker grey below
#: what is flagged.
STAMP_LEVELS = 80
FLAGGED = 3 * STAMP_LEVELS
MISSING = 3 * STAMP_LEVELS + 1
GAP = 3 * STAMP_LEVELS + 2
#: What is flagged, in all pictures.
ORANGE = (255, 140, 0)
_MISSING_COLOUR = (70, 70, 110)
_CLEAR = (128, 128, 128)


def diverging_colours(count: int) -> np.ndarray:
    """Return `count` colours from blue over white to red, uint8 (count, 3)."""
    at = np.linspace(0, len(_DIVERGING) - 1, count)
    stops = np.arange(len(_DIVERGING))
    channels = [np.interp(at, stops, channel) for channel in zip(*_DIVERGING, strict=True)]
    return np.rint(np.stack(channels, axis=1)).astype(np.uint8)


def jpeg_uri(levels: np.ndarray) -> str:
    """Return grey levels, uint8 with the first row at the bottom, as a JPEG data URI."""
    return _uri(
        Image.fromarray(np.ascontiguousarray(levels[::-1])), "JPEG", quality=_QUALITY, optimize=True
    )


def png_uri(levels: np.ndarray) -> str:
    """Return grey levels or colours, uint8 with the first row at the bottom, as a PNG data URI."""
    return _uri(Image.fromarray(np.ascontiguousarray(levels[::-1])), "PNG", optimize=True)


def stamp_uri(indices: np.ndarray) -> str:
    """Return indices of the stamps' palette, the first row at the bottom, as a PNG data URI.

    Gaps are transparent.
    """
    image = Image.fromarray(np.ascontiguousarray(indices[::-1]))
    image.putpalette(_stamp_palette().ravel().tolist())
    return _uri(image, "PNG", optimize=True, transparency=GAP)


def _stamp_palette() -> np.ndarray:
    grey = np.repeat(np.linspace(0, 255, STAMP_LEVELS)[:, None], 3, axis=1)
    special = np.array([ORANGE, _MISSING_COLOUR, _CLEAR])
    return np.rint(
        np.concatenate([grey, diverging_colours(STAMP_LEVELS), 0.5 * grey, special])
    ).astype(np.uint8)


def _uri(image: Image.Image, kind: str, **options: Any) -> str:
    stream = BytesIO()
    image.save(stream, kind, **options)
    return f"data:image/{kind.lower()};base64,{b64encode(stream.getvalue()).decode()}"
