"""What the fuzzer found, made small: each of these ended a run, or the process, or was told in
Python's words.
"""

import re
import sys

import pytest
from fuzz_cases import Case
from fuzz_worker import read_base, run_case

WRITE = ["--output-dir", "out"]
BLOT, INFO = ("blot", "med.fits", "{}", *WRITE), ("info", "{}")
REJECT, MOSAIC = ("reject", "med.fits", "{}", *WRITE), ("blot", "{}", "a_flt.fits", *WRITE)
COPIES = (*REJECT, "--update-dq", "--clean")


def card(keyword, value, number=1):
    """Put a value into the card of a keyword, the `number`-th in the file from 1 on."""

    def change(content):
        starts = [
            match.start() for match in re.finditer(keyword.encode().ljust(8) + b"= ", content)
        ]
        place = starts[number - 1]
        return (
            content[:place]
            + f"{keyword:8}= {value:>20}".ljust(80).encode("latin-1")
            + content[place + 80 :]
        )

    return change


def gone(keyword, number=1):
    """Remove a card."""

    def change(content):
        starts = [
            match.start() for match in re.finditer(keyword.encode().ljust(8) + b"= ", content)
        ]
        return (
            content[: starts[number - 1]]
            + b"COMMENT".ljust(80)
            + content[starts[number - 1] + 80 :]
        )

    return change


def descriptors(content):
    """Let the first tile be somewhere else: negative numbers, as a flipped bit makes them."""
    start = content.index(b"TTYPE1")
    start = content.index(b"END" + b" " * 77, start)
    start += 80 + -(start + 80) % 2880
    return content[:start] + b"\x00\x00\x00\x50\xff\x00\x00\x00" + content[start + 8 :]


def text(old, new):
    return lambda content: content.replace(old, new, 1)


#: File, what is done to it, command, and what is to be said.
FOUND = {
    "tile outside of the heap": ("d_flt.fits.fz", descriptors, REJECT, "bytes outside of it"),
    "format of tiles": ("d_flt.fits.fz", card("TFORM1", "'x'"), REJECT, "d_flt.fits.fz[sci,1]"),
    "method of compression": ("d_flt.fits.fz", card("ZCMPTYPE", "'GZIP_3'"), REJECT,
    "pixels cannot be read"), "method that is a number": ("d_flt.fits.fz", card("ZCMPTYPE", "5"),
    REJECT, "d_flt.fits.fz"), "size of tiles": ("d_flt.fits.fz", card("ZTILE1", "'x'"), REJECT,
    "ZTILE1 = 'x'"), "size of tiles, 0": ("d_flt.fits.fz", card("ZTILE1", "0"), REJECT,
    "d_flt.fits.fz"), "size of an image": ("d_flt.fits.fz", card("ZNAXIS1", "'GAPPT'"), REJECT,
    "ZNAXIS1 = 'GAPPT'"), "parameter of tiles": ("d_flt.fits.fz", card("ZVAL1", "'x'"), REJECT,
    "pixels cannot be read"), "no size of the heap": ("d_flt.fits.fz", gone("PCOUNT"), INFO,
    "damaged"), "columns by the million": ("d_flt.fits.fz", card("TFIELDS", "999999999"), INFO,
    "TFIELDS = 999999999"), "name of a column": ("d_flt.fits.fz", card("TTYPE1", "7"), BLOT, "ok"),
    "name of a column that is read": ("d_flt.fits.fz", card("TTYPE1", "7"), REJECT,
    "cannot be read"), "truncated tiles": ("med.fits.fz", lambda content: content[:-4000], MOSAIC,
    "med.fits.fz"), "scale that is a text": ("b_flt.fits", card("BSCALE", "'x'"), REJECT,
    "its pixels cannot be read"), "complex scale": ("b_flt.fits", card("BSCALE", "(1,2)"), REJECT,
    "its pixels cannot be read"), "card that cannot be parsed": ("med.fits",
    text(b"NCOMBINE= ", b"BLOTSRC = NaN / "), MOSAIC, ""),
    "control character in a header": ("b_flt.fits", text(b"'ELECTRONS'", b"'ELECT\x1bONS'"), COPIES,
    "b_flt"), "control character in a sentence": ("a_flt.fits", card("NAXIS1", "\x1b 64", 1),
    REJECT, "\\x1b 64"), "shape of an array": ("r_cal.asdf",
    text(b"shape: [56, 64]", b"shape: 1.5     "), ("info", "{}"), ""),
    "order of a gwcs's axes": ("r_coadd.asdf", text(b"axes_order: [0, 1]", b"axes_order: [a, 1]"),
    ("info", "{}"), ""), "value of a .head file": ("g.head", text(b"FLXSCALE=", b"FLXSCALE= NaN"),
    ("info", "g.fits"), "g.head"),
}  # fmt: skip
#: Command lines.
LINES = {
    "a URL that is none": (["blot", "med.fits", "http://[::1", *WRITE], "http://[::1: not a URL"),
    "a mosaic's URL that is none": (["info", "http://[::1"], "http://[::1: not a URL"),
    "digits of another script": (["info", "a_flt.fits[sci,\u0662]"], "is not an extension"),
    "a long name": (["info", "x" * 300], "File name too long"),
    "a long name to write": (
        ["blot", "med.fits", "a_flt.fits", "-o", "out/" + "y" * 300 + ".fits"],
        "File name too long",
    ),
    "a name with control characters": (
        ["info", "a\x1b[2J\n.fits"],
        "a\\x1b[2J\\n.fits: no such file",
    ),
    "a name that is no text": (["info", "\udcff.fits"], "\\udcff.fits: no such file"),
    "noise without measure": (
        ["reject", "med.fits", "a_flt.fits", *WRITE, "--read-noise", "1e300"],
        "",
    ),
    "a name of 230 characters": (
        ["blot", "med.fits", "a_flt.fits", "-o", "out/" + "z" * 230 + ".fits"],
        "ok",
    ),
    "a name to write that is no text": (
        ["blot", "med.fits", "a_flt.fits", "-o", "out/\udcff.fits"],
        "ok",
    ),
}


def verdict_of(base, tmp_path, arguments, change=None, name=None):
    files = {
        each: content
        for each, content in read_base(base).items()
        if not each.endswith((".bz2", ".xz", ".gz"))
    }
    if name is not None:
        if name not in files:
            pytest.skip("needs gwcs and asdf")
        changed = change(files[name])
        assert changed != files[name]
        files[name] = changed
    (tmp_path / "tmp").mkdir()
    verdict, out, err = run_case(Case(files, list(arguments)), tmp_path / "case", tmp_path / "tmp")
    assert verdict.good, (verdict, err)
    return verdict, out + err


def check(verdict, said, words):
    if words == "ok":
        assert verdict.outcome == "done", said
    elif words:
        assert verdict.outcome == "refused", said
        assert words in said


@pytest.mark.parametrize("name", FOUND)
def test_damaged_files(base, tmp_path, message_settings, name):
    file, change, command, words = FOUND[name]
    arguments = [each.format(file) for each in command]
    check(*verdict_of(base, tmp_path, arguments, change, file), words)


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are Linux's")
@pytest.mark.parametrize("name", LINES)
def test_command_lines(base, tmp_path, message_settings, name):
    arguments, words = LINES[name]
    check(*verdict_of(base, tmp_path, arguments), words)
