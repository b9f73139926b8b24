"""Exposures against blots, in arrays: what is measured, kinds of pixels, bad arguments."""

import math
import warnings

import numpy as np
import pytest
from star_fields import F32, SIGMA, field, noisy

import skyblot
from skyblot import Criteria, Noise, bands
from skyblot.errors import DataError, ParameterError, SkyblotWarning
from skyblot.parameters.rules import RULES
from skyblot.rejection.compare import reject
from skyblot.rejection.robust import clipped_median


class TestMeasurements:
    @pytest.mark.parametrize("rule", ["skyblot", "plain"])
    def test_an_offset_of_the_background_changes_nothing_else(self, rule):
        blot = np.round(64 * field()) / 64
        exposure = np.round(64 * noisy(blot)) / 64  # sums with 512 stay exact
        exposure[40:43, 50] += 100
        sigma = np.full(blot.shape, SIGMA)
        before, after = (
            reject(exposure + offset, blot, sigma, rule=rule) for offset in (0.0, 512.0)
        )
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
        # the first order of the shift is good to a tenth; stars of 40000 electrons fix their
        # positions to 0.001 pixel
        bound = 0.1 * max(map(abs, shift)) + 0.002
        assert np.abs(np.subtract(found.misalignment, shift)).max() < bound

    def test_a_large_misalignment_is_measured_and_warned_of(self):
        exposure = noisy(field(shift=(0.2, -0.1)))
        with pytest.warns(
            SkyblotWarning, match=r"lie \(\+0\.(19|2\d), -0\.1\d\) pixel from where the blot has"
        ):
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
        bend = (
            padded[2:, 1:-1] + padded[:-2, 1:-1] + padded[1:-1, 2:] + padded[1:-1, :-2] - 4 * blot
        )
        exposure = noisy(blot - 0.1 * bend)
        found = reject(exposure, blot, np.full(blot.shape, SIGMA))
        # noise is 1e-3 of the stars' bends
        assert found.sharpness == pytest.approx(-0.1, abs=0.003)
        assert (
            found.mask.sum()
            <= reject(exposure, blot, np.full(blot.shape, SIGMA), rule="plain").mask.sum()
        )

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


class TestPixels:
    def test_pixels_left_out_are_neither_bad_nor_seeds(self):
        exposure, valid = np.zeros((7, 7)), np.ones((7, 7), bool)
        exposure[3, 3], exposure[3, 4] = 100, 1.1 * RULES["plain"].snr[1]
        valid[3, 3] = False
        found = reject(
            exposure, np.zeros((7, 7)), np.ones((7, 7)), valid=valid, rule="plain", background=0
        )
        assert not found.mask.any()
        assert np.isnan(found.significance[3, 3])
        assert reject(exposure, np.zeros((7, 7)), np.ones((7, 7)), rule="plain", background=0).mask[
            3, 4
        ]

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
        found = reject(exposure, blot, Noise(12.0, 2.0))
        expected = reject(exposure.astype(float), blot.astype(float), Noise(12.0, 2.0))
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
        (
            (IMAGE[0], IMAGE, IMAGE),
            {},
            DataError,
            r"the exposure: is float64 of shape \(5,\), expected a 2-D image",
        ),
        (
            (IMAGE, IMAGE[:2], IMAGE),
            {},
            DataError,
            r"blot: has shape \(2, 5\), expected .* \(4, 5\)",
        ),
        ((IMAGE, IMAGE, IMAGE[:2]), {}, DataError, r"sigma: has shape \(2, 5\)"),
        ((IMAGE, IMAGE, "x"), {}, DataError, "the sigma: is <U1"),
        (
            (IMAGE, IMAGE, IMAGE),
            {"valid": IMAGE},
            DataError,
            "valid: is float64, expected booleans",
        ),
        ((IMAGE, IMAGE, IMAGE), {"valid": IMAGE[:1] == 0}, DataError, r"valid: has shape \(1, 5\)"),
        (
            (IMAGE, IMAGE, IMAGE),
            {"rule": "plane"},
            ParameterError,
            r"rule = 'plane'.*closest: 'plain'",
        ),
        (
            (IMAGE, IMAGE, IMAGE),
            {"snr": 5},
            ParameterError,
            "snr = 5: expected two numbers above 0",
        ),
        (
            (IMAGE, IMAGE, IMAGE),
            {"snr": (5, 0)},
            ParameterError,
            r"snr = \(5, 0\): expected two numbers above 0",
        ),
        (
            (IMAGE, IMAGE, IMAGE),
            {"scale": (1, -1)},
            ParameterError,
            r"scale = \(1, -1\): .*at least 0",
        ),
        (
            (IMAGE, IMAGE, IMAGE),
            {"grow": -1},
            ParameterError,
            "grow = -1: expected a radius of 0 to 50 pixels",
        ),
        (
            (IMAGE, IMAGE, IMAGE),
            {"cte_tail": 1.5},
            ParameterError,
            "cte_tail = 1.5: expected a whole number",
        ),
        (
            (IMAGE, IMAGE, IMAGE),
            {"cte_direction": 0},
            ParameterError,
            "cte_direction = 0: expected 1 or -1",
        ),
        (
            (IMAGE, IMAGE, IMAGE),
            {"exposures": 0},
            ParameterError,
            "exposures = 0: expected a whole number, at least 1",
        ),
        (
            (IMAGE, IMAGE, IMAGE),
            {"background": math.nan},
            ParameterError,
            "background = nan: expected a finite",
        ),
        (
            (IMAGE, IMAGE, IMAGE),
            {"gain": 0},
            ParameterError,
            "gain = 0: expected electrons per unit, above 0",
        ),
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
    assert all(rule.name == name for name, rule in RULES.items())
