"""Roman's ASDF files: what is read, in every storage, what is written, and units; see gwcs_files.py."""

import errno
import os
import re
import struct
import sys
import tracemalloc
import warnings
from importlib import util

import asdf
import gwcs_files
import numpy as np
import pytest
from astropy import units
from astropy.io import fits
from astropy.wcs import WCS
from gwcs import WCS as GWCS
from gwcs_files import SHAPE, exact_blot, exposure_gwcs, map_error, mosaic_header, write_cal, write_i2d, write_roman
from samples import digests, read_wcs, tan_header, texture, write_sci

from skyblot import SkyblotError, SkyblotWarning, __version__, blot_file, blot_files
from skyblot.cli import main
from skyblot.errors import DataError, FileError, ParameterError, WCSError
from skyblot.files import plan_outputs
from skyblot.io.images import open_image
from skyblot.scaling import unit_kind

MOSAIC = (420, 420)
RAW = {"interp": "linear", "addsky": False}
BRIGHT = {"cal_step": {"flux": "COMPLETE"}}


def write_cal_asdf(path, **more):
    return write_roman(path, np.zeros(SHAPE, "f4"), exposure_gwcs(), **more)


def write_coadd(path, data=None, **more):
    """Write a mosaic of level 3."""
    data = texture(MOSAIC) if data is None else data
    meta = {"coadd_info": {"exposure_time": 642.0}, "exposure": None, "photometry": None, "cal_step": None}
    wcs = gwcs_files.mosaic_gwcs(mosaic_header(MOSAIC), MOSAIC)
    return write_roman(path, data, wcs, **{"tag": "wfi_mosaic-1.0.0", "meta": meta, **more})


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("roman")


@pytest.fixture(scope="module")
def coadd(folder):
    return write_coadd(folder / "r01_p_v01001_270p65x60y70_f158_coadd.asdf")


@pytest.fixture(scope="module")
def cal(folder):
    return write_cal_asdf(folder / "r0000101001001001001_0001_wfi01_f158_cal.asdf")


def positions(shape=SHAPE):
    y, x = np.indices(shape).astype(float)
    return x, y


def expected(shape=SHAPE):
    """The exact blot of the mosaic, both WCS being evaluated at every pixel."""
    return exact_blot(texture(MOSAIC), WCS(mosaic_header(MOSAIC)), exposure_gwcs(), shape)


def roman_tree(path):
    """What any user of asdf reads from a blot."""
    with asdf.open(path, memmap=False) as file:
        return {"meta": file["roman"]["meta"], "data": np.array(file["roman"]["data"])}


# Reading.


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
    tree = roman_tree(blot_file(write_coadd(tmp_path / "a.asdf", data), cal, tmp_path / "blt.asdf", **RAW))
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
    """A mosaic of size x size pixels on disk, 0 but for a patch: a sparse file, so that it takes no room."""
    header = tan_header((size, size), scale=gwcs_files.SCALE, ra=gwcs_files.CENTRE[0], dec=gwcs_files.CENTRE[1])
    with asdf.config_context() as config:
        config.array_inline_threshold = 100  # the pixels are the only block
        write_roman(path, np.zeros((50, 50), "f4"), gwcs_files.mosaic_gwcs(header, (size, size)), "wfi_mosaic-1.0.0")
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


# Writing.


def test_blot_is_the_exact_one_with_the_gwcs_of_its_reference(coadd, cal, tmp_path):
    before = digests(cal.parent)
    path = blot_file(coadd, cal, tmp_path / "blt.asdf", **RAW)
    tree = roman_tree(path)
    assert np.abs(tree["data"] * 0.5 - expected()).max() <= map_error(texture(MOSAIC))
    np.testing.assert_array_equal(tree["meta"]["wcs"](*positions()), exposure_gwcs()(*positions()))
    assert tree["meta"]["wcs"].array_shape == SHAPE
    assert digests(cal.parent) == before
    made = tree["meta"]["skyblot"]
    assert re.fullmatch("[0-9a-f]{16}", made.pop("blotkey"))
    assert made == {
        "blottol": 1e-4, "blotcovr": 1.0, "blotver": __version__,
        "blotsrc": str(coadd), "blotref": str(cal), "blotint": "linear", "blotsscl": 1.0,
        "blotstep": 1, "blotcoef": True, "blotin": "surface brightness", "blotout": "cps", "blotfact": 2.0,
        "blotsky": 0.0, "blotfill": "0.0", "bunit": "DN/s",
    }  # fmt: skip


