"""Reading what reject writes, and changing what it reads."""

import numpy as np
from astropy.io import fits
from samples import rewrite


def read(path, extension=0):
    return np.array(fits.getdata(path, extension))


def changed(demo, path, change):
    return rewrite(demo.exposures[0], path, change)
