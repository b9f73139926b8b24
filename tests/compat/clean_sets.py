"""Exposures with truth that have the real headers of HST's detectors, made so that AstroDrizzle
accepts them without its reference files.

Stars are Gaussians on the tangent plane, so they are as bright in the middle as in a corner, where
a pixel is smaller: what a flat-fielded exposure shows. Cosmic rays are the demo's.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

from skyblot.demo.sky import cosmic_rays

EXPOSURES = 4
#: Width of stars in undistorted pixels, and how far out they are made.
SIGMA, REACH = 1.0, 12
READ_NOISE, COSMIC = 3.1, 0.01
#: Bad pixels, and good ones with a flag, which every instrument's pipeline takes.
BAD, HARMLESS = 4, 16
#: By how many pixels exposures are moved.
DITHERS = ((0.0, 0.0), (5.3, 3.7), (-4.6, 7.2), (8.1, -5.5))


@dataclass(frozen=True)
class Detector:
    """A file of real headers, how much of its detector is made, and what AstroDrizzle lacks."""

    header: str
    label: str
    shape: tuple[int, int]
    exptime: float
    sky: float
    good_bits: int
    cards: dict
    extension: dict


#: Parts of the detectors from their first pixel on: headers and tables are right as they are.
DETECTORS = {
    "uvis": Detector("wfc3_uvis_flc", "flc", (400, 600), 400.0, 45.0, 336, {}, {}),
    "ir": Detector("wfc3_ir_flt", "flt", (400, 400), 699.0, 700.0, 528, {}, {}),
    "hrc": Detector(
        "acs_hrc_flt",
        "flt",
        (400, 400),
        500.0,
        30.0,
        336,
        {
            **{f"ATODGN{amplifier}": 2.0 for amplifier in "ABCD"},
            **{f"READNSE{amplifier}": READ_NOISE for amplifier in "ABCD"},
        },
        {},
    ),
}


@dataclass(frozen=True)
class RealSet:
    """Exposures, and the truth.

    Attributes
    ----------
    paths : list of Path
    cosmic : list of ndarray
        What cosmic rays add, in electrons.
    noise : list of ndarray
        What an exposure spreads by without them, in electrons.
    skies : list of float
        In the exposures' unit.
    positions : ndarray (2, stars)
        Right ascension and declination, degrees.
    flux : ndarray (stars,)
        Electrons a second.
    detector : Detector
    """

    paths: list
    cosmic: list
    noise: list
    skies: list
    positions: np.ndarray
    flux: np.ndarray
    detector: Detector


def make_set(folder: Path, headers: Path, name: str, cosmic: float = COSMIC) -> RealSet:
    """Write the exposures of a detector."""
    detector = DETECTORS[name]
    rng = np.random.default_rng(17)
    plane = stars = flux = None
    made = RealSet([], [], [], [], np.empty((2, 0)), np.empty(0), detector)
    for number in range(EXPOSURES):
        hdus = _hdus(headers / f"{detector.header}.fits", detector, number)
        wcs = WCS(hdus["SCI", 1].header, hdus)
        if plane is None:
            plane, stars, flux = _sky(rng, wcs, hdus["SCI", 1].header["IDCSCALE"], detector)
            made = RealSet([], [], [], [], np.array(plane.wcs_pix2world(*stars, 0)), flux, detector)
        exptime = hdus[0].header["EXPTIME"]
        sky = detector.sky * (1 + 0.07 * number)
        clean = exptime * _stars(plane, stars, flux, wcs, detector.shape) + sky
        hits = cosmic_rays(rng, detector.shape, cosmic)
        data = rng.poisson(clean) + READ_NOISE * rng.standard_normal(clean.shape) + hits
        dq = np.zeros(clean.shape, np.int16)
        dq[rng.random(clean.shape) < 0.001] = BAD
        data[dq == BAD] = 2e4
        dq[rng.random(clean.shape) < 0.002] |= HARMLESS
        unit = exptime if hdus["SCI", 1].header["BUNIT"] == "ELECTRONS/S" else 1.0
        errors = np.sqrt(np.maximum(data, 0) + READ_NOISE**2)
        hdus["SCI", 1].data = (data / unit).astype("f4")
        hdus["ERR", 1].data = (errors / unit).astype("f4")
        hdus["DQ", 1].data = dq
        root = f"j{name:0<4}0{number + 1}q"
        path = folder / f"{root}_{detector.label}.fits"
        hdus[0].header.update({"FILENAME": path.name, "ROOTNAME": root})
        for hdu in hdus[1:4]:
            hdu.header.update({"ROOTNAME": root, "EXPNAME": root})
        hdus.writeto(path)
        made.paths.append(path)
        made.cosmic.append(hits)
        made.noise.append(np.sqrt(clean + READ_NOISE**2))
        made.skies.append(sky / unit)
    return made


def _hdus(path: Path, detector: Detector, number: int) -> fits.HDUList:
    """Headers and tables of the first chip, moved by a dither."""
    with fits.open(path) as hdus:
        primary = hdus[0].copy()
        science = hdus["SCI", 1].header.copy()
        parts = [h.copy() for h in hdus if h.name in ("WCSDVARR", "D2IMARR") and h.ver <= 2]
    exptime = detector.exptime * (1 + 0.05 * number)
    primary.header.update({"EXPTIME": exptime, "TARGNAME": "REAL", **detector.cards})
    primary.header["EXPEND"] = primary.header["EXPSTART"] + exptime / 86400
    science.pop("MDRIZSKY", None)
    science.update({"NGOODPIX": 1, "MEANDARK": 0.0, **detector.extension})
    scale = science["IDCSCALE"] / 3600
    dx, dy = DITHERS[number]
    science["CRVAL1"] += scale * dx / np.cos(np.radians(science["CRVAL2"]))
    science["CRVAL2"] += scale * dy
    planes = []
    for name, dtype in (("SCI", "f4"), ("ERR", "f4"), ("DQ", "i2")):
        header = science.copy()
        if name == "DQ":
            header["BUNIT"] = "UNITLESS"
        planes.append(fits.ImageHDU(np.zeros(detector.shape, dtype), header, name=name, ver=1))
    primary.header["NEXTEND"] = 3 + len(parts)
    return fits.HDUList([primary, *planes, *parts])


def _sky(rng, wcs, scale, detector):
    """A tangent plane of undistorted pixels, stars on it, apart from each other, their flux."""
    ny, nx = detector.shape
    plane = WCS(naxis=2)
    plane.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    plane.wcs.crval = wcs.all_pix2world([[nx / 2, ny / 2]], 0)[0]
    plane.wcs.cdelt = [-scale / 3600, scale / 3600]
    plane.wcs.crpix = [1, 1]
    y, x = np.mgrid[40 : ny - 40 : 40, 40 : nx - 40 : 40].reshape(2, -1)
    x = x + rng.uniform(-6, 6, x.size)
    y = y + rng.uniform(-6, 6, y.size)
    stars = np.array(plane.wcs_world2pix(*wcs.all_pix2world(x, y, 0), 0))
    return plane, stars, np.exp(rng.uniform(np.log(30.0), np.log(300.0), x.size))


def _stars(plane, stars, flux, wcs, shape):
    """Electrons a second in each pixel, at the brightness of an undistorted one."""
    image = np.zeros(shape)
    around = np.arange(-REACH, REACH + 1)
    world = plane.wcs_pix2world(*stars, 0)
    for x0, y0, total, px, py in zip(
        *stars, flux, *np.rint(wcs.all_world2pix(*world, 0)).astype(int), strict=True
    ):
        y, x = np.meshgrid(py + around, px + around, indexing="ij")
        inside = (x >= 0) & (y >= 0) & (x < shape[1]) & (y < shape[0])
        x, y = x[inside], y[inside]
        u, v = plane.wcs_world2pix(*wcs.all_pix2world(x, y, 0), 0)
        r2 = (u - x0) ** 2 + (v - y0) ** 2
        image[y, x] += total / (2 * np.pi * SIGMA**2) * np.exp(-r2 / (2 * SIGMA**2))
    return image