def test_metadata_of_the_reference_are_kept_as_plain_values(coadd, tmp_path):
    from asdf.tagged import TaggedDict, TaggedString

    start = TaggedString("2027-01-01T00:00:00.000")
    start._tag = "tag:stsci.edu:asdf/time/time-1.1.0"
    meta = {"filename": "a_cal.asdf", "instrument": {"name": "WFI", "detector": "WFI01"}, "pattern": [[1], [2, 3]]}
    meta |= {"exposure": {"start_time": start, "effective_exposure_time": 107.0, "truncated": False}, "none": None}
    meta |= {
        "table": np.arange(300),
        "rcs": TaggedDict({"bank": "1"}, "asdf://stsci.edu/datamodels/roman/tags/rcs-1.0.0"),
    }
    path = blot_file(coadd, write_cal_asdf(tmp_path / "a_cal.asdf", meta=meta), tmp_path / "a_blt.asdf", **RAW)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a tag that is not known would be a warning
        found = roman_tree(path)["meta"]
    assert found["filename"] == "a_blt.asdf"
    assert found["instrument"] == meta["instrument"]
    assert found["pattern"] == meta["pattern"]
    assert found["exposure"] == {"start_time": str(start), "effective_exposure_time": 107.0, "truncated": False}
    assert (found["rcs"], found["table"]) == ({"bank": "1"}, None)


def test_a_blot_can_be_blotted_again_and_keeps_its_unit(coadd, cal, tmp_path):
    path = blot_file(coadd, cal, tmp_path / "blt.asdf", **RAW)
    with open_image(path) as image:
        assert image.facts.bunit == "DN/s"
        wcs = image.wcs()
    again = roman_tree(blot_file(coadd, path, tmp_path / "again.asdf", **RAW))
    np.testing.assert_array_equal(again["data"], roman_tree(path)["data"])
    np.testing.assert_array_equal(again["meta"]["wcs"](*positions()), wcs(*positions()))


@pytest.mark.parametrize("how", ["linear terms", "user values"])
def test_an_undistorted_blot_has_a_tangent_gwcs(coadd, cal, tmp_path, how):
    values = {"coeffs": False} if how == "linear terms" else {"outscale": 0.07, "outnx": 100, "outny": 90, "orient": 10}
    tree = roman_tree(blot_file(coadd, cal, tmp_path / "blt.asdf", out_units="cps", **values, **RAW))
    shape = SHAPE if how == "linear terms" else (90, 100)
    assert tree["data"].shape == tree["meta"]["wcs"].array_shape == shape
    exact = exact_blot(texture(MOSAIC), WCS(mosaic_header(MOSAIC)), tree["meta"]["wcs"], shape)
    assert np.abs(tree["data"] / 2 - exact).max() <= map_error(texture(MOSAIC), 1e-7)
    assert tree["meta"]["skyblot"]["blotcoef"] is False
    fits_blot = blot_file(
        coadd, write_cal(tmp_path / "a_cal.fits", exposure_gwcs(), "DN/s"), tmp_path / "b.fits", **values, **RAW
    )
    np.testing.assert_allclose(
        tree["meta"]["wcs"](*positions(shape)), read_wcs(fits_blot).all_pix2world(*positions(shape), 0), rtol=1e-13
    )


def test_labels_keep_their_type_and_values(cal, tmp_path):
    labels = 2**24 + np.arange(MOSAIC[0] * MOSAIC[1], dtype="i4").reshape(MOSAIC)
    tree = roman_tree(
        blot_file(write_coadd(tmp_path / "segm.asdf", labels), cal, tmp_path / "b.asdf", interp="nearest")
    )
    assert tree["data"].dtype == np.int32
    assert np.isin(tree["data"], labels).all()
    assert "bunit" not in tree["meta"]["skyblot"]


def test_fits_and_asdf_mix_and_the_format_is_the_reference_s(coadd, cal, tmp_path):
    i2d = write_i2d(tmp_path / "a_i2d.fits", texture(MOSAIC))
    fits_cal = write_cal(tmp_path / "b_cal.fits", exposure_gwcs())
    results = blot_files(i2d, [cal, fits_cal], tmp_path, **RAW)
    results += blot_files(coadd, [fits_cal], tmp_path, overwrite=True, **RAW)
    names = ["r0000101001001001001_0001_wfi01_f158_blt.asdf", "b_sci1_blt.fits", "b_sci1_blt.fits"]
    assert [result.path.name for result in results] == names
    onto_roman, onto_fits = roman_tree(results[0].path), fits.getdata(results[2].path, "SCI")
    assert np.abs(onto_roman["data"] / 2 - expected()).max() <= map_error(texture(MOSAIC))
    assert np.abs(onto_fits - expected()).max() <= map_error(texture(MOSAIC))
    assert fits.getval(results[2].path, "BLOTSRC", "SCI") == str(coadd)


