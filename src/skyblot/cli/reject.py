"""``skyblot reject``: find the cosmic rays of exposures."""

from typing import TYPE_CHECKING, Any

import click

from ..parameters import Parameters
from .common import given, parameter_options, set_up_messages, verbosity_options

if TYPE_CHECKING:
    from ..cosmics import RejectResult

_CRITERIA = ("rule", "snr", "scale", "exposures", "grow", "cte_tail", "background")


@click.command("reject", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("source")
@click.argument("exposures_named", metavar="EXPOSURE...", nargs=-1, required=True)
@click.option("--output-dir", type=click.Path(), default=".", help="Folder for the masks, <root>_sci<N>_crmask.fits.")
@click.option("--overwrite", is_flag=True, help="Replace existing outputs.")
@click.option("--save-blots", is_flag=True, help="Write the blots too, <root>_sci<N>_blt.fits.")
@click.option("--update-dq", is_flag=True, help="Write a copy of each EXPOSURE with flags set in DQ, <root>_crdq.fits.")
@click.option("--clean", is_flag=True, help="Write a copy with the blot in bad pixels, <root>_crclean.fits.")
@click.option("--rule", type=click.Choice(("skyblot", "plain")), help="skyblot [default], or drizCR's and stcal's.")
@click.option(
    "--snr", type=(float, float), metavar="SEED MEMBER", help="Thresholds in sigma; by default the instrument's."
)
@click.option("--scale", type=(float, float), metavar="X X", help="What the blot's structure is multiplied by.")
@click.option("--exposures", type=int, help="Exposures in SOURCE; by default NCOMBINE, or as many as are named.")
@click.option("--grow", type=float, help="Reject everything within this many pixels of bad ones too. [0]")
@click.option("--cte-tail", type=int, help="Length of tails of charge, in pixels. [0]")
@click.option("--background", type=float, help="What the exposure has more than the blot; by default measured.")
@click.option("--gain", type=float, help="Electrons per unit of the exposures; by default from headers.")
@click.option("--read-noise", type=float, help="Electrons; noise is then made from it, not read from ERR.")
@click.option("--fail-fast", is_flag=True, help="Stop at the first exposure that cannot be compared.")
@click.option("--memory", metavar="SIZE", help="Memory to use, about: 8G, 500M; by default half of what is free.")
@click.option("--threads", type=int, default=None, help="Threads to use; by default the available cores.")
@click.option("--config", type=click.Path(), help="Read parameters of blots from a .cfg file; options override it.")
@parameter_options
@verbosity_options
@click.pass_context
def command(ctx: click.Context, source: str, exposures_named: tuple[str, ...], **options: Any) -> None:
    """Compare each EXPOSURE with the blot of a mosaic, SOURCE, and write masks of its cosmic rays.

    SOURCE and EXPOSURE are as for skyblot blot. A mask has 1 for good pixels and 0 for bad ones.

    \b
    Example: skyblot reject skydemo_med.fits isky01a1q_flc.fits --grow 1 --overwrite
    """
    set_up_messages(verbose=options["verbose"], quiet=options["quiet"], debug=options["debug"])
    from ..cosmics import reject_files
    from ..files import BatchError

    def show(result: "RejectResult") -> None:
        if not options["quiet"]:
            click.echo(result_line(result))

    names = ("output_dir", "overwrite", "save_blots", "update_dq", "clean", "gain", "read_noise", "fail_fast")
    criteria = {name: options[name] for name in _CRITERIA if options[name] is not None}
    how = {name: options[name] for name in (*names, "memory", "threads")}
    try:
        reject_files(source, exposures_named, criteria=criteria, parameters=_parameters(options), on_result=show, **how)
    except BatchError as error:
        if len(error.failures) == 1 and not error.results:
            raise error.failures[0].error from None
        for failure in error.failures:
            click.echo(f"skyblot: error: {failure.reason}", err=True)
        ctx.exit(1)


def result_line(result: "RejectResult") -> str:
    """One line about a mask: file, shape, percent rejected, misalignment, seconds."""
    ny, nx = result.shape
    dx, dy = result.misalignment
    moved = "" if result.misalignment_error != result.misalignment_error else f"  moved ({dx:+.3f}, {dy:+.3f}) pixel"
    share = f"{100 * result.fraction:.2f} % rejected"
    return f"{result.path}  {ny} x {nx}  {share}{moved}  {result.seconds:.2f} s"


def _parameters(options: dict[str, Any]) -> Parameters:
    values: dict[str, Any] = {}
    if options["config"] is not None:
        from ..config import read_config

        values = read_config(options["config"])
    return Parameters.from_values(values).override(given(options))
