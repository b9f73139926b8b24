"""Parts of a run, which are commands of their own too: chips with their sky, a stack, a mosaic."""

from collections.abc import Generator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import NamedTuple

from ..io.names import ImageName
from ..parameters.table import Recipe
from ..steps.compare import Planes
from .chips import Chip, open_chips
from .frame import Frame
from .matching import Surveyed
from .stack import Stack, fill_stack, tile_for, tiles_of


class Stage(NamedTuple):
    """What a run does now, and how far it is."""

    name: str
    done: int
    total: int


@dataclass(frozen=True)
class Wanted:
    """Exposures, and the mosaic that is to be made of them.

    Attributes
    ----------
    images : sequence of ImageName
    frame : Frame
    recipe : Recipe
    planes : Planes
    """

    images: Sequence[ImageName]
    frame: Frame
    recipe: Recipe
    planes: Planes


def survey(
    wanted: Wanted, files: ExitStack, sky: str, threads: int
) -> Generator[Stage, None, list[Chip]]:
    """Open exposures, which stay open as long as `files`, and measure their sky and noise."""
    chips = open_chips(wanted.images, files, wanted.recipe, wanted.planes)
    placed = [chip.placed(wanted.frame, wanted.recipe) for chip in chips]
    surveyed = Surveyed(placed)
    for done, _ in enumerate(surveyed.survey(threads), 1):
        yield Stage("reading", done, len(placed))
    return surveyed.matched(wanted.frame, sky)


def tiled(stack: Stack, chips: Sequence[Chip], threads: int) -> Generator[Stage]:
    """Fill a stack."""
    total = len(tiles_of(stack.data.shape, tile_for(chips)))
    for done, _ in enumerate(fill_stack(stack, chips, threads), 1):
        yield Stage("stacking", done, total)
