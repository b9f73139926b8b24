"""Robust stacks: kernels against slow obvious versions, and the same bits for any tiles."""

import numpy as np
import oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyblot.bounds import Bounds
from skyblot.kernels import others as of_others
from skyblot.kernels import stack as kernels
from skyblot.mosaics.layers import cleared_layer, layer_of, weight_of
from skyblot.mosaics.others import Layers, Sums, parts_of
from skyblot.mosaics.stack import Others, Stack, fill_stack, members_on, tiles_of

SHAPE = (13, 17)
#: A rounding of float32, of values up to 1000.
ROUNDING = {"rtol": 4 * 2.0**-24, "atol": 1000 * 2.0**-24}


def some_cube(seed, layers, holes=0.2):
    """Layers of noise about a slope and a star, with hits and holes; their variances."""
    rng = np.random.default_rng(seed)
    y, x = np.indices(SHAPE)
    scene = 2.0 * x + 300.0 * np.exp(-((x - 8.3) ** 2 + (y - 6.1) ** 2) / 4)
    cube = scene + 5.0 * rng.standard_normal((layers, *SHAPE))
    hit = rng.random(cube.shape) < 0.15
    cube[hit] += rng.uniform(10, 400, np.count_nonzero(hit))
    cube[rng.random(cube.shape) < holes] = np.nan
    lines = np.stack([rng.uniform(10, 80, layers), rng.uniform(0, 2, layers)], 1)
    return cube.astype(np.float32), lines


def empty():
    return np.empty(SHAPE, np.float32), np.empty(SHAPE, np.uint8)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 5), st.sampled_from([0.0, 0.2, 0.9]))
def test_minmed_is_astrodrizzles(seed, layers, holes):
    cube, lines = some_cube(seed, layers, holes)
    out, counts = empty()
    kernels.minmed(cube, lines, 4.0, 3.0, 2.5, out, counts)
    expected = oracles.stacked_minmed(cube, lines, 4.0, 3.0, 2.5)
    np.testing.assert_allclose(out, expected, **ROUNDING)
    np.testing.assert_array_equal(counts, np.isfinite(cube).sum(axis=0))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 20), st.sampled_from([0.0, 0.2, 0.9]))
def test_a_clipped_median_leaves_out_what_is_above(seed, layers, holes):
    cube, lines = some_cube(seed, layers, holes)
    out, counts = empty()
    kernels.clipped_median(cube, lines, 3.0, out, counts)
    np.testing.assert_allclose(out, oracles.stacked_clipped(cube, lines, 3.0), **ROUNDING)
    np.testing.assert_array_equal(counts, np.isfinite(cube).sum(axis=0))


def test_of_two_the_lower_is_taken_only_beyond_the_noise_of_both():
    lines = np.array([[1.0, 0.0], [99.0, 0.0]])
    out, counts = np.empty((1, 3), np.float32), np.empty((1, 3), np.uint8)
    # 10 is the sigma of their difference
    cube = np.array([[[0, 0, np.nan]], [[29, 31, 7]]], np.float32)
    kernels.minmed(cube, lines, 4.0, 4.0, 3.0, out, counts)
    np.testing.assert_array_equal(out, [[14.5, 0.0, 7.0]])
    np.testing.assert_array_equal(counts, [[2, 2, 1]])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31))
def test_outliers_are_cleared_as_by_the_definition(seed):
    (layer, stack), lines = some_cube(seed, 2, 0.1)
    scale = 1.2, 0.7
    out = np.empty_like(layer)
    kernels.clear_outliers(layer, stack, lines[0], (4.0, 3.0), scale, out)
    expected = oracles.without_outliers(layer, stack, lines[0], (4.0, 3.0), scale)
    np.testing.assert_array_equal(out, expected.astype(np.float32))


def test_bad_pixels_get_the_mean_of_the_nearest_good_ones():
    data = np.arange(63, dtype=np.float32).reshape(7, 9)
    good = np.ones(data.shape, bool)
    good[3, 4] = False
    good[0, :3] = False
    out = np.empty_like(data)
    data[~good] = np.nan
    kernels.fill_bad(data, good, out)
    assert out[3, 4] == np.mean([21, 22, 23, 30, 32, 39, 40, 41])
    np.testing.assert_array_equal(out[0, :3], [9.5, 10.0, np.mean([3, 10, 11, 12])])
    np.testing.assert_array_equal(out[good], data[good])


@pytest.mark.parametrize("wide", [2, 3, 4])
def test_what_has_no_good_pixel_within_three_stays_unknown(wide):
    good = np.ones((2 * wide + 3, 2 * wide + 3), bool)
    good[1:-1, 1:-1] = False
    out = np.empty(good.shape, np.float32)
    kernels.fill_bad(np.ones(good.shape, np.float32), good, out)
    assert np.isnan(out[wide + 1, wide + 1]) == (wide + 1 > 3)


