"""Simulated sets of exposures whose cosmic rays are known: every set differs from a plain one in
few things.

An exposure is the sky at its own pixels, integrated over them: no interpolation is in it. The
mosaic is the median of the exposures, each drizzled onto its pixels with nothing masked, as it is
before cosmic rays are known.
"""

import warnings
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from drizzle.resample import Drizzle
from scipy.ndimage import maximum_filter
from scipy.special import erf

import skyblot
from skyblot.demo.sky import cosmic_rays

SIZE = 384  # pixels of a side of an exposure
MARGIN = 16
SCALE = 0.04 / 3600.0  # degrees per pixel
READ_NOISE = 3.1  # electrons
SKY = 60.0  # electrons
FULL_WELL = 60000.0
HIT = 0.008  # of the pixels by bright cosmic rays, and as many by faint ones
FAINT = 0.12  # the charge of faint cosmic rays, in that of bright ones
WELL, UNDER = 0.80, 0.40  # standard deviation of the core of the point spread function, pixels


@dataclass(frozen=True)
class Plan:
    """What a set is made of.

    Attributes
    ----------
    psf : float
        Standard deviation of the core of the point spread function, pixels.
    misaligned : float
        Pixels by which each exposure lies away from where its WCS puts it, in any direction.
    offset : float
        Electrons of sky that every second exposure has more, and no header knows of.
    sky, read_noise : float
        Electrons.
    hits : float
        Part of the pixels that bright cosmic rays cover; faint ones cover as many.
    dither : float
        Exposures lie up to so many pixels from the middle, in x and y.
    skew : float
        Degrees by which the sides of pixels are not at right angles on the sky.
    """

    name: str
    psf: float = WELL
    stars: int = 250
    galaxies: int = 12
    exposures: int = 4
    misaligned: float = 0.0
    offset: float = 0.0
    seed: int = 1
    sky: float = SKY
    read_noise: float = READ_NOISE
    hits: float = HIT
    skew: float = 0.0
    dither: float = 6.0


PLANS = (
    Plan("well"),
    Plan("under", UNDER),
    Plan("well crowded", stars=2500),
    Plan("under crowded", UNDER, stars=2500),
    Plan("well galaxies", stars=60, galaxies=90),
    Plan("under galaxies", UNDER, stars=60, galaxies=90),
    Plan("well 0.1 pixel off", misaligned=0.1),
    Plan("under 0.1 pixel off", UNDER, misaligned=0.1),
    Plan("well 0.3 pixel off", misaligned=0.3),
    Plan("under 0.3 pixel off", UNDER, misaligned=0.3),
    Plan("well 2 exposures", exposures=2),
    Plan("under 2 exposures", UNDER, exposures=2),
    Plan("well 3 exposures", exposures=3),
    Plan("under 3 exposures", UNDER, exposures=3),
    Plan("well 8 exposures", exposures=8),
    Plan("under 8 exposures", UNDER, exposures=8),
    Plan("well sky off", offset=20.0),
    Plan("under sky off", UNDER, offset=20.0),
)


@dataclass(frozen=True)
class Frame:
    """One exposure in electrons, its blot, and the truth; arrays (ny, nx).

    Attributes
    ----------
    data, blot, sigma : ndarray
        `sigma` is that of an ERR extension: it knows the charge of the cosmic rays as well.
    charge : ndarray
        What the cosmic rays added.
    truth : ndarray
        `data` without cosmic rays and noise.
    noise : ndarray
        Standard deviation of `data` without cosmic rays.
    kind : ndarray of int
        0 sky, 1 core of a star, 2 galaxy.
    valid : ndarray of bool
        Pixels to look at.
    """

    data: np.ndarray
    blot: np.ndarray
    sigma: np.ndarray
    charge: np.ndarray
    noise: np.ndarray
    kind: np.ndarray
    valid: np.ndarray
    truth: np.ndarray


