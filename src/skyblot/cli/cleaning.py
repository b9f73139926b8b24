"""A run of ``skyblot clean``: what it tells, and its exit code."""

import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..mosaics.parts import Stage
from ..mosaics.plan import CleanPlan
from ..runs.work import Failure
from ..steps.mask_record import RejectResult
from ..text import duration_text
from .common import Telling, reason_text, traceback_of
from .run_log import RunLog, open_log
from .screen import Screen, result_line, screen
from .signals import INTERRUPTED, Interruption

if TYPE_CHECKING:
    from ..api.clean import CleanResult
    from ..report import Report


def run(
    plan: CleanPlan,
    events: Generator[Any, None, None],
    telling: Telling,
    interruption: Interruption,
) -> int:
    """Do what a plan says, whose run has these events, and return the exit code."""
    with (
        screen(quiet=telling.quiet) as shown,
        open_log(None if telling.dry_run else telling.log, shown.error) as log,
    ):
        if telling.dry_run:
            _show_plan(plan, shown)
            return 1 if plan.work.failures else 0
        try:
            with open_page(plan, telling.report) as page:
                code = _Run(plan, telling, shown, log, page).go(events, interruption)
            if page is not None:
                shown.message(f"{telling.report}: written, {page.words}")
            return code
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
def open_page(plan: CleanPlan, path: str | None) -> "Iterator[Report | None]":
    """Yield the page of pictures, written when the block succeeds; None if it is unwanted."""
    if path is None:
        yield None
        return
    from ..report import open_report

    parameters = {**plan.step.criteria, **vars(plan.matching), **vars(plan.drizzling)}
    title = f"Cosmic rays of {plan.exposures} exposures"
    overwrite = plan.options.overwrite
    with open_report(path, title=title, parameters=parameters, overwrite=overwrite) as page:
        yield page


def add_mask(page: "Report", result: RejectResult, order: int) -> None:
    """Put the picture of a mask on a page, or say that there is none."""
    if result.picture is None:
        page.note(f"kept, and not shown: {result.label}")
    else:
        page.add(result.picture, order=order)


def add_mosaic(page: "Report", path: Path | None, order: int) -> None:
    """Put a mosaic with its weights on a page, after the chips."""
    from ..report import report_of_mosaic

    if path is not None:
        page.add(report_of_mosaic(path), order=order)


class _Run:
    """A run in progress."""

    def __init__(
        self, plan: CleanPlan, telling: Telling, shown: Screen, log: RunLog, page: "Report | None"
    ) -> None:
        self._plan = plan
        self._telling = telling
        self._screen = shown
        self._log = log
        self._page = page
        self._order: dict[Any, int] = {where: k for k, where in enumerate(plan.images)}
        self._failures: list[Failure] = []
        self._start = time.perf_counter()

    def go(self, events: Generator[Any, None, None], interruption: Interruption) -> int:
        """Take what comes, and return the exit code."""
        plan = self._plan
        self._log.write("start", version=__version__, exposures=[str(w) for w in plan.images])
        self._screen.message(plan.summary)
        reason = "interrupted"
        try:
            interruption.gentle = True
            with closing(events):
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
        elif not isinstance(event, RejectResult):
            self._finish(event)
        else:
            self._screen.result(result_line(event))
            self._log.write("mask", reference=event.reference, path=event.path, **event.measured)
            if self._page is not None:
                add_mask(self._page, event, self._order[event.where])

    def _failed(self, failure: Failure) -> None:
        self._failures.append(failure)
        self._log.write("failed", reference=failure.reference, reason=failure.reason)
        self._screen.error(f"skyblot: error: {reason_text(failure)}")
        if self._telling.debug:
            self._screen.error(traceback_of(failure.error))

    def _finish(self, result: "CleanResult") -> None:
        if self._page is not None:
            add_mosaic(self._page, result.mosaic, len(self._order))
        for path in (result.table, result.objects, result.median, result.mosaic):
            if path is not None:
                self._screen.result(str(path))
        seconds = duration_text(time.perf_counter() - self._start)
        kept = "all kept" if result.kept else f"{len(result.masks)} masks"
        self._screen.message(f"{kept}, {len(self._failures)} failed, in {seconds}")
