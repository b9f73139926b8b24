"""Drizzle: drop the pixels of exposures onto a mosaic, by running sums of weights and values.

Sums are kept for some rows of a mosaic, and made in tiles over threads; what becomes of one input
pixel is in :mod:`skyblot.kernels.overlaps`.
"""

import math
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from typing import Any, NamedTuple

import numpy as np

from ..bands import for_each_band
from ..bounds import Bounds
from ..errors import memory_errors_told, not_allowed
from .arrays import target_shape
from .drops import TILE, Drop, Exposure, Pixels, Tile
from .geometry import checked_threads

__all__ = ["Drop", "Exposure", "Mosaic", "Sums", "drizzle", "noise_correlation"]

#: Bits of a plane of the context.
_BITS = 32


class Mosaic(NamedTuple):
    """Rows of a drizzled mosaic.

    Attributes
    ----------
    sci : ndarray, shape (ny, nx)
        Mean of the values by weight and overlap; where nothing fell, the fill value.
    wht : ndarray, shape (ny, nx)
        Sum over drops of weight times the fraction of the drop that fell here.
    ctx : ndarray, uint32, shape (planes, ny, nx)
        Bit n % 32 of plane n // 32 is set where exposure n has weight.
    err : tuple of ndarray, shape (ny, nx)
        Standard deviation of `sci` by each of the variances; NaN where nothing fell.
    """

    sci: np.ndarray
    wht: np.ndarray
    ctx: np.ndarray
    err: tuple[np.ndarray, ...]


Zeros = Callable[[str, tuple[int, ...], Any], np.ndarray]


