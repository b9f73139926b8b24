"""One exposure alone: what L.A.Cosmic and deepCR find in it, beside dithered sets of 2, 3 and 4.

``python benchmarks/rejection/single.py`` prints a table of simulated sets whose cosmic rays are
known; ``--docs`` writes it into the documentation. astroscrappy has its own defaults and noise, or
is called as by ``skyblot clean --single lacosmic``. deepCR, with the models that come with it, is
there after ``pip install deepCR torch tensorboard``; without it its rows are left out.

``--search`` looks for the parameters of ``--single lacosmic`` on sets of another seed.
"""

import argparse
import itertools
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from cases import DETECTORS, KINDS
from clean import CleanSet, Trial, mask_on
from counts import COLUMNS, groups_of
from rules import laplacian, limit
from sets import Frame, Plan, TruthSet
from tables import show, write

import skyblot
from skyblot.mosaics.single import OBJLIM, SIGCLIP, SIGFRAC

DOCS = Path(__file__).resolve().parents[2] / "docs" / "benchmarks"
HEADER = ("set", "method", "above 3 sigma", "above 5 sigma", "above 10 sigma", "sky", "cores")
#: How many dithered exposures skyblot gets.
EXPOSURES = (2, 3, 4)
#: Models of deepCR, and the kinds of sets that they are tried on; made for none of the infrared.
MODELS = {
    "ACS-WFC": ("uvis", "hrc", "ir", "nircam", "nircam-long", "roman"),
    "WFC3-UVIS": ("uvis",),
    "decam": ("ground",),
}
#: What deepCR takes for a cosmic ray, by default.
_LIKELY = 0.5
SEEDS = {"search": 1300, "show": 9700}
#: Parameters of L.A.Cosmic that are tried: Laplacian to noise, the part of it for neighbours, and
#: contrast with fine structure.
TRIED = ((4.5, 5.5, 7.0), (0.3, 0.5), (2.0, 5.0, 8.0, 12.0, 20.0))
#: What false positives on the sky and on cores, and what is missing above 5 sigma, are in units of.
WANTED = {"found5": 0.05, "sky": 5e-4, "cores": 5e-3}


def kinds(seed: int) -> Iterator[tuple[str, Plan]]:
    """Yield a set of each kind."""
    for number, (kind, more) in enumerate(KINDS.items()):
        yield kind, Plan(kind, **more, seed=seed + number)


def counted(frames: list[Frame], masks: list[np.ndarray]) -> np.ndarray:
    """Return the part of each column's pixels that masks reject."""
    bad = np.zeros(len(COLUMNS))
    there = np.zeros(len(COLUMNS))
    for frame, mask in zip(frames, masks, strict=True):
        groups = groups_of(frame)
        bad += [np.count_nonzero(mask.ravel()[group]) for group in groups]
        there += [len(group) for group in groups]
    return bad / np.maximum(there, 1)


def cleaned(plan: Plan, kind: str, count: int) -> tuple[list[Frame], list[np.ndarray]]:
    """Frames and masks of `skyblot clean` with so many exposures; one: by L.A.Cosmic."""
    detector = DETECTORS.get(kind, ("WFC3", "UVIS"))
    trial = Trial(**asdict(replace(plan, exposures=max(count, 2))), detector=detector)
    with tempfile.TemporaryDirectory() as name, warnings.catch_warnings():
        warnings.simplefilter("ignore", skyblot.SkyblotWarning)
        session = CleanSet(trial).write(Path(name))
        out = Path(name) / "cleaned"
        out.mkdir()
        exposures = session.exposures[:count]
        how = {"mosaic": False, "single": "lacosmic"}
        skyblot.clean_files([exposed.path for exposed in exposures], out, **how)
        frames = [exposed.frames[0] for exposed in exposures]
        return frames, [mask_on(out, exposed.path, 0) for exposed in exposures]


def deepcr(frame: Frame, name: str) -> np.ndarray:
    """The mask of a model of deepCR, which wants electrons with their sky."""
    from deepCR import deepCR

    return deepCR(mask=name, device="CPU").clean(frame.data, threshold=_LIKELY) > 0


def has_deepcr() -> bool:
    """Whether deepCR is there; it says nothing of what it lacks."""
    try:
        import deepCR  # noqa: F401
    except ImportError as error:
        print(f"without deepCR: {error}")
        return False
    return True


