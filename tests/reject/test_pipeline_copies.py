"""Copies of what JWST and Roman write: undefined pixels are filled; names, tags, units, compression
are kept.
"""

import warnings

import numpy as np
import pytest
from astropy import units
from astropy.io import fits

import skyblot
from skyblot import reject_files

pytest.importorskip("gwcs")
asdf = pytest.importorskip("asdf")

SHAPE = (120, 130)
#: Pixels that the pipeline made NaN, (y, x): DO_NOT_USE.
GAPS = ([5, 60, 61], [7, 80, 80])
TAG = "asdf://stsci.edu/datamodels/roman/tags/"


@pytest.fixture(scope="module")
def jwst(tmp_path_factory):
    return skyblot.make_demo(tmp_path_factory.mktemp("jwst"), "jwst", exposures=2, chip_shape=SHAPE)


@pytest.fixture(scope="module")
def roman(tmp_path_factory):
    return skyblot.make_demo(
        tmp_path_factory.mktemp("roman"), "roman", exposures=2, chip_shape=SHAPE
    )


def roman_file(roman, path, compression=None, quantity=False):
    """An exposure with gaps, the tags of roman_datamodels, and compressed arrays."""
    with opened(roman.exposures[0]) as file:
        tree = dict(file["roman"])
        data, dq = np.array(tree["data"]), np.array(tree["dq"])
        data[GAPS], dq[GAPS] = np.nan, 1
        tree["data"], tree["dq"] = (data << units.Unit("DN / s") if quantity else data), dq
        name = asdf.tagged.TaggedString(path.name)
        name._tag = f"{TAG}filename-1.0.0"
        tree["meta"] = {**tree["meta"], "filename": name}
        tagged = asdf.tagged.TaggedDict(tree, f"{TAG}wfi_image-1.4.0")
        asdf.AsdfFile({"roman": tagged}).write_to(path, all_array_compression=compression)
    return path


