"""Results as reStructuredText for the documentation, and as a plot."""

from collections.abc import Sequence
from pathlib import Path

from accuracy import Error, MapErrors
from plot import plot
from report import COLUMNS, GroupResult, Results, cells, error_text


def write_pages(results: Results, folder: Path) -> None:
    """Write what the documentation includes: machine, speed, accuracy, and the plot."""
    folder.mkdir(parents=True, exist_ok=True)
    plotted = plot(results, folder / "speed.png")
    figure = [".. figure:: speed.png", f"   :alt: {ALT}", "", f"   {ALT}", ""] if plotted else []
    (folder / "machine.inc").write_text(_text(machine_lines(results)))
    (folder / "speed.inc").write_text(_text(figure + speed_lines(results)))
    (folder / "accuracy.inc").write_text(_text(accuracy_lines(results)))


ALT = (
    "Time taken by skyblot (black) and by others (blue) for the same work: median and range; the "
    "scale is logarithmic."
)


def _text(lines: Sequence[str]) -> str:
    return (
        "\n".join([".. Made by benchmarks/run.py; changes here are lost.", "", *lines]).rstrip()
        + "\n"
    )


def machine_lines(results: Results) -> list[str]:
    """A definition list of the machine."""
    lines = ["Small sizes (``--quick``): these numbers say nothing.", ""] if results.quick else []
    for name, value in results.machine.items():
        lines += [name, f"   {value}", ""]
    return lines


def speed_lines(results: Results) -> list[str]:
    """A section for each group, a table for each row."""
    lines: list[str] = []
    for group in results.groups:
        lines += [group.title, "-" * len(group.title), "", group.text.replace("`", "``"), ""]
        lines += [f"{fact[0].upper()}{fact[1:]}." for fact in group.works]
        warmup = "after a warm-up" if group.warmups else "without a warm-up"
        lines += [f"{group.rounds} rounds {warmup}.", ""]
        lines += group_table(group)
    return lines


def group_table(group: GroupResult) -> list[str]:
    """All rows of a group in one table, without the columns that are empty."""
    table = [
        [f"**{row.title}**" if first else "", *line]
        for row in group.rows
        for first, line in _numbered(row)
    ]
    header = ["row", *COLUMNS]
    header[1] = "who"
    kept = [k for k in range(len(header)) if any(line[k] for line in table)]
    return list_table([header[k] for k in kept], [[line[k] for k in kept] for line in table])


def _numbered(row) -> list[tuple[bool, list[str]]]:
    return [(number == 0, line) for number, line in enumerate(cells(row))]


def accuracy_lines(results: Results) -> list[str]:
    """One table of coordinates, one of values, one of the maps of other transformations."""
    lines = [*uvis_lines(results), *map_lines(results.maps)]
    return lines or ["Not measured."]


def map_lines(maps: list[MapErrors]) -> list[str]:
    """A table for each work."""
    lines = ["Other transformations", "---------------------", "", MAPS, ""] if maps else []
    for each in maps:
        rows = [
            [one.name, error_text(one.largest), error_text(one.rms)]
            for one in each.errors
            if not one.skipped
        ]
        lines += [
            f"{each.work[0].upper()}{each.work[1:]}.",
            "",
            *list_table(["who", "largest", "rms"], rows),
        ]
    return lines


def uvis_lines(results: Results) -> list[str]:
    """One table of coordinates, one of values."""
    if not results.errors:
        return []
    found = [each for each in results.errors if not each.skipped]
    names = list(dict.fromkeys(each.name for each in found))
    lines = [f"{results.accuracy_work}.", "", "Coordinates", "-----------", "", COORDINATES, ""]
    header = ["who", "map, largest", "map, rms", "as used, largest", "as used, rms"]
    lines += list_table(
        header, [[name, *_pair(found, name, "map"), *_pair(found, name, "used")] for name in names]
    )
    lines += ["Values", "------", "", VALUES, ""]
    kinds = list(dict.fromkeys(each.kind for each in found if each.kind not in ("map", "used")))
    rows = [[f"**{kind}**" if number == 0 else "", each.name, *_pair(found, each.name, kind)]
            for kind in kinds
        for number, each in enumerate(each for each in found if each.kind == kind)]  # fmt: skip
    return lines + list_table(["interpolant", "who", "largest", "rms"], rows)


COORDINATES = (
    "Errors in source pixels against ``astropy.wcs`` at every pixel; that is itself good to about "
    "1e-8 pixel only, and who calls it has an error of 0 by definition. *Map* is the pixel map as "
    "the program computes it. *As used* is what its interpolation makes of it, found by blotting a "
    "ramp whose values are the coordinates; the ramp resolves 1e-6 pixel."
)
MAPS = (
    "Errors of pixel maps in source pixels, against ``gwcs`` or ``astropy.wcs`` at every pixel. "
    "Who calls them for every pixel has no error by definition; below about 4e-9 pixel one sees "
    "their own rounding. What skyblot samples is to stay within its tolerance, here the default of "
    "1e-4 pixel."
)
VALUES = (
    "Errors relative to the largest value of the source within 8 pixels, against the interpolant's "
    "definition in float64 at the exact position. Pixels near the edge of the source are left out. "
    "Bicubic of ``reproject_interp`` is a spline."
)


def _pair(errors: list[Error], name: str, kind: str) -> list[str]:
    found = next((each for each in errors if (each.name, each.kind) == (name, kind)), None)
    return ["", ""] if found is None else [error_text(found.largest), error_text(found.rms)]


def list_table(header: list[str], rows: list[list[str]]) -> list[str]:
    """A list-table."""
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in [header, *rows]:
        lines += [
            f"   {'*' if number == 0 else ' '} - {cell}".rstrip() for number, cell in enumerate(row)
        ]
    return [*lines, ""]
