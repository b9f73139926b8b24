"""Read FITS images: pixels (lazily), headers, and the WCS with its distortion tables."""

import os
import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

from .. import messages
from ..errors import DataError, FileError, SkyblotWarning, WCSError, one_line
from ..facts import Facts
from .chips import extension_of, find_image, is_plane, science_images
from .content import Content, FileContent, open_content
from .jwst import best_wcs
from .names import ImageName, parse_name
from .remote import AnyPath, RemoteContent
from .structure import check_headers

#: How FITS stores pixels, by BITPIX.
_DTYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
#: The cards of axes after the second, in any of the header's WCS.
_EXTRA_AXES = re.compile(
    r"((NAXIS|CTYPE|CRVAL|CRPIX|CDELT|CUNIT|CROTA)[3-9]|(CD|PC)([3-9]_\d|\d_[3-9])|P[VS][3-9]_\d+)[A-Z]?"
)


@dataclass(frozen=True)
class FitsImage:
    """One image of an open FITS file.

    Attributes
    ----------
    name : str
        File name and extension, for messages.
    hdus : HDUList
    hdu : image HDU
    content : Content
        The file's bytes.
    choices : int
        How many images the name stood for, of which this is the first.
    """

    name: str
    hdus: Any
    hdu: Any
    content: Content
    choices: int = 1

    @property
    def path(self) -> AnyPath:
        """The file."""
        return self.content.path

    @property
    def header(self) -> Any:
        """The header of the image's own extension."""
        return self.hdu.header

    @property
    def primary(self) -> Any:
        """The file's primary header."""
        return self.hdus[0].header

    @property
    def facts(self) -> Facts:
        """Both headers, for look-ups of exposure, units and sky."""
        return Facts(self.name, self.header, self.primary, frozenset(hdu.name for hdu in self.hdus))

    @property
    def record(self) -> dict[str, Any]:
        """How the image was made, if it is a blot."""
        return {keyword: self.header[keyword] for keyword in self.header if keyword.startswith("BLOT")}

    @property
    def shape(self) -> tuple[int, int]:
        """(ny, nx) of the image, without axes of one pixel before them."""
        ny, nx = self.hdu.shape[-2:]
        return ny, nx

    def pixels(self) -> Any:
        """Return the pixels, unread: something that reads, and scales, what is sliced from it."""
        header = self.header
        scaled = header.get("BSCALE", 1) != 1 or header.get("BZERO", 0) != 0
        blank = header["BITPIX"] > 0 and "BLANK" in header
        if scaled or blank or isinstance(self.hdu, fits.CompImageHDU):
            return _Section(self.hdu.section)
        info = self.hdu.fileinfo()
        if info is None or info["file"].compression is not None or not hasattr(os, "preadv"):
            return self.hdu.data.reshape(self.shape)
        return self.content.rows(info["datLoc"], self.shape, np.dtype(_DTYPES[header["BITPIX"]]))

    def wcs(self) -> Any:
        """Return the celestial WCS with every distortion the file holds: JWST's gwcs, else that of its header.

        Raises
        ------
        WCSError
            If there is none, or it cannot be read.
        """
        return best_wcs(self)

    def header_wcs(self) -> WCS:
        """Return the WCS of the header, with its look-up tables; a `WCSError` if it is none, or singular."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                _check_records(self.header)
                wcs = WCS(flat_header(self.header), fobj=self.hdus)
            matrix = self._matrix(wcs)
        except Exception as error:  # wcslib and the table readers raise anything
            reason = one_line(error)
            raise WCSError(messages.PART_CANNOT_BE_READ(name=self.name, part="its WCS", reason=reason)) from error
        if not wcs.has_celestial:
            raise WCSError(messages.NO_HEADER_WCS(name=self.name, value=self.header.get("CTYPE1")))
        if abs(np.linalg.det(matrix)) <= 1e-12 * np.prod(np.linalg.norm(matrix, axis=1)):
            raise WCSError(messages.SINGULAR(name=self.name, evidence=f"its CD matrix is {matrix.tolist()}"))
        for axis in self._extra_axes():
            warnings.warn(messages.PIXEL_AXIS_DROPPED(name=self.name, axis=axis), SkyblotWarning, stacklevel=2)
        wcs.array_shape = self.shape
        return wcs

    def _extra_axes(self) -> list[str]:
        """Number and type of each axis after the second, of the array or of the WCS alone."""
        last = max([len(self.hdu.shape), *(k for k in range(3, 10) if f"CTYPE{k}" in self.header)])
        return [f"{k} ({self.header.get(f'CTYPE{k}') or f'without CTYPE{k}'})" for k in range(3, last + 1)]

    def _matrix(self, wcs: WCS) -> np.ndarray:
        """The CD matrix as the header has it: wcslib takes 1 degree per pixel for an axis of zeros."""
        keywords = [f"CD{i}_{j}" for i in (1, 2) for j in (1, 2)]
        if any(keyword in self.header for keyword in keywords):
            return np.reshape([float(self.header.get(keyword, 0)) for keyword in keywords], (2, 2))
        return wcs.pixel_scale_matrix


def _check_records(header: Any) -> None:
    """Refuse "field: value" cards that are twice there, or where they mean nothing: wcslib ends the process there."""
    records = [keyword for keyword in header if "." in keyword]
    for keyword in records:
        if records.count(keyword) > 1:
            raise ValueError(f"{keyword} is there twice")
        if re.match(r"[AB]P?_\d", keyword):
            raise ValueError(f"{keyword.partition('.')[0]} is not a number")


def flat_header(header: Any) -> Any:
    """Return a copy of an image's header without the cards of axes after the second."""
    flat = header.copy()
    for keyword in filter(_EXTRA_AXES.fullmatch, header):
        flat.remove(keyword, ignore_missing=True, remove_all=True)
    for keyword in ("NAXIS", "WCSAXES"):
        if flat.get(keyword, 2) > 2:
            flat[keyword] = 2
    return flat


