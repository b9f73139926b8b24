"""Rectangles of pixels: each operation is what it is on sets of pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyblot.bounds import EMPTY, Bounds

SHAPE = (12, 15)
RECTANGLES = st.tuples(
    st.integers(0, SHAPE[0] - 1), st.integers(1, 6), st.integers(0, SHAPE[1] - 1), st.integers(1, 6)
).map(lambda t: Bounds(t[0], min(t[0] + t[1], SHAPE[0]), t[2], min(t[2] + t[3], SHAPE[1])))
SOME = st.one_of(RECTANGLES, st.just(EMPTY))
QUICK = settings(max_examples=100, deadline=None, derandomize=True)


def pixels(bounds):
    """The pixels of bounds, as a mask of the image."""
    mask = np.zeros(SHAPE, bool)
    mask[bounds.slices] = True
    return mask


def test_the_whole_of_an_image():
    whole = Bounds.whole(SHAPE)
    assert (whole.shape, whole.area, whole.origin) == (SHAPE, 180, (0, 0))
    assert pixels(whole).all()


@QUICK
@given(one=SOME, other=SOME)
def test_overlap_and_union_are_those_of_the_pixels(one, other):
    both = pixels(one) & pixels(other)
    assert np.array_equal(pixels(one.overlap(other)), both)
    assert one.overlap(other).area == both.sum()
    rows, columns = np.nonzero(pixels(one) | pixels(other))
    union = one.union(other)
    if rows.size:
        assert union == Bounds(rows.min(), rows.max() + 1, columns.min(), columns.max() + 1)
    else:
        assert union.area == 0


@QUICK
@given(outer=RECTANGLES, other=SOME)
def test_what_is_left_around_a_hole_has_each_pixel_once(outer, other):
    hole = outer.overlap(other)
    parts = [pixels(part) for part in outer.without(hole)]
    count = np.sum([np.zeros(SHAPE, int), *parts], axis=0)
    assert np.array_equal(count, pixels(outer) & ~pixels(hole))


@QUICK
@given(inner=RECTANGLES, outer=RECTANGLES)
def test_bounds_within_others_cut_the_same_pixels_out_of_a_cutout(inner, outer):
    image = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    both = inner.overlap(outer)
    assert np.array_equal(image[outer.slices][both.within(outer).slices], image[both.slices])


@pytest.mark.parametrize(("dy", "dx"), [(0, 0), (2, -1), (-3, 4)])
def test_moving_and_growing(dy, dx):
    bounds = Bounds(4, 6, 5, 9)
    assert bounds.shifted(dy, dx) == (4 + dy, 6 + dy, 5 + dx, 9 + dx)
    assert bounds.grown(2) == (2, 8, 3, 11)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (np.s_[:, :], (0, 12, 0, 15)),
        (np.s_[2:5, 3:], (2, 5, 3, 15)),
        (np.s_[-2:, :100], (10, 12, 0, 15)),
        (np.s_[5:2, 3:4], (5, 5, 3, 4)),
    ],
)
def test_slices_as_numpy_reads_them(key, expected):
    bounds = Bounds.of_slices(key, SHAPE)
    assert bounds == expected
    assert bounds.shape == np.zeros(SHAPE)[key].shape
