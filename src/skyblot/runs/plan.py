"""What a run of many exposures is going to do: a value, made from headers before any work."""

import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from ..bounds import EMPTY, Bounds
from ..errors import WARNING_FILTERS, memory_errors_told, naming
from ..kernels.weights import Interpolant
from ..memory import LEAST, check_memory, free_memory, memory_limit
from ..parameters.options import RunOptions
from ..resampling.geometry import checked_threads
from ..resampling.window import blot_dtype, window_dtype
from ..steps.base import Result, Source, Step, Task
from ..text import duration_text, size_text
from .footprints import Footprint, Group, footprint_of, group, largest
from .work import Failure, Outcome, Work, check_run

#: Rough times, to tell minutes from hours: of a blot's headers and its output, of reading a pixel,
#: of a tap.
_SECONDS_PER_BLOT = 0.1
_SECONDS_PER_READ_PIXEL = 4e-9
_SECONDS_PER_PIXEL = 1e-8
_SECONDS_PER_TAP = 3e-10


@dataclass(frozen=True)
class Needs:
    """What the products of a run may take, and what they need.

    Attributes
    ----------
    interpolant : Interpolant
    dtype : dtype
        Of a window of the source.
    threads, memory : int
        What the run may use, memory in bytes.
    bytes_per_pixel : int
        What a step needs for each pixel of an exposure.
    most : int
        Bytes that one exposure may need, else it is refused.
    """

    interpolant: Interpolant
    dtype: np.dtype
    threads: int
    memory: int
    bytes_per_pixel: int
    most: int = sys.maxsize

    @classmethod
    def of(cls, source: Source, step: Step, options: RunOptions, most: int = sys.maxsize) -> Self:
        """Return what a step needs with a source; a `DataError` if it cannot be interpolated."""
        how = step.recipe.interpolant
        with naming(source.image.name):
            dtype = window_dtype(blot_dtype(source.pixels, how), how)
        threads = checked_threads(options.threads)
        memory = memory_limit(options.memory)
        return cls(how, dtype, threads, memory, step.bytes_per_pixel, most)

    @property
    def window_bytes(self) -> int:
        """Size of the largest window: of that in use, and as much of the next one."""
        return self.memory // 4

    def is_shared(self, bounds: Bounds) -> bool:
        """Whether a window is loaded for all exposures of its group, or each loads its own."""
        return 0 < bounds.area * self.dtype.itemsize <= self.window_bytes

    def check_size(self, name: str, shape: tuple[int, int]) -> None:
        """Refuse an image that does not fit into the memory, however small the windows are."""
        check_memory(name, self.bytes_per_pixel * math.prod(shape), self.most)

    def workers(self, current: Group) -> int:
        """How many exposures of a group are worked on at once."""
        room = self.memory // 2 // (self.bytes_per_pixel * largest(current))
        return max(1, min(self.threads, len(current.members), room))

    def bytes_of(self, groups: Sequence[Group]) -> int:
        """About how much memory groups take, one after the other."""
        pixels = (group.bounds.area for group in groups if self.is_shared(group.bounds))
        held = 2 * max(pixels, default=0) * self.dtype.itemsize
        return held + max(
            (self.workers(group) * self.bytes_per_pixel * largest(group) for group in groups),
            default=0,
        )

    def seconds_of(self, groups: Sequence[Group]) -> float:
        """About how long groups take."""
        read = (
            sum(group.bounds.area for group in groups if self.is_shared(group.bounds))
            * _SECONDS_PER_READ_PIXEL
        )
        per_pixel = (
            _SECONDS_PER_PIXEL + self.interpolant.taps**2 * _SECONDS_PER_TAP
        ) / self.threads
        shapes = [member.shape for group in groups for member in group.members]
        return read + sum(_SECONDS_PER_BLOT + math.prod(shape) * per_pixel for shape in shapes)


