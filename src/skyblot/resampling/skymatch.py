"""The sky of exposures: one level for each chip, such that all see the same where they overlap.

Arrays and pixel maps only. Differences of blocks at the same places of the sky give one robust
difference for each pair of chips; levels are the least-squares solution for all pairs.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import not_allowed, warn
from .blocks import Binned, sky_level
from .overlaps import Overlap, place_blocks
from .pairs import compare_all

#: How levels may be found.
METHODS = ("match", "plane", "local", "none")
#: Slopes want to be 0 with this part of the weight that their chip's overlaps have: combinations of
#: slopes of which these say next to nothing are left at that.
_FLAT = 1e-3
#: An eigenvalue below this part of the largest is 0, but for rounding.
_ZERO = 1e-12
#: The lowest sky is not that of a chip with fewer blocks than this part of what another has.
_ENOUGH = 0.25
#: Groups that are named in a warning.
_NAMED = 4

PositionMap = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class Pair:
    """What two chips that overlap say of each other.

    Attributes
    ----------
    first, second : int
        Which chips.
    difference, error : float
        First minus second, in the common unit, and its standard deviation.
    blocks : int
        From how many blocks.
    """

    first: int
    second: int
    difference: float
    error: float
    blocks: int


@dataclass(frozen=True)
class SkyLevels:
    """Levels of the sky.

    Attributes
    ----------
    levels, errors : ndarray, float64, shape (n,)
        What is to be subtracted from each chip, in its own unit, and the standard deviation against
        the other chips of its group. With slopes, the level in the middle of the chip.
    shared : ndarray, float64, shape (n,)
        The part of the level that is the same for all chips of a group, but for the unit: the
        lowest sky of them. Without it, the chip with the lowest sky has 0: as ``skymethod='match'``
        of AstroDrizzle and jwst.
    slopes : ndarray, float64, shape (n, 2)
        Change of the level with x and y, a pixel; zeros but for planes.
    middles : ndarray, float64, shape (n, 2)
        Where the slopes add nothing, x and y.
    groups : tuple of tuple of int
        Chips that are connected by overlaps; levels of different groups are not matched.
    pairs : tuple of Pair
    """

    levels: np.ndarray
    errors: np.ndarray
    shared: np.ndarray
    slopes: np.ndarray
    middles: np.ndarray
    groups: tuple[tuple[int, ...], ...]
    pairs: tuple[Pair, ...]

    def at(self, chip: int, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the sky of a chip at 0-based pixels, in its own unit."""
        dx = np.asarray(x) - self.middles[chip, 0]
        dy = np.asarray(y) - self.middles[chip, 1]
        sky: np.ndarray = self.levels[chip] + self.slopes[chip, 0] * dx + self.slopes[chip, 1] * dy
        return sky


def match_sky(
    binned: Sequence[Binned],
    to_common: Sequence[PositionMap],
    factors: Sequence[float] | None = None,
    method: str = "match",
    names: Sequence[str] | None = None,
    exposures: Sequence[int] | None = None,
) -> SkyLevels:
    """Find the sky of chips.

    Parameters
    ----------
    binned : sequence of Binned
        The chips, by `bin_chip`.
    to_common : sequence of callable
        For each chip, what takes its 0-based pixels (x, y; float64, 1-D) to those of the common
        grid.
    factors : sequence of float, optional
        What turns each chip's values into a unit that all share, such as counts per second and area
        of the sky: values times factor. By default 1.
    method : {"match", "plane", "local", "none"}
        ``match``: one level for each chip, of which the differences are those of the overlaps,
        above the lowest sky of all (AstroDrizzle's ``globalmin+match``). ``plane``: a slope in x
        and y beside. What the overlaps do not tell, such as a plane that all have in common, is 0
        in the mean. ``local``: the most common level of each chip. ``none``: zeros.
    names : sequence of str, optional
        What the chips are called in warnings.
    exposures : sequence of int, optional
        Which exposure each chip is of: two chips of one need no overlap to belong together.

    Returns
    -------
    SkyLevels

    Raises
    ------
    ParameterError
        For an unknown method, or a factor that is not above 0.

    Warns
    -----
    SkyblotWarning
        If chips are not connected by overlaps, or have no good pixels.
    """
    if method not in METHODS:
        raise not_allowed("method", method, f"one of {', '.join(METHODS)}")
    units = np.ones(len(binned)) if factors is None else np.asarray(factors, float)
    if len(units) != len(binned) or not (np.isfinite(units) & (units > 0)).all():
        raise not_allowed("factors", factors, f"{len(binned)} numbers above 0")
    names = [f"binned[{k}]" for k in range(len(binned))] if names is None else names
    if method == "none":
        return _unmatched(binned, np.zeros(len(binned)), np.zeros(len(binned)))
    if method == "local":
        found = np.array([sky_level(each.values, each.errors) for each in binned]).reshape(-1, 2)
        return _unmatched(binned, _known_levels(found[:, 0], names), found[:, 1])
    placed = [place_blocks(*each) for each in zip(binned, to_common, units, strict=True)]
    overlaps, groups = compare_all(placed, method == "plane")
    _say_if_apart(_joined(groups, exposures or range(len(binned))), names)
    return _solved(binned, units, overlaps, groups, names)


