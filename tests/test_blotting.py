"""blot(): the same bits however it is cut up, every kind of array, nothing changed, every error said clearly."""

import copy
import re

import numpy as np
import pytest
from astropy.wcs import WCS
from builders import ArrayMap, blot_at, demo_pair, job_at, mosaic_for, scattered, sky_image, tangent
from oracles import interpolated, local_peak, tolerance

import skyblot
from skyblot import bands
from skyblot.errors import DataError, ParameterError, SkyblotWarning, WCSError
from skyblot.parameters import INTERPOLANTS
from skyblot.pixelmap import plan_map
from skyblot.pixelmap.patches import PatchMap
from skyblot.window import window_bounds

EVERY = pytest.mark.parametrize("interp", INTERPOLANTS)


@pytest.fixture(scope="module")
def scene():
    """Source image and WCS of a mosaic, and the WCS of a distorted target that it covers but for a corner."""
    target, source = demo_pair()
    source = source.slice((slice(60, None), slice(None)))
    image = sky_image(source.array_shape)
    covered = skyblot.blot(np.ones_like(image), source, target, interp="nearest")
    assert 0.5 < covered.mean() < 0.99
    return image, source, target


# ---- item 4: bits and cutouts ---------------------------------------------------------------------------


@EVERY
def test_bits_do_not_depend_on_threads_and_bands(scene, interp, monkeypatch):
    image, source, target = scene
    expected = skyblot.blot(image, source, target, interp=interp, threads=1)
    swapped = image.astype(">f4")  # takes the way over a loaded window
    for pixels in (1, 1000, 160 * 7, 10**9):
        monkeypatch.setattr(bands, "BAND_PIXELS", pixels)
        for threads in (1, 2, 5):
            assert np.array_equal(skyblot.blot(image, source, target, interp=interp, threads=threads), expected)
        assert np.array_equal(skyblot.blot(swapped, source, target, interp=interp, threads=5), expected)


@pytest.mark.parametrize("stepsize", [None, 10])
def test_bits_of_the_map_do_not_depend_on_threads_and_bands(scene, stepsize, monkeypatch):
    _, source, target = scene
    expected = skyblot.pixel_map(target, source, stepsize=stepsize, threads=1)
    for pixels in (1, 1000, 10**9):
        monkeypatch.setattr(bands, "BAND_PIXELS", pixels)
        for threads in (1, 2, 5):
            ours = skyblot.pixel_map(target, source, stepsize=stepsize, threads=threads)
            assert np.array_equal(ours, expected)


def peaks(image, source, target):
    return local_peak(image, *skyblot.pixel_map(target, source))


@EVERY
def test_cutout_of_the_target(scene, interp):
    image, source, target = scene
    part = np.s_[17:71, 33:140]
    cutout = target.slice(part)
    assert cutout.has_distortion
    whole = skyblot.blot(image, source, target, interp=interp)
    ours = skyblot.blot(image, source, cutout, shape=(54, 107), interp=interp)
    assert np.ptp(ours) > 100
    difference = np.abs(ours.astype(float) - whole[part])
    assert (difference <= tolerance("cutout") * peaks(image, source, target)[part]).all()


@EVERY
def test_cutout_of_the_source(scene, interp):
    image, source, target = scene
    small = target.slice(np.s_[10:40, 60:110])
    x, y = skyblot.pixel_map(small, source, shape=(30, 50))
    # Room for the longest taps, and for the spline's filter to forget its border: 0.268**16 = 7e-10.
    part = np.s_[int(y.min()) - 16 : int(y.max()) + 18, int(x.min()) - 16 : int(x.max()) + 18]
    whole = skyblot.blot(image, source, small, shape=(30, 50), interp=interp)
    assert min(part[0].start, part[1].start) > 0
    ours = skyblot.blot(image[part], source.slice(part), small, shape=(30, 50), interp=interp)
    assert np.ptp(ours) > 100
    assert (np.abs(ours.astype(float) - whole) <= tolerance("cutout") * local_peak(image, x, y)).all()


