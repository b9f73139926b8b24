"""The headers of a FITS file, before astropy reads them: it trusts their numbers, and would read for hours."""

import math
import re
from typing import BinaryIO

from ..errors import FileError
from .remote import AnyPath

_BLOCK = 2880
#: FITS has no more axes; no header is longer than these blocks, 28 MB.
_MOST_AXES, _MOST_BLOCKS = 999, 10_000
_END = re.compile(rb"END(?![A-Z0-9_-])")
_NUMBER = re.compile(rb"(BITPIX|NAXIS\d*|PCOUNT|GCOUNT) *= *([-+]?\d+) *(?:/|$)")


def check_headers(stream: BinaryIO, path: AnyPath) -> None:
    """Refuse a file with a header that does not end, or with a number of axes that nobody can count to.

    Anything else that is wrong is left to the reader.

    Raises
    ------
    FileError
        With the number of the extension.
    """
    place, number = 0, 0
    while True:
        stream.seek(place)
        header = _header(stream, f"{path}[{number}]")
        found = [(match[1].decode(), int(match[2])) for card in _cards(header) if (match := _NUMBER.match(card))]
        axes = max((value for keyword, value in found if keyword == "NAXIS"), default=0)
        if axes > _MOST_AXES:
            raise FileError(f"{path}[{number}]: not a readable FITS file: NAXIS = {axes}, at most {_MOST_AXES}")
        numbers = dict(found)
        if not {"BITPIX", "NAXIS"} <= set(numbers):
            return
        place += len(header) + _padded(_data_bytes(numbers))
        number += 1


def _header(stream: BinaryIO, name: str) -> bytes:
    """The blocks from here to END; empty where no header begins, or the file ends."""
    blocks: list[bytes] = []
    while len(blocks) < _MOST_BLOCKS:
        block = stream.read(_BLOCK)
        if not blocks and not block.startswith((b"SIMPLE", b"XTENSION")):
            return b""
        blocks.append(block)
        if any(_END.match(card) for card in _cards(block)):
            return b"".join(blocks)
        if len(block) < _BLOCK:
            raise FileError(f"{name}: truncated: its header does not end")
    raise FileError(f"{name}: not a readable FITS file: its header does not end")


def _cards(header: bytes) -> list[bytes]:
    return [header[start : start + 80] for start in range(0, len(header), 80)]


def _data_bytes(numbers: dict[str, int]) -> int:
    sizes = [numbers.get(f"NAXIS{axis}", 0) for axis in range(1, numbers["NAXIS"] + 1)]
    pixels = math.prod(sizes) if sizes else 0
    return max(abs(numbers["BITPIX"]) // 8 * numbers.get("GCOUNT", 1) * (numbers.get("PCOUNT", 0) + pixels), 0)


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK
