"""stcal's gwcs_blot and ours on the same exposure, and the patch in the pipelines of JWST and
Roman.

Where they differ, and why: stcal's positions are rounded to float32 by drizzle; a median covers 0
<= x < nx there, and -0.5 <= x < nx - 0.5 here; beyond the last pixel's centre stcal repeats the
last pixel, ours continues the slope; and with ``pixmap_stepsize`` above 1 stcal's pixel map is off
by what its splines miss. A bounding box of the median's WCS is taken off there for the time of the
call, and counts here.
"""

import inspect

import numpy as np
import pytest
from compat_data import rounding, value_bound

from skyblot.compat.stcal import gwcs_blot, patch_stcal
from skyblot.demo import jwst
from skyblot.io.gwcs import tangent_gwcs

pytestmark = pytest.mark.compat

SHAPE = (160, 200)
TOLERANCE = 1e-4  # of our map, in source pixels
FILL = -1e6
STEPS = [{"pixmap_stepsize": 10, "pixmap_order": order} for order in (1, 3)]


@pytest.fixture(scope="module")
def stcal():
    return pytest.importorskip("stcal.outlier_detection.utils")


class Scene:
    """An exposure like NIRCam's, the median's gwcs, and a median that covers a part of the
    exposure.
    """

    def __init__(self):
        self.blot_wcs = jwst.nircam_wcs(SHAPE)
        self.median_wcs = tangent_gwcs(jwst.mosaic_wcs([self.blot_wcs]))
        ny, nx = self.median_wcs.array_shape
        self.median = np.random.default_rng(5).normal(10, 3, (ny - 80, nx - 90)).astype(np.float32)
        y, x = np.indices(SHAPE, dtype=float)
        self.x, self.y = self.median_wcs.world_to_pixel_values(
            *self.blot_wcs.pixel_to_world_values(x, y)
        )

    def blot(self, function, median=None, fillval=FILL, **more):
        """The blot by a function with stcal's signature; one pixel ratio, for stcal before 1.17,
        which wants one.
        """
        parameter = inspect.signature(function).parameters["pix_ratio"]
        more |= {"pix_ratio": 1.0} if parameter.default is parameter.empty else {}
        median = self.median if median is None else median
        return function(median, self.median_wcs, SHAPE, self.blot_wcs, fillval=fillval, **more)

    def within(self, low, high):
        """Pixels whose position is at least `low` pixels from the first pixel's centre, `high` from
        the last's.
        """
        ny, nx = self.median.shape
        x, y = self.x, self.y
        return (x >= low) & (y >= low) & (x < nx - 1 - high) & (y < ny - 1 - high)

    def bound(self, moved=0.0):
        """How far the blots may differ: their float32 positions, our map's tolerance, and `moved`
        pixels more.
        """
        return value_bound(
            self.median,
            self.x,
            self.y,
            [rounding(each) + TOLERANCE + moved for each in (self.x, self.y)],
            "linear",
        )


@pytest.fixture(scope="module")
def scene():
    return Scene()


def test_the_signature_is_that_of_the_stcal_at_hand(stcal):
    theirs, ours = (
        list(inspect.signature(each).parameters) for each in (stcal.gwcs_blot, gwcs_blot)
    )
    assert theirs == ours[: len(theirs)]


def test_values_agree_inside(stcal, scene):
    theirs, ours = scene.blot(stcal.gwcs_blot), scene.blot(gwcs_blot)
    assert theirs.dtype == ours.dtype
    assert theirs.shape == ours.shape
    inside = scene.within(0, 0)
    assert 0.2 < inside.mean() < 0.8
    assert np.all((np.abs(theirs - ours) <= scene.bound())[inside])


def test_what_is_covered(stcal, scene):
    """Half a pixel lower on both axes here: all of every edge pixel, and nothing else."""
    for function, low, high in ((stcal.gwcs_blot, 0.0, -1.0), (gwcs_blot, -0.5, -0.5)):
        covered = scene.blot(function) != FILL
        np.testing.assert_array_equal(
            covered | ~scene.within(low + TOLERANCE, high + TOLERANCE), True
        )
        np.testing.assert_array_equal(
            covered & ~scene.within(low - TOLERANCE, high - TOLERANCE), False
        )


def test_beyond_the_last_pixels_centre(stcal, scene):
    """On a ramp stcal stops at the last value; ours goes on."""
    ny, nx = scene.median.shape
    ramp = np.broadcast_to(np.arange(nx, dtype=np.float32), (ny, nx))
    edge = (
        (scene.x > nx - 1) & (scene.x < nx - 0.5 - TOLERANCE) & (scene.y > 1) & (scene.y < ny - 2)
    )
    assert edge.sum() > 10
    np.testing.assert_array_equal(scene.blot(stcal.gwcs_blot, ramp)[edge], nx - 1)
    ours = scene.blot(gwcs_blot, ramp)[edge]
    np.testing.assert_allclose(ours, scene.x[edge], atol=TOLERANCE + 8 * 2.0**-24 * nx, rtol=0)


@pytest.mark.parametrize("steps", STEPS, ids=lambda steps: f"order {steps['pixmap_order']}")
def test_their_coarse_map_is_what_is_missing(stcal, scene, steps):
    """The blots differ by no more than what the error of stcal's map explains; ours does not
    change.
    """
    if "pixmap_stepsize" not in inspect.signature(stcal.gwcs_blot).parameters:
        pytest.skip("this stcal has no pixmap_stepsize")
    from stcal.resample.utils import calc_pixmap

    coarse = calc_pixmap(
        scene.blot_wcs, scene.median_wcs, SHAPE, stepsize=10, order=steps["pixmap_order"]
    )
    moved = np.hypot(coarse[..., 0] - scene.x, coarse[..., 1] - scene.y)
    inside = scene.within(0.5, 0.5)
    theirs, ours = scene.blot(stcal.gwcs_blot, **steps), scene.blot(gwcs_blot, **steps)
    assert np.all((np.abs(theirs - ours) <= scene.bound(moved))[inside])
    np.testing.assert_array_equal(ours, scene.blot(gwcs_blot))


