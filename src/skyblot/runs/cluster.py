"""Many blots on a Dask cluster: a task an exposure; only workers read and write pixels."""

import asyncio
import atexit
import logging
import os
import pickle
import uuid
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import ParameterError, SkyblotError, not_allowed, one_line, warn
from ..io.atomic import remove_leftovers
from ..io.remote import AnyPath
from ..resampling.geometry import checked_threads
from ..steps.base import Task
from .plan import Plan, for_worker, most_memory
from .work import Failure, Outcome
from .worker import Exposure, Job, Report, this_process, work_on

logger = logging.getLogger(__name__)

#: How long a scheduler may take to answer.
_ANSWER_SECONDS = 10


def run_on_cluster(plan: Plan) -> Iterator[Outcome]:
    """Make what a plan says on the workers of a cluster; the files are the same as without one.

    Closing the generator cancels what has not begun.

    Raises
    ------
    SkyblotError
        If there is no such cluster, or the step cannot be sent to it.
    """
    options = plan.options
    with connected(options.client, options.threads, plan.work.writes) as client:
        yield from _run(client, plan)


def _is_local(client: Any) -> bool:
    return isinstance(client, str) and client == "local"


def _run(client: Any, plan: Plan) -> Iterator[Outcome]:
    from .. import __version__

    workers = client.nthreads()
    if not workers:
        logger.warning("the cluster has no workers yet: the run begins when the first one is there")
    exposures = _exposures(plan)
    options = plan.options
    most = None
    if _is_local(options.client):
        options, most = for_worker(options), most_memory(options)
    job = Job(
        str(plan.work.source),
        plan.work.step,
        replace(options, client=None),
        folder=os.getcwd(),
        identity=plan.state[:2],
        alone=len(exposures) <= len(workers),
        process=this_process(),
        version=__version__,
        most=most,
    )
    yield from _Submission(client, pickled(job), plan).outcomes(exposures)


def _exposures(plan: Plan) -> list[Exposure]:
    """Put all images of one file together, in the order in which they are named."""
    planned = {task for group in plan.groups for task in plan.tasks(group)}
    by_file: dict[AnyPath, list[Task]] = {}
    for task in plan.work.tasks:
        if task in planned:
            by_file.setdefault(task.where.path, []).append(task)
    return [tuple(members) for members in by_file.values()]


def pickled(job: Any) -> bytes:
    """Return what is the same for all tasks of a run as it is sent.

    Raises
    ------
    ParameterError
        If there is something in it that cannot be.
    """
    try:
        return pickle.dumps(job)
    except Exception as error:  # objects raise anything
        raise ParameterError(
            f"these settings cannot be sent to the workers: {one_line(error)}"
        ) from error


class _Submission:
    """The exposures of a run on a cluster."""

    def __init__(self, client: Any, job: bytes, plan: Plan) -> None:
        self._client = client
        self._job = job
        self._noun = plan.work.step.noun
        self._fail_fast = plan.options.fail_fast

    def outcomes(self, exposures: Sequence[Exposure]) -> Iterator[Outcome]:
        """Make all products.

        Dask redoes what a worker was at when it died, and gives up what was given to several that
        died; that may be the fault of another exposure on the same worker. So it is tried once
        more, and alone.
        """
        for exposure in (yield from self._submitted(exposures)):
            for culprit in (yield from self._submitted([exposure])):
                yield from self._failures(culprit, all_died(culprit[0].where.path))

    def _submitted(self, exposures: Sequence[Exposure]) -> Generator[Outcome, None, list[Exposure]]:
        """Submit exposures, yield their outcomes, and return those that Dask gave up."""
        from distributed import as_completed

        run = uuid.uuid4().hex[:8]
        keys = {
            f"{self._noun}-{run}-{number}-{exposure[0].where.path.name}": exposure
            for number, exposure in enumerate(exposures)
        }
        payloads = [pickle.dumps(exposure) for exposure in exposures]
        futures = self._client.map(work_on, payloads, job=self._job, key=list(keys), pure=False)
        given_up: list[Exposure] = []
        try:
            for future in as_completed(futures, loop=self._client.loop):
                exposure = keys[future.key]
                if not (yield from self._ended(future, exposure)):
                    given_up.append(exposure)
        except BaseException:
            with suppress(Exception):  # the reason to stop is the one to tell
                self._client.cancel(futures)
            raise
        return given_up

    def _ended(self, future: Any, exposure: Exposure) -> Generator[Outcome, None, bool]:
        """Yield the outcomes of an exposure; return False if workers died and there are none."""
        from distributed.scheduler import KilledWorker

        try:
            report: Report = future.result()
        except KilledWorker:
            return False
        except Exception as error:
            yield from self._failures(exposure, explained(error, exposure[0].where.path))
            return True
        finally:
            future.release()
        for message in report.warnings:
            warn(message)
        for outcome in report.outcomes:
            if self._fail_fast and isinstance(outcome, Failure):
                raise outcome.error
            yield outcome
        return True

    def _failures(self, exposure: Exposure, error: Exception) -> Iterator[Outcome]:
        """The same failure for all images of an exposure."""
        if self._fail_fast:
            raise error
        for task in exposure:
            yield Failure.of(task.where, error)


