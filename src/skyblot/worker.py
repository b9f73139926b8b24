"""What a worker of a Dask cluster does for one exposure."""

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

from . import messages
from .batch import Failure, Options, Outcome, run_batch
from .errors import FileError, SkyblotError, SkyblotWarning
from .exposure import BlotResult, Settings, Task
from .io.atomic import file_identity, remove_leftovers
from .io.names import ImageName, parse_name
from .io.remote import AnyPath, RemotePath
from .memory import LEAST, free_memory, memory_limit

#: All images of one file that are to be blotted onto.
Exposure = tuple[Task, ...]

#: Bytes of the largest error that is sent back as it is.
_LARGEST_ERROR = 1 << 14


@dataclass(frozen=True)
class Job:
    """What is the same for all exposures of a run.

    Attributes
    ----------
    source : str
    settings : Settings
    options : Options
    folder : str
        Where relative names begin.
    identity : tuple
        Of the source when the run began.
    alone : bool
        A worker has no other exposure at the same time, so that this one may use all its threads.
    process : tuple
        Host and number of the process that asks for the blots.
    version : str
        The version of skyblot that does.
    """

    source: str
    settings: Settings
    options: Options
    folder: str
    identity: tuple[int, int | str]
    alone: bool
    process: tuple[str, int]
    version: str


@dataclass(frozen=True)
class Report:
    """What a worker sends back: outcomes, and the warnings that came with them."""

    outcomes: list[Outcome]
    warnings: list[str]


def blot_exposure(exposure: bytes, job: bytes) -> Report:
    """Make the blots of one exposure on the worker that this is called on.

    Parameters
    ----------
    exposure, job : bytes
        An `Exposure` and a `Job`, pickled: so that Dask has nothing to look into.
    """
    from distributed import get_worker

    worker, tasks, run = get_worker(), pickle.loads(exposure), pickle.loads(job)
    with _heard(run, worker) as caught:
        try:
            _check_version(run, worker)
            outcomes = _blot(tasks, run, worker)
        except SkyblotError as error:  # returned: what is raised is logged with a traceback
            outcomes = [Failure.of(task.where, error) for task in tasks]
    return Report(outcomes, [str(each.message) for each in caught if issubclass(each.category, SkyblotWarning)])


def dask_setup(worker: Any) -> None:
    """Leave Ctrl-C, which a terminal sends to all processes, to the one that started a "local" cluster."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _check_version(run: Job, worker: Any) -> None:
    from . import __version__

    if run.version != __version__:
        raise SkyblotError(messages.OTHER_VERSION(worker=worker.address, version=__version__, expected=run.version))


def _blot(tasks: Exposure, run: Job, worker: Any) -> list[Outcome]:
    here = os.getcwd() == run.folder
    folder = Path() if here else Path(run.folder)
    given = {Task(_within(folder, task.where), folder / task.path): task for task in tasks}
    source = _within(folder, parse_name(run.source))
    _check_shared(source.path, [*given], run, worker)
    for output in {task.path.parent for task in given}:  # of a worker that died at this exposure
        remove_leftovers(output)
    outcomes: list[Outcome] = []
    name = run.source if isinstance(source.path, RemotePath) else str(source)
    run_batch(name, list(given), _settings(run, worker), _options(run, worker), outcomes.append)
    paths = {task.path: original.path for task, original in given.items()}
    names = {str(task.where): str(original.where) for task, original in given.items()}
    return [_as_given(each, paths, names, resume=run.options.resume) for each in outcomes]


def _within(folder: Path, name: ImageName) -> ImageName:
    """The name as seen from another folder than the one it was given in."""
    return name if isinstance(name.path, RemotePath) else replace(name, path=folder / name.path)


def _check_shared(source: AnyPath, tasks: list[Task], run: Job, worker: Any) -> None:
    """Refuse to work where the files of the run are not those that it was planned with."""
    inputs: list[AnyPath] = [source, *(task.where.path for task in tasks)]
    for path in [*inputs, *(task.path.parent for task in tasks)]:
        if not (isinstance(path, RemotePath) or path.exists()):
            raise FileError(messages.NOT_ON_WORKER(name=path, worker=worker.address))
    if file_identity(source) != run.identity:
        raise FileError(messages.HAS_CHANGED(name=source, since="since the run began"))


def _settings(run: Job, worker: Any) -> Settings:
    threads = worker.state.nthreads if run.alone else 1
    return replace(run.settings, threads=run.settings.threads or threads)


def _options(run: Job, worker: Any) -> Options:
    """The worker's memory is shared by its threads; and what a worker that died has completed is not made again."""
    share = 1 if run.alone else worker.state.nthreads
    allowed = worker.memory_manager.memory_limit or free_memory()
    memory = allowed // 2 if run.options.memory is None else memory_limit(run.options.memory)
    resume = run.options.resume or not run.settings.overwrite
    most = run.options.most or (allowed if run.options.memory is None else memory)
    return Options(memory=max(memory // share, LEAST), most=most, resume=resume)


def _as_given(outcome: Outcome, paths: dict[Path, Path], names: dict[str, str], *, resume: bool) -> Outcome:
    """The outcome with the names that the run was given, and with nothing that cannot be sent."""
    if isinstance(outcome, BlotResult):
        return replace(outcome, path=paths[outcome.path], kept=outcome.kept and resume)
    outcome = replace(outcome, reference=names[outcome.reference])
    return outcome if _portable(outcome.error) else replace(outcome, error=SkyblotError(outcome.reason))


def _portable(error: Exception) -> bool:
    try:
        sent = pickle.dumps(error)
        return len(sent) <= _LARGEST_ERROR and isinstance(pickle.loads(sent), type(error))
    except Exception:  # errors with arguments of their own raise anything
        return False


@contextmanager
def _heard(run: Job, worker: Any) -> Iterator[list[warnings.WarningMessage]]:
    """Catch warnings, to be shown where the run was started; where other threads would get into it, they stay here."""
    if worker.state.nthreads > 1 or run.process == (socket.gethostname(), os.getpid()):
        yield []
        return
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", SkyblotWarning)
        yield caught
