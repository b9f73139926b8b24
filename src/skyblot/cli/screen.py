"""What is shown while blots are made: results on stdout, the rest on stderr, and a progress bar on a terminal."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from ..exposure import BlotResult


class Screen:
    """Where lines go, above the progress bar where there is one."""

    def __init__(self, bar: "Progress | None" = None, task: "TaskID | None" = None, *, quiet: bool = False) -> None:
        self._bar, self._task, self._quiet = bar, task, quiet
        self._total, self._done, self._start = 0, 0, 0.0

    def result(self, what: Any) -> None:
        """Print a line, or what rich can draw, on stdout, unless quiet."""
        if not self._quiet:
            self._print(what, err=False)

    def message(self, what: Any) -> None:
        """Print a line, or what rich can draw, on stderr, unless quiet."""
        if not self._quiet:
            self._print(what, err=True)

    def error(self, text: str) -> None:
        """Print a line on stderr."""
        self._print(text, err=True)

    def _print(self, what: Any, *, err: bool) -> None:
        bar = self._bar if err or sys.stdout.isatty() else None  # both are the bar's terminal, then
        if bar is None and isinstance(what, str):
            click.echo(what, err=err)
            return
        from rich.console import Console

        console = Console(stderr=err) if bar is None else bar.console
        console.print(what, markup=False, highlight=False, soft_wrap=isinstance(what, str))

    def expect(self, total: int, what: str = "blotting") -> None:
        """Begin to count to `total`."""
        self._total, self._start = total, time.monotonic()
        if self._bar is not None and self._task is not None:
            self._bar.reset(self._task, total=total, description=what, rate="")
            self._bar.refresh()

    def advance(self) -> None:
        """Count one more; nothing before `expect`."""
        if self._bar is None or self._task is None or not self._total:
            return
        self._done += 1
        rate = self._done / max(time.monotonic() - self._start, 1e-3)
        text = f"{rate:.1f}/s" if rate >= 1 else f"{60 * rate:.1f}/min"
        self._bar.update(self._task, advance=1, rate=text, refresh=True)


@contextmanager
def screen(*, quiet: bool) -> Iterator[Screen]:
    """Yield a `Screen`, with a progress bar if stderr is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield Screen(quiet=quiet)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    description, rate = TextColumn("{task.description}"), TextColumn("{task.fields[rate]}")
    columns = (description, BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, redirect_stdout=sys.stdout.isatty()) as bar:
        yield Screen(bar, bar.add_task("reading headers", total=None, rate=""))


def result_line(result: "BlotResult") -> str:
    """One line about a blot: file, shape, percent covered, and seconds, or that it was kept."""
    ny, nx = result.shape
    end = "kept" if result.kept else f"{result.seconds:.2f} s"
    return f"{result.path}  {ny} x {nx}  {100 * result.covered:.1f} % covered  {end}"
