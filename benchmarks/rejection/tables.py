"""Tables of the truth test: as text for the screen, and as csv for the documentation."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from counts import BRIGHTNESS, COLUMNS, Curve

Results = dict[str, dict[str, Curve]]
_FOUND = [f"above {each:g} sigma" for each in BRIGHTNESS]
EQUAL = ("set", *_FOUND, "hits", "cores: drizCR", "cores: skyblot", "times fewer")
DEFAULTS = ("sets", "rule", *_FOUND, "hits", "sky", "cores", "galaxies")


def at_equal_false_positives(results: Results) -> list[list[str]]:
    """What drizCR finds with its defaults, and skyblot at the same false positives; on cores, at
    the same found.
    """
    rows = []
    for name, curves in results.items():
        mine, theirs = curves["skyblot"], curves["drizCR"]
        factor = mine.factor_where("clean", theirs.at("clean"))
        found = [f"{theirs.at(key):.3f} → {mine.at(key, factor):.3f}" for key in COLUMNS[:4]]
        same, cores = (
            mine.at("cores", mine.factor_where("found3", theirs.at("found3"))),
            theirs.at("cores"),
        )
        times = f"{cores / same:.0f}" if same > 0 else "all" if cores > 0 else ""
        rows.append([name, *found, f"{cores:.1e}", f"{same:.1e}", times])
    return rows


def with_defaults(results: Results) -> list[list[str]]:
    """The mean over the sets with well sampled stars, and over the others, of each rule with its
    defaults.
    """
    rows = []
    for kind in ("well", "under"):
        curves = [each for name, each in results.items() if name.split()[0] == kind]
        for rule in curves[0] if curves else ():
            means = {
                key: float(np.mean([each[rule].at(key) for each in curves])) for key in COLUMNS
            }
            found = [f"{means[key]:.3f}" for key in COLUMNS[:4]]
            rows.append(
                [kind, rule, *found, *(f"{means[key]:.1e}" for key in ("sky", "cores", "galaxies"))]
            )
    return rows


def show(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table."""
    lines = [list(header), *rows]
    widths = [max(len(line[k]) for line in lines) for k in range(len(header))]
    for line in lines:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        )


def write(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table as csv."""
    with open(path, "w", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([header, *rows])
