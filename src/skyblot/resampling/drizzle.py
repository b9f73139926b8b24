"""Drizzle: drop the pixels of exposures onto a mosaic, by running sums of weights and values.

Sums are kept for some rows of a mosaic, and made in tiles over threads; what becomes of one input
pixel is in :mod:`skyblot.kernels.overlaps`.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any, NamedTuple

import numpy as np

from ..bands import for_each_band
from ..bounds import Bounds
from ..errors import DataError, ParameterError, closest, memory_errors_told, not_allowed
from ..kernels.drizzle import BLOCK, MARGIN, POINT, SQUARE, TURBO, drop_pixels, merge, outline
from ..kernels.overlaps import LANES
from .arrays import target_shape
from .geometry import checked_threads

#: What an input pixel may be dropped as.
KERNELS = {"square": SQUARE, "turbo": TURBO, "point": POINT}
#: Rows and columns of a tile. With its margins a row is an odd number of cache lines: else the rows of
#: a drop would compete for the same lines.
_TILE = (256, 504)
#: Bits of a plane of the context.
_BITS = 32


@dataclass(frozen=True)
class Drop:
    """What an input pixel is dropped as.

    Parameters
    ----------
    kernel : str
        ``square``: the pixel itself, shrunk by `pixfrac`, with exact overlaps. ``turbo``: an upright
        square of its size. ``point``: the whole pixel into the cell that its middle falls on.
    pixfrac : float
        Size of a drop in input pixels, 0.01 to 1; ``point`` has none.
    scale_ratio : float, optional
        Size of a mosaic pixel in input pixels, for ``turbo`` alone; by default every pixel's own, by
        the square root of its area.

    Raises
    ------
    ParameterError
        For values that are not allowed.
    """

    kernel: str = "square"
    pixfrac: float = 1.0
    scale_ratio: float | None = None

    def __post_init__(self) -> None:
        if self.kernel not in KERNELS:
            names = ", ".join(KERNELS)
            raise ParameterError(f"kernel = {self.kernel!r}: expected {names}{closest(self.kernel, KERNELS)}")
        if not _is_between(self.pixfrac, 0.01, 1):
            raise not_allowed("pixfrac", self.pixfrac, "a number from 0.01 to 1")
        if self.scale_ratio is not None and not _is_between(self.scale_ratio, 0.001, 1000):
            raise not_allowed("scale_ratio", self.scale_ratio, "a number from 0.001 to 1000")

    @property
    def code(self) -> tuple[int, float, float]:
        """What the kernels take: kernel, pixfrac, and the size of a pixel in mosaic pixels or 0."""
        size = 0.0 if self.scale_ratio is None else 1 / self.scale_ratio
        return KERNELS[self.kernel], float(self.pixfrac), size


class Exposure(NamedTuple):
    """Pixels of an exposure, and where they fall: all of them, or some rows and columns.

    Attributes
    ----------
    data : array, shape (ny, nx)
        Values, all exposures' in one unit. NaN, infinity and what is masked do not count.
    weight : array, shape (ny, nx), or a number
        Pixels count where it is above 0 and finite.
    x, y : array, shape (ny + 1, nx + 1), float64
        Where the corners of the pixels fall on the mosaic, from the lower left of the first pixel
        on: 0-based, pixel centres at integers. Pixels with a corner at NaN or infinity do not count.
    variances : sequence of array, shape (ny, nx)
        Variances of the values, in the square of their unit; as many as the sums have.
    first : int
        Which column of the exposure the first one here is. Where this is right, no bit of the sums
        depends on how an exposure is cut.
    """

    data: Any
    weight: Any
    x: Any
    y: Any
    variances: Sequence[Any] = ()
    first: int = 0


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
        self, shape: tuple[int, int], row0: int = 0, *, variances: int = 0, dtype: Any = np.float64
    ) -> None:
        shape = target_shape(None, shape)
        self.row0 = row0
        with memory_errors_told():
            self.flux = np.zeros(shape, dtype)
            self.weight = np.zeros(shape, dtype)
            self.variance = np.zeros((variances, *shape), dtype)
            self.context = np.zeros((1, *shape), np.uint32)

    def add(self, exposure: Exposure, number: int, drop: Drop, *, threads: int | None = None) -> None:
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
            pixels = _Pixels.of(exposure, len(self.variance), drop, workers)
            context = self._plane(number // _BITS)
            bit = np.uint32(1 << number % _BITS)
            spare: SimpleQueue[_Tile] = SimpleQueue()
            for _ in range(workers):
                spare.put(_Tile(len(self.variance)))

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
            Bounds(y, min(y + _TILE[0], rows), x, min(x + _TILE[1], columns))
            for y in range(0, rows, _TILE[0])
            for x in range(0, columns, _TILE[1])
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
    Fruchter & Hook 2002, PASP 114, 144: a drop of weight w, of which the fraction a falls on a cell,
    adds a w to the cell's weight, and a w times its value to the sum that the weight divides.

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


@dataclass(frozen=True)
class _Pixels:
    """An exposure in the form that the kernels want, and an outline of where its pixels fall."""

    data: np.ndarray
    weight: np.ndarray
    x: np.ndarray
    y: np.ndarray
    variances: np.ndarray
    blocks: np.ndarray
    first: int
    drop: Drop

    @classmethod
    def of(cls, exposure: Exposure, variances: int, drop: Drop, threads: int) -> "_Pixels":
        shape = np.shape(exposure.data)
        if len(shape) != 2 or 0 in shape:
            expected = "a 2-D image, (ny, nx)"
            raise DataError(f"has shape {shape}, expected {expected}", subject="the exposure")
        if len(exposure.variances) != variances:
            raise DataError(
                f"has {len(exposure.variances)} variances, expected as many as the sums: {variances}",
                subject="the exposure",
            )
        weight = exposure.weight if np.ndim(exposure.weight) else np.broadcast_to(exposure.weight, shape)
        dtype = np.result_type(np.float32, *(np.asarray(image).dtype for image in (exposure.data, weight)))
        planes = np.empty((variances, *shape), dtype)
        for plane, variance in zip(planes, exposure.variances, strict=True):
            plane[:] = _ready(variance, "variance", shape, dtype)
        corners = (shape[0] + 1, shape[1] + 1)
        x = _ready(exposure.x, "x", corners, np.float64)
        y = _ready(exposure.y, "y", corners, np.float64)
        return cls(
            _ready(exposure.data, "data", shape, dtype),
            _ready(weight, "weight", shape, dtype),
            x,
            y,
            planes,
            _blocks(x, y, exposure.first % LANES, drop, threads),
            exposure.first % LANES,
            drop,
        )


class _Tile:
    """Sums of one exposure in a tile of the mosaic: in one tile after the other."""

    def __init__(self, variances: int) -> None:
        shape = (_TILE[0] + 2 * MARGIN, _TILE[1] + 2 * MARGIN)
        self.flux = np.zeros(shape)
        self.weight = np.zeros(shape)
        self.variance = np.zeros((variances, *shape))

    def add(self, pixels: _Pixels, sums: Sums, bounds: Bounds, context: np.ndarray, bit: np.uint32) -> None:
        """Drop pixels within bounds, and add that to the sums of all exposures."""
        edges = tuple(bounds.shifted(sums.row0, 0))
        own = (self.flux, self.weight, self.variance)
        given = (pixels.data, pixels.weight, pixels.x, pixels.y, pixels.variances)
        if drop_pixels(*given, pixels.blocks, pixels.first, edges, pixels.drop.code, *own):
            here = bounds.slices
            merge(*own, bit, sums.flux[here], sums.weight[here], sums.variance[:, here[0], here[1]], context[here])
            for image in own:
                image[:] = 0


def _ready(image: Any, name: str, shape: tuple[int, int], dtype: Any) -> np.ndarray:
    """An image as a plain array of a dtype, in the machine's byte order, NaN where it is masked."""
    if np.shape(image) != shape:
        expected = f"{shape}"
        raise DataError(f"has shape {np.shape(image)}, expected {expected}", subject=f"the exposure's {name}")
    kind = np.asarray(image).dtype
    if kind.kind not in "fiu":
        expected = "floating-point numbers or integers"
        raise DataError(f"has dtype {kind.name}, expected {expected}", subject=f"the exposure's {name}")
    if isinstance(image, np.ma.MaskedArray):
        image = np.ma.filled(image.astype(dtype), np.nan)
    ready = np.ascontiguousarray(image, dtype).view(np.ndarray)
    ready.flags.writeable = False
    return ready


def _blocks(x: np.ndarray, y: np.ndarray, first: int, drop: Drop, threads: int) -> np.ndarray:
    """Where blocks of pixels fall: left, right, lower and upper end, (4, rows, columns)."""
    rows = -(-(x.shape[0] - 1) // BLOCK)
    columns = -(-(first + x.shape[1] - 1) // LANES)
    blocks = np.empty((4, rows, columns))

    def work(row: int, end: int) -> None:
        corners = slice(row * BLOCK, end * BLOCK + 1)
        outline(x[corners], first, blocks[0, row:end], blocks[1, row:end])
        outline(y[corners], first, blocks[2, row:end], blocks[3, row:end])

    for_each_band((rows, columns), work, threads, rows=8)
    if drop.kernel == "turbo":
        #: Upright squares reach beyond pixels that are no squares, by half of their own size at most.
        with np.errstate(invalid="ignore"):
            own = np.maximum(blocks[1] - blocks[0], blocks[3] - blocks[2])
            reach = 0.5 * np.maximum(own, drop.code[2])
        blocks[::2] -= reach
        blocks[1::2] += reach
    return blocks


def _is_between(value: Any, low: float, high: float) -> bool:
    """Whether a value is a number within limits."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        return False
    return bool(low <= value <= high)