def test_the_blot_is_the_map_and_the_interpolant(scene):
    image, source, target = scene
    x, y = skyblot.pixel_map(target, source)
    ny, nx = image.shape
    covered = (x >= -0.5) & (x < nx - 0.5) & (y >= -0.5) & (y < ny - 0.5)
    expected = np.where(covered, 0.0, -1.0)
    expected[covered] = 2.5 * interpolated(image, x[covered], y[covered], "poly5")
    ours = skyblot.blot(image.astype(float), source, target, scale=2.5, fill_value=-1.0)
    # Some 200 roundings of 2**-53 each of pixels of at most 9 times the peak, weights that sum to 1.5**2.
    allowed = 200 * 2.0**-53 * 9 * 2.25 * 2.5 * np.abs(image).max()
    np.testing.assert_allclose(ours, expected, rtol=0, atol=allowed)


# ---- windows --------------------------------------------------------------------------------------------


def wild_map(shape, size, seed=2):
    """A map of calm rows, among which the coarse window (every 64th row) misses some wild ones."""
    rng = np.random.default_rng(seed)
    ny, nx = shape
    x, y = rng.uniform(40, 60, shape), rng.uniform(40, 60, shape)
    for row in (13, 37, 90, ny - 2):
        x[row], y[row] = rng.uniform(-2, size[1] + 2, nx), rng.uniform(-2, size[0] + 2, nx)
    x[5, :3] = np.nan, np.inf, -np.inf
    y[6, :3] = np.nan, np.inf, 1e300
    return x, y


@EVERY
@pytest.mark.parametrize("dtype", [">f4", ">f8", "f2"])
def test_a_loaded_window_gives_the_same_bits(interp, dtype):
    image = (sky_image((150, 170)) / 100).astype(dtype)
    native = image.astype(np.float64 if dtype == ">f8" else np.float32)
    x, y = wild_map((150, 30), image.shape)
    coarse = window_bounds(ArrayMap(x, y), x.shape, image.shape, 4, 64)
    assert (coarse[1] - coarse[0]) * (coarse[3] - coarse[2]) < 0.2 * image.size  # so it does miss
    expected = blot_at(native, x, y, interp, fill_value=-3.0, threads=1)
    for threads in (1, 3):
        ours = blot_at(image, x, y, interp, fill_value=-3.0, threads=threads)
        assert ours.dtype == native.dtype
        if interp == "spline3" and dtype != "f2":
            # Both load a window and filter it, from the same bytes.
            assert np.array_equal(ours, expected)
        assert np.array_equal(ours, expected)


@pytest.mark.parametrize("seed", range(8))
def test_windows_of_random_maps(seed):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 60, 2))
    image = rng.normal(size=shape)
    size = tuple(rng.integers(1, 140, 2))
    x, y = (rng.uniform(-3, side + 3, size) for side in shape[::-1])
    for interp in INTERPOLANTS:
        if interp == "spline3":
            continue  # always loads a window
        native = blot_at(image, x, y, interp, fill_value=np.nan)
        assert np.array_equal(blot_at(image.astype(">f8"), x, y, interp, fill_value=np.nan), native, equal_nan=True)


class Sections:
    """A source that counts what is read of it: `shape`, `dtype` and slicing, like a section of a file."""

    def __init__(self, image):
        self._image, self.shape, self.dtype, self.read = image, image.shape, image.dtype, []

    def __getitem__(self, key):
        self.read.append(self._image[key].shape)
        return self._image[key]


def test_only_the_window_is_read():
    image = sky_image((2000, 300)).astype(">f4")
    y, x = np.mgrid[1000:1040:0.5, 100:150:0.5]
    sections = Sections(image)
    assert np.array_equal(blot_at(sections, x, y), blot_at(image.astype("f4"), x, y))
    pixels = sum(rows * columns for rows, columns in sections.read)
    assert 40 * 50 < pixels <= (40 + 2 * 6) * (50 + 2 * 6)


# ---- kinds of arrays ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "returned"),
    [("f4", "f4"), ("f8", "f8"), (">f4", "f4"), (">f8", "f8"), ("<f4", "f4"), ("f2", "f4"), (">f2", "f4")],
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
    ids = rng.integers(info.min, info.max, image.shape, dtype=np.dtype(dtype).newbyteorder("="), endpoint=True)
    ours = skyblot.blot(ids.astype(dtype), source, target, interp="nearest", fill_value=7)
    x, y = skyblot.pixel_map(target, source)
    ny, nx = image.shape
    covered = (x >= -0.5) & (x < nx - 0.5) & (y >= -0.5) & (y < ny - 0.5)
    expected = np.full(x.shape, 7, ids.dtype)
    expected[covered] = ids[np.floor(y[covered] + 0.5).astype(int), np.floor(x[covered] + 0.5).astype(int)]
    assert ours.dtype == np.dtype(dtype).newbyteorder("=")
    assert np.array_equal(ours, expected)
    if info.bits == 64:  # ids beyond 2**53, where float64 has gaps, so the test can fail
        assert (ours.astype(float).astype(object) != ours.astype(object)).mean() > 0.5


