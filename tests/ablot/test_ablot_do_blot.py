"""do_blot: arrays in, an array out."""

import math

import numpy as np
import pytest
import task_data
from task_data import F32, assert_same, expected, linear_part, run_blot, scale_of, tangent

import skyblot
from skyblot import ablot
from skyblot.errors import ParameterError, SkyblotError

# do_blot.


@pytest.fixture(scope="module")
def arrays(made):
    """Mosaic, its WCS and a chip's WCS; the chip's carries the attributes that an HSTWCS has."""
    folder, names = made
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return names.pixels(), names.source_wcs(), names.target_wcs()


def with_scales(wcs, pscale, idcscale):
    wcs = wcs.deepcopy()
    wcs.pscale, wcs.idcscale = pscale, idcscale
    return wcs


@pytest.mark.parametrize(
    ("coeffs", "interp", "stepsize"),
    [(True, "poly5", 10), (True, "linear", 1), (False, "poly3", 0)],
)
def test_do_blot(arrays, coeffs, interp, stepsize):
    image, source, target = arrays
    blot = ablot.do_blot(
        image, source, target, 450.0, coeffs=coeffs, interp=interp, stepsize=stepsize
    )
    on = target if coeffs else linear_part(target)
    factor = 450.0 / (scale_of(source) / scale_of(target)) ** 2
    assert_same(blot, expected(image, source, on, factor=factor, interp=interp, stepsize=stepsize))
    assert blot.shape == target.array_shape
    assert blot.dtype == np.float32


@pytest.mark.parametrize(
    ("theirs", "ours"), [("lan3", "lanczos3"), ("lan5", "lanczos5"), ("LAN3", "lanczos3")]
)
def test_do_blot_knows_the_names_of_drizzlepac(arrays, theirs, ours):
    np.testing.assert_array_equal(
        *(ablot.do_blot(*arrays, 3.0, interp=name) for name in (theirs, ours))
    )


@pytest.mark.parametrize(
    ("pscale", "idcscale", "source_pscale", "ratio"),
    [
        (0.03, 0.05, None, lambda s, t: s / 0.05),
        (0.03, None, None, lambda s, t: s / t),
        (0.03, 0.05, 0.08, lambda s, t: 0.08 / 0.05),
        (None, None, 0.08, lambda s, t: 0.08 / t),
    ],
)
def test_do_blot_with_attached_scales(arrays, pscale, idcscale, source_pscale, ratio):
    image, source, target = arrays
    scales = scale_of(source), scale_of(target)
    target, source = with_scales(target, pscale, idcscale), with_scales(source, source_pscale, None)
    blot = ablot.do_blot(image, source, target, 3.0)
    factor = 3.0 / ratio(*scales) ** 2
    assert_same(blot, expected(image, source, target, factor=factor, stepsize=10))


def test_do_blot_uncovered_pixels_are_zero():
    source, target = tangent((30, 30)), tangent((40, 40))
    blot = ablot.do_blot(np.full((30, 30), 7, np.float32), source, target, 2.0, stepsize=1)
    wanted = np.zeros((40, 40))
    wanted[5:35, 5:35] = 14
    np.testing.assert_allclose(blot, wanted, rtol=2 * F32)


def test_do_blot_onto_a_slice(arrays):
    image, source, target = arrays
    whole = ablot.do_blot(image, source, target, 1.0, stepsize=1)
    part = target[20:71, 33:150]
    assert part.array_shape == (51, 117)
    # astropy shifts the reference pixels of the WCS and of its tables: positions agree to 1e-9
    # pixel.
    blot = ablot.do_blot(image, source, part, 1.0, stepsize=1)
    np.testing.assert_allclose(
        blot, whole[20:71, 33:150], rtol=0, atol=task_data.ROUNDING * whole.max()
    )


@pytest.mark.parametrize("dtype", ["<f8", ">f8"])
def test_do_blot_float64(arrays, dtype):
    image, source, target = arrays
    precise = (image + 1e-9 * np.arange(image.size).reshape(image.shape)).astype(dtype)
    blot = ablot.do_blot(precise, source, target, 2.0, stepsize=1)
    assert blot.dtype == np.float64
    factor = 2 / (scale_of(source) / scale_of(target)) ** 2
    wanted = expected(precise, source, target, factor=factor)
    np.testing.assert_allclose(blot, wanted, rtol=0, atol=8 * np.finfo(float).eps * wanted.max())
    assert np.abs(blot - ablot.do_blot(image, source, target, 2.0, stepsize=1)).max() > 1e-9


@pytest.mark.parametrize("dtype", [">f4", "<f4", "f4"])
def test_do_blot_byte_orders_and_views(arrays, dtype):
    image, source, target = arrays
    wanted = ablot.do_blot(image, source, target, 1.0)
    given = image.astype(dtype)
    given.flags.writeable = False
    np.testing.assert_array_equal(ablot.do_blot(given, source, target, 1.0), wanted)
    wide = np.zeros((image.shape[0], 2 * image.shape[1]), dtype)
    wide[:, ::2] = image
    np.testing.assert_array_equal(ablot.do_blot(wide[:, ::2], source, target, 1.0), wanted)


