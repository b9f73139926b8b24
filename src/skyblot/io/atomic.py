"""Write a file so that it is complete under its name, or not there at all."""

import logging
import os
import re
import shutil
import socket
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ..errors import FileError
from .remote import AnyPath, RemotePath

logger = logging.getLogger(__name__)

#: Folders of the system: /dev/stdout is a link to what may be a file, and no other name for that
#: file.
_SYSTEM = ("/dev/", "/proc/", "/sys/")
#: The names of temporary files end so: host and number of the process that writes, and something
#: random.
_TEMPORARY = re.compile(r"\..+\.(?P<host>[A-Za-z0-9_]+)-(?P<process>\d+)-[0-9a-f]{8}\.tmp")


#: How many bytes of the final name are in that of the temporary file: the system allows 255 in all.
_LONGEST = 100

#: The temporary files of this process.
_open: set[Path] = set()


def check_output(path: Path, *, overwrite: bool) -> None:
    """Refuse an output that cannot be written, before any work is done.

    Raises
    ------
    FileError
        If its folder is missing, it exists and is no regular file, or it exists and may not be
        replaced.
    """
    if not path.parent.is_dir():
        raise FileError(f"the folder {path.parent} does not exist", subject=path)
    if not os.access(path.parent, os.W_OK):
        raise FileError(f"the folder {path.parent} cannot be written to", subject=path)
    if path.is_dir():
        raise FileError("is a folder, expected a file name", subject=path)
    if _is_special(path):
        #: Only files are replaced. A device, a FIFO or a socket of this name stays what it is.
        raise FileError(
            "is no regular file, expected the name of a new file, or of one to replace",
            subject=path,
        )
    if path.exists() and not overwrite:
        raise FileError("exists already; --overwrite replaces it", subject=path)


def check_new_folder(folder: Path) -> None:
    """Refuse a folder that is not there and cannot be made.

    Raises
    ------
    FileError
        If what is there of its path is no folder, or cannot be written to.
    """
    place = next(each for each in (folder, *folder.absolute().parents) if os.path.lexists(each))
    if not place.is_dir():
        raise FileError("is no folder, expected one to write to", subject=place)
    if not os.access(place, os.W_OK):
        raise FileError(f"the folder {place} cannot be written to", subject=folder)


def make_folder(folder: Path) -> None:
    """Make a folder, and those it is in, where there is none.

    Raises
    ------
    FileError
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"this folder cannot be made: {error.strerror}", subject=folder) from error


def check_apart(reads: Iterable[AnyPath], writes: Iterable[Path]) -> None:
    """Refuse files to write that are read too, or are named twice, under whatever names.

    Raises
    ------
    FileError
    """
    inputs = {_place(path) for path in reads if not isinstance(path, RemotePath)}
    seen = set()
    for path in writes:
        place = _place(path)
        if place in inputs:
            raise FileError("is an input file; inputs are never overwritten", subject=path)
        if place in seen:
            #: A log or a page of pictures is called like another output, or a blot is a link to
            #: another one.
            raise FileError(
                "is the same file as another output, expected one for each", subject=path
            )
        seen.add(place)


def _place(path: Path) -> tuple[int, int] | tuple[str, str]:
    """What identifies a file under any name; for one that is not there, its folder and name."""
    try:
        facts = os.stat(path)
    except (OSError, ValueError):
        return os.path.split(os.path.realpath(path))
    return facts.st_dev, facts.st_ino


def _is_special(path: Path) -> bool:
    """Whether a name is a device's, a FIFO's or a socket's, or lies in a folder of those."""
    folder = f"{os.path.realpath(path.parent)}/"
    if folder.startswith(_SYSTEM) and not folder.startswith("/dev/shm/"):
        return True
    return path.exists() and not path.is_file()


