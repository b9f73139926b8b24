"""File names with an extension: ``file.fits``, ``file.fits[1]``, ``file.fits[sci,1]``."""

import re
from dataclasses import dataclass
from pathlib import Path

from .. import messages
from ..errors import FileError
from .remote import AnyPath, RemotePath, path_of

#: How an extension can be named: a number, a name, or a name and a version.
Extension = int | str | tuple[str, int]

_BRACKETS = re.compile(r"(?P<path>.+)\[(?P<extension>[^\[\]]*)\]")


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
    whole, match = path_of(str(name)), _BRACKETS.fullmatch(str(name))
    if match is None or (isinstance(whole, Path) and whole.exists()):
        return ImageName(whole)
    return ImageName(path_of(match["path"]), _parse_extension(match["extension"], str(whole)))


def _parse_extension(text: str, name: str) -> Extension:
    label, comma, version = (part.strip() for part in text.partition(","))
    if not comma and label.isdigit():
        return int(label)
    if re.fullmatch(r"[A-Za-z]\w*", label) and not comma:
        return label.upper()
    if re.fullmatch(r"[A-Za-z]\w*", label) and version.isdigit() and int(version) > 0:
        return label.upper(), int(version)
    raise FileError(messages.BAD_EXTENSION(name=name, text=text))
