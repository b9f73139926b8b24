"""Many blots from one mosaic: windows of it read once, several exposures at a time, in a given amount of memory."""

import math
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue
from typing import Any, NamedTuple

from . import messages, record
from .bounds import EMPTY, Bounds
from .errors import WARNING_FILTERS, FileError, SkyblotError, memory_errors_told, no_memory, one_line
from .exposure import BlotResult, Resources, Settings, Source, Task, blot_exposure, named, open_source, state_of
from .footprints import Footprint, Group, footprint, group, largest
from .io.atomic import file_state
from .io.images import open_reference
from .io.names import ImageName, parse_name
from .job import checked_threads
from .memory import LEAST, check_memory, free_memory, memory_limit
from .roles import check_source
from .window import Window, blot_dtype, load_window, window_dtype

#: Rough times, to tell minutes from hours: of a blot's headers and its output, of reading a pixel, of a tap.
_SECONDS_PER_BLOT, _SECONDS_PER_READ_PIXEL, _SECONDS_PER_PIXEL, _SECONDS_PER_TAP = 0.1, 4e-9, 1e-8, 3e-10


def expected_seconds(shape: tuple[int, int], taps: int, threads: int) -> float:
    """About how long a blot takes, without reading the source."""
    return _SECONDS_PER_BLOT + math.prod(shape) * (_SECONDS_PER_PIXEL + taps**2 * _SECONDS_PER_TAP) / threads


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
        if isinstance(error, MemoryError):
            error = no_memory(error)
            reason = str(error)
        elif isinstance(error, OSError) and not isinstance(error, SkyblotError) and error.strerror:
            error = FileError(messages.CONCERNING(name=error.filename or reference, reason=error.strerror))
            reason = str(error)
        elif not isinstance(error, SkyblotError):
            reason = f"internal error, {type(error).__name__}: {reason}"
        return cls(str(reference), reason, error)


class Beside(NamedTuple):
    """What a run reads and writes beside its mosaic, its exposures and what goes with them: no output is one of these.

    Attributes
    ----------
    reads : sequence of Path
        Lists, associations, a file of parameters.
    writes : sequence of Path
        A log, a page of pictures.
    """

    reads: Sequence[Path] = ()
    writes: Sequence[Path] = ()


