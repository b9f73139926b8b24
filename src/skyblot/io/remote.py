"""Files on a web server or in object storage, read in ranges of bytes through fsspec."""

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import numpy as np

from ..bounds import Bounds
from ..errors import FileError, reason_of
from .reader import Reader

#: What to say where fsspec, or what it needs for a protocol, is missing.
INSTALL = "pip install fsspec aiohttp"
#: Which package brings a protocol, where fsspec itself and aiohttp do not.
_PACKAGES = {
    "http": "aiohttp",
    "https": "aiohttp",
    "s3": "s3fs",
    "gs": "gcsfs",
    "gcs": "gcsfs",
    "abfs": "adlfs",
}
#: What changes with a file's content, whatever the protocol calls it.
_STAMPS = (
    "ETag",
    "etag",
    "md5Hash",
    "Content-MD5",
    "Last-Modified",
    "LastModified",
    "mtime",
    "modified",
    "created",
)
#: Queries with these are never shown, nor written into a header.
_SECRET = re.compile(
    r"(sig|signature|token|key|credential|password|secret|auth)[^=&]*=", re.IGNORECASE
)
#: Between the parts of a chain of fsspec's; not in an address of IPv6, which is in brackets.
_CHAIN = re.compile(r"::(?![0-9A-Fa-f:.]*\])")
#: A gap of at most this many bytes in each row is read too: it costs less than another request.
_GAP = 8 << 10
#: Bytes asked for in one request, requests at a time (of one thread), attempts at each.
_LARGEST = 4 << 20
_AT_ONCE = 32
_ATTEMPTS = 3
#: Seconds without a byte after which a server counts as dead.
_SILENCE = 60


@dataclass(frozen=True)
class RemotePath:
    """The URL of a file, for code that knows `pathlib.Path`.

    Attributes
    ----------
    url : str
        ``https://host/path/name.fits``, ``s3://bucket/name.fits``, or anything else that fsspec
        opens.
    """

    url: str

    def __str__(self) -> str:
        """The URL, for messages and headers: without a password or a signature."""
        shown = re.sub(r"(?<=://)[^/@]*:[^/@]*@", "", self.url)
        stem, mark, query = shown.partition("?")
        return f"{stem}?..." if mark and _SECRET.search(query) else shown

    @property
    def protocol(self) -> str:
        """``https``, ``s3``, ...: of a chain the first one with an address."""
        return self._address.partition("://")[0].lower()

    @property
    def name(self) -> str:
        """The file's name: the last part of the path.

        It is in the query where a service takes the file from there.
        """
        address = self._address
        parts = urlsplit(
            address if self.protocol in ("http", "https") else address.replace("?", "%3F")
        )
        name = PurePosixPath(unquote(parts.path)).name or parts.netloc
        asked = PurePosixPath(unquote(parts.query)).name
        return asked if PurePosixPath(asked).suffix and not PurePosixPath(name).suffix else name

    @property
    def suffix(self) -> str:
        """The last part of the name, from the dot on."""
        return PurePosixPath(self.name).suffix

    @property
    def stem(self) -> str:
        """The name without its suffix."""
        return PurePosixPath(self.name).stem

    @property
    def parent(self) -> "RemotePath":
        """What the last part of the URL is in."""
        return RemotePath(self.url.rpartition("/")[0])

    def exists(self) -> bool:
        """Whether there is such a file; False if looking fails."""
        try:
            self.identity()
        except FileError:
            return False
        return True

    def is_file(self) -> bool:
        """Whether there is such a file."""
        return self.exists()

    def is_dir(self) -> bool:
        """False: folders are for local files."""
        return False

    def identity(self) -> tuple[int, str]:
        """Return size (-1 where it is not known) and ETag or time of change.

        A `FileError` if there is no such file.
        """
        facts = self.facts()
        stamps = (str(facts[name]) for name in _STAMPS if facts.get(name))
        return -1 if facts.get("size") is None else int(facts["size"]), next(stamps, "")

    def facts(self) -> dict[str, Any]:
        """What fsspec knows of the file, asked for anew."""
        with reading(self):
            filesystem, path = self.opened
            known: dict[str, Any] = filesystem.info(path)
        if known.get("type") == "directory":
            raise FileError("is a folder, expected a file", subject=self)
        return known

    @cached_property
    def opened(self) -> tuple[Any, str]:
        """The file system and the path in it."""
        with reading(self):
            from fsspec.core import url_to_fs

            filesystem, path = url_to_fs(self.url, **self._options())
        return filesystem, path

    def __getstate__(self) -> dict[str, Any]:
        return {"url": self.url}  # a file system belongs to its process

    def _options(self) -> dict[str, Any]:
        """What web servers are asked for: bytes as they are, with a limit on silence alone."""
        if not self.url.startswith(("http://", "https://")):
            return {}
        from aiohttp import ClientTimeout
        from fsspec.config import conf

        configured = conf.get(self.protocol, {})
        timeout = ClientTimeout(total=None, sock_connect=_SILENCE, sock_read=_SILENCE)
        return {
            "headers": {"Accept-Encoding": "identity", **configured.get("headers", {})},
            "client_kwargs": {"timeout": timeout, **configured.get("client_kwargs", {})},
        }

    @property
    def _address(self) -> str:
        return next((part for part in _CHAIN.split(self.url) if "://" in part), self.url)


