"""Completeness and false positives over the threshold."""

from dataclasses import dataclass

import numpy as np
from rules import Rule
from scipy import ndimage
from sets import Frame

#: What thresholds are multiplied by.
FACTORS = np.geomspace(0.5, 2.5, 13)
#: Cosmic-ray pixels brighter than this, in sigma of the exposure without them.
BRIGHTNESS = (3.0, 5.0, 10.0)
KINDS = ("sky", "cores", "galaxies")
#: Pixels with less of a cosmic ray than this, in sigma, are clean.
_CLEAN = 0.1
#: Pixels that are not looked at along the edges, where not all exposures overlap, and where peers
#: differ.
_EDGE = 24


@dataclass(frozen=True)
class Curve:
    """Fractions over `FACTORS` of one rule on one set; keys as in `COLUMNS`."""

    values: dict[str, np.ndarray]

    def at(self, key: str, factor: float = 1.0) -> float:
        """The value for a factor on the thresholds."""
        return float(np.interp(np.log(factor), np.log(FACTORS), self.values[key]))

    def factor_where(self, key: str, value: float) -> float:
        """The factor at which a fraction, falling with it, has a value."""
        falling = np.minimum.accumulate(self.values[key])
        tiny = 1e-9 * np.arange(len(FACTORS))  # strictly falling
        return float(np.exp(np.interp(-value, -(falling - tiny), np.log(FACTORS))))


COLUMNS = (*(f"found{each:g}" for each in BRIGHTNESS), "hits", *KINDS, "clean")


def measure(frames: list[Frame], exposures: int, rule: Rule) -> Curve:
    """Apply a rule to some exposures of a set for every threshold."""
    found, there = np.zeros((len(FACTORS), len(COLUMNS))), np.zeros(len(COLUMNS))
    for frame in frames:
        groups = groups_of(frame)
        there += [len(each) for each in groups]
        judge = rule(frame, exposures)
        for number, factor in enumerate(FACTORS):
            mask = judge(float(factor)).ravel()
            found[number] += [np.count_nonzero(mask[each]) for each in groups]
    return Curve(dict(zip(COLUMNS, np.transpose(found / np.maximum(there, 1)), strict=True)))


def groups_of(frame: Frame) -> list[np.ndarray]:
    """Return the pixels of each column, counted along rows."""
    looked = frame.valid.copy()
    looked[:_EDGE] = looked[-_EDGE:] = looked[:, :_EDGE] = looked[:, -_EDGE:] = False
    strength = frame.charge / frame.noise
    clean = looked & (strength < _CLEAN)
    groups = [looked & (strength > least) for least in BRIGHTNESS]
    groups += [_peaks(frame.charge, looked & (strength > BRIGHTNESS[0]))]
    groups += [clean & (frame.kind == kind) for kind in range(len(KINDS))] + [clean]
    return [np.flatnonzero(each) for each in groups]


def _peaks(charge: np.ndarray, hit: np.ndarray) -> np.ndarray:
    """The brightest pixel of every hit: a hit is found if that one is."""
    labels, count = ndimage.label(hit, np.ones((3, 3)))
    peaks = np.zeros(hit.shape, bool)
    if count:
        where = ndimage.maximum_position(charge, labels, np.arange(1, count + 1))
        peaks[tuple(np.transpose(where))] = True
    return peaks
