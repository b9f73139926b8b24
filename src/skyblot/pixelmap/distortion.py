"""The distortion of a FITS WCS as numbers: D2IM, then SIP and CPDIS."""

from typing import Any, NamedTuple

import numpy as np


class Distortion(NamedTuple):
    """What takes a pixel p (1-based) to ``q + SIP(q - centre) + CPDIS(q)``, ``q = p + D2IM(p)``.

    Attributes
    ----------
    d2im, cpdis : tuple of ndarray, float64, 2-D
        The tables for x and for y; empty where there is none.
    places : ndarray, float64, shape (4, 6)
        Of each table ``(crpix1, crpix2, crval1, crval2, 1/cdelt1, 1/cdelt2)``, D2IM first.
    centre : ndarray, float64, shape (2,)
        Reference pixel of SIP.
    a, b : ndarray, float64, shape (order + 1, order + 1)
        Coefficients of SIP; order 0 and zero without it.
    """

    d2im: tuple[np.ndarray, np.ndarray]
    cpdis: tuple[np.ndarray, np.ndarray]
    places: np.ndarray
    centre: np.ndarray
    a: np.ndarray
    b: np.ndarray


def distortion_of(wcs: Any) -> Distortion:
    """Return the distortion of an `astropy.wcs.WCS`."""
    tables = [_table(getattr(wcs, name)) for name in ("det2im1", "det2im2", "cpdis1", "cpdis2")]
    places = np.array([place for _, place in tables])
    d2im = (tables[0][0], tables[1][0])
    cpdis = (tables[2][0], tables[3][0])
    return Distortion(d2im, cpdis, places, *_sip_terms(wcs.sip))


def _table(lookup: Any) -> tuple[np.ndarray, list[float]]:
    """A distortion table as float64, and its place.

    It has at least 2 x 2 nodes; an empty one means that there is none.
    """
    if lookup is None:
        return np.empty((0, 0)), [1.0] * 6
    data = np.array(lookup.data, dtype=float)
    data = np.pad(data, [(0, max(0, 2 - size)) for size in data.shape], mode="edge")
    crpix1, crpix2 = lookup.crpix
    crval1, crval2 = lookup.crval
    cdelt1, cdelt2 = lookup.cdelt
    return data, [crpix1, crpix2, crval1, crval2, 1 / cdelt1, 1 / cdelt2]


def _sip_terms(sip: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reference pixel and square coefficient arrays of one common order.

    Order 0 and zero without SIP.
    """
    if sip is None or (sip.a is None and sip.b is None):
        return np.zeros(2), np.zeros((1, 1)), np.zeros((1, 1))
    none = np.zeros((1, 1))
    both = [none if terms is None else np.array(terms, dtype=float) for terms in (sip.a, sip.b)]
    size = max(len(terms) for terms in both)
    a, b = (np.pad(terms, (0, size - len(terms))) for terms in both)
    return np.array(sip.crpix, dtype=float), a, b
