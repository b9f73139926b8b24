"""Roman's ASDF files: images of level 2 and mosaics of level 3; `roman` writes their blots."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from ..errors import DataError, FileError, WCSError, quiet, reason_of
from ..headers.facts import Fact, Facts
from .blocks import Block, find_block, tree_end
from .content import Content, open_content
from .gwcs import INSTALL, missing_package, node_at, open_tree, refused, stored_wcs, unreadable
from .image import Plane, Role
from .names import ImageName, extension_text
from .remote import AnyPath, RemotePath
from .tree import check_tree

#: Where a blot's metadata say how it was made.
RECORD = "skyblot"
_WCS_KEYS = ("roman", "meta", "wcs")
#: What romancal's outlier_detection saves as its median and its coadds: an array and a gwcs.
_BARE = {"data", "wcs"}
#: Its planes, by the names of FITS files.
_NODES = {"ERR": "err", "DQ": "dq", "VAR_RNOISE": "var_rnoise"}
#: The unit of what is resampled in Roman's pipeline, after its step flux.
_RESAMPLED = "MJy/sr"
#: What Roman's files have for a number that is not known.
_UNKNOWN = -999999


class Layout(NamedTuple):
    """Where a simple array is in its file: which block, the offset in it, shape and dtype."""

    block: int
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype


@dataclass(frozen=True)
class AsdfImage:
    """The image of an open Roman file: ``roman/data``, and what is known of it in ``roman/meta``.

    Attributes
    ----------
    content : Content
        The file's bytes.
    raw : mapping
        The file's tree as it stands, each node with its tag, nothing converted.
    tree : mapping
        The same, each node converted when it is looked at.
    """

    content: Content
    raw: Mapping[str, Any]
    tree: Mapping[str, Any]
    choices: int = 1

    @property
    def path(self) -> AnyPath:
        """The file."""
        return self.content.path

    @property
    def name(self) -> str:
        """The file, for messages."""
        return str(self.path)

    @property
    def files(self) -> tuple[AnyPath, ...]:
        """All files that the image and its WCS come from."""
        return (self.path,)

    def as_reference(self, wcs_key: str = "") -> "AsdfImage":
        """Return the image; a `WCSError` for an alternate WCS, which no ASDF file has."""
        if wcs_key:
            raise WCSError(
                f"no alternate WCS with the key {wcs_key} (--wcs-key), it has none",
                subject=self.name,
            )
        return self

    @property
    def extension(self) -> str:
        """None: an ASDF file has no extensions."""
        return ""

    @property
    def number(self) -> None:
        """None: its file has no other image."""
        return None

    def header_offset(self, exact: Any) -> None:
        """None: there is no WCS but the gwcs."""
        return

    def whole_wcs_header(self) -> None:
        """None: there is no header."""
        return

    @property
    def stated(self) -> Role:
        """What its level says that it is."""
        if self.is_mosaic:
            return Role("mosaic", "Roman's level 3")
        if "dq" in self.root and not self.record:
            return Role("exposure", "Roman's level 2, with dq")
        return Role("image")

    @property
    def takes_flags(self) -> bool:
        """Yes: a copy can be given ``roman/dq``."""
        return True

    def plane(self, fact: Fact) -> Plane | None:
        """Return where the errors or the flags are, None where there are none."""
        name = fact.keywords[0]
        return Plane(name) if _NODES[name] in self.root else None

    def plane_pixels(self, plane: Plane) -> np.ndarray:
        """Return the pixels of a plane."""
        with quiet():  # tags of Roman's metadata
            array = node_at(self.tree, self.keys_of(_NODES[plane.name]))
        return np.array(getattr(array, "value", array)[...])

    def weights(self) -> None:
        """None: a mosaic is NaN where it is not covered."""
        return

    @property
    def meta(self) -> Mapping[str, Any]:
        """What is known of the image, nothing converted."""
        return as_mapping(self.root.get("meta"))

    @property
    def root(self) -> Mapping[str, Any]:
        """What holds the arrays, nothing converted: ``roman``, or all of an intermediate file."""
        return _root(self.raw)

    @property
    def is_mosaic(self) -> bool:
        """Whether it is of level 3, or an intermediate mosaic of romancal's."""
        named = f"{getattr(self.root, '_tag', '')} {self.meta.get('model_type', '')}".lower()
        return self.root is self.raw or "mosaic" in named

    @property
    def facts(self) -> Facts:
        """The facts, under the keywords that FITS files have for them."""
        presumed = _RESAMPLED if self.root is self.raw else ""
        return Facts(self.name, _keywords(self), {}, presumed=presumed)

    @property
    def record(self) -> dict[str, Any]:
        """How the image was made, if it is a blot."""
        cards = as_mapping(self.meta.get(RECORD))
        record = {str(keyword).upper(): value for keyword, value in cards.items()}
        return record if any(keyword.startswith("BLOT") for keyword in record) else {}

    @property
    def node(self) -> Any:
        """The array, nothing converted: that within, where it is a quantity."""
        node = self.root["data"]
        return node["value"] if isinstance(node, Mapping) and "value" in node else node

    @property
    def unit(self) -> str:
        """The unit that the pixels carry, an empty string for a plain array."""
        return str(as_mapping(self.root["data"]).get("unit", ""))

    @property
    def shape(self) -> tuple[int, int]:
        """(ny, nx) of the image."""
        layout = _layout(self.node)
        ny, nx = self.pixels().shape if layout is None else layout.shape
        return ny, nx

    @cached_property
    def block(self) -> Block:
        """Where the pixels of a simple array are; a `FileError` if the file ends before they do."""
        layout = _layout(self.node)
        assert layout is not None
        return find_block(self.content, layout.block)

    def pixels(self) -> Any:
        """Return the pixels: unread, or in memory where they are compressed or inline."""
        layout = _layout(self.node)
        if layout is not None:
            block = self.block
            if not block.compression:
                return self.content.rows(block.start + layout.offset, self.shape, layout.dtype)
            if block.compression == "lz4" and find_spec("lz4") is None:
                reason = f"the package lz4 is missing ({INSTALL})"
                raise FileError(f"its pixels cannot be read: {reason}", subject=self.name)
        try:
            with quiet():  # tags of Roman's metadata
                array = node_at(self.tree, self.keys_of("data"))
            return np.asanyarray(getattr(array, "value", array)[...])
        except Exception as error:  # a codec that is missing or fails, a file that ends too early
            reason = reason_of(error)
            raise FileError(f"its pixels cannot be read: {reason}", subject=self.name) from error

    def wcs(self) -> Any:
        """Return the gwcs.

        Raises
        ------
        WCSError
            If there is none, it cannot be read, it is not celestial, or it is that of an image of
            another shape.
        """
        keys = _WCS_KEYS if self.root is not self.raw else ("wcs",)
        stored = stored_wcs(self.tree, keys, self.shape, self.name)
        if stored.problem:
            raise unreadable(self.name, keys, stored)
        if stored.misfit:
            raise refused(self.name, stored.misfit, self.shape)
        return stored.wcs

    def keys_of(self, name: str) -> tuple[str, ...]:
        """Return the keys under which an array is in the tree."""
        return (name,) if self.root is self.raw else ("roman", name)


