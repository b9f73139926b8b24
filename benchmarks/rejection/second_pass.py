"""Better mosaics for `clean` to judge by, which were tried: finer pixels, back-projection.

``python benchmarks/rejection/second_pass.py`` prints for each set and method what part of the
pixels of cosmic rays is found, and what part of clean ones is called bad, as ``clean.py`` does.

``native``
    The second pass as it is: the mean of the others, on pixels as large as those of the exposures.
``fine``
    The same on two thirds of that size.
``fine+back``
    And once: each exposure less its blot, without what the first judgement found, is put onto the
    layer that it was, where there are sources.

The rule allows blots that fit better less: a part of their steps. With ``--steps 1.333``, say, this
is made up for, so that false positives on cores are as many, and completeness can be compared.
"""

import argparse
import math
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from clean import COLUMNS, LIMIT, SHOWN, TRIALS, CleanSet, Session, counted, mask_on, show
from scipy import ndimage

from skyblot.api.clean import plan_clean
from skyblot.bounds import Bounds
from skyblot.kernels.interpolants import interpolant
from skyblot.kernels.stack import fill_bad, settle
from skyblot.mosaics.chips import Chip
from skyblot.mosaics.judging import rejected_bits
from skyblot.mosaics.layers import INTERPOLANT, positions
from skyblot.mosaics.run import Run
from skyblot.mosaics.stack import Others, Stack
from skyblot.resampling.window import Window
from skyblot.runs.work import Failure

#: Size of the fine pixels, in terms of the exposures'.
FINE = 2 / 3
#: A source is so many sigma of an exposure above the mosaic's sky.
SOURCE = 10.0
#: The rule's parts of steps: seeds, and members.
STEPS = (0.75, 0.5)


@dataclass(frozen=True)
class Method:
    """A kind of second pass.

    Attributes
    ----------
    fine : bool
    back : bool
    """

    fine: bool = False
    back: bool = False


METHODS = {"native": Method(), "fine": Method(fine=True), "fine+back": Method(fine=True, back=True)}


class BackProjected(Run):
    """A run that puts what its blots lack back onto the layers, before chips are judged."""

    def _compare(self, stack: Stack) -> Iterator[Any]:
        """Judge chips once, and again by better layers."""
        masked = [
            replace(chip, rejected=rejected_bits(result))
            for chip, result, _ in self._judged(stack, last=False)
            if not isinstance(result, Failure)
        ]
        mean = Others(stack, (replace(masked[0], exposure=-1),))[:, :]
        sources = _sources(mean, masked)
        bounds = Bounds.whole(mean.shape)
        layers = stack.parts
        for exposure in {chip.exposure for chip in masked}:
            mine = [chip for chip in masked if chip.exposure == exposure]
            layer = _layer(stack, layers, mine)
            for chip in mine:
                put_back(chip, mean, layer, sources)
            layers.add(mine, layer, bounds, stack.data)
        yield from super()._compare(stack)


def _layer(stack: Stack, layers: Any, mine: Sequence[Chip]) -> np.ndarray:
    """What one exposure put into a stack: the mean of all, if there were no others."""
    exposure = mine[0].exposure
    boxes = layers._boxes
    layers._boxes = {exposure: boxes[exposure]}
    layer = Others(stack, (replace(mine[0], exposure=-1),))[:, :]
    layers._boxes = boxes
    there = np.zeros(layer.shape, np.bool_)
    there[boxes[exposure].slices] = layers._halves[exposure] != 0
    layer[~there] = np.nan
    return layer


def _sources(mean: np.ndarray, chips: Sequence[Chip]) -> np.ndarray:
    """Where the mosaic has sources, and one pixel around."""
    sigma = math.sqrt(max(chip.line[0] for chip in chips))
    bright = mean > np.nanmedian(mean) + SOURCE * sigma
    return ndimage.binary_dilation(bright, np.ones((3, 3)))


def put_back(chip: Chip, mean: np.ndarray, layer: np.ndarray, sources: np.ndarray) -> None:
    """Add to a layer what a chip has more than its blot, where there are sources."""
    how = interpolant(INTERPOLANT)
    x, y = (np.empty(chip.shape) for _ in range(2))
    chip.forward.rows(0, x, y)
    blot = np.full(chip.shape, np.nan, np.float32)
    Window(mean, (0, 0), mean.shape, how).resample(x, y, blot, 1.0, 0.0, math.nan)
    data, good = chip.window(Bounds.whole(chip.shape))
    apart = data - blot
    good &= np.isfinite(apart)
    filled = np.empty_like(apart)
    fill_bad(np.where(good, apart, np.float32(0)), good, filled)
    x, y = positions(chip, chip.box)
    more = np.full(chip.box.shape, np.nan, np.float32)
    Window(filled, (0, 0), chip.shape, how).resample(x, y, more, 1.0, 0.0, math.nan)
    settle(filled, good, np.array((0, 0)), x, y, math.sqrt(chip.line[0]), more)
    here = chip.box.slices
    layer[here] += np.where(sources[here] & np.isfinite(more), more, np.float32(0))


def masks_of(session: Session, name: str, steps: float) -> dict[tuple[str, int], np.ndarray]:
    """The masks of a method, by the exposure's name and the number of the chip."""
    method = METHODS[name]
    folder = session.folder / name
    how: dict[str, Any] = {"criteria": {"scale": tuple(steps * step for step in STEPS)}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        plan = plan_clean(session.paths, folder, mosaic=False, **how)
        if method.fine:
            how["scale"] = FINE * plan.frame.scale
            plan = plan_clean(session.paths, folder, mosaic=False, **how)
        with ExitStack() as files:
            for _ in (BackProjected if method.back else Run)(plan, files).events():
                pass
    return {
        (each.path.name, chip): mask_on(folder, each.path, chip)
        for each in session.exposures
        for chip in range(len(each.frames))
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--sets", nargs="+", metavar="NAME", help="only these")
    parser.add_argument("--methods", nargs="+", default=list(METHODS), choices=METHODS)
    parser.add_argument("--steps", type=float, default=1.0, help="the rule's, times this [1]")
    parser.add_argument("--seed", type=int, default=500, help="the first [500]")
    parser.add_argument("--seeds", type=int, default=1, help="how many of each set [1]")
    options = parser.parse_args()
    print(f"{'set':{LIMIT}} {'method':9}" + "".join(f"{name:>10}" for name in SHOWN))
    for trial in TRIALS:
        if options.sets and trial.name not in options.sets:
            continue
        bad = dict.fromkeys(options.methods, np.zeros(len(COLUMNS) + 3))
        there = dict(bad)
        for seed in range(options.seed, options.seed + options.seeds):
            with tempfile.TemporaryDirectory() as folder:
                session = CleanSet(replace(trial, seed=seed)).write(Path(folder))
                for name in options.methods:
                    found = counted(session, masks_of(session, name, options.steps))
                    bad[name] = bad[name] + found[0]
                    there[name] = there[name] + found[1]
        for name in options.methods:
            show(trial.name, name, bad[name] / np.maximum(there[name], 1))


if __name__ == "__main__":
    main()
