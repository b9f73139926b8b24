"""What a user may want of a common grid, checked."""

import math
import operator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import not_allowed, quiet
from ..pixelmap.sky import FitsSky


@dataclass(frozen=True)
class Wishes:
    """What is wanted; None for what is open.

    Attributes
    ----------
    scale : float
        Arcsec a pixel.
    rotation : float
        Position angle of the y axis, degrees.
    size : (int, int)
        (nx, ny).
    centre : (float, float), str or SkyCoord
        Degrees, or what astropy reads.
    """

    scale: float | None
    rotation: float | None
    size: tuple[int, int] | None
    centre: Any

    def position(self, frame: FitsSky) -> tuple[float, float]:
        """Return longitude and latitude of the centre in a frame, degrees."""
        if isinstance(self.centre, tuple):
            return self.centre[0] % 360, self.centre[1]
        from astropy.coordinates import SkyCoord

        centre = self.centre
        with quiet():
            if isinstance(centre, str):
                centre = SkyCoord(centre, unit=("hourangle", "deg"), frame=frame.frame)
            there = centre.transform_to(frame.frame)
        return float(there.ra.deg), float(there.dec.deg)


def wishes_of(scale: Any, rotation: Any, size: Any, centre: Any) -> Wishes:
    """Check what is wanted of a grid; a `ParameterError` for what is not allowed."""
    if scale is not None and not _number(scale) > 0:
        raise not_allowed("scale", scale, "arcsec a pixel, a number above 0")
    if rotation is not None and not math.isfinite(_number(rotation)):
        raise not_allowed("rotation", rotation, "degrees, a number")
    return Wishes(
        None if scale is None else _number(scale),
        None if rotation is None else _number(rotation) % 360,
        None if size is None else _checked_size(size),
        None if centre is None else _checked_centre(centre),
    )


def _number(value: Any) -> float:
    """A finite number, NaN for what is none."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return math.nan
    return number if math.isfinite(number) and not isinstance(value, bool) else math.nan


def _checked_size(size: Any) -> tuple[int, int]:
    try:
        nx, ny = (operator.index(count) for count in size)
    except (TypeError, ValueError):
        nx = ny = 0
    if min(nx, ny) < 1:
        raise not_allowed(
            "size", size, "width and height in pixels, (nx, ny), two whole numbers of at least 1"
        )
    return nx, ny


def _checked_centre(centre: Any) -> Any:
    """A pair of degrees, a text or a SkyCoord that can be read."""
    allowed = "right ascension and declination, in degrees or as '03:32:28.8 -27:47:28'"
    pair = centre.replace(",", " ").split() if isinstance(centre, str) else centre
    if isinstance(pair, tuple | list | np.ndarray) and len(pair) == 2:
        numbers = tuple(map(_number, pair))
        if all(map(math.isfinite, numbers)):
            if abs(numbers[1]) > 90:
                raise not_allowed("centre", centre, f"{allowed}: a declination of -90 to 90")
            return numbers
    from astropy.coordinates import SkyCoord

    try:
        read = SkyCoord(centre, unit=("hourangle", "deg")) if isinstance(centre, str) else centre
        if (
            isinstance(read, SkyCoord)
            and read.isscalar
            and np.isfinite(read.icrs.ra.deg + read.icrs.dec.deg)
        ):
            return centre
    except Exception:  # what astropy raises on a text that it cannot read
        pass
    raise not_allowed("centre", centre, allowed)
