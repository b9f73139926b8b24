"""What a page is made of waits on the disk, in a nameless file beside the page."""

import tempfile
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from ..errors import FileError


class Piece(NamedTuple):
    """Bytes that wait on the disk; they travel to another process as bytes."""

    scratch: "Scratch"
    place: int
    length: int

    def __reduce__(self) -> tuple[Any, ...]:
        return bytes, (self.read(),)

    def read(self) -> bytes:
        """Return the bytes."""
        return self.scratch.read(self)


class Scratch:
    """A file that bytes are put into, from any thread, and that is gone with its last user.

    Parameters
    ----------
    page : Path
        Beside it is the file, as the page needs the room there anyway; errors name it.
    """

    def __init__(self, page: Path) -> None:
        self._page = page
        self._lock = threading.Lock()
        self._stream: BinaryIO | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Scratch, (self._page,)

    def put(self, content: bytes) -> Piece:
        """Keep some bytes; a `FileError` if the disk is full, for example."""
        with self._lock, errors_of(self._page):
            if self._stream is None:
                self._stream = tempfile.TemporaryFile(dir=self._page.parent)  # noqa: SIM115
                weakref.finalize(self, _close, self._stream)
            place = self._stream.seek(0, 2)
            self._stream.write(content)
            self._stream.flush()
        return Piece(self, place, len(content))

    def read(self, piece: Piece) -> bytes:
        """Return what was put there."""
        assert self._stream is not None
        with self._lock, errors_of(self._page):
            self._stream.seek(piece.place)
            return self._stream.read(piece.length)


def content_of(blob: "Piece | bytes") -> bytes:
    """Return bytes, wherever they wait."""
    return blob.read() if isinstance(blob, Piece) else blob


@contextmanager
def errors_of(path: Path) -> Iterator[None]:
    """Let errors of writing name the page."""
    try:
        yield
    except OSError as error:
        raise FileError(f"cannot be written: {error.strerror or error}", subject=path) from error


def _close(stream: BinaryIO) -> None:
    with suppress(OSError):  # a full disk, which was told
        stream.close()
