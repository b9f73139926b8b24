"""Where the planes of a mosaic are while a run works on them: in memory, or in files."""

import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import FileError
from ..text import size_text


class _Plane(NamedTuple):
    """A plane in a file: its array, and which row of the mosaic its first one is."""

    path: Path
    array: np.ndarray
    row0: int


@dataclass(frozen=True)
class Storage:
    """Gives the planes of a mosaic their place.

    Attributes
    ----------
    folder : Path or None
        Where their files are; None: they are in memory.
    shared : bool
        Files are made, and what is put into the planes goes there. False: they are there already,
        and what is put into the planes is seen by this process alone, until it is saved.
    """

    folder: Path | None = None
    shared: bool = True
    _planes: list[_Plane] = field(default_factory=list, repr=False, compare=False)

    def zeros(self, name: str, shape: tuple[int, ...], dtype: Any, row0: int = 0) -> np.ndarray:
        """Return a plane of this name, or some, full of zeros at first.

        Parameters
        ----------
        name : str
        shape : tuple of int
            (ny, nx), or (planes, ny, nx).
        dtype : dtype
        row0 : int
            Which row of the mosaic the first one is.

        Raises
        ------
        FileError
            If there is no room on the disk.
        """
        if self.folder is None or not math.prod(shape):
            return np.zeros(shape, dtype)
        path = self.folder / f"{name}.plane"
        if self.shared:
            _reserve(path, math.prod(shape) * np.dtype(dtype).itemsize)
        array = np.memmap(path, dtype, "r+" if self.shared else "c", shape=shape)
        self._planes.append(_Plane(path, array, row0))
        return array

    def save(self, first: int, end: int) -> None:
        """Save what was put into some rows of the mosaic, for other processes.

        It is written rather than mapped: machines that share a disk must not write pages which they
        have in part only.
        """
        for path, array, row0 in self._planes:
            ny, nx = array.shape[-2:]
            low = min(max(first - row0, 0), ny)
            high = min(max(end - row0, 0), ny)
            if low >= high:
                continue
            with open(path, "r+b") as file:
                for number, plane in enumerate(array.reshape(-1, ny, nx)):
                    file.seek((number * ny + low) * nx * array.itemsize)
                    file.write(np.ascontiguousarray(plane[low:high]).data)


def _reserve(path: Path, size: int) -> None:
    """Make a file of zeros for which there is room: a map of one that fills the disk is fatal."""
    try:
        with open(path, "wb") as file:
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            else:
                file.truncate(size)
    except OSError as error:
        raise FileError(
            f"no room for a mosaic of {size_text(size)} a plane: {error.strerror}",
            subject=path.parent,
        ) from error


#: The planes are in memory.
IN_MEMORY = Storage()
