"""How far from the limit: the truth in the place of the blot leaves the exposure's noise alone."""

import math

import numpy as np
import pytest
from scipy import ndimage
from star_fields import SIGMA, field

from skyblot.parameters.rules import RULES, noise_of_hits
from skyblot.rejection.compare import reject

SHAPE = (400, 500)
EXPOSURES = 16
JUDGED = 6
#: Pixels with less of a hit than this, in sigma, are clean.
CLEAN = 0.1


@pytest.fixture(scope="module")
def exposures():
    """Stars, what hits add to each exposure, of any brightness, and the exposures."""
    rng = np.random.default_rng(17)
    sky = field(SHAPE, 120)
    hits = []
    for _ in range(EXPOSURES):
        track = ndimage.gaussian_filter((rng.random(SHAPE) < 2e-3).astype(float), (0.5, 0.7))
        hits.append(track * 10 ** rng.uniform(1.2, 2.2, SHAPE))
    charge = np.array(hits)
    return sky, charge, sky + charge + SIGMA * rng.standard_normal(charge.shape)


def mosaic(kind, data, charge, number):
    """A stack of all exposures, or of all but one, without hits above 3 sigma in means."""
    if kind == "median":
        return np.median(data, axis=0)
    known = np.ma.masked_array(data, charge > 3 * SIGMA)
    if kind == "others":
        known[number] = np.ma.masked
    return known.mean(axis=0).filled(0.0)


def limit(data, sky):
    """Hits by the truth: a seed above 4.5 sigma, and what is above 2.6 beside it."""
    strength = (data - sky) / SIGMA
    return (strength > 2.6) & ndimage.maximum_filter(strength > 4.5, 3)


@pytest.mark.parametrize(("kind", "times"), [("median", 3), ("mean", 2), ("others", 2)])
def test_the_limit_is_nearly_reached_by_any_kind_of_mosaic(exposures, kind, times):
    """A median that nothing has smoothed has more noise of its own."""
    sky, charge, data = exposures
    counts = np.zeros((2, 3), int)
    there = np.zeros(3, int)
    for number in range(JUDGED):
        blot = mosaic(kind, data, charge, number)
        found = reject(data[number], blot, np.full(SHAPE, SIGMA)).mask
        strength = charge[number] / SIGMA
        dark = sky < 0.5 * SIGMA
        groups = [dark & (strength > 3), dark & (strength > 5), strength < CLEAN]
        there += [np.count_nonzero(group) for group in groups]
        for row, mask in enumerate((found, limit(data[number], sky))):
            counts[row] += [np.count_nonzero(mask & group) for group in groups]
    complete = counts[:, :2] / there[:2]
    assert (complete[0] > complete[1] - [0.01, 0.002]).all()
    # so many times those of the limit, and three standard errors of that number
    most = times * counts[1, 2]
    assert 0 < counts[0, 2] < most + 3 * math.sqrt(most)


class TestNoise:
    @pytest.mark.parametrize("number", [4, 9])
    @pytest.mark.parametrize("included", [True, False])
    def test_is_that_of_the_exposure_where_both_share_it(self, number, included):
        """A mean of n has 1 / n of the variance, and as much in common with each of them."""
        rng = np.random.default_rng(number)
        data = SIGMA * rng.standard_normal((number, 300, 300))
        blot = data[0 if included else 1 :].mean(axis=0)
        found = reject(data[0], blot, np.full((300, 300), SIGMA))
        variance = 1 - 1 / number if included else 1 + 1 / (number - 1)
        # five standard errors of a median of absolute numbers (1.17 / sqrt(n)), of 15000 or more,
        # and of a mean of their squares, of 5000 or more
        assert found.noise == pytest.approx(math.sqrt(variance), rel=5 * 1.17 / math.sqrt(15000))
        assert found.own_noise == pytest.approx(1.0, rel=5 / math.sqrt(2 * 5000))
        used = noise_of_hits(found.noise, found.own_noise)
        assert used == (found.own_noise if included else found.noise)

    @pytest.mark.parametrize("factor", [0.7, 1.4])
    def test_follows_errors_that_are_wrong(self, factor):
        rng = np.random.default_rng(3)
        data = SIGMA * rng.standard_normal((4, 200, 200))
        data[0, ::20, ::20] += 40.0
        right, wrong = (
            reject(data[0], np.median(data, axis=0), np.full((200, 200), each * SIGMA))
            for each in (1.0, factor)
        )
        assert wrong.own_noise == pytest.approx(right.own_noise / factor, rel=0.02)
        assert (wrong.mask == right.mask).mean() > 0.999
        assert right.mask[::20, ::20].all()

    def test_of_whole_numbers_is_told_where_they_are_not_too_coarse(self):
        rng = np.random.default_rng(5)
        for sigma in (0.7, 2.0):
            data = np.round(50.0 + sigma * rng.standard_normal((300, 300)))
            blot = np.full((300, 300), 50.0)
            found = reject(data, blot, np.full((300, 300), math.hypot(sigma, math.sqrt(1 / 12))))
            # rounding adds 1/12 to the variance
            assert found.own_noise == pytest.approx(1.0, rel=0.1)

    def test_of_pixels_that_are_all_equal_is_not_told(self):
        found = reject(np.zeros((50, 50)), np.zeros((50, 50)), np.ones((50, 50)))
        assert math.isnan(found.own_noise)
        assert noise_of_hits(found.noise, found.own_noise) == found.noise

    def test_lets_no_more_pass_of_a_median_than_of_a_truth(self):
        """Where a pixel stands out a median has no part of it: in units of f seeds are too low."""
        rng = np.random.default_rng(8)
        data = SIGMA * rng.standard_normal((4, 1000, 1000))
        found = reject(data[0], np.median(data, axis=0), np.full((1000, 1000), SIGMA))
        assert found.noise < 0.8 < 0.99 < found.own_noise
        lower = RULES["skyblot"].snr[0] * found.noise / found.own_noise
        narrow = reject(
            data[0], np.median(data, axis=0), np.full((1000, 1000), SIGMA), snr=(lower, 2.4)
        )
        assert found.mask.sum() < 0.1 * narrow.mask.sum()
