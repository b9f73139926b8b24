"""What is shown while blots are made: results on stdout, all else on stderr."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from ..api.progress import ProgressBar, progress_bar
from ..text import printable

if TYPE_CHECKING:
    from ..steps.base import Result


def echo(text: str, *, err: bool = False) -> None:
    """Print lines on stdout or stderr, without what a terminal would obey."""
    click.echo(printable(text, keep="\n"), err=err)


class Screen:
    """Where lines go, above the progress bar where there is one.

    Attributes
    ----------
    out_is_terminal, err_is_terminal : bool
        What stdout and stderr are: the bar puts something in their place, which does not always
        tell.
    """

    def __init__(
        self, bar: ProgressBar, terminals: tuple[bool, bool], *, quiet: bool = False
    ) -> None:
        self._bar = bar
        self._quiet = quiet
        self.out_is_terminal, self.err_is_terminal = terminals
        self.follow = bar.follow
        self.stage = bar.show

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
        # both are the bar's terminal, then
        console = self._bar.console if err or self.out_is_terminal else None
        if console is None and isinstance(what, str):
            echo(what, err=err)
            return
        from rich.console import Console

        console = console or Console(stderr=err)
        what = printable(what, keep="\n") if isinstance(what, str) else what
        console.print(what, markup=False, highlight=False, soft_wrap=isinstance(what, str))


@contextmanager
def screen(*, quiet: bool) -> Iterator[Screen]:
    """Yield a `Screen`, with a progress bar if stderr is a terminal."""
    terminals = sys.stdout.isatty(), sys.stderr.isatty()
    with progress_bar(not quiet and terminals[1]) as bar:
        yield Screen(bar, terminals, quiet=quiet)


def result_line(result: "Result") -> str:
    """One line about a product: file, shape, what was found, and seconds, or that it was kept."""
    ny, nx = result.shape
    end = "kept" if result.kept else f"{result.seconds:.2f} s"
    return f"{result.label}  {ny} x {nx}  {result.summary}  {end}"