def opened(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tags that nobody knows here
        return asdf.open(path, lazy_load=False, memmap=False)


def compressions(path):
    """How each plane of a file is compressed; its gwcs has blocks of its own, small ones."""
    content = path.read_bytes()
    labels = []
    place = content.find(b"\xd3BLK")
    while content[place : place + 4] == b"\xd3BLK":
        if int.from_bytes(content[place + 30 : place + 38], "big") >= SHAPE[0] * SHAPE[1]:
            labels.append(content[place + 10 : place + 14].rstrip(b"\0").decode())
        size = int.from_bytes(content[place + 14 : place + 22], "big")
        place += 6 + int.from_bytes(content[place + 4 : place + 6], "big") + size
    return labels


def test_undefined_pixels_of_jwst_are_filled_in_a_clean_copy(jwst, tmp_path):
    path = tmp_path / "a_cal.fits"
    with fits.open(jwst.exposures[0]) as hdus:
        hdus["SCI"].data[GAPS], hdus["DQ"].data[GAPS] = np.nan, 1
        hdus.writeto(path)
        before = hdus["SCI"].data.copy()
    (result,) = reject_files(
        jwst.median, [path], tmp_path, clean=True, update_dq=True, save_blots=True
    )
    after, blot = (
        fits.getdata(tmp_path / "a_crclean.fits", "SCI"),
        fits.getdata(result.blot_path, "SCI"),
    )
    mask = fits.getdata(result.path)
    np.testing.assert_allclose(
        after[GAPS], result.ratio * blot[GAPS] + result.background, rtol=1e-5
    )
    assert (mask[GAPS] == 1).all()
    assert (fits.getdata(tmp_path / "a_crf.fits", "DQ")[GAPS] == 1).all()
    kept = (mask == 1) & np.isfinite(before)
    np.testing.assert_array_equal(after[kept], before[kept])
    assert np.isfinite(after).all()


def test_undefined_pixels_of_others_stay_undefined(tmp_path):
    demo = skyblot.make_demo(tmp_path, exposures=2, chip_shape=SHAPE)
    path = tmp_path / "a_flc.fits"
    with fits.open(demo.exposures[0]) as hdus:
        hdus["SCI", 1].data[GAPS] = np.nan
        hdus.writeto(path)
    reject_files(demo.median, [f"{path}[sci,1]"], tmp_path, clean=True)
    assert np.isnan(fits.getdata(tmp_path / "a_crclean.fits", ("SCI", 1))[GAPS]).all()


@pytest.mark.parametrize("compression", [None, "zlib", "lz4"])
@pytest.mark.parametrize("quantity", [False, True])
def test_copies_of_roman_keep_tags_unit_and_compression(roman, tmp_path, compression, quantity):
    path = roman_file(roman, tmp_path / "a_cal.asdf", compression, quantity)
    (result,) = reject_files(roman.median, [path], tmp_path, clean=True, update_dq=True)
    bad, known = fits.getdata(result.path) == 0, compression or ""
    for copy, plane in (("a_crclean.asdf", "data"), ("a_crdq.asdf", "dq")):
        with opened(path) as before, opened(tmp_path / copy) as after:
            old, new = before["roman"], after["roman"]
            assert (old._tag, old["meta"]["filename"]._tag) == (
                new._tag,
                new["meta"]["filename"]._tag,
            )
            assert (str(old["meta"]["filename"]), str(new["meta"]["filename"])) == (
                "a_cal.asdf",
                copy,
            )
            assert getattr(new["data"], "unit", None) == getattr(old["data"], "unit", None)
            for name in ("data", "err", "dq"):
                one, other = (
                    np.array(getattr(tree[name], "value", tree[name])) for tree in (old, new)
                )
                assert one.dtype == other.dtype
                changed = ~((one == other) | (np.isnan(one) & np.isnan(other)))
                expected = np.zeros(SHAPE, bool) if name != plane else bad.copy()
                expected[GAPS] |= name == plane == "data"
                np.testing.assert_array_equal(changed, expected)
        assert compressions(tmp_path / copy) == compressions(path) == [known] * 3


def test_the_pixels_of_a_jwst_mask_are_found_where_its_models_look(jwst, tmp_path):
    """In the primary HDU as AstroDrizzle has masks, and under the name SCI; the mask reads back as
    one.
    """
    (result,) = reject_files(jwst.median, jwst.exposures[:1], tmp_path)
    with fits.open(result.path) as hdus:
        assert [each.name for each in hdus] == ["SCI"]
        assert hdus["SCI"].data is hdus[0].data
        assert hdus[0].data.dtype == np.uint8
        hdus.verify("exception")
    assert [each.kind for each in skyblot.info(result.path)] == ["mask"]
    with pytest.raises(skyblot.SkyblotError, match="mask"):
        reject_files(result.path, jwst.exposures[:1], tmp_path, overwrite=True)


def test_masks_of_others_have_no_name(tmp_path):
    demo = skyblot.make_demo(tmp_path, exposures=2, chip_shape=SHAPE)
    (result,) = reject_files(demo.median, [f"{demo.exposures[0]}[sci,1]"], tmp_path)
    assert "EXTNAME" not in fits.getheader(result.path)


def test_copies_of_roman_are_the_same_bytes_whenever_they_are_made(roman, tmp_path):
    """asdf lists its extensions in the order of hashes, which differ from process to process."""
    import os
    import subprocess
    import sys

    code = (
        "import sys, skyblot; skyblot.reject_files(*sys.argv[1:2], sys.argv[2:3], sys.argv[3], "
        "update_dq=True)"
    )
    made = []
    for seed in "123":
        folder = tmp_path / seed
        folder.mkdir()
        arguments = [
            sys.executable,
            "-W",
            "ignore",
            "-c",
            code,
            str(roman.median),
            str(roman.exposures[0]),
            str(folder),
        ]
        subprocess.run(arguments, check=True, env={**os.environ, "PYTHONHASHSEED": seed})
        (copy,) = folder.glob("*_crdq.asdf")
        made.append(copy.read_bytes())
    assert made[0] == made[1] == made[2]
