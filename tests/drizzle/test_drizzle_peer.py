"""The same mosaics as those of `drizzle` 3, where that is right."""

import drops
import numpy as np
import pytest

from skyblot.resampling.drizzle import Drop, drizzle

resample = pytest.importorskip("drizzle.resample")
SHAPE = (150, 160)
SIZE = (90, 101)
#: (degrees, scale, mirrored) of each exposure.
GEOMETRIES = {
    "alike": [(1.0, 1.0, False), (-2.0, 1.0, False), (0.5, 1.01, False)],
    "turned": [(33.0, 1.0, False), (120.0, 1.0, True), (-71.0, 1.02, False)],
    "finer": [(10.0, 1.6, False), (200.0, 1.5, True)],
    "coarser": [(10.0, 0.31, False), (95.0, 0.4, True)],
}
SINGLE = 2.0**-24


def exposures_of(name):
    """Exposures and their scales."""
    for number, (degrees, scale, flip) in enumerate(GEOMETRIES[name]):
        size = SIZE if scale < 1.1 else (50, 41)
        middle = (74.31 + 0.17 * number, 80.13)
        corners = drops.affine(size, degrees, scale, middle, flip)
        exposure = drops.exposure(corners, number, np.float32, variances=1)
        exposure.weight[3:6, 7] = 0
        yield exposure, scale


def drizzle_theirs(name, kernel, pixfrac):
    """What `drizzle` makes, from positions of centres: for an affine map there is no difference."""
    run = resample.Drizzle(kernel=kernel, out_shape=SHAPE)
    for exposure, scale in exposures_of(name):
        centres = [
            (c[1:, 1:] + c[:-1, 1:] + c[1:, :-1] + c[:-1, :-1]) / 4
            for c in (exposure.x, exposure.y)
        ]
        run.add_image(
            exposure.data,
            1.0,
            np.dstack(centres),
            data2=exposure.variances,
            weight_map=exposure.weight,
            pixfrac=pixfrac,
            pixel_scale_ratio=1 / scale,
        )
    return run


@pytest.mark.parametrize("name", GEOMETRIES)
@pytest.mark.parametrize(
    ("kernel", "pixfrac"),
    [("square", 1.0), ("square", 0.5), ("turbo", 1.0), ("turbo", 0.7), ("point", 1.0)],
)
def test_mosaics_are_those_of_drizzle(name, kernel, pixfrac):
    run = drizzle_theirs(name, kernel, pixfrac)
    ours = drizzle([exposure for exposure, _ in exposures_of(name)], SHAPE, Drop(kernel, pixfrac))
    # It rounds to single precision with every drop: a cell gets some ten from each exposure, or
    # (1 / scale + 2)**2 where cells are larger than pixels. It has the scale in single precision,
    # too: a drop of `turbo` weighs at most 2, and its edges are off by half of 2**-24 of a side.
    most = 3 * max((1 / scale + 2) ** 2 for _, scale in exposures_of(name))
    loose = np.sqrt(most) * SINGLE
    there = run.out_wht > 1e-5
    assert there.sum() > 500
    grazed = 4 * SINGLE if kernel == "turbo" else 0
    assert (np.abs(ours.wht - run.out_wht) <= max(3e-7, loose) * run.out_wht + grazed).all()
    for our, their in ((ours.sci, run.out_img), (ours.err[0], np.sqrt(run.out_img2[0]))):
        solid = run.out_wht > (0.1 if kernel == "turbo" else 1e-5)
        assert np.abs(our[solid] / their[solid] - 1).max() < 2 * loose
    assert np.array_equal(ours.ctx[0][there], run.out_ctx[0].view(np.uint32)[there])
    assert np.array_equal(ours.ctx[0] == 0, np.isnan(ours.sci))


@pytest.mark.parametrize("kernel", ["square", "turbo"])
def test_bits_of_the_context_are_those_of_drizzle_wherever_a_drop_does_not_only_graze(kernel):
    """Of each exposure by itself: its weight tells where `drizzle` set a bit for its rounding."""
    for exposure, scale in exposures_of("turned"):
        ours = drizzle([exposure], SHAPE, Drop(kernel))
        run = resample.Drizzle(kernel=kernel, out_shape=SHAPE)
        centres = [
            (c[1:, 1:] + c[:-1, 1:] + c[1:, :-1] + c[:-1, :-1]) / 4
            for c in (exposure.x, exposure.y)
        ]
        run.add_image(
            exposure.data,
            1.0,
            np.dstack(centres),
            weight_map=exposure.weight,
            pixel_scale_ratio=1 / scale,
        )
        differ = (ours.ctx[0] != 0) != (run.out_ctx[0] != 0)
        assert np.maximum(run.out_wht, ours.wht)[differ].max(initial=0) < 1e-11
