"""stcal's signature: the values are those of the definition at the exact positions, and the patch
comes off again.
"""

import inspect
import logging
import sys
import types

import numpy as np
import pytest
from builders import sky_image, tangent
from oracles import amplification, interpolated, kernel_rounding, local_peak, touches
from scipy import ndimage

import skyblot
from skyblot.compat.stcal import gwcs_blot, patch_stcal
from skyblot.demo import jwst
from skyblot.io.gwcs import tangent_gwcs
from skyblot.kernels.interpolants import interpolant

pytest.importorskip("gwcs")

SHAPE = (96, 128)
TOLERANCE = 1e-4  # source pixels, the default of `skyblot.blot`
#: Name and default of everything stcal 1.20 takes, in its order; `...` where there is no default.
SIGNATURE = {
    "median_data": ...,
    "median_wcs": ...,
    "blot_shape": ...,
    "blot_wcs": ...,
    "pix_ratio": None,
    "fillval": 0.0,
    "pixmap_stepsize": 1,
    "pixmap_order": 1,
}


class Pair:
    """An exposure and a median of a kind that the pipelines have: both gwcs, the median covers the
    exposure.
    """

    def __init__(self):
        self.blot_wcs = jwst.nircam_wcs(SHAPE)
        self.median_wcs = tangent_gwcs(jwst.mosaic_wcs([self.blot_wcs]))
        self.median = sky_image(self.median_wcs.array_shape)
        y, x = np.indices(SHAPE, dtype=float)
        self.positions = self.median_wcs.world_to_pixel_values(
            *self.blot_wcs.pixel_to_world_values(x, y)
        )

    def blot(self, median=None, **more):
        """Our blot of the median, or of another one."""
        return gwcs_blot(
            self.median if median is None else median, self.median_wcs, SHAPE, self.blot_wcs, **more
        )


@pytest.fixture(scope="module")
def pair():
    return Pair()


def bound(median, x, y):
    """How far a blot may be from the definition: the map's tolerance times the slope, and the
    kernel's rounding.
    """
    slope = sum(
        ndimage.maximum_filter(np.abs(np.diff(median, axis=k, append=0)), 5) for k in (0, 1)
    )
    there = (
        np.clip(np.rint(y), 0, len(median) - 1).astype(int),
        np.clip(np.rint(x), 0, len(median[0]) - 1).astype(int),
    )
    rounding = kernel_rounding(interpolant("linear"), np.float32) * amplification("linear")
    return TOLERANCE * slope[there] + rounding * local_peak(median, x, y)


def test_signature_is_stcals():
    found = {
        name: ... if each.default is each.empty else each.default
        for name, each in inspect.signature(gwcs_blot).parameters.items()
    }
    assert list(found.items()) == list(SIGNATURE.items())


def test_values_are_linear_at_the_exact_positions(pair):
    blot = pair.blot()
    assert blot.dtype == np.float32
    assert blot.shape == SHAPE
    wanted = interpolated(pair.median, *pair.positions, "linear")
    assert np.all(np.abs(blot - wanted) <= bound(pair.median.astype(float), *pair.positions))


@pytest.mark.parametrize("dtype", ["f4", "f8", ">f4", ">f8", "i2", "u1", "?"])
def test_any_kind_of_number_gives_float32(pair, dtype):
    median = (pair.median > 120) if dtype == "?" else np.clip(pair.median, 0, 250).astype(dtype)
    blot = pair.blot(median)
    assert blot.dtype == np.float32
    wide = skyblot.blot(median.astype("f8"), pair.median_wcs, pair.blot_wcs, interp="linear")
    # Coordinates are the same; the arithmetic is float32 in place of float64, and the result is
    # rounded.
    rounding = (
        kernel_rounding(interpolant("linear"), np.float32) * amplification("linear") + 2.0**-24
    )
    assert np.all(
        np.abs(blot - wide) <= rounding * local_peak(median.astype("f8"), *pair.positions)
    )


