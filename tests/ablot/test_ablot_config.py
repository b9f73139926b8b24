"""The ablot task: every form of configObj, the packaged files, and `skyblot config`."""

import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from configobj import ConfigObj
from task_data import (
    DOCUMENTED,
    DOCUMENTED_INTERP,
    F32,
    assert_same,
    by_hand,
    flat_pair,
    pixels_of,
    run_blot,
)

from skyblot import ablot
from skyblot.ablot.teal import pars_folder, task_cfg, task_spec
from skyblot.errors import FileError, ParameterError

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


# configObj.


@pytest.mark.parametrize(
    "config", [None, "defaults", "Defaults", " defaults ", "", {}, OrderedDict(), ConfigObj()]
)
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
        "_task_name_": "ablot", "data": pair.data, "reference": pair.reference, "outdata": "o.fits",
        "coeffs": True, "interpol": "poly3", "stepsize": 20, "addsky": False, "skyval": 3.5,
        "Data Scaling Parameters": {"expout": "50"}, "User WCS Parameters": wcs,
        "_RULES_": {"_rule5_": "True"},
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
        pair.data,
        pair.reference,
        "p",
        configObj=config,
        interp="linear",
        outny=9,
        xrefpix=25,
        yrefpix=5,
        user_wcs=True,
    )
    assert (Path(config).read_bytes() if isinstance(config, str | Path) else repr(config)) == saved


def test_a_file_name_in_a_mapping_is_taken_as_it_is(tmp_path):
    """Quotes and # are a matter of .cfg files."""
    folder = tmp_path / "#1 'a'"
    folder.mkdir()
    data, reference = flat_pair(folder)
    config = {
        "data": data,
        "reference": Path(reference),
        "outdata": str(folder / "o#1.fits"),
        "out_units": "cps",
    }
    ablot.blot(configObj=config)
    np.testing.assert_allclose(pixels_of(folder / "o#1.fits"), 2, rtol=4 * F32)


def test_nothing_is_read_from_home_or_the_current_folder(pair, tmp_path, monkeypatch):
    poisoned = "_task_name_ = ablot\ninterpol = nearest\naddsky = False\nskyval = 1000.0\n"
    (tmp_path / ".teal").mkdir()
    for path in (
        tmp_path / ".teal/ablot.cfg",
        tmp_path / "ablot.cfg",
        Path("ablot.cfg"),
        Path("any_name.cfg"),
    ):
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
        (
            "50.0",
            "soon",
            ["my.cfg, section [Data Scaling Parameters]", "expout = 'soon'", "'input' or a number"],
        ),
        (
            "outnx = 50",
            "outnx = 5.5",
            ["my.cfg, section [User WCS Parameters]", "outnx = '5.5'", "whole number"],
        ),
        (
            "out_units",
            "out_unit",
            ["my.cfg, section [Data Scaling", "unknown parameter 'out_unit'", "'out_units'"],
        ),
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


# The packaged files, and `skyblot config`.


REGENERATE = (
    'differs from the table of parameters; regenerate it:\n  python -c "'
    "from skyblot.ablot.task import teal as t; f = t.pars_folder(); "
    "(f / 'ablot.cfg').write_text(t.task_cfg()); "
    "(f / 'ablot.cfgspc').write_text(t.task_spec())\""
)


def test_packaged_files_are_those_of_the_table():
    for name, text in (("ablot.cfg", task_cfg()), ("ablot.cfgspc", task_spec())):
        assert (pars_folder() / name).read_text() == text, f"{pars_folder() / name} {REGENERATE}"


def test_packaged_files_hold_every_parameter_and_default(pair):
    config = ConfigObj(str(pars_folder() / "ablot.cfg"))
    spec = ConfigObj(
        str(pars_folder() / "ablot.cfgspc"), list_values=False, interpolation=False, _inspec=True
    )
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
    """What `skyblot config` writes, the task reads, and `--check` finds valid, until a value is
    not.
    """
    path = Path("written.cfg")
    written = skyblot_command("config", path)
    assert (written.returncode, written.stderr) == (0, "")
    lines = path.read_text().splitlines()
    for name in DOCUMENTED:
        index = next(k for k, line in enumerate(lines) if line.startswith(f"{name} = "))
        assert lines[index - 1].startswith("# "), name
    units = {"in_units": "cps", "out_units": "counts"}
    blot = run_blot(pair, configObj=str(path), **units)
    # Its defaults are the project's own: exact, and 0 where the source does not cover (nowhere
    # here).
    assert_same(blot, by_hand(pair, stepsize=None))
    checked = skyblot_command("config", "--check", path)
    assert checked.returncode == 0
    assert "written.cfg: valid" in checked.stdout
    assert "interp = poly5" in checked.stdout
    path.write_text(path.read_text().replace("expout = input", "expout = never"))
    bad = skyblot_command("config", "--check", path)
    assert bad.returncode == 2
    assert (
        "written.cfg, section [Data Scaling Parameters]: expout = 'never': expected 'input' or"
        in bad.stderr
    )
    assert skyblot_command("config", path).returncode == 2


def test_config_command_checks_what_drizzlepac_saved(pair):
    checked = skyblot_command("config", "--check", as_text(pair))
    assert checked.returncode == 0
    assert "interp = poly3" in checked.stdout
    assert "outnx" not in checked.stdout


def test_one_parameter_under_two_names_is_refused(pair, tmp_path):
    with pytest.raises(ParameterError, match="interp is given twice"):
        ablot.blot(
            pair.data, pair.reference, tmp_path / "o.fits", interp="linear", interpol="poly3"
        )
    assert not (tmp_path / "o.fits").exists()
