"""Exposures of a camera on the ground, all that is true of them, and the coadds that the real SWarp
makes of them.
"""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from star_fields import stars

SHAPE, SCALE = (300, 320), 0.26
GAIN, READ_NOISE, EXPTIME, SATURATION = 2.0, 6.0, 60.0, 45000.0
RA, DEC = 150.0, 2.2
#: Seeing (arcsec, FWHM), transparency, sky (adu) of each exposure.
WEATHER = (
    (0.8, 1.0, 300.0),
    (0.95, 0.9, 420.0),
    (1.1, 0.75, 380.0),
    (1.25, 0.85, 500.0),
    (1.4, 0.95, 350.0),
)
#: Distortion of a few pixels at the corners.
PV = {
    "PV1_0": 0.0,
    "PV1_1": 1.0,
    "PV1_4": 0.35,
    "PV1_7": 2.0,
    "PV2_0": 0.0,
    "PV2_1": 1.0,
    "PV2_4": -0.25,
    "PV2_7": 1.5,
}
SWARP = shutil.which("SWarp") or shutil.which("swarp")


def tpv_header(number, shape=SHAPE, *, stretch=1.0, **cards):
    """The header of an exposure, dithered and turned; `stretch` moves that part of the scale from
    CD to PV.
    """
    rng = np.random.default_rng([number, 7])
    angle, scale = np.radians(0.3 * number), SCALE / 3600
    dx, dy = rng.uniform(-12, 12, 2)
    header = fits.Header(
        {"CTYPE1": "RA---TPV", "CTYPE2": "DEC--TPV", "CUNIT1": "deg", "CUNIT2": "deg"}
    )
    header.update(
        {"CRVAL1": RA, "CRVAL2": DEC, "CRPIX1": shape[1] / 2 + dx, "CRPIX2": shape[0] / 2 + dy}
    )
    header["CD1_1"], header["CD1_2"] = (
        -scale * np.cos(angle) / stretch,
        scale * np.sin(angle) / stretch,
    )
    header["CD2_1"], header["CD2_2"] = (
        scale * np.sin(angle) / stretch,
        scale * np.cos(angle) / stretch,
    )
    order = {0: 0, 1: 1, 4: 2, 7: 3}
    for word, value in PV.items():
        header[word] = value * stretch ** order[int(word[4:])]
    header["RADESYS"] = "ICRS"
    header.update({"EXPTIME": EXPTIME, "GAIN": GAIN, "RDNOISE": READ_NOISE, "SATURATE": SATURATION})
    for word, value in cards.items():
        header[word] = value
    return header


@dataclass(frozen=True)
class Truth:
    """An exposure on disk and what is true of it.

    Attributes
    ----------
    path : Path
    clean : ndarray
        Stars and sky without noise, adu.
    hits : ndarray of bool
        Where there is charge of a cosmic ray of more than 5 times the noise.
    stars, cores : ndarray of bool
        Pixels above 10 times the noise of the sky; the brightest of each star.
    """

    path: Path
    clean: np.ndarray
    hits: np.ndarray
    stars: np.ndarray
    cores: np.ndarray


def catalogue(count=130, spread=0.012, seed=11):
    """Right ascensions, declinations, and fluxes (adu) of stars."""
    rng = np.random.default_rng(seed)
    ra, dec = RA + rng.uniform(-spread, spread, count), DEC + rng.uniform(-spread, spread, count)
    return ra, dec, np.minimum(3000.0 * (1 - rng.random(count)) ** -1.0, 250_000.0)


def tracks(shape, rng, count=60):
    """Charge of cosmic rays, adu: short straight tracks."""
    charge = np.zeros(shape)
    for _ in range(count):
        y, x, angle = *rng.uniform(5, np.array(shape) - 5), rng.uniform(0, 2 * np.pi)
        for step in np.arange(0, rng.uniform(1, 12), 0.5):
            place = int(y + step * np.sin(angle)), int(x + step * np.cos(angle))
            if all(0 <= each < size for each, size in zip(place, shape, strict=True)):
                charge[place] += rng.exponential(400.0) + 60
    return charge


def make_exposure(folder, number, *, weather=None, gradient=0.0, dtype="f4", **cards):
    """Write an exposure and return what is true of it."""
    seeing, transparency, sky = weather or WEATHER[number % len(WEATHER)]
    header = tpv_header(number, FLXSCALE=1.0 / transparency, **cards)
    ra, dec, flux = catalogue()
    x, y = WCS(header).all_world2pix(ra, dec, 0)
    near = (x > -15) & (x < SHAPE[1] + 15) & (y > -15) & (y < SHAPE[0] + 15)
    sigma = seeing / SCALE / 2.3548
    light = np.zeros(SHAPE)
    for place, value in zip(np.stack([x, y], 1)[near], flux[near], strict=True):
        light += stars(SHAPE, [place], sigma, transparency * value)
    rows, columns = np.indices(SHAPE) / np.array(SHAPE)[:, None, None] - 0.5
    clean = light + sky * (1 + gradient * (columns + 0.5 * rows))
    rng = np.random.default_rng([number, 3])
    charge = tracks(SHAPE, rng)
    noise = np.sqrt(clean / GAIN + (READ_NOISE / GAIN) ** 2)
    data = rng.poisson((clean + charge) * GAIN) / GAIN + rng.normal(0, READ_NOISE / GAIN, SHAPE)
    data = np.minimum(data, SATURATION)
    path = folder / f"obj_{number + 1:03d}.fits"
    pixels = np.rint(data).astype(dtype) if np.dtype(dtype).kind in "iu" else data.astype(dtype)
    fits.PrimaryHDU(pixels, header).writeto(path)
    bright = light > 10 * np.sqrt(sky / GAIN + (READ_NOISE / GAIN) ** 2)
    cores = light > 0.5 * _largest_near(light)
    return Truth(path, clean, charge > 5 * noise, bright, bright & cores)


def _largest_near(light):
    from scipy.ndimage import maximum_filter

    return maximum_filter(light, 9)


def coadd(folder, truths, kind="MEDIAN", *, weights=False, name=None, **settings):
    """Run SWarp on exposures in a folder; return the coadd's path."""
    name = name or f"coadd_{kind.lower()}.fits"
    options = {
        "IMAGEOUT_NAME": name,
        "WEIGHTOUT_NAME": name.replace(".fits", ".weight.fits"),
        "WEIGHT_TYPE": "MAP_WEIGHT" if weights else "NONE",
        "WEIGHT_SUFFIX": ".weight.fits",
        "COMBINE_TYPE": kind,
        "CENTER_TYPE": "MANUAL",
        "CENTER": f"{RA},{DEC}",
        "PIXELSCALE_TYPE": "MANUAL",
        "PIXEL_SCALE": SCALE,
        "IMAGE_SIZE": 380,
        "PROJECTION_TYPE": "TAN",
        "SUBTRACT_BACK": "Y",
        "BACK_SIZE": 64,
        "VERBOSE_TYPE": "QUIET",
        "WRITE_XML": "N",
        "NTHREADS": 1,
    } | settings
    words = [word for key, value in options.items() for word in (f"-{key}", str(value))]
    subprocess.run(
        [SWARP, *(each.path.name for each in truths), *words],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    return folder / name
