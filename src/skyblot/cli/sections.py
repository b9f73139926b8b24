"""Help whose options stand in sections."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click

from ..parameters.options import OUTPUT, RUNNING
from ..parameters.row import Parameter

#: Where the options stand that no section names.
MESSAGES = "Messages"
#: Options of runs that are for the command line alone, by their sections.
_OWN = {OUTPUT: ("output", "output_dir", "report", "compare"), RUNNING: ("dry_run", "log")}


def run_rows(rows: Iterable[Parameter]) -> list[Parameter]:
    """The rows that have an option."""
    return [row for row in rows if not row.python]


def sections(
    rows: Iterable[Parameter], blots: Mapping[str, Sequence[Parameter]]
) -> dict[str, list[str]]:
    """Return the sections of a command's help, and the names of their options.

    Parameters
    ----------
    rows : iterable of Parameter
        Each says its section.
    blots : mapping
        The section of how blots are made, and its rows.
    """
    found: dict[str, list[str]] = {}
    for row in rows:
        found.setdefault(row.section, list(_OWN.get(row.section, ()))).append(row.name)
    return found | {
        name: ["config", *(row.name for row in of_blots)] for name, of_blots in blots.items()
    }


class SectionedCommand(click.Command):
    """A command whose help lists its options in sections, each a name and its options."""

    def __init__(self, *args: Any, sections: Mapping[str, Sequence[str]], **how: Any) -> None:
        super().__init__(*args, **how)
        self._sections = sections

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections."""
        found: dict[str, list[tuple[str, str]]] = {name: [] for name in (*self._sections, MESSAGES)}
        for option in self.get_params(ctx):
            record = option.get_help_record(ctx)
            if record is not None and isinstance(option, click.Option):
                found[self._section(option.name)].append(record)
        for name, records in found.items():
            if records:
                with formatter.section(name):
                    formatter.write_dl(records)

    def _section(self, option: str | None) -> str:
        return next(
            (name for name, options in self._sections.items() if option in options), MESSAGES
        )