class _Section:
    """A section of an HDU with the dtype that its pixels have when read: astropy's own omits BLANK and BZERO.

    Threads take turns: the HDU has one place in its file.
    """

    def __init__(self, section: Any) -> None:
        self._section, self._plane = section, (0,) * (len(section.shape) - 2)
        self._turn = threading.Lock()
        self.shape = section.shape[-2:]
        self.dtype = self[:1, :1].dtype

    def __getitem__(self, key: tuple[slice, slice]) -> np.ndarray:
        with self._turn:
            pixels: np.ndarray = self._section[(*self._plane, *key)]
        return pixels


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
    """Open the HDUs of a file; with `stored`, scaled pixels are as they are stored. Errors are those of `open_fits`."""
    path = content.path
    with ExitStack() as stack:
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                if not isinstance(content, RemoteContent):  # twice as many requests there
                    with content.stream() as stream:
                        check_headers(stream, path)
                # Memory-mapped by default; memmap=True would refuse scaled images.
                hdus = fits.open(content.source, do_not_scale_image_data=stored)
                stack.enter_context(hdus)
                for hdu in hdus:  # reads every header, so that what is wrong with the file shows here
                    _ = hdu.name, hdu.ver, hdu.is_image
        except PermissionError:
            raise FileError(messages.NO_PERMISSION(name=path)) from None
        except FileError:
            raise
        except Exception as error:
            reason = one_line(error)
            raise FileError(messages.NOT_OF_KIND(name=path, kind="a readable FITS file", reason=reason)) from error
        heard = " ".join(str(each.message) for each in caught)
        if "Error validating header" in heard:
            _damaged_end(hdus, path)
        yield hdus


def _damaged_end(hdus: Any, path: AnyPath) -> None:
    """Refuse a file that says it has more extensions than can be read; else warn of what is left out."""
    said, last = hdus[0].header.get("NEXTEND"), len(hdus) - 1
    if isinstance(said, int) and said > last:
        raise FileError(messages.EXTENSION_DAMAGED(name=path, number=last + 1, count=said))
    warnings.warn(messages.REST_LEFT_OUT(name=path, number=last), SkyblotWarning, stacklevel=4)


@contextmanager
def open_image(name: str | Path | ImageName) -> Iterator[FitsImage]:
    """Open the image that `name` names: its extension, else the first image to blot onto, else the first.

    Errors are those of `skyblot.io.images.open_image`.
    """
    where = parse_name(name)
    with open_content(where.path) as content, open_hdus(content) as hdus:
        yield select_image(hdus, where, content)


def select_image(hdus: Any, where: ImageName, content: Content | None = None) -> FitsImage:
    """Return one image of an open file; errors as for `open_image`."""
    index = find_image(hdus, where)
    hdu, label = hdus[index], ImageName(where.path, extension_of(hdus, index))
    choices = 1 if where.extension is not None else max(1, len(science_images(hdus)))
    image = FitsImage(str(label), hdus, hdu, content or FileContent(Path(str(where.path))), choices)
    shape = getattr(hdu, "shape", ()) or ()
    if not hdu.is_image:
        raise DataError(messages.NOT_AN_IMAGE(name=image.name, found="is a table"))
    if not is_plane(shape):
        found = f"its shape is {shape}" if shape else "it has no pixels"
        raise DataError(messages.NOT_AN_IMAGE(name=image.name, found=found))
    bitpix, expected = hdu.header.get("BITPIX"), f"one of {sorted(_DTYPES)}"
    if bitpix not in _DTYPES:
        raise DataError(messages.BAD_KEYWORD(name=image.name, keyword="BITPIX", value=bitpix, expected=expected))
    _check_complete(image)
    return image


def science_extensions(hdus: Any, where: ImageName) -> list[ImageName]:
    """Return every image of a file to blot onto, the one that was named, or its only image."""
    if where.extension is not None:
        return [ImageName(where.path, extension_of(hdus, find_image(hdus, where)))]
    chips = science_images(hdus)
    if len(chips) <= 1 and not any(hdus[index].name == "SCI" for index in chips):
        return [where]
    return [ImageName(where.path, extension_of(hdus, index)) for index in chips]


def _check_complete(image: FitsImage) -> None:
    """Refuse an image whose pixels run past the end of the file (not for files compressed as a whole)."""
    info = image.hdu.fileinfo()
    if info is None or info["file"].compression is not None:
        return
    if isinstance(image.hdu, fits.CompImageHDU):
        needed = info["datLoc"] + info["datSpan"] - 2879  # its last block may be short
    else:
        ny, nx = image.shape
        needed = info["datLoc"] + ny * nx * abs(image.header["BITPIX"]) // 8
    present = image.content.size
    if needed > present:
        raise FileError(
            messages.TOO_SHORT(name=image.name, part="pixels", needed=needed, holder="the file", present=present)
        )
