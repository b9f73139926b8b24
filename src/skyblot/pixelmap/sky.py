"""A celestial WCS behind two functions, pixel to sky and sky to pixel, whatever its kind."""

import threading
import warnings
from copy import deepcopy
from typing import Any

import numpy as np

from ..errors import WCSError

#: A CD matrix is singular if its determinant is below this, relative to its elements (rounding leaves 1e-16).
SINGULAR = 1e-12

#: The filters are the process's: bands that change them at the same time would leave them changed.
_WARNING_FILTERS = threading.Lock()


def plain_copy(wcs: Any) -> Any:
    """Return an independent `astropy.wcs.WCS` with the same transformation as a WCS or subclass."""
    from astropy.wcs import WCS

    copy = WCS(naxis=wcs.naxis)
    copy.wcs = deepcopy(wcs.wcs)
    for name in ("sip", "cpdis1", "cpdis2", "det2im1", "det2im2"):
        setattr(copy, name, getattr(wcs, name))
    copy.pixel_shape = wcs.pixel_shape
    return copy


def undistorted(wcs: Any) -> Any:
    """Return an independent copy of a FITS WCS that keeps its linear terms and its projection only."""
    copy = plain_copy(wcs)
    copy.wcs.set()
    if all(str(name)[4:] in ("-TAN", "-TAN-SIP") for name in copy.wcs.ctype):
        linear = tangent_wcs(copy, copy.pixel_scale_matrix)
        linear.wcs.lonpole, linear.wcs.latpole = copy.wcs.lonpole, copy.wcs.latpole
        linear.pixel_shape = copy.pixel_shape
        return linear
    copy.sip = copy.cpdis1 = copy.cpdis2 = copy.det2im1 = copy.det2im2 = None
    copy.wcs.ctype = [name.removesuffix("-SIP") for name in copy.wcs.ctype]
    return copy


def tangent_wcs(wcs: Any, cd: np.ndarray) -> Any:
    """Return a new TAN WCS with the reference values of `wcs` and a CD matrix (degrees per pixel).

    Nothing else comes along: TPV and TNX are TAN to wcslib too, with a distortion inside.
    """
    from astropy.wcs import WCS

    fresh = WCS(naxis=2)
    fresh.wcs.ctype = [f"{str(name)[:4]}-TAN" for name in wcs.wcs.ctype]
    fresh.wcs.crpix, fresh.wcs.crval, fresh.wcs.cunit = wcs.wcs.crpix, wcs.wcs.crval, ["deg", "deg"]
    fresh.wcs.cd = cd
    fresh.wcs.radesys, fresh.wcs.equinox = wcs.wcs.radesys, wcs.wcs.equinox
    return fresh


def is_fits_wcs(wcs: Any) -> bool:
    """Whether `wcs` is an `astropy.wcs.WCS` or a subclass of it."""
    from astropy.wcs import WCS

    return isinstance(wcs, WCS)


def pixel_scale(wcs: Any) -> float:
    """Return the undistorted pixel scale in arcsec, ``sqrt(|det CD|)``, or `nan` if there is no CD."""
    if not is_fits_wcs(wcs):
        return float("nan")
    return float(np.sqrt(abs(np.linalg.det(wcs.pixel_scale_matrix))) * 3600)


