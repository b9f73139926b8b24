"""What mosaics are called."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mosaic_data import write_exposures

from skyblot.demo import make_demo
from skyblot.io.images import list_images
from skyblot.io.mosaics import default_name, mosaic_name, safe_name
from skyblot.io.names import parse_name


def images_of(paths):
    return [where for path in paths for where in list_images(path)]


@pytest.mark.parametrize(
    ("targets", "name"),
    [
        (["NGC-3603", "NGC-3603  "], "ngc-3603"),
        (["V* RW Cep"], "v-rw-cep"),
        (["HUDF/B (par)"], "hudf-b-par"),
        (["47+TUC"], "47+tuc"),
        (["A", "B"], "clean"),
        (["A", None], "clean"),
        ([None], "clean"),
        (["***"], "clean"),
    ],
)
def test_default(tmp_path, targets, name):
    paths = write_exposures(tmp_path, [{"TARGNAME": target} for target in targets], chips=2)
    assert default_name(images_of(paths)) == name


def test_the_proposers_name_where_there_is_no_other(tmp_path):
    paths = write_exposures(tmp_path, [{"TARGNAME": None, "TARGPROP": "M 51"}] * 2)
    assert default_name(images_of(paths)) == "m-51"


@given(st.text())
def test_a_name_is_safe(target):
    """No folder, no hidden file, no blank, and not too long for a file's name."""
    assert re.fullmatch(r"[a-z0-9+][a-z0-9+.-]*", safe_name(target))
    assert len(safe_name(target)) <= 60


@pytest.mark.parametrize(
    ("labels", "kind", "name"),
    [
        (["flc", "flc"], "drz", "m_drc.fits"),
        (["flt", "flt"], "drz", "m_drz.fits"),
        (["flc", "flt"], "drz", "m_drz.fits"),
        (["whatever"], "drz", "m_drz.fits"),
        (["flc"], "med", "m_med.fits"),
    ],
)
def test_of_hst(tmp_path, labels, kind, name):
    paths = []
    for number, label in enumerate(labels):
        (tmp_path / str(number)).mkdir()
        paths += write_exposures(tmp_path / str(number), [{}], label=label)
    assert mosaic_name("m", images_of(paths), kind) == name


@pytest.mark.parametrize(
    ("kind", "names"),
    [("jwst", ["m_i2d.fits", "m_med.fits"]), ("roman", ["m_coadd.asdf", "m_med.asdf"])],
)
def test_of_pipelines(tmp_path, kind, names):
    pytest.importorskip("gwcs")
    demo = make_demo(tmp_path, kind, exposures=1, chip_shape=(64, 64))
    images = [parse_name(path) for path in demo.exposures]
    assert [mosaic_name("m", images, product) for product in ("drz", "med")] == names
