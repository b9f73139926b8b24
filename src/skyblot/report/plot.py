"""Images on axes with sky coordinates, for notebooks and scripts."""

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import SkyblotError, quiet
from ..io.images import float_pixels, open_image
from .encode import ORANGE
from .html import require_packages
from .stretch import image_stretch


def plot_image(name: str | Path, *, flagged: np.ndarray | None = None) -> Any:
    """Draw an image of a file in a new figure.

    Parameters
    ----------
    name : str or Path
        ``blt.fits``, ``flc.fits[sci,2]``, ...
    flagged : ndarray of bool, shape (ny, nx), optional
        Pixels to draw in orange.

    Returns
    -------
    astropy.visualization.wcsaxes.WCSAxes

    Raises
    ------
    SkyblotError
        If matplotlib is missing, the file cannot be read or has no WCS, or `flagged` is of another
        shape.
    """
    require_packages()
    from matplotlib import pyplot

    with quiet(), open_image(name) as image:
        pixels = float_pixels(image)
        wcs = image.wcs()
        title = Path(image.name).name
    colours = np.repeat(image_stretch(pixels, pixels).levels(pixels, 256)[..., np.newaxis], 3, -1)
    if flagged is not None:
        if flagged.shape != pixels.shape:
            raise SkyblotError(f"has another shape than its mask, {flagged.shape}", subject=name)
        colours[flagged] = ORANGE
    axes = pyplot.figure().add_subplot(projection=wcs)
    axes.imshow(colours, origin="lower", interpolation="nearest")
    axes.set_title(title)
    return axes