def test_booleans(scene):
    image, source, target = scene
    mask = image > 100
    ours = skyblot.blot(mask, source, target, interp="nearest")
    assert ours.dtype == bool
    assert np.array_equal(ours, skyblot.blot(mask.astype("i4"), source, target, interp="nearest") == 1)
    filled = skyblot.blot(mask, source, target, interp="nearest", fill_value=True)
    assert filled.sum() > ours.sum()


def views(image, folder):
    """The same pixels in every kind of array."""
    wide = np.zeros((image.shape[0] * 2, image.shape[1] * 3), image.dtype)
    wide[::2, ::3] = image
    unaligned = np.frombuffer(b"x" + image.tobytes(), dtype=image.dtype, offset=1).reshape(image.shape)
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
    expected = skyblot.blot(np.where(mask, np.nan, image).astype(dtype), source, target, interp=interp)
    assert type(ours) is np.ndarray
    assert np.isnan(ours).any()
    assert np.array_equal(ours, expected, equal_nan=True)
    assert np.array_equal(masked.data, image)
    assert np.array_equal(masked.mask, mask)


# ---- out ------------------------------------------------------------------------------------------------


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
    with pytest.raises(ParameterError, match=re.escape(f"out is {given}: expected a writeable float32 array")):
        skyblot.blot(sky_image((80, 100)), tangent(), tangent(), out=out)
    assert np.array_equal(out, before)


# ---- coverage and fill ----------------------------------------------------------------------------------


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
        assert np.array_equal(ours[outside], np.full(outside.sum(), fill, ours.dtype), equal_nan=True)
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


# ---- item 6: nothing changes ----------------------------------------------------------------------------


def facts(wcs):
    """Everything a WCS holds, without setting it up: `to_header` and printing would."""
    inner = wcs.wcs
    names = ["crval", "crpix", "lonpole", "latpole", "radesys", "equinox", "restfrq", "name"]
    found = {name: np.array(getattr(inner, name)) for name in names}
    found["ctype"], found["cunit"] = list(inner.ctype), [str(unit) for unit in inner.cunit]
    found["cd"] = inner.cd.copy() if inner.has_cd() else None
    found["pc"] = (inner.pc.copy(), inner.cdelt.copy()) if inner.has_pc() else None
    found["pv"] = inner.get_pv()
    found["shape"] = wcs.pixel_shape
    for name in ("cpdis1", "cpdis2", "det2im1", "det2im2"):
        table = getattr(wcs, name)
        found[name] = table and (id(table), table.data.copy(), table.crpix, table.crval, table.cdelt)
    found["sip"] = wcs.sip and (id(wcs.sip), wcs.sip.a.copy(), wcs.sip.b.copy(), wcs.sip.crpix.copy())
    return found


def assert_unchanged(before, wcs):
    after = facts(wcs)
    assert before.keys() == after.keys()
    np.testing.assert_equal(after, before)


def wcs_pairs():
    target, source = demo_pair()
    yield "closed form", source, target
    yield "other frame", tangent((10.0, 20.0), ctype=("GLON-TAN", "GLAT-TAN"), radesys=""), tangent()
    yield "evaluated", tangent(ctype=("RA---CAR", "DEC--CAR")), tangent(orient=5.0)
    yield "distorted source", target, target


@pytest.mark.parametrize("case", range(4))
@pytest.mark.parametrize("stepsize", [None, 10])
def test_neither_wcs_nor_array_changes(case, stepsize):
    _, source, target = list(wcs_pairs())[case]
    image = sky_image(source.array_shape).astype(">f4")
    before, image_before = [facts(source), facts(target)], image.copy()
    skyblot.blot(image, source, target, stepsize=stepsize)
    skyblot.pixel_map(target, source, stepsize=stepsize)
    assert_unchanged(before[0], source)
    assert_unchanged(before[1], target)
    assert np.array_equal(image, image_before)
    # And what it says of itself is what an untouched twin says.
    twin = list(wcs_pairs())[case]
    assert repr(source.to_header(relax=True)) == repr(twin[1].to_header(relax=True))
    assert repr(target.to_header(relax=True)) == repr(twin[2].to_header(relax=True))


