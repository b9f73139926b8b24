"""Adaptive maps of large targets: refined block row by block row, in an amount of memory that does
not grow.
"""

import threading
import tracemalloc
from unittest import mock

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_adaptive import (
    CHECKED,
    DISTORTION,
    PIECES,
    POLYNOMIALS,
    SHAPES,
    Exact,
    broken,
    compared,
    polynomial,
    whole,
)

from skyblot.bands import for_each_mapped_band
from skyblot.errors import WCSError
from skyblot.pixelmap import adaptive
from skyblot.pixelmap.adaptive import BlockRows, adaptive_map
from skyblot.pixelmap.kept import Kept


@pytest.fixture
def small_blocks(monkeypatch):
    """Targets of some hundred pixels are large."""
    monkeypatch.setattr(adaptive, "LARGEST", 128)


@CHECKED
@given(
    shape=SHAPES, terms=POLYNOMIALS, pieces=PIECES, tolerance=st.sampled_from([1e-2, 1e-4, 1e-6])
)
def test_what_crosses_borders_is_seen_on_both_sides(shape, terms, pieces, tolerance):
    with mock.patch.object(adaptive, "LARGEST", 128):
        compared(broken(polynomial(shape, 10 * terms), pieces), shape, tolerance)


@pytest.mark.parametrize("dead", [0, 127, 128, 400])
@pytest.mark.parametrize("along", ["row", "column"])
def test_a_single_dead_row_or_column_is_seen(dead, along, small_blocks):
    smooth = polynomial((420, 500), DISTORTION)

    def function(x, y):
        mapx, mapy = smooth(x, y)
        lost = (y if along == "row" else x) == dead
        return np.where(lost, np.nan, mapx), np.where(lost, np.nan, mapy)

    compared(function, (420, 500), 1e-4)


HOLES = [("no disc", 0.0, (100, 200), 60, 0.0), ("kink", 0.3, (250, 250), 30, 1.0)]


@pytest.mark.parametrize("rows", [1, 7, 64, 300])
@pytest.mark.parametrize("threads", [1, 3])
def test_neither_bands_nor_threads_change_a_bit(rows, threads, small_blocks):
    exact, shape = Exact(broken(polynomial((500, 333), DISTORTION), HOLES)), (500, 333)
    expected = whole(adaptive_map(exact, shape, 1e-4), shape)
    plan, found = adaptive_map(exact, shape, 1e-4), np.empty((2, *shape))

    def work(row0, row1, *_):
        first = shape[0] - row1
        plan.rows(first, *found[:, first : shape[0] - row0])

    for_each_mapped_band(shape, work, threads, rows)  # the last rows first
    assert isinstance(plan, BlockRows)
    assert np.array_equal(found, expected, equal_nan=True)


@pytest.mark.parametrize("threads", [1, 4])
def test_each_row_of_blocks_is_refined_once(threads, small_blocks):
    shape = (1000, 333)
    exact = Exact(broken(polynomial(shape, DISTORTION), HOLES))
    plan = adaptive_map(exact, shape, 1e-4)
    for_each_mapped_band(shape, lambda row0, row1, x, y: plan.rows(row0, x, y), threads, 5)
    first = exact.samples
    assert first < shape[0] * shape[1] / 3
    for_each_mapped_band(shape, lambda row0, row1, x, y: plan.rows(row0, x, y), threads, 5)
    assert exact.samples == first


def test_only_what_is_asked_for_is_refined(small_blocks):
    exact = Exact(polynomial((4000, 333), DISTORTION))
    plan = adaptive_map(exact, (4000, 333), 1e-4)
    assert exact.samples == 1
    plan.rows(2000, np.empty((3, 333)), np.empty((3, 333)))
    one = exact.samples
    whole(plan, (4000, 333))
    assert one < exact.samples / 20


def test_where_polynomials_are_hopeless_pixels_are_exact(small_blocks):
    def noisy(x, y):
        return x + np.where(x < 256, 0.0, np.sin(7.1 * x + 3.3 * y)), y.copy()

    with mock.patch.object(adaptive, "MOST_STORED", 1 << 14):
        exact, shape = Exact(noisy), (300, 600)
        plan = adaptive_map(exact, shape, 1e-4)
        ours, truth = whole(plan, shape, 10), whole(exact, shape)
    assert np.array_equal(ours[:, :, 256:], truth[:, :, 256:])
    assert np.abs(ours - truth).max() <= 1e-4


def folded(x, y):
    """Positions on every other band of rows only, and waves that need small blocks: the same all
    over the target.
    """
    lost = y // 97 % 2 == 0
    return np.where(lost, np.nan, x + np.sin(x / 9.0)), np.where(lost, np.nan, y + np.cos(y / 11.0))


def peak_bytes(shape):
    """Memory for the map of a target, band by band, beside the bands themselves."""
    plan, x, y = (
        adaptive_map(Exact(folded), shape, 1e-4),
        np.empty((8, shape[1])),
        np.empty((8, shape[1])),
    )
    # what is compiled and imported takes memory, too
    adaptive_map(Exact(folded), shape, 1e-4).rows(0, x, y)
    tracemalloc.start()
    try:
        for row0 in range(0, shape[0], 8):
            plan.rows(row0, x, y)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_height(monkeypatch, small_blocks):
    monkeypatch.setattr(adaptive, "ROOM", 1 << 19)
    low, high = peak_bytes((512, 300)), peak_bytes((8192, 300))
    assert high < 1.3 * low


def test_memory_grows_less_than_the_bands_with_the_width(monkeypatch, small_blocks):
    """Wider than a certain limit, blocks get smaller: those of a row take what a row of pixels
    does, about.
    """
    monkeypatch.setattr(adaptive, "MOST_PIXELS", 1 << 16)
    monkeypatch.setattr(adaptive, "ROOM", 0)
    narrow, wide = peak_bytes((256, 1024)), peak_bytes((256, 2048))
    assert wide < 1.5 * narrow


@pytest.mark.parametrize("room", [0, 250])
def test_what_was_used_last_is_kept(room):
    made = []

    def make(number):
        made.append(number)
        return np.zeros(100, np.int8)

    kept = Kept(make, room)
    for number in (0, 1, 0, 2, 0, 2, 0):
        assert kept[number].nbytes == 100
    assert made == [0, 1, 2]
    assert kept[1] is kept[1]
    assert made == [0, 1, 2, 1]


def test_what_is_there_is_had_while_another_part_is_made():
    going, go_on = threading.Event(), threading.Event()

    def make(number):
        if number == 1:
            going.set()
            assert go_on.wait(20)
        return np.zeros(number + 1)

    kept = Kept(make, 1000)
    assert kept[0].size == 1
    other = threading.Thread(target=lambda: kept[1])
    other.start()
    assert going.wait(20)
    assert kept[0].size == 1
    go_on.set()
    other.join()


def test_a_wcs_that_fails_does_so_before_any_work(small_blocks):
    def no_inverse(x, y):
        raise WCSError("no inverse")

    with pytest.raises(WCSError, match="no inverse"):
        adaptive_map(Exact(no_inverse), (4000, 4000), 1e-4)
