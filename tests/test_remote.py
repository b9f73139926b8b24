"""URLs: the same blots as from files on disk, from the window's bytes only; and what goes wrong on the way."""

import gzip
import importlib.abc
import os
import pickle
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import samples
from astropy.io import fits
from gwcs_files import SHAPE, exposure_gwcs, mosaic_header, write_cal, write_i2d, write_roman
from samples import CHIP_SHAPE, rewrite, tan_header, texture, write_sci
from web import serve

from skyblot import SkyblotWarning, blot_file, blot_files
from skyblot.demo import make_demo
from skyblot.errors import FileError
from skyblot.files import output_name
from skyblot.io.content import open_content
from skyblot.io.fits import open_image
from skyblot.io.names import ImageName, parse_name
from skyblot.io.reader import LEAST, Reader
from skyblot.io.remote import RemotePath

pytest.importorskip("fsspec")
pytest.importorskip("aiohttp")

RAW = {"in_units": "cps", "out_units": "cps", "addsky": False}
WIDE = np.tile(texture((100, 90)), (15, 100))  # 54 MB


@pytest.fixture
def web(tmp_path):
    (tmp_path / "web").mkdir()
    with serve(tmp_path / "web") as server:
        yield server


@pytest.fixture
def pair(web):
    """Names, on the server, of a wide mosaic and of a small exposure in it."""
    write_sci(web.folder / "med.fits", WIDE, tan_header(WIDE.shape, BUNIT="counts/s"))
    header = tan_header((60, 80), ra=samples.RA + 3.3e-5, BUNIT="counts/s", MDRIZSKY=0.0)
    write_sci(web.folder / "one_flt.fits", np.zeros((60, 80), "f4"), header)
    return "med.fits", "one_flt.fits"


def local(web, name):
    return str(web.folder / name)


def pixels(path):
    with fits.open(path) as hdus:
        return hdus["SCI"].data.copy()


# ---- names ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "name", "blot"),
    [
        ("https://host/a/j8c0_flc.fits", "j8c0_flc.fits", "j8c0_sci1_blt.fits"),
        ("s3://bucket/a/j8c0_flc.fits.gz", "j8c0_flc.fits.gz", "j8c0_sci1_blt.fits"),
        ("https://host/j8c0_flc.fits?X-Amz-Signature=abc%2Fdef.fits", "j8c0_flc.fits", "j8c0_sci1_blt.fits"),
        ("https://host/Download/file?uri=mast:HST/product/j8c0_flc.fits", "j8c0_flc.fits", "j8c0_sci1_blt.fits"),
        ("https://host/two%20words_flc.fits", "two words_flc.fits", "two words_sci1_blt.fits"),
        ("simplecache::https://host/j8c0_flc.fits", "j8c0_flc.fits", "j8c0_sci1_blt.fits"),
        ("zip://in/j8c0_flc.fits::https://host/all.zip", "j8c0_flc.fits", "j8c0_sci1_blt.fits"),
        ("memory://r0001_wfi01_cal.asdf", "r0001_wfi01_cal.asdf", "r0001_wfi01_blt.asdf"),
        ("s3://bucket/odd?name.fits", "odd?name.fits", "odd?name_sci1_blt.fits"),
    ],
)
def test_the_name_of_a_url(url, name, blot):
    where = parse_name(url)
    assert where == ImageName(RemotePath(url))
    assert parse_name(f"{url}[sci,2]") == ImageName(RemotePath(url), ("SCI", 2))
    assert parse_name(where.path) == where
    assert (where.path.name, where.path.stem + where.path.suffix) == (name, name)
    assert output_name(where) == blot
    assert pickle.loads(pickle.dumps(where)) == where


def test_brackets_of_a_url():
    assert parse_name("http://[::1]:8000/a.fits[1]") == ImageName(RemotePath("http://[::1]:8000/a.fits"), 1)
    with pytest.raises(FileError, match=r"https://h/a\.fits\[a b\]: \[a b\] is not an extension"):
        parse_name("https://h/a.fits[a b]")


