"""One exposure on the mosaic's pixels: its layer of a stack, with outliers and without."""

import math
from collections.abc import Sequence

import numpy as np

from ..bounds import Bounds
from ..errors import quiet
from ..kernels.interpolants import interpolant
from ..kernels.stack import FILLED, clear_outliers, fill_bad, settle, touched
from ..resampling.window import Window
from .chips import Chip

#: What is no outlier in a mean of the others: a seed and its neighbours, in sigma.
OUTLIER = (4.0, 3.0)
#: Pixels around, on which it depends whether one is an outlier.
REACH = 3
#: Where exposures are interpolated for a stack.
INTERPOLANT = "poly5"


def layer_of(chips: Sequence[Chip], bounds: Bounds) -> np.ndarray:
    """Return the pixels of one exposure on a part of the mosaic, float32, NaN where it has none."""
    layer = np.full(bounds.shape, np.nan, np.float32)
    for chip in chips:
        part = chip.box.overlap(bounds)
        if part.area:
            values = resampled(chip, part)
            inside = layer[part.within(bounds).slices]
            np.copyto(inside, values, where=np.isfinite(values))
    return layer


def line_of(chips: Sequence[Chip]) -> tuple[float, float]:
    """Return how the variance of an exposure's pixels grows: that of its noisiest chip.

    All its chips are asked: it must not depend on which lie on a tile.
    """
    return max(chip.line for chip in chips)


def weight_of(chips: Sequence[Chip]) -> float:
    """Return what an exposure counts in a mean: the inverse of its sky's variance."""
    return 1.0 / line_of(chips)[0]


def resampled(chip: Chip, part: Bounds) -> np.ndarray:
    """Return a chip's pixels on a part of the mosaic in its box, NaN where it has none."""
    out = np.full(part.shape, np.nan, np.float32)
    x, y = positions(chip, part)
    edges = np.empty(4)
    if not touched(x, y, chip.shape, edges):
        return out
    how = interpolant(INTERPOLANT)
    margin = how.margin + FILLED
    low_y, high_y, low_x, high_x = edges
    bounds = Bounds(
        math.floor(low_y) - margin,
        math.ceil(high_y) + margin + 1,
        math.floor(low_x) - margin,
        math.ceil(high_x) + margin + 1,
    ).overlap(Bounds.whole(chip.shape))
    data, good = chip.window(bounds)
    filled = np.empty_like(data)
    fill_bad(data, good, filled)
    Window(filled, bounds.origin, chip.shape, how).resample(x, y, out, 1.0, 0.0, math.nan)
    settle(filled, good, np.array(bounds.origin), x, y, math.sqrt(chip.line[0]), out)
    return out


def positions(chip: Chip, part: Bounds) -> tuple[np.ndarray, np.ndarray]:
    """Return where pixels of a chip's box lie on the chip; both float64."""
    inner = part.within(chip.box)
    x = np.empty(inner.shape)
    y = np.empty(inner.shape)
    assert chip.inverse is not None
    with quiet():
        chip.inverse.rows(inner.y0, x, y, inner.x0)
    return x, y


def cleared_layer(chips: Sequence[Chip], layer: np.ndarray, stack: np.ndarray) -> np.ndarray:
    """Return a layer without what is far from the stack: right but for `REACH` pixels around."""
    out = np.empty_like(layer)
    scale = chips[0].instrument.scale
    clear_outliers(layer, stack, np.array(line_of(chips)), OUTLIER, scale, out)
    return out
