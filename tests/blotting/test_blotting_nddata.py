"""`skyblot.blot` with images that carry their WCS and unit: NDData, CCDData, quantities."""

import subprocess
import sys
import warnings

import numpy as np
import pytest
from astropy import units as u
from astropy.io import fits
from astropy.nddata import (
    CCDData,
    InverseVariance,
    NDData,
    NDDataArray,
    StdDevUncertainty,
    UnknownUncertainty,
    VarianceUncertainty,
)
from builders import gwcs_like, sky_image, tangent
from image_pair import IMAGE, SOURCE_WCS, TARGET_WCS, header_of, plain, same_place

import skyblot

# Arrays.


def test_an_array_gives_the_bits_of_the_blot_of_arrays_in_a_plain_array():
    made = skyblot.blot(IMAGE, SOURCE_WCS, TARGET_WCS, threads=1)
    assert type(made) is np.ndarray
    np.testing.assert_array_equal(made, plain())


def test_out_is_returned_for_an_array():
    out = np.empty((40, 50), np.float32)
    assert skyblot.blot(IMAGE, SOURCE_WCS, TARGET_WCS, out=out) is out


def test_an_array_needs_both_wcs():
    with pytest.raises(
        skyblot.WCSError, match=r"the source: its WCS is not given, .*: give source_wcs"
    ):
        skyblot.blot(IMAGE, target_wcs=TARGET_WCS)
    with pytest.raises(
        skyblot.WCSError, match=r"the target: its WCS is not given, .*: give target_wcs"
    ):
        skyblot.blot(IMAGE, SOURCE_WCS)


