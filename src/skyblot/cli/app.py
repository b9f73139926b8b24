"""The application: its commands, loaded when they are used, and what becomes of errors."""

import importlib
import os
import sys
from collections.abc import Sequence
from contextlib import suppress

import click

from ..errors import SkyblotError, no_memory
from .screen import echo

_COMMANDS = {
    "clean": "Find the cosmic rays of exposures, and make a clean mosaic.",
    "reject": "Find the cosmic rays of exposures.",
    "blot": "Blot a mosaic onto exposures.",
    "median": "Stack exposures, without their cosmic rays.",
    "drizzle": "Drizzle exposures onto a mosaic.",
    "info": "Tell what is understood of files.",
    "show": "Write one picture of a file.",
    "demo": "Make a synthetic data set, blot it, and clean it.",
    "config": "Write or check a file of parameters.",
}

#: Commands that share a module.
_HOMES = {"median": "mosaic", "drizzle": "mosaic"}


class _LazyGroup(click.Group):
    """A group that imports a command's module only when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        module = importlib.import_module(f".{_HOMES.get(name, name)}", __package__)
        command: click.Command = getattr(module, name if name in _HOMES else "command")
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


def _print_version(ctx: click.Context, option: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from .. import __version__

        echo(f"skyblot {__version__}")
        ctx.exit()


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
def cli() -> None:
    """Put a clean astronomical mosaic back onto the distorted exposures it came from."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code; a bad input ends with a sentence and 2."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    for name in ("stdout", "stderr"):  # None where whoever started the process has closed them
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 -- for the process's life
    return _flushed(_run(arguments, debug="--debug" in arguments))


def _flushed(code: int) -> int:
    """The exit code once all output is out: for a full disk Python would show a traceback."""
    try:
        sys.stdout.flush()
    except OSError as error:
        _forget_output()
        if code == 0 and not isinstance(error, BrokenPipeError):
            _tell(f"standard output: cannot be written: {error.strerror}")
            return 2
        return code or 1
    return code


def _forget_output() -> None:
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _tell(problem: object) -> None:
    with suppress(OSError):  # nobody hears it then
        echo(f"skyblot: error: {problem}", err=True)


def _told(error: OSError) -> str:
    """What the system refuses: a file, or else what is printed, where that is the trouble."""
    reason = error.strerror or " ".join(str(error).split())
    name = error.filename
    if name is None:
        try:
            sys.stdout.flush()
        except OSError:
            _forget_output()
            name = "standard output"
    subject = "the system" if name is None else name
    return f"{subject}: {reason}"


def _run(arguments: list[str], *, debug: bool) -> int:
    try:
        return cli.main(arguments, prog_name="skyblot", standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        echo("skyblot: interrupted", err=True)
        return 130
    except BrokenPipeError:  # whoever read the output, as `head` does, has enough
        _forget_output()
        return 1
    except SkyblotError as error:
        if debug:
            raise
        _tell(error)
        return 2
    except MemoryError as error:
        if debug:
            raise
        _tell(no_memory(error))
        return 2
    except OSError as error:
        if debug:
            raise
        _tell(_told(error))
        return 2
    except Exception as error:
        if debug:
            raise
        text = " ".join(str(error).split())
        echo(
            f"skyblot: internal error, {type(error).__name__}: {text} (--debug shows where)",
            err=True,
        )
        return 3
