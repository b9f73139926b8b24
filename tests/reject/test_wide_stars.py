"""Stars of many pixels, with hits left in their mosaic: registration, flux ratio, sharpness, and
what is refused.
"""

import warnings
from functools import cache

import numpy as np
import pytest
from star_fields import stars

from skyblot import DataError, SkyblotWarning, reject
from skyblot.rejection.sampling import binned, in_both, on_wide_sources, pixels_of_star

SHAPE, NOISE, SKY = (320, 360), 15.0, 400.0
FWHM = 2.3548  # of a Gaussian, in its standard deviation
#: How many pixels are binned: as many times 2.5 as go into the FWHM.
BINS = {2.0: 1, 3.0: 1, 4.0: 1, 6.0: 2, 9.0: 3, 12.0: 4}
WIDE = [fwhm for fwhm, times in BINS.items() if times > 1]
PLAIN, CROWDED = 150, 900


@cache
def light(fwhm, shift=(0.0, 0.0), count=PLAIN, seed=3):
    """Stars in and around an image, of fluxes as they are found: the number above each falls with
    it.
    """
    rng = np.random.default_rng(seed)
    places = rng.uniform(-20, np.array(SHAPE)[::-1] + 20, (count, 2))
    flux = np.minimum(3000.0 * (1.0 - rng.random(count)) ** -1.0, 1e5)
    image = np.zeros(SHAPE)
    for place, brightness in zip(places, flux, strict=True):
        image += stars(SHAPE, [place], fwhm / FWHM, brightness, shift)
    return image


def hits(count, seed):
    """Streaks of cosmic rays, of one to five pixels."""
    rng = np.random.default_rng(seed)
    image = np.zeros(SHAPE)
    for _ in range(count):
        y, x = rng.integers(0, SHAPE[0]), rng.integers(0, SHAPE[1] - 5)
        image[y, x : x + rng.integers(1, 6)] = 200.0 + rng.exponential(1500.0)
    return image


def pair(fwhm, shift=(0.0, 0.0), ratio=1.0, count=PLAIN, left=40, seed=7):
    """An exposure with hits, a blot in which some others were left, and errors."""
    rng = np.random.default_rng(seed)
    data = (
        ratio * light(fwhm, shift, count) + SKY + rng.normal(0, NOISE, SHAPE) + hits(150, seed + 1)
    )
    blot = light(fwhm, count=count) + SKY + rng.normal(0, NOISE / 2, SHAPE) + hits(left, seed + 2)
    return data, blot, np.full(SHAPE, NOISE)


def quietly(*arguments, **how):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkyblotWarning)
        return reject(*arguments, **how)


def images(*arguments, **how):
    return (*pair(*arguments, **how), np.ones(SHAPE, bool))


@pytest.mark.parametrize("count", [PLAIN, CROWDED])
@pytest.mark.parametrize("shift", [(0.0, 0.0), (4.0, -3.0)])
@pytest.mark.parametrize(("fwhm", "times"), BINS.items())
def test_images_are_binned_to_the_width_of_their_stars_and_not_to_that_of_hits(
    fwhm, times, shift, count
):
    made = pixels_of_star(images(fwhm, shift, count=count))
    assert made == times if times == 1 else 2.0 <= fwhm / made <= 3.0


@pytest.mark.parametrize("left", [0, 15])
def test_a_field_of_hits_and_noise_is_not_binned(left):
    data, blot, sigma = pair(9.0, left=left)
    assert pixels_of_star((data - light(9.0), blot - light(9.0), sigma, np.ones(SHAPE, bool))) == 1


