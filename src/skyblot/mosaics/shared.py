"""A run that several processes work on: what they share, and the tasks that it consists of.

They share a folder. There are the planes of the mosaic, of which each process fills some rows, and
the results of tasks: through the scheduler go only names.
"""

import pickle
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ..bounds import Bounds
from ..io.atomic import file_identity, remove_leftovers
from ..resampling.bits import Bits
from ..resampling.drizzle import Mosaic
from ..runs.work import Failure
from ..steps.base import Resources, Task
from ..steps.mask_record import RejectResult
from .chips import Chip, open_chips
from .drizzle import Drizzler, Dropping
from .frame import Frame
from .judging import judge_of, mosaics_for, write_masks_of
from .layers import REACH
from .matching import Measured, measure
from .parts import stack_of
from .plan import CleanPlan
from .stack import fill_stack, tile_for, tiles_of
from .storage import Storage

#: Mosaic pixels around a chip that it takes to blot onto it.
_AROUND = 64


@dataclass(frozen=True)
class Desk:
    """What all tasks of a run find.

    Attributes
    ----------
    plan : CleanPlan
    key : str
        Stands for all that makes the products.
    folder : Path
        Which the processes share.
    chips : tuple of Chip
        All of them, closed.
    """

    plan: CleanPlan
    key: str
    folder: Path
    chips: tuple[Chip, ...] = ()

    def with_chips(self, chips: Sequence[Chip]) -> "Desk":
        """Return the desk with these chips; what was rejected of them is kept in the folder."""
        for place, chip in enumerate(chips):
            if chip.rejected is not None:
                self._rejected(place).write_bytes(pickle.dumps(chip.rejected))
        return replace(self, chips=tuple(closed(chip) for chip in chips))

    def open(self, place: int, files: ExitStack, *, masked: bool = False) -> Chip:
        """Open the chip in a place, as long as `files`; without what was rejected, if `masked`."""
        chip = self.chips[place]
        step = self.plan.step
        [fresh] = open_chips([self.plan.images[place]], files, step.recipe, step.planes)
        frame = self.plan.frame
        fresh = replace(fresh, exposure=chip.exposure, sky=chip.sky, line=chip.line)
        moved = chip.shift != (0.0, 0.0)
        placed = (
            fresh.moved(chip.shift, frame, step.recipe)
            if moved
            else fresh.placed(frame, step.recipe)
        )
        rejected: Bits | None = None
        if masked:
            rejected = pickle.loads(self._rejected(place).read_bytes())
        return replace(placed, rejected=rejected)

    def chips_on(self, bounds: Bounds, files: ExitStack) -> list[Chip]:
        """Return all chips, those that touch a part of the mosaic open as long as `files`."""
        return [
            self.open(place, files) if chip.box.overlap(bounds).area else chip
            for place, chip in enumerate(self.chips)
        ]

    def exposure_of(self, place: int, files: ExitStack) -> list[Chip]:
        """Return all chips of the exposure of one, open as long as `files` where they are near."""
        own = self.chips[place]
        around = own.box.grown(_AROUND)
        return [
            self.open(other, files) if other == place or chip.box.overlap(around).area else chip
            for other, chip in enumerate(self.chips)
            if chip.exposure == own.exposure
        ]

    @property
    def planes(self) -> Storage:
        """Where the planes of the mosaic are, which others fill too."""
        return Storage(self.folder, shared=False)

    def _rejected(self, place: int) -> Path:
        return self.folder / f"rejected-{place}"


def closed(chip: Chip) -> Chip:
    """Return what other processes have to know of a chip."""
    nothing: Any = None
    return replace(
        chip,
        image=nothing,
        wcs=nothing,
        usable=nothing,
        inverse=nothing,
        forward=nothing,
        rejected=nothing,
        reading=nothing,
    )


class SharedTask(Protocol):
    """Something that any of the processes does, with the desk of the run."""

    @property
    def subject(self) -> str:
        """What it is done with, for messages."""

    def work(self, desk: Desk, threads: int) -> Any:
        """Do it, and return what was found."""


@dataclass(frozen=True)
class MeasureChip:
    """Measure the sky and the noise of a chip."""

    place: int
    subject: str

    def work(self, desk: Desk, threads: int) -> Measured:
        """Return what was measured."""
        with ExitStack() as files:
            return measure(desk.open(self.place, files))


