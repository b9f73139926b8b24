"""How far each competitor is from the exact answer, on the work of the benchmark: coordinates and
values.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from competitors import COMPETITORS, SKYBLOT, Competitor, Map, Reproject
from exact import exact_map, exact_values, inside
from scipy import ndimage
from work import Work

from skyblot.parameters.table import INTERPOLANTS

# of the ramp that shows which coordinate was used; small, so that float32 resolves 1e-6 pixel
PERIOD = 8
REACH = 8  # source pixels around a position whose largest value is the local peak


@dataclass(frozen=True)
class Error:
    """Largest and rms error; `kind` is "map", "used" (both in source pixels) or an interpolant."""

    name: str
    kind: str
    largest: float
    rms: float
    skipped: str = ""


def errors(work: Work) -> Iterator[Error]:
    """Compare every competitor with the exact map and the exact values."""
    positions = exact_map(work)
    chosen = inside(work, positions)
    peak = local_peak(work, positions)
    maps: dict[str, Map] = {}
    for each in COMPETITORS:
        if each.missing():
            yield Error(each.name, "map", np.nan, np.nan, each.missing())
            continue
        maps[each.name] = each.as_map(each.pixel_map(work)(), work)
        yield summary(each.name, "map", distance(maps[each.name], positions)[chosen])
        yield used_coordinates(work, each, maps[each.name], positions, chosen)
    for interp in INTERPOLANTS:
        truth = exact_values(work, positions, interp, chosen)
        for each in COMPETITORS:
            if each.name in maps and interp in each.interpolants:
                values = blot(work, each, interp, maps[each.name])
                yield summary(each.name, interp, (np.abs(values - truth) / peak)[chosen])


@dataclass
class MapErrors:
    """Errors of the maps of one work; `work` are its facts."""

    work: str
    errors: list[Error]


def map_errors(work: Work, makers: Mapping[str, Competitor]) -> MapErrors:
    """Compare the maps of some competitors, given with the names of what they call, with the exact
    one.
    """
    positions, found = exact_map(work), []
    for name, each in makers.items():
        if each.missing():
            found.append(Error(name, "map", np.nan, np.nan, each.missing()))
            continue
        made = each.as_map(each.pixel_map(work)(), work)
        found.append(summary(name, "map", distance(made, positions)))
    return MapErrors(work.facts, found)


def blot(work: Work, competitor: Competitor, interp: str, pixel_map: Map) -> np.ndarray:
    """The competitor's blot; from its own map, made before, where it has a way to take one."""
    whole = competitor is SKYBLOT or isinstance(competitor, Reproject)
    call = competitor.blot(work, interp) if whole else competitor.resample(work, interp, pixel_map)
    return np.asarray(call(), dtype=float)


def used_coordinates(
    work: Work, competitor: Competitor, pixel_map: Map, positions: Map, chosen: np.ndarray
) -> Error:
    """Error of the coordinates as used: blot a ramp linearly, and its values are the coordinates,
    modulo a period.
    """
    total = np.zeros(work.shape)
    chosen = chosen.copy()
    for axis, exact in zip((1, 0), positions, strict=True):
        ramp = np.indices(work.source.shape, dtype=np.float32)[axis] % PERIOD
        phase = exact % PERIOD
        total += (blot(replace(work, source=ramp), competitor, "linear", pixel_map) - phase) ** 2
        chosen &= (phase > 0.1) & (phase < PERIOD - 1.1)
    return summary(competitor.name, "used", np.sqrt(total)[chosen])


def distance(one: Map, other: Map) -> np.ndarray:
    """Distance of positions, in pixels."""
    return np.hypot(one[0] - other[0], one[1] - other[1])


def summary(name: str, kind: str, error: np.ndarray) -> Error:
    """Largest and rms; infinite where something is not a number."""
    error = np.where(np.isfinite(error), error, np.inf)
    return Error(name, kind, float(error.max()), float(np.sqrt(np.mean(error**2))))


def local_peak(work: Work, positions: Map) -> np.ndarray:
    """Largest absolute value of the source near each position."""
    peaks = ndimage.maximum_filter(np.abs(work.source), 2 * REACH + 1)
    ny, nx = peaks.shape
    x, y = (
        np.clip(np.round(each), 0, size - 1).astype(int)
        for each, size in zip(positions, (nx, ny), strict=True)
    )
    return peaks[y, x]
