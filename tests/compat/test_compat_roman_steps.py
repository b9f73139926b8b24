"""The steps of Roman's pipeline around skyblot: its median and its coadd as mosaics, its coadd of
skyblot's copies.

Run by ``make compat-jwst``.
"""

import sys
import warnings
from pathlib import Path

import asdf
import numpy as np
import pytest
from astropy.io import fits

sys.path.append(str(Path(__file__).parent))

import pipeline_sets as sets

from skyblot import SkyblotWarning, blot_file, info, reject_files
from skyblot.compat.stcal import patch_stcal

pytestmark = [pytest.mark.compat, pytest.mark.filterwarnings("ignore")]

pytest.importorskip("romancal", reason="make compat-jwst")
WIDTH = 1.5  # pixels: of stars


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory):
    """Exposures with truth, the pipeline's median, its flagged exposures, its coadd of those."""
    made = sets.roman_set(tmp_path_factory.mktemp("roman"), WIDTH)
    median, flagged = sets.roman_outliers(made)
    return made, median, flagged, sets.roman_mosaic(made, flagged, "pipeline_coadd.asdf")


@pytest.fixture(scope="module")
def rejected(pipeline, tmp_path_factory):
    """Everything that is written with the pipeline's median as mosaic, and what is said of it."""
    made, median, *_ = pipeline
    folder = tmp_path_factory.mktemp("rejected")
    return (
        *reject(median, made.exposures, folder, update_dq=True, clean=True, save_blots=True),
        folder,
    )


def reject(mosaic, exposures, folder, **how):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        results = reject_files(mosaic, exposures, folder, overwrite=True, **how)
    return results, [
        str(each.message) for each in caught if issubclass(each.category, SkyblotWarning)
    ]


def score(made, results):
    return made.score([fits.getdata(result.path) == 0 for result in results])


def opened(path):
    """A file as a user of roman_datamodels opens it: validated against its schema."""
    from roman_datamodels import datamodels

    return datamodels.open(path)


def test_what_is_taken_with_each_mosaic(pipeline, rejected, tmp_path):
    """As with JWST: the pipeline's own coadd lacks the cores that it took for outliers."""
    made, _, flagged, coadd = pipeline
    results, _, folder = rejected
    copies = [folder / path.name.replace("_cal", "_crdq") for path in made.exposures]
    own = sets.roman_mosaic(made, copies, "ours_coadd.asdf")
    rows = {
        "pipeline": made.score(sets.roman_masks(flagged)),
        "its coadd": score(made, reject(coadd, made.exposures, tmp_path)[0]),
        "its median": score(made, results),
        "coadd of copies": score(made, reject(own, made.exposures, tmp_path)[0]),
    }
    for name, (taken, cores, found, wrong) in rows.items():
        sys.stdout.write(
            f"\n{name}: {taken} of {cores} cores, {found:.3f} of the rays, {wrong:.1e} of the rest"
        )
    assert rows["its median"][0] <= 0.005 * rows["its median"][1]
    assert rows["coadd of copies"][0] <= 0.01 * rows["coadd of copies"][1]
    assert rows["pipeline"][0] > rows["its coadd"][0] > 5 * rows["coadd of copies"][0]
    assert rows["its median"][2] > 0.85
    assert rows["its median"][3] < 1e-4


def test_the_pipeline_itself_flags_with_the_patch(pipeline):
    """No core is taken, and more rays are found; flags are set as the pipeline does."""
    made, _, flagged, _ = pipeline
    with patch_stcal(driz_cr=True):
        planes = sets.roman_planes(made)
    masks = [(dq & sets.OUTLIER["roman"]) > 0 for _, dq in planes]
    theirs, ours = made.score(sets.roman_masks(flagged)), made.score(masks)
    faint = [made.found(each, 3.0) for each in (sets.roman_masks(flagged), masks)]
    sys.stdout.write(f"\nas it is {theirs} {faint[0]:.3f}, patched {ours} {faint[1]:.3f}")
    assert all((dq[mask] & 1 == 1).all() for (_, dq), mask in zip(planes, masks, strict=True))
    assert ours[0] <= 0.005 * ours[1]
    assert theirs[0] > 10 * ours[0]
    assert ours[2] > theirs[2] + 0.05
    assert faint[1] > faint[0] + 0.05
    assert ours[3] < theirs[3]


def test_without_resampling_the_patch_changes_nothing(pipeline):
    made, *_ = pipeline
    plain = sets.roman_planes(made, resample_data=False)
    with patch_stcal(driz_cr=True):
        patched = sets.roman_planes(made, resample_data=False)
    for one, two in zip(plain, patched, strict=True):
        assert (one[1] & sets.OUTLIER["roman"]).any()
        np.testing.assert_array_equal(one[1], two[1])


