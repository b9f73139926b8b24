"""Two chips at the same places of the sky: what differences of their blocks say of both."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from typing import Self

import numpy as np

from .blocks import Binned

#: Degree of the polynomials that lead from the common grid back to blocks: exact to a part of a
#: block is enough.
_DEGREE = 5
#: So many blocks along an axis are enough to find these.
_FITTED = 24
#: Differences of fewer blocks say nothing.
_FEWEST = 3
#: Interpolated blocks are wrong by this part of the second differences there.
_BEND = 0.25
#: Variance of the second differences of noise, in that of a block, over both axes.
_BEND_OF_NOISE = 12.0
#: Weights fall to a half at so many standard deviations (Cauchy's).
_HALF = 2.0
#: Differences have at least this width, in their errors.
_LEAST_WIDTH = 0.3
_NORMAL = 1.4826
_SETTLED = 1e-3
_ROUNDS = 30


@dataclass(frozen=True)
class PlacedBlocks:
    """Blocks of a chip and where they are on the common grid.

    Attributes
    ----------
    values, variances : ndarray, shape (rows, columns)
        In the common unit; NaN where nothing is known.
    bends : ndarray, shape (rows, columns)
        Variance of what lies between blocks, as they do not follow straight lines there.
    common : ndarray, shape (2, n)
        Middles of the blocks on the common grid, x and y.
    places : ndarray, shape (2, n)
        The same on the chip, x and y from its middle in parts of half its longer side.
    back : ndarray, shape (terms, 2)
        Coefficients of the polynomials from the common grid to columns and rows of blocks.
    scale : ndarray, shape (2, 2)
        Middle and half width of `common`, for those.
    reach : ndarray, shape (2,)
        Half width with the outer halves of the blocks.
    spread : float
        From columns and rows of blocks to `places`.
    """

    values: np.ndarray
    variances: np.ndarray
    bends: np.ndarray
    common: np.ndarray
    places: np.ndarray
    back: np.ndarray
    scale: np.ndarray
    reach: np.ndarray
    spread: float


@dataclass(frozen=True)
class Overlap:
    """What two chips say of each other.

    Attributes
    ----------
    chips : (int, int)
    difference, error : float
        First minus second, common unit.
    blocks : int
    normal, right : ndarray, shapes (2 k, 2 k) and (2 k,)
        Their part of the normal equations, for k terms of each chip: level, or level and slopes.
    """

    chips: tuple[int, int]
    difference: float
    error: float
    blocks: int
    normal: np.ndarray
    right: np.ndarray

    @property
    def turned(self) -> Self:
        """The same with the second chip first."""
        half = len(self.right) // 2
        swap = np.roll(np.arange(2 * half), half)
        normal = self.normal[np.ix_(swap, swap)]
        return replace(
            self,
            chips=self.chips[::-1],
            difference=-self.difference,
            normal=normal,
            right=self.right[swap],
        )

    def averaged(self, other: Self) -> Self:
        """The mean of two comparisons of the same chips."""
        return replace(
            self,
            difference=(self.difference + other.difference) / 2,
            error=(self.error + other.error) / 2,
            blocks=min(self.blocks, other.blocks),
            normal=(self.normal + other.normal) / 2,
            right=(self.right + other.right) / 2,
        )


def place_blocks(
    chip: Binned,
    to_common: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
    factor: float,
) -> PlacedBlocks:
    """Put the blocks of a chip on the common grid, in the common unit."""
    rows, columns = chip.values.shape
    j, i = (each.ravel() for each in np.indices((rows, columns)))
    common = np.array(to_common(chip.x[i], chip.y[j]), float)
    values = factor * np.where(
        np.isfinite(common).all(axis=0).reshape(rows, columns), chip.values, np.nan
    )
    variances = (factor * chip.errors) ** 2
    somewhere = np.isfinite(common).all(axis=0)
    low, high = (
        end(common[:, somewhere], axis=1) if somewhere.any() else np.zeros(2)
        for end in (np.min, np.max)
    )
    scale = np.stack([(low + high) / 2, np.maximum((high - low) / 2, 1e-9)])
    spaced = (j % max(1, rows // _FITTED) == 0) & (i % max(1, columns // _FITTED) == 0)
    some = somewhere & spaced if (somewhere & spaced).any() else somewhere
    terms = _terms(common[:, some], scale, max(1, min(_DEGREE, columns - 1, rows - 1)))
    back = np.linalg.lstsq(terms, np.stack([i, j], axis=1)[some], rcond=None)[0]
    half = max(chip.shape) / 2
    middle = ((chip.shape[1] - 1) / 2, (chip.shape[0] - 1) / 2)
    places = np.stack([chip.x[i] - middle[0], chip.y[j] - middle[1]]) / half
    reach = scale[1] * (1 + 1.5 / max(1, min(rows, columns) - 1))
    bends = _bends(values, variances)
    return PlacedBlocks(
        values, variances, bends, common, places, back, scale, reach, chip.block / half
    )


def _terms(common: np.ndarray, scale: np.ndarray, degree: int) -> np.ndarray:
    """Terms of a polynomial at positions, (n, terms)."""
    across, up = (common - scale[0][:, None]) / scale[1][:, None]
    powers = [np.vander(each, degree + 1, increasing=True) for each in (across, up)]
    return np.stack(
        [
            powers[0][:, p] * powers[1][:, q]
            for p in range(degree + 1)
            for q in range(degree + 1 - p)
        ],
        axis=1,
    )


def _degree_of(terms: int) -> int:
    """The degree of a polynomial with so many terms in two variables."""
    return int((np.sqrt(8 * terms + 1) - 3) / 2 + 0.5)


def _bends(values: np.ndarray, variances: np.ndarray) -> np.ndarray:
    """Variance of what bilinear interpolation leaves out: stars and the middles of galaxies."""
    total = np.zeros(values.shape)
    for axis in (0, 1):
        if values.shape[axis] > 2:
            inner = np.abs(np.diff(values, 2, axis=axis))
            ends = [(1, 1) if k == axis else (0, 0) for k in (0, 1)]
            total += np.pad(np.nan_to_num(inner), ends, mode="edge")
    return _BEND**2 * np.maximum(total**2 - _BEND_OF_NOISE * np.nan_to_num(variances), 0.0)


def overlap_of(
    chips: tuple[int, int], first: PlacedBlocks, second: PlacedBlocks, planes: bool
) -> Overlap | None:
    """Return what two chips say of each other, None if they do not overlap.

    The blocks of each are compared with what the other has there between its blocks: a gradient of
    the sky does not matter, however the blocks lie.
    """
    there = _compared(chips, first, second, planes)
    back = _compared(chips[::-1], second, first, planes)
    if there is None or back is None:  # of a chip of which little is good one way may be left
        return there or (back and back.turned)
    return there.averaged(back.turned)


def _compared(
    chips: tuple[int, int], first: PlacedBlocks, second: PlacedBlocks, planes: bool
) -> Overlap | None:
    """What the blocks of a chip say against what another has there; None if that is nothing."""
    away = np.abs(first.common - second.scale[0][:, None])
    near = (away < second.reach[:, None]).all(axis=0)
    near = np.flatnonzero(near & np.isfinite(first.values.ravel()))
    if len(near) < _FEWEST:
        return None
    terms = _terms(first.common[:, near], second.scale, _degree_of(len(second.back)))
    column, row = (terms @ second.back).T
    values, variances, bends = _interpolated(second, column, row)
    known = np.isfinite(values)
    if np.count_nonzero(known) < _FEWEST:
        return None
    near = near[known]
    difference = first.values.ravel()[near] - values[known]
    variance = (
        first.variances.ravel()[near] + variances[known] + first.bends.ravel()[near] + bends[known]
    )
    own = _design(first.places[:, near], planes)
    other = _design(_places(second, column[known], row[known]), planes)
    weights = _robust_weights(own, difference, variance)
    signed = np.concatenate([own, -other], axis=1)
    total = float(weights.sum())
    mean = float(weights @ difference) / total
    error = float(np.sqrt(weights**2 @ variance)) / total
    scale = 1.0 / (error**2 * total)  # weights as if their sum were that of the mean's error
    normal = scale * (signed * weights[:, None]).T @ signed
    return Overlap(chips, mean, error, len(near), normal, scale * signed.T @ (weights * difference))


def _design(places: np.ndarray, planes: bool) -> np.ndarray:
    """What a level adds at places, and slopes if there are some, (n, terms)."""
    level = np.ones((1, places.shape[1]))
    return np.concatenate([level, places]).T if planes else level.T


def _interpolated(
    blocks: PlacedBlocks, column: np.ndarray, row: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Values, variances and bends between blocks, and half a block beyond; NaN farther out.

    Neighbours share blocks, so that their variance is not less than that of one block.
    """
    shape = blocks.values.shape
    inside = (column >= -0.5) & (column <= shape[1] - 0.5) & (row >= -0.5) & (row <= shape[0] - 0.5)
    i = np.clip(np.floor(np.where(inside, column, 0)).astype(int), 0, max(shape[1] - 2, 0))
    j = np.clip(np.floor(np.where(inside, row, 0)).astype(int), 0, max(shape[0] - 2, 0))
    s = column - i if shape[1] > 1 else np.zeros(len(column))
    t = row - j if shape[0] > 1 else np.zeros(len(row))
    values = np.zeros(len(column))
    squares = np.zeros(len(column))
    variances = np.zeros(len(column))
    bends = np.zeros(len(column))
    for dj, di in product((0, 1), repeat=2):
        weight = (s if di else 1 - s) * (t if dj else 1 - t)
        at = (np.minimum(j + dj, shape[0] - 1), np.minimum(i + di, shape[1] - 1))
        values += weight * np.where(weight == 0, 0.0, blocks.values[at])
        squares += weight**2
        variances += np.nan_to_num(blocks.variances[at]) / 4
        bends = np.maximum(bends, blocks.bends[at])
    return np.where(inside, values, np.nan), variances * np.maximum(squares, 1.0), bends


def _places(blocks: PlacedBlocks, column: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Positions on a chip as its `places` are, (2, n)."""
    return blocks.places[:, :1] + blocks.spread * np.stack([column, row])


def _robust_weights(design: np.ndarray, values: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Weights for least squares, less for outliers; in units of the inverse variance."""
    errors = np.sqrt(variance)
    away = (values - np.median(values)) / errors
    weights = np.ones(len(values))
    before = np.full(design.shape[1], np.inf)
    for _ in range(_ROUNDS):
        width = max(_LEAST_WIDTH, _NORMAL * float(np.median(np.abs(away))))
        weights = 1.0 / (1.0 + (away / (_HALF * width)) ** 2)
        weighted = design * (weights / variance)[:, None]
        fit = np.linalg.pinv(weighted.T @ design, rcond=1e-8, hermitian=True) @ (
            weighted.T @ values
        )
        away = (values - design @ fit) / errors
        if np.abs(fit - before).max() < _SETTLED * float(np.median(errors)):
            break
        before = fit
    return weights / variance
