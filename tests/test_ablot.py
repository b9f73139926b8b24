"""The ablot task: DrizzlePac's interface, its documented results, and what it used to do wrong."""

import inspect
import math
import os
import re
import subprocess
import sys
import threading
from collections import OrderedDict
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
import task_data
from astropy.io import fits
from configobj import ConfigObj
from task_data import (
    F32,
    IDCSCALE,
    assert_same,
    expected,
    flat_pair,
    linear_part,
    read_wcs,
    scale_of,
    tangent,
    wcs_cards,
)

import skyblot
from skyblot import ablot
from skyblot.errors import DataError, FileError, ParameterError, SkyblotError, SkyblotWarning
from skyblot.task.teal import pars_folder, task_cfg, task_spec

#: As documented by DrizzlePac.
DOCUMENTED = {
    "coeffs": True, "interp": "poly5", "sinscl": 1.0, "stepsize": 10, "addsky": True, "skyval": 0.0,
    "in_units": "cps", "out_units": "counts", "expkey": "exptime", "expout": "input", "outscale": None, "orient": None,
    "raref": None, "decref": None, "xrefpix": None, "yrefpix": None, "outnx": None, "outny": None,
}  # fmt: skip
DOCUMENTED_INTERP = ("nearest", "linear", "poly3", "poly5", "sinc")
USER_WCS = ("outscale", "orient", "raref", "decref", "xrefpix", "yrefpix", "outnx", "outny")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    return folder, task_data.demo_pair(folder)


@pytest.fixture
def pair(made, monkeypatch):
    """The names of a mosaic and an exposure; the current folder is theirs, and holds nothing else."""
    folder, names = made
    kept = {name.partition("[")[0] for name in (names.data, names.reference)}
    for path in folder.iterdir():
        if path.name not in kept:
            path.unlink()
    monkeypatch.chdir(folder)
    return names


def pixels_of(path="o.fits"):
    return fits.getdata(path, ("SCI", 1)).astype(np.float32)


def run_blot(pair, **parameters):
    ablot.blot(pair.data, pair.reference, "o.fits", **parameters)
    return pixels_of()


def by_hand(pair, *, target=None, scale=IDCSCALE, exptime=None, sky=None, rate=1.0, stepsize=10, **how):
    """What a blot must be: DESIGN 7, every factor written out."""
    source_wcs = pair.source_wcs()
    exptime = pair.value("EXPTIME") if exptime is None else exptime
    sky = pair.value("MDRIZSKY", ("SCI", 1)) if sky is None else sky
    ratio = scale_of(source_wcs) / scale
    target = pair.target_wcs() if target is None else target
    factor = rate * exptime / ratio**2
    return expected(pair.pixels(), source_wcs, target, factor=factor, sky=sky, stepsize=stepsize, **how)


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
        lambda d, r: ablot.blot(d, outdata="o.fits", reference=r),
        lambda d, r: ablot.blot(d, r, outdata="o.fits"),
        lambda d, r: ablot.blot(data=d, reference=r, outdata="o.fits"),
        lambda d, r: ablot.blot(configObj={"data": d, "reference": r, "outdata": "o.fits"}),
        lambda d, r: ablot.blot(d, configObj={"data": "other.fits", "reference": r, "outdata": "o.fits"}),
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
    assert_same(pixels_of(), by_hand(pair, target=target, scale=scale_of(target), exptime=1.0, sky=0.0))


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


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("intrep", "interp"), ("step_size", "stepsize"), ("in_unit", "in_units"), ("out_nx", "outnx"),
        ("referenc", "reference"), ("usr_wcs", "user_wcs"), ("interpl", "interpol"), ("COEFFS", "coeffs"),
    ],
)  # fmt: skip
def test_unknown_parameter_has_the_closest_name(pair, name, hint):
    with pytest.raises(ParameterError, match=f"unknown parameter '{name}' .closest: '{hint}'"):
        run_blot(pair, **{name: 1})
    with pytest.raises(ParameterError, match=f"configObj, section .S.: unknown parameter '{name}' .closest: '{hint}'"):
        run_blot(pair, configObj={"S": {name: 1}})
    assert not Path("o.fits").exists()


# Every parameter, one by one.


def test_the_documented_defaults(pair):
    default = run_blot(pair)
    assert_same(default, by_hand(pair))
    assert np.array_equal(run_blot(pair, **DOCUMENTED), default)
    assert np.ptp(default) > 50
    assert default.dtype == np.float32


def test_coeffs(pair):
    linear = linear_part(pair.target_wcs())
    default, blot = run_blot(pair), run_blot(pair, coeffs=False)
    assert_same(blot, by_hand(pair, target=linear))
    assert np.abs(blot - default).max() > 1
    # The file's WCS is the one the pixels are on: none of the distortion is left in it.
    written = read_wcs("o.fits[sci,1]")
    assert not written.has_distortion
    assert [str(name) for name in written.wcs.ctype] == ["RA---TAN", "DEC--TAN"]
    assert np.array_equal(written.wcs.cd, linear.wcs.cd)


@pytest.mark.parametrize("interp", [*DOCUMENTED_INTERP, "spline3", "lanczos3", "lanczos5"])
def test_interp(pair, interp):
    blot = run_blot(pair, interp=interp)
    assert_same(blot, by_hand(pair, interp=interp))
    if interp != "poly5":
        assert np.abs(blot - run_blot(pair)).max() > 1


def test_sinscl(pair):
    blot = run_blot(pair, interp="sinc", sinscl=0.7)
    assert_same(blot, by_hand(pair, interp="sinc", sinscl=0.7))
    assert np.abs(blot - run_blot(pair, interp="sinc")).max() > 1


@pytest.mark.parametrize("stepsize", [2, 10, 33, "10", 10.0])
def test_stepsize(pair, stepsize):
    """Exact every so many pixels, so: there the exact blot, and between them another one."""
    blot = run_blot(pair, stepsize=stepsize)
    step = int(stepsize)
    assert_same(blot, by_hand(pair, stepsize=step))
    exact = by_hand(pair, stepsize=None)
    # The positions at the nodes are the same to a rounding (1e-9 pixel), hence so are the values.
    at_nodes = np.abs(blot - exact)[::step, ::step]
    assert at_nodes.max() <= task_data.ROUNDING * exact.max()
    assert np.abs(blot - exact).max() > 4 * at_nodes.max()


@pytest.mark.parametrize("stepsize", [1, 0, None, "", "None", "INDEF"])
def test_stepsize_exact(pair, stepsize):
    assert_same(run_blot(pair, stepsize=stepsize), by_hand(pair, stepsize=None))


