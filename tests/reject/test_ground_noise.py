"""Noise of exposures with a sky that their mosaic has not, and noise that is not what is said."""

import warnings

import numpy as np
import pytest
from astropy.io import fits
from samples import tan_header

import skyblot
from skyblot import Noise, SkyblotWarning

SHAPE, GAIN, READ_NOISE = (150, 160), 2.0, 6.0


@pytest.fixture
def visit(tmp_path):
    """A mosaic without sky, and a function that writes an exposure with one and without ERR."""
    rng = np.random.default_rng(2)
    cards = tan_header(SHAPE, BUNIT="adu", EXPTIME=60.0, GAIN=GAIN, RDNOISE=READ_NOISE)
    fits.PrimaryHDU(rng.normal(0, 0.5, SHAPE).astype("f4"), cards).writeto(tmp_path / "coadd.fits")

    def write(sky, **more):
        data = rng.poisson(np.full(SHAPE, sky * GAIN)) / GAIN + rng.normal(
            0, READ_NOISE / GAIN, SHAPE
        )
        path = tmp_path / "x.fits"
        fits.PrimaryHDU(data.astype("f4"), fits.Header([*cards.cards, *more.items()])).writeto(path)
        return tmp_path / "coadd.fits", path

    return write


def compared(visit, **keywords):
    """The result of a comparison, and what was said of its noise."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        (result,) = skyblot.reject_files(visit[0], [visit[1]], visit[1].parent, **keywords)
    return result, [str(each.message) for each in caught if "noise of its sky" in str(each.message)]


@pytest.mark.parametrize("sky", [0.0, 50.0, 1100.0])
def test_photons_of_a_measured_sky_make_noise(visit, sky):
    """1100 adu of sky: the noise is 7.9 times that of reading alone."""
    result, said = compared(visit(sky))
    errors = np.sqrt(sky / GAIN + (READ_NOISE / GAIN) ** 2)
    alone = np.sqrt(
        abs(np.random.default_rng(0).normal(0, 0.5, 1000)).mean() / GAIN + (READ_NOISE / GAIN) ** 2
    )
    assert (errors / alone > 7.5) == (sky > 1000)
    # five standard errors of a spread by the median of 24000 pixels, and the noise of the mosaic
    # itself
    assert result.noise == pytest.approx(
        np.hypot(errors, 0.5) / max(errors, alone), abs=5 * 1.17 / np.sqrt(2 * 24000)
    )
    assert result.background == pytest.approx(sky, abs=5 * errors * 1.25 / np.sqrt(24000))
    assert not said


@pytest.mark.parametrize(("gain", "limit"), [(200.0, 3.0), (0.02, 0.3)])
def test_noise_beyond_the_limits_is_said_with_its_value(visit, gain, limit):
    result, said = compared(visit(1100.0), gain=gain, read_noise=READ_NOISE)
    true, told = (np.sqrt(1100.0 / g + (READ_NOISE / g) ** 2) for g in (GAIN, gain))
    (sentence,) = said
    assert float(sentence.split("sky is ")[1].split()[0]) == pytest.approx(true / told, rel=0.05)
    assert f"{limit:g} times is used" in sentence
    assert result.noise == limit


def test_arrays_say_it_too():
    data = np.random.default_rng(1).normal(0, 7.9, SHAPE)
    with pytest.warns(
        SkyblotWarning,
        match=r"the exposure: the noise of its sky is 7\.[789]\d* times what its errors",
    ):
        found = skyblot.reject(data, np.zeros(SHAPE), Noise(1.0, 1.0))
    assert found.noise == 3.0
    assert found.spread == pytest.approx(7.9, rel=0.05)
