"""Files for the tests of the ablot task, and what a blot of them must be, worked out by hand."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

import skyblot
from skyblot import ablot
from skyblot.demo import make_demo

CHIP_SHAPE = (96, 160)
IDCSCALE = 0.043  # arcsec; neither the mosaic's scale nor that of the chip's CD matrix
F32 = float(np.finfo(np.float32).eps)
#: Of the largest value: the product, the sum and the conversion may each be rounded elsewhere in
#: the two ways.
ROUNDING = 4 * F32
#: As documented by DrizzlePac.
DOCUMENTED = {
    "coeffs": True, "interp": "poly5", "sinscl": 1.0, "stepsize": 10, "addsky": True, "skyval": 0.0,
    "in_units": "cps", "out_units": "counts", "expkey": "exptime", "expout": "input",
    "outscale": None, "orient": None, "raref": None, "decref": None, "xrefpix": None,
    "yrefpix": None, "outnx": None, "outny": None,
}  # fmt: skip
DOCUMENTED_INTERP = ("nearest", "linear", "poly3", "poly5", "sinc")
USER_WCS = ("outscale", "orient", "raref", "decref", "xrefpix", "yrefpix", "outnx", "outny")


@dataclass(frozen=True)
class Pair:
    """A mosaic and an exposure with SIP, NPOL and D2IM; names as the task wants them, in the
    current folder.
    """

    data: str
    reference: str

    def pixels(self):
        return fits.getdata(self.data.partition("[")[0], ("SCI", 1)).astype(np.float32)

    def source_wcs(self):
        return read_wcs(self.data)

    def target_wcs(self):
        return read_wcs(self.reference)

    def value(self, keyword, extension=0):
        return fits.getval(self.reference.partition("[")[0], keyword, extension)


def demo_pair(folder):
    """Write the demo's smallest data set into `folder`; return the names relative to it."""
    made = make_demo(folder, exposures=2, chip_shape=CHIP_SHAPE)
    with fits.open(made.exposures[0], mode="update") as hdus:
        hdus["SCI", 1].header["IDCSCALE"] = IDCSCALE
    return Pair(f"{made.median.name}[sci,1]", f"{made.exposures[0].name}[sci,1]")


def read_wcs(name):
    """The WCS of ``file.fits[sci,1]`` with its look-up tables, by astropy alone."""
    path, _, rest = name.partition("[")
    extension = ("SCI", int(rest.rstrip("]").split(",")[1])) if rest else 0
    with fits.open(path) as hdus:
        wcs = WCS(hdus[extension].header, hdus)
        wcs.array_shape = hdus[extension].shape
        return wcs


def linear_part(wcs):
    """A new WCS with the linear terms of `wcs` only."""
    linear = WCS(naxis=2)
    linear.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    linear.wcs.crval, linear.wcs.crpix, linear.wcs.cd = wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cd
    linear.wcs.radesys = wcs.wcs.radesys
    linear.array_shape = wcs.array_shape
    return linear


def tangent(shape=(40, 40), scale=0.04, orient=0.0, crval=(150.0, 2.0), crpix=None):
    """A TAN WCS: `scale` in arcsec, `orient` in degrees, the reference pixel counted from 1."""
    cos, sin = np.cos(np.radians(orient)), np.sin(np.radians(orient))
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix = crval, crpix or ((shape[1] + 1) / 2, (shape[0] + 1) / 2)
    wcs.wcs.cd = scale / 3600 * np.array([[-cos, sin], [sin, cos]])
    wcs.array_shape = shape
    return wcs


def scale_of(wcs):
    """Pixel scale, arcsec."""
    return 3600 * float(np.sqrt(abs(np.linalg.det(wcs.pixel_scale_matrix))))


def expected(source, source_wcs, target_wcs, *, factor, sky=0.0, **how):
    """``interpolated * factor + sky``, float64; the sky where the source does not cover."""
    blot = skyblot.blot(source, source_wcs, target_wcs, fill_value=np.nan, **how).astype(float)
    return np.where(np.isnan(blot), sky, blot * factor + sky)


def assert_same(blot, wanted):
    """Check two blots: equal up to a few roundings of their largest value."""
    assert blot.shape == wanted.shape
    np.testing.assert_allclose(blot, wanted, rtol=0, atol=ROUNDING * np.abs(wanted).max())


def wcs_cards(wcs):
    """Cards of a TAN WCS with a CD matrix."""
    cards = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CUNIT1": "deg", "CUNIT2": "deg"}
    for axis in (1, 2):
        cards |= {
            f"CRVAL{axis}": float(wcs.wcs.crval[axis - 1]),
            f"CRPIX{axis}": float(wcs.wcs.crpix[axis - 1]),
        }
        cards |= {f"CD{axis}_{j}": float(wcs.wcs.cd[axis - 1, j - 1]) for j in (1, 2)}
    return cards


def write_image(path, data, wcs=None, primary=None, **cards):
    """Write primary header and SCI extension; None removes a card. Return the file's name."""
    header = fits.Header(wcs_cards(wcs or tangent(data.shape)))
    for target, values in ((header, cards), (main := fits.Header(), primary or {})):
        target.update({name: value for name, value in values.items() if value is not None})
    image = fits.ImageHDU(data, header, name="SCI", ver=1)
    fits.HDUList([fits.PrimaryHDU(header=main), image]).writeto(path, overwrite=True)
    return str(path)


def flat_pair(folder, *, exptimes=(400.0, 100.0), skies=(None, 0.0), data=None):
    """A flat image of 2 cps and a reference of the same scale; EXPTIME and MDRIZSKY of both."""
    folder = Path(folder)
    if data is None:
        data = np.full((60, 60), 2.0, np.float32)
    names = []
    for name, pixels, exptime, sky in zip(
        ("flat.fits", "ref.fits"),
        (data, np.zeros((40, 40), np.float32)),
        exptimes,
        skies,
        strict=True,
    ):
        write_image(folder / name, pixels, primary={"EXPTIME": exptime}, MDRIZSKY=sky)
        names.append(f"{folder / name}[sci,1]")
    return names


def pixels_of(path="o.fits"):
    return fits.getdata(path, ("SCI", 1)).astype(np.float32)


def run_blot(pair, **parameters):
    ablot.blot(pair.data, pair.reference, "o.fits", **parameters)
    return pixels_of()


def by_hand(
    pair, *, target=None, scale=IDCSCALE, exptime=None, sky=None, rate=1.0, stepsize=10, **how
):
    """What a blot must be: DESIGN 7, every factor written out."""
    source_wcs = pair.source_wcs()
    exptime = pair.value("EXPTIME") if exptime is None else exptime
    sky = pair.value("MDRIZSKY", ("SCI", 1)) if sky is None else sky
    ratio = scale_of(source_wcs) / scale
    target = pair.target_wcs() if target is None else target
    factor = rate * exptime / ratio**2
    return expected(
        pair.pixels(), source_wcs, target, factor=factor, sky=sky, stepsize=stepsize, **how
    )
