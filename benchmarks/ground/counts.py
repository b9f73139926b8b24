"""What masks have of each kind of pixels, and tables of it: for the screen, and as csv for the
documentation.
"""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from scipy import ndimage
from survey import Exposure

#: False positives first, then what is found; all are percentages of pixels, but for the asteroids
#: and variable stars.
COLUMNS = (
    "cores",
    "stars",
    "sky",
    "rays > 3 σ",
    "rays > 5 σ",
    "trail",
    "asteroids",
    "variable stars",
)
#: Pixels that are not looked at along the edges, where not all exposures overlap.
_EDGE = 30
#: What has less than this of anything added, in sigma, is clean.
_CLEAN = 0.1
#: What is fainter than this, in sigma, nobody can find.
_VISIBLE = 3.0

Counts = dict[str, tuple[int, int]]


def count(exposure: Exposure, mask: np.ndarray) -> Counts:
    """Of each column: how many pixels or objects the mask has, and how many there are."""
    looked = np.zeros(mask.shape, bool)
    looked[_EDGE:-_EDGE, _EDGE:-_EDGE] = True
    added = np.stack([exposure.rays, exposure.trail, exposure.asteroids, np.abs(exposure.varied)])
    clean = looked & (added < _CLEAN).all(axis=0)
    pixels = {
        "cores": clean & exposure.cores,
        "stars": clean & exposure.stars,
        "sky": clean & ~exposure.stars,
        "rays > 3 σ": looked & (exposure.rays > 3),
        "rays > 5 σ": looked & (exposure.rays > 5),
        "trail": looked & (exposure.trail > _VISIBLE),
    }
    found = {name: (int(mask[where].sum()), int(where.sum())) for name, where in pixels.items()}
    alone = looked & (exposure.rays < _CLEAN)
    found["asteroids"] = _objects(mask, exposure.asteroids, alone)
    found["variable stars"] = _objects(mask, np.abs(exposure.varied), alone)
    return found


def _objects(mask: np.ndarray, strength: np.ndarray, looked: np.ndarray) -> tuple[int, int]:
    """Objects whose brightest pixel the mask has, of those that can be seen."""
    labels, number = ndimage.label((strength > _VISIBLE) & looked)
    if not number:
        return 0, 0
    places = ndimage.maximum_position(strength, labels, np.arange(1, number + 1))
    return int(mask[tuple(np.transpose(places))].sum()), number


def together(counts: Iterable[Counts]) -> list[str]:
    """The percentage in each column, of all exposures together."""
    sums = {name: np.zeros(2) for name in COLUMNS}
    for each in counts:
        for name, pair in each.items():
            sums[name] += pair
    return [_percent(*sums[name]) for name in COLUMNS]


def _percent(found: float, there: float) -> str:
    if not there:
        return ""
    value = 100 * found / there
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}" if value < 10 else f"{value:.1f}"


def show(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table."""
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[k]) for line in lines) for k in range(len(header))]
    for line in lines:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        )


def write(path: Path, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write a table as csv."""
    with open(path, "w", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([header, *rows])
