"""The ablot task: every form of the call, and the name of the output."""

import inspect
import re
from pathlib import Path

import numpy as np
import pytest
from task_data import (
    F32,
    assert_same,
    by_hand,
    flat_pair,
    linear_part,
    pixels_of,
    run_blot,
    scale_of,
)

from skyblot import ablot
from skyblot.errors import FileError, ParameterError

# Calls.


def test_names_and_signatures():
    assert list(inspect.signature(ablot.blot).parameters) == [
        "data", "reference", "outdata", "configObj", "wcsmap", "editpars", "input_dict"
    ]  # fmt: skip
    spec = inspect.signature(ablot.do_blot)
    assert str(spec).startswith("(source")
    assert {k: p.default for k, p in spec.parameters.items() if p.default is not p.empty} == {
        "coeffs": True, "interp": "poly5", "sinscl": 1.0, "stepsize": 10, "wcsmap": None
    }  # fmt: skip
    names = ["imageObjectList", "output_wcs", "configObj", "wcsmap", "procSteps"]
    assert list(inspect.signature(ablot.runBlot).parameters) == names
    assert list(inspect.signature(ablot.run).parameters) == ["configObj", "wcsmap"]
    assert list(inspect.signature(ablot.getHelpAsString).parameters) == ["docstring", "show_ver"]
    assert list(inspect.signature(ablot.help).parameters) == ["file"]
    assert (ablot.__taskname__, ablot.STEP_NUM, ablot.PROCSTEPS_NAME) == ("ablot", 5, "Blot")


@pytest.mark.parametrize(
    "call",
    [
        lambda d, r: ablot.blot(d, r, "o.fits"),
        lambda d, r: ablot.blot(d, r, "o.fits", None, None, False),
        lambda d, r: ablot.blot(d, r, "o.fits", configObj=None, wcsmap=None, editpars=False),
        lambda d, r: ablot.blot(d, "o.fits", reference=r),
        lambda d, r: ablot.blot(d, "o.fits", None, reference=r),
        lambda d, r: ablot.blot(d, "o.fits", {"addsky": True}, None, False, reference=r),
        lambda d, r: ablot.blot(d, "o.fits", "defaults", reference=r),
        lambda d, r: ablot.blot(d, "o.fits", {"reference": r}),
        lambda d, r: ablot.blot(d, outdata="o.fits", reference=r),
        lambda d, r: ablot.blot(d, r, outdata="o.fits"),
        lambda d, r: ablot.blot(data=d, reference=r, outdata="o.fits"),
        lambda d, r: ablot.blot(configObj={"data": d, "reference": r, "outdata": "o.fits"}),
        lambda d, r: ablot.blot(
            d, configObj={"data": "other.fits", "reference": r, "outdata": "o.fits"}
        ),
        lambda d, r: ablot.run({"data": d, "reference": r, "outdata": "o.fits"}),
        lambda d, r: ablot.blot(Path(d), Path(r), Path("o.fits")),
    ],
)
def test_every_form_of_the_call(pair, call):
    assert call(pair.data, pair.reference) is None
    assert_same(pixels_of(), by_hand(pair))


def test_data_and_output_with_user_wcs_values(pair):
    """Without a reference the data's own header gives what the values do not."""
    ablot.blot(pair.data, "o.fits", outnx=30, outny=20, xrefpix=10.5, out_units="cps", addsky=False)
    target = linear_part(pair.source_wcs())
    target.wcs.crpix = [10.5, target.wcs.crpix[1]]
    target.array_shape = (20, 30)
    assert_same(
        pixels_of(), by_hand(pair, target=target, scale=scale_of(target), exptime=1.0, sky=0.0)
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "data, reference and outdata are not given"),
        ({"data": "d.fits"}, "reference and outdata are not given"),
        ({"data": "d.fits", "outdata": "o.fits"}, "reference is not given"),
        ({"data": None, "reference": "", "outdata": "o"}, "data and reference are not given"),
        ({"outnx": 5}, "data, reference and outdata are not given"),
        ({"outnx": 5, "outdata": "o"}, "data and reference are not given"),
    ],
)
def test_missing_images_are_named(given, message):
    with pytest.raises(ParameterError, match=re.escape(message)):
        ablot.blot(**given)


def test_wrong_calls():
    with pytest.raises(TypeError, match="at most 6 positional"):
        ablot.blot(*"abcdefg")
    with pytest.raises(TypeError, match="'reference' both"):
        ablot.blot("d", "r", "o", reference="r")


@pytest.mark.parametrize("value", [200.4, "200.5"])
def test_a_size_is_a_whole_number(pair, value):
    with pytest.raises(
        ParameterError, match=rf"outnx = {value!r}: expected a whole number, at least 1"
    ):
        ablot.blot(pair.data, pair.reference, "o.fits", outnx=value)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("intrep", "interp"), ("step_size", "stepsize"), ("in_unit", "in_units"),
        ("out_nx", "outnx"), ("referenc", "reference"), ("usr_wcs", "user_wcs"),
        ("interpl", "interpol"), ("COEFFS", "coeffs"),
    ],
)  # fmt: skip
def test_unknown_parameter_has_the_closest_name(pair, name, hint):
    with pytest.raises(ParameterError, match=f"unknown parameter '{name}' .closest: '{hint}'"):
        run_blot(pair, **{name: 1})
    with pytest.raises(
        ParameterError,
        match=f"configObj, section .S.: unknown parameter '{name}' .closest: '{hint}'",
    ):
        run_blot(pair, configObj={"S": {name: 1}})
    assert not Path("o.fits").exists()


# The output's name.


@pytest.mark.parametrize(
    ("outdata", "written"),
    [
        ("o", "o.fits"), ("o.fits", "o.fits"), ("o.fit", "o.fit.fits"), ("o.fits[sci,1]", "o.fits"),
        ("o[sci,1]", "o.fits"), ("o[sci,2].fits", "o[sci,2].fits"),
        ("with [brackets]/o.fits[sci,1]", None),
    ],
)  # fmt: skip
def test_output_name(tmp_path, outdata, written):
    written = written or "with [brackets]/o.fits"
    (tmp_path / "with [brackets]").mkdir()
    before = set(tmp_path.rglob("*.fits"))
    names = flat_pair(tmp_path)
    ablot.blot(*names, f"{tmp_path}/{outdata}", out_units="cps")
    assert set(tmp_path.rglob("*.fits")) - before == {
        tmp_path / written,
        tmp_path / "flat.fits",
        tmp_path / "ref.fits",
    }
    np.testing.assert_allclose(pixels_of(tmp_path / written), 2, rtol=4 * F32)


def test_an_existing_output_is_replaced(pair):
    Path("o.fits").write_text("not even FITS")
    assert_same(run_blot(pair), by_hand(pair))


def test_an_input_is_never_replaced(pair):
    before = Path(pair.reference.partition("[")[0]).read_bytes()
    with pytest.raises(FileError, match="is an input file"):
        ablot.blot(pair.data, pair.reference, pair.reference)
    assert Path(pair.reference.partition("[")[0]).read_bytes() == before