@pytest.mark.parametrize("start", ["file://", "file://localhost", "FILE://"])
def test_a_url_of_a_local_file_is_that_path(start):
    assert parse_name(f"{start}/data/two%20words.fits[1]") == ImageName(Path("/data/two words.fits"), 1)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:secret@host/a.fits", "https://host/a.fits"),
        ("https://host/a.fits?X-Amz-Credential=me&X-Amz-Signature=abc", "https://host/a.fits?..."),
        ("https://host/a.fits?token=abc", "https://host/a.fits?..."),
        ("https://host/file?uri=mast:HST/a.fits", "https://host/file?uri=mast:HST/a.fits"),
        ("s3://me@bucket/a.fits", "s3://me@bucket/a.fits"),
    ],
)
def test_secrets_are_not_shown(url, shown):
    assert str(RemotePath(url)) == shown
    assert f"{ImageName(RemotePath(url), 1)}" == f"{shown}[1]"


# ---- the same as from files, and no more bytes than needed ------------------------------------------------


@pytest.mark.parametrize("interp", ["poly5", "nearest"])
def test_only_the_windows_bytes_are_fetched(web, pair, tmp_path, interp):
    source, reference = (f"{web.url}/{name}" for name in pair)
    expected = blot_file(local(web, pair[0]), local(web, pair[1]), tmp_path / "disk.fits", interp=interp, **RAW)
    web.forget()
    blot = blot_file(source, f"{reference}[sci,1]", tmp_path / "web.fits", interp=interp, **RAW)
    np.testing.assert_array_equal(pixels(blot), pixels(expected))
    # A window of 60 x 80 pixels with 5 more on each side (and the odd one for the fractions) in ranges of
    # rows; each time a file is opened its two headers, and the last byte to see that there are ranges.
    window = 4 * (60 + 12) * (80 + 12)
    opened = 2  # the source and the reference, once each: a name with an extension is not looked up before
    assert web.sent <= window + opened * (2 * LEAST + 1)
    assert web.sent < os.path.getsize(local(web, pair[0])) / 300
    assert web.requests <= (60 + 12) + opened * 3
    assert fits.getval(blot, "BLOTSRC", "SCI") == f"{source}[sci,1]"
    assert fits.getval(blot, "BLOTREF", "SCI") == f"{reference}[sci,1]"


def test_rows_with_small_gaps_are_fetched_in_one_range(web, tmp_path):
    data = texture((300, 400))
    write_sci(web.folder / "med.fits", data)
    with open_image(f"{web.url}/med.fits") as image:
        rows = image.pixels()
        web.forget()
        np.testing.assert_array_equal(rows[10:60, 30:90], data[10:60, 30:90])
        assert (web.requests, web.sent) == (1, 4 * 50 * 400)
        np.testing.assert_array_equal(rows[299:, :], data[299:])
        assert rows[5:5, :].shape == (0, 400)
        assert rows[5:9, 7:7].shape == (4, 0)


def test_large_ranges_are_fetched_in_parts(web):
    data = texture((1200, 1100))  # 5.28 MB
    write_sci(web.folder / "med.fits", data)
    with open_image(f"{web.url}/med.fits") as image:
        web.forget()
        np.testing.assert_array_equal(image.pixels()[:, :], data)
        assert (web.requests, web.sent) == (2, data.nbytes)


def test_a_batch_from_urls_is_the_same_and_is_kept_by_resume(web, tmp_path):
    demo = make_demo(web.folder, exposures=2, chip_shape=CHIP_SHAPE)
    disk, out = tmp_path / "disk", tmp_path / "out"
    disk.mkdir()
    out.mkdir()
    expected = blot_files(demo.median, demo.exposures, disk)
    references = [f"{web.url}/{path.name}" for path in demo.exposures]
    results = blot_files(f"{web.url}/{demo.median.name}", references, out, threads=3)
    for one, other in zip(results, expected, strict=True):
        np.testing.assert_array_equal(pixels(one.path), pixels(other.path))
        with fits.open(one.path) as found, fits.open(other.path) as wanted:  # with its distortion tables
            assert [(hdu.name, hdu.ver) for hdu in found] == [(hdu.name, hdu.ver) for hdu in wanted]
            for hdu, like in zip(found[2:], wanted[2:], strict=True):
                np.testing.assert_array_equal(hdu.data, like.data)
    again = blot_files(f"{web.url}/{demo.median.name}", references, out, resume=True)
    assert [each.kept for each in again] == [True] * 4
    os.utime(demo.exposures[0])  # another ETag
    again = blot_files(f"{web.url}/{demo.median.name}", references, out, resume=True)
    assert [each.kept for each in again] == [False, False, True, True]


