"""A file to read from, on top of something that returns ranges of bytes."""

import io
from collections.abc import Callable

#: Bytes read at a time: at a new place, and at most where they are read one after the other.
LEAST = 32 << 10
MOST = 4 << 20
#: How many pieces of LEAST bytes, or twice as many, are kept at most.
_MOST_KEPT = 128


class Reader(io.RawIOBase):
    """A file that is read ahead: little at first, more the longer it is read without a jump.

    FITS headers lie scattered between pixels that nobody wants: each costs one small range.

    Parameters
    ----------
    size : int
        Bytes in the file.
    fetch : callable
        ``fetch(start, end)`` returns those bytes.
    keep : bool
        Keep what is fetched after jumps, the headers of extensions: they may be read twice.
    """

    def __init__(
        self, size: int, fetch: Callable[[int, int], bytes], *, keep: bool = False
    ) -> None:
        self._size = size
        self._fetch = fetch
        self._keep = keep
        self._kept: list[tuple[int, bytes]] = []
        self._place = 0
        self._start = 0
        self._buffer = b""
        self._ahead = LEAST

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """Return the place of the next byte."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, as for any file."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = max(origin + offset, 0)
        return self._place

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        """Fill a buffer, or as much of it as the file has bytes for."""
        out = memoryview(buffer).cast("B")
        wanted = max(min(len(out), self._size - self._place), 0)
        done = 0
        while done < wanted:
            if not self._start <= self._place < self._start + len(self._buffer):
                self._load(wanted - done)
            first = self._place - self._start
            piece = self._buffer[first : first + wanted - done]
            out[done : done + len(piece)] = piece
            done += len(piece)
            self._place += len(piece)
        return done

    def _load(self, wanted: int) -> None:
        for start, piece in self._kept:
            if start <= self._place < start + len(piece):
                self._start = start
                self._buffer = piece
                return
        follows = self._buffer and self._place == self._start + len(self._buffer)
        self._ahead = min(2 * self._ahead, MOST) if follows else LEAST
        end = min(self._place + min(max(wanted, self._ahead), MOST), self._size)
        self._start = self._place
        self._buffer = self._fetch(self._place, end)
        if not self._buffer:
            raise EOFError("the file has become shorter")
        if self._keep and len(self._buffer) <= 2 * LEAST and len(self._kept) < _MOST_KEPT:
            self._kept.append((self._start, self._buffer))
