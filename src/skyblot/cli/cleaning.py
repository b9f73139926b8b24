"""A run of ``skyblot clean``: what it tells, and its exit code."""

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..api.clean import CleanResult, clean_events
from ..mosaics.parts import Stage
from ..mosaics.plan import CleanPlan
from ..runs.work import Failure
from ..text import duration_text
from .common import reason_text, traceback_of
from .run_log import RunLog, open_log
from .screen import Screen, result_line, screen
from .signals import Interruption, interruptible

if TYPE_CHECKING:
    from ..report import Report

INTERRUPTED = 130


@dataclass(frozen=True)
class Cleaning:
    """How a run is told of: see the options of ``skyblot clean``."""

    dry_run: bool = False
    log: str | None = None
    report: str | None = None
    quiet: bool = False
    debug: bool = False


def run(plan: CleanPlan, asked: Cleaning) -> int:
    """Do what a plan says, and return the exit code."""
    with (
        interruptible() as interruption,
        screen(quiet=asked.quiet) as shown,
        open_log(None if asked.dry_run else asked.log, shown.error) as log,
    ):
        if asked.dry_run:
            _show_plan(plan, shown)
            return 1 if plan.work.failures else 0
        try:
            with _page(plan, asked) as page:
                return _Run(plan, asked, shown, log, page).go(interruption)
        except KeyboardInterrupt:
            shown.error(
                "skyblot: interrupted: the same command with --resume begins again, and ends "
                "with the same files"
            )
            return INTERRUPTED


def _show_plan(plan: CleanPlan, shown: Screen) -> None:
    for failure in plan.work.failures:
        shown.error(f"skyblot: error: {reason_text(failure)}")
    shown.result(plan.summary)
    for path in (*plan.outputs.paths, *plan.work.writes):
        shown.result(str(path))


@contextmanager
def _page(plan: CleanPlan, asked: Cleaning) -> "Iterator[Report | None]":
    """The page of pictures, which is written when the block succeeds."""
    if asked.report is None:
        yield None
        return
    from ..report import open_report

    parameters = {**plan.step.criteria, **vars(plan.matching), **vars(plan.drizzling)}
    title = f"Cosmic rays of {plan.exposures} exposures"
    overwrite = plan.options.overwrite
    with open_report(asked.report, title=title, parameters=parameters, overwrite=overwrite) as page:
        yield page


class _Run:
    """A run in progress."""

    def __init__(
        self, plan: CleanPlan, asked: Cleaning, shown: Screen, log: RunLog, page: "Report | None"
    ) -> None:
        self._plan = plan
        self._asked = asked
        self._screen = shown
        self._log = log
        self._page = page
        self._order: dict[Any, int] = {where: k for k, where in enumerate(plan.images)}
        self._failures: list[Failure] = []
        self._start = time.perf_counter()

    def go(self, interruption: Interruption) -> int:
        """Take what comes, and return the exit code."""
        plan = self._plan
        self._log.write("start", version=__version__, exposures=[str(w) for w in plan.images])
        self._screen.message(plan.summary)
        reason = "interrupted"
        try:
            interruption.gentle = True
            with closing(clean_events(plan)) as events:
                for event in events:
                    self._take(event)
                    interruption.check()
            reason = ""
        finally:
            seconds = round(time.perf_counter() - self._start, 3)
            self._log.write(
                "end", failed=len(self._failures), seconds=seconds, reason=reason or None
            )
        return 1 if self._failures else 0

    def _take(self, event: Any) -> None:
        if isinstance(event, Stage):
            self._screen.stage(event.name, event.done, event.total)
        elif isinstance(event, Failure):
            self._failed(event)
        elif isinstance(event, CleanResult):
            self._finish(event)
        else:
            self._screen.result(result_line(event))
            self._log.write("mask", reference=event.reference, path=event.path, **event.measured)
            if self._page is not None and event.picture is not None:
                self._page.add(event.picture, order=self._order[event.where])

    def _failed(self, failure: Failure) -> None:
        self._failures.append(failure)
        self._log.write("failed", reference=failure.reference, reason=failure.reason)
        self._screen.error(f"skyblot: error: {reason_text(failure)}")
        if self._asked.debug:
            self._screen.error(traceback_of(failure.error))

    def _finish(self, result: CleanResult) -> None:
        for path in (result.table, result.objects, result.median, result.mosaic):
            if path is not None:
                self._screen.result(str(path))
        seconds = duration_text(time.perf_counter() - self._start)
        kept = "all kept" if result.kept else f"{len(result.masks)} masks"
        self._screen.message(f"{kept}, {len(self._failures)} failed, in {seconds}")
