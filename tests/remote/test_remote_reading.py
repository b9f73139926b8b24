"""URLs: the same blots as from files on disk, from the window's bytes only."""

import gzip
import os
import tracemalloc

import numpy as np
import pytest
import samples
from astropy.io import fits
from gwcs_files import SHAPE, exposure_gwcs, mosaic_header, write_cal, write_i2d, write_roman
from samples import CHIP_SHAPE, RAW, tan_header, texture, write_sci
from web_data import WIDE, local, pixels

from skyblot import blot_file, blot_files
from skyblot.demo import make_demo
from skyblot.io.fits import open_image
from skyblot.io.reader import LEAST, Reader

pytest.importorskip("fsspec")
pytest.importorskip("aiohttp")


@pytest.mark.parametrize("interp", ["poly5", "nearest"])
def test_only_the_windows_bytes_are_fetched(web, pair, tmp_path, interp):
    source, reference = (f"{web.url}/{name}" for name in pair)
    expected = blot_file(
        local(web, pair[0]), local(web, pair[1]), tmp_path / "disk.fits", interp=interp, **RAW
    )
    web.forget()
    blot = blot_file(source, f"{reference}[sci,1]", tmp_path / "web.fits", interp=interp, **RAW)
    np.testing.assert_array_equal(pixels(blot), pixels(expected))
    # A window of 60 x 80 pixels with 5 more on each side (and the odd one for the fractions) in
    # ranges of rows; each time a file is opened its two headers, and the last byte to see that
    # there are ranges.
    window = 4 * (60 + 12) * (80 + 12)
    # the source and the reference, once each: a name with an extension is not looked up before
    opened = 2
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
        # with its distortion tables
        with fits.open(one.path) as found, fits.open(other.path) as wanted:
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
        blot_file(
            f"{place}/a_i2d.fits", f"{place}/a_cal.fits[sci,1]", tmp_path / name, addsky=False
        )
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
    write_roman(
        web.folder / "r1_cal.asdf",
        texture(SHAPE),
        exposure_gwcs(),
        compression=compression,
        **bright,
    )
    with open_image_of(f"{web.url}/r1_cal.asdf") as image:
        np.testing.assert_array_equal(image.pixels()[3:9, 5:50], texture(SHAPE)[3:9, 5:50])
    blots = []
    for place, name in ((web.folder, "disk.asdf"), (web.url, "web.asdf")):
        path = blot_file(
            f"{place}/a_i2d.fits", f"{place}/r1_cal.asdf", tmp_path / name, addsky=False
        )
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
    (web.folder / "zipped.fits.gz").write_bytes(
        gzip.compress((web.folder / "scaled.fits").read_bytes())
    )
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
        blot = blot_file(
            "memory://skyblot/med.fits", "memory://skyblot/one_flt.fits", tmp_path / "a.fits", **RAW
        )
    finally:
        fsspec.filesystem("memory").rm("/skyblot", recursive=True)
    expected = blot_file(
        local(web, pair[0]), f"file://{web.folder}/one_flt.fits", tmp_path / "b.fits", **RAW
    )
    np.testing.assert_array_equal(pixels(blot), pixels(expected))


def test_memory_does_not_grow_with_a_mosaic_on_a_url(web, tmp_path):
    header = tan_header((60, 80), ra=samples.RA + 3.3e-5, BUNIT="counts/s", MDRIZSKY=0.0)
    write_sci(web.folder / "one_flt.fits", np.zeros((60, 80), "f4"), header)
    write_sci(
        web.folder / "small_med.fits", texture((100, 120)), tan_header((100, 120), BUNIT="counts/s")
    )
    write_sci(web.folder / "large_med.fits", WIDE, tan_header(WIDE.shape, BUNIT="counts/s"))
    peaks = []
    for name in ("small", "small", "large"):  # the first warms caches up
        tracemalloc.start()
        blot_file(
            f"{web.url}/{name}_med.fits",
            f"{web.url}/one_flt.fits[sci,1]",
            tmp_path / "a.fits",
            overwrite=True,
            **RAW,
        )
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # 54 MB against 48 kB of pixels; the answers to ranges on their way, and a window, are a few 100
    # kB.
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
    assert asked[2:6] == [
        (0, LEAST),
        (LEAST, 3 * LEAST),
        (3 * LEAST, 7 * LEAST),
        (7 * LEAST, 15 * LEAST),
    ]
