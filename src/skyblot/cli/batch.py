"""A run of ``skyblot blot``: what it makes, what it tells, and its exit code."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from .. import __version__, files, messages
from ..batch import Beside, Failure, Options, Outcome, Plan
from ..checks import check_apart, files_read
from ..errors import FileError, ParameterError, one_line
from ..exposure import BlotResult, Settings, Task
from ..io.atomic import file_identity
from ..job import checked_threads
from ..memory import memory_limit
from ..words import duration_text, size_text
from . import plan_table
from .common import reason_text, traceback_of
from .reports import check_report, write_blot_report
from .run_log import RunLog, open_log
from .screen import Screen, result_line, screen
from .signals import Interruption, interruptible

INTERRUPTED = 130


@dataclass(frozen=True)
class Request:
    """What the command line asks for; see the options of ``skyblot blot``."""

    source: str
    references: tuple[str, ...]
    settings: Settings
    options: Options
    output: str | None = None
    output_dir: str = "."
    log: str | None = None
    dask: str | None = None
    report: str | None = None
    config: str | None = None
    quiet: bool = False
    verbose: bool = False
    debug: bool = False


def run(request: Request) -> int:
    """Do what is asked for, and return the exit code.

    Raises
    ------
    SkyblotError
        If nothing can be made, or the only exposure that was named cannot be blotted.
    """
    checked_threads(request.settings.threads)
    memory_limit(request.options.memory)
    if request.report is not None:
        check_report(request.report, request.settings.parameters, overwrite=request.settings.overwrite)
    with interruptible() as interruption:
        lists: list[Path] = []
        tasks, failures = _tasks(request, lists.append)
        beside = _beside(request, lists)
        request = replace(request, options=replace(request.options, beside=beside))
        outputs = [*(task.path for task in tasks), *beside.writes]
        check_apart(files_read(request.source, tasks, beside=beside), outputs)  # before the log is opened
        log = None if request.options.dry_run else request.log
        with screen(quiet=request.quiet) as shown, open_log(log, shown.error) as opened:
            return _Run(request, tasks, shown, opened, interruption).go(failures)


def _beside(request: Request, lists: Sequence[Path]) -> Beside:
    """What is read and written on top of mosaic, exposures and blots."""
    reads = [*lists, *(Path(name) for name in (request.config,) if name is not None)]
    return Beside(reads, [Path(name) for name in (request.log, request.report) if name is not None])


def _tasks(request: Request, on_table: Callable[[Path], None]) -> tuple[list[Task], list[Failure]]:
    """The blots to make, and the files that cannot be read."""
    failures: list[Failure] = []
    collect = failures.append if request.output is None else None
    compress = request.settings.compress
    tasks = files.plan_outputs(request.references, request.output_dir, collect, compress=compress, on_table=on_table)
    if request.output is None:
        return tasks, failures
    if len(tasks) > 1:
        names = ", ".join(str(where) for where, _ in tasks[:4]) + (", ..." if len(tasks) > 4 else "")
        raise ParameterError(messages.ONE_OUTPUT(count=len(tasks), names=names))
    return [Task(tasks[0].where, Path(request.output))], failures


def _engine(dask: str | None) -> Callable[..., None]:
    """What makes the blots: this process, or a cluster."""
    if dask is None:
        return files.run_tasks
    from .. import cluster

    return partial(cluster.run_on_cluster, client=dask)


class _Enough(Exception):
    """The first failure, with --fail-fast."""


class _Run:
    """A run in progress."""

    def __init__(
        self, request: Request, tasks: list[Task], shown: Screen, log: RunLog, interruption: Interruption
    ) -> None:
        self._interruption = interruption
        self._request, self._tasks, self._screen, self._log = request, tasks, shown, log
        self._results: dict[Path, BlotResult] = {}
        self._failures: list[Failure] = []
        self._paths = {str(task.where): task.path for task in tasks}
        self._found = {task.path: _identity(task.path) for task in tasks}
        self._start = time.perf_counter()
        self._single = False

    def go(self, unreadable: list[Failure]) -> int:
        """Make the blots; return the exit code."""
        named = {task.where.path for task in self._tasks}
        self._single = len(self._request.references) == 1 and len(named) + len(unreadable) == 1
        source, parameters = self._request.source, dict(self._request.settings.parameters.items())
        self._log.write("start", version=__version__, source=source, parameters=parameters)
        reason = None
        try:
            self._make(unreadable)
        except KeyboardInterrupt:
            reason = "interrupted"
            if self._single:
                raise
            self._tell_interruption()
            return INTERRUPTED
        except BaseException as error:
            reason = one_line(error) if isinstance(error, Exception) else type(error).__name__
            raise
        finally:
            self._log_end(reason)
        self._write_report()
        self._summarize()
        return 1 if self._failures else 0

    def _make(self, unreadable: list[Failure]) -> None:
        request = self._request
        engine = _engine(None if request.options.dry_run else request.dask)
        options = replace(request.options, fail_fast=False)  # the first failure is to be told like any other
        with suppress(_Enough):
            for failure in unreadable:
                self._failed(failure)
            engine(request.source, self._tasks, request.settings, options, self._add, self._planned)

    def _add(self, outcome: Outcome) -> None:
        if isinstance(outcome, Failure):
            self._failed(outcome)
        else:
            self._results[outcome.path] = outcome
            self._screen.result(result_line(outcome))
            self._log_result(outcome)
        self._screen.advance()
        self._interruption.check()

    def _log_result(self, result: BlotResult) -> None:
        facts = {name: getattr(result, name) for name in ("reference", "path", "shape", "covered")}
        self._log.write("kept" if result.kept else "blot", **facts, seconds=round(result.seconds, 3), reason=None)

    def _failed(self, failure: Failure) -> None:
        self._failures.append(failure)
        facts = {"path": self._paths.get(failure.reference), "shape": None, "covered": None, "seconds": None}
        self._log.write("failed", reference=failure.reference, **facts, reason=failure.reason)
        if self._single:
            raise failure.error
        self._screen.error(f"skyblot: error: {reason_text(failure)}")
        if self._request.debug:
            self._screen.error(traceback_of(failure.error))
        if self._request.options.fail_fast:
            raise _Enough

    def _planned(self, plan: Plan) -> None:
        self._interruption.gentle = not self._single  # then there will be a next outcome before long
        self._screen.expect_plan(plan)
        if self._request.options.dry_run:
            self._show_table(plan, self._screen.out_is_terminal, self._screen.result)
        elif plan.count > 1 and not self._single:
            self._show_table(plan, self._screen.err_is_terminal, self._screen.message)

    def _show_table(self, plan: Plan, terminal: bool, show: Callable[[Any], None]) -> None:
        rows = plan_table.plan_rows(plan, self._tasks)
        if terminal and not (self._request.options.dry_run or self._request.verbose):
            rows = plan_table.shortened(rows)
        if rows:
            show(plan_table.rich_table(rows) if terminal else plan_table.plain_table(rows))
        show(plan_table.totals(plan))

    def _write_report(self) -> None:
        request = self._request
        if request.report is None or request.options.dry_run or not self._results:
            return
        found = (self._results.get(task.path) for task in self._tasks)
        pairs = ((each.reference, each.path) for each in found if each is not None)
        notes = [f"failed: {reason_text(failure)}" for failure in self._failures]
        write_blot_report(request.report, request.source, pairs, notes, request.settings)
        self._screen.message(f"{request.report}: {len(self._results)} chips")

    def _tell_interruption(self) -> None:
        self._screen.error(
            f"skyblot: interrupted: {sum(self._counts())} of {len(self._tasks)} blots are there; "
            "the same command with --resume makes the rest"
        )

    def _is_there(self, path: Path) -> bool:
        """Whether this run has made or kept a blot, even if nobody has been told yet."""
        return path in self._results or _identity(path) not in (None, self._found[path])

    def _summarize(self) -> None:
        if self._single or self._request.options.dry_run:
            return
        made, kept = self._counts()
        there = [path for path, old in self._found.items() if _identity(path) not in (None, old)]
        written = size_text(sum((_identity(path) or (0, 0))[0] for path in there))
        seconds = duration_text(time.perf_counter() - self._start)
        counts = f"{made} made, {kept} kept, {len(self._failures)} failed"
        self._screen.message(f"{counts}, {written} written in {seconds}")
        for failure in self._failures:
            self._screen.message(f"failed: {reason_text(failure)}")

    def _log_end(self, reason: str | None) -> None:
        made, kept = self._counts()
        seconds = round(time.perf_counter() - self._start, 3)
        self._log.write("end", made=made, kept=kept, failed=len(self._failures), seconds=seconds, reason=reason)

    def _counts(self) -> tuple[int, int]:
        """How many blots this run has made, and how many it has kept."""
        kept = sum(each.kept for each in self._results.values())
        return sum(self._is_there(task.path) for task in self._tasks) - kept, kept


def _identity(path: Path) -> tuple[int, int | str] | None:
    """What tells a file from one that replaced it; None where there is none."""
    try:
        return file_identity(path)
    except FileError:
        return None
