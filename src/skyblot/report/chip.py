"""What a report is told of one chip, and what it makes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from ..io.remote import AnyPath


@dataclass(frozen=True)
class ChipReport:
    """One chip of a report: its arrays, all of one shape (ny, nx), and what is known of it.

    Attributes
    ----------
    name : str
        Heading: file and extension.
    exposure, blot : ndarray
        In the same unit. Pixels that are not finite count as missing.
    residual_sigma : ndarray
        (exposure - blot) / sigma; NaN where the two are not to be compared.
    mask : ndarray of bool, optional
        True where a pixel is bad.
    facts : dict
        What the table shows, in this order; numbers, words, sequences, or mappings of them.
    links : dict
        Files that belong to the chip, by the word to show; written relative to the page.
    unit : str
        Unit of exposure and blot.
    notes : sequence of str
        Warnings; a chip that has some is marked in the list of chips.
    """

    name: str
    exposure: np.ndarray
    blot: np.ndarray
    residual_sigma: np.ndarray
    mask: np.ndarray | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
    links: Mapping[str, AnyPath | str] = field(default_factory=dict)
    unit: str = ""
    notes: Sequence[str] = ()

    def __post_init__(self) -> None:
        shape = np.shape(self.exposure)
        if len(shape) != 2 or 0 in shape:
            raise DataError(
                f"the shape of its exposure is {shape}, expected a 2-D image (ny, nx)",
                subject=self.name,
            )
        for name in ("blot", "residual_sigma", "mask"):
            array = getattr(self, name)
            if array is not None and np.shape(array) != shape:
                raise DataError(
                    f"its {name} has shape {np.shape(array)}, expected that of its exposure, "
                    f"{shape}",
                    subject=self.name,
                )


@dataclass(frozen=True)
class Pictures:
    """How chips are pictured on a page.

    Attributes
    ----------
    folder : Path
        Where the page is: links are relative to it.
    size : int
        Largest width and height of a view.
    stamps : int
        Number of stamps of each kind.
    """

    folder: Path
    size: int = 1024
    stamps: int = 6


@dataclass(frozen=True, repr=False)
class ChipPicture:
    """A chip as a page shows it: small pictures and words, none of the chip's own arrays."""

    name: str
    values: Mapping[str, Any] = field(repr=False)
