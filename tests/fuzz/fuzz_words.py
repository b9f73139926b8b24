"""Words that are put into headers, trees, lists and command lines: those of `words.json`."""

import json
from pathlib import Path


def _word(entry):
    """A word as it stands, or one that is too long to be written out."""
    return entry if isinstance(entry, str) else entry["text"] * entry["times"] + entry["end"]


_LISTS = {
    name: [_word(entry) for entry in entries]
    for name, entries in json.loads(
        Path(__file__).with_name("words.json").read_text(encoding="utf-8")
    ).items()
}
#: Keywords and values of FITS cards; nodes of a YAML tree; words of lists, associations and .cfg
#: files.
KEYWORDS, VALUES, NODES, TOKENS = (
    _LISTS[name] for name in ("keywords", "values", "nodes", "tokens")
)
#: Values of options.
NUMBERS, WORDS, FILES = (_LISTS[name] for name in ("numbers", "words", "files"))
