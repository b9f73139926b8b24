"""Mosaics that skyblot writes, opened by the data models of JWST and Roman.

Run by ``make compat-jwst``.
"""

import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1] / "clean"))

from mosaic_data import DRIZZLE, SHAPE, inputs_of, new_mosaic

from skyblot.demo import make_demo
from skyblot.io.images import open_image
from skyblot.io.mosaics import write_mosaic

pytestmark = [pytest.mark.compat, pytest.mark.filterwarnings("ignore")]

EXPOSURES = 3


@pytest.fixture(scope="module")
def jwst_models():
    return pytest.importorskip("jwst.datamodels", reason="make compat-jwst")


@pytest.fixture(scope="module")
def roman_models():
    return pytest.importorskip("roman_datamodels.datamodels", reason="make compat-jwst")


def exposures(folder, kind):
    return make_demo(folder, kind, exposures=EXPOSURES, chip_shape=(64, 64)).exposures


def written(path, names, **changes):
    with inputs_of(names, sky=1.0, mask="m.fits") as inputs:
        kinds = ("poisson", "rnoise", "flat")
        variances = {kind: np.full(SHAPE, k, "f4") for k, kind in enumerate(kinds)}
        facts = {"bunit": "MJy/sr", "variances": variances, **changes}
        new = new_mosaic(path, inputs, **facts)
        write_mosaic(new)
    return new


STACK = {"drizzle": None, "context": None, "errors": None, "variances": {}}


@pytest.mark.parametrize("changes", [{}, STACK, {"compress": True}], ids=["drz", "med", "small"])
def test_jwst_opens_it(jwst_models, tmp_path, changes):
    new = written(tmp_path / "m_i2d.fits", exposures(tmp_path, "jwst"), **changes)
    with jwst_models.open(new.path) as model:
        assert isinstance(model, jwst_models.ImageModel)
        model.validate()
        np.testing.assert_array_equal(model.data, new.data)
        np.testing.assert_array_equal(model.wht, new.weights)
        x, y = np.meshgrid(np.arange(SHAPE[1]), np.arange(SHAPE[0]))
        expected = new.wcs.wcs_pix2world(x, y, 0)
        np.testing.assert_allclose(model.meta.wcs(x, y), expected, rtol=1e-13)
        assert model.meta.bunit_data == "MJy/sr"
        assert model.meta.cal_step.resample == "COMPLETE"
        assert model.meta.exposure.exposure_time == pytest.approx(3 * 311.366)
        area = abs(np.linalg.det(new.wcs.pixel_scale_matrix))
        assert model.meta.photometry.pixelarea_arcsecsq == pytest.approx(area * 3600**2)
        assert model.meta.photometry.pixelarea_steradians == pytest.approx(
            np.radians(1) ** 2 * area
        )
        resample = model.meta.resample
        assert resample.pointings == EXPOSURES
        if new.drizzle is None:
            return
        np.testing.assert_array_equal(model.con, new.context)
        np.testing.assert_array_equal(model.var_flat, new.variances["flat"])
        assert (resample.pixfrac, resample.kernel) == (DRIZZLE.pixfrac, DRIZZLE.kernel)
        assert (resample.weight_type, resample.fillval) == ("exptime", "NaN")


def test_jwst_saves_it_and_opens_that(jwst_models, tmp_path):
    new = written(tmp_path / "m_i2d.fits", exposures(tmp_path, "jwst"))
    with jwst_models.ImageModel(new.path, strict_validation=True) as model:
        model.save(tmp_path / "again_i2d.fits")
    with open_image(tmp_path / "again_i2d.fits") as image:
        assert image.facts.find("NCOMBINE") == EXPOSURES


def roman_exposures(models, folder):
    """Exposures as Roman's data models save them, with their own tags."""
    names = []
    for number, plain in enumerate(exposures(folder, "roman")):
        model = models.ImageModel.create_fake_data(shape=(64, 64))
        with open_image(plain) as image:
            model.meta.wcs = image.wcs()
        model.meta.instrument.optical_element = "F158"
        model.meta.exposure.exposure_time = 100.0
        model.meta.exposure.effective_exposure_time = 100.0
        model.meta.exposure.start_time += number
        model.meta.exposure.end_time += number + 0.1
        model.meta.observation.visit = 7
        model.meta.observation.exposure = number
        names.append(folder / f"r{number}_cal.asdf")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.save(names[-1])
    return names


@pytest.mark.parametrize("changes", [{}, STACK, {"compress": True}], ids=["drz", "med", "small"])
@pytest.mark.parametrize("tagged", [False, True])
def test_roman_opens_it(roman_models, tmp_path, changes, tagged):
    made = roman_exposures(roman_models, tmp_path) if tagged else exposures(tmp_path, "roman")
    new = written(tmp_path / "m_coadd.asdf", made, **changes)
    with roman_models.open(new.path) as model:
        assert isinstance(model, roman_models.MosaicModel)
        model.validate()
        np.testing.assert_array_equal(model.data, new.data)
        np.testing.assert_array_equal(model.weight, new.weights)
        x, y = np.meshgrid(np.arange(SHAPE[1]), np.arange(SHAPE[0]))
        expected = new.wcs.wcs_pix2world(x, y, 0)
        np.testing.assert_allclose(model.meta.wcs(x, y), expected, rtol=1e-13)
        assert model.meta.instrument.optical_element == "F158"
        assert model.meta.cal_step.flux == "COMPLETE"
        assert model.meta.resample.pointings == EXPOSURES
        if tagged:
            assert (model.meta.observation.visit, model.meta.observation.exposure) == (7, None)
            assert model.meta.coadd_info.exposure_time == 300.0
            first, last = model.meta.coadd_info.time_first, model.meta.coadd_info.time_last
            assert (last - first).jd == pytest.approx(EXPOSURES - 1 + 0.1)
