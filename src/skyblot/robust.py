"""Statistics that outliers do not disturb."""

from dataclasses import dataclass

import numpy as np

#: The standard deviation of normal numbers over the median of their distances from the middle.
NORMAL = 1.4826
#: Residuals are never taken for smaller than this part of their errors: data without noise have no
#: width.
_LEAST_WIDTH = 0.1
#: Where values are spread wider, in their errors, no fit means anything, and squares overflow.
_WIDEST = 1e100
#: Coefficients that change by less have settled.
_SETTLED = 1e-5
_ROUNDS = 20


def spread_about(values: np.ndarray, middle: float) -> float:
    """Return the standard deviation about a middle, from the median distance to it."""
    return NORMAL * float(np.median(np.abs(values - middle)))


def clipped_median(values: np.ndarray) -> float:
    """Return the median of the values within 3 sigma of it, until none is left out any more.

    Examples
    --------
    >>> clipped_median(np.array([1.0, 2.0, 3.0, 4.0, 1000.0]))
    2.5
    """
    kept = values
    for _ in range(_ROUNDS):
        middle = np.median(kept)
        spread = spread_about(kept, middle)
        within = kept[np.abs(kept - middle) <= 3 * spread]
        if len(within) in (0, len(kept)):
            break
        kept = within
    return float(np.median(kept))


@dataclass(frozen=True)
class Fit:
    """Coefficients of a robust fit, their covariance, and the final weights of its rows."""

    coefficients: np.ndarray
    weights: np.ndarray
    covariance: np.ndarray


def robust_fit(
    design: np.ndarray, values: np.ndarray, weights: np.ndarray | None = None, rounds: int = _ROUNDS
) -> Fit | None:
    """Fit by least squares with weights that fall with distance (Cauchy's), for outliers.

    Parameters
    ----------
    design : ndarray, shape (n, k)
    values : ndarray, shape (n,)
        Both in units of their errors.
    weights : ndarray, shape (n,), optional
        To begin with.
    rounds : int
        How often the weights are made again, at most.

    Returns
    -------
    Fit or None
        None where the terms cannot be told from each other.
    """
    weights = np.ones(len(values)) if weights is None else weights
    before = np.full(design.shape[1], np.inf)
    scale = np.sqrt((design**2).mean(axis=0))  # columns may differ by orders of magnitude
    if not (scale > 0).all():
        return None
    columns = design / scale
    for _ in range(rounds):
        normal = (columns * weights[:, None]).T @ columns
        if not np.linalg.cond(normal) < 1e10:
            return None
        coefficients = np.linalg.solve(normal, (columns * weights[:, None]).T @ values)
        away = values - columns @ coefficients
        width = max(_LEAST_WIDTH, spread_about(away, 0.0))
        if not width < _WIDEST:
            return None
        weights = 1.0 / (1.0 + (away / (2.0 * width)) ** 2)
        if np.abs(coefficients - before).max() < _SETTLED:
            break
        before = coefficients
    covariance = np.linalg.inv(normal) * width**2 / np.outer(scale, scale)
    return Fit(coefficients / scale, weights, covariance)