@pytest.mark.parametrize(("addsky", "skyval", "sky"), [(True, 7.5, None), (False, 7.5, 7.5), (False, 0.0, 0.0)])
def test_addsky_and_skyval(pair, addsky, skyval, sky):
    assert pair.value("MDRIZSKY", ("SCI", 1)) > 10
    assert_same(run_blot(pair, addsky=addsky, skyval=skyval), by_hand(pair, sky=sky))


@pytest.mark.parametrize("in_units", ["cps", "counts"])
@pytest.mark.parametrize("out_units", ["cps", "counts"])
def test_units(pair, in_units, out_units):
    total = fits.getval(pair.data.partition("[")[0], "EXPTIME", ("SCI", 1))
    exptime = pair.value("EXPTIME")
    assert total != exptime
    wanted = by_hand(
        pair, rate=1 / total if in_units == "counts" else 1.0, exptime=exptime if out_units == "counts" else 1.0
    )
    in_counts = pytest.warns(SkyblotWarning, match="MDRIZSKY is in ELECTRONS and the blot in cps")
    with in_counts if out_units == "cps" else nullcontext():
        assert_same(run_blot(pair, in_units=in_units, out_units=out_units), wanted)


@pytest.mark.parametrize("in_units", ["cps", "counts"])
@pytest.mark.parametrize("out_units", ["cps", "counts"])
def test_units_of_a_flat_image(tmp_path, in_units, out_units):
    """Flat 2 cps image, EXPTIME 400 (data) and 100 (reference), equal scales: item 4 of the issue."""
    documented = {("cps", "cps"): 2, ("cps", "counts"): 200, ("counts", "cps"): 0.005, ("counts", "counts"): 0.5}
    out = tmp_path / "o.fits"
    ablot.blot(*flat_pair(tmp_path), out, in_units=in_units, out_units=out_units)
    value = documented[in_units, out_units]
    np.testing.assert_allclose(pixels_of(out), value, rtol=4 * F32)


def test_expkey(pair):
    fits.setval(pair.reference.partition("[")[0], "MYTIME", value=33.0, ext=0)
    assert_same(run_blot(pair, expkey="mytime"), by_hand(pair, exptime=33.0))
    assert_same(run_blot(pair, expkey="MYTIME"), by_hand(pair, exptime=33.0))
    fits.delval(pair.reference.partition("[")[0], "MYTIME", ext=0)


@pytest.mark.parametrize(("expout", "exptime"), [("input", None), ("INPUT", None), (50.0, 50.0), ("50", 50.0)])
def test_expout(pair, expout, exptime):
    assert_same(run_blot(pair, expout=expout), by_hand(pair, exptime=exptime))


def user_target(pair, values):
    """The TAN WCS of some user values and, for the others, of the reference."""
    base = linear_part(pair.target_wcs())
    ny, nx = base.array_shape
    orient = math.degrees(math.atan2(base.wcs.cd[0, 1], base.wcs.cd[1, 1]))
    raref, decref = base.wcs.crval
    xrefpix, yrefpix = base.wcs.crpix
    own = {
        "outscale": scale_of(base), "orient": orient, "raref": raref, "decref": decref, "xrefpix": xrefpix,
        "yrefpix": yrefpix, "outnx": nx, "outny": ny,
    } | values  # fmt: skip
    return tangent(
        (own["outny"], own["outnx"]), own["outscale"], own["orient"], (own["raref"], own["decref"]),
        (own["xrefpix"], own["yrefpix"]),
    )  # fmt: skip


USER_VALUES = {
    "outscale": 0.03, "orient": 12.5, "raref": 53.1625, "decref": -27.7905, "xrefpix": 70.5, "yrefpix": 40.0,
    "outnx": 111, "outny": 77,
}  # fmt: skip


@pytest.mark.parametrize("name", [*USER_WCS, "all"])
def test_user_wcs_value_takes_effect_alone_and_without_the_switch(pair, name):
    values = USER_VALUES if name == "all" else {name: USER_VALUES[name]}
    target = user_target(pair, values)
    blot = run_blot(pair, **values)
    assert_same(blot, by_hand(pair, target=target, scale=scale_of(target)))
    assert np.array_equal(run_blot(pair, **values, user_wcs=True), blot)
    assert np.array_equal(run_blot(pair, **values, user_wcs="yes"), blot)
    written = read_wcs("o.fits[sci,1]")
    assert not written.has_distortion
    x, y = np.array([0.0, 50.0, 20.0]), np.array([0.0, 30.0, 70.0])
    # Degrees: the rounding of 53 is 7e-15, the header's cards have 16 digits.
    np.testing.assert_allclose(written.all_pix2world(x, y, 0), target.all_pix2world(x, y, 0), rtol=0, atol=1e-12)


@pytest.mark.parametrize("switch", [False, "no", "False"])
def test_user_wcs_no_ignores_the_values(pair, switch):
    default = run_blot(pair)
    assert np.array_equal(run_blot(pair, **USER_VALUES, user_wcs=switch), default)
    flat = {**USER_VALUES, "user_wcs": switch}
    assert np.array_equal(run_blot(pair, configObj=flat), default)
    assert np.array_equal(run_blot(pair, configObj={"User WCS Parameters": flat}), default)


def test_user_wcs_of_the_call_decides_over_that_of_the_configuration(pair):
    default, chosen = run_blot(pair), run_blot(pair, **USER_VALUES)
    for config in ({**USER_VALUES, "user_wcs": "no"}, {"User WCS Parameters": {**USER_VALUES, "user_wcs": False}}):
        assert np.array_equal(run_blot(pair, configObj=config, user_wcs=True), chosen)
        # A keyword is a value that was given.
        one = run_blot(pair, configObj=config, outnx=50)
        assert one.shape == (default.shape[0], 50)
    assert np.array_equal(run_blot(pair, configObj=USER_VALUES, user_wcs=False), default)
    with pytest.raises(ParameterError, match="user_wcs = 'maybe': expected yes or no"):
        run_blot(pair, user_wcs="maybe")


@pytest.mark.parametrize("unset", [None, "", "None", " indef "])
def test_unset_numbers_have_their_defaults(pair, unset):
    default = run_blot(pair, addsky=False)
    numbers = dict.fromkeys([*USER_WCS, "sinscl", "skyval", "expout"], unset)
    assert np.array_equal(run_blot(pair, addsky=False, **numbers), default)
    assert np.array_equal(run_blot(pair, configObj={**numbers, "addsky": False}), default)
    assert np.array_equal(run_blot(pair, addsky=False, configObj={"outnx": 30}, outnx=unset), default)


@pytest.mark.parametrize(
    ("alias", "name", "value"),
    [
        ("interpol", "interp", "linear"), ("blot_interp", "interp", "nearest"), ("blot_addsky", "addsky", False),
        ("blot_skyval", "skyval", 9.0), ("blot_sinscl", "sinscl", 0.6),
    ],
)  # fmt: skip
def test_aliases(pair, alias, name, value):
    more = {"sinscl": {"interp": "sinc"}, "skyval": {"addsky": False}}.get(name, {})
    wanted = run_blot(pair, **{name: value}, **more)
    assert not np.array_equal(wanted, run_blot(pair, **more))
    assert np.array_equal(run_blot(pair, **{alias: value}, **more), wanted)
    assert np.array_equal(run_blot(pair, configObj={"Section": {alias: value}}, **more), wanted)


@pytest.mark.parametrize(("word", "value"), [("yes", True), ("no", False), ("True", True), ("off", False), (1, True)])
def test_booleans_as_teal_spells_them(pair, word, value):
    for name in ("coeffs", "addsky"):
        assert np.array_equal(run_blot(pair, **{name: word}), run_blot(pair, **{name: value}))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"interp": "poly6"}, r"interp = 'poly6': expected one of .*closest: 'poly5'"),
        ({"interpol": "cubic"}, "interp = 'cubic': expected one of"),
        ({"in_units": "electrons"}, "in_units = 'electrons': expected one of .*cps, counts"),
        ({"addsky": "maybe"}, "addsky = 'maybe': expected yes or no"),
        ({"editpars": "maybe"}, "editpars = 'maybe': expected yes or no"),
        ({"stepsize": "x"}, "stepsize = 'x': expected a whole number"),
        ({"sinscl": "x"}, "sinscl = 'x': expected a number"),
        ({"expout": "abc"}, "expout = 'abc': expected 'input' or a number"),
        ({"expout": -1}, "expout = -1"),
        ({"decref": 91}, "decref = 91: .*at most 90"),
        ({"outnx": 0}, "outnx = 0: .*at least 1"),
    ],
)
def test_values_are_validated(pair, values, message):
    with pytest.raises(ParameterError, match=message):
        run_blot(pair, **values)
    assert not Path("o.fits").exists()


# The output's name.


@pytest.mark.parametrize(
    ("outdata", "written"),
    [
        ("o", "o.fits"), ("o.fits", "o.fits"), ("o.fit", "o.fit.fits"), ("o.fits[sci,1]", "o.fits"),
        ("o[sci,1]", "o.fits"), ("o[sci,2].fits", "o[sci,2].fits"), ("with [brackets]/o.fits[sci,1]", None),
    ],
)  # fmt: skip
def test_output_name(tmp_path, outdata, written):
    written = written or "with [brackets]/o.fits"
    (tmp_path / "with [brackets]").mkdir()
    before = set(tmp_path.rglob("*.fits"))
    names = flat_pair(tmp_path)
    ablot.blot(*names, f"{tmp_path}/{outdata}", out_units="cps")
    assert set(tmp_path.rglob("*.fits")) - before == {tmp_path / written, tmp_path / "flat.fits", tmp_path / "ref.fits"}
    np.testing.assert_allclose(pixels_of(tmp_path / written), 2, rtol=4 * F32)


def test_an_existing_output_is_replaced(pair):
    Path("o.fits").write_text("not even FITS")
    assert_same(run_blot(pair), by_hand(pair))


def test_an_input_is_never_replaced(pair):
    before = Path(pair.reference.partition("[")[0]).read_bytes()
    with pytest.raises(FileError, match="is an input file"):
        ablot.blot(pair.data, pair.reference, pair.reference)
    assert Path(pair.reference.partition("[")[0]).read_bytes() == before


# configObj.

CFG = """\
_task_name_ = ablot#
data = "{data}"# Input data image
reference = {reference}# with a comma, and no quotes
outdata = o.fits# Filename for output blotted image
coeffs = True# Use header-based distortion coefficients?
interpol = poly3# Interpolant
stepsize = 20# Number of pixels for WCS interpolation
addsky = no# "Add sky using MDRIZSKY value from header?"
skyval = 3.5# Custom sky value

[Data Scaling Parameters]
in_units = cps# Units
out_units = counts# Units
expkey = exptime# Keyword
expout = 50.0# Exposure time

[User WCS Parameters]
user_wcs = False# Use custom WCS?
outscale = 0.1# not used
outnx = 50# Size of output image's X-axis (pixels)
outny = None# Size of output image's Y-axis (pixels)
"""
CFG_VALUES = {"interp": "poly3", "stepsize": 20, "sky": 3.5, "exptime": 50.0}


@pytest.mark.parametrize("config", [None, "defaults", "Defaults", " defaults ", "", {}, OrderedDict(), ConfigObj()])
def test_config_defaults(pair, config):
    assert_same(run_blot(pair, configObj=config), by_hand(pair))


def as_text(pair):
    Path("my.cfg").write_text(CFG.format(data=pair.data, reference=pair.reference))
    return "my.cfg"


def as_path(pair):
    return Path(as_text(pair))


def as_config(pair):
    return ConfigObj(as_text(pair))


def as_config_without_lists(pair):
    return ConfigObj(as_text(pair), list_values=False)


def as_nested(pair):
    wcs = {"user_wcs": False, "outscale": 0.1, "outnx": 50, "outny": None}
    return {
        "_task_name_": "ablot", "data": pair.data, "reference": pair.reference, "outdata": "o.fits", "coeffs": True,
        "interpol": "poly3", "stepsize": 20, "addsky": False, "skyval": 3.5,
        "Data Scaling Parameters": {"expout": "50"}, "User WCS Parameters": wcs, "_RULES_": {"_rule5_": "True"},
    }  # fmt: skip


def as_flat(pair):
    nested = as_nested(pair)
    sections = [name for name in nested if name.endswith("Parameters")]
    return {name: value for name, value in nested.items() if name not in sections} | {
        name: value for section in sections for name, value in nested[section].items()
    }


FORMS = [as_text, as_path, as_config, as_config_without_lists, as_nested, as_flat]


@pytest.mark.parametrize("form", FORMS)
def test_config_forms(pair, form):
    wanted = by_hand(pair, **CFG_VALUES)
    ablot.blot(configObj=form(pair))
    assert_same(pixels_of(), wanted)
    ablot.run(form(pair))
    assert_same(pixels_of(), wanted)
    # Keywords override it.
    ablot.blot(configObj=form(pair), outdata="p", skyval=4.5, interp="linear")
    assert_same(pixels_of("p.fits"), by_hand(pair, **CFG_VALUES | {"sky": 4.5, "interp": "linear"}))


@pytest.mark.parametrize("form", FORMS)
def test_config_is_not_modified(pair, form):
    config = form(pair)
    saved = Path(config).read_bytes() if isinstance(config, str | Path) else repr(config)
    ablot.blot(
        pair.data, pair.reference, "p", configObj=config, interp="linear", outny=9, xrefpix=25, yrefpix=5, user_wcs=True
    )
    assert (Path(config).read_bytes() if isinstance(config, str | Path) else repr(config)) == saved


def test_a_file_name_in_a_mapping_is_taken_as_it_is(tmp_path):
    """Quotes and # are a matter of .cfg files."""
    folder = tmp_path / "#1 'a'"
    folder.mkdir()
    data, reference = flat_pair(folder)
    config = {"data": data, "reference": Path(reference), "outdata": str(folder / "o#1.fits"), "out_units": "cps"}
    ablot.blot(configObj=config)
    np.testing.assert_allclose(pixels_of(folder / "o#1.fits"), 2, rtol=4 * F32)


def test_nothing_is_read_from_home_or_the_current_folder(pair, tmp_path, monkeypatch):
    poisoned = "_task_name_ = ablot\ninterpol = nearest\naddsky = False\nskyval = 1000.0\n"
    (tmp_path / ".teal").mkdir()
    for path in (tmp_path / ".teal/ablot.cfg", tmp_path / "ablot.cfg", Path("ablot.cfg"), Path("any_name.cfg")):
        path.write_text(poisoned)
    for name in ("HOME", "USERPROFILE", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    for config in (None, "defaults", {}):
        assert_same(run_blot(pair, configObj=config), by_hand(pair))
    assert_same(run_blot(pair, configObj="ablot.cfg"), by_hand(pair, interp="nearest", sky=1000.0))
    assert not (tmp_path / ".teal/teal.cfg").exists()


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("poly3", "poly4", ["my.cfg: ", "interp = 'poly4'", "nearest", "sinc"]),
        ("50.0", "soon", ["my.cfg, section [Data Scaling Parameters]", "expout = 'soon'", "'input' or a number"]),
        ("outnx = 50", "outnx = 5.5", ["my.cfg, section [User WCS Parameters]", "outnx = '5.5'", "whole number"]),
        ("out_units", "out_unit", ["my.cfg, section [Data Scaling", "unknown parameter 'out_unit'", "'out_units'"]),
    ],
)
def test_a_bad_file_is_explained(pair, old, new, words):
    path = Path(as_text(pair))
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(ParameterError) as caught:
        ablot.blot(configObj=str(path))
    assert [word for word in words if word not in str(caught.value)] == []
    assert not Path("o.fits").exists()


def test_what_is_no_configuration(pair):
    with pytest.raises(FileError, match=r"none\.cfg: no such file"):
        run_blot(pair, configObj="none.cfg")
    with pytest.raises(ParameterError, match="configObj = 5: expected None, 'defaults'"):
        run_blot(pair, configObj=5)


# wcsmap.


def ramp(shape=(60, 60), dtype=np.float32):
    """Values that say where they are from."""
    y, x = np.indices(shape)
    return (x + 100 * y).astype(dtype)


class Identity:
    """As DrizzlePac's IdentityMap."""

    def __init__(self, input, output):
        self.input, self.output = input, output

    def forward(self, pixx, pixy):
        return pixx, pixy


class LinearMap:
    """As DrizzlePac's LinearMap: one array of shape (2, n)."""

    def __init__(self, xsh=0.0, ysh=0.0, rot=0.0, scale=1.0):
        c, s = scale * np.cos(np.radians(rot)), scale * np.sin(np.radians(rot))
        self.matrix, self.shift = np.array([[c, s], [-s, c]]), np.array([[xsh], [ysh]])

    def forward(self, pixx, pixy):
        return self.matrix @ np.array([pixx, pixy]) + self.shift


class Bound:
    def make(self, blot_wcs, source_wcs):
        return LinearMap(3, 2)


@pytest.mark.parametrize(
    ("wcsmap", "shift"),
    [
        (Identity, (0, 0)),
        (Identity(None, None), (0, 0)),
        (LinearMap, (0, 0)),
        (LinearMap(3, 2), (3, 2)),
        (lambda blot_wcs, source_wcs: LinearMap(xsh=3, ysh=2), (3, 2)),
        (Bound().make, (3, 2)),
    ],
)
def test_wcsmap(wcsmap, shift):
    """Without the map, the two WCS would shift by 10: the map alone says where pixels are from."""
    source, target = tangent((60, 60)), tangent((40, 40))
    image = ramp()
    blot = ablot.do_blot(image, source, target, 2.0, wcsmap=wcsmap)
    x, y = shift
    np.testing.assert_array_equal(blot, 2 * image[y : y + 40, x : x + 40])


def test_wcsmap_of_the_task(tmp_path):
    names = flat_pair(tmp_path, data=ramp())
    for form in ({"wcsmap": LinearMap(3, 2)}, {"wcsmap": LinearMap(3, 2), "configObj": "defaults"}):
        ablot.blot(*names, tmp_path / "o.fits", out_units="cps", **form)
        np.testing.assert_array_equal(pixels_of(tmp_path / "o.fits"), ramp()[2:42, 3:43])
    ablot.run({"data": names[0], "reference": names[1], "outdata": str(tmp_path / "p")}, wcsmap=Identity)
    np.testing.assert_allclose(pixels_of(tmp_path / "p.fits"), 100 * ramp()[:40, :40], rtol=4 * F32)


def test_wcsmap_gets_target_then_source_and_counts_from_1():
    source, target = tangent((300, 210)), tangent((280, 200), orient=10)
    calls = []

    class Recorder(Identity):
        def forward(self, x, y):
            assert x.dtype == y.dtype == np.float64
            assert x.ndim == 1
            calls.append((x.copy(), y.copy(), threading.get_ident()))
            assert self.input.wcs.cd.tolist() == target.wcs.cd.tolist()
            assert self.output.wcs.cd.tolist() == source.wcs.cd.tolist()
            return x, y

    ablot.do_blot(ramp((300, 210)), source, target, 1.0, wcsmap=Recorder)
    # Band by band: more than one call, far fewer than rows; every pixel once.
    assert 1 < len(calls) < 20
    seen = {(int(x), int(y)) for xs, ys, _ in calls for x, y in zip(xs, ys, strict=True)}
    assert seen == {(x, y) for x in range(1, 201) for y in range(1, 281)}
    assert sum(xs.size for xs, *_ in calls) == 280 * 200


def test_wcsmap_exact_geometry_by_hand(pair):
    """The two WCS as a wcsmap is what the task does by itself, exactly."""

    class Both:
        def __init__(self, blot_wcs, source_wcs):
            self.blot, self.source = blot_wcs, source_wcs

        def forward(self, x, y):
            return self.source.wcs_world2pix(*self.blot.all_pix2world(x, y, 1), 1)

    blot = run_blot(pair, wcsmap=Both)
    assert_same(blot, by_hand(pair, stepsize=None))
    # stepsize is about the map from the two WCS.
    assert np.array_equal(run_blot(pair, wcsmap=Both, stepsize=50), blot)


