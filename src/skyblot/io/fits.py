"""Read FITS images: pixels (lazily), headers, and the WCS with its distortion tables."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS

from ..errors import (
    DataError,
    FileError,
    SkyblotError,
    SkyblotWarning,
    WCSError,
    quiet,
    reason_of,
    warn,
)
from ..headers.facts import Fact, Facts
from ..headers.ground import with_flux_scale
from ..headers.pixel_facts import COVERAGE
from ..headers.wcs_cards import tables_of, wcs_header
from ..headers.wcs_facts import frame_statement, with_statement
from .chips import extension_of, find_image, science_images
from .content import Content, FileContent, open_content
from .damage import check_heap, readable
from .fits_planes import describe, plane_beside, plane_pixels
from .hdus import is_plane, open_hdus, shape_of
from .head import head_of, read_head
from .image import Plane
from .jwst import best_wcs, header_offset
from .names import ImageName, extension_text, parse_name
from .remote import AnyPath

#: How FITS stores pixels, by BITPIX.
_DTYPES = {8: "u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}


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
    wcs_key : str
        Letter of the alternate WCS to use, for a reference.
    head : Path, optional
        File of SCAMP's whose WCS goes before that of the header, for a reference.
    """

    name: str
    hdus: Any
    hdu: Any
    content: Content
    choices: int = 1
    wcs_key: str = ""
    head: Path | None = None

    @property
    def path(self) -> AnyPath:
        """The file."""
        return self.content.path

    @property
    def files(self) -> tuple[AnyPath, ...]:
        """All files that the image and its WCS come from."""
        return (self.path,) if self.head is None else (self.path, self.head)

    def as_reference(self, wcs_key: str = "") -> "FitsImage":
        """Return the image with the WCS to blot onto: an alternate one, or a ``.head`` file's."""
        return replace(self, wcs_key=wcs_key, head=None if wcs_key else head_of(self.path))

    @property
    def extension(self) -> str:
        """The name of the image's extension."""
        return str(self.hdu.name)

    @property
    def number(self) -> int | None:
        """Which HDU the image is, None where its file has no other image."""
        images = [hdu for hdu in self.hdus if len(shape_of(hdu)) > 1]
        if len(images) <= 1:
            return None
        return next(index for index, hdu in enumerate(self.hdus) if hdu is self.hdu)

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
        header = (
            self.header if self.head is None else with_flux_scale(self.header, self._head_cards)
        )
        return Facts(self.name, header, self.primary, frozenset(hdu.name for hdu in self.hdus))

    @property
    def record(self) -> dict[str, Any]:
        """How the image was made, if it is a blot."""
        return {
            keyword: self.header[keyword] for keyword in self.header if keyword.startswith("BLOT")
        }

    @property
    def shape(self) -> tuple[int, int]:
        """(ny, nx) of the image, without axes of one pixel before them."""
        ny, nx = self.hdu.shape[-2:]
        return ny, nx

    def pixels(self) -> Any:
        """Return the pixels, unread: something that reads, and scales, what is sliced from it."""
        with readable(self.name, "its pixels"):
            return self._pixels()

    def _pixels(self) -> Any:
        header = self.header
        if isinstance(self.hdu, fits.CompImageHDU):
            check_heap(self.hdu, self.name)
        scaled = header.get("BSCALE", 1) != 1 or header.get("BZERO", 0) != 0
        blank = header["BITPIX"] > 0 and "BLANK" in header
        if scaled or blank or isinstance(self.hdu, fits.CompImageHDU):
            return _Section(self.hdu.section, self.name)
        info = self.hdu.fileinfo()
        if info is None or info["file"].compression is not None or not hasattr(os, "preadv"):
            return self.hdu.data.reshape(self.shape)
        return self.content.rows(info["datLoc"], self.shape, np.dtype(_DTYPES[header["BITPIX"]]))

    def wcs(self) -> Any:
        """Return the celestial WCS with every distortion: JWST's gwcs, else the header's.

        An alternate WCS, and that of a ``.head`` file, go before all.

        Raises
        ------
        WCSError
            If there is none, or it cannot be read.
        """
        return self.header_wcs() if self.wcs_key or self.head else best_wcs(self)

    def header_offset(self, exact: Any) -> float | None:
        """Return by how many pixels the WCS in the header is off an exact one.

        None where that is not known.
        """
        offset = header_offset(self, exact)
        return None if offset is None else offset.pixels

    def whole_wcs_header(self) -> Any:
        """Return the header of the WCS, None where the header has less than the gwcs beside it."""
        if "ASDF" in self.hdus:
            exact = self.wcs()
            if hasattr(exact, "to_fits_sip") and not self._has_sip_of(exact):
                return None
        return self.wcs_header

    def _has_sip_of(self, exact: Any) -> bool:
        """Whether the header has the SIP of a gwcs."""
        offset = header_offset(self, exact) if "A_ORDER" in self.wcs_header else None
        return offset is not None and not offset.told

    @property
    def stated(self) -> None:
        """A FITS file does not say what its images are: their headers tell."""
        return None

    @property
    def takes_flags(self) -> bool:
        """Whether a copy can be given flags where there are none: beside an image SCI."""
        return self.extension == "SCI"

    def plane(self, fact: Fact) -> Plane | None:
        """Return the extension that holds errors or flags of the image, or None."""
        for name in fact.keywords:
            hdu = plane_beside(self, name)
            if hdu is not None:
                return describe(name, fact, hdu, name)
        return None

    def plane_pixels(self, plane: Plane) -> np.ndarray:
        """Return the pixels of a plane of the same file, without a memory map."""
        if shape_of(plane.hdu) != self.shape:
            return plane_pixels(plane.hdu, self.shape, plane.name)
        return np.asarray(replace(self, hdu=plane.hdu)._pixels()[:, :])

    def weights(self) -> "FitsImage | None":
        """Return the weights of a mosaic: the file's only ones, or those of the same version."""
        if self.extension in COVERAGE.keywords:
            return None
        for name in COVERAGE.keywords:
            planes = [hdu for hdu in self.hdus if hdu.name == name and is_plane(shape_of(hdu))]
            same = [hdu for hdu in planes if hdu.ver == self.hdu.ver]
            fitting = planes if len(planes) == 1 else same
            if len(fitting) == 1:
                where = f"{self.path}[{name.lower()},{fitting[0].ver}]"
                return replace(self, name=where, hdu=fitting[0])
        return None

    @cached_property
    def wcs_header(self) -> Any:
        """The header that the WCS is made from, with only those cards that count."""
        head = None if self.head is None else self._head_cards
        return wcs_header(self.header, self.facts, key=self.wcs_key, head=head)

    @cached_property
    def _head_cards(self) -> Any:
        """The cards that the `.head` file has for this image."""
        assert self.head is not None
        images = [hdu for hdu in self.hdus if is_plane(shape_of(hdu))]
        science = [hdu for hdu in images if hdu.name == "SCI"] or images
        place = [
            next((k for k, hdu in enumerate(some) if hdu is self.hdu), 0)
            for some in (science, images)
        ]
        return read_head(self.head, str(self.path), (place[0], place[1]), len(science))

    def header_wcs(self) -> WCS:
        """Return the WCS of the header, with its look-up tables.

        A `WCSError` if it is none, or singular.
        """
        try:
            header = self.wcs_header
            self._check_tables(header)
            with quiet():
                wcs = WCS(header, fobj=self.hdus)
            matrix = _matrix(header, wcs)
        except (SkyblotError, SkyblotWarning):
            raise
        except Exception as error:
            # wcslib, the table readers, and cards that cannot be parsed raise anything
            reason = reason_of(error)
            raise WCSError(f"its WCS cannot be read: {reason}", subject=self.name) from error
        if not wcs.has_celestial:
            value = header.get("CTYPE1")
            raise WCSError(
                f"no celestial WCS in its header (CTYPE1 = {value!r})", subject=self.name
            )
        if abs(np.linalg.det(matrix)) <= 1e-12 * np.prod(np.linalg.norm(matrix, axis=1)):
            raise WCSError(
                f"its WCS is singular: its CD matrix is {matrix.tolist()}", subject=self.name
            )
        if self.head is not None:
            warn(f"the file {self.head} beside it replaces its WCS", subject=self.name)
        for axis in self._extra_axes():
            warn(f"its axis {axis}, of one pixel, is dropped", subject=self.name)
        wcs.array_shape = self.shape
        return with_statement(wcs, frame_statement(header))

    def _check_tables(self, header: Any) -> None:
        for keyword, table in tables_of(header):
            if table not in self.hdus:
                where = extension_text(table).upper()
                reason = (
                    f"it needs the look-up table [{where}] ({keyword}), which is not in the file"
                )
                raise WCSError(f"its WCS cannot be read: {reason}", subject=self.name)

    def _extra_axes(self) -> list[str]:
        """Number and type of each axis after the second, of the array or of the WCS alone."""
        last = max([len(self.hdu.shape), *(k for k in range(3, 10) if f"CTYPE{k}" in self.header)])
        return [
            f"{k} ({self.header.get(f'CTYPE{k}') or f'without CTYPE{k}'})"
            for k in range(3, last + 1)
        ]