def all_died(subject: object) -> SkyblotError:
    """Return the error of something that every worker died at."""
    #: Most often its memory was not enough: give workers more, or each fewer threads.
    return SkyblotError("every worker that was given it died", subject=subject)


def explained(error: Exception, subject: object) -> Exception:
    """Return what an error means that does not come from the work itself."""
    if isinstance(error, CancelledError):
        return SkyblotError(f"was cancelled on the cluster: {one_line(error)}", subject=subject)
    if isinstance(error, ImportError):
        return SkyblotError(
            "a worker cannot import skyblot, it has to be installed on all of them: "
            f"{one_line(error)}"
        )
    return error


@contextmanager
def connected(client: Any, threads: int | None, writes: Iterable[Path]) -> Iterator[Any]:
    """Yield a client of the cluster that is meant.

    A cluster made for it is closed afterwards; what its workers were writing then is removed.

    Raises
    ------
    SkyblotError
        If there is none.
    """
    try:
        with _connected(client, threads) as found:
            yield found
    except BaseException:
        if _is_local(client):  # whatever its workers were at has been stopped
            for output in {path.parent for path in writes}:
                remove_leftovers(output)
        raise


@contextmanager
def _connected(client: Any, threads: int | None) -> Iterator[Any]:
    """Yield a client of the cluster that is meant."""
    try:
        import distributed
    except ImportError as error:
        reason = f"pip install 'dask[distributed]' cryptography; {one_line(error)}"
        raise ParameterError(f"Dask is not installed ({reason})", subject="client") from error
    if isinstance(client, distributed.Client):
        if client.asynchronous or client.status != "running":
            state = "asynchronous" if client.asynchronous else client.status
            raise ParameterError(
                f"client: this distributed.Client is {state}, expected a running synchronous one"
            )
        yield client
    elif _is_local(client):
        with (
            _local_cluster(threads) as cluster,
            distributed.Client(cluster, set_as_default=False) as local,
        ):
            yield local
    elif isinstance(client, str):
        with _dialled(client) as dialled:
            yield dialled
    else:
        raise not_allowed(
            "client", client, "a distributed.Client, a scheduler's address, or 'local'"
        )


def _local_cluster(threads: int | None) -> Any:
    """A cluster of processes with one thread each; memory is bounded by the run itself.

    A scheduler runs whatever it is sent, under the name of who started it. This one and its workers
    take only what is encrypted with a key made here: nobody else on this machine gets in.
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
            preload=["skyblot.runs.worker"],
        )
    except Exception as error:  # processes that do not start raise anything
        raise SkyblotError(
            "the workers of a local Dask cluster did not start (in a script, the call "
            f'has to be behind if __name__ == "__main__"): {one_line(error)}'
        ) from error
    except BaseException:
        # one that is interrupted while it starts cannot be closed: its workers end with this
        # process
        from distributed.deploy.spec import close_clusters

        atexit.unregister(close_clusters)
        raise


def _dialled(address: str) -> Any:
    """A client of the scheduler at an address, tried first: clients do not always clean up."""
    from distributed import Client

    try:
        with ThreadPoolExecutor(1) as own_loop:
            own_loop.submit(asyncio.run, _answer(address)).result()
        return Client(address, timeout=_ANSWER_SECONDS, set_as_default=False)
    except Exception as error:  # addresses raise anything
        #: Is the scheduler running, and can this machine reach its port?
        raise ParameterError(
            f"client = {address!r}: no Dask scheduler answers: {one_line(error)}"
        ) from error


async def _answer(address: str) -> None:
    """Connect to a scheduler once."""
    from distributed.comm import connect
    from distributed.security import Security

    comm = await connect(
        address, timeout=_ANSWER_SECONDS, **Security().get_connection_args("client")
    )
    await comm.close()
