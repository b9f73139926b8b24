"""URLs: names, and secrets in them."""

import pickle
from pathlib import Path

import pytest

from skyblot.errors import FileError
from skyblot.io.images import blot_name
from skyblot.io.names import ImageName, parse_name
from skyblot.io.remote import RemotePath

pytest.importorskip("fsspec")
pytest.importorskip("aiohttp")


@pytest.mark.parametrize(
    ("url", "name", "blot"),
    [
        ("https://host/a/j8c0_flc.fits", "j8c0_flc.fits", "j8c0_sci1_blt.fits"),
        ("s3://bucket/a/j8c0_flc.fits.gz", "j8c0_flc.fits.gz", "j8c0_sci1_blt.fits"),
        (
            "https://host/j8c0_flc.fits?X-Amz-Signature=abc%2Fdef.fits",
            "j8c0_flc.fits",
            "j8c0_sci1_blt.fits",
        ),
        (
            "https://host/Download/file?uri=mast:HST/product/j8c0_flc.fits",
            "j8c0_flc.fits",
            "j8c0_sci1_blt.fits",
        ),
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
    assert blot_name(where) == blot
    assert pickle.loads(pickle.dumps(where)) == where


def test_brackets_of_a_url():
    assert parse_name("http://[::1]:8000/a.fits[1]") == ImageName(
        RemotePath("http://[::1]:8000/a.fits"), 1
    )
    with pytest.raises(FileError, match=r"https://h/a\.fits\[a,b\]: \[a,b\] is not an extension"):
        parse_name("https://h/a.fits[a,b]")


@pytest.mark.parametrize("start", ["file://", "file://localhost", "FILE://"])
def test_a_url_of_a_local_file_is_that_path(start):
    assert parse_name(f"{start}/data/two%20words.fits[1]") == ImageName(
        Path("/data/two words.fits"), 1
    )


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
