"""A common grid as it is wished for, and what is refused."""

from types import MappingProxyType

import numpy as np
import pytest
from astropy.coordinates import ICRS, SkyCoord
from builders import no_sky, singular, tangent
from grids import grid_of, overhang, roll_of, scale_of

from skyblot import DataError, ParameterError, WCSError
from skyblot.resampling.grid import LARGEST, common_wcs


def test_a_scale_and_a_rotation_are_taken_as_they_are():
    wcs = tangent()
    grid = grid_of(wcs, scale=0.0123456789, rotation=-10.0)
    assert scale_of(grid) == pytest.approx(0.0123456789, rel=1e-14)
    assert roll_of(grid) == pytest.approx(350)
    assert overhang(grid, wcs).min() > -0.01


def test_a_size_is_width_and_height_around_the_middle_of_the_exposures():
    wcs = tangent()
    grid = grid_of(wcs, size=(60, 41))
    assert grid.array_shape == (41, 60)
    middle = grid.wcs_world2pix(*wcs.wcs_pix2world([[49.5, 39.5]], 0).T, 0)
    # The tangent point is rounded to a millionth of a degree, a tenth of these pixels.
    assert np.ravel(middle) == pytest.approx([29.5, 20], abs=0.1)


CENTRES = [
    (53.162, -27.791),
    [53.162, -27.791],
    "53.162 -27.791",
    "53.162,-27.791",
    "03:32:38.88 -27:47:27.6",
    "3h32m38.88s -27d47m27.6s",
    SkyCoord(53.162, -27.791, unit="deg"),
    SkyCoord(53.162, -27.791, unit="deg").galactic,
]


@pytest.mark.parametrize("centre", CENTRES, ids=str)
def test_a_centre_can_be_said_in_many_ways(centre):
    wcs = tangent((53.162, -27.7911))
    grid = grid_of(wcs, centre=centre, size=(30, 40))
    assert np.ravel(grid.wcs_pix2world([[14.5, 19.5]], 0)) == pytest.approx(
        [53.162, -27.791], abs=1e-9
    )


def test_around_a_centre_all_exposures_are_covered():
    wcs = tangent((53.16, -27.79))
    grid = grid_of(wcs, centre=(53.161, -27.79))
    ny, nx = grid.array_shape
    assert np.ravel(grid.wcs_pix2world([[(nx - 1) / 2, (ny - 1) / 2]], 0)) == pytest.approx(
        [53.161, -27.79], abs=1e-9
    )
    left_over = overhang(grid, wcs)
    assert left_over.min() > -0.01
    assert min(left_over[0], left_over[1]) < 1
    assert min(left_over[2], left_over[3]) < 1


FAR = (
    r"^exposures\[1\]: lies 45 degrees from the other exposures, and a grid for all would "
    r"have \d+ x \d+ pixels: leave it out, or give a size and a centre \(--size, --centre\)$"
)


def test_an_exposure_of_another_field_is_named():
    far = tangent((10.0, 65.0))
    with pytest.raises(DataError, match=FAR):
        grid_of(tangent(), far, tangent((10.0, 20.0001)))
    assert grid_of(tangent(), far, size=(100, 100), centre=(10.0, 20.0)).array_shape == (100, 100)


def test_a_nearly_empty_grid_is_refused_and_a_small_one_is_not():
    with pytest.raises(
        DataError, match=r"^exposures\[1\]: lies 0.4 degrees from the other exposures"
    ):
        grid_of(tangent(), tangent((10.0, 20.4)), tangent())
    assert grid_of(tangent(), tangent((10.001, 20.001))).array_shape


def test_an_exposure_on_the_other_side_of_the_sky_is_named():
    with pytest.raises(
        DataError, match=r"^exposures\[2\]: lies more than 80 degrees from the middle .*--centre\)$"
    ):
        grid_of(tangent(), tangent(), tangent((190.0, -21.0)))


def test_a_grid_of_too_many_pixels_is_refused():
    wide = tangent(shape=(2000, 2000))
    with pytest.raises(
        DataError,
        match=rf"^the grid: would have \d+ x \d+ pixels, expected at most {LARGEST} in all",
    ):
        grid_of(wide, scale=0.0005)
    with pytest.raises(
        ParameterError, match=f"^size: is 65536 x 65536 pixels, expected at most {LARGEST} in all$"
    ):
        grid_of(wide, size=(65536, 65536))


def test_a_grid_beside_all_exposures_is_refused():
    with pytest.raises(
        DataError, match=r"^the grid: 10 x 10 pixels of 0.036 arcsec around 11 \+21 degrees have no"
    ):
        grid_of(tangent(), size=(10, 10), centre=(11, 21))


def test_no_exposure_at_all():
    with pytest.raises(
        ParameterError, match=r"^exposures: is empty, expected one exposure at least$"
    ):
        common_wcs([])


BAD = {
    "scale": [0, -1, np.nan, np.inf, "wide", True],
    "rotation": [np.nan, "north"],
    "size": [(0, 5), 5, (5, 5, 5), (5.5, 5), "55"],
    "centre": [
        (10, 91),
        (np.nan, 0),
        "somewhere",
        (1, 2, 3),
        5.0,
        "10 95",
        SkyCoord([1, 2], [3, 4], unit="deg"),
    ],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in BAD.items() for value in values]
)
def test_what_cannot_be_wished_for_is_told(name, value):
    with pytest.raises(ParameterError, match=f"^{name} = .*expected "):
        grid_of(tangent(), **{name: value})


def test_errors_name_the_exposure():
    for wcs, words in (
        (singular(), "is singular"),
        (no_sky(), "has no celestial WCS"),
        ("x", "its WCS is a str"),
    ):
        with pytest.raises(WCSError, match=rf"^second: .*{words}"):
            common_wcs([(tangent(), (80, 100)), (wcs, (80, 100))], names=["first", "second"])


def test_a_wcs_without_sky_in_its_middle_is_told():
    wcs = tangent(scale=1.0, shape=(1000, 1000), crpix=(1, 1), ctype=("RA---SIN", "DEC--SIN"))
    with pytest.raises(
        WCSError,
        match=r"^exposures\[0\]: its WCS has no sky position around the middle, \(499.5, 499.5\)$",
    ):
        grid_of(wcs)


def test_pixels_without_area_are_told():
    class Flat:
        pixel_n_dim = world_n_dim = 2
        array_shape = (80, 100)
        world_axis_physical_types = ("pos.eq.ra", "pos.eq.dec")
        world_axis_units = ("deg", "deg")
        world_axis_object_classes = MappingProxyType(
            {"celestial": (SkyCoord, (), {"frame": ICRS()})}
        )

        def pixel_to_world_values(self, x, y):
            return 10 + 1e-5 * x, 20 + 0 * y

    with pytest.raises(
        WCSError, match=r"^exposures\[0\]: its WCS is singular: pixels around the middle"
    ):
        grid_of(Flat())


def test_what_is_beyond_the_horizon_of_a_projection_is_left_out():
    wcs = tangent(
        (10.0, 20.0), 0.8, 0.0, crpix=(51, 51), shape=(101, 240), ctype=("RA---SIN", "DEC--SIN")
    )
    wcs.array_shape = (101, 101)
    with pytest.raises(DataError, match="no tangent plane holds"):
        grid_of(wcs)
    assert grid_of(wcs, size=(20, 20), centre=(10.0, 20.0)).array_shape == (20, 20)
