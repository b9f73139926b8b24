"""Many blots on a Dask cluster: one task an exposure, and no pixels but those that the workers read and write."""

import asyncio
import atexit
import logging
import os
import pickle
import socket
import sys
import uuid
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import messages
from .batch import Failure, Options, Outcome, Plan, run_batch
from .checks import check_run
from .errors import ParameterError, SkyblotError, SkyblotWarning, not_allowed, one_line
from .exposure import Settings, Task
from .io.atomic import file_identity, remove_leftovers
from .io.names import parse_name
from .io.remote import AnyPath
from .job import checked_threads
from .memory import LEAST, free_memory, memory_limit
from .worker import Exposure, Job, Report, blot_exposure

logger = logging.getLogger(__name__)

#: How long a scheduler may take to answer.
_ANSWER_SECONDS = 10


def run_on_cluster(
    source: str | Path,
    tasks: Sequence[Task],
    settings: Settings,
    options: Options,
    on_outcome: Callable[[Outcome], None],
    on_plan: Callable[[Plan], None] = lambda plan: None,
    client: Any = "local",
) -> None:
    """Make blots as `files.run_tasks` does, on the workers of a Dask cluster; the files are the same.

    Parameters
    ----------
    source, tasks, settings, options, on_outcome, on_plan
        As for `files.run_tasks`. `settings.threads` is the number of threads of one blot, by default 1, or all those of
        a worker where there are no more exposures than workers; for "local" it is the number of workers.
        `options.memory` is for each worker; for "local", for all of them. The memory in the plan is a worker's.
    client : distributed.Client or str
        A client, the address of a scheduler, or "local" for a cluster of this machine's cores, for this run only.

    Raises
    ------
    SkyblotError
        As `files.run_tasks` does; or if there is no such cluster, or the settings cannot be sent to it.
    """
    settings = check_run(source, tasks, settings, options)
    memory_limit(options.memory)  # refused here, not by every worker
    if settings.wcsmap is not None:
        raise ParameterError(messages.NOT_FOR_CLUSTER(wcsmap=settings.wcsmap))
    if options.dry_run:
        run_batch(source, tasks, settings, options, on_outcome, on_plan)
        return
    try:
        with _connected(client, settings.threads) as connected:
            _run(connected, source, tasks, _shared_out(client, settings, options), on_outcome, on_plan)
    except BaseException:
        if _is_local(client):  # its workers have been stopped at whatever they did
            for output in {task.path.parent for task in tasks}:
                remove_leftovers(output)
        raise


def _is_local(client: Any) -> bool:
    return isinstance(client, str) and client == "local"


