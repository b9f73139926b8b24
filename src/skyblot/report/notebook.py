"""What notebooks show of a result: a table of facts, and a small picture where one can be made."""

from collections.abc import Callable, Mapping
from html import escape
from pathlib import Path

import numpy as np

from ..errors import SkyblotError
from ..text import printable
from .stretch import Stretch, block_mean

#: Largest width and height of a picture, pixels.
SIZE = 256
#: What is brighter or fainter than these percentiles is white or black.
_PERCENTILES = (1.0, 99.7)
#: The stretch is linear over the first tenth of the way from black to white, and logarithmic above.
_LINEAR = 0.1


def html_of(facts: Mapping[str, str], picture: Callable[[], tuple[str, str] | None]) -> str:
    """Return a fragment of HTML.

    Parameters
    ----------
    facts : mapping
        Words and texts, one row each; plain text.
    picture : callable
        Returns the address of the picture and what it shows, or None. Where that fails because a
        file has gone or a package is missing, there are the facts alone.
    """
    try:
        image = _image(*(picture() or ("", "")))
    except (ImportError, OSError, SkyblotError):
        image = ""
    rows = "".join(
        f'<tr><th style="text-align:left">{_shown(word)}</th><td '
        f'style="text-align:left">{_shown(text)}</td></tr>'
        for word, text in facts.items()
    )
    return (
        "<div "
        f'style="display:flex;gap:1em;align-items:flex-start">{image}<table>{rows}</table></div>'
    )


def _image(address: str, caption: str) -> str:
    shown = _shown(caption)
    style = "image-rendering:pixelated"
    return f'<img src="{address}" alt="{shown}" title="{shown}" style="{style}">' if address else ""


def _shown(text: str) -> str:
    return escape(printable(text))


def picture_of_image(pixels: np.ndarray, name: str) -> tuple[str, str]:
    """Return a PNG of an image, made smaller, as a data URI; and what it shows.

    An `ImportError` where Pillow is missing.
    """
    from .encode import png_uri

    step = -(-max(pixels.shape) // SIZE)
    return png_uri(_grey(block_mean(pixels, step))), f"{name}, {step} x {step} pixels a point"


def picture_of_mask(
    pixels: np.ndarray, flagged: np.ndarray, exposure: str, mask: Path
) -> tuple[str, str]:
    """Return a PNG of the middle of an exposure, what its mask flags in orange.

    Else as for `picture_of_image`; a `SkyblotError` if one is not as large as the other.
    """
    from .encode import ORANGE, png_uri

    if flagged.shape != pixels.shape:
        raise SkyblotError(f"is not a mask of {exposure}", subject=mask)
    middle = tuple(slice(max((size - SIZE) // 2, 0), (size + SIZE) // 2) for size in pixels.shape)
    grey = _grey(pixels[middle])
    colours = np.stack([grey] * 3, axis=-1)
    colours[flagged[middle]] = ORANGE
    return png_uri(colours), f"the middle of {exposure}, what {mask.name} flags in orange"


def _grey(pixels: np.ndarray) -> np.ndarray:
    """Grey levels of pixels, uint8: asinh between two percentiles, 0 where there is no value."""
    finite = pixels[np.isfinite(pixels)]
    if not finite.size:
        return np.zeros(pixels.shape, np.uint8)
    low, high = (float(value) for value in np.percentile(finite, _PERCENTILES))
    if high == low:
        high += 1e-6 * (abs(low) or 1.0)
    return Stretch(low, low, high, _LINEAR * (high - low)).levels(pixels, 256)