def test_wcsmap_nan_is_uncovered():
    class Holes(Identity):
        def forward(self, x, y):
            bad = x <= 5
            return np.where(bad, np.nan, x), np.where(y > 39, np.inf, y)

    blot = ablot.do_blot(ramp() + 1, tangent((60, 60)), tangent((40, 40)), 1.0, wcsmap=Holes)
    wanted = ramp()[:40, :40] + 1
    wanted[:, :5] = wanted[39:] = 0
    np.testing.assert_array_equal(blot, wanted)


@pytest.mark.parametrize(
    ("wcsmap", "error", "message"),
    [
        (lambda b, s: type("M", (), {"forward": lambda self, x, y: (x[:3], y[:3])})(), ParameterError, "two arrays of"),
        (lambda b, s: type("M", (), {"forward": lambda self, x, y: x})(), ParameterError, "returned ndarray"),
        (lambda b, s: type("M", (), {"forward": lambda self, x, y: None})(), ParameterError, "returned NoneType"),
        (lambda b, s: type("M", (), {"forward": lambda self, x, y: ("a", "b")})(), ParameterError, "returned tuple"),
        (lambda b, s: object(), ParameterError, "object has no method forward"),
        (5, ParameterError, "wcsmap = 5: expected a class or function"),
        (max, TypeError, "not supported between"),
    ],
)
def test_wrong_wcsmap(tmp_path, wcsmap, error, message):
    with pytest.raises(error, match=message):
        ablot.do_blot(ramp(), tangent((60, 60)), tangent((40, 40)), 1.0, wcsmap=wcsmap)
    with pytest.raises(error, match=message):
        ablot.blot(*flat_pair(tmp_path), tmp_path / "o.fits", wcsmap=wcsmap)
    assert not (tmp_path / "o.fits").exists()


def test_an_error_in_the_wcsmap_is_the_users_own():
    class Broken(Identity):
        def forward(self, x, y):
            raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match=r"^mine$"):
        ablot.do_blot(ramp(), tangent((60, 60)), tangent((40, 40)), 1.0, wcsmap=Broken)


# do_blot.


@pytest.fixture(scope="module")
def arrays(made):
    """Mosaic, its WCS and a chip's WCS; the chip's carries the attributes that an HSTWCS has."""
    folder, names = made
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return names.pixels(), names.source_wcs(), names.target_wcs()


def with_scales(wcs, pscale, idcscale):
    wcs = wcs.deepcopy()
    wcs.pscale, wcs.idcscale = pscale, idcscale
    return wcs


@pytest.mark.parametrize(
    ("coeffs", "interp", "stepsize"), [(True, "poly5", 10), (True, "linear", 1), (False, "poly3", 0)]
)
def test_do_blot(arrays, coeffs, interp, stepsize):
    image, source, target = arrays
    blot = ablot.do_blot(image, source, target, 450.0, coeffs=coeffs, interp=interp, stepsize=stepsize)
    on = target if coeffs else linear_part(target)
    factor = 450.0 / (scale_of(source) / scale_of(target)) ** 2
    assert_same(blot, expected(image, source, on, factor=factor, interp=interp, stepsize=stepsize))
    assert blot.shape == target.array_shape
    assert blot.dtype == np.float32


@pytest.mark.parametrize(
    ("pscale", "idcscale", "source_pscale", "ratio"),
    [
        (0.03, 0.05, None, lambda s, t: s / 0.05),
        (0.03, None, None, lambda s, t: s / t),
        (0.03, 0.05, 0.08, lambda s, t: 0.08 / 0.05),
        (None, None, 0.08, lambda s, t: 0.08 / t),
    ],
)
def test_do_blot_with_attached_scales(arrays, pscale, idcscale, source_pscale, ratio):
    image, source, target = arrays
    scales = scale_of(source), scale_of(target)
    target, source = with_scales(target, pscale, idcscale), with_scales(source, source_pscale, None)
    blot = ablot.do_blot(image, source, target, 3.0)
    factor = 3.0 / ratio(*scales) ** 2
    assert_same(blot, expected(image, source, target, factor=factor, stepsize=10))


def test_do_blot_uncovered_pixels_are_zero():
    source, target = tangent((30, 30)), tangent((40, 40))
    blot = ablot.do_blot(np.full((30, 30), 7, np.float32), source, target, 2.0, stepsize=1)
    wanted = np.zeros((40, 40))
    wanted[5:35, 5:35] = 14
    np.testing.assert_allclose(blot, wanted, rtol=2 * F32)


def test_do_blot_onto_a_slice(arrays):
    image, source, target = arrays
    whole = ablot.do_blot(image, source, target, 1.0, stepsize=1)
    part = target[20:71, 33:150]
    assert part.array_shape == (51, 117)
    # astropy shifts the reference pixels of the WCS and of its tables: positions agree to 1e-9 pixel.
    blot = ablot.do_blot(image, source, part, 1.0, stepsize=1)
    np.testing.assert_allclose(blot, whole[20:71, 33:150], rtol=0, atol=task_data.ROUNDING * whole.max())


@pytest.mark.parametrize("dtype", ["<f8", ">f8"])
def test_do_blot_float64(arrays, dtype):
    image, source, target = arrays
    precise = (image + 1e-9 * np.arange(image.size).reshape(image.shape)).astype(dtype)
    blot = ablot.do_blot(precise, source, target, 2.0, stepsize=1)
    assert blot.dtype == np.float64
    factor = 2 / (scale_of(source) / scale_of(target)) ** 2
    wanted = expected(precise, source, target, factor=factor)
    np.testing.assert_allclose(blot, wanted, rtol=0, atol=8 * np.finfo(float).eps * wanted.max())
    assert np.abs(blot - ablot.do_blot(image, source, target, 2.0, stepsize=1)).max() > 1e-9


@pytest.mark.parametrize("dtype", [">f4", "<f4", "f4"])
def test_do_blot_byte_orders_and_views(arrays, dtype):
    image, source, target = arrays
    wanted = ablot.do_blot(image, source, target, 1.0)
    given = image.astype(dtype)
    given.flags.writeable = False
    np.testing.assert_array_equal(ablot.do_blot(given, source, target, 1.0), wanted)
    wide = np.zeros((image.shape[0], 2 * image.shape[1]), dtype)
    wide[:, ::2] = image
    np.testing.assert_array_equal(ablot.do_blot(wide[:, ::2], source, target, 1.0), wanted)


