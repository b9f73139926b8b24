"""Whether exposure and blot match: flux ratio, registration beyond its linear range, and what is
refused.
"""

import math
import warnings

import numpy as np
import pytest
from astropy.io import fits
from scipy.ndimage import gaussian_filter
from star_fields import SIGMA, noisy, stars

from skyblot import (
    Criteria,
    DataError,
    ParameterError,
    Parameters,
    SkyblotWarning,
    reject,
    reject_files,
)
from skyblot.rejection.fluxratio import FluxRatio
from skyblot.rejection.registration import REACH, moved
from skyblot.rejection.residuals import measure

SHAPE = (240, 260)
READ_NOISE, SKY = 3.1, 60.0  # electrons


def positions(seed=5, count=60, beyond=70):
    """Places (x, y) of stars on an image and around it."""
    return np.random.default_rng(seed).uniform(
        -beyond, np.array(SHAPE)[::-1] + beyond, (count * 4, 2)
    )


def sky(shift=(0.0, 0.0), width=1.3, seed=5, flux=40000.0):
    return stars(SHAPE, positions(seed), sigma=width, flux=flux, shift=shift)


def hits(seed=9, count=300, charge=200.0):
    """Cosmic rays of one pixel, and where they are."""
    rng = np.random.default_rng(seed)
    where = np.zeros(SHAPE, bool)
    where[rng.integers(0, SHAPE[0], count), rng.integers(0, SHAPE[1], count)] = True
    return where * charge, where


def quietly(*arguments, **keywords):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkyblotWarning)
        return reject(*arguments, **keywords)


def frame(seed, width, shift, factor=1.0):
    """An exposure with cosmic rays, and the blot of a mosaic of four of them that is a little
    smoother; and errors.
    """
    rng = np.random.default_rng([seed, 1])
    places = rng.uniform(-10, np.array(SHAPE)[::-1] + 10, (220, 2))
    fluxes = np.minimum(300.0 * (1.0 - rng.random(len(places))) ** (-1 / 0.75), 4e5)
    angle = rng.uniform(0, 2 * np.pi)
    there = shift * np.array([np.cos(angle), np.sin(angle)])
    still, clean = np.zeros(SHAPE), np.full(SHAPE, SKY)
    for share, sigma in ((0.88, width), (0.12, 3 * width)):
        still += stars(SHAPE, places, sigma, share * fluxes)
        clean += factor * stars(SHAPE, places, sigma, share * fluxes, there)
    charge = (rng.random(SHAPE) < 0.01) * rng.exponential(400.0, SHAPE) + (
        rng.random(SHAPE) < 0.01
    ) * 40.0
    data = rng.poisson(clean) + READ_NOISE * rng.standard_normal(SHAPE) + charge - SKY
    sigma = np.sqrt(np.maximum(data + SKY, 0) + READ_NOISE**2)
    noise = np.sqrt((still + SKY + READ_NOISE**2) / 4)
    blot = gaussian_filter(still, 0.35) + noise * rng.standard_normal(SHAPE)
    return data, blot, sigma, clean < 60000


