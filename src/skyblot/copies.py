"""What `reject` writes once for all chips of an exposure: masks in one file, and changed copies."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from . import messages
from .batch import Failure
from .comparison import RejectResult
from .errors import WARNING_FILTERS, FileError, ParameterError
from .exposure import Task
from .facts import QUALITY
from .files import output_name
from .instruments import instrument_of
from .io.copies import copy_name, write_clean, write_flagged
from .io.damage import readable
from .io.images import format_of, open_image
from .io.masks import BadPixels, write_flag_image, write_masks
from .io.names import ImageName, plain_name, root_of
from .io.remote import AnyPath

FLAGGED, CLEAN, FLAGS = "flagged", "clean", "flags"


@dataclass(frozen=True)
class Wanted:
    """Which files a run of `reject` writes beside a mask for each chip.

    Attributes
    ----------
    folder : Path
    overwrite : bool
    one_file : bool, optional
        The masks of all chips of an exposure in one file; None: where it has several, and none is called SCI.
    update_dq, clean : bool
        A copy with flags set in DQ, which is made where there is none; a copy with the blot in bad pixels.
    keep_name : bool
        The copy has the exposure's own name.
    """

    folder: Path
    overwrite: bool = False
    one_file: bool | None = None
    update_dq: bool = False
    clean: bool = False
    keep_name: bool = False

    def __post_init__(self) -> None:
        if self.keep_name and self.update_dq == self.clean:
            raise ParameterError(messages.ONE_COPY())

    @property
    def copies(self) -> bool:
        """Whether any exposure is copied."""
        return self.update_dq or self.clean


class Copies:
    """Files that are written when all images of an exposure have been compared, or could not be.

    Raises
    ------
    FileError
        If a copy would be in the exposure's own folder.
    """

    def __init__(self, tasks: Sequence[Task], wanted: Wanted) -> None:
        self._wanted = wanted
        self._images: dict[AnyPath, list[ImageName]] = {}
        for task in tasks:
            self._images.setdefault(task.where.path, []).append(task.where)
        self._copies = {path: self._planned(images) for path, images in self._images.items()}
        self._masks = {task.where.path: task.path for task in tasks if together(self._images[task.where.path], wanted)}
        self._found: dict[AnyPath, list[RejectResult]] = {}
        self._ended: dict[AnyPath, int] = {}
        self._files = {str(task.where): task.where.path for task in tasks}

    @property
    def masks(self) -> frozenset[Path]:
        """The files that hold the masks of several chips."""
        return frozenset(self._masks.values())

    def paths(self) -> list[Path]:
        """Every file that is going to be written, but those of a single mask."""
        return [*self._masks.values(), *(path for copies in self._copies.values() for path in copies.values())]

    def add(self, result: RejectResult) -> None:
        """Take what was found in an image, and write its file's copies if it was the last one."""
        assert result.bad is not None
        self._found.setdefault(result.bad.where.path, []).append(result)
        self._end(result.bad.where.path)

    def miss(self, failure: Failure) -> None:
        """Take that an image could not be compared: what was found in the others is written."""
        path = self._files.get(failure.reference)
        if path is not None:
            self._end(path)

    def _end(self, path: AnyPath) -> None:
        self._ended[path] = self._ended.get(path, 0) + 1
        found = self._found.get(path, [])
        if self._ended[path] < len(self._images[path]) or not found:
            return
        order = {where: place for place, where in enumerate(self._images[path])}
        del self._found[path]
        bad = sorted((each.bad for each in found if each.bad is not None), key=lambda each: order[each.where])
        with WARNING_FILTERS:  # files are opened, while other threads open theirs
            self._write(path, bad, found[0].bits)

    def _write(self, path: AnyPath, bad: Sequence[BadPixels], bits: int) -> None:
        overwrite = self._wanted.overwrite
        for each in bad:
            each.check_unchanged()
        with readable(path, "what is to be copied"):
            self._write_files(path, bad, bits, overwrite=overwrite)

    def _write_files(self, path: AnyPath, bad: Sequence[BadPixels], bits: int, *, overwrite: bool) -> None:
        if path in self._masks:
            write_masks(self._masks[path], bad, overwrite=overwrite)
        for kind, copy in self._copies[path].items():
            if kind == FLAGGED:
                write_flagged(copy, bad, bits, overwrite=overwrite)
            elif kind == FLAGS:
                write_flag_image(copy, bad, bits, overwrite=overwrite)
            else:
                write_clean(copy, bad, overwrite=overwrite)

    def _planned(self, images: Sequence[ImageName]) -> dict[str, Path]:
        """What is written of a file, and where."""
        wanted, first = self._wanted, images[0]
        planned = {}
        if wanted.keep_name and isinstance(first.path, Path) and _same_folder(first.path.parent, wanted.folder):
            raise FileError(messages.OWN_FOLDER(name=first.path))
        if wanted.update_dq:
            kind, label = _flags_of_file(images)
            planned[kind] = copy_name(first, label) if kind == FLAGGED else f"{root_of(first.path)}_crdq.fits"
        if wanted.clean:
            planned[CLEAN] = copy_name(first, "crclean")
        if wanted.keep_name:
            planned |= {kind: plain_name(first.path) for kind in planned if kind != FLAGS}
        return {kind: wanted.folder / name for kind, name in planned.items()}


def _same_folder(one: Path, other: Path) -> bool:
    return one.is_dir() and other.is_dir() and os.path.samefile(one, other)


def _flags_of_file(images: Sequence[ImageName]) -> tuple[str, str]:
    """How the flags of an exposure are written, and what the copy is called: JWST's as its pipeline calls it.

    Where an image has no DQ, and is no SCI that would get one beside it, flags are written alone.
    """
    label = "crdq"
    for where in images:
        try:
            label, alone = _flags_of_image(where)
        except Exception:  # what is wrong with it is told when it is compared, and ends no run
            continue
        if alone:
            return FLAGS, label
    return FLAGGED, label


def _flags_of_image(where: ImageName) -> tuple[str, bool]:
    """What the copy of an image is called, and whether its flags are written alone."""
    with open_image(where) as image:
        alone = image.plane(QUALITY) is None and not image.takes_flags
        return instrument_of(image.facts).flagged, alone


def mask_tasks(images: Sequence[ImageName], wanted: Wanted) -> list[Task]:
    """Return every image with the file that its mask goes to."""
    chips: dict[AnyPath, list[ImageName]] = {}
    for where in images:
        chips.setdefault(where.path, []).append(where)
    shared = {path for path, found in chips.items() if together(found, wanted)}
    return [Task(each, wanted.folder / mask_name(each, together=each.path in shared)) for each in images]


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
    return output_name(where).rsplit("_blt", 1)[0] + "_crmask.fits"


def together(images: Sequence[ImageName], wanted: Wanted) -> bool:
    """Whether the masks of an exposure's images are in one file: never Roman's, which has one."""
    if not format_of(images[0].path).chips:
        return False
    if wanted.one_file is not None:
        return wanted.one_file
    named_sci = any(isinstance(where.extension, tuple) and where.extension[0] == "SCI" for where in images)
    return len(images) > 1 and not named_sci
