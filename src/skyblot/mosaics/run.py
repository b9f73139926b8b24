"""From exposures to masks and a mosaic: the stages of a run, in their order."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ..errors import memory_errors_told
from ..io.atomic import make_folder, scratch_folder
from ..runs.work import Failure
from ..steps.mask_record import RejectResult
from .chips import Chip, by_exposure
from .common import Deviations, spared_pixels
from .drizzle import Drizzled, Drizzler, Dropping
from .files import write_drizzled, write_objects, write_stack, write_tables, written_of
from .judging import (
    JudgedChip,
    judge_of,
    mosaics_for,
    rejected_bits,
    with_final_picture,
    with_waiting_picture,
    without,
    write_masks_of,
)
from .parts import Stage, stack_of, survey, tiled
from .plan import CleanPlan
from .products import ChipRow, chip_rows, kept_results, read_rows
from .stack import Stack
from .storage import IN_MEMORY, Storage


class Finished(NamedTuple):
    """The end of a run.

    Attributes
    ----------
    rows : tuple of ChipRow
        What was found of each chip.
    kept : bool
        All was there already.
    """

    rows: tuple[ChipRow, ...]
    kept: bool = False


Event = Stage | RejectResult | Failure | Finished


def clean(plan: CleanPlan) -> Iterator[Event]:
    """Do what a plan says: yield stages as they go on, then masks that are written, and the end.

    Raises
    ------
    SkyblotError
        If nothing can be made.
    """
    with memory_errors_told(), ExitStack() as stack:
        yield from Run(plan, stack).events()


class Run:
    """A run in progress."""

    def __init__(self, plan: CleanPlan, stack: ExitStack) -> None:
        self._plan = plan
        self._files = stack
        self._threads = plan.threads
        self._frame = plan.frame
        self._chips: list[Chip] = []
        self._failures: list[Failure] = list(plan.work.failures)
        self._results: dict[Any, RejectResult] = {}
        self._spared: dict[Any, int] = {}
        self._deviations: dict[Any, Deviations] = {}
        self._judge = judge_of(plan, plan.key, max(1, plan.threads // plan.workers))
        self._storage = IN_MEMORY

    def events(self) -> Iterator[Event]:
        plan = self._plan
        yield from self._failures
        if plan.options.resume and plan.has_all():
            yield from kept_results(plan.work.tasks, plan.frame.chips)
            rows = read_rows(plan.outputs.table.with_suffix(".json"))
            yield Finished(tuple(rows), kept=True)
            return
        self._begin()
        yield from self._survey()
        if plan.matching.shift == "fit" and plan.exposures > 1:
            yield from self._register()
        stack = yield from self._stack()
        yield from self._compare(stack)
        self._spare_common(stack)
        yield from self._write()
        if plan.outputs.objects is not None:
            write_objects(plan, self._chips, self._results)
        if plan.outputs.median is not None:
            written = written_of(plan, plan.outputs.median, drizzled=False)
            write_stack(written, stack, self._chips)
        del stack
        yield from self._drizzle()
        rows = chip_rows(self._chips, self._results, self._failures, self._spared)
        write_tables(plan, rows)
        yield Finished(tuple(rows))

    def _begin(self) -> None:
        """Make the folders."""
        make_folder(self._plan.folder)
        if not self._plan.fits_in_memory:
            folder = scratch_folder(self._plan.outputs.table)
            self._storage = Storage(self._files.enter_context(folder))

    def _survey(self) -> Generator[Stage]:
        """Open exposures, and measure their sky and noise."""
        sky = self._plan.matching.sky
        self._chips = yield from survey(self._plan.wanted, self._files, sky, self._threads)

    def _register(self) -> Generator[Stage]:
        """Measure the shifts of exposures, and move them."""
        stack = yield from self._stack()
        measured: dict[int, list[RejectResult]] = {}
        for done, (chip, result, _) in enumerate(self._judged(stack, last=False), 1):
            if not isinstance(result, Failure) and np.isfinite(result.misalignment_error):
                measured.setdefault(chip.exposure, []).append(result)
            yield Stage("registering", done, len(self._chips))
        number = float(np.median(stack.counts[stack.counts > 0]))
        # The others lie on the other side of the middle of all.
        share = 1.0 if self._plan.matching.passes == 1 else (number - 1.0) / number
        shifts = {exposure: _mean_shift(results, share) for exposure, results in measured.items()}
        self._chips = [
            chip.moved(shifts.get(chip.exposure, (0.0, 0.0)), self._frame, self._plan.step.recipe)
            for chip in self._chips
        ]

    def _stack(self) -> Generator[Stage, None, Stack]:
        """Stack the exposures."""
        stack = stack_of(self._plan, self._chips, self._storage)
        yield from tiled(stack, self._chips, self._threads)
        return stack

    def _judged(self, stack: Stack, *, last: bool) -> Iterator[JudgedChip]:
        """Compare chips with the mean of the others, or with the stack."""
        cover, pixels = mosaics_for(self._judge, stack, self._chips)
        return self._judge.judge(list(self._chips), cover, pixels, last=last)

    def _compare(self, stack: Stack) -> Iterator[Stage | Failure]:
        """Judge chips."""
        for done, (chip, result, deviations) in enumerate(self._judged(stack, last=True), 1):
            if isinstance(result, Failure):
                self._failures.append(result)
                yield result
            else:
                assert deviations is not None
                pictures = self._plan.step.products.pictures
                self._results[chip.where] = with_waiting_picture(result, pictures)
                self._deviations[chip.where] = deviations
            yield Stage("comparing", done, len(self._chips))

    @property
    def _known(self) -> list[Chip]:
        """The chips that could be judged."""
        return [chip for chip in self._chips if chip.where in self._results]

    def _spare_common(self, stack: Stack) -> None:
        """Take out of the masks what deviates in too many exposures; they go to the chips."""
        deviations = [self._deviations[chip.where] for chip in self._known]
        spared = spared_pixels(deviations, stack.counts, stack.data)
        for chip, here in zip(self._known, spared, strict=True):
            self._spared[chip.where] = int(np.count_nonzero(here))
            self._results[chip.where] = without(self._results[chip.where], here)
        self._deviations.clear()
        self._chips = [
            replace(chip, rejected=rejected_bits(self._results[chip.where]))
            if chip.where in self._results
            else chip
            for chip in self._chips
        ]

    def _write(self) -> Iterator[RejectResult | Failure]:
        """Write masks and copies, exposure by exposure."""
        for mine in by_exposure(self._known):
            own = [self._results[chip.where] for chip in mine]
            failure = write_masks_of(self._plan.step, mine, own, self._judge.resources)
            yield from self._ended(own, failure)

    def _ended(
        self, results: Sequence[RejectResult], failure: Failure | None
    ) -> Iterator[RejectResult | Failure]:
        """Tell of an exposure whose masks were written, or could not be."""
        if failure is None:
            yield from (with_final_picture(result).public() for result in results)
        else:
            self._failures.append(failure)
            yield failure

    def _drizzle(self) -> Generator[Stage]:
        """Drop what could be judged onto the mosaic, and write it."""
        plan = self._plan
        chips = self._known
        if not chips or plan.outputs.mosaic is None:
            return
        how = Dropping.of(self._frame, chips, plan.drizzling)
        drizzled = yield from self._dropped(chips, how)
        write_drizzled(written_of(plan, plan.outputs.mosaic, drizzled=True), drizzled, chips)

    def _dropped(self, chips: Sequence[Chip], how: Dropping) -> Generator[Stage, None, Drizzled]:
        """Drop chips onto the mosaic."""
        drizzler = Drizzler(self._frame, how, self._threads, self._storage)
        for done, _ in enumerate(drizzler.drop(chips), 1):
            yield Stage("drizzling", done, len(chips))
        return drizzler.result()


def _mean_shift(results: Sequence[RejectResult], share: float) -> tuple[float, float]:
    """A share of the shift of an exposure, by those of its chips and their errors."""
    weights = [result.misalignment_error**-2 for result in results]
    shifts = [result.misalignment for result in results]
    x, y = np.average(shifts, axis=0, weights=weights)
    return share * float(x), share * float(y)
