"""The help of the ablot task, made from the table of parameters."""

import sys
import textwrap
from inspect import cleandoc
from pathlib import Path

from ..parameters.files import ALIASES, IMAGES, USER_WCS
from ..parameters.row import Parameter
from ..parameters.table import by_section
from .teal import task_rows


def help_text(description: str, *, show_version: bool) -> str:
    """Return the help: version line, what the call does, and one entry for each parameter."""
    from .. import __version__

    lines = [f"Task: 'ablot'. 'skyblot' version: {__version__}", ""] if show_version else []
    lines += [cleandoc(description), "", "Parameters by name", "------------------"]
    for name, text in IMAGES.items():
        lines += [f"{name} : file name", f"    {text}."]
    for section, rows in by_section(task_rows()):
        if section:
            lines += ["", section, "-" * len(section)]
        if section == USER_WCS.section:
            lines += [
                USER_WCS.name,
                "    no: values of this section are ignored. Those given count without it.",
            ]
        for row in rows:
            lines += _entry(row)
    return "\n".join(lines) + "\n"


def _entry(row: Parameter) -> list[str]:
    unit = f" [{row.unit}]" if row.unit else ""
    also = [alias for alias, name in ALIASES.items() if name == row.name]
    text = f"{row.help} Allowed: {row.allowed}." + (
        f" Also called {', '.join(also)}." if also else ""
    )
    return [
        f"{row.name}{unit}, default {row.default!r}",
        *textwrap.wrap(text, 92, initial_indent="    ", subsequent_indent="    "),
    ]


def show_help(text: str, file: str | Path | None) -> None:
    """Write the help to standard output, or to a file."""
    if file is None:
        sys.stdout.write(text)
    else:
        Path(file).write_text(text)
