"""A progress bar below what else is written, at a prompt and in notebooks."""

import sys
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from ..text import html_progress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from ..runs.plan import Plan
    from ..runs.work import Outcome


#: A notebook's bar has one task.
_ONLY: Any = 0


class ProgressBar:
    """Counts what is done; without a bar, it shows nothing."""

    def __init__(
        self, bar: "Progress | NotebookBar | None" = None, task: "TaskID | None" = None
    ) -> None:
        self._bar = bar
        self._task = task
        self._total = 0
        self._done = 0
        self._start = 0.0

    @property
    def console(self) -> "Console | None":
        """What to print on, for lines above the bar; None where there is no bar at a prompt."""
        return getattr(self._bar, "console", None)

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


class NotebookBar:
    """A bar in the output of a notebook's cell, of which nothing is left at the end.

    It needs nothing but IPython, and leaves no widget that a saved notebook could not show.
    """

    def __init__(self) -> None:
        from IPython.display import HTML, display

        self._html = HTML
        self._facts: dict[str, Any] = {"description": "", "completed": 0, "total": None, "rate": ""}
        self._output = display(HTML(""), display_id=True)

    def reset(self, _task: Any, **facts: Any) -> None:
        """Begin anew."""
        self._facts |= {"completed": 0, **facts}

    def update(self, _task: Any, *, refresh: bool = True, advance: int = 0, **facts: Any) -> None:
        """Show what has changed."""
        self._facts |= facts
        self._facts["completed"] += advance
        if refresh:
            self.refresh()

    def refresh(self) -> None:
        """Show how far it is."""
        facts = self._facts
        text = f"{facts['description']} {facts['completed']}/{facts['total']} {facts['rate']}"
        self._output.update(
            self._html(html_progress(text.strip(), facts["completed"], facts["total"]))
        )

    def close(self) -> None:
        """Take it away."""
        self._output.update(self._html(""))


@contextmanager
def progress_bar(wanted: bool = True) -> Iterator[ProgressBar]:
    """Yield a bar on stderr; it shows nothing if unwanted, or without terminal and notebook."""
    if not wanted:
        yield ProgressBar()
        return
    from rich.console import Console

    console = Console(stderr=True)
    if console.is_jupyter:
        with closing(NotebookBar()) as shown:
            yield ProgressBar(shown, _ONLY)
        return
    if not sys.stderr.isatty():
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
