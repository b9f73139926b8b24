"""Interpolants: against drizzle, against their own definitions, against mathematics."""

import numpy as np
import pytest
from builders import EVERY, blot_at, scattered, sky_image, tangent
from oracles import (
    amplification,
    interpolated,
    kernel_rounding,
    local_peak,
    taps_and_weights,
    tolerance,
    touches,
)
from scipy import ndimage

import skyblot
from skyblot.errors import ParameterError
from skyblot.kernels.interpolants import interpolant
from skyblot.parameters.table import INTERPOLANTS

SMOOTH = [name for name in INTERPOLANTS if name != "nearest"]
FITTED = [("lanczos3", 1.0), ("lanczos5", 1.0)] + [
    ("sinc", sinscl) for sinscl in (0.55, 0.6, 0.7, 0.8, 0.9, 1.0, 1.25, 1.5, 2.0, 3.0, 10.0, 1e6)
]


# ---- the table -----------------------------------------------------------------------------------


def test_the_parameter_lists_what_the_kernels_can_make():
    for name in INTERPOLANTS:
        how = interpolant(name)
        assert how.name == name
        assert how.taps == how.table.shape[1]
        # The margin covers every tap of every position.
        assert -how.first < how.margin
        assert how.first + how.taps - 1 < how.margin


@EVERY
def test_weights_are_their_definition(interp):
    how = interpolant(interp)
    # A whole pixel's worth of positions, both ends included.
    low = -how.shift
    position = np.nextafter(np.linspace(low, low + 1, 5001), low)[1:]
    assert_weights(how, position, 1.0)


@pytest.mark.parametrize(("interp", "sinscl"), FITTED)
def test_fitted_weights_are_within_1e_7_of_their_definition(interp, sinscl):
    how = interpolant(interp, sinscl)
    position = np.nextafter(np.linspace(-how.shift, 1 - how.shift, 50021), -1)[1:]
    assert_weights(how, position, sinscl)


def assert_weights(how, position, sinscl):
    base = np.floor(position + how.shift)
    ours = np.polynomial.polynomial.polyval(position - base - how.centre, how.table)
    first, truth = taps_and_weights(how.name, position, sinscl)
    assert np.array_equal(base + how.first, first)
    # Rounding of the polynomials: at most 24 powers of coefficients that sum to less than 1e3.
    allowed = tolerance("fit") if how.name in ("lanczos3", "lanczos5", "sinc") else 0.0
    assert np.abs(ours - truth).max() <= allowed + 48 * 2.0**-53 * max(
        np.abs(how.table).sum(axis=0).max(), 1
    )


@pytest.mark.parametrize("sinscl", [0.1, 0.3, 0.5])
def test_a_sinc_too_narrow_to_normalise_is_refused(sinscl):
    # Midway between two pixels every weight of sinc(t / 0.5) is zero, and their sum changes its
    # sign below it.
    wcs = tangent(shape=(20, 20))
    with pytest.raises(ParameterError, match=rf"sinscl = {sinscl}.*at least 0\.55"):
        skyblot.blot(np.ones((20, 20), np.float32), wcs, wcs, interp="sinc", sinscl=sinscl)


# ---- against drizzle -----------------------------------------------------------------------------


def drizzle_comparison(interp):
    """Ours, drizzle's, the local peak, and which pixels are inside, on one exactly representable
    map.
    """
    from drizzle.resample import blot_image

    source = sky_image((500, 600))
    y, x = np.mgrid[:480, :580].astype(float)
    xmap = np.round((1.01 * x + 0.03 * y + 5 * np.sin(y / 90) - 3) * 1024) / 1024
    ymap = np.round((1.02 * y - 0.02 * x + 4 * np.sin(x / 90) - 1) * 1024) / 1024
    theirs = blot_image(source, np.stack([xmap, ymap], axis=-1), interp=interp, fillval=0.0)
    ours = blot_at(source, xmap, ymap, interp)
    margin = interpolant(interp).margin
    inside = (xmap >= margin) & (xmap < 600 - margin) & (ymap >= margin) & (ymap < 500 - margin)
    covered = (xmap >= -0.5) & (xmap < 599.5) & (ymap >= -0.5) & (ymap < 499.5)
    return ours, theirs, local_peak(source, xmap, ymap), inside, covered


def test_nearest_is_identical_to_drizzle_inside():
    ours, theirs, _, inside, _ = drizzle_comparison("nearest")
    assert inside.sum() > 200_000
    assert np.array_equal(ours[inside], theirs[inside])


