"""AstroDrizzle's blot step: what it hands over, and the files it expects back.

``blot = interp(median) * _exptime / (scale ratio)**2 / _conversionFactor + sky``; pixels that the
median does not cover hold the sky, as AstroDrizzle's do.
"""

import logging
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from ..bands import available_cores
from ..errors import DataError, FileError, ParameterError
from ..io.fits import open_image, select_image
from ..io.names import parse_name
from ..io.output import chip_blot, write_hdus
from ..parameters.files import known
from ..parameters.table import Sampling, parameter, yes_or_no
from ..pixelmap.linear import pixel_scale, undistorted
from ..resampling.arrays import prepare

log = logging.getLogger(__name__)

_STEP = "STEP 5"
_NAME = "Blot"


@dataclass(frozen=True)
class _ChipJob:
    """One chip to blot: its image, its header, the median's pixels, and the parameters."""

    image: Any
    chip: Any
    header: fits.Header
    median: np.ndarray
    values: Mapping[str, Any]


def run_step(
    images: Any, output_wcs: Any, config: Mapping[str, Any], wcsmap: Any, steps: Any
) -> None:
    """Run step 5 as AstroDrizzle calls it; see `skyblot.ablot.runBlot`."""
    images = listed(images)
    section = section_of(config, _STEP)
    if steps is not None:
        steps.addStep(_NAME)
    if not yes_or_no("blot", section.get("blot", True)):
        log.info("Blot step not performed.")
        return
    if images:
        blot_images(images, output_wcs.single_wcs, step_parameters(config), wcsmap)
    if steps is not None:
        if not images:
            steps.endStep(_NAME, reason="skipped", delay_msg=True)
        steps.endStep(_NAME)


def step_parameters(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of the step blot, and coeffs, from AstroDrizzle's configuration."""
    section = section_of(config, _STEP)
    names = ("blot_interp", "blot_sinscl", "blot_addsky", "blot_skyval")
    given = {name: section[name] for name in names if name in section}
    if "coeffs" in config:
        given["coeffs"] = config["coeffs"]
    defaults = {name: parameter(name.removeprefix("blot_")).default for name in (*names, "coeffs")}
    return defaults | {name: known(name, value)[1] for name, value in given.items()}


def section_of(config: Mapping[str, Any], step: str) -> Mapping[str, Any]:
    """Return the section of a step of AstroDrizzle's configuration.

    Raises
    ------
    ParameterError
        If there is none.
    """
    for name, section in config.items():
        if step in str(name) and isinstance(section, Mapping):
            return section
    present = ", ".join(map(str, config)) or "none"
    raise ParameterError(f"configObj: no section whose name contains {step!r}, it has {present}")


def blot_images(
    images: Any, median_wcs: Any, values: Mapping[str, Any], wcsmap: Any = None
) -> None:
    """Blot the median onto every chip of every image, several at a time; it is read once."""
    medians: dict[Any, np.ndarray] = {}
    jobs = []
    for image in listed(images):
        key = image.outputNames["outMedian"]
        if key not in medians:
            medians[key] = _median(image)
        chips = image.returnAllChips(extname=image.scienceExt)
        jobs += [_ChipJob(image, chip, _header(chip), medians[key], values) for chip in chips]
    results = _blot_chips(jobs, median_wcs, wcsmap)
    for job, outputs in zip(jobs, results, strict=True):
        job.image.saveVirtualOutputs(outputs)


def _blot_chips(jobs: list["_ChipJob"], median_wcs: Any, wcsmap: Any) -> list[dict[str, Any]]:
    """Blot chips at the same time, unless a user's map prints: it is called in this thread."""
    if wcsmap is not None and not _threads_can_print():
        return [_blot_chip(job, median_wcs, wcsmap, 1) for job in jobs]
    workers = max(1, min(available_cores(), len(jobs)))
    threads = max(1, available_cores() // workers)
    with ThreadPoolExecutor(workers, thread_name_prefix="skyblot") as pool:
        return list(pool.map(lambda job: _blot_chip(job, median_wcs, wcsmap, threads), jobs))


def _threads_can_print() -> bool:
    """Whether another thread can print: not to the log that DrizzlePac has as stdout."""
    with ThreadPoolExecutor(1, thread_name_prefix="skyblot") as pool:
        return pool.submit(sys.stdout.write, "").exception() is None


def listed(images: Any) -> list[Any]:
    """Return one image or several as a list."""
    return list(images) if isinstance(images, Iterable) else [images]


def _median(image: Any) -> np.ndarray:
    """The median's pixels: native float32, or float64 if it has been kept so."""
    given = image.getOutputName("outMedian")
    if image.inmemory:
        return _native(select_image(given, parse_name(image.outputNames["outMedian"])).hdu.data)
    with open_image(given) as median:
        return _native(median.pixels()[:, :])


def _native(pixels: np.ndarray) -> np.ndarray:
    kind = np.float64 if pixels.dtype.itemsize == 8 else np.float32
    return np.ascontiguousarray(pixels, dtype=kind)


def _blot_chip(job: _ChipJob, median_wcs: Any, wcsmap: Any, threads: int) -> dict[str, Any]:
    """Blot one chip and write it; return what `saveVirtualOutputs` wants."""
    chip = job.chip
    values = job.values
    target = chip.wcs if values["coeffs"] else undistorted(chip.wcs)
    sampling = Sampling(values["blot_interp"], values["blot_sinscl"])
    plan = prepare(
        job.median, median_wcs, target, sampling, shape=chip.wcs.array_shape, wcsmap=wcsmap
    )
    sky = chip.computedSky if values["blot_addsky"] else values["blot_skyval"]
    sky = 0.0 if sky is None else float(sky)
    ratio = scale_of(median_wcs, "pscale") / scale_of(chip.wcs, "idcscale")
    factor = float(chip._exptime) / ratio**2 / float(chip._conversionFactor)
    data = plan.run(scale=factor, offset=sky, fill_value=sky, threads=threads).data.astype(
        np.float32, copy=False
    )
    return _deliver(job, data, sky)


def _deliver(job: _ChipJob, data: np.ndarray, sky: float) -> dict[str, Any]:
    from .. import __version__

    chip = job.chip
    image = job.image
    chip.outputNames["driz_version"] = __version__
    name = chip.outputNames["blotImage"]
    outputs = {
        **image.outputValues,
        "exptime_s": float(chip._exptime),
        "sky": sky,
        "name": Path(name).name,
    }
    hdu = chip_blot(data, job.header, outputs)
    if image.inmemory:
        return {name: fits.HDUList([hdu])}
    write_hdus(Path(name), fits.HDUList([hdu]), overwrite=True)
    log.info("blot written: %s", name)
    return {name: None}


def _header(chip: Any) -> fits.Header:
    """The exposure's primary header with its extension's cards; empty if it cannot be read."""
    try:
        with open_image(chip.outputNames["data"]) as reference:
            header = reference.primary.copy(strip=True)
            header.extend(reference.header.copy(strip=True), unique=True)
            return header
    except (FileError, DataError) as error:
        log.debug("no header for the blot: %s", error)
        return fits.Header()


def scale_of(wcs: Any, attribute: str) -> float:
    """Return the pixel scale a WCS has as an attribute (arcsec), else that of its linear terms."""
    value = getattr(wcs, attribute, None)
    if isinstance(value, int | float | np.number) and value > 0:
        return float(value)
    return pixel_scale(wcs)
