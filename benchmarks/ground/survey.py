"""Simulated exposures of a camera on the ground, whose seeing and transparency differ, with all
that is true of them.

Stars are Moffat profiles, integrated over the pixels of each exposure: no interpolation is in them.
Beside stars that stay as they are there are stars that vary, asteroids that have moved between the
exposures, and in one exposure of a survey the trail of a satellite.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from scipy.ndimage import maximum_filter

from skyblot.demo.sky import cosmic_rays

SIZE = 512  # pixels of a side of an exposure
SCALE = 0.26  # arcsec per pixel
RA, DEC = 150.0, 2.2
GAIN, READ_NOISE, EXPTIME, SATURATION = 2.0, 6.0, 60.0, 45000.0
SEEING = (0.8, 1.4)  # arcsec, FWHM: the best and the worst; the others lie evenly between them
TRANSPARENCY, SKY = (0.7, 1.0), (300.0, 500.0)  # the least and the most; adu
STARS, ASTEROIDS, VARIABLES = 350, 4, 8
FAINTEST, BRIGHTEST = 1500.0, 300_000.0  # adu of a star
HIT, FAINT = 0.004, 0.15  # of the pixels by bright cosmic rays, as many by faint ones; their charge
ASTEROID, STEP = 12_000.0, 9.0  # adu; arcsec between two exposures
VARIATION = 0.3  # standard deviation of the magnitude of a variable star
TRAIL = 120.0  # adu of its middle, at the best seeing
_BETA = 3.5  # of Moffat's profile
_FINE = 3  # parts of a pixel's side that are added up
#: Distortion of some pixels in the corners.
_PV = {
    "PV1_0": 0.0,
    "PV1_1": 1.0,
    "PV1_4": 0.35,
    "PV1_7": 2.0,
    "PV2_0": 0.0,
    "PV2_1": 1.0,
    "PV2_4": -0.25,
    "PV2_7": 1.5,
}


@dataclass(frozen=True)
class Exposure:
    """An exposure on disk, and what is true of its pixels.

    Attributes
    ----------
    path : Path
    seeing : float
        FWHM, arcsec.
    data : ndarray
        Its pixels, adu.
    rays, trail, asteroids, varied : ndarray
        What cosmic rays, the satellite, asteroids and the variation of stars add, in units of the
        noise without them.
    stars, cores : ndarray of bool
        Pixels of stars, 10 times the noise of the sky and more; the 3 x 3 in the middle of each of
        them.
    """

    path: Path
    seeing: float
    data: np.ndarray
    rays: np.ndarray
    trail: np.ndarray
    asteroids: np.ndarray
    varied: np.ndarray
    stars: np.ndarray
    cores: np.ndarray


class Survey:
    """All exposures of a piece of the sky.

    Parameters
    ----------
    folder : Path
        Where they are written, ``obj_001.fits`` and so on.
    seed : int
    exposures : int
    """

    def __init__(self, folder: Path, seed: int, exposures: int = 5) -> None:
        rng = np.random.default_rng([seed, 1])
        self.folder, self.seed, self.count = folder, seed, exposures
        self.seeing = rng.permutation(np.linspace(*SEEING, exposures))
        self.transparency, self.sky = (
            rng.uniform(*TRANSPARENCY, exposures),
            rng.uniform(*SKY, exposures),
        )
        self.trailed = int(rng.integers(exposures))
        spread = 0.5 * (SIZE + 60) * SCALE / 3600
        self.places = np.array([[RA], [DEC]]) + rng.uniform(-spread, spread, (2, STARS))
        self.flux = np.minimum(FAINTEST * (1.0 - rng.random(STARS)) ** -1.0, BRIGHTEST)
        self.varying = rng.choice(
            np.flatnonzero(self.flux > 2 * FAINTEST), VARIABLES, replace=False
        )
        self.change = 10 ** (-0.4 * VARIATION * rng.standard_normal((exposures, VARIABLES))) - 1
        self.start = np.array([[RA], [DEC]]) + rng.uniform(-0.8, 0.8, (2, ASTEROIDS)) * spread
        self.angle = rng.uniform(0, 2 * np.pi, ASTEROIDS)
        self.exposures = [self._expose(number) for number in range(exposures)]

    def _expose(self, number: int) -> Exposure:
        rng = np.random.default_rng([self.seed, 2, number])
        header = _header(rng, 1.0 / self.transparency[number])
        wcs, width, clear = WCS(header), self.seeing[number] / SCALE, self.transparency[number]
        x, y = wcs.all_world2pix(*self.places, 0)
        light = clear * _image(x, y, self.flux, width)
        chosen = self.varying
        varied = clear * _image(
            x[chosen], y[chosen], self.flux[chosen] * self.change[number], width
        )
        asteroids = clear * _image(
            *wcs.all_world2pix(*self._moved(number), 0), np.full(ASTEROIDS, ASTEROID), width
        )
        trail = clear * _trail(rng, width) if number == self.trailed else np.zeros((SIZE, SIZE))
        rays = (
            cosmic_rays(rng, light.shape, HIT) + FAINT * cosmic_rays(rng, light.shape, HIT)
        ) / GAIN
        sky = self.sky[number]
        seen = light + varied + asteroids + trail + sky
        read = rng.normal(0, READ_NOISE / GAIN, seen.shape)
        data = np.minimum(rng.poisson(seen * GAIN) / GAIN + rays + read, SATURATION).astype("f4")
        path = self.folder / f"obj_{number + 1:03d}.fits"
        fits.PrimaryHDU(data, header).writeto(path)
        noise = np.sqrt((light + sky) / GAIN + (READ_NOISE / GAIN) ** 2)
        stars = light > 10 * np.sqrt(sky / GAIN + (READ_NOISE / GAIN) ** 2)
        steady = np.delete(np.arange(STARS), chosen)
        cores = _middles(x[steady], y[steady]) & stars & (light + sky < 0.9 * SATURATION)
        added = (each / noise for each in (rays, trail, asteroids, varied))
        return Exposure(path, float(self.seeing[number]), data, *added, stars, cores)

    def _moved(self, number: int) -> np.ndarray:
        """Right ascensions and declinations of the asteroids in an exposure."""
        step = number * STEP / 3600
        return self.start + step * np.stack([np.cos(self.angle), np.sin(self.angle)])


def _header(rng: np.random.Generator, flux_scale: float) -> fits.Header:
    """A WCS that is dithered and turned a little, with the cards of an exposure."""
    angle, scale = np.radians(rng.uniform(-1, 1)), SCALE / 3600
    dx, dy = rng.uniform(-15, 15, 2)
    header = fits.Header(
        {"CTYPE1": "RA---TPV", "CTYPE2": "DEC--TPV", "CUNIT1": "deg", "CUNIT2": "deg"}
    )
    header.update({"CRVAL1": RA, "CRVAL2": DEC, "CRPIX1": SIZE / 2 + dx, "CRPIX2": SIZE / 2 + dy})
    header.update({"CD1_1": -scale * np.cos(angle), "CD1_2": scale * np.sin(angle)})
    header.update({"CD2_1": scale * np.sin(angle), "CD2_2": scale * np.cos(angle)})
    header.update(_PV)
    header.update({"RADESYS": "ICRS", "EXPTIME": EXPTIME, "GAIN": GAIN, "RDNOISE": READ_NOISE})
    header.update({"SATURATE": SATURATION, "FLXSCALE": flux_scale})
    return header


@cache
def _total(width: float) -> float:
    """The light of a Moffat profile of height 1 and this FWHM: pi alpha^2 / (beta - 1)."""
    return float(np.pi * _alpha(width) ** 2 / (_BETA - 1))


def _alpha(width: float) -> float:
    return width / (2 * np.sqrt(2 ** (1 / _BETA) - 1))


def _image(x: np.ndarray, y: np.ndarray, flux: np.ndarray, width: float) -> np.ndarray:
    """Stars of some flux, integrated over the pixels."""
    image, reach = np.zeros((SIZE, SIZE)), int(8 * width)
    parts = (np.arange(_FINE) + 0.5) / _FINE - 0.5
    for column, row, value in zip(x, y, flux, strict=True):
        left, below = round(float(column)) - reach, round(float(row)) - reach
        columns = np.arange(max(left, 0), min(left + 2 * reach + 1, SIZE))
        rows = np.arange(max(below, 0), min(below + 2 * reach + 1, SIZE))
        if not (columns.size and rows.size):
            continue
        dx, dy = (
            (each[:, None] + parts).ravel() - at for each, at in ((columns, column), (rows, row))
        )
        fine = (1 + (dx**2 + dy[:, None] ** 2) / _alpha(width) ** 2) ** -_BETA
        light = fine.reshape(rows.size, _FINE, columns.size, _FINE).mean(axis=(1, 3))
        image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] += value / _total(width) * light
    return image


def _trail(rng: np.random.Generator, width: float) -> np.ndarray:
    """The trail of a satellite: a straight line all across the image, as wide as its stars."""
    angle, middle = rng.uniform(0, np.pi), rng.uniform(0.3, 0.7, 2) * SIZE
    rows, columns = np.indices((SIZE, SIZE))
    across = (columns - middle[0]) * np.sin(angle) - (rows - middle[1]) * np.cos(angle)
    sharpest = SEEING[0] / SCALE
    return TRAIL * sharpest / width * np.exp(-4 * np.log(2) * (across / width) ** 2)


def _middles(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The 3 x 3 pixels in the middle of each star."""
    inside = (x > 0) & (x < SIZE - 1) & (y > 0) & (y < SIZE - 1)
    found = np.zeros((SIZE, SIZE), bool)
    found[np.rint(y[inside]).astype(int), np.rint(x[inside]).astype(int)] = True
    return maximum_filter(found, 3)
