"""A synthetic HST WFC3/UVIS data set: dithered `_flc` exposures, their median mosaic, and the truth.

The sky is a known function of mosaic (tangent-plane) pixels. Every exposure pixel is that function at
the exact ``astropy.wcs`` coordinates of the pixel centre, so the truth holds no interpolation at all.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

from ..errors import ParameterError
from . import detector
from .detector import DemoPlan, Exposure, chip_wcs, exact_map, exposure_facts, mosaic_wcs
from .sky import Sources, add_sources, cosmic_rays, random_galaxies, random_stars

__all__ = [
    "ChipFrame",
    "DemoPlan",
    "DemoSet",
    "Exposure",
    "Scene",
    "Sources",
    "chip_frame",
    "chip_wcs",
    "demo_scene",
    "exact_map",
    "exposure_facts",
    "exposure_hdulist",
    "make_demo",
    "mosaic_hdulist",
    "mosaic_wcs",
    "truth_hdulist",
]


@dataclass(frozen=True)
class DemoSet:
    """Paths of a written data set; `exposures` and `truth` are in the same order."""

    folder: Path
    median: Path
    exposures: tuple[Path, ...]
    truth: tuple[Path, ...]


@dataclass(frozen=True)
class Scene:
    """The sky: the mosaic WCS (with its `pixel_shape`) and what shines in the mosaic's pixels."""

    wcs: WCS
    sources: tuple[Sources, ...]


@dataclass(frozen=True)
class ChipFrame:
    """One simulated chip, arrays (ny, nx) in electrons; `sci` is noise around `clean`, plus `cosmic`."""

    sci: np.ndarray
    err: np.ndarray
    dq: np.ndarray
    clean: np.ndarray
    cosmic: np.ndarray


def demo_scene(plan: DemoPlan) -> Scene:
    """Return the sky of a data set."""
    wcs = mosaic_wcs(plan)
    shape = wcs.pixel_shape[::-1]
    stars = random_stars(plan.rng(detector.STARS), shape)
    return Scene(wcs, (stars, random_galaxies(plan.rng(detector.GALAXIES), shape)))


