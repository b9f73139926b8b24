"""From exposures to masks and a mosaic: the stages of a run, in their order."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from ..errors import memory_errors_told
from ..io.atomic import make_folder
from ..runs.work import Failure
from ..steps.base import Resources
from ..steps.mask_record import RejectResult
from .chips import Chip, by_exposure
from .common import Deviations, spared_pixels
from .cover import counts_on, places_of
from .drizzle import Drizzler
from .files import write_drizzled, write_objects, write_stack, write_tables, written_of
from .judging import Judge, rejected_bits, with_final_picture, without, write_masks_of
from .others import parts_of
from .parts import Stage, Wanted, survey, tiled
from .plan import CleanPlan
from .products import ChipRow, chip_rows, kept_results, read_rows
from .stack import Others, Stack


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
        yield from _Run(plan, stack).events()


class _Run:
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
        self._judge = Judge(
            plan.frame,
            plan.step,
            {task.where: task for task in plan.work.tasks},
            plan.key,
            Resources(
                max(1, plan.threads // plan.workers),
                overwrite=plan.options.replaces,
            ),
            plan.workers,
            plan.matching.single,
            plan.matching.sky != "none",
        )

    def events(self) -> Iterator[Event]:
        plan = self._plan
        yield from self._failures
        if plan.options.resume and plan.has_all():
            yield from kept_results(plan.work.tasks, plan.frame.chips)
            rows = read_rows(plan.outputs.table.with_suffix(".json"))
            yield Finished(tuple(rows), kept=True)
            return
        make_folder(plan.folder)
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

    def _survey(self) -> Generator[Stage]:
        """Open exposures, and measure their sky and noise."""
        step = self._plan.step
        wanted = Wanted(self._plan.images, self._frame, step.recipe, step.planes)
        sky = self._plan.matching.sky
        self._chips = yield from survey(wanted, self._files, sky, self._threads)

    def _register(self) -> Generator[Stage]:
        """Measure the shifts of exposures, and move them."""
        stack = yield from self._stack()
        measured: dict[int, list[RejectResult]] = {}
        for done, (chip, result) in enumerate(self._judged(stack, last=False), 1):
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

    @property
    def _by_stack(self) -> bool:
        """Whether chips are judged by the stack of all, with themselves in it."""
        return self._plan.matching.passes == 1 or self._plan.exposures == 1

    def _stack(self) -> Generator[Stage, None, Stack]:
        """Stack the exposures."""
        shape = self._frame.shape
        parts = None if self._by_stack else parts_of(self._chips, shape, self._plan.layer_bytes)
        stack = Stack.empty(shape, self._plan.exposures, parts)
        yield from tiled(stack, self._chips, self._threads)
        return stack

    def _judged(self, stack: Stack, *, last: bool) -> Iterator[tuple[Chip, RejectResult | Failure]]:
        """Compare chips with the mean of the others, or with the stack."""
        of_exposure = {mine[0].exposure: tuple(mine) for mine in by_exposure(self._chips)}

        def pixels(chip: Chip) -> Any:
            if self._by_stack:
                return stack.data
            return Others(stack, of_exposure[chip.exposure])

        def cover(chip: Chip) -> np.ndarray:
            return counts_on(chip, stack.counts, self._judge.resources.threads or 1)

        return self._judge.judge(list(self._chips), cover, pixels, last=last)

    def _compare(self, stack: Stack) -> Iterator[Stage | Failure]:
        """Judge chips; their masks go to the chips."""
        for place, (chip, result) in enumerate(self._judged(stack, last=True)):
            if isinstance(result, Failure):
                self._failures.append(result)
                yield result
            else:
                self._results[chip.where] = result
                self._chips[place] = replace(chip, rejected=rejected_bits(result))
            yield Stage("comparing", place + 1, len(self._chips))

    def _spare_common(self, stack: Stack) -> None:
        """Take out of the masks what deviates in too many exposures."""
        known = [place for place, chip in enumerate(self._chips) if chip.where in self._results]
        deviations = []
        for place in known:
            chip = self._chips[place]
            bad = self._results[chip.where].bad
            assert bad is not None
            places = places_of(chip, bad.flat, self._frame.shape)
            values = chip.values_at(bad.flat)
            deviations.append(Deviations(chip.exposure, bad.flat, places, values, chip.shape))
        spared = spared_pixels(deviations, stack.counts, stack.data)
        for place, here in zip(known, spared, strict=True):
            chip = self._chips[place]
            self._spared[chip.where] = int(np.count_nonzero(here))
            result = without(self._results[chip.where], here)
            self._results[chip.where] = result
            self._chips[place] = replace(chip, rejected=rejected_bits(result))

    def _write(self) -> Iterator[RejectResult | Failure]:
        """Write masks and copies, exposure by exposure."""
        for mine in by_exposure(chip for chip in self._chips if chip.where in self._results):
            own = [self._results[chip.where] for chip in mine]
            try:
                write_masks_of(self._plan.step, mine, own, self._judge.resources)
            except Exception as error:  # one exposure that cannot be written ends no run
                failure = Failure.of(mine[0].where, error)
                self._failures.append(failure)
                yield failure
                continue
            yield from (with_final_picture(result).public() for result in own)

    def _drizzle(self) -> Iterator[Stage]:
        """Drop what could be judged onto the mosaic, and write it."""
        plan = self._plan
        chips = [chip for chip in self._chips if chip.where in self._results]
        if not chips or plan.outputs.mosaic is None:
            return
        drizzler = Drizzler(self._frame, chips, plan.drizzling, self._threads)
        for done, _ in enumerate(drizzler.drop(), 1):
            yield Stage("drizzling", done, len(chips))
        written = written_of(plan, plan.outputs.mosaic, drizzled=True)
        write_drizzled(written, drizzler.result(), chips)


def _mean_shift(results: Sequence[RejectResult], share: float) -> tuple[float, float]:
    """A share of the shift of an exposure, by those of its chips and their errors."""
    weights = [result.misalignment_error**-2 for result in results]
    shifts = [result.misalignment for result in results]
    x, y = np.average(shifts, axis=0, weights=weights)
    return share * float(x), share * float(y)