def table(seed: int, seeds: int) -> list[list[str]]:
    """All methods on all kinds of sets; means over seeds."""
    models = MODELS if has_deepcr() else {}
    rows = []
    for kind, plan in kinds(seed):
        sums: dict[str, list[np.ndarray]] = {}
        for step in range(seeds):
            own = replace(plan, seed=plan.seed + 100 * step)
            frames, masks = cleaned(own, kind, 1)
            found = {"astroscrappy, as by skyblot": counted(frames, masks)}
            peer = [laplacian(each, 0.0, own.read_noise)(1.0) for each in frames]
            found["astroscrappy"] = counted(frames, peer)
            for name, made_for in models.items():
                if kind in made_for:
                    told = counted(frames, [deepcr(each, name) for each in frames])
                    found[f"deepCR, {name}"] = told
            for count in EXPOSURES:
                found[f"skyblot, {count} exposures"] = counted(*cleaned(own, kind, count))
            best = [limit(each, 1)(1.0) for each in frames]
            found["limit"] = counted(frames, best)
            for name, parts in found.items():
                sums.setdefault(name, []).append(parts)
        rows += [_row(kind, name, np.mean(parts, axis=0)) for name, parts in sums.items()]
        print(f"{kind} done", flush=True)
    return rows


def _row(kind: str, name: str, parts: np.ndarray) -> list[str]:
    cells = dict(zip(COLUMNS, parts, strict=True))
    shown = [f"{cells[key]:.3f}" for key in ("found3", "found5", "found10")]
    return [kind, name, *shown, *(f"{cells[key]:.0e}" for key in ("sky", "cores"))]


def lacosmic(frame: Frame, plan: Plan, numbers: tuple[float, float, float]) -> np.ndarray:
    """L.A.Cosmic as skyblot calls it, with an exposure's own noise."""
    import astroscrappy

    variance = plan.sky + plan.read_noise**2 + np.maximum(frame.data, 0)
    names = ("sigclip", "sigfrac", "objlim")
    mask, _ = astroscrappy.detect_cosmics(
        frame.data + np.float32(plan.sky),
        inmask=~frame.valid,
        invar=variance.astype("f4"),
        satlevel=np.inf,
        readnoise=0.0,
        **dict(zip(names, numbers, strict=True)),
    )
    return mask


def search(seed: int) -> list[list[str]]:
    """Return what parameters find, best first: means over kinds of what is wrong, in logarithms."""
    frames = [(plan, TruthSet(plan).exposed[0]) for _, plan in kinds(seed)]
    best = [counted([frame], [limit(frame, 1)(1.0)]) for _, frame in frames]
    now = (SIGCLIP, SIGFRAC, OBJLIM)
    rows = []
    for numbers in {*itertools.product(*TRIED), now}:
        parts = [counted([frame], [lacosmic(frame, plan, numbers)]) for plan, frame in frames]
        penalty = np.mean([_penalty(*both) for both in zip(parts, best, strict=True)])
        name = "{:g} {:g} {:g}".format(*numbers)
        row = _row(f"{penalty:.2f}", name, np.mean(parts, axis=0))
        rows.append([*row, "now" if numbers == now else ""])
    return sorted(rows, key=lambda row: float(row[0]))


def _penalty(parts: np.ndarray, best: np.ndarray) -> float:
    got = dict(zip(COLUMNS, parts, strict=True))
    missed = max(0.0, dict(zip(COLUMNS, best, strict=True))["found5"] - got["found5"])
    wrong = {"found5": missed, "sky": got["sky"], "cores": got["cores"]}
    return float(sum(np.log2(1 + wrong[key] / unit) for key, unit in WANTED.items()))


def main() -> None:
    """Search, or show."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, help=f"of the first set {SEEDS}")
    parser.add_argument("--seeds", type=int, default=3, help="how many of each set [3]")
    parser.add_argument("--search", action="store_true", help="look for better parameters")
    parser.add_argument("--docs", action="store_true", help="write the documentation's table")
    options = parser.parse_args()
    if options.search:
        show(("penalty", *HEADER[1:], ""), search(options.seed or SEEDS["search"]))
        return
    rows = table(options.seed or SEEDS["show"], options.seeds)
    show(HEADER, rows)
    if options.docs:
        write(DOCS / "rejection_single.csv", HEADER, rows)


if __name__ == "__main__":
    main()
