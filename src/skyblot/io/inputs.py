"""Which exposures are meant: names, shell patterns, lists, association tables, folders."""

import glob
import gzip
import json
import os
import re
import zlib
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import FileError, ParameterError, SkyblotError, quiet, reason_of
from ..headers.instruments import INSTRUMENTS, known_names
from .names import ImageName, parse_name
from .products import without_products
from .weights import without_weights


class Expanded(NamedTuple):
    """The names of exposures, and the lists and associations in which they were found."""

    exposures: list[str]
    tables: list[Path]


#: What makes a name that is no file a pattern.
_WILDCARDS = re.compile(r"[*?\[]")
#: Brackets behind these are an extension, even a wrong one, and never a set of characters.
_IMAGE_SUFFIX = re.compile(r"\.(fits?|fts|asdf)(\.gz|\.bz2|\.xz|\.fz)?$", re.IGNORECASE)
#: What an extension looks like behind other names: [0-9] is a set of characters there, and no name.
_PLAIN_EXTENSION = re.compile(r"\[\s*(\d+|[A-Za-z]\w*(\s*,\s*\d+)?)\s*\]", re.ASCII)
_COMPRESSION = ("", ".gz", ".fz", ".bz2", ".xz")
_HST_TABLE = re.compile(r".*_asn\.fits(\.gz)?", re.IGNORECASE)
#: No list and no association is larger than this: a larger file is a mosaic, given by mistake.
_LARGEST = 1 << 26
_ASSOCIATION = "an association"
_COLUMNS = ("MEMNAME", "MEMTYPE", "MEMPRSNT")
#: The exposures of HST, the preferred first.
_HST_PRODUCTS = INSTRUMENTS["HST",].names.exposures
#: What exposures in a folder are called, and with which suffix; of one root the first of these is
#: taken.
_EXPOSURES = [(label, names.suffix) for names in known_names() for label in names.exposures]
_LABELS = "|".join(
    label + re.escape(suffix) + (r"(\.(?:gz|fz|bz2|xz))?" if suffix == ".fits" else "")
    for label, suffix in _EXPOSURES
)
#: JWST's crf has the identifier of an association before it.
_EXPOSURE = re.compile(
    rf"(?P<root>.+?)(?P<association>_[aco]\d{{3,4}}(?=_crf))?_(?P<product>{_LABELS})", re.IGNORECASE
)
_BLOT = re.compile(r"_blt(_|$)", re.IGNORECASE)
_LOOKED_FOR = ", ".join(f"*_{label}{suffix}" for label, suffix in _EXPOSURES[:-1])
_LOOKED_FOR += f" or *_{''.join(_EXPOSURES[-1])}"
#: The labels in the order of preference, whatever their suffix.
_RANKS = list(dict.fromkeys(label for label, _ in _EXPOSURES))


def expand_references(names: Sequence[str | Path]) -> Expanded:
    """Return the names of the exposures that are meant, and of the lists that were read.

    Parameters
    ----------
    names : sequence of str or Path
        Each of them one of

        * a file, with or without an extension (``x_flc.fits[sci,2]``), or a URL (``s3://...``):
          stays as it is, and so does a name that no file has, for its reader to refuse;
        * a shell pattern (``data/j8*[0-9]q_flc.fits``, ``**`` for folders in folders): what
          matches, sorted, each taken as if it were named here;
        * ``@list.txt``: a text file with one name a line, of any kind in this table and relative to
          the list's folder; blank lines, and what stands behind a ``#`` at the start of a word, are
          skipped;
        * an HST association table (``*_asn.fits``): its members of type EXP that are present, as
          ``_flc``, else ``_flt``, else ``_c0m`` files beside the table;
        * a JWST or Roman association (``*.json``): the science members of its products;
        * a folder: the exposures in it, sorted: ``_flc``, ``_flt``, ``_c0m``, ``_crf`` and ``_cal``
          files, the first of these for each root; no blots, masks or mosaics, and not what is in
          folders of the folder.

        An extension behind a pattern, an association or a folder (``*_flc.fits[sci,1]``) is given
        to each file. Brackets at the end are an extension where they can be read as one, else a set
        of characters of a pattern; a name that exists as it stands is that file, whatever
        characters it has. ``x.weight.fits`` is left out where ``x.fits`` is meant too, as a
        pattern has both, and so are masks, blots and copies that were made of it.

    Returns
    -------
    Expanded
        Two names of the same file and extension count as one; the first spelling is kept.

    Raises
    ------
    FileError
        If a list, an association or a folder cannot be read, if it or a pattern yields nothing, if
        a member of an association is missing, or if a list contains itself.
    ParameterError
        If a name cannot be one, or a list is given an extension.
    """
    exposures: dict[str, str] = {}
    tables: list[Path] = []
    for name in [names] if isinstance(names, str | Path) else names:
        if not isinstance(name, str | Path):
            raise ParameterError(f"{name!r}: is not the name of a file")
        for item in _expand(str(name), "", ()):
            if isinstance(item, Path):
                tables.append(item)
            else:
                exposures.setdefault(_identity(item), item)
    return Expanded(without_products(without_weights(list(exposures.values()))), tables)


