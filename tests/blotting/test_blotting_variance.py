"""Variances, carried by the squares of the weights; and pixel maps that are given as arrays."""

import numpy as np
import pytest
from builders import sky_image, tangent

import skyblot
from skyblot.parameters.table import INTERPOLANTS

SHAPE = (11, 9)
RNG = np.random.default_rng(5)
VARIANCE = RNG.uniform(0.5, 2.0, SHAPE)
#: Positions all over the source, close to its edges and in its corners, and beyond it.
X, Y = RNG.uniform(-0.9, SHAPE[1] - 0.1, (6, 50)), RNG.uniform(-0.9, SHAPE[0] - 0.1, (6, 50))
X[0, :4], Y[0, :4] = [-0.5, 8.49, 0.0, 4.0], [-0.5, 10.49, 0.0, 5.0]
COVERED = (X >= -0.5) & (SHAPE[1] - 0.5 > X) & (Y >= -0.5) & (SHAPE[0] - 0.5 > Y)


def weights(interp, shape=SHAPE, x=X, y=Y):
    """The weight of every source pixel in every blot pixel: blots of images of one bright pixel
    each.
    """
    unit = np.eye(np.prod(shape)).reshape(-1, *shape)
    return np.stack(
        [skyblot.blot(image, pixel_map=(x, y), interp=interp) for image in unit], axis=-1
    )


# Variances.


@pytest.mark.parametrize("dtype", ["f8", "f4", ">f4", ">f8"])
@pytest.mark.parametrize("interp", INTERPOLANTS)
def test_variances_are_carried_by_squared_weights(interp, dtype):
    image, variance = sky_image(SHAPE).astype("f8"), VARIANCE.astype(dtype)
    data, made = skyblot.blot(image, pixel_map=(X, Y), interp=interp, scale=3.0, variance=variance)
    expected = 9 * weights(interp) ** 2 @ variance.astype("f8").ravel()
    np.testing.assert_array_equal(
        data, skyblot.blot(image, pixel_map=(X, Y), interp=interp, scale=3.0)
    )
    assert made.dtype == np.dtype(dtype).newbyteorder("=")
    assert np.isnan(made[~COVERED]).all()
    single = 1e-6 if dtype.endswith("4") else 0
    cut = 2 * 3**0.5 * 0.268**11 if interp == "spline3" else 0  # where the filter's weights end
    np.testing.assert_allclose(
        made[COVERED], expected[COVERED], rtol=single + cut + 2e-7, atol=1e-12
    )


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (2, 2), (3, 40)])
@pytest.mark.parametrize("interp", INTERPOLANTS)
def test_variances_of_sources_narrower_than_the_taps(interp, shape):
    x, y = RNG.uniform(-0.5, shape[1] - 0.5, (1, 30)), RNG.uniform(-0.5, shape[0] - 0.5, (1, 30))
    variance = RNG.uniform(0.5, 2.0, shape)
    _, made = skyblot.blot(np.ones(shape), pixel_map=(x, y), interp=interp, variance=variance)
    expected = weights(interp, shape, x, y) ** 2 @ variance.ravel()
    np.testing.assert_allclose(made, expected, rtol=3e-6)


@pytest.mark.parametrize("interp", INTERPOLANTS)
def test_a_variance_that_is_nan_spreads_as_a_value_does(interp):
    image, variance = np.ones((44, 36)), np.ones((44, 36))
    image[14, 13] = variance[14, 13] = np.nan
    image[43, 0] = variance[43, 0] = np.nan
    data, made = skyblot.blot(
        image, pixel_map=(4 * X, 4 * Y), interp=interp, variance=variance, fill_value=np.nan
    )
    np.testing.assert_array_equal(np.isnan(made), np.isnan(data))
    assert 0.4 < np.isfinite(made).mean() < 0.9


@pytest.mark.parametrize("interp", ["linear", "poly5", "spline3"])
def test_tiny_variances_of_float32_are_not_lost(interp):
    tiny = np.full(SHAPE, 1e-38, "f4")
    _, made = skyblot.blot(
        np.ones(SHAPE, "f4"), pixel_map=(X, Y), interp=interp, scale=1e12, variance=tiny
    )
    reference = skyblot.blot(
        np.ones(SHAPE), pixel_map=(X, Y), interp=interp, variance=np.ones(SHAPE)
    )[1]
    np.testing.assert_allclose(made[COVERED], 1e-14 * reference[COVERED], rtol=1e-6)


def test_the_noise_of_a_blot_is_what_the_variance_says():
    source, target = (
        tangent(shape=(80, 100)),
        tangent(orient=33.0, crpix=(20.0, 25.0), shape=(40, 50)),
    )
    noise = RNG.normal(size=(400, 80, 100))
    blots = np.stack([skyblot.blot(image, source, target) for image in noise])
    _, variance = skyblot.blot(noise[0], source, target, variance=np.ones((80, 100)), threads=2)
    # 800000 values: 0.2 %
    assert blots.var(axis=0).mean() == pytest.approx(variance.mean(), rel=0.01)


