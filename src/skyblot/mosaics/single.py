"""Cosmic rays where one exposure alone covers: by L.A.Cosmic, of the package astroscrappy."""

from importlib.util import find_spec

import numpy as np

from ..bounds import Bounds
from ..errors import SkyblotError, quiet
from .chips import Chip

#: Laplacian to noise, the part of it for neighbours, and contrast with fine structure. The first is
#: that of van Dokkum 2001, PASP 113, 1420; with his others, 0.3 and 5, three times as many cores of
#: well sampled stars are taken (benchmarks/rejection/single.py).
SIGCLIP = 4.5
SIGFRAC = 0.5
OBJLIM = 8.0


def require_astroscrappy() -> None:
    """Raise an error that says how to install astroscrappy, if it is missing."""
    if find_spec("astroscrappy") is None:
        install = "pip install astroscrappy"
        raise SkyblotError(f"--single lacosmic needs the package astroscrappy: {install}")


def cosmic_rays_alone(chip: Chip, alone: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return which pixels are cosmic rays', of those that no other exposure covers, and what they
    should have.

    Parameters
    ----------
    chip : Chip
    alone : ndarray of bool, shape (ny, nx)
    """
    require_astroscrappy()
    from astroscrappy import detect_cosmics

    data, good = chip.read(Bounds.whole(chip.shape))
    rows = np.flatnonzero(alone.any(axis=1))
    columns = np.flatnonzero(alone.any(axis=0))
    box = Bounds(int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)
    box = box.grown(8).overlap(Bounds.whole(chip.shape))  # Laplacians look at neighbours
    part = np.ascontiguousarray(data[box.slices])
    usable = np.ascontiguousarray(good[box.slices])
    part[~usable] = chip.sky.level
    sky = np.broadcast_to(chip.sky.within(box), part.shape)
    base = chip.line[0] * chip.factor**2
    growth = chip.line[1] * chip.factor
    variance = (base + growth * np.maximum(part - sky, 0.0)).astype(np.float32)
    with quiet():
        found, cleaned = detect_cosmics(
            part,
            inmask=~usable,
            invar=variance,
            sigclip=SIGCLIP,
            sigfrac=SIGFRAC,
            objlim=OBJLIM,
            satlevel=np.inf,
            readnoise=0.0,
        )
    mask = np.zeros(chip.shape, np.bool_)
    mask[box.slices] = found
    mask &= alone
    data[box.slices] = cleaned
    return mask, data
