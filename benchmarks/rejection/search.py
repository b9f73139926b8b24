"""Find the numbers of skyblot's rule by a search, say what each term is worth, and how far from the
limit it is.

The limit is what the noise of an exposure alone leaves: its truth as the blot. ``python
benchmarks/rejection/search.py --cache DIR`` looks for better numbers on the sets of one seed and
prints the way there; ``--terms`` leaves out one term after the other, and ``--goals`` prints each
set beside the limit and the peers, on sets of another seed. ``--docs`` writes their tables into the
documentation. DIR keeps the sets, measured.

Numbers were searched on seed 1100, and shown on seeds 5100 and 7100, on which nothing was tuned.
"""

import argparse
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from cases import SEARCHED, STACKS, Case, load
from counts import COLUMNS
from tables import show, write

from skyblot.parameters.rules import NUMBERS, RULES, Circumstances, Numbers
from skyblot.rejection.look import USUAL_ROUGHNESS

DOCS = Path(__file__).resolve().parents[2] / "docs" / "benchmarks"
SEEDS = {"search": 1100, "terms": 5100, "goals": 7100}
#: What is wanted: completeness above 3 and 5 sigma within so much of the limit's, no more false
#: positives on the sky than this times the limit's, nor on cores of stars.
WANTED = {"found3": 0.01, "found5": 0.002}
SKY_TIMES = 2.0
CORES = 1e-4
#: The sky's false positives of the limit count as this at least: sets are small.
_LEAST_SKY = 2e-5
_SKY, _CORES = (COLUMNS.index(name) for name in ("sky", "cores"))
_MODIFIED = Callable[[Circumstances, Numbers], tuple[Circumstances, Numbers]]


@dataclass(frozen=True)
class Setting:
    """All numbers of the rule skyblot."""

    seed: float
    member: float
    curved: float
    stepped: float
    pair: float
    negative: float
    usual_roughness: float
    tail_power: float

    @classmethod
    def now(cls) -> "Setting":
        """Those that are in use."""
        rule = RULES["skyblot"]
        return cls(*rule.snr, *rule.scale, **vars(NUMBERS))

    def applied(self, about: Circumstances) -> tuple[Circumstances, Numbers]:
        """What a rule may use, with these."""
        names = [field.name for field in fields(Numbers)]
        pairs = {"snr": (self.seed, self.member), "scale": (self.curved, self.stepped)}
        return replace(about, **pairs), Numbers(**{name: getattr(self, name) for name in names})


#: What each number is changed by, in turn.
STEPS = {
    "seed": (-0.25, -0.1, 0.1, 0.25),
    "member": (-0.2, -0.1, 0.1, 0.2),
    "pair": (-0.07, -0.03, 0.03, 0.07),
    "curved": (-0.15, -0.05, 0.05, 0.15),
    "stepped": (-0.15, -0.05, 0.05, 0.15),
    "usual_roughness": (-0.05, 0.05),
    "tail_power": (-0.5, -0.25, 0.25, 0.5),
    "negative": (-0.5, 0.5),
}


def _moved_to_zero(about: Circumstances, first: int, last: int) -> Circumstances:
    terms = tuple(0.0 if first <= k < last else term for k, term in enumerate(about.terms))
    return replace(about, terms=terms)


def _former(about: Circumstances, numbers: Numbers) -> tuple[Circumstances, Numbers]:
    """The rule as it was before this search."""
    old = replace(about, snr=(4.8, 3.4), scale=(0.75, 0.45), own_noise=math.nan)
    return old, Numbers(pair=0.75, negative=2.0, usual_roughness=0.27, tail_power=0.75)


#: The rule without one term.
WITHOUT: dict[str, _MODIFIED] = {
    "all terms": lambda about, numbers: (about, numbers),
    "the rule before": _former,
    "members as far as seeds": lambda about, numbers: (
        replace(about, snr=(about.snr[0],) * 2),
        numbers,
    ),
    "no pairs": lambda about, numbers: (about, replace(numbers, pair=99.0)),
    "no noise of the exposure alone": lambda about, numbers: (
        replace(about, own_noise=math.nan),
        numbers,
    ),
    "no noise measured: errors as they are": lambda about, numbers: (
        replace(about, noise=math.nan),
        numbers,
    ),
    "photons of hits in their noise": lambda about, numbers: (replace(about, photons=0.0), numbers),
    "no position": lambda about, numbers: (_moved_to_zero(about, 2, 4), numbers),
    "no sharpness": lambda about, numbers: (_moved_to_zero(about, 4, 5), numbers),
    "no curvature in the blot's error": lambda about, numbers: (
        replace(about, scale=(0.0, about.scale[1])),
        numbers,
    ),
    "no step in the blot's error": lambda about, numbers: (
        replace(about, scale=(about.scale[0], 0.0)),
        numbers,
    ),
    "no error of the blot": lambda about, numbers: (replace(about, scale=(0.0, 0.0)), numbers),
    "roughness not measured": lambda about, numbers: (
        replace(about, roughness=USUAL_ROUGHNESS),
        numbers,
    ),
    "no longer tails of rough blots": lambda about, numbers: (
        about,
        replace(numbers, tail_power=0.0),
    ),
    "less charge as more": lambda about, numbers: (about, replace(numbers, negative=1.0)),
}

