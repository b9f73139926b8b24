"""Weights and values of drizzled mosaics against clipped polygons and against what must hold."""

import math

import drops
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyblot.resampling.drizzle import Drop, Exposure, Sums, drizzle

SHAPE = (40, 41)
#: (degrees, scale: cells per pixel, pixfrac, mirrored)
GEOMETRIES = [
    (0.0, 1.0, 1.0, False),
    (90.0, 1.0, 1.0, True),
    (3.0, 1.0, 1.0, False),
    (45.0, 1.0, 1.0, True),
    (-130.0, 0.3, 1.0, False),
    (60.0, 0.3, 0.01, True),
    (12.0, 3.0, 1.0, False),
    (77.0, 3.0, 0.6, True),
    (200.0, 1.5, 0.8, False),
    (33.0, 1.0, 0.01, False),
    (33.0, 1.0, 0.1, True),
    (30.0, 15.0, 1.0, False),  # drops larger than the margin of a tile
    (0.0, 15.0, 0.7, True),
]
#: Coordinates up to 64 are rounded to 2**-48 and a drop's side is 0.003 cells at least, which is
#: 1.2e-12 of a weight at most: by one of the corners, in one direction.
CLOSE = 1e-12


def sums_of(exposure, shape=SHAPE, drop=None, **how):
    sums = Sums(shape, variances=len(exposure.variances), **how)
    sums.add(exposure, 0, drop or Drop())
    return sums


@pytest.mark.parametrize(("degrees", "scale", "pixfrac", "flip"), GEOMETRIES)
@pytest.mark.parametrize("seed", range(3))
def test_weights_are_those_of_clipped_polygons(degrees, scale, pixfrac, flip, seed):
    size = (9, 8) if scale < 3 else (4, 3)
    corners = drops.bent(size, seed, degrees=degrees, scale=scale, flip=flip, middle=(19.3, 21.2))
    exposure = drops.exposure(corners, seed, variances=1)
    total, flux, noise = drops.drop_slowly(exposure, SHAPE, pixfrac)
    sums = sums_of(exposure, drop=Drop(pixfrac=pixfrac))
    assert np.abs(sums.weight - total).max() <= CLOSE * exposure.weight.max()
    assert np.abs(sums.flux - flux).max() <= CLOSE * np.abs(exposure.data * exposure.weight).max()
    assert (
        np.abs(sums.variance[0] - noise).max()
        <= CLOSE * (exposure.weight**2 * exposure.variances[0]).max()
    )


@pytest.mark.parametrize(("degrees", "scale", "pixfrac", "flip"), GEOMETRIES)
def test_a_cell_that_no_drop_touches_has_exactly_nothing(degrees, scale, pixfrac, flip):
    corners = drops.bent((5, 6), 4, degrees=degrees, scale=scale, flip=flip, middle=(19.3, 21.2))
    exposure = drops.exposure(corners, 4)
    total, _, _ = drops.drop_slowly(exposure, SHAPE, pixfrac)
    sums = sums_of(exposure, drop=Drop(pixfrac=pixfrac))
    touched = total > 1e-13  # what overlaps less is dropped with the rounding
    assert np.array_equal(sums.context[0] == 1, touched)
    assert not sums.weight[~touched].any()
    assert not sums.flux[~touched].any()


def test_corners_on_the_edges_of_cells_touch_nothing_beyond():
    exposure = drops.exposure(drops.affine((4, 5), middle=(9.5, 10.0)))
    sums = sums_of(exposure)
    assert np.array_equal(sums.weight[8:12, 8:13], exposure.weight)
    assert np.count_nonzero(sums.context) == 20


@settings(max_examples=60, deadline=None)
@given(
    degrees=st.floats(-180, 180),
    scale=st.floats(0.3, 3),
    pixfrac=st.floats(0.01, 1),
    flip=st.booleans(),
    kernel=st.sampled_from(["square", "turbo", "point"]),
)
def test_weight_and_flux_are_conserved(degrees, scale, pixfrac, flip, kernel):
    corners = drops.bent((6, 7), 1, degrees=degrees, scale=scale, flip=flip)
    exposure = drops.exposure(corners)
    sums = sums_of(exposure, drop=Drop(kernel, pixfrac))
    assert math.isclose(sums.weight.sum(), exposure.weight.sum(), rel_tol=1e-11)
    assert math.isclose(sums.flux.sum(), (exposure.weight * exposure.data).sum(), rel_tol=1e-11)


