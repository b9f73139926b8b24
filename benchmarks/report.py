"""Results as a table on the screen and as JSON; what a result looks like in words."""

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from accuracy import Error, MapErrors
from measure import Spread, Timing, ratios, spread
from rich.console import Console
from rich.table import Table


@dataclass
class RowResult:
    """What was measured of one row."""

    title: str
    baseline: str | None
    timings: list[Timing]

    def ratio(self, timing: Timing) -> Spread | None:
        """How many times as long as the baseline; None for the baseline itself and for what was
        skipped.
        """
        base = next((each for each in self.timings if each.name == self.baseline), None)
        if base is None or base is timing or not timing.seconds or not base.seconds:
            return None
        return ratios(timing, base)


@dataclass
class GroupResult:
    """What was measured of one group; `works` are the facts of its works."""

    name: str
    title: str
    text: str
    works: list[str]
    rounds: int
    warmups: int
    rows: list[RowResult] = field(default_factory=list)


@dataclass
class Results:
    """A run of the benchmark."""

    machine: dict[str, str]
    quick: bool
    groups: list[GroupResult] = field(default_factory=list)
    accuracy_work: str = ""
    errors: list[Error] = field(default_factory=list)
    maps: list[MapErrors] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """Write JSON, with every single measurement and the ratios."""
        whole = asdict(self)
        for group, result in zip(whole["groups"], self.groups, strict=True):
            for row, measured in zip(group["rows"], result.rows, strict=True):
                for entry, timing in zip(row["timings"], measured.timings, strict=True):
                    ratio = measured.ratio(timing)
                    entry["ratio_to_baseline"] = None if ratio is None else asdict(ratio)
        path.write_text(json.dumps(whole, indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Results":
        """Read what `save` wrote."""
        whole = json.loads(path.read_text())
        groups = [
            GroupResult(**{**group, "rows": [_row(row) for row in group["rows"]]})
            for group in whole["groups"]
        ]
        errors = [Error(**error) for error in whole["errors"]]
        maps = [
            MapErrors(each["work"], [Error(**error) for error in each["errors"]])
            for each in whole.get("maps", [])
        ]
        return cls(**{**whole, "groups": groups, "errors": errors, "maps": maps})


def _row(row: dict[str, Any]) -> RowResult:
    known = ("name", "pixels", "seconds", "peak_bytes", "skipped", "cpu_seconds", "written_bytes")
    timings = [
        Timing(**{key: timing[key] for key in known if key in timing}) for timing in row["timings"]
    ]
    return RowResult(row["title"], row["baseline"], timings)


def seconds_text(timing: Timing) -> str:
    """Median and range, in milliseconds below a second."""
    if not timing.seconds:
        return "not run"
    found = spread(timing.seconds)
    if found.median < 1:
        return (
            f"{number(1e3 * found.median)} ms ({number(1e3 * found.low)} to "
            f"{number(1e3 * found.high)})"
        )
    return f"{number(found.median)} s ({number(found.low)} to {number(found.high)})"


def ratio_text(ratio: Spread | None) -> str:
    """Median and range of a ratio."""
    return (
        ""
        if ratio is None
        else f"{number(ratio.median)} ({number(ratio.low)} to {number(ratio.high)})"
    )


def pixel_text(timing: Timing) -> str:
    """Nanoseconds per pixel of the blot."""
    if not (timing.pixels and timing.seconds):
        return ""
    return number(1e9 * spread(timing.seconds).median / timing.pixels)


def peak_text(timing: Timing) -> str:
    """Peak memory in MB (10**6 bytes)."""
    return f"{max(timing.peak_bytes) / 1e6:.0f}" if timing.peak_bytes else ""


def cpu_text(timing: Timing) -> str:
    """Processor time in seconds, median."""
    return number(spread(timing.cpu_seconds).median) if timing.cpu_seconds else ""


def written_text(timing: Timing) -> str:
    """What was written in MB (10**6 bytes)."""
    return f"{max(timing.written_bytes) / 1e6:.0f}" if timing.written_bytes else ""


def error_text(value: float) -> str:
    """An error to two digits; what is below the rounding of the reference is still shown."""
    if not math.isfinite(value):
        return "not a number"
    return (
        "0"
        if value == 0
        else f"{value:.1e}".replace("e-0", "e-")
        if value < 1e-3
        else f"{value:.2g}"
    )


def number(value: float) -> str:
    """Three significant digits, without an exponent."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 1 else f"{value:.3f}"


ACCURACY = "accuracy: coordinates in source pixels, values relative to the local peak"
COLUMNS = (
    "",
    "time, median (range)",
    "times the baseline",
    "ns/pixel",
    "processor s",
    "peak MB",
    "written MB",
)


def cells(row: RowResult) -> list[list[str]]:
    """One line of text for each entry of a row, in the order of `COLUMNS`."""
    lines = []
    for each in row.timings:
        ratio = "baseline" if each.name == row.baseline else ratio_text(row.ratio(each))
        lines.append(
            [
                each.name,
                seconds_text(each),
                ratio,
                pixel_text(each),
                cpu_text(each),
                peak_text(each),
                written_text(each),
            ]
        )
    return lines


def show_row(console: Console, group: GroupResult, row: RowResult) -> None:
    """Print one row as a table."""
    table = Table(title=f"{group.name}: {group.title}: {row.title}", title_justify="left")
    for column in COLUMNS:
        table.add_column(column, justify="left" if column == "" else "right")
    for line in cells(row):
        table.add_row(*line)
    console.print(table)
    show_skipped(console, row.timings)


def show_skipped(console: Console, results: Iterable[Timing | Error]) -> None:
    """Say what was left out, and why."""
    for each in results:
        if each.skipped:
            console.print(f"skipped: {each.name}: {each.skipped}", highlight=False)


def show_errors(console: Console, errors: list[Error], title: str = ACCURACY) -> None:
    """Print the errors of everyone as a table."""
    table = Table(title=title, title_justify="left")
    for column in ("", "what", "largest", "rms"):
        table.add_column(column)
    for each in errors:
        if not each.skipped:
            table.add_row(each.name, each.kind, error_text(each.largest), error_text(each.rms))
    console.print(table)
    show_skipped(console, errors)
