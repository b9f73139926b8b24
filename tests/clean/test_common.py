"""What deviates in too many exposures is the sky's, unless chance makes cosmic rays meet."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from skyblot.mosaics.common import CHANCE, Deviations, most_exposures, spared_pixels

SHAPE = (60, 80)


def deviation(exposure, mask, value=50.0):
    """Bad pixels of a chip that has the mosaic's own pixels."""
    flat = np.flatnonzero(mask)
    return Deviations(exposure, flat, flat.copy(), np.full(len(flat), value, np.float32), SHAPE)


def masks(number):
    return [np.zeros(SHAPE, bool) for _ in range(number)]


def spared(deviations, number, stack=None):
    if stack is None:
        stack = np.zeros(SHAPE, np.float32)
    counts = np.full(SHAPE, number, np.uint8)
    return [mask.tolist() for mask in spared_pixels(deviations, counts, stack)]


def with_star(peak=40.0):
    """A mosaic of noise of sigma 1, with a star at (30, 40)."""
    stack = np.random.default_rng(2).standard_normal(SHAPE).astype("f4")
    stack[29:32, 39:42] = peak
    return stack


@given(st.integers(1, 300))
def test_one_exposure_may_always_deviate_and_never_many_of_many(count):
    most = float(most_exposures(np.array(count)))
    assert most == max(min(0.4 * count, 2 + 0.03 * count), 1)
    assert 1 <= most < max(0.5 * count, 1.5) + 0.5


@pytest.mark.parametrize(("number", "deviating", "expected"), [
    (2, 1, False), (2, 2, True), (4, 1, False), (4, 2, True), (8, 2, False), (8, 3, True),
    (20, 2, False), (20, 3, True),
])  # fmt: skip
def test_at_a_source_too_many_are_the_skys(number, deviating, expected):
    planes = masks(number)
    for plane in planes[:deviating]:
        plane[29:32, 39:42] = True
    deviations = [deviation(k, plane) for k, plane in enumerate(planes)]
    found = spared(deviations, number, with_star())
    assert found[0] == [expected] * 9
    assert found[-1] == ([expected] * 9 if deviating == number else [])


def test_what_is_much_brighter_than_the_source_is_a_cosmic_ray():
    planes = masks(4)
    for plane in planes[:2]:
        plane[29:32, 39:42] = True
    pair = [deviation(0, planes[0], 81.0), deviation(1, planes[1], 79.0)]
    assert spared(pair, 4, with_star()) == [[False] * 9, [True] * 9]


def test_two_of_four_that_meet_on_the_sky_may_be_chance():
    planes = masks(4)
    rng = np.random.default_rng(3)
    for plane in planes:
        plane[rng.random(SHAPE) < 0.01] = True
    for plane in planes[:2]:
        plane[10:12, 10:12] = True
    found = spared([deviation(k, plane) for k, plane in enumerate(planes)], 4)
    assert not any(any(mask) for mask in found)


def test_where_chance_makes_it_rarely_enough_it_is_the_skys_anywhere():
    planes = masks(20)
    planes[19][50, 60] = True
    for plane in planes[:12]:
        plane[10:13, 10:13] = True
    found = spared([deviation(k, plane) for k, plane in enumerate(planes)], 20)
    # 12 places of 25 dilated pixels, of 20 exposures of all pixels
    density = 12 * 25 / (20 * SHAPE[0] * SHAPE[1])
    assert 19**11 * density**11 < CHANCE  # an upper bound of eleven others
    assert found[0] == [True] * 9
    assert found[19] == [False]


def test_neighbouring_pixels_count_as_one_place():
    planes = masks(2)
    planes[0][30, 39] = True
    planes[1][31, 40] = True
    pair = [deviation(k, plane) for k, plane in enumerate(planes)]
    assert spared(pair, 2, with_star()) == [[True], [True]]
    planes[1][31, 40] = False
    planes[1][31, 42] = True  # two or more away
    pair = [deviation(k, plane) for k, plane in enumerate(planes)]
    assert spared(pair, 2, with_star()) == [[False], [False]]


def test_whole_objects_are_spared_or_none_of_their_pixels():
    planes = masks(4)
    planes[0][29:32, 30:60] = True  # a track that crosses the star
    planes[1][29:32, 39:42] = True
    found = spared([deviation(k, plane) for k, plane in enumerate(planes)], 4, with_star())
    assert not any(found[0])
    assert found[1] == [True] * 9


def test_chips_of_one_exposure_are_one_voice():
    mask = masks(1)[0]
    mask[29:32, 39:42] = True
    twice = [deviation(0, mask), deviation(0, mask)]
    assert spared(twice, 4, with_star()) == [[False] * 9] * 2


def test_what_lies_beside_the_mosaic_and_nothing_at_all_are_left():
    flat = np.arange(3)
    beside = Deviations(0, flat, np.full(3, -1), np.zeros(3, np.float32), SHAPE)
    assert spared([beside, deviation(1, masks(1)[0])], 2) == [[False] * 3, []]
    assert spared([], 2) == []
    nothing = np.full(SHAPE, np.nan, np.float32)
    assert spared([deviation(0, np.eye(*SHAPE, dtype=bool))], 2, nothing) == [[False] * 60]