def test_nan_in_the_median(stcal, scene):
    """The same pixels, where a position is not on a pixel's centre, and not at an edge that drizzle
    treats apart.
    """
    median = scene.median.copy()
    median[20:22, 30] = median[50, 40:45] = np.nan
    theirs, ours = (
        np.isnan(scene.blot(function, median)) for function in (stcal.gwcs_blot, gwcs_blot)
    )
    clear = (
        np.min([np.abs(each - np.rint(each)) for each in (scene.x, scene.y)], axis=0)
        > 2 * TOLERANCE
    )
    assert ours.sum() > 10
    np.testing.assert_array_equal(theirs[clear], ours[clear])


def test_pixels_without_a_position(stcal, scene):
    """Outside the exposure's bounding box; stcal sends them to pixel (-1, -1), which it does not
    cover.
    """
    wcs = jwst.nircam_wcs(SHAPE)
    wcs.bounding_box = ((19.5, 149.5), (9.5, 99.5))
    positions, scene_wcs = (slice(10, 100), slice(20, 150)), scene.blot_wcs
    try:
        scene.blot_wcs = wcs
        blots = [scene.blot(function, fillval=np.nan) for function in (stcal.gwcs_blot, gwcs_blot)]
    finally:
        scene.blot_wcs = scene_wcs
    outside = np.ones(SHAPE, bool)
    outside[positions] = False
    for blot in blots:
        assert np.isnan(blot[outside]).all()
        assert np.isfinite(blot[scene.within(0, 0) & ~outside]).all()


def test_the_bounding_box_of_the_median(stcal, scene):
    """Where stcal blots beyond it, ours fills."""
    wcs, y = scene.median_wcs, scene.y
    try:
        wcs.bounding_box = ((-0.5, 5000.5), (29.5, 60.5))
        theirs, ours = (scene.blot(function) != FILL for function in (stcal.gwcs_blot, gwcs_blot))
        assert tuple(tuple(wcs.bounding_box[name]) for name in ("x0", "x1")) == (
            (-0.5, 5000.5),
            (29.5, 60.5),
        )
    finally:
        wcs.bounding_box = None
    within = (y > 29.5 + TOLERANCE) & (y < 60.5 - TOLERANCE)
    beyond = (y < 29.5 - TOLERANCE) | (y > 60.5 + TOLERANCE)
    covered = scene.within(0, 0)
    assert (beyond & covered).sum() > 1000
    assert theirs[covered].all()
    assert ours[covered & within].all()
    assert not ours[beyond].any()


# The pipelines, where they are installed: `pip install jwst`, `pip install romancal`.


def exposure(scene, level=10.0):
    """Pixels of an exposure of a flat sky, with a cosmic ray; and their errors."""
    data = np.full(SHAPE, level, np.float32)
    data[80, 100] += 500
    return data, np.ones(SHAPE, np.float32)


def watched(module, monkeypatch):
    """Count the calls of a pipeline's blot, whatever it is by then."""
    calls, inner = [], module.gwcs_blot
    monkeypatch.setattr(
        module,
        "gwcs_blot",
        lambda *args, **more: calls.append(inner.__module__) or inner(*args, **more),
    )
    return calls


def test_in_the_pipeline_of_jwst(scene, monkeypatch):
    utils = pytest.importorskip("jwst.outlier_detection.utils")
    datamodels = pytest.importorskip("stdatamodels.jwst.datamodels")
    masks = {}
    for ours in (False, True):
        model = datamodels.ImageModel(SHAPE)
        model.data, model.err = exposure(scene)
        model.dq, model.meta.wcs = model.get_default("dq"), scene.blot_wcs
        patch = patch_stcal() if ours else None
        with monkeypatch.context() as context:
            calls = watched(utils, context)
            median = np.full(scene.median.shape, 10, np.float32)
            utils.flag_resampled_model_crs(model, median, scene.median_wcs, 5.0, 4.0, 1.2, 0.7, 0.0)
        if patch:
            patch.undo()
        assert calls == ["skyblot.compat.stcal" if ours else "stcal.outlier_detection.utils"]
        masks[ours] = (model.dq & datamodels.dqflags.pixel["OUTLIER"]) != 0
    assert masks[True][80, 100]
    np.testing.assert_array_equal(masks[True], masks[False])


def test_in_the_pipeline_of_roman(scene, monkeypatch):
    step = pytest.importorskip("romancal.outlier_detection.outlier_detection")
    from types import SimpleNamespace

    masks = {}
    for ours in (False, True):
        data, err = exposure(scene)
        image = SimpleNamespace(
            data=data,
            err=err,
            dq=np.zeros(SHAPE, np.uint32),
            meta=SimpleNamespace(wcs=scene.blot_wcs),
        )
        patch = patch_stcal() if ours else None
        with monkeypatch.context() as context:
            calls = watched(step, context)
            median = np.full(scene.median.shape, 10, np.float32)
            step._flag_resampled_model_crs(
                image, median, scene.median_wcs, 5.0, 4.0, 1.2, 0.7, 0.0, "10", False, None, 10, 3
            )
        if patch:
            patch.undo()
        assert calls == ["skyblot.compat.stcal" if ours else "stcal.outlier_detection.utils"]
        masks[ours] = image.dq != 0
    assert masks[True][80, 100]
    np.testing.assert_array_equal(masks[True], masks[False])
