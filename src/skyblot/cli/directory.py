"""The directory of commands: where they are, how they are listed, and what is like a misspelt one.

A command's module is imported only when the command is used.
"""

import difflib
import importlib
from typing import NoReturn

import click

from .screen import echo

#: The commands, by what they are for.
_GROUPS: dict[str, dict[str, str]] = {
    "Exposures to masks and mosaics": {
        "clean": "Find the cosmic rays of exposures, and make a clean mosaic.",
        "reject": "Find the cosmic rays of exposures.",
        "blot": "Blot a mosaic onto exposures.",
        "median": "Stack exposures, without their cosmic rays.",
        "drizzle": "Drizzle exposures onto a mosaic.",
    },
    "Looking at files": {
        "info": "Tell what is understood of files.",
        "show": "Write one picture of a file.",
    },
    "Beginning": {
        "demo": "Make a synthetic data set, blot it, and clean it.",
        "config": "Write or check a file of parameters.",
        "warm-up": "Compile beforehand what else the first runs compile.",
        "help": "Show the help of a command.",
    },
}
COMMANDS = {name: words for group in _GROUPS.values() for name, words in group.items()}
#: Modules and names of commands that are not `command` in a module of their name.
_HOMES = {
    "median": ("mosaic", "median"),
    "drizzle": ("mosaic", "drizzle"),
    "warm-up": ("warm_up", "command"),
    "help": ("directory", "show_help"),
}


class Directory(click.Group):
    """A group whose commands are listed in groups, and loaded one by one."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return all names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Return a command, if there is one of this name."""
        if name not in COMMANDS:
            return None
        home, attribute = _HOMES.get(name, (name, "command"))
        module = importlib.import_module(f".{home}", __package__)
        command: click.Command = getattr(module, attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that is named; for no command, say which is like it."""
        if args[0] not in COMMANDS and not args[0].startswith("-") and not ctx.resilient_parsing:
            _refuse(args[0])
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the groups, all with their words in one column."""
        widest = max(map(len, COMMANDS))
        for title, group in _GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(widest), words) for name, words in group.items()])
        formatter.write_paragraph()
        formatter.write_text("Options and examples of a command: skyblot help COMMAND")


def _refuse(name: str) -> NoReturn:
    near = difflib.get_close_matches(name.lower(), COMMANDS, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}?" if near else "skyblot --help lists them"
    raise click.UsageError(f"no such command: {name}; {hint}")


def _complete(_context: click.Context, _argument: click.Parameter, start: str) -> list[str]:
    return [name for name in COMMANDS if name.startswith(start)]


@click.command("help", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name", metavar="[COMMAND]", required=False, shell_complete=_complete)
@click.pass_context
def show_help(ctx: click.Context, name: str | None) -> None:
    """Show the help of COMMAND, or the list of all commands.

    \b
    Example: skyblot help clean
    """
    group = ctx.parent
    assert group is not None
    if name is None:
        echo(group.get_help())
        return
    command = group.command.get_command(group, name)  # type: ignore[attr-defined]
    if command is None:
        _refuse(name)
    with click.Context(command, info_name=name, parent=group, **command.context_settings) as own:
        echo(command.get_help(own))
