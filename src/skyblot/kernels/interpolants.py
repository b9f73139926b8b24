"""Interpolants: a name, a number of taps, and each tap's weight as a polynomial of the fractional offset.

A blot pixel at source position ``x`` uses the taps ``first ... first + taps - 1`` around ``base``,
``base = floor(x + shift)``, with weights ``sum_p table[p, tap] * s**p``, ``s = x - base - centre``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from .separable import lanes_for

#: The largest error of a weight that is fitted by a polynomial.
FIT_ERROR = 1e-7


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
    own : (int, int), optional
        The weights are to be squared, for variances: NaN spreads by the taps from the first to the last of these.
    """

    name: str
    taps: int
    first: int
    shift: float
    centre: float
    table: np.ndarray
    own: tuple[int, int] | None = None

    @property
    def margin(self) -> int:
        """Source pixels touched on each side of a position, at most."""
        return max(-self.first, self.first + self.taps - 1) + 1

    @property
    def weights_dtype(self) -> type:
        """float32, but where the powers are so large that it would cost accuracy, and for variances, often tiny."""
        return np.float64 if self.own is not None or np.abs(self.table).sum(axis=0).max() > 30 else np.float32

    def padded(self, dtype: np.dtype) -> np.ndarray:
        """Return the coefficient table in `dtype`, zero-padded to the vector width."""
        padded = np.zeros((len(self.table), lanes_for(self.taps)), dtype)
        padded[:, : self.taps] = self.table
        return padded


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


@cache
def _sinc(sinscl: float) -> Interpolant:
    """Tapered sinc about the nearest pixel: ``sinc((j - s) / sinscl) cos^2(pi j / 14)``, j = -7 ... 7.

    The taper is zero at j = -7 and 7, so 13 taps are read.
    """
    nodes = np.arange(-6, 7)[:, None]
    taper = np.cos(np.pi * nodes / 14) ** 2

    def weight(s: np.ndarray) -> np.ndarray:
        return np.sinc((nodes - s) / sinscl) * taper

    return Interpolant("sinc", 13, -6, 0.5, 0.0, _fitted(weight, -0.5, 0.5))


def _polynomial(name: str, taps: int, table: np.ndarray) -> Interpolant:
    return Interpolant(name, taps, 1 - taps // 2, 0.0, 0.0, table)


#: Cubic B-spline: the weights of four coefficients (Unser 1999), powers of s down, taps across.
_BSPLINE3 = np.array([[1, 4, 1, 0], [-3, 0, 3, 0], [3, -6, 3, 0], [-1, 3, -3, 1]]) / 6.0

#: Taps to each side of the spline's four that its filter reaches, for variances: beyond, weights are below 1e-5.
_FILTER_REACH = 10

_MAKERS: dict[str, Callable[[], Interpolant]] = {
    "nearest": lambda: Interpolant("nearest", 1, 0, 0.5, 0.0, np.ones((1, 1))),
    "linear": lambda: _polynomial("linear", 2, _lagrange(2)),
    "poly3": lambda: _polynomial("poly3", 4, _lagrange(4)),
    "poly5": lambda: _polynomial("poly5", 6, _lagrange(6)),
    "spline3": lambda: _polynomial("spline3", 4, _BSPLINE3),
    "lanczos3": lambda: _lanczos(3),
    "lanczos5": lambda: _lanczos(5),
}


@cache
def interpolant(name: str, sinscl: float = 1.0) -> Interpolant:
    """Return the interpolant called `name`, a valid name; `sinscl` is the scale of ``sinc``."""
    return _sinc(float(sinscl)) if name == "sinc" else _MAKERS[name]()


def of_variances(how: Interpolant) -> Interpolant:
    """Return the interpolant whose squared weights carry variances of pixels where `how` carries their values.

    The spline's own taps weigh coefficients, each of which is a sum over pixels: the filter that makes them has the
    weights ``sqrt(3) z**abs(n)``, ``z = sqrt(3) - 2`` (Unser 1999).
    """
    if how.name != "spline3":
        return replace(how, name=f"variances, {how.name}", own=(0, how.taps))
    reach = _FILTER_REACH
    steps = np.arange(how.taps + 2 * reach)[None, :] - (np.arange(how.taps) + reach)[:, None]
    table = how.table @ (np.sqrt(3) * (np.sqrt(3) - 2) ** np.abs(steps))
    first, own = how.first - reach, (reach, reach + how.taps)
    return replace(how, name="variances, spline3", taps=table.shape[1], first=first, table=table, own=own)
