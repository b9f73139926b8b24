"""Masks that were made earlier, by whatever program, to compare new ones with."""

import glob
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import DataError, ParameterError
from ..headers.pixel_facts import QUALITY
from .image import Image
from .images import blot_name, float_pixels, open_image
from .masks import mask_of
from .names import ImageName, parse_name
from .planes import companion_name, flags_of
from .products import root_of
from .remote import AnyPath

#: What stands for the flags that an exposure has itself.
_OWN = QUALITY.keywords[0]
_BITS = re.compile(r"(?P<where>.+)=(?P<bits>[^=\]]*)")


@dataclass(frozen=True)
class Earlier:
    """Where earlier masks are.

    Attributes
    ----------
    pattern : str, optional
        How the files are named, ``*`` for the exposure's name; None: the exposures' own flags.
    bits : int, optional
        Flags of which any stands for a bad pixel; None: masks, 1 for good pixels and 0 for bad
        ones.
    folder : Path, optional
        Masks under the names that skyblot and AstroDrizzle give them, ``<root>_sci1_crmask.fits``.
    """

    pattern: str | None = None
    bits: int | None = None
    folder: Path | None = None

    @classmethod
    def parse(cls, text: str) -> "Earlier":
        """Return what ``DQ=4096``, ``old/*.fits=4096``, ``*_mask.fits`` or a folder stands for.

        Raises
        ------
        ParameterError
            For bits that are no whole numbers above 0, and sums of them: ``DQ=4096+8192``.
        """
        match = _BITS.fullmatch(text)
        if match is None:
            folder = Path(text)
            return cls(folder=folder) if folder.is_dir() else cls(pattern=text)
        parts = match["bits"].split("+")
        if not all(part.isdecimal() and int(part) for part in parts):
            raise ParameterError(
                f"--compare {text}: expected bits after the =, such as {match['where']}=4096"
            )
        bits = sum(map(int, parts))
        own = match["where"].upper() == _OWN
        return cls(None if own else match["where"], bits)

    def place(self, exposure: AnyPath, where: ImageName) -> ImageName | None:
        """Return the file of the mask of an image of an exposure, None where it is the exposure."""
        if self.folder is not None:
            name = blot_name(where).rsplit("_blt", 1)[0] + "_crmask.fits"
            path = self.folder / name
            return ImageName(path if path.exists() else self.folder / _shared(exposure))
        return None if self.pattern is None else companion_name(exposure, self.pattern)

    def files(self, exposure: AnyPath) -> list[AnyPath]:
        """Return the files that are read for an exposure beside it."""
        if self.folder is not None:
            root = root_of(exposure)
            return [*sorted(self.folder.glob(f"{glob.escape(root)}_*crmask.fits"))]
        return [] if self.pattern is None else [companion_name(exposure, self.pattern).path]

    def mask(self, image: Image) -> np.ndarray:
        """Return the earlier mask of an image that is open, True where a pixel is bad.

        Raises
        ------
        DataError
            If there are no flags, or what should be a mask is none.
        FileError
            If a file is missing or cannot be read.
        """
        if self.bits is not None:
            flags = flags_of(image, self.pattern)
            if flags is None:
                raise DataError("has no flags to compare with", subject=image.name)
            kind = np.dtype(f"u{flags.dtype.itemsize}")
            bits = kind.type(self.bits & np.iinfo(kind).max)
            marked: np.ndarray = (flags.astype(flags.dtype.newbyteorder("=")).view(kind) & bits) > 0
            return marked
        where = self.place(image.path, parse_name(image.name))
        assert where is not None
        if where.extension is None:
            where = mask_of(Path(str(where.path)), image.name)
        with open_image(where) as opened:
            values = float_pixels(opened)
            name = opened.name
        if values.shape != image.shape:
            raise DataError(f"has shape {values.shape}, expected {image.shape}", subject=name)
        bad: np.ndarray = values == 0
        part = 100 * float(np.mean(bad))
        if part > 50 or not np.all(bad | (values == 1)):
            raise DataError(
                f"is no mask with 1 for good pixels and 0 for bad ones: {part:.0f} % of its "
                "pixels are 0 (--compare FILE=BITS is for flags)",
                subject=name,
            )
        return bad


def _shared(exposure: AnyPath) -> str:
    """The name of the file with the masks of all chips."""
    return f"{root_of(exposure)}_crmask.fits"