@pytest.mark.parametrize("more", [{"pix_ratio": 2.0}, {"pixmap_stepsize": 10.0, "pixmap_order": 3}])
def test_scale_and_coarse_grid_are_ignored(pair, more):
    np.testing.assert_array_equal(pair.blot(**more), pair.blot())


def test_arguments_by_position_in_stcals_order(pair):
    cut = pair.median[:60]
    blot = gwcs_blot(cut, pair.median_wcs, SHAPE, pair.blot_wcs, 1.0, -5.0, 10, 3)
    np.testing.assert_array_equal(blot, pair.blot(cut, fillval=-5.0))
    assert (blot == -5).any()


@pytest.mark.parametrize("fillval", [0.0, -7.0, np.nan])
def test_pixels_off_the_median_are_filled(pair, fillval):
    cut = pair.median[:60, :90] + 1000
    (x, y), blot = pair.positions, pair.blot(cut, fillval=fillval)
    inside = np.minimum.reduce([x + 0.5, 89.5 - x, y + 0.5, 59.5 - y])  # how far, in pixels
    filled = np.isnan(blot) if np.isnan(fillval) else blot == fillval
    sure = np.abs(inside) > TOLERANCE
    assert 0.1 < filled.mean() < 0.9
    assert sure.mean() > 0.99
    np.testing.assert_array_equal(filled[sure], (inside < 0)[sure])


def test_pixels_outside_the_exposures_bounding_box_are_filled(pair):
    wcs = jwst.nircam_wcs(SHAPE)
    wcs.bounding_box = ((9.5, 99.5), (-0.5, 49.5))
    blot = gwcs_blot(pair.median, pair.median_wcs, SHAPE, wcs, fillval=np.nan)
    inside = np.zeros(SHAPE, bool)
    inside[:50, 10:100] = True
    np.testing.assert_array_equal(np.isfinite(blot), inside)
    assert wcs.bounding_box is not None


def test_nan_spreads_to_the_pixels_whose_taps_touch_it(pair):
    median = pair.median.copy()
    median[40:42, 50] = np.nan
    blot = pair.blot(median)
    clear = np.min([np.abs(each - np.rint(each)) for each in pair.positions], axis=0) > TOLERANCE
    touched = touches(np.isnan(median), *pair.positions, "linear")
    assert touched[clear].any()
    np.testing.assert_array_equal(np.isnan(blot)[clear], touched[clear])


def test_the_median_and_its_wcs_are_not_changed(pair):
    before = pair.median.copy(), repr(pair.median_wcs), repr(pair.blot_wcs.bounding_box)
    pair.blot()
    np.testing.assert_array_equal(pair.median, before[0])
    assert (repr(pair.median_wcs), repr(pair.blot_wcs.bounding_box)) == before[1:]


def test_a_fits_wcs_will_do(pair):
    wcs = tangent(shape=(30, 40))
    source = sky_image((30, 40))
    np.testing.assert_array_equal(
        gwcs_blot(source, wcs, (30, 40), wcs), skyblot.blot(source, wcs, wcs, interp="linear")
    )


# The patch.


@pytest.fixture
def stcal(monkeypatch):
    """A stand-in for stcal, and a pipeline that has imported its function."""
    package, folder, utils, pipeline = map(
        types.ModuleType,
        ("stcal", "stcal.outlier_detection", "stcal.outlier_detection.utils", "pipeline"),
    )
    package.outlier_detection, folder.utils = folder, utils

    def theirs(*args, **keywords):
        return "theirs", args, keywords

    def their_flags(*args, **keywords):
        return "their flags", args, keywords

    utils.gwcs_blot = pipeline.gwcs_blot = theirs
    utils.flag_resampled_crs = pipeline.flag_resampled_crs = their_flags
    for module in (package, folder, utils, pipeline):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return types.SimpleNamespace(utils=utils, pipeline=pipeline, theirs=theirs, flags=their_flags)