def test_blotting_arrays_loads_neither_nddata_nor_fits():
    code = """if True:
        import sys, numpy, skyblot
        class Flat:
            pixel_n_dim = world_n_dim = 2
        try:
            skyblot.blot(numpy.ones((3, 3)), Flat(), Flat(), shape=(3, 3))
        except skyblot.WCSError:
            print("refused", "astropy.nddata" in sys.modules)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["refused", "False"]


# Quantities.


@pytest.mark.parametrize("dtype", ["f4", ">f8", "i4"])
def test_a_quantity_gives_a_quantity_of_its_unit_and_dtype(dtype):
    image = IMAGE.astype(dtype)
    interp = "nearest" if dtype == "i4" else "poly5"
    made = skyblot.blot(
        u.Quantity(image, u.electron, dtype=dtype), SOURCE_WCS, TARGET_WCS, interp=interp
    )
    assert isinstance(made, u.Quantity)
    assert made.unit == u.electron
    expected = plain(image, interp=interp)
    assert made.dtype == expected.dtype
    np.testing.assert_array_equal(made.value, expected)


def test_a_quantity_to_write_into_is_refused():
    out = np.zeros((40, 50), np.float32) * u.s
    with pytest.raises(skyblot.ParameterError, match="out: is a Quantity, expected a plain array"):
        skyblot.blot(IMAGE, SOURCE_WCS, TARGET_WCS, out=out)


def test_a_scale_with_a_unit_is_refused():
    with pytest.raises(
        skyblot.ParameterError, match=r"scale = <Quantity 2\.? s>: expected a number"
    ):
        skyblot.blot(IMAGE * u.adu, SOURCE_WCS, TARGET_WCS, scale=2 * u.s)


# NDData.


@pytest.mark.parametrize("kind", [NDData, NDDataArray, CCDData])
def test_nddata_gives_its_class_with_its_unit_and_the_targets_wcs(kind):
    made = skyblot.blot(kind(IMAGE, wcs=SOURCE_WCS, unit=u.adu / u.s), target_wcs=TARGET_WCS)
    assert type(made) is kind
    assert made.unit == u.adu / u.s
    assert made.mask is None
    np.testing.assert_array_equal(made.data, plain())
    low_level = getattr(made.wcs, "low_level_wcs", made.wcs)
    assert same_place(low_level, TARGET_WCS, (40, 50))


def test_nddata_without_a_unit_stays_without():
    assert skyblot.blot(NDData(IMAGE, wcs=SOURCE_WCS), target_wcs=TARGET_WCS).unit is None


def test_a_part_of_a_ccd_knows_its_place():
    ccd = CCDData(IMAGE, wcs=SOURCE_WCS, unit="adu")
    part = skyblot.blot(ccd[5:75, 3:90], target_wcs=TARGET_WCS, fill_value=np.nan)
    inside = np.isfinite(part.data)
    assert inside.mean() > 0.5
    x, y = skyblot.pixel_map(TARGET_WCS, SOURCE_WCS)
    deep = (x > 8) & (x < 85) & (y > 10) & (y < 70)  # where no tap sees the edge
    np.testing.assert_allclose(part.data[deep], plain()[deep], rtol=1e-5)


def test_a_given_wcs_wins_over_the_sources_own():
    wrong = tangent(crval=(10.001, 20.0), shape=(80, 100))
    made = skyblot.blot(CCDData(IMAGE, wcs=wrong, unit="adu"), SOURCE_WCS, TARGET_WCS)
    np.testing.assert_array_equal(made.data, plain())


def test_masked_pixels_count_as_nan():
    mask = np.zeros(IMAGE.shape, bool)
    mask[30:34, 40:44] = True
    missing = np.where(mask, np.nan, IMAGE)
    made = skyblot.blot(
        CCDData(IMAGE, mask=mask, wcs=SOURCE_WCS, unit="adu"), target_wcs=TARGET_WCS
    )
    assert np.isnan(made.data).any()
    np.testing.assert_array_equal(made.data, plain(missing.astype(np.float32)))
    assert IMAGE[31, 41] == sky_image((80, 100))[31, 41]


def test_a_mask_of_nothing_changes_nothing():
    ccd = CCDData(IMAGE, mask=np.zeros(IMAGE.shape, bool), wcs=SOURCE_WCS, unit="adu")
    np.testing.assert_array_equal(skyblot.blot(ccd, target_wcs=TARGET_WCS).data, plain())


def test_masked_integers_are_refused():
    labels = NDData(IMAGE.astype("i4"), mask=IMAGE > 1000, wcs=SOURCE_WCS)
    with pytest.raises(skyblot.DataError, match="masked pixels, and int32 has no NaN"):
        skyblot.blot(labels, target_wcs=TARGET_WCS, interp="nearest")


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(
        skyblot.DataError, match=r"mask: has shape \(3, 4\), expected that of its data, \(80, 100\)"
    ):
        skyblot.blot(
            NDData(IMAGE, mask=np.ones((3, 4), bool), wcs=SOURCE_WCS), target_wcs=TARGET_WCS
        )


VARIANCE = np.random.default_rng(3).uniform(1, 4, IMAGE.shape)
UNCERTAINTIES = [
    (StdDevUncertainty, np.sqrt(VARIANCE), np.square),
    (VarianceUncertainty, VARIANCE, lambda made: made),
    (InverseVariance, 1 / VARIANCE, lambda made: 1 / made),
]


@pytest.mark.parametrize("carrier", [NDData, CCDData])
@pytest.mark.parametrize(("kind", "values", "back"), UNCERTAINTIES)
def test_an_uncertainty_is_carried_by_squared_weights(carrier, kind, values, back):
    mosaic = carrier(IMAGE, uncertainty=kind(values), wcs=SOURCE_WCS, unit="adu")
    made = skyblot.blot(mosaic, target_wcs=TARGET_WCS, scale=2.0)
    assert (type(made), type(made.uncertainty)) == (carrier, kind)
    _, expected = skyblot.blot(IMAGE, SOURCE_WCS, TARGET_WCS, variance=VARIANCE, scale=2.0)
    np.testing.assert_array_equal(made.data, plain(scale=2.0))
    np.testing.assert_allclose(back(made.uncertainty.array), expected, rtol=1e-12)
    assert made.uncertainty.unit == mosaic.uncertainty.unit


def test_what_an_inverse_variance_does_not_know_is_not_known_in_the_blot():
    weight = np.ones(IMAGE.shape)
    weight[30:34, 40:44] = 0
    target = tangent(orient=33.0, crpix=(20.0, 25.0), shape=(400, 50))
    made = skyblot.blot(
        NDData(IMAGE, uncertainty=InverseVariance(weight), wcs=SOURCE_WCS), target_wcs=target
    )
    x, y = skyblot.pixel_map(target, SOURCE_WCS)
    known = (x >= -0.5) & (x < 99.5) & (y >= -0.5) & (y < 79.5)
    assert (made.uncertainty.array[~known] == 0).all()
    inside = (x > 40) & (x < 43) & (y > 30) & (y < 33)
    assert (made.uncertainty.array[inside] == 0).all()
    assert (made.uncertainty.array > 0).sum() > 0.9 * known.sum()


def test_an_uncertainty_of_no_known_kind_is_dropped_with_a_warning():
    mosaic = NDData(IMAGE, uncertainty=UnknownUncertainty(np.ones(IMAGE.shape)), wcs=SOURCE_WCS)
    with pytest.warns(
        skyblot.SkyblotWarning, match="uncertainty, a UnknownUncertainty, is dropped"
    ):
        made = skyblot.blot(mosaic, target_wcs=TARGET_WCS)
    assert made.uncertainty is None


def test_a_variance_may_be_given_beside_an_image():
    made, variance = skyblot.blot(
        NDData(IMAGE, wcs=SOURCE_WCS), target_wcs=TARGET_WCS, variance=VARIANCE
    )
    assert made.uncertainty is None
    np.testing.assert_array_equal(
        variance, skyblot.blot(IMAGE, SOURCE_WCS, TARGET_WCS, variance=VARIANCE)[1]
    )
    pair = IMAGE * u.electron, SOURCE_WCS, TARGET_WCS
    _, in_units = skyblot.blot(*pair, variance=(VARIANCE * 1e-6) * (1000 * u.electron) ** 2)
    np.testing.assert_allclose(in_units, variance, rtol=1e-12)
    with pytest.raises(
        skyblot.DataError, match=r"the variance is in s2 and the source in electron2: cannot be"
    ):
        skyblot.blot(*pair, variance=VARIANCE * u.s**2)


def test_images_and_pixel_maps_go_together():
    x, y = skyblot.pixel_map(TARGET_WCS, SOURCE_WCS)
    for mosaic in (NDData(IMAGE, wcs=SOURCE_WCS), CCDData(IMAGE, unit="adu"), fits.ImageHDU(IMAGE)):
        made = skyblot.blot(mosaic, pixel_map=(x, y))
        np.testing.assert_array_equal(made.data, plain())
        assert getattr(made, "wcs", None) is None


def test_nddata_without_a_wcs_is_refused():
    with pytest.raises(
        skyblot.WCSError, match="the source: is a NDData without a WCS: give source_wcs"
    ):
        skyblot.blot(NDData(IMAGE), target_wcs=TARGET_WCS)


def test_nddata_takes_a_gwcs_and_ccddata_says_that_it_does_not():
    target = gwcs_like(TARGET_WCS, bounded=False)
    made = skyblot.blot(NDData(IMAGE, wcs=SOURCE_WCS), target_wcs=target)
    assert made.wcs.low_level_wcs is target
    with pytest.raises(
        skyblot.ParameterError,
        match=r"a CCDData, which takes no WCS as the target's WCS.*give an ND",
    ):
        skyblot.blot(CCDData(IMAGE, wcs=SOURCE_WCS, unit="adu"), target_wcs=target)


# Targets.


def as_ccd(shape):
    return CCDData(np.zeros(shape), wcs=TARGET_WCS, unit="adu")


def as_hdu(shape):
    return fits.ImageHDU(np.zeros(shape, "f4"), header_of(TARGET_WCS))


@pytest.mark.parametrize("target", [as_ccd, as_hdu])
def test_the_target_may_be_an_image(target):
    made = skyblot.blot(IMAGE, SOURCE_WCS, target((30, 45)))
    assert made.shape == (30, 45)
    np.testing.assert_allclose(made, plain(shape=(30, 45)), rtol=1e-5)


@pytest.mark.parametrize("target", [as_ccd, as_hdu])
@pytest.mark.parametrize(
    "mosaic",
    [CCDData(IMAGE, wcs=SOURCE_WCS, unit="adu"), fits.ImageHDU(IMAGE, header_of(SOURCE_WCS))],
    ids=type,
)
def test_two_images_need_no_wcs_beside_them(mosaic, target):
    made = skyblot.blot(mosaic, target((30, 45)))
    assert type(made) is type(mosaic)
    np.testing.assert_allclose(made.data, plain(shape=(30, 45)), rtol=1e-5)


def test_a_second_image_without_a_wcs_is_told_to_be_the_target():
    with pytest.raises(skyblot.WCSError, match="the target: is a NDData without a WCS"):
        skyblot.blot(CCDData(IMAGE, wcs=SOURCE_WCS, unit="adu"), NDData(IMAGE))


@pytest.mark.parametrize("target", [as_ccd, as_hdu])
def test_a_shape_wins_over_the_targets(target):
    assert skyblot.blot(IMAGE, SOURCE_WCS, target((30, 45)), shape=(10, 12)).shape == (10, 12)


def test_a_target_with_an_axis_of_one_pixel_is_a_plane():
    hdu = fits.ImageHDU(np.zeros((1, 30, 45), "f4"), header_of(TARGET_WCS))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert skyblot.blot(IMAGE, SOURCE_WCS, hdu).shape == (30, 45)


def test_a_target_without_pixels_needs_a_shape():
    empty = fits.ImageHDU(None, header_of(TARGET_WCS))
    with pytest.raises(skyblot.ParameterError, match=r"give shape=\(ny, nx\)"):
        skyblot.blot(IMAGE, SOURCE_WCS, empty)
    assert skyblot.blot(IMAGE, SOURCE_WCS, empty, shape=(3, 4)).shape == (3, 4)


def test_a_target_without_a_wcs_is_refused():
    with pytest.raises(
        skyblot.WCSError, match="the target: is a NDData without a WCS: give target_wcs"
    ):
        skyblot.blot(IMAGE, SOURCE_WCS, NDData(IMAGE))
