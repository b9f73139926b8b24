"""Compressed files: the same blots from them as from plain ones, in bounded memory."""

import bz2
import gzip
import os
import threading
import tracemalloc
import zlib

import numpy as np
import pytest
from astropy.io import fits
from astropy.io.fits.hdu.compressed import section
from compressed_files import blots, gzipped, pixels, tiled
from gwcs_files import exposure_gwcs, mosaic_header, write_cal, write_i2d
from samples import CHIP_SHAPE, RAW, digests, read_wcs, tan_header, texture, world, write_sci

from skyblot import blot_file, blot_files
from skyblot.demo import make_demo
from skyblot.errors import FileError
from skyblot.io.fits import open_image


@pytest.mark.parametrize("interp", ["poly5", "nearest"])
def test_a_gzip_source(tmp_path, source, reference, interp):
    one, other = blots(tmp_path, reference, source, gzipped(source), interp=interp, **RAW)
    np.testing.assert_array_equal(one, other)
    assert np.ptp(one) > 1


@pytest.mark.parametrize("tile", [None, (7, 200), (64, 48)])
@pytest.mark.parametrize("kind", ["GZIP_1", "GZIP_2"])
@pytest.mark.parametrize("interp", ["poly5", "nearest"])
def test_a_tiled_source(tmp_path, source, reference, interp, kind, tile):
    one, other = blots(tmp_path, reference, source, tiled(source, kind, tile), interp=interp, **RAW)
    np.testing.assert_array_equal(one, other)
    assert np.ptp(one) > 1


@pytest.mark.parametrize("kind", ["RICE_1", "GZIP_2", "PLIO_1", "HCOMPRESS_1", "gzip"])
def test_compressed_integers(tmp_path, labels, reference, kind):
    packed = gzipped(labels) if kind == "gzip" else tiled(labels, kind)
    one, other = blots(tmp_path, reference, labels, packed, interp="nearest")
    assert other.dtype.kind == "i"
    np.testing.assert_array_equal(one, other)
    assert np.ptp(one) > 1000


def test_a_gzip_file_under_any_name(tmp_path, source, reference):
    (tmp_path / "odd.fits").write_bytes(gzipped(source).read_bytes())
    (tmp_path / "two.fits.gz").write_bytes(  # parts one behind the other are one file
        gzip.compress(source.read_bytes()[:9999]) + gzip.compress(source.read_bytes()[9999:])
    )
    one, *others = blots(
        tmp_path, reference, source, tmp_path / "odd.fits", tmp_path / "two.fits.gz", **RAW
    )
    for other in others:
        np.testing.assert_array_equal(one, other)


def test_a_bzip2_source(tmp_path, source, reference):
    (tmp_path / "med.fits.bz2").write_bytes(bz2.compress(source.read_bytes()))
    one, other = blots(tmp_path, reference, source, tmp_path / "med.fits.bz2", **RAW)
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("kind", ["gzip", "GZIP_2"])
def test_compressed_references(tmp_path, kind):
    demo = make_demo(tmp_path, exposures=1, chip_shape=CHIP_SHAPE)
    plain = demo.exposures[0]
    packed = gzipped(plain) if kind == "gzip" else tiled(plain, kind)
    for name in ("plain", "packed"):
        (tmp_path / name).mkdir()
    expected = blot_files(demo.median, [plain], tmp_path / "plain")
    results = blot_files(demo.median, [packed], tmp_path / "packed")
    assert [each.path.name for each in results] == [each.path.name for each in expected]
    for one, other in zip(results, expected, strict=True):
        np.testing.assert_array_equal(pixels(one.path), pixels(other.path))
        np.testing.assert_array_equal(
            world(read_wcs(one.path), CHIP_SHAPE), world(read_wcs(other.path), CHIP_SHAPE)
        )
    again = blot_files(demo.median, [packed], tmp_path / "packed", resume=True)
    assert all(each.kept for each in again)


