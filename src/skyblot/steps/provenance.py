"""What a blot's header says about how it was made; and whether a blot on disk was made just so."""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ..errors import SkyblotError
from ..headers.pair import UNCHANGED
from ..headers.scaling import LABELS, Scaling
from ..headers.units import BRIGHTNESS, COUNTS, FLUX, counts_of, unit_kind
from ..io.atomic import file_identity
from ..io.coverage import weight_files
from ..io.image import Image
from ..io.images import is_complete, open_image
from ..io.remote import AnyPath
from ..parameters.table import Parameters

#: The card that says what a blot was made from, and how: equal in two files only if everything is
#: the same.
KEY_CARD = "BLOTKEY"
#: What the record of a blot begins with, in FITS and in ASDF; that of a mask, or a copy with flags
#: or blots in it.
BLOT = re.compile(rb"BLOTVER =|^ +blotver:", re.MULTILINE)
MASK = re.compile(rb"CRVER   =|CRKEY   =|^crkey:", re.MULTILINE)
_COPY_KEY = re.compile(rb"(?:CRKEY   = '|^crkey: )([0-9a-f]{16})", re.MULTILINE)
#: How far into a file it is looked for.
_BEGINNING = 1 << 22
#: The card of a blot that has errors.
ERROR_CARD = "BLOTERR"


def cards(
    mosaic: Image,
    reference: Image,
    parameters: Parameters,
    scaling: Scaling,
    fill: float,
    covered: float,
    distorted: bool,
    storage: Mapping[str, Any],
) -> list[tuple[str, Any, str]]:
    """Return the keywords that record how a blot was made."""
    from .. import __version__

    record: list[tuple[str, Any, str]] = [
        ("BLOTVER", __version__, "version of skyblot"),
        ("BLOTSRC", _ascii(mosaic.name), ""),
        ("BLOTREF", _ascii(reference.name), ""),
        ("BLOTINT", parameters.interp, "interpolant"),
        ("BLOTSSCL", parameters.sinscl, "scale of the sinc interpolant"),
        ("BLOTSTEP", parameters.stepsize or 1, "[pixel] step of the pixel map, 1 is exact"),
        ("BLOTTOL", parameters.tolerance, "[pixel] tolerance of the pixel map"),
        ("BLOTCOEF", distorted, "distortion model used?"),
        ("BLOTIN", scaling.in_units, "units of the source"),
        ("BLOTOUT", scaling.out_units, "units of the blot"),
        ("BLOTFACT", scaling.factor, "factor applied to the source"),
        ("BLOTSKY", scaling.offset, "sky added, in units of the blot"),
        ("BLOTFILL", str(fill), "value where the source does not cover"),
        ("BLOTCOVR", round(covered, 6), "fraction of the pixels that the source covers"),
        (
            KEY_CARD,
            blot_key(parameters, storage, mosaic, reference),
            "stands for inputs and parameters",
        ),
    ]
    if scaling is not LABELS:
        record.append(("BUNIT", _bunit(mosaic, reference, scaling), "units of the blot"))
    if scaling.exptime_s is not None:
        record.append(("BLOTEXP", scaling.exptime_s, "[s] exposure time of the blot"))
    return record


def blot_key(
    parameters: Parameters,
    more: Mapping[str, Any],
    mosaic: Image,
    reference: Image,
    beside: Iterable[AnyPath] = (),
) -> str:
    """Return 16 characters that stand for parameters and for images.

    Parameters
    ----------
    parameters : Parameters
    more : mapping
        What else makes the bytes of a product: for a blot `skyblot.steps.blot.Blot.storage`.
    mosaic, reference : Image
        Every file of theirs counts, with its place, its size and its time of change.
    beside : iterable of path
        Files that are read beside those.
    """
    images = mosaic, reference
    names = [image.name[len(str(image.path)) :] for image in images]  # the extensions
    files = [_identity(path) for image in images for path in image.files]
    files += [_identity(path) for path in (*weight_files(mosaic.path), *beside)]
    values = [(name, repr(value)) for name, value in (*parameters.items(), *more.items())]
    return hashlib.sha256(json.dumps([names, files, values]).encode()).hexdigest()[:16]


def _identity(path: AnyPath) -> tuple[int | str, ...]:
    """The same on every machine that shares the file."""
    place = os.path.realpath(path) if isinstance(path, Path) else str(path)
    return place, *file_identity(path)


def is_own(path: Path, mark: re.Pattern[bytes]) -> bool:
    """Whether the beginning of a file has the record of a product, complete or not."""
    try:
        with open(path, "rb") as stream:
            return mark.search(stream.read(_BEGINNING)) is not None
    except OSError:
        return False


def copy_key(path: Path) -> str:
    """Return the key of a complete copy of an exposure; empty where there is none."""
    if not is_complete(path):
        return ""
    try:
        with open(path, "rb") as stream:
            match = _COPY_KEY.search(stream.read(_BEGINNING))
    except OSError:
        return ""
    return "" if match is None else match[1].decode()


def read_record(path: Path) -> tuple[Mapping[str, Any], tuple[int, int]]:
    """Return the record and the shape of a complete blot; empty and (0, 0) where there is none."""
    if not is_complete(path):
        return {}, (0, 0)
    try:
        with open_image(path) as image:
            return image.record, image.shape
    except SkyblotError:
        return {}, (0, 0)


def _bunit(mosaic: Image, reference: Image, scaling: Scaling) -> str:
    """The reference's BUNIT, turned from counts to a rate or back where the blot differs."""
    if scaling.in_units == UNCHANGED:
        return mosaic.facts.bunit
    bunit = reference.facts.bunit or mosaic.facts.bunit
    if scaling.in_units in (BRIGHTNESS, FLUX) and unit_kind(bunit) in (BRIGHTNESS, FLUX):
        # what PHOTMJSR makes of it
        bunit = bunit if scaling.out_units in (BRIGHTNESS, FLUX) else "DN/s"
    kind = unit_kind(bunit)
    if kind == scaling.out_units:
        return bunit
    if scaling.out_units == COUNTS:
        return counts_of(bunit)
    return f"{bunit}/S" if kind == COUNTS else "COUNTS/S"


def _ascii(text: str) -> str:
    """FITS headers hold ASCII only."""
    return text.encode("ascii", "backslashreplace").decode()