AnyPath = Path | RemotePath


def path_of(name: str) -> AnyPath:
    """Return what a name stands for: a path, also for a ``file://`` URL, or any other URL.

    Raises
    ------
    FileError
        If it is no URL, though it looks like one.
    """
    if "://" not in name:
        return Path(name)
    if name.lower().startswith("file://") and "::" not in name:
        return Path(url2pathname(name[len("file://") :].removeprefix("localhost")))
    path = RemotePath(name)
    try:
        _ = path.name
    except ValueError as error:  # http://[::1
        raise FileError(f"not a URL: {reason_of(error)}", subject=path) from error
    return path


@contextmanager
def reading(path: RemotePath) -> Iterator[None]:
    """Turn whatever fsspec and its protocols raise into one sentence."""
    try:
        yield
    except FileError:
        raise
    except Exception as error:
        raise failure(path, error) from error


def failure(path: RemotePath, error: BaseException) -> FileError:
    """Return the `FileError` that an error of fsspec means."""
    if isinstance(error, ImportError):
        package = _missing(path, error)
        return FileError(
            f"cannot be read without the package {package} ({_install(path)})", subject=path
        )
    # fsspec's word for any trouble with HTTP
    if isinstance(error, FileNotFoundError) and error.__cause__ is not None:
        error = error.__cause__
    status = getattr(error, "status", None)
    if isinstance(error, FileNotFoundError) or status in (404, 410):
        return FileError("no such file", subject=path)
    if isinstance(error, PermissionError) or status in (401, 403):
        return FileError("no permission to read it", subject=path)
    if status:
        reason = f"the server answers {status} {getattr(error, 'message', '')}".rstrip()
    elif isinstance(error, TimeoutError):
        reason = "the server does not answer"
    else:
        reason = reason_of(error).replace(path.url, str(path))
    return FileError(f"cannot be read: {reason}", subject=path)


def _missing(path: RemotePath, error: ImportError) -> str:
    if (error.name or "").startswith("fsspec"):
        return "fsspec"
    return _PACKAGES.get(path.protocol, f"for {path.protocol}://")


def _install(path: RemotePath) -> str:
    package = _PACKAGES.get(path.protocol, "aiohttp")
    return INSTALL if package == "aiohttp" else f"{INSTALL} {package}"


