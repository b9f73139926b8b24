"""Help whose options stand in sections."""

from collections.abc import Mapping, Sequence
from typing import Any

import click

#: Where the options stand that no section names.
MESSAGES = "Messages"


class SectionedCommand(click.Command):
    """A command whose help lists its options in sections: names of sections, and of the options in each."""

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
        return next((name for name, options in self._sections.items() if option in options), MESSAGES)
