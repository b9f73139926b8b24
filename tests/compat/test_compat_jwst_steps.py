"""The steps of JWST's pipeline around skyblot: its median and its i2d as mosaics, its mosaic of
skyblot's copies.

Run by ``make compat-jwst``; with ``-s`` it prints what the documentation shows.
"""

import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from scipy.ndimage import gaussian_filter, maximum_filter

sys.path.append(str(Path(__file__).parent))

import pipeline_sets as sets

from skyblot import SkyblotWarning, blot_file, info, reject_files
from skyblot.compat.stcal import gwcs_blot, patch_stcal

pytestmark = [pytest.mark.compat, pytest.mark.filterwarnings("ignore")]

pytest.importorskip("jwst.datamodels", reason="make compat-jwst")
#: Widths of stars, in pixels: F356W, F150W and F115W of NIRCam are near.
WIDTHS = (2.0, 1.5, 1.2)


@pytest.fixture(scope="module", params=WIDTHS)
def pipeline(request, tmp_path_factory):
    """Exposures with truth, the pipeline's median, its flagged exposures, and its i2d of those."""
    made = sets.jwst_set(tmp_path_factory.mktemp("jwst"), request.param)
    median, flagged = sets.jwst_outliers(made)
    return (
        request.param,
        made,
        median,
        flagged,
        sets.jwst_mosaic(made, flagged, "pipeline_i2d.fits"),
    )


def reject(mosaic, exposures, folder, **how):
    """The results, and what was said of them."""
    folder.mkdir()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        results = reject_files(mosaic, exposures, folder, **how)
    return results, [
        str(each.message) for each in caught if issubclass(each.category, SkyblotWarning)
    ]


def score(made, results):
    return made.score([fits.getdata(result.path) == 0 for result in results])


def test_what_is_taken_with_each_mosaic(pipeline, tmp_path):
    """The pipeline takes undersampled cores for outliers; its i2d lacks them, and its median and
    ours have them.
    """
    width, made, median, flagged, i2d = pipeline
    with_median, told = reject(median, made.exposures, tmp_path / "median", update_dq=True)
    assert not told
    copies = [tmp_path / "median" / path.name.replace("_cal", "_crf") for path in made.exposures]
    own = sets.jwst_mosaic(made, copies, "ours_i2d.fits")
    rows = {
        "pipeline": made.score(sets.jwst_masks(flagged)),
        "its i2d": score(made, reject(i2d, made.exposures, tmp_path / "i2d")[0]),
        "its median": score(made, with_median),
        "i2d of copies": score(made, reject(own, made.exposures, tmp_path / "own")[0]),
    }
    for name, (taken, cores, found, wrong) in rows.items():
        sys.stdout.write(
            f"\n{width} pixels, {name}: {taken} of {cores} cores, {found:.3f} of the rays, "
            f"{wrong:.1e} of the rest"
        )
    assert rows["its median"][0] <= 0.005 * rows["its median"][1]
    assert rows["i2d of copies"][0] <= 0.01 * rows["i2d of copies"][1]
    assert rows["its median"][2] > 0.90
    assert rows["its median"][3] < 1e-4
    if width < 2:
        assert rows["pipeline"][0] > rows["its i2d"][0] > 10 * rows["its median"][0]
        assert rows["its i2d"][0] > 5 * rows["i2d of copies"][0]


def test_the_pipeline_itself_flags_with_the_patch(pipeline):
    """No core is taken, and more rays are found; flags and NaN are set as the pipeline does."""
    width, made, _, flagged, _ = pipeline
    with patch_stcal(driz_cr=True):
        planes = sets.jwst_planes(made)
    masks = [(dq & sets.OUTLIER["jwst"]) > 0 for _, dq in planes]
    theirs, ours = made.score(sets.jwst_masks(flagged)), made.score(masks)
    faint = [made.found(each, 3.0) for each in (sets.jwst_masks(flagged), masks)]
    for name, (taken, cores, found, wrong), above in zip(
        ("as it is", "patched"), (theirs, ours), faint, strict=True
    ):
        sys.stdout.write(
            f"\n{width} pixels, {name}: {taken} of {cores} cores, {above:.3f} {found:.3f} of the "
            f"rays above 3, 5 sigma, {wrong:.1e} of the rest"
        )
    for (data, dq), mask in zip(planes, masks, strict=True):
        assert (dq[mask] & 1 == 1).all()
        assert np.isnan(data[mask]).all()
    assert ours[0] <= 0.005 * ours[1]
    assert theirs[0] > 10 * ours[0]
    assert ours[2] > theirs[2]
    assert faint[1] > faint[0] + 0.05
    assert ours[3] < theirs[3]


