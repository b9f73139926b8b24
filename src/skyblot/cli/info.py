"""``skyblot info``: what skyblot understands of files."""

import json
import math
import sys
import textwrap
from dataclasses import asdict
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import click

from ..api.info_text import facts_of
from ..text import printable
from .common import HELP, complete_files, set_up_messages, traceback_of, verbosity_options
from .screen import echo

if TYPE_CHECKING:
    from ..api.info import ImageInfo


#: What stands before the second line of a fact, and columns below which lines are not broken.
_HANG = " " * 14
_NARROW = 40


@click.command("info", context_settings=HELP)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, shell_complete=complete_files)
@click.option(
    "--with",
    "source",
    metavar="MOSAIC",
    shell_complete=complete_files,
    help="Tell what the blots of MOSAIC onto each FILE would be.",
)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON, for programs.")
@verbosity_options
@click.pass_context
def command(
    ctx: click.Context,
    files: tuple[str, ...],
    source: str | None,
    as_json: bool,
    verbose: bool,
    quiet: bool,
    debug: bool,
) -> None:
    """Tell what skyblot understands of each image of FILE: kind, WCS, distortion, units, and how
    its pixels are mapped.

    FILE is as SOURCE and REFERENCE of skyblot blot: an exposure, a mosaic, a blot, a mask. Nothing
    is written.

    \b
    Example: skyblot info isky01a1q_flc.fits --with skydemo_med.fits
    """
    set_up_messages(verbose=verbose, quiet=quiet, debug=debug)
    from ..api.info import infos
    from ..runs.work import Failure

    images: list[ImageInfo] = []
    failed = 0
    for found in infos(files, source):
        if isinstance(found, Failure):
            if len(files) == 1:
                raise found.error
            failed += 1
            echo(f"skyblot: error: {found.error}", err=True)
            if debug:
                echo(traceback_of(found.error), err=True)
            continue
        images += found
        if not as_json:
            for image in found:
                echo(text_of(image, get_terminal_size().columns if sys.stdout.isatty() else None))
    if as_json:
        echo(json.dumps([_plain(asdict(image)) for image in images], indent=2))
    ctx.exit(1 if failed else 0)


def text_of(image: "ImageInfo", width: int | None = None) -> str:
    """Return a heading and a line for each fact, or more where a line would be too wide."""
    lines = [printable(f"  {word:<11} {text}") for word, text in facts_of(image) if text]
    if width is not None:
        lines = [
            textwrap.fill(each, max(width, _NARROW), subsequent_indent=_HANG) for each in lines
        ]
    return "\n".join((printable(image.name), *lines))


def _plain(value: Any) -> Any:
    """What JSON knows: numbers that are not finite become null, what it does not know a text."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
