"""What a report is told of one chip, and what it makes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import DataError
from ..io.remote import AnyPath
from .scratch import Piece, Scratch

if TYPE_CHECKING:
    from ..io.earlier import Earlier


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
        Warnings; a chip that has some is marked in the table of chips.
    measured : mapping
        Numbers of the table of chips, those that are known: "rejected", "expected low", "expected
        high" (parts of the judged pixels), "dx", "dy", "registration error" (pixels), "flux
        ratio", "flux ratio error", "noise" (sigma), "background".
    wcs : WCS, optional
        The chip's own, for positions on the sky.
    earlier : ndarray of bool, optional
        An earlier mask to compare with, True where a pixel is bad.
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
    measured: Mapping[str, float] = field(default_factory=dict)
    wcs: Any = None
    earlier: np.ndarray | None = None

    def __post_init__(self) -> None:
        shape = np.shape(self.exposure)
        if len(shape) != 2 or 0 in shape:
            raise DataError(
                f"the shape of its exposure is {shape}, expected a 2-D image (ny, nx)",
                subject=self.name,
            )
        for name in ("blot", "residual_sigma", "mask", "earlier"):
            array = getattr(self, name)
            if array is not None and np.shape(array) != shape:
                raise DataError(
                    f"its {name} has shape {np.shape(array)}, expected that of its exposure, "
                    f"{shape}",
                    subject=self.name,
                )


@dataclass(frozen=True)
class MosaicReport:
    """A mosaic of a report, and its weights.

    Attributes
    ----------
    name : str
    image : ndarray, shape (ny, nx)
        Pixels that are not finite count as missing.
    weight : ndarray, shape (ny, nx), optional
        0 where nothing was dropped.
    facts, links, unit, wcs
        As those of `ChipReport`.
    """

    name: str
    image: np.ndarray
    weight: np.ndarray | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
    links: Mapping[str, AnyPath | str] = field(default_factory=dict)
    unit: str = ""
    wcs: Any = None


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
    scratch : Scratch, optional
        Where pictures wait; None: in memory.
    compare : Earlier, optional
        The earlier masks to compare with.
    """

    folder: Path
    size: int = 1024
    stamps: int = 6
    scratch: Scratch | None = field(default=None, compare=False, repr=False)
    compare: "Earlier | None" = None


@dataclass(frozen=True, repr=False)
class ChipPicture:
    """A chip as a page shows it: words, and pictures as bytes; none of the chip's own arrays.

    Attributes
    ----------
    name : str
    values : mapping
        What templates show.
    row : mapping
        Numbers of the table of chips.
    tiles : tuple
        The overview, and then tiles: bytes, or where they wait on the disk.
    """

    name: str
    values: Mapping[str, Any] = field(repr=False)
    row: Mapping[str, float] = field(default_factory=dict)
    tiles: tuple[Piece | bytes, ...] = field(default=(), repr=False)

    def pieces(self, scratch: Scratch) -> tuple[Piece, ...]:
        """Return its tiles, all of them on the disk."""
        return tuple(each if isinstance(each, Piece) else scratch.put(each) for each in self.tiles)

    def waiting(self, scratch: Scratch) -> "ChipPicture":
        """Return the same with its tiles on the disk: from another process they come as bytes."""
        return replace(self, tiles=self.pieces(scratch))
