"""What is said of files that are hard to come by: changed while they are read, damaged in odd ways,
unreadable.
"""

import re
import struct

import numpy as np
import pytest
from astropy.io import fits
from samples import SCALE, tan_header, texture, write_sci

from skyblot import SkyblotWarning
from skyblot.errors import DataError, FileError, WCSError
from skyblot.io import atomic, content
from skyblot.io.bad_pixels import BadPixels
from skyblot.io.fits import open_image
from skyblot.io.images import open_image as open_any_image
from skyblot.io.images import write_clean
from skyblot.io.names import parse_name
from skyblot.io.planes import error_plane, usable_pixels
from skyblot.io.reader import Reader
from skyblot.io.remote import RemotePath, failure
from skyblot.parameters.table import Parameters
from skyblot.resampling.target import target_of

SHAPE = (40, 50)
#: A header that is none, and is not as long as a block.
_CUT_HEADER = b"COMMENT of another program".ljust(80) + b"END".ljust(80)


@pytest.fixture
def image(tmp_path):
    """An exposure without ERR and DQ."""
    write_sci(tmp_path / "one_flt.fits", texture(SHAPE))
    return tmp_path / "one_flt.fits"


def said(kind, sentence):
    """Expect an error with just this sentence."""
    return pytest.raises(kind, match=f"^{re.escape(str(sentence))}$")


def add_plane(path, name, data):
    with fits.open(path, mode="append") as hdus:
        hdus.append(fits.ImageHDU(data, name=name, ver=1))


# ---- reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (PermissionError(13, "Permission denied"), "no permission to read it"),
        (OSError(5, "Input/output error"), "cannot be read: Input/output error"),
        (OSError("lost"), "cannot be read: lost"),
        (FileError("one_flt.fits: truncated while it was read"), None),
    ],
)
def test_a_file_whose_first_bytes_cannot_be_read(image, monkeypatch, error, words):
    def stream(self):
        raise error

    monkeypatch.setattr(content.FileContent, "stream", stream)
    with said(FileError, f"{image}: {words}" if words else error), open_image(image):
        pass


def test_fewer_extensions_than_the_file_says(image):
    with fits.open(image, mode="update") as hdus:
        hdus[0].header["NEXTEND"] = 3
    with open(image, "ab") as stream:
        stream.write(_CUT_HEADER)
    with said(FileError, f"{image}: damaged: extension 2 of 3 cannot be read"), open_image(image):
        pass


def test_what_follows_the_last_extension_is_left_out(image):
    with open(image, "ab") as stream:
        stream.write(_CUT_HEADER)
    sentence = f"{image}: what follows extension 1 is no FITS and is left out"
    with pytest.warns(SkyblotWarning, match=f"^{re.escape(sentence)}$"), open_image(image) as found:
        assert found.shape == SHAPE


def test_a_compressed_image_of_an_unknown_kind_of_pixel(image, monkeypatch):
    monkeypatch.setattr("skyblot.io.fits._DTYPES", {16: ">i2", -64: ">f8"})
    with (
        said(DataError, f"{image}[sci,1]: BITPIX = -32, expected one of [-64, 16]"),
        open_image(image),
    ):
        pass


def test_a_file_that_becomes_shorter_while_its_headers_are_read():
    reader = Reader(100, lambda start, end: b"")
    with pytest.raises(EOFError, match=r"^the file has become shorter$"):
        reader.read(10)


# ---- planes beside an image ----------------------------------------------------------------------


def test_flags_that_are_no_whole_numbers(image):
    add_plane(image, "DQ", np.zeros(SHAPE, "f4"))
    with (
        open_image(image) as found,
        said(DataError, f"{image}[sci,1]: its DQ is float32, expected whole numbers"),
    ):
        usable_pixels(found, 0)


def test_errors_that_cannot_be_read(image, monkeypatch):
    add_plane(image, "ERR", np.ones(SHAPE, "f4"))

    def fails(rows, key):
        raise ValueError("buffer is\n too small")

    monkeypatch.setattr("skyblot.io.rows.FileRows.__getitem__", fails)
    with (
        open_image(image) as found,
        said(FileError, f"{image}[sci,1]: its ERR cannot be read: buffer is too small"),
    ):
        error_plane(found)