@pytest.mark.parametrize("interp", ["nearest", "Nearest"])
@pytest.mark.parametrize("dtype", ["i4", "i8", ">i4", "u2"])
def test_do_blot_keeps_labels(arrays, dtype, interp):
    """Segmentation ids beyond 2**24, which float32 cannot hold, whatever the two scales are."""
    image, source, target = arrays
    start = 0 if dtype == "u2" else 2**24 + 1
    labels = (start + np.arange(image.size) % 60000).reshape(image.shape).astype(dtype)
    blot = ablot.do_blot(labels, source, with_scales(target, 0.1, 0.1), 1, interp=interp, stepsize=1)
    y, x = np.indices(target.array_shape)
    sx, sy = source.wcs_world2pix(*target.all_pix2world(x.ravel(), y.ravel(), 0), 0)
    wanted = labels[np.rint(sy).astype(int), np.rint(sx).astype(int)].reshape(x.shape)
    assert blot.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(blot, wanted)


def test_do_blot_labels_with_an_exposure_are_numbers(arrays):
    image, source, target = arrays
    counts = np.rint(image * 100).astype("i4")
    blot = ablot.do_blot(counts, source, target, 2.5, interp="nearest")
    factor = 2.5 / (scale_of(source) / scale_of(target)) ** 2
    assert_same(blot, expected(counts.astype(float), source, target, factor=factor, interp="nearest", stepsize=10))


@pytest.mark.parametrize("dtype", ["i2", ">i2", "u1", "?"])
def test_do_blot_averages_small_integers(arrays, dtype):
    image, source, target = arrays
    counts = (image > np.median(image)) if dtype == "?" else np.clip(image * 50, 0, 200).astype(dtype)
    wanted = ablot.do_blot(counts.astype(np.float32), source, target, 1.0)
    np.testing.assert_array_equal(ablot.do_blot(counts, source, target, 1.0), wanted)
    assert wanted.dtype == np.float32
    assert np.ptp(wanted) > 0


def test_do_blot_averages_large_integers(arrays):
    image, source, target = arrays
    counts = np.rint(image * 1e6).astype("i4")
    blot = ablot.do_blot(counts, source, target, 1.0)
    np.testing.assert_array_equal(blot, ablot.do_blot(counts.astype(float), source, target, 1.0))


def test_do_blot_of_a_list():
    source, target = tangent((3, 4)), tangent((3, 4))
    image = [[float(x + y) for x in range(4)] for y in range(3)]
    np.testing.assert_allclose(ablot.do_blot(image, source, target, 1.0), image, rtol=0, atol=1e-7)


def state(wcs):
    parts = [getattr(wcs, name) for name in ("sip", "cpdis1", "cpdis2", "det2im1", "det2im2")]
    tables = [part.data.tobytes() for part in parts[1:] if part is not None]
    return [id(part) for part in parts], tables, wcs.to_header_string(relax=True), wcs.array_shape, sorted(vars(wcs))


@pytest.mark.parametrize("coeffs", [True, False, "no"])
def test_do_blot_leaves_the_callers_wcs_alone(arrays, coeffs):
    image, source, target = arrays
    before = state(target), state(source), image.tobytes()
    ablot.do_blot(image, source, target, 1.0, coeffs=coeffs)
    assert (state(target), state(source), image.tobytes()) == before
    assert target.det2im1 is not None


def test_do_blot_coeffs_false_drops_the_detector_tables_too(arrays):
    image, source, target = arrays
    left = target.deepcopy()
    left.sip = left.cpdis1 = left.cpdis2 = None
    blot = ablot.do_blot(image, source, target, 1.0, coeffs=False, stepsize=1)
    np.testing.assert_array_equal(blot, ablot.do_blot(image, source, left, 1.0, coeffs=False, stepsize=1))
    assert np.abs(blot - ablot.do_blot(image, source, left, 1.0, coeffs=True, stepsize=1)).max() > 0.01


@pytest.mark.parametrize("exptime", [None, "2", "nan", math.nan, math.inf, [1.0]])
def test_do_blot_exptime(arrays, exptime):
    with pytest.raises(ParameterError, match="exptime = "):
        ablot.do_blot(*arrays, exptime)


def test_do_blot_needs_a_shape(arrays):
    image, source, target = arrays
    target = target.deepcopy()
    target.pixel_shape = None
    with pytest.raises(SkyblotError, match="array_shape"):
        ablot.do_blot(image, source, target, 1.0)


# What DrizzlePac's stand-alone task was seen to do wrong.


def test_exposure_is_applied_once(tmp_path):
    """Theirs: 80000, EXPTIME of the data times that of the reference; expout=50: 40000."""
    out = tmp_path / "o.fits"
    ablot.blot(*flat_pair(tmp_path), out)
    np.testing.assert_allclose(pixels_of(out), 200, rtol=4 * F32)
    ablot.blot(*flat_pair(tmp_path), out, expout=50)
    np.testing.assert_allclose(pixels_of(out), 100, rtol=4 * F32)


@pytest.mark.parametrize(("skies", "sky"), [((7.0, 3.0), 3.0), ((None, 3.0), 3.0), ((7.0, None), 7.0)])
def test_sky_is_that_of_the_exposure(tmp_path, skies, sky):
    """Theirs: MDRIZSKY of the data, KeyError without it."""
    out = tmp_path / "o.fits"
    ablot.blot(*flat_pair(tmp_path, skies=skies), out, out_units="cps")
    np.testing.assert_allclose(pixels_of(out), 2 + sky, rtol=4 * F32)


def test_no_sky_is_a_warning(tmp_path):
    out = tmp_path / "o.fits"
    names = flat_pair(tmp_path, skies=(None, None))
    with pytest.warns(SkyblotWarning, match=r"ref\.fits\[sci,1\]: no sky value MDRIZSKY"):
        ablot.blot(*names, out, out_units="cps")
    np.testing.assert_allclose(pixels_of(out), 2, rtol=4 * F32)
    ablot.blot(*names, out, out_units="cps", addsky=False)


@pytest.mark.parametrize("in_units", ["cps", "counts"])
@pytest.mark.parametrize("dtype", [">f8", ">i2", ">i4", "u1", ">u2", ">f4"])
def test_every_type_of_pixel(tmp_path, dtype, in_units):
    """Theirs: float64 ends the process (segmentation fault), integers fail."""
    out = tmp_path / "o.fits"
    ablot.blot(*flat_pair(tmp_path, data=np.full((60, 60), 2, dtype)), out, in_units=in_units, out_units="cps")
    np.testing.assert_allclose(pixels_of(out), 2 if in_units == "cps" else 0.005, rtol=4 * F32)