def test_without_resampling_the_patch_changes_nothing(pipeline):
    made = pipeline[1]
    plain = sets.jwst_planes(made, resample_data=False)
    with patch_stcal(driz_cr=True):
        patched = sets.jwst_planes(made, resample_data=False)
    for one, two in zip(plain, patched, strict=True):
        assert (one[1] & sets.OUTLIER["jwst"]).any()
        np.testing.assert_array_equal(one[1], two[1])


def test_positions_and_flux_of_the_mosaics_are_those_of_the_exposures(pipeline, tmp_path):
    """Drizzle's square kernel is symmetric and conserves brightness: stars stay in place, as bright
    as they are.
    """
    width, made, median, _, i2d = pipeline
    for mosaic in (median, i2d):
        shifts, fluxes = [], []
        for exposure, frame, places in zip(
            made.exposures, made.frames, made.positions, strict=True
        ):
            blot = fits.getdata(
                blot_file(mosaic, exposure, tmp_path / "b.fits", addsky=False, overwrite=True),
                "SCI",
            )
            dx, dy, flux = shift_and_flux(frame.clean - frame.clean.min(), blot, places)
            shifts.append((dx, dy))
            fluxes.append(flux)
        sys.stdout.write(
            f"\n{width} pixels, {mosaic.name}: {np.mean(shifts, axis=0)}, {np.mean(fluxes):.4f}"
        )
        assert np.abs(np.mean(shifts, axis=0)).max() < 0.02
        if mosaic == median or width == max(WIDTHS):
            assert np.mean(fluxes) == pytest.approx(1, abs=0.02)
        else:
            assert np.mean(fluxes) < 0.95  # cores are gone


def shift_and_flux(truth, blot, places):
    """Least squares of the blot by the truth and its slopes, both smoothed, around the stars; sums
    give the flux.
    """
    known = np.isfinite(blot)
    near = np.zeros(truth.shape, bool)
    near[places[1], places[0]] = True
    near = maximum_filter(near, 13) & ~maximum_filter(~known, 9)
    near[:12], near[-12:], near[:, :12], near[:, -12:] = False, False, False, False
    flux = np.nansum(np.where(near, blot, 0)) / np.sum(np.where(near, truth, 0))
    truth, blot = (gaussian_filter(np.where(known, each, 0.0), 2.0) for each in (truth, blot))
    slope_y, slope_x = np.gradient(truth)
    design = np.stack([truth[near], slope_x[near], slope_y[near], np.ones(near.sum())], axis=1)
    scale, along_x, along_y, _ = np.linalg.lstsq(design, blot[near], rcond=None)[0]
    return -along_x / scale, -along_y / scale, flux


def test_the_background_is_added_where_the_pipeline_took_it_out(pipeline, tmp_path):
    """Each exposure has its own sky, which skymatch measured and left, and resample took out of the
    mosaics.
    """
    _, made, median, _, i2d = pipeline
    assert [fits.getval(path, "S_SKYMAT") for path in (median, i2d)] == ["COMPLETE"] * 2
    for mosaic in (median, i2d):
        assert abs(np.nanmedian(fits.getdata(mosaic, "SCI"))) < 0.02
        results, told = reject(mosaic, made.exposures, tmp_path / mosaic.stem, save_blots=True)
        assert not any("BKGLEVEL" in sentence or "sky" in sentence for sentence in told)
        for exposure, sky, result in zip(made.exposures, made.skies, results, strict=True):
            assert fits.getval(result.blot_path, "BLOTSKY", "SCI") == pytest.approx(sky, abs=0.01)
            blot, data = fits.getdata(result.blot_path, "SCI"), fits.getdata(exposure, "SCI")
            assert np.nanmedian(blot) == pytest.approx(np.nanmedian(data), abs=0.01)
            assert result.background == pytest.approx(0, abs=0.01)


def test_what_is_understood_of_the_pipelines_mosaics(pipeline):
    for mosaic in pipeline[2], pipeline[4]:
        told = info(mosaic)[0]
        assert (told.kind, told.unit, told.unit_kind) == ("mosaic", "MJy/sr", "surface brightness")
        assert told.wcs.header_offset is None


