"""What `reject` writes once for all chips of an exposure: masks in one file, and changed copies."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import FileError, ParameterError
from ..headers.instruments import instrument_of
from ..headers.pixel_facts import QUALITY
from ..io.bad_pixels import BadPixels
from ..io.images import blot_name, format_of, open_image, write_clean, write_flagged
from ..io.masks import write_flag_image
from ..io.names import ImageName, plain_name
from ..io.products import copy_name, root_of
from ..parameters.options import MASKS
from ..parameters.table import default, parse_fields
from .base import Task

FLAGGED = "flagged"
CLEAN = "clean"
FLAGS = "flags"


@dataclass(frozen=True)
class Products:
    """Which files a rejection writes beside a mask for each chip.

    Attributes
    ----------
    one_file : bool, optional
        The masks of all chips of an exposure in one file; None: where it has several, and none is
        called SCI.
    update_dq, clean : bool
        A copy with flags set in DQ, which is made where there is none; a copy with the blot in bad
        pixels.
    keep_name : bool
        The copy has the exposure's own name.
    save_blots : bool
        The blots.
    pictures : skyblot.report.Pictures, optional
        How each mask is pictured, for a page: `skyblot.RejectResult.picture`.
    """

    one_file: bool | None = default("one_file", MASKS)
    update_dq: bool = default("update_dq", MASKS)
    clean: bool = default("clean", MASKS)
    keep_name: bool = default("keep_name", MASKS)
    save_blots: bool = default("save_blots", MASKS)
    pictures: Any = None

    def __post_init__(self) -> None:
        parse_fields(self, MASKS)
        if self.keep_name and self.update_dq == self.clean:
            raise ParameterError(
                "--keep-name (keep_name=True) names one copy: give either --update-dq or --clean"
            )

    @property
    def copies(self) -> bool:
        """Whether any exposure is copied."""
        return self.update_dq or self.clean


def copies_of(images: Sequence[ImageName], products: Products, folder: Path) -> dict[str, Path]:
    """Return the kinds of copies of an exposure, and where they go, given all of its images.

    Raises
    ------
    FileError
        If a copy would be in the exposure's own folder.
    """
    first = images[0]
    planned = {}
    if (
        products.keep_name
        and isinstance(first.path, Path)
        and _same_folder(first.path.parent, folder)
    ):
        raise FileError(
            "--keep-name (keep_name=True) needs another folder than that of the exposure: "
            "--output-dir",
            subject=first.path,
        )
    if products.update_dq:
        kind, label = _flags_of_file(images)
        planned[kind] = (
            copy_name(first, label) if kind == FLAGGED else f"{root_of(first.path)}_crdq.fits"
        )
    if products.clean:
        planned[CLEAN] = copy_name(first, "crclean")
    if products.keep_name:
        planned |= {kind: plain_name(first.path) for kind in planned if kind != FLAGS}
    return {kind: folder / name for kind, name in planned.items()}


def write_copies(
    copies: dict[str, Path], bad: Sequence[BadPixels], bits: int, *, overwrite: bool
) -> None:
    """Write the copies of an exposure.

    Parameters
    ----------
    copies : dict
        As `copies_of` returns it.
    bad : sequence of BadPixels
        Of its images.
    bits : int
        What DQ gets.
    overwrite : bool
    """
    for kind, path in copies.items():
        if kind == FLAGGED:
            write_flagged(path, bad, bits, overwrite=overwrite)
        elif kind == FLAGS:
            write_flag_image(path, bad, bits, overwrite=overwrite)
        else:
            write_clean(path, bad, overwrite=overwrite)


def _same_folder(one: Path, other: Path) -> bool:
    return one.is_dir() and other.is_dir() and os.path.samefile(one, other)


def _flags_of_file(images: Sequence[ImageName]) -> tuple[str, str]:
    """How an exposure's flags are written, and the copy's name: JWST's as its pipeline has it.

    Where an image has no DQ, and is no SCI that would get one beside it, flags are written alone.
    """
    label = "crdq"
    for where in images:
        try:
            label, alone = _flags_of_image(where)
        except Exception:  # told when it is compared, and no reason to end the run
            continue
        if alone:
            return FLAGS, label
    return FLAGGED, label


def _flags_of_image(where: ImageName) -> tuple[str, bool]:
    """What the copy of an image is called, and whether its flags are written alone."""
    with open_image(where) as image:
        alone = image.plane(QUALITY) is None and not image.takes_flags
        return instrument_of(image.facts).flagged, alone


def mask_name(where: ImageName, *, together: bool = False) -> str:
    """Return the name of a mask, or of the file with the masks of all chips.

    Examples
    --------
    >>> from skyblot.io.names import parse_name
    >>> chip = parse_name("j8c0d1bwq_flc.fits[sci,2]")
    >>> mask_name(chip), mask_name(chip, together=True)
    ('j8c0d1bwq_sci2_crmask.fits', 'j8c0d1bwq_crmask.fits')
    """
    if together:
        return f"{root_of(where.path)}_crmask.fits"
    return blot_name(where).rsplit("_blt", 1)[0] + "_crmask.fits"


def is_shared(task: Task) -> bool:
    """Whether the mask of an image goes to one file with those of others."""
    return format_of(task.where.path).chips and task.path.name == mask_name(
        task.where, together=True
    )


def together(images: Sequence[ImageName], products: Products) -> bool:
    """Whether the masks of an exposure's images are in one file: never Roman's, which has one."""
    if not format_of(images[0].path).chips:
        return False
    if products.one_file is not None:
        return products.one_file
    named_sci = any(
        isinstance(where.extension, tuple) and where.extension[0] == "SCI" for where in images
    )
    return len(images) > 1 and not named_sci
