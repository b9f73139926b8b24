"""``skyblot show``: one picture of a file."""

from pathlib import Path

import click

from .common import HELP, complete_files, set_up_messages, verbosity_options
from .screen import echo


@click.command("show", context_settings=HELP)
@click.argument("file", shell_complete=complete_files)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="Picture to write, .png, .pdf or .svg; by default FILE's name with .png.",
)
@click.option("--overwrite", is_flag=True, help="Replace an existing picture.")
@click.option(
    "--size",
    type=int,
    default=1024,
    show_default=True,
    help="Largest width and height of an image in pixels.",
)
@verbosity_options
def command(
    file: str,
    output: Path | None,
    overwrite: bool,
    size: int,
    verbose: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Write one picture of FILE.

    A blot is shown with its exposure and the difference of the two, a mask on its exposure, an
    exposure with the blot beside it; any other image alone. Needs two packages:
    pip install matplotlib jinja2.

    \b
    Example: skyblot show isky01a1q_sci1_blt.fits -o blot.png
    """
    set_up_messages(verbose=verbose, quiet=quiet, debug=debug)
    from ..report.show import show

    made = show(file, output, overwrite=overwrite, size=size)
    if not quiet:
        echo(f"{made.path}  {', '.join(made.panels).lower()}")
