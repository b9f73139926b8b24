"""Blots onto Roman images: Roman's data models open them if they open the reference."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np

from ..errors import WARNING_FILTERS
from .asdf import RECORD, AsdfImage, form_of
from .atomic import atomic_write
from .blocks import sort_extensions
from .damage import copying
from .gwcs import tangent_gwcs
from .image import NewBlot


def write_blot(new: NewBlot) -> None:
    """Write a blot onto a Roman image as ``roman`` with data, err and meta, atomically.

    Metadata are the reference's, with its gwcs (that of `wcs` where one is given) and the cards of
    how the blot was made. Where the reference has the tag of a data model the blot has it, too, and
    the other planes that it asks for: nothing is known in them, they are NaN or 0.
    """
    import asdf

    data = new.data
    with (
        atomic_write(new.path, overwrite=new.overwrite) as stream,
        WARNING_FILTERS,
        asdf.config_context() as config,
        copying(new.reference.name, asdf.ValidationError),
    ):
        # the same with it and without it, whatever its version
        config.remove_extension(package="roman_datamodels")
        tag = _tag_for(new.reference, data)
        planes = _empty_planes(new.reference, data.shape) if tag else {}
        pixels = data.astype(np.float32, copy=False) if data.dtype.kind == "f" else data
        roman = {"meta": _meta(new, tagged=bool(tag)), "data": pixels, **planes}
        if new.errors is not None:
            unknown = planes.pop("err", None)
            roman["err"] = new.errors.astype(np.float32 if unknown is None else unknown.dtype)
        file = asdf.AsdfFile({"roman": with_tag(roman, tag)})
        for plane in planes.values():
            file.set_array_compression(plane, "lz4" if find_spec("lz4") else "zlib")
        # lz4 needs a package to be read
        file.write_to(stream, **({"all_array_compression": "zlib"} if new.compress else {}))
        stream.flush()
        sort_extensions(stream.name)


def _tag_for(reference: AsdfImage, data: np.ndarray) -> str:
    """The tag of a blot: that of its reference, where that is a whole exposure.

    The metadata of coadds hold tables of their exposures, which a blot does not have.
    """
    root = reference.root
    whole = (
        "err" in root
        and _is_array(root["data"])
        and all(form_of(node) for node in root.values() if _is_array(node))
    )
    tables = any(_holds_array(node) for key, node in reference.meta.items() if key != "wcs")
    return getattr(root, "_tag", "") if whole and not tables and data.dtype.kind == "f" else ""


def _empty_planes(reference: AsdfImage, shape: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Arrays of unknown values for the planes of the reference; all are parts of two arrays."""
    forms = {}
    for name, node in reference.root.items():
        form = form_of(node) if name != "data" and _is_array(node) else None
        if form is not None:
            size, dtype = form
            forms[name] = (
                (*size[:-2], *shape) if size[-2:] == reference.shape else size,
                dtype.newbyteorder("="),
            )
    lengths = {name: int(np.prod(size)) * dtype.itemsize for name, (size, dtype) in forms.items()}
    longest = max(lengths.values(), default=0)
    nothing = np.full(longest, 255, np.uint8)
    zero = np.zeros(longest, np.uint8)  # all bits set: NaN of any length
    return {
        name: (nothing if dtype.kind == "f" else zero)[: lengths[name]].view(dtype).reshape(size)
        for name, (size, dtype) in forms.items()
    }


def _is_array(node: Any) -> bool:
    return "core/ndarray" in getattr(node, "_tag", "")


def _meta(new: NewBlot, *, tagged: bool) -> dict[str, Any]:
    known = new.reference.meta
    meta = {key: _copied(node, tagged=tagged) for key, node in known.items() if key != "wcs"}
    meta["filename"] = with_tag(new.path.name, getattr(meta.get("filename"), "_tag", ""))
    meta["wcs"] = new.reference.wcs() if new.wcs is None else tangent_gwcs(new.wcs)
    meta[RECORD] = {keyword.lower(): value for keyword, value, _ in new.cards}
    return meta


def _holds_array(node: Any) -> bool:
    parts = node.values() if isinstance(node, Mapping) else node if isinstance(node, list) else ()
    return _is_array(node) or any(_holds_array(part) for part in parts)


def _copied(node: Any, *, tagged: bool) -> Any:
    """A node as plain values that need no converters, with or without tags; arrays are None."""
    if _is_array(node):
        return None
    plain: Any = None
    if isinstance(node, Mapping):
        plain = {str(key): _copied(value, tagged=tagged) for key, value in node.items()}
    elif isinstance(node, list):
        plain = [_copied(item, tagged=tagged) for item in node]
    else:
        plain = next(
            (kind(node) for kind in (bool, int, float, str) if isinstance(node, kind)), None
        )
    return with_tag(plain, getattr(node, "_tag", "") if tagged else "")


def with_tag(value: Any, tag: str) -> Any:
    """Return a text, a list or a mapping with a tag; as it is where the tag is empty."""
    from asdf.tagged import TaggedDict, TaggedList, TaggedString

    if not tag:
        return value
    if isinstance(value, str):
        text = TaggedString(value)
        text._tag = tag
        return text
    return (TaggedDict if isinstance(value, dict) else TaggedList)(value, tag)
