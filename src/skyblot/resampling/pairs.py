"""Which chips are compared with which: enough for their levels, and to connect them."""

from collections.abc import Sequence

import numpy as np

from .overlaps import Overlap, PlacedBlocks, overlap_of

#: A chip that overlaps no more others than this is compared with all of them.
_FEW = 16


def compare_all(
    placed: Sequence[PlacedBlocks], planes: bool
) -> tuple[list[Overlap], tuple[tuple[int, ...], ...]]:
    """Compare chips that overlap.

    Of many chips at one place each is compared with some: the noise of a level is that of its own
    chip, and of the others' mean; the more pairs there are, the less new they say.

    Returns
    -------
    overlaps : list of Overlap
        In the order of their chips.
    groups : tuple of tuple of int
        Chips that overlaps connect, whether they were looked at or not.
    """
    areas = _shared_areas(placed)
    groups = _Groups(len(placed))
    found = {}
    chosen = _chosen(areas)
    for others_too in (False, True):
        for i, j in zip(*map(np.ndarray.tolist, np.nonzero(np.triu(areas, 1))), strict=True):
            wanted = (
                not groups.are_one(i, j) and (i, j) not in chosen
                if others_too
                else (i, j) in chosen
            )
            overlap = overlap_of((i, j), placed[i], placed[j], planes) if wanted else None
            if overlap is not None:
                found[i, j] = overlap
                groups.join(i, j)
    return [found[pair] for pair in sorted(found)], groups.members


def _shared_areas(placed: Sequence[PlacedBlocks]) -> np.ndarray:
    """Area that the bounds of chips share on the common grid, (n, n)."""
    middles = np.array([each.scale[0] for each in placed]).reshape(-1, 2)
    halves = np.array([each.reach for each in placed]).reshape(-1, 2)
    low = np.maximum((middles - halves)[:, None], middles - halves)
    high = np.minimum((middles + halves)[:, None], middles + halves)
    areas: np.ndarray = np.maximum(high - low, 0.0).prod(axis=2)
    return areas


def _chosen(areas: np.ndarray) -> set[tuple[int, int]]:
    """Pairs that are compared in any case.

    Of a chip's partners some share much with it, and some little.
    """
    chosen = set()
    for i in range(len(areas)):
        partners = np.flatnonzero(areas[i])
        partners = partners[partners != i]
        much = areas[i, partners] >= 0.5 * areas[i, partners].max(initial=0.0)
        for some in (partners[much], partners[~much]):
            chosen |= {(min(i, j), max(i, j)) for j in _steps_away(i, some, len(areas)).tolist()}
    return chosen


def _steps_away(chip: int, partners: np.ndarray, count: int) -> np.ndarray:
    """Of many partners, in a circle after a chip, those that are 1, 2, 4, 8, ... places away.

    So each is few steps from every other.
    """
    if len(partners) <= _FEW:
        return partners
    ahead = partners[np.argsort((partners - chip) % count)]
    return ahead[2 ** np.arange(int(np.log2(len(ahead))) + 1) - 1]


class _Groups:
    """Chips that are connected."""

    def __init__(self, count: int) -> None:
        self._leaders = list(range(count))

    def _leader(self, chip: int) -> int:
        while self._leaders[chip] != chip:
            chip = self._leaders[chip]
        return chip

    def are_one(self, one: int, other: int) -> bool:
        """Whether two chips are in one group."""
        return self._leader(one) == self._leader(other)

    def join(self, one: int, other: int) -> None:
        """Put the groups of two chips together."""
        low, high = sorted((self._leader(one), self._leader(other)))
        self._leaders[high] = low

    @property
    def members(self) -> tuple[tuple[int, ...], ...]:
        """The chips of each group, groups in the order of their first."""
        groups: dict[int, list[int]] = {}
        for chip in range(len(self._leaders)):
            groups.setdefault(self._leader(chip), []).append(chip)
        return tuple(map(tuple, groups.values()))
