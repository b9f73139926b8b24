"""Bad pixels of images, and how stored pixels are changed there in copies."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..errors import DataError, FileError
from ..headers.pixel_facts import STORED
from .atomic import file_state
from .names import ImageName

#: The card that says what a mask, or a copy, was made from, and how: equal in two only if
#: everything is the same.
KEY_CARD = "CRKEY"
BZERO, BSCALE, BLANK = STORED.keywords


@dataclass(frozen=True)
class BadPixels:
    """The bad pixels of one image.

    Attributes
    ----------
    where : ImageName
        The image.
    flat : ndarray of int
        Their positions, counted along rows.
    values : ndarray of float32
        The blot's values there, and then where `gaps` are; empty where nobody needs them.
    shape : tuple of int
        (ny, nx) of the image.
    cards : sequence of (keyword, value, comment)
        How they were found.
    state : tuple or None
        What the image's file was then, as `skyblot.io.atomic.file_state` has it.
    sky : float, optional
        Level of its sky, which a copy with flags is to record.
    gaps : ndarray of int
        Positions that the pipeline left undefined, which a clean copy fills too; no bad pixels of
        the mask.
    """

    where: ImageName
    flat: np.ndarray
    values: np.ndarray
    shape: tuple[int, int] = (0, 0)
    cards: Sequence[tuple] = ()
    state: Any = None
    sky: float | None = None
    gaps: np.ndarray = field(default_factory=lambda: np.empty(0, np.intp))

    @property
    def places(self) -> np.ndarray:
        """The positions of the values."""
        return np.concatenate([self.flat, self.gaps]) if len(self.gaps) else self.flat

    def with_gaps(self, data: np.ndarray, expected: np.ndarray) -> "BadPixels":
        """Return the same with `expected` values where the `data` are undefined, too."""
        gaps = np.setdiff1d(np.flatnonzero(np.isnan(data)), self.flat, assume_unique=True)
        values = np.concatenate([self.values, expected.ravel()[gaps].astype(np.float32)])
        return replace(self, values=values, gaps=gaps)

    @property
    def key(self) -> str:
        """The key of everything that they were found from; empty where it is not known."""
        return next((str(value) for keyword, value, _ in self.cards if keyword == KEY_CARD), "")

    @property
    def good(self) -> np.ndarray:
        """The mask: bytes, 1 for good pixels and 0 for bad ones."""
        mask = np.ones(self.shape, np.uint8)
        mask.flat[self.flat] = 0
        return mask

    def check_unchanged(self) -> None:
        """Refuse to go on with a file that is not the one in which the pixels were found."""
        if self.state is not None and file_state(self.where.path) != self.state:
            raise FileError("has changed since it was compared", subject=self.where.path)


#: Changes the pixels of a plane.
Change = Callable[[Any, BadPixels], None]


def common_key(keys: Sequence[str]) -> str:
    """Return the key of what a file of several images was made from; empty if one is unknown.

    Examples
    --------
    >>> common_key(["0123456789abcdef"]), common_key(["0123456789abcdef", ""])
    ('0123456789abcdef', '')
    """
    if len(keys) == 1 or not all(keys):
        return keys[0] if len(keys) == 1 else ""
    return hashlib.sha256(" ".join(sorted(keys)).encode()).hexdigest()[:16]


def key_cards(images: Sequence[BadPixels]) -> list[tuple[str, str, str]]:
    """Return the card with the key of a file of some images; none where it is not known."""
    key = common_key([image.key for image in images])
    return [(KEY_CARD, key, "stands for inputs and parameters")] if key else []


def set_bits(data: np.ndarray, bad: BadPixels, bits: int, offset: int = 0) -> None:
    """Set bits where pixels are bad; stored values are less than those meant by the offset."""
    if bits > np.iinfo(data.dtype).max + offset:
        dtype = data.dtype.newbyteorder("=").name
        raise DataError(
            f"its DQ is {dtype}, which cannot hold the bits of cosmic rays, {bits}",
            subject=bad.where,
        )
    # unsigned numbers of 64 bits fit no signed type
    meant = data.flat[bad.flat].astype(object) + offset
    data.flat[bad.flat] = ((meant | bits) - offset).astype(data.dtype)


def put_values(data: np.ndarray, bad: BadPixels, header: Any = None) -> None:
    """Put the blot's values into bad pixels, as they are stored."""
    known = np.isfinite(bad.values)
    header = {} if header is None else header
    values = (bad.values[known].astype(np.float64) - header.get(BZERO, 0)) / header.get(BSCALE, 1)
    if data.dtype.kind in "iu":
        low = np.iinfo(data.dtype).min
        high = np.iinfo(data.dtype).max
        values = np.clip(
            np.rint(values), low, float(high) if high < 1 << 53 else np.nextafter(float(high), 0)
        )
        blank = header.get(BLANK)
        if blank is not None:
            values[values == blank] += -1 if blank == high else 1
    data.flat[bad.places[known]] = values.astype(data.dtype)