def file_identity(path: AnyPath) -> tuple[int, int | str]:
    """Return a file's size and time of change (ns, or what a server gives).

    Raises
    ------
    FileError
        If it is not there any more.
    """
    if isinstance(path, RemotePath):
        return path.identity()
    try:
        facts = os.stat(path)
    except OSError as error:
        raise FileError(f"cannot be read: {error.strerror}", subject=path) from error
    return facts.st_size, facts.st_mtime_ns


def file_state(path: AnyPath) -> tuple[int | str, ...]:
    """Return what tells a file from one put in its place on this machine, its inode too.

    Raises
    ------
    FileError
        If it is not there any more.
    """
    identity = file_identity(path)
    if isinstance(path, RemotePath):
        return identity
    with suppress(OSError):
        facts = os.stat(path)
        return facts.st_size, facts.st_mtime_ns, facts.st_dev, facts.st_ino
    return identity


@contextmanager
def atomic_write(path: Path, *, overwrite: bool) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path`; flush and rename it to `path` if the block succeeds.

    Raises
    ------
    FileError
        If the file cannot be written; nothing is left then, and an old file is as it was.
    """
    temporary = _temporary_for(path)
    _open.add(temporary)
    try:
        with open(temporary, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        check_output(path, overwrite=overwrite)
        _rename(temporary, path, overwrite=overwrite)
        logger.info("%s: written", path)
    except FileError:
        raise
    except OSError as error:
        raise FileError(f"cannot be written: {_reason(error)}", subject=path) from error
    finally:
        _remove(temporary)
        _open.discard(temporary)


@contextmanager
def scratch_folder(path: Path) -> Iterator[Path]:
    """Make a folder beside `path` for files of a run, which is removed with all that is in it.

    Raises
    ------
    FileError
        If it cannot be made.
    """
    folder = _temporary_for(path)
    _open.add(folder)
    try:
        make_folder(folder)
        yield folder
    finally:
        _remove(folder)
        _open.discard(folder)


def _temporary_for(path: Path) -> Path:
    """A name beside `path` that no other process takes."""
    short = path.name.encode(errors="surrogateescape")[:_LONGEST].decode(errors="ignore")
    return path.with_name(f".{short}.{_owner()}-{uuid.uuid4().hex[:8]}.tmp")


def _remove(temporary: Path) -> None:
    """Remove a temporary file or folder.

    A failure is none of the run's, which tells its own; the next run removes what is left.
    """
    with suppress(OSError):
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            temporary.unlink()


def _reason(error: OSError) -> str:
    """What the system says, perhaps behind other errors; NumPy only counts what it has written."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        cause = cause.__cause__ or cause.__context__
    text = str(error).partition(". ")[0]  # astropy says three times that there is no space
    return f"{text} (is the disk full?)" if "written" in text or "space" in text else text


def remove_temporaries() -> None:
    """Remove the temporary files of this process, which is about to end."""
    for path in list(_open):
        _remove(path)


def _rename(temporary: Path, path: Path, *, overwrite: bool) -> None:
    """Give a complete file its name, unless another run has put a file there meanwhile."""
    if not overwrite:
        try:
            os.link(temporary, path)
            return
        except FileExistsError:
            raise FileError("exists already; --overwrite replaces it", subject=path) from None
        except OSError:  # a file system without links
            pass
    os.replace(temporary, path)


def _owner() -> str:
    """What tells this process from others: host and number."""
    return f"{re.sub('[^A-Za-z0-9_]', '_', socket.gethostname())}-{os.getpid()}"


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that processes of this host left in a folder when they died."""
    host = _owner().rpartition("-")[0]
    with suppress(OSError):  # a folder that cannot be read is refused elsewhere
        for name in os.listdir(folder):
            match = _TEMPORARY.fullmatch(name)
            if match and match["host"] == host and not _runs(int(match["process"])):
                _remove(folder / name)


def _runs(number: int) -> bool:
    try:
        os.kill(number, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # somebody else's
        return True
    return True
