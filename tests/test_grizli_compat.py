"""grizli's signature: every pixel has exactly the value of the pixel it falls on, of the image's
own dtype.
"""

import inspect

import numpy as np
import pytest
from builders import PLAN, demo_pair, mosaic_for, tangent
from oracles import astropy_map

import skyblot
from skyblot.compat.grizli import blot_nearest_exact

#: Name and default of everything grizli 1.14 takes, in its order; `...` where there is no default.
SIGNATURE = {
    "in_data": ...,
    "in_wcs": ...,
    "out_wcs": ...,
    "verbose": True,
    "stepsize": -1,
    "scale_by_pixel_area": False,
    "wcs_mask": True,
    "fill_value": 0,
}
SAFE = 1e-6  # pixels between a position and a pixel's border; the map is good to 1e-8


def nearest(data, in_wcs, out_wcs, fill_value):
    """What the blot must be, by astropy, and where the position is not too close to a border
    between pixels to say.
    """
    y, x = np.indices(out_wcs.array_shape)
    positions = astropy_map(out_wcs, in_wcs, x.ravel(), y.ravel())
    x, y = (np.floor(each + 0.5).astype(int) for each in positions)
    inside = (x >= 0) & (y >= 0) & (x < data.shape[1]) & (y < data.shape[0])
    wanted = np.full(x.size, fill_value, data.dtype)
    wanted[inside] = data[y[inside], x[inside]]
    sure = np.all([np.abs(each - np.floor(each) - 0.5) > SAFE for each in positions], axis=0)
    assert sure.mean() > 0.99
    return wanted.reshape(out_wcs.array_shape), sure.reshape(out_wcs.array_shape)


def labels(shape, dtype, low, high, seed=3):
    """A segmentation map: zero, and numbers between `low` and `high` in one pixel of ten."""
    rng = np.random.default_rng(seed)
    data = rng.integers(low, high, shape, dtype=np.dtype(dtype).newbyteorder("="), endpoint=True)
    return np.where(rng.random(shape) < 0.1, data, 0).astype(dtype)


def test_signature_is_grizlis():
    found = {
        name: ... if each.default is each.empty else each.default
        for name, each in inspect.signature(blot_nearest_exact).parameters.items()
    }
    assert list(found.items()) == list(SIGNATURE.items())


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [
        ("u1", 1, 255),
        ("i2", -30000, 30000),
        ("i4", 2**24, 2**31 - 1),  # more than float32 can hold
        (">i4", 2**24, 2**31 - 1),
        ("i8", 2**53, 2**63 - 1),  # more than float64 can hold
        ("u8", 2**63, 2**64 - 1),
    ],
)
def test_integers_keep_their_dtype_and_values(dtype, low, high):
    out_wcs, in_wcs = demo_pair()
    data = labels(in_wcs.array_shape, dtype, low, high)
    blot = blot_nearest_exact(data, in_wcs, out_wcs)
    assert blot.dtype.newbyteorder("=") == data.dtype.newbyteorder("=")
    wanted, sure = nearest(data, in_wcs, out_wcs, 0)
    assert (wanted[sure] != 0).sum() > 1000
    np.testing.assert_array_equal(blot[sure], wanted[sure])


@pytest.mark.parametrize("dtype", ["?", "f4", "f8"])
def test_booleans_and_floats_keep_theirs(dtype):
    out_wcs, in_wcs = demo_pair()
    data = (labels(in_wcs.array_shape, "i4", 1, 10**6) / 7).astype(dtype)
    blot = blot_nearest_exact(data, in_wcs, out_wcs)
    assert blot.dtype == data.dtype
    wanted, sure = nearest(data, in_wcs, out_wcs, 0)
    np.testing.assert_array_equal(blot[sure], wanted[sure])


def test_nothing_grows():
    """grizli fills every zero with the largest value within two pixels; here each label keeps its
    pixels.
    """
    wcs = tangent(shape=(40, 50))
    data = np.zeros((40, 50), np.int32)
    data[20, 30] = 7
    np.testing.assert_array_equal(blot_nearest_exact(data, wcs, wcs), data)


@pytest.mark.parametrize("fill_value", [0, -1, 2**31 - 1])
def test_fill_value_where_the_image_is_not(fill_value):
    out_wcs, _ = demo_pair()
    in_wcs = mosaic_for(out_wcs)
    data = labels((60, 70), "i4", 1, 1000)
    blot = blot_nearest_exact(data, in_wcs, out_wcs, fill_value=fill_value)
    wanted, sure = nearest(data, in_wcs, out_wcs, fill_value)
    assert (wanted == fill_value).mean() > 0.05
    np.testing.assert_array_equal(blot[sure], wanted[sure])


def test_no_overlap_is_all_fill_value_of_the_images_dtype():
    far = blot_nearest_exact(
        np.ones((20, 20), np.int16), tangent((50.0, 20.0)), tangent(shape=(30, 40)), fill_value=-9
    )
    assert far.dtype == np.int16
    np.testing.assert_array_equal(far, np.full((30, 40), -9))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_scaled_by_pixel_area(dtype):
    out_wcs, in_wcs = tangent(scale=3e-5, orient=10.0), tangent(scale=1e-5, shape=(200, 200))
    data = np.full((200, 200), 5.0, dtype)
    blot = blot_nearest_exact(data, in_wcs, out_wcs, scale_by_pixel_area=True, fill_value=-1)
    assert blot.dtype == data.dtype
    covered = blot != -1
    assert 0.1 < covered.mean() < 0.9
    # Two scales of a few roundings each, squared, and the product.
    np.testing.assert_allclose(blot[covered], 45.0, rtol=50 * np.finfo(dtype).eps)


def test_area_is_that_without_distortion():
    out_wcs, in_wcs = demo_pair()
    areas = [abs(np.linalg.det(wcs.pixel_scale_matrix)) for wcs in (out_wcs, in_wcs)]
    blot = blot_nearest_exact(
        np.ones(in_wcs.array_shape), in_wcs, out_wcs, scale_by_pixel_area=True
    )
    assert out_wcs.sip is not None
    np.testing.assert_allclose(blot[PLAN.chip_shape[0] // 2], areas[0] / areas[1], rtol=1e-12)


def test_integers_are_not_scaled():
    wcs = tangent()
    with pytest.raises(
        skyblot.ParameterError, match="scale_by_pixel_area=True with data of dtype int32: expected"
    ):
        blot_nearest_exact(np.ones((80, 100), np.int32), wcs, wcs, scale_by_pixel_area=True)


@pytest.mark.parametrize("more", [{"verbose": False}, {"stepsize": 10}, {"wcs_mask": False}])
def test_the_rest_is_ignored_and_nothing_is_printed(more, capfd):
    out_wcs, in_wcs = demo_pair()
    data = labels(in_wcs.array_shape, "i4", 1, 1000)
    np.testing.assert_array_equal(
        blot_nearest_exact(data, in_wcs, out_wcs, **more), blot_nearest_exact(data, in_wcs, out_wcs)
    )
    assert capfd.readouterr() == ("", "")
