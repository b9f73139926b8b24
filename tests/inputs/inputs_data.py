"""Files that need only be there, and the message with which names are refused."""

from pathlib import Path

import pytest

from skyblot.errors import FileError
from skyblot.io.inputs import expand_references


def touch(*names):
    for name in names:
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def refused(*names, error=FileError):
    """The message with which these names are refused: one line."""
    with pytest.raises(error) as caught:
        expand_references(names)
    assert "\n" not in str(caught.value)
    return str(caught.value)
