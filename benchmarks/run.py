"""The benchmark: skyblot and its peers on the same work, in one run.

``python benchmarks/run.py`` measures everything; ``--quick`` is a smoke test with small sizes.
"""

import argparse
import logging
import os
import tempfile
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

import machine
import work
from accuracy import errors, map_errors
from catalogue import GROUPS
from groups import Bench, Group
from measure import measure
from pages import write_pages
from report import GroupResult, Results, RowResult, show_errors, show_row
from rich.console import Console
from transform_rows import COMPARED

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent / "docs" / "benchmarks"
NAMES = [*(group.name for group in GROUPS), "accuracy", "map-accuracy"]


def main() -> None:
    """Measure, show, and write the results."""
    options = parse()
    console = Console(width=max(Console().width, 120))
    if options.from_json:
        results = Results.load(options.from_json)
    else:
        quiet()
        results = run(options, console)
        options.output_dir.mkdir(parents=True, exist_ok=True)
        results.save(options.output_dir / "results.json")
    folders = [options.output_dir, *([DOCS] if options.docs else [])]
    for folder in folders:
        write_pages(results, folder)
    console.print("results.json, tables and plot written", style="bold")


def parse() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--quick", action="store_true", help="small sizes and two rounds: a smoke test"
    )
    parser.add_argument(
        "--rows", nargs="+", metavar="NAME", choices=NAMES, default=NAMES, help=", ".join(NAMES)
    )
    parser.add_argument("--rounds", type=int, help="rounds after the warm-up [7; with --quick 2]")
    parser.add_argument(
        "--output-dir", type=Path, default=HERE / "results", help="folder for the results"
    )
    parser.add_argument(
        "--docs",
        action="store_true",
        help="also write the tables and the plot of the documentation",
    )
    parser.add_argument(
        "--from-json", type=Path, metavar="FILE", help="measure nothing, use these results"
    )
    options = parser.parse_args()
    if options.quick and options.docs:
        parser.error("--quick results say nothing: they do not go into the documentation")
    options.rounds = options.rounds or (2 if options.quick else 7)
    return options


def run(options: argparse.Namespace, console: Console) -> Results:
    """Measure the groups that were asked for."""
    results = Results(machine.facts(), options.quick)
    for name, value in results.machine.items():
        console.print(f"{name}: {value}", highlight=False)
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="skyblot-bench-") as folder:
        bench = Bench(options.quick, Path(folder))
        for group in GROUPS:
            if group.name in options.rows:
                results.groups.append(run_group(group, bench, options.rounds, console))
    if "accuracy" in options.rows:
        results.accuracy_work = work.uvis(options.quick).facts
        results.errors = list(errors(work.uvis(options.quick)))
        show_errors(console, results.errors)
    for make, makers in COMPARED if "map-accuracy" in options.rows else ():
        results.maps.append(map_errors(make(options.quick), makers))
        show_errors(
            console,
            results.maps[-1].errors,
            f"map-accuracy, in source pixels: {results.maps[-1].work}",
        )
    console.print(f"took {time.perf_counter() - start:.0f} s")
    return results


def run_group(group: Group, bench: Bench, rounds: int, console: Console) -> GroupResult:
    """Measure the rows of one group, and print each as soon as it is there."""
    facts = [make(bench.quick).facts for make in group.works]
    rounds, warmups = group.plan(rounds, bench.quick)
    result = GroupResult(group.name, group.title, group.text, facts, rounds, warmups)
    start = time.perf_counter()
    for row in group.rows(bench):
        timings = measure(row, rounds, warmups)
        result.rows.append(RowResult(row.title, row.baseline, timings))
        show_row(console, group, result.rows[-1])
    console.print(f"{group.name}: {time.perf_counter() - start:.0f} s, {rounds} rounds\n")
    return result


def quiet(
    loggers: Sequence[str] = ("drizzlepac", "stwcs", "stcal", "reproject", "astropy"),
) -> None:
    """Peers say much; none of it is wanted between the tables."""
    warnings.simplefilter("ignore")
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    for name in loggers:
        logging.getLogger(name).setLevel(logging.ERROR)


if __name__ == "__main__":
    main()
