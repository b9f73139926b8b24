"""Images with units, masks and uncertainties in a comparison of arrays."""

import numpy as np
import pytest
from astropy import units as u
from astropy.nddata import (
    CCDData,
    InverseVariance,
    NDData,
    StdDevUncertainty,
    UnknownUncertainty,
    VarianceUncertainty,
)

import skyblot

SHAPE = (60, 70)
RNG = np.random.default_rng(8)
BLOT = RNG.uniform(90, 110, SHAPE)
SIGMA = RNG.uniform(2, 4, SHAPE)
EXPOSURE = BLOT + SIGMA * RNG.normal(size=SHAPE)
HITS = [(10, 20), (30, 31), (50, 5)]
for hit in HITS:
    EXPOSURE[hit] += 200
MASK = np.zeros(SHAPE, bool)
MASK[30, 31] = True

ARRAYS = skyblot.reject(EXPOSURE, BLOT, SIGMA)
UNCERTAINTIES = [
    StdDevUncertainty(SIGMA),
    VarianceUncertainty(SIGMA**2),
    InverseVariance(SIGMA**-2.0),
]


def same(found, expected=ARRAYS):
    np.testing.assert_array_equal(found.mask, expected.mask)
    np.testing.assert_array_equal(found.valid, expected.valid)
    np.testing.assert_allclose(found.significance, expected.significance, rtol=1e-4, atol=1e-4)
    assert found.background == pytest.approx(expected.background, rel=1e-6, abs=1e-6)


def test_the_hits_are_found():
    assert sorted(map(tuple, np.argwhere(ARRAYS.mask).tolist())) == HITS


@pytest.mark.parametrize("uncertainty", UNCERTAINTIES, ids=lambda each: each.uncertainty_type)
@pytest.mark.parametrize("kind", [NDData, CCDData])
def test_an_exposure_brings_its_noise_along(kind, uncertainty):
    exposure = kind(EXPOSURE, uncertainty=type(uncertainty)(uncertainty.array), unit="adu")
    same(skyblot.reject(exposure, BLOT))
    same(skyblot.reject(exposure, CCDData(BLOT, unit="adu")))
    same(skyblot.reject(exposure, NDData(BLOT)))


def test_a_sigma_that_is_given_wins():
    exposure = NDData(EXPOSURE, uncertainty=StdDevUncertainty(100 * SIGMA))
    same(skyblot.reject(exposure, BLOT, SIGMA))


@pytest.mark.parametrize("of", ["exposure", "blot", "both", "array"])
def test_masked_pixels_are_left_out(of):
    expected = skyblot.reject(EXPOSURE, BLOT, SIGMA, valid=~MASK)
    images = {"exposure": EXPOSURE, "blot": BLOT}
    for name in images:
        if of in (name, "both"):
            images[name] = CCDData(images[name], mask=MASK, unit="adu")
    if of == "array":
        images["exposure"] = np.ma.MaskedArray(EXPOSURE, MASK)
    same(skyblot.reject(*images.values(), SIGMA), expected)
    other = np.ones(SHAPE, bool)
    other[10, 20] = False
    both = skyblot.reject(*images.values(), SIGMA, valid=other)
    np.testing.assert_array_equal(both.valid, expected.valid & other)


def test_units_are_converted_to_the_exposures():
    exposure, blot = u.Quantity(EXPOSURE, "nJy"), u.Quantity(BLOT * 1e-3, "uJy")
    same(skyblot.reject(exposure, blot, u.Quantity(SIGMA * 1e-9, "Jy")))
    same(skyblot.reject(exposure, blot, SIGMA))
    same(skyblot.reject(exposure, BLOT, SIGMA))
    same(skyblot.reject(exposure, CCDData(BLOT * 1e-3, unit="uJy"), SIGMA))
    same(skyblot.reject(EXPOSURE, BLOT * u.nJy, SIGMA))
    uncertainty = VarianceUncertainty(SIGMA**2 * 1e-6, unit=u.uJy**2)
    same(skyblot.reject(CCDData(EXPOSURE, unit="nJy", uncertainty=uncertainty), blot))
    moved = skyblot.reject(exposure, blot, SIGMA, background=u.Quantity(1e-3, "uJy"))
    assert moved.background == pytest.approx(1.0)


NOT_CONVERTIBLE = [
    (
        (EXPOSURE * u.electron, BLOT * u.electron / u.s, SIGMA),
        "the blot is in electron / s and the exposure in electron",
    ),
    (
        (EXPOSURE * u.electron, BLOT, SIGMA * u.adu),
        "the sigma is in adu and the exposure in electron: cannot",
    ),
    (
        (CCDData(EXPOSURE, unit="adu"), CCDData(BLOT, unit="nJy"), SIGMA),
        "the blot is in nJy and the exposure in adu",
    ),
]


@pytest.mark.parametrize(("images", "words"), NOT_CONVERTIBLE)
def test_units_that_do_not_convert_are_refused_with_both(images, words):
    with pytest.raises(skyblot.DataError, match=words):
        skyblot.reject(*images)


@pytest.mark.parametrize(
    "exposure",
    [EXPOSURE, NDData(EXPOSURE), NDData(EXPOSURE, uncertainty=UnknownUncertainty(SIGMA))],
)
@pytest.mark.filterwarnings("ignore:.*UnknownUncertainty")
def test_noise_has_to_come_from_somewhere(exposure):
    with pytest.raises(
        skyblot.ParameterError,
        match=r"sigma is not given, and the exposure, a .*, has no uncertainty",
    ):
        skyblot.reject(exposure, BLOT)


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(
        skyblot.DataError,
        match=r"the blot's mask: has shape \(3, 3\), expected that of the exposure",
    ):
        skyblot.reject(EXPOSURE, NDData(BLOT, mask=np.ones((3, 3), bool)), SIGMA)