def test_jwst_files_on_urls(web, tmp_path):
    header = mosaic_header((420, 420))
    write_i2d(web.folder / "a_i2d.fits", texture((420, 420)), header)
    write_cal(web.folder / "a_cal.fits", exposure_gwcs())
    blots = [
        blot_file(f"{place}/a_i2d.fits", f"{place}/a_cal.fits[sci,1]", tmp_path / name, addsky=False)
        for place, name in ((web.folder, "disk.fits"), (web.url, "web.fits"))
    ]
    np.testing.assert_array_equal(pixels(blots[1]), pixels(blots[0]))
    with fits.open(blots[0]) as one, fits.open(blots[1]) as other:
        np.testing.assert_array_equal(one["ASDF"].data, other["ASDF"].data)


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_roman_files_on_urls(web, tmp_path, compression):
    import asdf

    write_i2d(web.folder / "a_i2d.fits", texture((420, 420)), mosaic_header((420, 420)))
    bright = {"meta": {"cal_step": {"flux": "COMPLETE"}}}
    write_roman(web.folder / "r1_cal.asdf", texture(SHAPE), exposure_gwcs(), compression=compression, **bright)
    with open_image_of(f"{web.url}/r1_cal.asdf") as image:
        np.testing.assert_array_equal(image.pixels()[3:9, 5:50], texture(SHAPE)[3:9, 5:50])
    blots = []
    for place, name in ((web.folder, "disk.asdf"), (web.url, "web.asdf")):
        path = blot_file(f"{place}/a_i2d.fits", f"{place}/r1_cal.asdf", tmp_path / name, addsky=False)
        with asdf.open(path) as file:
            blots.append(np.array(file["roman"]["data"]))
    np.testing.assert_array_equal(blots[1], blots[0])
    assert np.ptp(blots[0]) > 1


def open_image_of(name):
    from skyblot.io.images import open_image as open_any

    return open_any(name)


def test_scaled_and_compressed_images_on_urls(web, tmp_path):
    data = (texture((200, 300)) * 1000).astype("u2")
    write_sci(web.folder / "scaled.fits", data)
    tiled = fits.CompImageHDU(data, tan_header(data.shape), name="SCI", compression_type="RICE_1")
    fits.HDUList([fits.PrimaryHDU(), tiled]).writeto(web.folder / "tiled.fits.fz")
    (web.folder / "zipped.fits.gz").write_bytes(gzip.compress((web.folder / "scaled.fits").read_bytes()))
    for name in ("scaled.fits", "tiled.fits.fz", "zipped.fits.gz"):
        with open_image(f"{web.url}/{name}") as image:
            assert image.pixels().dtype == np.uint16
            np.testing.assert_array_equal(image.pixels()[20:90, 30:80], data[20:90, 30:80])


def test_other_protocols_of_fsspec(web, pair, tmp_path):
    import fsspec

    for name in pair:
        with fsspec.open(f"memory://skyblot/{name}", "wb") as stream:
            stream.write((web.folder / name).read_bytes())
    try:
        blot = blot_file("memory://skyblot/med.fits", "memory://skyblot/one_flt.fits", tmp_path / "a.fits", **RAW)
    finally:
        fsspec.filesystem("memory").rm("/skyblot", recursive=True)
    expected = blot_file(local(web, pair[0]), f"file://{web.folder}/one_flt.fits", tmp_path / "b.fits", **RAW)
    np.testing.assert_array_equal(pixels(blot), pixels(expected))


