"""Pixels that are read where they are sliced."""

import os
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import messages
from ..bounds import Bounds
from ..errors import FileError, reason_of


@dataclass(frozen=True)
class FileRows:
    """Pixels of an image in a file, read where they are sliced, by any thread.

    Those rows' bytes are read, and no others.

    A memory map would bring in 64 kB around each row's piece, and end the process if the file
    shrank.

    Attributes
    ----------
    path : Path
        Where there is a `descriptor`, for messages only.
    start : int
        Offset of the first pixel, bytes.
    shape : tuple of int
        (ny, nx).
    dtype : dtype
        As in the file.
    descriptor : int, optional
        Of an open file without a name.
    """

    path: Any
    start: int
    shape: tuple[int, int]
    dtype: np.dtype
    descriptor: int | None = None

    concurrent = True

    def __getitem__(self, key: tuple[slice, slice]) -> np.ndarray:
        try:
            return self._read(key)
        except FileError:
            raise
        except OSError as error:
            raise FileError(messages.CANNOT_READ(name=self.path, reason=reason_of(error))) from error

    def _read(self, key: tuple[slice, slice]) -> np.ndarray:
        bounds = Bounds.of_slices(key, self.shape)
        rows, columns = bounds.shape
        width = self.shape[1]
        with ExitStack() as stack:
            file = self.descriptor
            if file is None:
                file = stack.enter_context(open(self.path, "rb", buffering=0)).fileno()
            if 2 * columns > width:  # one long read costs less than many short ones
                span = np.empty((rows, width), self.dtype)
                self._fill(file, span, bounds.y0 * width)
                return span[:, bounds.x0 : bounds.x1]
            pixels = np.empty((rows, columns), self.dtype)
            for row, line in enumerate(pixels, bounds.y0):
                self._fill(file, line, row * width + bounds.x0)
        return pixels

    def _fill(self, file: int, pixels: np.ndarray, first: int) -> None:
        """Read consecutive pixels from the `first` on."""
        buffer = memoryview(pixels.reshape(-1).view(np.uint8).data)
        done = 0
        offset = self.start + first * self.dtype.itemsize
        while done < len(buffer):
            count = os.preadv(file, [buffer[done:]], offset + done)
            if count == 0:
                raise FileError(messages.CUT_WHILE_READ(name=self.path))
            done += count
