"""Reports: levels, blocks, distributions, places, and words."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from skyblot.report.distribution import distribution
from skyblot.report.facts import links, percent, rows, text_of
from skyblot.report.stretch import (
    RESIDUAL,
    STANDS_OUT,
    Stretch,
    block_any,
    block_mean,
    block_residual,
    image_stretch,
)
from skyblot.report.view import worst

# Levels and blocks.


@given(st.floats(-1e4, 1e4), st.floats(0.01, 1e3), st.floats(1.1, 1e4), st.floats(0, 1))
def test_a_level_is_the_inverse_of_a_value(middle, width, reach, share):
    stretch = Stretch(middle - width, middle, middle + reach * width, width)
    value = np.array([[stretch.value(share)]])
    # half a level for rounding; float32 of (value - middle) / width adds less than another
    assert abs(int(stretch.levels(value, 256)[0, 0]) - 255 * share) <= 1


def test_levels_rise_and_end_at_the_limits():
    stretch = Stretch(-1, 0, 100, 2)
    levels = stretch.levels(
        np.array([[-np.inf, -5, -1, 0, 1, 10, 100, 1e30, np.inf, np.nan]]), 256
    )[0]
    assert levels.dtype == np.uint8
    assert list(levels[[0, 1, 2]]) == [0, 0, 0]
    assert list(levels[[6, 7, 8]]) == [255, 255, 255]
    assert np.all(np.diff(levels[2:7].astype(int)) > 0)
    assert levels[9] == levels[3]


def test_residuals_of_opposite_sign_are_as_far_from_the_middle():
    size = np.array([[0.5, 1, 3, 10, 29]])
    up, down = RESIDUAL.levels(size, 256).astype(int), RESIDUAL.levels(-size, 256).astype(int)
    assert np.all(np.abs(up + down - 255) <= 1)
    assert RESIDUAL.value(0.5) == 0


def test_cosmic_rays_do_not_darken_the_rest():
    random = np.random.default_rng(3)
    blot = random.normal(10, 1, (200, 200))
    blot[50:60, 50:60] = 5000  # a source: one pixel of 400
    exposure = blot.copy()
    clean = image_stretch(exposure, blot)
    exposure[::10, ::10] = 1e6
    assert image_stretch(exposure, blot).high == clean.high
    assert clean.low < 10 < clean.high == 5000


@pytest.mark.parametrize("value", [0.0, 7.0, np.nan, -np.inf])
def test_an_image_of_one_value_has_a_stretch(value):
    stretch = image_stretch(np.full((5, 5), value), np.full((5, 5), value))
    assert stretch.low < stretch.high
    assert stretch.levels(np.full((5, 5), value), 256).shape == (5, 5)


def blocks(array, step):
    """Every block of an array, with its place."""
    ny, nx = array.shape
    for y in range(0, ny, step):
        for x in range(0, nx, step):
            yield y // step, x // step, array[y : y + step, x : x + step]


IMAGES = arrays(
    np.float32,
    st.tuples(st.integers(1, 13), st.integers(1, 13)),
    elements=st.floats(-100, 100, width=32) | st.just(np.nan),
)


@given(IMAGES, st.integers(1, 5))
def test_blocks_are_those_of_a_loop(image, step):
    means, residuals, marked = (
        block_mean(image, step),
        block_residual(image, step),
        block_any(image > 50, step),
    )
    assert means.shape == (-(-image.shape[0] // step), -(-image.shape[1] // step))
    for y, x, block in blocks(image, step):
        finite = block[np.isfinite(block)].astype(float)
        assert marked[y, x] == np.any(block > 50)
        if not finite.size:
            assert np.isnan(means[y, x])
            assert np.isnan(residuals[y, x])
            continue
        # sums of up to 25 float32 of size 100: each addition errs by half a unit in the last place
        # of 2500
        tolerance = 25 * 2500 * 2.0**-24
        assert means[y, x] == pytest.approx(finite.mean(), abs=tolerance)
        together, extreme = finite.sum() / np.sqrt(finite.size), finite[np.argmax(np.abs(finite))]
        alone = abs(extreme) > max(STANDS_OUT, abs(together)) and step > 1
        size = abs(extreme) if alone else abs(together)
        assert abs(residuals[y, x]) == pytest.approx(size, abs=tolerance)


def test_one_pixel_that_stands_out_is_seen_in_its_block():
    residual = np.zeros((8, 8), np.float32)
    residual[5, 6] = -20
    assert block_residual(residual, 4)[1, 1] == -20


# Distribution and places.


def test_a_distribution_counts_every_finite_pixel():
    random = np.random.default_rng(5)
    residual = random.normal(0, 3, (300, 400))
    residual[:3] = np.nan
    residual[10, :7], residual[11, :5] = 50, -50
    spread = distribution(residual)
    assert spread.pixels == 297 * 400
    assert spread.counts.sum() + spread.below + spread.above == spread.pixels
    assert spread.above == np.count_nonzero(residual > 10)
    assert spread.beyond == {
        limit: np.count_nonzero(np.abs(residual) > limit) for limit in (3, 5, 10)
    }
    assert len(spread.counts) == len(spread.normal) == len(spread.edges) - 1


def test_normal_noise_is_under_the_normal_curve():
    spread = distribution(np.random.default_rng(6).normal(0, 1, (1000, 1000)))
    assert spread.normal.sum() == pytest.approx(1e6, rel=1e-12)
    # a count scatters by the root of what is expected; 80 bins, six of that
    expected = spread.normal > 10
    assert np.all(
        np.abs(spread.counts - spread.normal)[expected] < 6 * np.sqrt(spread.normal[expected])
    )
    assert abs(spread.centre) < 6 * 1.2533e-3  # standard error of a median of 1e6
    assert abs(spread.spread - 1) < 6 * 1.167e-3  # and of the median deviation


def test_nothing_to_compare_has_a_distribution():
    spread = distribution(np.full((3, 3), np.nan))
    assert spread.pixels == 0
    assert np.isnan(spread.centre)


@given(
    arrays(np.float32, (23, 31), elements=st.floats(0, 100, width=32) | st.just(np.nan)),
    st.integers(1, 9),
)
def test_the_worst_places_are_apart_and_the_worst_is_the_first(strength, apart):
    found = worst(strength, 5, apart)
    assert len(found) <= 5
    values = [strength[y, x] for x, y in found]
    assert values == sorted(values, reverse=True)
    for k, (x, y) in enumerate(found):
        assert all(
            max(abs(x - other_x), abs(y - other_y)) >= apart for other_x, other_y in found[:k]
        )
    assert bool(found) == bool(np.isfinite(strength).any())
    if found:
        assert values[0] == np.nanmax(strength)


def test_one_large_source_does_not_take_every_place():
    strength = np.ones((100, 100), np.float32)
    strength[40:60, 40:60] = 1000
    strength[90, 90] = 500
    assert worst(strength, 2, 20) == [(40, 40), (90, 90)]


# Words.


def test_facts_are_words():
    facts = {
        "count": 1234567,
        "share": 0.123456,
        "on": True,
        "none": None,
        "pair": (1.0, -2.5),
        "sub": {"a": np.int16(3)},
    }
    words = {row.label: row.text for row in rows(facts)}
    space = "\N{NARROW NO-BREAK SPACE}"
    assert words == {
        "count": f"1{space}234{space}567", "share": "0.1235", "on": "yes", "none": "–",
        "pair": "1, −2.5", "sub: a": "3",
    }  # fmt: skip
    assert text_of(np.float32("nan")) == "not known"
    assert text_of(float("-inf")) == "−inf"
    assert text_of(123456.789) == f"123{space}457"
    assert (percent(0, 10), percent(1, 10), percent(1, 10**6), percent(0, 0)) == (
        "0.00 %",
        "10.00 %",
        "0.0001 %",
        "–",
    )


def test_links_lead_from_the_page_to_the_files(tmp_path):
    page = tmp_path / "pages"
    found = links({"mask": tmp_path / "data" / "a b#1%.fits", "odd": page / "x:y.fits"}, page)
    assert [row.text for row in found] == ["../data/a%20b%231%25.fits", "x%3Ay.fits"]
