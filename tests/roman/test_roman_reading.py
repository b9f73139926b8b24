"""Roman's ASDF files: what is read, in every storage, and no more than the window."""

import os
import struct
import tracemalloc

import asdf
import gwcs_files
import numpy as np
import pytest
from astropy import units
from gwcs import WCS as GWCS
from gwcs_files import SHAPE, exposure_gwcs, map_error, mosaic_header, write_roman
from roman_files import MOSAIC, RAW, expected, positions, roman_tree, write_coadd
from samples import tan_header, texture

from skyblot import blot_file
from skyblot.io.images import open_image


@pytest.mark.parametrize("tag", ["wfi_image-1.0.0", "wfi_image-9.9.9", None])
def test_exposure_is_read(tmp_path, tag):
    path = write_roman(tmp_path / "a_cal.asdf", texture(SHAPE), exposure_gwcs(), tag=tag)
    with open_image(path) as image:
        assert (image.name, image.shape) == (str(path), SHAPE)
        np.testing.assert_array_equal(image.pixels()[:, :], texture(SHAPE))
        wcs = image.wcs()
        assert wcs.array_shape == SHAPE
        np.testing.assert_array_equal(wcs(*positions()), exposure_gwcs()(*positions()))


STORAGES = {
    "plain": (texture(MOSAIC), None, True),
    "big-endian": (texture(MOSAIC).astype(">f4"), None, True),
    "double": (texture(MOSAIC).astype("f8"), None, True),
    "quantity": (texture(MOSAIC) << units.Unit("MJy/sr"), None, True),
    "lz4": (texture(MOSAIC), "lz4", False),
    "zlib": (texture(MOSAIC), "zlib", False),
    "quantity, lz4": (texture(MOSAIC) << units.Unit("MJy/sr"), "lz4", False),
    "transposed": (np.asfortranarray(texture(MOSAIC)), None, False),
    "part of a larger array": (np.pad(texture(MOSAIC), 3)[3:-3, 3:-3], None, None),  # as asdf likes
}


@pytest.mark.parametrize("storage", STORAGES)
def test_mosaics_in_every_storage_give_the_same_blot(cal, tmp_path, storage):
    data, compression, lazily = STORAGES[storage]
    path = write_coadd(tmp_path / "a_coadd.asdf", data, compression=compression)
    with open_image(path) as image:
        assert image.shape == MOSAIC
        pixels = image.pixels()
        assert lazily is None or isinstance(pixels, np.ndarray) is not lazily
        np.testing.assert_array_equal(pixels[5:40, 7:400], texture(MOSAIC)[5:40, 7:400])
    tree = roman_tree(blot_file(path, cal, tmp_path / "blt.asdf", **RAW))
    assert np.abs(tree["data"] / 2 - expected()).max() <= map_error(texture(MOSAIC))
    assert tree["data"].dtype == np.float32


def test_masked_pixels_are_nan(cal, tmp_path):
    data = np.ma.masked_greater(texture(MOSAIC), 8.5)
    tree = roman_tree(
        blot_file(write_coadd(tmp_path / "a.asdf", data), cal, tmp_path / "blt.asdf", **RAW)
    )
    assert 0 < np.isnan(tree["data"]).mean() < 0.3
    assert np.nanmax(tree["data"]) <= 17


def test_a_small_image_written_into_the_tree(tmp_path):
    with asdf.config_context() as config:
        config.array_inline_threshold = 100
        path = write_roman(tmp_path / "inline.asdf", texture((6, 7)), exposure_gwcs((6, 7)))
    with open_image(path) as image:
        assert (image.shape, image.pixels().dtype) == ((6, 7), np.dtype("f4"))
        np.testing.assert_array_equal(image.pixels(), texture((6, 7)))


def huge_coadd(path, size, patch, corner):
    """A mosaic of size x size pixels on disk, 0 but for a patch: a sparse file, so that it takes no
    room.
    """
    header = tan_header(
        (size, size), scale=gwcs_files.SCALE, ra=gwcs_files.CENTRE[0], dec=gwcs_files.CENTRE[1]
    )
    with asdf.config_context() as config:
        config.array_inline_threshold = 100  # the pixels are the only block
        write_roman(
            path,
            np.zeros((50, 50), "f4"),
            gwcs_files.mosaic_gwcs(header, (size, size)),
            "wfi_mosaic-1.0.0",
        )
    content = path.read_bytes().replace(b"shape: [50, 50]", f"shape: [{size}, {size}]".encode())
    start, count = content.index(b"\xd3BLK"), 4 * size * size
    block = b"\xd3BLK" + struct.pack(">HI4sQQQ16s", 48, 0, b"", count, count, count, b"")
    path.write_bytes(content[:start] + block)
    os.truncate(path, start + len(block) + count)
    stored = np.memmap(path, "<f4", "r+", start + len(block), (size, size))
    stored[corner : corner + len(patch), corner : corner + len(patch)] = patch
    stored.flush()
    return path


def test_only_the_window_of_a_huge_mosaic_is_read(cal, tmp_path):
    size = 16000
    path = huge_coadd(tmp_path / "huge_coadd.asdf", size, texture(MOSAIC), (size - MOSAIC[0]) // 2)
    if path.stat().st_blocks * 512 > 1e8:
        pytest.skip("no sparse files here")
    blot_file(path, cal, tmp_path / "warm_blt.asdf", **RAW)  # imports and caches
    tracemalloc.start()
    try:
        blot = blot_file(path, cal, tmp_path / "huge_blt.asdf", **RAW)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2e7  # the pixels are 1e9 bytes
    assert np.abs(roman_tree(blot)["data"] / 2 - expected()).max() <= map_error(texture(MOSAIC))


def test_gwcs_of_a_mosaic(coadd):
    with open_image(coadd) as image:
        wcs = image.wcs()
    assert isinstance(wcs, GWCS)
    np.testing.assert_array_equal(
        wcs(*positions()), gwcs_files.mosaic_gwcs(mosaic_header(MOSAIC), MOSAIC)(*positions())
    )
