"""What commands share: options from the table of parameters, logging, warnings, result lines, progress."""

import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..errors import SkyblotWarning
from ..parameters import TABLE, Parameter

if TYPE_CHECKING:
    from ..exposure import BlotResult

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def parameter_options(function: Decorated) -> Decorated:
    """Add one option for each row of the table of parameters."""
    for row in reversed(TABLE):
        function = click.option(*_flags(row), default=None, help=_help(row), metavar=_metavar(row))(function)
    return function


def _flags(row: Parameter) -> tuple[str, ...]:
    return (f"{row.option}/--no-{row.option[2:]}",) if row.kind == "bool" else (row.option,)


def _metavar(row: Parameter) -> str | None:
    if row.kind == "bool":
        return None
    return "NAME" if row.choices else {"text": "KEYWORD", "integer": "N"}.get(row.kind, "X")


def _help(row: Parameter) -> str:
    default = row.default
    if isinstance(default, bool):
        default = "yes" if default else "no"
    facts = [", ".join(row.choices), row.unit, "" if default is None else f"default {default}"]
    return f"{row.help} [{'; '.join(fact for fact in facts if fact)}]" if any(facts) else row.help


def given(options: dict[str, Any]) -> dict[str, Any]:
    """The parameters among a command's options that were given on the command line."""
    names = [row.name for row in TABLE]
    return {name: options[name] for name in names if options[name] is not None}


def verbosity_options(function: Decorated) -> Decorated:
    """Add ``-v``, ``-q`` and ``--debug``."""
    for option in (
        click.option("--debug", is_flag=True, help="Log every step, and show tracebacks."),
        click.option("-q", "--quiet", is_flag=True, help="Print errors only."),
        click.option("-v", "--verbose", is_flag=True, help="Log what is done."),
    ):
        function = option(function)
    return function


def set_up_messages(*, verbose: bool, quiet: bool, debug: bool) -> None:
    """Send the library's log and warnings to stderr, one line each."""
    level = logging.DEBUG if debug else logging.INFO if verbose else logging.WARNING
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr, force=True)
    logging.getLogger("skyblot").setLevel(level)
    import_module("astropy").log.setLevel(logging.WARNING)
    warnings.simplefilter("default" if debug else "ignore")
    warnings.simplefilter("ignore" if quiet else "once", SkyblotWarning)
    warnings.showwarning = _show_warning


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    click.echo(f"warning: {message}", err=True)


def result_line(result: "BlotResult") -> str:
    """One line about a blot: file, shape, percent covered, seconds."""
    ny, nx = result.shape
    return f"{result.path}  {ny} x {nx}  {100 * result.covered:.1f} % covered  {result.seconds:.2f} s"


@contextmanager
def progress(total: int, *, quiet: bool) -> Iterator[Callable[["BlotResult"], None]]:
    """Yield what to call with each result: prints its line, and moves a progress bar on a terminal."""
    with nullcontext() if quiet or not sys.stderr.isatty() else _bar(total) as advance:

        def report(result: "BlotResult") -> None:
            if not quiet:
                click.echo(result_line(result))
            if advance is not None:
                advance()

        yield report


@contextmanager
def _bar(total: int) -> Iterator[Callable[[], None]]:
    """A progress bar on stderr; yield what moves it on by one."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("blotting"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("blotting", total=total)
        yield lambda: bar.advance(task)