def _zeros(name: str, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Zeros in memory."""
    return np.zeros(shape, dtype)


def planes_for(exposures: int) -> int:
    """Return how many planes the context of so many exposures has."""
    return -(-exposures // _BITS)


class Sums:
    """Running sums of weights and values in rows of a mosaic.

    Parameters
    ----------
    shape : tuple of int
        (rows, columns): some rows of a mosaic, as wide as it is.
    row0 : int
        Which row of the mosaic the first one is.
    variances : int
        How many variances exposures have.
    dtype : dtype
        float64; or float32, which takes half the memory: sums are then rounded once an exposure.
    exposures : int
        How many the context has room for; it grows where there are more.
    zeros : callable
        Makes arrays of zeros, by a name for each, shape and dtype: `numpy.zeros`, or in files.

    Attributes
    ----------
    flux, weight : ndarray, shape (rows, columns)
        Sums of weight times value, and of weight.
    variance : ndarray, shape (variances, rows, columns)
        Sums of squared weight times variance.
    context : ndarray, uint32, shape (planes, rows, columns)
        As of `Mosaic`; with as many planes as there are exposures for.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        row0: int = 0,
        *,
        variances: int = 0,
        dtype: Any = np.float64,
        exposures: int = 1,
        zeros: Zeros = _zeros,
    ) -> None:
        shape = target_shape(None, shape)
        self.row0 = row0
        with memory_errors_told():
            self.flux = zeros("flux", shape, dtype)
            self.weight = zeros("weight", shape, dtype)
            self.variance = zeros("variance", (variances, *shape), dtype)
            self.context = zeros("context", (planes_for(exposures), *shape), np.uint32)

    def add(
        self, exposure: Exposure, number: int, drop: Drop, *, threads: int | None = None
    ) -> None:
        """Drop the pixels of an exposure.

        Parameters
        ----------
        exposure : Exposure
            At least all pixels that touch these rows; others cost time and change nothing.
        number : int
            Which bit of the context it has, from 0.
        drop : Drop
        threads : int, optional
            By default the cores this process may use. The sums do not depend on it.

        Raises
        ------
        ParameterError, DataError
            For arguments that cannot be used, such as arrays whose shapes do not go together.
        """
        if isinstance(number, bool) or not isinstance(number, int | np.integer) or number < 0:
            raise not_allowed("number", number, "a whole number, at least 0")
        workers = checked_threads(threads)
        with memory_errors_told():
            pixels = Pixels.of(exposure, len(self.variance), drop, workers)
            context = self._plane(number // _BITS)
            bit = np.uint32(1 << number % _BITS)
            spare: SimpleQueue[Tile] = SimpleQueue()
            for _ in range(workers):
                spare.put(Tile(len(self.variance)))

            def work(index: int, _: int) -> None:
                tile = spare.get()
                tile.add(pixels, self, tiles[index], context, bit)
                spare.put(tile)

            tiles = self._tiles()
            for_each_band((len(tiles), 1), work, workers, rows=1)

    def _plane(self, plane: int) -> np.ndarray:
        """A plane of the context, which is there from now on."""
        missing = plane + 1 - len(self.context)
        if missing > 0:
            more = np.zeros((missing, *self.flux.shape), np.uint32)
            self.context = np.concatenate([self.context, more])
        return self.context[plane]

    def _tiles(self) -> list[Bounds]:
        """The tiles, in rows and columns from the first ones here."""
        rows, columns = self.flux.shape
        return [
            Bounds(y, min(y + TILE[0], rows), x, min(x + TILE[1], columns))
            for y in range(0, rows, TILE[0])
            for x in range(0, columns, TILE[1])
        ]

    def result(self, *, fill_value: float = math.nan, dtype: Any = np.float32) -> Mosaic:
        """Return the mosaic's rows as they are by now.

        Parameters
        ----------
        fill_value : float
            Of `Mosaic.sci` where nothing fell.
        dtype : dtype
            Of all but the context.
        """
        there = self.weight > 0
        sci = np.full(self.flux.shape, fill_value, dtype)
        np.divide(self.flux, self.weight, out=sci, where=there, casting="same_kind")
        errors = np.full(self.variance.shape, np.nan, dtype)
        for error, variance in zip(errors, self.variance, strict=True):
            np.sqrt(variance, out=error, where=there, casting="same_kind")
            np.divide(error, self.weight, out=error, where=there, casting="same_kind")
        return Mosaic(sci, self.weight.astype(dtype), self.context.copy(), tuple(errors))

    def finish(self, *, fill_value: float = math.nan) -> Mosaic:
        """Return the mosaic in the memory of the sums, which are used up and of whose dtype it is.

        Values are those of `result`, in the sums' precision.
        """
        nothing = self.weight == 0
        with np.errstate(invalid="ignore"):  # 0 / 0 where nothing fell
            np.divide(self.flux, self.weight, out=self.flux)
            for variance in self.variance:
                np.sqrt(variance, out=variance)
                np.divide(variance, self.weight, out=variance)
        self.flux[nothing] = fill_value
        return Mosaic(self.flux, self.weight, self.context, tuple(self.variance))


def drizzle(
    exposures: Iterable[Exposure],
    shape: tuple[int, int],
    drop: Drop | None = None,
    *,
    fill_value: float = math.nan,
    dtype: Any = np.float32,
    threads: int | None = None,
) -> Mosaic:
    """Make a mosaic of exposures, one after the other.

    Parameters
    ----------
    exposures : iterable of Exposure
        Their place here is their bit in the context. A generator will do: one is held at a time.
    shape : tuple of int
        (ny, nx) of the mosaic.
    drop : Drop, optional
        By default the whole pixel, exactly.
    fill_value : float
        Value of the mosaic where nothing fell.
    dtype : dtype
        Of the mosaic; sums are float64.
    threads : int, optional
        By default the cores this process may use. The values do not depend on it.

    Returns
    -------
    Mosaic
        Its ``err`` has one array for each of the variances of the first exposure.

    Raises
    ------
    ParameterError, DataError
        For arguments that cannot be used.

    Notes
    -----
    Fruchter & Hook 2002, PASP 114, 144: a drop of weight w, of which the fraction a falls on a
    cell, adds a w to the cell's weight, and a w times its value to the sum that it divides.

    Examples
    --------
    Half of a pixel falls on each of two cells:

    >>> import numpy as np
    >>> import skyblot
    >>> from skyblot.resampling.drizzle import Exposure
    >>> x, y = np.meshgrid([0.0, 1.0], [-0.5, 0.5])
    >>> mosaic = skyblot.drizzle([Exposure([[6.0]], [[100.0]], x, y)], (1, 3))
    >>> mosaic.sci
    array([[ 6.,  6., nan]], dtype=float32)
    >>> mosaic.wht
    array([[50., 50.,  0.]], dtype=float32)
    """
    drop = drop or Drop()
    sums = None
    for number, exposure in enumerate(exposures):
        sums = sums or Sums(shape, variances=len(exposure.variances))
        sums.add(exposure, number, drop, threads=threads)
    return (sums or Sums(shape)).result(fill_value=fill_value, dtype=dtype)


def noise_correlation(pixfrac: float, scale_ratio: float) -> float:
    """Return how much more noise a large area of a mosaic has than its pixels' own would make.

    Parameters
    ----------
    pixfrac : float
        Size of a drop in input pixels.
    scale_ratio : float
        Size of a mosaic pixel in input pixels.

    Returns
    -------
    float
        R: the noise of a sum of n mosaic pixels is that of one, times R and the square root of n,
        where n is large and the dithers are many.

    Notes
    -----
    With r = pixfrac / scale_ratio, R = r / (1 - 1 / (3 r)) where r >= 1, else 1 / (1 - r / 3):
    Fruchter & Hook 2002, PASP 114, 144, equations 9 and 10; Casertano et al. 2000, AJ 120, 2747.

    Examples
    --------
    >>> noise_correlation(1.0, 1.0), round(noise_correlation(0.8, 0.5), 3)
    (1.5, 2.021)
    """
    ratio = pixfrac / scale_ratio
    return 3 * ratio**2 / (3 * ratio - 1) if ratio >= 1 else 3 / (3 - ratio)
