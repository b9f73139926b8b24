"""What WCS objects of any kind say of themselves, and copies of FITS ones."""

from copy import deepcopy
from typing import Any

import numpy as np

from ..headers.wcs_facts import EQUINOX_2000, STATED, UNSTATED, with_statement

#: Where an `astropy.wcs.WCS` keeps its distortion.
DISTORTIONS = ("sip", "cpdis1", "cpdis2", "det2im1", "det2im2")


def plain_copy(wcs: Any) -> Any:
    """Return an independent `astropy.wcs.WCS` with the same transformation as a WCS or subclass."""
    from astropy.wcs import WCS

    copy = WCS(naxis=wcs.naxis)
    copy.wcs = deepcopy(wcs.wcs)
    for name in DISTORTIONS:
        setattr(copy, name, getattr(wcs, name))
    copy.pixel_shape = wcs.pixel_shape
    return with_statement(copy, frame_stated(wcs))


#: A WCS object that does not tell whether its header states FK5, or EQUINOX = 2000 alone.
UNKNOWN = "unknown"


def frame_stated(wcs: Any) -> str:
    """Return what is known of a FITS WCS: whether its frame was stated.

    The WCS library fills in what is missing, ICRS or the frame of the equinox, and does not tell:
    ICRS is taken for stated, FK5 J2000 may be no more than EQUINOX = 2000. The library gives a
    DATEREF to a WCS that was made without a header, and to one from a header that it wrote itself:
    both name their frame.
    """
    known = getattr(wcs, "skyblot_frame", None)
    if known is not None:
        return str(known)
    system = wcs.wcs.radesys.strip()
    equinox = wcs.wcs.equinox
    if system not in ("", "ICRS", "FK5") or not (np.isnan(equinox) or equinox == 2000):
        return STATED
    if not system:  # nothing has been filled in yet
        return UNSTATED if np.isnan(equinox) else EQUINOX_2000
    return STATED if system == "ICRS" or wcs.wcs.dateref.strip() else UNKNOWN


def unwrapped(wcs: Any) -> Any:
    """Return the low-level WCS behind a high-level one; any other as it is."""
    return getattr(wcs, "low_level_wcs", wcs)


def array_shape(wcs: Any) -> tuple[int, ...] | None:
    """Return the array shape that a WCS of any kind says it is for, (ny, nx), or None."""
    shape = getattr(unwrapped(wcs), "array_shape", None)
    return None if shape is None or None in tuple(shape) else tuple(int(size) for size in shape)


def image_shape(wcs: Any) -> tuple[int, int] | None:
    """Return the last two sizes, (ny, nx), of the array shape of a WCS of any kind, or None."""
    shape = array_shape(wcs)
    return None if shape is None or len(shape) < 2 else (shape[-2], shape[-1])


def is_fits_wcs(wcs: Any) -> bool:
    """Whether `wcs` is an `astropy.wcs.WCS` or a subclass of it."""
    from astropy.wcs import WCS

    return isinstance(wcs, WCS)
