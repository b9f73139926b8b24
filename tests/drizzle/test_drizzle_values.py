"""Arguments, noise, and what is said of what is wrong."""

import drops
import numpy as np
import pytest

from skyblot.errors import DataError, ParameterError
from skyblot.resampling.drizzle import Drop, Exposure, Sums, drizzle, noise_correlation


def noise_at_large(image, drop):
    """Noise of the mean of a large area, times the root of its pixels: power of long waves.

    What a cell, and a drop of so many cells, leave of a wave is known; it is put back.
    """
    size = len(image)
    power = np.abs(np.fft.fft2(image)) ** 2 / size**2
    k = np.fft.fftfreq(size)
    left = (np.sinc(k) * np.sinc(k * drop)) ** 2
    long = np.hypot(k[:, None], k) < 0.15
    long[0, 0] = False
    return np.sqrt((power / np.outer(left, left))[long].mean())


@pytest.mark.parametrize(
    ("pixfrac", "scale_ratio"), [(1.0, 1.0), (0.8, 1.0), (1.0, 0.5), (0.8, 0.5), (0.6, 0.7)]
)
def test_correlation_of_noise_is_that_of_the_formula(pixfrac, scale_ratio):
    """48 dithers of white noise; 5000 long waves tell its power to 1.4 percent, and R to 0.7."""
    rng = np.random.default_rng(7)
    cells = 400
    size = int(cells * scale_ratio) + 10
    exposures = []
    for _ in range(48):
        x, y = ((np.arange(size + 1) - rng.uniform(4, 5)) / scale_ratio for _ in range(2))
        exposures.append(Exposure(rng.normal(size=(size, size)), 1.0, *np.meshgrid(x, y)))
    sci = drizzle(exposures, (cells, cells), Drop(pixfrac=pixfrac), dtype=np.float64).sci
    measured = noise_at_large(sci, pixfrac / scale_ratio) / sci.std()
    assert abs(measured / noise_correlation(pixfrac, scale_ratio) - 1) < 0.02


def test_errors_are_those_of_the_noise():
    rng = np.random.default_rng(3)
    x, y = drops.affine((30, 30), 20, 1.3)
    variance = rng.uniform(1, 4, (30, 30))
    weight = 1 / variance
    made = [
        drizzle([Exposure(rng.normal(0, np.sqrt(variance)), weight, x, y, [variance])], (40, 40))
        for _ in range(400)
    ]
    measured = np.std([each.sci for each in made], axis=0)
    there = made[0].wht > 0
    ratio = measured[there] / made[0].err[0][there]
    assert abs(ratio.mean() - 1) < 0.01
    assert abs(ratio - 1).max() < 6 / np.sqrt(2 * 400)


def test_several_variances_are_kept_apart():
    x, y = drops.affine((4, 5), 20, 1.3, (6.0, 6.0))
    one = np.full((4, 5), 2.0)
    result = drizzle([Exposure(one, 1.0, x, y, [one, 4 * one, 0 * one])], (12, 12))
    assert len(result.err) == 3
    assert np.allclose(2 * result.err[0], result.err[1], equal_nan=True, rtol=1e-6)
    assert np.array_equal(np.nan_to_num(result.err[2], nan=1.0) == 0, result.wht > 0)


GOOD = drops.exposure(drops.affine((4, 5)))
STRIP = np.zeros(3)
NUMBERS = "expected floating-point numbers or integers"
THREADS = "expected a whole number, at least 1, or nothing for all cores"
SHAPES = "expected two whole numbers, (ny, nx), each at least 1"
WRONG = [
    (lambda: Drop("sqare"), "kernel = 'sqare': expected square, turbo, point (closest: 'square')"),
    (lambda: Drop(pixfrac=0.001), "pixfrac = 0.001: expected a number from 0.01 to 1"),
    (lambda: Drop(pixfrac=float("nan")), "pixfrac = nan: expected a number from 0.01 to 1"),
    (lambda: Drop(pixfrac=True), "pixfrac = True: expected a number from 0.01 to 1"),
    (lambda: Drop(scale_ratio=0), "scale_ratio = 0: expected a number from 0.001 to 1000"),
    (lambda: add(number=-1), "number = -1: expected a whole number, at least 0"),
    (lambda: add(data=STRIP), "the exposure: has shape (3,), expected a 2-D image, (ny, nx)"),
    (lambda: add(weight=STRIP), "the exposure's weight: has shape (3,), expected (4, 5)"),
    (lambda: add(x=GOOD.x[1:]), "the exposure's x: has shape (4, 6), expected (5, 6)"),
    (lambda: add(y=GOOD.data), "the exposure's y: has shape (4, 5), expected (5, 6)"),
    (lambda: add(data=GOOD.data > 0), f"the exposure's data: has dtype bool, {NUMBERS}"),
    (lambda: add(weight=1j), f"the exposure's weight: has dtype complex128, {NUMBERS}"),
    (lambda: add(variances=[STRIP]), "the exposure: has 1 variances, expected 0, as the sums have"),
    (lambda: drizzle([GOOD], (0, 5)), f"shape = (0, 5): {SHAPES}"),
    (lambda: drizzle([GOOD], (5, 5), threads=0), f"threads = 0: {THREADS}"),
]  # fmt: skip


def add(number=0, **changes):
    Sums((40, 40)).add(GOOD._replace(**changes), number, Drop())


@pytest.mark.parametrize(("call", "sentence"), WRONG, ids=[sentence for _, sentence in WRONG])
def test_what_cannot_be_used_is_said(call, sentence):
    with pytest.raises((ParameterError, DataError)) as caught:
        call()
    assert str(caught.value) == sentence
