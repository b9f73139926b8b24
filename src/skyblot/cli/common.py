"""What commands share: options from the table of parameters, logging, warnings."""

import logging
import sys
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import click
from click.shell_completion import CompletionItem

from ..errors import SkyblotWarning
from ..parameters.row import Parameter
from ..parameters.table import TABLE, USER_WCS_SECTION, Recipe
from ..text import printable

if TYPE_CHECKING:
    from ..runs.work import Failure

logger = logging.getLogger(__name__)
Decorated = TypeVar("Decorated", bound=Callable[..., Any])


#: How blots are made that are compared with exposures, on the exposures' own pixels: those without
#: a blot are left out.
COMPARED_BLOTS = [
    row for row in TABLE if row.section != USER_WCS_SECTION and row.name != "fill_value"
]
#: The log of what is compiled.
_COMPILING = "skyblot.kernels.compiling"
#: What every command has of click's settings.
HELP = {"help_option_names": ["-h", "--help"]}


def parameter_options(rows: Sequence[Parameter] = TABLE) -> Callable[[Decorated], Decorated]:
    """Add one option for each of some rows of the table of parameters."""

    def add(function: Decorated) -> Decorated:
        for row in reversed(rows):
            function = click.option(
                *_flags(row), row.name, default=None, help=_help(row), **_kind(row)
            )(function)
        return function

    return add


def with_options(*options: Callable[[Decorated], Decorated]) -> Callable[[Decorated], Decorated]:
    """Add options, the last one first."""

    def add(function: Decorated) -> Decorated:
        for option in options:
            function = option(function)
        return function

    return add


def _flags(row: Parameter) -> tuple[str, ...]:
    return (f"{row.option}/--no-{row.option[2:]}",) if row.kind == "bool" else (row.option,)


def _kind(row: Parameter) -> dict[str, Any]:
    """What click has to know of an option."""
    if row.kind == "flag":
        return {"is_flag": True}
    if row.kind == "bool":
        return {}
    facts: dict[str, Any] = {"metavar": _metavar(row), "shell_complete": _completion(row)}
    if row.kind in ("pair", "seed and member"):
        facts["type"] = (float, float)
    elif row.name == "threads":
        facts["type"] = int
    elif row.name in ("gain", "read_noise"):
        facts["type"] = float
    return facts


def _metavar(row: Parameter) -> str:
    return row.metavar or (
        "NAME" if row.choices else {"text": "KEYWORD", "integer": "N"}.get(row.kind, "X")
    )


def _completion(row: Parameter) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """What a shell completes a value to: the choices that begin as it does."""
    return lambda _context, _option, start: [
        choice for choice in row.choices if choice.startswith(start.lower())
    ]


def complete_files(
    _context: click.Context, _argument: click.Parameter, start: str
) -> list[CompletionItem]:
    """Leave the completion of a file's name to the shell."""
    return [CompletionItem(start, type="file")]


def _help(row: Parameter) -> str:
    if row.shown:
        return f"{row.help} [{row.shown}]"
    default = row.default
    if isinstance(default, bool):
        default = "" if row.kind == "flag" else "yes" if default else "no"
    facts = [
        ", ".join(row.choices),
        row.unit,
        "" if default in (None, "") else f"default {default}",
    ]
    return f"{row.help} [{'; '.join(fact for fact in facts if fact)}]" if any(facts) else row.help


def given(options: dict[str, Any], rows: Iterable[Parameter]) -> dict[str, Any]:
    """The parameters among a command's options that were given on the command line."""
    return {row.name: options[row.name] for row in rows if options.get(row.name) is not None}


def recipe_of(options: dict[str, Any]) -> Recipe:
    """How blots are made: as the file of ``--config`` says, unless options say otherwise."""
    values: dict[str, Any] = {}
    if options["config"] is not None:
        from ..parameters.files import read_config

        values = read_config(options["config"])
    return Recipe.from_values(values).override(given(options, TABLE))


@dataclass(frozen=True)
class Telling:
    """A run's options for the command line alone: its file of parameters, and how it is told."""

    dry_run: bool = False
    config: str | None = None
    log: str | None = None
    report: str | None = None
    quiet: bool = False
    verbose: bool = False
    debug: bool = False

    @classmethod
    def of(cls, options: dict[str, Any]) -> Self:
        """Return those among a command's options."""
        return cls(**{each.name: options[each.name] for each in fields(cls)})