@pytest.mark.parametrize("interp", ["linear", "poly3", "poly5"])
def test_interpolants_agree_with_drizzle_inside(interp):
    """Inside, drizzle and skyblot differ by rounding: measured 1.9e-7, 2.7e-7, 3.6e-7 of the local
    peak.

    At the edges (drizzle 3.0) they differ in three ways; `test_where_drizzle_differs_at_the_edges`
    has the zones:

    * coverage: drizzle covers 0 <= x < nx, which drops half of the first pixel and goes half a
      pixel past the last one, where nearest reads past the end of the image; skyblot covers -0.5 <=
      x < nx - 0.5;
    * past the last pixel centre, drizzle's linear stays at the last pixel, where skyblot reflects;
    * the top edge of drizzle's extension is wrong: poly3 from the last row on reads memory it has
      not set (2e16 was seen; on the row itself with weight 0, which a NaN there survives), and
      poly5 is off within the last three rows (by the order of the gradient).
    """
    ours, theirs, peak, inside, _ = drizzle_comparison(interp)
    assert inside.sum() > 200_000
    assert (
        np.abs(ours.astype(float) - theirs)[inside] <= tolerance("drizzle") * peak[inside]
    ).all()


@pytest.mark.parametrize(
    ("interp", "right", "top"),
    [
        ("nearest", 49.5, 39.5),
        ("linear", 49, 39),
        ("poly3", 49.5, 39 - 1 / 64),
        ("poly5", 49.5, 37),
    ],
)
def test_where_drizzle_differs_at_the_edges(interp, right, top):
    from drizzle.resample import blot_image

    source = sky_image((40, 50))
    for along, size, limit in ((0, 50, right), (1, 40, top)):
        scan = np.arange(-1.5, size + 1, 1 / 64)
        position = [np.full((1, scan.size), 20.25), np.full((1, scan.size), 20.25)]
        position[along] = scan[None]
        ours = blot_at(source, *position, interp, fill_value=-999.0)[0]
        theirs = blot_image(source, np.stack(position, axis=-1), interp=interp, fillval=-999.0)[0]
        assert np.array_equal(ours != -999, (scan >= -0.5) & (scan < size - 0.5))
        # Up to the last pixel centre: past it drizzle's values may be memory outside the image,
        # whatever is there.
        safe = scan <= size - 1
        assert np.array_equal((theirs != -999)[safe], (scan >= 0)[safe])
        same = (scan >= 0) & (scan <= limit) & (scan < size - 0.5)
        peak = np.abs(source).max()  # the reflected pixels of an edge are up to 3 times its own
        covered = (scan >= -0.5) & (scan < size - 0.5)
        truth = interpolated(source, position[0][0][covered], position[1][0][covered], interp)
        assert np.abs(ours[covered] - truth).max() <= tolerance("drizzle") * peak
        assert np.abs(ours.astype(float) - theirs)[same].max() <= tolerance("drizzle") * peak


# ---- mathematics ---------------------------------------------------------------------------------


@EVERY
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_constants_stay_constant(interp, dtype):
    x, y = scattered((40, 50))
    value = 1234.5678
    blot = blot_at(np.full((40, 50), value, dtype), x, y, interp)
    assert np.abs(blot.astype(float) / value - 1).max() <= tolerance("constant")


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("sinscl", [0.55, 0.6, 0.8, 1.0, 1.3, 2.0, 3.0])
def test_constants_stay_constant_for_every_sinc(sinscl, dtype):
    x, y = scattered((40, 50))
    blot = blot_at(np.full((40, 50), 7.0, dtype), x, y, "sinc", sinscl)
    assert np.abs(blot.astype(float) / 7.0 - 1).max() <= tolerance("constant")


@pytest.mark.parametrize(("interp", "degree"), [("linear", 1), ("poly3", 3), ("poly5", 5)])
def test_polynomials_are_reproduced(interp, degree):
    rng = np.random.default_rng(degree)
    coefficients = rng.uniform(-1, 1, (degree + 1, degree + 1))
    y, x = np.mgrid[:30, :40]
    image = np.polynomial.polynomial.polyval2d(x / 20 - 1, y / 15 - 1, coefficients)
    how = interpolant(interp)
    at_x, at_y = scattered((30, 40), reach=-how.margin)
    truth = np.polynomial.polynomial.polyval2d(at_x / 20 - 1, at_y / 15 - 1, coefficients)
    error = np.abs(blot_at(image, at_x, at_y, interp) - truth).max()
    # The image's own values are rounded too: (degree + 1)**2 terms of at most 1.
    assert (
        error
        <= kernel_rounding(how, float) * np.abs(image).max() + 4 * (degree + 1) ** 2 * 2.0**-53
    )
    # And one degree more is not reproduced: the test can fail.
    y, x = np.mgrid[:30, :40]
    more = blot_at((x / 20 - 1) ** (degree + 1), at_x, at_y, interp) - (at_x / 20 - 1) ** (
        degree + 1
    )
    assert np.abs(more).max() > 1e-8


