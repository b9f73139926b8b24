"""Roman's ASDF: how its files are known and named, and what reads and writes them."""

from collections.abc import MutableMapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FileError, quiet
from . import roman_mosaic
from .asdf import AsdfImage, is_asdf, open_image
from .atomic import atomic_write
from .bad_pixels import KEY_CARD, BadPixels, Change, put_values, set_bits
from .blocks import sort_extensions
from .content import open_content
from .image import NewBlot
from .names import ImageName, parse_name
from .new_mosaic import NewMosaic
from .products import root_of
from .remote import AnyPath
from .roman import write_blot


class RomanFormat:
    """ASDF files of Roman, each with one image."""

    words = "an ASDF file"
    suffix = ".asdf"
    endings = (".asdf",)
    chips = False

    def recognises(self, path: AnyPath) -> bool:
        """Return whether a file begins as an ASDF file does; a URL is judged by its name."""
        return is_asdf(path)

    def open_image(self, where: ImageName) -> AbstractContextManager[AsdfImage]:
        """Open the image of a file."""
        return open_image(where)

    def list_images(self, where: ImageName) -> list[ImageName]:
        """Return the only image of a file."""
        return [where]

    def is_complete(self, path: Path) -> bool:
        """Whether a file has the image that its tree speaks of."""
        with self.open_image(parse_name(path)) as image:
            return bool(image.shape)

    def blot_name(self, where: ImageName, *, compress: bool) -> str:
        """Return the name of a blot: whether it is compressed does not show in it."""
        return f"{root_of(where.path)}_blt.asdf"

    def write_blot(self, blot: NewBlot) -> None:
        """Write a blot as ``roman/data``; no gwcs can be moved."""
        write_blot(blot)

    def mosaic_name(self, name: str, images: Sequence[ImageName], kind: str) -> str:
        """Return the name of a mosaic, which Roman's pipeline calls a coadd."""
        return f"{name}_{'coadd' if kind == 'drz' else kind}.asdf"

    def write_mosaic(self, new: NewMosaic) -> None:
        """Write a mosaic in the layout of level 3."""
        roman_mosaic.write_mosaic(new)

    def write_flagged(
        self, path: Path, images: list[BadPixels], bits: int, *, overwrite: bool
    ) -> None:
        """Write a copy with bits set in ``roman/dq``."""
        _change(
            path,
            images[0],
            "dq",
            lambda data, bad: set_bits(data, bad, bits),
            overwrite=overwrite,
        )

    def write_clean(self, path: Path, images: list[BadPixels], *, overwrite: bool) -> None:
        """Write a copy with the blot's values in the bad pixels of ``roman/data``."""
        _change(path, images[0], "data", put_values, overwrite=overwrite)


def _change(path: Path, bad: BadPixels, name: str, change: Change, *, overwrite: bool) -> None:
    """Write a copy of a Roman file with one array changed.

    It keeps its tags, its unit, and how each is compressed.
    """
    import asdf
    from astropy.units import Quantity

    source = bad.where.path
    with quiet(), asdf.config_context() as config:  # tags of Roman's metadata
        # the same with it and without it, whatever its version
        config.remove_extension(package="roman_datamodels")
        with (
            open_content(source) as content,
            asdf.open(content.source, memmap=False, lazy_load=False) as opened,
        ):
            roman = opened["roman"]
            if name not in roman and name != "dq":
                raise FileError(f"has no roman/{name} to change", subject=source)
            old = roman[name] if name in roman else np.zeros(bad.shape, np.uint32)
            stored = getattr(old, "value", old)
            data = np.array(stored)
            change(data, bad)
            roman[name] = (
                Quantity(data, old.unit, copy=False) if isinstance(old, Quantity) else data
            )
            opened.set_array_compression(data, opened.get_array_compression(stored))
            _rename(roman.get("meta"), path.name)
            if name == "dq" and bad.sky is not None:
                _record_sky(roman.get("meta"), bad.sky)
            if bad.key:
                opened[KEY_CARD.lower()] = bad.key
            with atomic_write(path, overwrite=overwrite) as stream:
                opened.write_to(stream)
                stream.flush()
                sort_extensions(stream.name)
                bad.check_unchanged()


def _record_sky(meta: Any, level: float) -> None:
    """Write the level of an image's sky where Roman's pipeline records it."""
    if isinstance(meta, MutableMapping):
        meta["background"] = {"level": level, "method": "match", "subtracted": False}


def _rename(meta: Any, name: str) -> None:
    """Put the name of a copy into its metadata, with the tag that the old one had."""
    if not isinstance(meta, MutableMapping):
        return
    old: Any = meta.get("filename")
    meta["filename"] = type(old)(name) if isinstance(old, str) else name
    if hasattr(old, "_tag"):
        meta["filename"]._tag = old._tag
