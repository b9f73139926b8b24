"""``skyblot demo``: make a synthetic data set, blot it, and clean it."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import click

from ..errors import SkyblotError
from .common import HELP, set_up_messages, verbosity_options
from .screen import echo, result_line, screen


@click.command("demo", context_settings=HELP)
@click.argument("folder", metavar="[DIR]", default="skyblot-demo", type=click.Path(path_type=Path))
@click.option(
    "--kind",
    type=click.Choice(("hst", "jwst", "roman", "ground")),
    default="hst",
    show_default=True,
    help=(
        "WFC3/UVIS exposures (_flc.fits), NIRCam's (_cal.fits), WFI's (_cal.asdf), or DECam's of "
        "four chips (_ooi_); NIRCam's and WFI's need gwcs, asdf, asdf-astropy and lz4."
    ),
)
@click.option(
    "--full-size",
    is_flag=True,
    help=(
        "Chips as large as the real ones: hst 2051 x 4096 (1.3 GB on disk), jwst 2048 x 2048, "
        "roman 4088 x 4088, ground 2046 x 4094."
    ),
)
@click.option(
    "--seed",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="Seed of the random sky.",
)
@verbosity_options
def command(
    folder: Path, kind: str, full_size: bool, seed: int, verbose: bool, quiet: bool, debug: bool
) -> None:
    """Make a synthetic set of dithered exposures and their median in DIR, blot the median back onto
    them, and clean them.

    \b
    Example: skyblot demo my-demo
    """
    set_up_messages(verbose=verbose, quiet=quiet, debug=debug)
    from ..api.blot import plan_blots
    from ..api.results import run
    from ..demo import make_demo
    from ..runs.work import Failure

    if not quiet:
        echo(f"making exposures of a synthetic sky in {folder}")
    made = make_demo(folder, kind, full_size=full_size, seed=seed)
    with screen(quiet=quiet) as shown:
        plan = plan_blots(made.median, made.exposures, folder, overwrite=True, fail_fast=True)
        with closing(shown.follow(plan, run(plan))) as outcomes:
            for outcome in outcomes:
                assert not isinstance(outcome, Failure)  # with fail_fast they are raised
                shown.result(result_line(outcome))
    cleaned = folder / "cleaned"
    report = _report(folder)
    _clean(made.exposures, cleaned, report, quiet=quiet)
    if not quiet:
        pattern = folder / made.pattern
        echo(
            f"The same by hand: skyblot blot {made.median} {pattern} --output-dir {folder} "
            "--overwrite"
        )
        echo(f"               and skyblot clean {pattern} --output-dir {cleaned} --overwrite")
        echo(f"written: exposures and blots in {folder}, masks and the mosaic in {cleaned}")
        if report is None:
            echo("to look at: nothing, a page of pictures needs pip install matplotlib jinja2")
        else:
            echo(f"to look at: {report}")


def _report(folder: Path) -> str | None:
    """The page of pictures to write, where there are the packages for it."""
    from ..report.packages import require_packages

    try:
        require_packages()
    except SkyblotError:
        return None
    return str(folder / "cleaned.html")


def _clean(exposures: Sequence[Path], folder: Path, report: str | None, *, quiet: bool) -> None:
    """Clean exposures, and put pictures of their masks on a page."""
    from ..api.clean import CleanResult, clean_events, plan_clean
    from ..mosaics.parts import Stage
    from ..steps.mask_record import RejectResult
    from .cleaning import add_mask, add_mosaic, open_page
    from .reports import pictures_for

    plan = plan_clean(exposures, folder, overwrite=True, pictures=pictures_for(report))
    with (
        screen(quiet=quiet) as shown,
        open_page(plan, report) as page,
        closing(clean_events(plan)) as events,
    ):
        for event in events:
            if isinstance(event, Stage):
                shown.stage(event.name, event.done, event.total)
            elif page is not None and isinstance(event, RejectResult):
                add_mask(page, event, page.count)
            elif page is not None and isinstance(event, CleanResult):
                add_mosaic(page, event.mosaic, page.count)
