"""Exposures against blots, in arrays: the rules against slow obvious versions."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from scipy.special import erf
from star_fields import F32, SIGMA, field, noisy

from skyblot import Criteria
from skyblot.parameters.rules import NUMBERS, RULES, blot_error, noise_of_hits
from skyblot.rejection.compare import grown, reject
from skyblot.rejection.look import USUAL_ROUGHNESS


def neighbours(blot, y, x):
    """Values left, right, below and above, the pixel's own where there is none."""
    ny, nx = blot.shape
    found = []
    for dy, dx in ((0, -1), (0, 1), (-1, 0), (1, 0)):
        near = blot[y + dy, x + dx] if 0 <= y + dy < ny and 0 <= x + dx < nx else np.nan
        found.append(near if np.isfinite(near) else blot[y, x])
    return found


def largest_step(blot, y, x):
    return max(abs(near - blot[y, x]) for near in neighbours(blot, y, x))


def joined(members, seeds, pairs=None):
    """Members with a seed in the 3 x 3 around them, or with two of a pair."""
    mask = np.zeros_like(members)
    for y, x in np.argwhere(members):
        around = (slice(max(y - 1, 0), y + 2), slice(max(x - 1, 0), x + 2))
        mask[y, x] = seeds[around].any() or (pairs is not None and pairs[around].sum() > 1)
    return mask


def plain_mask(exposure, blot, sigma, valid, snr, scale, background):
    members, seeds = np.zeros(blot.shape, bool), np.zeros(blot.shape, bool)
    for y, x in np.argwhere(valid):
        away, step = abs(exposure[y, x] - blot[y, x] - background), largest_step(blot, y, x)
        members[y, x] = away > scale[1] * step + snr[1] * sigma[y, x]
        seeds[y, x] = away > scale[0] * step + snr[0] * sigma[y, x]
    return joined(members, seeds)


def significance(exposure, blot, sigma, valid, found, photons=0.0):
    """The rule skyblot's residual over its noise, written out."""
    share = noise_of_hits(found.noise, found.own_noise) ** 2
    (_, (curved, stepped)), out = found.criteria.thresholds, np.full(blot.shape, np.nan)
    (slope_x, slope_y), bend = found.slopes, found.sharpness
    for y, x in np.argwhere(valid):
        left, right, below, above = neighbours(blot, y, x)
        bend_x, bend_y = left + right - 2 * blot[y, x], below + above - 2 * blot[y, x]
        residual = exposure[y, x] - blot[y, x] - found.background
        variance = sigma[y, x] ** 2
        variance = max(variance - photons * residual, 0.05 * variance)
        if not math.isnan(bend):
            residual -= (
                slope_x * (right - left) / 2
                + slope_y * (above - below) / 2
                + bend * (bend_x + bend_y)
            )
        error = curved * (abs(bend_x) + abs(bend_y)), stepped * largest_step(blot, y, x)
        model = blot_error(found.roughness) * math.hypot(*error)
        out[y, x] = residual / math.sqrt(share * variance + model**2)
    return out


def image_arrays(dtype=np.float64):
    """Small images of small whole numbers: sums and products are exact; with a few holes."""
    numbers = st.one_of(st.integers(-40, 40).map(float), st.just(math.nan))
    return hnp.arrays(dtype, hnp.array_shapes(min_dims=2, max_dims=2, max_side=7), elements=numbers)


