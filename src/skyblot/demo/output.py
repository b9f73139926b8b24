"""One file of a data set, and how it is written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ..io.atomic import atomic_write


class Output(NamedTuple):
    """A file: ``mosaic``, ``exposure`` or ``truth``, its name, and what writes it to a stream."""

    role: str
    name: str
    write: Callable[[BinaryIO], object]

    def save(self, folder: Path) -> Path:
        """Write it, complete or not at all; the errors are those of `atomic_write`."""
        path = folder / self.name
        with atomic_write(path, overwrite=True) as stream:
            self.write(stream)
        return path
