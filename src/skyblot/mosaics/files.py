"""What a run writes once: the mosaic, the stack, the tables."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..errors import WARNING_FILTERS
from ..io.bad_pixels import KEY_CARD
from ..io.mosaics import write_mosaic
from ..io.new_mosaic import Drizzle, Input, NewMosaic
from ..parameters.mosaic import Drizzling
from ..parameters.options import RunOptions
from ..steps.mask_record import RejectResult
from .chips import Chip, by_exposure
from .drizzle import Drizzled
from .frame import Frame
from .objects import RejectedObject, objects_of
from .plan import CleanPlan
from .products import ChipRow, write_table
from .stack import Stack

#: The variance of a median of n normal numbers, times n: of n = 1, 2, ...; pi / 2 of many.
_MEDIAN_VARIANCE = (1.0, 1.0, 1.346, 1.193, 1.434, 1.288, 1.471)


def write_objects(
    plan: CleanPlan, chips: Sequence[Chip], results: Mapping[Any, RejectResult]
) -> None:
    """Write the list of what was rejected."""
    assert plan.outputs.objects is not None
    rows = list(objects_of(chips, results))
    write_table(plan.outputs.objects, rows, RejectedObject, overwrite=plan.options.replaces)


def write_tables(plan: CleanPlan, rows: Sequence[ChipRow]) -> None:
    """Write the table of chips, as CSV and as JSON."""
    table = plan.outputs.table
    for path in (table, table.with_suffix(".json")):
        write_table(path, rows, ChipRow, overwrite=plan.options.replaces)


@dataclass(frozen=True)
class Written:
    """A mosaic that is to be written.

    Attributes
    ----------
    path : Path
    frame : Frame
    cards : sequence of (keyword, value, comment)
        What its header is to say.
    masks : mapping of ImageName to str
        Names of the masks of chips.
    options : RunOptions
    drizzling : Drizzling or None
        None for a stack.
    """

    path: Path
    frame: Frame
    cards: Sequence[tuple[str, Any, str]]
    masks: Mapping[Any, str]
    options: RunOptions
    drizzling: Drizzling | None = None


def written_of(plan: CleanPlan, path: Path, *, drizzled: bool) -> Written:
    """Return how a mosaic of a whole run is written."""
    masks = {task.where: task.path.name for task in plan.work.tasks}
    drizzling = plan.drizzling if drizzled else None
    return Written(path, plan.frame, _cards(plan), masks, plan.options, drizzling)


def write_drizzled(written: Written, drizzled: Drizzled, chips: Sequence[Chip]) -> None:
    """Write a drizzled mosaic."""
    how = written.drizzling
    assert how is not None
    kind = drizzled.weight_kind
    pixels = drizzled.pixels
    _write(
        written,
        _inputs(written, chips, kind),
        data=pixels.sci,
        weights=pixels.wht,
        drizzle=Drizzle(how.kernel, how.pixfrac, kind, drizzled.correlation),
        context=pixels.ctx,
        errors=pixels.err[0] if pixels.err else None,
    )


def write_stack(written: Written, stack: Stack, chips: Sequence[Chip]) -> None:
    """Write a stack, with its errors; its weights are numbers of exposures."""
    _write(
        written,
        _inputs(written, chips, None),
        data=stack.data,
        weights=stack.counts.astype(np.float32),
        errors=_errors_of(stack, chips),
    )


def _write(written: Written, inputs: Sequence[Input], **planes: Any) -> None:
    """Write a mosaic of these inputs with these planes."""
    new = NewMosaic(
        written.path,
        written.frame.wcs,
        inputs=inputs,
        bunit=written.frame.bunit,
        cards=written.cards,
        overwrite=written.options.replaces,
        compress=written.options.compress,
        **planes,
    )
    with WARNING_FILTERS:
        write_mosaic(new)


def _inputs(written: Written, chips: Sequence[Chip], weight: str | None) -> list[Input]:
    return [
        Input(
            chip.image,
            chip.exposure,
            chip.exptime_s,
            chip.exptime_s if weight == "exptime" else None,
            chip.sky.level,
            chip.factor,
            chip.scale,
            written.masks.get(chip.where, ""),
        )
        for mine in by_exposure(chips)
        for chip in mine
    ]


def _cards(plan: CleanPlan) -> list[tuple[str, Any, str]]:
    """How it was made, for its header."""
    matching = plan.matching
    return [
        ("CRVER", __version__, "version of skyblot"),
        ("CRSKY", matching.sky, "how the sky was matched"),
        ("CRSHIFT", matching.shift, "measured shifts that were applied"),
        ("CRPASSES", matching.passes, "1: judged by the stack, 2: by the others"),
        (KEY_CARD, plan.key, "stands for inputs and parameters"),
    ]


def _errors_of(stack: Stack, chips: Sequence[Chip]) -> np.ndarray:
    """Standard deviations of a stack, by how the noise of its exposures grows."""
    sky, growth = (float(np.mean([chip.line[k] for chip in chips])) for k in (0, 1))
    most = int(stack.counts.max(initial=0))
    parts = [math.nan, *_MEDIAN_VARIANCE, *[math.pi / 2] * most][: most + 1]
    share = np.array([part / max(n, 1) for n, part in enumerate(parts)], np.float32)
    errors = np.fmax(stack.data, np.float32(0))
    errors *= np.float32(growth)
    errors += np.float32(sky)
    errors *= share[stack.counts]
    np.sqrt(errors, out=errors)
    return errors
