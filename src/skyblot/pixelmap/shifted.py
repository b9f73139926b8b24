"""The WCS of an image whose pixels lie a little beside where its own WCS has them."""

from typing import Any

import numpy as np

from .wcs_objects import is_fits_wcs, plain_copy, unwrapped

_TABLES = ("cpdis1", "cpdis2", "det2im1", "det2im2")


def shifted(wcs: Any, shift: tuple[float, float]) -> Any:
    """Return a WCS in which everything lies farther by `shift` pixels, x and y.

    What another WCS has at pixel p, this one has at p + shift: distortion, too, moves along. A
    FITS WCS gives a FITS WCS; others a low-level WCS of APE 14.
    """
    if shift == (0.0, 0.0):
        return wcs
    low = unwrapped(wcs)
    return _fits(low, np.array(shift)) if is_fits_wcs(low) else ShiftedWCS(low, shift)


def _fits(wcs: Any, shift: np.ndarray) -> Any:
    from astropy.wcs import DistortionLookupTable, Sip

    copy = plain_copy(wcs)
    copy.wcs.crpix = copy.wcs.crpix + shift
    if wcs.sip is not None:
        sip = wcs.sip
        copy.sip = Sip(sip.a, sip.b, sip.ap, sip.bp, sip.crpix + shift)
    for name in _TABLES:
        table = getattr(wcs, name)
        if table is not None:
            moved = tuple(float(v) for v in np.array(table.crval) + shift)
            setattr(copy, name, DistortionLookupTable(table.data, table.crpix, moved, table.cdelt))
    return copy


class ShiftedWCS:
    """A low-level WCS that is another one, with pixels that lie farther by a shift."""

    def __init__(self, wcs: Any, shift: tuple[float, float]) -> None:
        self._wcs = wcs
        self._shift = shift

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # while it is unpickled there is nothing to ask
            raise AttributeError(name)
        return getattr(self._wcs, name)

    @property
    def pixel_bounds(self) -> Any:
        """Where it is defined: that of the other, moved."""
        bounds = self._wcs.pixel_bounds
        if bounds is None:
            return None
        return tuple(
            None if ends is None else (ends[0] + move, ends[1] + move)
            for ends, move in zip(bounds, self._shift, strict=True)
        )

    def pixel_to_world_values(self, x: Any, y: Any) -> Any:
        """Return the world coordinates of pixels."""
        return self._wcs.pixel_to_world_values(
            np.subtract(x, self._shift[0]), np.subtract(y, self._shift[1])
        )

    def world_to_pixel_values(self, *world: Any) -> Any:
        """Return the pixels of world coordinates."""
        x, y = self._wcs.world_to_pixel_values(*world)
        return np.add(x, self._shift[0]), np.add(y, self._shift[1])
