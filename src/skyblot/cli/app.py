"""The application: what it says by itself, and what becomes of errors."""

import os
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress

import click

from ..errors import NotAllowed, SkyblotError, no_memory
from .directory import Directory
from .screen import echo

#: What is said where no command is named.
_FIRST = """\
skyblot finds cosmic rays, and puts mosaics back onto the exposures they came from.

  exposures in, masks and a clean mosaic out:
    skyblot clean *_flc.fits --output-dir cleaned
  a mosaic and its exposures in, masks out, and a page to judge them by:
    skyblot reject mosaic.fits *_flc.fits --report masks.html
  the mosaic on the pixels of its exposures:
    skyblot blot mosaic.fits *_flc.fits --output-dir blots

All commands: skyblot --help. One of them: skyblot help clean. Something to try it on: skyblot demo.
"""


def _print_version(ctx: click.Context, option: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from .. import __version__

        echo(f"skyblot {__version__}")
        ctx.exit()


@click.group(
    cls=Directory,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and exit.",
)
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Put a clean astronomical mosaic back onto the distorted exposures it came from."""
    if ctx.invoked_subcommand is None:
        echo(_FIRST.rstrip())


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


def _in_shell_words(error: NotAllowed) -> str:
    """What is said of an option's value: as it is written at the prompt."""
    from ..parameters.options import HOMES

    rows = (row for rows in HOMES.values() for row in rows)
    option = next((row.option for row in rows if row.name == error.name and not row.python), None)
    if option is None:
        return str(error)
    words = error.value if isinstance(error.value, tuple | list) else (error.value,)
    written = (f"{each:g}" if isinstance(each, float) else shlex.quote(str(each)) for each in words)
    return f"{option} {' '.join(written)}: expected {error.allowed}"


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
        _tell(_in_shell_words(error) if isinstance(error, NotAllowed) else error)
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
