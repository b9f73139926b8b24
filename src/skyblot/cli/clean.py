"""``skyblot clean``: exposures in; masks, cleaned exposures and a mosaic out."""

from typing import Any

import click

from ..parameters.mosaic import DRIZZLE, GRID, MATCH, WRITING
from ..parameters.options import CRITERIA, MASKS, PLANES, RUN
from .common import (
    COMPARED_BLOTS,
    HELP,
    Telling,
    compare_option,
    exposures_argument,
    given,
    parameter_options,
    recipe_of,
    run_options,
    set_up_messages,
    verbosity_options,
)
from .sections import SectionedCommand, run_rows, sections

#: What a rule multiplies the blot's structure by is the instrument's: `--scale` is the grid's.
_CRITERIA = [row for row in run_rows(CRITERIA) if row.name not in ("scale", "exposures")]
_ROWS = (
    *WRITING,
    *run_rows(MASKS),
    *GRID,
    *MATCH,
    *DRIZZLE,
    *_CRITERIA,
    *PLANES,
    *run_rows(RUN),
)


@click.command(
    "clean",
    cls=SectionedCommand,
    sections=sections(_ROWS, {"Parameters of the blots": COMPARED_BLOTS}),
    context_settings=HELP,
)
@exposures_argument
@click.option(
    "--output-dir",
    type=click.Path(),
    default=".",
    help="Folder for all that is written; it is made where there is none.",
)
@run_options
@compare_option
@parameter_options((*_ROWS, *COMPARED_BLOTS))
@verbosity_options
@click.pass_context
def command(ctx: click.Context, exposures_named: tuple[str, ...], **options: Any) -> None:
    """Find the cosmic rays of dithered exposures by each other, and make a clean mosaic.

    EXPOSURE is a file, a pattern, @list.txt, an association, a folder or a URL; none is changed.
    Written are NAME_drz.fits (or _drc, _i2d, _coadd), a mask for each chip,
    <root>_sci<N>_crmask.fits, and a table of the chips, NAME_chips.csv.

    \b
    Example: skyblot clean *_flc.fits --output-dir cleaned
    Example: skyblot clean *_cal.fits --output-dir cleaned --rotation 0 --report cleaned.html
    """
    set_up_messages(verbose=options["verbose"], quiet=options["quiet"], debug=options["debug"])
    recipe = recipe_of(options)
    telling = Telling.of(options)
    values = given(options, _ROWS)
    from ..api.clean import clean_events, plan_clean
    from .cleaning import run
    from .reports import check_report, files_beside, pictures_for
    from .signals import interruptible

    check_report(telling.report, recipe, overwrite=bool(values.get("overwrite")))
    values["pictures"] = pictures_for(telling.report, options["compare"])
    with interruptible() as interruption:
        plan = plan_clean(
            exposures_named,
            options["output_dir"],
            recipe=recipe,
            beside=files_beside(telling),
            **values,
        )
        ctx.exit(run(plan, clean_events(plan), telling, interruption))
