"""The table of parameters."""

import dataclasses
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skyblot.errors import ParameterError
from skyblot.parameters.table import BY_NAME, INTERPOLANTS, TABLE, Parameters, UserWCS, parameter

ROWS = pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)


def names_of(cls):
    return {field.name for field in dataclasses.fields(cls)}


# The table.


def test_rows_are_the_fields_of_the_dataclasses():
    assert len({row.name for row in TABLE}) == len(TABLE)
    assert names_of(Parameters) - {"user_wcs"} | names_of(UserWCS) == {row.name for row in TABLE}
    assert {row.name for row in TABLE if row.section.startswith("User")} == names_of(UserWCS)


@ROWS
def test_default_is_the_dataclass_default_and_parses_to_itself(row):
    default = dict(Parameters().items())[row.name]
    assert default == row.default
    assert type(default) is type(row.default)
    if row.default is not None:
        parsed = row.parse(row.default)
        assert parsed == row.default
        assert type(parsed) is type(row.default)
        assert row.parse(str(row.default)) == row.default


@ROWS
def test_every_row_explains_itself(row):
    assert row.help.endswith(".")
    assert row.option == "--" + row.name.replace("_", "-")
    assert row.allowed


@pytest.mark.parametrize(
    "row", [row for row in TABLE if row.name != "expkey"], ids=lambda row: row.name
)
def test_a_bad_value_is_an_error_with_name_value_and_what_is_allowed(row):
    with pytest.raises(ParameterError) as caught:
        row.parse("no such value")
    assert str(caught.value).startswith(f"{row.name} = 'no such value': expected {row.allowed}")


@pytest.mark.parametrize("word", ["yes", "YES", "True", "true", "on", "1", "y", " t ", True, 1])
def test_spellings_of_true(word):
    assert BY_NAME["coeffs"].parse(word) is True


@pytest.mark.parametrize("word", ["no", "No", "False", "off", "0", "n", "F", False, 0])
def test_spellings_of_false(word):
    assert BY_NAME["coeffs"].parse(word) is False


@pytest.mark.parametrize("word", ["maybe", "2", 2, "", None, "none", 1.5, []])
def test_what_is_not_a_boolean(word):
    with pytest.raises(ParameterError, match=r"coeffs = .*: expected yes or no"):
        BY_NAME["coeffs"].parse(word)


@pytest.mark.parametrize("word", [None, "", "None", "none", "INDEF", " indef "])
@pytest.mark.parametrize("name", ["stepsize", "outscale", "outnx", "decref"])
def test_spellings_of_nothing(name, word):
    assert BY_NAME[name].parse(word) is None


@pytest.mark.parametrize("word", [None, "", "None", "INDEF"])
@pytest.mark.parametrize("name", ["sinscl", "addsky", "skyval", "expout"])
def test_nothing_is_not_a_value_of_what_needs_one(name, word):
    with pytest.raises(ParameterError, match=name):
        BY_NAME[name].parse(word)


@pytest.mark.parametrize("word", [None, "", "none"])
def test_no_word_is_the_default_word(word):
    assert BY_NAME["expkey"].parse(word) == "exptime"


@pytest.mark.parametrize(
    ("value", "expected"), [("10", 10), (" 3 ", 3), (4, 4), (5.0, 5), ("6.0", 6), ("0", 0)]
)
def test_whole_numbers(value, expected):
    parsed = BY_NAME["stepsize"].parse(value)
    assert parsed == expected
    assert type(parsed) is int


@pytest.mark.parametrize("value", [-3, "-3", 2.5, "2.5", "ten", math.nan, math.inf, True, [1], 1j])
def test_what_is_not_a_step(value):
    with pytest.raises(
        ParameterError, match=r"stepsize = .*: expected a whole number, at least 0, or nothing"
    ):
        BY_NAME["stepsize"].parse(value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sinscl", 0.0),
        ("sinscl", -1),
        ("skyval", "nan"),
        ("skyval", math.inf),
        ("skyval", True),
        ("outscale", 0),
        ("outscale", -0.05),
        ("decref", 90.001),
        ("decref", -91),
        ("outnx", 0),
        ("outny", -5),
        ("expout", 0),
        ("expout", "-1"),
        ("expout", "nan"),
        ("expout", "inf"),
        ("expout", "output"),
        ("fill_value", True),
        ("fill_value", "black"),
    ],
)
def test_out_of_range(name, value):
    with pytest.raises(ParameterError, match=f"{name} = "):
        BY_NAME[name].parse(value)


