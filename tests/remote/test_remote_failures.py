"""URLs: what goes wrong on the way."""

import importlib.abc
import os
import sys
import tracemalloc

import numpy as np
import pytest
from samples import RAW, rewrite
from web_data import WIDE, local, pixels

from skyblot import SkyblotWarning, blot_file, blot_files
from skyblot.errors import FileError
from skyblot.io.content import open_content
from skyblot.io.fits import open_image
from skyblot.io.remote import RemotePath

pytest.importorskip("fsspec")
pytest.importorskip("aiohttp")


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
    from skyblot import BatchError

    references = [f"{web.url}/lost_flt.fits", f"{web.url}/{pair[1]}"]
    with pytest.raises(BatchError, match=r"1 of 2 blots .*/lost_flt\.fits: no such file") as caught:
        blot_files(f"{web.url}/{pair[0]}", references, tmp_path, **RAW)
    assert [each.path.name for each in caught.value.results] == ["one_sci1_blt.fits"]


def test_a_server_without_ranges_sends_the_whole_file_once(web, pair, tmp_path):
    expected = blot_file(local(web, pair[0]), local(web, pair[1]), tmp_path / "disk.fits", **RAW)
    for sizes in (True, False):
        web.ranges, web.sizes = False, sizes
        with pytest.warns(SkyblotWarning, match=r"med\.fits: its server sends whole files only"):
            blot = blot_file(
                f"{web.url}/{pair[0]}", local(web, pair[1]), tmp_path / f"{sizes}.fits", **RAW
            )
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
        with pytest.raises(
            FileError,
            match=r"med\.fits: cannot be read: the server answers 503 Service Unavailable",
        ):
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
    assert "med.fits: not a readable FITS file" in refused(
        f"{web.url}/med.fits", f"{web.url}/{pair[1]}", tmp_path
    )
    path.write_text("")
    assert "med.fits: not a readable FITS file" in refused(
        f"{web.url}/med.fits", f"{web.url}/{pair[1]}", tmp_path
    )


def test_a_source_that_changes_on_the_server_is_noticed(web, pair, tmp_path, monkeypatch):
    from skyblot.steps import blot as steps_blot

    original = steps_blot._plan

    def change(*args):
        rewrite(local(web, pair[0]), tmp_path / "new.fits", lambda hdus: None)
        os.replace(tmp_path / "new.fits", local(web, pair[0]))
        return original(*args)

    monkeypatch.setattr(steps_blot, "_plan", change)
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
        ("fsspec", "https://h/a.fits", "pip install fsspec aiohttp"),
        ("aiohttp", "https://h/a.fits", "pip install fsspec aiohttp"),
        ("s3fs", "s3://b/a.fits", "pip install fsspec aiohttp s3fs"),
        ("gcsfs", "gs://b/a.fits", "pip install fsspec aiohttp gcsfs"),
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
