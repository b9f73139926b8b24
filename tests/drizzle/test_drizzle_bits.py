"""Bands, threads, windows and variances change no bit of a mosaic."""

import drops
import numpy as np
import pytest

from skyblot.resampling.drizzle import Drop, Exposure, Sums, drizzle

#: More than one tile, and drops that cross the ends of all.
SHAPE = (300, 620)
DROPS = [Drop(), Drop(pixfrac=0.6), Drop("turbo"), Drop("point")]
IDS = ["square", "smaller", "turbo", "point"]


def exposures(scale=1.0, size=(180, 330)):
    """Three that are turned, one of them mirrored."""
    for number, (degrees, flip) in enumerate([(4, False), (88, True), (-140, False)]):
        corners = drops.affine(size, degrees, scale, (150.3, 310.8), flip)
        yield drops.exposure(corners, number, np.float32, variances=1)


@pytest.fixture(scope="module", params=DROPS, ids=IDS)
def case(request):
    """A drop, and the sums of all rows by one thread."""
    return request.param, sum_up(request.param, threads=1)


def sum_up(drop, rows=slice(None), threads=2, cut=lambda exposure: exposure, **how):
    start, end, _ = rows.indices(SHAPE[0])
    sums = Sums((end - start, SHAPE[1]), start, variances=1)
    for number, exposure in enumerate(exposures(**how)):
        sums.add(cut(exposure), number, drop, threads=threads)
    return sums


def assert_same(sums, whole, rows=slice(None)):
    assert np.array_equal(sums.flux, whole.flux[rows])
    assert np.array_equal(sums.weight, whole.weight[rows])
    assert np.array_equal(sums.variance, whole.variance[:, rows])
    assert np.array_equal(sums.context, whole.context[:, rows])


@pytest.mark.parametrize("threads", [2, 5])
def test_any_number_of_threads(case, threads):
    drop, whole = case
    assert_same(sum_up(drop, threads=threads), whole)


@pytest.mark.parametrize(
    "rows", [slice(0, 1), slice(17, 18), slice(100, 117), slice(255, 300), slice(3, 290)]
)
def test_any_band(case, rows):
    drop, whole = case
    assert_same(sum_up(drop, rows), whole, rows)


@pytest.mark.parametrize("scale", [0.4, 9.5])
def test_any_band_of_larger_and_smaller_drops(scale):
    how = {"scale": scale, "size": (60, 40)}
    whole = sum_up(Drop(), threads=1, **how)
    for rows in (slice(140, 141), slice(150, 163), slice(3, 290)):
        assert_same(sum_up(Drop(), rows, **how), whole, rows)


def window(exposure, rows, columns):
    """Some rows and columns of an exposure."""
    here = (rows, columns)
    corners = tuple(slice(part.start, part.stop + 1) for part in here)
    return Exposure(
        exposure.data[here],
        exposure.weight[here],
        exposure.x[corners],
        exposure.y[corners],
        [image[here] for image in exposure.variances],
        columns.start,
    )


def cut_out(exposure, rows):
    """The least window of an exposure with all pixels that come near some rows."""
    y = exposure.y
    least = np.minimum(np.minimum(y[1:, 1:], y[:-1, 1:]), np.minimum(y[1:, :-1], y[:-1, :-1]))
    i, j = np.nonzero((least < rows.stop + 2) & (least > rows.start - 4))
    return window(exposure, slice(i.min(), i.max() + 1), slice(j.min(), j.max() + 1))


@pytest.mark.parametrize("rows", [slice(100, 101), slice(140, 160)])
def test_any_window_of_an_exposure_that_has_all_pixels_of_a_band(case, rows):
    drop, whole = case
    cut = cut_out(next(iter(exposures())), rows)
    assert cut.data.size < 180 * 330
    assert_same(sum_up(drop, rows, cut=lambda exposure: cut_out(exposure, rows)), whole, rows)


def test_with_and_without_variances(case):
    drop, whole = case
    plain = drizzle(
        [exposure._replace(variances=()) for exposure in exposures()], SHAPE, drop, dtype=np.float64
    )
    there = whole.weight > 0
    assert np.array_equal(plain.wht, whole.weight)
    assert np.array_equal(plain.sci[there], whole.flux[there] / whole.weight[there])
    assert np.array_equal(plain.ctx, whole.context)


def test_any_form_of_the_same_numbers(case):
    drop, whole = case

    def cut(exposure):
        swapped = [
            np.array(image, ">f4")
            for image in (exposure.data, exposure.weight, exposure.variances[0])
        ]
        for image in swapped:
            image.flags.writeable = False
        x, y = (np.asfortranarray(corner) for corner in (exposure.x, exposure.y))
        return Exposure(swapped[0], swapped[1], x, y, swapped[2:])

    before = [np.array(image) for image in next(iter(exposures()))[:4]]
    assert_same(sum_up(drop, cut=cut), whole)
    for image, then in zip(next(iter(exposures()))[:4], before, strict=True):
        assert np.array_equal(image, then)


@pytest.mark.parametrize("dtype", [np.int16, ">i4", np.uint8, np.float16, np.longdouble])
def test_numbers_of_any_kind_count_as_what_they_are(dtype):
    exposure = next(iter(exposures()))
    whole = np.rint(exposure.data)
    one, other = (
        drizzle([exposure._replace(data=data)], SHAPE) for data in (whole.astype(dtype), whole)
    )
    assert np.array_equal(one.sci, other.sci, equal_nan=True)


def test_a_mosaic_knows_its_exposures_by_their_bits():
    x, y = drops.affine((2, 2), middle=(0.5, 0.5))
    numbers = [0, 31, 32, 70]
    sums = Sums((2, 2))
    for number in numbers:
        weight = np.zeros((2, 2))
        weight[0, number % 2] = 1
        sums.add(Exposure(np.ones((2, 2)), weight, x, y), number, Drop())
    context = sums.result().ctx
    assert context.dtype == np.uint32
    assert context.shape == (3, 2, 2)
    for i, j in np.ndindex(2, 2):
        found = [
            32 * plane + bit
            for plane in range(3)
            for bit in range(32)
            if context[plane, i, j] >> bit & 1
        ]
        assert found == [number for number in numbers if i == 0 and number % 2 == j]


def test_sums_that_are_finished_are_the_result(case):
    drop, _ = case
    sums = sum_up(drop)
    result = sums.result(dtype=np.float64, fill_value=-1)
    finished = sums.finish(fill_value=-1)
    for mine, theirs in zip(finished[:3], result[:3], strict=True):
        assert np.array_equal(mine, theirs)
    assert np.array_equal(finished.err[0], result.err[0], equal_nan=True)