@pytest.mark.parametrize("kernel", ["square", "turbo", "point"])
def test_what_falls_beside_the_mosaic_is_left_out(kernel):
    exposure = drops.exposure(drops.affine((12, 12), 20, 1.1, middle=(20.0, 20.0)))
    whole = drizzle([exposure], SHAPE, Drop(kernel))
    x, y = exposure.x - 17, exposure.y - 15
    part = drizzle([exposure._replace(x=x, y=y)], (9, 8), Drop(kernel))
    assert np.allclose(part.wht, whole.wht[15:24, 17:25], rtol=1e-6, atol=0)
    assert np.array_equal(part.ctx, whole.ctx[:, 15:24, 17:25])


def test_a_mosaic_of_single_precision_is_within_its_rounding():
    exposures = [
        drops.exposure(drops.bent((9, 8), n, degrees=40 * n), n, np.float32) for n in range(4)
    ]
    single, double = (Sums(SHAPE, dtype=dtype) for dtype in (np.float32, np.float64))
    for number, exposure in enumerate(exposures):
        single.add(exposure, number, Drop())
        double.add(exposure, number, Drop())
    there = double.weight > 0
    exact = double.weight[there]
    assert np.abs(single.weight[there] / exact - 1).max() <= 4 * 2.0**-24  # once an exposure
    assert np.abs(double.result().wht[there] / exact - 1).max() <= 2.0**-24
    values = double.result(dtype=np.float64).sci[there]
    assert np.abs(single.result().sci[there] / values - 1).max() <= 10 * 2.0**-24
    assert np.abs(double.result().sci[there] / values - 1).max() <= 2.0**-24


def test_a_mirrored_exposure_makes_a_mirrored_mosaic():
    x, y = drops.bent((8, 9), 5, degrees=20.0)
    exposure = drops.exposure([x, y])
    there = drizzle([exposure], SHAPE, dtype=np.float64)
    mirrored = drizzle([exposure._replace(x=SHAPE[1] - 1 - x)], SHAPE, dtype=np.float64)
    assert np.allclose(mirrored.sci[:, ::-1], there.sci, rtol=1e-9, equal_nan=True)
    assert np.array_equal(mirrored.ctx[..., ::-1], there.ctx)


def test_turbo_drops_are_upright_squares_of_the_size_of_the_pixel():
    x, y = drops.affine((1, 1), 30.0, 1.5, middle=(10.2, 20.4))
    sums = sums_of(Exposure([[2.0]], 3.0, x, y), drop=Drop("turbo", 0.8))
    ends = {axis: (middle - 0.6, middle + 0.6) for axis, middle in (("y", 10.2), ("x", 20.4))}
    cells = {
        axis: np.clip(
            np.minimum(high, np.arange(n) + 0.5) - np.maximum(low, np.arange(n) - 0.5), 0, None
        )
        for (axis, (low, high)), n in zip(ends.items(), SHAPE, strict=True)
    }
    expected = 3.0 * np.outer(cells["y"], cells["x"]) / 1.2**2
    assert np.allclose(sums.weight, expected, rtol=0, atol=1e-13)
    given_scale = sums_of(
        Exposure([[2.0]], 3.0, x, y), drop=Drop("turbo", 0.8, scale_ratio=1 / 1.5)
    )
    assert np.allclose(given_scale.weight, expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("scale", [0.25, 2.0])
def test_turbo_drops_beyond_their_pixels_are_not_lost(scale):
    """A narrow pixel, whose square reaches farther than itself; the mosaic begins beside it."""
    x, y = np.meshgrid([-0.9, -0.8], [-20.0, 30.0])
    drop = Drop("turbo", scale_ratio=scale)
    sums = sums_of(Exposure([[1.0]], 1.0, x, y), drop=drop)
    side = 1 / scale
    middle = -0.85 + side / 2 + 0.5
    assert math.isclose(sums.weight.sum(), max(middle, 0) / side, rel_tol=1e-12, abs_tol=0)


def test_points_fall_into_the_cell_of_their_middle():
    x, y = drops.bent((6, 7), 3, degrees=30.0, scale=1.3)
    exposure = drops.exposure([x, y])
    sums = sums_of(exposure, drop=Drop("point", 0.5))
    middle_x, middle_y = ((c[1:, 1:] + c[:-1, 1:] + c[1:, :-1] + c[:-1, :-1]) / 4 for c in (x, y))
    expected = np.zeros(SHAPE)
    np.add.at(
        expected, (np.rint(middle_y).astype(int), np.rint(middle_x).astype(int)), exposure.weight
    )
    assert np.allclose(sums.weight, expected, rtol=1e-15)
