"""A wide mosaic, and what is read of files on the server."""

import numpy as np
from astropy.io import fits
from samples import texture

WIDE = np.tile(texture((100, 90)), (15, 100))  # 54 MB


def local(web, name):
    return str(web.folder / name)


def pixels(path):
    with fits.open(path) as hdus:
        return hdus["SCI"].data.copy()
