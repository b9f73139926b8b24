"""blot(): the same bits however it is cut up, from the window that is needed."""

import numpy as np
import pytest
from builders import EVERY, ArrayMap, blot_at, scattered, sky_image
from oracles import interpolated, local_peak, tolerance

import skyblot
from skyblot import bands
from skyblot.bounds import Bounds
from skyblot.parameters.table import INTERPOLANTS
from skyblot.resampling.window import window_bounds

# ---- bits and cutouts ----------------------------------------------------------------------------


@EVERY
def test_bits_do_not_depend_on_threads_and_bands(scene, interp, monkeypatch):
    image, source, target = scene
    expected = skyblot.blot(image, source, target, interp=interp, threads=1)
    swapped = image.astype(">f4")  # takes the way over a loaded window
    for pixels in (1, 1000, 160 * 7, 10**9):
        monkeypatch.setattr(bands, "BAND_PIXELS", pixels)
        for threads in (1, 2, 5):
            assert np.array_equal(
                skyblot.blot(image, source, target, interp=interp, threads=threads), expected
            )
        assert np.array_equal(
            skyblot.blot(swapped, source, target, interp=interp, threads=5), expected
        )


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
    # Room for the longest taps, and for the spline's filter to forget its border: 0.268**16 =
    # 7e-10.
    part = np.s_[int(y.min()) - 16 : int(y.max()) + 18, int(x.min()) - 16 : int(x.max()) + 18]
    whole = skyblot.blot(image, source, small, shape=(30, 50), interp=interp)
    assert min(part[0].start, part[1].start) > 0
    ours = skyblot.blot(image[part], source.slice(part), small, shape=(30, 50), interp=interp)
    assert np.ptp(ours) > 100
    assert (
        np.abs(ours.astype(float) - whole) <= tolerance("cutout") * local_peak(image, x, y)
    ).all()


def test_the_blot_is_the_map_and_the_interpolant(scene):
    image, source, target = scene
    x, y = skyblot.pixel_map(target, source)
    ny, nx = image.shape
    covered = (x >= -0.5) & (x < nx - 0.5) & (y >= -0.5) & (y < ny - 0.5)
    expected = np.where(covered, 0.0, -1.0)
    expected[covered] = 2.5 * interpolated(image, x[covered], y[covered], "poly5")
    ours = skyblot.blot(image.astype(float), source, target, scale=2.5, fill_value=-1.0)
    # Some 200 roundings of 2**-53 each of pixels of at most 9 times the peak, weights that sum to
    # 1.5**2.
    allowed = 200 * 2.0**-53 * 9 * 2.25 * 2.5 * np.abs(image).max()
    np.testing.assert_allclose(ours, expected, rtol=0, atol=allowed)


# ---- windows -------------------------------------------------------------------------------------


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
    coarse = window_bounds(ArrayMap(x, y), Bounds.whole(x.shape), image.shape, 4, 64)
    assert coarse.area < 0.2 * image.size  # so it does miss
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
        assert np.array_equal(
            blot_at(image.astype(">f8"), x, y, interp, fill_value=np.nan), native, equal_nan=True
        )


class Sections:
    """A source that counts what is read of it: `shape`, `dtype` and slicing, like a section of a
    file.
    """

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


def test_scattered_positions_stay_on_the_source():
    # Guards the other tests: what they call covered is covered.
    x, y = scattered((31, 37))
    assert ((x >= -0.5) & (x < 36.5) & (y >= -0.5) & (y < 30.5)).all()
