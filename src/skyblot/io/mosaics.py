"""Mosaics as files: what they are called, and what writes them."""

import re
from collections.abc import Sequence

from ..headers.blending import MULTIPLE, same
from ..headers.facts import TARGET
from .images import format_of, open_image
from .names import ImageName
from .new_mosaic import NewMosaic

#: What mosaics of exposures without a common target are called.
_NAMELESS = "clean"
#: What a name does not keep of a target's, and how much of one it does.
_UNSAFE = re.compile(r"[^a-z0-9+.]+")
_LONGEST = 60


def write_mosaic(new: NewMosaic) -> None:
    """Write a mosaic as a file of the first exposure's kind, atomically.

    Raises
    ------
    FileError
        If the file cannot be written; nothing is left then, and an old file is as it was.
    DataError
        If a header holds what cannot be written.

    Warns
    -----
    SkyblotWarning
        If exposures differ in their photometric calibration, which is left out then.
    """
    format_of(new.inputs[0].image.path).write_mosaic(new)


def mosaic_name(name: str, images: Sequence[ImageName], kind: str = "drz") -> str:
    """Return the name of a mosaic of images: as the pipeline of the first one's observatory has it.

    Parameters
    ----------
    name : str
        Its first part.
    images : sequence of ImageName
        The first is opened.
    kind : str
        ``drz``, a drizzled mosaic: ``_drz.fits``, and ``_drc.fits`` where all exposures are
        ``_flc``; ``_i2d.fits`` for JWST; ``_coadd.asdf`` for Roman. Or what a product is called
        that no pipeline has: ``med``.
    """
    return format_of(images[0].path).mosaic_name(name, images, kind)


def default_name(images: Sequence[ImageName]) -> str:
    """Return a name for what is made of images: their common target's in small letters.

    ``clean`` where they have none in common. Only the headers are read.
    """
    files = {where.path: where for where in images}
    facts = []
    for where in files.values():
        with open_image(where) as image:
            facts.append(image.facts)
    known = (same(facts, keyword) for keyword in TARGET.keywords)
    target = next((value for value in known if value is not None), MULTIPLE)
    return _NAMELESS if target == MULTIPLE else safe_name(str(target))


def safe_name(target: str) -> str:
    """Return a target's name as a part of a file's, of letters, digits, plus, dot and minus.

    Examples
    --------
    >>> safe_name("NGC 3603"), safe_name("V* RW-CEP / B"), safe_name("../etc"), safe_name("*")
    ('ngc-3603', 'v-rw-cep-b', 'etc', 'clean')
    """
    return _UNSAFE.sub("-", target.lower())[:_LONGEST].strip("-.") or _NAMELESS
