"""Reports of files: exposures beside the blots that were made of them."""

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DataError, SkyblotError
from ..headers.pixel_facts import ERRORS
from ..headers.units import unit_kind
from ..io.image import Image
from ..io.images import float_pixels, open_image
from ..io.names import ImageName, parse_name
from ..io.planes import find_plane, read_errors
from ..io.remote import AnyPath
from .chip import ChipReport, MosaicReport
from .facts import BACKGROUND, chip_name, flux_ratio_text, misalignment_text
from .stretch import block_mean, centre_and_spread

if TYPE_CHECKING:
    from ..rejection.residuals import Systematics

#: Facts of an exposure that a reader wants to see, by keyword.
_FACTS = {
    "EXPTIME": "exposure time [s]",
    "FILTER": "filter",
    "INSTRUME": "instrument",
    "DETECTOR": "detector",
}

#: Mosaics with more are shown in blocks, so that a page takes no more memory than for a chip.
_MOST_PIXELS = 64_000_000
_ROWS = 512


def report_of_files(
    pairs: Iterable[tuple[str | Path | ImageName, str | Path]],
) -> Iterator[ChipReport]:
    """Read exposures and their blots, and yield what a report shows of them, one chip at a time.

    Parameters
    ----------
    pairs : iterable of (exposure, blot)
        Names of files; ``flc.fits[sci,2]`` is that extension of an exposure. Without one its first
        image.

    Yields
    ------
    ChipReport
        Residuals are free of the background between the two, and in units of the exposure's own
        errors; where it has none, of one number, the robust scatter of the residuals.

    Raises
    ------
    FileError
        If a file is missing or cannot be read.
    DataError
        If the shapes of an exposure and its blot differ.
    """
    for exposure, blot in pairs:
        yield _chip(parse_name(exposure), Path(blot))


def report_of_mosaic(path: Path) -> MosaicReport:
    """Read a mosaic and its weights, and return what a report shows of it.

    Raises
    ------
    FileError
        If the file is missing or cannot be read.
    """
    with open_image(path) as image:
        weights = image.weights()
        step = math.ceil(math.sqrt(math.prod(image.shape) / _MOST_PIXELS))
        facts: dict[str, object] = {}
        name = Path(image.name).name
        if step > 1:
            facts["shown in blocks, as it is large"] = f"{step} × {step} pixels"
            name += f" in blocks of {step} × {step} pixels"
        return MosaicReport(
            name,
            _in_blocks(image, step),
            None if weights is None else _in_blocks(weights, step),
            {**facts, **_known(image)},
            {"mosaic": path},
            image.facts.bunit,
            _wcs(image) if step == 1 else None,
        )


