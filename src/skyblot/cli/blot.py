"""``skyblot blot``: blot a mosaic onto exposures."""

from typing import Any

import click

from ..parameters import TABLE
from .common import HELP, complete_files, parameter_options, parameters_of, set_up_messages, verbosity_options
from .sections import SectionedCommand

#: The help's sections, and what they list.
_SECTIONS = {
    "Output": ("output", "output_dir", "overwrite", "compress", "errors", "force", "report"),
    "Many exposures": ("dry_run", "resume", "fail_fast", "log", "memory", "threads", "dask"),
    "Parameters": ("config", *(row.name for row in TABLE)),
}


@click.command("blot", cls=SectionedCommand, sections=_SECTIONS, context_settings=HELP)
@click.argument("source", shell_complete=complete_files)
@click.argument("references", metavar="REFERENCE...", nargs=-1, required=True, shell_complete=complete_files)
@click.option("-o", "--output", type=click.Path(), help="File to write, where there is a single blot.")
@click.option(
    "--output-dir", type=click.Path(), default=".", help="Folder for the blots, <root>_sci<N>_blt.fits (.asdf)."
)
@click.option("--overwrite", is_flag=True, help="Replace existing outputs.")
@click.option("--compress", is_flag=True, help="Compress the pixels without loss: .fits.fz, or zlib in .asdf.")
@click.option("--errors", is_flag=True, help="Carry the errors of SOURCE over too, its ERR, into an ERR extension.")
@click.option("--force", is_flag=True, help="Take SOURCE even if it is an exposure, or a REFERENCE itself.")
@click.option("--report", type=click.Path(), metavar="FILE", help="Write a page with pictures of the blots, .html.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and what it takes; write nothing.")
@click.option("--resume", is_flag=True, help="Keep blots made from the same inputs and parameters; make the others.")
@click.option("--fail-fast", is_flag=True, help="Stop at the first exposure that cannot be blotted.")
@click.option("--log", type=click.Path(), metavar="FILE", help="Append what happens to FILE, in JSON lines.")
@click.option("--memory", metavar="SIZE", help="Memory to use, about: 8G, 500M; by default half of what is free.")
@click.option("--threads", type=int, default=None, help="Threads to use; by default the available cores.")
@click.option("--dask", metavar="ADDRESS", help="Blot on the Dask cluster at ADDRESS; 'local' starts one here.")
@click.option("--config", type=click.Path(), help="Read parameters from a .cfg file; options override it.")
@parameter_options()
@verbosity_options
@click.pass_context
def command(ctx: click.Context, source: str, references: tuple[str, ...], **options: Any) -> None:
    """Blot a mosaic, SOURCE, onto the pixels of every chip of each REFERENCE: its SCI extensions, or other images.

    SOURCE and REFERENCE are FITS files, HST's and JWST's for example, or Roman's ASDF files; file.fits[sci,1] is one
    extension. A blot is a file of the same kind as its REFERENCE. A REFERENCE may also be a pattern, @list.txt, an
    association table, or a folder.

    \b
    Example: skyblot blot skydemo_med.fits isky01a1q_flc.fits --interp lanczos3
    Example: skyblot blot med.fits @exposures.txt --output-dir blots --resume --log blots.log
    """
    set_up_messages(verbose=options["verbose"], quiet=options["quiet"], debug=options["debug"])
    parameters = parameters_of(options)
    from ..batch import Options
    from ..exposure import Settings
    from .batch import Request, run

    flags = {name: options[name] for name in ("compress", "errors", "force")}
    settings = Settings(parameters, options["overwrite"], options["threads"], **flags)
    how = Options(options["memory"], options["fail_fast"], options["resume"], options["dry_run"])
    names = ("output", "output_dir", "log", "dask", "report", "config", "quiet", "verbose", "debug")
    ctx.exit(run(Request(source, references, settings, how, **{name: options[name] for name in names})))