def _shared_out(client: Any, settings: Settings, options: Options) -> tuple[Settings, Options]:
    """What is given for a whole run, as it is for one worker of a "local" cluster."""
    if not _is_local(client):
        return settings, options
    memory = max(memory_limit(options.memory) // checked_threads(settings.threads), LEAST)
    most = free_memory() if options.memory is None else memory
    return replace(settings, threads=1), replace(options, memory=memory, most=most)


def _run(
    client: Any,
    source: str | Path,
    tasks: Sequence[Task],
    how: tuple[Settings, Options],
    on_outcome: Callable[[Outcome], None],
    on_plan: Callable[[Plan], None],
) -> None:
    from . import __version__

    settings, options = how
    workers = client.nthreads()
    if not workers:
        logger.warning(messages.NO_WORKERS_YET())
    identity = file_identity(parse_name(source).path)
    plan = _plan(source, tasks, settings, options, on_outcome)
    exposures = _exposures(tasks, plan)
    at_once = max(1, min(len(exposures), sum(workers.values())))
    on_plan(replace(plan, seconds=plan.seconds / at_once))
    if not exposures:
        return
    job = Job(
        str(source),
        settings,
        options,
        folder=os.getcwd(),
        identity=identity,
        alone=len(exposures) <= len(workers),
        process=(socket.gethostname(), os.getpid()),
        version=__version__,
    )
    _Submission(client, _pickled(job), options.fail_fast, on_outcome).make(exposures)


def _plan(
    source: str | Path,
    tasks: Sequence[Task],
    settings: Settings,
    options: Options,
    on_outcome: Callable[[Outcome], None],
) -> Plan:
    """Look at the headers, here: what is there already, and what cannot be blotted, takes no worker."""
    plans: list[Plan] = []
    most = options.most or (sys.maxsize if options.memory is None else None)  # workers know what they have
    planning = replace(options, dry_run=True, most=most)
    run_batch(source, tasks, replace(settings, threads=settings.threads or 1), planning, on_outcome, plans.append)
    return plans[0]


def _exposures(tasks: Sequence[Task], plan: Plan) -> list[Exposure]:
    """Put all images of one file together, in the order in which they are named."""
    planned = {member.task for group in plan.groups for member in group.members}
    found: dict[AnyPath, list[Task]] = {}
    for task in tasks:
        if task in planned:
            found.setdefault(task.where.path, []).append(task)
    return [tuple(members) for members in found.values()]


def _pickled(job: Job) -> bytes:
    try:
        return pickle.dumps(job)
    except Exception as error:  # objects raise anything
        raise ParameterError(messages.NOT_SENT(reason=one_line(error))) from error


class _Submission:
    """The exposures of a run on a cluster."""

    def __init__(self, client: Any, job: bytes, fail_fast: bool, on_outcome: Callable[[Outcome], None]) -> None:
        self._client, self._job, self._fail_fast, self._on_outcome = client, job, fail_fast, on_outcome

    def make(self, exposures: Sequence[Exposure]) -> None:
        """Make all blots.

        Dask redoes what a worker was at when it died, and gives up what was given to several that died; that may
        be the fault of another exposure on the same worker. So it is tried once more, and alone.
        """
        for exposure in self._submitted(exposures):
            for culprit in self._submitted([exposure]):
                self._failed(culprit, SkyblotError(messages.WORKERS_DIED(name=culprit[0].where.path)))

    def _submitted(self, exposures: Sequence[Exposure]) -> list[Exposure]:
        """Submit exposures, hand over their outcomes, and return those that Dask gave up because workers died."""
        from distributed import as_completed

        run = uuid.uuid4().hex[:8]
        keys = {f"blot-{run}-{number}-{each[0].where.path.name}": each for number, each in enumerate(exposures)}
        payloads = [pickle.dumps(each) for each in exposures]
        futures = self._client.map(blot_exposure, payloads, job=self._job, key=list(keys), pure=False)
        try:
            done = as_completed(futures, loop=self._client.loop)
            given_up = [keys[each.key] for each in done if not self._finished(each, keys[each.key])]
        except BaseException:
            with suppress(Exception):  # the reason to stop is the one to tell
                self._client.cancel(futures)
            raise
        return given_up

    def _finished(self, future: Any, exposure: Exposure) -> bool:
        """Hand over the outcomes of an exposure; False if there are none because workers died."""
        from distributed.scheduler import KilledWorker

        try:
            report: Report = future.result()
        except KilledWorker:
            return False
        except Exception as error:
            self._failed(exposure, _explained(error, exposure))
            return True
        finally:
            future.release()
        for message in report.warnings:
            warnings.warn(message, SkyblotWarning, stacklevel=2)
        for outcome in report.outcomes:
            self._hand_over(outcome)
        return True

    def _failed(self, exposure: Exposure, error: Exception) -> None:
        for task in exposure:
            self._hand_over(Failure.of(task.where, error))

    def _hand_over(self, outcome: Outcome) -> None:
        if self._fail_fast and isinstance(outcome, Failure):
            raise outcome.error
        self._on_outcome(outcome)


def _explained(error: Exception, exposure: Exposure) -> Exception:
    """What an error that is none of the blot's own means."""
    if isinstance(error, CancelledError):
        return SkyblotError(messages.CANCELLED(name=exposure[0].where.path, reason=one_line(error)))
    if isinstance(error, ImportError):
        return SkyblotError(messages.WORKER_CANNOT_IMPORT(reason=one_line(error)))
    return error


@contextmanager
def _connected(client: Any, threads: int | None) -> Iterator[Any]:
    """Yield a client of the cluster that is meant; what is made for it is closed behind it."""
    try:
        import distributed
    except ImportError as error:
        reason = f"pip install 'skyblot[dask]'; {one_line(error)}"
        raise ParameterError(messages.NOT_INSTALLED(name="client", package="Dask", reason=reason)) from error
    if isinstance(client, distributed.Client):
        if client.asynchronous or client.status != "running":
            state = "asynchronous" if client.asynchronous else client.status
            raise ParameterError(messages.CLIENT_STATE(state=state))
        yield client
    elif _is_local(client):
        with _local_cluster(threads) as cluster, distributed.Client(cluster, set_as_default=False) as local:
            yield local
    elif isinstance(client, str):
        with _dialled(client) as connected:
            yield connected
    else:
        raise not_allowed("client", client, "a distributed.Client, a scheduler's address, or 'local'")


def _local_cluster(threads: int | None) -> Any:
    """A cluster of processes with one thread each; memory is bounded by the run itself.

    A scheduler runs whatever it is sent, under the name of who started it. This one and its workers take only what is
    encrypted with a key made here: nobody else on this machine gets in.
    """
    from distributed import LocalCluster
    from distributed.security import Security

    workers = checked_threads(threads)
    try:
        return LocalCluster(
            security=Security.temporary(),
            protocol="tls://",
            n_workers=workers,
            threads_per_worker=1,
            memory_limit=0,
            dashboard_address=None,
            worker_dashboard_address=None,
            silence_logs=logging.ERROR,
            preload=["skyblot.worker"],
        )
    except Exception as error:  # processes that do not start raise anything
        raise SkyblotError(messages.NO_WORKERS_STARTED(reason=one_line(error))) from error
    except BaseException:  # one that is interrupted while it starts cannot be closed: its workers end with this process
        from distributed.deploy.spec import close_clusters

        atexit.unregister(close_clusters)
        raise


def _dialled(address: str) -> Any:
    """A client of the scheduler at an address; clients that find none there do not always clean up: try it first."""
    from distributed import Client

    try:
        with ThreadPoolExecutor(1) as own_loop:
            own_loop.submit(asyncio.run, _answer(address)).result()
        return Client(address, timeout=_ANSWER_SECONDS, set_as_default=False)
    except Exception as error:  # addresses raise anything
        raise ParameterError(messages.NO_SCHEDULER(address=address, reason=one_line(error))) from error


async def _answer(address: str) -> None:
    """Connect to a scheduler once."""
    from distributed.comm import connect
    from distributed.security import Security

    comm = await connect(address, timeout=_ANSWER_SECONDS, **Security().get_connection_args("client"))
    await comm.close()