def test_onto_an_image_with_a_fits_wcs_only(coadd, tmp_path):
    header = tan_header((60, 50), scale=0.08, ra=gwcs_files.CENTRE[0], dec=gwcs_files.CENTRE[1], BUNIT="MJy/sr")
    path = write_sci(tmp_path / "one.fits", np.zeros((60, 50), "f4"), header)
    data = fits.getdata(blot_file(coadd, path, tmp_path / "blt.fits", **RAW), "SCI")
    assert np.abs(data - linear_expected(header)).max() <= map_error(texture(MOSAIC))


def linear_expected(header):
    from samples import linear_blot

    return linear_blot(texture(MOSAIC), WCS(mosaic_header(MOSAIC)), WCS(header), (60, 50))


def no_space(*_, **__):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("failing", ["replace", "fsync"])
@pytest.mark.parametrize("old", [None, b"the old blot"], ids=["new", "overwrite"])
def test_a_failure_while_writing_leaves_no_trace(coadd, cal, tmp_path, monkeypatch, failing, old):
    path = tmp_path / "blt.asdf"
    if old is not None:
        path.write_bytes(old)
    with monkeypatch.context() as patch:
        patch.setattr(os, failing, no_space)
        with pytest.raises(FileError, match=r"blt\.asdf: cannot be written: No space left on device"):
            blot_file(coadd, cal, path, overwrite=True, **RAW)
    assert [each.read_bytes() for each in tmp_path.iterdir()] == ([] if old is None else [old])


# Names.


def test_names_of_blots(folder, cal, coadd, tmp_path):
    plain = tmp_path / "plain.asdf"
    plain.write_bytes(cal.read_bytes())
    names = [path.name for _, path in plan_outputs([cal, coadd, plain], tmp_path)]
    roots = [cal.name.removesuffix("_cal.asdf"), coadd.name.removesuffix("_coadd.asdf"), "plain"]
    assert names == [f"{root}_blt.asdf" for root in roots]


def test_a_file_is_known_by_its_content(coadd, cal, tmp_path):
    odd = tmp_path / "cal.dat"
    odd.write_bytes(cal.read_bytes())
    (result,) = blot_files(coadd, [odd], tmp_path, **RAW)
    assert result.path.name == "cal_blt.asdf"
    np.testing.assert_array_equal(
        roman_tree(result.path)["data"], roman_tree(blot_file(coadd, cal, tmp_path / "b.asdf", **RAW))["data"]
    )


def test_two_references_for_one_name_are_refused(cal, tmp_path):
    twin = tmp_path / cal.name
    twin.write_bytes(cal.read_bytes())
    with pytest.raises(ParameterError, match="two references would be written to this file"):
        plan_outputs([cal, twin], tmp_path)


# Units.


@pytest.mark.parametrize(
    ("meta", "tag", "quantity", "bunit"),
    [
        ({}, "wfi_image-1.0.0", None, "DN/s"),
        ({"cal_step": None}, "wfi_image-1.0.0", None, "DN/s"),
        (BRIGHT, "wfi_image-1.0.0", None, "MJy/sr"),
        (BRIGHT, None, None, "MJy/sr"),
        ({"cal_step": None}, "wfi_mosaic-1.0.0", None, "MJy/sr"),
        ({"cal_step": None, "model_type": "MosaicModel"}, None, None, "MJy/sr"),
        ({"model_type": "ImageModel"}, None, None, "DN/s"),
        ({}, None, None, ""),
        ({}, "wfi_image-1.0.0", "electron / s", None),
        (BRIGHT, "wfi_image-1.0.0", "MJy / sr", None),
    ],
)
def test_the_unit_is_that_of_the_kind_of_file(tmp_path, meta, tag, quantity, bunit):
    data = np.zeros(SHAPE, "f4") if quantity is None else np.zeros(SHAPE, "f4") << units.Unit(quantity)
    with open_image(write_roman(tmp_path / "a.asdf", data, exposure_gwcs(), tag, meta)) as image:
        found = image.facts.bunit
    if quantity is None:
        assert found == bunit
    else:  # in one of several spellings
        assert units.Unit(found) == units.Unit(quantity)
        assert unit_kind(found) == unit_kind(quantity)


