"""An infrared camera in space that sees the scene through its gwcs: JWST's and Roman's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from . import detector, jwst
from .detector import DemoPlan, Exposure
from .scene import ChipFrame, Scene, detect, median_noise, observe, random_scene, scene_image

if TYPE_CHECKING:
    import gwcs

UNIT = "MJy/sr"
BRIGHTNESS = 0.4  # MJy/sr in place of electron/s: the brightest stars stay just below the full well
DITHER = 25.0  # pixels
DO_NOT_USE = np.uint32(1)  # in DQ
FIRST_START = datetime(2027, 7, 14, 9, 31)
MJD_ZERO = datetime(1858, 11, 17)


@dataclass(frozen=True)
class Camera:
    """What differs between the cameras.

    Attributes
    ----------
    root : str
        Name of an exposure, to be formatted with its number.
    scale : float
        Arcsec per pixel.
    exptime_s : float
    conversion, gain : float
        MJy/sr for 1 DN/s; electrons per DN.
    read_noise : float
        Electrons, of a whole ramp.
    sky : float
        Zodiacal light in MJy/sr, left in exposures and mosaic.
    """

    root: str
    scale: float
    exptime_s: float
    conversion: float
    gain: float
    read_noise: float
    sky: float

    @property
    def electrons(self) -> float:
        """Electrons of one exposure for 1 MJy/sr."""
        return self.exptime_s * self.gain / self.conversion

    def facts(self, plan: DemoPlan, index: int) -> Exposure:
        """Return pointing, times and sky (MJy/sr) of exposure `index` (0-based)."""
        rng = plan.rng(detector.POINTING, index)
        east, north = rng.uniform(-DITHER, DITHER, 2) * self.scale / 3600.0
        return Exposure(
            root=self.root.format(index + 1),
            ra=jwst.RA + east / np.cos(np.radians(jwst.DEC)),
            dec=jwst.DEC + north,
            orient=jwst.ORIENT + rng.uniform(-0.03, 0.03),
            exptime_s=self.exptime_s,
            start=FIRST_START + timedelta(minutes=9 * index),
            sky={1: self.sky},
        )

    def wcs(self, plan: DemoPlan, index: int) -> gwcs.WCS:
        """Return the exact WCS of exposure `index`."""
        facts = self.facts(plan, index)
        return jwst.nircam_wcs(
            plan.chip_shape, ra=facts.ra, dec=facts.dec, orient=facts.orient, scale=self.scale
        )

    def scene(self, plan: DemoPlan) -> Scene:
        """Return what shines in MJy/sr above `sky`."""
        exposures = [self.wcs(plan, index) for index in range(plan.exposures)]
        return random_scene(plan, jwst.mosaic_wcs(exposures, scale=self.scale), BRIGHTNESS)

    def frame(self, plan: DemoPlan, index: int, scene: Scene) -> ChipFrame:
        """Return exposure `index` in MJy/sr; pixels flagged in DQ are NaN in `sci`."""
        to_mosaic = jwst.exact_map(self.wcs(plan, index), scene.wcs)
        clean = (observe(scene, plan.chip_shape, to_mosaic) + self.sky).astype("f4")
        one = np.float32(self.electrons)
        noise = self.read_noise
        seen = detect(
            plan,
            (index, 1),
            clean * one,
            exptime_s=self.exptime_s,
            read_noise=noise,
            bad=DO_NOT_USE,
        )
        sci = np.where(seen.dq == DO_NOT_USE, np.float32(np.nan), seen.sci / one)
        return ChipFrame(sci, seen.err / one, seen.dq, clean, seen.cosmic / one)

    def mosaic(self, plan: DemoPlan, scene: Scene, *, noise: bool = True) -> np.ndarray:
        """Return the median (float32) in MJy/sr, sky included.

        ``noise=False`` is the scene at the pixel centres.
        """
        image = scene_image(scene) + self.sky
        if noise:
            image += median_noise(plan, image, self.electrons, self.read_noise**2)
        return image.astype("f4")


def mjd(time: datetime) -> float:
    """Return the modified Julian date."""
    return (time - MJD_ZERO) / timedelta(days=1)