#: Nothing beside.
ALONE = Beside()


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
    dry_run : bool
        Look at the headers only, and stop when the plan is made.
    beside : Beside
    most : int, optional
        Bytes that one exposure may need, else it is refused: by default `memory` where that is given, or all that is
        free.
    """

    memory: int | str | None = None
    fail_fast: bool = False
    resume: bool = False
    dry_run: bool = False
    beside: Beside = ALONE
    most: int | None = None


@dataclass(frozen=True)
class Plan:
    """What a run is going to do.

    Attributes
    ----------
    groups : tuple of Group
        Exposures that share a window of the source, in the order in which they will be blotted.
    kept : int
        How many blots are there already and stay.
    memory_bytes, seconds : int, float
        What the run will take, about.
    """

    groups: tuple[Group, ...]
    kept: int
    memory_bytes: int
    seconds: float

    @property
    def count(self) -> int:
        """How many images there are in all groups."""
        return sum(len(group.members) for group in self.groups)


Outcome = BlotResult | Failure


@dataclass(frozen=True)
class Maker:
    """What is done with each exposure of a run.

    Attributes
    ----------
    make : callable
        Takes what `blot_exposure` takes; returns a `BlotResult`.
    bytes_per_pixel : int
        Memory that it takes, for each pixel of the exposure.
    """

    make: Callable[[Source, ImageName, Path, Any, Resources], BlotResult]
    bytes_per_pixel: int


#: A blot's pixel while it is made and written: itself, a copy in the file's byte order, and as much again.
BLOT = Maker(blot_exposure, 12)
#: A pixel of the errors that go with it: the variance, and what is written.
_BYTES_OF_ERRORS = 12


def most_memory(options: Options) -> int:
    """Return how many bytes one exposure may need."""
    if options.most is not None:
        return options.most
    return max(free_memory() if options.memory is None else memory_limit(options.memory), LEAST)


class Stopped(Exception):
    """The run is being stopped: this blot is dropped."""


def run_batch(
    source_name: str | Path,
    tasks: Sequence[Task],
    settings: Settings,
    options: Options,
    on_outcome: Callable[[Outcome], None],
    on_plan: Callable[[Plan], None] = lambda plan: None,
    maker: Maker = BLOT,
) -> None:
    """Make blots, or what `maker` makes of them, and hand over the plan, then each outcome in turn.

    Raises
    ------
    SkyblotError
        If the source cannot be used; with `fail_fast`, whatever went wrong first.
    """
    identity = state_of(parse_name(source_name).path)
    with memory_errors_told(), open_source(source_name, settings) as source:
        if not settings.force:
            check_source(source.image)
        run = _Run(source, settings, options, on_outcome, maker, identity)
        todo = [task for task in tasks if not (options.resume and run.keep(task))]
        plan = run.plan(todo, kept=len(tasks) - len(todo))
        on_plan(plan)
        if not options.dry_run:
            run.make(plan.groups)


def _as_they_end(running: "Sequence[tuple[Task, Future[BlotResult]]]") -> "Iterator[tuple[Task, Future[BlotResult]]]":
    """Yield tasks in order, each when its blot has ended.

    An interruption while one waits for a future can leave the future's lock closed; waiting for a queue cannot.
    """
    ended: SimpleQueue[Future[BlotResult]] = SimpleQueue()
    for _, future in running:
        future.add_done_callback(ended.put)
    seen: set[Future[BlotResult]] = set()
    for task, future in running:
        while future not in seen:
            seen.add(ended.get())
        yield task, future


class _Run:
    """A run in progress; outcomes are handed over by the thread that started it."""

    def __init__(
        self,
        source: Source,
        settings: Settings,
        options: Options,
        on_outcome: Callable[[Outcome], None],
        maker: Maker,
        identity: Any,
    ) -> None:
        more = _BYTES_OF_ERRORS if settings.errors else 0
        self._maker = replace(maker, bytes_per_pixel=maker.bytes_per_pixel + more)
        self._source, self._settings, self._on_outcome = source, settings, on_outcome
        self._options, self._memory, self._most = options, memory_limit(options.memory), most_memory(options)
        self._threads = checked_threads(settings.threads)
        self._stopping = threading.Event()
        how = settings.parameters.interpolant
        with named(source.image.name):
            self._interpolant, self._dtype = how, window_dtype(blot_dtype(source.pixels, how), how)
        self._window_bytes = self._memory // 4  # of the window in use, and as much of the next one
        self._identity = identity

    def keep(self, task: Task) -> bool:
        """Whether the blot is there already and may stay."""
        made, shape = record.read_record(task.path)
        if not made:
            return False
        parameters = self._settings.parameters
        try:
            with WARNING_FILTERS, open_reference(task.where, parameters.wcs_key) as reference:
                storage = self._settings.storage(task.path)
                key = record.blot_key(parameters, storage, self._source.image, reference)
        except SkyblotError:  # to be reported when it is tried
            return False
        if made.get(record.KEY_CARD) != key or bool(made.get(record.ERROR_CARD)) != self._settings.errors:
            return False
        name = self._source.image.name
        self._on_outcome(BlotResult(name, reference.name, task.path, shape, made["BLOTCOVR"], 0.0, kept=True))
        return True

    def plan(self, tasks: Sequence[Task], kept: int) -> Plan:
        """Put exposures into groups, from their headers."""
        groups = tuple(self._groups(tasks))
        pixels = [each.bounds.area for each in groups if self._shared(each.bounds)]
        members = [member for each in groups for member in each.members]
        held = 2 * max(pixels, default=0) * self._dtype.itemsize
        held += max((self._workers(each) * self._maker.bytes_per_pixel * largest(each) for each in groups), default=0)
        seconds = [expected_seconds(each.shape, self._interpolant.taps, self._threads) for each in members]
        return Plan(groups, kept, held, sum(seconds) + sum(pixels) * _SECONDS_PER_READ_PIXEL)

    def make(self, groups: Sequence[Group]) -> None:
        """Make all blots; on an interruption or, with `fail_fast`, a failure, drop those that are being made."""
        try:
            with ThreadPoolExecutor(1, thread_name_prefix="skyblot-read") as reader:
                self._make_groups(groups, reader)
        except BaseException:
            self._stopping.set()
            raise

    def _groups(self, tasks: Sequence[Task]) -> Iterator[Group]:
        """Groups of exposures that share a window; a single one is left to load its own."""
        if (len(tasks) == 1 and not self._options.dry_run) or self._settings.wcsmap is not None:
            for task in tasks:
                yield Group((Footprint.unknown(task),), EMPTY)
            return
        found = [each for task in tasks if (each := self._looked_up(task)) is not None]
        order = {task: number for number, task in enumerate(tasks)}
        for made in group(found, self._window_bytes // self._dtype.itemsize):
            yield Group(tuple(sorted(made.members, key=lambda member: order[member.task])), made.bounds)

    def _looked_up(self, task: Task) -> Footprint | None:
        try:
            with WARNING_FILTERS:
                found = footprint(self._source, task, self._settings.parameters)
            self._check_size(str(task.where), found.shape)
            return found
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
        if not self._shared(bounds):
            return None
        return load_window(self._source.pixels, bounds, self._dtype, self._interpolant, self._threads, previous)

    def _shared(self, bounds: Bounds) -> bool:
        return 0 < bounds.area * self._dtype.itemsize <= self._window_bytes

    def _workers(self, current: Group) -> int:
        """How many blots of a group are made at once."""
        room = self._memory // 2 // (self._maker.bytes_per_pixel * largest(current))
        return max(1, min(self._threads, len(current.members), room))

    def _make_group(self, current: Group, window: Window | None) -> None:
        workers = self._workers(current)
        threads = max(1, self._threads // workers)
        resources = Resources(threads, window, self._window_bytes, self._proceed, self._check_size)
        with ThreadPoolExecutor(workers, thread_name_prefix="skyblot-blot") as pool:
            running = [(each.task, pool.submit(self._blot, each.task, resources)) for each in current.members]
            try:
                for task, future in _as_they_end(running):
                    self._finished(task, future)
            except BaseException:
                self._stopping.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _blot(self, task: Task, resources: Resources) -> BlotResult:
        self._proceed()
        return self._maker.make(self._source, task.where, task.path, self._settings, resources)

    def _proceed(self) -> None:
        """Go on to the next stage of a blot, unless the run is being stopped or its source is another one now."""
        if self._stopping.is_set():
            raise Stopped
        if file_state(self._source.image.path) != self._identity:
            raise FileError(messages.HAS_CHANGED(name=self._source.image.path, since="since the run began"))

    def _check_size(self, name: str, shape: tuple[int, int]) -> None:
        """Refuse an image that does not fit into the memory, however small the windows of the source are."""
        check_memory(name, self._maker.bytes_per_pixel * math.prod(shape), self._most)

    def _finished(self, task: Task, future: "Future[BlotResult]") -> None:
        error = future.exception()
        if error is None:
            self._on_outcome(future.result())
        elif isinstance(error, Exception):
            self._failed(task, error)
        else:
            raise error

    def _failed(self, task: Task, error: Exception) -> None:
        if self._options.fail_fast:
            raise error
        self._on_outcome(Failure.of(task.where, error))
