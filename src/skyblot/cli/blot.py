"""``skyblot blot``: blot a mosaic onto exposures."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import ParameterError
from ..parameters import Parameters
from .common import given, parameter_options, progress, set_up_messages, verbosity_options

if TYPE_CHECKING:
    from ..exposure import Task
    from ..io.names import ImageName


@click.command("blot", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("source")
@click.argument("references", metavar="REFERENCE...", nargs=-1, required=True)
@click.option("-o", "--output", type=click.Path(), help="File to write, where there is a single blot.")
@click.option(
    "--output-dir", type=click.Path(), default=".", help="Folder for the blots, <root>_sci<N>_blt.fits (.asdf)."
)
@click.option("--overwrite", is_flag=True, help="Replace existing outputs.")
@click.option("--config", type=click.Path(), help="Read parameters from a .cfg file; options override it.")
@parameter_options
@click.option("--threads", type=int, default=None, help="Threads to use; by default the available cores.")
@verbosity_options
def command(source: str, references: tuple[str, ...], **options: Any) -> None:
    """Blot a mosaic, SOURCE, onto the pixels of every SCI extension of each REFERENCE.

    SOURCE and REFERENCE are FITS files, HST's and JWST's for example, or Roman's ASDF files; file.fits[sci,1] is one
    extension. A blot is a file of the same kind as its REFERENCE.

    \b
    Example: skyblot blot skydemo_med.fits *_flc.fits --output-dir blots
    """
    set_up_messages(verbose=options["verbose"], quiet=options["quiet"], debug=options["debug"])
    parameters = _parameters(options)
    from .. import exposure, files

    tasks = files.plan_outputs(references, options["output_dir"])
    if options["output"] is not None:
        tasks = [exposure.Task(_single(tasks), Path(options["output"]))]
    settings = exposure.Settings(parameters, options["overwrite"], options["threads"])
    with progress(len(tasks), quiet=options["quiet"]) as advance:
        files.blot_all(source, tasks, settings, on_result=advance)


def _single(tasks: "Sequence[Task]") -> "ImageName":
    if len(tasks) > 1:
        names = ", ".join(str(where) for where, _ in tasks)
        raise ParameterError(
            f"--output names one file, but there are {len(tasks)} images to blot onto ({names}): "
            "use --output-dir, or name one extension, as in file.fits[sci,1]"
        )
    return tasks[0][0]


def _parameters(options: dict[str, Any]) -> Parameters:
    values: dict[str, Any] = {}
    if options["config"] is not None:
        from ..config import read_config

        values = read_config(options["config"])
    return Parameters.from_values(values).override(given(options))
