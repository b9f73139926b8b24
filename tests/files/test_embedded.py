"""The extension ASDF of a blot: its tree keeps what is known, and refers to no plane that the blot
has not.
"""

import io

import gwcs_files
import numpy as np
import pytest
from astropy.io import fits
from gwcs_files import NDARRAY, SHAPE, exposure_gwcs, write_i2d, write_jwst
from samples import rewrite, texture

from skyblot import blot_file
from skyblot.io.embedded import pruned
from skyblot.io.images import open_image

asdf = pytest.importorskip("asdf")
pytest.importorskip("gwcs")

MOSAIC = (420, 420)
#: Planes of a real cal file, and what else its tree may refer to.
PLANES = {
    "dq": "DQ",
    "err": "ERR",
    "area": "AREA",
    "var_poisson": "VAR_POISSON",
    "var_rnoise": "VAR_RNOISE",
}


def elsewhere(place, kind="float32"):
    node = {"source": f"fits:{place},1", "datatype": kind, "byteorder": "big", "shape": list(SHAPE)}
    return asdf.tagged.TaggedDict(node, NDARRAY)


def full_tree():
    """A tree as JWST's: planes by reference, metadata with arrays in blocks, the hash of the FITS
    file.
    """
    tree = {name: elsewhere(place) for name, place in PLANES.items()}
    tree |= {
        "data": elsewhere("SCI"),
        "_fits_hash": "0" * 64,
        "extra_fits": {"D2IMARR": {"data": elsewhere("D2IMARR")}},
    }
    return tree | {
        "meta": {"telescope": "JWST", "wcs": exposure_gwcs(), "table": np.arange(500.0)},
        "notes": ["a", 1],
    }


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("embedded")
    header = gwcs_files.sip_header(exposure_gwcs())
    header["BUNIT"] = "MJy/sr"
    cal = write_jwst(folder / "a_cal.fits", np.zeros(SHAPE, "f4"), None, header, full_tree())
    return write_i2d(folder / "a_i2d.fits", texture(MOSAIC)), cal


def content_of(path):
    with fits.open(path) as hdus:
        cell = hdus["ASDF"].data
        return (cell["ASDF_METADATA"][0] if cell.dtype.names else cell).tobytes()


def tree_of(path):
    return asdf.util.load_yaml(io.BytesIO(content_of(path)), tagged=True)


def test_the_tree_of_a_blot_refers_to_its_own_pixels_only(files, tmp_path):
    blot = blot_file(*files, tmp_path / "b.fits", addsky=False)
    old, new = tree_of(files[1]), tree_of(blot)
    assert set(old) - set(new) == {*PLANES, "_fits_hash", "extra_fits"}
    assert new["data"]["source"] == "fits:SCI,1"
    assert (new["meta"], new["notes"]) == (old["meta"], old["notes"])
    with asdf.open(io.BytesIO(content_of(blot)), ignore_unrecognized_tag=True) as file:
        np.testing.assert_array_equal(file["meta"]["table"], np.arange(500.0))
        np.testing.assert_array_equal(file["meta"]["wcs"](5.0, 6.0), exposure_gwcs()(5.0, 6.0))


def test_errors_of_a_blot_stay_referred_to(files, tmp_path):
    assert "err" in tree_of(blot_file(*files, tmp_path / "b.fits", addsky=False, errors=True))


def test_blocks_and_their_index_stay_where_they_are(files, tmp_path):
    old, new = (
        content_of(files[1]),
        content_of(blot_file(*files, tmp_path / "b.fits", addsky=False)),
    )
    assert len(new) == len(old)
    start = old.index(b"\n...\n")
    assert new[start:] == old[start:]


@pytest.mark.parametrize("how", [{}, {"compress": True}])
def test_the_gwcs_of_a_blot_is_that_of_its_reference(files, tmp_path, how):
    name = "b.fits.fz" if how else "b.fits"
    with open_image(blot_file(*files, tmp_path / name, addsky=False, **how)) as image:
        np.testing.assert_array_equal(image.wcs()(5.0, 6.0), exposure_gwcs()(5.0, 6.0))


def test_an_image_extension_as_in_old_files_is_changed_alike(files, tmp_path):
    def as_image(hdus):
        hdus["ASDF"] = fits.ImageHDU(hdus["ASDF"].data["ASDF_METADATA"][0], name="ASDF")

    old = rewrite(files[1], tmp_path / "old_cal.fits", as_image)
    assert "dq" not in tree_of(blot_file(files[0], old, tmp_path / "b.fits", addsky=False))


@pytest.mark.parametrize(
    ("tree", "kept"),
    [
        ("a: 1\ndq: !core/ndarray-1.0.0\n  source: fits:DQ,1\nb: 2", {"a", "b"}),
        ("dq:\n  source: 'fits:DQ,1'\nb: 2", {"b"}),
        ('dq: {source: "fits:DQ,1", shape: [2, 3]}\nb: 2', {"b"}),
        ("data: {source: 'fits:SCI,1'}\nlast: {source: 'fits:SCI,2'}", {"data"}),
        ("list:\n- source: fits:DQ,1\n- 5\nb: 2", {"b"}),
        ("dq:\n  source: fits:DQ,1\n  shape: &id001 [2, 3]\nb: *id001", {"dq", "b"}),
        ("text: |\n  fits:DQ,1\n\n  more\nb: 2", {"text", "b"}),
        ("data:\n  source: fits:sci,1", {"data"}),
    ],
)
def test_nodes_that_are_lost(tree, kept):
    yaml = pytest.importorskip("yaml")
    content = f"#ASDF 1.0.0\n%YAML 1.1\n--- \n{tree}\n...\nrest\0".encode()
    made = pruned(content, {("SCI", 1)})
    assert len(made) == len(content)
    assert made.endswith(b"\n...\nrest\0")
    text = (
        made[made.index(b"---") + 4 : made.index(b"\n...")]
        .decode()
        .replace("!core/ndarray-1.0.0", "")
    )
    assert set(yaml.safe_load(text)) == kept


def test_what_is_no_asdf_is_left_as_it_is():
    assert pruned(b"no tree", set()) == b"no tree"
