"""What an interpolant is: taps, each with a polynomial of the offset as its weight.

A blot pixel at source position ``x`` uses the taps ``first ... first + taps - 1`` around ``base``,
``base = floor(x + shift)``, with weights ``sum_p table[p, tap] * s**p``, ``s = x - base - centre``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

#: The largest error of a weight that is fitted by a polynomial.
FIT_ERROR = 1e-7


@dataclass(frozen=True)
class Prefilter:
    """A recursive filter that makes coefficients of B-splines of pixels before taps weigh them.

    Attributes
    ----------
    degree : int
        Degree of the B-splines.
    margin : int
        Pixels that the filter needs around a window, before its coefficients are right.
    reach : int
        How far from a pixel its weights still matter to variances.
    weights : callable
        The weights of the filter at distances in whole pixels, an array.
    """

    degree: int
    margin: int
    reach: int
    weights: Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Interpolant:
    """One way to interpolate, as the kernels want it.

    Attributes
    ----------
    name : str
    taps : int
        Source pixels used along each axis.
    first : int
        Position of the first tap relative to `base`.
    shift : float
        ``base = floor(x + shift)``: 0 between two pixels, 0.5 around the nearest pixel.
    centre : float
        Subtracted from the fractional offset, to keep the powers small.
    table : ndarray, float64, shape (powers, taps)
        Weight coefficients, lowest power first.
    prefilter : Prefilter, optional
        What makes the coefficients that the taps weigh; by default the taps weigh the pixels.
    own : (int, int), optional
        The weights are to be squared, for variances: NaN spreads by the taps from the first to the
        last of these.
    """

    name: str
    taps: int
    first: int
    shift: float
    centre: float
    table: np.ndarray
    prefilter: Prefilter | None = None
    own: tuple[int, int] | None = None

    @property
    def averages(self) -> bool:
        """Whether values are mixed; else they are copied, whatever they mean."""
        return self.taps > 1

    @property
    def margin(self) -> int:
        """Source pixels touched on each side of a position, at most."""
        return max(-self.first, self.first + self.taps - 1) + 1

    @property
    def weights_dtype(self) -> type:
        """float64 for variances, often tiny, and powers that float32 would round; else float32."""
        large = np.abs(self.table).sum(axis=0).max() > 30
        return np.float64 if large or self.own is not None else np.float32

    def padded(self, dtype: np.dtype) -> np.ndarray:
        """Return the coefficient table in `dtype`, zero-padded to the vector width."""
        padded = np.zeros((len(self.table), lanes_for(self.taps)), dtype)
        padded[:, : self.taps] = self.table
        return padded

    def of_variances(self) -> "Interpolant":
        """Return the interpolant whose squared weights carry variances as this one carries values.

        Taps that weigh coefficients, each of which is a sum over pixels, become taps on these
        pixels.
        """
        name = f"variances, {self.name}"
        if self.prefilter is None:
            return replace(self, name=name, own=(0, self.taps))
        reach = self.prefilter.reach
        taps = self.taps + 2 * reach
        distances = np.arange(taps)[None, :] - (np.arange(self.taps) + reach)[:, None]
        return Interpolant(
            name=name,
            taps=taps,
            first=self.first - reach,
            shift=self.shift,
            centre=self.centre,
            table=self.table @ self.prefilter.weights(distances),
            own=(reach, reach + self.taps),
        )


def lanes_for(taps: int) -> int:
    """Return the vector width that holds `taps` weights: the next power of two, at least 2."""
    return max(2, 1 << (taps - 1).bit_length())


def lagrange(taps: int) -> np.ndarray:
    """Return the weights of the polynomial through `taps` points, which is Everett's too."""
    nodes = np.arange(taps) - (taps // 2 - 1)
    table = np.empty((taps, taps))
    for tap, node in enumerate(nodes):
        others = np.delete(nodes, tap)
        table[:, tap] = np.poly(others)[::-1] / np.prod(node - others)
    return table


def fitted(weight: Callable[[np.ndarray], np.ndarray], low: float, high: float) -> np.ndarray:
    """Return the polynomials of lowest degree that fit weights, which are normalised to sum 1.

    Parameters
    ----------
    weight : callable
        Gives the weights (taps, samples) at offsets (samples,).
    low, high : float
        Between which offsets they have to fit.
    """

    def normalised(s: np.ndarray) -> np.ndarray:
        values = weight(s)
        return values / values.sum(axis=0)

    test = np.linspace(low, high, 2001)
    truth = normalised(test)
    for degree in range(3, 64):
        half = (high - low) / 2
        nodes = np.cos(np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1))
        series = np.polynomial.chebyshev.chebfit(
            nodes, normalised(low + half * (nodes + 1)).T, degree
        )
        table = np.stack([_to_powers(column, half, low + half) for column in series.T], axis=1)
        table -= table.mean(axis=1, keepdims=True)
        table[0] += 1.0 / table.shape[1]
        if np.abs(np.polynomial.polynomial.polyval(test, table) - truth).max() <= FIT_ERROR:
            return table
    raise AssertionError("an interpolant's weights could not be fitted")


def _to_powers(series: np.ndarray, half: float, middle: float) -> np.ndarray:
    """Chebyshev coefficients on ``middle +- half`` to coefficients of the powers of s."""
    line = np.polynomial.Chebyshev(series, domain=(middle - half, middle + half))
    powers = line.convert(kind=np.polynomial.Polynomial).coef
    return np.pad(powers, (0, len(series) - len(powers)))
