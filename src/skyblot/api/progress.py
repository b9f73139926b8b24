"""A progress bar below what else is written, at a prompt and in notebooks."""

import sys
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from ..runs.plan import Plan
    from ..runs.work import Outcome


class ProgressBar:
    """Counts what is done; without a bar, it shows nothing."""

    def __init__(self, bar: "Progress | None" = None, task: "TaskID | None" = None) -> None:
        self._bar = bar
        self._task = task
        self._total = 0
        self._done = 0
        self._start = 0.0

    @property
    def console(self) -> "Console | None":
        """What to print on, for lines above the bar; None where there is no bar."""
        return None if self._bar is None else self._bar.console

    def expect(self, total: int, what: str = "blotting") -> None:
        """Begin to count to `total`."""
        self._total = total
        self._start = time.monotonic()
        if self._bar is not None and self._task is not None:
            self._bar.reset(self._task, total=total, description=what, rate="")
            self._bar.refresh()

    def show(self, what: str, done: int, total: int) -> None:
        """Show how far a stage of a run is."""
        if self._bar is not None and self._task is not None:
            self._bar.update(
                self._task, description=what, completed=done, total=total, rate="", refresh=True
            )

    def follow(
        self, plan: "Plan", run: "Generator[Outcome, None, None]"
    ) -> "Generator[Outcome, None, None]":
        """Yield the outcomes of a plan's run, and count those that took work."""
        self.expect(plan.count, plan.work.step.verb)
        with closing(run) as outcomes:
            for number, outcome in enumerate(outcomes):
                yield outcome
                if number >= len(plan.known):
                    self.advance()

    def advance(self) -> None:
        """Count one more; nothing before `expect`."""
        if self._bar is None or self._task is None or not self._total:
            return
        self._done += 1
        rate = self._done / max(time.monotonic() - self._start, 1e-3)
        text = f"{rate:.1f}/s" if rate >= 1 else f"{60 * rate:.1f}/min"
        self._bar.update(self._task, advance=1, rate=text, refresh=True)


@contextmanager
def progress_bar(wanted: bool = True) -> Iterator[ProgressBar]:
    """Yield a bar on stderr; it shows nothing if unwanted, or without terminal and notebook."""
    if not wanted:
        yield ProgressBar()
        return
    from rich.console import Console

    console = Console(stderr=True)
    if not (sys.stderr.isatty() or console.is_jupyter):
        yield ProgressBar()
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    description = TextColumn("{task.description}")
    rate = TextColumn("{task.fields[rate]}")
    columns = (description, BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn())
    with Progress(
        *columns, console=console, transient=True, redirect_stdout=sys.stdout.isatty()
    ) as bar:
        yield ProgressBar(bar, bar.add_task("reading headers", total=None, rate=""))
