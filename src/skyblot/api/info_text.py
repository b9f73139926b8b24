"""What is understood of an image, in words."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..text import duration_text, size_text

if TYPE_CHECKING:
    from .info import ImageInfo, PairInfo
    from .wcs_info import MapInfo, WCSInfo


def facts_of(image: "ImageInfo") -> Iterator[tuple[str, str]]:
    """Yield words and texts, which are empty where there is nothing to say."""
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
    text = f"{pair.source}: {_map_text(pair.map)}"
    if pair.overlap is None or pair.memory_bytes is None or pair.seconds is None:
        return text
    needs = f"about {size_text(pair.memory_bytes)} of memory, {duration_text(pair.seconds)}"
    return f"{text}; overlap {100 * pair.overlap:.1f} %; {needs}"
