"""A run of ``skyblot blot`` or ``skyblot reject``: what it makes, what it says, its exit code."""

import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from shutil import get_terminal_size
from typing import Any

from .. import __version__
from ..api.results import Batch
from ..api.results import run as run_plan
from ..errors import FileError, one_line
from ..io.atomic import file_identity
from ..runs.plan import Plan
from ..runs.work import Failure
from ..steps.base import Result, Task
from ..text import duration_text, size_text
from . import plan_table
from .common import Telling, reason_text, traceback_of
from .reports import Page, open_page
from .run_log import RunLog, open_log
from .screen import Screen, result_line, screen
from .signals import INTERRUPTED, Interruption


def run(batch: Batch, telling: Telling, interruption: Interruption, *, alone: bool) -> int:
    """Do what is asked for, and return the exit code; `alone`: a single exposure was named.

    Raises
    ------
    SkyblotError
        If nothing can be made, or the only exposure that was named fails.
    """
    work = batch.work
    work.check()  # before the log is opened
    log, report = (None, None) if telling.dry_run else (telling.log, telling.report)
    with screen(quiet=telling.quiet) as shown, open_log(log, shown.error) as opened:
        current = _Run(batch, telling, shown, opened, alone=alone)
        try:
            with open_page(report, work, overwrite=batch.options.overwrite) as page:
                current.go(page, interruption)
        except KeyboardInterrupt:
            if current.single:
                raise
            current.tell_interruption()
            return INTERRUPTED
        current.summarize(page)
        return current.code


class _Run:
    """A run in progress."""

    def __init__(
        self, batch: Batch, telling: Telling, shown: Screen, log: RunLog, *, alone: bool
    ) -> None:
        work = batch.work
        self._batch = batch
        self._work = work
        self._telling = telling
        self._screen = shown
        self._log = log
        self._page = Page()
        self._made: dict[Any, Result] = {}
        self._failures: list[Failure] = []
        self._paths = {str(task.where): task.path for task in work.tasks}
        self._found = {path: _identity(path) for path in work.writes}
        self._start = time.perf_counter()
        files = {*work.exposures, *(failure.reference for failure in work.failures)}
        self.single = alone and len(files) == 1
        self._hopeless = False

    def go(self, page: Page, interruption: Interruption) -> None:
        """Make the products, and put their pictures on a page."""
        self._page = page
        parameters = dict(self._work.step.recipe.items())
        self._log.write(
            "start", version=__version__, source=self._work.source, parameters=parameters
        )
        reason = None
        try:
            self._run(interruption)
        except BaseException as error:
            reason = one_line(error) if isinstance(error, Exception) else type(error).__name__
            reason = "interrupted" if isinstance(error, KeyboardInterrupt) else reason
            raise
        finally:
            self._log_end(reason)
        page.finish()

    @property
    def code(self) -> int:
        """The exit code."""
        return 0 if not self._failures else 2 if self._hopeless else 1

    def _run(self, interruption: Interruption) -> None:
        """Plan, and run the plan."""
        dry_run = self._telling.dry_run
        # The first failure is to be told like any other, and a plan needs no cluster.
        options = replace(self._batch.options, fail_fast=False)
        options = replace(options, client=None) if dry_run else options
        with replace(self._batch, options=options).planned(survey=dry_run) as plan:
            interruption.gentle = not self.single  # then there will be a next outcome before long
            for failure in plan.failures:
                self._failed(failure)
            self._hopeless = self.single and not (plan.count or plan.kept)
            if not self._hopeless:
                self._show_plan(plan)
            if not (dry_run or self._enough):
                self._follow(replace(plan, failures=()), interruption)
                self._hopeless = self.single and not self._made
        if self._hopeless and len(self._failures) == 1:
            raise self._failures[0].error
        for failure in self._failures if self.single else ():
            self._tell(failure)

    def _follow(self, plan: Plan, interruption: Interruption) -> None:
        """Run a plan, and take its outcomes until there are no more, or enough."""
        with closing(self._screen.follow(plan, run_plan(plan))) as outcomes:
            for outcome in outcomes:
                if isinstance(outcome, Failure):
                    self._failed(outcome)
                else:
                    self._add(outcome)
                interruption.check()
                if self._enough:
                    break

    @property
    def _enough(self) -> bool:
        """Whether something failed, with --fail-fast."""
        return bool(self._failures) and self._batch.options.fail_fast

    def _add(self, result: Result) -> None:
        self._made[result.where] = result
        self._page.add(result)
        self._screen.result(result_line(result))
        event = "kept" if result.kept else self._work.step.noun
        facts = {"reference": result.reference, "path": result.path, **result.measured}
        self._log.write(event, **facts, seconds=round(result.seconds, 3), reason=None)

    def _failed(self, failure: Failure) -> None:
        self._failures.append(failure)
        facts = {
            "path": self._paths.get(failure.reference),
            "shape": None,
            "covered": None,
            "seconds": None,
        }
        self._log.write("failed", reference=failure.reference, **facts, reason=failure.reason)
        # else they are told at the end: one that is all there is ends the program
        if not self.single:
            self._tell(failure)

    def _tell(self, failure: Failure) -> None:
        self._page.note(f"failed: {reason_text(failure)}")
        self._screen.error(f"skyblot: error: {reason_text(failure)}")
        if self._telling.debug:
            self._screen.error(traceback_of(failure.error))

    def _show_plan(self, plan: Plan) -> None:
        if self._telling.dry_run:
            self._show_table(plan, self._screen.out_is_terminal, self._screen.result)
        elif plan.count > 1 and not self.single:
            self._show_table(plan, self._screen.err_is_terminal, self._screen.message)

    def _show_table(self, plan: Plan, terminal: bool, show: Callable[[Any], None]) -> None:
        rows = plan_table.plan_rows(plan)
        if terminal and not (self._telling.dry_run or self._telling.verbose):
            rows = plan_table.shortened(rows)
        if rows:
            width = get_terminal_size().columns
            show(plan_table.rich_table(rows, width) if terminal else plan_table.plain_table(rows))
        show(plan.summary)

    def tell_interruption(self) -> None:
        """Say what is there, and how to go on."""
        there = (
            f"{sum(self._counts())} of {len(self._work.tasks)} {self._work.step.noun}s are there"
        )
        self._screen.error(
            f"skyblot: interrupted: {there}; the same command with --resume makes the rest"
        )

    def _is_there(self, task: Task) -> bool:
        """Whether this run has made or kept a product, even if nobody has been told yet."""
        return task.where in self._made or _identity(task.path) not in (
            None,
            self._found[task.path],
        )

    def summarize(self, page: Page) -> None:
        """Say what was written and what failed, of more than one exposure."""
        if page.words:
            self._screen.message(f"{self._telling.report}: written, {page.words}")
        if self.single or self._telling.dry_run:
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
        self._log.write(
            "end", made=made, kept=kept, failed=len(self._failures), seconds=seconds, reason=reason
        )

    def _counts(self) -> tuple[int, int]:
        """How many products this run has made, and how many it has kept."""
        kept = sum(each.kept for each in self._made.values())
        return sum(self._is_there(task) for task in self._work.tasks) - kept, kept


def _identity(path: Path) -> tuple[int, int | str] | None:
    """What tells a file from one that replaced it; None where there is none."""
    try:
        return file_identity(path)
    except FileError:
        return None
