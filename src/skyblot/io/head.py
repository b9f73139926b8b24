"""SCAMP's ``.head`` files: text that replaces the WCS in the headers of an exposure."""

import re
from pathlib import Path
from typing import Any

from astropy.io import fits

from ..errors import FileError, WCSError, quiet, reason_of
from .remote import AnyPath

_SUFFIX = re.compile(r"\.(fits?|fts)(\.(gz|fz|bz2|xz))?$", re.IGNORECASE)


def head_of(path: AnyPath) -> Path | None:
    """Return the ``.head`` file beside a FITS file, ``x.head`` beside ``x.fits``.

    None where there is none.
    """
    if not isinstance(path, Path):
        return None
    head = path.with_name(_SUFFIX.sub("", path.name) + ".head")
    return head if head.is_file() else None


def read_head(head: Path, name: str, place: tuple[int, int], images: int) -> Any:
    """Return the cards for one image of a file.

    A ``.head`` file has one header for each, all of which end in END.

    Parameters
    ----------
    head : Path
    name : str
        The image's file, for messages.
    place : (int, int)
        The number of the image among the file's science images, and among all its images, from 0.
    images : int
        How many science images there are.

    Raises
    ------
    FileError, WCSError
        If the file cannot be read, or has neither one header for each science image nor for each
        image.
    """
    try:
        with quiet():
            headers = _headers(head.read_text(encoding="latin-1"))
    except OSError as error:
        raise FileError(f"cannot be read: {reason_of(error)}", subject=head) from error
    except (ValueError, KeyError, fits.VerifyError) as error:
        reason = reason_of(error)
        raise WCSError(f"not a .head file with a WCS: {reason}", subject=head) from error
    science, among_all = place
    if len(headers) == images:
        return headers[science]
    if len(headers) > max(images, among_all):
        return headers[among_all]
    raise WCSError(
        f"holds {len(headers)} headers, and {name} has {images}: expected one for each image",
        subject=head,
    )


def _headers(text: str) -> list[Any]:
    """The headers in a file's text; a `KeyError` where one has no WCS."""
    blocks = [block for block in re.split(r"(?m)^END\s*$", text.replace("\r", "")) if block.strip()]
    headers = [fits.Header.fromstring(block.strip("\n"), sep="\n") for block in blocks]
    for header in headers:
        _ = header["CTYPE1"], [card.value for card in header.cards]  # all are to be parsed
    return headers