def test_fill_value_may_be_nan_and_expout_a_word():
    assert math.isnan(BY_NAME["fill_value"].parse("nan"))
    assert BY_NAME["expout"].parse(" INPUT ") == "input"
    assert BY_NAME["expout"].parse("12.5") == 12.5


@pytest.mark.parametrize("name", INTERPOLANTS)
def test_interpolants_in_any_case(name):
    assert BY_NAME["interp"].parse(name.upper()) == name


@pytest.mark.parametrize(
    ("given_name", "nearest"),
    [("poly4", "poly"), ("lanczos", "lanczos"), ("bilinear", "linear"), ("neares", "nearest")],
)
def test_unknown_interpolant_lists_all_and_the_closest(given_name, nearest):
    with pytest.raises(ParameterError) as caught:
        BY_NAME["interp"].parse(given_name)
    message = str(caught.value)
    assert message.startswith(f"interp = '{given_name}': expected one of {', '.join(INTERPOLANTS)}")
    assert f"(closest: '{nearest}" in message


def test_a_word_like_no_choice_has_no_closest():
    with pytest.raises(ParameterError) as caught:
        BY_NAME["in_units"].parse("xyzzy")
    assert str(caught.value) == "in_units = 'xyzzy': expected one of auto, cps, counts"


def test_unknown_parameter_names_the_closest_else_all():
    with pytest.raises(ParameterError, match=r"unknown parameter 'intrep' \(closest: 'interp'\)"):
        parameter("intrep")
    with pytest.raises(ParameterError) as caught:
        parameter("qqqq")
    assert all(row.name in str(caught.value) for row in TABLE)


ANYTHING = st.one_of(
    st.text(),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
    st.binary(),
    st.complex_numbers(),
    st.lists(st.integers()),
    st.sampled_from(
        ["yes", "INDEF", "input", "sky", "1e400", "-0", "١", "1_0", "0x10", "nan", "poly5 "]
    ),
)


@settings(deadline=None, max_examples=300, database=None)
@given(row=st.sampled_from(TABLE), value=ANYTHING)
def test_parse_raises_nothing_else_and_what_it_returns_parses_to_itself(row, value):
    try:
        parsed = row.parse(value)
    except ParameterError:
        return
    again = row.parse(parsed)
    assert again == parsed or (math.isnan(again) and math.isnan(parsed))
    if row.choices:
        assert parsed in row.choices


# One set of parameters.


def test_override_validates_and_leaves_the_original():
    first = Parameters()
    second = first.override(
        {"interp": "LINEAR", "outscale": "0.05", "stepsize": 10.0, "addsky": "no"}
    )
    assert first == Parameters()
    assert (second.interp, second.user_wcs.outscale, second.stepsize, second.addsky) == (
        "linear",
        0.05,
        10,
        False,
    )
    third = second.override({"orient": 30})
    assert third.user_wcs == UserWCS(outscale=0.05, orient=30.0)
    assert third.override({"outscale": None}).user_wcs.given == {"orient": 30.0}
    with pytest.raises(ParameterError, match="unknown parameter 'interpolant'"):
        first.override({"interpolant": "linear"})
    with pytest.raises(dataclasses.FrozenInstanceError):
        first.interp = "linear"


def test_from_values_and_items_are_inverse():
    values = dict(Parameters().items())
    values |= {
        "interp": "sinc",
        "sinscl": 0.75,
        "raref": 12.5,
        "outnx": 100,
        "expout": 3.5,
        "coeffs": False,
    }
    parameters = Parameters.from_values(values)
    assert dict(parameters.items()) == values
    assert [name for name, _ in parameters.items()] == [row.name for row in TABLE]
    assert Parameters.from_values() == Parameters()


def test_zero_is_given():
    given_values = UserWCS(orient=0.0, raref=0.0, xrefpix=0.0).given
    assert given_values == {"orient": 0.0, "raref": 0.0, "xrefpix": 0.0}
