"""Many blots from one mosaic: windows of it read once, several exposures at a time, in a given amount of memory."""

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import record
from .errors import WARNING_FILTERS, SkyblotError, one_line
from .exposure import BlotResult, Resources, Settings, Source, Task, blot_exposure, named, open_source
from .footprints import Alone, Footprint, Group, area, footprint, group
from .io.images import open_image
from .job import checked_threads
from .kernels.interpolants import interpolant
from .memory import memory_limit
from .window import EMPTY, Bounds, Window, blot_dtype, load_window, window_dtype

#: Bytes of a blot's pixel while it is made and written: itself, a copy in the file's byte order, and as much again.
_BYTES_PER_PIXEL = 12


@dataclass(frozen=True)
class Failure:
    """A blot that could not be made.

    Attributes
    ----------
    reference : str
        File and extension, or file.
    reason : str
        One sentence.
    error : Exception
    """

    reference: str
    reason: str
    error: Exception

    @classmethod
    def of(cls, reference: Any, error: Exception) -> "Failure":
        """The failure that an error means; what nobody foresaw is called so."""
        reason = one_line(error)
        if not isinstance(error, SkyblotError):
            reason = f"internal error, {type(error).__name__}: {reason}"
        return cls(str(reference), reason, error)


@dataclass(frozen=True)
class Options:
    """How a run goes on.

    Attributes
    ----------
    memory : int, str or None
        Bytes that the run may take, about; None is half of what is free.
    fail_fast : bool
        Stop at the first failure.
    resume : bool
        Keep blots that are there and were made from the same inputs with the same parameters.
    """

    memory: int | str | None = None
    fail_fast: bool = False
    resume: bool = False


Outcome = BlotResult | Failure


class Stopped(Exception):
    """The run is being stopped: this blot is dropped."""


def run_batch(
    source_name: str | Path,
    tasks: Sequence[Task],
    settings: Settings,
    options: Options,
    on_outcome: Callable[[Outcome], None],
) -> None:
    """Make blots, and hand over each outcome as soon as it is there.

    Raises
    ------
    SkyblotError
        If the source cannot be used; with `fail_fast`, whatever went wrong first.
    """
    with open_source(source_name, settings) as source:
        run = _Run(source, settings, options, on_outcome)
        run.make([task for task in tasks if not (options.resume and run.keep(task))])


class _Run:
    """A run in progress; outcomes are handed over by the thread that started it."""

    def __init__(
        self, source: Source, settings: Settings, options: Options, on_outcome: Callable[[Outcome], None]
    ) -> None:
        self._source, self._settings, self._on_outcome = source, settings, on_outcome
        self._fail_fast, self._memory = options.fail_fast, memory_limit(options.memory)
        self._threads = checked_threads(settings.threads)
        self._stopping = threading.Event()
        how = interpolant(settings.parameters.interp, settings.parameters.sinscl)
        with named(source.image.name):
            self._interpolant, self._dtype = how, window_dtype(blot_dtype(source.pixels, how), how)
        self._window_bytes = self._memory // 4  # of the window in use, and as much of the next one

    def keep(self, task: Task) -> bool:
        """Whether the blot is there already and may stay."""
        made, shape = record.read_record(task.path)
        if not made:
            return False
        try:
            with WARNING_FILTERS, open_image(task.where) as reference:
                key = record.blot_key(self._settings.parameters, self._source.image, reference)
        except SkyblotError:  # to be reported when it is tried
            return False
        if made.get(record.KEY_CARD) != key:
            return False
        name = self._source.image.name
        self._on_outcome(BlotResult(name, reference.name, task.path, shape, made["BLOTCOVR"], 0.0, kept=True))
        return True

    def make(self, tasks: Sequence[Task]) -> None:
        """Make all blots; on an interruption or, with `fail_fast`, a failure, end those that are being made."""
        try:
            with ThreadPoolExecutor(1, thread_name_prefix="skyblot-read") as reader:
                self._make_groups(list(self._groups(tasks)), reader)
        except BaseException:
            self._stopping.set()
            raise

    def _groups(self, tasks: Sequence[Task]) -> Iterator[Group]:
        """Groups of exposures that share a window; a single one is left to load its own."""
        if len(tasks) == 1 or self._settings.wcsmap is not None:
            for task in tasks:
                yield Group((Alone(task),), EMPTY)
            return
        found = [each for task in tasks if (each := self._looked_up(task)) is not None]
        order = {task: number for number, task in enumerate(tasks)}
        for made in group(found, self._window_bytes // self._dtype.itemsize):
            yield Group(tuple(sorted(made.members, key=lambda member: order[member.task])), made.bounds)

    def _looked_up(self, task: Task) -> Footprint | None:
        try:
            with WARNING_FILTERS:
                return footprint(self._source, task, self._settings.parameters)
        except Exception as error:
            self._failed(task, error)
            return None

    def _make_groups(self, groups: Sequence[Group], reader: ThreadPoolExecutor) -> None:
        """One group after the other, while the window of the next is read."""
        window = self._load(groups[0].bounds, None) if groups else None
        for number, current in enumerate(groups):
            following = groups[number + 1].bounds if number + 1 < len(groups) else EMPTY
            coming = reader.submit(self._load, following, window)
            self._make_group(current, window)
            window = coming.result()

    def _load(self, bounds: Bounds, previous: Window | None) -> Window | None:
        """The window of a group, unless it is left to its only member to load parts of it."""
        if area(bounds) == 0 or area(bounds) * self._dtype.itemsize > self._window_bytes:
            return None
        return load_window(self._source.pixels, bounds, self._dtype, self._interpolant, self._threads, previous)

    def _make_group(self, current: Group, window: Window | None) -> None:
        largest = max((math.prod(each.shape) for each in current.members if isinstance(each, Footprint)), default=1)
        room = self._memory // 2 // (_BYTES_PER_PIXEL * largest)
        workers = max(1, min(self._threads, len(current.members), room))
        resources = Resources(max(1, self._threads // workers), window, self._window_bytes, self._proceed)
        with ThreadPoolExecutor(workers, thread_name_prefix="skyblot-blot") as pool:
            running = [(each.task, pool.submit(self._blot, each.task, resources)) for each in current.members]
            try:
                for task, future in running:
                    self._finished(task, future)
            except BaseException:
                self._stopping.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _blot(self, task: Task, resources: Resources) -> BlotResult:
        self._proceed()
        return blot_exposure(self._source, task.where, task.path, self._settings, resources)

    def _proceed(self) -> None:
        if self._stopping.is_set():
            raise Stopped

    def _finished(self, task: Task, future: "Future[BlotResult]") -> None:
        error = future.exception()
        if error is None:
            self._on_outcome(future.result())
        elif isinstance(error, Exception):
            self._failed(task, error)
        else:
            raise error

    def _failed(self, task: Task, error: Exception) -> None:
        if self._fail_fast:
            raise error
        self._on_outcome(Failure.of(task.where, error))
