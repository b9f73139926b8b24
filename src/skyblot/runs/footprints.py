"""Where exposures lie on a mosaic, from headers alone, and which of them share a window."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..bounds import EMPTY, Bounds
from ..errors import naming
from ..io.images import open_reference
from ..io.names import ImageName
from ..parameters.table import Parameters
from ..pixelmap.direct import DirectMap
from ..pixelmap.sky import sky_of
from ..resampling.target import target_of
from ..steps.base import Source

#: Positions along each axis of an exposure that are looked up on the mosaic.
GRID = 33
#: Mosaic pixels around those positions that belong to the window: for taps, and for what curves out
#: between them.
MARGIN = 24


@dataclass(frozen=True)
class Footprint:
    """Where an image of an exposure lies on the mosaic; by default nobody has looked it up.

    Attributes
    ----------
    where : ImageName
    shape : tuple of int
        (ny, nx) of the blot.
    overlap : float
        Fraction of it that lies on the mosaic, from some positions; NaN if nobody has looked.
    bounds : Bounds
        The part of the mosaic that it touches; `EMPTY` if none.
    """

    where: ImageName
    shape: tuple[int, int] = (1, 1)
    overlap: float = math.nan
    bounds: Bounds = EMPTY


def footprint_of(source: Source, where: ImageName, parameters: Parameters) -> Footprint:
    """Look a grid of an exposure's positions up on the mosaic; errors as for `Step.make`."""
    with open_reference(where, parameters.wcs_key) as reference:
        target = target_of(reference, parameters)
        ny, nx = target.shape
        y, x = np.meshgrid(
            np.linspace(0, ny - 1, GRID), np.linspace(0, nx - 1, GRID), indexing="ij"
        )
        with naming(source.image.name, reference.name):
            exact = DirectMap(sky_of(target.wcs, "target"), sky_of(source.wcs, "source"))
            mx, my = exact.at(x.ravel(), y.ravel())
    rows, columns = source.pixels.shape
    inside = (mx >= -0.5) & (mx < columns - 0.5) & (my >= -0.5) & (my < rows - 0.5)
    near = (mx > -MARGIN) & (mx < columns + MARGIN) & (my > -MARGIN) & (my < rows + MARGIN)
    bounds = Bounds(*_span(my[near], rows), *_span(mx[near], columns)) if near.any() else EMPTY
    return Footprint(where, target.shape, float(inside.mean()), bounds)


def _span(positions: np.ndarray, size: int) -> tuple[int, int]:
    """First and end pixel within an axis around positions, with the margin."""
    margin = MARGIN + 0.002 * float(np.ptp(positions))
    first = int(np.clip(np.floor(positions.min() - margin), 0, size - 1))
    return first, int(np.clip(np.ceil(positions.max() + margin), first + 1, size))


@dataclass(frozen=True)
class Group:
    """Exposures that share a window of the mosaic."""

    members: tuple[Footprint, ...]
    bounds: Bounds


def largest(group: Group) -> int:
    """How many pixels the largest blot of a group has."""
    return max(math.prod(member.shape) for member in group.members)


def group(footprints: Iterable[Footprint], most_pixels: int) -> Iterator[Group]:
    """Put exposures that overlap into groups, in the order of their place on the mosaic.

    A group's window has `most_pixels` at most, unless one exposure alone needs more, and is never
    larger than the windows of its members together: no pixel is read for nothing.
    """
    members: list[Footprint] = []
    bounds = EMPTY
    for footprint in _in_place_order(list(footprints)):
        joined = bounds.union(footprint.bounds)
        if members and joined.area > min(most_pixels, bounds.area + footprint.bounds.area):
            yield Group(tuple(members), bounds)
            members = []
            joined = footprint.bounds
        members.append(footprint)
        bounds = joined
    if members:
        yield Group(tuple(members), bounds)


def _in_place_order(footprints: Sequence[Footprint]) -> list[Footprint]:
    """Strip by strip up the mosaic, strips as high as the highest window."""
    height = max((footprint.bounds.shape[0] for footprint in footprints), default=0) or 1

    def strip_and_column(footprint: Footprint) -> tuple[int, int]:
        return (footprint.bounds.y0 + footprint.bounds.y1) // (2 * height), footprint.bounds.x0

    return sorted(footprints, key=strip_and_column)
