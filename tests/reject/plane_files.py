"""An exposure of stars with known errors and flags, in all the forms in which observatories store
them.
"""

import numpy as np
from astropy import units
from astropy.io import fits
from astropy.nddata import CCDData, InverseVariance, StdDevUncertainty, VarianceUncertainty
from astropy.wcs import WCS
from samples import tan_header
from star_fields import field

SHAPE = (60, 80)
CARDS = {"BUNIT": "adu", "EXPTIME": 10.0}
CLEAN = field(SHAPE, n=12) + 100
SIGMA = np.sqrt(CLEAN / 2 + 9).astype("f4")
BAD = np.zeros(SHAPE, bool)
BAD[:, 33] = True
BAD[5:9, 60:64] = True
HIT = (40, 50)


def pixels():
    """The exposure: noise, one cosmic ray, and bad pixels that look like others."""
    data = CLEAN + SIGMA * np.random.default_rng(5).standard_normal(SHAPE)
    data[HIT] += 4000
    data[BAD] += 3000
    return data.astype("f4")


def mosaic(path, **cards):
    """The mosaic: the field without noise."""
    fits.PrimaryHDU(CLEAN.astype("f4"), tan_header(SHAPE, NCOMBINE=9, **CARDS, **cards)).writeto(
        path
    )
    return path


def image(name="SCI", ver=1, **cards):
    return fits.ImageHDU(pixels(), tan_header(SHAPE, **CARDS, **cards), name=name, ver=ver)


def constant(name, value, *, sides=True):
    """A plane of one value, without pixels."""
    hdu = fits.ImageHDU(name=name)
    if sides:
        hdu.header["NPIX1"], hdu.header["NPIX2"] = SHAPE[::-1]
    hdu.header["PIXVALUE"] = value
    return hdu


def write(path, *hdus, primary=None, first=None):
    fits.HDUList([first or fits.PrimaryHDU(header=fits.Header(primary or {})), *hdus]).writeto(path)
    return path


def hst(folder):
    return write(
        folder / "x_flt.fits",
        image(),
        fits.ImageHDU(SIGMA, name="ERR"),
        fits.ImageHDU(BAD * np.int16(4), name="DQ"),
    )


def gemini(folder):
    planes = fits.ImageHDU(SIGMA**2, name="VAR"), fits.ImageHDU(BAD.astype("u2"), name="DQ")
    return write(folder / "x.fits", image(), *planes)


def lsst(folder):
    """Detected sources have a bit too, and are good."""
    mask = fits.ImageHDU(
        (BAD * 2 + (CLEAN > 200) * 32).astype("i4"), tan_header(SHAPE), name="MASK"
    )
    for plane, bit in (("BAD", 0), ("SAT", 1), ("CR", 3), ("DETECTED", 5)):
        mask.header[f"HIERARCH MP_{plane}"] = bit
    return write(
        folder / "x.fits",
        image("IMAGE"),
        mask,
        fits.ImageHDU(SIGMA**2, tan_header(SHAPE), name="VARIANCE"),
    )


def ccd(uncertainty):
    """What astropy writes."""

    def write_ccd(folder):
        data = CCDData(
            pixels(), unit="adu", mask=BAD, wcs=WCS(tan_header(SHAPE)), uncertainty=uncertainty
        )
        data.header["EXPTIME"] = CARDS["EXPTIME"]
        data.write(folder / "x.fits")
        return folder / "x.fits"

    return write_ccd


def constants(folder):
    flags = fits.ImageHDU(BAD * np.int16(4), name="DQ")
    return write(
        folder / "x_flt.fits", image(), constant("ERR", float(SIGMA.min()), sides=False), flags
    )


def wfpc2(folder):
    """Flags in a second file, no errors: gain 6.9, read noise 5.22 of the handbook."""
    about = {"TELESCOP": "HST", "INSTRUME": "WFPC2", "ATODGAIN": 7.0}
    flags = fits.ImageHDU(BAD * np.int16(256), tan_header(SHAPE), name="SCI")
    write(folder / "u1_c1m.fits", flags, primary=about)
    return write(folder / "u1_c0m.fits", image(DETECTOR=3), primary=about)


def decam(folder):
    """Weights and flags in files of their own, with an extension for each CCD."""
    planes = {"i": pixels(), "d": BAD * np.int32(5), "w": (SIGMA**-2.0).astype("f4")}
    for letter, data in planes.items():
        other = fits.ImageHDU(
            np.zeros((8, 9), data.dtype), tan_header((8, 9), ra=9.0, **CARDS), name="N11"
        )
        header = tan_header(SHAPE, **CARDS)
        write(
            folder / f"c4d_1_2_oo{letter}_g_ls9.fits",
            other,
            fits.ImageHDU(data, header, name="N12"),
        )
    return f"{folder}/c4d_1_2_ooi_g_ls9.fits[2]"


def named(folder):
    """Errors and flags in files that only a pattern finds."""
    (folder / "flags").mkdir()
    write(folder / "x_err.fits", first=fits.PrimaryHDU(SIGMA))
    write(
        folder / "flags" / "x.fits",
        fits.ImageHDU(name="EMPTY"),
        fits.ImageHDU(BAD.astype("u1"), name="BPM"),
    )
    return write(folder / "x.fits", first=fits.PrimaryHDU(pixels(), tan_header(SHAPE, **CARDS)))


#: How each is written, what is told of its planes, and whether errors are all that is known of the
#: noise.
FORMS = {
    "HST": (hst, ("ERR", "DQ")),
    "Gemini": (gemini, ("VAR (variance)", "DQ")),
    "LSST": (lsst, ("VARIANCE (variance)", "MASK")),
    "CCDData, deviations": (ccd(StdDevUncertainty(SIGMA)), ("UNCERT", "MASK")),
    "CCDData, variances": (
        ccd(VarianceUncertainty(SIGMA**2 * units.adu**2)),
        ("UNCERT (variance)", "MASK"),
    ),
    "CCDData, weights": (ccd(InverseVariance(SIGMA**-2.0)), ("UNCERT (inverse variance)", "MASK")),
    "DECam": (
        decam,
        ("{}/c4d_1_2_oow_g_ls9.fits[n12,1] (inverse variance)", "{}/c4d_1_2_ood_g_ls9.fits[n12,1]"),
    ),
}