def test_real_wcs_do_not_change(real_wcs):
    target = real_wcs("uvis1")
    source = mosaic_for(target)
    before = [facts(source), facts(target), repr(target.to_header(relax=True))]
    skyblot.pixel_map(target, source, shape=(20, 30))
    assert_unchanged(before[0], source)
    assert_unchanged(before[1], target)
    assert repr(target.to_header(relax=True)) == before[2]


def test_nothing_changes_when_the_call_fails():
    target, source = demo_pair()
    image = sky_image(source.array_shape)
    out = np.full(target.array_shape, 11.0, np.float32)
    before, image_before = [facts(source), facts(target)], image.copy()
    failing = [
        {"interp": "poly7"}, {"stepsize": -3}, {"tolerance": 0}, {"threads": 0}, {"scale": np.nan},
        {"fill_value": "much"}, {"shape": (0, 3)}, {"shape": (3, 3)}, {"sinscl": 0.3, "interp": "sinc"},
    ]  # fmt: skip
    for arguments in failing:
        with pytest.raises(ParameterError):
            skyblot.blot(image, source, target, out=out, **arguments)
    for bad in (image[0], image.astype(complex), image.astype("i4")):
        with pytest.raises(DataError):
            skyblot.blot(bad, source, target, out=out)
    for bad in ((singular(), target), (source, singular()), (None, target), (source, no_sky())):
        with pytest.raises(WCSError):
            skyblot.blot(image, *bad, out=out, shape=target.array_shape)
    assert (out == 11.0).all()
    assert_unchanged(before[0], source)
    assert_unchanged(before[1], target)
    assert np.array_equal(image, image_before)


def test_an_error_in_the_middle_leaves_the_inputs(monkeypatch):
    target, source = tangent(), tangent(ctype=("RA---CAR", "DEC--CAR"))
    assert isinstance(plan_map(target, source, (80, 100), None, 1e-4), PatchMap)
    image = sky_image((80, 100))
    before, image_before = [facts(source), facts(target)], image.copy()

    def fail(*_):
        raise RuntimeError("in a band")

    monkeypatch.setattr(PatchMap, "rows", fail)
    for threads in (1, 3):
        with pytest.raises(RuntimeError, match="in a band"):
            skyblot.blot(image, source, target, threads=threads)
    assert_unchanged(before[0], source)
    assert_unchanged(before[1], target)
    assert np.array_equal(image, image_before)


# ---- errors ---------------------------------------------------------------------------------------------


def singular():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.cd = [[1e-5, 1e-5], [1e-5, 1e-5]]
    wcs.array_shape = (80, 100)
    return wcs


def no_sky():
    wcs = WCS(naxis=2)
    wcs.array_shape = (80, 100)
    return wcs


def half_sky():
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "FREQ"]
    wcs.array_shape = (80, 100)
    return wcs


