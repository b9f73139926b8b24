"""What is said once for a run, shown by info, and counted in the plan, of data from the ground."""

import warnings

import numpy as np
import pytest
from astropy.io import fits
from test_weights import SHAPE, write

import skyblot
from skyblot import reject_files


@pytest.fixture
def exposures(tmp_path):
    paths = [write(tmp_path, np.ones(SHAPE), name=f"obj_{k:03d}") for k in (1, 2, 3)]
    fits.setval(tmp_path / "coadd.fits", "EXPTIME", value=180.0)
    fits.setval(tmp_path / "coadd.fits", "COMBINET", value="MEDIAN")
    return paths


def memory_of(paths, **how):
    where = paths[0].parent
    return skyblot.plan_masks(
        where / "coadd.fits", paths, where, overwrite=True, threads=1, **how
    ).memory_bytes


def test_a_coadd_is_taken_as_one_exposure_once_for_all(tmp_path, exposures):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        reject_files(tmp_path / "coadd.fits", exposures, tmp_path)
    assert sum("those of one exposure" in str(each.message) for each in caught) == 1


def test_info_shows_the_weights_beside_an_exposure(tmp_path, exposures, run):
    (image,) = skyblot.info(exposures[0])
    assert image.weights == str(tmp_path / "obj_001.weight.fits")
    assert "obj_001.weight.fits" in run("info", exposures[0])[1]
    (tmp_path / "obj_001.weight.fits").unlink()
    assert not skyblot.info(exposures[0])[0].weights


def test_the_plan_counts_the_map_of_the_background(exposures):
    """A spline in double precision, its single, and the exposure without it: 16 bytes a pixel."""
    more = memory_of(exposures, background="map") - memory_of(exposures)
    assert more == 16 * SHAPE[0] * SHAPE[1]
