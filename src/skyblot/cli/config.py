"""``skyblot config``: write or check a file of parameters."""

from pathlib import Path

import click

from .common import HELP, set_up_messages, verbosity_options
from .screen import echo


@click.command("config", context_settings=HELP)
@click.argument("file", metavar="[FILE]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--check",
    is_flag=True,
    help="Validate FILE and show the values it sets, instead of writing it.",
)
@click.option("--overwrite", is_flag=True, help="Replace an existing FILE.")
@verbosity_options
def command(
    file: Path | None, check: bool, overwrite: bool, verbose: bool, quiet: bool, debug: bool
) -> None:
    """Write a commented .cfg file with every parameter at its default to FILE, or to the screen.

    \b
    Example: skyblot config my.cfg && skyblot blot med.fits x_flc.fits --config my.cfg
    """
    set_up_messages(verbose=verbose, quiet=quiet, debug=debug)
    from ..io.atomic import atomic_write, check_output
    from ..parameters.files import read_config, write_config
    from ..parameters.table import Parameters

    if check:
        if file is None:
            raise click.UsageError("--check needs the FILE to validate")
        values = read_config(file)
        if not quiet:
            echo(f"{file}: valid")
            for name, value in values.items():
                echo(f"  {name} = {'' if value is None else value}")
        return
    text = write_config(Parameters())
    if file is None:
        click.echo(text, nl=False)
        return
    check_output(file, overwrite=overwrite)
    with atomic_write(file, overwrite=overwrite) as stream:
        stream.write(text.encode())
