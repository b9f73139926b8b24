"""How many others cover a pixel, and where it lies on the mosaic: against astropy's WCS."""

import numpy as np
import pytest

from skyblot.mosaics.cover import counts_on, places_of
from skyblot.mosaics.stack import Stack, fill_stack


@pytest.fixture(scope="module")
def stack(opened):
    """The stack of the small set."""
    stack = Stack.empty(opened.frame.shape, 4)
    list(fill_stack(stack, opened.chips, 2))
    return stack


def nearest(chip, frame):
    """The mosaic's pixel under every pixel of a chip by astropy, and whether there is one."""
    y, x = np.indices(chip.shape)
    sky = chip.wcs.all_pix2world(x.ravel(), y.ravel(), 0)
    columns, rows = (
        np.rint(each).astype(int).reshape(chip.shape) for each in frame.wcs.wcs_world2pix(*sky, 0)
    )
    ny, nx = frame.shape
    inside = (rows >= 0) & (rows < ny) & (columns >= 0) & (columns < nx)
    return rows, columns, inside


def test_places_are_those_of_the_wcs(opened):
    chip = opened.chips[1]
    rows, columns, inside = nearest(chip, opened.frame)
    flat = np.sort(np.random.default_rng(1).choice(rows.size, 500, replace=False))
    expected = np.where(inside, rows * opened.frame.shape[1] + columns, -1).ravel()[flat]
    np.testing.assert_array_equal(places_of(chip, flat, opened.frame.shape), expected)
    assert places_of(chip, flat[:0], opened.frame.shape).size == 0


def test_what_lies_beside_the_mosaic_has_no_place(opened):
    chip = opened.chips[0]
    rows, columns, _ = nearest(chip, opened.frame)
    half = opened.frame.shape[0] // 2, opened.frame.shape[1] // 2
    flat = np.arange(rows.size)
    inside = (rows >= 0) & (rows < half[0]) & (columns >= 0) & (columns < half[1])
    assert 0 < inside.sum() < inside.size
    np.testing.assert_array_equal(places_of(chip, flat, half) >= 0, inside.ravel())


@pytest.mark.parametrize("threads", [1, 3])
def test_an_exposure_does_not_cover_itself(opened, stack, threads):
    for chip in opened.chips[:2]:
        rows, columns, inside = nearest(chip, opened.frame)
        cover = counts_on(chip, stack.counts, threads)
        expected = stack.counts[rows, columns].astype(int) - chip.usable.whole()
        assert inside.all()
        np.testing.assert_array_equal(cover, np.clip(expected, 0, 255))
        assert set(np.unique(cover)) <= {0, 1, 2, 3}
        assert (cover == 3).any()


def test_alone_nothing_else_covers(opened):
    alone = Stack.empty(opened.frame.shape, 1)
    list(fill_stack(alone, opened.chips[:1], 1))
    cover = counts_on(opened.chips[0], alone.counts, 1)
    # at the edges of flagged pixels rounding to the mosaic's pixels may find a good one beside
    flagged = ~opened.chips[0].usable.whole()
    assert np.count_nonzero(cover) <= np.count_nonzero(flagged)
