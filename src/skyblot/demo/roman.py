"""The Roman-like data set: WFI images (DN/s), their mosaic (MJy/sr), and the truth.

The files are laid out as Roman's, as plain values: they need none of its converters. The distortion
is NIRCam's, with pixels of WFI's size. The mosaic is free of the sky, whose level each image
records, as Roman's sky matching does.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, BinaryIO

import numpy as np

from ..io.gwcs import tangent_gwcs
from . import infrared
from .detector import DemoPlan
from .infrared import Camera
from .output import Output

FULL_SHAPE = (4088, 4088)
SMALL_SHAPE = (512, 512)
WFI = Camera(
    root="r0123401001001001001_{:04d}_wfi01_f158",
    scale=0.11,
    exptime_s=139.8,
    conversion=0.332,
    gain=1.9,
    read_noise=9.0,
    sky=0.21,
)
MOSAIC_NAME = "r0123401001001001001_f158_coadd.asdf"


def outputs(plan: DemoPlan) -> Iterator[Output]:
    """Yield every file of the data set."""
    scene = WFI.scene(plan)
    total = WFI.exptime_s * plan.exposures
    meta: dict[str, Any] = {"coadd_info": {"exposure_time": total}, "wcs": tangent_gwcs(scene.wcs)}
    meta["cal_step"] = {"flux": "COMPLETE", "skymatch": "COMPLETE"}
    pixels = {
        "data": WFI.mosaic(plan, scene) - np.float32(WFI.sky),
        "weight": np.full(scene.wcs.array_shape, total, "f4"),
    }
    yield _output("mosaic", MOSAIC_NAME, "MosaicModel", meta, pixels)
    for index in range(plan.exposures):
        facts = WFI.facts(plan, index)
        frame = WFI.frame(plan, index, scene)
        meta = {
            "exposure": _exposure(index, infrared.mjd(facts.start)),
            "wcs": WFI.wcs(plan, index),
        }
        meta["photometry"] = {"conversion_megajanskys": WFI.conversion}
        meta["background"] = {
            "level": WFI.sky / WFI.conversion,
            "method": "match",
            "subtracted": False,
        }
        rate = np.float32(WFI.conversion)
        pixels = {"data": frame.sci / rate, "err": frame.err / rate, "dq": frame.dq}
        yield _output("exposure", f"{facts.root}_cal.asdf", "ImageModel", meta, pixels)
        pixels = {"crmask": (frame.cosmic > 0).astype("u1"), "clean": frame.clean / rate}
        yield _output("truth", f"{facts.root}_truth.asdf", "Truth", {}, pixels)


def _exposure(index: int, start: float) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "type": "WFI_IMAGE",
        "nresultants": 8,
        "exposure_number": index + 1,
        "start_time": start,
    }
    return facts | {"exposure_time": WFI.exptime_s, "effective_exposure_time": WFI.exptime_s}


def _output(
    role: str, name: str, model: str, meta: dict[str, Any], pixels: dict[str, np.ndarray]
) -> Output:
    """Return a file with the tree ``roman``: `meta`, what all files say, and arrays."""
    shared = {"telescope": "ROMAN", "filename": name, "model_type": model}
    instrument = {"name": "WFI", "detector": "WFI01", "optical_element": "F158"}
    tree = {"roman": {"meta": {**shared, "instrument": instrument, **meta}, **pixels}}
    return Output(role, name, partial(_write, tree))


def _write(tree: dict[str, Any], stream: BinaryIO) -> None:
    import asdf

    asdf.AsdfFile(tree).write_to(stream)
