"""A run from exposures to a mosaic on a Dask cluster: tasks are chips, and rows of the mosaic.

The process that starts it reads headers and flags, decides, and writes the mosaic and the tables;
all else is done by the workers. The files are those of a run without a cluster, to the bit.
"""

import os
import pickle
import uuid
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..bounds import Bounds
from ..errors import memory_errors_told, warn
from ..io.atomic import make_folder, scratch_folder
from ..resampling.geometry import checked_threads
from ..runs.cluster import all_died, connected, explained, pickled
from ..runs.plan import for_worker
from ..runs.work import Failure
from ..runs.worker import (
    check_shared,
    check_version,
    heard,
    portable,
    sentences,
    this_process,
    within,
)
from ..steps.base import Task
from ..steps.mask_record import RejectResult
from .chips import Chip, by_exposure, placed_chips
from .drizzle import Drizzled, Dropping
from .judging import JudgedChip
from .matching import Surveyed
from .parts import Stage, stack_of
from .plan import CleanPlan
from .run import Event, Run
from .shared import (
    Desk,
    DropRows,
    JudgeChip,
    MeasureChip,
    SharedTask,
    StackRows,
    WriteMasks,
    planes_of,
)
from .stack import Stack
from .storage import Storage

#: Rows of the mosaic that are one task.
_ROWS = 512


def clean_on_cluster(plan: CleanPlan) -> Iterator[Event]:
    """Do what a plan says as `skyblot.mosaics.run.clean`, on the workers of its cluster.

    Raises
    ------
    SkyblotError
        If there is no such cluster, or nothing can be made.
    """
    options = plan.options
    with (
        memory_errors_told(),
        ExitStack() as files,
        connected(options.client, options.threads, plan.work.writes) as client,
    ):
        yield from ClusterRun(plan, files, client).events()


@dataclass(frozen=True)
class Report:
    """What a worker sends back.

    Attributes
    ----------
    result : str
        Name of the file in the folder that all share.
    warnings : list of str
    failure : Failure or None
        Why there is no result.
    """

    result: str
    warnings: list[str]
    failure: Failure | None = None


@dataclass(frozen=True)
class Job:
    """What is the same for many tasks.

    Attributes
    ----------
    desk : Path
        The file of the run's `Desk`.
    folder : str
        Where relative names begin.
    process : tuple
        Host and number of the process that started the run.
    version : str
        The version of skyblot that it has.
    """

    desk: Path
    folder: str
    process: tuple[str, int]
    version: str


def work_on(task: bytes, result: str, job: bytes) -> Report:
    """Do a task on the worker that this is called on.

    Parameters
    ----------
    task, job : bytes
        A `SharedTask` and a `Job`, pickled: so that Dask has nothing to look into.
    result : str
        Name of the file for what is found.
    """
    from distributed import get_worker

    worker = get_worker()
    asked: SharedTask = pickle.loads(task)
    whole: Job = pickle.loads(job)
    failure = None
    with heard(whole.process, worker) as caught:
        try:
            check_version(whole.version, worker)
            desk = _desk_of(whole, worker)
            found = asked.work(desk, checked_threads(desk.plan.options.threads))
            (desk.folder / result).write_bytes(pickle.dumps(found))
        except Exception as error:  # returned: what is raised is logged with a traceback
            failure = portable(Failure.of(asked.subject, error))
    return Report(result, sentences(caught), failure)


def _desk_of(job: Job, worker: Any) -> Desk:
    """The desk of a run, as seen from the folder of this process."""
    check_shared(job.desk, worker)
    desk: Desk = pickle.loads(job.desk.read_bytes())
    here = os.getcwd() == job.folder
    return desk if here else replace(desk, plan=_plan_within(desk.plan, Path(job.folder)))


def _plan_within(plan: CleanPlan, folder: Path) -> CleanPlan:
    """The plan as seen from another folder than the one that its names begin in."""
    tasks = tuple(Task(within(folder, task.where), folder / task.path) for task in plan.work.tasks)
    work = replace(plan.work, tasks=tasks, step=plan.step.within(folder))
    return replace(plan, work=work, folder=folder / plan.folder)