class TestFluxRatio:
    @pytest.mark.parametrize("factor", [0.4, 0.7, 0.95, 1.0, 1.04, 1.5, 2.8])
    def test_a_blot_too_bright_or_too_faint_is_measured_told_and_allowed_for(self, factor):
        charge, where = hits()
        data = noisy(sky() + charge)
        sigma = np.full(SHAPE, SIGMA)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = reject(data, sky() / factor, sigma)
        assert abs(found.flux_ratio - factor) < 5 * found.flux_ratio_error < 0.02 * factor
        assert bool(caught) == (abs(factor - 1) > 0.1)
        assert all("times as bright as the blot's" in str(each.message) for each in caught)
        assert found.mask[where].mean() > 0.95
        assert found.mask[~where].mean() < 1e-3
        # what explains little is not used
        left = 0.02 if abs(factor - 1) > 0.1 else abs(factor - 1)
        np.testing.assert_allclose(
            found.expected(sky() / factor), sky(), atol=left * sky().max() + 1
        )

    @pytest.mark.parametrize("factor", [1.3, 0.6])
    def test_the_spread_of_a_wrong_scale_is_no_roughness(self, factor):
        data, sigma = noisy(sky()), np.full(SHAPE, SIGMA)
        right, wrong = (quietly(data, sky() / each, sigma).roughness for each in (1.0, factor))
        # fainter sources stand out of the noise of a brighter blot
        assert wrong == pytest.approx(right, abs=0.02)

    @pytest.mark.parametrize("factor", [412.2, 100.0, 3.5, 0.28, 0.02])
    def test_beyond_a_factor_three_it_is_refused_unless_the_ratio_is_given(self, factor):
        charge, where = hits()
        data, sigma, blot = noisy(sky() + charge), np.full(SHAPE, SIGMA), sky() / factor
        with pytest.raises(
            DataError,
            match="times as bright as the blot's, expected a flux ratio within a factor 3",
        ):
            reject(data, blot, sigma)
        for given in ("fit", factor):
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                found = reject(data, blot, sigma, flux_ratio=given)
            assert found.flux_ratio == pytest.approx(factor, rel=0.02)
            assert found.mask[where].mean() > 0.95
            assert found.mask[~where].mean() < 1e-3

    def test_the_plain_rule_measures_and_does_not_use_it(self):
        data, sigma = noisy(sky()), np.full(SHAPE, SIGMA)
        with pytest.warns(SkyblotWarning, match="which is taken as it is"):
            found = reject(data, sky() / 1.4, sigma, rule="plain")
        assert found.ratio == 1.0
        assert found.flux_ratio == pytest.approx(1.4, rel=0.01)
        given = reject(data, sky() / 1.4, sigma, rule="plain", flux_ratio=1.4)
        np.testing.assert_array_equal(given.mask, quietly(data, sky(), sigma, rule="plain").mask)

    def test_a_sky_in_the_blot_does_not_matter(self):
        data, sigma = noisy(sky()) + 300, np.full(SHAPE, SIGMA)
        found = quietly(data, sky() / 1.5 + 800, sigma)
        assert found.flux_ratio == pytest.approx(1.5, rel=0.01)
        assert found.background == pytest.approx(300 - 1.5 * 800, abs=10)
        assert found.mask.mean() < 1e-3

    def test_without_sources_nothing_is_known_and_nothing_refused(self):
        found = reject(noisy(np.zeros(SHAPE)), np.zeros(SHAPE), np.full(SHAPE, SIGMA))
        assert math.isnan(found.flux_ratio)
        assert math.isnan(found.flux_ratio_error)
        assert found.ratio == 1.0

    @pytest.mark.parametrize("seed", range(8))
    def test_noise_alone_is_no_source_however_it_is_shared(self, seed):
        """A sky with cosmic rays, and a mosaic with noise of its own or with a quarter of the
        exposure's.
        """
        rng = np.random.default_rng(seed)
        clean, own = rng.normal(0, SIGMA, SHAPE), rng.normal(0, SIGMA / 2, SHAPE)
        for blot in (own, clean / 4 + own, np.round(own), 1e-3 * own):
            found = reject(clean + hits(seed)[0], blot, np.full(SHAPE, SIGMA))
            assert math.isnan(found.flux_ratio)
            assert found.ratio == 1.0

    @pytest.mark.parametrize("value", [0, -1.0, math.nan, math.inf, "measure", True])
    def test_what_is_no_flux_ratio_is_refused(self, value):
        with pytest.raises(
            ParameterError, match=r"flux_ratio = .*: expected a number above 0, or 'fit'"
        ):
            Criteria(flux_ratio=value)

    def test_it_is_unbiased_and_its_error_right(self):
        """Cosmic rays, well sampled and undersampled stars, misalignments up to 0.3 pixel."""
        pulls, means = [], []
        for width in (0.8, 0.4):
            for shift in (0.0, 0.1, 0.3):
                seeds = range(int(1000 * width + 100 * shift), int(1000 * width + 100 * shift) + 9)
                found = [
                    measure(*frame(seed, width, shift, 0.97), None).flux_ratio for seed in seeds
                ]
                assert all(each.known for each in found)
                away = np.array([each.value / 0.97 - 1 for each in found])
                error = np.array([each.error / 0.97 for each in found])
                means.append((away / error**2).sum() / (1 / error**2).sum())
                pulls.append(away / error)
        # 0.2 percent, and twice the standard error of the mean of all
        assert abs(np.mean(means)) < 0.002
        # the standard deviation of 54 normal numbers is good to 10 percent
        assert 0.8 < np.sqrt(np.mean(np.concatenate(pulls) ** 2)) < 1.2 + 0.1

    def test_its_words(self):
        assert FluxRatio(1.2, 0.01).differs()
        assert not FluxRatio(1.2, 0.1).differs()
        assert not FluxRatio().known


