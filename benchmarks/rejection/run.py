"""The truth test: cosmic rays that are known, found by skyblot's rule and by others, over their
thresholds.

``python benchmarks/rejection/run.py`` prints the tables; ``--docs`` writes them, and the plot, into
the documentation. The numbers of skyblot's rule were found on other sets and seeds (search.py) than
those that are used here.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from counts import measure
from curves import plot
from rules import rules
from sets import PLANS, TruthSet
from tables import DEFAULTS, EQUAL, Results, at_equal_false_positives, show, with_defaults, write

DOCS = Path(__file__).resolve().parents[2] / "docs" / "benchmarks"


def main() -> None:
    """Measure, print, and write what the documentation shows."""
    options = parse()
    results: Results = {}
    plans = [plan for plan in PLANS if options.sets is None or plan.name in options.sets]
    for number, plan in enumerate(plans):
        truth = TruthSet(replace(plan, seed=options.seed + number))
        frames = truth.frames[: options.most]
        results[plan.name] = {
            name: measure(frames, plan.exposures, rule) for name, rule in rules().items()
        }
        print(f"{plan.name}: {len(frames)} of {plan.exposures} exposures", flush=True)
    equal, defaults = at_equal_false_positives(results), with_defaults(results)
    print(
        "\nFound by drizCR with its defaults, and by skyblot at the same false positives; on cores "
        "at the same found"
    )
    show(EQUAL, equal)
    print("\nWith their defaults, means over the sets")
    show(DEFAULTS, defaults)
    if options.docs:
        write(DOCS / "rejection_equal.csv", EQUAL, equal)
        write(DOCS / "rejection_defaults.csv", DEFAULTS, defaults)
        plot(results, DOCS / "rejection.png")


def parse() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--sets",
        nargs="+",
        metavar="NAME",
        choices=[plan.name for plan in PLANS],
        help="only these",
    )
    parser.add_argument("--seed", type=int, default=9400, help="seed of the first set [9400]")
    parser.add_argument(
        "--most", type=int, default=2, help="exposures of a set to look at, at most [2]"
    )
    parser.add_argument(
        "--docs", action="store_true", help="write the tables and the plot of the documentation"
    )
    options = parser.parse_args()
    if options.docs and options.sets:
        parser.error("--docs is for all sets")
    return options


if __name__ == "__main__":
    main()
