"""Blots onto Roman's images as its data models write them: the tag, and every plane that the tag
asks for.
"""

import os
import subprocess
import sys
import warnings

import asdf
import numpy as np
import pytest
from gwcs_files import SHAPE, exposure_gwcs, map_error, write_roman
from roman_files import MOSAIC, RAW, expected, write_coadd
from samples import texture

import skyblot
from skyblot import blot_file
from skyblot.headers.pixel_facts import READ_VARIANCE
from skyblot.io.asdf import open_image
from skyblot.io.names import parse_name

TAG = "wfi_image-2.1.0"
#: Planes of level 2 beside the pixels; the last two are not of the image's shape.
PLANES = {"dq": "u4", "err": "f2", "var_poisson": "f2", "amp33": "u2", "border_ref_pix_left": "f4"}
SHAPES = {"amp33": (3, 50, 12), "border_ref_pix_left": (3, 200, 4)}


def write_model(path, **more):
    """An exposure with all planes, metadata with tags, and flags that are no flags of a blot."""
    planes = {name: np.full(SHAPES.get(name, SHAPE), 7, kind) for name, kind in PLANES.items()}
    start = asdf.tagged.TaggedString("2027-01-01T00:00:00.000")
    start._tag = "tag:stsci.edu:asdf/time/time-1.4.0"
    name = asdf.tagged.TaggedString(path.name)
    name._tag = "asdf://stsci.edu/datamodels/roman/tags/filename-1.0.0"
    meta = {"filename": name, "file_date": start, "model_type": "ImageModel"}
    return write_roman(path, np.zeros(SHAPE, "f4"), exposure_gwcs(), TAG, meta, **(planes | more))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    return write_coadd(folder / "a_coadd.asdf"), write_model(folder / "a_cal.asdf")


