"""Masks against truth from the ground, with seeing that differs: skyblot on SWarp's median, and
other methods.

``python benchmarks/ground/run.py`` prints the tables; ``--docs`` writes them into the
documentation; ``--quick`` is a smoke test. No rule or weight was chosen on the seeds that are used
here: those of development were 9001 to 9006.
"""

import argparse
import tempfile
from collections import defaultdict
from pathlib import Path

from counts import COLUMNS, Counts, count, show, together, write
from methods import methods
from survey import Survey

DOCS = Path(__file__).resolve().parents[2] / "docs" / "benchmarks"


def main() -> None:
    """Measure, print, and write what the documentation shows."""
    options = parse()
    found, missing = methods()
    for name in missing:
        print(f"{name} is not installed: its rows are left out")
    if not found:
        return
    counted: dict[tuple[str, int], list[Counts]] = defaultdict(list)
    surveys = 1 if options.quick else options.surveys
    for seed in range(options.seed, options.seed + surveys):
        with tempfile.TemporaryDirectory(prefix="skyblot-ground-") as folder:
            survey = Survey(Path(folder), seed, exposures=3 if options.quick else 5)
            order = sorted(range(survey.count), key=lambda k: survey.seeing[k])
            for name, method in found.items():
                masks = method(survey)
                for rank, k in enumerate(order):
                    counted[name, rank].append(count(survey.exposures[k], masks[k]))
        print(
            f"seed {seed}: seeing {', '.join(f'{each:.2f}' for each in sorted(survey.seeing))} "
            "arcsec",
            flush=True,
        )
    tables = {
        "ground_all": [_row(name, counted, range(survey.count)) for name in found],
        "ground_sharpest": [_row(name, counted, range(1)) for name in found],
    }
    for title, rows in tables.items():
        print(f"\n{title}, percent")
        show(("method", *COLUMNS), rows)
        if options.docs:
            write(DOCS / f"{title}.csv", ("method", *COLUMNS), rows)


def _row(name: str, counted: dict[tuple[str, int], list[Counts]], ranks: range) -> list[str]:
    return [name, *together(each for rank in ranks for each in counted[name, rank])]


def parse() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--quick", action="store_true", help="one survey of three exposures: a smoke test"
    )
    parser.add_argument("--surveys", type=int, default=6, help="realisations [6]")
    parser.add_argument("--seed", type=int, default=500, help="seed of the first survey [500]")
    parser.add_argument("--docs", action="store_true", help="write the tables of the documentation")
    options = parser.parse_args()
    if options.docs and (options.quick or methods()[1]):
        parser.error("--docs is for full runs with all methods")
    return options


if __name__ == "__main__":
    main()
