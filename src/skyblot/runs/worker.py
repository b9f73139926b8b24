"""What a worker of a Dask cluster does for one exposure."""

import logging
import os
import pickle
import signal
import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import FileError, SkyblotError, SkyblotWarning
from ..io.atomic import file_identity, remove_leftovers
from ..io.names import ImageName, parse_name
from ..io.remote import AnyPath, RemotePath
from ..memory import LEAST, free_memory, memory_limit
from ..parameters.options import RunOptions
from ..steps.base import Step, Task
from .local import run_here
from .plan import plan_run
from .work import Failure, Outcome, Work

logger = logging.getLogger(__name__)

#: All images of one file that are to be worked on.
Exposure = tuple[Task, ...]

#: Bytes of the largest error that is sent back as it is.
_LARGEST_ERROR = 1 << 14


@dataclass(frozen=True)
class Job:
    """What is the same for all exposures of a run.

    Attributes
    ----------
    source : str
    step : Step
    options : RunOptions
    folder : str
        Where relative names begin.
    identity : tuple
        Of the source when the run began.
    alone : bool
        A worker has no other exposure at the same time, so that this one may use all its threads.
    process : tuple
        Host and number of the process that asks for the products.
    version : str
        The version of skyblot that does.
    most : int, optional
        Bytes that one exposure may need, where workers do not know better.
    """

    source: str
    step: Step
    options: RunOptions
    folder: str
    identity: tuple[int, int | str]
    alone: bool
    process: tuple[str, int]
    version: str
    most: int | None = None


@dataclass(frozen=True)
class Report:
    """What a worker sends back: outcomes, and the warnings that came with them."""

    outcomes: list[Outcome]
    warnings: list[str]


def work_on(exposure: bytes, job: bytes) -> Report:
    """Make the products of one exposure on the worker that this is called on.

    Parameters
    ----------
    exposure, job : bytes
        An `Exposure` and a `Job`, pickled: so that Dask has nothing to look into.
    """
    from distributed import get_worker

    worker = get_worker()
    tasks = pickle.loads(exposure)
    whole = pickle.loads(job)
    with heard(whole.process, worker) as caught:
        try:
            check_version(whole.version, worker)
            outcomes = _made(tasks, whole, worker)
        except SkyblotError as error:  # returned: what is raised is logged with a traceback
            outcomes = [Failure.of(task.where, error) for task in tasks]
    return Report(outcomes, sentences(caught))


def dask_setup(worker: Any) -> None:
    """Leave Ctrl-C, which a terminal sends to all, to the process that started the cluster."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def check_version(version: str, worker: Any) -> None:
    """Refuse to work with another version of skyblot than that of who started the run."""
    from .. import __version__

    if version != __version__:
        raise SkyblotError(
            f"the worker {worker.address} has skyblot {__version__}, not {version} "
            "as the process that started the run: install the same on both"
        )


def _made(tasks: Exposure, whole: Job, worker: Any) -> list[Outcome]:
    here = os.getcwd() == whole.folder
    folder = Path() if here else Path(whole.folder)
    asked = {Task(within(folder, task.where), folder / task.path): task for task in tasks}
    source = within(folder, parse_name(whole.source))
    _check_shared(source.path, [*asked], whole, worker)
    for output in {task.path.parent for task in asked}:  # of a worker that died at this exposure
        remove_leftovers(output)
    name = whole.source if isinstance(source.path, RemotePath) else str(source)
    options, most = _options(whole, worker)
    # What a worker that died has completed is not made again, and nothing else is replaced.
    there = replace(options, resume=options.resume or not options.overwrite)
    step = whole.step if here else whole.step.within(folder)
    plan = replace(plan_run(Work(name, step, tuple(asked)), there, most=most), options=options)
    originals = {str(task.where): original for task, original in asked.items()}
    return [
        _as_asked(outcome, originals, resume=options.resume)
        for outcome in (*plan.known, *run_here(plan))
    ]


def within(folder: Path, name: ImageName) -> ImageName:
    """The name as seen from another folder than the one it was given in."""
    return name if isinstance(name.path, RemotePath) else replace(name, path=folder / name.path)


def check_shared(path: AnyPath, worker: Any) -> None:
    """Refuse to work where a file of the run is not there."""
    if not (isinstance(path, RemotePath) or path.exists()):
        raise FileError(
            f"is not there on the worker {worker.address}; all workers have to share the files",
            subject=path,
        )


def _check_shared(source: AnyPath, tasks: list[Task], whole: Job, worker: Any) -> None:
    """Refuse to work where the files of the run are not those that it was planned with."""
    inputs: list[AnyPath] = [source, *(task.where.path for task in tasks)]
    for path in [*inputs, *(task.path.parent for task in tasks)]:
        check_shared(path, worker)
    if file_identity(source) != whole.identity:
        raise FileError("has changed since the run began", subject=source)


def _options(whole: Job, worker: Any) -> tuple[RunOptions, int]:
    """The options of a worker, whose threads share its memory, and what an exposure may need."""
    options = whole.options
    threads = options.threads or (worker.state.nthreads if whole.alone else 1)
    share = 1 if whole.alone else worker.state.nthreads
    allowed = worker.memory_manager.memory_limit or free_memory()
    memory = allowed // 2 if options.memory is None else memory_limit(options.memory)
    most = whole.most or (allowed if options.memory is None else memory)
    return RunOptions(threads, max(memory // share, LEAST), options.overwrite, options.resume), most


def _as_asked(outcome: Outcome, originals: dict[str, Task], *, resume: bool) -> Outcome:
    """The outcome under the names that the user gave, without anything that cannot be sent."""
    if not isinstance(outcome, Failure):
        return replace(outcome.named(originals[str(outcome.where)]), kept=outcome.kept and resume)
    return portable(replace(outcome, reference=str(originals[outcome.reference].where)))


def portable(failure: Failure) -> Failure:
    """Return a failure that can be sent: with its sentence alone where its error cannot be."""
    try:
        sent = pickle.dumps(failure.error)
        if len(sent) <= _LARGEST_ERROR and isinstance(pickle.loads(sent), type(failure.error)):
            return failure
    except Exception:  # errors that take other arguments raise anything
        logger.debug("%s: its error cannot be sent", failure.reference)
    return replace(failure, error=SkyblotError(failure.reason))


def sentences(caught: list[warnings.WarningMessage]) -> list[str]:
    """Return what our own warnings say."""
    return [str(each.message) for each in caught if issubclass(each.category, SkyblotWarning)]


def this_process() -> tuple[str, int]:
    """Return host and number of this process."""
    return socket.gethostname(), os.getpid()


@contextmanager
def heard(process: tuple[str, int], worker: Any) -> Iterator[list[warnings.WarningMessage]]:
    """Catch warnings, to be shown by the process that started the run.

    Unless threads would mix them, or this is the one.
    """
    if worker.state.nthreads > 1 or process == this_process():
        yield []
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", SkyblotWarning)
        yield caught
