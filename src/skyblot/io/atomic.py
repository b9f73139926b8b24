"""Write a file so that it is complete under its name, or not there at all."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ..errors import FileError


def check_output(path: Path, *, overwrite: bool) -> None:
    """Refuse an output that cannot be written, before any work is done.

    Raises
    ------
    FileError
        If its folder is missing, it is a folder, or it exists and may not be replaced.
    """
    if not path.parent.is_dir():
        raise FileError(f"{path}: the folder {path.parent} does not exist")
    if not os.access(path.parent, os.W_OK):
        raise FileError(f"{path}: the folder {path.parent} cannot be written to")
    if path.is_dir():
        raise FileError(f"{path}: is a folder, expected a file name")
    if path.exists() and not overwrite:
        raise FileError(f"{path}: exists already; --overwrite (overwrite=True) replaces it")


@contextmanager
def atomic_write(path: Path, *, overwrite: bool) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path`; flush and rename it to `path` if the block succeeds.

    Raises
    ------
    FileError
        If the file cannot be written; nothing is left then, and an old file is as it was.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with open(temporary, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        check_output(path, overwrite=overwrite)
        os.replace(temporary, path)
    except FileError:
        raise
    except OSError as error:
        raise FileError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()
