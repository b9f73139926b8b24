"""The detector of the synthetic data set: pointings, distorted WCS, headers. No pixel values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

from ..errors import not_allowed
from .sky import PixelMap

FULL_CHIP_SHAPE = (2051, 4096)
SMALL_CHIP_SHAPE = (512, 1024)
MOSAIC_SCALE = 0.0396  # arcsec per pixel
IDC_SCALE = 0.0396  # arcsec per undistorted exposure pixel
# degrees, position angle of the y axis
MOSAIC_ORIENT = 28.0
EXPOSURE_ORIENT = -140.3
# degrees
RA = 53.162
DEC = -27.791
VAFACTOR = 1.00003
READ_NOISE = 3.08  # electrons
MARGIN = 24  # mosaic pixels around the exposures
FIRST_START = datetime(2020, 5, 31, 2, 24)
# Linear distortion by CCDCHIP, arcsec per pixel, rows x' and y': 3.3 degrees of skew.
LINEAR = {1: ((0.03954, 0.00006), (0.00228, 0.03936)), 2: ((0.03978, 0.00017), (0.00233, 0.03984))}
# SIP coefficients for a chip 4096 pixels wide, about those of WFC3/UVIS.
POWERS = ("2_0", "1_1", "0_2", "3_0", "2_1", "1_2", "0_3", "4_0", "3_1", "2_2", "1_3", "0_4")
HIGH_A = (2.8e-11, -9e-12, 1.6e-11, 9e-12, -5e-15, 4e-15, -9e-15, 1.2e-14, -8e-15)
HIGH_B = (5e-12, 6e-12, -4.5e-12, 2.5e-11, 2e-15, -2e-15, 7e-15, 3e-15, 4e-15)
SIP = {
    1: {"A": (2.87e-6, -2.9e-6, -2e-8, *HIGH_A), "B": (-1e-9, 2.83e-6, -2.88e-6, *HIGH_B)},
    2: {"A": (2.93e-6, -3e-6, 9e-8, *HIGH_A), "B": (-5.8e-8, 2.81e-6, -3.1e-6, *HIGH_B)},
}
# Type keyword, record-valued keyword, error keyword, extension, smooth and random amplitude in
# pixels.
LOOKUPS = (
    ("CPDIS", "DP", "CPERR", "WCSDVARR", 0.15, 0.01),
    ("D2IMDIS", "D2IM", "D2IMERR", "D2IMARR", 0.05, 0.006),
)
TABLE_SHAPE = (32, 64)
# Every random number comes from default_rng([seed, stream, exposure, chip]): the order of calls is
# free.
POINTING, TABLES, STARS, GALAXIES, NOISE, COSMIC, FLAGS, MOSAIC = range(8)


@dataclass(frozen=True)
class DemoPlan:
    """All that a data set depends on.

    `chip_shape` is (ny, nx), `cosmic_fraction` the pixels hit in 500 s.
    """

    seed: int = 20
    exposures: int = 4
    chip_shape: tuple[int, int] = SMALL_CHIP_SHAPE
    cosmic_fraction: float = 0.012

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise not_allowed("seed", self.seed, "a whole number, at least 0")
        if not 1 <= self.exposures <= 99:
            raise not_allowed("exposures", self.exposures, "1 to 99")
        if len(self.chip_shape) != 2 or min(self.chip_shape) < 32:
            raise not_allowed("chip_shape", self.chip_shape, "(ny, nx), both 32 or more")

    def rng(self, *stream: int) -> np.random.Generator:
        """Return the generator of one independent stream of random numbers."""
        return np.random.default_rng([self.seed, *stream])


@dataclass(frozen=True)
class Exposure:
    """Facts of one exposure: pointing and orientation in degrees, `sky` in electrons by CCDCHIP."""

    root: str
    ra: float
    dec: float
    orient: float
    exptime_s: float
    start: datetime
    sky: dict[int, float]


def exposure_facts(plan: DemoPlan, index: int) -> Exposure:
    """Return pointing, times and sky of exposure `index` (0-based)."""
    rng = plan.rng(POINTING, index)
    east, north = rng.uniform(-25.0, 25.0, 2) * MOSAIC_SCALE / 3600.0
    exptime = round(rng.uniform(400.0, 500.0), 1)
    sky = rng.uniform(0.10, 0.13) * exptime
    return Exposure(
        root=f"isky01{'abcdefghijk'[index // 9]}{index % 9 + 1}q",
        ra=RA + east / np.cos(np.radians(DEC)),
        dec=DEC + north,
        orient=EXPOSURE_ORIENT + rng.uniform(-0.03, 0.03),
        exptime_s=exptime,
        start=FIRST_START + timedelta(minutes=12 * index),
        sky={1: round(sky, 4), 2: round(1.03 * sky, 4)},
    )


def chip_wcs(plan: DemoPlan, index: int, chip: int) -> WCS:
    """Return the WCS of a chip (CCDCHIP 1 or 2) with SIP, NPOL, D2IM and `pixel_shape`."""
    tables = correction_tables(plan, chip)
    header = sci_header(plan, exposure_facts(plan, index), chip, tables)
    wcs = WCS(header, fits.HDUList([fits.PrimaryHDU(), *tables]))
    wcs.pixel_shape = plan.chip_shape[::-1]
    return wcs


def mosaic_wcs(plan: DemoPlan) -> WCS:
    """Return the undistorted WCS of the mosaic, which covers all chips of all exposures."""
    wcs = _tan_wcs(RA, DEC, MOSAIC_SCALE / 3600.0 * _axes(MOSAIC_ORIENT))
    ny, nx = plan.chip_shape
    t = np.linspace(0.0, 1.0, 65)
    border = np.concatenate([[t, 0 * t], [t, 0 * t + 1], [0 * t, t], [0 * t + 1, t]], axis=1)
    x, y = border * [[nx], [ny]] - 0.5
    chips = [chip_wcs(plan, i, chip) for i in range(plan.exposures) for chip in (1, 2)]
    edges = np.concatenate([exact_map(facts, wcs)(x, y) for facts in chips], axis=1)
    low = np.floor(edges.min(axis=1)) - MARGIN
    wcs.wcs.crpix = 1.0 - low
    wcs.wcs.set()
    wcs.pixel_shape = tuple(int(n) for n in np.ceil(edges.max(axis=1)) - low + MARGIN + 1)
    return wcs


def _axes(orient: float) -> np.ndarray:
    """Return the unit axes x, y (columns) in east, north (rows) for a position angle of y."""
    sin = np.sin(np.radians(orient))
    cos = np.cos(np.radians(orient))
    return np.array([[-cos, sin], [sin, cos]])


def _tan_wcs(ra: float, dec: float, cd: np.ndarray) -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ("RA---TAN", "DEC--TAN")
    wcs.wcs.radesys = "ICRS"
    wcs.wcs.crval = (ra, dec)
    wcs.wcs.crpix = (1.0, 1.0)
    wcs.wcs.cd = cd
    return wcs


def exact_map(target: WCS, mosaic: WCS) -> PixelMap:
    """Return the map from 0-based target pixels to mosaic pixels, by ``astropy.wcs`` alone."""
    return lambda x, y: mosaic.wcs_world2pix(*target.all_pix2world(x, y, 0), 0)


def _linear_cards(plan: DemoPlan, exposure: Exposure, chip: int) -> dict[str, object]:
    """Return the linear WCS of a chip; each has its own tangent point, as WFC3/UVIS has."""
    ny, nx = plan.chip_shape
    axes = _axes(exposure.orient)
    pitch = (ny + max(8, round(30 * nx / 4096))) * MOSAIC_SCALE / 3600.0  # chip and gap, degrees
    centre = _tan_wcs(exposure.ra, exposure.dec, axes * pitch)
    ra, dec = centre.wcs_pix2world(0.0, 0.5 if chip == 1 else -0.5, 0)
    cd = VAFACTOR / 3600.0 * axes @ np.array(LINEAR[chip])
    cards: dict[str, object] = {
        "WCSAXES": 2,
        "CRPIX1": nx / 2.0,
        "CRPIX2": (ny + 1) // 2 * 1.0,
        "CUNIT1": "deg",
    }
    cards |= {"CUNIT2": "deg", "CTYPE1": "RA---TAN-SIP", "CTYPE2": "DEC--TAN-SIP"}
    cards |= {"CRVAL1": float(ra), "CRVAL2": float(dec)}
    cards |= {f"CD{i + 1}_{j + 1}": cd[i, j] for i in (0, 1) for j in (0, 1)}
    cards |= {"RADESYS": "ICRS", "MJDREF": 0.0, "WCSNAME": "IDC_skydemo", "VAFACTOR": VAFACTOR}
    return cards | {"ORIENTAT": np.degrees(np.arctan2(cd[0, 1], cd[1, 1]))}


def correction_tables(plan: DemoPlan, chip: int) -> list[fits.ImageHDU]:
    """Return NPOL x, y and D2IM x, y of a chip in pixels: smooth waves and small random steps."""
    rng = plan.rng(TABLES, chip)
    v, u = np.indices(TABLE_SHAPE) * 2.0 * np.pi / np.array(TABLE_SHAPE)[:, None, None]
    steps = [
        max(1.0, float(round(n / nodes)))
        for n, nodes in zip(plan.chip_shape, TABLE_SHAPE, strict=True)
    ]
    hdus = []
    for *_, name, smooth, rough in LOOKUPS:
        for axis in (1, 2):
            waves = sum(
                np.cos(a * u + b * v + np.pi * c) for a, b, c in rng.uniform(-2.0, 2.0, (4, 3))
            )
            table = smooth * waves / np.abs(waves).max() + rough * rng.standard_normal(TABLE_SHAPE)
            cards = {"CRPIX1": 0.0, "CRPIX2": 0.0, "CRVAL1": 0.0, "CRVAL2": 0.0, "CDELT1": steps[1]}
            cards["CDELT2"] = steps[0]
            version = 2 * (2 - chip) + axis
            hdus.append(
                fits.ImageHDU(table.astype("f4"), fits.Header(cards), name=name, ver=version)
            )
    return hdus


def sci_header(
    plan: DemoPlan, exposure: Exposure, chip: int, tables: list[fits.ImageHDU]
) -> fits.Header:
    """Return the header of a SCI plane: SIP, and record-valued keywords that name its `tables`."""
    header = _base_header(exposure, chip, "ELECTRONS")
    header.update(_linear_cards(plan, exposure, chip))
    header.update({"IDCSCALE": IDC_SCALE, "MDRIZSKY": exposure.sky[chip], "NCOMBINE": 1})
    for axis, values in SIP[chip].items():
        header[f"{axis}_ORDER"] = 4
        for power, value in zip(POWERS, values, strict=True):
            # Degree p + q scales so that a smaller chip keeps the same relative distortion.
            degree = int(power[0]) + int(power[2])
            header[f"{axis}_{power}"] = value * (4096 / plan.chip_shape[1]) ** (degree - 1)
    cards = [(*lookup[:3], axis) for lookup in LOOKUPS for axis in (1, 2)]
    for (kind, record, error, i), table in zip(cards, tables, strict=True):
        header[f"{kind}{i}"] = "LOOKUP"
        for text in (f"EXTVER: {table.ver}", "NAXES: 2", "AXIS.1: 1", "AXIS.2: 2"):
            header.append((f"{record}{i}", text))
        header[f"{error}{i}"] = float(np.abs(table.data).max())
    header.update({"D2IMEXT": "iref$skydemo_d2i.fits", "NPOLEXT": "iref$skydemo_npl.fits"})
    return header


def image_hdu(
    exposure: Exposure, chip: int, name: str, data: np.ndarray, unit: str
) -> fits.ImageHDU:
    """Return an ERR, DQ or truth extension, EXTVER as the SCI plane of the chip."""
    return fits.ImageHDU(data, _base_header(exposure, chip, unit), name=name, ver=3 - chip)


def _base_header(exposure: Exposure, chip: int, unit: str) -> fits.Header:
    cards = {"INHERIT": True, "ROOTNAME": exposure.root, "EXPNAME": exposure.root}
    return fits.Header({**cards, "BUNIT": unit, "CCDCHIP": chip})


def primary_hdu(exposure: Exposure, suffix: str, extensions: int) -> fits.PrimaryHDU:
    """Return the primary header of `<root>_<suffix>.fits`."""
    mjd = (exposure.start - datetime(1858, 11, 17)) / timedelta(days=1)
    cards: dict[str, object] = {
        "NEXTEND": extensions,
        "FILENAME": f"{exposure.root}_{suffix}.fits",
        "FILETYPE": "SCI",
    }
    cards |= {"TELESCOP": "HST", "INSTRUME": "WFC3", "EQUINOX": 2000.0, "ROOTNAME": exposure.root}
    cards |= {
        "IMAGETYP": "EXT",
        "TARGNAME": "SKYDEMO",
        "RA_TARG": RA,
        "DEC_TARG": DEC,
        "PROPOSID": 99999,
    }
    cards |= {"DATE-OBS": f"{exposure.start:%Y-%m-%d}", "TIME-OBS": f"{exposure.start:%H:%M:%S}"}
    cards |= {
        "EXPSTART": mjd,
        "EXPEND": mjd + exposure.exptime_s / 86400.0,
        "EXPTIME": exposure.exptime_s,
    }
    cards |= {"EXPFLAG": "NORMAL", "OBSTYPE": "IMAGING", "OBSMODE": "ACCUM", "SUBARRAY": False}
    cards |= {
        "DETECTOR": "UVIS",
        "FILTER": "F606W",
        "APERTURE": "UVIS",
        "CCDAMP": "ABCD",
        "CCDGAIN": 1.5,
    }
    cards |= {f"ATODGN{amplifier}": 1.56 for amplifier in "ABCD"}
    cards |= {f"READNSE{amplifier}": READ_NOISE for amplifier in "ABCD"}
    cards |= {"IDCTAB": "iref$skydemo_idc.fits", "D2IMFILE": "iref$skydemo_d2i.fits"}
    return fits.PrimaryHDU(header=fits.Header({**cards, "NPOLFILE": "iref$skydemo_npl.fits"}))