#: Of each set and mosaic: the parts of its pixels that are rejected, and those of the limit.
Parts = dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]


def parts(cases: Iterable[Case], rejected: Callable[[Case], np.ndarray]) -> Parts:
    """Count what is rejected."""
    sums: dict[tuple[str, str], np.ndarray] = {}
    for case in cases:
        row = np.stack([rejected(case), case.others["limit"], case.there]).astype(float)
        key = (case.name, case.stack)
        sums[key] = sums.get(key, 0.0) + row
    return {
        key: (bad / np.maximum(there, 1), limit / np.maximum(there, 1))
        for key, (bad, limit, there) in sums.items()
    }


def by_setting(setting: Setting, modified: _MODIFIED = WITHOUT["all terms"]) -> Callable:
    """How a case is judged by a setting."""
    return lambda case: case.rejected(*modified(*setting.applied(case.circumstances())))


def penalties(found: Parts) -> np.ndarray:
    """Return what is missing above 3 and 5 sigma, and false positives: means of logarithms.

    Each is in units of what is wanted, so that no set that is far off decides alone.
    """
    rows = []
    for bad, limit in found.values():
        got = dict(zip(COLUMNS, bad, strict=True))
        best = dict(zip(COLUMNS, limit, strict=True))
        missed = [max(0.0, best[key] - got[key]) / wanted for key, wanted in WANTED.items()]
        sky = got["sky"] / (SKY_TIMES * max(best["sky"], _LEAST_SKY))
        cores = got["cores"] / CORES
        false = np.log2(1 + max(0.0, sky - 1)) + 0.15 * sky
        rows.append(
            [
                *np.log2(1 + np.array(missed)),
                false,
                0.5 * np.log2(1 + max(0.0, cores - 1)) + 0.02 * math.sqrt(cores),
            ]
        )
    return np.mean(rows, axis=0)


def search(cases: list[Case]) -> None:
    """Change one number after the other while that helps, and print the way."""
    best = Setting.now()
    least = penalties(parts(cases, by_setting(best)))
    print(f"{'':26} above 3, above 5, sky, cores")
    print(f"{'now':24} {least.sum():.3f} {least.round(3)}", flush=True)
    better = True
    while better:
        better = False
        for name, steps in STEPS.items():
            for step in steps:
                tried = replace(best, **{name: getattr(best, name) + step})
                value = penalties(parts(cases, by_setting(tried)))
                kept = value.sum() < least.sum() - 0.003
                mark = "*" if kept else " "
                text = f"{mark} {name} {getattr(tried, name):.3f}"
                print(f"{text:24} {value.sum():.3f} {value.round(3)}", flush=True)
                if kept:
                    best = tried
                    least = value
                    better = True
    print(best)


def _means(found: Parts) -> list[str]:
    bad = np.mean([row for row, _ in found.values()], axis=0)
    cells = dict(zip(COLUMNS, bad, strict=True))
    return [f"{cells[key]:.4f}" for key in ("found3", "found5", "hits")] + [
        f"{cells[key]:.1e}" for key in ("sky", "cores", "galaxies")
    ]


TERMS = ("rule", "above 3 sigma", "above 5 sigma", "hits", "sky", "cores", "galaxies", "penalty")


def terms(cases: list[Case]) -> list[list[str]]:
    """What the rule finds without each of its terms: means over all sets and mosaics."""
    rows = []
    for name, modified in WITHOUT.items():
        found = parts(cases, by_setting(Setting.now(), modified))
        rows.append([name, *_means(found), f"{penalties(found).sum():.2f}"])
    limit = parts(cases, lambda case: case.others["limit"])
    return [*rows, ["the limit", *_means(limit), f"{penalties(limit).sum():.2f}"]]


GOALS = ("set", "rule", "above 3 sigma", "above 5 sigma", "above 10 sigma", "hits", "sky", "cores")
GOALS += ("galaxies",)
_PEERS = ("drizCR", "stcal", "astroscrappy")


def goals(cases: list[Case]) -> list[list[str]]:
    """Each set by skyblot with each mosaic, by the peers with AstroDrizzle's, and the limit."""
    rows = []
    for name in dict.fromkeys(case.name for case in cases):
        mine = [case for case in cases if case.name == name]
        for stack in STACKS:
            some = [case for case in mine if case.stack == stack]
            if some:
                rows += _rows(some, name, f"skyblot, {stack}", _judged)
        drizzled = [case for case in mine if case.stack == "minmed"]
        for peer in (*_PEERS, "limit"):
            rows += _rows(drizzled, name, peer, lambda case, peer=peer: case.others[peer])
    return rows