def test_a_roman_file_without_pixels_to_change(tmp_path):
    asdf = pytest.importorskip("asdf")
    path = tmp_path / "a_cal.asdf"
    asdf.AsdfFile({"roman": {"dq": np.zeros((2, 2), "u4")}}).write_to(path)
    bad = [BadPixels(parse_name(path), np.array([3]), np.ones(1, "f4"))]
    with said(FileError, f"{path}: has no roman/data to change"):
        write_clean(tmp_path / "out.asdf", bad, overwrite=False)
    assert not (tmp_path / "out.asdf").exists()


# ---- URLs ----------------------------------------------------------------------------------------


def test_a_folder_behind_a_url(tmp_path):
    fsspec = pytest.importorskip("fsspec")
    fsspec.filesystem("memory").mkdir("/skyblot-folder")
    try:
        with said(FileError, "memory://skyblot-folder: is a folder, expected a file"):
            RemotePath("memory://skyblot-folder").facts()
    finally:
        fsspec.filesystem("memory").rm("/skyblot-folder", recursive=True)


class Refused(Exception):
    """As aiohttp's, with a status and perhaps words."""

    def __init__(self, status, message=""):
        super().__init__(message)
        self.status, self.message = status, message


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TimeoutError(), "cannot be read: the server does not answer"),
        (
            Refused(503, "Service Unavailable"),
            "cannot be read: the server answers 503 Service Unavailable",
        ),
        (Refused(418), "cannot be read: the server answers 418"),
        (Refused(410, "Gone"), "no such file"),
        (Refused(403, "Forbidden"), "no permission to read it"),
        (ValueError("odd\nanswer"), "cannot be read: odd answer"),
    ],
)
def test_what_servers_answer(error, words):
    url = "https://archive.org/one_flt.fits"
    assert str(failure(RemotePath(url), error)) == f"{url}: {words}"


# ---- writing -------------------------------------------------------------------------------------


def test_a_file_that_another_run_put_there_meanwhile(tmp_path, monkeypatch):
    path = tmp_path / "a_blt.fits"
    monkeypatch.setattr(atomic, "check_output", lambda path, overwrite: path.write_bytes(b"theirs"))
    sentence = f"{path}: exists already; --overwrite replaces it"
    with said(FileError, sentence), atomic.atomic_write(path, overwrite=False) as stream:
        stream.write(b"ours")
    assert path.read_bytes() == b"theirs"
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


# ---- damaged ASDF --------------------------------------------------------------------------------

_TREE = b"#ASDF 1.0.0\n#ASDF_STANDARD 1.5.0\n%YAML 1.1\n--- !core/asdf-1.1.0\nroman: {}\n...\n"


@pytest.mark.parametrize(
    ("tail", "words"),
    [
        (b"", "truncated: the tree refers to block 0, which is not there"),
        (
            b"\xd3BLK"
            + struct.pack(">HI4sQQQ16s", 48, 0, b"", 100, 100, 100, b"")[:50]
            + 10 * b"x",
            "pixels need",
        ),
    ],
)
def test_blocks_that_are_not_there(tmp_path, tail, words):
    from skyblot.io.blocks import find_block

    path = tmp_path / "a_cal.asdf"
    path.write_bytes(_TREE + tail)
    need = len(_TREE) + 54 + 100
    if tail:
        words = f"truncated: its pixels need {need} bytes, the file has {path.stat().st_size}"
    with content.open_content(path) as opened, said(FileError, f"{path}: {words}"):
        find_block(opened, 0)


# ---- a scale that is none ------------------------------------------------------------------------


def test_a_pixel_scale_that_is_none(image):
    from types import SimpleNamespace

    from skyblot.steps.blot import _scales

    with open_image(image) as found:
        target = target_of(found, Parameters())
        source = SimpleNamespace(wcs=found.wcs(), image=found)
        assert _scales(source, target, found) == pytest.approx((SCALE, SCALE))
        nowhere = SimpleNamespace(scale=float("nan"))
        with said(WCSError, f"{image}[sci,1]: its WCS is singular: its pixel scale is nan arcsec"):
            _scales(source, nowhere, found)


def test_the_header_of_the_samples_is_sound(image):
    """The files above differ from a good one in one respect each."""
    with open_any_image(image) as found:
        assert found.wcs().has_celestial
    assert tan_header(SHAPE)["CTYPE1"] == "RA---TAN"