def test_patch_reaches_who_has_imported_the_function_and_who_will(stcal, pair, monkeypatch):
    patch = patch_stcal()
    late = types.ModuleType("late")
    late.gwcs_blot = stcal.utils.gwcs_blot
    monkeypatch.setitem(sys.modules, "late", late)
    for module in (stcal.utils, stcal.pipeline, late):
        blot = module.gwcs_blot(median_data=pair.median, median_wcs=pair.median_wcs,
                                blot_shape=SHAPE, blot_wcs=pair.blot_wcs, fillval=np.nan,
                                pixmap_stepsize=10, pixmap_order=3)  # fmt: skip
        np.testing.assert_array_equal(blot, pair.blot(fillval=np.nan))
    for _ in range(2):
        patch.undo()
        assert [each.gwcs_blot for each in (stcal.utils, stcal.pipeline, late)] == [
            stcal.theirs
        ] * 3


def test_patch_in_a_with_block_comes_off_after_an_error(stcal):
    with pytest.raises(ZeroDivisionError), patch_stcal():
        1 / (stcal.pipeline.gwcs_blot is stcal.theirs)
    assert stcal.pipeline.gwcs_blot is stcal.theirs


def test_our_own_function_is_not_exchanged(stcal):
    with patch_stcal(), patch_stcal():
        assert sys.modules["skyblot.compat.stcal"].gwcs_blot is gwcs_blot
    assert stcal.pipeline.gwcs_blot is stcal.theirs


class Spectrum:
    """The WCS of a spectrum: two pixel axes, three world axes."""

    pixel_n_dim, world_n_dim = 2, 3
    world_axis_physical_types = ("pos.eq.ra", "pos.eq.dec", "em.wl")

    def pixel_to_world_values(self, x, y): ...


def test_a_spectrum_is_refused_and_left_to_stcal_by_the_patch(stcal, pair, caplog):
    given = pair.median, Spectrum(), SHAPE, pair.blot_wcs
    with pytest.raises(skyblot.WCSError, match=r"source: its WCS .*em\.wl"):
        gwcs_blot(*given)
    with patch_stcal(), caplog.at_level(logging.INFO, "skyblot"):
        assert stcal.pipeline.gwcs_blot(*given, fillval=1.0) == ("theirs", given, {"fillval": 1.0})
    assert "blotted by stcal: the source: its WCS" in caplog.text


def test_other_errors_are_not_hidden_by_the_patch(stcal, pair):
    with patch_stcal(), pytest.raises(skyblot.ParameterError, match="shape"):
        stcal.pipeline.gwcs_blot(pair.median, pair.median_wcs, (0, 5), pair.blot_wcs)


# The flags.

PLAIN = (5.0, 4.0, 1.2, 0.7, 0.0)  # what both pipelines hand over by default


@pytest.fixture
def exposed(pair):
    """An exposure of the pair with noise and a cosmic ray, and its errors."""
    blot = skyblot.blot(pair.median, pair.median_wcs, pair.blot_wcs, shape=SHAPE)
    data = blot + np.random.default_rng(3).normal(0, 2, SHAPE).astype("f4")
    data[40, 50] += 60
    return data, np.full(SHAPE, 2, "f4")


def test_flags_are_those_of_reject_with_its_own_blot(stcal, pair, exposed, caplog):
    given = pair.median, pair.median_wcs, SHAPE, pair.blot_wcs
    with patch_stcal(driz_cr=True), caplog.at_level(logging.INFO, "skyblot"):
        blot = stcal.pipeline.gwcs_blot(*given, fillval=np.nan)
        flags = [stcal.pipeline.flag_resampled_crs(*exposed, blot, *PLAIN) for _ in range(2)]
    np.testing.assert_array_equal(
        blot, skyblot.blot(*given[:2], pair.blot_wcs, shape=SHAPE, fill_value=np.nan)
    )
    wanted = skyblot.reject(exposed[0], blot, exposed[1]).mask
    assert wanted[40, 50]
    for mask in flags:
        np.testing.assert_array_equal(mask, wanted)
    assert caplog.text.count("outliers flagged by skyblot: seeds above 4.1 and members") == 1


