"""What skyblot understands of the WCS of an image, and the pixel maps that it will have."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import WCSError, reason_of
from ..headers.wcs_facts import STATED
from ..io.image import Image
from ..parameters.table import Parameters
from ..pixelmap import RowMap, plan_map
from ..pixelmap.linear import pixel_scale, touching_tangent
from ..pixelmap.sky import sky_of
from ..pixelmap.types import ADAPTIVE
from ..pixelmap.wcs_objects import is_fits_wcs, unwrapped
from ..resampling.target import say_if_undistorted

#: Distortions of FITS WCS that are in the name of the projection.
_POLYNOMIALS = ("TPV", "TNX", "ZPX", "TPD")


@dataclass(frozen=True)
class MapInfo:
    """How a pixel map will be made.

    Attributes
    ----------
    way : str
        ``"closed form"``, ``"adaptive map"``, ``"exact at every pixel"`` (by the WCS library), or
        empty: none.
    error_pixels : float or None
        What it differs from the WCS library by, at most, source pixels.
    problem : str
        Why there is none.
    """

    way: str = ""
    error_pixels: float | None = None
    problem: str = ""


@dataclass(frozen=True)
class WCSInfo:
    """The WCS of an image.

    Attributes
    ----------
    kind : str
        ``"FITS"``, ``"gwcs"``, or the name of another class.
    projection : str
        Code of the projection, ``"TAN"`` for example; empty for a gwcs.
    frame : str
        Celestial frame, ``"ICRS"`` for example; ``"ICRS assumed"`` where the header states none.
    scale_arcsec : float
        Pixel scale without distortion.
    centre_deg : (float, float)
        Longitude and latitude of the middle of the image.
    orientation_deg : float
        Position angle of the y axis there, north through east, 0 to 360.
    distortion : tuple of str
        What a FITS WCS has beside linear terms and projection; that of a gwcs is its own.
    bounding_box : tuple or None
        ((xmin, xmax), (ymin, ymax)) where a gwcs is defined.
    header_offset : float or None
        How far the WCS in the header of a JWST image is from its gwcs, which is used: the median,
        in pixels.
    map_onto, map_from : MapInfo
        Of a blot of an undistorted TAN mosaic onto this image; and of this image onto such a
        mosaic.
    """

    kind: str
    projection: str
    frame: str
    scale_arcsec: float
    centre_deg: tuple[float, float]
    orientation_deg: float
    distortion: tuple[str, ...]
    bounding_box: tuple[tuple[float, float], tuple[float, float]] | None
    map_onto: MapInfo
    map_from: MapInfo
    header_offset: float | None = None


def wcs_info(image: Image) -> tuple[WCSInfo | None, str]:
    """Return what is understood of the WCS of an image, or None and why there is none."""
    try:
        wcs = image.wcs()
        say_if_undistorted(image, wcs)
        return _described(image, wcs), ""
    except WCSError as error:
        return None, reason_of(error)
    except Exception as error:  # WCS libraries raise anything
        return None, f"{image.name}: its WCS cannot be evaluated: {reason_of(error)}"


def _described(image: Image, wcs: Any) -> WCSInfo:
    from astropy.coordinates import position_angle

    sky = sky_of(wcs, "target")
    low_level = unwrapped(wcs)
    fits = is_fits_wcs(low_level)
    x = (image.shape[1] - 1) / 2
    y = (image.shape[0] - 1) / 2
    lon, lat = sky.to_sky(np.array([x, x]), np.array([y - 0.5, y + 0.5]))
    centre = sky.to_sky(np.array([x]), np.array([y]))
    angle = position_angle(*np.radians([lon[0], lat[0], lon[1], lat[1]])).to_value("deg") % 360
    onto, back = _maps(wcs, image.shape)
    offset = None if fits else image.header_offset(wcs)
    return WCSInfo(
        kind="FITS"
        if fits
        else "gwcs"
        if type(low_level).__module__.startswith("gwcs")
        else type(low_level).__name__,
        projection=str(sky.wcs.wcs.ctype[sky.lon])[5:8] if fits else "",
        frame=sky.frame.name.upper()
        + ("" if sky.stated == STATED or not sky.equatorial else " assumed"),
        scale_arcsec=pixel_scale(wcs),
        centre_deg=(float(centre[0][0]), float(centre[1][0])),
        orientation_deg=float(angle),
        distortion=_distortion(image, low_level, onto) if fits else (),
        bounding_box=_bounds(low_level),
        map_onto=onto,
        map_from=back,
        header_offset=offset,
    )


def _distortion(image: Any, wcs: Any, onto: MapInfo) -> tuple[str, ...]:
    """What a FITS WCS has beside its linear terms and its projection."""
    code = str(image.header.get("CTYPE1", ""))[5:8]
    distortions = [code] if code in _POLYNOMIALS else []
    if wcs.sip is not None:
        distortions.append(
            f"SIP of order {max(order or 0 for order in (wcs.sip.a_order, wcs.sip.b_order))}"
        )
    for word, names in (("CPDIS", ("cpdis1", "cpdis2")), ("D2IM", ("det2im1", "det2im2"))):
        sizes = {
            np.shape(table.data) for name in names if (table := getattr(wcs, name)) is not None
        }
        distortions += [f"{word} {ny} x {nx}" for ny, nx in sorted(sizes)]
    if not distortions and str(wcs.wcs.ctype[0]).endswith("-TAN") and onto.way == ADAPTIVE:
        # wcslib makes TAN with a distortion of SCAMP's PV and of the plates of DSS
        distortions.append("polynomials")
    return tuple(distortions)


def _bounds(wcs: Any) -> Any:
    """The bounding box in pixels, None where there is none."""
    bounds = getattr(wcs, "pixel_bounds", None)
    if bounds is None or any(axis is None for axis in bounds):
        return None
    return tuple((float(low), float(high)) for low, high in bounds)


def _maps(wcs: Any, shape: tuple[int, int]) -> tuple[MapInfo, MapInfo]:
    """The maps of blots from and onto an undistorted TAN image in the same place."""
    tangent = touching_tangent(wcs)
    return _map_info(wcs, tangent, shape), _map_info(tangent, wcs, shape)


def _map_info(target: Any, source: Any, shape: tuple[int, int]) -> MapInfo:
    try:
        return map_info_of(plan_map(target, source, shape, None, Parameters().tolerance))
    except Exception as error:  # WCS libraries raise anything
        return MapInfo(problem=reason_of(error))


def map_info_of(rows: RowMap) -> MapInfo:
    """Return what a map says of itself."""
    return MapInfo(rows.way.name, rows.way.error_pixels)
