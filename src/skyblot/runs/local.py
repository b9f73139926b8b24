"""Run a plan in this process: windows of the source read once, several exposures at a time."""

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from queue import SimpleQueue

from ..bounds import EMPTY, Bounds
from ..errors import FileError, memory_errors_told
from ..io.atomic import file_state
from ..io.remote import AnyPath
from ..resampling.window import Window, load_window
from ..steps.base import Resources, Result, Source, Task
from .footprints import Group
from .plan import Plan
from .work import Failure, Outcome

#: How many exposures for each worker may be done, or waiting, before the next outcome is taken.
_AHEAD = 3


class Stopped(Exception):
    """The run is being stopped: this product is dropped."""


def run_here(plan: Plan) -> Iterator[Outcome]:
    """Make what a plan says, and yield outcomes in the order of its groups.

    Closing the generator, or an interruption, drops what is being made.
    """
    opened = (
        plan.work.step.open(plan.work.mosaic) if plan.source is None else nullcontext(plan.source)
    )
    with memory_errors_told(), opened as source:
        yield from _Run(source, plan).outcomes()


class _Run:
    """A run in progress."""

    def __init__(self, source: Source, plan: Plan) -> None:
        self._source = source
        self._plan = plan
        self._needs = plan.needs
        self._step = plan.work.step
        self._options = plan.options
        self._stopping = threading.Event()
        self._results: dict[AnyPath, list[Result]] = {}
        self._waiting: dict[AnyPath, int] = {}
        for where in (member.where for one in plan.groups for member in one.members):
            path = where.path
            self._waiting[path] = self._waiting.get(path, 0) + 1

    def outcomes(self) -> Iterator[Outcome]:
        """Make one group after the other, while the window of the next is read."""
        groups = self._plan.groups
        try:
            with ThreadPoolExecutor(1, thread_name_prefix="skyblot-read") as reader:
                window = self._load(groups[0].bounds, None) if groups else None
                for number, current in enumerate(groups):
                    following = groups[number + 1].bounds if number + 1 < len(groups) else EMPTY
                    coming = reader.submit(self._load, following, window)
                    yield from self._group(current, window)
                    window = coming.result()
        except BaseException:
            self._stopping.set()
            raise

    def _load(self, bounds: Bounds, previous: Window | None) -> Window | None:
        """The window of a group, unless it is left to its only member to load parts of it."""
        needs = self._needs
        if not needs.is_shared(bounds):
            return None
        return load_window(
            self._source.pixels, bounds, needs.dtype, needs.interpolant, needs.threads, previous
        )

    def _group(self, current: Group, window: Window | None) -> Iterator[Outcome]:
        workers = self._needs.workers(current)
        resources = self._resources(max(1, self._needs.threads // workers), window)
        with ThreadPoolExecutor(workers, thread_name_prefix="skyblot-step") as pool:
            try:
                for task, future in self._in_order(
                    pool, self._plan.tasks(current), resources, _AHEAD * workers
                ):
                    yield from self._ended(task, future)
            except BaseException:
                self._stopping.set()
                pool.shutdown(wait=True, cancel_futures=True)
                raise

    def _resources(self, threads: int, window: Window | None) -> Resources:
        overwrite = self._options.replaces
        return Resources(
            threads,
            window,
            self._needs.window_bytes,
            overwrite,
            self._proceed,
            self._needs.check_size,
        )

    def _in_order(
        self, pool: ThreadPoolExecutor, tasks: Sequence[Task], resources: Resources, ahead: int
    ) -> Iterator[tuple[Task, Future[Result]]]:
        """Yield tasks in order, each when it has ended, with at most `ahead` of them begun.

        An interruption while one waits for a future can leave the future's lock closed; waiting for
        a queue cannot.
        """
        ended: SimpleQueue[Future[Result]] = SimpleQueue()
        waiting = deque(tasks)
        running = deque[tuple[Task, Future[Result]]]()
        seen: set[Future[Result]] = set()
        while waiting or running:
            while waiting and len(running) < ahead:
                task = waiting.popleft()
                future = pool.submit(self._make, task, resources)
                future.add_done_callback(ended.put)
                running.append((task, future))
            task, future = running.popleft()
            while future not in seen:
                seen.add(ended.get())
            seen.remove(future)
            yield task, future

    def _make(self, task: Task, resources: Resources) -> Result:
        self._proceed()
        return self._step.make(self._source, task, resources)

    def _proceed(self) -> None:
        """Go on to the next stage, unless the run is stopped or its source was replaced."""
        if self._stopping.is_set():
            raise Stopped
        path = self._source.image.path
        if file_state(path) != self._plan.state:
            raise FileError("has changed since the run began", subject=path)

    def _ended(self, task: Task, future: Future[Result]) -> Iterator[Outcome]:
        """The outcome of a task, and what went wrong with the end of its exposure."""
        error = future.exception()
        if error is not None and not isinstance(error, Exception):
            raise error
        result = None if error is not None else future.result()
        problems = [] if error is None else [error]
        try:
            self._finish(task, result)
        except Exception as end:  # one exposure that cannot be finished must not end the run
            problems.append(end)
        if problems and self._options.fail_fast:
            raise problems[0]
        if result is not None and not problems:
            yield result.public().named(task)
        for problem in problems:
            yield Failure.of(task.where, problem)

    def _finish(self, task: Task, result: Result | None) -> None:
        """Let the step finish an exposure when the last of its images has ended."""
        path = task.where.path
        results = self._results.setdefault(path, [])
        if result is not None:
            results.append(result)
        self._waiting[path] -= 1
        if self._waiting[path] == 0:
            self._step.finish(
                self._plan.work.exposures[path],
                self._results.pop(path),
                self._resources(self._needs.threads, None),
            )