@pytest.mark.parametrize("value", [None, 0.0, -5.0, "soon"])
@pytest.mark.parametrize("which", ["data", "reference"])
def test_bad_exposure_time(tmp_path, value, which):
    """Theirs: SystemError, zeros or NaN, also where no exposure time is needed."""
    out = tmp_path / "o.fits"
    names = flat_pair(tmp_path, exptimes=(value, 100.0) if which == "data" else (400.0, value))
    units = {"in_units": "counts", "out_units": "cps"} if which == "data" else {}
    match = f"{'flat' if which == 'data' else 'ref'}.fits.*" + ("no exposure time" if value is None else "EXPTIME = ")
    with pytest.raises(DataError, match=match):
        ablot.blot(*names, out, **units)
    assert not out.exists()
    ablot.blot(*names, out, out_units="cps")
    np.testing.assert_allclose(pixels_of(out), 2, rtol=4 * F32)


def test_bad_expkey(tmp_path):
    with pytest.raises(DataError, match=r"ref\.fits\[sci,1\]: no exposure time, its headers have no NOSUCH"):
        ablot.blot(*flat_pair(tmp_path), tmp_path / "o.fits", expkey="nosuch")


def test_exposure_time_from_drizexpt(tmp_path):
    data, reference = flat_pair(tmp_path, exptimes=(None, 100.0))
    fits.setval(tmp_path / "flat.fits", "DRIZEXPT", value=400.0, ext=0)
    ablot.blot(data, reference, tmp_path / "o.fits", in_units="counts", out_units="cps")
    np.testing.assert_allclose(pixels_of(tmp_path / "o.fits"), 0.005, rtol=4 * F32)


def test_extension_absent(tmp_path):
    """Theirs: TypeErrors about NoneType."""
    data, reference = (name.partition("[")[0] for name in flat_pair(tmp_path))
    ablot.blot(data, reference, tmp_path / "o.fits")
    np.testing.assert_allclose(pixels_of(tmp_path / "o.fits"), 200, rtol=4 * F32)


@pytest.mark.parametrize(
    ("data", "reference", "message"),
    [
        ("[sci,9]", "[sci,1]", r"flat\.fits: no extension \[sci,9\], it has \[0\], \[sci,1\]"),
        ("[sci,1]", "[sci,9]", r"ref\.fits: no extension \[sci,9\]"),
        ("[7]", "[1]", r"flat\.fits: no extension \[7\]"),
        ("[1]", "[7]", r"ref\.fits: no extension \[7\]"),
        ("[0]", "[1]", r"flat\.fits\[0\]: it has no pixels"),
        ("[1]", "[sci,x]", r"ref\.fits\[sci,x\]: .* is not an extension"),
    ],
)
def test_extension_wrong(tmp_path, data, reference, message):
    names = [name.partition("[")[0] for name in flat_pair(tmp_path)]
    with pytest.raises(SkyblotError, match=message):
        ablot.blot(names[0] + data, names[1] + reference, tmp_path / "o.fits")
    assert not (tmp_path / "o.fits").exists()


def test_interp_is_the_documented_name(pair):
    """Theirs: an empty ValueError, the .cfg name `interpol` only."""
    assert np.array_equal(run_blot(pair, interp="linear"), run_blot(pair, interpol="linear"))


@pytest.mark.parametrize("missing", USER_WCS)
def test_user_wcs_needs_no_value(pair, missing):
    """Theirs: TypeErrors unless all eight are given."""
    values = {name: value for name, value in USER_VALUES.items() if name != missing}
    target = user_target(pair, values)
    assert_same(run_blot(pair, user_wcs=True, **values), by_hand(pair, target=target, scale=scale_of(target)))


@pytest.mark.parametrize("stepsize", [None, 500, 5000, 600])
def test_stepsize_larger_than_the_image(arrays, stepsize):
    """Theirs: positions off by 300 pixels, TypeError for None. A plane through the corners is off by less than one."""
    image, source, target = arrays
    x, y = skyblot.pixel_map(target, source, stepsize=stepsize)
    true_x, true_y = skyblot.pixel_map(target, source)
    error = np.hypot(x - true_x, y - true_y).max()
    assert error <= (0 if stepsize is None else 3)
    blot = ablot.do_blot(image, source, target, 1.0, stepsize=stepsize)
    factor = 1 / (scale_of(source) / scale_of(target)) ** 2
    assert_same(blot, expected(image, source, target, factor=factor, stepsize=stepsize))


@pytest.mark.parametrize("stepsize", [-1, -10, 2.5])
def test_stepsize_negative(arrays, pair, stepsize):
    """Theirs: a segmentation fault."""
    for call in (lambda: ablot.do_blot(*arrays, 1.0, stepsize=stepsize), lambda: run_blot(pair, stepsize=stepsize)):
        with pytest.raises(ParameterError, match=f"stepsize = {stepsize}: expected a whole number, at least 0"):
            call()


def test_output_header(pair):
    """Theirs: CTYPE without -SIP, CPDIS cards without tables (unreadable), FILENAME and EXTVER of another file."""
    run_blot(pair)
    with fits.open("o.fits") as hdus:
        assert hdus[0].header["FILENAME"] == "o.fits"
        assert hdus[0].header["NEXTEND"] == len(hdus) - 1
        assert (hdus[1].header["EXTNAME"], hdus[1].header.get("EXTVER", 1)) == ("SCI", 1)
        assert hdus[1].header["CTYPE1"] == "RA---TAN-SIP"
        assert hdus[1].header["BUNIT"] == "ELECTRONS"
        hdus.verify("exception")
    written, reference = read_wcs("o.fits[sci,1]"), pair.target_wcs()
    for name in ("sip", "cpdis1", "cpdis2", "det2im1", "det2im2"):
        assert getattr(written, name) is not None
    x, y = np.meshgrid(np.linspace(0, 159, 11), np.linspace(0, 95, 9))
    there, here = (wcs.all_pix2world(x, y, 0) for wcs in (reference, written))
    np.testing.assert_array_equal(here, there)


def test_output_header_of_the_second_chip(pair):
    """The first extension of the blot has version 1, and the distortion tables of the second chip."""
    reference = pair.reference.replace("sci,1", "sci,2")
    ablot.blot(pair.data, reference, "o.fits")
    x, y = np.meshgrid(np.linspace(0, 159, 11), np.linspace(0, 95, 9))
    written, wanted = read_wcs("o.fits[sci,1]"), read_wcs(reference)
    np.testing.assert_array_equal(written.all_pix2world(x, y, 0), wanted.all_pix2world(x, y, 0))