def tree_of(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tags that nobody knows here
        with asdf.open(path, memmap=False, lazy_load=False) as file:
            return file["roman"]


def raw_of(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return asdf.util.load_yaml(path, tagged=True)["roman"]


def test_a_blot_has_the_tags_of_its_exposure(files, tmp_path):
    raw = raw_of(blot_file(*files, tmp_path / "b_blt.asdf", **RAW))
    old = raw_of(files[1])
    assert (raw._tag, set(raw)) == (old._tag, set(old))
    assert str(raw["meta"]["filename"]) == "b_blt.asdf"
    for name in ("filename", "file_date"):
        assert raw["meta"][name]._tag == old["meta"][name]._tag
    assert str(raw["meta"]["file_date"]) == "2027-01-01T00:00:00.000"
    assert set(raw["meta"]) == {*old["meta"], "skyblot"}


@pytest.mark.parametrize("how", [{}, {"compress": True}], ids=str)
def test_nothing_is_known_in_the_planes_that_a_blot_has_not(files, tmp_path, how):
    path = blot_file(*files, tmp_path / "b.asdf", **RAW, **how)
    tree = tree_of(path)
    assert np.abs(tree["data"] * 0.5 - expected()).max() <= map_error(texture(MOSAIC))
    for name, kind in PLANES.items():
        assert (tree[name].shape, tree[name].dtype) == (SHAPES.get(name, SHAPE), np.dtype(kind))
        assert np.isnan(tree[name]).all() if kind.startswith("f") else not tree[name].any()
    # the pixels, the gwcs, and little else
    assert path.stat().st_size < np.prod(SHAPE) * 4 + 30_000


def test_errors_of_a_blot_have_the_type_that_the_tag_asks_for(tmp_path):
    coadd = write_coadd(tmp_path / "e_coadd.asdf", err=np.full(MOSAIC, 0.25, "f4"))
    tree = tree_of(
        blot_file(
            coadd, write_model(tmp_path / "e_cal.asdf"), tmp_path / "b.asdf", errors=True, **RAW
        )
    )
    assert tree["err"].dtype == np.dtype("f2")
    # Linear interpolation at most keeps the error, and at worst halves it; 2 DN/s for 1 MJy/sr.
    assert 0.25 - 1e-3 <= tree["err"].min() < tree["err"].max() <= 0.5 + 1e-3
    assert np.isnan(tree["var_poisson"]).all()


def test_planes_have_the_shape_of_the_blot(files, tmp_path):
    tree = tree_of(
        blot_file(*files, tmp_path / "b.asdf", outnx=100, outny=90, outscale=0.07, **RAW)
    )
    assert tree["dq"].shape == tree["err"].shape == tree["data"].shape == (90, 100)
    assert tree["amp33"].shape == SHAPES["amp33"]


@pytest.mark.parametrize("case", ["labels", "quantity", "tables", "no planes", "no tag"])
def test_what_is_no_such_file_has_no_tag(files, tmp_path, case):
    from astropy import units

    path, how, source = tmp_path / "c_cal.asdf", dict(RAW), files[0]
    if case == "labels":
        source = write_coadd(tmp_path / "l_coadd.asdf", np.full(MOSAIC, 5, "i4"))
        write_model(path)
        how = {"interp": "nearest"}
    elif case == "quantity":
        planes = {name: np.zeros(SHAPE, "f4") << units.Unit("DN / s") for name in ("err",)}
        write_roman(
            path, np.zeros(SHAPE, "f4") << units.Unit("DN / s"), exposure_gwcs(), TAG, **planes
        )
    else:
        planes = {} if case == "no planes" else {"err": np.zeros(SHAPE, "f4")}
        meta = {"model_type": "ImageModel"} | (
            {"individual": {"names": np.arange(300)}} if case == "tables" else {}
        )
        write_roman(
            path,
            np.zeros(SHAPE, "f4"),
            exposure_gwcs(),
            TAG if case != "no tag" else "",
            meta,
            **planes,
        )
    blot = blot_file(source, path, tmp_path / "b.asdf", **how)
    assert not getattr(raw_of(blot), "_tag", "")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of a tag that is not known
        with asdf.open(blot) as file:
            assert set(file["roman"]) == {"data", "meta"}


def test_a_blot_with_a_tag_is_known_as_one_and_blotted_again(files, tmp_path):
    blot = blot_file(*files, tmp_path / "b.asdf", **RAW)
    (told,) = skyblot.info(blot)
    assert told.kind == "blot"
    with open_image(parse_name(blot)) as image:
        assert image.facts.bunit == "DN/s"
    again = blot_file(files[0], blot, tmp_path / "again.asdf", **RAW)
    np.testing.assert_array_equal(tree_of(again)["data"], tree_of(blot)["data"])


# The same bytes.

ONCE = """
import sys, warnings
warnings.simplefilter("ignore")
import skyblot
for name in sys.argv[3:]:
    choices = dict(addsky=False, overwrite=True, compress="z" in name, threads=1)
    skyblot.blot_file(sys.argv[1], sys.argv[2], name, **choices)
"""


def test_blots_are_the_same_bytes_whenever_they_are_made(files, tmp_path):
    """asdf lists its extensions in the order of hashes, which differ from process to process."""
    paths = [tmp_path / name for name in ("a_blt.asdf", "z_blt.asdf")]
    made = set()
    for seed in "012":
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        arguments = [sys.executable, "-c", ONCE, *map(str, [*files, *paths])]
        subprocess.run(arguments, check=True, env=environment)
        made.add(tuple(path.read_bytes() for path in paths))
    assert len(made) == 1
    for path in paths:
        with asdf.open(path, ignore_unrecognized_tag=True) as file:
            listed = [each["extension_uri"] for each in file["history"]["extensions"]]
        assert listed == sorted(listed)


def test_the_variance_of_reading_is_a_plane_of_an_exposure(tmp_path):
    """Roman's mosaics are weighed by it; in level 2 it may have fewer bits than the pixels."""
    planes = {"var_rnoise": np.full(SHAPE, 0.25, "f2")}
    with open_image(parse_name(write_model(tmp_path / "r_cal.asdf", **planes))) as image:
        plane = image.plane(READ_VARIANCE)
        assert plane is not None
        np.testing.assert_array_equal(image.plane_pixels(plane), planes["var_rnoise"])
    with open_image(parse_name(write_model(tmp_path / "s_cal.asdf"))) as image:
        assert image.plane(READ_VARIANCE) is None
