"""Every chip compared with a mosaic in memory, one after the other."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from ..errors import WARNING_FILTERS
from ..io.bad_pixels import KEY_CARD, BadPixels
from ..resampling.bits import Bits
from ..runs.work import Failure
from ..steps.base import Resources, Source, Task
from ..steps.blot import Opened
from ..steps.copies import is_shared
from ..steps.mask_record import RejectResult, tell_notes
from ..steps.reject import Reject
from .chips import Chip, by_exposure
from .common import Deviations
from .cover import counts_on, places_of
from .frame import Frame, StackImage
from .plan import CleanPlan
from .single import cosmic_rays_alone
from .stack import Others, Stack

#: What is done where no other exposure covers a chip.
LEFT = "left as they are (--single lacosmic looks for cosmic rays there)"
LACOSMIC = "judged by L.A.Cosmic"
#: A larger part of a chip that no other exposure covers is warned of.
_WORTH_A_WORD = 0.2


class JudgedChip(NamedTuple):
    """A chip, what was found of it, and where on the mosaic its bad pixels lie."""

    chip: Chip
    result: RejectResult | Failure
    deviations: Deviations | None = None


@dataclass(frozen=True)
class Judge:
    """How chips are judged.

    Attributes
    ----------
    frame : Frame
    step : Reject
    tasks : mapping of ImageName to Task
    key : str
        Stands for all that makes the masks.
    resources : Resources
        Of each chip.
    workers : int
        How many chips are judged at once.
    single : {"none", "lacosmic"}
        What is done where no other exposure covers a chip.
    record_sky : bool
        Flagged copies record the level of the sky.
    """

    frame: Frame
    step: Reject
    tasks: dict[Any, Task]
    key: str
    resources: Resources
    workers: int = 1
    single: str = "none"
    record_sky: bool = False

    def judge(
        self,
        chips: Sequence[Chip],
        cover: Callable[[Chip], np.ndarray],
        pixels: Callable[[Chip], Any],
        *,
        last: bool = True,
    ) -> Iterator["JudgedChip"]:
        """Compare chips with a mosaic, and yield what was found of each, in their order.

        Parameters
        ----------
        chips : sequence of Chip
        cover : callable
            How many other exposures cover each pixel of a chip.
        pixels : callable
            The mosaic for a chip: something to be sliced.
        last : bool
            What there is to warn of is told, and what is wanted beside masks is made.
        """
        files = tuple(dict.fromkeys(chip.where.path for chip in chips))
        told: set[str] = set()

        def work(chip: Chip) -> JudgedChip:
            start = time.perf_counter()
            try:
                source = self._source(chip, cover(chip), pixels(chip), files)
                result = self._one(chip, source, told if last else None)
                deviations = self._deviations(chip, result) if last else None
                result = replace(result, seconds=time.perf_counter() - start)
                return JudgedChip(chip, result, deviations)
            except Exception as error:  # one exposure that cannot be compared ends no run
                return JudgedChip(chip, Failure.of(chip.where, error))

        with ThreadPoolExecutor(self.workers, thread_name_prefix="skyblot-judge") as pool:
            try:
                yield from pool.map(work, chips)
            except BaseException:
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _deviations(self, chip: Chip, result: RejectResult) -> Deviations:
        """Where the bad pixels of a chip lie on the mosaic."""
        assert result.bad is not None
        flat = result.bad.flat
        places = places_of(chip, flat, self.frame.shape)
        return Deviations(chip.exposure, flat, places, chip.values_at(flat), chip.shape)

    def _source(self, chip: Chip, cover: np.ndarray, pixels: Any, files: tuple[Any, ...]) -> Source:
        image = StackImage(self.frame, pixels, files)
        wcs = self.frame.wcs
        return Source(image, wcs, pixels, weighted=True, cover=cover, shift=chip.shift)

    def _one(self, chip: Chip, source: Source, told: set[str] | None) -> RejectResult:
        """Compare a chip; `told` is what has been told, None: nothing is to be."""
        assert source.cover is not None
        usable = chip.usable.whole()
        alone = usable & (source.cover == 0)
        if np.array_equal(alone, usable):
            result = self._without_others(chip)
        else:
            result = self._compared(chip, source, last=told is not None)
        result = with_key(replace(result, where=chip.where), self.key)
        if self.record_sky and result.bad is not None:
            bad = replace(result.bad, sky=chip.sky.level)
            result = replace(result, bad=bad)
        if told is not None:
            part = int(np.count_nonzero(alone)) / max(int(np.count_nonzero(usable)), 1)
            if part > 0 and self.single == "lacosmic":
                result = with_more(result, *cosmic_rays_alone(chip, alone), alone)
            noted = replace(result, notes=(*result.notes, *self._alone_note(part)))
            # every set of dithers has edges: of these the table tells alone
            tell_notes(replace(source, told=told), noted if part > _WORTH_A_WORD else result)
            result = noted
        return result

    def _alone_note(self, part: float) -> list[str]:
        """What is said of a part of a chip that no other exposure covers."""
        if part == 0:
            return []
        done = LACOSMIC if self.single == "lacosmic" else LEFT
        percent = f"{100 * part:.2g}" if part < 0.1 else f"{100 * part:.0f}"
        return [f"no other exposure covers {percent} percent of its pixels: they are {done}"]

    def _compared(self, chip: Chip, source: Source, *, last: bool) -> RejectResult:
        """Compare a chip with the others."""
        # the stack has no sky: that of the chip is put back
        recipe = self.step.recipe.override({"addsky": False, "skyval": chip.sky.level})
        step = replace(self.step, recipe=recipe)
        exposure = Opened(chip.image, chip.state)
        task = self.tasks[chip.where]
        with step.compared(source, task, self.resources, exposure) as compared:
            result = compared.result
            if last:
                result = replace(result, picture=step.picture(compared))
                if result.blot_path is not None:
                    compared.write_blot(source, overwrite=self.resources.overwrite)
        return result

    def _without_others(self, chip: Chip) -> RejectResult:
        """The result of a chip that is compared with nothing."""
        task = self.tasks[chip.where]
        empty = np.empty(0, np.intp)
        cards = [("CREXP", chip.name, ""), ("CRFRAC", 0.0, ""), ("CRJUDGED", 0, "pixels judged")]
        bad = BadPixels(chip.where, empty, np.empty(0, np.float32), chip.shape, cards, chip.state)
        facts = (task.path, chip.shape, 0.0, 0.0)
        more: dict[str, Any] = {"bits": chip.instrument.bits, "bad": bad}
        return RejectResult("the stack", chip.name, *facts, together=is_shared(task), **more)


def judge_of(plan: CleanPlan, key: str, threads: int) -> Judge:
    """Return what judges the chips of a run with this key, each by so many threads."""
    return Judge(
        plan.frame,
        plan.step,
        {task.where: task for task in plan.work.tasks},
        key,
        Resources(threads, overwrite=plan.options.replaces),
        plan.workers,
        plan.matching.single,
        plan.matching.sky != "none",
    )


def mosaics_for(
    judge: Judge, stack: Stack, chips: Sequence[Chip]
) -> tuple[Callable[[Chip], np.ndarray], Callable[[Chip], Any]]:
    """Return how many others cover each pixel of a chip, and what it is compared with."""
    of_exposure = {mine[0].exposure: tuple(mine) for mine in by_exposure(chips)}

    def pixels(chip: Chip) -> Any:
        return stack.data if stack.parts is None else Others(stack, of_exposure[chip.exposure])

    def cover(chip: Chip) -> np.ndarray:
        return counts_on(chip, stack.counts, judge.resources.threads or 1)

    return cover, pixels


def with_key(result: RejectResult, key: str) -> RejectResult:
    """Return a result whose mask is that of a whole run."""
    assert result.bad is not None
    cards = [card for card in result.bad.cards if card[0] != KEY_CARD]
    cards.append((KEY_CARD, key, "stands for inputs and parameters"))
    return replace(result, bad=replace(result.bad, cards=cards))


def rejected_bits(result: RejectResult) -> Bits:
    """Return the mask of a result."""
    assert result.bad is not None
    return Bits.of(result.bad.good == 0)


def with_more(
    result: RejectResult, mask: np.ndarray, values: np.ndarray, judged: np.ndarray
) -> RejectResult:
    """Return a result with more bad pixels, the values they should have, and more pixels judged."""
    bad = result.bad
    assert bad is not None
    more = np.setdiff1d(np.flatnonzero(mask), bad.flat)
    flat = np.concatenate([bad.flat, more])
    order = np.argsort(flat)
    kept = bad.values
    if len(kept) or not len(bad.flat):
        own = np.concatenate([kept[: len(bad.flat)], values.ravel()[more]])[order]
        kept = np.concatenate([own, kept[len(bad.flat) :]]).astype(np.float32)
    count = result.judged + int(np.count_nonzero(judged))
    rejected = result.rejected + len(more)
    facts = {"CRFRAC": rejected / max(count, 1), "CRJUDGED": count}
    cards = [(k, facts.get(k, v), c) for k, v, c in bad.cards]
    bad = replace(bad, flat=flat[order], values=kept, cards=cards)
    return replace(result, bad=bad, rejected=rejected, judged=count)


def without(result: RejectResult, spared: np.ndarray) -> RejectResult:
    """Return a result without some of its bad pixels."""
    bad = result.bad
    assert bad is not None
    if not spared.any():
        return result
    kept = ~spared
    values = bad.values
    if len(values):
        values = np.concatenate([values[: len(bad.flat)][kept], values[len(bad.flat) :]])
    rejected = round(result.rejected * np.count_nonzero(kept) / len(kept))
    fraction = rejected / result.judged if result.judged else 0.0
    cards = [(k, fraction if k == "CRFRAC" else v, c) for k, v, c in bad.cards]
    bad = replace(bad, flat=bad.flat[kept], values=values, cards=cards)
    return replace(result, bad=bad, rejected=rejected)


def with_waiting_picture(result: RejectResult, pictures: Any) -> RejectResult:
    """Return a result whose picture waits on the disk, wherever it was made."""
    if result.picture is None or pictures is None or pictures.scratch is None:
        return result
    return replace(result, picture=result.picture.waiting(pictures.scratch))


def with_final_picture(result: RejectResult) -> RejectResult:
    """Return a result whose picture has the mask that is written: pixels were spared, or added."""
    if result.picture is None or result.bad is None:
        return result
    from ..report.remask import with_mask

    return replace(result, picture=with_mask(result.picture, result.bad.good == 0))


def write_masks_of(
    step: Reject, chips: Sequence[Chip], results: Sequence[RejectResult], resources: Resources
) -> Failure | None:
    """Write the masks of an exposure's chips, and its copies; return why where that fails."""
    try:
        for chip, result in zip(chips, results, strict=True):
            if not result.together:
                with WARNING_FILTERS:
                    step.write_mask(result, chip.image, overwrite=resources.overwrite)
        tasks = [Task(chip.where, result.path) for chip, result in zip(chips, results, strict=True)]
        step.finish(tasks, results, resources)
    except Exception as error:  # one exposure that cannot be written ends no run
        return Failure.of(chips[0].where, error)
    return None
