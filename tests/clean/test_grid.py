"""The common grid of exposures: what it covers, where its pixels are, and what it refuses."""

from types import MappingProxyType

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import FK5, ICRS, SkyCoord
from builders import gwcs_like, no_sky, singular, tangent
from hypothesis import given, settings
from hypothesis import strategies as st

from skyblot import DataError, ParameterError, WCSError
from skyblot.demo import DemoPlan, chip_wcs
from skyblot.headers.wcs_facts import frame_statement
from skyblot.pixelmap.sky import sky_of
from skyblot.resampling.grid import LARGEST, common_wcs

REAL = ["uvis1", "uvis2", "ir", "hrc"]


def grid_of(*wcs, **wishes):
    return common_wcs([(each, each.array_shape) for each in wcs], **wishes)


def border(wcs, count=301):
    """Positions along the outer edges of an image."""
    ny, nx = wcs.array_shape
    x, y = np.linspace(-0.5, nx - 0.5, count), np.linspace(-0.5, ny - 0.5, count)
    low, high = np.full(count, -0.5), np.ones(count)
    return np.concatenate([x, x, low, high * (nx - 0.5)]), np.concatenate(
        [low, high * (ny - 0.5), y, y]
    )


def on_grid(grid, wcs):
    """Where the border of an image lies on a grid, by the WCS library."""
    return grid.wcs_world2pix(*sky_of(wcs, "target").to_sky(*border(wcs)), 0)


def overhang(grid, *wcs):
    """How far the grid reaches beyond the exposures on its four sides, in pixels."""
    x, y = np.concatenate([on_grid(grid, each) for each in wcs], axis=1)
    ny, nx = grid.array_shape
    return np.array([x.min() + 0.5, nx - 0.5 - x.max(), y.min() + 0.5, ny - 0.5 - y.max()])


def scale_of(grid):
    return 3600 * np.sqrt(abs(np.linalg.det(grid.pixel_scale_matrix)))


def roll_of(grid):
    cd = grid.pixel_scale_matrix
    return np.degrees(np.arctan2(cd[0, 1], cd[1, 1])) % 360


def same(one, other):
    """Whether two grids have the same pixels, to the last bit."""
    names = ("crpix", "crval", "cd", "ctype", "radesys", "equinox", "lonpole")
    here, there = (
        [np.array(getattr(each.wcs, name)).tobytes() for name in names] for each in (one, other)
    )
    return here == there and one.array_shape == other.array_shape


places = st.tuples(st.floats(0, 360), st.floats(-90, 90))
turns = st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(-30, 30))


def exposures_at(place, moves, roll, sign=-1):
    """TAN images within an arcminute of a place, wherever it is on the sky."""
    centre = SkyCoord(*place, unit="deg")
    for move_x, move_y, turn in moves:
        angle, distance = (
            np.arctan2(move_x, move_y) * units.rad,
            np.hypot(move_x, move_y) * units.arcmin,
        )
        there = centre.directional_offset_by(angle, distance)
        yield tangent((there.ra.deg, there.dec.deg), 1e-4, roll + turn, sign=sign)


@given(places, st.lists(turns, min_size=1, max_size=4), st.floats(0, 360), st.sampled_from([-1, 1]))
@settings(max_examples=60, deadline=None)
def test_a_grid_covers_all_exposures_and_no_more_anywhere_on_the_sky(place, moves, roll, sign):
    exposures = list(
        exposures_at((place[0], np.degrees(np.arcsin(place[1] / 90))), moves, roll, sign)
    )
    left_over = overhang(grid := grid_of(*exposures), *exposures)
    assert left_over.min() > -0.01  # less than a hundredth of a pixel is no pixel more
    assert left_over.max() < 1.0
    assert np.linalg.det(grid.pixel_scale_matrix) < 0  # east is left
    assert (grid.wcs.crpix == np.round(grid.wcs.crpix)).all()


@pytest.mark.parametrize(
    "place", [(0.0, 0.0), (359.99999, 40.0), (0.0, 90.0), (123.0, -90.0), (77.0, 89.9999)]
)
def test_places_where_right_ascension_jumps_are_as_any_other(place):
    moves = [(0.3, 0.7, 0), (-0.6, 0.2, 5), (0.1, -0.8, -5)]
    exposures = list(exposures_at(place, moves, 20))
    assert overhang(grid_of(*exposures), *exposures).min() > -0.01
    away = grid_of(*exposures_at((50.0, 5.0), moves, 20))
    if abs(place[1]) < 80:  # at a pole "up" of exposures is relative to the pole
        assert abs(np.subtract(grid_of(*exposures).array_shape, away.array_shape)).max() <= 2


