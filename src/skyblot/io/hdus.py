"""Open FITS files, with errors that name them."""

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from astropy.io import fits

from ..errors import FileError, reason_of, warn
from .content import Content, open_content
from .damage import parsed
from .remote import AnyPath, RemoteContent
from .structure import check_headers


@contextmanager
def open_fits(path: AnyPath) -> Iterator[Any]:
    """Open a FITS file for reading, with errors that name it.

    Raises
    ------
    FileError
        If it is missing, not readable, or not FITS.
    """
    with open_content(path) as content, open_hdus(content) as hdus:
        yield hdus


@contextmanager
def open_hdus(content: Content, *, stored: bool = False) -> Iterator[Any]:
    """Open the HDUs of a file; with `stored`, scaled pixels are as they are stored.

    Errors are those of `open_fits`.
    """
    path = content.path
    with ExitStack() as stack:
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                source = content.source
                # what is fetched for this is kept for astropy
                if isinstance(content, RemoteContent):
                    check_headers(source, path)
                    source.seek(0)
                else:
                    with content.stream() as stream:
                        check_headers(stream, path)
                # Memory-mapped by default; memmap=True would refuse scaled images.
                hdus = fits.open(source, do_not_scale_image_data=stored)
                stack.enter_context(hdus)
                # reads every header: what is wrong with the file shows here
                for number, hdu in enumerate(hdus):
                    _ = hdu.name, hdu.ver
                    if not hasattr(hdu, "fileinfo") or (hdu.is_image and not hasattr(hdu, "shape")):
                        count = len(hdus) - 1
                        raise FileError(
                            f"damaged: extension {number} of {count} cannot be read", subject=path
                        )
        except PermissionError:
            raise FileError("no permission to read it", subject=path) from None
        except FileError:
            raise
        except Exception as error:
            reason = reason_of(error)
            raise FileError(f"not a readable FITS file: {reason}", subject=path) from error
        heard = " ".join(str(warning.message) for warning in caught)
        if "Error validating header" in heard:
            _damaged_end(hdus, path)
        with parsed(hdus, path):
            yield hdus


def _damaged_end(hdus: Any, path: AnyPath) -> None:
    """Refuse a file that says it has more extensions than can be read.

    Else warn of what is left out.
    """
    said = hdus[0].header.get("NEXTEND")
    last = len(hdus) - 1
    if isinstance(said, int) and said > last:
        number = last + 1
        raise FileError(f"damaged: extension {number} of {said} cannot be read", subject=path)
    warn(f"what follows extension {last} is no FITS and is left out", subject=path)


def shape_of(hdu: Any) -> tuple[int, ...]:
    """Return the shape of an image HDU; () where there are no pixels."""
    return (getattr(hdu, "shape", ()) or ()) if hdu.is_image else ()


def is_plane(shape: tuple[int, ...]) -> bool:
    """Whether an array of this shape is a 2-D image, but for leading axes of one pixel."""
    return len(shape) >= 2 and set(shape[:-2]) <= {1} and 0 not in shape
