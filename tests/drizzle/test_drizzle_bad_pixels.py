"""Pixels that do not count leave all others as they are; nothing spreads."""

import drops
import numpy as np
import pytest

from skyblot.resampling.drizzle import Drop, Sums, drizzle

SHAPE = (40, 41)
KERNELS = [Drop(), Drop(pixfrac=0.7), Drop("turbo"), Drop("point")]
IDS = ["square", "smaller", "turbo", "point"]
#: A pixel, and the corners that it has.
AT = (5, 6)
CORNERS = [(5, 6), (5, 7), (6, 6), (6, 7)]


def sample(seed=2, variances=1):
    return drops.exposure(
        drops.bent((11, 40), seed, degrees=25, middle=(20.0, 20.0)), seed, variances=variances
    )


def mosaic(exposure, drop, shape=SHAPE):
    sums = Sums(shape, variances=len(exposure.variances))
    sums.add(exposure, 0, drop)
    return sums


def assert_same(one, other):
    for name in ("flux", "weight", "variance", "context"):
        assert np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True), name


def change(exposure, name, value, *places):
    image = np.array(getattr(exposure, name))
    for place in places:
        image[place] = value
    return exposure._replace(**{name: image})


@pytest.mark.parametrize("drop", KERNELS, ids=IDS)
@pytest.mark.parametrize(
    ("name", "value"),
    [(name, value) for name in ("data", "weight") for value in (np.nan, np.inf, -np.inf)]
    + [("weight", -1.0), ("weight", -0.0)],
)
def test_a_pixel_without_value_or_weight_is_as_one_with_weight_0(drop, name, value):
    exposure = sample()
    without = mosaic(change(exposure, "weight", 0.0, AT), drop)
    assert_same(mosaic(change(exposure, name, value, AT), drop), without)
    assert not np.array_equal(mosaic(exposure, drop).weight, without.weight)


@pytest.mark.parametrize("drop", KERNELS, ids=IDS)
@pytest.mark.parametrize("name", ["x", "y"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e300, -1e300, 2e3])
def test_a_corner_that_is_nowhere_takes_the_four_pixels_around_it_alone(drop, name, value):
    exposure = sample()
    around = [AT, (AT[0] - 1, AT[1]), (AT[0], AT[1] - 1), (AT[0] - 1, AT[1] - 1)]
    without = change(exposure, "weight", 0.0, *around)
    assert_same(mosaic(change(exposure, name, value, AT), drop), mosaic(without, drop))


def twist(exposure):
    """Its corners at one side are exchanged, so that its outline crosses itself."""
    y, x = np.array(exposure.y), np.array(exposure.x)
    for image in (x, y):
        image[6, 6], image[6, 7] = image[6, 7], image[6, 6]
    return exposure._replace(x=x, y=y)


def dent(exposure):
    """One corner lies beyond the diagonal of the others."""
    y, x = np.array(exposure.y), np.array(exposure.x)
    for image in (x, y):
        image[6, 7] = 0.4 * (image[6, 6] + image[5, 7]) + 0.2 * image[5, 6]
    return exposure._replace(x=x, y=y)


def flatten(exposure):
    """Its four corners are on one line."""
    y, x = np.array(exposure.y), np.array(exposure.x)
    for image in (x, y):
        image[6, 6:8] = image[5, 6] + np.array([0.3, 0.8]) * (image[5, 7] - image[5, 6])
    return exposure._replace(x=x, y=y)


@pytest.mark.parametrize("fold", [twist, dent, flatten])
@pytest.mark.parametrize("drop", KERNELS[:2], ids=IDS[:2])
def test_a_folded_pixel_does_not_count(fold, drop):
    exposure = fold(sample())
    without = change(exposure, "weight", 0.0, AT)
    assert_same(mosaic(exposure, drop), mosaic(without, drop))


def test_a_huge_value_is_in_the_cells_of_its_drop_alone():
    exposure = sample()
    plain, huge = mosaic(exposure, Drop()), mosaic(change(exposure, "data", 1e30, AT), Drop())
    touched, _, _ = drops.drop_slowly(
        change(exposure, "weight", 0.0, *np.ndindex(5, 40), AT), SHAPE
    )
    alone = (
        mosaic(
            change(exposure._replace(weight=0 * exposure.weight), "weight", 1.0, AT), Drop()
        ).weight
        == 0
    )
    assert np.array_equal(huge.flux[alone], plain.flux[alone])
    assert (huge.flux[~alone] > 1e15).all()
    assert touched.any()


@pytest.mark.parametrize("drop", KERNELS, ids=IDS)
def test_a_variance_that_is_none_is_in_the_errors_of_its_cells_alone(drop):
    exposure = sample()
    variance = np.array(exposure.variances[0])
    variance[AT] = np.nan
    plain, spoilt = mosaic(exposure, drop), mosaic(exposure._replace(variances=[variance]), drop)
    alone = change(exposure._replace(weight=0 * exposure.weight), "weight", 1.0, AT)
    reached = mosaic(alone, drop).weight > 0
    assert np.array_equal(np.isnan(spoilt.variance[0]), reached)
    assert np.array_equal(spoilt.flux, plain.flux)
    assert np.array_equal(spoilt.variance[0][~reached], plain.variance[0][~reached])


def test_masked_pixels_do_not_count():
    exposure = sample(variances=0)
    mask = np.zeros(exposure.data.shape, bool)
    mask[AT] = True
    expected = mosaic(change(exposure, "weight", 0.0, AT), Drop())
    for name in ("data", "weight"):
        masked = np.ma.MaskedArray(getattr(exposure, name), mask)
        assert_same(mosaic(exposure._replace(**{name: masked}), Drop()), expected)


def test_nothing_at_all_is_an_empty_mosaic():
    exposure = sample()
    beside = exposure._replace(x=exposure.x + 500)
    nowhere = exposure._replace(x=np.full(exposure.x.shape, np.nan))
    for exposures in ([], [beside], [nowhere], [exposure._replace(weight=0.0)]):
        result = drizzle(exposures, SHAPE, fill_value=-7)
        assert (result.sci == -7).all()
        assert not result.wht.any()
        assert not result.ctx.any()
        assert all(np.isnan(error).all() for error in result.err)
