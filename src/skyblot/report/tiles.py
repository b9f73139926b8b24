"""Where the tiles of a page are: in the page, or in a folder beside it."""

import os
import re
import shutil
import uuid
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np

from ..errors import FileError
from .scratch import Piece, content_of

#: The page has its tiles in itself up to this size.
IN_ONE_FILE = 60_000_000
#: Larger than this, tiles are made smaller.
MOST = 150_000_000
#: 32768 characters from here on are no marks, controls or halves of characters.
_FIRST = 0x3400
_NAME = re.compile(r"\d+-\d+\.js")

Tiles = Sequence[Piece | bytes]


def folder_of(page: Path) -> Path:
    """Return the folder that the tiles of a page are in, where they are not in the page."""
    return page.with_name(f"{page.stem}_tiles")


def check_folder(folder: Path) -> None:
    """Refuse a folder that holds anything but tiles: it would go.

    Raises
    ------
    FileError
    """
    if not os.path.lexists(folder):
        return
    if folder.is_symlink() or not folder.is_dir():
        raise FileError("is no folder, but tiles of the page may have to go there", subject=folder)
    others = sorted(name for name in os.listdir(folder) if not _NAME.fullmatch(name))
    if others:
        raise FileError(
            f"has {others[0]}, which is no tile of a page: expected no such folder, or one of "
            "an earlier page",
            subject=folder,
        )


def encoded(tile: Piece | bytes) -> bytes:
    """Return a tile in base 64."""
    return b64encode(content_of(tile))


def encoded_size(length: int) -> int:
    """Return the size of so many bytes in base 64."""
    return 4 * -(-length // 3)


def script_of(token: str, chip: int, number: int, tile: Piece | bytes, *, thin: bool) -> bytes:
    """Return a tile as a file: a page from the disk may read no others than scripts.

    It is in UTF-16, which begins with a mark, whatever a server says, and holds 15 bits in each
    character: a third less than base 64 takes.
    """
    from .detail import thinned

    content = content_of(tile)
    wide = _wide(thinned(content) if thin and content else content)
    start, end = f'skyblotTile("{token}",{chip},{number},"', '")\n'
    return start.encode("utf-16") + wide + end.encode("utf-16-le")


def _wide(content: bytes) -> bytes:
    """Bytes as characters of 15 bits from U+3400 on, in UTF-16, low byte first."""
    bits = np.unpackbits(np.frombuffer(content, np.uint8))
    groups = np.pad(bits, (0, -len(bits) % 15)).reshape(-1, 15)
    codes = groups @ (1 << np.arange(14, -1, -1)) + _FIRST
    return codes.astype("<u2").tobytes()


def script_size(length: int) -> int:
    """Return about how large the file of a tile of so many bytes is."""
    return length * 16 // 15 + 80


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """Yield a new folder that takes the place of the old one when the block succeeds.

    Nothing is left of it otherwise, and the old one is as it was.
    """
    temporary = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        temporary.mkdir()
        yield temporary
        remove_folder(folder)
        temporary.rename(folder)
    except OSError as error:
        raise FileError(f"cannot be written: {error.strerror or error}", subject=folder) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def remove_folder(folder: Path) -> None:
    """Remove the tiles of an earlier page."""
    check_folder(folder)
    if folder.is_dir():
        with suppress(OSError):
            shutil.rmtree(folder)
