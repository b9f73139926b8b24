"""The table of what a run is going to do."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..io.names import extension_text
from ..text import printable

if TYPE_CHECKING:
    from rich.table import Table

    from ..runs.footprints import Footprint
    from ..runs.plan import Plan

HEADINGS = ("exposure", "extension", "overlap", "size", "window")
_TO_THE_RIGHT = ("overlap", "size")
#: Columns that are always there, and what a terminal shows between two of them.
_LEAST = 3
_BETWEEN = 3
#: What is shown of a long table: rows of its start and of its end.
_FIRST = 10
_LAST = 5


def plan_rows(plan: "Plan") -> list[tuple[str, ...]]:
    """Return the cells of the table, in the order of the tasks."""
    order = {task.where: number for number, task in enumerate(plan.work.tasks)}
    members = sorted(
        (each for group in plan.groups for each in group.members),
        key=lambda each: order[each.where],
    )
    folders = {str(each.where.path.parent) for each in members}
    return [_row(each, with_folder=len(folders) > 1) for each in members]


def _row(member: "Footprint", *, with_folder: bool) -> tuple[str, ...]:
    where = member.where
    (ny, nx) = member.shape
    (y0, y1, x0, x1) = member.bounds
    extension = "" if where.extension is None else extension_text(where.extension)
    overlap = "?" if math.isnan(member.overlap) else f"{100 * member.overlap:.1f} %"
    window = f"{y0}:{y1}, {x0}:{x1}" if y1 > y0 else "none"
    return (
        str(where.path) if with_folder else where.path.name,
        extension,
        overlap,
        f"{ny} x {nx}",
        window,
    )


def shortened(rows: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Leave the middle of a long table out."""
    missing = len(rows) - _FIRST - _LAST
    if missing <= 1:
        return rows
    return [*rows[:_FIRST], (f"... and {missing} more", "", "", "", ""), *rows[-_LAST:]]


def plain_table(rows: list[tuple[str, ...]]) -> str:
    """Return aligned lines."""
    widths = [max(len(row[column]) for row in (HEADINGS, *rows)) for column in range(len(HEADINGS))]
    return "\n".join(_line(row, widths) for row in (HEADINGS, *rows))


def _line(row: tuple[str, ...], widths: Sequence[int]) -> str:
    cells = zip(HEADINGS, row, widths, strict=True)
    aligned = [
        cell.rjust(width) if name in _TO_THE_RIGHT else cell.ljust(width)
        for name, cell, width in cells
    ]
    return "  ".join(aligned).rstrip()


def rich_table(rows: list[tuple[str, ...]], width: int) -> "Table":
    """Return the table for a terminal of so many columns: a narrow one has less of it."""
    from rich.table import Table
    from rich.text import Text

    count = _that_fit(rows, width)
    table = Table()
    for name in HEADINGS[:count]:
        table.add_column(
            name, justify="right" if name in _TO_THE_RIGHT else "left", overflow="fold"
        )
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row[:count]))
    return table


def _that_fit(rows: list[tuple[str, ...]], width: int) -> int:
    """How many of the columns a terminal has room for."""
    used = 1
    for number, cells in enumerate(zip(HEADINGS, *rows, strict=True)):
        used += max(map(len, cells)) + _BETWEEN
        if used > width:
            return max(number, _LEAST)
    return len(HEADINGS)
