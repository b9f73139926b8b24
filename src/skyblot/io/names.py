"""File names with an extension, ``file.fits[sci,1]``; and names of what is made."""

import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import FileError
from ..headers.instruments import Names, known_names
from .remote import AnyPath, RemotePath, path_of

#: How an extension can be named: a number, a name, or a name and a version.
Extension = int | str | tuple[str, int]

#: What compresses a file as a whole.
COMPRESSIONS = (".gz", ".bz2", ".xz")
_BRACKETS = re.compile(r"(?P<path>.+)\[(?P<extension>[^\[\]]*)\]")
_NUMBER = re.compile(r"[0-9]{1,9}")
#: What FITS allows in EXTNAME, but brackets and commas: it is not to be taken for a number.
_NAME = re.compile(r"(?![-+]?[0-9]+$)[ -+\--Z\\^-~]+")
#: What calibration, drizzling and skyblot itself put behind a root: u5780205r_c0m, jw01_nrcb5_cal.
_PRODUCTS = frozenset(
    label
    for names in (*known_names(), Names(products=("med", "blt", "crclean", "crdq")))
    for label in (*names.exposures, *names.products)
)


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


def root_of(path: AnyPath) -> str:
    """Return a file's name without suffixes, and without what says which product it is.

    Examples
    --------
    >>> root_of(Path("j8c0d1bwq_flc.fits.gz")), root_of(Path("c4d_180908_000426_ooi_g_v1.fits.fz"))
    ('j8c0d1bwq', 'c4d_180908_000426_ooi_g_v1')
    """
    return _split(path)[0]


def label_of(path: AnyPath) -> str:
    """Return what a file's name says of which product it is; empty where it says nothing.

    Examples
    --------
    >>> label_of(Path("j8c0d1bwq_flc.fits.gz")), label_of(Path("ngc_1.fits"))
    ('flc', '')
    """
    return _split(path)[1]


def _split(path: AnyPath) -> tuple[str, str]:
    """Root and product."""
    name = plain_name(path)
    stem = (name[:-3] if name.lower().endswith(".fz") else name).rsplit(".", 1)[0]
    root, _, product = stem.rpartition("_")
    return (root, product.lower()) if root and product.lower() in _PRODUCTS else (stem, "")


def extension_label(extension: Extension | None) -> str:
    """Return an extension as part of a file's name, of letters, digits, minus and underscore.

    A number, and no extension, are called as HST's and JWST's are: ``sci4``, ``sci1``.

    Examples
    --------
    >>> extension_label(("SCI", 2)), extension_label(("S30", 1)), extension_label("ESO_CCD_#65")
    ('sci2', 's30_1', 'eso_ccd_65_1')
    """
    if extension is None or isinstance(extension, int):
        return f"sci{1 if extension is None else extension}"
    name, version = (extension, 1) if isinstance(extension, str) else extension
    label = re.sub(r"[^a-z0-9+-]+", "_", name.lower()).strip("_") or "hdu"
    return f"{label}_{version}" if label[-1:].isdigit() else f"{label}{version}"
