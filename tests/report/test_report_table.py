"""The table of chips and the list of flagged objects, from numbers."""

import base64
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from report_data import chip

from skyblot.report.chip import ChipReport, Pictures
from skyblot.report.objects import MOST, objects_of
from skyblot.report.remask import with_mask
from skyblot.report.table import table_of
from skyblot.report.view import picture_of

pytest.importorskip("PIL.Image", reason="pictures need matplotlib, which brings Pillow")

MASKS = arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12)))


def odd_of(values, key="noise"):
    """Which chips stand out by a number."""
    rows = [{key: value} for value in values]
    table = table_of([str(k) for k in range(len(rows))], rows, [()] * len(rows))
    return [k for k, (cell,) in enumerate(table.cells) if cell.odd]


def test_what_is_far_from_the_median_stands_out():
    usual = [1.0, 1.01, 0.99, 1.02, 0.98]
    # median deviation 0.01: 5 x 1.4826 x 0.01 is less than 5 x 0.02, 2 percent of the median
    assert odd_of([*usual, 1.09]) == []
    assert odd_of([*usual, 1.2, 0.8]) == [5, 6]
    assert odd_of([1.0, 1.0, 1.0, 9.0]) == []  # too few to tell
    assert odd_of([*usual, math.nan]) == []


def test_a_number_can_be_odd_alone():
    table = table_of(
        ["a", "b", "c"],
        [
            {"rejected": 0.05, "expected low": 0.01, "expected high": 0.02},
            {"rejected": 0.015, "expected low": 0.01, "expected high": 0.02, "flux ratio": 1.2,
             "flux ratio error": 0.01},
            {"rejected": 0.015, "dx": 0.2, "dy": 0.0, "registration error": 0.01},
        ],
        [(), ("careful",), ()],
    )  # fmt: skip
    odd = [[cell.odd for cell in row if cell.odd] for row in table.cells]
    assert odd == [["not as expected"], ["off by more than 0.1"], ["more than 0.1 pixel"]]
    assert table.titles == ["rejected", "expected", "registration [pixel]", "flux ratio"]
    assert table.csv[0] == [
        "chip", "rejected", "expected low", "expected high", "dx", "dy", "registration error",
        "flux ratio", "flux ratio error", "warnings",
    ]  # fmt: skip
    assert table.csv[2] == ["b", 0.015, 0.01, 0.02, None, None, None, 1.2, 0.01, "careful"]
    assert table.cells[0][0].text == "5.00 %"
    assert table.cells[2][2].text == "+0.200, +0.000"
    assert table.cells[2][3] == ("–", None, "")


def grown(mask):
    """Pixels that touch, as sets, one after the other."""
    left = {tuple(place) for place in np.argwhere(mask)}
    groups = []
    while left:
        group, edge = set(), {left.pop()}
        while edge:
            group |= edge
            near = {(y + a, x + b) for y, x in edge for a in (-1, 0, 1) for b in (-1, 0, 1)}
            edge = near & left
            left -= edge
        groups.append(group)
    return groups


@given(MASKS, st.integers(0, 1000))
def test_objects_are_groups_that_touch_the_largest_residual_first(mask, seed):
    residual = np.random.default_rng(seed).normal(0, 20, mask.shape).astype("f4")
    objects = objects_of(mask, residual)
    groups = grown(mask)
    assert objects.count == len(objects.x) == len(groups)
    sizes = np.abs(objects.peak)
    assert np.all(np.diff(sizes) <= 0)
    for group in groups:
        top = max(group, key=lambda place: abs(residual[place]))
        (k,) = np.flatnonzero((objects.y == top[0]) & (objects.x == top[1]))
        assert objects.peak[k] == residual[top]
        assert all(max(abs(y - top[0]), abs(x - top[1])) <= objects.radius[k] for y, x in group)


def test_objects_as_text_and_those_without_a_residual():
    mask = np.zeros((5, 9), bool)
    mask[1, 2] = mask[3, 7] = mask[4, 0] = True
    residual = np.full(mask.shape, np.nan, "f4")
    residual[3, 7] = 12.34
    residual[4, 0] = -1e9
    text = base64.b64decode(objects_of(mask, residual).text)
    assert len(text) == 3 * 7
    assert np.frombuffer(text[:6], "<u2").tolist() == [0, 7, 2]
    assert np.frombuffer(text[6:12], "<u2").tolist() == [4, 3, 1]
    assert np.frombuffer(text[12:18], "<i2").tolist() == [-32767, 123, 0]
    assert list(text[18:]) == [1, 1, 1]


def test_the_strongest_objects_are_listed():
    mask = np.zeros((400, 400), bool)
    mask[::2, ::2] = True
    residual = np.arange(mask.size, dtype="f4").reshape(mask.shape)
    objects = objects_of(mask, residual)
    assert objects.count == 40_000
    assert len(objects.x) == MOST
    assert objects.peak.min() == np.sort(residual[mask])[-MOST]


# A mask that has changed since.


@pytest.mark.parametrize("earlier", [False, True])
@pytest.mark.parametrize("size", [1024, 64])
def test_a_picture_with_another_mask_is_that_of_the_mask(tmp_path, earlier, size):
    one = chip()
    more = {"earlier": np.roll(one.mask, 5, axis=1)} if earlier else {}
    before = ChipReport(one.name, one.exposure, one.blot, one.residual_sigma, one.mask, **more)
    mask = one.mask.copy()
    mask[80:90, 140:150] = False
    mask[3, 3] = True
    after = ChipReport(one.name, one.exposure, one.blot, one.residual_sigma, mask, **more)
    how = Pictures(tmp_path, size)
    count = int(np.count_nonzero(mask))
    changed = with_mask(picture_of(before, how), mask, count, mask.size)
    wanted = picture_of(after, how)
    assert changed.tiles == wanted.tiles
    assert changed.row["objects"] == wanted.row["objects"]
    assert changed.row == wanted.row
    assert changed.values["facts"] == wanted.values["facts"]
    assert changed.values["summary"] == wanted.values["summary"]
    data, right = changed.values["data"], wanted.values["data"]
    assert data["mask_state"] == right["mask_state"]
    assert data["objects"]["count"] == right["objects"]["count"]
    assert with_mask(changed, mask, count, mask.size) is changed
