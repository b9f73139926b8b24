"""The common grid of exposures: the undistorted pixels of a mosaic that covers them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import DataError, ParameterError
from ..headers.wcs_facts import STATED, with_statement
from .grid_wishes import Wishes, wishes_of
from .outlines import Outline, axes_at, direction, outlines_of

#: A grid has at most so many pixels.
LARGEST = 1 << 31
#: Of a grid with more pixels than this, exposures that lie apart cover a part of at least ...
_SMALL = 1 << 26
_LEAST_COVERED = 1e-3
#: Exposures that lie farther apart than so many times their half diagonals are not neighbours.
_NEIGHBOURS = 3.0
#: Nothing lies farther from the tangent point, in degrees.
_WIDEST = 80.0
#: What reaches less than this into a pixel, in pixels, asks for no pixel more: it may be rounding.
_SLIVER = 1e-3
#: Steps of what is chosen here. Rounded values don't depend on the order of sums, and read well in
#: a header.
_POSITION_STEP = 1e-6  # degrees
_ROLL_STEP = 1e-4  # degrees
_SCALE_DIGITS = 6
#: Halves are common in what people write down. What is rounded changes at this fraction, which is
#: not.
_ROUNDED_UP_FROM = 0.4863
#: The tangent point is the pole where it would be as near, in degrees.
_AT_POLE = 1e-4
#: Where the mean of so many unit vectors is shorter, rolls have no mean.
_NO_MEAN = 0.01


@dataclass(frozen=True)
class _Plane:
    """A tangent plane with the axes of the grid, in pixels from the tangent point.

    Attributes
    ----------
    lon, lat : float
        The tangent point, degrees.
    scale : float
        Arcsec a pixel.
    roll : float
        Position angle of the y axis, degrees.
    """

    lon: float
    lat: float
    scale: float
    roll: float

    @property
    def matrix(self) -> np.ndarray:
        """CD, degrees per pixel; with north up, east is to the left."""
        angle = math.radians(self.roll)
        axes = np.array([[-math.cos(angle), math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        return axes * (self.scale / 3600)

    def pixels(self, vectors: np.ndarray) -> np.ndarray:
        """Pixels, (n, 2), of unit vectors, (n, 3); NaN far from the tangent point."""
        east, north, normal = axes_at(self.lon, self.lat)
        depth = vectors @ normal
        depth = np.where(depth > math.cos(math.radians(_WIDEST)), depth, np.nan)
        plane = np.degrees(np.stack([vectors @ east, vectors @ north], axis=1) / depth[:, None])
        return plane @ np.linalg.inv(self.matrix).T

    def sky(self, x: float, y: float) -> tuple[float, float]:
        """Longitude and latitude of a pixel, degrees."""
        east, north, normal = axes_at(self.lon, self.lat)
        across, up = np.radians(self.matrix @ [x, y])
        return direction(normal + across * east + up * north)


@dataclass(frozen=True)
class _Box:
    """Pixels of a plane, both ends included."""

    x0: int
    x1: int
    y0: int
    y1: int

    @property
    def size(self) -> tuple[int, int]:
        """How many, (nx, ny)."""
        return self.x1 - self.x0 + 1, self.y1 - self.y0 + 1


def common_wcs(
    exposures: Sequence[tuple[Any, tuple[int, int]]],
    *,
    scale: float | None = None,
    rotation: float | None = None,
    size: tuple[int, int] | None = None,
    centre: Any = None,
    names: Sequence[str] | None = None,
) -> Any:
    """Return the undistorted grid that covers exposures.

    Parameters
    ----------
    exposures : sequence of (WCS, (ny, nx))
        The WCS of each chip, an `astropy.wcs.WCS`, a `gwcs.WCS` or an APE 14 WCS, and its shape.
        None is changed.
    scale : float, optional
        Pixel scale, arcsec. By default the median of that of the chips: the square root of the area
        of the pixel in the middle, with all distortion, to 6 digits.
    rotation : float, optional
        Position angle of the y axis, north through east, degrees; 0 has north up. By default the
        mean of the chips', each in the middle, and 0 where they have no mean as they cancel each
        other.
    size : (int, int), optional
        Width and height in pixels, (nx, ny). By default all exposures are covered.
    centre : (float, float), str or SkyCoord, optional
        What is in the middle of the grid: right ascension and declination in degrees, in the grid's
        frame, or whatever `astropy.coordinates.SkyCoord` reads. By default the middle of the
        exposures.
    names : sequence of str, optional
        What the exposures are called in messages.

    Returns
    -------
    astropy.wcs.WCS
        TAN, with ``array_shape``, square pixels and east to the left of north, whatever the parity
        of the detectors. Its frame is that of the exposures, ICRS or FK5, if all that state one
        agree; else ICRS. It does not depend on the order of the exposures.

    Raises
    ------
    ParameterError
        For a value that is not allowed.
    WCSError
        If an exposure's WCS cannot be used.
    DataError
        If exposures lie so far apart that the grid would be empty or without bounds, or none lies
        on it.
    """
    wishes = wishes_of(scale, rotation, size, centre)
    if not exposures:
        raise ParameterError("is empty, expected one exposure at least", subject="exposures")
    outlines, frame = outlines_of(exposures, names)
    plane = _plane_of(outlines, wishes, frame)
    if wishes.size is not None:
        crpix = tuple((count + 1) / 2 for count in wishes.size)
        _check_size(wishes.size)
        _check_any(outlines, plane, wishes.size)
        return _written(plane, crpix, wishes.size, frame)
    box = _box(outlines, plane)
    if wishes.centre is not None:
        half_x = max(-box.x0, box.x1)
        half_y = max(-box.y0, box.y1)
        box = _Box(-half_x, half_x, -half_y, half_y)
    _check_box(outlines, box.size, plane)
    return _written(plane, (1.0 - box.x0, 1.0 - box.y0), box.size, frame)


def _plane_of(outlines: Sequence[Outline], wishes: Wishes, frame: Any) -> _Plane:
    """The grid's axes: what is wished for, and for the rest what the exposures have."""
    scale = wishes.scale or _digits(float(np.median([each.scale for each in outlines])))
    if wishes.centre is not None:
        lon, lat = wishes.position(frame)
        return _Plane(lon, lat, scale, _roll(outlines, lon, lat, wishes.rotation))
    total = np.sum([each.middle for each in outlines], axis=0)
    lon, lat = _nice_position(
        *direction(total if np.linalg.norm(total) > 1e-3 else outlines[0].middle)
    )
    first = _Plane(lon, lat, scale, _roll(outlines, lon, lat, wishes.rotation))
    low, high = _span(outlines, first)
    lon, lat = _nice_position(*first.sky(*(low + high) / 2))
    return _Plane(lon, lat, scale, _roll(outlines, lon, lat, wishes.rotation))


