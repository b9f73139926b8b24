"""Run cases and faults for some minutes, and tell what became of them: ``make fuzz MINUTES=30``.

``--case N`` runs one case, shows the whole output, and leaves its files.
"""

import argparse
import json
import random
import sys
import tempfile
import time
from collections import Counter
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from fuzz_faults import SCENARIOS, faults_of
from fuzz_files import make_files
from fuzz_judge import GOOD
from fuzz_watch import Worker


class Report:
    """Outcomes, counted by what was done, and all that is a fault of skyblot's."""

    def __init__(self, path):
        self.outcomes, self.by_kind, self.by_command = Counter(), Counter(), Counter()
        self.bad, self._path, self.start = [], path, time.monotonic()

    def add(self, answer):
        outcome = answer["outcome"]
        self.outcomes[outcome] += 1
        self.by_command[answer["command"], outcome] += 1
        for what in answer["done"] or ["nothing"]:
            self.by_kind[what, outcome] += 1
        if outcome not in GOOD:
            self.bad.append(answer)
            print(f"{answer['item']}: {outcome}: {answer['detail'][:300]}", flush=True)
        if self._path:
            with open(self._path, "a", encoding="utf-8") as file:
                file.write(json.dumps(answer) + "\n")

    def text(self):
        minutes = (time.monotonic() - self.start) / 60
        lines = [
            f"{sum(self.outcomes.values())} runs in {minutes:.1f} minutes: {dict(self.outcomes)}"
        ]
        for title, counts in (("By command", self.by_command), ("By what was done", self.by_kind)):
            names = sorted({name for name, _ in counts})
            outcomes = sorted({outcome for _, outcome in counts})
            lines += ["", f"{title:24}" + "".join(f"{each:>16}" for each in outcomes)]
            lines += [
                f"{name:24}" + "".join(f"{counts[name, each]:16}" for each in outcomes)
                for name in names
            ]
        return "\n".join(lines)


def run_cases(base, folder, report, stop, first=0, most=None):
    """Run cases from a number on until `stop` says so."""
    worker, number = Worker("cases", base, folder), first
    try:
        while not stop() and (most is None or number < first + most):
            report.add(worker.run(number))
            number += 1
    finally:
        worker.close()
    return number


def run_faults(base, folder, report, stop, chosen=None, names=tuple(SCENARIOS)):
    """Run the faults of scenarios, those of each that are `chosen` or all in a mixed order, until
    `stop` says so.
    """
    worker, faults = Worker("faults", base, folder), []
    try:
        for name in names:
            for old in ("new", "old"):
                if stop():
                    return
                whole = worker.run(f"{name}:{old}:none:0:0")
                report.add(whole)
                found = list(faults_of(name, old, whole["counts"], whole["largest"]))
                faults += found if chosen is None else chosen(found)
        if chosen is None:
            random.Random("skyblot").shuffle(faults)
        for fault in faults:
            if stop():
                return
            report.add(worker.run(fault))
    finally:
        worker.close()


def show_case(number, base, folder):
    """Run one case here, with all that it prints."""
    import fuzz_cases
    import fuzz_worker

    case = fuzz_cases.make_case(number, fuzz_worker.read_base(base))
    print(case.arguments, case.done, folder / "case", sep="\n")
    (folder / "tmp").mkdir(exist_ok=True)
    verdict, out, err = fuzz_worker.run_case(case, folder / "case", folder / "tmp")
    print(out, err, verdict, sep="\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=2.0, help="of each: cases, and faults")
    parser.add_argument("--first", type=int, default=0, help="number of the first case")
    parser.add_argument("--only", choices=("cases", "faults"))
    parser.add_argument("--log", help="file for every outcome, one JSON object a line")
    parser.add_argument("--folder", type=Path, help="for the files; by default a new one")
    parser.add_argument("--case", type=int, help="run this case alone")
    given = parser.parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="skyblot-fuzz-"))
    base = folder / "base"
    if not base.exists():
        make_files(base)
    if given.case is not None:
        show_case(given.case, base, folder)
        return
    names = [
        name
        for name, (files, _) in SCENARIOS.items()
        if all((base / each).exists() for each in files)
    ]
    bad = 0
    for kind, run in (
        ("cases", partial(run_cases, first=given.first)),
        ("faults", partial(run_faults, names=names)),
    ):
        if given.only in (None, kind):
            report = Report(given.log)
            run(
                base,
                folder / kind,
                report,
                partial(_is_over, time.monotonic() + 60 * given.minutes),
            )
            print(f"\n{kind}: {report.text()}\n", flush=True)
            bad += len(report.bad)
    sys.exit(1 if bad else 0)


def _is_over(end):
    return time.monotonic() > end


if __name__ == "__main__":
    main()
