"""Exposures against blots, in arrays: the rules against slow obvious versions, and what is measured on the way."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage
from scipy.special import erf

import skyblot
from skyblot import Criteria, Noise, bands
from skyblot.errors import DataError, ParameterError, SkyblotWarning
from skyblot.rejection import DEFAULT_SCALE, DEFAULT_SNR, NEGATIVE, blot_error, expected_share, grown, reject
from skyblot.residuals import USUAL_ROUGHNESS, clipped_median

F32 = float(np.finfo(np.float32).eps)
SIGMA = 2.0


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


def joined(members, seeds):
    """Members with a seed in the 3 x 3 around them."""
    mask = np.zeros_like(members)
    for y, x in np.argwhere(members):
        mask[y, x] = seeds[max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].any()
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
    share = found.noise**2 if math.isfinite(found.noise) else expected_share(found.criteria.exposures)
    (_, (curved, stepped)), out = found.criteria.thresholds, np.full(blot.shape, np.nan)
    (dx, dy), bend = found.misalignment, found.sharpness
    for y, x in np.argwhere(valid):
        left, right, below, above = neighbours(blot, y, x)
        bend_x, bend_y = left + right - 2 * blot[y, x], below + above - 2 * blot[y, x]
        residual = exposure[y, x] - blot[y, x] - found.background
        variance = sigma[y, x] ** 2
        variance = max(variance - photons * residual, 0.05 * variance)
        if not math.isnan(bend):
            residual += dx * (right - left) / 2 + dy * (above - below) / 2 - bend * (bend_x + bend_y)
        error = curved * (abs(bend_x) + abs(bend_y)), stepped * largest_step(blot, y, x)
        model = blot_error(found.roughness) * math.hypot(*error)
        out[y, x] = residual / math.sqrt(share * variance + model**2)
    return out


def stars(shape, positions, sigma=1.3, flux=40000.0, shift=(0.0, 0.0)):
    """Gaussian stars, integrated over the pixels."""
    image = np.zeros(shape)
    for x, y in positions:
        parts = [
            np.diff(erf((np.arange(n + 1) - 0.5 - centre) / (math.sqrt(2) * sigma))) / 2
            for n, centre in ((shape[0], y + shift[1]), (shape[1], x + shift[0]))
        ]
        image += flux * np.outer(*parts)
    return image


def field(shape=(120, 140), n=30, **more):
    return stars(shape, np.random.default_rng(3).uniform(8, np.array(shape)[::-1] - 8, (n, 2)), **more)


def noisy(clean, seed=1, sigma=SIGMA):
    return clean + sigma * np.random.default_rng(seed).standard_normal(clean.shape)


def image_arrays(dtype=np.float64):
    """Small images of small whole numbers, so that sums and products are exact, with a few holes."""
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
        found = reject(exposure, blot, sigma, valid=valid, rule="plain", snr=snr, scale=scale, background=background)
        judged = valid & np.isfinite(exposure) & np.isfinite(blot)
        expected = plain_mask(exposure, blot, sigma, judged, snr, scale, background)
        np.testing.assert_array_equal(found.mask, expected)
        np.testing.assert_array_equal(found.valid, judged)
        assert found.fraction == (expected.sum() / judged.sum() if judged.any() else 0)

    def test_its_significance_is_in_sigma(self):
        exposure = np.array([[10.0, 14.0, 4.0]])
        found = reject(exposure, np.full((1, 3), 10.0), np.full((1, 3), 2.0), rule="plain", background=0)
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
        strength = np.where(expected > 0, expected, -expected / NEGATIVE)
        strength[~found.valid] = 0
        snr = DEFAULT_SNR["skyblot"]
        np.testing.assert_array_equal(found.mask, joined(strength > snr[1], strength > snr[0]))
        assert 0.01 < found.fraction < 0.03

    def test_takes_the_photons_of_a_cosmic_ray_off_its_own_noise(self):
        blot = np.full((30, 30), 100.0)
        exposure = noisy(blot, sigma=1.0)
        exposure[10, 10] = 160
        sigma = np.sqrt(exposure / 4.0 + 5)
        with_gain, without = (reject(exposure, blot, sigma, gain=gain) for gain in (4.0, None))
        expected = significance(exposure, blot, sigma, with_gain.valid, with_gain, photons=0.25)
        np.testing.assert_allclose(with_gain.significance, expected, rtol=2 * F32, atol=1e-9)
        assert with_gain.significance[10, 10] > without.significance[10, 10] + 0.5

    def test_takes_no_more_than_all_but_a_twentieth_of_the_variance(self):
        exposure, blot, sigma = np.zeros((9, 9)), np.zeros((9, 9)), np.ones((9, 9))
        exposure[4, 4] = 1000
        found = reject(exposure, blot, sigma, gain=0.1, background=0)
        assert found.significance[4, 4] == pytest.approx(1000 / math.sqrt(0.05), rel=2 * F32)

    def test_less_charge_than_expected_has_to_be_farther_off(self):
        middle = (DEFAULT_SNR["skyblot"][0] + 0.5) * SIGMA
        exposure = np.zeros((9, 9))
        exposure[2, 2], exposure[6, 6], exposure[2, 6] = middle, -middle, -NEGATIVE * middle
        mask = reject(exposure, np.zeros((9, 9)), np.full((9, 9), SIGMA), background=0).mask
        assert [tuple(each) for each in np.argwhere(mask)] == [(2, 2), (2, 6)]

    def test_pure_noise_is_rejected_as_often_as_a_normal_distribution_says(self):
        clean, n = np.zeros((1000, 1000)), 1_000_000
        fraction = reject(noisy(clean), clean, np.full(clean.shape, SIGMA)).fraction
        # seeds, and members beside one of them: at most 8 each
        upper, lower = ((1 - erf(each / math.sqrt(2))) / 2 for each in DEFAULT_SNR["skyblot"])
        below = (1 - erf(NEGATIVE * DEFAULT_SNR["skyblot"][0] / math.sqrt(2))) / 2
        expected = n * (upper + below) * (1 + 8 * lower)
        assert fraction * n < expected + 5 * math.sqrt(expected)
        assert fraction > 0

    def test_few_sources_leave_the_usual_error_of_the_blot(self):
        found = reject(np.zeros((20, 20)), np.zeros((20, 20)), np.ones((20, 20)))
        assert found.roughness == USUAL_ROUGHNESS
        assert math.isnan(found.sharpness)
        assert all(math.isnan(each) for each in (*found.misalignment, found.misalignment_error))


class TestMeasurements:
    @pytest.mark.parametrize("rule", ["skyblot", "plain"])
    def test_an_offset_of_the_background_changes_nothing_else(self, rule):
        blot = np.round(64 * field()) / 64
        exposure = np.round(64 * noisy(blot)) / 64  # sums with 512 stay exact
        exposure[40:43, 50] += 100
        sigma = np.full(blot.shape, SIGMA)
        before, after = (reject(exposure + offset, blot, sigma, rule=rule) for offset in (0.0, 512.0))
        assert after.background == before.background + 512.0
        np.testing.assert_array_equal(after.mask, before.mask)
        assert before.mask[40:43, 50].all()

    def test_the_background_is_that_of_the_good_pixels(self):
        blot = np.zeros((200, 200))
        exposure = noisy(blot) + 7
        exposure[np.random.default_rng(2).random(blot.shape) < 0.1] += 300
        found = reject(exposure, blot, np.full(blot.shape, SIGMA))
        # five standard errors of a median, for the pixels within 3 sigma
        assert found.background == pytest.approx(7, abs=5 * SIGMA * math.sqrt(math.pi / 2 / 36000))

    def test_a_given_background_is_used(self):
        found = reject(np.full((9, 9), 9.0), np.zeros((9, 9)), np.ones((9, 9)), background=1.5)
        assert found.background == 1.5
        assert (found.significance == 7.5).all()

    @pytest.mark.parametrize("shift", [(0.05, 0.0), (-0.03, 0.08), (0.0, 0.0)])
    def test_a_small_misalignment_is_measured_without_a_warning(self, shift):
        exposure = noisy(field(shift=shift))
        found = reject(exposure, field(), np.full(exposure.shape, SIGMA))
        # the first order of the shift is good to a tenth; stars of 40000 electrons fix their positions to 0.001 pixel
        bound = 0.1 * max(map(abs, shift)) + 0.002
        assert np.abs(np.subtract(found.misalignment, shift)).max() < bound

    def test_a_large_misalignment_is_measured_and_warned_of(self):
        exposure = noisy(field(shift=(0.2, -0.1)))
        with pytest.warns(SkyblotWarning, match=r"lie \(\+0\.(19|2\d), -0\.1\d\) pixel from where the blot has"):
            found = reject(exposure, field(), np.full(exposure.shape, SIGMA))
        assert np.subtract(found.misalignment, (0.2, -0.1)) == pytest.approx(0, abs=0.02)

    def test_cosmic_rays_do_not_move_sources(self):
        exposure = noisy(field())
        hit = np.random.default_rng(4).random(exposure.shape) < 0.05
        exposure[hit] += 500
        found = reject(exposure, field(), np.full(exposure.shape, SIGMA))
        assert np.hypot(*found.misalignment) < 0.02
        assert found.mask[hit].mean() > 0.95

    def test_a_blot_that_is_too_smooth_is_allowed_for(self):
        blot = field()
        padded = np.pad(blot, 1, mode="edge")
        bend = padded[2:, 1:-1] + padded[:-2, 1:-1] + padded[1:-1, 2:] + padded[1:-1, :-2] - 4 * blot
        exposure = noisy(blot - 0.1 * bend)
        found = reject(exposure, blot, np.full(blot.shape, SIGMA))
        assert found.sharpness == pytest.approx(-0.1, abs=0.003)  # noise is 1e-3 of the stars' bends
        assert found.mask.sum() <= reject(exposure, blot, np.full(blot.shape, SIGMA), rule="plain").mask.sum()

    def test_the_roughness_is_what_is_left_at_sources(self):
        blot = field()
        rough = blot * (1 + 0.1 * np.random.default_rng(8).standard_normal(blot.shape))
        sigma = np.full(blot.shape, SIGMA)
        smooth, found = (reject(image, blot, sigma).roughness for image in (blot, rough))
        assert smooth < 1e-6 < 0.02 < found

    @pytest.mark.parametrize("bad", [0, 5, 40])
    def test_the_clipped_median_forgets_what_is_far_off(self, bad):
        values = np.concatenate([np.linspace(-1, 1, 101), np.full(bad, 1e6)])
        assert clipped_median(values) == pytest.approx(0, abs=1e-12)


class TestGrowth:
    @settings(max_examples=100, deadline=None)
    @given(
        mask=hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.booleans()),
        radius=st.floats(0, 6),
    )
    def test_grow_is_a_true_radius(self, mask, radius):
        out = grown(mask, Criteria(grow=radius))
        distance = ndimage.distance_transform_edt(~mask) if mask.any() else np.full(mask.shape, np.inf)
        np.testing.assert_array_equal(out, distance**2 <= radius**2 + 1e-9 * (radius**2 > 0))

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


class TestPixels:
    def test_pixels_left_out_are_neither_bad_nor_seeds(self):
        exposure, valid = np.zeros((7, 7)), np.ones((7, 7), bool)
        exposure[3, 3], exposure[3, 4] = 100, 1.1 * DEFAULT_SNR["plain"][1]
        valid[3, 3] = False
        found = reject(exposure, np.zeros((7, 7)), np.ones((7, 7)), valid=valid, rule="plain", background=0)
        assert not found.mask.any()
        assert np.isnan(found.significance[3, 3])
        assert reject(exposure, np.zeros((7, 7)), np.ones((7, 7)), rule="plain", background=0).mask[3, 4]

    def test_nothing_to_judge(self):
        nothing = np.full((4, 5), np.nan)
        found = reject(nothing, np.zeros((4, 5)), np.ones((4, 5)))
        assert not found.mask.any()
        assert not found.valid.any()
        assert (found.fraction, found.background) == (0, 0)

    @pytest.mark.parametrize("value", [0.0, -1.0, math.inf, math.nan])
    def test_a_pixel_whose_sigma_is_no_error_is_left_out(self, value):
        sigma = np.ones((5, 5))
        sigma[2, 2] = value
        exposure = np.zeros((5, 5))
        exposure[2, 2] = 1e9
        assert np.argwhere(~reject(exposure, np.zeros((5, 5)), sigma).valid).tolist() == [[2, 2]]

    def test_the_result_depends_on_neither_threads_nor_bands(self, monkeypatch):
        blot, criteria = field(), Criteria(grow=2, cte_tail=3)
        exposure, sigma = noisy(blot, 5), np.full(blot.shape, SIGMA)
        exposure[::9, ::7] += 20
        first = reject(exposure, blot, sigma, criteria=criteria, threads=1)
        monkeypatch.setattr(bands, "BAND_PIXELS", 3 * blot.shape[1])
        second = reject(exposure, blot, sigma, criteria=criteria, threads=3)
        assert first.mask.any()
        np.testing.assert_array_equal(first.mask, second.mask)
        np.testing.assert_array_equal(first.significance, second.significance)

    @pytest.mark.parametrize("dtype", [">f4", "<f4", ">f8", "<i4", ">i2", "u2"])
    def test_any_kind_of_numbers_in_any_order_and_nothing_is_changed(self, dtype):
        exposure = np.round(noisy(field() / 10) + 50).astype(dtype)[::2, ::-1]
        blot = (np.round(field() / 10) + 50).astype(dtype)[::2, ::-1]
        for each in (exposure, blot):
            each.flags.writeable = False
        found = reject(exposure, blot, Noise(1.0, 2.0))
        expected = reject(exposure.astype(float), blot.astype(float), Noise(1.0, 2.0))
        np.testing.assert_array_equal(found.mask, expected.mask)

    def test_a_model_of_noise_is_that_of_electrons_and_of_reading_them(self):
        blot = np.array([[100.0, -30.0], [0.0, 4.0]])
        exposure = blot + 10
        noise = Noise(gain=2.5, read_noise=4.0, sky=8.0)
        sigma = np.sqrt(2.5 * np.abs(blot + 8) + 16) / 2.5
        found = reject(exposure, blot, noise, rule="plain", background=0)
        np.testing.assert_allclose(found.significance, 10 / sigma, rtol=4 * F32)

    def test_no_warning_where_nothing_is_wrong(self):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            reject(noisy(field()), field(), Noise(1.0, SIGMA))


IMAGE = np.zeros((4, 5))


@pytest.mark.parametrize(
    ("arguments", "keywords", "error", "message"),
    [
        ((IMAGE[0], IMAGE, IMAGE), {}, DataError, r"the exposure is float64 of shape \(5,\): expected a 2-D image"),
        ((IMAGE, IMAGE[:2], IMAGE), {}, DataError, r"blot has shape \(2, 5\): expected that of the exposure, \(4, 5\)"),
        ((IMAGE, IMAGE, IMAGE[:2]), {}, DataError, r"sigma has shape \(2, 5\)"),
        ((IMAGE, IMAGE, "x"), {}, DataError, "the sigma is <U1"),
        ((IMAGE, IMAGE, IMAGE), {"valid": IMAGE}, DataError, "valid is float64: expected booleans"),
        ((IMAGE, IMAGE, IMAGE), {"valid": IMAGE[:1] == 0}, DataError, r"valid has shape \(1, 5\)"),
        ((IMAGE, IMAGE, IMAGE), {"rule": "plane"}, ParameterError, r"rule = 'plane'.*closest: 'plain'"),
        ((IMAGE, IMAGE, IMAGE), {"snr": 5}, ParameterError, "snr = 5: expected two numbers above 0"),
        ((IMAGE, IMAGE, IMAGE), {"snr": (5, 0)}, ParameterError, r"snr = \(5, 0\): expected two numbers above 0"),
        ((IMAGE, IMAGE, IMAGE), {"scale": (1, -1)}, ParameterError, r"scale = \(1, -1\): .*at least 0"),
        ((IMAGE, IMAGE, IMAGE), {"grow": -1}, ParameterError, "grow = -1: expected a radius of 0 to 50 pixels"),
        ((IMAGE, IMAGE, IMAGE), {"cte_tail": 1.5}, ParameterError, "cte_tail = 1.5: expected a whole number"),
        ((IMAGE, IMAGE, IMAGE), {"cte_direction": 0}, ParameterError, "cte_direction = 0: expected 1 or -1"),
        ((IMAGE, IMAGE, IMAGE), {"exposures": 0}, ParameterError, "exposures = 0: expected a whole number, at least 1"),
        ((IMAGE, IMAGE, IMAGE), {"background": math.nan}, ParameterError, "background = nan: expected a finite"),
        ((IMAGE, IMAGE, IMAGE), {"gain": 0}, ParameterError, "gain = 0: expected electrons per unit, above 0"),
        (
            (IMAGE, IMAGE, IMAGE),
            {"growth": 1},
            ParameterError,
            r"unknown criterion 'growth' \(closest: 'grow'\); there are rule, ",
        ),
        ((IMAGE, IMAGE, IMAGE), {"threads": 0}, ParameterError, "threads = 0"),
    ],
)
def test_bad_arguments_give_one_sentence(arguments, keywords, error, message):
    with pytest.raises(error, match=message):
        reject(*arguments, **keywords)


@pytest.mark.parametrize("facts", [{"gain": -1.0}, {"read_noise": -1.0}, {"sky": math.nan}])
def test_impossible_noise_gives_one_sentence(facts):
    with pytest.raises(ParameterError, match=f"{next(iter(facts))} = "):
        Noise(**facts)


def test_the_public_names():
    assert skyblot.reject is reject
    assert DEFAULT_SNR.keys() == DEFAULT_SCALE.keys() == set(skyblot.rejection.RULES)
