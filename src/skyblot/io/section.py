"""Sections of HDUs whose pixels are scaled, compressed or undefined in places."""

import threading
from typing import Any

import numpy as np

from .damage import readable


class Section:
    """A section of an HDU with the dtype of its pixels.

    The dtype of astropy's own sections ignores BLANK and BZERO.

    Threads take turns: the HDU has one place in its file.
    """

    def __init__(self, section: Any, name: str) -> None:
        self._name = name
        self._section = section
        self._plane = (0,) * (len(section.shape) - 2)
        self._turn = threading.Lock()
        self.shape = section.shape[-2:]
        self.dtype = self[:1, :1].dtype

    def __getitem__(self, key: tuple[slice, slice]) -> np.ndarray:
        with self._turn, readable(self._name, "its pixels"):
            pixels: np.ndarray = self._section[(*self._plane, *key)]
        return pixels