@dataclass(frozen=True)
class StackRows:
    """Stack the exposures in some rows of the mosaic."""

    rows: Bounds

    @property
    def subject(self) -> str:
        """The rows."""
        return _rows_text(self.rows)

    def work(self, desk: Desk, threads: int) -> None:
        """Fill these rows of the stack's planes."""
        planes = desk.planes
        with ExitStack() as files:
            chips = desk.chips_on(self.rows.grown(REACH + 1), files)
            stack = stack_of(desk.plan, chips, planes)
            tiles = [
                tile.shifted(*self.rows.origin)
                for tile in tiles_of(self.rows.shape, tile_for(chips))
            ]
            for _ in fill_stack(stack, chips, threads, tiles):
                pass
        planes.save(self.rows.y0, self.rows.y1)


@dataclass(frozen=True)
class JudgeChip:
    """Compare a chip with the others."""

    place: int
    last: bool
    subject: str

    def work(self, desk: Desk, threads: int) -> tuple[Any, Any]:
        """Return what was found, and where on the mosaic bad pixels lie."""
        with ExitStack() as files:
            mine = desk.exposure_of(self.place, files)
            where = desk.plan.images[self.place]
            stack = stack_of(desk.plan, desk.chips, desk.planes)
            judge = judge_of(desk.plan, desk.key, threads)
            cover, pixels = mosaics_for(judge, stack, mine)
            chip = next(chip for chip in mine if chip.where == where)
            [judged] = judge.judge([chip], cover, pixels, last=self.last)
        return judged.result, judged.deviations


@dataclass(frozen=True)
class WriteMasks:
    """Write the masks of an exposure, and its copies.

    Attributes
    ----------
    places : tuple of int
        Its chips.
    results : Path
        Where what was found of them is.
    """

    places: tuple[int, ...]
    results: Path
    subject: str

    def work(self, desk: Desk, threads: int) -> Failure | None:
        """Return why where it fails."""
        tasks = [desk.plan.work.tasks[place] for place in self.places]
        results = [
            _here(result, task)
            for result, task in zip(pickle.loads(self.results.read_bytes()), tasks, strict=True)
        ]
        with ExitStack() as files:
            chips = [desk.open(place, files) for place in self.places]
            overwrite = desk.plan.options.replaces or self._begun(desk)
            resources = Resources(threads, overwrite=overwrite)
            return write_masks_of(desk.plan.step, chips, results, resources)

    def _begun(self, desk: Desk) -> bool:
        """Whether a worker has begun with it, and died: what it left is removed and replaced."""
        begun = self.results.with_suffix(".begun")
        if begun.exists():
            remove_leftovers(desk.plan.folder)
            return True
        begun.touch()
        return False


@dataclass(frozen=True)
class DropRows:
    """Drop chips onto some rows of the mosaic."""

    rows: Bounds
    places: tuple[int, ...]
    how: Dropping

    @property
    def subject(self) -> str:
        """The rows."""
        return _rows_text(self.rows)

    def work(self, desk: Desk, threads: int) -> None:
        """Fill these rows of the mosaic's planes."""
        planes = desk.planes
        frame = desk.plan.frame
        with ExitStack() as files:
            chips = [
                desk.open(place, files, masked=True)
                for place in self.places
                if desk.chips[place].box.overlap(self.rows).area
            ]
            drizzler = Drizzler(frame, self.how, threads, rows=self.rows)
            for _ in drizzler.drop(chips):
                pass
        found = drizzler.result().pixels
        mosaic = planes_of(frame, self.how, planes)
        rows = slice(self.rows.y0, self.rows.y1)
        mosaic.sci[rows] = found.sci
        mosaic.wht[rows] = found.wht
        mosaic.ctx[:, rows] = found.ctx
        for whole, part in zip(mosaic.err, found.err, strict=True):
            whole[rows] = part
        planes.save(self.rows.y0, self.rows.y1)


def planes_of(frame: Frame, how: Dropping, storage: Storage) -> Mosaic:
    """Return the planes of a mosaic."""
    errors = [storage.zeros("err", frame.shape, np.float32)] if how.with_errors else []
    contexts = (how.context_planes, *frame.shape)
    return Mosaic(
        storage.zeros("sci", frame.shape, np.float32),
        storage.zeros("wht", frame.shape, np.float32),
        storage.zeros("ctx", contexts, np.uint32),
        tuple(errors),
    )


def _here(result: RejectResult, task: Task) -> RejectResult:
    """A result of another machine, with the names that its files have here.

    What tells a file from another one there is not that of here: but for size and time of change.
    """
    assert result.bad is not None
    bad = replace(result.bad, where=task.where)
    if bad.state is not None and file_identity(task.where.path) == tuple(bad.state[:2]):
        bad = replace(bad, state=None)
    return replace(result.named(task), bad=bad)


def _rows_text(rows: Bounds) -> str:
    return f"rows {rows.y0} to {rows.y1 - 1} of the mosaic"