def test_a_linear_blot_of_the_median_is_the_pipelines(pipeline, tmp_path):
    """jwst's outlier detection blots bilinearly, on its gwcs; the file's header is the same tangent
    plane.
    """
    from jwst import datamodels

    _, made, median, _, _ = pipeline
    exposure = made.exposures[0]
    ours = fits.getdata(
        blot_file(median, exposure, tmp_path / "b.fits", interp="linear", addsky=False), "SCI"
    )
    with datamodels.open(median) as source, datamodels.open(exposure) as target:
        theirs = gwcs_blot(
            source.data, source.meta.wcs, target.data.shape, target.meta.wcs, fillval=0.0
        )
    both = np.isfinite(ours) & np.isfinite(theirs)
    assert both.mean() > 0.99
    np.testing.assert_allclose(ours[both], theirs[both], atol=0.02)


def test_everything_written_opens_as_models(pipeline, tmp_path):
    """Blots, masks and copies of exposures that jwst wrote, with every plane."""
    from jwst import datamodels

    _, made, median, _, _ = pipeline
    (result,), _ = reject(
        median, made.exposures[:1], tmp_path / "o", update_dq=True, clean=True, save_blots=True
    )
    root = made.exposures[0].name.replace("_cal.fits", "")
    with datamodels.open(made.exposures[0]) as exposure:
        wcs, planes = exposure.meta.wcs, ("err", "area", "var_poisson", "var_rnoise", "var_flat")
        for label in ("crf", "crclean"):
            with datamodels.open(tmp_path / "o" / f"{root}_{label}.fits") as copy:
                for name in planes:
                    np.testing.assert_array_equal(getattr(copy, name), getattr(exposure, name))
                assert copy.meta.filename == f"{root}_{label}.fits"
                assert copy.meta.background.level == exposure.meta.background.level
                assert copy.meta.wcs(7.0, 9.0) == wcs(7.0, 9.0)
    bad = fits.getdata(result.path) == 0
    with datamodels.open(result.path) as mask:
        assert type(mask).__name__ == "ImageModel"
        np.testing.assert_array_equal(mask.data, ~bad)
        assert mask.meta.filename == result.path.name
    with datamodels.open(result.blot_path) as blot:
        assert blot.meta.wcs(7.0, 9.0) == wcs(7.0, 9.0)
        np.testing.assert_array_equal(blot.data, fits.getdata(result.blot_path, "SCI"))
        blot.save(tmp_path / "again.fits")
    with datamodels.open(tmp_path / "o" / f"{root}_crf.fits") as copy:
        np.testing.assert_array_equal((copy.dq & sets.OUTLIER["jwst"]) > 0, bad)


def test_the_way_that_the_documentation_shows(tmp_path):
    """calwebb_image3, skyblot on what it saves, calwebb_image3 again on the copies: aligned,
    matched, cores kept.
    """
    made = sets.jwst_set(tmp_path, 1.5, count=4)
    steps = ["skymatch.save_results=true", "outlier_detection.save_intermediate_results=true"]
    image3(tmp_path, made.exposures, "first", steps)
    (median,) = tmp_path.glob("*_median.fits")
    exposures = sorted(tmp_path.glob("*_skymatch.fits"))
    assert len(exposures) == 4
    results, told = reject(median, exposures, tmp_path / "flagged", update_dq=True)
    assert not told
    taken, cores, found, _ = score(made, results)
    assert taken <= 0.01 * cores
    assert found > 0.85
    copies = sorted((tmp_path / "flagged").glob("*_crf.fits"))
    assert len(copies) == 4
    image3(tmp_path / "flagged", copies, "second", ["tweakreg.skip=true"])
    (own,) = (tmp_path / "flagged").glob("second_i2d.fits")
    assert fits.getval(own, "S_SKYMAT") == "COMPLETE"
    again, _ = reject(own, exposures, tmp_path / "again")
    taken, cores, *_ = score(made, again)
    assert taken <= 0.01 * cores


def image3(folder, exposures, product, steps):
    """Run calwebb_image3 as a user does, without the reference files of the catalogue; ``second``
    keeps our flags.
    """
    members = [{"expname": path.name, "exptype": "science"} for path in exposures]
    table = {
        "asn_type": "image3",
        "asn_rule": "DMS_Level3_Base",
        "asn_id": "a3001",
        "asn_pool": "none",
    }
    table |= {"program": "01234", "products": [{"name": product, "members": members}]}
    (folder / f"{product}_asn.json").write_text(json.dumps(table))
    command = [
        str(Path(sys.executable).with_name("strun")),
        "calwebb_image3",
        f"{product}_asn.json",
    ]
    command += ["--disable-crds-steppars", "--steps.source_catalog.skip=true"]
    skipped = ["outlier_detection.skip=true"] if product == "second" else []
    command += [f"--steps.{each}" for each in (*steps, *skipped)]
    subprocess.run(
        command,
        cwd=folder,
        check=True,
        capture_output=True,
        env={**os.environ, "CRDS_PATH": str(folder)},
    )