def _unmatched(binned: Sequence[Binned], levels: np.ndarray, errors: np.ndarray) -> SkyLevels:
    """Levels of chips by themselves."""
    count = len(binned)
    groups = tuple((k,) for k in range(count))
    return SkyLevels(
        levels, errors, levels.copy(), np.zeros((count, 2)), _middles(binned), groups, ()
    )


def _middles(binned: Sequence[Binned]) -> np.ndarray:
    """The middles of the chips, x and y."""
    return np.array(
        [((nx - 1) / 2, (ny - 1) / 2) for ny, nx in (each.shape for each in binned)]
    ).reshape(-1, 2)


def _known_levels(levels: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Levels with 0 for those that nobody knows, which is said."""
    for name, level in zip(names, levels, strict=True):
        if not math.isfinite(level):
            warn("no part of it has enough good pixels to tell its sky: 0 is taken", subject=name)
    return np.nan_to_num(levels)


def _joined(groups: Sequence[Sequence[int]], exposures: Sequence[int]) -> list[list[int]]:
    """Groups of which those with chips of the same exposure are one."""
    joined: list[tuple[set[int], list[int]]] = []
    for group in groups:
        mine = {exposures[k] for k in group}
        chips = list(group)
        for other in [each for each in joined if each[0] & mine]:
            joined.remove(other)
            mine |= other[0]
            chips = other[1] + chips
        joined.append((mine, chips))
    return [chips for _, chips in joined]


def _say_if_apart(groups: Sequence[Sequence[int]], names: Sequence[str]) -> None:
    if len(groups) > 1:
        members = [" with ".join(names[k] for k in group[:_NAMED]) for group in groups[:_NAMED]]
        listed = "; ".join(members) + ("; ..." if len(groups) > _NAMED else "")
        warn(
            f"no overlaps connect {len(groups)} groups of exposures, and each is matched by "
            f"itself: {listed}",
            subject="the sky",
        )


def _solved(
    binned: Sequence[Binned],
    units: np.ndarray,
    overlaps: Sequence[Overlap],
    groups: tuple[tuple[int, ...], ...],
    names: Sequence[str],
) -> SkyLevels:
    """Least squares for each group, and what the lowest sky in it is."""
    count = len(binned)
    relative = np.zeros((count, 3))
    errors = np.zeros(count)
    for group in groups:
        if len(group) > 1:
            chips = list(group)
            relative[chips], errors[chips] = _least_squares(chips, overlaps)
    middles = _middles(binned)
    halves = np.array([max(each.shape) / 2 for each in binned])
    slopes = relative[:, 1:] / halves[:, None]
    own = np.empty(count)
    for k, chip in enumerate(binned):
        values = units[k] * chip.values - _plane(chip, slopes[k], middles[k])
        own[k], _ = sky_level(values, units[k] * chip.errors)
    blocks = np.array([np.count_nonzero(np.isfinite(each.values)) for each in binned])
    shared = np.zeros(count)
    for group in groups:
        chips = list(group)
        shared[chips] = _lowest(own[chips] - relative[chips, 0], blocks[chips])
    shared = _known_levels(shared, names)
    pairs = tuple(Pair(*each.chips, each.difference, each.error, each.blocks) for each in overlaps)
    levels = (relative[:, 0] + shared) / units
    return SkyLevels(
        levels, errors / units, shared / units, slopes / units[:, None], middles, groups, pairs
    )


def _plane(chip: Binned, slopes: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """What slopes add to a chip's blocks."""
    plane: np.ndarray = slopes[0] * (chip.x - middle[0]) + slopes[1] * (chip.y - middle[1])[:, None]
    return plane


def _lowest(skies: np.ndarray, blocks: np.ndarray) -> float:
    """The lowest of the skies that chips have by themselves; NaN where none is known."""
    enough = (blocks > 0) & (blocks >= _ENOUGH * blocks.max())
    return float(skies[enough].min()) if enough.any() else math.nan


def _least_squares(
    chips: Sequence[int], overlaps: Sequence[Overlap]
) -> tuple[np.ndarray, np.ndarray]:
    """Level and slopes of the chips of a group, of which the mean is 0, and errors of levels.

    Slopes are per half side. A plane that all have in common changes no difference: their mean is
    0 as well, in which chips count by their overlaps.
    """
    place = {chip: k for k, chip in enumerate(chips)}
    terms = len(overlaps[0].right) // 2
    size = len(chips) * terms
    normal = np.zeros((size, size))
    right = np.zeros(size)
    for each in overlaps:
        if each.chips[0] in place:
            rows = np.concatenate([place[chip] * terms + np.arange(terms) for chip in each.chips])
            normal[np.ix_(rows, rows)] += each.normal
            right[rows] += each.right
    slopes = np.flatnonzero(np.arange(size) % terms)
    if len(slopes):
        normal[slopes, slopes] *= 1 + _FLAT
    inverse = np.linalg.pinv(normal, rcond=_ZERO, hermitian=True)
    solution = np.zeros((len(chips), 3))
    solution[:, :terms] = (inverse @ right).reshape(-1, terms)
    return solution, np.sqrt(np.diag(inverse).reshape(-1, terms)[:, 0])
