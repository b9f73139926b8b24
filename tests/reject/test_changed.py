"""Sources of another brightness are no cosmic rays, and hits on sources stay such."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from star_fields import SIGMA, field, noisy, stars

import skyblot
from skyblot.rejection.changed import FEWEST, MOST, objects_of

#: A star in the middle of a field, and all others.
PLACE = (70.0, 60.0)
OTHERS = field(flux=20000.0)
STAR = stars(OTHERS.shape, [PLACE], flux=20000.0)
NEAR = np.hypot(*(np.indices(OTHERS.shape) - np.array(PLACE[::-1])[:, None, None])) < 6


def masked(exposure, blot, **criteria):
    """The mask near the star."""
    sigma = np.full(exposure.shape, SIGMA)
    return skyblot.reject(exposure, blot, sigma, **criteria).mask & NEAR


@pytest.mark.parametrize("part", [0.3, 0.55, -0.3, -0.55])
def test_a_star_that_changes_is_not_taken(part):
    changed = noisy(OTHERS + (1 + part) * STAR)
    plain = {"rule": "plain", "snr": (5, 4), "scale": (0, 0)}
    assert np.count_nonzero(masked(changed, OTHERS + STAR, **plain)) >= FEWEST
    assert not masked(changed, OTHERS + STAR).any()


def test_one_that_changes_by_more_is():
    changed = noisy(OTHERS + (1 + 2 * MOST) * STAR)
    assert np.count_nonzero(masked(changed, OTHERS + STAR)) >= FEWEST


def test_a_new_star_is():
    assert np.count_nonzero(masked(noisy(OTHERS + STAR), OTHERS)) >= FEWEST


@pytest.mark.parametrize("angle", [0.0, 0.4, 0.8, 1.2])
@pytest.mark.parametrize("offset", [0.0, 1.0, 2.0])
def test_a_track_through_a_star_is_taken_whole(angle, offset):
    """It is as bright as the star's core where it is brightest."""
    y, x = np.indices(OTHERS.shape) - np.array(PLACE[::-1])[:, None, None]
    away = x * np.sin(angle) - y * np.cos(angle) + offset
    track = (np.abs(away) < 0.5) & (np.hypot(x, y) < 4)
    assert np.count_nonzero(track) >= FEWEST
    hit = noisy(OTHERS + STAR + 0.5 * STAR.max() * track)
    assert masked(hit, OTHERS + STAR)[track].all()


def test_what_has_no_shape_stays():
    """Three pixels of a star may be a hit as well."""
    hit = noisy(OTHERS + STAR)
    y, x = np.array(PLACE[::-1]).astype(int)
    hit[y, x - 1 : x + 2] += 0.3 * STAR[y, x - 1 : x + 2]
    assert masked(hit, OTHERS + STAR)[y, x - 1 : x + 2].all()


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 12), st.integers(1, 12), st.floats(0, 1), st.integers(0, 2**31))
def test_objects_are_pixels_that_touch(ny, nx, part, seed):
    mask = np.random.default_rng(seed).random((ny, nx)) < part
    flat = np.flatnonzero(mask)
    if not flat.size:
        return
    owner, count = objects_of(flat, nx)
    labels, expected = ndimage.label(mask, np.ones((3, 3)))
    assert count == expected
    pairs = set(zip(owner.tolist(), labels.ravel()[flat].tolist(), strict=True))
    assert len(pairs) == expected
