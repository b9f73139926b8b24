"""Control characters in headers and names: shown as escapes wherever text goes, never obeyed by a
terminal.
"""

import pytest
from astropy.io import fits

from skyblot.cli.screen import echo
from skyblot.errors import FileError
from skyblot.report.notebook import html_of
from skyblot.text import printable

#: It would empty the screen, write over the line, ring, and turn the rest round.
NASTY = "x\x1b[2J\r\x07\x9b2J\u202e\udcff"
SHOWN = r"x\x1b[2J\r\x07\x9b2J\u202e\udcff"


def test_each_is_written_out():
    assert printable(NASTY) == SHOWN
    assert printable("plain: é, 25 µm, 星") == "plain: é, 25 µm, 星"
    assert printable("two\nlines\x1b", keep="\n") == "two\nlines\\x1b"


def test_every_sentence_is_one_line():
    sentence = str(FileError("a\nb", subject=NASTY))
    assert sentence.isprintable()
    assert SHOWN in sentence


def test_what_is_printed(capsys):
    echo(f"one {NASTY}\ntwo")
    assert capsys.readouterr().out == f"one {SHOWN}\ntwo\n"


def test_notebooks():
    assert NASTY not in (page := html_of({"file": NASTY}, lambda: ("", NASTY)))
    assert SHOWN in page


@pytest.fixture
def nasty(visit):
    """An exposure with cards that no tool writes, in bytes as they stand in the file, under a name
    of the same kind.
    """
    path = visit.folder / "a\x1b[2Jb_flc.fits"
    content = visit.exposures[0].read_bytes()
    header = fits.getheader(visit.exposures[0], "SCI", 1)
    assert str(header["BUNIT"]).strip()
    card = next(card for card in header.cards if card.keyword == "BUNIT").image.encode()
    path.write_bytes(content.replace(card, b"BUNIT   = 'e\x1b[2J\x07 '".ljust(80)))
    return path


@pytest.mark.parametrize("command", ["info", "blot", "reject", "show"])
def test_no_command_prints_them(nasty, visit, run, tmp_path, command):
    arguments = {"info": [nasty], "show": [nasty, "-o", tmp_path / "a.png"]}
    _, out, err = run(
        command, *arguments.get(command, [visit.med, nasty, "--output-dir", tmp_path, "-v"])
    )
    for text in (out, err):
        assert all(line.isprintable() for line in text.splitlines()), text
    assert out or err
    assert "\\x1b[2J" in out + err


def test_reports(nasty, visit, run, tmp_path):
    pytest.importorskip("matplotlib")
    page = tmp_path / "a.html"
    for command in ("blot", "reject"):
        run(
            command,
            visit.med,
            nasty,
            "--output-dir",
            tmp_path,
            "--report",
            page,
            "--overwrite",
            "--as-is",
        )
        if page.exists():
            assert "\x1b" not in page.read_text()