def test_memory_does_not_grow_with_a_mosaic_on_a_url(web, tmp_path):
    header = tan_header((60, 80), ra=samples.RA + 3.3e-5, BUNIT="counts/s", MDRIZSKY=0.0)
    write_sci(web.folder / "one_flt.fits", np.zeros((60, 80), "f4"), header)
    write_sci(web.folder / "small_med.fits", texture((100, 120)), tan_header((100, 120), BUNIT="counts/s"))
    write_sci(web.folder / "large_med.fits", WIDE, tan_header(WIDE.shape, BUNIT="counts/s"))
    peaks = []
    for name in ("small", "small", "large"):  # the first warms caches up
        tracemalloc.start()
        blot_file(
            f"{web.url}/{name}_med.fits", f"{web.url}/one_flt.fits[sci,1]", tmp_path / "a.fits", overwrite=True, **RAW
        )
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # 54 MB against 48 kB of pixels; the answers to ranges on their way, and a window, are a few 100 kB.
    assert peaks[2] < peaks[1] + 2**21


def test_the_reader_is_a_file():
    content = bytes(range(256)) * 2000
    asked = []

    def fetch(start, end):
        asked.append((start, end))
        return content[start:end]

    reader = Reader(len(content), fetch)
    assert reader.read(10) == content[:10]
    assert reader.seek(-6, os.SEEK_END) == len(content) - 6
    assert reader.read() == content[-6:]
    assert reader.read(5) == b""
    assert asked == [(0, LEAST), (len(content) - 6, len(content))]
    reader.seek(0)
    pieces = []
    while piece := reader.read(4096):
        pieces.append(piece)
    assert b"".join(pieces) == content
    assert asked[2:6] == [(0, LEAST), (LEAST, 3 * LEAST), (3 * LEAST, 7 * LEAST), (7 * LEAST, 15 * LEAST)]


# ---- what goes wrong --------------------------------------------------------------------------------------


def refused(source, reference, tmp_path):
    with pytest.raises(FileError) as caught:
        blot_file(source, reference, tmp_path / "blt.fits", **RAW)
    assert not [path for path in tmp_path.iterdir() if path.name != "web"]
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize(
    ("status", "words"),
    [
        (404, "no such file"),
        (403, "no permission to read it"),
        (401, "no permission to read it"),
        (500, "cannot be read: the server answers 500 Internal Server Error"),
    ],
)
def test_what_a_server_refuses(web, pair, tmp_path, which, status, words):
    web.status[pair[which]] = status
    text = refused(f"{web.url}/{pair[0]}", f"{web.url}/{pair[1]}[sci,1]", tmp_path)
    assert text == f"{web.url}/{pair[which]}: {words}"


def test_a_server_that_is_not_there(web, pair, tmp_path):
    text = refused("http://127.0.0.1:9/med.fits", f"{web.url}/{pair[1]}[sci,1]", tmp_path)
    assert text.startswith("http://127.0.0.1:9/med.fits: cannot be read: ")
    assert "connect" in text.lower()


def test_a_missing_file_of_many_does_not_stop_the_others(web, pair, tmp_path):
    from skyblot.files import BatchError

    references = [f"{web.url}/lost_flt.fits", f"{web.url}/{pair[1]}"]
    with pytest.raises(BatchError, match=r"1 of 2 blots .*/lost_flt\.fits: no such file") as caught:
        blot_files(f"{web.url}/{pair[0]}", references, tmp_path, **RAW)
    assert [each.path.name for each in caught.value.results] == ["one_sci1_blt.fits"]


def test_a_server_without_ranges_sends_the_whole_file_once(web, pair, tmp_path):
    expected = blot_file(local(web, pair[0]), local(web, pair[1]), tmp_path / "disk.fits", **RAW)
    for sizes in (True, False):
        web.ranges, web.sizes = False, sizes
        with pytest.warns(SkyblotWarning, match=r"med\.fits: its server sends whole files only"):
            blot = blot_file(f"{web.url}/{pair[0]}", local(web, pair[1]), tmp_path / f"{sizes}.fits", **RAW)
        np.testing.assert_array_equal(pixels(blot), pixels(expected))


