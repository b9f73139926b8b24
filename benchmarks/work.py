"""What is blotted: real detectors, mosaics that match them, and a sky of stars.

The WCS come from real headers where they are at hand (``../shared/data/real_wcs`` beside the
project), else from the demo's synthetic detector, which has the same kinds of distortion and the
same size.
"""

import warnings
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

from skyblot.demo import DemoPlan, chip_wcs, detector

REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "real_wcs"
MARGIN = 24  # mosaic pixels around the target


@dataclass(frozen=True, eq=False)
class Target:
    """A detector: its WCS, and the headers and tables that go into a reference file.

    `kind` names the distortion where it is not one that `astropy.wcs` shows.
    """

    wcs: Any
    origin: str
    kind: str = ""
    primary: fits.Header = field(default_factory=fits.Header)
    header: fits.Header = field(default_factory=fits.Header)
    tables: tuple[fits.ImageHDU, ...] = ()


@dataclass(frozen=True, eq=False)
class Work:
    """One blot to be made: `source` is float32 (ny, nx), `shape` the blot's (ny, nx)."""

    title: str
    target: Target
    source: np.ndarray
    source_wcs: Any
    shape: tuple[int, int]

    @property
    def target_wcs(self) -> Any:
        """The WCS of the blot."""
        return self.target.wcs

    @property
    def pixels(self) -> int:
        """How many pixels the blot has."""
        return self.shape[0] * self.shape[1]

    @property
    def facts(self) -> str:
        """Sizes and distortion, for the results."""
        (ny, nx), (sy, sx) = self.shape, self.source.shape
        kind = self.target.kind or distortion(self.target_wcs)
        chip = f"{self.title}, {ny} x {nx} pixels, {kind} ({self.target.origin})"
        return f"{chip}; source {sy} x {sx}"


def distortion(wcs: WCS) -> str:
    """Name the corrections of a WCS."""
    kinds = {"SIP": wcs.sip, "NPOL": wcs.cpdis1, "D2IM": wcs.det2im1}
    return " + ".join(name for name, part in kinds.items() if part is not None) or "no distortion"


@cache
def uvis(quick: bool) -> Work:
    """A WFC3/UVIS chip: SIP, NPOL and D2IM; the mosaic is as large as that of both chips."""
    target = _hst("wfc3_uvis_flc.fits", (128, 256) if quick else (2051, 4096))
    wcs, shape = mosaic_for(target.wcs, scale=0.0396 / 3600, shape=None if quick else (4125, 4387))
    return make_work("WFC3/UVIS chip", target, wcs, shape)


@cache
def onto_uvis(quick: bool) -> Work:
    """The other way: a mosaic that just covers the chip, onto it."""
    target = uvis(quick).target
    wcs, shape = mosaic_for(target.wcs)
    mosaic = Target(wcs, f"the chip: {target.origin}")
    ny, nx = target.wcs.array_shape
    return Work("mosaic", mosaic, np.zeros((ny, nx), np.float32), target.wcs, shape)


@cache
def infrared(quick: bool) -> Work:
    """WFC3/IR: SIP alone."""
    target = _hst("wfc3_ir_flt.fits", (128, 128) if quick else (1014, 1014), tables=False)
    return make_work("WFC3/IR", target, *mosaic_for(target.wcs))


@cache
def nircam(quick: bool) -> Work:
    """JWST NIRCam: the SIP approximation of its header."""
    shape = (128, 128) if quick else (2048, 2048)
    path = REAL / "nrcb5_sip_wcs.hdr"
    target = _demo(shape, tables=False)
    if path.is_file():
        target = Target(_read_wcs(fits.Header.fromtextfile(path), None, shape), "real header")
    return make_work("NIRCam detector", target, *mosaic_for(target.wcs))


@cache
def square(size: int) -> Work:
    """A synthetic chip of any size, with the distortion of WFC3/UVIS scaled to it."""
    target = _demo((size, size))
    return make_work("square chip", target, *mosaic_for(target.wcs))


def make_work(title: str, target: Target, source_wcs: Any, shape: tuple[int, int]) -> Work:
    """A target, and a sky on a mosaic of `shape`."""
    return Work(title, target, sky_image(shape), source_wcs, target.wcs.array_shape)


