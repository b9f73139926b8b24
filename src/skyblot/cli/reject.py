"""``skyblot reject``: find the cosmic rays of exposures."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..parameters import TABLE, USER_WCS_SECTION
from ..rules import DEFAULT, RULES, defaults_text, help_text
from .common import (
    HELP,
    complete_files,
    parameter_options,
    parameters_of,
    reason_text,
    set_up_messages,
    traceback_of,
    verbosity_options,
)
from .sections import SectionedCommand

if TYPE_CHECKING:
    from ..batch import Failure, Plan
    from ..cosmics import Comparison, RejectResult
    from ..report import Report
    from .screen import Screen
    from .signals import Interruption

_CRITERIA = ("rule", "snr", "scale", "exposures", "grow", "cte_tail", "background", "flux_ratio")
_NOISE = ("gain", "read_noise", "err", "dq", "weight_suffix")
_OUTPUT = ("output_dir", "overwrite", "save_blots", "update_dq", "clean", "keep_name", "one_file", "force")
#: A comparison is made on the exposure's own pixels, and pixels without a blot are left out.
_BLOT_PARAMETERS = [row for row in TABLE if row.section != USER_WCS_SECTION and row.name != "fill_value"]
_SECTIONS = {
    "Output": (*_OUTPUT, "report"),
    "What is a cosmic ray": (*_CRITERIA, *_NOISE),
    "Many exposures": ("fail_fast", "memory", "threads"),
    "Parameters of the blots": ("config", *(row.name for row in _BLOT_PARAMETERS)),
}


def _number_or_word(_context: click.Context, _option: click.Parameter, text: str | None) -> float | str | None:
    """A number, as one; the criteria know which other values are allowed."""
    try:
        return None if text is None else float(text)
    except ValueError:
        return text


@click.command("reject", cls=SectionedCommand, sections=_SECTIONS, context_settings=HELP)
@click.argument("source", shell_complete=complete_files)
@click.argument("exposures_named", metavar="EXPOSURE...", nargs=-1, required=True, shell_complete=complete_files)
@click.option("--output-dir", type=click.Path(), default=".", help="Folder for the masks, <root>_sci<N>_crmask.fits.")
@click.option("--overwrite", is_flag=True, help="Replace existing outputs.")
@click.option("--save-blots", is_flag=True, help="Write the blots too, <root>_sci<N>_blt.fits.")
@click.option(
    "--update-dq",
    is_flag=True,
    help="Write a copy of EXPOSURE with flags set in DQ, flags alone where it has none, <root>_crdq.fits (JWST: _crf).",
)
@click.option("--clean", is_flag=True, help="Write a copy with the blot in bad pixels, <root>_crclean.fits.")
@click.option("--keep-name", is_flag=True, help="Give the copy EXPOSURE's own name, in another folder (--output-dir).")
@click.option(
    "--one-file/--no-one-file",
    default=None,
    help="Write the masks of all chips to <root>_crmask.fits. [default: of several chips that are not SCI]",
)
@click.option("--force", is_flag=True, help="Take an exposure as SOURCE, a mosaic as EXPOSURE, or one file as both.")
@click.option("--report", type=click.Path(), metavar="FILE", help="Write a page with pictures of what is found, .html.")
@click.option(
    "--rule",
    type=click.Choice(tuple(RULES)),
    help=f"How pixels are judged; {help_text()}. [default {DEFAULT}]",
)
@click.option(
    "--snr",
    type=(float, float),
    metavar="SEED MEMBER",
    help=f"Thresholds in sigma. [{defaults_text('snr')}]",
)
@click.option(
    "--scale",
    type=(float, float),
    metavar="X X",
    help=f"What the blot's structure is multiplied by. [{defaults_text('scale')}]",
)
@click.option("--exposures", type=int, metavar="N", help="Exposures in SOURCE; by default NCOMBINE, or those named.")
@click.option("--grow", type=float, metavar="X", help="Reject all within so many pixels of bad ones too. [default 0]")
@click.option("--cte-tail", type=int, metavar="N", help="Length of tails of charge. [pixels; default 0]")
@click.option(
    "--background",
    metavar="X|map",
    callback=_number_or_word,
    help="What the exposure has more than the blot: a number, or map: a smooth map. By default a number is measured.",
)
@click.option(
    "--flux-ratio",
    metavar="X|fit",
    callback=_number_or_word,
    help="How bright the exposure's sources are in terms of the blot's: a number, or fit: what is measured.",
)
@click.option(
    "--gain", type=float, metavar="X", help="Electrons per unit of the exposures; by default that of their headers."
)
@click.option(
    "--read-noise", type=float, metavar="X", help="Make the noise of it, instead of reading it from ERR. [electrons]"
)
@click.option("--err", metavar="PATTERN", help="Files of errors, * for the exposure's name: '*_err.fits'.")
@click.option("--dq", metavar="PATTERN", help="Files of flags, 0 for good pixels: '*_dq.fits', '*.fits[MASK]'.")
@click.option(
    "--weight-suffix",
    default=".weight.fits",
    metavar="SUFFIX",
    help="Files of weights beside EXPOSURE, for .fits in its name. [default .weight.fits]",
)
@click.option("--fail-fast", is_flag=True, help="Stop at the first exposure that cannot be compared.")
@click.option("--memory", metavar="SIZE", help="Memory to use, about: 8G, 500M; by default half of what is free.")
@click.option("--threads", type=int, default=None, help="Threads to use; by default the available cores.")
@click.option("--config", type=click.Path(), help="Read parameters of blots from a .cfg file; options override it.")
@parameter_options(_BLOT_PARAMETERS)
@verbosity_options
@click.pass_context
def command(ctx: click.Context, source: str, exposures_named: tuple[str, ...], **options: Any) -> None:
    """Compare each EXPOSURE with the blot of a mosaic, SOURCE, and write masks of its cosmic rays.

    SOURCE and EXPOSURE are as for skyblot blot. A mask has 1 for good pixels, 0 for bad ones. EXPOSURE is not changed.

    \b
    Example: skyblot reject skydemo_med.fits isky01a1q_flc.fits --grow 1 --report cosmics.html
    """
    set_up_messages(verbose=options["verbose"], quiet=options["quiet"], debug=options["debug"])
    ctx.exit(_run(source, exposures_named, options))


def _run(source: str, exposures: tuple[str, ...], options: dict[str, Any]) -> int:
    """Compare, and return the exit code."""
    from ..batch import Beside
    from ..cosmics import reject_files
    from ..files import BatchError
    from .reports import check_report, rejection_report
    from .screen import screen
    from .signals import interruptible

    parameters = parameters_of(options)
    criteria = {name: options[name] for name in _CRITERIA if options[name] is not None}
    if options["report"] is not None:
        check_report(options["report"], parameters, overwrite=options["overwrite"])
    asked = {**criteria, **dict(parameters.items())}
    with (
        interruptible() as interruption,
        screen(quiet=options["quiet"]) as shown,
        rejection_report(options["report"], source, asked, overwrite=options["overwrite"]) as report,
    ):
        told = _Told(shown, interruption, report)
        how = {name: options[name] for name in (*_OUTPUT, *_NOISE, "fail_fast", "memory", "threads")}
        how["beside"] = Beside(*([Path(options[name])] if options[name] else [] for name in ("config", "report")))
        how |= {"on_plan": told.plan, "on_result": told.result, "inspect": told.inspect if report else None}
        try:
            reject_files(source, exposures, criteria=criteria, parameters=parameters, **how)
        except BatchError as error:
            if len(error.failures) == 1 and not error.results:
                raise error.failures[0].error from None
            told.failures(error.failures, debug=options["debug"])
            return 1
    return 0


class _Told:
    """Who is told what happens: the screen, and the page of pictures where one is wanted."""

    def __init__(self, shown: "Screen", interruption: "Interruption", report: "Report | None") -> None:
        self._shown, self._interruption, self._report = shown, interruption, report

    def plan(self, plan: "Plan") -> None:
        self._shown.expect_plan(plan, "comparing")
        self._interruption.gentle = plan.count > 1  # then there will be a next result before long

    def result(self, result: "RejectResult") -> None:
        self._shown.result(result_line(result))
        self._shown.advance()
        self._interruption.check()

    def inspect(self, comparison: "Comparison") -> None:
        from ..report import report_of_comparison

        if self._report is not None:
            self._report.add(report_of_comparison(comparison), order=comparison.result.reference)

    def failures(self, failures: "list[Failure]", *, debug: bool) -> None:
        for failure in failures:
            self._shown.error(f"skyblot: error: {reason_text(failure)}")
            if debug:
                self._shown.error(traceback_of(failure.error))
            if self._report is not None:
                self._report.note(f"failed: {reason_text(failure)}")


def result_line(result: "RejectResult") -> str:
    """One line about a mask: file, shape, percent rejected, misalignment, flux ratio, seconds."""
    ny, nx = result.shape
    dx, dy = result.misalignment
    moved = "" if math.isnan(result.misalignment_error) else f"  moved ({dx:+z.3f}, {dy:+z.3f}) pixel"
    flux = "" if math.isnan(result.flux_ratio_error) else f"  flux ratio {result.flux_ratio:.3f}"
    share = f"{100 * result.fraction:.2f} % rejected"
    return f"{result.mask}  {ny} x {nx}  {share}{moved}{flux}  {result.seconds:.2f} s"
