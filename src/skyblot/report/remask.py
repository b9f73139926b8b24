"""The picture of a chip whose mask has changed since: pixels were spared, or others added."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from .chip import ChipPicture
from .detail import (
    ALL,
    BOTH,
    NOT_COMPARED,
    ONLY_EARLIER,
    RESIDUAL_LEVELS,
    levels_in,
    mask_labels,
    tile_bounds,
    with_labels,
)
from .facts import FLAGGED, REJECTED, Row, flagged_text, percent, rejected_text
from .objects import mask_state, objects_of
from .scratch import Piece, content_of
from .stretch import Stretch


def with_mask(picture: ChipPicture, mask: np.ndarray, rejected: int, judged: int) -> ChipPicture:
    """Return a picture with another mask; stamps and thumbnail stay as they are.

    Parameters
    ----------
    picture : ChipPicture
        Of a chip with a mask.
    mask : ndarray of bool, shape (ny, nx)
    rejected, judged : int
        Pixels that were rejected of those judged.
    """
    data = picture.values["data"]
    if mask_state(mask) == data["mask_state"]:
        return picture
    labels = np.zeros(mask.shape, np.uint8)
    residual = np.zeros(mask.shape, np.float32)
    values = _values(data["tile"]["residual"])
    tiles = [content_of(tile) for tile in picture.tiles]
    for tile, bounds in zip(tiles[1:], tile_bounds(mask.shape), strict=True):
        levels = levels_in(tile)
        residual[bounds.slices] = values[levels[0]]
        labels[bounds.slices] = levels[1]
    kind = labels >> 6
    marked = (labels & ALL == ALL) & (kind != NOT_COMPARED)
    earlier = marked & ((kind == BOTH) | (kind == ONLY_EARLIER))
    rest = np.where(marked, np.uint8(0), labels)
    labels = mask_labels(mask, earlier, rest, 1)
    for number, bounds in enumerate(tile_bounds(mask.shape), 1):
        tiles[number] = with_labels(tiles[number], labels[bounds.slices])
    if tiles[0]:
        step = data["step"]
        small = levels_in(tiles[0])[1]
        blank = np.where(small >> 6 == NOT_COMPARED, small, np.uint8(0))
        tiles[0] = with_labels(tiles[0], mask_labels(mask, earlier, blank, step))
    objects = objects_of(mask, residual)
    counts = _counts(mask, earlier) if data["compared"] else {}
    told = {"count": objects.count, "text": objects.text}
    data = {**data, "mask_state": mask_state(mask), "objects": told}
    return replace(
        picture,
        values={
            **picture.values,
            "data": data,
            "facts": _facts(picture.values["facts"], mask, rejected, judged),
            "summary": f"{percent(int(np.count_nonzero(mask)), mask.size)} flagged",
        },
        row={
            **picture.row,
            **counts,
            "objects": objects.count,
            "rejected": rejected / judged if judged else 0.0,
        },
        tiles=tuple(
            old.scratch.put(new) if isinstance(old, Piece) else new
            for old, new in zip(picture.tiles, tiles, strict=True)
        ),
    )


def _facts(facts: Sequence[Row], mask: np.ndarray, rejected: int, judged: int) -> list[Row]:
    """Facts with other counts."""
    changed = {
        FLAGGED: flagged_text(int(np.count_nonzero(mask)), mask.size),
        REJECTED: rejected_text(rejected, judged),
    }
    return [Row(row.label, changed.get(row.label, row.text)) for row in facts]


def _values(scale: dict[str, Any]) -> np.ndarray:
    """The residuals that levels stand for, 0 where there is no value."""
    numbers = {key: scale[key] for key in ("low", "middle", "high", "width")}
    stretch = Stretch(**numbers)
    values = [stretch.value(level / (RESIDUAL_LEVELS - 1)) for level in range(RESIDUAL_LEVELS)]
    return np.array([*values, 0.0], np.float32)


def _counts(now: np.ndarray, earlier: np.ndarray) -> dict[str, float]:
    return {
        "both": int(np.count_nonzero(now & earlier)),
        "only earlier": int(np.count_nonzero(earlier & ~now)),
        "only now": int(np.count_nonzero(now & ~earlier)),
    }
