"""Changes to pixels as they are stored: bits that are set, values that are put in."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import DataError
from ..headers.pixel_facts import STORED
from .masks import BadPixels

#: Changes the pixels of a plane.
Change = Callable[[Any, BadPixels], None]
BZERO, BSCALE, BLANK = STORED.keywords


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