class TestPlainRule:
    @settings(max_examples=200, deadline=None)
    @given(
        blot=image_arrays(),
        seed=st.integers(0, 2**32 - 1),
        snr=st.tuples(st.sampled_from([3.5, 5.0]), st.sampled_from([2.0, 3.0])),
        scale=st.tuples(st.sampled_from([0.0, 1.25]), st.sampled_from([0.5, 0.75])),
        background=st.integers(-3, 3),
    )
    def test_equals_the_obvious_version(self, blot, seed, snr, scale, background):
        rng = np.random.default_rng(seed)
        exposure = np.nan_to_num(blot) + rng.integers(-30, 30, blot.shape)
        exposure[rng.random(blot.shape) < 0.05] = np.nan
        sigma = rng.integers(1, 5, blot.shape).astype(float)
        valid = rng.random(blot.shape) < 0.9
        found = reject(
            exposure,
            blot,
            sigma,
            valid=valid,
            rule="plain",
            snr=snr,
            scale=scale,
            background=background,
        )
        judged = valid & np.isfinite(exposure) & np.isfinite(blot)
        expected = plain_mask(exposure, blot, sigma, judged, snr, scale, background)
        np.testing.assert_array_equal(found.mask, expected)
        np.testing.assert_array_equal(found.valid, judged)
        assert found.fraction == (expected.sum() / judged.sum() if judged.any() else 0)

    def test_its_significance_is_in_sigma(self):
        exposure = np.array([[10.0, 14.0, 4.0]])
        found = reject(
            exposure, np.full((1, 3), 10.0), np.full((1, 3), 2.0), rule="plain", background=0
        )
        np.testing.assert_array_equal(found.significance, [[0, 2, -3]])

    def test_defaults_are_those_of_drizcr(self):
        assert Criteria(rule="plain").thresholds == ((3.5, 3.0), (1.2, 0.7))

    @pytest.mark.parametrize("shape", [(1, 1), (1, 9), (9, 1), (2, 2)])
    def test_every_border_pixel_can_be_bad(self, shape):
        blot, sigma = np.zeros(shape), np.ones(shape)
        for y, x in np.ndindex(*shape):
            exposure = np.zeros(shape)
            exposure[y, x] = 50
            mask = reject(exposure, blot, sigma, rule="plain", background=0).mask
            np.testing.assert_array_equal(np.argwhere(mask), [[y, x]])

    def test_a_step_of_the_blot_counts_at_the_border_as_it_does_inside(self):
        blot = np.zeros((5, 6))
        blot[:, 0] = 100
        exposure = blot.copy()
        exposure[:, 0] -= 60
        assert not reject(exposure, blot, np.ones_like(blot), rule="plain", background=0).mask.any()


