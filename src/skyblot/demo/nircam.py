"""The JWST-like data set, in MJy/sr: NIRCam exposures, their mosaic, and the truth.

Exposures are laid out as JWST writes them: the header of SCI holds a SIP approximation of the WCS,
the ASDF extension the WCS itself. The scene is evaluated with the latter.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from astropy.io import fits

from ..io.embedded import asdf_extension
from ..io.gwcs import tangent_gwcs
from . import infrared, jwst
from .detector import DemoPlan, Exposure
from .infrared import UNIT, Camera
from .output import Output
from .scene import ChipFrame, Scene

if TYPE_CHECKING:
    import gwcs

NIRCAM = Camera(
    root="jw01234001001_02101_{:05d}_nrcblong",
    scale=jwst.SCALE,
    exptime_s=311.366,
    conversion=0.361,
    gain=1.82,
    read_noise=9.0,
    sky=0.26,
)
# A SIP of this degree is off by 0.05 pixel at most and 0.008 rms on the whole detector, like those
# in JWST's headers.
SIP_DEGREE = 4
MOSAIC_NAME = "jw01234-o001_t001_nircam_f356w_i2d.fits"


def exposure_hdulist(plan: DemoPlan, index: int, frame: ChipFrame) -> fits.HDUList:
    """Return an exposure laid out like a `_cal` file."""
    facts = NIRCAM.facts(plan, index)
    wcs = NIRCAM.wcs(plan, index)
    images = [
        fits.ImageHDU(frame.sci, _sci_header(facts, wcs), name="SCI"),
        _image("ERR", frame.err, UNIT),
        _image("DQ", frame.dq),
    ]
    meta = {
        "bunit_data": UNIT,
        "exposure": {"exposure_time": NIRCAM.exptime_s},
        "photometry": {"conversion_megajanskys": NIRCAM.conversion},
    }
    primary = _primary(f"{facts.root}_cal.fits", facts.start, NIRCAM.exptime_s)
    primary.header.update(_exposure_cards(plan, index))
    return fits.HDUList([primary, *images, asdf_extension(wcs, images, meta)])


def truth_hdulist(plan: DemoPlan, index: int, frame: ChipFrame) -> fits.HDUList:
    """Return CRMASK (uint8) and CLEAN (float32, MJy/sr) of an exposure."""
    facts = NIRCAM.facts(plan, index)
    primary = _primary(f"{facts.root}_truth.fits", facts.start, NIRCAM.exptime_s)
    mask = (frame.cosmic > 0).astype("u1")
    return fits.HDUList([primary, _image("CRMASK", mask), _image("CLEAN", frame.clean, UNIT)])


def mosaic_hdulist(plan: DemoPlan, scene: Scene, *, noise: bool = True) -> fits.HDUList:
    """Return the median in MJy/sr, laid out like an `_i2d` file.

    ``noise=False`` is the scene at the pixel centres.
    """
    image = NIRCAM.mosaic(plan, scene, noise=noise)
    total = NIRCAM.exptime_s * plan.exposures
    weight = np.full(image.shape, total, "f4")
    header = fits.Header({"BUNIT": UNIT, "PHOTMJSR": NIRCAM.conversion})
    header.update(scene.wcs.to_header())
    images = [fits.ImageHDU(image, header, name="SCI"), _image("WHT", weight)]
    primary = _primary(MOSAIC_NAME, infrared.FIRST_START, total)
    primary.header.update(
        {
            "S_RESAMP": "COMPLETE",
            "S_SKYMAT": "SKIPPED",
            "NDRIZ": plan.exposures,
            "PIXFRAC": 1.0,
            "KERNEL": "square",
        }
    )
    meta = {"bunit_data": UNIT, "exposure": {"exposure_time": total}}
    return fits.HDUList([primary, *images, asdf_extension(tangent_gwcs(scene.wcs), images, meta)])


def outputs(plan: DemoPlan) -> Iterator[Output]:
    """Yield every file of the data set."""
    scene = NIRCAM.scene(plan)
    yield Output("mosaic", MOSAIC_NAME, mosaic_hdulist(plan, scene).writeto)
    for index in range(plan.exposures):
        frame = NIRCAM.frame(plan, index, scene)
        for role, build in (("exposure", exposure_hdulist), ("truth", truth_hdulist)):
            hdus = build(plan, index, frame)
            yield Output(role, hdus[0].header["FILENAME"], hdus.writeto)


def _image(name: str, data: np.ndarray, unit: str = "") -> fits.ImageHDU:
    return fits.ImageHDU(data, fits.Header({"BUNIT": unit} if unit else {}), name=name)


def _primary(filename: str, start: datetime, exptime_s: float) -> fits.PrimaryHDU:
    """What the primary headers of exposures and mosaic share."""
    cards: dict[str, object] = {
        "ORIGIN": "STSCI",
        "TIMESYS": "UTC",
        "FILENAME": filename,
        "DATAMODL": "ImageModel",
    }
    cards |= {
        "TELESCOP": "JWST",
        "PROGRAM": "01234",
        "OBSERVTN": "001",
        "VISIT": "001",
        "TARGPROP": "SKYDEMO",
    }
    cards |= {
        "TARG_RA": jwst.RA,
        "TARG_DEC": jwst.DEC,
        "INSTRUME": "NIRCAM",
        "DETECTOR": "NRCBLONG",
        "MODULE": "B",
    }
    cards |= {
        "CHANNEL": "LONG",
        "FILTER": "F356W",
        "PUPIL": "CLEAR",
        "EXP_TYPE": "NRC_IMAGE",
        "SUBARRAY": "FULL",
    }
    cards |= {
        "DATE-OBS": f"{start:%Y-%m-%d}",
        "TIME-OBS": f"{start:%H:%M:%S}",
        "EXPSTART": infrared.mjd(start),
    }
    cards |= {
        "EXPEND": infrared.mjd(start) + exptime_s / 86400.0,
        "EFFEXPTM": exptime_s,
        "XPOSURE": exptime_s,
        "TELAPSE": exptime_s,
    }
    return fits.PrimaryHDU(header=fits.Header(cards))


def _exposure_cards(plan: DemoPlan, index: int) -> dict[str, object]:
    ny, nx = plan.chip_shape
    cards: dict[str, object] = {
        "VISITGRP": "02",
        "SEQ_ID": "1",
        "ACT_ID": "01",
        "EXPOSURE": f"{index + 1:05d}",
    }
    cards |= {
        "READPATT": "SHALLOW4",
        "NINTS": 1,
        "NGROUPS": 6,
        "PATT_NUM": index + 1,
        "NUMDTHPT": plan.exposures,
    }
    return cards | {
        "SUBSTRT1": 1,
        "SUBSTRT2": 1,
        "SUBSIZE1": nx,
        "SUBSIZE2": ny,
        "S_WCS": "COMPLETE",
    }


def _sci_header(facts: Exposure, wcs: gwcs.WCS) -> fits.Header:
    """Units, pointing, and the SIP approximation."""
    header = fits.Header(
        {"BUNIT": UNIT, "PHOTMJSR": NIRCAM.conversion, "RA_REF": facts.ra, "DEC_REF": facts.dec}
    )
    header.update(
        {"V2_REF": jwst.V2_REF, "V3_REF": jwst.V3_REF, "ROLL_REF": facts.orient, "VPARITY": -1}
    )
    corners = " ".join(f"{value:.9f}" for value in np.ravel(wcs.footprint()))
    header["LONGSTRN"] = ("OGIP 1.0", "S_REGION goes on in CONTINUE cards")
    header["S_REGION"] = f"POLYGON ICRS  {corners}"
    header.update(wcs.to_fits_sip(degree=SIP_DEGREE))
    return header