@pytest.mark.parametrize("interp", ["nearest", "Nearest"])
@pytest.mark.parametrize("dtype", ["i4", "i8", ">i4", "u2"])
def test_do_blot_keeps_labels(arrays, dtype, interp):
    """Segmentation ids beyond 2**24, which float32 cannot hold, whatever the two scales are."""
    image, source, target = arrays
    start = 0 if dtype == "u2" else 2**24 + 1
    labels = (start + np.arange(image.size) % 60000).reshape(image.shape).astype(dtype)
    blot = ablot.do_blot(
        labels, source, with_scales(target, 0.1, 0.1), 1, interp=interp, stepsize=1
    )
    y, x = np.indices(target.array_shape)
    sx, sy = source.wcs_world2pix(*target.all_pix2world(x.ravel(), y.ravel(), 0), 0)
    wanted = labels[np.rint(sy).astype(int), np.rint(sx).astype(int)].reshape(x.shape)
    assert blot.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(blot, wanted)


def test_do_blot_labels_with_an_exposure_are_numbers(arrays):
    image, source, target = arrays
    counts = np.rint(image * 100).astype("i4")
    blot = ablot.do_blot(counts, source, target, 2.5, interp="nearest")
    factor = 2.5 / (scale_of(source) / scale_of(target)) ** 2
    assert_same(
        blot,
        expected(
            counts.astype(float), source, target, factor=factor, interp="nearest", stepsize=10
        ),
    )


@pytest.mark.parametrize("dtype", ["i2", ">i2", "u1", "?"])
def test_do_blot_averages_small_integers(arrays, dtype):
    image, source, target = arrays
    counts = (
        (image > np.median(image)) if dtype == "?" else np.clip(image * 50, 0, 200).astype(dtype)
    )
    wanted = ablot.do_blot(counts.astype(np.float32), source, target, 1.0)
    np.testing.assert_array_equal(ablot.do_blot(counts, source, target, 1.0), wanted)
    assert wanted.dtype == np.float32
    assert np.ptp(wanted) > 0


def test_do_blot_averages_large_integers(arrays):
    image, source, target = arrays
    counts = np.rint(image * 1e6).astype("i4")
    blot = ablot.do_blot(counts, source, target, 1.0)
    np.testing.assert_array_equal(blot, ablot.do_blot(counts.astype(float), source, target, 1.0))


def test_do_blot_of_a_list():
    source, target = tangent((3, 4)), tangent((3, 4))
    image = [[float(x + y) for x in range(4)] for y in range(3)]
    np.testing.assert_allclose(ablot.do_blot(image, source, target, 1.0), image, rtol=0, atol=1e-7)


def state(wcs):
    parts = [getattr(wcs, name) for name in ("sip", "cpdis1", "cpdis2", "det2im1", "det2im2")]
    tables = [part.data.tobytes() for part in parts[1:] if part is not None]
    return (
        [id(part) for part in parts],
        tables,
        wcs.to_header_string(relax=True),
        wcs.array_shape,
        sorted(vars(wcs)),
    )


@pytest.mark.parametrize("coeffs", [True, False, "no"])
def test_do_blot_leaves_the_callers_wcs_alone(arrays, coeffs):
    image, source, target = arrays
    before = state(target), state(source), image.tobytes()
    ablot.do_blot(image, source, target, 1.0, coeffs=coeffs)
    assert (state(target), state(source), image.tobytes()) == before
    assert target.det2im1 is not None


def test_do_blot_coeffs_false_drops_the_detector_tables_too(arrays):
    image, source, target = arrays
    left = target.deepcopy()
    left.sip = left.cpdis1 = left.cpdis2 = None
    blot = ablot.do_blot(image, source, target, 1.0, coeffs=False, stepsize=1)
    np.testing.assert_array_equal(
        blot, ablot.do_blot(image, source, left, 1.0, coeffs=False, stepsize=1)
    )
    assert (
        np.abs(blot - ablot.do_blot(image, source, left, 1.0, coeffs=True, stepsize=1)).max() > 0.01
    )


@pytest.mark.parametrize("exptime", [None, "2", "nan", math.nan, math.inf, [1.0]])
def test_do_blot_exptime(arrays, exptime):
    with pytest.raises(ParameterError, match="exptime = "):
        ablot.do_blot(*arrays, exptime)


def test_do_blot_needs_a_shape(arrays):
    image, source, target = arrays
    target = target.deepcopy()
    target.pixel_shape = None
    with pytest.raises(SkyblotError, match="array_shape"):
        ablot.do_blot(image, source, target, 1.0)


# What DrizzlePac's stand-alone task was seen to do wrong.


@pytest.mark.parametrize("stepsize", [None, 500, 5000, 600])
def test_stepsize_larger_than_the_image(arrays, stepsize):
    """Theirs: positions off by 300 pixels, TypeError for None. A plane through the corners is off
    by less than one.
    """
    image, source, target = arrays
    x, y = skyblot.pixel_map(target, source, stepsize=stepsize)
    true_x, true_y = skyblot.pixel_map(target, source)
    error = np.hypot(x - true_x, y - true_y).max()
    assert error <= (0 if stepsize is None else 3)
    blot = ablot.do_blot(image, source, target, 1.0, stepsize=stepsize)
    factor = 1 / (scale_of(source) / scale_of(target)) ** 2
    assert_same(blot, expected(image, source, target, factor=factor, stepsize=stepsize))


@pytest.mark.parametrize("stepsize", [-1, -10, 2.5])
def test_stepsize_negative(arrays, pair, stepsize):
    """Theirs: a segmentation fault."""
    for call in (
        lambda: ablot.do_blot(*arrays, 1.0, stepsize=stepsize),
        lambda: run_blot(pair, stepsize=stepsize),
    ):
        with pytest.raises(
            ParameterError, match=f"stepsize = {stepsize}: expected a whole number, at least 0"
        ):
            call()
