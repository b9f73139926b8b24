"""File names with an extension, ``file.fits[sci,1]``."""

import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import FileError
from .remote import AnyPath, RemotePath, path_of

#: How an extension can be named: a number, a name, or a name and a version.
Extension = int | str | tuple[str, int]

#: What compresses a file as a whole.
COMPRESSIONS = (".gz", ".bz2", ".xz")
_BRACKETS = re.compile(r"(?P<path>.+)\[(?P<extension>[^\[\]]*)\]")
_NUMBER = re.compile(r"[0-9]{1,9}")
#: What FITS allows in EXTNAME, but brackets and commas: it is not to be taken for a number.
_NAME = re.compile(r"(?![-+]?[0-9]+$)[ -+\--Z\\^-~]+")


@dataclass(frozen=True)
class ImageName:
    """A file and, where one was named, an extension of it."""

    path: AnyPath
    extension: Extension | None = None

    def __str__(self) -> str:
        if self.extension is None:
            return str(self.path)
        return f"{self.path}[{extension_text(self.extension)}]"


def extension_text(extension: Extension) -> str:
    """Return an extension as it is written between brackets."""
    if isinstance(extension, tuple):
        return f"{extension[0].lower()},{extension[1]}"
    return str(extension).lower()


def can_be_named(name: str) -> bool:
    """Whether an extension of this name can be written between brackets."""
    return name.strip() == name and _NAME.fullmatch(name) is not None


def parse_name(name: str | Path | RemotePath | ImageName) -> ImageName:
    """Split a file name, or a URL, into its path and its extension.

    A name that exists as it stands is a path, brackets and all; no one looks whether a URL does.

    Raises
    ------
    FileError
        If what stands between the brackets is not an extension.
    """
    if isinstance(name, ImageName):
        return name
    if isinstance(name, RemotePath):
        return ImageName(name)
    text = str(name)
    match = _BRACKETS.fullmatch(text)
    is_local = "://" not in text or text.lower().startswith("file://")
    if match is None or (is_local and path_of(text).exists()):
        return ImageName(path_of(text))
    path = path_of(match["path"])
    extension = match["extension"]
    return ImageName(path, _parse_extension(extension, f"{path}[{extension}]"))


def _parse_extension(text: str, name: str) -> Extension:
    label, comma, version = (part.strip() for part in text.partition(","))
    if not comma and _NUMBER.fullmatch(label):
        return int(label)
    if _NAME.fullmatch(label) and not comma:
        return label.upper()
    if _NAME.fullmatch(label) and _NUMBER.fullmatch(version) and int(version) > 0:
        return label.upper(), int(version)
    raise FileError(
        f"[{text}] is not an extension, expected for example [1], [sci] or [sci,2]", subject=name
    )


def plain_name(path: AnyPath) -> str:
    """Return a file's name without what says that all of it is compressed.

    Examples
    --------
    >>> plain_name(Path("j8c0d1bwq_flc.fits.gz"))
    'j8c0d1bwq_flc.fits'
    """
    name = path.name
    return next((name[: -len(end)] for end in COMPRESSIONS if name.lower().endswith(end)), name)