NAMES = "nearest, linear, poly3, poly5, spline3, lanczos3, lanczos5, sinc"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"interp": "polly5"}, f"interp = 'polly5': expected one of {NAMES} (closest: 'poly5')"),
        ({"interp": "lancsoz3"}, f"interp = 'lancsoz3': expected one of {NAMES} (closest: 'lanczos3')"),
        ({"interp": 5}, f"expected one of {NAMES}"),
        ({"sinscl": "wide"}, "sinscl = 'wide': expected a number"),
        ({"sinscl": 0.0}, "sinscl = 0.0: expected a number, at least"),
        ({"stepsize": -3}, "stepsize = -3: expected a whole number, at least 0"),
        ({"stepsize": 2.5}, "stepsize = 2.5: expected a whole number, at least 0"),
        ({"stepsize": True}, "stepsize = True: expected a whole number, at least 0"),
        ({"stepsize": "ten"}, "stepsize = 'ten': expected a whole number, at least 0"),
        ({"tolerance": 0}, "tolerance = 0: expected a number, at least 1e-12"),
        ({"tolerance": -1e-4}, "tolerance = -0.0001: expected a number, at least 1e-12"),
        ({"tolerance": np.nan}, "tolerance = nan: expected a number, at least 1e-12"),
        ({"tolerance": "small"}, "tolerance = 'small': expected a number, at least 1e-12"),
        ({"threads": 0}, "threads = 0: expected a whole number, at least 1, or None"),
        ({"threads": -1}, "threads = -1: expected a whole number, at least 1, or None"),
        ({"threads": True}, "threads = True: expected a whole number, at least 1, or None"),
        ({"threads": 1.5}, "threads = 1.5: expected a whole number, at least 1, or None"),
        ({"threads": "all"}, "threads = 'all': expected a whole number, at least 1, or None"),
        ({"scale": np.nan}, "scale = nan: expected a finite number"),
        ({"scale": np.inf}, "scale = inf: expected a finite number"),
        ({"scale": "big"}, "scale = 'big': expected a number"),
        ({"scale": None}, "scale = None: expected a number"),
        ({"fill_value": "none"}, "fill_value = 'none': expected a number"),
        ({"fill_value": None}, "fill_value = None: expected a number"),
        ({"shape": (80,)}, "shape = (80,): expected two whole numbers, (ny, nx), each at least 1"),
        ({"shape": (1, 80, 100)}, "shape = (1, 80, 100): expected two whole numbers, (ny, nx)"),
        ({"shape": (80, 0)}, "shape = (80, 0): expected two whole numbers, (ny, nx), each at least 1"),
        ({"shape": (-80, 100)}, "shape = (-80, 100): expected two whole numbers, (ny, nx), each at least 1"),
        ({"shape": (80.5, 100)}, "shape = (80.5, 100): expected two whole numbers, (ny, nx)"),
        ({"shape": 80}, "shape = 80: expected two whole numbers, (ny, nx), each at least 1"),
        ({"shape": "big"}, "shape = 'big': expected two whole numbers, (ny, nx), each at least 1"),
    ],
    ids=lambda value: str(value)[:40] if isinstance(value, dict) else "",
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ParameterError, match=re.escape(message)):
        skyblot.blot(sky_image((80, 100)), tangent(), tangent(), **arguments)


@pytest.mark.parametrize("arguments", [{"stepsize": 2.5}, {"tolerance": 0}, {"threads": 0}, {"shape": (0, 1)}])
def test_bad_arguments_of_the_pixel_map(arguments):
    (name, value), *_ = arguments.items()
    with pytest.raises(ParameterError, match=re.escape(f"{name} = {value!r}")):
        skyblot.pixel_map(tangent(), tangent(), **arguments)


def test_a_target_without_shape():
    message = "shape is not given and the target's WCS has no array_shape: give shape=(ny, nx)"
    for call in (lambda wcs: skyblot.blot(np.ones((8, 9)), tangent(), wcs), lambda wcs: skyblot.pixel_map(wcs, wcs)):
        with pytest.raises(ParameterError, match=re.escape(message)):
            call(tangent(shape=None))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (np.ones(9), "the source has shape (9,): expected a 2-D image, (ny, nx)"),
        (np.ones((2, 8, 9)), "the source has shape (2, 8, 9): expected a 2-D image, (ny, nx)"),
        (np.ones((0, 9)), "the source has shape (0, 9): expected a 2-D image, (ny, nx)"),
        (3.0, "the source has shape (): expected a 2-D image, (ny, nx)"),
        (None, "the source has shape (): expected a 2-D image, (ny, nx)"),
        (np.ones((8, 9), complex), "the source has dtype complex128: expected floating-point numbers or integers"),
        (np.ones((8, 9), object), "the source has dtype object: expected floating-point numbers or integers"),
        (np.ones((8, 9), int), "the source has dtype int64, which interp='poly5' cannot average: use"),
        (np.ones((8, 9), bool), "the source has dtype bool, which interp='poly5' cannot average: use"),
        ([[1, 2], [3, 4]], "the source has dtype int64, which interp='poly5' cannot average: use"),
    ],
    ids=["1-D", "3-D", "empty", "scalar", "None", "complex", "object", "integers", "booleans", "list of int"],
)
def test_bad_data(source, message):
    with pytest.raises(DataError, match=re.escape(message)):
        skyblot.blot(source, tangent(), tangent())


