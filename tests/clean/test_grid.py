"""The common grid of exposures: what it covers, and where its pixels are."""

import numpy as np
import pytest
from astropy import units
from astropy.coordinates import FK5, SkyCoord
from builders import gwcs_like, tangent
from grids import grid_of, on_grid, overhang, roll_of, scale_of
from hypothesis import given, settings
from hypothesis import strategies as st

from skyblot.demo import DemoPlan, chip_wcs
from skyblot.headers.wcs_facts import frame_statement
from skyblot.resampling.grid import common_wcs

REAL = ["uvis1", "uvis2", "ir", "hrc"]


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
