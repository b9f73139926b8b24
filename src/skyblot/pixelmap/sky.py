"""A celestial WCS behind two functions, pixel to sky and sky to pixel, whatever its kind."""

import re
import threading
from copy import copy
from typing import Any

import numpy as np

from ..errors import WCSError, quiet, reason_of, warn
from ..headers.wcs_facts import STATED, UNSTATED
from .wcs_objects import (
    DISTORTIONS,
    UNKNOWN,
    frame_stated,
    is_fits_wcs,
    plain_copy,
    unwrapped,
)

#: A CD matrix is singular if its determinant is below this, relative to its elements (rounding
#: leaves 1e-16).
SINGULAR = 1e-12

#: Positions found by iteration are good to this, or there are none.
CONVERGED_PIXELS = 1e-6

#: What stands for the frame that nearly all files have.
ICRS_KEY = ("RA", "ICRS", None)


class FitsSky:
    """A FITS celestial WCS on a private copy, so that the caller's object is never touched."""

    def __init__(self, wcs: Any, role: str) -> None:
        self.stated = frame_stated(wcs)
        self.wcs = self._checked_copy(wcs, role)
        self._role = role
        self._lock = threading.Lock()
        self.lon = self.wcs.wcs.lng
        self.lat = self.wcs.wcs.lat
        self.frame_key = self._frame_key()

    @staticmethod
    def _checked_copy(wcs: Any, role: str) -> Any:
        if wcs.naxis > 2 and wcs.has_celestial:
            axes = [
                repr(str(name))
                for k, name in enumerate(wcs.wcs.ctype)
                if k not in (wcs.wcs.lng, wcs.wcs.lat)
            ]
            dropped = ", ".join(axes)
            warn(f"its WCS has {wcs.naxis} axes: {dropped} dropped", subject=f"the {role}")
        try:
            copy = plain_copy(wcs) if wcs.naxis == 2 else wcs.celestial
            copy.wcs.set()
            matrix = copy.pixel_scale_matrix
        except Exception as error:  # wcslib's errors have no common class
            raise WCSError(
                f"its WCS cannot be used: {reason_of(error)}", subject=f"the {role}"
            ) from error
        if not copy.has_celestial:
            names = ", ".join(repr(str(name)) for name in wcs.wcs.ctype)
            raise WCSError(
                f"has no celestial WCS: CTYPE is {names}, expected RA---TAN or the like",
                subject=f"the {role}",
            )
        if not abs(np.linalg.det(matrix)) > SINGULAR * np.sum(matrix**2):  # true for NaN too
            raise WCSError(
                f"its WCS is singular: its CD matrix is {matrix.tolist()}", subject=f"the {role}"
            )
        _check_tables(copy, role)
        return copy

    def _frame_key(self) -> tuple:
        wcs = self.wcs.wcs
        system = wcs.radesys.strip().upper()
        equinox = wcs.equinox
        if wcs.lngtyp.strip() != "RA":
            return (wcs.lngtyp.strip(), system, None if np.isnan(equinox) else equinox)
        if not system:
            system = "ICRS" if np.isnan(equinox) else ("FK4" if equinox < 1984 else "FK5")
        if system == "ICRS":
            return ICRS_KEY
        return ("RA", system, equinox, wcs.dateobs.strip() if system.startswith("FK4") else None)

    @property
    def equatorial(self) -> bool:
        """Whether the longitude is a right ascension."""
        return bool(self.frame_key[0] == "RA")

    @property
    def j2000(self) -> bool:
        """Whether the frame is ICRS or FK5 J2000, which are 23 mas apart."""
        return self.frame_key in (ICRS_KEY, ("RA", "FK5", 2000.0, None))

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
            raise WCSError(
                f"its WCS has CTYPE {axes}, from which no rotation to the other WCS is "
                "known: expected RA, GLON or ELON",
                subject=f"the {self._role}",
            )
        try:
            return wcs_to_celestial_frame(self.wcs)
        except ValueError:
            raise WCSError(
                f"its WCS has RADESYS {self.wcs.wcs.radesys!r}, from which no "
                "rotation to the other WCS is known: expected ICRS, FK5 or FK4",
                subject=f"the {self._role}",
            ) from None

    def undistorted(self) -> "FitsSky":
        """The same without D2IM, SIP and CPDIS."""
        plane = copy(self)
        plane.wcs = plain_copy(self.wcs)
        for name in DISTORTIONS:
            setattr(plane.wcs, name, None)
        return plane

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
                x, y = self._iterate(world)
            else:
                x, y = self.wcs.wcs_world2pix(*world, 0)
        return x, y

    def _iterate(self, world: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Pixel positions of a distorted WCS.

        NaN where no pixel is found, far outside the image.
        """
        from astropy.wcs import NoConvergence

        options = {"tolerance": 1e-9, "maxiter": 50, "detect_divergence": True}
        try:
            x, y = self.wcs.all_world2pix(*world, 0, **options)
        except NoConvergence as error:
            x, y = error.best_solution.T.copy()
            error_pixels = np.linalg.norm(np.atleast_2d(error.accuracy), axis=-1)
            for doubtful in (error.divergent, error.slow_conv):
                if doubtful is not None:
                    lost = doubtful[~(error_pixels[doubtful] < CONVERGED_PIXELS)]
                    x[lost] = y[lost] = np.nan
        return x, y


class LowLevelSky:
    """Any other celestial WCS, gwcs for one, through the APE 14 low-level methods."""

    stated = STATED

    def __init__(self, wcs: Any, role: str) -> None:
        self.wcs = wcs
        self._role = role
        kinds = [str(kind) for kind in wcs.world_axis_physical_types]
        longitudes = [
            k
            for k, kind in enumerate(kinds)
            if re.fullmatch(r"(custom:)?pos\..*(\.ra|\.lon)", kind)
        ]
        if wcs.pixel_n_dim != 2 or len(kinds) != 2 or len(longitudes) != 1:
            found = ", ".join(kinds)
            raise WCSError(
                f"its WCS maps {wcs.pixel_n_dim} pixel axes to {found}: expected two "
                "pixel axes to longitude and latitude",
                subject=f"the {role}",
            )
        self.lon = longitudes[0]
        self._degrees = self._units()
        self._lock = threading.Lock()
        self._named = self._frame()
        self.frame_key: tuple = (
            ICRS_KEY if self.frame.name == "icrs" else ("APE 14", repr(self.frame))
        )

    @property
    def frame(self) -> Any:
        """The celestial frame, an astropy coordinate frame."""
        return self._named

    @property
    def equatorial(self) -> bool:
        """Whether the longitude is a right ascension."""
        return self.frame.name in ("icrs", "fk5", "fk4", "fk4noeterms")

    @property
    def j2000(self) -> bool:
        """Whether the frame is ICRS or FK5 J2000."""
        return self.frame.name == "icrs" or (
            self.frame.name == "fk5" and self.frame.equinox.jyear == 2000
        )

    def _units(self) -> list[float]:
        """Degrees per unit of both world axes."""
        from astropy import units

        try:
            return [float(units.Unit(unit).to("deg")) for unit in self.wcs.world_axis_units]
        except (ValueError, TypeError, units.UnitConversionError):
            units_text = ", ".join(repr(str(unit)) for unit in self.wcs.world_axis_units)
            raise WCSError(
                f"has world units {units_text}, expected angles", subject=f"the {self._role}'s WCS"
            ) from None

    def _frame(self) -> Any:
        classes = self.wcs.world_axis_object_classes
        frames = [item[2]["frame"] for item in classes.values() if "frame" in item[2]]
        if not frames:
            raise WCSError("its WCS names no celestial frame", subject=f"the {self._role}")
        return frames[0]

    def to_sky(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Longitude and latitude in degrees of 0-based pixel positions."""
        try:
            with self._lock:
                world = self.wcs.pixel_to_world_values(x, y)
        except Exception as error:  # transforms raise anything
            raise WCSError(
                f"its WCS cannot be evaluated: {reason_of(error)}", subject=f"the {self._role}"
            ) from error
        lon, lat = (
            np.asarray(world[k], dtype=float) * self._degrees[k] for k in (self.lon, 1 - self.lon)
        )
        return lon, lat

    def to_pixel(self, lon: np.ndarray, lat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """0-based pixel positions of longitudes and latitudes in degrees."""
        world = (lon, lat) if self.lon == 0 else (lat, lon)
        try:
            with self._lock:
                x, y = self.wcs.world_to_pixel_values(
                    *(w / unit for w, unit in zip(world, self._degrees, strict=True))
                )
        except NotImplementedError:
            raise WCSError(
                "its WCS has no inverse, from the sky to its pixels", subject=f"the {self._role}"
            ) from None
        except Exception as error:  # numerical inverses raise anything
            raise WCSError(
                f"its WCS cannot be inverted: {reason_of(error)}", subject=f"the {self._role}"
            ) from error
        return np.asarray(x, dtype=float), np.asarray(y, dtype=float)


class PlaneSky(LowLevelSky):
    """A WCS to a plane that is not the sky, gwcs' Frame2D, for two WCS to the same plane."""

    equatorial = j2000 = False

    def __init__(self, wcs: Any, role: str) -> None:
        self.wcs = wcs
        self._role = role
        self.lon = 0
        self._degrees = [1.0, 1.0]
        self._lock = threading.Lock()
        self.frame_key = (
            "plane",
            tuple(wcs.world_axis_physical_types),
            tuple(map(str, wcs.world_axis_units)),
        )

    @property
    def frame(self) -> Any:
        """There is none: a `WCSError`, where the other WCS is not of the same plane."""
        kinds = ", ".join(map(str, self.wcs.world_axis_physical_types))
        raise WCSError(
            f"its WCS maps {self.wcs.pixel_n_dim} pixel axes to {kinds}: expected two "
            "pixel axes to longitude and latitude",
            subject=f"the {self._role}",
        )


def _is_plane(wcs: Any) -> bool:
    """Whether a low-level WCS leads from two pixel axes to a plane of which no more is known."""
    kinds = [str(kind) for kind in wcs.world_axis_physical_types]
    return wcs.pixel_n_dim == len(kinds) == 2 and all(
        re.fullmatch(r"custom:[xy]", kind) for kind in kinds
    )


def _check_tables(wcs: Any, role: str) -> None:
    """Refuse look-up tables that lead to no position: nobody else checks them."""
    for name in ("det2im1", "det2im2", "cpdis1", "cpdis2"):
        table = getattr(wcs, name)
        if table is None:
            continue
        with np.errstate(all="ignore"):
            places = np.concatenate(
                [table.crpix, table.crval, table.cdelt, 1 / np.array(table.cdelt)]
            )
        if not (np.isfinite(places).all() and np.isfinite(table.data).all()):
            raise WCSError(
                f"its WCS has a look-up table ({name}) that cannot be used: its values, "
                "CRPIX, CRVAL and CDELT must be finite, and CDELT not 0",
                subject=f"the {role}",
            )


def sky_of(wcs: Any, role: str) -> FitsSky | LowLevelSky:
    """Return the WCS of the `role` ('source' or 'target') as pixel-to-sky functions.

    Raises
    ------
    WCSError
        If it is not a celestial WCS, or singular.
    """
    low_level = unwrapped(wcs)
    if is_fits_wcs(low_level):
        return FitsSky(low_level, role)
    if hasattr(low_level, "pixel_to_world_values"):
        return PlaneSky(low_level, role) if _is_plane(low_level) else LowLevelSky(low_level, role)
    raise WCSError(
        f"its WCS is a {type(wcs).__name__}, expected an astropy.wcs.WCS, a gwcs.WCS or an APE 14 "
        "WCS",
        subject=f"the {role}",
    )


def same_frame(target: FitsSky | LowLevelSky, source: FitsSky | LowLevelSky) -> bool:
    """Whether no rotation comes between two frames: they are equal, or one is not stated.

    What a header does not state is the other side's frame. An equinox of 2000 leaves ICRS and FK5
    open, no other.
    """
    if target.frame_key == source.frame_key:
        return True
    pair = (target, source)
    if any(sky.stated == UNSTATED for sky in pair) and all(sky.equatorial for sky in pair):
        return True
    return any(sky.stated != STATED for sky in pair) and all(sky.j2000 for sky in pair)


def warn_of_unknown_frames(target: FitsSky | LowLevelSky, source: FitsSky | LowLevelSky) -> None:
    """Say where it is not known whether two frames differ, and that they are taken for the same."""
    for role, sky, other in (("target", target, source), ("source", source, target)):
        if (
            sky.stated == UNKNOWN
            and sky.frame_key != other.frame_key
            and same_frame(target, source)
        ):
            #: ICRS and FK5 J2000 are 23 mas apart. An image HDU, or a file, has a header that
            #: tells.
            warn(
                "its WCS has equinox 2000, and does not tell whether its header states "
                "FK5: no rotation is made from or to ICRS (an image HDU or a file tells)",
                subject=f"the {role}",
            )


def convert_frame(
    lon: np.ndarray, lat: np.ndarray, target: FitsSky | LowLevelSky, source: FitsSky | LowLevelSky
) -> tuple[np.ndarray, np.ndarray]:
    """Express sky positions (degrees) of the target's frame in the source's frame."""
    if same_frame(target, source):
        return lon, lat
    from astropy.coordinates import SkyCoord, UnitSphericalRepresentation

    with quiet():
        there = SkyCoord(lon, lat, unit="deg", frame=target.frame).transform_to(source.frame)
    spherical = there.represent_as(UnitSphericalRepresentation)
    return spherical.lon.deg, spherical.lat.deg
