"""Interpolants: a name, a number of taps, and each tap's weight as a polynomial of the fractional offset.

This file alone says which interpolants there are and what each of them is; nothing else asks for
their names. It needs numpy only, so that options and help can be made from it without Numba.

A blot pixel at source position ``x`` uses the taps ``first ... first + taps - 1`` around ``base``,
``base = floor(x + shift)``, with weights ``sum_p table[p, tap] * s**p``, ``s = x - base - centre``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

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
        """float32, but float64 for large powers, which it would round, and for variances, often tiny."""
        large = np.abs(self.table).sum(axis=0).max() > 30
        return np.float64 if large or self.own is not None else np.float32

    def padded(self, dtype: np.dtype) -> np.ndarray:
        """Return the coefficient table in `dtype`, zero-padded to the vector width."""
        padded = np.zeros((len(self.table), lanes_for(self.taps)), dtype)
        padded[:, : self.taps] = self.table
        return padded

    def of_variances(self) -> "Interpolant":
        """Return the interpolant whose squared weights carry variances where this one carries values.

        Taps that weigh coefficients, each of which is a sum over pixels, become taps on these pixels.
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


def _lagrange(taps: int) -> np.ndarray:
    """Weights of the polynomial through `taps` points (Everett's form is the same polynomial)."""
    nodes = np.arange(taps) - (taps // 2 - 1)
    table = np.empty((taps, taps))
    for tap, node in enumerate(nodes):
        others = np.delete(nodes, tap)
        table[:, tap] = np.poly(others)[::-1] / np.prod(node - others)
    return table


def _fitted(weight: Callable[[np.ndarray], np.ndarray], low: float, high: float) -> np.ndarray:
    """Polynomial table of the lowest degree that fits ``weight(s)`` (taps, samples), normalised to sum 1."""

    def normalised(s: np.ndarray) -> np.ndarray:
        values = weight(s)
        return values / values.sum(axis=0)

    test = np.linspace(low, high, 2001)
    truth = normalised(test)
    for degree in range(3, 64):
        half = (high - low) / 2
        nodes = np.cos(np.pi * (np.arange(degree + 1) + 0.5) / (degree + 1))
        series = np.polynomial.chebyshev.chebfit(nodes, normalised(low + half * (nodes + 1)).T, degree)
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


def _lanczos(order: int) -> Interpolant:
    """Windowed sinc, ``sinc(t) sinc(t / order)``, normalised so that a constant stays a constant."""
    nodes = np.arange(1 - order, order + 1)[:, None]

    def weight(s: np.ndarray) -> np.ndarray:
        t = nodes - (s + 0.5)
        return np.sinc(t) * np.sinc(t / order)

    return Interpolant(f"lanczos{order}", 2 * order, 1 - order, 0.0, 0.5, _fitted(weight, -0.5, 0.5))


def _sinc(sinscl: float) -> Interpolant:
    """Tapered sinc about the nearest pixel: ``sinc((j - s) / sinscl) cos^2(pi j / 14)``, j = -7 ... 7.

    The taper is zero at j = -7 and 7, so 13 taps are read.
    """
    nodes = np.arange(-6, 7)[:, None]
    taper = np.cos(np.pi * nodes / 14) ** 2

    def weight(s: np.ndarray) -> np.ndarray:
        return np.sinc((nodes - s) / sinscl) * taper

    return Interpolant("sinc", 13, -6, 0.5, 0.0, _fitted(weight, -0.5, 0.5))


def _polynomial(name: str, taps: int) -> Interpolant:
    """The polynomial through the pixels around a position."""
    return Interpolant(name, taps, 1 - taps // 2, 0.0, 0.0, _lagrange(taps))


#: Cubic B-spline: the weights of four coefficients (Unser 1999), powers of s down, taps across.
_BSPLINE3 = np.array([[1, 4, 1, 0], [-3, 0, 3, 0], [3, -6, 3, 0], [-1, 3, -3, 1]]) / 6.0
#: The pole of the filter that makes its coefficients.
_POLE3 = np.sqrt(3) - 2
#: The weights of that filter are ``sqrt(3) z**abs(n)``: 1e-13 of the first after 24 pixels. Those of
#: taps more than 10 pixels beyond the spline's own four are below 1e-5.
_FILTER3 = Prefilter(
    degree=3,
    margin=24,
    reach=10,
    weights=lambda distances: np.sqrt(3) * _POLE3 ** np.abs(distances),
)

#: Every interpolant by its name, from the cheapest to the most expensive: what makes it of `sinscl`.
_MAKERS: dict[str, Callable[[float], Interpolant]] = {
    "nearest": lambda _: Interpolant("nearest", 1, 0, 0.5, 0.0, np.ones((1, 1))),
    "linear": lambda _: _polynomial("linear", 2),
    "poly3": lambda _: _polynomial("poly3", 4),
    "poly5": lambda _: _polynomial("poly5", 6),
    "spline3": lambda _: Interpolant("spline3", 4, -1, 0.0, 0.0, _BSPLINE3, _FILTER3),
    "lanczos3": lambda _: _lanczos(3),
    "lanczos5": lambda _: _lanczos(5),
    "sinc": _sinc,
}

#: The names of all interpolants.
INTERPOLANTS = tuple(_MAKERS)


@cache
def interpolant(name: str, sinscl: float = 1.0) -> Interpolant:
    """Return the interpolant called `name`, one of `INTERPOLANTS`.

    Parameters
    ----------
    name : str
    sinscl : float
        Scale of ``sinc``; the others have none.
    """
    return _MAKERS[name](float(sinscl))