def is_asdf(path: AnyPath) -> bool:
    """Whether a file begins as an ASDF file does; a URL is judged by its name."""
    if isinstance(path, RemotePath):
        return path.suffix.lower() == ".asdf"
    try:
        if not path.is_file():  # a FIFO would not be read a second time
            return False
        with open(path, "rb") as stream:
            return stream.read(5) == b"#ASDF"
    except OSError:  # not readable: the reader says why
        return False


@contextmanager
def open_image(where: ImageName) -> Iterator[AsdfImage]:
    """Open the image of a Roman file.

    Raises
    ------
    FileError
        If it is truncated or not ASDF, or a package is missing.
    DataError
        If it holds no 2-D Roman image.
    """
    path = where.path
    if where.extension is not None:
        raise FileError(
            f"an ASDF file has no extensions, [{extension_text(where.extension)}] is not known",
            subject=path,
        )
    package = missing_package()
    if package is not None:
        raise FileError(f"cannot be read without the package {package} ({INSTALL})", subject=path)
    with open_content(path) as content:
        raw = _raw_tree(content)
        if "data" not in _root(raw):
            there = ", ".join(map(str, raw)) or "nothing"
            raise DataError(f"holds {there}, expected a Roman image in roman/data", subject=path)
        with open_tree(content.source, str(path)) as tree:
            image = AsdfImage(content, raw, tree)
            _check_image(image)
            yield image