def _in_blocks(image: Image, step: int) -> np.ndarray:
    """The means of step x step pixels, float32; a part of the image in memory at a time."""
    pixels = image.pixels()
    rows = step * max(1, _ROWS // step)
    bands = [
        block_mean(np.asarray(pixels[y : y + rows, :], np.float32), step)
        for y in range(0, image.shape[0], rows)
    ]
    return np.concatenate(bands)


def _chip(where: ImageName, path: Path) -> ChipReport:
    from ..rejection.residuals import measure

    with open_image(where) as image, open_image(path) as opened:
        data = float_pixels(image)
        blot = float_pixels(opened)
        if data.shape != blot.shape:
            raise DataError(
                f"its image has shape {blot.shape}, expected that of {image.name}, {data.shape}",
                subject=opened.name,
            )
        valid = np.isfinite(data) & np.isfinite(blot) & _covered(blot, opened)
        sigma, origin = _sigma(image, data, blot, valid)
        valid &= np.isfinite(sigma) & (sigma > 0)
        systematics = measure(data, blot, sigma, valid, None)
        unit = image.facts.bunit
        wcs = _wcs(image)
        notes = [*_unit_notes(image, opened), *_misalignment_notes(systematics)]
        facts: dict[str, object] = {
            BACKGROUND: systematics.background,
            "misalignment (x, y)": misalignment_text(
                systematics.misalignment, systematics.misalignment_error
            ),
            "flux ratio": flux_ratio_text(
                systematics.flux_ratio.value, systematics.flux_ratio.error
            ),
            "σ": origin,
            **_known(image),
            **_record(opened),
        }
    with np.errstate(invalid="ignore", divide="ignore"):
        residual = (data - blot - np.float32(systematics.background)) / sigma
    residual[~valid] = np.nan
    links = {"exposure": where.path, "blot": path, **_source_link(opened)}
    return ChipReport(
        chip_name(where),
        data,
        blot + np.float32(systematics.background),
        residual,
        None,
        facts,
        links,
        unit,
        notes,
        _measured(systematics),
        wcs,
    )


def _wcs(image: Image) -> Any:
    """The WCS of an image; None where it has none, which is no reason to show no pixels."""
    try:
        return image.wcs()
    except SkyblotError:
        return None


def _measured(systematics: "Systematics") -> dict[str, float]:
    """Numbers of the table of chips."""
    dx, dy = systematics.misalignment
    return {
        "dx": dx,
        "dy": dy,
        "registration error": systematics.misalignment_error,
        "flux ratio": systematics.flux_ratio.value,
        "flux ratio error": systematics.flux_ratio.error,
        "background": systematics.background,
    }


def _covered(blot: np.ndarray, image: Image) -> np.ndarray:
    """Pixels that the source covers: the others hold the value that the blot records."""
    try:
        return blot != np.float32(image.record["BLOTFILL"])
    except (KeyError, ValueError):  # made by another program, or NaN
        return np.ones(blot.shape, bool)


def _sigma(
    image: Image, data: np.ndarray, blot: np.ndarray, valid: np.ndarray
) -> tuple[np.ndarray, str]:
    """The errors of the exposure and where they come from."""
    plane = find_plane(image, ERRORS)
    errors = None if plane is None else read_errors(image, plane)
    if errors is not None and np.any(errors[valid] > 0):
        return np.asarray(errors, np.float32), f"the exposure's errors ({plane})"
    spread = centre_and_spread((data - blot)[valid])[1] if valid.any() else 0.0
    text = f"{spread:.4g}, the robust scatter of exposure − blot: there are no errors (ERR)"
    return np.full(data.shape, spread, np.float32), text


def _known(image: Image) -> dict[str, object]:
    values = {label: image.facts.find(keyword) for keyword, label in _FACTS.items()}
    return {label: value for label, value in values.items() if value is not None}


def _record(blot: Image) -> dict[str, object]:
    """What a blot says of how it was made."""
    labels = {
        "BLOTSRC": "source",
        "BLOTINT": "interpolant",
        "BLOTCOVR": "covered by the source",
        "BLOTSKY": "sky added",
    }
    facts = {
        label: blot.record[keyword] for keyword, label in labels.items() if keyword in blot.record
    }
    if "covered by the source" in facts:
        facts["covered by the source"] = f"{100 * facts['covered by the source']:.2f} %"
    return facts


def _source_link(blot: Image) -> dict[str, AnyPath]:
    source = parse_name(str(blot.record.get("BLOTSRC", ""))).path
    # nothing named there is fetched
    return {"source": source} if isinstance(source, Path) and source.is_file() else {}


def _unit_notes(image: Image, blot: Image) -> list[str]:
    kinds = unit_kind(image.facts.bunit), unit_kind(blot.facts.bunit)
    if None in kinds or kinds[0] == kinds[1]:
        return []
    return [
        f"The exposure is in {image.facts.bunit} and the blot in {blot.facts.bunit}: their "
        "difference means nothing."
    ]


def _misalignment_notes(systematics: "Systematics") -> list[str]:
    from ..rejection.residuals import misaligned

    if not misaligned(systematics.misalignment, systematics.misalignment_error):
        return []
    size = math.hypot(*systematics.misalignment)
    return [
        f"Sources lie {size:.2f} pixel from where the blot has them: their residuals are those of "
        "misalignment."
    ]