def _roll(outlines: Sequence[Outline], lon: float, lat: float, wish: float | None) -> float:
    """The wish, else the mean direction of the detectors' y axes in the tangent plane.

    Position angles would mean nothing near a pole.
    """
    if wish is not None:
        return wish
    plane = _Plane(lon, lat, 3600.0, 0.0)  # x to the west, y to the north
    ends = np.stack([plane.pixels(each.y_axis) for each in outlines])
    along = ends[:, 1] - ends[:, 0]
    along = along[np.isfinite(along).all(axis=1)]
    mean = (along / np.hypot(*along.T)[:, None]).mean(axis=0) if len(along) else np.zeros(2)
    if math.hypot(*mean) < _NO_MEAN:
        return 0.0
    return _rounded(math.degrees(math.atan2(-mean[0], mean[1])), _ROLL_STEP) % 360


def _rounded(value: float, step: float) -> float:
    digits = max(0, round(-math.log10(step)))
    return round(math.floor(value / step + 1 - _ROUNDED_UP_FROM) * step, digits)


def _digits(value: float) -> float:
    """A number of so many digits."""
    return _rounded(value, 10.0 ** (math.floor(math.log10(value)) + 1 - _SCALE_DIGITS))


def _nice_position(lon: float, lat: float) -> tuple[float, float]:
    """A tangent point near by whose numbers are short; the pole itself where it is near."""
    if 90 - abs(lat) < _AT_POLE:
        return 0.0, math.copysign(90.0, lat)
    step = 10.0 ** round(math.log10(_POSITION_STEP / math.cos(math.radians(lat))))
    return _rounded(lon, step) % 360, _rounded(lat, _POSITION_STEP)


