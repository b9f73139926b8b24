"""What the page shows of one chip: its pictures encoded, its facts worded."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ..bounds import Bounds
from .chip import ChipPicture, ChipReport, Pictures
from .distribution import Distribution, distribution
from .encode import FLAGGED, GAP, MISSING, STAMP_LEVELS, jpeg_uri, label_uri, stamp_uri
from .facts import Row, links, percent, rows, short_text, thousands
from .histogram import histogram_view
from .stretch import RESIDUAL, Stretch, block_any, block_mean, block_residual, image_stretch

#: Largest width and height of a thumbnail, and the side of a stamp, in pixels.
_THUMBNAIL = 160
STAMP = 41
#: Labels of the picture of the mask.
_GOOD = 0
_BAD = 1
_NOT_COMPARED = 2


class Stamp(NamedTuple):
    """One of the worst residuals: exposure, blot, residual and mask around it, in one picture."""

    x: int
    y: int
    text: str
    uri: str


class _Group(NamedTuple):
    """Stamps of one kind."""

    title: str
    stamps: list[Stamp]


def picture_of(chip: ChipReport, how: Pictures) -> ChipPicture:
    """Return what the page shows of a chip."""
    ny, nx = chip.exposure.shape
    stretch = image_stretch(chip.exposure, chip.blot)
    spread = distribution(chip.residual_sigma)
    values = {
        "name": chip.name,
        "unit": chip.unit,
        "notes": tuple(chip.notes),
        "masked": chip.mask is not None,
        "nx": nx,
        "ny": ny,
        **_views(chip, stretch, how.size),
        "image_ticks": _ticks(stretch),
        "residual_ticks": _ticks(RESIDUAL),
        "facts": [*_own_facts(chip, spread), *rows(chip.facts)],
        "links": links(chip.links, how.folder),
        "histogram": histogram_view(spread),
        "groups": [group for group in _groups(chip, stretch, how.stamps) if group.stamps],
        "summary": _summary(chip, spread),
    }
    return ChipPicture(chip.name, values)


def _views(chip: ChipReport, stretch: Stretch, size: int) -> dict[str, Any]:
    step = -(-max(chip.exposure.shape) // size)
    exposure = block_mean(chip.exposure, step)
    thumbnail = block_mean(exposure, -(-max(exposure.shape) // _THUMBNAIL))
    return {
        "step": step,
        "thumbnail": jpeg_uri(stretch.levels(thumbnail, 256)),
        "exposure": jpeg_uri(stretch.levels(exposure, 256)),
        "blot": jpeg_uri(stretch.levels(block_mean(chip.blot, step), 256)),
        "residual": jpeg_uri(RESIDUAL.levels(block_residual(chip.residual_sigma, step), 256)),
        "labels": label_uri(_labels(chip, step)),
    }


def _labels(chip: ChipReport, step: int) -> np.ndarray:
    """Good, bad (any pixel of a block) or not compared (all of its pixels)."""
    compared = block_any(np.isfinite(chip.residual_sigma), step)
    labels = np.where(compared, _GOOD, _NOT_COMPARED)
    if chip.mask is not None:
        labels[block_any(chip.mask, step)] = _BAD
    return labels


def _ticks(stretch: Stretch) -> list[str]:
    return [short_text(stretch.value(fraction)) for fraction in (0, 0.25, 0.5, 0.75, 1)]


def _own_facts(chip: ChipReport, spread: Distribution) -> list[Row]:
    ny, nx = chip.exposure.shape
    found = [Row("size", f"{nx} × {ny} pixels"), Row("compared", percent(spread.pixels, nx * ny))]
    if chip.mask is not None:
        bad = int(np.count_nonzero(chip.mask))
        found.append(Row("flagged", f"{thousands(bad)} ({percent(bad, nx * ny)})"))
    return found


def _summary(chip: ChipReport, spread: Distribution) -> str:
    """A few words for the list of chips."""
    if chip.mask is not None:
        return f"{percent(int(np.count_nonzero(chip.mask)), chip.mask.size)} flagged"
    return f"{percent(spread.beyond[5], spread.pixels)} beyond 5 σ"


def _groups(chip: ChipReport, stretch: Stretch, count: int) -> Iterator[_Group]:
    """The stamps: with a mask, apart for what it flags, what it does not, and flags on sources."""
    if not count:
        return
    size = np.abs(np.asarray(chip.residual_sigma, np.float32))
    size[~np.isfinite(size)] = np.nan
    if chip.mask is None:
        yield _group("Largest residuals", size, chip, stretch, 2 * count)
        return
    flagged = np.asarray(chip.mask, bool)
    nothing = np.float32(np.nan)
    yield _group(
        "Largest residuals that are flagged", np.where(flagged, size, nothing), chip, stretch, count
    )
    yield _group(
        "Largest residuals that are not flagged",
        np.where(flagged, nothing, size),
        chip,
        stretch,
        count,
    )
    bright = np.where(flagged & np.isfinite(size) & np.isfinite(chip.blot), chip.blot, nothing)
    yield _group("Flagged where the blot is brightest", bright, chip, stretch, count)


def _group(
    title: str, strength: np.ndarray, chip: ChipReport, stretch: Stretch, count: int
) -> _Group:
    places = worst(strength, count, STAMP)
    return _Group(title, [_stamp(chip, x, y, stretch) for x, y in places])


def _stamp(chip: ChipReport, x: int, y: int, stretch: Stretch) -> Stamp:
    exposure, blot, residual = (
        _cut(each, x, y) for each in (chip.exposure, chip.blot, chip.residual_sigma)
    )
    bright = stretch.high
    # both in one stretch, to the brightest pixel of the blot in the stamp
    if np.isfinite(blot).any():
        bright = max(
            float(np.nanmax(np.where(np.isfinite(blot), blot, np.nan))),
            stretch.middle + 4 * stretch.width,
        )
    local = Stretch(stretch.low, stretch.middle, bright, stretch.width)
    panels = [_painted(local.levels(each, STAMP_LEVELS), each) for each in (exposure, blot)]
    panels.append(
        _painted(RESIDUAL.levels(residual, STAMP_LEVELS) + np.uint8(STAMP_LEVELS), residual)
    )
    if chip.mask is not None:
        dark = _painted(local.levels(exposure, STAMP_LEVELS) + np.uint8(2 * STAMP_LEVELS), exposure)
        dark[_cut(np.asarray(chip.mask, np.float32), x, y) > 0] = FLAGGED
        panels.append(dark)
    gap = np.full((STAMP, 2), GAP, np.uint8)
    strip = np.concatenate([each for panel in panels for each in (panel, gap)][:-1], axis=1)
    value = chip.residual_sigma[y, x]
    text = f"{short_text(value)} σ" if np.isfinite(value) else "not compared"
    return Stamp(x, y, text, stamp_uri(strip))


def _painted(levels: np.ndarray, values: np.ndarray) -> np.ndarray:
    levels[~np.isfinite(values)] = MISSING
    return levels


def _cut(array: np.ndarray, x: int, y: int) -> np.ndarray:
    """The stamp around a pixel, NaN beyond the chip's borders."""
    around = Bounds(y, y + 1, x, x + 1).grown(STAMP // 2)
    inside = around.overlap(Bounds.whole(array.shape))
    stamp = np.full(around.shape, np.nan, np.float32)
    stamp[inside.within(around).slices] = array[inside.slices]
    return stamp


def worst(strength: np.ndarray, count: int, apart: int) -> list[tuple[int, int]]:
    """Return (x, y) of the largest finite values that are `apart` pixels from each other.

    The largest of every apart x apart block are candidates: as many as are needed, however large
    one source is.
    """
    places: list[tuple[int, int]] = []
    for x, y in _block_maxima(strength, apart):
        if all(max(abs(x - other_x), abs(y - other_y)) >= apart for other_x, other_y in places):
            places.append((x, y))
            if len(places) == count:
                break
    return places


def _block_maxima(strength: np.ndarray, step: int) -> Iterator[tuple[int, int]]:
    """Where the largest value of each block is, the largest of all first."""
    ny, nx = strength.shape
    tops = np.fmax.reduceat(strength, np.arange(0, ny, step), axis=0)
    tops = np.fmax.reduceat(tops, np.arange(0, nx, step), axis=1)
    order = np.argsort(np.where(np.isfinite(tops), -tops, np.inf), axis=None, kind="stable")
    for index in order:
        row, column = divmod(int(index), tops.shape[1])
        if not np.isfinite(tops[row, column]):
            return
        block = strength[row * step : (row + 1) * step, column * step : (column + 1) * step]
        y, x = np.unravel_index(np.nanargmax(block), block.shape)
        yield column * step + int(x), row * step + int(y)
