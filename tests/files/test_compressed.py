"""Compressed files: the same blots from them as from plain ones, in bounded memory; and compressed
blots.
"""

import bz2
import gzip
import os
import threading
import tracemalloc
import zlib

import numpy as np
import pytest
import samples
from astropy.io import fits
from astropy.io.fits.hdu.compressed import section
from gwcs_files import SHAPE, exposure_gwcs, mosaic_header, write_cal, write_i2d, write_roman
from samples import (
    CHIP_SHAPE,
    RAW,
    digests,
    read_wcs,
    tan_header,
    tasks_of,
    texture,
    world,
    write_sci,
)

from skyblot import blot_file, blot_files
from skyblot.demo import make_demo
from skyblot.errors import FileError
from skyblot.io.fits import open_image
from skyblot.io.images import blot_name, check_kind, write_blot
from skyblot.io.names import parse_name
from skyblot.steps.provenance import read_record


def gzipped(path):
    new_path = path.with_name(f"{path.name}.gz")
    new_path.write_bytes(gzip.compress(path.read_bytes(), 1))
    return new_path


def tiled(path, kind, tile=None):
    """A copy whose images are compressed tile by tile, without loss."""
    new_path = path.with_name(f"{path.name}.fz")
    with fits.open(path) as hdus:
        made = [
            fits.CompImageHDU(
                hdu.data,
                hdu.header,
                name=hdu.name,
                compression_type=kind,
                quantize_level=0,
                tile_shape=tile,
            )
            if hdu.name == "SCI"
            else hdu.copy()
            for hdu in hdus
        ]
        for new, old in zip(made, hdus, strict=True):
            if old.name == "SCI":
                new.ver = old.ver
        fits.HDUList(made).writeto(new_path)
    return new_path


def pixels(path):
    with fits.open(path) as hdus:
        return hdus["SCI"].data.copy()


@pytest.fixture
def reference(tmp_path):
    header = tan_header((60, 80), ra=samples.RA + 3.3e-5, BUNIT="counts/s", MDRIZSKY=0.0)
    return write_sci(tmp_path / "one_flt.fits", np.zeros((60, 80), "f4"), header)


@pytest.fixture
def source(tmp_path):
    return write_sci(
        tmp_path / "med.fits", texture((300, 200)), tan_header((300, 200), BUNIT="counts/s")
    )


@pytest.fixture
def labels(tmp_path):
    data = (1000 * texture((300, 200))).astype("i4")
    return write_sci(tmp_path / "seg.fits", data, tan_header((300, 200)))


def blots(tmp_path, reference, *sources, **parameters):
    made = [
        blot_file(each, reference, tmp_path / f"{n}.fits", **parameters)
        for n, each in enumerate(sources)
    ]
    return [pixels(path) for path in made]


# ---- sources and references ----------------------------------------------------------------------


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


# ---- blots ---------------------------------------------------------------------------------------


def test_names_of_compressed_blots():
    assert blot_name(parse_name("j8_flc.fits[sci,2]"), compress=True) == "j8_sci2_blt.fits.fz"
    assert blot_name(parse_name("memory://j8_cal.asdf"), compress=True) == "j8_blt.asdf"


def test_a_compressed_blot_is_the_plain_one(tmp_path):
    demo = make_demo(tmp_path, exposures=1, chip_shape=CHIP_SHAPE)
    for name in ("plain", "packed"):
        (tmp_path / name).mkdir()
    plain = blot_files(demo.median, demo.exposures, tmp_path / "plain", fill_value="nan")
    packed = blot_files(
        demo.median, demo.exposures, tmp_path / "packed", fill_value="nan", compress=True
    )
    assert [each.path for each in packed] == [
        where.path for where in tasks_of(demo.exposures, tmp_path / "packed", compress=True)
    ]
    for one, other in zip(packed, plain, strict=True):
        assert one.path.name == f"{other.path.name}.fz"
        with fits.open(one.path) as found, fits.open(other.path) as expected:
            found.verify("exception")
            assert isinstance(found["SCI"], fits.CompImageHDU)
            assert [(hdu.name, hdu.ver) for hdu in found] == [
                (hdu.name, hdu.ver) for hdu in expected
            ]
            assert found["SCI"].data.astype(">f4").tobytes() == expected["SCI"].data.tobytes()
            ignored = {"ignore_keywords": ["XTENSION", "BLOTKEY"], "ignore_comments": ["EXTNAME"]}
            differs = fits.HeaderDiff(found["SCI"].header, expected["SCI"].header, **ignored)
            assert differs.identical, differs.report()
            for hdu, like in zip(found[2:], expected[2:], strict=True):
                np.testing.assert_array_equal(hdu.data, like.data)
        np.testing.assert_array_equal(
            world(read_wcs(one.path), CHIP_SHAPE), world(read_wcs(other.path), CHIP_SHAPE)
        )


def test_a_compressed_blot_has_the_same_bytes_at_any_time(
    tmp_path, source, reference, labels, monkeypatch
):
    for given, interp in ((source, "poly5"), (labels, "nearest")):
        contents = []
        for now in (1e9, 1.7e9):
            monkeypatch.setattr("time.time", lambda now=now: now)
            blot_file(
                given, reference, tmp_path / "blt.fits.fz", overwrite=True, interp=interp, **RAW
            )
            contents.append((tmp_path / "blt.fits.fz").read_bytes())
        assert contents[0] == contents[1]


