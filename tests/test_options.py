"""The rest of the table of parameters: criteria, products and runs, as one or by name."""

import dataclasses

import pytest

from skyblot.errors import ParameterError
from skyblot.parameters.mosaic import (
    DRIZZLE,
    GRID,
    MATCH,
    WRITING,
    Drizzling,
    Grid,
    Matching,
    Writing,
)
from skyblot.parameters.options import CRITERIA, HOMES, MASKS, PLANES, RUN, RunOptions, given_values
from skyblot.parameters.table import Recipe, Sampling
from skyblot.rejection.criteria import Criteria
from skyblot.steps.copies import Products
from skyblot.steps.planes import Planes

SETS = [
    (RunOptions, RUN),
    (Products, MASKS),
    (Planes, PLANES),
    (Criteria, CRITERIA),
    (Grid, GRID),
    (Matching, MATCH),
    (Drizzling, DRIZZLE),
    (Writing, WRITING),
]


@pytest.mark.parametrize(("values", "rows"), SETS, ids=lambda each: getattr(each, "__name__", ""))
def test_every_set_of_values_is_its_part_of_the_table(values, rows):
    assert {field.name for field in dataclasses.fields(values)} == {row.name for row in rows}
    for row in rows:
        assert getattr(values(), row.name) == row.default
        assert row.help.endswith(".")
        assert row.words or row.kind in ("flag", "bool")


def test_a_name_means_one_thing_wherever_it_can_be_given():
    for homes in (
        ("recipe", "blots", "options"),
        ("recipe", "criteria", "planes", "masks", "options"),
        ("recipe", "planes", "masks", "options", "grid", "match", "drizzle", "writing"),
    ):
        names = [row.name for home in homes for row in HOMES[home]]
        assert len(set(names)) == len(names)


def test_none_is_a_word_where_it_is_a_choice():
    assert Matching(sky="none").sky == "none"
    assert Matching(sky="None", single=" none ").single == "none"
    assert Matching(sky=None).sky == Matching(sky="").sky == "match"
    assert Recipe(interp="none").interp == Recipe().interp


def test_values_that_travel_as_one_are_checked():
    with pytest.raises(ParameterError, match="resume = 'perhaps': expected yes or no"):
        RunOptions(resume="perhaps")
    assert RunOptions(overwrite="yes").override({"threads": 2}) == RunOptions(
        overwrite=True, threads=2
    )
    with pytest.raises(ParameterError, match=r"unknown parameter 'thread' \(closest: 'threads'\)"):
        given_values({"thread": 2}, ("recipe", "options"))
    assert Recipe(interp="sinc", sinscl=0.8, tolerance=0.01).sampling == Sampling(
        "sinc", 0.8, None, 0.01
    )
