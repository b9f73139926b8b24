"""A blot of another seeing than its exposure's: made as sharp, and what is left of it counted as an
error.
"""

import warnings
from functools import cache

import numpy as np
import pytest
from star_fields import stars

import skyblot
from skyblot.rejection import sharpness

SHAPE, NOISE, SKY = (200, 260), 12.0, 300.0
PLACES = np.random.default_rng(3).uniform(10, [250, 190], (60, 2))
FLUX = 3000.0 * np.random.default_rng(4).random(60) ** -0.8
#: Standard deviations of the stars of a blot, and those of exposures: sharper, alike, blurred.
BLOT, SIGMAS = 1.75, (1.3, 1.75, 2.3)


@cache
def light(sigma):
    image = np.zeros(SHAPE)
    for place, flux in zip(PLACES, FLUX, strict=True):
        image += stars(SHAPE, [place], sigma, flux)
    return image


def pair(sigma, seed=1, ratio=1.0):
    """An exposure with hits, its blot, and where the hits are."""
    rng = np.random.default_rng(seed)
    hits = rng.random(SHAPE) < 0.004
    data = ratio * light(sigma) + SKY + rng.normal(0, NOISE, SHAPE) + 12 * NOISE * hits
    return data.astype("f4"), (light(BLOT) + rng.normal(0, 0.5 * NOISE, SHAPE)).astype("f4"), hits


def judged(data, blot, noise=NOISE, **how):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", skyblot.SkyblotWarning)
        return skyblot.reject(data, blot, np.full(SHAPE, noise, "f4"), **how)


@pytest.mark.parametrize("sigma", SIGMAS)
def test_the_sky_has_the_noise_that_is_reckoned_with_whatever_the_seeing(sigma):
    """Significances there have no spread above 1: what makes a blot sharper adds no noise that
    nobody counts.

    A Laplacian that makes these blots as sharp, 0.9 square pixel, adds 2.3 times the exposure's
    noise to their own.
    """
    data, blot, hits = pair(sigma)
    found = judged(data, blot)
    sky = (light(2.3) < 1.0) & ~hits
    assert np.std(found.significance[sky]) < 1.05


@pytest.mark.parametrize("sigma", SIGMAS)
@pytest.mark.parametrize("ratio", [1.0, 1.6])
def test_cores_of_stars_are_left_and_hits_are_found(sigma, ratio):
    data, blot, hits = pair(sigma, ratio=ratio)
    found = judged(data, blot)
    bright = (light(sigma) > 10 * NOISE) & ~hits
    assert found.mask[bright].mean() < 0.005
    # 1.6 times as bright and sharpened, the blot has as much noise as the exposure: with half of
    # the change as an error a seed is above 6 to 9 of the 12 sigma
    least = 0.95 if (sigma, ratio) == (1.3, 1.6) else 0.99
    assert found.mask[hits & (light(2.3) < 1.0)].mean() > least
    assert found.mask[~hits].mean() < 1e-3
    assert found.sharpness == pytest.approx((sigma**2 - BLOT**2) / 2, rel=0.5, abs=0.1)
    if ratio == 1.0:
        assert found.flux_ratio == pytest.approx(1.0, abs=0.05)


#: Those of five exposures, of which a blot is the median.
SEEING = (1.3, 1.5, 1.75, 2.0, 2.3)


@pytest.mark.parametrize("sigma", [1.3, 2.3])
def test_hits_on_stars_of_a_median_of_different_seeing_are_found(sigma):
    """Such a median is no convolution of any of them. Hits have three quarters of the brightness
    that their pixels have of a star.
    """
    middle = np.median([light(each) for each in SEEING], axis=0)
    bright = light(sigma) > 20 * NOISE
    counts = np.zeros(4)
    for seed in range(4):
        rng = np.random.default_rng(seed)
        blot = middle + rng.normal(0, 0.5 * NOISE, SHAPE)
        hits = bright & (rng.random(SHAPE) < 0.04)
        data = light(sigma) * (1.0 + 0.75 * hits) + SKY + rng.normal(0, NOISE, SHAPE)
        found = judged(data.astype("f4"), blot.astype("f4")).mask
        counts += [(found & hits).sum(), hits.sum(), (found & bright & ~hits).sum(), bright.sum()]
    assert counts[0] > 0.75 * counts[1]
    assert counts[2] < 0.002 * counts[3]


def test_that_of_the_same_sharpness_is_as_it_was(monkeypatch):
    data, blot, _ = pair(BLOT)
    found = judged(data, blot)
    monkeypatch.setattr(sharpness, "_smoothed", None)
    np.testing.assert_array_equal(judged(data, blot).significance, found.significance)


@pytest.mark.parametrize("sigma", [1.3, 2.3])
def test_the_plain_rule_knows_no_sharpness(sigma, monkeypatch):
    data, blot, _ = pair(sigma)
    monkeypatch.setattr(sharpness, "_smoothed", None)
    assert judged(data, blot, rule="plain").mask.any()


@pytest.mark.parametrize("sigma", [1.3, 2.3])
def test_threads_do_not_matter(sigma):
    data, blot, _ = pair(sigma)
    first, second = (judged(data, blot, threads=threads).significance for threads in (1, 3))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("sigma", [1.3, 2.3])
def test_what_is_not_known_does_not_spread(sigma):
    """A hole in the blot is not judged, and all else is, as it is without the hole from some pixels
    on.
    """
    data, blot, _ = pair(sigma)
    holed = blot.copy()
    holed[90:100, 120:130] = np.nan
    found, whole = judged(data, holed), judged(data, blot)
    np.testing.assert_array_equal(found.valid, np.isfinite(holed))
    assert np.isfinite(found.significance[found.valid]).all()
    assert (found.mask != whole.mask)[found.valid].mean() < 1e-3


def test_a_gaussian_keeps_a_constant_and_adds_squares_of_widths():
    """With a hole, and in bands: a star of 1.5 pixels, convolved with 2, is one of 2.5."""
    star = stars((90, 80), [(40, 45)], 1.5, 1000.0)
    smooth = np.concatenate(
        [sharpness._smoothed(star, row, min(row + 13, 90), 2.0) for row in range(0, 90, 13)]
    )
    np.testing.assert_allclose(
        smooth, stars((90, 80), [(40, 45)], 2.5, 1000.0), atol=0.02 * smooth.max()
    )
    holed = np.full((40, 40), 7.0)
    holed[10:20, 5:9] = np.nan
    np.testing.assert_allclose(sharpness._smoothed(holed, 0, 40, 3.0), 7.0, rtol=1e-12)