@pytest.mark.parametrize("pole", [90.0, -90.0])
def test_at_a_pole_the_mean_roll_is_that_of_the_pixels(pole):
    # Seen from the pole these are two halves of one field: their y axes are parallel, their
    # position angles are not.
    one = tangent((10.0, pole), 1e-4, 0.0)
    halves = []
    for shift in (-60, 60):
        half = tangent((10.0, pole), 1e-4, 0.0, crpix=(50 - shift, 40))
        halves.append(half)
    grid = grid_of(*halves)
    x, y = on_grid(grid, one)
    assert overhang(grid, *halves).max() < 1.0
    assert np.ptp(x[:301]) == pytest.approx(100, abs=0.01)
    assert np.ptp(y[:301]) == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("name", REAL)
def test_real_exposures_have_their_own_scale_and_roll(real_wcs, name):
    wcs = real_wcs(name)
    grid = grid_of(wcs)
    assert overhang(grid, wcs).min() > -0.02
    assert overhang(grid, wcs).max() < 1.0
    ny, nx = wcs.array_shape
    middle = np.array([(nx - 1) / 2, (ny - 1) / 2])
    steps = middle + np.array([[-8, 0], [8, 0], [0, -8], [0, 8]])
    x, y = grid.wcs_world2pix(*wcs.all_pix2world(*steps.T, 0), 0)
    across, up = (np.array([x[b] - x[a], y[b] - y[a]]) / 16 for a, b in ((0, 1), (2, 3)))
    assert abs(np.linalg.det([across, up])) == pytest.approx(1, abs=1e-4)
    assert np.degrees(np.arctan2(up[0], up[1])) == pytest.approx(0, abs=1e-2)  # y stays up


def test_real_chips_together(real_wcs):
    chips = [real_wcs("uvis1"), real_wcs("uvis2")]
    grid = grid_of(*chips)
    assert overhang(grid, *chips).min() > -0.02
    assert scale_of(grid) == pytest.approx(0.0396, rel=0.01)
    assert grid.wcs.radesys == "ICRS"


@pytest.mark.parametrize("file", ["nircam.asdf", "miri.asdf"])
def test_real_gwcs(real_headers, file):
    asdf = pytest.importorskip("asdf")
    with asdf.open(real_headers.parent / "real_gwcs" / file) as tree:
        wcs = tree["wcs"]
        shape = (2048, 2048) if file.startswith("nircam") else (1024, 1032)
        grid = common_wcs([(wcs, shape)])
    expected = {"nircam.asdf": 0.063, "miri.asdf": 0.11}[file]
    assert scale_of(grid) == pytest.approx(expected, rel=0.02)
    assert np.prod(grid.array_shape) < 2 * np.prod(shape)


def test_a_gwcs_has_the_grid_of_the_fits_wcs_that_it_is():
    wcs = tangent()
    gwcs = gwcs_like(wcs)  # of which the first ten rows are outside of its bounds
    assert same(grid_of(gwcs_like(wcs, bounded=False)), grid_of(wcs))
    rows = grid_of(wcs).array_shape[0] - grid_of(gwcs).array_shape[0]
    assert rows == 10


def test_the_order_of_exposures_and_noise_of_a_billionth_do_not_matter():
    plan = DemoPlan(exposures=3, chip_shape=(96, 160))
    chips = [chip_wcs(plan, index, chip) for index in range(3) for chip in (1, 2)]
    grid = grid_of(*chips)
    rng = np.random.default_rng(1)
    for _ in range(5):
        moved = [chips[k].deepcopy() for k in rng.permutation(6)]
        for each in moved:
            each.wcs.crpix = each.wcs.crpix + 1e-9 * rng.standard_normal(2)
        assert same(grid, grid_of(*moved))


@pytest.mark.parametrize("noise", [-1e-9, 0, 1e-9])
def test_exposures_in_round_numbers_are_not_on_the_edge_of_something_else(noise):
    # The borders of this image are those of pixels, and the middle of its pixels is half of one
    # from the other's.
    wcs = tangent((10.0, 0.0), 1e-5, 0.0, crpix=(50.5 + noise, 40.5 + noise), shape=(80, 100))
    other = tangent(
        (10.0 + 5e-6 + noise * 1e-5, 0.0),
        1e-5 * (1 + noise * 1e-3),
        noise * 1e-3,
        crpix=(50.5, 40.5),
    )
    grid = grid_of(wcs, other)
    assert same(
        grid,
        grid_of(*(tangent((10.0 + k * 5e-6, 0.0), 1e-5, 0.0, crpix=(50.5, 40.5)) for k in (0, 1))),
    )
    assert scale_of(grid) == pytest.approx(0.036)
    assert roll_of(grid) == 0