def _identity(name: str) -> str:
    """The same text for every spelling of a file and extension.

    A link counts under its own name: blots are named after it.
    """
    if _is_url(name):
        return name
    where = parse_name(name)
    assert isinstance(where.path, Path)
    return str(
        ImageName(Path(os.path.realpath(where.path.parent)) / where.path.name, where.extension)
    )


def _is_url(name: str) -> bool:
    return "://" in name


def _expand(name: str, folder: str, lists: tuple[str, ...]) -> Iterator[str | Path]:
    """Yield what a name stands for, and as a Path what is read for it; `lists` led to it."""
    if not name.strip() or "\0" in name:
        raise ParameterError(f"{name!r}: is not the name of a file")
    if name.startswith("@") and not os.path.exists(os.path.join(folder, name)):
        yield from _list(name, folder, lists)
    elif _is_url(name):
        yield name
    else:
        stem, brackets = _split(name, folder)
        for file in _files(stem, folder):
            yield file if isinstance(file, Path) else file + brackets


def _split(name: str, folder: str) -> tuple[str, str]:
    """Split an extension, brackets included, off a name."""
    stem = name.rpartition("[")[0]
    brackets = name[len(stem) :]
    known = _IMAGE_SUFFIX.search(stem) or os.path.exists(os.path.join(folder, stem))
    if not stem or not (known or _PLAIN_EXTENSION.fullmatch(brackets)):
        return name, ""  # a pattern such as visit[0-9]
    return (
        (name, "") if parse_name(os.path.join(folder, name)).extension is None else (stem, brackets)
    )


def _files(name: str, folder: str) -> Iterator[str | Path]:
    full = os.path.join(folder, name)
    if os.path.exists(full) or not _WILDCARDS.search(name):
        yield from _contents(full)
        return
    matches = sorted(glob.glob(name, root_dir=folder or None, recursive=True))
    if not matches:
        raise FileError("no file matches this pattern", subject=full)
    for match in matches:
        yield from _contents(os.path.join(folder, match))


def _contents(path: str) -> Sequence[str | Path]:
    """The exposures that a file or a folder stands for; most files stand for themselves."""
    if os.path.isdir(path):
        return _folder(path)
    if _HST_TABLE.fullmatch(os.path.basename(path)):
        return [Path(path), *_hst_members(path)]
    if path.lower().endswith(".json"):
        return [Path(path), *_json_members(path)]
    return [path]


def _list(name: str, folder: str, lists: tuple[str, ...]) -> Iterator[str | Path]:
    if name.endswith("]") and _split(name[1:], folder)[1]:
        raise ParameterError(
            "a list takes no extension, write it behind each name in the list", subject=name
        )
    if _is_url(name):
        raise ParameterError("lists are read from local files only", subject=name)
    path = os.path.join(folder, name[1:])
    identity = os.path.realpath(path)
    if identity in lists:
        raise FileError("this list contains itself", subject=path)
    yield Path(path)
    lines = _lines(path)
    if not any(lines):
        raise FileError("this list names no exposure, expected one name a line", subject=path)
    for number, line in enumerate(lines, 1):
        try:
            if line:
                yield from _expand(line, os.path.dirname(path), (*lists, identity))
        except SkyblotError as error:
            raise type(error)(error, subject=f"{path}, line {number}") from error


def _lines(path: str) -> list[str]:
    """The lines of a list without comments; a # inside a word, as URLs have it, starts none."""
    try:
        text = _read(path, "list").decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        expected = "a text file (UTF-8) with one name a line"
        raise FileError(f"is not a list, expected {expected}", subject=path)
    return [re.sub(r"(^|\s)#.*", "", line).strip() for line in text.splitlines()]


def _read(path: str, kind: str) -> bytes:
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        raise FileError("is no regular file, expected one, or a URL", subject=path)
    opener: Any = gzip.open if path.lower().endswith(".gz") else open
    try:
        with opener(path, "rb") as file:
            content: bytes = file.read(_LARGEST + 1)
    except FileNotFoundError:
        raise FileError(f"no such {kind}", subject=path or "@") from None
    except (OSError, EOFError, zlib.error) as error:
        reason = reason_of(error)
        raise FileError(f"this {kind} cannot be read: {reason}", subject=path or "@") from error
    if len(content) > _LARGEST:
        article = "an" if kind == "association" else "a"
        expected = f"at most {_LARGEST >> 20} MB"
        raise FileError(f"is not {article} {kind}, expected {expected}", subject=path)
    return content


def _folder(path: str) -> list[str]:
    """The exposures in a folder: of each root the best product, uncompressed if there is one."""
    best: dict[str, int] = {}
    files: dict[tuple[str, str, int], str] = {}
    for name in _listing(path):
        match = _EXPOSURE.fullmatch(name)
        if (
            match is None
            or _BLOT.search(match["root"])
            or not os.path.isfile(os.path.join(path, name))
        ):
            continue
        root = match["root"]
        rank = _RANKS.index(match["product"].lower().partition(".")[0])
        best[root] = min(rank, best.get(root, rank))
        # x.fits sorts before x.fits.gz
        files.setdefault((root, (match["association"] or ""), rank), name)
    if not files:
        raise FileError(f"this folder holds no exposure, looked for {_LOOKED_FOR}", subject=path)
    return [
        os.path.join(path, name) for (root, _, rank), name in files.items() if rank == best[root]
    ]


