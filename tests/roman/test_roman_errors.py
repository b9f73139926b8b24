"""Roman's ASDF files: bad files, and packages that are missing."""

import os
import sys
from importlib import util

import asdf
import numpy as np
import pytest
from gwcs_files import SHAPE, exposure_gwcs, write_cal, write_roman
from roman_files import write_coadd
from samples import digests

from skyblot import SkyblotError, blot_file
from skyblot.errors import DataError, FileError, WCSError
from skyblot.io.images import open_image

# Bad files.


def fails(source, reference, output, match, kind=SkyblotError):
    """Blotting is this error, in one sentence, and leaves no file."""
    before = digests(output.parent)
    with pytest.raises(kind, match=match) as caught:
        blot_file(source, reference, output)
    assert "\n" not in str(caught.value)
    assert digests(output.parent) == before


def test_no_alternate_wcs(coadd, cal, tmp_path):
    with pytest.raises(
        WCSError, match=r"no alternate WCS with the key A \(--wcs-key\), it has none"
    ):
        blot_file(coadd, cal, tmp_path / "out.asdf", wcs_key="A")


@pytest.mark.parametrize("tag", ["wfi_image-1.0.0", None])
@pytest.mark.parametrize("value", ["null", "absent"])
def test_no_wcs(coadd, tmp_path, tag, value):
    path = write_roman(
        tmp_path / "a.asdf",
        np.zeros(SHAPE, "f4"),
        None,
        tag,
        () if value == "absent" else {"wcs": False},
    )
    if value == "null":
        path.write_bytes(path.read_bytes().replace(b"wcs: false", b"wcs: null "))
    fails(coadd, path, tmp_path / "out.asdf", r"a\.asdf: no WCS at roman/meta/wcs", WCSError)


@pytest.mark.parametrize("wcs", [{"a": 1}, "somewhere", 3.5])
def test_what_is_no_wcs(coadd, tmp_path, wcs):
    path = write_roman(tmp_path / "a.asdf", np.zeros(SHAPE, "f4"), wcs)
    fails(
        coadd,
        path,
        tmp_path / "out.asdf",
        r"a\.asdf: its roman/meta/wcs gives nothing, expected longitude",
        WCSError,
    )


@pytest.mark.parametrize("shape", [(3, 20, 24), (24,), (0, 5), (1, 20, 24)])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_what_is_no_image(coadd, tmp_path, shape, compression):
    path = write_roman(
        tmp_path / "a_uncal.asdf",
        np.zeros(shape, "u2"),
        None,
        "wfi_science_raw-1.0.0",
        compression=compression,
    )
    fails(
        coadd,
        path,
        tmp_path / "out.asdf",
        r"a_uncal\.asdf: the shape of its roman/data is .*expected a 2-D",
        DataError,
    )


@pytest.mark.parametrize(
    "tree", [{}, {"sea": 1, "sky": 2}, {"roman": None}, {"roman": {"meta": {}}}, {"roman": [1]}]
)
def test_what_is_not_roman(coadd, tmp_path, tree):
    asdf.AsdfFile(tree).write_to(tmp_path / "a.asdf")
    fails(
        coadd,
        tmp_path / "a.asdf",
        tmp_path / "out.asdf",
        r"a\.asdf: holds .*, expected a Roman image in roman/data",
    )


@pytest.mark.parametrize(
    "content",
    [
        b"#ASDF",
        b"#ASDF 1.0.0\n",
        b"#ASDF 1.0.0\n%YAML 1.1\n---\nroman: [1\n...\n",
        b"#ASDF" + bytes(range(256)) * 40,
    ],
)
def test_garbage(coadd, tmp_path, content):
    (tmp_path / "a.asdf").write_bytes(content)
    fails(
        coadd,
        tmp_path / "a.asdf",
        tmp_path / "out.asdf",
        r"a\.asdf: (truncated|not a readable ASDF file)",
        FileError,
    )
    fails(
        tmp_path / "a.asdf",
        tmp_path / "a.asdf",
        tmp_path / "out.asdf",
        r"a\.asdf: (truncated|not a readable)",
        FileError,
    )


def test_no_asdf_at_all_is_taken_for_fits(coadd, tmp_path):
    (tmp_path / "a.asdf").write_bytes(b"ASDF" * 999)
    fails(
        coadd,
        tmp_path / "a.asdf",
        tmp_path / "out.asdf",
        r"a\.asdf: not a readable FITS file",
        FileError,
    )


@pytest.mark.parametrize("compression", [None, "lz4"])
@pytest.mark.parametrize("part", np.linspace(0.02, 0.999, 12))
def test_truncated_files(coadd, cal, tmp_path, compression, part):
    whole = (
        coadd.read_bytes()
        if compression is None
        else write_coadd(tmp_path / "a", compression="lz4").read_bytes()
    )
    (tmp_path / "cut_coadd.asdf").write_bytes(whole[: int(part * (len(whole) - 1000))])
    fails(
        tmp_path / "cut_coadd.asdf",
        cal,
        tmp_path / "out.asdf",
        r"cut_coadd\.asdf: (truncated|.*cannot be read)",
    )
    whole = cal.read_bytes()
    (tmp_path / "cut_cal.asdf").write_bytes(whole[: int(part * (len(whole) - 1000))])
    fails(
        coadd,
        tmp_path / "cut_cal.asdf",
        tmp_path / "out.asdf",
        r"cut_cal\.asdf: (truncated|.*cannot be read)",
    )


