"""The command line: ``skyblot COMMAND``. One file per command, loaded when it is used."""

import importlib
import os
import sys
from collections.abc import Sequence

import click

from ..errors import SkyblotError

_COMMANDS = {
    "blot": "Blot a mosaic onto exposures.",
    "config": "Write or check a file of parameters.",
    "reject": "Find the cosmic rays of exposures.",
    "info": "Tell what is understood of files.",
    "demo": "Make a synthetic data set and blot it.",
    "show": "Write one picture of a file.",
}


class _LazyGroup(click.Group):
    """A group that imports a command's module only when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f".{name}", __name__).command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


def _print_version(ctx: click.Context, option: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        from .. import __version__

        click.echo(f"skyblot {__version__}")
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; a bad input ends with one sentence on stderr and exit code 2."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(_run(arguments, debug="--debug" in arguments))


def _run(arguments: list[str], *, debug: bool) -> int:
    try:
        return cli.main(arguments, prog_name="skyblot", standalone_mode=False) or 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("skyblot: interrupted", err=True)
        return 130
    except BrokenPipeError:  # whoever read the output, as `head` does, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except SkyblotError as error:
        if debug:
            raise
        click.echo(f"skyblot: error: {error}", err=True)
        return 2
    except Exception as error:
        if debug:
            raise
        text = " ".join(str(error).split())
        click.echo(f"skyblot: internal error, {type(error).__name__}: {text} (--debug shows where)", err=True)
        return 3
