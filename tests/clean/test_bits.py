"""Masks as bits come back as they went in."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from skyblot.bounds import Bounds
from skyblot.resampling.bits import Bits

MASKS = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=40))


@given(MASKS, st.data())
def test_any_part_of_a_mask_is_what_was_packed(mask, data):
    ny, nx = mask.shape
    y0, y1 = sorted(data.draw(st.tuples(st.integers(0, ny), st.integers(0, ny))))
    x0, x1 = sorted(data.draw(st.tuples(st.integers(0, nx), st.integers(0, nx))))
    bits = Bits.of(mask)
    np.testing.assert_array_equal(bits.whole(), mask)
    np.testing.assert_array_equal(bits.within(Bounds(y0, y1, x0, x1)), mask[y0:y1, x0:x1])


@given(array_shapes(min_dims=2, max_dims=2, max_side=40))
def test_a_mask_of_nothing_takes_an_eighth(shape):
    bits = Bits.none(shape)
    assert not bits.whole().any()
    assert bits.whole().shape == shape
    assert bits.nbytes == shape[0] * -(-shape[1] // 8)
