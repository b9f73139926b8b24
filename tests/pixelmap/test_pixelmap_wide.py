"""The pixel map: a source 30000 pixels wide."""

import numpy as np
import pytest
from builders import blot_at, sky_image, tangent
from map_checks import sip
from oracles import assert_map, local_peak, map_rounding, pixel_grid, tolerance

import skyblot


@pytest.fixture
def wide_pair(tmp_path):
    """A sparse memory map (ny, nx) = (200, 30000) with an image near its right end, and WCS that
    point there.
    """
    image = sky_image((200, 400))
    path = tmp_path / "wide.dat"
    wide = np.memmap(path, dtype=np.float32, mode="w+", shape=(200, 30000))
    wide[:, 29000:29400] = image
    wide.flush()
    source = tangent(scale=1.1e-5, crpix=(15000.0, 100.0), shape=(200, 30000))
    crval = [float(value) for value in source.wcs_pix2world(29200.0, 100.0, 0)]
    target = sip(tangent(crval, orient=33.0, crpix=(60.0, 50.0), shape=(100, 120)))
    return np.memmap(path, dtype=np.float32, mode="r", shape=(200, 30000)), source, target, image


def test_coordinates_are_exact_on_a_wide_source(wide_pair):
    _, source, target, _ = wide_pair
    source.wcs.set()
    x, y = skyblot.pixel_map(target, source)
    grid_x, grid_y = pixel_grid(target.array_shape)
    assert 29000 < x.min() < x.max() < 29400
    assert_map((x, y), target, source, grid_x, grid_y)
    # float32 coordinates, what others use, are off by half an ulp of 29000.
    assert 0.0005 < np.abs(x - x.astype(np.float32)).max() <= 2.0**-10


@pytest.mark.parametrize("interp", ["nearest", "poly5", "spline3", "sinc"])
def test_blot_of_a_wide_source_equals_that_of_its_cutout(wide_pair, interp):
    wide, source, target, image = wide_pair
    cutout = source.slice((slice(None), slice(29000, 29400)))
    ours = skyblot.blot(wide, source, target, interp=interp)
    expected = skyblot.blot(image, cutout, target, interp=interp)
    x, y = skyblot.pixel_map(target, cutout)
    assert np.ptp(ours) > 100
    peak = local_peak(image, x, y)
    # The whole map is displaced by rounding (`map_rounding`), of images that change by a peak per
    # pixel.
    assert (
        np.abs(ours.astype(float) - expected) <= (tolerance("cutout") + map_rounding(source)) * peak
    ).all()
    # Coordinates rounded to float32 would show.
    if interp == "poly5":
        rough = blot_at(image, x, y + 0.0005, interp)
        assert (
            np.abs(rough - expected) > (tolerance("cutout") + map_rounding(source)) * peak
        ).mean() > 0.5
