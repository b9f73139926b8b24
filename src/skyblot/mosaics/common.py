"""What deviates in many exposures at one place of the sky is the sky's, and no cosmic ray's."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage, special

from ..bounds import Bounds
from ..rejection.robust import NORMAL

#: In more than the smaller of these parts and numbers of the exposures nothing is a cosmic ray.
SHARE = 0.4
FIRST = 2.0
MORE = 0.03
#: Cosmic rays that meet by chance are this rare, or the place has a source.
CHANCE = 1e-4
#: A source is so many sigma above the mosaic's sky.
BRIGHT = 5.0
#: What is brighter than a source by more than this factor is no change of it, nor its blur.
BRIGHTER = 2.0
#: Pixels of a mosaic that tell its sky: one in so many along each axis.
_STEP = 7


@dataclass(frozen=True)
class Deviations:
    """Bad pixels of one chip, on the mosaic.

    Attributes
    ----------
    exposure : int
    flat : ndarray of int
        The pixels, counted along rows of the chip.
    places : ndarray of int
        Where each lies on the mosaic, counted along rows; -1: nowhere.
    values : ndarray of float32
        What they are, in the mosaic's unit, without the sky.
    shape : tuple of int
        (ny, nx) of the chip.
    """

    exposure: int
    flat: np.ndarray
    places: np.ndarray
    values: np.ndarray
    shape: tuple[int, int]


def most_exposures(counts: np.ndarray) -> np.ndarray:
    """Return in how many exposures of so many a cosmic ray may be at one place, at most.

    One exposure alone is always a cosmic ray's.
    """
    return np.maximum(np.minimum(SHARE * counts, FIRST + MORE * counts), 1.0)


def spared_pixels(
    deviations: Sequence[Deviations], counts: np.ndarray, stack: np.ndarray
) -> list[np.ndarray]:
    """Return which of the bad pixels of each chip are the sky's.

    Parameters
    ----------
    deviations : sequence of Deviations
    counts : ndarray of int, shape (ny, nx)
        How many exposures each pixel of the mosaic has.
    stack : ndarray, shape (ny, nx)
        The mosaic.

    Returns
    -------
    list of ndarray of bool
        For each chip, as long as its bad pixels: whole objects, of which most pixels deviate in
        too many exposures, and too often for chance, or by no more than a source that is there
        may.
    """
    hits = _hits(deviations, counts.shape)
    flat_counts = counts.ravel()
    density = float(hits.sum(dtype=np.int64)) / float(flat_counts.sum(dtype=np.int64) or 1)
    rare = _rare(int(flat_counts.max(initial=0)), min(density, 1.0))
    least = _least_of_sources(stack)
    spared = []
    for chip in deviations:
        known = chip.places >= 0
        places = np.where(known, chip.places, 0)
        number = flat_counts[places]
        there = hits.ravel()[places]
        odd = known & (there > most_exposures(number))
        with np.errstate(invalid="ignore"):
            source = stack.ravel()[places] > least
            source &= chip.values <= BRIGHTER * _brightest_near(stack, places)
        odd &= source | (there >= rare[number])
        spared.append(_whole_objects(chip, odd))
    return spared


def _hits(deviations: Sequence[Deviations], shape: tuple[int, ...]) -> np.ndarray:
    """In how many exposures each pixel of the mosaic is bad, or one beside it."""
    total = np.zeros(shape, np.uint16)
    for exposure in sorted({chip.exposure for chip in deviations}):
        places = np.concatenate([c.places for c in deviations if c.exposure == exposure])
        places = places[places >= 0]
        if not places.size:
            continue
        rows, columns = np.divmod(places, shape[1])
        box = Bounds(
            int(rows.min()), int(rows.max()) + 1, int(columns.min()), int(columns.max()) + 1
        )
        box = box.grown(1).overlap(Bounds.whole(shape))
        here = np.zeros(box.shape, np.bool_)
        here[rows - box.y0, columns - box.x0] = True
        total[box.slices] += _grown(here)
    return total


def _grown(mask: np.ndarray) -> np.ndarray:
    """A mask with the eight pixels around each of its own."""
    tall = mask.copy()
    tall[1:] |= mask[:-1]
    tall[:-1] |= mask[1:]
    wide = tall.copy()
    wide[:, 1:] |= tall[:, :-1]
    wide[:, :-1] |= tall[:, 1:]
    return wide


def _least_of_sources(stack: np.ndarray) -> float:
    """How bright a source is at least."""
    some = stack[::_STEP, ::_STEP]
    some = some[np.isfinite(some)]
    if not some.size:
        return math.inf
    middle = float(np.median(some))
    return middle + BRIGHT * NORMAL * float(np.median(np.abs(some - middle)))


def _brightest_near(stack: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The brightest of the 3 x 3 pixels of a mosaic around places."""
    ny, nx = stack.shape
    rows, columns = np.divmod(places, nx)
    light = np.full(len(places), -np.inf, np.float32)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            near = stack[np.clip(rows + dy, 0, ny - 1), np.clip(columns + dx, 0, nx - 1)]
            np.fmax(light, near, out=light)
    return light


def _rare(most: int, density: float) -> np.ndarray:
    """How many exposures of n must deviate so that chance does not make it: for n = 0 ... most."""
    numbers = np.arange(most + 1)
    needed = np.zeros(most + 1, np.int64)
    for number in numbers[1:]:
        # The exposure itself deviates: by chance, so many of the others do.
        chances = special.bdtrc(np.arange(number) - 1.0, number - 1, density)
        needed[number] = (
            1 + int(np.argmax(chances < CHANCE)) if (chances < CHANCE).any() else number + 1
        )
    return needed


def _whole_objects(chip: Deviations, odd: np.ndarray) -> np.ndarray:
    """Let each group of adjacent bad pixels be odd as most of its pixels are."""
    if not odd.any():
        return odd
    mask = np.zeros(chip.shape, np.bool_)
    mask.ravel()[chip.flat] = True
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    mine = labels.ravel()[chip.flat]
    pixels = np.bincount(mine, minlength=count + 1)
    votes = np.bincount(mine, weights=odd, minlength=count + 1)
    verdict: np.ndarray = 2 * votes > pixels
    return verdict[mine]