def test_compressed_jwst_references(tmp_path):
    write_i2d(tmp_path / "a_i2d.fits", texture((420, 420)), mosaic_header((420, 420)))
    plain = write_cal(tmp_path / "a_cal.fits", exposure_gwcs())
    one, other = (
        pixels(blot_file(tmp_path / "a_i2d.fits", path, tmp_path / f"{n}.fits", addsky=False))
        for n, path in enumerate((plain, gzipped(plain)))
    )
    np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("which", ["source", "reference"])
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda raw: raw[: len(raw) // 2], "truncated: the compressed file ends too early"),
        (lambda raw: raw[:-4], "truncated: the compressed file ends too early"),
        (lambda raw: raw[:5], "truncated: the compressed file ends too early"),
        (
            lambda raw: raw[:-8] + b"\0\0\0\0" + raw[-4:],
            "the compressed file is damaged: CRC check failed",
        ),
        (lambda raw: raw[:60] + bytes(40) + raw[100:], "the compressed file is damaged: "),
    ],
    ids=["half", "end", "start", "checksum", "middle"],
)
def test_damaged_gzip_files(tmp_path, source, reference, which, damage, words):
    files = {"source": source, "reference": reference}
    packed = gzipped(files[which])
    packed.write_bytes(damage(packed.read_bytes()))
    files[which] = packed
    before = digests(tmp_path)
    with pytest.raises(FileError, match=f"{packed.name}: {words}"):
        blot_file(
            f"{files['source']}[sci,1]",
            f"{files['reference']}[sci,1]",
            tmp_path / "blt.fits",
            **RAW,
        )
    assert digests(tmp_path) == before


def test_no_room_for_a_decompressed_copy(tmp_path, source, reference, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfileobj", full)
    with pytest.raises(
        FileError,
        match=r"med\.fits\.gz: cannot be copied into .* \(TMPDIR\): No space left on device",
    ):
        blot_file(gzipped(source), reference, tmp_path / "blt.fits", **RAW)


def test_copies_have_no_name_and_do_not_stay(tmp_path, source, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    packed = gzipped(source)
    descriptors = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
    with open_image(packed) as image:
        assert list((tmp_path / "temporary").iterdir()) == []
        image.pixels()[3:5, 4:7]
    if descriptors is not None:
        assert len(os.listdir("/proc/self/fd")) == descriptors


def sparse_gzip(path, size, image):
    """Write, in little memory, a gzip file of an image of `size` that is zero but for its first
    rows.
    """
    hdu = fits.PrimaryHDU(np.zeros((4, 4), "f4"), tan_header((size, size), BUNIT="counts/s"))
    text = hdu.header.tostring(padding=False)
    for axis in (1, 2):
        text = text.replace(f"NAXIS{axis}  =                    4", f"NAXIS{axis}  = {size:20d}")
    pack = zlib.compressobj(1, wbits=31)
    with open(path, "wb") as stream:
        stream.write(pack.compress(text.ljust(-(-len(text) // 2880) * 2880).encode()))
        for row in range(size):
            line = np.zeros(size, ">f4")
            if row < len(image):
                line[: image.shape[1]] = image[row]
            stream.write(pack.compress(line.tobytes()))
        stream.write(pack.compress(bytes(-size * size * 4 % 2880)) + pack.flush())
    return path


def test_memory_does_not_grow_with_a_gzip_mosaic(tmp_path):
    image = texture((300, 200))
    peaks = []
    for size in (400, 400, 4000):  # 64 MB; the first warms caches up
        path = sparse_gzip(tmp_path / f"{size}.fits.gz", size, image)
        tracemalloc.start()
        with open_image(path) as source:
            np.testing.assert_array_equal(source.pixels()[10:250, 20:190], image[10:250, 20:190])
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # A few chunks of 1 MB, of the packed and of the plain file, on their way.
    assert peaks[2] < peaks[1] + 2**23


def test_only_the_tiles_of_the_window_are_decompressed(tmp_path, monkeypatch):
    data = np.tile(texture((50, 60)), (40, 50))  # 2000 x 3000
    path = tiled(
        write_sci(tmp_path / "med.fits", data, tan_header(data.shape)), "GZIP_2", (100, 100)
    )
    asked = []
    original = section.decompress_image_data_section

    def watch(*args):
        made = original(*args)
        asked.append(made.size)
        return made

    monkeypatch.setattr(section, "decompress_image_data_section", watch)
    with open_image(path) as image:
        tracemalloc.start()
        np.testing.assert_array_equal(image.pixels()[150:350, 1050:1250], data[150:350, 1050:1250])
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert asked == [100 * 100, 300 * 300]  # one tile for the dtype
    assert peak < data.nbytes / 4


def test_threads_may_read_a_tiled_image_at_the_same_time(tmp_path):
    data = np.tile(texture((50, 60)), (10, 10))
    path = tiled(write_sci(tmp_path / "med.fits", data, tan_header(data.shape)), "GZIP_2")
    wrong = []
    with open_image(path) as image:
        rows = image.pixels()

        def read(first):
            for row in range(first, 480, 7):
                if not np.array_equal(rows[row : row + 20, 5:500], data[row : row + 20, 5:500]):
                    wrong.append(row)

        threads = [threading.Thread(target=read, args=(first,)) for first in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []
