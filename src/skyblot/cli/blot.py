"""``skyblot blot``: blot a mosaic onto exposures."""

from typing import Any

import click

from ..parameters.options import BLOTS, RUN
from ..parameters.table import TABLE
from .common import (
    HELP,
    Telling,
    complete_files,
    given,
    parameter_options,
    recipe_of,
    run_options,
    set_up_messages,
    verbosity_options,
)
from .sections import SectionedCommand, run_rows, sections

_ROWS = (*BLOTS, *run_rows(RUN))


@click.command(
    "blot",
    cls=SectionedCommand,
    sections=sections(_ROWS, {"Parameters": TABLE}),
    context_settings=HELP,
)
@click.argument("source", shell_complete=complete_files)
@click.argument(
    "references", metavar="REFERENCE...", nargs=-1, required=True, shell_complete=complete_files
)
@click.option(
    "-o", "--output", type=click.Path(), help="File to write, where there is a single blot."
)
@click.option(
    "--output-dir",
    type=click.Path(),
    default=".",
    help="Folder for the blots, <root>_sci<N>_blt.fits (.asdf).",
)
@run_options
@parameter_options((*_ROWS, *TABLE))
@verbosity_options
@click.pass_context
def command(ctx: click.Context, source: str, references: tuple[str, ...], **options: Any) -> None:
    """Blot a mosaic, SOURCE, onto the pixels of every chip of each REFERENCE: its SCI extensions,
    or other images.

    SOURCE and REFERENCE are FITS files, HST's and JWST's for example, or Roman's ASDF files;
    file.fits[sci,1] is one extension. A blot is a file of the same kind as its REFERENCE. A
    REFERENCE may also be a pattern, @list.txt, an association table, or a folder.

    \b
    Example: skyblot blot skydemo_med.fits isky01a1q_flc.fits --interp lanczos3
    Example: skyblot blot med.fits @exposures.txt --output-dir blots --resume --log blots.log
    """
    set_up_messages(verbose=options["verbose"], quiet=options["quiet"], debug=options["debug"])
    recipe = recipe_of(options)
    telling = Telling.of(options)
    values = given(options, _ROWS)
    from ..api.blot import blot_batch
    from .batch import run
    from .reports import check_report, files_beside
    from .signals import interruptible

    check_report(telling.report, recipe, overwrite=bool(values.get("overwrite")))
    with interruptible() as interruption:
        batch = blot_batch(
            source,
            references,
            options["output_dir"],
            output=options["output"],
            recipe=recipe,
            beside=files_beside(telling),
            **values,
        )
        ctx.exit(run(batch, telling, interruption, alone=len(references) == 1))
