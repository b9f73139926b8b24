"""The .cfg files that hold parameters."""

import math

import pytest

from skyblot.errors import FileError, ParameterError
from skyblot.parameters.files import read_config, write_config
from skyblot.parameters.table import INTERPOLANTS, TABLE, Parameters

# The layout that DrizzlePac's own tasks save.
SAVED = """\
_task_name_ = ablot
data = "j8c0d1bwq_med.fits[sci,1]"
reference = j8c0d1bwq_flc.fits[sci,1] # the chip, with a comma
outdata = ""
coeffs = True
interpol = "sinc"   # the interpolant
sinscl = 0.75
stepsize = 10 # pixels
addsky = no
skyval = -1.5

[Data Scaling Parameters]
in_units = "counts"
out_units = 'cps'
expkey = "TEXPTIME"
expout = 250.0

[User WCS Parameters]
user_wcs = {user_wcs}
outscale = 0.05
orient = None
raref =
decref = INDEF
xrefpix = 512.5
yrefpix = None
outnx = 100
outny = None

[_RULES_]
_rule1_ = "anything at all"
"""
SAVED_VALUES = {
    "coeffs": True,
    "interp": "sinc",
    "sinscl": 0.75,
    "stepsize": 10,
    "addsky": False,
    "skyval": -1.5,
    "in_units": "counts",
    "out_units": "cps",
    "expkey": "TEXPTIME",
    "expout": 250.0,
}
SAVED_WCS = {
    "outscale": 0.05,
    "orient": None,
    "raref": None,
    "decref": None,
    "xrefpix": 512.5,
    "yrefpix": None,
    "outnx": 100,
    "outny": None,
}


@pytest.fixture
def config(tmp_path):
    def write(text):
        path = tmp_path / "my blot.cfg"
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("user_wcs", "values"), [("yes", SAVED_WCS), ("True", SAVED_WCS), ("no", {}), ("False", {})]
)
def test_read_what_drizzlepac_saves(config, user_wcs, values):
    assert read_config(config(SAVED.format(user_wcs=user_wcs))) == SAVED_VALUES | values


def test_user_wcs_values_count_without_the_switch(config):
    text = SAVED.replace("user_wcs = {user_wcs}\n", "")
    assert read_config(config(text)) == SAVED_VALUES | SAVED_WCS


def test_sections_are_not_needed(config):
    path = config(
        "interp = linear\noutscale = 0.1\nexpout = input\nfill_value = nan # not a number\n"
    )
    values = read_config(path)
    assert math.isnan(values.pop("fill_value"))
    assert values == {"interp": "linear", "outscale": 0.1, "expout": "input"}


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ('expkey = "exp # time" # comment', "exp # time"),
        ("expkey = 'a' # 'b'", "a"),
        ("expkey = texp#time", "texp"),
        ("expkey = %(home)s", "%(home)s"),
        ("expkey = a, b", "a, b"),
        ('expkey = ""', "exptime"),
        ("expkey = Größe", "Größe"),
    ],
)
def test_quotes_and_comments(config, line, value):
    assert read_config(config(line + "\n")) == {"expkey": value}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("sinc", "sync", ["interp = 'sync'", *INTERPOLANTS, "closest: 'sinc'"]),
        (
            "stepsize = 10",
            "stepsize = 2.5",
            ["stepsize = '2.5'", "a whole number, at least 0, or nothing"],
        ),
        ("addsky = no", "addsky = maybe", ["addsky = 'maybe'", "yes or no"]),
        (
            '"counts"',
            "electrons",
            ["section [Data Scaling Parameters]", "in_units = 'electrons'", "auto, cps, counts"],
        ),
        (
            "expout = 250.0",
            "expout = -1",
            ["section [Data Scaling Parameters]", "expout = '-1'", "'input' or a number"],
        ),
        (
            "outnx = 100",
            "outnx = 0",
            ["section [User WCS Parameters]", "outnx = '0'", "at least 1"],
        ),
        (
            "xrefpix =",
            "xrefpx =",
            ["section [User WCS Parameters]", "unknown parameter 'xrefpx'", "'xrefpix'"],
        ),
        (
            "user_wcs = {user_wcs}",
            "user_wcs = perhaps",
            ["section [User WCS", "user_wcs = 'perhaps'", "yes or no"],
        ),
    ],
)
def test_errors_name_file_section_parameter_value_and_choices(config, old, new, words):
    assert old in SAVED
    path = config(SAVED.replace(old, new).format(user_wcs="yes"))
    with pytest.raises(ParameterError) as caught:
        read_config(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert [word for word in words if word not in message] == []
    assert "\n" not in message


@pytest.mark.parametrize(
    "text", ["interp poly5\n", "[section\n", "interp = linear\ninterp = poly3\n", "[[deep]]\n"]
)
def test_what_is_not_a_cfg_file(config, text):
    path = config(text)
    with pytest.raises(FileError, match=r"not a \.cfg file") as caught:
        read_config(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_binary_and_missing_files(tmp_path):
    path = tmp_path / "binary.cfg"
    path.write_bytes(bytes(range(128, 256)) * 20)
    with pytest.raises(FileError, match=r"binary\.cfg"):
        read_config(path)
    for missing in (tmp_path / "none.cfg", tmp_path):
        with pytest.raises(FileError, match="no such file"):
            read_config(missing)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {
            "interp": "lanczos3",
            "stepsize": 7,
            "coeffs": False,
            "skyval": -1e-17,
            "expout": 0.1 + 0.2,
        },
        {
            "outscale": 0.05,
            "orient": -33.3,
            "raref": 1 / 3,
            "decref": -90,
            "xrefpix": 0,
            "yrefpix": 1,
            "outnx": 3,
        },
        {
            "fill_value": "inf",
            "expkey": "TEXPTIME",
            "in_units": "cps",
            "out_units": "counts",
            "addsky": "no",
        },
        {"fill_value": "sky"},
    ],
)
def test_written_config_reads_back(config, values):
    parameters = Parameters.from_values(values)
    text = write_config(parameters)
    assert Parameters.from_values(read_config(config(text))) == parameters
    assert all(f"\n{row.name} = " in text for row in TABLE)
    assert all(f"# {row.help}" in text for row in TABLE)