class TestMatch:
    @pytest.mark.parametrize("count", [PLAIN, CROWDED])
    @pytest.mark.parametrize("ratio", [0.9, 1.0, 1.1])
    @pytest.mark.parametrize("shift", [(0.0, 0.0), (0.08, -0.06), (0.3, 0.0), (1.6, -1.2)])
    @pytest.mark.parametrize("fwhm", WIDE)
    def test_positions_and_brightness_are_measured(self, fwhm, shift, ratio, count):
        """Within five standard errors, and 2 percent: of the width of stars, and of their
        brightness.
        """
        found = quietly(*pair(fwhm, shift, ratio, count))
        assert (
            np.abs(np.subtract(found.misalignment, shift)).max()
            < 5 * found.misalignment_error + 0.02 * fwhm
        )
        assert found.misalignment_error < 0.02 * fwhm
        assert abs(found.flux_ratio / ratio - 1.0) < 5 * found.flux_ratio_error / ratio + 0.02
        assert found.flux_ratio_error < 0.05
        assert np.abs(np.subtract(found.shift, shift)).max() < 0.6 + 0.02 * fwhm

    @pytest.mark.parametrize("fwhm", WIDE)
    def test_what_matches_is_not_warned_of(self, fwhm):
        with warnings.catch_warnings():
            warnings.simplefilter("error", SkyblotWarning)
            reject(*pair(fwhm))

    @pytest.mark.parametrize("shift", [(20.0, -11.0), (-3.0, 38.0)])
    @pytest.mark.parametrize("fwhm", WIDE)
    def test_it_holds_over_tens_of_pixels(self, fwhm, shift):
        found = quietly(*pair(fwhm, shift))
        assert np.abs(np.subtract(found.misalignment, shift)).max() < 0.05 * fwhm

    @pytest.mark.parametrize("ratio", [0.9, 1.1])
    @pytest.mark.parametrize("fwhm", WIDE)
    def test_stars_are_left_and_hits_are_found_where_the_brightness_differs(self, fwhm, ratio):
        data, blot, sigma = pair(fwhm, (0.3, 0.0), ratio, left=0)
        found = quietly(data, blot, sigma)
        where = hits(150, 8) > 0
        assert found.mask[(light(fwhm) > 10 * NOISE) & ~where].mean() < 0.002
        assert found.mask[where & (light(fwhm) < NOISE)].mean() > 0.97

    @pytest.mark.parametrize("fwhm", WIDE)
    def test_other_stars_are_refused(self, fwhm):
        data, blot, sigma = pair(fwhm)
        with pytest.raises(DataError, match="the blot does not match it"):
            reject(data, blot - light(fwhm) + light(fwhm, seed=11), sigma)

    @pytest.mark.parametrize("ratio", [0.2, 5.0])
    @pytest.mark.parametrize("fwhm", WIDE)
    def test_another_brightness_is_refused_unless_it_is_given(self, fwhm, ratio):
        data, blot, sigma = pair(fwhm, ratio=ratio)
        with pytest.raises(DataError, match="expected a flux ratio within a factor 3"):
            reject(data, blot, sigma)
        found = quietly(data, blot, sigma, flux_ratio="fit")
        assert abs(found.ratio - ratio) < 5 * found.flux_ratio_error + 0.02 * ratio

    @pytest.mark.parametrize("fwhm", WIDE)
    def test_threads_do_not_matter(self, fwhm):
        first, second = (quietly(*pair(fwhm), threads=threads).significance for threads in (1, 3))
        np.testing.assert_array_equal(first, second)

    @pytest.mark.parametrize("other", [6.0, 8.0])
    def test_another_seeing_is_told_and_allowed_for(self, other):
        """To first order the difference of the squares of the widths, halved."""
        data, blot, sigma = pair(other)
        found = quietly(data, blot - light(other) + light(7.0), sigma)
        assert found.sharpness == pytest.approx((other**2 - 49.0) / (2 * FWHM**2), rel=0.3)
        assert found.flux_ratio == pytest.approx(1.0, abs=0.05)
        clear = (light(other) > 10 * NOISE) & (hits(150, 8) + hits(40, 9) == 0)
        assert found.mask[clear].mean() < 0.01


class TestBins:
    @pytest.mark.parametrize("times", [2, 3, 4])
    def test_a_plane_has_its_value_in_the_middle_of_a_bin(self, times):
        y, x = np.indices((41, 53))
        plane = 3.0 * x - 2.0 * y
        data, _, sigma, valid = binned(
            (plane, plane, np.ones(plane.shape), np.ones(plane.shape, bool)), times
        )
        k, i = np.indices(data.shape)
        np.testing.assert_allclose(
            data, 3.0 * (times * i + times - 1) - 2.0 * (times * k + times - 1)
        )
        np.testing.assert_allclose(sigma, 1.2533 / (2 * times - 1))
        assert valid.all()

    @pytest.mark.parametrize("times", [2, 3, 4])
    def test_a_hit_and_what_is_not_valid_do_not_count(self, times):
        image, valid = np.full((60, 60), 7.0), np.ones((60, 60), bool)
        image[10, 10], image[30, 30:32] = 1e5, -1e5
        image[40, 40], valid[40, 40] = np.nan, False
        valid[50:, 50:] = False
        data, _, _, known = binned((image, image, np.ones_like(image), valid), times)
        np.testing.assert_array_equal(data[known], 7.0)
        assert not known[-1, -1]
        assert known[:-12, :-12].all()

    def test_the_noise_of_a_bin_is_that_of_its_median(self):
        """The error of the median of few normal numbers is 1.2 to 1.25 times that of their mean."""
        noise = np.random.default_rng(1).normal(0, 1, (600, 600))
        for times in (2, 3, 4):
            data, _, sigma, _ = binned(
                (noise, noise, np.ones_like(noise), np.ones(noise.shape, bool)), times
            )
            assert data.std() == pytest.approx(sigma.mean(), rel=0.05)

    @pytest.mark.parametrize("fwhm", WIDE)
    def test_sources_are_the_stars(self, fwhm):
        everything = images(fwhm)
        on = on_wide_sources(everything, BINS[fwhm], 1)
        assert on[light(fwhm) > 20 * NOISE].mean() > 0.9
        assert on[light(fwhm) < 0.1 * NOISE].mean() < 0.05

    def test_what_only_the_blot_has_is_no_source(self):
        data = light(3.0) + SKY
        blot = data.copy()
        blot[100, 100:103] += 1000.0
        there = in_both((data, blot, np.full(SHAPE, NOISE), np.ones(SHAPE, bool)), 1.0)
        assert not there[100, 100:103].any()
        assert np.count_nonzero(~there) == 3
