"""What a mask flags, object by object: for a page to step through, and for ds9."""

import zlib
from base64 import b64encode
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

#: The strongest are listed.
MOST = 20_000
_LARGEST = 32767
_TOUCHING = np.ones((3, 3), bool)


@dataclass(frozen=True)
class Objects:
    """Groups of flagged pixels that touch, the largest residual first.

    Attributes
    ----------
    count : int
        Of all; the arrays have the strongest 20 000.
    x, y : ndarray of uint16
        The pixel with the largest residual, counted from 0.
    radius : ndarray of uint8
        Of a circle around it that holds the object, pixels.
    peak : ndarray of float32
        That residual, sigma; 0 where it is not known.
    """

    count: int
    x: np.ndarray
    y: np.ndarray
    radius: np.ndarray
    peak: np.ndarray

    @property
    def text(self) -> str:
        """All arrays, one after the other, in base 64: 7 bytes an object.

        Peaks are in tenths of sigma.
        """
        tenths = np.clip(np.rint(10 * self.peak), -_LARGEST, _LARGEST)
        parts = (self.x, self.y, tenths, self.radius)
        kinds = ("<u2", "<u2", "<i2", "u1")
        joined = b"".join(
            part.astype(kind).tobytes() for part, kind in zip(parts, kinds, strict=True)
        )
        return b64encode(joined).decode()


def objects_of(mask: np.ndarray, residual: np.ndarray) -> Objects:
    """Return the objects of a mask; pixels that touch at a corner are one's."""
    labels, count = ndimage.label(mask, _TOUCHING)
    rows, columns = np.nonzero(mask)
    found = np.nan_to_num(residual[rows, columns].astype(np.float32), posinf=1e30, neginf=-1e30)
    order = np.lexsort((-np.abs(found), labels[rows, columns]))
    label, x, y, value = (each[order] for each in (labels[rows, columns], columns, rows, found))
    first = np.flatnonzero(np.diff(label, prepend=0))
    own = np.repeat(first, np.diff(first, append=len(label)))
    far = np.maximum(np.abs(x - x[own]), np.abs(y - y[own]))
    radius = np.maximum.reduceat(far, first) if count else far
    strongest = np.argsort(-np.abs(value[first]), kind="stable")[:MOST]
    top = first[strongest]
    radius = np.minimum(radius[strongest] + 1, 255).astype(np.uint8)
    return Objects(count, x[top].astype(np.uint16), y[top].astype(np.uint16), radius, value[top])


def mask_state(mask: np.ndarray) -> int:
    """Return a number that tells a mask from another."""
    return zlib.crc32(np.packbits(np.asarray(mask, bool)).tobytes())
