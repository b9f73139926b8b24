"""Files: errors that only the library shows; those of the command line are in
cli/test_cli_errors.py.
"""

import errno
import gzip
import os
from pathlib import Path

import numpy as np
import pytest
import samples
from astropy.io import fits
from samples import RAW, read_wcs, rewrite, tan_header, texture, world

from skyblot import blot_file
from skyblot.errors import DataError, FileError, ParameterError, WCSError
from skyblot.io.fits import open_image


def test_first_image_is_taken_where_none_is_named(tmp_path):
    data = texture((60, 70))
    other = fits.ImageHDU(np.zeros((5, 5), "f4"), name="WHT")
    science = fits.ImageHDU(data, tan_header(data.shape), name="SCI")
    fits.HDUList([fits.PrimaryHDU(), other, science]).writeto(tmp_path / "a.fits")
    with open_image(tmp_path / "a.fits") as image:
        assert image.name == f"{tmp_path / 'a.fits'}[sci,1]"
        assert image.shape == (60, 70)
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.zeros(3, "f4")), other]).writeto(
        tmp_path / "b.fits"
    )
    with open_image(tmp_path / "b.fits") as image:
        assert image.name == f"{tmp_path / 'b.fits'}[wht,1]"


def test_a_table_is_not_an_image(tmp_path):
    table = fits.BinTableHDU.from_columns([fits.Column("a", "E", array=np.zeros(3))], name="CAT")
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(tmp_path / "cat.fits")
    with (
        pytest.raises(DataError, match=r"cat\.fits\[cat,1\]: is a table"),
        open_image(f"{tmp_path}/cat.fits[cat]"),
    ):
        pass
    with (
        pytest.raises(DataError, match=r"cat\.fits: holds no image"),
        open_image(tmp_path / "cat.fits"),
    ):
        pass


@pytest.mark.parametrize("cut", ["pixels", "tables", "tiles", "gzip"])
def test_truncated_files(demo, tmp_path, cut):
    raw = demo.exposures[0].read_bytes()
    path = tmp_path / "cut_flc.fits"
    if cut == "pixels":
        path.write_bytes(raw[:40000])
    elif cut == "tables":
        path.write_bytes(raw[:-50000])
    elif cut == "gzip":
        path.write_bytes(gzip.compress(raw)[:100000])
    else:
        with fits.open(demo.exposures[0]) as hdus:
            fits.HDUList(
                [hdus[0], fits.CompImageHDU(hdus[1].data, hdus[1].header, name="SCI")]
            ).writeto(path)
        path.write_bytes(path.read_bytes()[:-9000])
    with pytest.raises(
        (FileError, WCSError), match=r"cut_flc\.fits.*(truncated|its WCS cannot be read)"
    ):
        blot_file(demo.median, f"{path}[sci,1]", tmp_path / "blt.fits")
    assert os.listdir(tmp_path) == ["cut_flc.fits"]


def test_a_file_without_permission(pair, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(fits, "open", refuse)
    with pytest.raises(FileError, match=r"med\.fits: no permission to read it"):
        blot_file(pair[0], f"{pair[1]}[sci,1]", tmp_path / "blt.fits")


def test_user_values_need_right_ascension_first(pair, tmp_path):
    def swap(hdus):
        header = hdus["SCI"].header
        header.update(
            {
                "CTYPE1": "DEC--TAN",
                "CTYPE2": "RA---TAN",
                "CRVAL1": samples.DEC,
                "CRVAL2": samples.RA,
            }
        )
        header.update({"CD1_1": 0.0, "CD1_2": 1.4e-5, "CD2_1": 1.4e-5, "CD2_2": 0.0})

    reference = rewrite(pair[1], tmp_path / "swap.fits", swap)
    with pytest.raises(ParameterError, match="right ascension first"):
        blot_file(pair[0], reference, tmp_path / "blt.fits", outscale=0.1)
    path = blot_file(pair[0], reference, tmp_path / "blt.fits", **RAW)
    np.testing.assert_array_equal(
        world(read_wcs(path), (20, 24)), world(read_wcs(reference), (20, 24))
    )


def test_messages_are_not_paths_only(tmp_path):
    with pytest.raises(FileError, match=r"nowhere\.fits: no such file"):
        blot_file(Path(tmp_path) / "nowhere.fits", tmp_path / "nowhere.fits", tmp_path / "blt.fits")
