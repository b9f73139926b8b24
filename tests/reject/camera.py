"""A ground-based camera of several chips, its mosaic, and cosmic rays whose place is known."""

import numpy as np
from astropy.io import fits
from samples import DEC, RA, tan_header, write_sci

from skyblot.parameters.table import Parameters

SHAPE, GAIN, READ_NOISE, SKY = (60, 80), 1.5, 5.0, 200.0
NOISE = {"gain": GAIN, "read_noise": READ_NOISE, "parameters": Parameters(addsky=False)}
HITS = np.s_[10:50:8, 6:76:7]


def header(number, **cards):
    """Chips side by side, `number` from 0 on."""
    return tan_header(SHAPE, CRPIX1=40.5 - 90 * number, BUNIT="adu", EXPTIME=30.0, **cards)


def pixels(number, dtype="f4", hit=400.0):
    """Sky with noise, and a hit at every place of HITS."""
    data = SKY + np.random.default_rng(number).normal(0, np.sqrt(SKY / GAIN), SHAPE)
    data[HITS] += hit
    return np.rint(data).astype(dtype) if np.dtype(dtype).kind in "iu" else data.astype(dtype)


def mosaic(path, level=SKY):
    """A mosaic that covers five chips."""
    shape = (200, 900)
    cards = tan_header(shape, ra=RA, dec=DEC, BUNIT="adu", EXPTIME=30.0, CRPIX1=200.5)
    rng = np.random.default_rng(99)
    return write_sci(path, (level + rng.normal(0, 0.5, shape)).astype("f4"), cards)


def exposure(path, names, make=None):
    """An exposure with a chip of each name; `make(number)` makes another HDU."""
    hdus = fits.HDUList([fits.PrimaryHDU()])
    hdus[0].header["OBJECT"] = "field"
    for number, name in enumerate(names):
        hdu = fits.ImageHDU(pixels(number), header(number)) if make is None else make(number)
        hdu.name = name
        hdus.append(hdu)
    hdus.writeto(path)
    return path
