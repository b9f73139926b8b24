"""The tree of an ASDF file, before asdf reads it: what it repeats, and what it names.

A few lines of YAML can stand for more values than memory holds, or for a tree without an end; and
an array's source may be the name of another file, or a URL, which asdf would fetch.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..errors import FileError, reason_of

#: Limits: bytes of text, nodes with all that is repeated, and levels. The largest trees of JWST's
#: have 1e5 nodes.
_MOST_BYTES = 64 << 20
_MOST_NODES = 5_000_000
_MOST_LEVELS = 200
#: What an array's source may be: the number of a block or, in JWST's files, an extension beside the
#: tree's.
_BLOCK = re.compile(r"-?[0-9]{1,9}")
_EXTENSION = re.compile(r"fits:[A-Za-z0-9_ ]*,[0-9]+")


@dataclass
class _Level:
    """A mapping or a sequence that has not ended."""

    is_mapping: bool
    is_array: bool
    anchor: str | None
    key: str | None = None
    at_key: bool = True
    nodes: int = 1


def check_tree(text: bytes, name: Any) -> None:
    """Refuse a tree that refers to itself, is too large, or names a file or URL to read.

    Raises
    ------
    FileError
    """
    too_long = f"its tree has {len(text)} bytes, expected at most {_MOST_BYTES}"
    reason = too_long if len(text) > _MOST_BYTES else _problem(text)
    if reason:
        raise FileError(f"not a readable ASDF file: {reason}", subject=name)


def _problem(text: bytes) -> str:
    """What is wrong with a tree, an empty text where it can be read."""
    from yaml import YAMLError

    try:
        return _Walk().problem(_events(text))
    except (YAMLError, ValueError) as error:
        return reason_of(error)


def _events(text: bytes) -> Iterator[Any]:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return iter(yaml.parse(text, Loader=loader))


class _Walk:
    """One walk over a tree, event by event: nothing is built."""

    def __init__(self) -> None:
        self._levels: list[_Level] = []
        self._sizes: dict[str, int] = {}

    def problem(self, events: Iterator[Any]) -> str:
        """What is wrong, an empty text where nothing is."""
        from yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, ScalarEvent

        for event in events:
            reason = ""
            if isinstance(event, CollectionStartEvent):
                reason = self._start(event)
            elif isinstance(event, CollectionEndEvent):
                reason = self._end()
            elif isinstance(event, ScalarEvent):
                reason = self._scalar(event)
            elif isinstance(event, AliasEvent):
                reason = self._alias(event.anchor)
            if reason:
                return reason
        return ""

    def _start(self, event: Any) -> str:
        from yaml.events import MappingStartEvent

        is_mapping = isinstance(event, MappingStartEvent)
        reason = self._forbidden("a mapping or a list") if self._is_named() else ""
        self._levels.append(
            _Level(is_mapping, is_mapping and "ndarray" in (event.tag or ""), event.anchor)
        )
        return reason or ("it has too many levels" if len(self._levels) > _MOST_LEVELS else "")

    def _end(self) -> str:
        level = self._levels.pop()
        if level.anchor is not None:
            self._sizes[level.anchor] = level.nodes
        return self._count(level.nodes)

    def _scalar(self, event: Any) -> str:
        level = self._levels[-1] if self._levels else None
        if event.anchor is not None:
            self._sizes[event.anchor] = 1
        if level is not None and level.is_mapping and level.at_key:
            level.key = event.value
            if level.is_array and level.key == "<<":
                return self._forbidden("what is merged into it")
        elif self._is_named():
            assert level is not None
            if not _is_local(level.key, event):
                return self._forbidden(repr(event.value[:80]))
        return self._count(1)

    def _alias(self, anchor: str) -> str:
        if any(level.anchor == anchor for level in self._levels):
            return "its tree contains itself"
        level = self._levels[-1] if self._levels else None
        if self._is_named() or (level is not None and level.is_mapping and level.at_key):
            return self._forbidden("an alias")
        return self._count(self._sizes.get(anchor, 1))

    def _is_named(self) -> bool:
        """Whether the next value says what to read: where an array is, or what stands here."""
        level = self._levels[-1] if self._levels else None
        if level is None or not level.is_mapping or level.at_key:
            return False
        return level.key == "$ref" or (level.is_array and level.key == "source")

    def _forbidden(self, what: str) -> str:
        key = self._levels[-1].key
        return f"its tree refers by {key} to {what}, expected only what is in the file"

    def _count(self, nodes: int) -> str:
        """Add the nodes of a value that has ended to those of what it is in."""
        if not self._levels:
            return ""
        level = self._levels[-1]
        level.nodes += nodes
        level.at_key = not level.at_key
        return f"its tree has more than {_MOST_NODES} nodes" if level.nodes > _MOST_NODES else ""


def _is_local(key: str | None, event: Any) -> bool:
    """Whether what a value names is in the file."""
    if key == "$ref":
        return bool(event.value.startswith("#"))
    plain = event.style in (None, "")
    return bool((plain and _BLOCK.fullmatch(event.value)) or _EXTENSION.fullmatch(event.value))