@pytest.mark.parametrize(("meta", "factor"), [({}, 2.0), (BRIGHT, 1.0)])
def test_brightness_is_blotted_in_the_unit_of_the_reference(coadd, tmp_path, meta, factor):
    tree = roman_tree(blot_file(coadd, write_cal_asdf(tmp_path / "a.asdf", meta=meta), tmp_path / "b.asdf", **RAW))
    assert tree["meta"]["skyblot"]["blotfact"] == factor
    assert np.abs(tree["data"] / factor - expected()).max() <= map_error(texture(MOSAIC))


@pytest.mark.parametrize("value", [None, -999999, -999999.0])
def test_a_conversion_that_is_not_known_is_an_error(coadd, tmp_path, value):
    path = write_cal_asdf(tmp_path / "a_cal.asdf", meta={"photometry": {"conversion_megajanskys": value}})
    with pytest.raises(DataError, match=r"in DN/s \(.*a_cal\.asdf\): .* except to DN/s by the reference's PHOTMJSR"):
        blot_file(coadd, path, tmp_path / "b.asdf", **RAW)


def test_exposure_time_is_that_of_the_exposure(coadd, cal, tmp_path):
    tree = roman_tree(blot_file(coadd, cal, tmp_path / "b.asdf", out_units="counts", **RAW))
    record = tree["meta"]["skyblot"]
    assert (record["blotfact"], record["blotexp"], record["bunit"]) == (214.0, 107.0, "DN")
    with open_image(coadd) as image:
        assert image.facts.find("exptime") == 642.0


@pytest.mark.parametrize(
    ("background", "sky"), [({"level": 1.5, "subtracted": False}, 1.5), ({"level": 1.5, "subtracted": True}, 0)]
)
def test_background_that_the_mosaic_was_freed_from_is_added(coadd, tmp_path, background, sky):
    path = write_cal_asdf(tmp_path / "a.asdf", meta={"background": {**background, "method": "match"}})
    tree = roman_tree(blot_file(coadd, path, tmp_path / "b.asdf", interp="linear"))
    assert tree["meta"]["skyblot"]["blotsky"] == sky
    assert np.abs((tree["data"] - sky) / 2 - expected()).max() <= map_error(texture(MOSAIC))


# Bad files.


def fails(source, reference, output, match, kind=SkyblotError):
    """Blotting is this error, in one sentence, and leaves no file."""
    before = digests(output.parent)
    with pytest.raises(kind, match=match) as caught:
        blot_file(source, reference, output)
    assert "\n" not in str(caught.value)
    assert digests(output.parent) == before


@pytest.mark.parametrize("tag", ["wfi_image-1.0.0", None])
@pytest.mark.parametrize("value", ["null", "absent"])
def test_no_wcs(coadd, tmp_path, tag, value):
    path = write_roman(
        tmp_path / "a.asdf", np.zeros(SHAPE, "f4"), None, tag, () if value == "absent" else {"wcs": False}
    )
    if value == "null":
        path.write_bytes(path.read_bytes().replace(b"wcs: false", b"wcs: null "))
    fails(coadd, path, tmp_path / "out.asdf", r"a\.asdf: no WCS at roman/meta/wcs", WCSError)


@pytest.mark.parametrize("wcs", [{"a": 1}, "somewhere", 3.5])
def test_what_is_no_wcs(coadd, tmp_path, wcs):
    path = write_roman(tmp_path / "a.asdf", np.zeros(SHAPE, "f4"), wcs)
    fails(
        coadd, path, tmp_path / "out.asdf", r"a\.asdf: its roman/meta/wcs gives nothing, expected longitude", WCSError
    )


@pytest.mark.parametrize("shape", [(3, 20, 24), (24,), (0, 5), (1, 20, 24)])
@pytest.mark.parametrize("compression", [None, "zlib"])
def test_what_is_no_image(coadd, tmp_path, shape, compression):
    path = write_roman(
        tmp_path / "a_uncal.asdf", np.zeros(shape, "u2"), None, "wfi_science_raw-1.0.0", compression=compression
    )
    fails(
        coadd, path, tmp_path / "out.asdf", r"a_uncal\.asdf: the shape of its roman/data is .*expected a 2-D", DataError
    )


