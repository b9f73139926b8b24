"""Where the blocks of an ASDF file are: the tree in YAML, then one binary block for each array."""

import re
import struct
from dataclasses import dataclass
from typing import BinaryIO

from ..errors import FileError
from .content import Content
from .remote import AnyPath

_MAGIC = b"\xd3BLK"
#: After the magic and the header's length: flags, compression, bytes allocated, used and in memory,
#: checksum.
_HEADER = struct.Struct(">I4sQQQ16s")
_STREAMED = 1
TREE_END = re.compile(rb"\n\.\.\.\r?\n")
_BLOCK = re.compile(re.escape(_MAGIC))
_CHUNK = 2**20
#: Where a tree lists the extensions of asdf that wrote it, and one entry of the list.
_EXTENSIONS = re.compile(
    rb"\n  extensions:\n((?:  - !core/extension_metadata[^\n]*\n(?:    [^\n]*\n)*)+)"
)
_EXTENSION = re.compile(rb"  - [^\n]*\n(?:    [^\n]*\n)*")


@dataclass(frozen=True)
class Block:
    """One block of an ASDF file.

    Attributes
    ----------
    start, size : int
        Where its bytes begin in the file, and how many are used.
    compression : str
        ``lz4``, ``zlib``, ..., or an empty string.
    """

    start: int
    size: int
    compression: str


def find_block(content: Content, index: int) -> Block:
    """Return block `index` of an ASDF file.

    Raises
    ------
    FileError
        If the file ends before it does.
    """
    path = content.path
    length = content.size
    with content.stream() as stream:
        first = _search(stream, tree_end(stream, path), _BLOCK)
        place = length if first is None else first[0]
        for _ in range(index + 1):
            stream.seek(place)
            head = stream.read(6)
            if head[:4] != _MAGIC or len(head) < 6:
                raise FileError(
                    f"truncated: the tree refers to block {index}, which is not there", subject=path
                )
            (header_length,) = struct.unpack(">H", head[4:])
            flags, label, allocated, used, *_ = _HEADER.unpack(
                stream.read(_HEADER.size).ljust(_HEADER.size, b"\0")
            )
            start = place + 6 + header_length
            place = min(start + allocated, length)
    if flags & _STREAMED:
        used = length - start
    if start + used > length:
        needed = start + used
        raise FileError(
            f"truncated: its pixels need {needed} bytes, the file has {length}", subject=path
        )
    return Block(start, used, label.rstrip(b"\0").decode("ascii", "replace"))


def tree_end(stream: BinaryIO, path: AnyPath) -> int:
    """Return where the tree of an open ASDF file ends.

    Raises
    ------
    FileError
        If it does not end.
    """
    span = _search(stream, 0, TREE_END)
    if span is None:
        raise FileError("truncated: its ASDF tree does not end", subject=path)
    return span[1]


def _search(stream: BinaryIO, place: int, pattern: re.Pattern[bytes]) -> tuple[int, int] | None:
    """Start and end of the first match at or after `place`; matches have 8 bytes at most."""
    stream.seek(place)
    window = b""
    while chunk := stream.read(_CHUNK):
        kept = window[-8:]
        window = kept + chunk
        start = stream.tell() - len(chunk) - len(kept)
        if match := pattern.search(window):
            return start + match.start(), start + match.end()
    return None


def sort_extensions(path: str) -> None:
    """Put what the tree of a file says of asdf's extensions in the order of their names.

    asdf's order differs from run to run.
    """
    with open(path, "r+b") as file:
        head = file.read(_CHUNK)
        file.seek(0)
        file.write(with_sorted_extensions(head))


def with_sorted_extensions(content: bytes) -> bytes:
    """Return the beginning of a file, or all of it, as `sort_extensions` leaves it."""
    match = _EXTENSIONS.search(content)
    if match is None:
        return content
    extensions = b"".join(sorted(_EXTENSION.findall(match[1])))
    return content[: match.start(1)] + extensions + content[match.end(1) :]
