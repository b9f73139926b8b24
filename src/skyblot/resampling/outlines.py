"""Where exposures lie on the sky: their outlines with all distortion, in one celestial frame."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import WCSError
from ..headers.wcs_facts import STATED, with_statement
from ..pixelmap.sky import FitsSky, LowLevelSky, convert_frame, sky_of

#: Positions along each edge of an exposure, and along each axis where edges have no place on the
#: sky.
_EDGE = 65
#: The scale and the roll of a pixel are those over so many pixels, each way.
_STEP = 16.0
#: How `sky_of` calls what it is given.
_ROLE = "exposure"

AnySky = FitsSky | LowLevelSky


@dataclass(frozen=True)
class Outline:
    """A chip on the sky.

    Attributes
    ----------
    name : str
    border : ndarray, shape (n, 3)
        Unit vectors around its outer pixels, their outer edges.
    middle : ndarray, shape (3,)
        Unit vector.
    y_axis : ndarray, shape (2, 3)
        Where its y axis leads from and to, in the middle.
    scale : float
        Pixel scale in the middle, arcsec.
    pixels : int
        How many it has.
    """

    name: str
    border: np.ndarray
    middle: np.ndarray
    y_axis: np.ndarray
    scale: float
    pixels: int

    @property
    def reach(self) -> float:
        """How far its border is from its middle, at most, degrees."""
        chord = float(np.linalg.norm(self.border - self.middle, axis=1).max())
        return math.degrees(2 * math.asin(min(1.0, chord / 2)))


def outlines_of(
    exposures: Sequence[tuple[Any, tuple[int, int]]], names: Sequence[str] | None = None
) -> tuple[list[Outline], FitsSky]:
    """Return the outlines of chips in the frame of their common grid, and that frame.

    Parameters
    ----------
    exposures : sequence of (WCS, (ny, nx))
    names : sequence of str, optional
        For messages.

    Raises
    ------
    WCSError
        If a WCS is no celestial one, or has no position on the sky.
    """
    names = [f"exposures[{k}]" for k in range(len(exposures))] if names is None else names
    skies: list[AnySky] = []
    kinds = []
    for (wcs, _), name in zip(exposures, names, strict=True):
        with _named(name):
            skies.append(sky_of(wcs, _ROLE))
            kinds.append(_kind(skies[-1]))
    frame = _common_frame(skies, kinds)
    shapes = [shape for _, shape in exposures]
    outlines = []
    for sky, shape, name in zip(skies, shapes, names, strict=True):
        with _named(name):
            outlines.append(_outline(sky, shape, name, frame))
    return outlines, frame


@contextmanager
def _named(name: str) -> Iterator[None]:
    """Let errors about "the exposure" say which it is."""
    try:
        yield
    except WCSError as error:
        if error.subject in (f"the {_ROLE}", f"the {_ROLE}'s WCS"):
            error.subject = name
        raise


def _kind(sky: AnySky) -> tuple[str, float] | None:
    """The frame of a WCS if a grid may have it: ICRS, or FK5 with its equinox."""
    frame = sky.frame
    if not sky.equatorial or frame.name not in ("icrs", "fk5"):
        return None
    return ("ICRS", math.nan) if frame.name == "icrs" else ("FK5", float(frame.equinox.jyear))


def _common_frame(skies: Sequence[AnySky], kinds: Sequence[tuple[str, float] | None]) -> FitsSky:
    """The frame on which all agree that state one, or all if none does; else ICRS."""
    stated = [kind for sky, kind in zip(skies, kinds, strict=True) if sky.stated == STATED]
    wanted = {str(kind): kind for kind in stated or kinds}
    agreed = next(iter(wanted.values())) if len(wanted) == 1 else None
    return grid_sky(*(agreed or ("ICRS", math.nan)))


def grid_sky(radesys: str = "ICRS", equinox: float = math.nan) -> FitsSky:
    """Return a WCS that has no more than a frame, ICRS or FK5."""
    from astropy.wcs import WCS

    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.radesys = radesys
    wcs.wcs.equinox = equinox
    return FitsSky(with_statement(wcs, STATED), "grid")


def _outline(sky: AnySky, shape: tuple[int, int], name: str, frame: FitsSky) -> Outline:
    (x0, x1), (y0, y1) = _limits(sky, shape)
    x = (x0 + x1) / 2
    y = (y0 + y1) / 2
    step = min(_STEP, (x1 - x0) / 4, (y1 - y0) / 4)
    steps = np.array([[0, 0], [-1, 0], [1, 0], [0, -1], [0, 1]])
    cross = np.array([x, y]) + step * steps
    points = _vectors(sky, cross, frame)
    if not np.isfinite(points).all():
        raise WCSError(
            f"its WCS has no sky position around the middle, ({x:g}, {y:g})", subject=name
        )
    across = (points[2] - points[1]) / (2 * step)
    up = (points[4] - points[3]) / (2 * step)
    area = abs(float(np.dot(np.cross(across, up), points[0])))
    if not area > 0:
        raise WCSError(
            f"its WCS is singular: pixels around the middle, ({x:g}, {y:g}), have no area",
            subject=name,
        )
    border = _vectors(sky, _border((x0, x1), (y0, y1)), frame)
    if not np.isfinite(border).all():  # a part of it is beyond a horizon
        border = _vectors(sky, _lattice((x0, x1), (y0, y1)), frame)
        border = border[np.isfinite(border).all(axis=1)]
    scale = 3600 * math.degrees(math.sqrt(area))
    return Outline(name, border, points[0], points[3:5], scale, math.prod(shape))


def _limits(sky: AnySky, shape: tuple[int, int]) -> list[tuple[float, float]]:
    """The outer edges of the pixels in x and y, inside of the WCS' own bounds if it has some."""
    whole = [(-0.5, size - 0.5) for size in shape[::-1]]
    bounds = getattr(sky.wcs, "pixel_bounds", None)
    if bounds is None:
        return whole
    inner = [
        own if axis is None else tuple(map(float, axis))
        for own, axis in zip(whole, bounds, strict=True)
    ]
    cut = [(max(a[0], b[0]), min(a[1], b[1])) for a, b in zip(whole, inner, strict=True)]
    return cut if all(low < high for low, high in cut) else whole


def _border(x: tuple[float, float], y: tuple[float, float]) -> np.ndarray:
    """Positions along the four edges, (n, 2)."""
    along = np.linspace(*x, _EDGE)
    up = np.linspace(*y, _EDGE)
    edges = [(along, np.full(_EDGE, end)) for end in y] + [(np.full(_EDGE, end), up) for end in x]
    return np.concatenate([np.stack(edge, axis=1) for edge in edges])


def _lattice(x: tuple[float, float], y: tuple[float, float]) -> np.ndarray:
    """Positions all over an image, (n, 2)."""
    return np.stack(np.meshgrid(np.linspace(*x, _EDGE), np.linspace(*y, _EDGE)), axis=-1).reshape(
        -1, 2
    )


def _vectors(sky: AnySky, positions: np.ndarray, frame: FitsSky) -> np.ndarray:
    """Unit vectors, (n, 3), of pixel positions, (n, 2), in a frame."""
    lon, lat = np.radians(convert_frame(*sky.to_sky(*positions.T), sky, frame))
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


def direction(vector: np.ndarray) -> tuple[float, float]:
    """Longitude and latitude of a vector, degrees."""
    x, y, z = map(float, vector)
    return math.degrees(math.atan2(y, x)) % 360, math.degrees(math.atan2(z, math.hypot(x, y)))


def axes_at(lon: float, lat: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """East, north, and the point itself, unit vectors, of a longitude and latitude in degrees."""
    a = math.radians(lon)
    b = math.radians(lat)
    east = np.array([-math.sin(a), math.cos(a), 0.0])
    normal = np.array([math.cos(b) * math.cos(a), math.cos(b) * math.sin(a), math.sin(b)])
    return east, np.cross(normal, east), normal
