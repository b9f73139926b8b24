"""A PSF that breathes: focus and jitter that differ between exposures, and over a chip.

``python benchmarks/rejection/breathing.py`` prints for each set what part of the pixels of cosmic
rays `skyblot.clean_files` finds, and what part of clean ones is called bad: with the term for an
exposure's sharpness, without it, and with one for each quarter of a chip.
"""

import argparse
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from astropy.io import fits
from clean import IR, LIMIT, SHOWN, CleanSet, Trial, show
from counts import COLUMNS, groups_of
from search import WITHOUT
from sets import SIZE, UNDER, Frame
from sets import Sky as TrueSky

import skyblot
from skyblot.parameters.rules import NUMBERS, variance_marker
from skyblot.rejection.compare import circumstances, joined, marked, measured
from skyblot.rejection.criteria import Criteria

#: By what the width of stars is multiplied in one exposure after the other: at most 10 percent.
BREATHS = (1.0, 1.05, 0.95, 1.1)
#: Between its left and its right edge it differs by this much more, up and down in turn.
ACROSS = 0.1
TRIALS = (
    Trial("well"),
    Trial("under", UNDER, detector=IR),
    Trial("well, breathing", seeing=BREATHS),
    Trial("under, breathing", UNDER, seeing=BREATHS, detector=IR),
    Trial("under crowded, breathing", UNDER, stars=2500, seeing=BREATHS, detector=IR),
    Trial("well, across", seeing=BREATHS),
    Trial("under, across", UNDER, seeing=BREATHS, detector=IR),
)
HALVES = (slice(None, SIZE // 2), slice(SIZE // 2, None))
QUARTERS = [(rows, columns) for rows in HALVES for columns in HALVES]
_PLANES = ("data", "blot", "sigma", "charge", "noise", "kind", "valid", "truth")


class Across:
    """A sky whose stars are wider on one side of an exposure than on the other."""

    def __init__(self, narrow: TrueSky, wide: TrueSky, turned: bool) -> None:
        self.plan = narrow.plan
        self._sides = (wide, narrow) if turned else (narrow, wide)

    def seen(self, *where: object) -> tuple[np.ndarray, np.ndarray]:
        """What an exposure sees, as `sets.Sky` has it."""
        (left, kind), (right, _) = (side.seen(*where) for side in self._sides)
        part = np.linspace(0.0, 1.0, left.shape[1])
        return (1 - part) * left + part * right, kind


class BreathingSet(CleanSet):
    """A trial's exposures, maybe with stars of another width on either side."""

    def made(self, number: int, sky: TrueSky) -> Frame:
        """One exposure, in electrons."""
        if self.plan.name.endswith("across"):
            widths = (sky.plan.psf * (1 - ACROSS / 2), sky.plan.psf * (1 + ACROSS / 2))
            sides = [TrueSky(replace(sky.plan, psf=psf), self.mosaic_wcs) for psf in widths]
            sky = Across(*sides, turned=number % 2 == 1)
        return super().made(number, sky)


def compared(frame: Frame, exposures: int, term: str) -> np.ndarray:
    """The mask of an exposure by its blot, with or without a term of the rule."""
    how = {"valid": frame.valid, "gain": 1.0, "threads": 1}
    criteria = Criteria(exposures=exposures)
    known = measured(frame.data, frame.blot, frame.sigma, criteria, **how)
    about = circumstances(criteria, known)
    levels, _ = marked(known.images, variance_marker(*WITHOUT[term](about, NUMBERS)), 1)
    return joined(levels, 1)


def by_quarters(frame: Frame, exposures: int) -> np.ndarray:
    """The mask of an exposure whose quarters are compared by themselves."""
    mask = np.zeros(frame.data.shape, np.bool_)
    for quarter in QUARTERS:
        planes = {name: np.ascontiguousarray(getattr(frame, name)[quarter]) for name in _PLANES}
        mask[quarter] = compared(replace(frame, **planes), exposures, "all terms")
    return mask


METHODS: dict[str, Callable[[Frame, int], np.ndarray]] = {
    "with": lambda frame, exposures: compared(frame, exposures, "all terms"),
    "without": lambda frame, exposures: compared(frame, exposures, "no sharpness"),
    "quarters": by_quarters,
}


def frames_of(trial: Trial, folder: Path) -> list[Frame]:
    """The exposures of a set with the blots that `clean` compares them with."""
    session = BreathingSet(trial).write(folder)
    out = folder / "cleaned"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", skyblot.SkyblotWarning)
        skyblot.clean_files(session.paths, out, mosaic=False, save_blots=True)
    frames = []
    for exposed in session.exposures:
        root = exposed.path.name.rsplit("_", 1)[0]
        (path,) = out.glob(f"{root}*blt.fits")
        blot = fits.getdata(path).astype("f4")
        (frame,) = exposed.frames
        valid = frame.valid & np.isfinite(blot)
        frames.append(replace(frame, blot=np.nan_to_num(blot), valid=valid))
    return frames


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seed", type=int, default=600, help="the first [600]")
    parser.add_argument("--seeds", type=int, default=1, help="how many of each set [1]")
    options = parser.parse_args()
    print(f"{'set':{LIMIT}} {'sharpness':9}" + "".join(f"{name:>10}" for name in SHOWN))
    for trial in TRIALS:
        bad = dict.fromkeys(METHODS, np.zeros(len(COLUMNS) + 3))
        there = np.zeros(len(COLUMNS) + 3)
        for seed in range(options.seed, options.seed + options.seeds):
            with tempfile.TemporaryDirectory() as folder:
                frames = frames_of(replace(trial, seed=seed), Path(folder))
            for frame in frames:
                groups = groups_of(frame)
                there[: len(groups)] += [len(group) for group in groups]
                for name, method in METHODS.items():
                    flat = method(frame, trial.exposures).ravel()
                    counts = np.zeros(len(there))
                    counts[: len(groups)] = [np.count_nonzero(flat[group]) for group in groups]
                    bad[name] = bad[name] + counts
        for name in METHODS:
            show(trial.name, name, bad[name] / np.maximum(there, 1))


if __name__ == "__main__":
    main()