class _Section:
    """A section of an HDU with the dtype of its pixels.

    The dtype of astropy's own sections ignores BLANK and BZERO.

    Threads take turns: the HDU has one place in its file.
    """

    def __init__(self, section: Any, name: str) -> None:
        self._name = name
        self._section = section
        self._plane = (0,) * (len(section.shape) - 2)
        self._turn = threading.Lock()
        self.shape = section.shape[-2:]
        self.dtype = self[:1, :1].dtype

    def __getitem__(self, key: tuple[slice, slice]) -> np.ndarray:
        with self._turn, readable(self._name, "its pixels"):
            pixels: np.ndarray = self._section[(*self._plane, *key)]
        return pixels


def _matrix(header: Any, wcs: WCS) -> np.ndarray:
    """The CD matrix as the header has it: wcslib takes 1 degree per pixel for an axis of zeros."""
    keywords = [f"CD{i}_{j}" for i in (1, 2) for j in (1, 2)]
    if any(keyword in header for keyword in keywords):
        return np.reshape([float(header.get(keyword, 0)) for keyword in keywords], (2, 2))
    return wcs.pixel_scale_matrix


@contextmanager
def open_image(name: str | Path | ImageName) -> Iterator[FitsImage]:
    """Open the image that a name means.

    Without an extension it is the first image to blot onto, else the first.

    Errors are those of `skyblot.io.images.open_image`.
    """
    where = parse_name(name)
    with open_content(where.path) as content, open_hdus(content) as hdus:
        yield select_image(hdus, where, content)