def test_no_value_swings_below_its_pixels_nor_stands_on_a_bad_one():
    pixels = np.array([[10, 20], [30, 40]], np.float32)
    good = np.array([[True, True], [True, False]])
    x = np.array([[0.2, 0.2, 0.7, -1.5, 1.4]])
    y = np.array([[0.2, 0.2, 0.7, 0.0, 0.2]])
    out = np.array([[3.0, 9.5, 25.0, 1.0, 1.0]], np.float32)
    kernels.settle(pixels, good, np.zeros(2, int), x, y, 2.0, out)
    np.testing.assert_array_equal(out, [[8.0, 9.5, np.nan, np.nan, 18.0]])


def test_where_nothing_lies_on_an_image_nothing_is_touched():
    edges = np.empty(4)
    assert not kernels.touched(np.full((2, 2), 9.6), np.zeros((2, 2)), (5, 10), edges)
    x, y = np.array([[2.5, np.nan, 40.0]]), np.array([[1.0, 1.0, 1.0]])
    assert kernels.touched(x, y, (5, 10), edges)
    np.testing.assert_array_equal(edges, [1.0, 1.0, 2.5, 2.5])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 6))
def test_sums_without_one_are_the_mean_of_the_others(seed, layers):
    cube, lines = some_cube(seed, layers, 0.4)
    weights = 1 / lines[:, 0]
    sums, total = (np.zeros(SHAPE, np.float32) for _ in range(2))
    counts = np.zeros(SHAPE, np.uint8)
    for layer, weight in zip(cube, weights, strict=True):
        of_others.add_layer(layer, weight, sums, total, counts)
    out = np.full(SHAPE, np.nan, np.float32)
    of_others.mean_of_others(cube[0], weights[0], sums, total, counts, out)
    known = np.isfinite(cube[1:])
    parts = np.where(known, weights[1:, None, None], 0.0)
    with np.errstate(invalid="ignore"):
        expected = np.nansum(parts * np.where(known, cube[1:], 0), axis=0) / parts.sum(axis=0)
    np.testing.assert_array_equal(np.isnan(out), ~known.any(axis=0))
    # sums of float32, of which one part is taken away again: all parts together are rounded
    worst = weights.sum() / weights.min()
    allowed = 4 * (layers + 1) * 2.0**-24 * worst * np.nanmax(np.abs(cube), initial=0)
    assert np.nanmax(np.abs(out - expected), initial=0) <= allowed


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 6), st.sampled_from([0.0, 0.4, 1.0]))
def test_halves_of_numbers_add_up_to_the_mean(seed, layers, holes):
    cube, lines = some_cube(seed, layers, holes)
    stack = some_cube(seed, 1, 0.0)[0][0]
    units, weights = np.sqrt(lines[:, 0]), 1 / lines[:, 0]
    sums, total = (np.zeros(SHAPE, np.float32) for _ in range(2))
    for layer, unit, weight in zip(cube, units, weights, strict=True):
        half = np.empty(SHAPE, np.uint16)
        of_others.halve(layer, stack, unit, half)
        # numpy's own half precision, but for values between two that are as near
        expected = ((layer - stack) / np.float32(unit)).astype(np.float16)
        there = np.isfinite(expected)
        np.testing.assert_array_equal(half != 0, there)
        number = (half ^ np.uint16(0x7E00)).view(np.float16).astype(float)
        apart = np.abs(number - expected)[there]
        assert (apart <= np.spacing(np.abs(expected[there]))).all()
        of_others.add_half(half, unit, weight, sums, total)
    out = np.full(SHAPE, 7.0, np.float32)
    of_others.add_mean(sums, total, out)
    known = np.isfinite(cube)
    parts = np.where(known, weights[:, None, None], 0.0)
    away = np.where(known, cube - stack, 0.0)
    weight = np.where(known.any(axis=0), parts.sum(axis=0), 1)
    expected = 7.0 + (parts * away).sum(axis=0) / weight
    # 11 bits, rounded: half of the last one
    allowed = 2.0**-11 * (parts * np.abs(away)).sum(axis=0) / weight
    assert (np.abs(out - expected) <= 1.01 * allowed + 1e-5).all()


