"""The headers of a FITS file, checked before astropy trusts their numbers for hours."""

import math
import re
from typing import Any, BinaryIO

from ..errors import FileError

_BLOCK = 2880
#: FITS allows no more axes, and tables no more columns; no header is longer than this many blocks,
#: 28 MB.
_MOST_AXES = 999
_MOST_BLOCKS = 10_000
_BEGIN = b"SIMPLE  =", b"XTENSION="
_CARD = re.compile(r"(Z?BITPIX|Z?NAXIS\d*|PCOUNT|GCOUNT|TFIELDS|ZTILE\d+) *= *([^/]*)")
_BITPIX = (8, 16, 32, 64, -32, -64)


def check_headers(stream: BinaryIO, path: Any) -> None:
    """Refuse a file with a header that does not end, or with impossible sizes.

    Anything else that is wrong is left to the reader.

    Raises
    ------
    FileError
        With the number of the extension.
    """
    place = 0
    number = 0
    while header := _header(stream, place, f"{path}[{number}]"):
        sizes = _sizes(header, f"{path}[{number}]")
        if not {"BITPIX", "NAXIS"} <= set(sizes):
            return
        place += _BLOCK * -(-len(header) * 80 // _BLOCK)
        place += _BLOCK * -(-_data_bytes(sizes) // _BLOCK)
        number += 1


def _header(stream: BinaryIO, place: int, name: str) -> list[bytes]:
    """The cards from a place to END; none where no header begins, or the file ends."""
    stream.seek(place)
    cards: list[bytes] = []
    for _ in range(_MOST_BLOCKS):
        block = stream.read(_BLOCK)
        for start in range(0, len(block), 80):
            card = block[start : start + 80]
            if not cards and not card.startswith(_BEGIN):
                return []
            if card.rstrip() == b"END" and len(block) == _BLOCK:  # astropy leaves the others out
                return [*cards, card]
            if cards and card.startswith(b"XTENSION="):
                raise FileError(
                    "damaged: its header does not end before that of the next extension",
                    subject=name,
                )
            cards.append(card)
        if len(block) < _BLOCK:
            break
    if cards:
        raise FileError("truncated: its header does not end", subject=name)
    return []


def _sizes(header: list[bytes], name: str) -> dict[str, int]:
    """The numbers that say how many bytes follow a header."""
    sizes = {}
    extension = header[0].startswith(b"XTENSION=")
    for card in header:
        match = _CARD.match(card.decode("latin-1"))
        if not match:
            continue
        keyword = match[1]
        text = match[2].strip()
        value = int(text) if re.fullmatch(r"[-+]?\d{1,18}", text) else -1
        if not _allowed(keyword, value, extension):
            reason = f"{keyword} = {text}"
            raise FileError(f"not a readable FITS file: {reason}", subject=name)
        sizes[keyword] = value
    return sizes


def _allowed(keyword: str, value: int, extension: bool) -> bool:
    if keyword in ("BITPIX", "ZBITPIX"):
        return value in _BITPIX
    if keyword in ("NAXIS", "ZNAXIS", "TFIELDS"):
        return 0 <= value <= _MOST_AXES
    return value == 1 if keyword == "GCOUNT" and extension else value >= 0


def _data_bytes(sizes: dict[str, int]) -> int:
    axes = [sizes.get(f"NAXIS{axis}", 0) for axis in range(1, sizes["NAXIS"] + 1)]
    pixels = math.prod(axes) if axes else 0
    return abs(sizes["BITPIX"]) // 8 * sizes.get("GCOUNT", 1) * (sizes.get("PCOUNT", 0) + pixels)
