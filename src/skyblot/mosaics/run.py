"""From exposures to masks and a mosaic: the stages of a run, in their order."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from ..errors import memory_errors_told
from ..rejection.robust import NORMAL
from ..runs.work import Failure
from ..steps.base import Resources
from ..steps.mask_record import RejectResult
from .chips import Chip, open_chips
from .common import Deviations, spared_pixels
from .cover import counts_on, places_of
from .frame import Frame
from .judging import Judge, rejected_bits, without, write_masks_of
from .matching import Surveyed
from .plan import CleanPlan
from .stack import Others, Stack, Sums, fill_stack, fill_sums, tiles_of

#: A mosaic has a source where it is so many sigma above its sky.
BRIGHT = 5.0


class Stage(NamedTuple):
    """What a run does now, and how far it is."""

    name: str
    done: int
    total: int


@dataclass(frozen=True)
class Cleaned:
    """What a run has found and written.

    Attributes
    ----------
    chips : tuple of Chip
    results : tuple of RejectResult
        Of the chips that could be judged.
    failures : tuple of Failure
    frame : Frame
    stack : Stack
    spared : mapping
        How many pixels of each chip deviated in too many exposures, and were spared.
    """

    chips: tuple[Chip, ...]
    results: tuple[RejectResult, ...]
    failures: tuple[Failure, ...]
    frame: Frame
    stack: Stack
    spared: dict[Any, int]


def clean(plan: CleanPlan) -> Iterator[Stage | RejectResult | Failure | Cleaned]:
    """Do what a plan says: yield stages as they go on, then masks that are written, and all at
    last.

    Raises
    ------
    SkyblotError
        If nothing can be made; with `fail_fast`, whatever goes wrong first.
    """
    with memory_errors_told(), ExitStack() as stack:
        yield from _Run(plan, stack).stages()


class _Run:
    """A run in progress."""

    def __init__(self, plan: CleanPlan, stack: ExitStack) -> None:
        self._plan = plan
        self._files = stack
        self._threads = plan.threads
        self._frame = plan.frame
        self._chips: list[Chip] = []
        self._failures: list[Failure] = list(plan.failures)
        self._judge = Judge(
            plan.frame,
            plan.step,
            {task.where: task for task in plan.tasks},
            plan.key,
            Resources(plan.threads, overwrite=plan.options.overwrite or plan.options.resume),
        )

    def stages(self) -> Iterator[Stage | RejectResult | Failure | Cleaned]:
        yield from self._failures
        yield from self._survey()
        stack = Stack.empty(self._frame.shape, self._plan.exposures)
        yield from self._tiles("stacking", fill_stack(stack, self._chips, self._threads))
        results: dict[Any, RejectResult] = {}
        yield from self._compare(stack, results)
        if self._plan.matching.passes > 1 and self._plan.exposures > 1:
            sums = Sums.empty(self._frame.shape, self._plan.exposures)
            yield from self._tiles("adding up", fill_sums(sums, self._chips, self._threads))
            yield from self._compare(stack, results, sums)
        spared = self._spare_common(stack, results)
        yield from self._write(results)
        yield Cleaned(
            tuple(self._chips),
            tuple(results[chip.where] for chip in self._chips if chip.where in results),
            tuple(self._failures),
            self._frame,
            stack,
            spared,
        )

    def _survey(self) -> Iterator[Stage]:
        """Open exposures, and measure their sky and noise."""
        plan = self._plan
        images = [task.where for task in plan.tasks]
        chips = open_chips(images, self._files, plan.step.recipe, plan.step.planes)
        placed = [chip.placed(self._frame, plan.step.recipe) for chip in chips]
        surveyed = Surveyed(placed)
        for done, _ in enumerate(surveyed.survey(self._threads), 1):
            yield Stage("reading", done, len(placed))
        self._chips = surveyed.matched(self._frame, plan.matching.sky)

    def _tiles(self, name: str, tiles: Iterator[Any]) -> Iterator[Stage]:
        total = len(tiles_of(self._frame.shape))
        for done, _ in enumerate(tiles, 1):
            yield Stage(name, done, total)

    def _compare(
        self, stack: Stack, results: dict[Any, RejectResult], sums: Sums | None = None
    ) -> Iterator[Stage | Failure]:
        """Judge chips by the stack, or by the mean of the others; their masks go to the chips."""
        last = sums is not None or self._plan.matching.passes == 1
        number = 1 if sums is None else 2
        of_exposure: dict[int, list[Chip]] = {}
        for chip in self._chips:
            of_exposure.setdefault(chip.exposure, []).append(chip)

        def pixels(chip: Chip) -> Any:
            if sums is None:
                return stack.data
            return Others(sums, stack.data, tuple(of_exposure[chip.exposure]))

        def cover(chip: Chip) -> np.ndarray:
            return counts_on(chip, stack.counts, self._threads)

        judged = self._judge.judge(list(self._chips), cover, pixels, last=last)
        for place, (chip, found) in enumerate(judged):
            if isinstance(found, Failure):
                results.pop(chip.where, None)
                if last:
                    self._failures.append(found)
                    yield found
            else:
                results[chip.where] = found
                self._chips[place] = replace(chip, rejected=rejected_bits(found))
            yield Stage(f"comparing, pass {number}", place + 1, len(self._chips))

    def _spare_common(self, stack: Stack, results: dict[Any, RejectResult]) -> dict[Any, int]:
        """Take out of the masks what deviates in too many exposures; return how many pixels."""
        known = [chip for chip in self._chips if chip.where in results]
        flats = [_flat(results[chip.where]) for chip in known]
        shape = self._frame.shape
        deviations = [
            Deviations(chip.exposure, flat, places_of(chip, flat, shape), chip.shape)
            for chip, flat in zip(known, flats, strict=True)
        ]
        bright = _bright(stack.data)
        count: Counter[Any] = Counter()
        spared = spared_pixels(deviations, stack.counts, bright)
        for chip, here in zip(known, spared, strict=True):
            count[chip.where] = int(np.count_nonzero(here))
            results[chip.where] = without(results[chip.where], here)
        by_place = {chip.where: k for k, chip in enumerate(self._chips)}
        for chip in known:
            bits = rejected_bits(results[chip.where])
            self._chips[by_place[chip.where]] = replace(chip, rejected=bits)
        return dict(count)

    def _write(self, results: dict[Any, RejectResult]) -> Iterator[RejectResult | Failure]:
        """Write masks and copies, exposure by exposure."""
        for exposure in sorted({chip.exposure for chip in self._chips}):
            mine = [c for c in self._chips if c.exposure == exposure and c.where in results]
            if not mine:
                continue
            own = [results[chip.where] for chip in mine]
            try:
                for _ in write_masks_of(self._plan.step, mine, own, self._judge.resources):
                    pass
            except Exception as error:  # one exposure that cannot be written ends no run
                failure = Failure.of(mine[0].where, error)
                self._failures.append(failure)
                yield failure
                continue
            yield from (result.public() for result in own)


def _flat(result: RejectResult) -> np.ndarray:
    assert result.bad is not None
    return result.bad.flat


def _bright(stack: np.ndarray) -> np.ndarray:
    """Where a stack has sources."""
    some = stack[::7, ::7]
    some = some[np.isfinite(some)]
    if not some.size:
        return np.zeros(stack.shape, np.bool_)
    middle = np.median(some)
    sigma = NORMAL * np.median(np.abs(some - middle))
    with np.errstate(invalid="ignore"):
        bright: np.ndarray = stack > middle + BRIGHT * sigma
    return bright
