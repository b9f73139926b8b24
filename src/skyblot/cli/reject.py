"""``skyblot reject``: find the cosmic rays of exposures."""

from typing import Any

import click

from ..parameters.options import CRITERIA, MASKS, PLANES, RUN
from .common import (
    COMPARED_BLOTS,
    HELP,
    Telling,
    compare_option,
    complete_files,
    exposures_argument,
    given,
    parameter_options,
    recipe_of,
    run_options,
    set_up_messages,
    verbosity_options,
)
from .sections import SectionedCommand, run_rows, sections

_ROWS = (*run_rows(MASKS), *run_rows(CRITERIA), *PLANES, *run_rows(RUN))


@click.command(
    "reject",
    cls=SectionedCommand,
    sections=sections(_ROWS, {"Parameters of the blots": COMPARED_BLOTS}),
    context_settings=HELP,
)
@click.argument("source", shell_complete=complete_files)
@exposures_argument
@click.option(
    "--output-dir",
    type=click.Path(),
    default=".",
    help="Folder for the masks, <root>_sci<N>_crmask.fits; made where there is none.",
)
@run_options
@compare_option
@parameter_options((*_ROWS, *COMPARED_BLOTS))
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
    telling = Telling.of(options)
    values = given(options, _ROWS)
    from ..api.reject import mask_batch
    from .batch import run
    from .reports import check_report, files_beside, pictures_for
    from .signals import interruptible

    check_report(telling.report, recipe, overwrite=bool(values.get("overwrite")))
    values["pictures"] = pictures_for(telling.report, options["compare"])
    with interruptible() as interruption:
        batch = mask_batch(
            source,
            exposures_named,
            options["output_dir"],
            recipe=recipe,
            beside=files_beside(telling),
            **values,
        )
        ctx.exit(run(batch, telling, interruption, alone=len(exposures_named) == 1))