@dataclass(frozen=True, repr=False)
class Plan:
    """What a run is going to do.

    Attributes
    ----------
    work : Work
        What is asked for.
    options : RunOptions
    needs : Needs
    groups : tuple of Group
        Exposures that share a window of the source, in the order in which they will be worked on.
    kept : mapping of Task to Result
        What is there already and stays.
    failures : tuple of Failure
        Exposures that cannot be read, or have no place on the source.
    state : tuple
        What tells the source's file from one that is put in its place.
    source : Source, optional
        The source where it is open: a run opens it else.
    """

    work: Work
    options: RunOptions
    needs: Needs
    groups: tuple[Group, ...]
    kept: Mapping[Task, Result] = field(default_factory=dict)
    failures: tuple[Failure, ...] = ()
    state: Any = None
    source: Source | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.summary})"

    @property
    def summary(self) -> str:
        """How many products will be made and kept, and about what they take, in words."""
        noun = self.work.step.noun
        products = f"1 {noun}" if self.count == 1 else f"{self.count} {noun}s"
        memory = f"about {size_text(self.memory_bytes)} of memory"
        needs = f"; {memory}, {duration_text(self.seconds)}" if self.count else ""
        return f"{products} to make, {len(self.kept)} kept{needs}"

    @property
    def count(self) -> int:
        """How many products are to be made."""
        return sum(len(group.members) for group in self.groups)

    def tasks(self, group: Group) -> list[Task]:
        """The tasks of a group."""
        by_image = {task.where: task for task in self.work.tasks}
        return [by_image[member.where] for member in group.members]

    @property
    def known(self) -> list[Outcome]:
        """The outcomes that are known before any work is done."""
        return [*self.failures, *self.kept.values()]

    @property
    def memory_bytes(self) -> int:
        """About how much memory the run will take; on a cluster each worker of it."""
        return self.needs.bytes_of(self.groups)

    @property
    def seconds(self) -> float:
        """About how long the run will take; on a cluster elsewhere, if it has a single worker."""
        workers = checked_threads(self.options.threads) if self.options.client == "local" else 1
        return self.needs.seconds_of(self.groups) / workers


def plan_run(
    work: Work,
    options: RunOptions | None = None,
    *,
    source: Source | None = None,
    survey: bool = False,
    most: int | None = None,
) -> Plan:
    """Find what is there already, and where exposures lie on the source; only headers are read.

    Parameters
    ----------
    work : Work
    options : RunOptions, optional
    source : Source, optional
        The source where it is open, for the plan and the run.
    survey : bool
        Look a single exposure up on the source too: it is not needed to make its product.
    most : int, optional
        Bytes that one exposure may need, else it is refused: by default as `most_memory` says.

    Raises
    ------
    SkyblotError
        If the source cannot be used, or outputs cannot be written.
    """
    options = options or RunOptions()
    check_run(work, options)
    step = work.step
    on_cluster = options.client is not None
    most = most_memory(options) if most is None else most
    with (
        memory_errors_told(),
        step.open(work.mosaic) if source is None else nullcontext(source) as opened,
    ):
        needs = Needs.of(opened, step, for_worker(options) if on_cluster else options, most)
        kept = _kept(opened, work) if options.resume else {}
        todo = [task for task in work.tasks if task not in kept]
        if step.is_local or (len(todo) == 1 and not (survey or on_cluster)):
            groups = [Group((Footprint(task.where),), EMPTY) for task in todo]
            failures: list[Failure] = []
        else:
            places, failures = _survey(opened, step, todo, needs)
            groups = list(_grouped(places, needs.window_bytes // needs.dtype.itemsize))
        failures = [*work.failures, *failures]
        return Plan(
            work, options, needs, tuple(groups), kept, tuple(failures), opened.state, source
        )


def most_memory(options: RunOptions) -> int:
    """Return how many bytes one exposure may need: `memory` if given, or all that is free.

    Where nothing is given for a cluster elsewhere, its workers know what they have.
    """
    if options.client is None or options.client == "local":
        limits = options if options.client is None else for_worker(options)
        return max(free_memory() if options.memory is None else memory_limit(limits.memory), LEAST)
    return sys.maxsize if options.memory is None else memory_limit(options.memory)


def _kept(source: Source, work: Work) -> dict[Task, Result]:
    """What is there already and stays."""
    by_exposure = [work.step.kept(source, tasks) for tasks in work.exposures.values()]
    return {task: result.named(task) for mine in by_exposure for task, result in mine.items()}


def for_worker(options: RunOptions) -> RunOptions:
    """Return the options of each worker of a cluster; workers on this machine share them."""
    if options.client != "local":
        return replace(options, threads=options.threads or 1)
    memory = memory_limit(options.memory) // checked_threads(options.threads)
    return replace(options, threads=1, memory=max(memory, LEAST))


def _survey(
    source: Source, step: Step, tasks: Sequence[Task], needs: Needs
) -> tuple[list[Footprint], list[Failure]]:
    """Look exposures up on the source."""
    footprints: list[Footprint] = []
    failures: list[Failure] = []
    for task in tasks:
        try:
            with WARNING_FILTERS:
                footprint = footprint_of(source, task.where, step.recipe)
            needs.check_size(str(task.where), footprint.shape)
            footprints.append(footprint)
        except Exception as error:  # one exposure without a place must not end the run
            failures.append(Failure.of(task.where, error))
    return footprints, failures


def _grouped(footprints: Sequence[Footprint], most_pixels: int) -> Iterator[Group]:
    """Groups of exposures that share a window, each in the order of the tasks."""
    order = {footprint.where: number for number, footprint in enumerate(footprints)}
    for neighbours in group(footprints, most_pixels):
        yield Group(
            tuple(sorted(neighbours.members, key=lambda member: order[member.where])),
            neighbours.bounds,
        )