class FitsSky:
    """A FITS celestial WCS on a private copy, so that the caller's object is never touched."""

    def __init__(self, wcs: Any, role: str) -> None:
        self.wcs = self._checked_copy(wcs, role)
        self._lock = threading.Lock()
        self.lon, self.lat = self.wcs.wcs.lng, self.wcs.wcs.lat
        self.frame_key = self._frame_key()

    @staticmethod
    def _checked_copy(wcs: Any, role: str) -> Any:
        try:
            copy = plain_copy(wcs) if wcs.naxis == 2 else wcs.celestial
            copy.wcs.set()
            matrix = copy.pixel_scale_matrix
        except Exception as error:  # wcslib's errors have no common class
            reason = " ".join(str(error).split())
            raise WCSError(f"the {role}'s WCS cannot be used: {reason}") from error
        if not copy.has_celestial:
            axes = ", ".join(repr(str(name)) for name in wcs.wcs.ctype)
            raise WCSError(f"the {role} has no celestial WCS: CTYPE is {axes}, expected RA---TAN or the like")
        if not abs(np.linalg.det(matrix)) > SINGULAR * np.sum(matrix**2):  # true for NaN too
            raise WCSError(f"the {role}'s WCS is singular: its CD matrix is {matrix.tolist()}")
        return copy

    def _frame_key(self) -> tuple:
        wcs = self.wcs.wcs
        system, equinox = wcs.radesys.strip().upper(), wcs.equinox
        if wcs.lngtyp.strip() != "RA":
            return (wcs.lngtyp.strip(), system, None if np.isnan(equinox) else equinox)
        if not system:
            system = "ICRS" if np.isnan(equinox) else ("FK4" if equinox < 1984 else "FK5")
        if system == "ICRS":
            return ("RA", "ICRS", None)
        return ("RA", system, equinox, wcs.dateobs.strip() if system.startswith("FK4") else None)

    @property
    def frame(self) -> Any:
        """The celestial frame, an astropy coordinate frame."""
        from astropy.coordinates import BarycentricMeanEcliptic
        from astropy.wcs.utils import wcs_to_celestial_frame

        kind = self.wcs.wcs.lngtyp.strip()
        if kind == "ELON":  # which astropy would take for right ascension
            equinox = self.wcs.wcs.equinox
            return BarycentricMeanEcliptic(equinox=f"J{2000.0 if np.isnan(equinox) else equinox}")
        if kind not in ("RA", "GLON", "TLON"):
            axes = ", ".join(repr(str(name)) for name in self.wcs.wcs.ctype)
            raise WCSError(f"no rotation is known from CTYPE {axes} to the other WCS: expected RA, GLON or ELON")
        return wcs_to_celestial_frame(self.wcs)

    def to_sky(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Longitude and latitude in degrees of 0-based pixel positions."""
        with self._lock:
            world = self.wcs.all_pix2world(x, y, 0)
        return world[self.lon], world[self.lat]

    def to_pixel(self, lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """0-based pixel positions of longitudes and latitudes in degrees."""
        world = (lon, lat) if self.lon == 0 else (lat, lon)
        with self._lock:
            if self.wcs.has_distortion:
                x, y = self.wcs.all_world2pix(*world, 0, tolerance=1e-9, maxiter=50, quiet=True)
            else:
                x, y = self.wcs.wcs_world2pix(*world, 0)
        return x, y


class LowLevelSky:
    """Any other celestial WCS, gwcs for one, through the APE 14 low-level methods."""

    def __init__(self, wcs: Any, role: str) -> None:
        self.wcs = getattr(wcs, "low_level_wcs", wcs)
        kinds = list(self.wcs.world_axis_physical_types)
        longitudes = [k for k, kind in enumerate(kinds) if kind in ("pos.eq.ra", "pos.galactic.lon")]
        if self.wcs.pixel_n_dim != 2 or len(kinds) != 2 or len(longitudes) != 1:
            raise WCSError(f"the {role}'s WCS maps to {kinds}, expected two pixel axes to longitude and latitude")
        self.lon = longitudes[0]
        self._lock = threading.Lock()
        self.frame_key = ("APE 14", repr(self.frame))

    @property
    def frame(self) -> Any:
        """The celestial frame, an astropy coordinate frame."""
        classes = self.wcs.world_axis_object_classes
        return next(item[2]["frame"] for item in classes.values() if "frame" in item[2])

    def to_sky(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Longitude and latitude in degrees of 0-based pixel positions."""
        with self._lock:
            world = self.wcs.pixel_to_world_values(x, y)
        return world[self.lon], world[1 - self.lon]

    def to_pixel(self, lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """0-based pixel positions of longitudes and latitudes in degrees."""
        with self._lock:
            return self.wcs.world_to_pixel_values(*((lon, lat) if self.lon == 0 else (lat, lon)))


def sky_of(wcs: Any, role: str) -> FitsSky | LowLevelSky:
    """Return the WCS of the `role` ('source' or 'target') as pixel-to-sky functions.

    Raises
    ------
    WCSError
        If it is not a celestial WCS, or singular.
    """
    if is_fits_wcs(wcs):
        return FitsSky(wcs, role)
    if hasattr(getattr(wcs, "low_level_wcs", wcs), "pixel_to_world_values"):
        return LowLevelSky(wcs, role)
    raise WCSError(
        f"the {role}'s WCS is a {type(wcs).__name__}, expected an astropy.wcs.WCS, a gwcs.WCS or an APE 14 WCS"
    )


def convert_frame(
    lon: np.ndarray, lat: np.ndarray, target: FitsSky | LowLevelSky, source: FitsSky | LowLevelSky
) -> tuple[np.ndarray, np.ndarray]:
    """Express sky positions (degrees) of the target's frame in the source's frame."""
    if target.frame_key == source.frame_key:
        return lon, lat
    from astropy.coordinates import SkyCoord, UnitSphericalRepresentation

    with _WARNING_FILTERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        there = SkyCoord(lon, lat, unit="deg", frame=target.frame).transform_to(source.frame)
    spherical = there.represent_as(UnitSphericalRepresentation)
    return spherical.lon.deg, spherical.lat.deg