def _root(raw: Mapping[str, Any]) -> Mapping[str, Any]:
    bare = "roman" not in raw and set(raw) >= _BARE
    return raw if bare else as_mapping(raw.get("roman"))


def _raw_tree(content: Content) -> Mapping[str, Any]:
    from asdf.util import load_yaml

    path = content.path
    with content.stream() as stream:
        size = tree_end(stream, path)
        stream.seek(0)
        check_tree(stream.read(size), path)
    try:
        return as_mapping(load_yaml(content.source, tagged=True))
    except Exception as error:  # the YAML parser raises anything
        reason = reason_of(error)
        raise FileError(f"not a readable ASDF file: {reason}", subject=path) from error


def _check_image(image: AsdfImage) -> None:
    layout = _layout(image.node)
    shape = image.pixels().shape if layout is None else layout.shape
    if len(shape) != 2 or 0 in shape:
        raise DataError(
            f"the shape of its roman/data is {shape}, expected a 2-D image (ny, nx)",
            subject=image.name,
        )
    if layout is None:
        return
    block = image.block
    needed = layout.offset + int(np.prod(shape)) * layout.dtype.itemsize
    if not block.compression and needed > block.size:
        raise FileError(
            f"truncated: its pixels need {needed} bytes, their block has {block.size}",
            subject=image.name,
        )


def _layout(node: Any) -> Layout | None:
    """Where an array node has its pixels, or None where asdf has to be asked."""
    node = as_mapping(node)
    simple = (
        isinstance(node.get("source"), int)
        and node["source"] >= 0
        and not {"strides", "mask"} & set(node)
    )
    form = form_of(node) if simple else None
    return None if form is None else Layout(node["source"], node.get("offset", 0), *form)


def form_of(node: Mapping[str, Any]) -> tuple[tuple[int, ...], np.dtype] | None:
    """Return shape and dtype of an array node, None where they are not simple."""
    shape = node.get("shape", ())
    kind = node.get("datatype")
    numbers = [*shape, node.get("offset", 0)] if isinstance(shape, Sequence) else [None]
    if not isinstance(kind, str) or not all(
        isinstance(size, int) and size >= 0 for size in numbers
    ):
        return None
    try:
        dtype = np.dtype("bool" if kind == "bool8" else str(kind))
    except TypeError:
        return None
    return tuple(shape), dtype.newbyteorder(">" if node.get("byteorder") == "big" else "<")


def _keywords(image: AsdfImage) -> dict[str, Any]:
    meta = image.meta
    exposure = as_mapping(meta.get("exposure"))
    background = as_mapping(meta.get("background"))
    exptime = exposure.get(
        "effective_exposure_time", as_mapping(meta.get("coadd_info")).get("exposure_time")
    )
    keywords = {str(key).upper(): value for key, value in exposure.items()}
    keywords |= {
        "TELESCOP": "ROMAN",
        "INSTRUME": as_mapping(meta.get("instrument")).get("name"),
        "DETECTOR": as_mapping(meta.get("instrument")).get("detector"),
        "EXPTIME": exptime,
        "PHOTMJSR": as_mapping(meta.get("photometry")).get("conversion_megajanskys"),
        "BUNIT": _bunit(image),
        "BKGLEVEL": background.get("level"),
        "BKGSUB": background.get("subtracted"),
        "S_SKYMAT": as_mapping(meta.get("cal_step")).get("skymatch"),
        "NCOMBINE": as_mapping(meta.get(RECORD)).get("exposures"),
    }
    return {
        key: value for key, value in keywords.items() if value is not None and value != _UNKNOWN
    }


def _bunit(image: AsdfImage) -> str:
    """The unit of the pixels: as recorded, as they carry it, or as files of this kind have it."""
    meta = image.meta
    unit = as_mapping(meta.get(RECORD)).get("bunit") or image.unit
    if unit:
        return str(unit)
    kind = f"{getattr(image.root, '_tag', '')} {meta.get('model_type', '')}".lower()
    if "mosaic" in kind or as_mapping(meta.get("cal_step")).get("flux") == "COMPLETE":
        return "MJy/sr"
    return "DN/s" if "image" in kind else ""


def as_mapping(node: Any) -> Mapping[str, Any]:
    return node if isinstance(node, Mapping) else {}
