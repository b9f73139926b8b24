"""Roman's mosaics and exposures, what a blot of them must be, and what users read from it; see
gwcs_files.py.
"""

import asdf
import gwcs_files
import numpy as np
from astropy.wcs import WCS
from gwcs_files import SHAPE, exact_blot, exposure_gwcs, mosaic_header, write_roman
from samples import texture

MOSAIC = (420, 420)
RAW = {"interp": "linear", "addsky": False}


def write_cal_asdf(path, **more):
    return write_roman(path, np.zeros(SHAPE, "f4"), exposure_gwcs(), **more)


def write_coadd(path, data=None, **more):
    """Write a mosaic of level 3."""
    data = texture(MOSAIC) if data is None else data
    meta = {
        "coadd_info": {"exposure_time": 642.0},
        "exposure": None,
        "photometry": None,
        "cal_step": None,
    }
    wcs = gwcs_files.mosaic_gwcs(mosaic_header(MOSAIC), MOSAIC)
    return write_roman(path, data, wcs, **{"tag": "wfi_mosaic-1.0.0", "meta": meta, **more})


def positions(shape=SHAPE):
    y, x = np.indices(shape).astype(float)
    return x, y


def expected(shape=SHAPE):
    """The exact blot of the mosaic, both WCS being evaluated at every pixel."""
    return exact_blot(texture(MOSAIC), WCS(mosaic_header(MOSAIC)), exposure_gwcs(), shape)


def roman_tree(path):
    """What any user of asdf reads from a blot."""
    with asdf.open(path, memmap=False) as file:
        return {"meta": file["roman"]["meta"], "data": np.array(file["roman"]["data"])}
