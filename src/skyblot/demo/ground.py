"""The data set from the ground: exposures of four chips each, laid out as NOIRLab writes DECam's.

Chips are extensions with names of their own, distorted by TPV. Flags (`_ood`) and weights (`_oow`)
are files beside the pixels (`_ooi`). Seeing, transparency and sky differ from exposure to exposure.
The mosaic is the median of all, as SWarp lays it out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

from . import detector
from .detector import DemoPlan, exact_map
from .output import Output
from .scene import ChipFrame, Scene, detect, median_noise, observe, random_scene, scene_image
from .sky import STAR_SIGMA, PixelMap, Sources

FULL_SHAPE = (2046, 4094)
SMALL_SHAPE = (320, 512)
#: Chips by name, and where they lie: columns and rows of chips from the middle of the field.
CHIPS = {"N1": (-0.5, 0.5), "N2": (0.5, 0.5), "S1": (-0.5, -0.5), "S2": (0.5, -0.5)}
MOSAIC_NAME = "skydemo_coadd.fits"
SCALE = 0.27  # arcsec per pixel
RA, DEC = 150.0, 2.2  # degrees
GAP, DITHER = 12, 40.0  # pixels
GAIN, READ_NOISE, SATURATION = 4.0, 6.0, 46000.0  # electrons per adu, electrons, adu
EXPTIME_S = 90.0
SKY = (350.0, 550.0)  # adu
SEEING = (0.85, 1.25)  # arcsec, FWHM
TRANSPARENCY = (0.8, 1.0)
#: adu of a clear exposure in place of electron/s: the brightest stars stay below saturation.
BRIGHTNESS = 250.0
#: The FWHM of the scene's own stars, in pixels.
SHARP = 2.0
BAD = np.int32(1)  # in the file of flags
FIRST_START = datetime(2027, 3, 1, 5, 0)
#: Terms of TPV beside the linear one, and their powers, for small chips: 7 pixels in their corners.
DISTORTION = {"PV1_4": (0.35, 2), "PV1_7": (2.0, 3), "PV2_4": (-0.25, 2), "PV2_7": (1.5, 3)}


@dataclass(frozen=True)
class Night:
    """What differs between exposures: pointing and roll (degrees), FWHM (pixels), sky (adu).

    `clear` is the part of the light that comes through.
    """

    name: str
    start: datetime
    ra: float
    dec: float
    roll: float
    fwhm: float
    clear: float
    sky: float


def night(plan: DemoPlan, index: int) -> Night:
    """Return the facts of exposure `index` (0-based)."""
    rng = plan.rng(detector.POINTING, index)
    east, north = rng.uniform(-DITHER, DITHER, 2) * SCALE / 3600.0
    start = FIRST_START + timedelta(minutes=3 * index)
    return Night(
        name=f"c4d_{start:%y%m%d_%H%M%S}_{{}}_r_v1.fits",
        start=start,
        ra=RA + east / np.cos(np.radians(DEC)),
        dec=DEC + north,
        roll=rng.uniform(-0.3, 0.3),
        fwhm=rng.uniform(*SEEING) / SCALE,
        clear=rng.uniform(*TRANSPARENCY),
        sky=rng.uniform(*SKY),
    )


def wcs_cards(plan: DemoPlan, facts: Night, chip: str) -> dict[str, object]:
    """Return the WCS of a chip; all chips have one tangent point, in the middle of the field."""
    ny, nx = plan.chip_shape
    columns, rows = CHIPS[chip]
    sin, cos = np.sin(np.radians(facts.roll)), np.cos(np.radians(facts.roll))
    degrees = SCALE / 3600.0
    cards: dict[str, object] = {"CTYPE1": "RA---TPV", "CTYPE2": "DEC--TPV", "RADESYS": "ICRS"}
    cards |= {"CUNIT1": "deg", "CUNIT2": "deg", "CRVAL1": facts.ra, "CRVAL2": facts.dec}
    cards |= {"CRPIX1": (nx + 1) / 2 - columns * (nx + GAP)}
    cards |= {"CRPIX2": (ny + 1) / 2 - rows * (ny + GAP)}
    cards |= {"CD1_1": -degrees * cos, "CD1_2": degrees * sin}
    cards |= {"CD2_1": degrees * sin, "CD2_2": degrees * cos}
    cards |= {"PV1_0": 0.0, "PV1_1": 1.0, "PV2_0": 0.0, "PV2_1": 1.0}
    # A larger field keeps the same relative distortion.
    ratio = SMALL_SHAPE[1] / nx
    return cards | {name: value * ratio ** (p - 1) for name, (value, p) in DISTORTION.items()}


def chip_wcs(plan: DemoPlan, index: int, chip: str) -> WCS:
    """Return the WCS of a chip of exposure `index`, with its `pixel_shape`."""
    wcs = WCS(fits.Header(wcs_cards(plan, night(plan, index), chip)))
    wcs.pixel_shape = plan.chip_shape[::-1]
    return wcs


def demo_scene(plan: DemoPlan) -> Scene:
    """Return the sky of a data set, adu of a clear exposure in a pixel of the mosaic."""
    ny, nx = plan.chip_shape
    # Both turned and bent, exposures reach a little beyond their own size.
    size = (2.06 * (nx + GAP + DITHER), 2.06 * (ny + GAP + DITHER))
    mosaic = WCS(naxis=2)
    mosaic.wcs.ctype = ("RA---TAN", "DEC--TAN")
    mosaic.wcs.radesys = "ICRS"
    mosaic.wcs.crval = (RA, DEC)
    mosaic.wcs.cd = SCALE / 3600.0 * np.diag([-1.0, 1.0])
    mosaic.pixel_shape = tuple(int(n) for n in size)
    mosaic.wcs.crpix = (np.array(mosaic.pixel_shape) + 1) / 2
    return random_scene(plan, mosaic, BRIGHTNESS)


def seen_through(scene: Scene, fwhm: float) -> Scene:
    """Return the scene blurred to stars of `fwhm` pixels, with the light that it had."""
    return Scene(scene.wcs, tuple(_blurred(each, fwhm) for each in scene.sources))


def _blurred(sources: Sources, fwhm: float) -> Sources:
    """Profiles keep their form, and get as much wider as a Gaussian would."""
    own = sources.size * SHARP / STAR_SIGMA
    wider = np.sqrt(1.0 + (fwhm**2 - SHARP**2) / own**2)
    return replace(
        sources,
        size=sources.size * wider,
        radius=sources.radius * wider,
        peak=sources.peak / wider**2,
    )


def chip_frame(plan: DemoPlan, index: int, chip: str, scene: Scene) -> ChipFrame:
    """Return the simulated chip of exposure `index`, in adu."""
    facts = night(plan, index)
    to_mosaic = exact_map(chip_wcs(plan, index, chip), scene.wcs)
    light = observe(seen_through(scene, facts.fwhm), plan.chip_shape, to_mosaic)
    area = middle_area(to_mosaic, plan.chip_shape)
    clean = (facts.clear * area * light + facts.sky).astype("f4")
    gain = np.float32(GAIN)
    seen = detect(
        plan,
        (index, 1 + list(CHIPS).index(chip)),
        clean * gain,
        exptime_s=4 * EXPTIME_S,  # thick chips, and a mountain: more hits than in space
        read_noise=READ_NOISE,
        bad=BAD,
    )
    return ChipFrame(seen.sci / gain, seen.err / gain, seen.dq, clean, seen.cosmic / gain)


def middle_area(to_mosaic: PixelMap, shape: tuple[int, int]) -> float:
    """Return the area of the pixel in the middle of a chip, in pixels of the mosaic.

    Flats make a chip even: its light is that of a pixel of this area, all over it.
    """
    x, y = np.array(shape[::-1])[:, None] / 2 + np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    sides = np.diff(np.array(to_mosaic(x, y)))
    (a, b), (c, d) = sides[:, 0], sides[:, 0] + sides[:, 1]
    return abs(float(a * d - b * c))


def exposure_hdulists(
    plan: DemoPlan, index: int, scene: Scene
) -> Iterator[tuple[str, fits.HDUList]]:
    """Yield pixels (ooi), flags (ood, 0 is good), weights (oow, inverse variances), and truth."""
    frames = {chip: chip_frame(plan, index, chip, scene) for chip in CHIPS}
    weights = {
        chip: np.where(frame.dq == 0, 1.0 / frame.err**2, 0.0).astype("f4")
        for chip, frame in frames.items()
    }
    yield "ooi", _hdulist(plan, index, {chip: frame.sci for chip, frame in frames.items()})
    yield "ood", _hdulist(plan, index, {chip: frame.dq for chip, frame in frames.items()})
    yield "oow", _hdulist(plan, index, weights)
    truth = [fits.PrimaryHDU(header=fits.Header(_primary_cards(night(plan, index).start)))]
    for number, (chip, frame) in enumerate(frames.items(), 1):
        cards = fits.Header({"CHIP": chip})
        hits = (frame.cosmic > 0).astype("u1")
        truth.append(fits.ImageHDU(hits, cards, name="CRMASK", ver=number))
        truth.append(fits.ImageHDU(frame.clean, cards, name="CLEAN", ver=number))
    yield "truth", fits.HDUList(truth)


def _hdulist(plan: DemoPlan, index: int, planes: dict[str, np.ndarray]) -> fits.HDUList:
    facts = night(plan, index)
    primary = fits.PrimaryHDU(header=fits.Header(_primary_cards(facts.start)))
    images = []
    for number, (chip, data) in enumerate(planes.items(), 1):
        cards: dict[str, object] = {"CCDNUM": number, "GAINA": GAIN, "RDNOISEA": READ_NOISE}
        cards |= {
            "SATURATE": SATURATION,
            "FLXSCALE": 1.0 / facts.clear,
            **wcs_cards(plan, facts, chip),
        }
        images.append(fits.ImageHDU(data, fits.Header(cards), name=chip))
    for image in images if planes["N1"].dtype == np.dtype("f4") else ():
        image.header["BUNIT"] = "adu"
    return fits.HDUList([primary, *images])


def _primary_cards(start: datetime) -> dict[str, object]:
    cards: dict[str, object] = {"TELESCOP": "CTIO 4.0-m telescope", "INSTRUME": "DECam"}
    cards |= {"OBJECT": "SKYDEMO", "PROCTYPE": "InstCal", "FILTER": "r"}
    return cards | {"EXPTIME": EXPTIME_S, "DATE-OBS": f"{start:%Y-%m-%dT%H:%M:%S}"}


def mosaic_hdulist(plan: DemoPlan, scene: Scene) -> fits.HDUList:
    """Return the median of all exposures in adu, free of the sky, with the mean of their seeing."""
    nights = [night(plan, index) for index in range(plan.exposures)]
    image = scene_image(seen_through(scene, float(np.mean([each.fwhm for each in nights]))))
    sky = float(np.mean([each.sky for each in nights]))
    image += median_noise(plan, image, GAIN, GAIN * sky + READ_NOISE**2)
    cards: dict[str, object] = {"OBJECT": "SKYDEMO", "BUNIT": "adu", "COMBINET": "MEDIAN"}
    cards["SOFTNAME"] = "SWarp"
    cards |= {"EXPTIME": EXPTIME_S * plan.exposures, "NCOMBINE": plan.exposures}
    header = fits.Header(cards)
    header.update(scene.wcs.to_header())
    return fits.HDUList([fits.PrimaryHDU(image.astype("f4"), header)])


def outputs(plan: DemoPlan) -> Iterator[Output]:
    """Yield every file of the data set."""
    scene = demo_scene(plan)
    yield Output("mosaic", MOSAIC_NAME, mosaic_hdulist(plan, scene).writeto)
    roles = {"ooi": "exposure", "truth": "truth"}
    for index in range(plan.exposures):
        name = night(plan, index).name
        for product, hdus in exposure_hdulists(plan, index, scene):
            yield Output(roles.get(product, "companion"), name.format(product), hdus.writeto)
