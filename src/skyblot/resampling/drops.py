"""Drops: what pixels of an exposure are on a mosaic, in the form that the kernels want."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..bands import for_each_band
from ..bounds import Bounds
from ..errors import DataError, ParameterError, closest, not_allowed
from ..kernels.drizzle import BLOCK, MARGIN, POINT, SQUARE, TURBO, drop_pixels, merge, outline
from ..kernels.overlaps import LANES

#: What an input pixel may be dropped as.
KERNELS = {"square": SQUARE, "turbo": TURBO, "point": POINT}
#: Rows and columns of a tile. With its margins a row is an odd number of cache lines: else the rows
#: of a drop would compete for the same lines.
TILE = (256, 504)


@dataclass(frozen=True)
class Drop:
    """What an input pixel is dropped as.

    Parameters
    ----------
    kernel : str
        ``square``: the pixel itself, shrunk by `pixfrac`, with exact overlaps. ``turbo``: an
        upright square of its size. ``point``: the whole pixel, to the cell that its middle is on.
    pixfrac : float
        Size of a drop in input pixels, 0.01 to 1; ``point`` has none.
    scale_ratio : float, optional
        Size of a mosaic pixel in input pixels, for ``turbo`` alone; by default every pixel's own,
        by the square root of its area.

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
            raise ParameterError(
                f"kernel = {self.kernel!r}: expected {names}{closest(self.kernel, KERNELS)}"
            )
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
        on: 0-based, pixel centres at integers. Pixels with a corner at NaN or infinity do not
        count.
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


@dataclass(frozen=True)
class Pixels:
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
    def of(cls, exposure: Exposure, variances: int, drop: Drop, threads: int) -> "Pixels":
        shape = np.shape(exposure.data)
        if len(shape) != 2 or 0 in shape:
            expected = "a 2-D image, (ny, nx)"
            raise DataError(f"has shape {shape}, expected {expected}", subject="the exposure")
        if len(exposure.variances) != variances:
            raise DataError(
                f"has {len(exposure.variances)} variances, expected {variances}, as the sums have",
                subject="the exposure",
            )
        weight = (
            exposure.weight if np.ndim(exposure.weight) else np.broadcast_to(exposure.weight, shape)
        )
        dtype = _dtype_of(exposure.data, weight)
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


class Tile:
    """Sums of one exposure in a tile of the mosaic: in one tile after the other."""

    def __init__(self, variances: int) -> None:
        shape = (TILE[0] + 2 * MARGIN, TILE[1] + 2 * MARGIN)
        self.cells = np.zeros((*shape, 2 + variances))

    def add(
        self, pixels: Pixels, sums: Any, bounds: Bounds, context: np.ndarray, bit: np.uint32
    ) -> None:
        """Drop pixels within bounds, and add that to the sums of all exposures."""
        edges = tuple(bounds.shifted(sums.row0, 0))
        window = (pixels.data, pixels.weight, pixels.x, pixels.y, pixels.variances)
        touched = drop_pixels(
            *window, pixels.blocks, pixels.first, edges, pixels.drop.code, self.cells
        )
        sums_of_all = (sums.flux, sums.weight, sums.variance, context)
        merge(self.cells, bit, touched, bounds.origin, *sums_of_all)


def _ready(image: Any, name: str, shape: tuple[int, int], dtype: Any) -> np.ndarray:
    """An image as a plain array of a dtype, in the machine's byte order, NaN where it is masked."""
    if np.shape(image) != shape:
        expected = f"{shape}"
        raise DataError(
            f"has shape {np.shape(image)}, expected {expected}", subject=f"the exposure's {name}"
        )
    kind = np.asarray(image).dtype
    if kind.kind not in "fiu":
        expected = "floating-point numbers or integers"
        raise DataError(
            f"has dtype {kind.name}, expected {expected}", subject=f"the exposure's {name}"
        )
    if isinstance(image, np.ma.MaskedArray):
        image = np.ma.filled(image.astype(dtype), np.nan)
    ready = np.ascontiguousarray(image, dtype).view(np.ndarray)
    ready.flags.writeable = False
    return ready


def _dtype_of(*images: Any) -> np.dtype:
    """The kernels' own dtype that holds the numbers of images, or comes next to it."""
    common = np.result_type(np.float32, *(np.asarray(image).dtype for image in images))
    return np.dtype(np.float64 if common.itemsize > 4 else np.float32)


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
        # Upright squares reach beyond pixels that are none, by half of their size at most.
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