@pytest.mark.parametrize("tree", [{}, {"sea": 1, "sky": 2}, {"roman": None}, {"roman": {"meta": {}}}, {"roman": [1]}])
def test_what_is_not_roman(coadd, tmp_path, tree):
    asdf.AsdfFile(tree).write_to(tmp_path / "a.asdf")
    fails(coadd, tmp_path / "a.asdf", tmp_path / "out.asdf", r"a\.asdf: holds .*, expected a Roman image in roman/data")


@pytest.mark.parametrize(
    "content",
    [b"#ASDF", b"#ASDF 1.0.0\n", b"#ASDF 1.0.0\n%YAML 1.1\n---\nroman: [1\n...\n", b"#ASDF" + bytes(range(256)) * 40],
)
def test_garbage(coadd, tmp_path, content):
    (tmp_path / "a.asdf").write_bytes(content)
    fails(
        coadd, tmp_path / "a.asdf", tmp_path / "out.asdf", r"a\.asdf: (truncated|not a readable ASDF file)", FileError
    )
    fails(
        tmp_path / "a.asdf",
        tmp_path / "a.asdf",
        tmp_path / "out.asdf",
        r"a\.asdf: (truncated|not a readable)",
        FileError,
    )


def test_no_asdf_at_all_is_taken_for_fits(coadd, tmp_path):
    (tmp_path / "a.asdf").write_bytes(b"ASDF" * 999)
    fails(coadd, tmp_path / "a.asdf", tmp_path / "out.asdf", r"a\.asdf: not a readable FITS file", FileError)


@pytest.mark.parametrize("compression", [None, "lz4"])
@pytest.mark.parametrize("part", np.linspace(0.02, 0.999, 12))
def test_truncated_files(coadd, cal, tmp_path, compression, part):
    whole = coadd.read_bytes() if compression is None else write_coadd(tmp_path / "a", compression="lz4").read_bytes()
    (tmp_path / "cut_coadd.asdf").write_bytes(whole[: int(part * (len(whole) - 1000))])
    fails(tmp_path / "cut_coadd.asdf", cal, tmp_path / "out.asdf", r"cut_coadd\.asdf: (truncated|.*cannot be read)")
    whole = cal.read_bytes()
    (tmp_path / "cut_cal.asdf").write_bytes(whole[: int(part * (len(whole) - 1000))])
    fails(coadd, tmp_path / "cut_cal.asdf", tmp_path / "out.asdf", r"cut_cal\.asdf: (truncated|.*cannot be read)")


@pytest.mark.parametrize("index", [99, -99])
def test_a_block_that_is_not_there(coadd, cal, tmp_path, index):
    with open_image(cal) as image:
        source = image.raw["roman"]["data"]["source"]
    text = cal.read_bytes()
    start = text.index(b"source: %d\n" % source, text.index(b"\n  data:"))
    (tmp_path / "a.asdf").write_bytes(text[:start] + b"source: %d\n" % index + text[start + len(b"source: 0\n") :])
    fails(
        coadd,
        tmp_path / "a.asdf",
        tmp_path / "out.asdf",
        r"a\.asdf: (truncated: .* block 99|its pixels cannot be read)",
    )


def test_an_array_larger_than_its_block(coadd, cal, tmp_path):
    text = cal.read_bytes()
    ny, nx = SHAPE
    (tmp_path / "a.asdf").write_bytes(text.replace(b"shape: [%d, %d]" % SHAPE, b"shape: [%d, %d]" % (ny + 700, nx)))
    fails(coadd, tmp_path / "a.asdf", tmp_path / "out.asdf", r"a\.asdf: truncated: its pixels need 864000 bytes")


def test_a_file_that_shrinks_while_it_is_read(coadd, tmp_path):
    path = tmp_path / "a.asdf"
    path.write_bytes(coadd.read_bytes())
    with open_image(path) as image:
        pixels = image.pixels()
        os.truncate(path, 100_000)
        with pytest.raises(FileError, match=r"a\.asdf: truncated while it was read"):
            pixels[:, :]


def test_an_extension_is_not_known(coadd, cal, tmp_path):
    fails(
        coadd,
        f"{cal}[sci,1]",
        tmp_path / "out.asdf",
        r"cal\.asdf: an ASDF file has no extensions, \[sci,1\]",
        FileError,
    )


@pytest.mark.parametrize("name", ["b.fits", "b.fit", "b.FITS", "b.fits.gz"])
def test_a_fits_name_for_an_asdf_blot_is_refused(coadd, cal, tmp_path, name):
    fails(coadd, cal, tmp_path / name, r"is an ASDF file, expected a name that ends in \.asdf", FileError)