def test_reference_need_not_be_hst(tmp_path):
    """Theirs: KeyError INSTRUME, after all the work. A simple FITS file will do."""
    data, _ = flat_pair(tmp_path)
    header = fits.Header({**wcs_cards(tangent((40, 40))), "EXPTIME": 100.0, "MDRIZSKY": 1.0})
    fits.PrimaryHDU(np.zeros((40, 40), np.float32), header).writeto(tmp_path / "simple.fits")
    ablot.blot(data, tmp_path / "simple.fits", tmp_path / "o.fits")
    np.testing.assert_allclose(pixels_of(tmp_path / "o.fits"), 201, rtol=4 * F32)


def test_uncovered_pixels_hold_the_sky(tmp_path):
    """As theirs do."""
    data, reference = flat_pair(tmp_path, data=np.full((20, 20), 2, np.float32), skies=(None, 5.0))
    ablot.blot(data, reference, tmp_path / "o.fits", out_units="cps", stepsize=1)
    wanted = np.full((40, 40), 5.0)
    wanted[10:30, 10:30] = 7
    np.testing.assert_allclose(pixels_of(tmp_path / "o.fits"), wanted, rtol=4 * F32)


def test_a_failure_leaves_the_old_output(pair):
    Path("o.fits").write_text("old")
    with pytest.raises(SkyblotError):
        run_blot(pair, expkey="nosuch")
    assert Path("o.fits").read_text() == "old"
    assert not [name for name in os.listdir() if "tmp" in name]


# Help.


def entry(text, name):
    match = re.search(rf"^{name}\b[^\n]*(\n    [^\n]*)+", text, re.MULTILINE)
    return match and match[0]


def test_help_is_complete():
    text = ablot.getHelpAsString()
    assert text.startswith(f"Task: 'ablot'. 'skyblot' version: {skyblot.__version__}\n")
    for name, default in DOCUMENTED.items():
        assert re.search(rf"^{name}( \[.*\])?, default {re.escape(repr(default))}\n    \S", text, re.MULTILINE), name
    for name in ("data", "reference", "outdata", "user_wcs", "configObj", "wcsmap", "editpars"):
        assert entry(text, name), name
    for choice in DOCUMENTED_INTERP:
        assert choice in entry(text, "interp")
    for alias in ("interpol", "blot_interp", "blot_sinscl", "blot_addsky", "blot_skyval"):
        assert alias in text
    for choice in ("cps", "counts"):
        assert choice in entry(text, "in_units")
        assert choice in entry(text, "out_units")
    assert "auto" not in text
    for section in ("Data Scaling Parameters", "User WCS Parameters"):
        assert f"\n{section}\n{'-' * len(section)}\n" in text
    assert max(map(len, text.splitlines())) <= 120


def test_help_without_the_version():
    text = ablot.getHelpAsString(show_ver=False)
    assert "version:" not in text
    assert ablot.getHelpAsString(docstring=True) == ablot.getHelpAsString() == ablot.getHelpAsString(False, True)
    assert ablot.getHelpAsString().endswith(text)
    assert len(text) > 2000


def test_help_is_shown_or_written(tmp_path, capsys):
    ablot.help()
    assert capsys.readouterr().out == ablot.getHelpAsString()
    path = tmp_path / "help.txt"
    path.write_text("x" * 100_000)
    ablot.help(file=str(path))
    assert path.read_text() == ablot.getHelpAsString()
    assert capsys.readouterr().out == ""


# The packaged files, and `skyblot config`.

REGENERATE = (
    'differs from the table of parameters; regenerate it:\n  python -c "from skyblot.task import teal as t; '
    "f = t.pars_folder(); (f / 'ablot.cfg').write_text(t.task_cfg()); (f / 'ablot.cfgspc').write_text(t.task_spec())\""
)


def test_packaged_files_are_those_of_the_table():
    for name, text in (("ablot.cfg", task_cfg()), ("ablot.cfgspc", task_spec())):
        assert (pars_folder() / name).read_text() == text, f"{pars_folder() / name} {REGENERATE}"


def test_packaged_files_hold_every_parameter_and_default(pair):
    config = ConfigObj(str(pars_folder() / "ablot.cfg"))
    spec = ConfigObj(str(pars_folder() / "ablot.cfgspc"), list_values=False, interpolation=False, _inspec=True)
    names = {"interp": "interpol"}
    for name, default in DOCUMENTED.items():
        sections = ["Data Scaling Parameters", "User WCS Parameters"]
        holder = next((config[s] for s in sections if name in config[s]), config)
        rules = next((spec[s] for s in sections if name in spec[s]), spec)
        assert holder[names.get(name, name)] == str(default)
        shown = f'"{default}"' if isinstance(default, str) else str(default)
        assert f"default={shown}" in rules[names.get(name, name)]
    assert config["_task_name_"] == "ablot"
    assert spec["_task_name_"] == 'string_kw(default="ablot")'
    for choice in DOCUMENTED_INTERP:
        assert f'"{choice}"' in spec["interpol"]
    assert_same(run_blot(pair, configObj=str(pars_folder() / "ablot.cfg")), by_hand(pair))


def skyblot_command(*arguments):
    command = [sys.executable, "-m", "skyblot", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_config_command(pair):
    """What `skyblot config` writes, the task reads, and `--check` finds valid, until a value is not."""
    path = Path("written.cfg")
    written = skyblot_command("config", path)
    assert (written.returncode, written.stderr) == (0, "")
    lines = path.read_text().splitlines()
    for name in DOCUMENTED:
        index = next(k for k, line in enumerate(lines) if line.startswith(f"{name} = "))
        assert lines[index - 1].startswith("# "), name
    units = {"in_units": "cps", "out_units": "counts"}
    blot = run_blot(pair, configObj=str(path), **units)
    # Its defaults are the project's own: exact, and 0 where the source does not cover (nowhere here).
    assert_same(blot, by_hand(pair, stepsize=None))
    checked = skyblot_command("config", "--check", path)
    assert checked.returncode == 0
    assert "written.cfg: valid" in checked.stdout
    assert "interp = poly5" in checked.stdout
    path.write_text(path.read_text().replace("expout = input", "expout = never"))
    bad = skyblot_command("config", "--check", path)
    assert bad.returncode == 2
    assert "written.cfg, section [Data Scaling Parameters]: expout = 'never': expected 'input' or" in bad.stderr
    assert skyblot_command("config", path).returncode == 2


def test_config_command_checks_what_drizzlepac_saved(pair):
    checked = skyblot_command("config", "--check", as_text(pair))
    assert checked.returncode == 0
    assert "interp = poly3" in checked.stdout
    assert "outnx" not in checked.stdout


def test_one_parameter_under_two_names_is_refused(pair, tmp_path):
    with pytest.raises(ParameterError, match="interp is given twice"):
        ablot.blot(pair.data, pair.reference, tmp_path / "o.fits", interp="linear", interpol="poly3")
    assert not (tmp_path / "o.fits").exists()