@pytest.mark.parametrize("interp", [name for name in INTERPOLANTS if name != "nearest"])
def test_integers_go_with_nearest_only(interp):
    with pytest.raises(DataError, match=f"interp='{interp}'.*interp='nearest', which keeps integers"):
        skyblot.blot(np.ones((8, 9), ">i2"), tangent(), tangent(), interp=interp)


@pytest.mark.parametrize("fill", [np.nan, np.inf, 0.5, 256, -1, "x", None])
def test_fill_value_that_integers_cannot_hold(fill):
    message = f"fill_value = {fill!r}: expected a value of the source's dtype, uint8"
    with pytest.raises(ParameterError, match=re.escape(message)):
        skyblot.blot(np.ones((8, 9), np.uint8), tangent(), tangent(), interp="nearest", fill_value=fill)


def test_integers_are_not_scaled():
    with pytest.raises(ParameterError, match=r"scale = 2\.0.*integer source.*keeps its values"):
        skyblot.blot(np.ones((8, 9), int), tangent(), tangent(), interp="nearest", scale=2)


@pytest.mark.parametrize(
    ("wcs", "message"),
    [
        (singular(), "WCS is singular: its CD matrix is [[1e-05, 1e-05], [1e-05, 1e-05]]"),
        (no_sky(), "has no celestial WCS: CTYPE is '', '', expected RA---TAN or the like"),
        (half_sky(), "WCS cannot be used: "),
        ({"CRVAL1": 5.0}, "WCS is a dict, expected an astropy.wcs.WCS, a gwcs.WCS or an APE 14 WCS"),
        (None, "WCS is a NoneType, expected an astropy.wcs.WCS, a gwcs.WCS or an APE 14 WCS"),
        ("file.fits", "WCS is a str, expected an astropy.wcs.WCS, a gwcs.WCS or an APE 14 WCS"),
    ],
    ids=["singular", "no sky", "half a sky", "header", "None", "name"],
)
def test_bad_wcs(wcs, message):
    image = sky_image((80, 100))
    with pytest.raises(WCSError, match=re.escape(message)) as caught:
        skyblot.blot(image, wcs, tangent())
    assert str(caught.value).startswith("the source")
    assert "\n" not in str(caught.value)
    with pytest.raises(WCSError, match=re.escape(message)) as caught:
        skyblot.blot(image, tangent(), wcs, shape=(80, 100))
    assert str(caught.value).startswith("the target")


@pytest.mark.parametrize("kind", ["SLON", "HLON"])
def test_a_frame_that_cannot_be_converted(kind):
    other = [tangent(ctype=(f"{kind}-TAN", f"{kind[0]}LAT-TAN"), orient=turn, radesys="") for turn in (0.0, 20.0)]
    for pair in ((other[0], tangent()), (tangent(), other[0])):
        with pytest.raises(WCSError, match=f"CTYPE '{kind}-TAN', '{kind[0]}LAT-TAN'.*expected RA, GLON or ELON"):
            skyblot.pixel_map(*pair)
    # Between two of a kind there is nothing to convert.
    ours, expected = skyblot.pixel_map(*other), skyblot.pixel_map(tangent(orient=0.0), tangent(orient=20.0))
    assert np.array_equal(ours, expected)


def test_a_cube_s_celestial_plane_is_used():
    cube = WCS(naxis=3)
    cube.wcs.ctype = ["RA---TAN", "DEC--TAN", "FREQ"]
    cube.wcs.crval, cube.wcs.crpix = [10.0, 20.0, 1e9], [50.0, 40.0, 1.0]
    cube.wcs.cdelt = [-1e-5, 1e-5, 1e6]
    image = sky_image((80, 100))
    expected = skyblot.blot(image, tangent(orient=0.0), tangent(orient=20.0))
    with pytest.warns(SkyblotWarning, match="the source's WCS has 3 axes: 'FREQ' dropped"):
        ours = skyblot.blot(image, cube, tangent(orient=20.0))
    # The same terms as CD and as CDELT: the last bit of the map may differ (1e-8 pixel).
    assert (np.abs(ours - expected) <= (tolerance("cutout") + 1e-7) * np.abs(image).max()).all()


def test_scattered_positions_stay_on_the_source():
    # Guards the other tests: what they call covered is covered.
    x, y = scattered((31, 37))
    assert ((x >= -0.5) & (x < 36.5) & (y >= -0.5) & (y < 30.5)).all()