class ClusterRun(Run):
    """A run in progress on a cluster."""

    def __init__(self, plan: CleanPlan, files: ExitStack, client: Any) -> None:
        super().__init__(plan, files)
        self._client = client

    def _begin(self) -> None:
        plan = self._plan
        make_folder(plan.folder)
        folder = self._files.enter_context(scratch_folder(plan.outputs.table.absolute()))
        self._storage = Storage(folder)
        # a thread for each core of a worker would be too many: they have other tasks too
        options = replace(for_worker(plan.options), client=None, memory=plan.options.memory)
        self._desk = Desk(replace(plan, options=options), plan.key, folder)
        self._crew = _Crew(self._client, folder)

    def _survey(self) -> Generator[Stage]:
        chips = placed_chips(self._plan.wanted, self._files)
        surveyed = Surveyed(chips)
        tasks = [MeasureChip(place, chip.name) for place, chip in enumerate(chips)]
        for place, measured in self._done(tasks, chips):
            surveyed.add(place, measured)
            yield self._crew.stage("reading")
        self._chips = surveyed.matched(self._frame, self._plan.matching.sky)

    def _stack(self) -> Generator[Stage, None, Stack]:
        stack = stack_of(self._plan, self._chips, self._storage)
        for _ in self._done([StackRows(rows) for rows in self._rows], self._chips):
            yield self._crew.stage("stacking")
        return stack

    def _judged(self, stack: Stack, *, last: bool) -> Iterator[JudgedChip]:
        tasks = [JudgeChip(place, last, chip.name) for place, chip in enumerate(self._chips)]
        for place, (result, deviations) in self._done(tasks, self._chips):
            task = self._plan.work.tasks[place]
            if isinstance(result, Failure):
                result = replace(result, reference=str(task.where))
            else:
                result = result.named(task)
            yield JudgedChip(self._chips[place], result, deviations)

    def _write(self) -> Iterator[RejectResult | Failure]:
        places = {chip.where: place for place, chip in enumerate(self._chips)}
        exposures = by_exposure(self._known)
        tasks = []
        for number, mine in enumerate(exposures):
            path = self._desk.folder / f"found-{number}"
            results = [replace(self._results[chip.where], picture=None) for chip in mine]
            path.write_bytes(pickle.dumps(results))
            own = tuple(places[chip.where] for chip in mine)
            tasks.append(WriteMasks(own, path, str(mine[0].where.path)))
        failures = dict(self._done(tasks, self._chips))
        for number, mine in enumerate(exposures):
            failure = failures[number]
            if failure is not None:
                failure = replace(failure, reference=str(mine[0].where))
            yield from self._ended([self._results[chip.where] for chip in mine], failure)

    def _dropped(self, chips: Sequence[Chip], how: Dropping) -> Generator[Stage, None, Drizzled]:
        places = tuple(k for k, chip in enumerate(self._chips) if chip.where in self._results)
        mosaic = planes_of(self._frame, how, self._storage)
        for _ in self._done([DropRows(rows, places, how) for rows in self._rows], self._chips):
            yield self._crew.stage("drizzling")
        return how.drizzled(mosaic)

    @property
    def _rows(self) -> list[Bounds]:
        """Rows of the mosaic, for each task."""
        ny, nx = self._frame.shape
        return [Bounds(y0, min(y0 + _ROWS, ny), 0, nx) for y0 in range(0, ny, _ROWS)]

    def _done(self, tasks: Sequence[SharedTask], chips: Sequence[Chip]) -> Iterator[Any]:
        """Let workers do tasks with these chips, and yield their places and what was found."""
        yield from self._crew.done(tasks, self._desk.with_chips(chips))


class _Crew:
    """The workers of a cluster, at the tasks of a run."""

    def __init__(self, client: Any, folder: Path) -> None:
        self._client = client
        self._folder = folder
        self._told: set[str] = set()
        self._desks = 0
        self._count = 0
        self._total = 0

    def stage(self, name: str) -> Stage:
        """Return how far the tasks are."""
        return Stage(name, self._count, self._total)

    def done(self, tasks: Sequence[SharedTask], desk: Desk) -> Iterator[tuple[int, Any]]:
        """Yield the place of each task when it is done, and what was found."""
        from distributed import as_completed

        job = self._job(desk)
        names = [f"{type(task).__name__}-{self._desks}-{place}" for place, task in enumerate(tasks)]
        keys = [f"{name}-{uuid.uuid4().hex[:8]}" for name in names]
        payloads = [pickle.dumps(task) for task in tasks]
        futures = self._client.map(work_on, payloads, names, job=job, key=keys, pure=False)
        places = dict(zip(keys, range(len(tasks)), strict=True))
        self._count = 0
        self._total = len(tasks)
        try:
            for future in as_completed(futures, loop=self._client.loop):
                place = places[future.key]
                self._count += 1
                yield place, self._ended(future, tasks[place])
        except BaseException:
            with suppress(Exception):  # the reason to stop is the one to tell
                self._client.cancel(futures)
            raise

    def _job(self, desk: Desk) -> bytes:
        """What the workers are to know."""
        from .. import __version__

        self._desks += 1
        path = self._folder / f"desk-{self._desks}"
        path.write_bytes(pickled(desk))
        return pickle.dumps(Job(path, os.getcwd(), this_process(), __version__))

    def _ended(self, future: Any, task: SharedTask) -> Any:
        """What a task found; its warnings are given once."""
        from distributed.scheduler import KilledWorker

        try:
            report: Report = future.result()
        except KilledWorker as error:
            raise all_died(task.subject) from error
        except Exception as error:
            raise explained(error, task.subject) from error
        finally:
            future.release()
        for message in report.warnings:
            if message not in self._told:
                self._told.add(message)
                warn(message)
        if report.failure is not None:
            raise report.failure.error
        path = self._folder / report.result
        found = pickle.loads(path.read_bytes())
        path.unlink()
        return found
