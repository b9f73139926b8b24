"""The interpolants: this file alone says which there are, and what each of them is.

It imports numpy when an interpolant is made, so that options and help can be made of the names
without it.
"""

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .weights import Interpolant


def _nearest(_: float) -> "Interpolant":
    """The pixel that is nearest."""
    import numpy as np

    from .weights import Interpolant

    return Interpolant("nearest", 1, 0, 0.5, 0.0, np.ones((1, 1)))


def _linear(_: float) -> "Interpolant":
    """The straight line between two pixels."""
    return _polynomial("linear", 2)


def _poly3(_: float) -> "Interpolant":
    """The cubic through four pixels."""
    return _polynomial("poly3", 4)


def _poly5(_: float) -> "Interpolant":
    """The polynomial of degree 5 through six pixels."""
    return _polynomial("poly5", 6)


def _polynomial(name: str, taps: int) -> "Interpolant":
    from .weights import Interpolant, lagrange

    return Interpolant(name, taps, 1 - taps // 2, 0.0, 0.0, lagrange(taps))


def _spline3(_: float) -> "Interpolant":
    """Cubic B-splines through the data (Unser 1999).

    The filter that makes their coefficients has the weights ``sqrt(3) z**abs(n)``, ``z = sqrt(3) -
    2``: below 1e-13 after 24 pixels, and below 1e-5 beyond 10 pixels from the four taps.
    """
    import numpy as np

    from .weights import Interpolant, Prefilter

    root = np.sqrt(3)
    prefilter = Prefilter(3, margin=24, reach=10, weights=lambda n: root * (root - 2) ** np.abs(n))
    table = np.array([[1, 4, 1, 0], [-3, 0, 3, 0], [3, -6, 3, 0], [-1, 3, -3, 1]]) / 6.0
    return Interpolant("spline3", 4, -1, 0.0, 0.0, table, prefilter)


def _lanczos3(_: float) -> "Interpolant":
    """Sinc with a window of three pixels."""
    return _lanczos(3)


def _lanczos5(_: float) -> "Interpolant":
    """Sinc with a window of five pixels."""
    return _lanczos(5)


def _lanczos(order: int) -> "Interpolant":
    """``sinc(t) sinc(t / order)``, normalised so that a constant stays a constant."""
    import numpy as np

    from .weights import Interpolant, fitted

    nodes = np.arange(1 - order, order + 1)[:, None]

    def weight(s: "np.ndarray") -> "np.ndarray":
        t = nodes - (s + 0.5)
        return np.sinc(t) * np.sinc(t / order)

    return Interpolant(f"lanczos{order}", 2 * order, 1 - order, 0.0, 0.5, fitted(weight, -0.5, 0.5))


def _sinc(sinscl: float) -> "Interpolant":
    """Tapered sinc: ``sinc((j - s) / sinscl) cos^2(pi j / 14)``, j = -7 ... 7.

    It is taken about the nearest pixel.

    The taper is zero at j = -7 and 7, so 13 taps are read.
    """
    import numpy as np

    from .weights import Interpolant, fitted

    nodes = np.arange(-6, 7)[:, None]
    taper = np.cos(np.pi * nodes / 14) ** 2

    def weight(s: "np.ndarray") -> "np.ndarray":
        return np.sinc((nodes - s) / sinscl) * taper

    return Interpolant("sinc", 13, -6, 0.5, 0.0, fitted(weight, -0.5, 0.5))


#: All interpolants by their names, from the cheapest to the most expensive: what makes each of the
#: scale `sinscl`.
INTERPOLANTS: dict[str, Callable[[float], "Interpolant"]] = {
    "nearest": _nearest,
    "linear": _linear,
    "poly3": _poly3,
    "poly5": _poly5,
    "spline3": _spline3,
    "lanczos3": _lanczos3,
    "lanczos5": _lanczos5,
    "sinc": _sinc,
}


@cache
def interpolant(name: str, sinscl: float = 1.0) -> "Interpolant":
    """Return the interpolant called `name`, one of `INTERPOLANTS`.

    Parameters
    ----------
    name : str
    sinscl : float
        Scale of ``sinc``; the others have none.
    """
    return INTERPOLANTS[name](float(sinscl))
