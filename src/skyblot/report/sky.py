"""The sky position of a chip's pixels, as a polynomial that a page evaluates."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev

#: Pixels to fit and to check, along each side; the latter are none of the former.
_FITTED = 41
_CHECKED = 67
_DEGREES = range(2, 12)
#: Good enough, pixels.
_GOAL = 1e-3
#: Worse is worth nothing.
_WORST = 0.3


@dataclass(frozen=True)
class SkyFit:
    """Chebyshev polynomials in x and y, each scaled to -1 ... 1, for the tangent plane's axes.

    Attributes
    ----------
    ra, dec : float
        Where the plane touches the sky, degrees.
    xi, eta : ndarray, shape (degree + 1, degree + 1)
        Coefficients, y before x; degrees.
    error : float
        Largest distance to the WCS at points between those that were fitted, pixels.
    frame : str
        Of the coordinates: ``"icrs"``.
    """

    ra: float
    dec: float
    xi: np.ndarray
    eta: np.ndarray
    error: float
    frame: str = ""

    @property
    def numbers(self) -> dict[str, Any]:
        """What a page is told."""
        return {
            "ra": self.ra,
            "dec": self.dec,
            "xi": [[float(f"{value:.12g}") for value in row] for row in self.xi],
            "eta": [[float(f"{value:.12g}") for value in row] for row in self.eta],
            "error": float(f"{self.error:.2g}"),
            "frame": self.frame,
        }


def fit_sky(wcs: Any, shape: tuple[int, int]) -> SkyFit | None:
    """Return polynomials for a WCS, of the least degree that is good to 0.001 pixel.

    Parameters
    ----------
    wcs : object with the low-level methods of APE 14, or None
    shape : tuple of int
        (ny, nx).

    Returns
    -------
    SkyFit or None
        None where there is no celestial WCS all over the chip, or the best is off by 0.3 pixel.
    """
    if wcs is None:
        return None
    grid = _places(_FITTED)
    found = _plane(wcs, shape, grid)
    if found is None:
        return None
    ra, dec, xi, eta = found
    between = _places(_CHECKED)
    truth = _plane(wcs, shape, between, (ra, dec))
    scale = _pixel_scale(wcs, shape)
    if truth is None or not np.isfinite([scale, *xi, *eta, *truth[2], *truth[3]]).all():
        return None
    best: SkyFit | None = None
    for degree in _DEGREES:
        fit = [_fitted(values, degree) for values in (xi, eta)]
        off = [chebyshev.chebval2d(between[1], between[0], c) for c in fit]
        distance = np.hypot(off[0] - truth[2], off[1] - truth[3]) / scale
        error = float(np.max(distance))
        if best is None or error < 0.9 * best.error:
            best = SkyFit(ra, dec, fit[0], fit[1], error, _frame_of(wcs))
        if best.error < _GOAL:
            break
    return best if best is not None and best.error < _WORST else None


def _places(count: int) -> tuple[np.ndarray, np.ndarray]:
    """x and y from -1 to 1, Chebyshev nodes, with the corners."""
    nodes = np.cos(np.pi * np.arange(count) / (count - 1))
    x, y = np.meshgrid(nodes, nodes)
    return x.ravel(), y.ravel()


def _plane(
    wcs: Any,
    shape: tuple[int, int],
    places: tuple[np.ndarray, np.ndarray],
    touching: tuple[float, float] | None = None,
) -> tuple[float, float, np.ndarray, np.ndarray] | None:
    """Where a plane touches the sky, and places on it; None where there is no such sky."""
    ny, nx = shape
    pixels = [0.5 * (1 + each) * (size - 1) for each, size in zip(places, (nx, ny), strict=True)]
    try:
        ra, dec = _sky(wcs, *pixels)
        touching = touching or tuple(  # type: ignore[assignment]
            float(each) for each in _sky(wcs, 0.5 * (nx - 1), 0.5 * (ny - 1))
        )
    except Exception:  # whatever a WCS of unknown kind says: the page does without
        return None
    assert touching is not None
    if not np.isfinite(touching).all():
        return None
    a, d = np.radians(ra - touching[0]), np.radians(dec)
    d0 = np.radians(touching[1])
    with np.errstate(invalid="ignore", divide="ignore"):
        below = np.sin(d0) * np.sin(d) + np.cos(d0) * np.cos(d) * np.cos(a)
        xi = np.cos(d) * np.sin(a) / below
        eta = (np.cos(d0) * np.sin(d) - np.sin(d0) * np.cos(d) * np.cos(a)) / below
    return (*touching, np.degrees(xi), np.degrees(eta))


def _sky(wcs: Any, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Longitude and latitude, degrees."""
    celestial = getattr(wcs, "wcs", None)
    if celestial is not None and not wcs.has_celestial:
        raise ValueError("no sky")
    values = wcs.pixel_to_world_values(x, y)
    types = list(wcs.world_axis_physical_types)
    lon = next(k for k, kind in enumerate(types) if kind and kind.endswith((".ra", ".lon")))
    lat = next(k for k, kind in enumerate(types) if kind and kind.endswith((".dec", ".lat")))
    return np.asarray(values[lon], float), np.asarray(values[lat], float)


def _frame_of(wcs: Any) -> str:
    kind = next((each for each in wcs.world_axis_physical_types if each), "")
    system = getattr(getattr(wcs, "wcs", None), "radesys", "") or ""
    return "" if ".eq." in kind and system in ("", "ICRS") else (system or kind.split(".")[1])


def _pixel_scale(wcs: Any, shape: tuple[int, int]) -> float:
    """Degrees per pixel in the middle."""
    y, x = (0.5 * (size - 1) for size in shape)
    ra, dec = _sky(wcs, np.array([x, x + 1, x]), np.array([y, y, y + 1]))
    east = (ra - ra[0]) * np.cos(np.radians(dec[0]))
    north = dec - dec[0]
    return float(np.sqrt(abs(east[1] * north[2] - east[2] * north[1])))


def _fitted(values: np.ndarray, degree: int) -> np.ndarray:
    """Coefficients of a polynomial through the nodes, least squares along y, then along x."""
    nodes = np.cos(np.pi * np.arange(_FITTED) / (_FITTED - 1))
    inverse = np.linalg.pinv(chebyshev.chebvander(nodes, degree))
    coefficients: np.ndarray = inverse @ values.reshape(_FITTED, _FITTED) @ inverse.T
    return coefficients