@pytest.mark.parametrize("interp", SMOOTH)
def test_a_ramp_stays_a_ramp_up_to_the_edges(interp):
    # Point reflection continues a straight line, and every interpolant but those with a kernel of
    # finite bandwidth reproduces it: lanczos and sinc only nearly.
    y, x = np.mgrid[:20, :30]
    ramp = 3.0 * x - 2.0 * y + 5.0
    at_x, at_y = scattered((20, 30))
    error = np.abs(blot_at(ramp, at_x, at_y, interp) - (3.0 * at_x - 2.0 * at_y + 5.0)).max()
    exact = interp in ("linear", "poly3", "poly5", "spline3")
    peak = amplification(interp) * np.abs(ramp).max()
    assert error <= (kernel_rounding(interpolant(interp), float) * peak if exact else 0.1)


def test_spline3_equals_scipy_inside():
    source = sky_image((120, 140)).astype(float)
    x, y = scattered((120, 140))
    # scipy's border is mirrored, ours point-reflected: 40 pixels inside the difference is
    # 0.268**40.
    x, y = 40 + x % 60, 40 + y % 40
    theirs = ndimage.map_coordinates(source, [y, x], order=3, mode="mirror")
    ours = blot_at(source, x, y, "spline3")
    allowed = (
        kernel_rounding(interpolant("spline3"), float)
        * amplification("spline3")
        * np.abs(source).max()
    )
    assert np.abs(ours - theirs).max() <= 2 * allowed  # both round


def test_spline3_passes_through_the_data():
    source = sky_image((40, 50))
    y, x = np.mgrid[:40, :50]
    allowed = kernel_rounding(interpolant("spline3"), np.float32) * amplification("spline3")
    peak = local_peak(source, x, y)
    assert (np.abs(blot_at(source, x, y, "spline3").astype(float) - source) <= allowed * peak).all()


#: Rms errors of half a pixel's shift in x and y, the worst there is: those of the weights' transfer
#: function (sinc 3.1e-4, 9.2e-4, 5.6e-3; lanczos5 3.6e-3, 5.1e-3, 0.013; poly5 5.6e-4, 0.026, 0.18)
#: and a quarter more, because a finite field of noise scatters by some 10 percent about them.
#: Averaged over shifts: sinc 2.1e-4, 6.4e-4, 3.9e-3; lanczos5 2.6e-3, 4.0e-3, 9.3e-3; poly5 3.9e-4,
#: 0.018, 0.12.
FOURIER = {
    "sinc": {0.25: 3.9e-4, 0.5: 1.2e-3, 0.75: 7.0e-3},
    "lanczos5": {0.25: 4.5e-3, 0.5: 6.4e-3, 0.75: 1.7e-2},
    "poly5": {0.25: 7.0e-4, 0.5: 3.3e-2, 0.75: 0.22},
}


def response(interp, shift, frequency):
    """Transfer function of an interpolant at a shift, from its weights' definition."""
    first, weights = taps_and_weights(interp, [shift])
    return (
        np.exp(2j * np.pi * frequency[:, None] * (first[0] + np.arange(len(weights))))
        @ weights[:, 0]
    )


@pytest.mark.parametrize("band", [0.25, 0.5, 0.75])
@pytest.mark.parametrize("interp", ["sinc", "lanczos5", "poly5"])
def test_shifts_of_a_band_limited_image(interp, band):
    """Against an FFT shift of white noise with all waves up to `band` x Nyquist along both axes."""
    size = 96
    frequency = np.fft.fftfreq(size)
    inside = np.abs(frequency) <= band / 2
    waves = np.fft.fft2(np.random.default_rng(3).normal(size=(size, size))) * np.outer(
        inside, inside
    )
    image = np.fft.ifft2(waves).real
    y, x = np.mgrid[:size, :size] + 16.0
    for dx, dy in ((0.5, 0.5), (0.25, -0.25), (0.1, 0.4), (-0.33, 0.0), (0.0, 0.5)):
        phase = np.exp(2j * np.pi * (frequency[None, :] * dx + frequency[:, None] * dy))
        blot = blot_at(np.pad(image, 16, mode="wrap"), x + dx, y + dy, interp)
        error = blot - np.fft.ifft2(waves * phase).real
        rms = np.sqrt(np.mean(error**2)) / image.std()
        assert rms <= FOURIER[interp][band]
        ideal = np.outer(response(interp, dy, frequency), response(interp, dx, frequency)) - phase
        predicted = np.sqrt((np.abs(waves * ideal) ** 2).sum()) / size**2 / image.std()
        # An error of the weights of at most 1e-7 changes the blot by at most this, so the rms too.
        assert (
            abs(rms - predicted)
            <= kernel_rounding(interpolant(interp), float) * np.abs(image).max() / image.std()
        )


