"""Blocks of a chip: levels that stars, cosmic rays and flags don't pull."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skyblot import ParameterError
from skyblot.resampling.blocks import bin_chip, block_size, sky_level

SHAPE = (200, 300)


def noise(seed=1, shape=SHAPE, level=50.0):
    return np.random.default_rng(seed).normal(level, 5.0, shape)


def test_blocks_without_outliers_are_means():
    data = np.add.outer(7 * np.arange(50.0), np.arange(70.0))
    binned = bin_chip(data, np.ones(data.shape, bool), 10)
    assert binned.values.shape == (5, 7)
    assert binned.values == pytest.approx(7 * binned.y[:, None] + binned.x)


def test_what_is_left_over_is_at_both_edges():
    binned = bin_chip(np.zeros((55, 76)), np.ones((55, 76), bool), 16)
    assert binned.values.shape == (3, 4)
    assert binned.y.tolist() == [3 + 7.5, 3 + 23.5, 3 + 39.5]
    assert binned.x.tolist() == [6 + 7.5, 6 + 23.5, 6 + 39.5, 6 + 55.5]


def test_errors_are_those_of_means():
    data = noise(shape=(640, 640))
    binned = bin_chip(data, np.ones(data.shape, bool), 16)
    away = (binned.values - 50) / binned.errors
    assert away.std() == pytest.approx(1, abs=4 / np.sqrt(2 * away.size))
    assert binned.errors.mean() == pytest.approx(5 / 16, rel=0.02)


@pytest.mark.parametrize("kind", ["<f4", ">f4", ">f8", "<i2", ">i4"])
def test_any_kind_of_number_in_any_order_of_bytes(kind):
    data = noise().round()
    found = bin_chip(data.astype(kind), np.ones(SHAPE, bool))
    assert found.values.tolist() == bin_chip(data, np.ones(SHAPE, bool)).values.tolist()


def test_hits_up_to_a_twentieth_of_the_pixels_do_not_pull():
    data = noise(shape=(512, 512))
    rng = np.random.default_rng(2)
    hit = rng.random(data.shape) < 0.05
    clean = bin_chip(data, ~hit).values.mean()
    data[hit] += rng.exponential(500, np.count_nonzero(hit))
    assert bin_chip(data, np.ones(data.shape, bool)).values.mean() - clean < 0.01 * 5


def test_flagged_pixels_and_those_without_a_number_do_not_count():
    data = noise()
    good = np.random.default_rng(3).random(SHAPE) > 0.3
    expected = bin_chip(data, good).values
    data[~good] = 1e9
    assert bin_chip(data, good).values.tolist() == expected.tolist()
    data[~good] = np.nan
    assert bin_chip(data, np.ones(SHAPE, bool)).values.tolist() == expected.tolist()


def test_a_block_with_fewer_than_a_quarter_of_good_pixels_says_nothing():
    good = np.ones((32, 32), bool)
    good[:16, :16] = False
    good[:16, :4] = True  # a quarter
    good[16:, 16:] = False
    good[16:, 16:20] = True
    good[31, 16] = False  # less
    values = bin_chip(np.ones((32, 32)), good, 16).values
    assert np.isnan(values).tolist() == [[False, False], [False, True]]


@pytest.mark.parametrize("width", [0.4, 0.6, 3.0])
def test_whole_numbers_have_the_mean_of_what_they_were_rounded_from(width):
    data = np.random.default_rng(4).normal(2.3, width, (512, 512)).round()
    found = bin_chip(data, np.ones(data.shape, bool), 64).values
    assert np.abs(found.mean() - data.mean()) < 0.02 * data.std()
    assert np.abs(found - data.mean()).max() < 5 * data.std() / 64


def test_counts_have_their_mean_not_their_median():
    data = np.random.default_rng(5).poisson(10.0, (1024, 1024))
    found = bin_chip(data, np.ones(data.shape, bool), 64).values.mean()
    assert abs(found - 10.0) < 0.02 * np.sqrt(10)
    assert found != pytest.approx(np.median(data))


def test_pixels_that_are_all_equal_are_not_taken_for_exact():
    data = noise()
    data[:64, :64] = 3.0
    data[10, 10] = 4.0
    binned = bin_chip(data, np.ones(SHAPE, bool), 16)
    errors = binned.errors
    assert binned.values[0, 0] == pytest.approx(3.0, abs=1 / 256)
    assert np.nanmin(errors) > 0.02 * 5 / 16
    assert np.all(bin_chip(np.zeros(SHAPE), np.ones(SHAPE, bool)).errors > 0)


numbers = st.one_of(
    st.floats(-1e30, 1e30), st.integers(-3, 3).map(float), st.sampled_from([0.1, 1e-320])
)


@given(arrays(float, (8, 8), elements=numbers), st.integers(0, 64))
@settings(max_examples=300, deadline=None)
def test_a_level_lies_among_its_pixels_whatever_they_are(data, bad):
    good = np.arange(64).reshape(8, 8) >= bad
    binned = bin_chip(data, good, 8)
    if np.count_nonzero(good) < 16:
        assert np.isnan(binned.values).all()
        return
    rounding = 1e-12 * np.abs(data[good]).max()
    assert data[good].min() - rounding <= binned.values[0, 0] <= data[good].max() + rounding
    assert binned.errors[0, 0] > 0


@pytest.mark.parametrize("threads", [2, 5])
def test_the_same_bits_for_any_number_of_threads(threads):
    data = noise().astype("f4")
    one, more = (bin_chip(data, data > 40, threads=count) for count in (1, threads))
    assert one.values.tobytes() == more.values.tobytes()
    assert one.errors.tobytes() == more.errors.tobytes()


def test_blocks_grow_with_chips():
    assert [block_size((size, size)) for size in (8, 64, 1024, 2048, 4096, 10000)] == [
        8,
        16,
        16,
        32,
        64,
        64,
    ]


@pytest.mark.parametrize("block", [0, 201])
def test_a_block_is_no_larger_than_its_chip(block):
    with pytest.raises(
        ParameterError, match=f"^block = {block}: expected a whole number of pixels, 1 to 200$"
    ):
        bin_chip(noise(), np.ones(SHAPE, bool), block)


def test_sky_is_the_most_common_level():
    rng = np.random.default_rng(6)
    values = rng.normal(10.0, 0.5, 1000)
    values[:300] += rng.exponential(5.0, 300)
    level, error = sky_level(values, np.full(1000, 0.5))
    # Faint sources among the 300, within the noise of a block, can't be told from sky.
    assert level == pytest.approx(10.0, abs=0.1)
    assert error == pytest.approx(0.5 / np.sqrt(700), rel=0.3)


def test_sky_of_nothing_is_unknown():
    assert np.isnan(sky_level(np.full(3, np.nan), np.full(3, np.nan))).all()