def _judged(case: Case) -> np.ndarray:
    """What skyblot rejects with its defaults; `clean` as it does from files."""
    if case.stack == "clean":
        return case.others["clean"]
    return by_setting(Setting.now())(case)


def _rows(cases: list[Case], name: str, rule: str, rejected: Callable) -> list[list[str]]:
    rows = []
    for bad, _ in parts(cases, rejected).values():
        cells = dict(zip(COLUMNS, bad, strict=True))
        shown = [f"{cells[key]:.3f}" for key in ("found3", "found5", "found10", "hits")]
        shown += [f"{cells[key]:.0e}" for key in ("sky", "cores", "galaxies")]
        rows.append([name, rule, *shown])
    return rows


SUMMARY = ("mosaic", "sets", "above 3 within 0.01", "above 5 within 0.002", "sky, twice", "cores")
SUMMARY += ("all", "sky in the limit's", "cores, aligned", "of the limit")


def met(cases: list[Case]) -> list[list[str]]:
    """In how many sets each mosaic meets each goal, and false positives over all sets.

    Those on cores are of the sets that are not misaligned.
    """
    rows = []
    for stack in STACKS:
        found = parts([case for case in cases if case.stack == stack], _judged)
        reached = []
        for bad, limit in found.values():
            got = dict(zip(COLUMNS, bad, strict=True))
            best = dict(zip(COLUMNS, limit, strict=True))
            near = [got[key] > best[key] - wanted for key, wanted in WANTED.items()]
            sky = got["sky"] <= SKY_TIMES * max(best["sky"], _LEAST_SKY)
            reached.append([*near, sky, got["cores"] <= max(CORES, best["cores"])])
        there = np.array(reached)
        counts = [str(count) for count in (*there.sum(axis=0), there.all(axis=1).sum())]
        aligned = [both for (name, _), both in found.items() if "pixel off" not in name]
        sky = [np.mean([both[k][_SKY] for both in found.values()]) for k in (0, 1)]
        cores = [f"{np.mean([both[k][_CORES] for both in aligned]):.1e}" for k in (0, 1)]
        rows.append([stack, str(len(found)), *counts, f"{sky[0] / sky[1]:.2f}", *cores])
    return rows


MISSED = ("mosaic", "sets", "missed", "a hit in the mosaic", "the blot's error", "noise")


def missed(cases: list[Case]) -> list[list[str]]:
    """Why pixels above 5 sigma are missed that the limit finds: parts of those, means over sets."""
    rows = []
    for stack in STACKS:
        few = {case.name for case in cases if case.exposures == 2}
        for sets, which in (("of 2", True), ("of 3 and more", False)):
            sums: dict[str, np.ndarray] = {}
            for case in cases:
                if case.stack == stack and (case.name in few) == which:
                    row = np.array([len(case.clear), *case.missed()], float)
                    sums[case.name] = sums.get(case.name, 0.0) + row
            if not sums:
                continue
            lost = np.mean([row[1:] / row[0] for row in sums.values()], axis=0)
            parts_of_it = [*lost, lost[0] - lost[1] - lost[2]]
            rows.append([stack, f"{len(sums)} {sets}", *(f"{part:.4f}" for part in parts_of_it)])
    return rows


def main() -> None:
    """Search, or show."""
    options = parse()
    task = "terms" if options.terms else "goals" if options.goals else "search"
    seed = options.seed or SEEDS[task]
    names = options.sets
    wanted = (lambda plan: plan.name in names) if names else (lambda plan: True)
    cases = list(load(options.cache, seed, options.most, wanted))
    if task == "search":
        search(cases)
    elif task == "terms":
        _shown(options, "rejection_terms.csv", TERMS, terms(cases))
    else:
        _shown(options, "rejection_goals.csv", GOALS, goals(cases))
        _shown(options, "rejection_met.csv", SUMMARY, met(cases))
        _shown(options, "rejection_missed.csv", MISSED, missed(cases))


def _shown(options: argparse.Namespace, name: str, header: tuple, rows: list[list[str]]) -> None:
    show(header, rows)
    if options.docs:
        write(DOCS / name, header, rows)


def parse() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cache", type=Path, required=True, metavar="DIR")
    parser.add_argument("--terms", action="store_true", help="leave out one term after the other")
    parser.add_argument("--goals", action="store_true", help="show each set beside the limit")
    parser.add_argument("--seed", type=int, help=f"of the first set {SEEDS}")
    parser.add_argument("--most", type=int, default=3, help="exposures of a set, at most [3]")
    names = [plan.name for plan in SEARCHED]
    parser.add_argument("--sets", nargs="+", metavar="NAME", choices=names, help="only these")
    parser.add_argument("--docs", action="store_true", help="write the documentation's tables")
    return parser.parse_args()


if __name__ == "__main__":
    main()
