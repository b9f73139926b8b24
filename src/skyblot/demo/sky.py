"""What the synthetic data set shows: stars, galaxies, cosmic rays.

Arrays only, no files, no WCS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

PixelMap = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]

STAMP_PIXELS = 1 << 20  # pixels per call of the pixel map: bounds the memory of a full-size chip
PIXELS_PER_TRACK = 9.0  # measured on the tracks below
STAR_SIGMA = 0.845  # fwhm of 2.0 pixels, with the halo


@dataclass(frozen=True)
class Sources:
    """Sources sharing a profile, in 0-based mosaic pixels.

    Brightness in electron/s per mosaic pixel.

    `profile` is a function of (elliptical radius / `size`)**2 and 1 at the centre. It is tapered to
    exactly zero at `radius`, so that stamps of that radius lose nothing. `angle` is in radians.
    """

    profile: Callable[[np.ndarray], np.ndarray]
    x: np.ndarray
    y: np.ndarray
    peak: np.ndarray
    size: np.ndarray
    radius: np.ndarray
    ratio: np.ndarray
    angle: np.ndarray

    def brightness(self, which: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the brightness of sources `which` (indices) at mosaic pixels `x`, `y`."""
        dx = x - self.x[which]
        dy = y - self.y[which]
        cos = np.cos(self.angle)[which]
        sin = np.sin(self.angle)[which]
        squared = (cos * dx + sin * dy) ** 2 + ((cos * dy - sin * dx) / self.ratio[which]) ** 2
        taper = np.clip(1.0 - squared / self.radius[which] ** 2, 0.0, None) ** 2
        return self.peak[which] * taper * self.profile(squared / self.size[which] ** 2)


def star_profile(u: np.ndarray) -> np.ndarray:
    """Return a Gaussian core and a faint halo.

    A Moffat core this narrow is too peaked for its pixels.
    """
    return 0.98 * np.exp(-u / 2.0) + 0.02 * np.exp(-u / 18.0)


def softened_exponential(u: np.ndarray) -> np.ndarray:
    """Return an exponential disc with a round core: no interpolant could follow a cusp."""
    return np.exp(1.0 - np.sqrt(1.0 + u))


def random_stars(rng: np.random.Generator, shape: tuple[int, int]) -> Sources:
    """Return stars of fwhm 2 pixels, uniform over an image of `shape`, N(> peak) ~ peak**-0.75."""
    ny, nx = shape
    n = int(np.clip(4e-4 * ny * nx, 12, 8000))
    # The brightest have 55000 electrons in 500 s: just below the full well of the detector.
    peak = np.minimum(0.15 * (1.0 - rng.random(n)) ** (-1 / 0.75), 110.0)
    x = rng.uniform(0.0, nx, n)
    y = rng.uniform(0.0, ny, n)
    radius = np.clip(8.0 * peak**0.15, 6.0, 14.0)
    return Sources(
        star_profile, x, y, peak, np.full(n, STAR_SIGMA), radius, np.ones(n), np.zeros(n)
    )


def random_galaxies(rng: np.random.Generator, shape: tuple[int, int]) -> Sources:
    """Return galaxies with a fwhm of 5 to 24 pixels along their major axis, all over an image."""
    ny, nx = shape
    n = int(np.clip(6e-5 * ny * nx, 4, 1200))
    x = rng.uniform(0.0, nx, n)
    y = rng.uniform(0.0, ny, n)
    peak = np.exp(rng.uniform(np.log(0.08), np.log(1.5), n))
    size = np.exp(rng.uniform(np.log(2.0), np.log(9.0), n))
    ratio = rng.uniform(0.45, 1.0, n)
    angle = rng.uniform(0.0, np.pi, n)
    return Sources(softened_exponential, x, y, peak, size, 6.0 * size, ratio, angle)


def add_sources(
    image: np.ndarray, sources: Sources, centres: np.ndarray, pixel_map: PixelMap
) -> None:
    """Add every source to `image` in place, at the exact mosaic coordinates of the image's pixels.

    Parameters
    ----------
    image : ndarray (ny, nx)
        Electron/s per mosaic pixel.
    sources : Sources
        What to add.
    centres : ndarray (2, n)
        x and y of each source in `image`, good to a pixel: they only place the stamps.
    pixel_map : callable
        Image pixels (x, y) to mosaic pixels; called with many stamps at once.
    """
    # a chip pixel is up to 2 % smaller than a mosaic one, and skewed
    half = 1.08 * sources.radius + 2.0
    limit = np.array(image.shape[::-1])[:, None]
    low = np.clip(np.ceil(centres - half), 0, limit).astype(int)
    width, height = np.clip(np.floor(centres + half) + 1, low, limit).astype(int) - low
    count = width * height
    chunk = np.cumsum(count) // STAMP_PIXELS
    for number in range(chunk[-1] + 1):
        members = np.flatnonzero((chunk == number) & (count > 0))
        which = np.repeat(members, count[members])
        first = np.cumsum(count[members]) - count[members]
        k = np.arange(which.size) - np.repeat(first, count[members])
        x = low[0, which] + k % width[which]
        y = low[1, which] + k // width[which]
        np.add.at(image, (y, x), sources.brightness(which, *pixel_map(x, y)))


def cosmic_rays(rng: np.random.Generator, shape: tuple[int, int], fraction: float) -> np.ndarray:
    """Return the electrons (float32) that cosmic rays add to about `fraction` of the pixels.

    Straight tracks: most are short, some long, some thick; a few hundred electrons per pixel.
    """
    ny, nx = shape
    n = rng.poisson(fraction * ny * nx / PIXELS_PER_TRACK)
    length = np.minimum(2.5 * rng.exponential(1.0, n) ** 2, 80.0)
    angle = rng.uniform(0.0, 2.0 * np.pi, n)
    width = rng.choice([0.15, 0.3, 0.7], n, p=[0.5, 0.35, 0.15])
    charge = np.exp(rng.normal(np.log(500.0), 0.9, n)) * (length + 1.5)
    start = rng.uniform(0.0, [[nx], [ny]], (2, n))
    steps = 8 + (4 * length).astype(int)
    which = np.repeat(np.arange(n), steps)
    along = rng.uniform(0.0, 1.0, which.size) * length[which]
    x, y = start[:, which] + along * np.stack([np.cos(angle), np.sin(angle)])[:, which]
    x, y = np.stack([x, y]) + width[which] * rng.standard_normal((2, which.size))
    inside = (x >= 0) & (x < nx) & (y >= 0) & (y < ny)
    flat = y[inside].astype(int) * nx + x[inside].astype(int)
    return np.bincount(flat, (charge / steps)[which][inside], ny * nx).reshape(shape).astype("f4")
