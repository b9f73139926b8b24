"""The command line: help, and wrong usage."""

import re

import pytest

from skyblot import __version__
from skyblot.parameters.table import TABLE


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_lists_the_commands(run, option):
    code, text, errors = run(option)
    assert (code, errors) == (0, "")
    assert "Usage: skyblot " in text
    assert re.search(r"^  blot +Blot a mosaic", text, re.MULTILINE)
    assert re.search(r"^  demo +Make a synthetic", text, re.MULTILINE)
    titles = re.findall(r"^(\w[\w ]+):$", text, re.MULTILINE)
    assert titles == ["Options", "Exposures to masks and mosaics", "Looking at files", "Beginning"]


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_of_blot_lists_every_parameter_with_its_choices_and_default(run, option):
    code, text, errors = run("blot", option)
    assert (code, errors) == (0, "")
    words = " ".join(text.split())
    for row in TABLE:
        assert re.search(rf"^ +{row.option}\b", text, re.MULTILINE), row.option
        assert row.help in words
        assert ", ".join(row.choices) in words
        if row.kind == "bool":
            assert f"--no-{row.option[2:]}" in text
        elif row.default not in (None, ""):
            assert re.search(rf"{row.option} [^-]*default {row.default}\]", words), row.option
    for name in (
        "-o, --output ",
        "--output-dir",
        "--config",
        "--overwrite",
        "--threads",
        "-v, ",
        "-q, ",
        "--debug",
    ):
        assert name in text


def test_help_of_demo(run):
    code, text, _ = run("demo", "--help")
    assert code == 0
    assert "--full-size" in text


def test_version(run):
    assert run("--version") == (0, f"skyblot {__version__}\n", "")


@pytest.mark.parametrize(
    "arguments", [("blot",), ("blot", "one.fits"), ("blott",), ("blot", "a", "b", "--interpp")]
)
def test_wrong_usage_is_exit_code_2_without_traceback(run, arguments):
    code, _, errors = run(*arguments)
    assert code == 2
    assert "Traceback" not in errors
    assert "Usage: skyblot" in errors or "no such" in errors.lower()