def test_the_median_says_nothing_of_its_unit_and_background_and_that_is_told(rejected):
    _, told, _ = rejected
    assert sum("there is no BUNIT; taken as MJy/sr" in sentence for sentence in told) == 1
    assert any("its background.level" in sentence and "is added" in sentence for sentence in told)
    assert not any("BKGLEVEL" in sentence for sentence in told)


def test_the_background_is_added_where_the_pipeline_took_it_out(pipeline, tmp_path):
    """romancal's skymatch measures levels above the lowest of them, which stays in the mosaic."""
    made, _, _, coadd = pipeline
    results, told = reject(coadd, made.exposures, tmp_path, save_blots=True)
    assert not any("background.level" in sentence for sentence in told)
    for number, (exposure, result) in enumerate(zip(made.exposures, results, strict=True)):
        with opened(result.blot_path) as blot, opened(exposure) as model:
            level = model.meta.background.level
            assert blot.meta["skyblot"]["blotsky"] == pytest.approx(level, rel=1e-12)
            assert level == pytest.approx(number * sets.STEP, abs=0.01)
            good = (np.array(model.dq) & 1) == 0
            assert np.nanmedian(blot.data[good]) == pytest.approx(
                np.median(model.data[good]), abs=0.01
            )


def test_what_is_understood_of_the_pipelines_mosaics(pipeline):
    _, median, _, coadd = pipeline
    assert [(info(each)[0].kind, info(each)[0].unit) for each in (median, coadd)] == [
        ("mosaic", ""),
        ("mosaic", "MJy/sr"),
    ]


def test_a_coadd_of_one_exposure_that_outlier_detection_saves_is_a_mosaic(pipeline, tmp_path):
    made, *_ = pipeline
    (coadd,) = made.folder.glob("*_outlier_coadd.asdf")  # of the last: in memory, all have one name
    blot = blot_file(coadd, made.exposures[-1], tmp_path / "b.asdf", addsky=False)
    with opened(blot) as model, opened(made.exposures[-1]) as exposure:
        data, level = np.array(exposure.data) - exposure.meta.background.level, np.array(model.data)
    bright = (data > 3) & np.isfinite(level)
    # its kernel widens stars
    assert np.sum(level[bright]) / np.sum(data[bright]) == pytest.approx(0.85, abs=0.15)
    assert np.corrcoef(data[bright], level[bright])[0, 1] > 0.9


def test_blots_open_as_models(pipeline, rejected):
    made, *_ = pipeline
    results, *_ = rejected
    for exposure, result in zip(made.exposures, results, strict=True):
        with opened(exposure) as model, opened(result.blot_path) as blot:
            assert type(blot) is type(model)
            assert blot.meta.filename == result.blot_path.name
            assert blot.meta.wcs(7.0, 9.0) == model.meta.wcs(7.0, 9.0)
            assert (blot.data.shape, blot.data.dtype, blot.dq.max()) == (
                model.data.shape,
                np.dtype("f4"),
                0,
            )
            assert np.isnan(blot.err).all()
            assert blot.meta.exposure.start_time == model.meta.exposure.start_time


def test_a_blot_onto_a_coadd_is_no_coadd(pipeline, tmp_path):
    """It has no table of what it is made of, which a coadd must have; asdf reads it. The median is
    on the same grid.
    """
    _, median, _, coadd = pipeline
    path = blot_file(median, coadd, tmp_path / "x_blt.asdf", addsky=False)
    with asdf.open(path) as blot, asdf.open(median) as source:
        assert type(blot["roman"]) is dict
        known = np.isfinite(blot["roman"]["data"]) & np.isfinite(source["data"])
        assert known.mean() > 0.5
        np.testing.assert_allclose(blot["roman"]["data"][known], source["data"][known], atol=1e-3)


def test_copies_open_as_models_and_are_what_they_were_elsewhere(pipeline, rejected):
    made, *_ = pipeline
    results, _, folder = rejected
    for exposure, result in zip(made.exposures, results, strict=True):
        bad = fits.getdata(result.path) == 0
        names = [exposure.name.replace("_cal", label) for label in ("_crdq", "_crclean")]
        with (
            opened(exposure) as model,
            opened(folder / names[0]) as flagged,
            opened(folder / names[1]) as clean,
        ):
            flags = np.uint32(sets.OUTLIER["roman"] | 1)
            np.testing.assert_array_equal(flagged.dq, np.where(bad, model.dq | flags, model.dq))
            np.testing.assert_array_equal(flagged.data, model.data)
            np.testing.assert_array_equal(clean.dq, model.dq)
            np.testing.assert_array_equal(np.array(clean.data)[~bad], np.array(model.data)[~bad])
            assert [str(flagged.meta.filename), str(clean.meta.filename)] == names
            for name in ("err", "var_poisson", "chisq", "dumo", "amp33"):
                np.testing.assert_array_equal(getattr(flagged, name), getattr(model, name))