def test_compressed_blots_are_kept_by_resume_if_complete(tmp_path):
    demo = make_demo(tmp_path, exposures=1, chip_shape=CHIP_SHAPE)
    (tmp_path / "out").mkdir()
    how = {"compress": True, "resume": True}
    made = blot_files(demo.median, demo.exposures, tmp_path / "out", **how)
    assert [each.kept for each in made] == [False, False]
    record, shape = read_record(made[0].path)
    assert (record["BLOTINT"], shape) == ("poly5", CHIP_SHAPE)
    content = made[1].path.read_bytes()
    with fits.open(made[1].path) as hdus:
        end = hdus["SCI"].fileinfo()["datLoc"] + hdus["SCI"].fileinfo()["datSpan"]
    made[1].path.write_bytes(content[: end - 2880])
    again = blot_files(demo.median, demo.exposures, tmp_path / "out", **how)
    assert [each.kept for each in again] == [True, False]
    assert made[1].path.read_bytes() == content
    # plain ones stand beside them
    blot_files(demo.median, demo.exposures, tmp_path / "out", resume=True)
    assert sorted(path.suffix for path in (tmp_path / "out").iterdir()) == [
        ".fits",
        ".fits",
        ".fz",
        ".fz",
    ]


@pytest.mark.parametrize("dtype", ["u1", "i2", "u2", "i4", "u4", "i8", "?"])
def test_compressed_integers_are_exact(tmp_path, reference, dtype):
    rng = np.random.default_rng(1)
    kind = np.dtype(dtype)
    data = rng.integers(0, 2, (60, 80)).astype(bool)
    if dtype != "?":
        data = rng.integers(np.iinfo(kind).min, np.iinfo(kind).max, (60, 80), kind, endpoint=True)
    with open_image(reference) as image:
        for name, compress in (("plain.fits", False), ("packed.fits", True)):
            write_blot(tmp_path / name, data, image, cards=[], overwrite=False, compress=compress)
    np.testing.assert_array_equal(pixels(tmp_path / "plain.fits"), data)
    np.testing.assert_array_equal(pixels(tmp_path / "packed.fits"), data)
    assert pixels(tmp_path / "packed.fits").dtype == pixels(
        tmp_path / "plain.fits"
    ).dtype.newbyteorder("=")
    with fits.open(tmp_path / "packed.fits") as hdus:
        assert hdus["SCI"].compression_type == ("GZIP_2" if kind.itemsize == 8 else "RICE_1")


def test_a_name_in_fz_asks_for_compression(tmp_path, source, reference):
    path = blot_file(source, reference, tmp_path / "blt.fits.fz", **RAW)
    with fits.open(path) as hdus:
        assert isinstance(hdus["SCI"], fits.CompImageHDU)
    (plain,) = blots(tmp_path, reference, source, **RAW)
    np.testing.assert_array_equal(pixels(path), plain)
    with pytest.raises(
        FileError, match=r"blt\.fits\.gz: no blot is compressed as a whole, expected .*\.fits\.fz"
    ):
        blot_file(source, reference, tmp_path / "blt.fits.gz", **RAW)


def test_a_blot_onto_a_tiled_reference_can_be_tiled(tmp_path, source, reference):
    packed = tiled(reference, "GZIP_1")
    blot_file(source, packed, tmp_path / "packed.fits.fz", **RAW)
    (plain,) = blots(tmp_path, reference, source, **RAW)
    np.testing.assert_array_equal(pixels(tmp_path / "packed.fits.fz"), plain)


def test_jwst_blots_keep_their_gwcs_when_compressed(tmp_path):
    write_i2d(tmp_path / "a_i2d.fits", texture((420, 420)), mosaic_header((420, 420)))
    plain = write_cal(tmp_path / "a_cal.fits", exposure_gwcs())
    path = blot_file(tmp_path / "a_i2d.fits", plain, tmp_path / "blt.fits.fz", addsky=False)
    with open_image(path) as image, open_image(plain) as like:
        assert type(image.wcs()) is type(like.wcs())
        grid = [axis.ravel() for axis in np.indices(SHAPE)[::-1]]
        np.testing.assert_array_equal(
            image.wcs().pixel_to_world_values(*grid), like.wcs().pixel_to_world_values(*grid)
        )


def test_compressed_blots_of_roman(tmp_path):
    import asdf

    write_i2d(tmp_path / "a_i2d.fits", texture((420, 420)), mosaic_header((420, 420)))
    bright = {"meta": {"cal_step": {"flux": "COMPLETE"}}}
    cal = write_roman(tmp_path / "r1_cal.asdf", np.zeros(SHAPE, "f4"), exposure_gwcs(), **bright)
    found = []
    for compress in (False, True):
        how = {"compress": compress, "overwrite": True, "resume": True, "addsky": False}
        folder = tmp_path / str(compress)
        folder.mkdir()
        for kept in (False, True):
            (made,) = blot_files(tmp_path / "a_i2d.fits", [cal], folder, **how)
            assert (made.kept, made.path.name) == (kept, "r1_blt.asdf")
        with asdf.open(made.path) as file:
            assert file.get_array_compression(file["roman"]["data"]) == (
                "zlib" if compress else None
            )
            found.append(np.array(file["roman"]["data"]))
    np.testing.assert_array_equal(found[0], found[1])
    check_kind(tmp_path / "b.asdf", cal)
