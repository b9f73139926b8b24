"""The sky of exposures, against the levels that were put into simulated ones."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sky_camera import SHAPE, Camera, affine

from skyblot import ParameterError, SkyblotWarning
from skyblot.demo import DemoPlan, chip_wcs
from skyblot.demo.detector import READ_NOISE, exposure_facts
from skyblot.demo.hst import chip_frame, demo_scene
from skyblot.pixelmap.fits_exact import tangent_map
from skyblot.pixelmap.sky import sky_of
from skyblot.resampling.blocks import bin_chip
from skyblot.resampling.grid import common_wcs
from skyblot.resampling.skymatch import match_sky

#: Levels are to be within this part of the noise of a pixel.
ALLOWED = 0.02
LEVELS = [50.0, 61.0, 44.0, 90.0]
DITHERS = [(0, 0), (17.3, -22.8), (-31.6, 14.1), (24.9, 33.3)]


def expose_all(camera, scene, count=4, **more):
    for k in range(count):
        camera.expose(scene, LEVELS[k], offset=DITHERS[k], roll=1.5 * k, **more)


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("name", ["empty", "stars", "crowded", "nebula", "giant"])
def test_differences_of_levels_are_those_put_in_whatever_there_is_to_see(scenes, name, count):
    camera = Camera()
    expose_all(camera, scenes[name], count)
    assert camera.relative_misses(camera.match()).max() < ALLOWED


@pytest.mark.parametrize("method", ["match", "plane"])
@pytest.mark.parametrize("name", ["empty", "stars", "nebula"])
def test_levels_themselves_are_right_where_some_sky_is_seen(scenes, name, method):
    camera = Camera(2)
    expose_all(camera, scenes[name])
    assert camera.misses(camera.match(method)).max() < ALLOWED


@pytest.mark.parametrize("name", ["empty", "stars"])
def test_each_by_itself_is_right_where_most_is_sky(scenes, name):
    camera = Camera(4)
    expose_all(camera, scenes[name])
    assert camera.misses(camera.match("local")).max() < ALLOWED


def test_exposure_time_orientation_and_pixel_size_do_not_matter(scenes):
    camera = Camera()
    for k, time in enumerate((200, 400, 1000)):
        pixel = 1 + 0.3 * k
        camera.expose(
            scenes["stars"],
            LEVELS[k] * pixel,
            offset=DITHERS[k],
            roll=90 * k,
            time=time,
            pixel=pixel,
        )
    assert camera.misses(camera.match()).max() < ALLOWED


def test_what_one_exposure_alone_has_does_not_pull_it(scenes):
    camera = Camera()
    expose_all(camera, scenes["stars"], 3)
    camera.expose(scenes["stars"], 50.0, ghost=lambda x, y: 8.0 * (np.hypot(x - 120, y - 90) < 80))
    assert camera.misses(camera.match()).max() < ALLOWED


def test_the_demo_set_has_the_levels_of_its_headers():
    plan = DemoPlan(exposures=3, seed=22, cosmic_fraction=0.05)
    scene = demo_scene(plan)
    ids = [(index, chip) for index in range(3) for chip in (1, 2)]
    frames = [chip_frame(plan, *each, scene) for each in ids]
    wcs = [chip_wcs(plan, *each) for each in ids]
    facts = [exposure_facts(plan, index) for index, _ in ids]
    truth = np.array([each.sky[chip] for each, (_, chip) in zip(facts, ids, strict=True)])
    grid = sky_of(common_wcs([(each, plan.chip_shape) for each in wcs]), "source")
    maps = [tangent_map(sky_of(each, "target"), grid, plan.chip_shape).at for each in wcs]
    binned = [bin_chip(frame.sci, frame.dq == 0) for frame in frames]
    found = match_sky(binned, maps, [1 / each.exptime_s for each in facts])
    assert found.groups == ((0, 1, 2, 3, 4, 5),)  # by strips of 20 pixels
    assert (np.abs(found.levels - truth) / np.sqrt(truth + READ_NOISE**2)).max() < ALLOWED


def plane_chip(level, slopes, to_common, sky=(0.0, 0.0), factor=1.0):
    """A chip without noise: a plane of its own, and a slope of the sky that all see."""
    y, x = np.indices(SHAPE).astype(float)
    own = level + slopes[0] * (x - (SHAPE[1] - 1) / 2) + slopes[1] * (y - (SHAPE[0] - 1) / 2)
    seen = to_common(x.ravel(), y.ravel())
    data = own + (sky[0] * seen[0] + sky[1] * seen[1]).reshape(SHAPE) / factor
    binned = bin_chip(data, np.ones(SHAPE, bool), 32)
    return replace(binned, errors=np.full_like(binned.errors, 0.1 / factor))


offsets = st.tuples(st.floats(-60, 60), st.floats(-60, 60))
chips = st.tuples(st.floats(-1e3, 1e3), offsets, st.floats(0, 360), st.floats(0.1, 10))


@given(
    st.lists(chips, min_size=2, max_size=4), st.tuples(st.floats(-0.1, 0.1), st.floats(-0.1, 0.1))
)
@settings(max_examples=40, deadline=None)
def test_a_gradient_of_the_sky_moves_no_level_however_blocks_lie(exposures, sky):
    maps = [affine(offset, roll) for _, offset, roll, _ in exposures]
    factors = [factor for *_, factor in exposures]
    binned = [
        plane_chip(level, (0, 0), to_common, sky, factor)
        for (level, _, _, factor), to_common in zip(exposures, maps, strict=True)
    ]
    found = match_sky(binned, maps, factors)
    away = factors * (found.levels - [level for level, *_ in exposures])
    assert np.ptp(away) < 1e-6 * max(1, np.abs(found.levels * factors).max())


@given(st.lists(st.tuples(*[st.floats(-0.01, 0.01)] * 2, offsets), min_size=3, max_size=3))
@settings(max_examples=10, deadline=None)
def test_planes_are_found_but_for_one_that_all_have_in_common(planes):
    slopes = np.array([plane[:2] for plane in planes])
    maps = [affine(offset) for *_, offset in planes]
    binned = [
        plane_chip(100.0, each, to_common) for each, to_common in zip(slopes, maps, strict=True)
    ]
    found = match_sky(binned, maps, method="plane")
    # The wish for flat planes has a thousandth of the weight of the overlaps.
    assert found.slopes - found.slopes.mean(axis=0) == pytest.approx(
        slopes - slopes.mean(axis=0), abs=1e-4
    )
    # Each counts by its overlaps, which may be half of another's.
    assert found.slopes.mean(axis=0) == pytest.approx(0, abs=0.2 * (np.ptp(slopes) + 1e-6))


def test_slopes_of_chips_that_see_the_same_have_the_mean_0():
    slopes = np.array([(0.01, 0), (0, -0.02), (0.004, 0.001)])
    binned = [plane_chip(100.0, each, affine()) for each in slopes]
    found = match_sky(binned, [affine()] * 3, method="plane")
    assert found.slopes.mean(axis=0) == pytest.approx(0, abs=1e-12)
    assert found.slopes == pytest.approx(slopes - slopes.mean(axis=0), abs=1e-4)
    assert found.levels == pytest.approx(100)


def test_a_plane_is_evaluated_about_the_middle_of_the_chip():
    maps = [affine(), affine((5, 9))]
    found = match_sky(
        [plane_chip(10, (0.02, 0), maps[0]), plane_chip(10, (-0.02, 0), maps[1])],
        maps,
        method="plane",
    )
    middle = (SHAPE[1] - 1) / 2
    assert found.at(0, middle, 0) == pytest.approx(found.levels[0])
    assert found.at(0, middle + 100, 7) - found.levels[0] == pytest.approx(2, abs=0.01)


def test_the_order_of_exposures_does_not_matter(scenes):
    camera = Camera()
    expose_all(camera, scenes["stars"], 3)
    found = camera.match()
    order = [2, 0, 1]
    turned = match_sky(
        *([each[k] for k in order] for each in (camera.chips, camera.maps, camera.factors))
    )
    assert turned.levels == pytest.approx(found.levels[order], rel=1e-9)


def test_without_its_shared_part_the_lowest_level_is_0(scenes):
    camera = Camera()
    expose_all(camera, scenes["stars"], 3)
    found = camera.match()
    relative = (found.levels - found.shared) * camera.factors
    assert np.ptp(found.shared * camera.factors) < 1e-12
    truth = np.array(camera.levels) * camera.factors
    assert relative - relative.min() == pytest.approx(truth - truth.min(), abs=3e-4)


def test_pairs_say_what_they_differ_by(scenes):
    camera = Camera()
    expose_all(camera, scenes["empty"], 2)
    (pair,) = camera.match().pairs
    truth = camera.levels[0] * camera.factors[0] - camera.levels[1] * camera.factors[1]
    assert (pair.first, pair.second) == (0, 1)
    assert abs(pair.difference - truth) < 5 * pair.error
    assert 400 < pair.blocks <= 768


def test_groups_that_nothing_connects_are_told_and_have_levels_of_their_own():
    maps = [affine(), affine((30, 10)), affine((5000, 0)), affine((5020, 0))]
    binned = [
        plane_chip(level, (0, 0), each)
        for level, each in zip((10, 12, 500, 480), maps, strict=True)
    ]
    with pytest.warns(SkyblotWarning, match="connect 2 groups of exposures.*: a with b; c with d$"):
        found = match_sky(binned, maps, names="abcd")
    assert found.groups == ((0, 1), (2, 3))
    assert found.levels == pytest.approx([10, 12, 500, 480])


def test_many_groups_are_not_all_named():
    maps = [affine((5000 * k, 0)) for k in range(6)]
    binned = [plane_chip(10 + k, (0, 0), each) for k, each in enumerate(maps)]
    with pytest.warns(
        SkyblotWarning, match=r"connect 6 groups of exposures.*: a; b; c; d; \.\.\.$"
    ):
        found = match_sky(binned, maps, names="abcdef")
    assert found.levels == pytest.approx(np.arange(10, 16))


@pytest.mark.parametrize("width", [20, 40, 100])
def test_a_strip_of_more_than_half_a_block_connects_chips(width):
    maps = [affine(), affine((SHAPE[1] - width, 0))]
    binned = [
        plane_chip(10, (0, 0), maps[0], (0.05, 0)),
        plane_chip(30, (0, 0), maps[1], (0.05, 0)),
    ]
    found = match_sky(binned, maps)
    assert found.groups == ((0, 1),)
    assert found.levels[1] - found.levels[0] == pytest.approx(20)


def test_a_chip_without_good_pixels_has_no_sky_and_that_is_told():
    binned = [bin_chip(np.full(SHAPE, 7.0), np.full(SHAPE, is_good)) for is_good in (True, False)]
    maps = [affine(), affine()]
    for method in ("match", "local"):
        with pytest.warns(SkyblotWarning) as caught:
            found = match_sky(binned, maps, method=method, names=["a", "b"])
        told = [str(each.message) for each in caught]
        assert "b: no part of it has enough good pixels to tell its sky: 0 is taken" in told
        assert found.levels == pytest.approx([7, 0])


def test_positions_that_are_not_on_the_grid_say_nothing():
    def half(x, y):
        return np.where(x < 200, np.nan, x), y

    binned = [plane_chip(10, (0, 0), affine()), plane_chip(30, (0, 0), affine((40, 0)))]
    found = match_sky(binned, [half, affine((40, 0))])
    assert found.levels == pytest.approx([10, 30])


def test_a_chip_of_which_little_is_known_is_not_taken_for_the_lowest(scenes):
    camera = Camera()
    expose_all(camera, scenes["empty"], 3)
    few = camera.chips[2].values.copy()
    few[:, :10] = few[:, 11:] = few[:8] = few[12:] = np.nan
    few[8:12, 10] -= [0.0, 0.4, 0.8, 1.2]  # a bad column
    camera.chips[2] = replace(camera.chips[2], values=few)
    assert camera.misses(camera.match())[:2].max() < ALLOWED


def test_none_is_zeros():
    found = match_sky([plane_chip(10, (0, 0), affine())], [affine()], method="none")
    assert found.levels.tolist() == [0.0]


def test_what_is_not_allowed_is_told():
    chip = plane_chip(10, (0, 0), affine())
    with pytest.raises(ParameterError, match=r"^method = 'best': expected one of match"):
        match_sky([chip], [affine()], method="best")
    for factors in ([0.0], [np.nan], [1.0, 2.0]):
        with pytest.raises(ParameterError, match=r"^factors = .*: expected 1 numbers above 0$"):
            match_sky([chip], [affine()], factors)
