"""The help of the ablot task."""

import re

from task_data import DOCUMENTED, DOCUMENTED_INTERP

import skyblot
from skyblot import ablot


def entry(text, name):
    match = re.search(rf"^{name}\b[^\n]*(\n    [^\n]*)+", text, re.MULTILINE)
    return match and match[0]


def test_help_is_complete():
    text = ablot.getHelpAsString()
    assert text.startswith(f"Task: 'ablot'. 'skyblot' version: {skyblot.__version__}\n")
    for name, default in DOCUMENTED.items():
        assert re.search(
            rf"^{name}( \[.*\])?, default {re.escape(repr(default))}\n    \S", text, re.MULTILINE
        ), name
    for name in ("data", "reference", "outdata", "user_wcs", "configObj", "wcsmap", "editpars"):
        assert entry(text, name), name
    for choice in DOCUMENTED_INTERP:
        assert choice in entry(text, "interp")
    for alias in ("interpol", "blot_interp", "blot_sinscl", "blot_addsky", "blot_skyval"):
        assert alias in text
    for choice in ("cps", "counts"):
        assert choice in entry(text, "in_units")
        assert choice in entry(text, "out_units")
    assert "auto" not in text
    for section in ("Data Scaling Parameters", "User WCS Parameters"):
        assert f"\n{section}\n{'-' * len(section)}\n" in text
    assert max(map(len, text.splitlines())) <= 120


def test_help_without_the_version():
    text = ablot.getHelpAsString(show_ver=False)
    assert "version:" not in text
    assert (
        ablot.getHelpAsString(docstring=True)
        == ablot.getHelpAsString()
        == ablot.getHelpAsString(False, True)
    )
    assert ablot.getHelpAsString().endswith(text)
    assert len(text) > 2000


def test_help_is_shown_or_written(tmp_path, capsys):
    ablot.help()
    assert capsys.readouterr().out == ablot.getHelpAsString()
    path = tmp_path / "help.txt"
    path.write_text("x" * 100_000)
    ablot.help(file=str(path))
    assert path.read_text() == ablot.getHelpAsString()
    assert capsys.readouterr().out == ""
