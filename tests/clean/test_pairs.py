"""Which chips are compared with which, of many."""

from dataclasses import replace

import numpy as np
import pytest
from sky_camera import SHAPE, affine

from skyblot.resampling.blocks import bin_chip
from skyblot.resampling.skymatch import match_sky


def flat(level, noise=0.0, seed=0):
    """A chip of one level, its blocks with some noise."""
    binned = bin_chip(np.full(SHAPE, level), np.ones(SHAPE, bool), 32)
    shape = binned.values.shape
    values = level + noise * np.random.default_rng(seed).standard_normal(shape)
    return replace(binned, values=values, errors=np.full(shape, noise or 0.1))


def test_few_chips_are_all_compared():
    found = match_sky([flat(k) for k in range(17)], [affine((k, -k)) for k in range(17)])
    assert len(found.pairs) == 17 * 16 / 2


def test_many_chips_at_one_place_are_compared_with_some_and_levels_are_nearly_as_good():
    count, noise = 64, 1.0
    truth = np.arange(count) % 7.0
    chips = [flat(level, noise, seed) for seed, level in enumerate(truth)]
    found = match_sky(chips, [affine((k % 5, k % 3)) for k in range(count)])
    assert (
        len(found.pairs) == 5.5 * count
    )  # 1, 2, 4, 8, 16 away, and 32, which is the same from both sides
    own = noise / np.sqrt(
        chips[0].values.size
    )  # the noise of a chip's mean: no comparison makes it less
    assert (found.levels - truth).std() < 1.2 * own
    assert [each.first for each in found.pairs] == sorted(each.first for each in found.pairs)


def test_those_that_share_much_are_compared_first():
    # Four exposures at each of 30 places that share a strip with their neighbours and a corner with
    # many others.
    places = [(400 * (k % 6), 300 * (k // 6)) for k in range(30)]
    maps = [affine((x + dx, y + dx)) for x, y in places for dx in (0, 2, 4, 6)]
    found = match_sky([flat(k % 9) for k in range(120)], maps)
    pairs = {(each.first, each.second) for each in found.pairs}
    assert {
        (4 * k + i, 4 * k + j) for k in range(30) for i in range(4) for j in range(i + 1, 4)
    } <= pairs
    assert len(found.groups) == 1
    assert found.levels == pytest.approx(np.arange(120) % 9)


def test_no_chip_is_cut_off_though_few_pairs_are_looked_at():
    # Two fields that a single chip connects, the last of many: it is few steps from none of the
    # first field.
    one = [affine((k % 5, 0)) for k in range(40)]
    other = [affine((700 + k % 5, 0)) for k in range(40)]
    bridge = affine((350, 0))
    found = match_sky([flat(k) for k in range(81)], [*one, *other, bridge])
    assert len(found.groups) == 1
    assert found.levels == pytest.approx(np.arange(81))
