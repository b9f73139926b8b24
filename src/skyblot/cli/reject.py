"""``skyblot reject``: find the cosmic rays of exposures."""

from pathlib import Path
from typing import Any

import click

from ..parameters.options import CRITERIA, MASKS, PLANES, RUN
from ..parameters.table import TABLE, USER_WCS_SECTION
from .common import (
    HELP,
    complete_files,
    given,
    parameter_options,
    recipe_of,
    run_options,
    set_up_messages,
    verbosity_options,
)
from .sections import SectionedCommand, run_rows, sections

#: A comparison is made on the exposure's own pixels, and pixels without a blot are left out.
_BLOT_PARAMETERS = [
    row for row in TABLE if row.section != USER_WCS_SECTION and row.name != "fill_value"
]
_ROWS = (*run_rows(MASKS), *run_rows(CRITERIA), *PLANES, *run_rows(RUN))


@click.command(
    "reject",
    cls=SectionedCommand,
    sections=sections(_ROWS, {"Parameters of the blots": _BLOT_PARAMETERS}),
    context_settings=HELP,
)
@click.argument("source", shell_complete=complete_files)
@click.argument(
    "exposures_named", metavar="EXPOSURE...", nargs=-1, required=True, shell_complete=complete_files
)
@click.option(
    "--output-dir",
    type=click.Path(),
    default=".",
    help="Folder for the masks, <root>_sci<N>_crmask.fits.",
)
@run_options
@parameter_options((*_ROWS, *_BLOT_PARAMETERS))
@verbosity_options
@click.pass_context
def command(
    ctx: click.Context, source: str, exposures_named: tuple[str, ...], **options: Any
) -> None:
    """Compare each EXPOSURE with the blot of a mosaic, SOURCE, and write masks of its cosmic rays.

    SOURCE and EXPOSURE are as for skyblot blot. A mask has 1 for good pixels, 0 for bad ones.
    EXPOSURE is not changed.

    \b
    Example: skyblot reject skydemo_med.fits isky01a1q_flc.fits --grow 1 --report cosmics.html
    Example: skyblot reject med.fits @exposures.txt --output-dir masks --resume --log masks.log
    """
    set_up_messages(verbose=options["verbose"], quiet=options["quiet"], debug=options["debug"])
    recipe = recipe_of(options)
    values = given(options, _ROWS)
    from ..api.reject import mask_step
    from .batch import COMMON, Request, run

    if options["report"] is not None:
        from ..report import Pictures

        values["pictures"] = Pictures(Path(options["report"]).parent)
    step, how = mask_step(values, recipe)
    ctx.exit(
        run(Request(source, exposures_named, step, how, **{name: options[name] for name in COMMON}))
    )