@dataclass(frozen=True)
class RemoteContent:
    """A file behind a URL that is read in ranges.

    Attributes
    ----------
    path : RemotePath
    size : int
        Bytes.
    """

    path: RemotePath
    size: int

    def stream(self) -> BinaryIO:
        """The file, for reading."""
        return Reader(self.size, lambda start, end: self.ranges([(start, end)])[0], keep=True)  # type: ignore[return-value]

    source = property(stream)

    def rows(self, start: int, shape: tuple[int, int], dtype: np.dtype) -> "RemoteRows":
        """An image in the file, from byte `start` on."""
        return RemoteRows(self, start, shape, dtype)

    def ranges(self, wanted: Sequence[tuple[int, int]]) -> list[bytes]:
        """Return the bytes of ranges (start, end), asked for at the same time.

        Some failures pass, so try again.
        """
        parts: dict[int, bytes] = {}
        for attempt in range(_ATTEMPTS):
            missing = [number for number in range(len(wanted)) if number not in parts]
            answers = self._ask([wanted[number] for number in missing])
            problems = []
            for number, answer in zip(missing, answers, strict=True):
                start, end = wanted[number]
                if isinstance(answer, bytes) and len(answer) == end - start:
                    parts[number] = answer
                else:
                    problems.append(answer)
            if not problems:
                break
            if attempt + 1 == _ATTEMPTS or isinstance(
                problems[0], FileNotFoundError | PermissionError
            ):
                raise self._problem(problems[0])
            time.sleep(0.2 * 2**attempt)
        return [parts[number] for number in range(len(wanted))]

    def _ask(self, wanted: Sequence[tuple[int, int]]) -> list[Any]:
        filesystem, path = self.path.opened
        limit = {"batch_size": _AT_ONCE} if filesystem.async_impl else {}
        starts = [start for start, _ in wanted]
        ends = [end for _, end in wanted]
        try:
            answers: list[Any] = filesystem.cat_ranges(
                [path] * len(wanted), starts, ends, on_error="return", **limit
            )
        except Exception as error:  # of file systems that do not return it
            return [error] * len(wanted)
        return answers

    def _problem(self, answer: Any) -> FileError:
        if isinstance(answer, BaseException):
            return failure(self.path, answer)
        return FileError("truncated while it was read", subject=self.path)


@dataclass(frozen=True)
class RemoteRows:
    """Pixels of an image behind a URL, fetched where they are sliced, by any thread.

    Attributes
    ----------
    content : RemoteContent
    start : int
        Offset of the first pixel, bytes.
    shape : tuple of int
        (ny, nx).
    dtype : dtype
        As in the file.
    """

    content: RemoteContent
    start: int
    shape: tuple[int, int]
    dtype: np.dtype

    concurrent = True

    def __getitem__(self, key: tuple[slice, slice]) -> np.ndarray:
        bounds = Bounds.of_slices(key, self.shape)
        rows, columns = bounds.shape
        width = self.shape[1]
        gap = (width - columns) * self.dtype.itemsize
        if gap <= max(_GAP, columns * self.dtype.itemsize):
            span = self._read([(bounds.y0 * width, bounds.y1 * width)] if rows else [])
            return span.reshape(rows, width)[:, bounds.x0 : bounds.x1]
        pieces = [
            (row * width + bounds.x0, row * width + bounds.x1)
            for row in range(bounds.y0, bounds.y1)
        ]
        return self._read(pieces if columns else []).reshape(rows, columns)

    def _read(self, pieces: Sequence[tuple[int, int]]) -> np.ndarray:
        """Read runs of pixels, one behind the other, in requests that are not too large."""
        step = _LARGEST // self.dtype.itemsize
        parts = [
            (first, min(first + step, end))
            for start, end in pieces
            for first in range(start, end, step)
        ]
        wanted = [
            tuple(self.start + pixel * self.dtype.itemsize for pixel in part) for part in parts
        ]
        pixels = np.empty(sum(end - first for first, end in parts), self.dtype)
        done = 0
        for content in self.content.ranges(wanted):  # type: ignore[arg-type]
            piece = np.frombuffer(content, self.dtype)
            pixels[done : done + len(piece)] = piece
            done += len(piece)
        return pixels
