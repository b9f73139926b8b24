"""The main rows as a plot: a panel for each, a dot for each competitor."""

from pathlib import Path
from typing import Any

from measure import Timing, spread
from report import Results

#: Group, row, and the title of its panel.
PANELS = (
    ("memory", "poly5", "In memory, pixel map included (WFC3/UVIS, poly5)"),
    ("map", "map of every pixel", "Pixel map alone"),
    ("resample", "poly5", "Resampling alone (poly5)"),
    ("file", "poly5", "File to file"),
    ("process", "poly5, warm", "Whole process"),
)


def plot(results: Results, path: Path) -> bool:
    """Plot the main rows; False if matplotlib is not installed or none of them was run."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return False
    panels = [
        (title, found) for group, row, title in PANELS if (found := _timings(results, group, row))
    ]
    if not panels:
        return False
    sizes = [len(timings) + 1 for _, timings in panels]
    figure = Figure(figsize=(8, 0.24 * sum(sizes) + 0.5), layout="constrained")
    axes = figure.subplots(len(panels), sharex=True, squeeze=False, height_ratios=sizes)[:, 0]
    for each, (title, timings) in zip(axes, panels, strict=True):
        _panel(each, title, timings)
    axes[0].set_xscale("log")
    axes[0].margins(x=0.12)
    axes[-1].set_xlabel("seconds")
    figure.savefig(path, dpi=110)
    return True


def _timings(results: Results, group_name: str, row_title: str) -> list[Timing]:
    rows = [row for group in results.groups if group.name == group_name for row in group.rows]
    return [each for row in rows if row.title == row_title for each in row.timings if each.seconds]


def _panel(axes: Any, title: str, timings: list[Timing]) -> None:
    axes.set_title(title, fontsize=8, loc="left", pad=3)
    for place, timing in enumerate(timings):
        found, colour = (
            spread(timing.seconds),
            "black" if timing.name.startswith("skyblot") else "#3f7fbf",
        )
        axes.plot([found.low, found.high], [place, place], color=colour, linewidth=1.5)
        axes.plot(found.median, place, "o", color=colour, markersize=5)
        axes.annotate(
            f"{found.median:.3g}",
            (found.high, place),
            (6, 0),
            textcoords="offset points",
            va="center",
            size=7,
        )
    axes.set_yticks(range(len(timings)), [timing.name for timing in timings], fontsize=7)
    axes.set_ylim(len(timings) - 0.4, -0.6)
    axes.grid(axis="x", color="0.9")
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