def _span(outlines: Sequence[Outline], plane: _Plane) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest pixel positions, (x, y), of all outlines."""
    low = np.full(2, np.inf)
    high = np.full(2, -np.inf)
    for each in outlines:
        pixels = plane.pixels(each.border)
        if not np.isfinite(pixels).all():
            raise DataError(
                f"lies more than {_WIDEST:.0f} degrees from the middle of the exposures, which no "
                "tangent plane holds: leave it out, or give a size and a centre (--size, --centre)",
                subject=each.name,
            )
        low = np.minimum(low, pixels.min(axis=0))
        high = np.maximum(high, pixels.max(axis=0))
    return low, high


def _box(outlines: Sequence[Outline], plane: _Plane) -> _Box:
    """The pixels that the outlines touch; the tangent point is the middle of a pixel."""
    low, high = _span(outlines, plane)
    x0, y0 = np.floor(low + 0.5 + _SLIVER).astype(int)
    x1, y1 = np.ceil(high - 0.5 - _SLIVER).astype(int)
    return _Box(int(x0), max(int(x0), int(x1)), int(y0), max(int(y0), int(y1)))


def _check_size(size: tuple[int, int]) -> None:
    if math.prod(size) > LARGEST:
        nx, ny = size
        raise ParameterError(
            f"is {nx} x {ny} pixels, expected at most {LARGEST} in all", subject="size"
        )


def _check_any(outlines: Sequence[Outline], plane: _Plane, size: tuple[int, int]) -> None:
    """Refuse a grid that no exposure lies on."""
    half = np.array(size) / 2
    for each in outlines:
        pixels = plane.pixels(each.border)
        pixels = pixels[np.isfinite(pixels).all(axis=1)]
        if len(pixels) and (pixels.min(axis=0) < half).all() and (pixels.max(axis=0) > -half).all():
            return
    nx, ny = size
    raise DataError(
        f"{nx} x {ny} pixels of {plane.scale:g} arcsec around {plane.lon:.6g} {plane.lat:+.6g} "
        "degrees have no exposure on them: expected a size and a centre (--size, --centre) on some",
        subject="the grid",
    )


def _check_box(outlines: Sequence[Outline], size: tuple[int, int], plane: _Plane) -> None:
    """Refuse a grid without bounds, or one that is nearly empty.

    Then an exposure of another field is among the others, most often.
    """
    nx, ny = size
    pixels = nx * ny
    covered = sum(each.pixels * (each.scale / plane.scale) ** 2 for each in outlines)
    if pixels <= LARGEST and (pixels <= _SMALL or covered >= _LEAST_COVERED * pixels):
        return
    far = _far_off(outlines)
    if far is not None:
        outline, degrees = far
        raise DataError(
            f"lies {degrees:.3g} degrees from the other exposures, and a grid for all would have "
            f"{nx} x {ny} pixels: leave it out, or give a size and a centre (--size, --centre)",
            subject=outline.name,
        )
    if pixels > LARGEST:
        raise DataError(
            f"would have {nx} x {ny} pixels, expected at most {LARGEST} in all: give a larger "
            "scale, or a size and a centre (--scale, --size, --centre)",
            subject="the grid",
        )


def _far_off(outlines: Sequence[Outline]) -> tuple[Outline, float] | None:
    """An exposure of the smallest group that is apart, and how far it is; None if none is."""
    middles = np.array([each.middle for each in outlines])
    reach = np.array([each.reach for each in outlines])
    apart = np.degrees(
        2 * np.arcsin(np.clip(np.linalg.norm(middles[:, None] - middles, axis=2) / 2, 0, 1))
    )
    from scipy.sparse.csgraph import connected_components

    count, labels = connected_components(apart < _NEIGHBOURS * (reach[:, None] + reach))
    if count == 1:
        return None
    members = np.bincount(labels)
    few = labels == count - 1 - int(np.argmin(members[::-1]))
    place = int(np.argmax(few))
    return outlines[place], float(apart[place][~few].min())


def _written(plane: _Plane, crpix: Sequence[float], size: tuple[int, int], frame: Any) -> Any:
    """The WCS of a grid."""
    from astropy.wcs import WCS

    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.cunit = ["deg", "deg"]
    wcs.wcs.crval = [plane.lon, plane.lat]
    wcs.wcs.crpix = crpix
    wcs.wcs.cd = plane.matrix
    wcs.wcs.lonpole = 180.0  # which is the default everywhere but at the pole
    wcs.wcs.radesys = frame.wcs.wcs.radesys
    wcs.wcs.equinox = frame.wcs.wcs.equinox
    wcs.wcs.set()
    wcs.pixel_shape = size
    return with_statement(wcs, STATED)
