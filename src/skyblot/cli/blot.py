"""``skyblot blot``: blot a mosaic onto exposures."""

from typing import Any

import click

from ..parameters import TABLE, Parameters
from .common import given, parameter_options, set_up_messages, verbosity_options

#: The help's sections, and what they list; what is in none of them is about messages.
_SECTIONS = {
    "Output": ("output", "output_dir", "overwrite", "compress"),
    "Many exposures": ("dry_run", "resume", "fail_fast", "log", "memory", "threads", "dask"),
    "Parameters": ("config", *(row.name for row in TABLE)),
    "Messages": (),
}


class _Sectioned(click.Command):
    """A command whose help lists its options in sections."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        sections: dict[str, list[tuple[str, str]]] = {name: [] for name in _SECTIONS}
        for option in self.get_params(ctx):
            record = option.get_help_record(ctx)
            if record is not None and isinstance(option, click.Option):
                sections[_section(option.name)].append(record)
        for name, records in sections.items():
            with formatter.section(name):
                formatter.write_dl(records)


def _section(option: str | None) -> str:
    return next((name for name, options in _SECTIONS.items() if option in options), "Messages")


@click.command("blot", cls=_Sectioned, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("source")
@click.argument("references", metavar="REFERENCE...", nargs=-1, required=True)
@click.option("-o", "--output", type=click.Path(), help="File to write, where there is a single blot.")
@click.option(
    "--output-dir", type=click.Path(), default=".", help="Folder for the blots, <root>_sci<N>_blt.fits (.asdf)."
)
@click.option("--overwrite", is_flag=True, help="Replace existing outputs.")
@click.option("--compress", is_flag=True, help="Compress the pixels without loss: .fits.fz, or zlib in .asdf.")
@click.option("--dry-run", is_flag=True, help="Show what would be done, and what it takes; write nothing.")
@click.option("--resume", is_flag=True, help="Keep blots made from the same inputs and parameters; make the others.")
@click.option("--fail-fast", is_flag=True, help="Stop at the first exposure that cannot be blotted.")
@click.option("--log", type=click.Path(), metavar="FILE", help="Append what happens to FILE, in JSON lines.")
@click.option("--memory", metavar="SIZE", help="Memory to use, about: 8G, 500M; by default half of what is free.")
@click.option("--threads", type=int, default=None, help="Threads to use; by default the available cores.")
@click.option("--dask", metavar="ADDRESS", help="Blot on the Dask cluster at ADDRESS; 'local' starts one here.")
@click.option("--config", type=click.Path(), help="Read parameters from a .cfg file; options override it.")
@parameter_options
@verbosity_options
@click.pass_context
def command(ctx: click.Context, source: str, references: tuple[str, ...], **options: Any) -> None:
    """Blot a mosaic, SOURCE, onto the pixels of every SCI extension of each REFERENCE.

    SOURCE and REFERENCE are FITS files, HST's and JWST's for example, or Roman's ASDF files; file.fits[sci,1] is one
    extension. A blot is a file of the same kind as its REFERENCE. A REFERENCE may also be a pattern, @list.txt, an
    association table, or a folder.

    \b
    Example: skyblot blot skydemo_med.fits isky01a1q_flc.fits --interp lanczos3
    Example: skyblot blot med.fits @exposures.txt --output-dir blots --resume --log blots.log
    """
    set_up_messages(verbose=options["verbose"], quiet=options["quiet"], debug=options["debug"])
    parameters = _parameters(options)
    from ..batch import Options
    from ..exposure import Settings
    from .batch import Request, run

    settings = Settings(parameters, options["overwrite"], options["threads"], compress=options["compress"])
    how = Options(options["memory"], options["fail_fast"], options["resume"], options["dry_run"])
    names = ("output", "output_dir", "log", "dask", "quiet", "verbose", "debug")
    ctx.exit(run(Request(source, references, settings, how, **{name: options[name] for name in names})))


def _parameters(options: dict[str, Any]) -> Parameters:
    values: dict[str, Any] = {}
    if options["config"] is not None:
        from ..config import read_config

        values = read_config(options["config"])
    return Parameters.from_values(values).override(given(options))