def chip_frame(plan: DemoPlan, index: int, chip: int, scene: Scene | None = None) -> ChipFrame:
    """Return the simulated chip (CCDCHIP 1 or 2) of exposure `index`; pass `scene` to build it only once."""
    exposure, scene = exposure_facts(plan, index), scene or demo_scene(plan)
    factor = (detector.IDC_SCALE / detector.MOSAIC_SCALE) ** 2 * exposure.exptime_s
    clean = (factor * _observe(plan, index, chip, scene) + exposure.sky[chip]).astype("f4")
    rng = plan.rng(detector.NOISE, index, chip)
    sci = rng.poisson(clean) + detector.READ_NOISE * rng.standard_normal(clean.shape, dtype="f4")
    fraction = plan.cosmic_fraction * exposure.exptime_s / 500.0
    cosmic = cosmic_rays(plan.rng(detector.COSMIC, index, chip), clean.shape, fraction)
    dq = np.zeros(clean.shape, "i2")
    bad = plan.rng(detector.FLAGS, chip).integers(0, clean.size, clean.size // 20000)
    dq.flat[bad] = 4  # "bad detector pixel": only flagged, the values stay
    err = np.sqrt(clean + cosmic + detector.READ_NOISE**2)
    return ChipFrame((sci + cosmic).astype("f4"), err, dq, clean, cosmic)


def exposure_hdulist(plan: DemoPlan, index: int, frames: dict[int, ChipFrame] | None = None) -> fits.HDUList:
    """Return an exposure laid out like a WFC3/UVIS `_flc` file; `frames`, by CCDCHIP, if at hand."""
    exposure, frames = exposure_facts(plan, index), frames or _frames(plan, index)
    images, tables = [], []
    for chip in (2, 1):
        own, frame = detector.correction_tables(plan, chip), frames[chip]
        header = detector.sci_header(plan, exposure, chip, own)
        images += [
            fits.ImageHDU(frame.sci, header, name="SCI", ver=3 - chip),
            detector.image_hdu(exposure, chip, "ERR", frame.err, "ELECTRONS"),
            detector.image_hdu(exposure, chip, "DQ", frame.dq, "UNITLESS"),
        ]
        tables += own
    return fits.HDUList([detector.primary_hdu(exposure, "flc", len(images + tables)), *images, *tables])


def truth_hdulist(plan: DemoPlan, index: int, frames: dict[int, ChipFrame] | None = None) -> fits.HDUList:
    """Return CRMASK (uint8) and CLEAN (float32, electrons) of an exposure, EXTVER as its SCI planes."""
    exposure, frames = exposure_facts(plan, index), frames or _frames(plan, index)
    images = []
    for chip in (2, 1):
        mask = (frames[chip].cosmic > 0).astype("u1")
        images.append(detector.image_hdu(exposure, chip, "CRMASK", mask, "UNITLESS"))
        images.append(detector.image_hdu(exposure, chip, "CLEAN", frames[chip].clean, "ELECTRONS"))
    return fits.HDUList([detector.primary_hdu(exposure, "truth", len(images)), *images])


def mosaic_hdulist(plan: DemoPlan, scene: Scene | None = None, *, noise: bool = True) -> fits.HDUList:
    """Return the sky-subtracted median in electron/s; ``noise=False`` is the scene at the pixel centres."""
    scene = scene or demo_scene(plan)
    facts = [exposure_facts(plan, i) for i in range(plan.exposures)]
    total = round(sum(each.exptime_s for each in facts), 1)
    rate = np.zeros(scene.wcs.pixel_shape[::-1])
    for sources in scene.sources:
        add_sources(rate, sources, np.stack([sources.x, sources.y]), lambda x, y: (x, y))
    if noise:
        background = np.mean([each.sky[1] for each in facts]) + detector.READ_NOISE**2
        # The variance of a median is pi/2 that of a mean for many values, the same for one or two.
        loss = np.pi / 2 if plan.exposures > 2 else 1.0
        time = total / plan.exposures
        sigma = np.sqrt((rate * time + background) * (loss / plan.exposures)) / time
        rate += sigma * plan.rng(detector.MOSAIC).standard_normal(rate.shape, dtype="f4")
    shared: dict[str, object] = {"TELESCOP": "HST", "INSTRUME": "WFC3", "DETECTOR": "UVIS", "FILTER": "F606W"}
    shared |= {"TARGNAME": "SKYDEMO", "EXPTIME": total, "NCOMBINE": plan.exposures}
    header = fits.Header({**shared, "BUNIT": "ELECTRONS/S", "ORIENTAT": detector.MOSAIC_ORIENT})
    for keyword, value in scene.wcs.to_header().items():  # PC with CDELT 1: the CD that HST files have
        if not keyword.startswith("CDELT"):
            header[keyword.replace("PC", "CD")] = value
    primary = fits.PrimaryHDU(header=fits.Header({**shared, "NEXTEND": 1}))
    return fits.HDUList([primary, fits.ImageHDU(rate.astype("f4"), header, name="SCI", ver=1)])


def make_demo(
    folder: str | os.PathLike[str],
    *,
    full_size: bool = False,
    seed: int = 20,
    exposures: int = 4,
    chip_shape: tuple[int, int] | None = None,
) -> DemoSet:
    """Write the data set: median mosaic, exposures and truth.

    Parameters
    ----------
    folder : path
        Created if need be; files of an earlier run are replaced, each at once.
    full_size : bool
        Chips of (2051, 4096) pixels instead of (512, 1024).
    seed, exposures : int
        Equal seeds give equal data; number of exposures, 1 to 99.
    chip_shape : (int, int), optional
        (ny, nx) of each chip, instead of `full_size`.

    Returns
    -------
    DemoSet
        The paths written.

    Raises
    ------
    ParameterError
        If a value is out of range, or `chip_shape` is given together with `full_size`.
    """
    if full_size and chip_shape is not None:
        raise ParameterError(f"chip_shape={chip_shape!r}: expected None together with full_size=True")
    default = detector.FULL_CHIP_SHAPE if full_size else detector.SMALL_CHIP_SHAPE
    plan, folder = DemoPlan(seed, exposures, chip_shape or default), Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    scene = demo_scene(plan)
    median = _write(mosaic_hdulist(plan, scene), folder / "skydemo_med.fits")
    flc: list[Path] = []
    truth: list[Path] = []
    for index in range(exposures):
        frames = _frames(plan, index, scene)
        for paths, build in ((flc, exposure_hdulist), (truth, truth_hdulist)):
            hdus = build(plan, index, frames)
            paths.append(_write(hdus, folder / hdus[0].header["FILENAME"]))
    return DemoSet(folder, median, tuple(flc), tuple(truth))


def _observe(plan: DemoPlan, index: int, chip: int, scene: Scene) -> np.ndarray:
    """Return the scene at every pixel centre of a chip, electron/s per mosaic pixel."""
    pixel_map = exact_map(chip_wcs(plan, index, chip), scene.wcs)
    image = np.zeros(plan.chip_shape)
    y, x = np.indices((33, 33)).reshape(2, -1) / 32.0 * np.array(plan.chip_shape)[:, None]
    # A cubic fit of the inverse places the stamps (to 0.2 pixel); their values come from the exact map.
    inverse = np.linalg.lstsq(_cubic(*pixel_map(x, y)).T, np.stack([x, y], 1), rcond=None)[0]
    for sources in scene.sources:
        add_sources(image, sources, inverse.T @ _cubic(sources.x, sources.y), pixel_map)
    return image


def _cubic(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.stack([(x / 1e3) ** p * (y / 1e3) ** q for p in range(4) for q in range(4 - p)])


def _frames(plan: DemoPlan, index: int, scene: Scene | None = None) -> dict[int, ChipFrame]:
    scene = scene or demo_scene(plan)
    return {chip: chip_frame(plan, index, chip, scene) for chip in (1, 2)}


def _write(hdus: fits.HDUList, path: Path) -> Path:
    """Write beside `path`, then rename: never a partial file."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        hdus.writeto(partial, overwrite=True)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    return path
