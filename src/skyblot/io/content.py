"""What is behind a name: a file, the decompressed copy of one, or a URL."""

import bz2
import gzip
import lzma
import os
import shutil
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, BinaryIO, Protocol

import numpy as np

from ..errors import FileError, reason_of, warn
from .reader import Reader
from .remote import AnyPath, RemoteContent, RemotePath, reading
from .rows import FileRows

#: How files that are compressed as a whole begin, and what reads them.
_OPENERS: dict[bytes, Callable[[Any], Any]] = {
    b"\x1f\x8b": lambda stream: gzip.GzipFile(fileobj=stream),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
}
_CHUNK = 1 << 20


class Content(Protocol):
    """The bytes of a file as FITS or ASDF has them."""

    @property
    def path(self) -> AnyPath:
        """The name, for messages."""

    @property
    def size(self) -> int:
        """How many bytes there are."""

    @property
    def source(self) -> Any:
        """What astropy and asdf open: a path, or a file to read from."""

    def stream(self) -> BinaryIO:
        """Return a file to read from."""

    def rows(self, start: int, shape: tuple[int, int], dtype: np.dtype) -> Any:
        """Return an image that is read where it is sliced."""


@dataclass(frozen=True)
class FileContent:
    """A file on disk."""

    path: Path

    @property
    def size(self) -> int:
        """How many bytes there are now."""
        return os.path.getsize(self.path)

    @property
    def source(self) -> Path:
        """The path."""
        return self.path

    def stream(self) -> BinaryIO:
        """The file, open."""
        return open(self.path, "rb")

    def rows(self, start: int, shape: tuple[int, int], dtype: np.dtype) -> FileRows:
        """An image in the file, from byte `start` on."""
        return FileRows(self.path, start, shape, dtype)


@dataclass(frozen=True)
class CopyContent:
    """An unnamed file in the temporary folder, with the content of a packed file or a URL."""

    path: AnyPath
    file: IO[bytes]
    size: int
    _lock: Any = field(default_factory=threading.Lock)

    def stream(self) -> BinaryIO:
        """The file, for reading; several of them do not disturb each other."""
        return Reader(self.size, self._fetch)  # type: ignore[return-value]

    source = property(stream)

    def rows(self, start: int, shape: tuple[int, int], dtype: np.dtype) -> FileRows:
        """An image in the file, from byte `start` on."""
        return FileRows(self.path, start, shape, dtype, self.file.fileno())

    def _fetch(self, start: int, end: int) -> bytes:
        with self._lock:
            self.file.seek(start)
            return self.file.read(end - start)


@contextmanager
def open_content(path: AnyPath) -> Iterator[Content]:
    """Open a file, or what is behind a URL.

    What is packed is unpacked, into an unnamed file in the temporary folder.

    Raises
    ------
    FileError
        If it is missing, cannot be read, or its compressed content is damaged.
    """
    with ExitStack() as stack:
        content: Content
        if isinstance(path, RemotePath):
            content = stack.enter_context(_remote(path))
        else:
            _check_local(path)
            content = FileContent(path)
        beginning = _beginning(content)
        opener = next(
            (candidate for magic, candidate in _OPENERS.items() if beginning.startswith(magic)),
            None,
        )
        if opener is not None:
            content = stack.enter_context(_decompressed(content, opener))
        yield content


def _check_local(path: Path) -> None:
    if not path.exists():
        raise FileError("no such file", subject=path)
    if path.is_dir():
        raise FileError("is a folder, expected a FITS file", subject=path)
    if not path.is_file():
        raise FileError("is no regular file, expected one, or a URL", subject=path)


def _beginning(content: Content) -> bytes:
    try:
        with content.stream() as stream:
            return stream.read(max(map(len, _OPENERS)))
    except PermissionError:
        raise FileError("no permission to read it", subject=content.path) from None
    except FileError:
        raise
    except OSError as error:
        raise FileError(f"cannot be read: {reason_of(error)}", subject=content.path) from error


@contextmanager
def _decompressed(content: Content, opener: Callable[[Any], Any]) -> Iterator[CopyContent]:
    """A copy without compression: as a stream, so that memory does not grow with the file."""

    def unpack(copy: IO[bytes]) -> None:
        try:
            with content.stream() as stream, opener(stream) as plain:
                shutil.copyfileobj(plain, copy, _CHUNK)
        except FileError:
            raise
        except EOFError:
            raise FileError(
                "truncated: the compressed file ends too early", subject=content.path
            ) from None
        except (OSError, zlib.error, lzma.LZMAError) as error:
            # the disk, not what gzip and bz2 say of the data
            if getattr(error, "errno", None) is not None:
                raise
            raise FileError(
                f"the compressed file is damaged: {reason_of(error)}", subject=content.path
            ) from error

    with _copy(content.path, unpack) as copy:
        yield copy


@contextmanager
def _remote(path: RemotePath) -> Iterator[Content]:
    """A URL read in ranges, or a copy of the whole file where its server cannot do that."""
    size = path.facts().get("size")
    if size is not None and _knows_ranges(path, size):
        yield RemoteContent(path, size)
        return
    warn(
        f"its server sends whole files only: all of it is copied into {tempfile.gettempdir()}",
        subject=path,
    )

    def download(copy: IO[bytes]) -> None:
        with reading(path):
            filesystem, inner = path.opened
            with filesystem.open(inner, "rb", block_size=0) as stream:
                while chunk := stream.read(_CHUNK):
                    copy.write(chunk)

    with _copy(path, download) as copy:
        yield copy


def _knows_ranges(path: RemotePath, size: int) -> bool:
    """Whether the server sends the last byte when asked for it; a whole file is not read."""
    if not path.url.startswith(("http://", "https://")) or size < 2:
        return True
    filesystem, inner = path.opened
    with reading(path):
        try:
            with filesystem.open(inner, "rb", size=size, cache_type="none") as stream:
                stream.seek(size - 1)
                return len(stream.read(1)) == 1
        except ValueError:  # fsspec's: the server sends the file from its beginning
            return False


@contextmanager
def _copy(path: AnyPath, fill: Callable[[IO[bytes]], None]) -> Iterator[CopyContent]:
    """An unnamed file with the content; an error says what is in the way, such as a full disk."""
    with ExitStack() as stack:
        try:
            file = stack.enter_context(tempfile.TemporaryFile(prefix="skyblot-"))
            fill(file)
            file.flush()
            content = CopyContent(path, file, file.tell())
        except FileError:
            raise
        except OSError as error:
            reason = reason_of(error)
            folder = tempfile.gettempdir()
            #: Compressed files, and those of servers that send whole files only, are copied: set
            #: `TMPDIR` to a larger disk.
            raise FileError(
                f"cannot be copied into {folder} (TMPDIR): {reason}", subject=path
            ) from error
        yield content
