"""blot(): every kind of array, where it goes, and what is not covered."""

import copy
import re

import numpy as np
import pytest
from builders import EVERY, blot_at, job_at, sky_image, tangent

import skyblot
from skyblot.errors import ParameterError

# ---- kinds of arrays -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "returned"),
    [
        ("f4", "f4"),
        ("f8", "f8"),
        (">f4", "f4"),
        (">f8", "f8"),
        ("<f4", "f4"),
        ("f2", "f4"),
        (">f2", "f4"),
    ],
)
def test_floating_point_dtypes(scene, given, returned):
    image, source, target = scene
    data = image.astype(given)
    ours = skyblot.blot(data, source, target)
    assert ours.dtype == np.dtype(returned)
    assert ours.dtype.isnative
    assert np.array_equal(ours, skyblot.blot(data.astype(returned), source, target))


INTEGERS = ["u1", "i1", "i2", ">i2", "u2", "i4", ">i4", "u4", "i8", ">i8", "u8", ">u8"]


@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_keep_dtype_and_values(scene, dtype):
    image, source, target = scene
    info = np.iinfo(dtype)
    rng = np.random.default_rng(4)
    ids = rng.integers(
        info.min, info.max, image.shape, dtype=np.dtype(dtype).newbyteorder("="), endpoint=True
    )
    ours = skyblot.blot(ids.astype(dtype), source, target, interp="nearest", fill_value=7)
    x, y = skyblot.pixel_map(target, source)
    ny, nx = image.shape
    covered = (x >= -0.5) & (x < nx - 0.5) & (y >= -0.5) & (y < ny - 0.5)
    expected = np.full(x.shape, 7, ids.dtype)
    expected[covered] = ids[
        np.floor(y[covered] + 0.5).astype(int), np.floor(x[covered] + 0.5).astype(int)
    ]
    assert ours.dtype == np.dtype(dtype).newbyteorder("=")
    assert np.array_equal(ours, expected)
    if info.bits == 64:  # ids beyond 2**53, where float64 has gaps, so the test can fail
        assert (ours.astype(float).astype(object) != ours.astype(object)).mean() > 0.5


def test_booleans(scene):
    image, source, target = scene
    mask = image > 100
    ours = skyblot.blot(mask, source, target, interp="nearest")
    assert ours.dtype == bool
    assert np.array_equal(
        ours, skyblot.blot(mask.astype("i4"), source, target, interp="nearest") == 1
    )
    filled = skyblot.blot(mask, source, target, interp="nearest", fill_value=True)
    assert filled.sum() > ours.sum()


def views(image, folder):
    """The same pixels in every kind of array."""
    wide = np.zeros((image.shape[0] * 2, image.shape[1] * 3), image.dtype)
    wide[::2, ::3] = image
    unaligned = np.frombuffer(b"x" + image.tobytes(), dtype=image.dtype, offset=1).reshape(
        image.shape
    )
    frozen = image.copy()
    frozen.flags.writeable = False
    mapped = np.memmap(folder / "image", dtype=">f4", mode="w+", shape=image.shape)
    mapped[:] = image
    mapped.flush()
    return {
        "strided": wide[::2, ::3],
        "backwards": image[::-1, ::-1].copy()[::-1, ::-1],
        "Fortran": np.asfortranarray(image),
        "unaligned": unaligned,
        "read-only": frozen,
        "memory map": np.memmap(folder / "image", dtype=">f4", mode="r", shape=image.shape),
        "list": image.astype(float).tolist(),
        "masked, nothing masked": np.ma.MaskedArray(image),
    }


@pytest.mark.parametrize("interp", ["nearest", "poly5", "spline3"])
def test_every_kind_of_array(scene, interp, tmp_path):
    image, source, target = scene
    expected = skyblot.blot(image, source, target, interp=interp)
    for kind, array in views(image, tmp_path).items():
        ours = skyblot.blot(array, source, target, interp=interp)
        if kind == "list":  # of Python's floats: float64
            assert ours.dtype == np.float64
            ours = skyblot.blot(np.array(array, np.float32), source, target, interp=interp)
        assert ours.dtype == np.float32
        assert type(ours) is np.ndarray, kind
        assert np.array_equal(ours, expected), kind


@pytest.mark.parametrize("dtype", ["f4", ">f4", "f8"])
@pytest.mark.parametrize("interp", ["nearest", "poly3", "spline3"])
def test_masked_pixels_are_nan(scene, interp, dtype):
    image, source, target = scene
    mask = np.random.default_rng(6).random(image.shape) < 0.01
    masked = np.ma.MaskedArray(image.astype(dtype), mask=mask)
    ours = skyblot.blot(masked, source, target, interp=interp)
    expected = skyblot.blot(
        np.where(mask, np.nan, image).astype(dtype), source, target, interp=interp
    )
    assert type(ours) is np.ndarray
    assert np.isnan(ours).any()
    assert np.array_equal(ours, expected, equal_nan=True)
    assert np.array_equal(masked.data, image)
    assert np.array_equal(masked.mask, mask)


# ---- out -----------------------------------------------------------------------------------------


def test_out_is_filled_and_returned(scene):
    image, source, target = scene
    expected = skyblot.blot(image, source, target, fill_value=-2.0)
    out = np.full(target.array_shape, np.nan, np.float32)
    assert skyblot.blot(image, source, target, fill_value=-2.0, out=out) is out
    assert np.array_equal(out, expected)


