"""Cosmic rays of a real exposure, to be put into simulated ones."""

from pathlib import Path

import numpy as np
from astropy.io import fits
from astroscrappy import detect_cosmics
from scipy import ndimage

#: WFPC2's, electrons, where headers do not have them.
GAIN, READ_NOISE = 7.0, 5.2
#: Pixels beside what was found have some of its charge.
GROWN = np.ones((3, 3), bool)


class RealRays:
    """Cosmic rays found in an exposure by L.A.Cosmic, and what each adds to its pixels.

    Parameters
    ----------
    path : Path
        Of an image (ny, nx), or of several of one shape (n, ny, nx), in counts.
    """

    def __init__(self, path: Path) -> None:
        self.stamps: list[np.ndarray] = []
        images = np.atleast_3d(np.asarray(fits.getdata(path), np.float32))
        for image in images if images.shape[2] > 1 else images[..., 0][None]:
            found, _ = detect_cosmics(image, gain=GAIN, readnoise=READ_NOISE, sigclip=5.0)
            labels, _ = ndimage.label(ndimage.binary_dilation(found, GROWN), GROWN)
            above = GAIN * (image - ndimage.median_filter(image, 11))
            for number, box in enumerate(ndimage.find_objects(labels), 1):
                own = np.where(labels[box] == number, above[box], 0.0)
                self.stamps.append(np.maximum(own, 0.0))

    def add_to(self, rng: np.random.Generator, shape: tuple[int, int], part: float) -> np.ndarray:
        """Return the electrons (float32) that such cosmic rays add to a part of the pixels."""
        charge = np.zeros(shape, np.float32)
        wanted = part * charge.size
        hit = 0
        while hit < wanted:
            stamp = self.stamps[rng.integers(len(self.stamps))]
            stamp = np.rot90(stamp, rng.integers(4))
            if stamp.shape[0] >= shape[0] or stamp.shape[1] >= shape[1]:
                continue
            y, x = (
                rng.integers(size - side) for size, side in zip(shape, stamp.shape, strict=True)
            )
            charge[y : y + stamp.shape[0], x : x + stamp.shape[1]] += stamp
            hit += np.count_nonzero(stamp > 3 * READ_NOISE)
        return charge
