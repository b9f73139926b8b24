"""The pixel map: exact every few pixels, bilinear between."""

import numpy as np
import pytest
from builders import demo_pair, mosaic_for, tangent
from map_checks import sip
from oracles import map_rounding

import skyblot
from skyblot.pixelmap import plan_map
from skyblot.pixelmap.direct import DirectMap
from skyblot.pixelmap.sky import sky_of


def direct_map(target, source):
    """The map by the WCS library's own functions, pixel by pixel."""
    return DirectMap(sky_of(target, "target"), sky_of(source, "source"))


@pytest.mark.parametrize("stepsize", [0, 1, None, 1.0, "1"])
def test_stepsize_up_to_one_is_exact(stepsize):
    target, source = demo_pair()
    assert np.array_equal(
        skyblot.pixel_map(target, source, stepsize=stepsize), skyblot.pixel_map(target, source)
    )


@pytest.mark.parametrize("step", [2, 7, 10, 32, 95])
@pytest.mark.parametrize("exact", ["closed", "direct"])
def test_stepsize_is_bilinear_between_exact_nodes(step, exact):
    target, source = demo_pair()
    if exact == "direct":
        target, source = tangent(), sip(tangent(orient=7.0))
    ny, nx = target.array_shape
    # Enough whole cells to reach the last pixel or pass it: nothing is extrapolated. A cell is
    # never wider than the image.
    step_y, step_x = min(step, ny - 1), min(step, nx - 1)
    rows, columns = -(-(ny - 1) // step_y), -(-(nx - 1) // step_x)
    whole = np.empty((2, rows * step_y + 1, columns * step_x + 1))
    plan = (
        plan_map(target, source, whole.shape[1:], None, 1e-4)
        if exact == "closed"
        else direct_map(target, source)
    )
    plan.rows(0, *whole)
    y, x = np.mgrid[:ny, :nx]
    j, i = np.minimum(y // step_y, rows - 1), np.minimum(x // step_x, columns - 1)
    t, u = y / step_y - j, x / step_x - i
    for nodes, ours in zip(
        (each[::step_y, ::step_x] for each in whole),
        skyblot.pixel_map(target, source, stepsize=step),
        strict=True,
    ):
        low = nodes[j, i] * (1 - u) + nodes[j, i + 1] * u
        high = nodes[j + 1, i] * (1 - u) + nodes[j + 1, i + 1] * u
        # Bilinear forms of numbers of some hundred, each with a dozen roundings; the closed form's
        # rows and points order their sums differently, which the homography carries through.
        allowed = 12 * np.spacing(np.abs(nodes).max()) + map_rounding(source)
        assert np.abs(ours - (low * (1 - t) + high * t)).max() <= allowed


def test_stepsize_on_a_real_chip(real_wcs):
    target = real_wcs("uvis1")
    source = mosaic_for(target)
    x, y = skyblot.pixel_map(target, source)
    xgrid, ygrid = skyblot.pixel_map(target, source, stepsize=10)
    for ours, exact in ((xgrid, x), (ygrid, y)):
        # Exact at the nodes (up to the order of sums), including the last whole ones.
        assert np.abs(ours - exact)[::10, ::10].max() <= map_rounding(source)
        # Between them: second derivatives of 6e-6 per pixel and kinks of the tables, h**2 / 8 and
        # more.
        assert 1e-6 < np.abs(ours - exact).max() < 0.05


@pytest.mark.parametrize("shape", [(1, 1), (1, 30), (30, 1), (2, 2), (5, 7)])
@pytest.mark.parametrize("step", [2, 10, 10**6, 10**12])
def test_stepsize_larger_than_the_image(shape, step):
    target, source = tangent(shape=shape), tangent(orient=5.0)
    exact = np.stack(skyblot.pixel_map(target, source))
    ours = np.stack(skyblot.pixel_map(target, source, stepsize=step))
    assert ours.shape == (2, *shape)
    # Over so few pixels a gnomonic map bends by less than (pixels * scale in radians)**2 pixels.
    assert np.abs(ours - exact).max() <= (30 * np.radians(1e-5)) ** 2 * 100 + 2 * map_rounding(
        source
    )