def test_out_need_not_be_contiguous(scene):
    image, source, target = scene
    expected = skyblot.blot(image, source, target)
    ny, nx = target.array_shape
    whole = np.full((2 * ny, 2 * nx), 5.0, np.float32)
    skyblot.blot(image, source, target, out=whole[::2, ::2])
    assert np.array_equal(whole[::2, ::2], expected)
    assert (whole[1::2] == 5.0).all()
    assert (whole[:, 1::2] == 5.0).all()


@pytest.mark.parametrize("dtype", ["f4", "i4"])
def test_out_may_be_the_source(dtype):
    wcs, target = tangent(), tangent(orient=35.0)
    image = sky_image((80, 100)).astype(dtype)
    expected = skyblot.blot(image, wcs, target, interp="nearest")
    assert not np.array_equal(expected, image)
    skyblot.blot(image, wcs, target, interp="nearest", out=image)
    assert np.array_equal(image, expected)
    both = np.concatenate([sky_image((80, 100)), np.zeros((20, 100), np.float32)])
    expected = skyblot.blot(both[:80], wcs, target, interp="poly5")
    skyblot.blot(both[:80], wcs, target, interp="poly5", out=both[20:])
    assert np.array_equal(both[20:], expected)


def frozen():
    out = np.zeros((80, 100), np.float32)
    out.flags.writeable = False
    return out


@pytest.mark.parametrize(
    ("out", "given"),
    [
        (np.zeros((80, 101), np.float32), "float32 (80, 101)"),
        (np.zeros((80, 100)), "float64 (80, 100)"),
        (np.zeros((80, 100), ">f4"), ">f4 (80, 100)"),
        ([[0.0]], "list"),
        (frozen(), "float32 (80, 100)"),
    ],
    ids=["shape", "dtype", "byte order", "list", "read-only"],
)
def test_out_that_cannot_be_used(out, given):
    before = copy.deepcopy(out)
    with pytest.raises(
        ParameterError, match=re.escape(f"out: is {given}, expected a writeable float32 array")
    ):
        skyblot.blot(sky_image((80, 100)), tangent(), tangent(), out=out)
    assert np.array_equal(out, before)


# ---- coverage and fill ---------------------------------------------------------------------------


@EVERY
@pytest.mark.parametrize("dtype", ["f4", ">f8"])
def test_coverage_is_half_open(interp, dtype):
    image = sky_image((20, 30)).astype(dtype)
    edge = np.array([-0.5, np.nextafter(-0.5, -1), np.nextafter(29.5, 0), 29.5, 3.0])
    covered = np.array([True, False, True, False, True])
    middle = np.full(edge.shape, 7.0)
    for x, y, data in ((edge, middle, image), (middle, edge, image.T.copy())):
        ours = blot_at(data, x, y, interp, fill_value=-9999.0)
        assert np.array_equal(ours[0] != -9999.0, covered)
    job = job_at(image, edge, middle, interp)
    assert job.run().covered == pytest.approx(3 / 5, abs=1e-15)


@pytest.mark.parametrize("fill", [0.0, -1.5, np.nan, np.inf, 1e30])
def test_fill_value(scene, fill):
    image, source, target = scene
    for data in (image, image.astype(">f4"), image.astype("f8")):
        ours = skyblot.blot(data, source, target, scale=100.0, fill_value=fill)
        x, y = skyblot.pixel_map(target, source)
        ny, nx = image.shape
        outside = ~((x >= -0.5) & (x < nx - 0.5) & (y >= -0.5) & (y < ny - 0.5))
        assert 0 < outside.sum() < outside.size
        assert np.array_equal(
            ours[outside], np.full(outside.sum(), fill, ours.dtype), equal_nan=True
        )
        assert np.isfinite(ours[~outside]).all()


@EVERY
def test_positions_that_are_no_numbers_get_the_fill_value(interp):
    bad = np.array([np.nan, np.inf, -np.inf, 1e300, -1e300, 2.0**63, 5.0])
    x, y = (each.ravel() for each in np.meshgrid(bad, bad))
    ours = blot_at(sky_image((20, 30)), x, y, interp, fill_value=-8.0)[0]
    assert (ours[:-1] == -8.0).all()
    assert ours[-1] != -8.0


@EVERY
@pytest.mark.parametrize("dtype", ["f4", ">f4"])
def test_disjoint_sky_is_all_fill(interp, dtype):
    image = sky_image((80, 100)).astype(dtype)
    for crval in ((10.5, 20.0), (190.0, -20.0)):
        ours = skyblot.blot(image, tangent(crval), tangent(), interp=interp, fill_value=4.0)
        assert (ours == 4.0).all()
        assert ours.dtype == np.float32


def test_scale_multiplies_covered_pixels(scene):
    image, source, target = scene
    plain = skyblot.blot(image, source, target, fill_value=3.0)
    for interp in ("nearest", "poly5"):
        plain = skyblot.blot(image, source, target, interp=interp, fill_value=np.nan)
        scaled = skyblot.blot(image, source, target, interp=interp, scale=4.0, fill_value=np.nan)
        assert np.array_equal(scaled, 4 * plain, equal_nan=True)


def test_shape_defaults_to_the_targets_own(scene):
    image, source, target = scene
    assert skyblot.blot(image, source, target).shape == target.array_shape
    small = skyblot.blot(image, source, target, shape=(30, 50))
    assert np.array_equal(small, skyblot.blot(image, source, target)[:30, :50])
    assert skyblot.blot(image, source, target, shape=np.array([30, 50])).shape == (30, 50)
    assert skyblot.pixel_map(target, source, shape=(1, 1))[0].shape == (1, 1)
