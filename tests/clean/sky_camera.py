"""A camera that looks at scenes: chips whose sky is known."""

import numpy as np
from scipy.ndimage import map_coordinates

from skyblot.demo.sky import add_sources, cosmic_rays, random_galaxies, random_stars
from skyblot.resampling.blocks import bin_chip
from skyblot.resampling.skymatch import match_sky

SHAPE = (384, 512)
READ_NOISE = 3.0


class Camera:
    """Exposures of a scene: an affine map to the common grid, electrons, noise, cosmic rays."""

    def __init__(self, seed=1):
        self.rng = np.random.default_rng(seed)
        self.chips, self.maps, self.factors, self.levels, self.sigmas = [], [], [], [], []

    def expose(
        self,
        scene,
        level,
        *,
        offset=(0.0, 0.0),
        roll=0.0,
        time=500.0,
        hits=0.05,
        pixel=1.0,
        ghost=None,
    ):
        """Add a chip whose sky is `level` electrons in a pixel.

        `scene` is a rate at common positions, and `ghost` what this exposure alone has:
        electrons at its own pixels (x, y).
        """
        to_common = affine(offset, roll, pixel)
        y, x = (each.ravel() for each in np.indices(SHAPE).astype(float))
        clean = time * pixel**2 * scene(*to_common(x, y)) + level
        clean = (clean if ghost is None else clean + ghost(x, y)).reshape(SHAPE)
        data = self.rng.poisson(clean) + self.rng.normal(0, READ_NOISE, SHAPE)
        data = (data + cosmic_rays(self.rng, SHAPE, hits)).astype("f4")
        good = self.rng.random(SHAPE) > 0.002
        data[~good] = self.rng.choice([np.nan, 1e6, -1e4], np.count_nonzero(~good))
        self.chips.append(bin_chip(data, good))
        self.maps.append(to_common)
        self.factors.append(1 / time / pixel**2)
        self.levels.append(level)
        self.sigmas.append(np.sqrt(level + READ_NOISE**2))

    def match(self, method="match", **more):
        """What is found of the sky."""
        return match_sky(self.chips, self.maps, self.factors, method, **more)

    def misses(self, found):
        """How far levels are from the truth, in sigma of a pixel."""
        return np.abs(found.levels - self.levels) / self.sigmas

    def relative_misses(self, found):
        """The same, but for a level that all have in common."""
        units = np.array(self.factors)
        away = (found.levels - self.levels) * units
        return np.abs(away - np.mean(away)) / (units * self.sigmas)


def affine(offset=(0.0, 0.0), roll=0.0, pixel=1.0):
    """Pixels of a chip to the common grid: turned about its middle, moved, of another size."""
    cos, sin = pixel * np.cos(np.radians(roll)), pixel * np.sin(np.radians(roll))
    turn = np.array([[cos, -sin], [sin, cos]])
    middle = (np.array(SHAPE[::-1]) - 1) / 2
    return lambda x, y: turn @ (np.stack([x, y]) - middle[:, None]) + (middle + offset)[:, None]


def field(crowding):
    """Stars and galaxies over the common grid and around it; straight lines between its pixels."""
    rng = np.random.default_rng(3)
    image = np.zeros((900, 1000))
    for sources in [
        *(random_stars(rng, image.shape) for _ in range(crowding)),
        random_galaxies(rng, image.shape),
    ]:
        add_sources(image, sources, np.stack([sources.x, sources.y]), lambda x, y: (x, y))
    return lambda x, y: map_coordinates(image, [y + 250, x + 250], order=1)


def nebula(x, y):
    """What covers half of the field, ten times as bright as the sky, and nowhere flat."""
    return (
        1.2
        / (1 + np.exp((x - 230 - 25 * np.sin(y / 40)) / 15))
        * (1 + 0.4 * np.sin(x / 17) * np.cos(y / 23))
    )


def giant(x, y):
    """A galaxy whose light reaches all edges."""
    return 5 * np.exp(-np.sqrt(((x - 250) / 60) ** 2 + ((y - 180) / 40) ** 2 + 1))