#: The exposures that a command is given.
exposures_argument = click.argument(
    "exposures_named",
    metavar="EXPOSURE...",
    nargs=-1,
    required=True,
    shell_complete=complete_files,
)

#: The options of a run that are for the command line alone.
run_options = with_options(
    click.option(
        "--config",
        type=click.Path(),
        help="Read parameters of blots from a .cfg file; options override it.",
    ),
    click.option(
        "--log",
        type=click.Path(),
        metavar="FILE",
        help="Append what happens to FILE, in JSON lines.",
    ),
    click.option(
        "--dry-run",
        is_flag=True,
        help="Show what would be done, and what it takes; write nothing.",
    ),
    click.option(
        "--report",
        type=click.Path(),
        metavar="FILE",
        help="Write a page with pictures of the results, .html.",
    ),
)

#: With what a page compares masks.
compare_option = click.option(
    "--compare",
    metavar="MASKS",
    help="With --report: earlier masks to compare with: DQ=BITS, or 'old/*.fits=BITS', flags; "
    "'*_mask.fits', 1 for good pixels; or a folder of masks.",
)

verbosity_options = with_options(
    click.option("--debug", is_flag=True, help="Log every step, and show tracebacks."),
    click.option("-q", "--quiet", is_flag=True, help="Print errors only."),
    click.option("-v", "--verbose", is_flag=True, help="Log what is done."),
)


def set_up_messages(*, verbose: bool, quiet: bool, debug: bool) -> None:
    """Send the library's log and warnings to stderr, one line each."""
    level = logging.DEBUG if debug else logging.INFO if verbose else logging.WARNING
    logging.basicConfig(
        level=logging.WARNING, format="%(message)s", handlers=[_Messages()], force=True
    )
    logging.getLogger("skyblot").setLevel(level)
    if sys.stderr.isatty() and not quiet:  # somebody waits
        logging.getLogger(_COMPILING).setLevel(min(level, logging.INFO))
    import_module("astropy").log.setLevel(logging.WARNING)
    warnings.simplefilter("default" if debug else "ignore")
    warnings.simplefilter("ignore" if quiet else "once", SkyblotWarning)
    warnings.showwarning = _Warnings()


def reason_text(failure: "Failure") -> str:
    """Why an exposure failed: the reason, which most often names it."""
    name = printable(Path(failure.reference.partition("[")[0]).name)
    if name in failure.reason:
        return failure.reason
    return f"{failure.reference}: {failure.reason}"


def traceback_of(error: BaseException) -> str:
    """Where an error comes from, for ``--debug``."""
    return "".join(traceback.format_exception(error)).rstrip()


class _Messages(logging.Handler):
    """Prints the log as ``set_up_messages`` lets it pass, and other packages' warnings.

    Of the compiling of kernels, which is told one by one, it says once that there is some.
    """

    _compiling_is_told = False

    def filter(self, record: logging.LogRecord) -> bool:
        return record.name.partition(".")[0] == "skyblot" or record.levelno >= logging.WARNING

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == _COMPILING:
            if not self._compiling_is_told:
                self._compiling_is_told = True
                _print(
                    "compiling, once: up to a minute (skyblot warm-up does all of it beforehand)"
                )
        else:
            _print(self.format(record))


class _Warnings:
    """Prints warnings; what holds for many chips once, and then that there are more of them."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def __call__(self, message: Warning | str, *_: Any, **__: Any) -> None:
        sentence = getattr(message, "sentence", str(message))
        self._counts[sentence] += 1
        count = self._counts[sentence]
        if count == 1 or logger.isEnabledFor(logging.INFO):
            _print(f"warning: {message}")
        elif count == 2:
            _print(f"warning: the same of others, which --verbose names: {sentence}")


def _print(text: str) -> None:
    """Print a line on what is stderr now: a progress bar puts itself there, to stay at the end."""
    with suppress(OSError, ValueError):  # a full disk, or nobody there
        sys.stderr.write(printable(text, keep="\n") + "\n")
        sys.stderr.flush()
