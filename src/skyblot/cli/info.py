"""``skyblot info``: what skyblot understands of files."""

import json
import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from ..text import printable
from .common import HELP, complete_files, set_up_messages, traceback_of, verbosity_options
from .screen import echo

if TYPE_CHECKING:
    from ..api.info import ImageInfo, PairInfo
    from ..api.wcs_info import MapInfo, WCSInfo


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
                echo(text_of(image))
    if as_json:
        echo(json.dumps([_plain(asdict(image)) for image in images], indent=2))
    ctx.exit(1 if failed else 0)


def text_of(image: "ImageInfo") -> str:
    """Return a heading and a line for each fact."""
    lines = (f"  {word:<11} {text}" for word, text in _lines(image) if text)
    return "\n".join(map(printable, (image.name, *lines)))


def _lines(image: "ImageInfo") -> Iterator[tuple[str, str]]:
    ny, nx = image.shape
    yield "kind", f"{image.kind}{f' of {image.instrument}' if image.instrument else ''}"
    yield "made", _made(image)
    yield "pixels", f"{ny} x {nx}, {image.dtype}"
    yield from (
        _wcs_lines(image.wcs) if image.wcs is not None else [("WCS", f"none: {image.wcs_problem}")]
    )
    yield "unit", f"{image.unit}: {image.unit_kind or 'not known'}" if image.unit else "no BUNIT"
    yield (
        "exposure",
        f"{image.exptime} s ({image.exptime_keyword})"
        if image.exptime_keyword
        else "no exposure time",
    )
    yield "sky", f"{image.sky} ({image.sky_keyword})" if image.sky_keyword else ""
    yield "planes", ", ".join(image.planes)
    yield "weights", image.weights
    yield (
        "noise",
        image.noise
        if image.noise not in image.planes and image.kind in ("exposure", "image")
        else "",
    )
    if image.wcs is not None:
        yield "map onto it", _map_text(image.wcs.map_onto)
        yield "map from it", _map_text(image.wcs.map_from)
    if image.pair is not None:
        yield "with", _pair_text(image.pair)


def _made(image: "ImageInfo") -> str:
    record = image.record
    if image.kind == "mask":
        return f"from {record.get('CRSRC')} and {record.get('CREXP')}, rule {record.get('CRRULE')}"
    if image.kind != "blot":
        return ""
    names = f"from {record.get('BLOTSRC')} onto {record.get('BLOTREF')}"
    how = f"{record.get('BLOTINT')}, {record.get('BLOTIN')} to {record.get('BLOTOUT')}"
    return (
        f"{names}, {how}, times {record.get('BLOTFACT', 1):.6g}, plus sky "
        f"{record.get('BLOTSKY', 0):.6g}"
    )


def _wcs_lines(wcs: "WCSInfo") -> Iterator[tuple[str, str]]:
    lon, lat = wcs.centre_deg
    kind = f"{wcs.kind} {wcs.projection}".rstrip()
    yield (
        "WCS",
        f"{kind}, {wcs.frame}, {wcs.scale_arcsec:.5g} arcsec a pixel, y axis at "
        f"{wcs.orientation_deg:.2f} deg",
    )
    yield "centre", f"{lon:.6f} {lat:+.6f} deg"
    yield (
        "distortion",
        ", ".join(wcs.distortion) or ("none" if wcs.kind == "FITS" else f"what the {wcs.kind} has"),
    )
    if wcs.header_offset is not None:
        yield "header", f"{wcs.header_offset:.2g} pixels from the {wcs.kind}, which is used"
    if wcs.bounding_box is not None:
        (left, right), (low, high) = wcs.bounding_box
        yield "defined", f"x {left:g} to {right:g}, y {low:g} to {high:g}"


def _map_text(way: "MapInfo") -> str:
    if way.problem:
        return f"none: {way.problem}"
    return f"{way.way}, within {way.error_pixels:.0e} pixel" if way.error_pixels else way.way


def _pair_text(pair: "PairInfo") -> str:
    from ..text import duration_text, size_text

    text = f"{pair.source}: {_map_text(pair.map)}"
    if pair.overlap is None or pair.memory_bytes is None or pair.seconds is None:
        return text
    needs = f"about {size_text(pair.memory_bytes)} of memory, {duration_text(pair.seconds)}"
    return f"{text}; overlap {100 * pair.overlap:.1f} %; {needs}"


def _plain(value: Any) -> Any:
    """What JSON knows: numbers that are not finite become null, what it does not know a text."""
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