class Sky:
    """Stars and galaxies over a mosaic."""

    def __init__(self, plan: Plan, wcs: WCS) -> None:
        rng = np.random.default_rng([plan.seed, 1])
        nx, ny = wcs.pixel_shape
        self.plan, self.wcs = plan, wcs
        self.stars = rng.uniform(0, [[nx], [ny]], (2, plan.stars))
        self.flux = np.minimum(300.0 * (1.0 - rng.random(plan.stars)) ** (-1 / 0.75), 4e5)
        self.galaxies = rng.uniform(0, [[nx], [ny]], (2, plan.galaxies))
        self.shape = np.stack(
            [
                np.exp(rng.uniform(np.log(2.0), np.log(9.0), plan.galaxies)),
                rng.uniform(0.45, 1.0, plan.galaxies),
                rng.uniform(0.0, np.pi, plan.galaxies),
                np.exp(rng.uniform(np.log(30.0), np.log(1500.0), plan.galaxies)),
            ]
        )

    def seen(
        self, wcs: WCS, shift: np.ndarray, shape: tuple[int, int] = (SIZE, SIZE)
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return electrons in each pixel of an exposure that is `shift` away from its WCS, and the
        pixels' kinds.
        """
        image, kind = np.zeros(shape), np.zeros(shape, np.uint8)
        places = [
            np.array(
                wcs.all_world2pix(*self.wcs.all_pix2world(*each, 0), 0, tolerance=1e-6, quiet=True)
            )
            + shift[:, None]
            for each in (self.galaxies, self.stars)
        ]
        for x, y, shape in zip(*places[0], self.shape.T, strict=True):
            _add_galaxy(image, x, y, shape)
        kind[image > 8.0] = 2
        for x, y, flux in zip(*places[1], self.flux, strict=True):
            add_star(image, kind, x, y, flux, self.plan.psf)
        return image, kind


def _box(
    x: float, y: float, radius: float, shape: tuple[int, int] = (SIZE, SIZE)
) -> tuple[slice, slice]:
    low, high = (
        np.clip([y, x] + np.array(side) + 0.5, 0, shape).astype(int)
        for side in (-radius, radius + 1)
    )
    return slice(low[0], high[0]), slice(low[1], high[1])


def _add_galaxy(image: np.ndarray, x: float, y: float, shape: np.ndarray) -> None:
    size, ratio, angle, peak = shape
    rows, columns = box = _box(x, y, 6 * size, image.shape)
    j, i = np.ogrid[rows, columns]
    for dy in (-1 / 3, 0, 1 / 3):
        for dx in (-1 / 3, 0, 1 / 3):
            u = (i + dx - x) * np.cos(angle) + (j + dy - y) * np.sin(angle)
            v = ((j + dy - y) * np.cos(angle) - (i + dx - x) * np.sin(angle)) / ratio
            image[box] += peak / 9 * np.exp(1 - np.sqrt(1 + (u**2 + v**2) / size**2))


def add_star(
    image: np.ndarray, kind: np.ndarray, x: float, y: float, flux: float, psf: float
) -> None:
    """Add a star at a position, and mark its core as of kind 1."""
    rows, columns = box = _box(x, y, 14, image.shape)
    j, i = np.arange(rows.start, rows.stop), np.arange(columns.start, columns.stop)
    for part, sigma in ((0.88, psf), (0.12, 3.0 * psf)):
        image[box] += part * flux * np.outer(_share(j - y, sigma), _share(i - x, sigma))
    if flux > 500:
        core = _box(x, y, 1.5, image.shape)
        kind[core] = 1


def _share(distance: np.ndarray, sigma: float) -> np.ndarray:
    """What part of a Gaussian falls into a pixel at a distance."""
    root = np.sqrt(2.0) * sigma
    return (erf((distance + 0.5) / root) - erf((distance - 0.5) / root)) / 2


class TruthSet:
    """A set of exposures, made when it is looked at."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.mosaic_wcs = _wcs(0.0, np.zeros(2), (SIZE + 2 * MARGIN,) * 2, distorted=False)
        rng = np.random.default_rng([plan.seed, 2])
        turns, dithers = (
            rng.uniform(-1.5, 1.5, plan.exposures),
            rng.uniform(-plan.dither, plan.dither, (plan.exposures, 2)),
        )
        self.wcs = [
            _wcs(a, d, (SIZE, SIZE), distorted=True) for a, d in zip(turns, dithers, strict=True)
        ]
        angles = rng.uniform(0, 2 * np.pi, plan.exposures)
        self.shifts = plan.misaligned * np.stack([np.cos(angles), np.sin(angles)], 1)
        if plan.skew:
            shear = np.array([[1.0, np.sin(np.radians(plan.skew))], [0.0, 0.9]])
            for wcs in self.wcs:
                wcs.wcs.cd = wcs.wcs.cd @ shear

    @cached_property
    def frames(self) -> list[Frame]:
        """The exposures with the blots of AstroDrizzle's mosaic."""
        return self.blotted("minmed")

    @cached_property
    def exposed(self) -> list[Frame]:
        """The exposures, without blots."""
        sky = Sky(self.plan, self.mosaic_wcs)
        return [self._expose(sky, number) for number in range(self.plan.exposures)]

    @cached_property
    def layers(self) -> np.ndarray:
        """The exposures, drizzled one by one with nothing masked."""
        frames = zip(self.exposed, self.wcs, strict=True)
        return np.stack([self.drizzled(frame.data, wcs) for frame, wcs in frames])

    def blotted(self, stack: str) -> list[Frame]:
        """The exposures with the blots of a mosaic: a `minmed`, a `median` or a `mean`."""
        mosaic = self._mosaic(stack).astype("f4")
        blots = [skyblot.blot(mosaic, self.mosaic_wcs, wcs, fill_value=np.nan) for wcs in self.wcs]
        return [
            replace(each, blot=np.nan_to_num(blot), valid=np.isfinite(blot) & each.valid)
            for each, blot in zip(self.exposed, blots, strict=True)
        ]

    def _expose(self, sky: Sky, number: int) -> Frame:
        plan = self.plan
        rng = np.random.default_rng([plan.seed, 3, number])
        seen, kind = sky.seen(self.wcs[number], self.shifts[number])
        truth = seen + plan.offset * (number % 2)
        clean = truth + plan.sky
        rays = [cosmic_rays(rng, clean.shape, plan.hits) for _ in range(2)]
        charge = rays[0] + FAINT * rays[1]
        reading = plan.read_noise * rng.standard_normal(clean.shape)
        data = rng.poisson(clean) + reading + charge - plan.sky
        noise = np.sqrt(clean + plan.read_noise**2)
        sigma = np.sqrt(np.maximum(data + plan.sky, 0) + plan.read_noise**2)
        return Frame(
            data.astype("f4"),
            data,
            sigma.astype("f4"),
            charge,
            noise,
            kind,
            clean < FULL_WELL,
            truth.astype("f4"),
        )

    def drizzled(self, data: np.ndarray, wcs: WCS, weight: np.ndarray | None = None) -> np.ndarray:
        """An exposure on the mosaic's pixels."""
        nx, ny = self.mosaic_wcs.pixel_shape
        drizzle = Drizzle(kernel="square", out_shape=(ny, nx), fillval="NaN")
        pixmap = np.stack(skyblot.pixel_map(wcs, self.mosaic_wcs), -1)
        drizzle.add_image(data, exptime=1.0, pixmap=pixmap, pixfrac=1.0, weight_map=weight)
        return drizzle.out_img

    def _mosaic(self, stack: str) -> np.ndarray:
        """The exposures, drizzled one by one and combined; their sky is not in it.

        A mean is that of a pipeline's end, without the hits that were found: those above 3 sigma.
        """
        if stack == "minmed":
            return combine(self.layers, self.plan)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # where there is no exposure
            if stack == "median":
                return np.nanmedian(self.layers, axis=0)
            known = [(each.charge < 3 * each.noise).astype("f4") for each in self.exposed]
            layers = [
                self.drizzled(each.data, wcs, weight)
                for each, wcs, weight in zip(self.exposed, self.wcs, known, strict=True)
            ]
            return np.nanmean(layers, axis=0)


def combine(stack: np.ndarray, plan: Plan) -> np.ndarray:
    """The median; of fewer than 6 exposures the smallest value where the median is far above it.

    That is AstroDrizzle's default: farther than 4 sigma, and beside such pixels than 3.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # where there is no exposure
        median, least = np.nanmedian(stack, axis=0), np.nanmin(stack, axis=0)
    if len(stack) >= 6:
        return median
    excess = (median - least) / np.sqrt(np.maximum(least, 0) + plan.sky + plan.read_noise**2)
    far = np.nan_to_num(excess) > 4
    far |= maximum_filter(far, 3) & (excess > 3)
    return np.where(far, least, median)


def _wcs(turn: float, dither: np.ndarray, shape: tuple[int, int], *, distorted: bool) -> WCS:
    ny, nx = shape
    sine, cosine = np.sin(np.radians(turn)), np.cos(np.radians(turn))
    cards = {"WCSAXES": 2, "CRVAL1": 150.0, "CRVAL2": 2.0, "CUNIT1": "deg", "CUNIT2": "deg"}
    cards |= {"CRPIX1": (nx + 1) / 2 + dither[0], "CRPIX2": (ny + 1) / 2 + dither[1]}
    cards |= {
        "CD1_1": -SCALE * cosine,
        "CD1_2": SCALE * sine,
        "CD2_1": SCALE * sine,
        "CD2_2": SCALE * cosine,
    }
    for axis, name in ((1, "RA---TAN"), (2, "DEC--TAN")):
        cards[f"CTYPE{axis}"] = name + ("-SIP" if distorted else "")
    if distorted:
        cards |= {
            "A_ORDER": 2,
            "B_ORDER": 2,
            "A_2_0": 2e-5,
            "A_1_1": -1.5e-5,
            "B_0_2": -2e-5,
            "B_1_1": 1e-5,
        }
    wcs = WCS(fits.Header(cards))
    wcs.pixel_shape = (nx, ny)
    return wcs