def test_a_whole_file_is_copied_in_bounded_memory(web, pair):
    web.ranges = False
    with pytest.warns(SkyblotWarning), open_content(RemotePath(f"{web.url}/{pair[1]}")):
        pass  # imports and the like
    tracemalloc.start()
    with pytest.warns(SkyblotWarning), open_content(RemotePath(f"{web.url}/{pair[0]}")) as content:
        assert content.size == os.path.getsize(local(web, pair[0])) > 5e7
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2e7


def test_passing_troubles_are_tried_again(web, pair, tmp_path):
    with open_image(f"{web.url}/{pair[0]}") as image:
        web.failures = 2
        np.testing.assert_array_equal(image.pixels()[:2, :50], WIDE[:2, :50])
        web.failures = 100
        with pytest.raises(FileError, match=r"med\.fits: cannot be read: the server answers 503 Service Unavailable"):
            image.pixels()[:2, :50]


def test_a_range_that_comes_short(web, pair):
    with open_image(f"{web.url}/{pair[0]}") as image:
        web.short = True
        with pytest.raises(FileError, match=r"med\.fits: truncated while it was read"):
            image.pixels()[:2, :50]


def test_a_file_that_is_truncated_on_the_server(web, pair, tmp_path):
    path = web.folder / "med.fits"
    os.truncate(path, 10_000_000)
    assert "med.fits[sci,1]: truncated: its pixels need" in refused(
        f"{web.url}/med.fits", f"{web.url}/{pair[1]}", tmp_path
    )
    path.write_text("no FITS file, and shorter than a header")
    assert "med.fits: not a readable FITS file" in refused(f"{web.url}/med.fits", f"{web.url}/{pair[1]}", tmp_path)
    path.write_text("")
    assert "med.fits: not a readable FITS file" in refused(f"{web.url}/med.fits", f"{web.url}/{pair[1]}", tmp_path)


def test_a_source_that_changes_on_the_server_is_noticed(web, pair, tmp_path, monkeypatch):
    from skyblot import exposure

    original = exposure._plan

    def change(*args):
        rewrite(local(web, pair[0]), tmp_path / "new.fits", lambda hdus: None)
        os.replace(tmp_path / "new.fits", local(web, pair[0]))
        return original(*args)

    monkeypatch.setattr(exposure, "_plan", change)
    text = refused(f"{web.url}/{pair[0]}", f"{web.url}/{pair[1]}[sci,1]", tmp_path)
    assert text == f"{web.url}/{pair[0]}: has changed since the run began"


class _Missing(importlib.abc.MetaPathFinder):
    def __init__(self, name):
        self._name = name

    def find_spec(self, fullname, *_):
        if fullname.partition(".")[0] == self._name:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


@pytest.mark.parametrize(
    ("package", "url", "install"),
    [
        ("fsspec", "https://h/a.fits", "pip install 'skyblot[remote]'"),
        ("aiohttp", "https://h/a.fits", "pip install 'skyblot[remote]'"),
        ("s3fs", "s3://b/a.fits", "pip install 'skyblot[remote]' s3fs"),
        ("gcsfs", "gs://b/a.fits", "pip install 'skyblot[remote]' gcsfs"),
    ],
)
def test_a_missing_package_is_named(pair, web, tmp_path, monkeypatch, package, url, install):
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [_Missing(package), *sys.meta_path])
    text = refused(url, local(web, pair[1]), tmp_path)
    assert text == f"{url}: cannot be read without the package {package} ({install})"


def test_a_protocol_that_nobody_knows(pair, web, tmp_path):
    text = refused("nosuch://b/a.fits", local(web, pair[1]), tmp_path)
    assert text.startswith("nosuch://b/a.fits: cannot be read: Protocol not known: nosuch")