def test_whatever_is_no_number_or_too_large_is_left_out():
    bits = np.array([0x7FC00000, 0xFFFFFFFF, 0x7F800001, 0x7F800000, 0xFF7F0000], np.uint32)
    others = np.array([-65504.0, 65530.0, 1e-9], np.float32).view(np.uint32)
    layer = np.concatenate([bits, others]).view(np.float32)[None]
    half = np.empty(layer.shape, np.uint16)
    of_others.halve(layer, np.zeros(layer.shape, np.float32), 1.0, half)
    sums, total = (np.zeros(layer.shape, np.float32) for _ in range(2))
    of_others.add_half(half, 1.0, 1.0, sums, total)
    np.testing.assert_array_equal(total, [[0, 0, 0, 0, 0, 1, 0, 1]])
    np.testing.assert_array_equal(sums, [[0, 0, 0, 0, 0, -65504, 0, 0]])


# ---- whole stacks --------------------------------------------------------------------------------


#: What is kept of the exposures: their layers, or their sums.
PLENTY, NOTHING = 1 << 30, 0


def filled(opened, room, threads=1, tile=(512, 512)):
    shape = opened.frame.shape
    stack = Stack.empty(shape, 4, parts_of(opened.chips, shape, room))
    assert isinstance(stack.parts, Layers if room else Sums)
    assert len(list(fill_stack(stack, opened.chips, threads, tiles_of(shape, tile)))) == len(
        tiles_of(shape, tile)
    )
    return stack


@pytest.fixture(scope="module", params=[PLENTY, NOTHING], ids=["layers", "sums"])
def reference(opened, request):
    """The stack of the small set, by one thread."""
    return filled(opened, request.param)


def without_each(opened, stack):
    """The mean of the others for every exposure."""
    exposures = sorted({chip.exposure for chip in opened.chips})
    own = [tuple(chip for chip in opened.chips if chip.exposure == k) for k in exposures]
    return [Others(stack, chips)[:, :] for chips in own]


@pytest.mark.parametrize(
    ("threads", "tile"), [(1, (37, 90)), (2, (512, 512)), (5, (100, 33)), (2, (5000, 5000))]
)
def test_neither_threads_nor_tiles_change_a_bit(opened, reference, threads, tile):
    room = PLENTY if isinstance(reference.parts, Layers) else NOTHING
    found = filled(opened, room, threads, tile)
    for name in ("data", "counts"):
        np.testing.assert_array_equal(getattr(found, name), getattr(reference, name), err_msg=name)
    for mine, expected in zip(
        without_each(opened, found), without_each(opened, reference), strict=True
    ):
        np.testing.assert_array_equal(mine, expected)


def test_layers_and_sums_leave_out_the_same(opened):
    layers, sums = (filled(opened, room) for room in (PLENTY, NOTHING))
    for mine, expected in zip(
        without_each(opened, layers), without_each(opened, sums), strict=True
    ):
        np.testing.assert_array_equal(np.isnan(mine), np.isnan(expected))
        # what the halves round: 1/2048 of how far layers are from the stack
        away = np.abs(expected - layers.data)
        assert np.nanmax(np.abs(mine - expected) - 0.003 * away) < 0.003


def test_a_stack_alone_has_no_parts(opened, reference):
    alone = Stack.empty(opened.frame.shape, 4)
    list(fill_stack(alone, opened.chips, 1))
    np.testing.assert_array_equal(alone.data, reference.data)


def test_a_slice_of_the_others_is_part_of_the_whole(opened, reference):
    others = Others(reference, (opened.chips[0], opened.chips[1]))
    whole = others[:, :]
    part = Bounds(40, 171, 33, 210)
    np.testing.assert_array_equal(others[part.slices], whole[part.slices])


def test_the_others_are_what_a_stack_without_the_exposure_would_sum_up(opened, reference):
    others = Others(reference, (opened.chips[0], opened.chips[1]))[:, :]
    shape = opened.frame.shape
    sums, weights, spread = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    plain = np.ones(shape, bool)
    whole = Bounds.whole(shape)
    for members in members_on(opened.chips, whole):
        layer = layer_of(members, whole)
        known = np.isfinite(layer)
        cleared = cleared_layer(members, layer, reference.data)
        plain &= np.isfinite(cleared) == known  # no outlier in any
        if members[0].exposure != opened.chips[0].exposure:
            sums[known] += weight_of(members) * layer[known]
            weights[known] += weight_of(members)
            away = np.abs(layer - reference.data)[known]
            spread[known] += weight_of(members) * away
    plain &= weights > 0
    assert plain.mean() > 0.3
    expected = sums[plain] / weights[plain]
    # float32 sums of at most four layers, less one of them; halves keep 11 bits of a difference
    rounding = 32 * 2.0**-24 * np.abs(expected).max()
    halves = 2.0**-11 * spread[plain] / weights[plain] * isinstance(reference.parts, Layers)
    assert (np.abs(others[plain] - expected) <= rounding + 1.01 * halves).all()
