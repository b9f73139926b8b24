"""Images on axes with sky coordinates, for notebooks and scripts."""

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import SkyblotError
from .encode import ORANGE
from .packages import require_packages
from .stretch import image_stretch


def plot_image(
    name: str, pixels: np.ndarray, wcs: Any, *, flagged: np.ndarray | None = None
) -> Any:
    """Draw an image in a new figure.

    Parameters
    ----------
    name : str
        File and extension.
    pixels : ndarray, shape (ny, nx)
    wcs : WCS
    flagged : ndarray of bool, shape (ny, nx), optional
        Pixels to draw in orange.

    Returns
    -------
    astropy.visualization.wcsaxes.WCSAxes

    Raises
    ------
    SkyblotError
        If matplotlib is missing, or `flagged` is of another shape.
    """
    require_packages()
    from matplotlib import pyplot

    colours = np.repeat(image_stretch(pixels, pixels).levels(pixels, 256)[..., np.newaxis], 3, -1)
    if flagged is not None:
        if flagged.shape != pixels.shape:
            raise SkyblotError(f"has another shape than its mask, {flagged.shape}", subject=name)
        colours[flagged] = ORANGE
    axes = pyplot.figure().add_subplot(projection=wcs)
    axes.imshow(colours, origin="lower", interpolation="nearest")
    axes.set_title(Path(name).name)
    return axes
