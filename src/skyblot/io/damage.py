"""Damaged files: errors of libraries get the file's name, and deadly damage is found first."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from astropy.io import fits

from ..errors import DataError, FileError, SkyblotError, reason_of

#: The bytes of a value of each kind of column; X holds bits, P and Q where a row's values are in
#: the heap.
_SIZES = {
    "L": 1,
    "B": 1,
    "A": 1,
    "I": 2,
    "J": 4,
    "K": 8,
    "E": 4,
    "D": 8,
    "C": 8,
    "M": 16,
    "P": 8,
    "Q": 16,
}
#: What astropy raises for cards and columns that it cannot write.
_UNWRITABLE = (
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    AttributeError,
    AssertionError,
    fits.VerifyError,
)
_FORM = re.compile(r"\s*(\d*)([LXBIJKAEDCMPQ])([LXBIJKAEDCM]?)", re.IGNORECASE)


@contextmanager
def readable(name: Any, part: str) -> Iterator[None]:
    """Turn whatever a library raises for an unreadable part of a file into a `FileError`."""
    try:
        yield
    except (SkyblotError, MemoryError):
        raise
    except Exception as error:  # astropy, asdf and their codecs raise anything
        reason = reason_of(error)
        raise FileError(f"{part} cannot be read: {reason}", subject=name) from error


@contextmanager
def copying(name: Any, *more: type[Exception]) -> Iterator[None]:
    """Turn what a library raises for headers that it cannot write into a `DataError`.

    Parameters
    ----------
    name : object
    *more : classes
        Further errors to turn.
    """
    try:
        yield
    except SkyblotError:
        raise
    except (*_UNWRITABLE, *more) as error:
        raise DataError(
            f"its headers cannot be copied: {reason_of(error)}", subject=name
        ) from error


@contextmanager
def parsed(hdus: Any, path: Any) -> Iterator[None]:
    """Turn the error for a card that cannot be parsed into a `FileError`, wherever it comes up."""
    try:
        yield
    except fits.VerifyError as error:
        where = _unparsable(hdus)
        if where is None:  # of another file that is open
            raise
        number, keyword = where
        part = f"its card {keyword}" if keyword else "its header"
        reason = f"{path}[{number}]: {part} cannot be read: {reason_of(error)}"
        raise FileError(reason) from error


def _unparsable(hdus: Any) -> tuple[int, str] | None:
    for number, hdu in enumerate(hdus):
        for card in hdu.header.cards:
            try:
                _ = card.value, card.comment
            except fits.VerifyError:
                return number, card.keyword
    return None


def check_heap(hdu: Any, name: str) -> None:
    """Refuse a table, or a tiled image, with rows outside of its heap: astropy would read there.

    Raises
    ------
    FileError
    """
    info = hdu.fileinfo()
    if info is None or not info["datSpan"]:
        return
    with readable(name, "its table"):
        file = info["file"]
        file.seek(info["hdrLoc"])
        header = fits.Header.fromstring(file.read(info["datLoc"] - info["hdrLoc"]))
        columns = list(_columns(header))
        rows = header["NAXIS2"]
        width = header["NAXIS1"]
        if not any(item for _, item in columns) or not rows:
            return
        size = rows * width
        heap = size + header["PCOUNT"] - header.get("THEAP", size)
        file.seek(info["datLoc"])
        table = np.frombuffer(file.read(size), np.uint8).reshape(rows, width)
        for column, item in columns:
            if item and _is_outside(table[:, column], item, heap):
                raise FileError("damaged: its table refers to bytes outside of it", subject=name)


def _columns(header: Any) -> Iterator[tuple[slice, float]]:
    """Where each column is in a row, and the bytes of a value in the heap, or 0."""
    place = 0
    for number in range(1, header["TFIELDS"] + 1):
        match = _FORM.match(header[f"TFORM{number}"])
        if match is None:
            raise ValueError(f"TFORM{number} = {header[f'TFORM{number}']!r}")
        count = int(match[1] or 1)
        kind = match[2].upper()
        item = match[3].upper()
        size = -(-count // 8) if kind == "X" else count * _SIZES[kind]
        in_heap = kind in "PQ" and count > 0
        yield (
            slice(place, place + size),
            (0.125 if item == "X" else _SIZES.get(item, 1)) if in_heap else 0,
        )
        place += size


def _is_outside(column: np.ndarray, item: float, heap: int) -> bool:
    """Whether rows of a column of 8 or 16 bytes lie outside of a heap of so many bytes."""
    numbers = np.ascontiguousarray(column).view(f">i{column.shape[1] // 2}").astype(np.float64)
    count, start = numbers.T
    used = count != 0
    return bool(
        (count < 0).any()
        or (start[used] < 0).any()
        or (start[used] + count[used] * item > heap).any()
    )
