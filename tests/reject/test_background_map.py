"""The background of an exposure as a map: gradients, cosmic rays, sources, threads, files."""

import warnings

import numpy as np
import pytest
from astropy.io import fits
from samples import tan_header
from star_fields import noisy, stars

import skyblot
from skyblot import ParameterError, SkyblotWarning, reject, reject_files
from skyblot.rejection.background import background_map

SHAPE, SKY, SIGMA = (330, 400), 500.0, 12.0
Y, X = np.indices(SHAPE) / np.array(SHAPE)[:, None, None] - 0.5
#: Skies of 6 percent from side to side, of second order, and with a step between two halves of a
#: chip.
SKIES = {
    "flat": 0 * X,
    "gradient": 0.06 * SKY * X,
    "both": 0.06 * SKY * (0.7 * X - 0.5 * Y),
    "curved": 0.06 * SKY * (X + 2 * X**2 - 1.5 * Y**2 + X * Y),
}


def light(seed=3, count=120):
    rng = np.random.default_rng(seed)
    places = rng.uniform(5, np.array(SHAPE)[::-1] - 5, (count, 2))
    fluxes = np.minimum(2000 / rng.random(count), 3e5)
    return sum(stars(SHAPE, [place], 1.8, flux) for place, flux in zip(places, fluxes, strict=True))


LIGHT = light()


def hits(part=0.02, seed=6):
    rng = np.random.default_rng(seed)
    return np.where(rng.random(SHAPE) < part, rng.exponential(400.0, SHAPE) + 100, 0.0)


def quietly(*arguments, **keywords):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkyblotWarning)
        return reject(*arguments, **keywords)


@pytest.mark.parametrize("name", SKIES)
@pytest.mark.parametrize("factor", [1.0, 0.8])
def test_the_map_is_the_sky_whatever_lies_on_it(name, factor):
    """Of the noise of a median of a cell, 1.25 * 12 / 64, edges have up to three times as much."""
    data = noisy(factor * LIGHT + SKY + SKIES[name] + hits(), sigma=SIGMA)
    sigma = np.sqrt(SIGMA**2 + LIGHT / 2)
    found = background_map(data, LIGHT, sigma, np.ones(SHAPE, bool))
    error = found - SKY - SKIES[name]
    assert found.dtype == np.float32
    assert np.abs(error).max() < 0.25 * SIGMA
    assert error.std() < 0.05 * SIGMA
    assert abs(error.mean()) < 0.1 * SIGMA  # cosmic rays below 3 sigma are in it


def test_pixels_left_out_and_cells_without_any():
    data = noisy(SKY + SKIES["both"], sigma=SIGMA)
    valid = np.ones(SHAPE, bool)
    valid[:140, :150] = False
    data[~valid] = np.nan
    error = (background_map(data, 0 * data, np.full(SHAPE, SIGMA), valid) - SKY - SKIES["both"])[
        valid
    ]
    assert np.abs(error).max() < 0.6 * SIGMA  # beside the hole a cell is as its neighbour is
    nothing = background_map(data, 0 * data, np.full(SHAPE, SIGMA), np.zeros(SHAPE, bool))
    assert not nothing.any()


@pytest.mark.parametrize("shape", [(40, 50), (100, 300), (200, 140), (1, 500), (2100, 70)])
def test_images_of_any_size(shape):
    column = 0.05 * np.arange(shape[1])
    data = noisy(np.broadcast_to(column, shape), sigma=0.1)
    found = background_map(data, np.zeros(shape), np.full(shape, 0.1), np.ones(shape, bool))
    assert found.shape == shape
    wide = shape[1] >= 128
    assert np.abs(found - (column if wide else np.median(column))).max() < (
        0.3 if wide else 0.6 * column.max()
    )


def test_gradients_hide_no_cosmic_rays_and_make_none():
    charge = hits(0.01, seed=8) / 6  # 1.4 sigma and more
    data = noisy(LIGHT + SKY + 4 * SKIES["gradient"] + charge, sigma=SIGMA)
    sigma = np.sqrt(SIGMA**2 + LIGHT / 2)
    found, even, flat = (
        quietly(image, LIGHT, sigma, background=how)
        for image, how in ((data, "map"), (data, None), (data - 4 * SKIES["gradient"], None))
    )
    here = charge > 5 * SIGMA
    assert even.noise > 2 > 1.1 > found.noise
    assert found.mask[here].mean() > flat.mask[here].mean() - 0.02 > even.mask[here].mean() + 0.1
    assert found.mask[charge == 0].mean() < 1.5 * flat.mask[charge == 0].mean() + 1e-4
    np.testing.assert_allclose(
        found.background + found.uneven, SKY + 4 * SKIES["gradient"], atol=0.4 * SIGMA
    )
    np.testing.assert_allclose(
        found.expected(LIGHT), LIGHT + SKY + 4 * SKIES["gradient"], atol=0.4 * SIGMA
    )


def test_the_bits_do_not_depend_on_threads():
    data, sigma = (
        noisy(LIGHT + SKY + SKIES["curved"] + hits(), sigma=SIGMA),
        np.sqrt(SIGMA**2 + LIGHT / 2),
    )
    first, second = (
        quietly(data, LIGHT, sigma, background="map", threads=threads) for threads in (1, 3)
    )
    np.testing.assert_array_equal(first.significance, second.significance)
    np.testing.assert_array_equal(first.uneven, second.uneven)


@pytest.mark.parametrize("value", ["flat", "MAP", "", np.nan])
def test_what_is_no_background(value):
    with pytest.raises(
        ParameterError, match=r"background = .*: expected a finite number, or 'map'"
    ):
        skyblot.Criteria(background=value)


def test_copies_have_the_blot_on_the_map(tmp_path, run_reject):
    sky = SKY + 3 * SKIES["gradient"]
    cards = tan_header(SHAPE, BUNIT="adu", EXPTIME=60.0, GAIN=SKY / SIGMA**2, RDNOISE=0.001)
    fits.PrimaryHDU(noisy(LIGHT, sigma=0.5).astype("f4"), cards).writeto(tmp_path / "coadd.fits")
    bad = np.zeros(SHAPE, bool)
    bad[10::40, 7::40] = True
    data = noisy(LIGHT + sky + 3000 * bad, sigma=SIGMA).astype("f4")
    fits.PrimaryHDU(data, cards).writeto(tmp_path / "x.fits")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SkyblotWarning)
        reject_files(
            tmp_path / "coadd.fits", [tmp_path / "x.fits"], tmp_path, clean=True, background="map"
        )
    (mask,) = tmp_path.glob("*_crmask.fits")
    assert fits.getval(mask, "CRBACKM") is True
    assert fits.getval(mask, "CRBACK") == pytest.approx(SKY, abs=0.1 * SIGMA)
    clean = fits.getdata(tmp_path / "x_crclean.fits")
    np.testing.assert_allclose(clean[bad], (LIGHT + sky)[bad], atol=0.4 * SIGMA, rtol=0.05)
    code, *_ = run_reject(
        tmp_path / "coadd.fits",
        tmp_path / "x.fits",
        "--background",
        "map",
        "--overwrite",
        "--output-dir",
        tmp_path,
    )
    assert code == 0
    assert fits.getval(mask, "CRBACKM") is True
