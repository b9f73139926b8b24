"""The extension ASDF: made for images, or that of a blot without references to what it lacks.

JWST's data models open a file only if every plane that its tree refers to is there.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from io import BytesIO
from typing import Any

import numpy as np
from astropy.io import fits

from .blocks import with_sorted_extensions

#: A node of the tree with its lines, and where it says that an array is in another extension.
_NODE = re.compile(rb"^[^\s#%.-][^\n]*\n(?:[ \t-][^\n]*\n|\n)*", re.MULTILINE)
_ELSEWHERE = re.compile(rb"\bsource:\s*['\"]?fits:([^\n]+?),\s*(\d+)")
_ANCHOR = re.compile(rb"&(\w+)")
_TREE = re.compile(rb"\n---[^\n]*\n(.*?)\n\.\.\.\r?\n", re.DOTALL)
#: What stands for the content of the whole FITS file: models do not read the planes again where it
#: is right.
_HASH = b"_fits_hash:"


def asdf_extension(wcs: Any, images: Sequence[Any], meta: Mapping[str, Any]) -> fits.BinTableHDU:
    """Return the extension that holds an ASDF file in one cell, as JWST's data models write it.

    Parameters
    ----------
    wcs : gwcs.WCS
    images : sequence of ImageHDU
        Its arrays are references to these.
    meta : mapping
        What is known of the image beside the WCS.
    """
    import asdf
    from asdf.tagged import TaggedDict

    tree: dict[str, Any] = {"meta": {**meta, "telescope": "JWST", "wcs": wcs}}
    for hdu in images:
        array = {
            "source": f"fits:{hdu.name},{hdu.ver}",
            "datatype": hdu.data.dtype.name,
            "byteorder": "big",
            "shape": list(hdu.data.shape),
        }
        name = "data" if hdu.name == "SCI" else hdu.name.lower()
        tree[name] = TaggedDict(array, "tag:stsci.edu:asdf/core/ndarray-1.1.0")
    buffer = BytesIO()
    asdf.AsdfFile(tree).write_to(buffer)
    content = np.frombuffer(with_sorted_extensions(buffer.getvalue()), np.uint8)[None]
    column = fits.Column("ASDF_METADATA", f"{content.size}B", array=content)
    return fits.BinTableHDU.from_columns([column], name="ASDF")


def without_planes(hdu: Any, present: Collection[tuple[str, int]]) -> Any:
    """Return a copy of an extension ASDF whose tree refers only to extensions that are there.

    Parameters
    ----------
    hdu : BinTableHDU or ImageHDU
        As JWST's files have it, a table of one cell, or an image in old ones; another is copied as
        it is.
    present : collection of (str, int)
        Names and versions of the extensions of the new file.
    """
    copy = hdu.copy()
    data = copy.data
    if data is not None and data.dtype.names is not None:
        data = data[data.dtype.names[0]]
        data = data[0] if len(data) == 1 else None
    if isinstance(data, np.ndarray) and data.dtype.itemsize == 1:
        data[...] = np.frombuffer(pruned(data.tobytes(), present), data.dtype).reshape(data.shape)
    return copy


def pruned(content: bytes, present: Collection[tuple[str, int]]) -> bytes:
    """Return an ASDF file without the nodes that refer to extensions that are not there.

    All else stays where it is, byte by byte: a comment fills the gap, so that the index of the
    blocks stays true.

    Examples
    --------
    >>> pruned(b"#ASDF\\n--- !x\\na: 1\\ndq:\\n  source: fits:DQ,1\\n...\\n", {("SCI", 1)})
    b'#ASDF\\n--- !x\\na: 1\\n#                      \\n...\\n'
    """
    tree = _TREE.search(content)
    if tree is None:
        return content
    start = tree.start(1)
    end = tree.end(1) + 1
    text = content[start:end]
    gone = [match.span() for match in _NODE.finditer(text) if _is_lost(match[0], present)]
    gone = [
        (low, high)
        for low, high in gone
        if not _is_shared(text[low:high], text[:low] + text[high:])
    ]
    kept = text
    for low, high in reversed(gone):
        kept = kept[:low] + kept[high:]
    missing = len(text) - len(kept)
    fill = b"#" + b" " * (missing - 2) + b"\n" if missing else b""
    return content[:start] + kept + fill + content[end:]


def _is_lost(node: bytes, present: Collection[tuple[str, int]]) -> bool:
    places = [
        (name.decode("ascii", "replace").upper(), int(version))
        for name, version in _ELSEWHERE.findall(node)
    ]
    return node.startswith(_HASH) or any(place not in present for place in places)


def _is_shared(node: bytes, rest: bytes) -> bool:
    """Whether another node refers to a part of this one."""
    return any(re.search(rb"\*" + name + rb"\b", rest) for name in _ANCHOR.findall(node))
