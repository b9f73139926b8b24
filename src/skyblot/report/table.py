"""The table of chips: its columns, and which of its numbers stand out."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..rejection.residuals import MISALIGNED, WRONG_FLUX, misaligned
from ..rejection.robust import NORMAL
from .facts import short_text, thousands

#: A number stands out if it is so many robust standard deviations from the median of all chips,
#: where there are so many of them.
FAR = 5.0
ENOUGH = 5
#: No spread is taken to be smaller than this part of the median.
_LEAST = 0.02

Row = Mapping[str, float]


class Cell(NamedTuple):
    """A number of a chip: what is shown, what it is sorted by, and why it stands out, if so."""

    text: str
    value: float | None
    odd: str


@dataclass(frozen=True)
class Column:
    """A column: its heading, its keys in a row for the CSV, text, number to sort by, and limits.

    Attributes
    ----------
    least : float
        The spread is not taken to be smaller.
    doubt : callable
        Says what is doubtful of a row whatever others are; empty: nothing.
    """

    title: str
    keys: tuple[str, ...]
    text: Callable[[Row], str]
    value: Callable[[Row], float]
    least: float = 0.0
    doubt: Callable[[Row], str] = lambda _: ""


def _of(key: str) -> Callable[[Row], float]:
    return lambda row: row[key]


def _percent(value: float) -> str:
    return f"{100 * value:.2f} %" if value >= 1e-3 or not value else f"{100 * value:.2g} %"


def _odd_part(row: Row) -> str:
    low = row.get("expected low", 0.0)
    high = row.get("expected high", 1.0)
    part = row["rejected"]
    return "" if low <= part <= high or math.isnan(low + high) else "not as expected"


def _odd_place(row: Row) -> str:
    off = misaligned((row["dx"], row["dy"]), row.get("registration error", 0.0))
    return f"more than {MISALIGNED:g} pixel" if off else ""


def _odd_flux(row: Row) -> str:
    odd = abs(row["flux ratio"] - 1) > WRONG_FLUX
    return f"off by more than {WRONG_FLUX:g}" if odd else ""


def _signed(value: float) -> str:
    return f"{value:+z.3f}".replace("-", "−")


COLUMNS = (
    Column(
        "rejected", ("rejected",), lambda row: _percent(row["rejected"]), _of("rejected"),
        doubt=_odd_part,
    ),
    Column(
        "expected",
        ("expected low", "expected high"),
        lambda row: f"{100 * row['expected low']:.2g} to {100 * row['expected high']:.2g} %",
        _of("expected high"),
        math.inf,
    ),
    Column(
        "registration [pixel]",
        ("dx", "dy", "registration error"),
        lambda row: f"{_signed(row['dx'])}, {_signed(row['dy'])}",
        lambda row: math.hypot(row["dx"], row["dy"]),
        0.01,
        _odd_place,
    ),
    Column(
        "flux ratio", ("flux ratio", "flux ratio error"), lambda row: f"{row['flux ratio']:.3f}",
        _of("flux ratio"), 0.003, _odd_flux,
    ),
    Column("noise [σ]", ("noise",), lambda row: f"{row['noise']:.3f}", _of("noise"), 0.005),
    Column("background", ("background",), lambda row: short_text(row["background"]),
           _of("background")),
    Column("objects", ("objects",), lambda row: thousands(int(row["objects"])), _of("objects")),
    Column("in both masks", ("both",), lambda row: thousands(int(row["both"])), _of("both")),
    Column("only earlier", ("only earlier",), lambda row: thousands(int(row["only earlier"])),
           _of("only earlier")),
    Column("only now", ("only now",), lambda row: thousands(int(row["only now"])),
           _of("only now")),
)  # fmt: skip


class Table(NamedTuple):
    """The table of all chips."""

    titles: list[str]
    cells: list[list[Cell]]
    csv: list[list[Any]]


def table_of(names: Sequence[str], rows: Sequence[Row], notes: Sequence[Sequence[str]]) -> Table:
    """Return the table: of columns of which any number is known; for the CSV, too."""
    columns = [c for c in COLUMNS if any(_known(c, row) for row in rows)]
    far = [_far([c.value(row) if _known(c, row) else math.nan for row in rows], c) for c in columns]
    cells = [
        [_cell(column, row, far[k][number]) for k, column in enumerate(columns)]
        for number, row in enumerate(rows)
    ]
    keys = [key for column in columns for key in column.keys]
    csv: list[list[Any]] = [["chip", *keys, "warnings"]]
    for name, row, words in zip(names, rows, notes, strict=True):
        csv.append([name, *(_number(row.get(key)) for key in keys), "; ".join(words)])
    return Table([column.title for column in columns], cells, csv)


def _known(column: Column, row: Row) -> bool:
    return all(key in row for key in column.keys) and math.isfinite(column.value(row))


def _cell(column: Column, row: Row, far: str) -> Cell:
    if not _known(column, row):
        return Cell("–", None, "")
    odd = "; ".join(filter(None, (column.doubt(row), far)))
    return Cell(column.text(row), column.value(row), odd)


def _far(values: Sequence[float], column: Column) -> list[str]:
    """Which values are far from the median of all."""
    known = np.array([value for value in values if math.isfinite(value)])
    if len(known) < ENOUGH:
        return [""] * len(values)
    middle = float(np.median(known))
    spread = float(NORMAL * np.median(np.abs(known - middle)))
    spread = max(spread, column.least, _LEAST * abs(middle))
    return [
        f"{abs(value - middle) / spread:.0f} times the usual scatter from the median"
        if math.isfinite(value) and abs(value - middle) > FAR * spread
        else ""
        for value in values
    ]


def _number(value: float | None) -> float | None:
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.7g}")
