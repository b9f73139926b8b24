"""What images in files, and formats of files, can do, whatever kind they are."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

from ..headers.facts import Fact, Facts
from .names import ImageName
from .remote import AnyPath

if TYPE_CHECKING:
    from .bad_pixels import BadPixels
    from .new_mosaic import NewMosaic


#: What errors can be.
DEVIATION = "standard deviation"
VARIANCE = "variance"
WEIGHT = "inverse variance"
ALL_BITS = 0xFFFFFFFFFFFFFFFF


class Role(NamedTuple):
    """What a file says that its image is.

    Attributes
    ----------
    name : str
        ``"mosaic"``, ``"exposure"``, or ``"image"`` for neither.
    words : str
        Where that is said, for messages.
    """

    name: str
    words: str = ""


@dataclass(frozen=True)
class Plane:
    """Where a plane of an image is, and what it holds.

    Attributes
    ----------
    name : str
        Of its extension; with the file, where it is in another one than the image.
    meaning : str
        Of errors: standard deviation, variance or inverse variance.
    forbidden : int, optional
        Of flags: the bits that leave a pixel out; None: those of the instrument.
    where : ImageName, optional
        In another file; its extension is a number.
    hdu : HDU, optional
        In the image's own file.
    """

    name: str
    meaning: str = ""
    forbidden: int | None = None
    where: ImageName | None = None
    hdu: Any = None

    def __str__(self) -> str:
        return f"{self.name} ({self.meaning})" if self.meaning not in ("", DEVIATION) else self.name


class Image(Protocol):
    """What blotting needs of an image in an open file."""

    @property
    def name(self) -> str:
        """File, and extension where it has one, for messages."""

    @property
    def path(self) -> AnyPath:
        """The file."""

    @property
    def extension(self) -> str:
        """The name of its extension, empty where it has none."""

    @property
    def number(self) -> int | None:
        """Which HDU it is, None where its file has no other image."""

    @property
    def choices(self) -> int:
        """How many images the name that was opened stands for; this is the first of them."""

    @property
    def facts(self) -> Facts:
        """Where exposure, units and sky are looked up."""

    @property
    def shape(self) -> tuple[int, int]:
        """(ny, nx)."""

    @property
    def record(self) -> Mapping[str, Any]:
        """How the image was made, if it is a blot: keywords that begin with BLOT."""

    @property
    def files(self) -> tuple[AnyPath, ...]:
        """All files that the image and its WCS come from."""

    def as_reference(self, wcs_key: str = "") -> "Image":
        """Return the image with the WCS to blot onto: an alternate one, or a ``.head`` file's."""

    def pixels(self) -> Any:
        """Return the pixels, unread: an object with shape and dtype that reads what is sliced."""

    def wcs(self) -> Any:
        """Return the most exact celestial WCS that the file holds.

        A `WCSError` if there is none.
        """

    def header_offset(self, exact: Any) -> float | None:
        """Return by how many pixels the WCS in its header is off an exact one.

        None where that is not known.
        """

    def whole_wcs_header(self) -> Any:
        """Return the header of its WCS, where a header has all of it; else None."""

    @property
    def stated(self) -> Role | None:
        """What its file says that it is; None where that is for its headers to tell."""

    @property
    def takes_flags(self) -> bool:
        """Whether a copy of it can be given flags where it has none."""

    def plane(self, fact: Fact) -> Plane | None:
        """Return the plane of its own file that holds a fact, `ERRORS` or `QUALITY`.

        None where there is none.
        """

    def plane_pixels(self, plane: Plane) -> np.ndarray:
        """Return the pixels of a plane of its own file."""

    def weights(self) -> "Image | None":
        """Return its weights in its own file, None where there are none."""


@dataclass(frozen=True)
class NewBlot:
    """A blot that is to be written; what it has is said by `skyblot.io.images.write_blot`."""

    path: Path
    data: np.ndarray
    reference: Any
    cards: Iterable[tuple]
    wcs: Any
    move: Any
    overwrite: bool
    compress: bool
    errors: np.ndarray | None


class Format(Protocol):
    """A format of files: how they are recognised and named, and what reads and writes them."""

    @property
    def words(self) -> str:
        """A file of this format, in words."""

    @property
    def suffix(self) -> str:
        """How the names of its files end."""

    @property
    def endings(self) -> tuple[str, ...]:
        """All endings, in small letters, by which a file would be taken for one of this format."""

    @property
    def chips(self) -> bool:
        """Whether a file may hold several images."""

    def recognises(self, path: AnyPath) -> bool:
        """Return whether a file is of this format, by its content."""

    def open_image(self, where: ImageName) -> AbstractContextManager[Image]:
        """Open an image; errors as for `skyblot.io.images.open_image`."""

    def list_images(self, where: ImageName) -> list[ImageName]:
        """Return the images of a file that are blotted onto, or the one that is named."""

    def is_complete(self, path: Path) -> bool:
        """Whether a file has all the bytes that it speaks of."""

    def blot_name(self, where: ImageName, *, compress: bool) -> str:
        """Return the name of the blot onto an image."""

    def write_blot(self, blot: NewBlot) -> None:
        """Write a blot, atomically."""

    def mosaic_name(self, name: str, images: Sequence[ImageName], kind: str) -> str:
        """Return the name of a mosaic; arguments are those of `skyblot.io.mosaics.mosaic_name`."""

    def write_mosaic(self, new: "NewMosaic") -> None:
        """Write a mosaic, atomically."""

    def write_flagged(
        self, path: Path, images: list["BadPixels"], bits: int, *, overwrite: bool
    ) -> None:
        """Write a copy with flags set; arguments are those of `skyblot.io.images.write_flagged`."""

    def write_clean(self, path: Path, images: list["BadPixels"], *, overwrite: bool) -> None:
        """Write a copy with the blot in bad pixels.

        Arguments are those of `skyblot.io.images.write_clean`.
        """
