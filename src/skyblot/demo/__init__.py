"""Synthetic data sets: dithered exposures, their mosaic, and the truth.

The sky is a known function of mosaic (tangent-plane) pixels. Every exposure pixel is that function
at the exact coordinates of the pixel centre, by ``astropy.wcs`` or gwcs, so the truth holds no
interpolation at all.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import closest, not_allowed
from ..io.atomic import make_folder
from . import detector
from .detector import DemoPlan, Exposure, chip_wcs, exact_map, exposure_facts, mosaic_wcs
from .hst import chip_frame, demo_scene, exposure_hdulist, mosaic_hdulist, truth_hdulist
from .output import Output
from .scene import ChipFrame, Scene
from .sky import Sources

__all__ = [
    "KINDS",
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

#: The kinds of data sets, and what the names of their exposures are like.
KINDS = {
    "hst": "*_flc.fits",
    "jwst": "*_cal.fits",
    "roman": "*_cal.asdf",
    "ground": "*_ooi_*.fits",
}


@dataclass(frozen=True)
class DemoSet:
    """Paths of a written data set; `exposures` and `truth` are in the same order.

    `pattern` stands for the names of the exposures.
    """

    folder: Path
    median: Path
    exposures: tuple[Path, ...]
    truth: tuple[Path, ...]
    pattern: str


def make_demo(
    folder: str | os.PathLike[str],
    kind: str = "hst",
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
    kind : {"hst", "jwst", "roman", "ground"}
        WFC3/UVIS exposures (`_flc`) with their median, NIRCam exposures (`_cal`) with their `_i2d`
        mosaic, WFI images of level 2 (`_cal`) with their level 3 mosaic (`_coadd`), or exposures of
        four chips as DECam's (`_ooi_`, with `_ood_` and `_oow_`) and their coadd.
    full_size : bool
        Chips as large as the real ones: (2051, 4096) pixels instead of (512, 1024); instead of
        (512, 512) pixels, (2048, 2048) for jwst, (4088, 4088) for roman; instead of (320, 512),
        (2046, 4094) for ground.
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
    SkyblotError
        If gwcs and asdf, which jwst and roman need, are not installed.
    """
    if full_size and chip_shape is not None:
        raise not_allowed("chip_shape", chip_shape, "None together with full_size=True")
    outputs, full_shape, small_shape = _kind(kind)
    plan = DemoPlan(seed, exposures, chip_shape or (full_shape if full_size else small_shape))
    folder = Path(folder)
    make_folder(folder)
    paths: dict[str, list[Path]] = {"mosaic": [], "exposure": [], "companion": [], "truth": []}
    for output in outputs(plan):
        paths[output.role].append(output.save(folder))
    written, truth = tuple(paths["exposure"]), tuple(paths["truth"])
    return DemoSet(folder, paths["mosaic"][0], written, truth, KINDS[kind])


def _kind(
    kind: str,
) -> tuple[Callable[[DemoPlan], Iterator[Output]], tuple[int, int], tuple[int, int]]:
    """Return what makes the files of a kind of data set, and its full and small chip shapes."""
    if kind == "hst":
        from .hst import outputs

        return outputs, detector.FULL_CHIP_SHAPE, detector.SMALL_CHIP_SHAPE
    if kind == "jwst":
        from . import jwst, nircam

        jwst.require_gwcs()
        return nircam.outputs, jwst.FULL_SHAPE, jwst.SMALL_SHAPE
    if kind == "roman":
        from . import jwst, roman

        jwst.require_gwcs()
        return roman.outputs, roman.FULL_SHAPE, roman.SMALL_SHAPE
    if kind == "ground":
        from . import ground

        return ground.outputs, ground.FULL_SHAPE, ground.SMALL_SHAPE
    raise not_allowed("kind", kind, f"one of {', '.join(KINDS)}{closest(kind, KINDS)}")
