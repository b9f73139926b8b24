"""``skyblot median`` and ``skyblot drizzle``: one file that is made of exposures."""

from typing import TYPE_CHECKING, Any

import click

from ..parameters.mosaic import DRIZZLE, GRID, MATCH
from ..parameters.options import PLANES, RUN
from ..parameters.table import TABLE
from .common import (
    HELP,
    exposures_argument,
    given,
    parameter_options,
    set_up_messages,
    verbosity_options,
    with_options,
)
from .sections import SectionedCommand, sections

if TYPE_CHECKING:
    from ..mosaics.alone import MosaicPlan

_RUN = [row for row in RUN if row.name in ("overwrite", "compress", "force", "threads")]
_SKY = [row for row in MATCH if row.name == "sky"]
_FLAGS = [row for row in PLANES if row.name in ("dq", "weight_suffix")]
_EXPOSURES = [row for row in TABLE if row.name in ("tolerance", "wcs_key", "expkey")]
_STACK = (*GRID, *_SKY, *_FLAGS, *_RUN)
_MOSAIC = (*GRID, *_SKY, *DRIZZLE, *_FLAGS, *_RUN)


#: What both commands have.
_arguments = with_options(
    click.option("--dry-run", is_flag=True, help="Show what would be made; write nothing."),
    click.option("-o", "--output", type=click.Path(), required=True, help="The file to write."),
    exposures_argument,
)


@click.command(
    "median",
    cls=SectionedCommand,
    sections=sections(_STACK, {"Exposures": _EXPOSURES}),
    context_settings=HELP,
)
@_arguments
@parameter_options((*_STACK, *_EXPOSURES))
@verbosity_options
@click.pass_context
def median(
    ctx: click.Context, exposures_named: tuple[str, ...], output: str, **options: Any
) -> None:
    """Stack EXPOSUREs so that cosmic rays are not in it: a source for blot and reject.

    \b
    Example: skyblot median *_flc.fits -o med.fits
    Example: skyblot reject med.fits *_flc.fits
    """
    set_up_messages(verbose=options["verbose"], quiet=options["quiet"], debug=options["debug"])
    values = given(options, (*_STACK, *_EXPOSURES))
    from ..api.mosaic import plan_median

    ctx.exit(_run(plan_median(exposures_named, output, **values), options))


@click.command(
    "drizzle",
    cls=SectionedCommand,
    sections=sections(_MOSAIC, {"Exposures": _EXPOSURES}),
    context_settings=HELP,
)
@_arguments
@click.option(
    "--masks",
    type=click.Path(),
    metavar="FOLDER",
    help="Folder of the exposures' masks, as clean and reject write them.",
)
@parameter_options((*_MOSAIC, *_EXPOSURES))
@verbosity_options
@click.pass_context
def drizzle(
    ctx: click.Context,
    exposures_named: tuple[str, ...],
    output: str,
    masks: str | None,
    **options: Any,
) -> None:
    """Drizzle EXPOSUREs onto a mosaic, without pixels that DQ or masks leave out.

    \b
    Example: skyblot drizzle *_flc.fits -o all_drc.fits --masks cleaned
    """
    set_up_messages(verbose=options["verbose"], quiet=options["quiet"], debug=options["debug"])
    values = given(options, (*_MOSAIC, *_EXPOSURES))
    from ..api.mosaic import plan_drizzle

    ctx.exit(_run(plan_drizzle(exposures_named, output, masks=masks, **values), options))


def _run(plan: "MosaicPlan", options: dict[str, Any]) -> int:
    """Do what a plan says, and return the exit code."""
    from ..api.mosaic import mosaic_events
    from .screen import screen
    from .signals import interruptible

    with interruptible() as interruption, screen(quiet=options["quiet"]) as shown:
        if options["dry_run"]:
            shown.result(plan.summary)
            return 0
        shown.message(plan.summary)
        interruption.gentle = True
        for stage in mosaic_events(plan):
            shown.stage(stage.name, stage.done, stage.total)
            interruption.check()
        shown.result(str(plan.output))
    return 0