def _listing(path: str) -> list[str]:
    try:
        return sorted(os.listdir(path))
    except OSError as error:
        raise FileError(f"this folder cannot be read: {error.strerror}", subject=path) from error


def _hst_members(path: str) -> list[str]:
    """The exposures of an HST association table, in its order."""
    folder = os.path.dirname(path)
    rows = [member for member, kind in _hst_rows(path) if kind.strip().upper().startswith("EXP")]
    if not rows:
        raise FileError(
            "no member of this association is an exposure, expected one with MEMTYPE EXP... that "
            "is present",
            subject=path,
        )
    there = {name.lower(): name for name in _listing(folder or ".")}
    members = []
    for root in rows:
        wanted = [
            f"{root.lower()}_{product}.fits{end}"
            for product in _HST_PRODUCTS
            for end in _COMPRESSION
        ]
        name = next((there[suffix] for suffix in wanted if suffix in there), None)
        if name is None:
            files = " or ".join(f"{root.lower()}_{product}.fits" for product in _HST_PRODUCTS)
            expected = f"{files} in {folder or '.'}"
            raise FileError(f"its member {root} is missing, looked for {expected}", subject=path)
        members.append(os.path.join(folder, name))
    return members


def _hst_rows(path: str) -> list[tuple[str, str]]:
    """Name and type of each member that is present."""
    from astropy.io import fits

    # astropy leaves damaged files open, and loops over gzipped ones
    content = BytesIO(_read(path, "association"))
    try:
        with quiet(), fits.open(content) as hdus:
            names, kinds, present = _hst_columns(path, hdus)
            rows = zip(names, kinds, map(_flag, present), strict=True)
            return [(_text(name), _text(kind)) for name, kind, there in rows if there]
    except FileError:
        raise
    except Exception as error:  # astropy raises anything on a damaged table
        reason = f"its table cannot be read: {reason_of(error)}"
        raise FileError(f"not {_ASSOCIATION}: {reason}", subject=path) from error


def _hst_columns(path: str, hdus: Any) -> list[list[Any]]:
    """The columns of the first table that has them all."""
    tables = [hdu for hdu in hdus if hasattr(hdu, "columns")]
    missing = [_missing_columns(table) for table in tables]
    if [] not in missing:
        lacking = f"its table lacks {', '.join(missing[0])}" if missing else "it holds no table"
        reason = f"{lacking}, expected the columns {', '.join(_COLUMNS)}"
        raise FileError(f"not {_ASSOCIATION}: {reason}", subject=path)
    data = tables[missing.index([])].data
    return [data[column].tolist() for column in _COLUMNS]


def _missing_columns(table: Any) -> list[str]:
    there = [str(name).upper() for name in table.columns.names]
    return [column for column in _COLUMNS if column not in there]


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} is not the name or type of a member")
    return value.strip()


def _flag(value: Any) -> bool:
    if not isinstance(value, bool | int):
        raise ValueError(f"MEMPRSNT is {value!r}, expected true or false")
    return bool(value)


def _json_members(path: str) -> list[str]:
    """The science exposures of a JWST or Roman association, in its order."""
    try:
        association = json.loads(_read(path, "association"))
    except (ValueError, RecursionError) as error:
        reason = f"it is not valid JSON: {reason_of(error)}"
        raise FileError(f"not {_ASSOCIATION}: {reason}", subject=path) from error
    members = [_member(path, member) for member in _science(path, association)]
    if not members:
        raise FileError(
            "no member of this association is an exposure, expected one with exptype 'science'",
            subject=path,
        )
    return members


def _science(path: str, association: Any) -> Iterator[dict[str, Any]]:
    """Yield the science members of all products."""
    for product in _records(path, association, "products"):
        for member in _records(path, product, "members"):
            if isinstance(member, dict) and str(member.get("exptype")).lower() == "science":
                yield member


def _records(path: str, parent: Any, key: str) -> list[Any]:
    records = parent.get(key) if isinstance(parent, dict) else None
    if not isinstance(records, list):
        reason = f"expected a list of {key} (products[].members[].expname)"
        raise FileError(f"not {_ASSOCIATION}: {reason}", subject=path)
    return records


def _member(path: str, member: dict[str, Any]) -> str:
    name = member.get("expname")
    if not isinstance(name, str) or not name.strip() or "\0" in name:
        raise FileError(
            f"a science member has expname {name!r}, expected the name of a file", subject=path
        )
    full = name if _is_url(name) else os.path.join(os.path.dirname(path), name)
    if not _is_url(name) and not os.path.isfile(full):
        raise FileError(f"its member {name} is missing, looked for {full}", subject=path)
    return full
