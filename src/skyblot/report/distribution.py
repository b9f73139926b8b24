"""Residuals in numbers: how they are distributed."""

import math
from dataclasses import dataclass

import numpy as np

from ..stretch import centre_and_spread

#: Range and bin of the histogram, in sigma.
LIMIT = 10.0
BIN = 0.25


@dataclass(frozen=True)
class Distribution:
    """How residuals in units of sigma are distributed.

    Attributes
    ----------
    pixels : int
        Finite ones.
    centre, spread : float
        Median, and robust standard deviation; 0 and 1 for normal noise of the right size.
    beyond : dict
        Pixels above 3, 5, 10 sigma in size.
    edges, counts, normal : ndarray
        The histogram from -10 to 10, and what a normal distribution of as many pixels would have in
        each bin.
    below, above : int
        Pixels outside the histogram.
    """

    pixels: int
    centre: float
    spread: float
    beyond: dict[int, int]
    edges: np.ndarray
    counts: np.ndarray
    normal: np.ndarray
    below: int
    above: int


def distribution(residual: np.ndarray) -> Distribution:
    """Return how the finite residuals are distributed."""
    values = residual[np.isfinite(residual)]
    counts, edges = np.histogram(values, round(2 * LIMIT / BIN), (-LIMIT, LIMIT))
    cumulative = np.array([0.5 * math.erfc(-edge / math.sqrt(2)) for edge in edges])
    centre, spread = centre_and_spread(values) if values.size else (math.nan, math.nan)
    size = np.abs(values)
    beyond = {limit: int(np.count_nonzero(size > limit)) for limit in (3, 5, 10)}
    below, above = (int(np.count_nonzero(outside)) for outside in (values < -LIMIT, values > LIMIT))
    normal = values.size * np.diff(cumulative)
    return Distribution(values.size, centre, spread, beyond, edges, counts, normal, below, above)