def test_the_mean_roll_goes_around_the_circle():
    assert roll_of(grid_of(tangent(orient=350.0), tangent(orient=20.0))) == pytest.approx(
        5, abs=1e-3
    )


def test_rolls_that_cancel_have_north_up():
    assert roll_of(grid_of(tangent(orient=37.0), tangent(orient=217.0))) == 0


def test_the_scale_is_the_median_of_the_chips():
    assert scale_of(grid_of(*(tangent(scale=k * 1e-5) for k in (1, 2, 9)))) == pytest.approx(0.072)


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


FK5_2000 = {"radesys": "FK5", "equinox": 2000.0}
FK5_1975 = {"radesys": "FK5", "equinox": 1975.0}
NOTHING = {"radesys": ""}
#: What headers state, and the frame of the grid, with its equinox.
FRAMES = {
    "all ICRS": ([{}, {}], ("ICRS", None)),
    "all FK5": ([FK5_2000, FK5_2000], ("FK5", 2000)),
    "all FK5 of another equinox": ([FK5_1975, FK5_1975], ("FK5", 1975)),
    "not the same": ([{}, FK5_2000], ("ICRS", None)),
    "two equinoxes": ([FK5_2000, FK5_1975], ("ICRS", None)),
    "one does not say": ([FK5_2000, NOTHING], ("FK5", 2000)),
    "none says": ([NOTHING, NOTHING], ("ICRS", None)),
    "an equinox alone": ([{"equinox": 2000.0, **NOTHING}] * 2, ("FK5", 2000)),
    "an equinox alone, and ICRS": ([{"equinox": 2000.0, **NOTHING}, {}], ("ICRS", None)),
    "Galactic": ([{"ctype": ("GLON-TAN", "GLAT-TAN")}] * 2, ("ICRS", None)),
}


@pytest.mark.parametrize("name", FRAMES)
def test_the_frame_is_that_on_which_all_agree(name):
    facts, (radesys, equinox) = FRAMES[name]
    exposures = [tangent(scale=1e-3, **each) for each in facts]
    for each in exposures:
        each.skyblot_frame = frame_statement(
            {"RADESYS": each.wcs.radesys, "EQUINOX": each.wcs.equinox}
        )
    header = grid_of(*exposures).to_header()
    assert header["RADESYS"] == radesys
    assert header.get("EQUINOX") == equinox


def test_exposures_in_another_frame_lie_where_they_are():
    galactic = tangent((120.0, 30.0), ctype=("GLON-TAN", "GLAT-TAN"))
    grid = grid_of(galactic)
    there = SkyCoord(
        *galactic.wcs_pix2world([[49.5, 39.5]], 0)[0], unit="deg", frame="galactic"
    ).icrs
    middle = grid.wcs_world2pix([[there.ra.deg, there.dec.deg]], 0)[0]
    ny, nx = grid.array_shape
    assert middle == pytest.approx([(nx - 1) / 2, (ny - 1) / 2], abs=0.6)


def test_a_centre_of_a_text_is_in_the_frame_of_the_grid():
    exposures = [tangent((53.16, -27.79), radesys="FK5", equinox=1975.0)]
    exposures[0].skyblot_frame = "stated"
    grid = grid_of(*exposures, centre="03:32:38.4 -27:47:24", size=(9, 9))
    assert grid.wcs.crval == pytest.approx([53.16, -27.79], abs=1e-9)
    there = SkyCoord(53.16, -27.79, unit="deg", frame=FK5(equinox="J1975")).icrs
    again = grid_of(*exposures, centre=there, size=(9, 9))
    assert again.wcs.crval == pytest.approx([53.16, -27.79], abs=1e-9)


def test_a_grid_survives_its_header():
    from astropy.wcs import WCS

    grid = grid_of(tangent((10.0, 90.0), orient=70.0))
    again = WCS(grid.to_header())
    assert again.wcs_pix2world([[3, 9]], 0) == pytest.approx(
        grid.wcs_pix2world([[3, 9]], 0), abs=1e-10
    )


def test_no_exposure_is_changed():
    wcs = chip_wcs(DemoPlan(exposures=1, chip_shape=(96, 160)), 0, 1)
    before = wcs.to_header(relax=True).tostring()
    grid_of(wcs)
    assert wcs.to_header(relax=True).tostring() == before


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