def test_thresholds_that_a_user_has_changed_count(stcal, pair, exposed):
    given = pair.median, pair.median_wcs, SHAPE, pair.blot_wcs
    with patch_stcal(driz_cr=True):
        blot = stcal.pipeline.gwcs_blot(*given)
        flags = stcal.pipeline.flag_resampled_crs(*exposed, blot, 3.0, 2.0, *PLAIN[2:])
    wanted = skyblot.reject(exposed[0], blot, exposed[1], snr=(3.0, 2.0)).mask
    assert wanted.sum() > skyblot.reject(exposed[0], blot, exposed[1]).mask.sum()
    np.testing.assert_array_equal(flags, wanted)


def test_a_blot_has_no_more_holes_than_a_linear_one(stcal, pair):
    median = pair.median.copy()
    median[40, 50] = np.nan
    with patch_stcal(driz_cr=True):
        blot = stcal.pipeline.gwcs_blot(median, pair.median_wcs, SHAPE, pair.blot_wcs)
    holes = np.isnan(pair.blot(median, fillval=np.nan))
    assert 0 < (holes & ~np.isnan(pair.blot(fillval=np.nan))).sum() <= 9
    np.testing.assert_array_equal(np.isnan(blot), holes)


def test_blots_that_are_not_ours_are_left_to_stcal(stcal, pair, exposed):
    """Those of spectra, and arrays from elsewhere."""
    with patch_stcal(driz_cr=True):
        theirs = stcal.pipeline.gwcs_blot(pair.median, Spectrum(), SHAPE, pair.blot_wcs)
        assert theirs[0] == "theirs"
        elsewhere = np.zeros(SHAPE, "f4")
        assert stcal.pipeline.flag_resampled_crs(*exposed, elsewhere, *PLAIN)[0] == "their flags"


def test_an_exposure_that_does_not_match_is_left_to_stcal_and_that_is_said(stcal, pair, caplog):
    rng = np.random.default_rng(4)
    sky = ndimage.gaussian_filter((rng.random(pair.median.shape) > 0.99).astype("f4"), 1.2) * 9000
    with patch_stcal(driz_cr=True), caplog.at_level(logging.WARNING, "skyblot"):
        blot = stcal.pipeline.gwcs_blot(sky, pair.median_wcs, SHAPE, pair.blot_wcs)
        empty = rng.normal(0, 1, SHAPE).astype("f4"), np.ones(SHAPE, "f4")
        assert stcal.pipeline.flag_resampled_crs(*empty, blot, *PLAIN)[0] == "their flags"
    assert "outliers flagged by stcal: the exposure: " in caplog.text


def test_doubts_are_told(stcal, pair, exposed, caplog):
    """Sources three pixels off are found, and said to be there."""
    data = np.roll(exposed[0], 3, axis=1)
    with patch_stcal(driz_cr=True), caplog.at_level(logging.WARNING, "skyblot"):
        blot = stcal.pipeline.gwcs_blot(pair.median, pair.median_wcs, SHAPE, pair.blot_wcs)
        stcal.pipeline.flag_resampled_crs(data, exposed[1], blot, *PLAIN)
    assert "the exposure: its sources lie (+3" in caplog.text


def test_the_patch_of_flags_reaches_who_has_imported_them_and_comes_off(stcal):
    with patch_stcal(driz_cr=True):
        for module in (stcal.utils, stcal.pipeline):
            assert module.flag_resampled_crs is not stcal.flags
    for module in (stcal.utils, stcal.pipeline):
        assert module.flag_resampled_crs is stcal.flags
        assert module.gwcs_blot is stcal.theirs
    with patch_stcal():
        assert stcal.pipeline.flag_resampled_crs is stcal.flags


def test_without_stcal_the_patch_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "stcal", None)
    with pytest.raises(skyblot.SkyblotError, match="stcal is not installed"):
        patch_stcal()
