"""The truth test: cosmic rays that are known, found by skyblot's rule and by others, over their thresholds.

``python benchmarks/rejection/run.py`` prints the tables; with ``--plot FILE.png`` it plots the curves as well. The
weights of skyblot's rule were found on sets with other seeds (100, 101, ...) than those that are used here.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

from counts import COLUMNS, FACTORS, Curve, measure
from curves import plot
from rules import rules
from sets import PLANS, TruthSet


def main() -> None:
    """Measure, print, and plot."""
    options = parse()
    results: dict[str, dict[str, Curve]] = {}
    plans = [plan for plan in PLANS if options.sets is None or plan.name in options.sets]
    for number, plan in enumerate(plans):
        truth = TruthSet(replace(plan, seed=options.seed + number))
        frames = truth.frames[: options.most]
        results[plan.name] = {name: measure(frames, plan.exposures, rule) for name, rule in options.rules.items()}
        print(f"{plan.name}: {len(frames)} of {plan.exposures} exposures", flush=True)
    print_defaults(results)
    print_equal(results)
    if options.json:
        found = {name: {rule: _plain(curve) for rule, curve in each.items()} for name, each in results.items()}
        options.json.write_text(json.dumps({"factors": FACTORS.tolist(), "sets": found}))
    if options.plot:
        plot(results, options.plot)


def parse() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", nargs="+", metavar="NAME", choices=[plan.name for plan in PLANS], help="only these")
    parser.add_argument("--seed", type=int, default=200, help="seed of the first set [200]")
    parser.add_argument("--most", type=int, default=4, help="exposures of a set to look at, at most [4]")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="plot the curves")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the curves")
    parser.add_argument(
        "--rules", nargs="+", metavar="RULE", choices=list(rules()), help="only these, and skyblot's and drizCR's"
    )
    options = parser.parse_args()
    wanted = {"skyblot", "drizCR", *(rules() if options.rules is None else options.rules)}
    options.rules = {name: rule for name, rule in rules().items() if name in wanted}
    return options


def print_defaults(results: dict[str, dict[str, Curve]]) -> None:
    """Every rule with its own defaults."""
    print(f"\nDefaults\n{'set':24}{'rule':14}" + "".join(f"{name:>10}" for name in COLUMNS))
    for name, curves in results.items():
        for rule, curve in curves.items():
            print(f"{name:24}{rule:14}" + "".join(_text(column, curve.at(column)) for column in COLUMNS))


def _text(column: str, value: float) -> str:
    return f"{value:10.4f}" if column.startswith(("found", "hits")) else f"{value:10.1e}"


def print_equal(results: dict[str, dict[str, Curve]]) -> None:
    """skyblot at the false positives of drizCR's defaults, and at its completeness."""
    print("\nskyblot less drizCR's defaults, at the same false positives; on cores, at the same completeness")
    print(f"{'set':24}{'found3':>10}{'found5':>10}{'found10':>10}{'hits':>10}{'cores':>10}{'drizCR':>10}{'times':>8}")
    for name, curves in results.items():
        mine, theirs = curves["skyblot"], curves["drizCR"]
        factor = mine.factor_where("clean", theirs.at("clean"))
        gains = [mine.at(key, factor) - theirs.at(key) for key in COLUMNS[:4]]
        same = mine.at("cores", mine.factor_where("found3", theirs.at("found3")))
        times = f"{theirs.at('cores') / same:8.1f}" if same > 0 else f"{'none':>8}"
        cores = f"{same:10.1e}{theirs.at('cores'):10.1e}{times}"
        print(f"{name:24}" + "".join(f"{gain:+10.4f}" for gain in gains) + cores)


def _plain(curve: Curve) -> dict[str, list[float]]:
    return {key: [float(each) for each in values] for key, values in curve.values.items()}


if __name__ == "__main__":
    main()
