"""Parts of a run, which are commands of their own too: chips with their sky, a stack, a mosaic."""

from collections.abc import Generator, Sequence
from contextlib import ExitStack
from typing import NamedTuple

from .chips import Chip, Wanted, placed_chips
from .matching import Surveyed
from .others import parts_of
from .plan import CleanPlan
from .stack import Stack, fill_stack, tile_for, tiles_of
from .storage import Storage


class Stage(NamedTuple):
    """What a run does now, and how far it is."""

    name: str
    done: int
    total: int


def survey(
    wanted: Wanted, files: ExitStack, sky: str, threads: int
) -> Generator[Stage, None, list[Chip]]:
    """Open exposures, which stay open as long as `files`, and measure their sky and noise."""
    placed = placed_chips(wanted, files)
    surveyed = Surveyed(placed)
    for done, _ in enumerate(surveyed.survey(threads), 1):
        yield Stage("reading", done, len(placed))
    return surveyed.matched(wanted.frame, sky)


def stack_of(plan: CleanPlan, chips: Sequence[Chip], storage: Storage) -> Stack:
    """Return the stack of all chips of a run, to be filled, with the parts that judging takes."""
    shape = plan.frame.shape
    parts = parts_of(chips, shape, plan.layer_bytes, storage) if plan.by_others else None
    return Stack.empty(shape, plan.exposures, parts, storage)


def tiled(stack: Stack, chips: Sequence[Chip], threads: int) -> Generator[Stage]:
    """Fill a stack."""
    total = len(tiles_of(stack.data.shape, tile_for(chips)))
    for done, _ in enumerate(fill_stack(stack, chips, threads), 1):
        yield Stage("stacking", done, total)
