"""The exact blot of the mosaic onto the exposure."""

from astropy.io import fits
from astropy.wcs import WCS
from gwcs_files import SHAPE, exact_blot, exposure_gwcs

MOSAIC = (420, 420)
LINEAR = {"interp": "linear"}


def expected(i2d, shape=SHAPE):
    """The exact blot of the mosaic, by its FITS WCS and the gwcs of the exposure."""
    with fits.open(i2d) as hdus:
        return exact_blot(hdus["SCI"].data, WCS(hdus["SCI"].header), exposure_gwcs(), shape)
