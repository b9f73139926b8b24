"""JWST's and Roman's own data models and steps on what skyblot reads and writes; run by ``make
compat-jwst``.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1]))

from astropy.io import fits
from gwcs_files import SHAPE, exposure_gwcs, write_i2d
from samples import texture

from skyblot import blot_file, reject_files

pytestmark = [pytest.mark.compat, pytest.mark.filterwarnings("ignore")]

MOSAIC = (420, 420)
PLANES = ("err", "area", "var_poisson", "var_rnoise", "var_flat")


@pytest.fixture(scope="module")
def jwst():
    return pytest.importorskip("stdatamodels.jwst.datamodels", reason="make compat-jwst")


@pytest.fixture(scope="module")
def files(jwst, tmp_path_factory):
    """A mosaic, and an exposure with every plane, one cosmic ray and one pixel without data."""
    folder = tmp_path_factory.mktemp("pipelines")
    i2d = write_i2d(folder / "a_i2d.fits", texture(MOSAIC))
    planes = {name: np.full(SHAPE, 0.01, "f4") for name in PLANES}
    with jwst.ImageModel(data=np.zeros(SHAPE, "f4"), dq=np.zeros(SHAPE, "u4"), **planes) as model:
        model.meta.wcs, model.meta.telescope, model.meta.bunit_data = (
            exposure_gwcs(),
            "JWST",
            "MJy/sr",
        )
        model.save(folder / "flat_cal.fits")
        model.data = fits.getdata(
            blot_file(i2d, folder / "flat_cal.fits", folder / "b.fits", addsky=False), "SCI"
        )
        model.data += np.random.default_rng(1).normal(0, 0.01, SHAPE).astype("f4")
        model.data[50, 60] += 5
        model.data[3, 3], model.dq[3, 3] = np.nan, 1
        model.save(folder / "a_cal.fits")
    return i2d, folder / "a_cal.fits"


def test_blots_masks_and_copies_open_as_models_of_jwst(jwst, files, tmp_path):
    (result,) = reject_files(
        *files[:1], [files[1]], tmp_path, update_dq=True, clean=True, save_blots=True
    )
    with jwst.open(result.blot_path) as model:
        np.testing.assert_array_equal(model.meta.wcs(5.0, 6.0), exposure_gwcs()(5.0, 6.0))
        assert model.data.shape == SHAPE
    for name, flagged in (("a_crf.fits", 17), ("a_crclean.fits", 0)):
        with jwst.open(tmp_path / name) as model:
            assert all(getattr(model, plane).shape == SHAPE for plane in PLANES)
            assert (model.meta.filename, model.dq[50, 60]) == (name, flagged)
            assert np.isfinite(model.data[3, 3]) == (name == "a_crclean.fits")
    with jwst.open(result.path) as model:
        assert model.meta.filename == result.path.name


def test_copies_open_as_models_of_roman(tmp_path):
    roman = pytest.importorskip("roman_datamodels.datamodels", reason="make compat-jwst")
    asdf = pytest.importorskip("asdf")
    from skyblot.io.bad_pixels import BadPixels
    from skyblot.io.images import write_flagged
    from skyblot.io.names import parse_name

    model = roman.ImageModel.create_fake_data(shape=(20, 24))
    model.save(tmp_path / "a_cal.asdf")
    bad = BadPixels(parse_name(tmp_path / "a_cal.asdf"), np.array([30]), np.empty(0), (20, 24))
    write_flagged(tmp_path / "a_crdq.asdf", [bad], 129, overwrite=False)
    with warnings.catch_warnings(), roman.open(tmp_path / "a_crdq.asdf") as copy:
        assert copy.dq[1, 6] == 129
        assert str(copy.meta.filename) == "a_crdq.asdf"
    assert asdf is not None