@pytest.mark.parametrize("index", [99, -99])
def test_a_block_that_is_not_there(coadd, cal, tmp_path, index):
    with open_image(cal) as image:
        source = image.raw["roman"]["data"]["source"]
    text = cal.read_bytes()
    start = text.index(b"source: %d\n" % source, text.index(b"\n  data:"))
    (tmp_path / "a.asdf").write_bytes(
        text[:start] + b"source: %d\n" % index + text[start + len(b"source: 0\n") :]
    )
    fails(
        coadd,
        tmp_path / "a.asdf",
        tmp_path / "out.asdf",
        r"a\.asdf: (truncated: .* block 99|its pixels cannot be read)",
    )


def test_an_array_larger_than_its_block(coadd, cal, tmp_path):
    text = cal.read_bytes()
    ny, nx = SHAPE
    (tmp_path / "a.asdf").write_bytes(
        text.replace(b"shape: [%d, %d]" % SHAPE, b"shape: [%d, %d]" % (ny + 700, nx))
    )
    fails(
        coadd,
        tmp_path / "a.asdf",
        tmp_path / "out.asdf",
        r"a\.asdf: truncated: its pixels need 864000 bytes",
    )


def test_a_file_that_shrinks_while_it_is_read(coadd, tmp_path):
    path = tmp_path / "a.asdf"
    path.write_bytes(coadd.read_bytes())
    with open_image(path) as image:
        pixels = image.pixels()
        os.truncate(path, 100_000)
        with pytest.raises(FileError, match=r"a\.asdf: truncated while it was read"):
            pixels[:, :]


def test_an_extension_is_not_known(coadd, cal, tmp_path):
    fails(
        coadd,
        f"{cal}[sci,1]",
        tmp_path / "out.asdf",
        r"cal\.asdf: an ASDF file has no extensions, \[sci,1\]",
        FileError,
    )


@pytest.mark.parametrize("name", ["b.fits", "b.fit", "b.FITS", "b.fits.gz"])
def test_a_fits_name_for_an_asdf_blot_is_refused(coadd, cal, tmp_path, name):
    fails(
        coadd,
        cal,
        tmp_path / name,
        r"is an ASDF file, expected a name that ends in \.asdf",
        FileError,
    )


def test_an_asdf_name_for_a_fits_blot_is_refused(coadd, tmp_path):
    path = write_cal(tmp_path / "a_cal.fits", exposure_gwcs())
    fails(
        coadd,
        path,
        tmp_path / "b.asdf",
        r"is a FITS file, expected a name that ends in \.fits",
        FileError,
    )


def test_an_input_is_never_overwritten(coadd, cal, tmp_path):
    copy = tmp_path / "cal.asdf"
    copy.write_bytes(cal.read_bytes())
    with pytest.raises(FileError, match="is an input file"):
        blot_file(coadd, copy, copy, overwrite=True)
    assert copy.read_bytes() == cal.read_bytes()


# Packages.


@pytest.mark.parametrize("package", ["asdf", "gwcs", "asdf_astropy"])
def test_the_package_that_is_missing_is_named(monkeypatch, coadd, cal, tmp_path, package):
    monkeypatch.setitem(sys.modules, package, None)
    need = (
        rf"cannot be read without the package {package.replace('_', '-')} \(pip install "
        r"gwcs asdf asdf-astropy lz4\)"
    )
    fails(coadd, cal, tmp_path / "out.asdf", need, FileError)


def test_lz4_that_is_missing_is_named(monkeypatch, cal, tmp_path):
    path = write_coadd(tmp_path / "a_coadd.asdf", compression="lz4")
    find = util.find_spec
    monkeypatch.setattr(
        "skyblot.io.asdf.find_spec", lambda name: None if name == "lz4" else find(name)
    )
    fails(
        path,
        cal,
        tmp_path / "out.asdf",
        r"a_coadd\.asdf: its pixels cannot be read: the package lz4 is missing \(pip install "
        r"gwcs asdf asdf-astropy lz4\)",
        FileError,
    )


def test_a_compression_that_is_not_known(cal, tmp_path):
    path = write_coadd(tmp_path / "a_coadd.asdf", compression="lz4")
    content = path.read_bytes()
    start = content.rindex(b"lz4\0")  # of the pixels: those before are of the gwcs
    path.write_bytes(content[:start] + b"wxyz" + content[start + 4 :])
    fails(
        path,
        cal,
        tmp_path / "out.asdf",
        r"a_coadd\.asdf: (its pixels cannot be read|not a readable).*wxyz",
        FileError,
    )
