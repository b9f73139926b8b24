"""grizli's blot_nearest_exact and ours on the same exposure. grizli is no part of the ``compat``
extra: it and what it needs take 1.5 GB. Where it is installed, with DrizzlePac, this runs.

Where they differ, and why: grizli sets every zero to the largest value within two pixels, which
makes labels grow; its data pass through float64; it scales the fill value and truncates scaled
integers; without an overlap it gives zeros.
"""

import warnings

import numpy as np
import pytest
from scipy import ndimage

from skyblot.compat.grizli import blot_nearest_exact
from skyblot.demo import DemoPlan, chip_wcs, mosaic_wcs

pytestmark = pytest.mark.compat

PLAN = DemoPlan(exposures=1, chip_shape=(120, 200))
SAFE = 1e-6  # pixels between a position and a pixel's border


@pytest.fixture(scope="module")
def theirs():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("drizzlepac.cdriz")
        function = pytest.importorskip("grizli.utils").blot_nearest_exact

    def quiet(*args, **more):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return function(*args, **{"verbose": False, **more})

    return quiet


class Scene:
    """The WCS of an exposure and of its mosaic, and labels that leave no zero."""

    def __init__(self):
        self.out_wcs, self.in_wcs = chip_wcs(PLAN, 0, 1), mosaic_wcs(PLAN)
        self.labels = np.random.default_rng(4).integers(
            1, 2**31, self.in_wcs.array_shape, dtype=np.int32
        )
        y, x = np.indices(PLAN.chip_shape, dtype=float)
        sky = self.out_wcs.all_pix2world(x.ravel(), y.ravel(), 0)
        positions = [each.reshape(PLAN.chip_shape) for each in self.in_wcs.all_world2pix(*sky, 0)]
        self.sure = np.all(
            [np.abs(each - np.floor(each) - 0.5) > SAFE for each in positions], axis=0
        )

    def both(self, theirs, data, **more):
        """Their blot and ours."""
        return [
            function(data, self.in_wcs, self.out_wcs, **more)
            for function in (theirs, blot_nearest_exact)
        ]


@pytest.fixture(scope="module")
def scene():
    return Scene()


@pytest.mark.parametrize("dtype", ["i4", "i8", "f4", "f8"])
def test_values_and_dtype_are_the_same(theirs, scene, dtype):
    their_blot, our_blot = scene.both(theirs, scene.labels.astype(dtype))
    assert their_blot.dtype == our_blot.dtype
    assert scene.sure.mean() > 0.99
    np.testing.assert_array_equal(our_blot[scene.sure], their_blot[scene.sure])


def test_labels_grow_there_and_not_here(theirs, scene):
    labels = np.where(np.random.default_rng(6).random(scene.labels.shape) < 0.02, scene.labels, 0)
    their_blot, our_blot = scene.both(theirs, labels)
    grown = np.where(our_blot == 0, ndimage.maximum_filter(our_blot, 5), our_blot)
    assert (their_blot != 0).sum() > 5 * (our_blot != 0).sum()
    clear = ndimage.minimum_filter(scene.sure, 5)
    np.testing.assert_array_equal(their_blot[clear], grown[clear])


def test_labels_beyond_float64_are_kept_here(theirs, scene):
    labels = (scene.labels.astype("i8") + 2**30) * 2**30 + 1  # odd, above 2**60
    their_blot, our_blot = scene.both(theirs, labels)
    assert np.isin(our_blot, labels).all()
    assert not np.isin(their_blot, labels).any()


def test_scaled_by_pixel_area(theirs, scene):
    their_blot, our_blot = scene.both(theirs, scene.labels.astype("f8"), scale_by_pixel_area=True)
    # The two ratios are made of a few roundings each; one more is the product's.
    np.testing.assert_allclose(our_blot[scene.sure], their_blot[scene.sure], rtol=1e-13)


def test_without_an_overlap(theirs, scene):
    far = scene.in_wcs.deepcopy()
    far.wcs.crval = [scene.in_wcs.wcs.crval[0] + 5, scene.in_wcs.wcs.crval[1]]
    their_blot, our_blot = (
        function(scene.labels, far, scene.out_wcs, fill_value=-1)
        for function in (theirs, blot_nearest_exact)
    )
    assert (their_blot.dtype, np.unique(their_blot).tolist()) == (np.float64, [0.0])
    assert (our_blot.dtype, np.unique(our_blot).tolist()) == (np.int32, [-1])