class TestOurRule:
    @pytest.mark.parametrize("exposures", [None, 4])
    @pytest.mark.parametrize("seed", range(3))
    def test_equals_the_obvious_version(self, seed, exposures):
        rng = np.random.default_rng(seed)
        blot = noisy(field(), seed, 0.5)
        exposure = noisy(field(shift=(0.04, -0.03)) + 3, seed + 50)
        hit = rng.random(blot.shape) < 0.03
        exposure[hit] += rng.uniform(-30, 60, hit.sum())
        blot[rng.random(blot.shape) < 0.01] = np.nan
        sigma = rng.uniform(1.5, 2.5, blot.shape)
        found = reject(exposure, blot, sigma, exposures=exposures)
        expected = significance(exposure, blot, sigma, found.valid, found)
        # float32 is the only rounding: of the significance itself
        np.testing.assert_allclose(found.significance, expected, rtol=2 * F32, atol=1e-9)
        strength = np.where(expected > 0, expected, -expected / NUMBERS.negative)
        strength[~found.valid] = 0
        snr = RULES["skyblot"].snr
        np.testing.assert_array_equal(
            found.mask,
            joined(*(strength > each for each in (snr[1], snr[0], NUMBERS.pair * snr[0]))),
        )
        assert 0.01 < found.fraction < 0.03

    def test_takes_the_photons_of_a_cosmic_ray_off_its_own_noise(self):
        blot = np.full((30, 30), 100.0)
        exposure = noisy(blot, sigma=2.0)
        exposure[10, 10] = 160
        sigma = np.sqrt(exposure / 4.0 + 5)
        with_gain, without = (reject(exposure, blot, sigma, gain=gain) for gain in (4.0, None))
        expected = significance(exposure, blot, sigma, with_gain.valid, with_gain, photons=0.25)
        np.testing.assert_allclose(with_gain.significance, expected, rtol=2 * F32, atol=1e-9)
        assert with_gain.significance[10, 10] > without.significance[10, 10] + 0.5

    def test_errors_that_know_nothing_of_a_cosmic_ray_stay_as_they_are(self):
        """Of a model, or of a ramp without its jumps: they do not follow the pixels of the sky."""
        blot = np.full((60, 60), 100.0)
        exposure = noisy(blot, sigma=math.sqrt(30.0))
        exposure[10, 10] = 160
        sigma = np.full(blot.shape, math.sqrt(30.0))
        found, without = (reject(exposure, blot, sigma, gain=gain) for gain in (4.0, None))
        np.testing.assert_array_equal(found.significance, without.significance)

    def test_takes_no_more_than_all_but_a_twentieth_of_the_variance(self):
        exposure, blot, sigma = np.zeros((9, 9)), np.zeros((9, 9)), np.ones((9, 9))
        exposure[4, 4] = 1000
        found = reject(exposure, blot, sigma, gain=0.1, background=0)
        assert found.significance[4, 4] == pytest.approx(1000 / math.sqrt(0.05), rel=2 * F32)

    def test_less_charge_than_expected_has_to_be_farther_off(self):
        middle = (RULES["skyblot"].snr[0] + 0.5) * SIGMA
        exposure = np.zeros((9, 9))
        exposure[2, 2], exposure[6, 6], exposure[2, 6] = middle, -middle, -NUMBERS.negative * middle
        mask = reject(exposure, np.zeros((9, 9)), np.full((9, 9), SIGMA), background=0).mask
        assert [tuple(each) for each in np.argwhere(mask)] == [(2, 2), (2, 6)]

    def test_two_faint_neighbours_are_as_good_as_a_bright_pixel(self):
        seed, member = RULES["skyblot"].snr
        enough, exposure = (NUMBERS.pair * seed + 0.05) * SIGMA, np.zeros((12, 12))
        # the first two touch, the next two do not
        for y, x in [(2, 2), (3, 3), (7, 2), (7, 4), (2, 8)]:
            exposure[y, x] = enough
        # beside one of a pair; between two of one
        exposure[4, 2] = exposure[7, 3] = (member + 0.05) * SIGMA
        mask = reject(exposure, np.zeros((12, 12)), np.full((12, 12), SIGMA), background=0).mask
        assert [tuple(each) for each in np.argwhere(mask)] == [(2, 2), (3, 3), (7, 3)]

    def test_pure_noise_is_rejected_as_often_as_a_normal_distribution_says(self):
        clean, n = np.zeros((1000, 1000)), 1_000_000
        fraction = reject(noisy(clean), clean, np.full(clean.shape, SIGMA)).fraction
        # seeds, and members beside one of them: at most 8 each
        upper, lower = ((1 - erf(each / math.sqrt(2))) / 2 for each in RULES["skyblot"].snr)
        below = (1 - erf(NUMBERS.negative * RULES["skyblot"].snr[0] / math.sqrt(2))) / 2
        pair = (1 - erf(NUMBERS.pair * RULES["skyblot"].snr[0] / math.sqrt(2))) / 2
        expected = n * (upper + below + 8 * pair**2) * (1 + 8 * lower)
        assert fraction * n < expected + 5 * math.sqrt(expected)
        assert fraction > 0

    def test_few_sources_leave_the_usual_error_of_the_blot(self):
        found = reject(np.zeros((20, 20)), np.zeros((20, 20)), np.ones((20, 20)))
        assert found.roughness == USUAL_ROUGHNESS
        assert math.isnan(found.sharpness)
        assert all(math.isnan(each) for each in (*found.misalignment, found.misalignment_error))


class TestGrowth:
    @settings(max_examples=100, deadline=None)
    @given(
        mask=hnp.arrays(
            bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.booleans()
        ),
        radius=st.floats(0, 6),
    )
    def test_grow_is_a_true_radius(self, mask, radius):
        out = grown(mask, Criteria(grow=radius))
        distance = (
            ndimage.distance_transform_edt(~mask) if mask.any() else np.full(mask.shape, np.inf)
        )
        np.testing.assert_array_equal(out, np.rint(distance**2) <= radius**2)

    @pytest.mark.parametrize(("direction", "rows"), [(1, [3, 4, 5]), (-1, [1, 2, 3]), (1, [3])])
    def test_tails_run_along_y(self, direction, rows):
        mask = np.zeros((6, 4), bool)
        mask[3, 2] = True
        out = grown(mask, Criteria(cte_tail=len(rows) - 1, cte_direction=direction))
        assert [tuple(each) for each in np.argwhere(out)] == [(row, 2) for row in rows]

    def test_tails_end_at_the_border(self):
        mask = np.ones((3, 2), bool)
        np.testing.assert_array_equal(grown(mask, Criteria(cte_tail=9, grow=4)), mask)

    def test_growth_is_no_part_of_the_fraction(self):
        exposure = np.zeros((11, 11))
        exposure[5, 5] = 100
        found = reject(exposure, np.zeros((11, 11)), np.ones((11, 11)), grow=1.5)
        assert found.mask.sum() == 9
        assert found.fraction == 1 / 121