def test_an_asdf_name_for_a_fits_blot_is_refused(coadd, tmp_path):
    path = write_cal(tmp_path / "a_cal.fits", exposure_gwcs())
    fails(coadd, path, tmp_path / "b.asdf", r"is a FITS file, expected a name that ends in \.fits", FileError)


def test_an_input_is_never_overwritten(coadd, cal, tmp_path):
    copy = tmp_path / "cal.asdf"
    copy.write_bytes(cal.read_bytes())
    with pytest.raises(FileError, match="is an input file"):
        blot_file(coadd, copy, copy, overwrite=True)
    assert copy.read_bytes() == cal.read_bytes()


# Packages.


@pytest.mark.parametrize("package", ["asdf", "gwcs", "asdf_astropy"])
def test_the_package_that_is_missing_is_named(monkeypatch, coadd, cal, tmp_path, package):
    monkeypatch.setitem(sys.modules, package, None)
    need = rf"cannot be read without the package {package.replace('_', '-')} \(pip install 'skyblot\[gwcs\]'\)"
    fails(coadd, cal, tmp_path / "out.asdf", need, FileError)


def test_lz4_that_is_missing_is_named(monkeypatch, cal, tmp_path):
    path = write_coadd(tmp_path / "a_coadd.asdf", compression="lz4")
    find = util.find_spec
    monkeypatch.setattr("skyblot.io.asdf.find_spec", lambda name: None if name == "lz4" else find(name))
    fails(
        path,
        cal,
        tmp_path / "out.asdf",
        r"a_coadd\.asdf: its pixels cannot be read: the package lz4 is missing \(pip install 'skyblot",
        FileError,
    )


def test_a_compression_that_is_not_known(cal, tmp_path):
    path = write_coadd(tmp_path / "a_coadd.asdf", compression="lz4")
    content = path.read_bytes()
    start = content.rindex(b"lz4\0")  # of the pixels: those before are of the gwcs
    path.write_bytes(content[:start] + b"wxyz" + content[start + 4 :])
    fails(
        path, cal, tmp_path / "out.asdf", r"a_coadd\.asdf: (its pixels cannot be read|not a readable).*wxyz", FileError
    )


# The command line.


def run(capsys, *arguments):
    with warnings.catch_warnings(), pytest.raises(SystemExit) as caught:
        main([str(each) for each in arguments])
    return caught.value.code, capsys.readouterr()


def test_command(coadd, cal, tmp_path, capsys):
    code, shown = run(capsys, "blot", coadd, cal, "--output-dir", tmp_path, "--interp", "linear", "--no-addsky")
    assert (code, shown.err) == (0, "")
    (path,) = tmp_path.iterdir()
    assert shown.out.startswith(f"{path}  200 x 240  100.0 % covered")
    assert np.abs(roman_tree(path)["data"] / 2 - expected()).max() <= map_error(texture(MOSAIC))


@pytest.mark.parametrize("which", ["source", "reference"])
def test_command_with_a_bad_file_is_exit_code_2_and_no_file(coadd, cal, tmp_path, capsys, which):
    (tmp_path / "bad.asdf").write_bytes(coadd.read_bytes()[:1000])
    names = [tmp_path / "bad.asdf", cal] if which == "source" else [coadd, tmp_path / "bad.asdf"]
    code, shown = run(capsys, "blot", *names, "-o", tmp_path / "out.asdf")
    assert code == 2
    assert shown.err == f"skyblot: error: {tmp_path}/bad.asdf: truncated: its ASDF tree does not end\n"
    assert [path.name for path in tmp_path.iterdir()] == ["bad.asdf"]


def test_nobody_s_warnings_are_changed(coadd, cal, tmp_path):
    before = list(warnings.filters)
    blot_file(coadd, cal, tmp_path / "b.asdf", **RAW)
    assert warnings.filters == before


def test_sky_that_is_not_known_is_a_warning(coadd, cal, tmp_path):
    with pytest.warns(SkyblotWarning, match="no sky value"):
        blot_file(coadd, cal, tmp_path / "b.asdf")


def test_gwcs_of_a_mosaic(coadd):
    with open_image(coadd) as image:
        wcs = image.wcs()
    assert isinstance(wcs, GWCS)
    np.testing.assert_array_equal(
        wcs(*positions()), gwcs_files.mosaic_gwcs(mosaic_header(MOSAIC), MOSAIC)(*positions())
    )
