"""One file of a data set, and how it is written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple


class Output(NamedTuple):
    """A file: ``mosaic``, ``exposure`` or ``truth``, its name, and what writes it to a path."""

    role: str
    name: str
    write: Callable[[Path], object]

    def save(self, folder: Path) -> Path:
        """Write beside the destination, then rename: never a partial file."""
        path = folder / self.name
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        partial.unlink(missing_ok=True)
        try:
            self.write(partial)
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
        return path