def _hst(name: str, shape: tuple[int, int], *, tables: bool = True) -> Target:
    """The first chip of a file of real headers, else a chip of the demo."""
    path = REAL / name
    if not path.is_file():
        return _demo(shape, tables=tables)
    with fits.open(path) as hdus:
        header = hdus["SCI", 1].header
        parts = tuple(hdu.copy() for hdu in hdus if hdu.name in ("WCSDVARR", "D2IMARR"))
        return Target(
            _read_wcs(header, hdus, shape), "real header", "", hdus[0].header, header, parts
        )


def _demo(shape: tuple[int, int], *, tables: bool = True) -> Target:
    plan = DemoPlan(exposures=1, chip_shape=shape)
    exposure = detector.exposure_facts(plan, 0)
    parts = detector.correction_tables(plan, 1)
    wcs = chip_wcs(plan, 0, 1)
    if not tables:
        wcs.cpdis1 = wcs.cpdis2 = wcs.det2im1 = wcs.det2im2 = None
    primary = detector.primary_hdu(exposure, "flc", 1).header
    return Target(
        wcs, "demo header", "", primary, detector.sci_header(plan, exposure, 1, parts), tuple(parts)
    )


def _read_wcs(header: fits.Header, hdus: fits.HDUList | None, shape: tuple[int, int]) -> WCS:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated keywords
        wcs = WCS(header, hdus)
    wcs.array_shape = shape
    return wcs


def mosaic_for(
    target: WCS, scale: float | None = None, shape: tuple[int, int] | None = None
) -> tuple[WCS, tuple[int, int]]:
    """Return the WCS and shape of a mosaic along a target's y axis: `shape`, else just large
    enough; target central.

    `scale` is in degrees per pixel, by default the target's own.
    """
    scale = scale or float(np.sqrt(abs(np.linalg.det(target.pixel_scale_matrix))))
    ny, nx = target.array_shape
    wcs = tangent(
        target.all_pix2world(nx / 2, ny / 2, 0), scale, np.arctan2(*target.pixel_scale_matrix[:, 1])
    )
    t = np.linspace(0.0, 1.0, 65)
    border = np.concatenate([[t, 0 * t], [t, 0 * t + 1], [0 * t, t], [0 * t + 1, t]], axis=1)
    x, y = border * [[nx], [ny]] - 0.5
    edges = np.array(wcs.wcs_world2pix(*target.all_pix2world(x, y, 0), 0))
    low, high = edges.min(axis=1), edges.max(axis=1)
    if shape is None:
        width, height = np.ceil(high - low + 2 * MARGIN).astype(int)
        shape = int(height), int(width)
    wcs.wcs.crpix += (np.array(shape[::-1]) - 1) / 2 - (low + high) / 2
    wcs.wcs.set()
    wcs.array_shape = shape
    return wcs, shape


def tangent(crval: tuple[float, float], scale: float, orient: float) -> WCS:
    """A TAN WCS, `scale` in degrees per pixel, y axis at position angle `orient` in radians."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.radesys = ("RA---TAN", "DEC--TAN"), "ICRS"
    wcs.wcs.crval, wcs.wcs.crpix = [float(value) for value in crval], (1.0, 1.0)
    wcs.wcs.cd = scale * np.array(
        [[-np.cos(orient), np.sin(orient)], [np.sin(orient), np.cos(orient)]]
    )
    wcs.wcs.set()
    return wcs


def sky_image(shape: tuple[int, int], seed: int = 20) -> np.ndarray:
    """Noise of 1 and stars 2 pixels wide (FWHM), 10 to 50000 high, one in 2000 pixels; float32."""
    rng = np.random.default_rng(seed)
    image = rng.standard_normal(shape, dtype=np.float32)
    ny, nx = shape
    y, x = np.mgrid[-8:9, -8:9]
    for _ in range(image.size // 2000):
        cy, cx, peak = rng.uniform(8, ny - 9), rng.uniform(8, nx - 9), 10 ** rng.uniform(1, 4.7)
        iy, ix = int(cy), int(cx)
        star = np.exp(-((x + ix - cx) ** 2 + (y + iy - cy) ** 2) * (4 * np.log(2) / 2.0**2))
        image[iy - 8 : iy + 9, ix - 8 : ix + 9] += peak * star
    return image