class TestRegistration:
    @pytest.mark.parametrize("width", [1.3, 0.5])
    @pytest.mark.parametrize(
        "shift",
        [(0.5, 0.0), (0.0, -1.0), (1.4, 1.4), (-3.0, 0.4), (8.0, -5.0), (-20.3, 11.0), (0.0, 45.0)],
    )
    def test_it_holds_over_tens_of_pixels(self, shift, width):
        charge, where = hits()
        data = noisy(sky(shift, width) + charge)
        with pytest.warns(SkyblotWarning, match="pixel from where the blot has them"):
            found = reject(data, sky(width=width), np.full(SHAPE, SIGMA))
        # half a pixel is at the end of what the first order of the shift is good for
        assert np.abs(np.subtract(found.misalignment, shift)).max() < (0.05 if width > 1 else 0.15)
        assert np.abs(np.subtract(found.shift, shift)).max() < 1
        judged = where & found.valid
        assert judged.sum() > 0.7 * where.sum()
        assert found.mask[judged].mean() > 0.9
        assert found.mask[~where].mean() < 2e-3

    def test_the_blot_is_moved_and_what_it_leaves_is_not_judged(self):
        found = quietly(noisy(sky((8.0, -5.0))), sky(), np.full(SHAPE, SIGMA))
        assert found.shift == (8, -5)
        assert not found.valid[:, :8].any()
        assert not found.valid[-5:].any()
        assert found.valid[:-5, 8:].all()
        np.testing.assert_array_equal(np.isnan(found.expected(sky())), ~found.valid)

    @pytest.mark.parametrize("flux", [40000.0, 4e6])
    def test_what_matches_nowhere_is_refused(self, flux):
        with pytest.raises(
            DataError, match=rf"^the exposure: the blot does not match it.* within {REACH} pixels"
        ):
            reject(noisy(sky(seed=77)), sky(flux=flux), np.full(SHAPE, SIGMA))

    @pytest.mark.parametrize(
        ("degrees", "outcome"), [(0.0, ""), (0.25, "warned"), (0.8, "refused"), (5.0, "refused")]
    )
    def test_a_rotation_is_told_or_refused(self, degrees, outcome):
        turn = np.radians(degrees)
        matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
        centre = np.array(SHAPE)[::-1] / 2
        turned = stars(SHAPE, (positions() - centre) @ matrix.T + centre)
        arguments = noisy(turned), sky(), np.full(SHAPE, SIGMA)
        if outcome == "refused":
            with pytest.raises(DataError, match="the blot does not match it"):
                reject(*arguments)
            return
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            reject(*arguments)
        told = ["do not fit the blot's all over" in str(each.message) for each in caught]
        assert told == ([True] if outcome else [])

    def test_a_map_of_weights_matches_nothing(self):
        y, x = np.indices(SHAPE)
        weights = 1200 * (1 + 0.05 * np.sin(1.3 * x) * np.cos(1.1 * y)) + 300.0 * (x > 130)
        with pytest.raises(DataError, match="the blot does not match it"):
            reject(noisy(sky()), weights, np.full(SHAPE, SIGMA))

    @pytest.mark.parametrize("width", [0.75, 2.3, 2.9])
    def test_another_seeing_is_no_mismatch(self, width):
        found = quietly(noisy(sky(width=width)), sky(width=1.3), np.full(SHAPE, SIGMA))
        assert found.shift == (0, 0)
        assert np.hypot(*found.misalignment) < 0.05
        assert found.flux_ratio == pytest.approx(1, abs=0.1)

    @pytest.mark.parametrize("shift", [(0, 0), (1, 0), (-2, 3), (0, -300)])
    def test_moved_images(self, shift):
        image = np.arange(20.0).reshape(4, 5)
        out, (dx, dy) = moved(image, shift), shift
        for (y, x), value in np.ndenumerate(out):
            there = 0 <= y - dy < 4 and 0 <= x - dx < 5
            assert value == image[y - dy, x - dx] if there else math.isnan(value)


class TestFiles:
    def test_the_flux_ratio_is_in_results_headers_and_lines(self, made, run_reject, demo, out):
        for result in made[1]:
            assert result.flux_ratio == pytest.approx(1, abs=5 * result.flux_ratio_error + 0.02)
            header = fits.getheader(result.path)
            assert header["CRFLUX"] == pytest.approx(result.flux_ratio, rel=1e-14)
            assert header["CRFLUXE"] == pytest.approx(result.flux_ratio_error, rel=1e-14)
            assert header["CRRATIO"] == result.ratio
            assert f"flux ratio {result.flux_ratio:.3f}" in repr(result)

    def test_a_wrong_exposure_time_is_refused_by_name_and_leaves_no_mask(
        self, demo, run_reject, out
    ):
        code, said, errors = run_reject(
            demo.median, demo.exposures[0], "--output-dir", out, "--out-units", "cps"
        )
        assert code == 2
        assert said == ""
        assert f"{demo.exposures[0]}[sci,1]: its sources are 4" in errors
        assert not list(out.iterdir())
        code, said, errors = run_reject(
            demo.median,
            f"{demo.exposures[0]}[sci,1]",
            "--output-dir",
            out,
            "--expout",
            "1000",
            "--flux-ratio",
            "fit",
        )
        assert (code, errors) == (0, "")
        assert "  flux ratio 0.4" in said

    def test_what_is_no_flux_ratio_on_the_command_line(self, demo, run_reject, out):
        code, _, errors = run_reject(
            demo.median, demo.exposures[0], "--output-dir", out, "--flux-ratio", "x"
        )
        assert code == 2
        assert "--flux-ratio x: expected a number above 0, or 'fit'" in errors

    def test_cleaned_pixels_have_the_blot_that_was_compared(self, demo, out):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SkyblotWarning)
            (result,) = reject_files(
                demo.median,
                [f"{demo.exposures[0]}[sci,1]"],
                out,
                clean=True,
                save_blots=True,
                parameters=Parameters(expout=600.0),
            )
        assert result.ratio == pytest.approx(412 / 600, rel=0.02)
        blot = fits.getdata(result.blot_path, "SCI")
        clean, old = (
            fits.getdata(path, ("SCI", 1))
            for path in (next(out.glob("*crclean*")), demo.exposures[0])
        )
        bad = clean != old
        assert bad.any()
        np.testing.assert_allclose(
            clean[bad], result.ratio * blot[bad] + result.background, rtol=1e-5, atol=1e-3
        )