# ---- edges, tiny sources, NaN --------------------------------------------------------------------


def assert_definition(source, x, y, interp, sinscl=1.0):
    how = interpolant(interp, sinscl)
    truth = interpolated(source, x, y, interp, sinscl)
    ours = blot_at(source, x, y, interp, sinscl)
    work = np.promote_types(ours.dtype, how.weights_dtype)
    peak = amplification(interp) * local_peak(source, x, y, 16)
    # Twice: the oracle rounds too (in float64); and the result's own rounding to its dtype.
    allowed = 2 * kernel_rounding(how, work) + np.finfo(ours.dtype).eps
    assert (np.abs(ours - truth) <= allowed * peak).all()


@EVERY
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_edges_are_point_reflected(interp, dtype):
    source = sky_image((31, 37)).astype(dtype)
    x, y = scattered((31, 37), 6000)
    assert_definition(source, x, y, interp)
    # Along the borders and corners, where every tap pattern occurs.
    near = np.array([-0.5, -0.25, 0.0, 0.125, 0.5, 1.0, 1.5, 2.75, 4.0, 5.5, 6.25])
    for x, y in (np.meshgrid(near, near), np.meshgrid(36 - near[1:], 30 - near[1:])):
        assert_definition(source, x, y, interp)
    assert_definition(source, *np.meshgrid(near, np.linspace(-0.5, 30, 62)), interp)
    assert_definition(source, *np.meshgrid(np.linspace(-0.5, 36, 74), 30 - near[1:]), interp)


@pytest.mark.parametrize("sinscl", [0.6, 1.7])
def test_edges_of_a_scaled_sinc(sinscl):
    assert_definition(sky_image((31, 37)), *scattered((31, 37)), "sinc", sinscl)


@EVERY
@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 2), (1, 9), (7, 1), (2, 2), (2, 3), (3, 2), (4, 5), (6, 40)]
)
def test_tiny_sources(interp, shape):
    source = np.random.default_rng(5).normal(10, 3, shape)
    if interp != "spline3":  # up to 6 reflections of 13 taps over 2 pixels
        x, y = scattered(shape, 600)
        peak = 13**2 * np.abs(source).max()
        error = np.abs(blot_at(source, x, y, interp) - interpolated(source, x, y, interp)).max()
        assert error <= 2 * kernel_rounding(interpolant(interp), float) * peak
    else:
        x, y = scattered(shape, 600)
        # The filter's border is 24 pixels away, 0.268**24 = 2e-14 of values up to 2 x 24 / 1 peaks
        # per axis.
        peak = 48**2 * np.abs(source).max()
        error = np.abs(blot_at(source, x, y, interp) - interpolated(source, x, y, interp)).max()
        assert error <= (2 * kernel_rounding(interpolant(interp), float) + 2e-14) * peak


@EVERY
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("dtype", ["f4", ">f4", "f8"])
def test_nan_spreads_to_the_taps_and_no_further(interp, value, dtype):
    clean = sky_image((41, 53)).astype(dtype)
    source = clean.copy()
    bad = np.zeros(source.shape, bool)
    bad[[0, 12, 20, 20, 40, 33], [0, 25, 40, 41, 52, 0]] = True
    source[bad] = value
    y, x = np.mgrid[0:41:0.5, 0:53:0.5]
    x, y = (
        np.concatenate([x - 0.5, x, x + 0.3 * (x < 52)]),
        np.concatenate([y - 0.25 * (y < 40), y, y]),
    )
    expected = touches(bad, x, y, interp)
    blot = blot_at(source, x, y, interp)
    inside = (x < 52.5) & (y < 40.5)
    assert inside.mean() > 0.95
    assert np.array_equal(~np.isfinite(blot[inside]), expected[inside])
    if interp != "spline3":  # whose coefficients next to a replaced pixel change
        assert np.array_equal(
            blot[inside & ~expected], blot_at(clean, x, y, interp)[inside & ~expected]
        )


def test_a_source_of_nan_only_gives_nan_only():
    x, y = scattered((9, 9))
    for interp in INTERPOLANTS:
        assert np.isnan(blot_at(np.full((9, 9), np.nan, np.float32), x, y, interp)).all()


@EVERY
def test_float32_and_float64_sources_agree(interp):
    source = sky_image((60, 70))
    x, y = scattered((60, 70))
    single, double = (blot_at(source.astype(kind), x, y, interp) for kind in ("f4", "f8"))
    assert (single.dtype, double.dtype) == (np.float32, np.float64)
    how = interpolant(interp)
    allowed = kernel_rounding(how, np.promote_types("f4", how.weights_dtype)) + 2.0**-24
    peak = amplification(interp) * local_peak(source, x, y)
    assert (np.abs(single - double) <= allowed * peak).all()
