"""What a run from exposures to a mosaic writes beside masks and mosaic: tables."""

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from ..io.atomic import atomic_write
from ..runs.work import Failure
from ..steps.base import Result, Task
from ..steps.mask_record import RejectResult, read_masks, result_of
from .chips import Chip


@dataclass(frozen=True)
class ChipRow:
    """What was found of one chip, a row of the table: names are those of its columns.

    Attributes
    ----------
    exposure, extension : str
    mask : str
        Name of the mask's file.
    exptime : float
        Seconds.
    sky : float
        Level of its sky, in its own unit.
    dx, dy, dxy_error : float
        By how many pixels its sources lie farther than the others'.
    shift_x, shift_y : float
        Shifts that were applied to its WCS.
    flux_ratio, flux_ratio_error : float
        How bright its sources are in terms of the others'.
    noise : float
        Of exposure minus mosaic, sigma.
    judged, rejected : int
        Pixels.
    fraction : float
        Rejected ones of those judged.
    expected_low, expected_high : float
        Fractions between which its instrument's are in its exposure time.
    spared : int
        Pixels that deviated in too many exposures to be a cosmic ray's.
    warnings : str
    """

    exposure: str
    extension: str
    mask: str
    exptime: float
    sky: float
    dx: float
    dy: float
    dxy_error: float
    shift_x: float
    shift_y: float
    flux_ratio: float
    flux_ratio_error: float
    noise: float
    judged: int
    rejected: int
    fraction: float
    expected_low: float
    expected_high: float
    spared: int
    warnings: str


def chip_rows(
    chips: Sequence[Chip],
    results: Mapping[Any, RejectResult],
    failures: Sequence[Failure],
    spared: Mapping[Any, int],
) -> list[ChipRow]:
    """Return the rows of the table, in the order of the chips; of one that failed, why."""
    reasons = {failure.reference: failure.reason for failure in failures}
    return [
        _row(
            chip,
            results.get(chip.where),
            spared.get(chip.where, 0),
            reasons.get(str(chip.where), ""),
        )
        for chip in chips
    ]


def _row(chip: Chip, result: RejectResult | None, spared: int, reason: str) -> ChipRow:
    found = RejectResult("", chip.name, Path(), chip.shape, 0.0, 0.0) if result is None else result
    exptime = math.nan if chip.exptime_s is None else chip.exptime_s
    expected = chip.instrument.expected(exptime)
    return ChipRow(
        exposure=chip.where.path.name,
        extension=chip.extension,
        mask="" if result is None else found.path.name,
        exptime=exptime,
        sky=chip.sky.level,
        dx=found.misalignment[0],
        dy=found.misalignment[1],
        dxy_error=found.misalignment_error,
        shift_x=chip.shift[0],
        shift_y=chip.shift[1],
        flux_ratio=found.flux_ratio,
        flux_ratio_error=found.flux_ratio_error,
        noise=found.noise,
        judged=found.judged,
        rejected=found.rejected,
        fraction=found.fraction,
        expected_low=expected[0],
        expected_high=expected[1],
        spared=spared,
        warnings=reason or "; ".join(found.notes),
    )


def write_table(path: Path, rows: Sequence[Any], kind: type, *, overwrite: bool) -> None:
    """Write rows of a kind as CSV, or as JSON where the name ends so; empty: not known."""
    records = [{name: _cell(name, value) for name, value in vars(row).items()} for row in rows]
    if path.suffix == ".json":
        text = json.dumps(records, indent=1) + "\n"
    else:
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([item.name for item in fields(kind)])
        writer.writerows(["" if v is None else v for v in record.values()] for record in records)
        text = stream.getvalue()
    with atomic_write(path, overwrite=overwrite) as file:
        file.write(text.encode())


def read_rows(path: Path) -> list[ChipRow]:
    """Return the rows of a table in JSON."""
    rows = []
    for record in json.loads(path.read_text()):
        values: dict[str, Any] = {k: math.nan if v is None else v for k, v in record.items()}
        rows.append(ChipRow(**values))
    return rows


def _cell(name: str, value: Any) -> Any:
    """A value as a table has it: positions on the sky to some microarcseconds."""
    if not isinstance(value, float):
        return value
    digits = 11 if name in ("ra", "dec") else 6
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None


def kept_results(
    tasks: Sequence[Task], shapes: Sequence[tuple[int, int]]
) -> Iterator[RejectResult]:
    """Yield what masks say, all of which are there."""
    for task, shape in zip(tasks, shapes, strict=True):
        headers = read_masks(task.path)
        brackets = str(task.where)[len(str(task.where.path)) :]
        named = {name: header for name, header in headers.items() if name.endswith(brackets)}
        exposure, header = next(iter((named or headers).items()))
        covered = float(header.get("CRCOVR", 0.0))
        plain = Result(
            "the stack", exposure, task.path, shape, covered, 0.0, kept=True, where=task.where
        )
        yield result_of(plain, header, together=len(headers) > 1)
