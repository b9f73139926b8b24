"""What the page shows of one chip: its pictures encoded, its facts worded."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple

import numpy as np

from ..bounds import Bounds
from .chip import ChipPicture, ChipReport, MosaicReport, Pictures
from .detail import (
    RESIDUAL_LEVELS,
    mosaic_scales,
    mosaic_tile,
    overview_of,
    scale_numbers,
    scales_of,
    tile_bounds,
    tiles_of,
)
from .distribution import Distribution, distribution
from .encode import FLAGGED, GAP, MISSING, ORANGE, STAMP_LEVELS, jpeg_uri, stamp_uri
from .facts import FLAGGED as FLAGGED_FACT
from .facts import Row, flagged_text, links, percent, rows, short_text
from .histogram import histogram_view
from .objects import Objects, mask_state, objects_of
from .scratch import Piece
from .sky import fit_sky
from .stretch import RESIDUAL, Stretch, block_mean, image_stretch

#: Largest width and height of a thumbnail, and the side of a stamp, in pixels.
_THUMBNAIL = 160
STAMP = 41
#: How many places of large residuals that are not flagged a page steps through.
_UNFLAGGED = 40


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


def picture_of(chip: ChipReport | MosaicReport, how: Pictures) -> ChipPicture:
    """Return what the page shows of a chip, or of a mosaic."""
    if isinstance(chip, MosaicReport):
        return _picture_of_mosaic(chip, how)
    shape = np.shape(chip.exposure)
    stretch = image_stretch(chip.exposure, chip.blot)
    spread = distribution(chip.residual_sigma)
    objects = None if chip.mask is None else objects_of(chip.mask, chip.residual_sigma)
    step = -(-max(shape) // how.size)
    scales = scales_of(chip)
    frame = _frame(chip.name, chip.unit, shape, step, chip.wcs)
    values = {
        "name": chip.name,
        "notes": tuple(chip.notes),
        "masked": chip.mask is not None,
        "thumbnail": _thumbnail(chip, stretch),
        "facts": [*_own_facts(chip, spread), *rows(chip.facts), *_sky_fact(frame)],
        "links": links(chip.links, how.folder),
        "histogram": histogram_view(spread),
        "groups": [group for group in _groups(chip, stretch, how.stamps) if group.stamps],
        "summary": _summary(chip, spread),
        "data": {
            **frame,
            "masked": chip.mask is not None,
            "compared": chip.earlier is not None,
            "mask_state": None if chip.mask is None else mask_state(chip.mask),
            "limits": vars(stretch),
            "objects": None if objects is None else {"count": objects.count, "text": objects.text},
            "unflagged": _unflagged(chip),
            "overview": _overview_scales(stretch),
            "tile": {
                "blot": scale_numbers(scales.blot),
                "residual": scale_numbers(scales.residual, RESIDUAL_LEVELS),
                "sigma": scale_numbers(scales.sigma),
            },
        },
    }
    row = {**chip.measured, **_counts(chip, objects)}
    overview = overview_of(chip, stretch, step) if step > 1 else b""
    return ChipPicture(chip.name, values, row, _kept([overview], tiles_of(chip, scales), how))


def _picture_of_mosaic(mosaic: MosaicReport, how: Pictures) -> ChipPicture:
    """What the page shows of a mosaic: its pixels and its weights."""
    shape = np.shape(mosaic.image)
    step = -(-max(shape) // how.size)
    scales = mosaic_scales(mosaic.image, mosaic.weight)
    frame = _frame(mosaic.name, mosaic.unit, shape, step, mosaic.wcs)
    stretch = image_stretch(mosaic.image, mosaic.image)
    shown = {"blot": scale_numbers(scales.blot), "sigma": scale_numbers(scales.sigma)}
    small = block_mean(mosaic.image, -(-max(shape) // _THUMBNAIL))
    values = {
        "name": mosaic.name,
        "notes": (),
        "masked": False,
        "thumbnail": jpeg_uri(stretch.levels(small, 256)),
        "facts": [
            Row("size", f"{shape[1]} × {shape[0]} pixels"),
            *rows(mosaic.facts),
            *_sky_fact(frame),
        ],
        "links": links(mosaic.links, how.folder),
        "histogram": None,
        "groups": [],
        "summary": "mosaic",
        "data": {
            **frame,
            "mosaic": True,
            "limits": vars(stretch),
            "overview": shown,
            "tile": shown,
        },
    }

    def part(bounds: Bounds, step: int) -> bytes:
        weight = None if mosaic.weight is None else mosaic.weight[bounds.slices]
        return mosaic_tile(mosaic.image[bounds.slices], weight, scales, step)

    overview = part(Bounds.whole(shape), step) if step > 1 else b""
    tiles = (part(bounds, 1) for bounds in tile_bounds(shape))
    return ChipPicture(mosaic.name, values, {}, _kept([overview], tiles, how))


def _kept(
    first: Iterable[bytes], tiles: Iterable[bytes], how: Pictures
) -> tuple[Piece | bytes, ...]:
    """Tiles, one by one on the disk where there is a place for them."""
    keep = bytes if how.scratch is None else how.scratch.put
    return tuple(keep(tile) for tile in chain(first, tiles))


def _frame(name: str, unit: str, shape: tuple[int, int], step: int, wcs: Any) -> dict[str, Any]:
    """What the page is told of the pixels of any image."""
    sky = fit_sky(wcs, shape)
    return {
        "name": name,
        "unit": unit,
        "nx": shape[1],
        "ny": shape[0],
        "step": step,
        "bounds": [[b.x0, b.y0, b.x1, b.y1] for b in tile_bounds(shape)],
        "sky": None if sky is None else sky.numbers,
    }


def _sky_fact(frame: dict[str, Any]) -> list[Row]:
    """How good the positions on the sky are that the page shows."""
    if frame["sky"] is None:
        return [Row("positions on the sky", "not known")]
    error = frame["sky"]["error"]
    text = f"to {error:.1g} pixel, by a polynomial" if error > 1e-4 else "exact"
    return [Row("positions on the sky", text)]


def _overview_scales(stretch: Stretch) -> dict[str, Any]:
    """What the levels of an overview mean."""
    image = scale_numbers(stretch)
    return {"exposure": image, "blot": image, "residual": scale_numbers(RESIDUAL)}


def _thumbnail(chip: ChipReport, stretch: Stretch) -> str:
    """A small exposure, in the colour of flags as much as blocks are flagged."""
    step = -(-max(chip.exposure.shape) // _THUMBNAIL)
    grey = stretch.levels(block_mean(chip.exposure, step), 256).astype(np.float32)[..., np.newaxis]
    if chip.mask is None:
        return jpeg_uri(grey[..., 0].astype(np.uint8))
    share = np.sqrt(block_mean(chip.mask.astype(np.float32), step))[..., np.newaxis]
    colours = (1 - share) * 0.7 * grey + share * np.array(ORANGE, np.float32)
    return jpeg_uri(np.rint(colours).astype(np.uint8))


def _unflagged(chip: ChipReport) -> list[tuple[int, int]]:
    """Where the largest residuals are that are not flagged, the largest first."""
    size = np.abs(np.asarray(chip.residual_sigma, np.float32))
    if chip.mask is not None:
        size[np.asarray(chip.mask, bool)] = np.nan
    return worst(size, _UNFLAGGED, 9)


def _counts(chip: ChipReport, objects: Objects | None) -> dict[str, float]:
    """Numbers of the table of chips that the arrays tell."""
    counts: dict[str, float] = {}
    if objects is not None and chip.mask is not None:
        counts["objects"] = objects.count
        if "rejected" not in chip.measured:
            counts["rejected"] = float(np.mean(chip.mask))
    if chip.earlier is not None and chip.mask is not None:
        now = np.asarray(chip.mask, bool)
        earlier = np.asarray(chip.earlier, bool)
        counts["both"] = int(np.count_nonzero(now & earlier))
        counts["only earlier"] = int(np.count_nonzero(earlier & ~now))
        counts["only now"] = int(np.count_nonzero(now & ~earlier))
    return counts


def _own_facts(chip: ChipReport, spread: Distribution) -> list[Row]:
    ny, nx = chip.exposure.shape
    found = [Row("size", f"{nx} × {ny} pixels"), Row("compared", percent(spread.pixels, nx * ny))]
    if chip.mask is not None:
        bad = int(np.count_nonzero(chip.mask))
        found.append(Row(FLAGGED_FACT, flagged_text(bad, nx * ny)))
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