def select_image(hdus: Any, where: ImageName, content: Content | None = None) -> FitsImage:
    """Return one image of an open file; errors as for `open_image`."""
    index = find_image(hdus, where)
    hdu = hdus[index]
    label = ImageName(where.path, extension_of(hdus, index))
    choices = 1 if where.extension is not None else max(1, len(science_images(hdus)))
    image = FitsImage(str(label), hdus, hdu, content or FileContent(Path(str(where.path))), choices)
    shape = getattr(hdu, "shape", ()) or ()
    if not hdu.is_image:
        raise DataError("is a table, expected a 2-D image (ny, nx)", subject=image.name)
    if not is_plane(shape):
        description = f"its shape is {shape}" if shape else "it has no pixels"
        raise DataError(f"{description}, expected a 2-D image (ny, nx)", subject=image.name)
    bitpix = hdu.header.get("BITPIX")
    expected = f"one of {sorted(_DTYPES)}"
    if bitpix not in _DTYPES:
        raise DataError(f"BITPIX = {bitpix!r}, expected {expected}", subject=image.name)
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
    """Refuse an image whose pixels run past the end of the file.

    Files that are compressed as a whole are not looked at.
    """
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
            f"truncated: its pixels need {needed} bytes, the file has {present}", subject=image.name
        )
