"""The sky of a data set, and a detector that looks at it: what the kinds of data sets share.

No files, no headers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from astropy.wcs import WCS

from . import detector
from .detector import DemoPlan
from .sky import PixelMap, Sources, add_sources, cosmic_rays, random_galaxies, random_stars


@dataclass(frozen=True)
class Scene:
    """The sky: the mosaic WCS (with its `pixel_shape`) and what shines in the mosaic's pixels."""

    wcs: WCS
    sources: tuple[Sources, ...]


@dataclass(frozen=True)
class ChipFrame:
    """One simulated chip, arrays (ny, nx) in one unit.

    `sci` is noise around `clean`, plus `cosmic`.
    """

    sci: np.ndarray
    err: np.ndarray
    dq: np.ndarray
    clean: np.ndarray
    cosmic: np.ndarray


def random_scene(plan: DemoPlan, wcs: WCS, brightness: float = 1.0) -> Scene:
    """Return stars and galaxies over a mosaic, `brightness` times as bright as usual.

    The usual ones are those of `random_stars` and `random_galaxies`.
    """
    shape = wcs.pixel_shape[::-1]
    stars = random_stars(plan.rng(detector.STARS), shape)
    galaxies = random_galaxies(plan.rng(detector.GALAXIES), shape)
    return Scene(
        wcs,
        tuple(replace(sources, peak=brightness * sources.peak) for sources in (stars, galaxies)),
    )


def scene_image(scene: Scene) -> np.ndarray:
    """Return the scene at the pixel centres of its mosaic."""
    image = np.zeros(scene.wcs.pixel_shape[::-1])
    for sources in scene.sources:
        add_sources(image, sources, np.stack([sources.x, sources.y]), lambda x, y: (x, y))
    return image


def observe(scene: Scene, shape: tuple[int, int], pixel_map: PixelMap) -> np.ndarray:
    """Return the scene, per mosaic pixel, at every pixel centre of a detector of `shape`.

    `pixel_map` takes the detector's pixels to the mosaic's.
    """
    image = np.zeros(shape)
    y, x = np.indices((33, 33)).reshape(2, -1) / 32.0 * (np.array(shape)[:, None] - 1.0)
    # A cubic fit of the inverse places the stamps (to 0.2 pixel); their values come from the exact
    # map.
    inverse = np.linalg.lstsq(_cubic(*pixel_map(x, y)).T, np.stack([x, y], 1), rcond=None)[0]
    for sources in scene.sources:
        add_sources(image, sources, inverse.T @ _cubic(sources.x, sources.y), pixel_map)
    return image


def _cubic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.stack([(x / 1e3) ** p * (y / 1e3) ** q for p in range(4) for q in range(4 - p)])


def detect(
    plan: DemoPlan,
    where: tuple[int, int],
    clean: np.ndarray,
    *,
    exptime_s: float,
    read_noise: float,
    bad: np.generic,
) -> ChipFrame:
    """Return a frame in electrons, with noise, cosmic rays and a few flagged pixels.

    Parameters
    ----------
    plan : DemoPlan
    where : (int, int)
        Exposure and chip: each has random numbers of its own.
    clean : ndarray (ny, nx), float32
        Expected electrons.
    exptime_s : float
        Cosmic rays are proportional to it.
    read_noise : float
        Electrons.
    bad : numpy integer
        DQ value of the flagged pixels, in the type of DQ.
    """
    rng = plan.rng(detector.NOISE, *where)
    sci = rng.poisson(clean) + read_noise * rng.standard_normal(clean.shape, dtype="f4")
    fraction = plan.cosmic_fraction * exptime_s / 500.0
    cosmic = cosmic_rays(plan.rng(detector.COSMIC, *where), clean.shape, fraction)
    dq = np.zeros(clean.shape, bad.dtype)
    dq.flat[plan.rng(detector.FLAGS, where[1]).integers(0, clean.size, clean.size // 20000)] = bad
    err = np.sqrt(clean + cosmic + read_noise**2)
    return ChipFrame((sci + cosmic).astype("f4"), err, dq, clean, cosmic)


def median_noise(
    plan: DemoPlan, rate: np.ndarray, electrons: float, background: float
) -> np.ndarray:
    """Return the noise of the median of all exposures, in units of `rate`.

    Parameters
    ----------
    plan : DemoPlan
    rate : ndarray
        The mosaic.
    electrons : float
        Electrons of one exposure for a `rate` of 1.
    background : float
        Variance of one exposure where `rate` is 0, electrons squared.
    """
    # The variance of a median is pi/2 that of a mean for many values, the same for one or two.
    loss = np.pi / 2 if plan.exposures > 2 else 1.0
    sigma = np.sqrt((rate * electrons + background) * (loss / plan.exposures)) / electrons
    return sigma * plan.rng(detector.MOSAIC).standard_normal(rate.shape, dtype="f4")
