"""The HST-like data set: dithered WFC3/UVIS `_flc` exposures, their median mosaic, the truth."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from astropy.io import fits

from . import detector
from .detector import DemoPlan, chip_wcs, exact_map, exposure_facts, mosaic_wcs
from .output import Output
from .scene import ChipFrame, Scene, detect, median_noise, observe, random_scene, scene_image


def demo_scene(plan: DemoPlan) -> Scene:
    """Return the sky of a data set."""
    return random_scene(plan, mosaic_wcs(plan))


def chip_frame(plan: DemoPlan, index: int, chip: int, scene: Scene | None = None) -> ChipFrame:
    """Return the simulated chip (CCDCHIP 1 or 2) of exposure `index`.

    Pass `scene` to build it only once.
    """
    exposure = exposure_facts(plan, index)
    scene = scene or demo_scene(plan)
    factor = (detector.IDC_SCALE / detector.MOSAIC_SCALE) ** 2 * exposure.exptime_s
    seen = observe(scene, plan.chip_shape, exact_map(chip_wcs(plan, index, chip), scene.wcs))
    clean = (factor * seen + exposure.sky[chip]).astype("f4")
    # DQ 4 is "bad detector pixel": only flagged, the values stay.
    noise = detector.READ_NOISE
    time = exposure.exptime_s
    return detect(plan, (index, chip), clean, exptime_s=time, read_noise=noise, bad=np.int16(4))


def exposure_hdulist(
    plan: DemoPlan, index: int, frames: dict[int, ChipFrame] | None = None
) -> fits.HDUList:
    """Return an exposure laid out like a WFC3/UVIS `_flc` file.

    `frames`, by CCDCHIP, if at hand.
    """
    exposure = exposure_facts(plan, index)
    frames = frames or _frames(plan, index)
    images = []
    tables = []
    for chip in (2, 1):
        own = detector.correction_tables(plan, chip)
        frame = frames[chip]
        header = detector.sci_header(plan, exposure, chip, own)
        planes = [
            fits.ImageHDU(frame.sci, header, name="SCI", ver=3 - chip),
            detector.image_hdu(exposure, chip, "ERR", frame.err, "ELECTRONS"),
            detector.image_hdu(exposure, chip, "DQ", frame.dq, "UNITLESS"),
        ]
        for plane in planes:  # AstroDrizzle asks for both
            plane.header.update({"NGOODPIX": np.count_nonzero(frame.dq == 0), "MEANDARK": 0.0})
        images += planes
        tables += own
    return fits.HDUList(
        [detector.primary_hdu(exposure, "flc", len(images + tables)), *images, *tables]
    )


def truth_hdulist(
    plan: DemoPlan, index: int, frames: dict[int, ChipFrame] | None = None
) -> fits.HDUList:
    """Return CRMASK (uint8) and CLEAN (float32, electrons), with the EXTVER of the SCI planes."""
    exposure = exposure_facts(plan, index)
    frames = frames or _frames(plan, index)
    images = []
    for chip in (2, 1):
        mask = (frames[chip].cosmic > 0).astype("u1")
        images.append(detector.image_hdu(exposure, chip, "CRMASK", mask, "UNITLESS"))
        images.append(detector.image_hdu(exposure, chip, "CLEAN", frames[chip].clean, "ELECTRONS"))
    return fits.HDUList([detector.primary_hdu(exposure, "truth", len(images)), *images])


def mosaic_hdulist(
    plan: DemoPlan, scene: Scene | None = None, *, noise: bool = True
) -> fits.HDUList:
    """Return the sky-subtracted median in electron/s.

    ``noise=False`` is the scene at the pixel centres.
    """
    scene = scene or demo_scene(plan)
    facts = [exposure_facts(plan, i) for i in range(plan.exposures)]
    total = round(sum(exposure.exptime_s for exposure in facts), 1)
    rate = scene_image(scene)
    if noise:
        background = np.mean([exposure.sky[1] for exposure in facts]) + detector.READ_NOISE**2
        rate += median_noise(plan, rate, total / plan.exposures, float(background))
    shared: dict[str, object] = {
        "TELESCOP": "HST",
        "INSTRUME": "WFC3",
        "DETECTOR": "UVIS",
        "FILTER": "F606W",
    }
    shared |= {"TARGNAME": "SKYDEMO", "EXPTIME": total, "NCOMBINE": plan.exposures}
    header = fits.Header({**shared, "BUNIT": "ELECTRONS/S", "ORIENTAT": detector.MOSAIC_ORIENT})
    # PC with CDELT 1: the CD that HST files have
    for keyword, value in scene.wcs.to_header().items():
        if not keyword.startswith("CDELT"):
            header[keyword.replace("PC", "CD")] = value
    primary = fits.PrimaryHDU(header=fits.Header({**shared, "NEXTEND": 1}))
    return fits.HDUList([primary, fits.ImageHDU(rate.astype("f4"), header, name="SCI", ver=1)])


def _frames(plan: DemoPlan, index: int, scene: Scene | None = None) -> dict[int, ChipFrame]:
    scene = scene or demo_scene(plan)
    return {chip: chip_frame(plan, index, chip, scene) for chip in (1, 2)}


def outputs(plan: DemoPlan) -> Iterator[Output]:
    """Yield every file of the data set."""
    scene = demo_scene(plan)
    yield Output("mosaic", "skydemo_med.fits", mosaic_hdulist(plan, scene).writeto)
    for index in range(plan.exposures):
        frames = _frames(plan, index, scene)
        for role, build in (("exposure", exposure_hdulist), ("truth", truth_hdulist)):
            hdus = build(plan, index, frames)
            yield Output(role, hdus[0].header["FILENAME"], hdus.writeto)
