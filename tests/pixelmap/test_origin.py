"""Maps whose pixels are not those of the target: corners, and parts."""

import numpy as np
import pytest
from builders import gwcs_like, mosaic_for, tangent
from map_checks import sip
from oracles import map_rounding, true_map

from skyblot.pixelmap import CORNERS, plan_map
from skyblot.pixelmap.adaptive import adaptive_map
from skyblot.pixelmap.direct import DirectMap
from skyblot.pixelmap.fits_exact import TangentMap
from skyblot.pixelmap.patches import PatchMap
from skyblot.pixelmap.sampled import BilinearMap
from skyblot.pixelmap.sky import sky_of


def corner_map(target, source, kind, stepsize=None):
    """Positions of all pixel corners of a target, (2, ny + 1, nx + 1), by a map of this kind."""
    ny, nx = target.array_shape
    plan = plan_map(target, source, (ny + 1, nx + 1), stepsize, 1e-4, origin=CORNERS)
    assert isinstance(plan, kind)
    out = np.empty((2, ny + 1, nx + 1))
    for row0 in range(0, ny + 1, 50):
        part = out[:, row0 : row0 + 50]
        plan.rows(row0, part[0], part[1])
    return out


def corners_of(shape):
    """The corners' positions on the target, x and y."""
    y, x = np.mgrid[: shape[0] + 1, : shape[1] + 1] - 0.5
    return x, y


@pytest.mark.parametrize("name", ["uvis1", "ir"])
def test_corners_of_a_real_detector(real_wcs, name):
    target = real_wcs(name)
    source = mosaic_for(target)
    ours = corner_map(target, source, TangentMap)
    x, y = corners_of(target.array_shape)
    part = np.s_[::29, ::7]
    truth = np.stack(true_map(target, source, x[part].ravel(), y[part].ravel()))
    assert np.abs(ours[:, *part].reshape(2, -1) - truth).max() <= map_rounding(source)
    last = np.stack(true_map(target, source, x[-1:, -1], y[-1:, -1]))
    assert np.abs(ours[:, -1, -1:] - last).max() <= map_rounding(source)


def test_corners_on_a_distorted_source():
    target = sip(tangent())
    source = sip(tangent(orient=7.0))
    ours = corner_map(target, source, TangentMap)
    there = np.isfinite(ours[0])
    x, y = corners_of((80, 100))
    truth = np.stack(true_map(target, source, x[there], y[there])).astype(float)
    back = np.stack(source.pix2foc(*ours[:, there], 0))
    assert there.mean() > 0.5
    assert np.abs(back - truth).max() <= 1e-9 + map_rounding(source)


def test_corners_by_polynomials():
    target = tangent(ctype=("RA---ZEA", "DEC--ZEA"), shape=(150, 200))
    source = tangent(orient=5.0)
    ours = corner_map(target, source, PatchMap)
    x, y = corners_of((150, 200))
    expected = source.wcs_world2pix(*target.all_pix2world(x.ravel(), y.ravel(), 0), 0)
    assert np.abs(ours.reshape(2, -1) - expected).max() <= 1e-4


def test_corners_by_the_library_itself():
    target = tangent(ctype=("RA---ZEA", "DEC--ZEA"), shape=(9, 11))
    source = tangent(orient=5.0)
    ours = corner_map(target, source, DirectMap)
    x, y = corners_of((9, 11))
    expected = source.wcs_world2pix(*target.all_pix2world(x.ravel(), y.ravel(), 0), 0)
    assert np.array_equal(ours.reshape(2, -1), expected)


def test_corners_every_few_pixels():
    target = tangent()
    source = tangent((10.0001, 20.0001), orient=5.0)
    ours = corner_map(target, source, BilinearMap, stepsize=10)
    x, y = corners_of((80, 100))
    nodes = np.s_[::10, ::10]
    truth = np.stack(true_map(target, source, x[nodes].ravel(), y[nodes].ravel()))
    assert np.abs(ours[:, *nodes].reshape(2, -1) - truth).max() <= map_rounding(source)


@pytest.mark.parametrize("shape", [(70, 90), (20, 24)])
def test_the_outermost_corners_lie_on_the_border_of_a_bounding_box(shape):
    # A gwcs has positions from -0.5 to n - 0.5: the corners of all pixels, and no more.
    fits_target = tangent(shape=shape)
    target = gwcs_like(fits_target, bounded=False)
    ny, nx = shape
    target.bounding_box = ((-0.5, nx - 0.5), (-0.5, ny - 0.5))
    source = tangent(orient=5.0)
    kind = PatchMap if max(shape) > 32 else DirectMap
    ours = corner_map(target, source, kind)
    x, y = corners_of(shape)
    truth = np.stack(true_map(fits_target, source, x.ravel(), y.ravel()))
    assert np.abs(ours.reshape(2, -1) - truth).max() <= 1e-4


def test_corners_outside_of_a_bounding_box_have_no_position():
    target = gwcs_like(tangent())  # from row 9.5 on: the corners above row 9
    ours = corner_map(target, tangent(orient=5.0), PatchMap)
    assert np.isnan(ours[:, :10]).all()
    assert np.isfinite(ours[:, 10:]).all()


def test_a_part_of_a_wide_target_in_rows_of_blocks():
    target = tangent(ctype=("RA---ZEA", "DEC--ZEA"), shape=(40, 5000))
    source = tangent(orient=5.0)
    direct = DirectMap(sky_of(target, "target"), sky_of(source, "source"), CORNERS)
    plan = adaptive_map(direct, (41, 5001), 1e-4)
    ours = np.empty((2, 41, 5001))
    plan.rows(0, *ours)
    x, y = corners_of((40, 5000))
    expected = source.wcs_world2pix(*target.all_pix2world(x.ravel(), y.ravel(), 0), 0)
    assert np.abs(ours.reshape(2, -1) - expected).max() <= 1e-4
