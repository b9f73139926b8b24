"""Compressed blots."""

import numpy as np
import pytest
from astropy.io import fits
from compressed_files import blots, pixels, tiled
from gwcs_files import SHAPE, exposure_gwcs, mosaic_header, write_cal, write_i2d, write_roman
from samples import CHIP_SHAPE, RAW, read_wcs, tasks_of, texture, world

from skyblot import blot_file, blot_files
from skyblot.demo import make_demo
from skyblot.errors import FileError
from skyblot.io.fits import open_image
from skyblot.io.images import blot_name, check_kind, write_blot
from skyblot.io.names import parse_name
from skyblot.steps.provenance import read_record


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
