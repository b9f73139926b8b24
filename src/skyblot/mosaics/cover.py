"""How many exposures cover each pixel of a chip, and where its pixels lie on the mosaic."""

from collections.abc import Iterator

import numpy as np

from ..bands import band_rows, for_each_mapped_band
from ..errors import quiet
from ..kernels.others import count_others
from .chips import Chip


def counts_on(chip: Chip, counts: np.ndarray, threads: int) -> np.ndarray:
    """Return how many exposures other than its own a mosaic has at each pixel of a chip.

    Parameters
    ----------
    chip : Chip
    counts : ndarray of int, shape (ny, nx)
        How many exposures each pixel of the mosaic has.
    threads : int

    Returns
    -------
    ndarray of uint8, shape (ny, nx)
        255 where there are more.
    """
    out = np.empty(chip.shape, np.uint8)
    usable = chip.usable.whole()

    def work(row0: int, row1: int, x: np.ndarray, y: np.ndarray) -> None:
        _rows(chip, row0, x, y)
        count_others(x, y, counts, usable[row0:row1], out[row0:row1])

    for_each_mapped_band(chip.shape, work, threads)
    return out


def places_of(chip: Chip, flat: np.ndarray, mosaic: tuple[int, int]) -> np.ndarray:
    """Return on which pixels of the mosaic some pixels of a chip lie, counted along rows; -1: none.

    Parameters
    ----------
    chip : Chip
    flat : ndarray of int
        The pixels, counted along rows, in order.
    mosaic : tuple of int
        (ny, nx) of the mosaic.
    """
    found = np.full(len(flat), -1, np.int64)
    nx = chip.shape[1]
    for row0, row1, part in _bands_with(flat, chip.shape):
        x = np.empty((row1 - row0, nx))
        y = np.empty_like(x)
        _rows(chip, row0, x, y)
        inside = flat[part] - row0 * nx
        here, rows, columns = _nearest(x.ravel()[inside], y.ravel()[inside], mosaic)
        found[part][here] = rows * mosaic[1] + columns
    return found


def _bands_with(flat: np.ndarray, shape: tuple[int, int]) -> Iterator[tuple[int, int, slice]]:
    """Bands of rows in which there are pixels, and which of them are in each."""
    ny, nx = shape
    height = band_rows(nx)
    for row0 in range(0, ny, height):
        row1 = min(row0 + height, ny)
        first, end = np.searchsorted(flat, [row0 * nx, row1 * nx])
        if first < end:
            yield row0, row1, slice(int(first), int(end))


def _rows(chip: Chip, row0: int, x: np.ndarray, y: np.ndarray) -> None:
    assert chip.forward is not None
    with quiet():
        chip.forward.rows(row0, x, y)


def _nearest(
    x: np.ndarray, y: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where positions lie on an image, and the rows and columns of the nearest pixels there."""
    ny, nx = shape
    with np.errstate(invalid="ignore"):
        here = (x >= -0.5) & (x < nx - 0.5) & (y >= -0.5) & (y < ny - 0.5)
    return here, np.rint(y[here]).astype(np.int64), np.rint(x[here]).astype(np.int64)