def test_labels_have_variances_too():
    labels = np.arange(99, dtype="i4").reshape(SHAPE)
    data, made = skyblot.blot(labels, pixel_map=(X, Y), interp="nearest", variance=labels)
    assert data.dtype == "i4"
    np.testing.assert_array_equal(made[COVERED], data[COVERED])


def test_out_takes_the_blot():
    out = np.empty(X.shape)
    data, variance = skyblot.blot(np.ones(SHAPE), pixel_map=(X, Y), variance=VARIANCE, out=out)
    assert data is out
    assert variance.shape == out.shape


@pytest.mark.parametrize(
    ("variance", "words"),
    [
        (np.ones((3, 4)), r"variance: has shape \(3, 4\), expected that of the source, \(11, 9\)"),
        (
            np.ones(SHAPE, complex),
            "variance: has dtype complex128, expected floating-point numbers",
        ),
    ],
)
def test_variances_that_do_not_fit_are_refused(variance, words):
    with pytest.raises(skyblot.DataError, match=words):
        skyblot.blot(np.ones(SHAPE), pixel_map=(X, Y), variance=variance)


# Pixel maps.


@pytest.mark.parametrize("dtype", ["f8", "f4", ">f8", ">f4"])
def test_a_map_in_arrays_gives_the_blot_of_the_wcs_it_came_from(dtype):
    source, target = (
        tangent(shape=(80, 100)),
        tangent(orient=33.0, crpix=(20.0, 25.0), shape=(40, 50)),
    )
    image = sky_image((80, 100)).astype("f8")
    x, y = skyblot.pixel_map(target, source)
    made = skyblot.blot(image, pixel_map=(x.astype(dtype), y.astype(dtype)))
    expected = skyblot.blot(image, source, target)
    if dtype.endswith("8"):
        np.testing.assert_array_equal(made, expected)
    else:  # positions to 100 * 2**-24
        np.testing.assert_allclose(made, expected, atol=1e-5 * np.abs(np.gradient(image)).max())


def test_positions_that_are_nan_or_infinite_are_not_covered():
    x, y = np.full((2, 3), 4.0), np.full((2, 3), 5.0)
    x[0, 0], y[1, 1], y[1, 2] = np.nan, np.inf, -np.inf
    data = skyblot.blot(np.ones(SHAPE), pixel_map=(x, y), fill_value=-7)
    np.testing.assert_array_equal(data, [[-7, 1, 1], [1, -7, -7]])
    masked = np.ma.MaskedArray(
        np.full((2, 3), 4, "i4"), [[True, False, False], [False, True, True]]
    )
    np.testing.assert_array_equal(
        skyblot.blot(np.ones(SHAPE), pixel_map=(masked, masked), fill_value=-7), data
    )


def test_a_map_may_be_read_only_and_any_slice():
    x, y = X[::2, ::-1], Y[::2, ::-1]
    x.flags.writeable = False
    np.testing.assert_array_equal(
        skyblot.blot(VARIANCE, pixel_map=(x, y)),
        skyblot.blot(VARIANCE, pixel_map=(X, Y))[::2, ::-1],
    )


WCS_OF_SOURCE = tangent(shape=SHAPE)


@pytest.mark.parametrize(
    ("more", "name"),
    [
        ({"target_wcs": WCS_OF_SOURCE}, "target_wcs"),
        ({"source_wcs": WCS_OF_SOURCE}, "source_wcs"),
        ({"stepsize": 10}, "stepsize"),
    ],
)
def test_a_map_leaves_no_room_for_a_wcs_or_a_step(more, name):
    with pytest.raises(
        skyblot.ParameterError, match=f"{name} is given beside pixel_map: expected one"
    ):
        skyblot.blot(VARIANCE, pixel_map=(X, Y), **more)


@pytest.mark.parametrize(
    ("pixel_map", "words"),
    [
        (
            (X, Y[:3]),
            r"pixel_map: is float64 \(6, 50\) and float64 \(3, 50\), expected two arrays \(x, y\)",
        ),
        (X, r"pixel_map: is .*, expected two arrays"),
        ((X[0], Y[0]), r"pixel_map: is float64 \(50,\) and float64 \(50,\), expected"),
        ((X, Y, X), "expected two arrays"),
        ((X * 1j, Y), "pixel_map: is complex128 .*, expected two arrays"),
        (7, r"pixel_map: is int \(\), expected two arrays"),
    ],
)
def test_maps_that_are_none_are_refused(pixel_map, words):
    with pytest.raises(skyblot.ParameterError, match=words):
        skyblot.blot(VARIANCE, pixel_map=pixel_map)


def test_a_shape_must_be_that_of_the_map():
    assert skyblot.blot(VARIANCE, pixel_map=(X, Y), shape=(6, 50)).shape == (6, 50)
    with pytest.raises(
        skyblot.ParameterError, match=r"the blot: has shape \(5, 50\), expected that of pixel_map"
    ):
        skyblot.blot(VARIANCE, pixel_map=(X, Y), shape=(5, 50))
