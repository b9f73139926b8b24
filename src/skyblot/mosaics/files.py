"""What a run writes once: the mosaic, the stack, the tables."""

from collections.abc import Sequence

from .chips import Chip
from .drizzle import Drizzled
from .plan import CleanPlan
from .products import ChipRow, write_table
from .stack import Stack


def write_tables(plan: CleanPlan, rows: Sequence[ChipRow]) -> None:
    """Write the table of chips, as CSV and as JSON."""
    table = plan.outputs.table
    overwrite = plan.options.overwrite or plan.options.resume
    for path in (table, table.with_suffix(".json")):
        write_table(path, rows, overwrite=overwrite)


def write_drizzled(plan: CleanPlan, drizzled: Drizzled, chips: Sequence[Chip]) -> None:
    """Write the mosaic."""
    raise NotImplementedError


def write_stack(plan: CleanPlan, stack: Stack, chips: Sequence[Chip]) -> None:
    """Write the stack."""
    raise NotImplementedError
