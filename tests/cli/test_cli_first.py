"""The first minutes: what a new user is told, and what he gets wrong."""

import importlib
import logging
import os
import re
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
from terminals import on_a_terminal

from skyblot.cli.common import set_up_messages
from skyblot.cli.directory import COMMANDS
from skyblot.cli.plan_table import HEADINGS, rich_table
from skyblot.errors import warn

ROOT = Path(__file__).resolve().parents[2]


def test_no_command_is_answered_by_the_three_that_most_people_need(run):
    code, text, errors = run()
    assert (code, errors) == (0, "")
    examples = [line.split()[1] for line in text.splitlines() if line.startswith("    skyblot ")]
    assert examples == ["clean", "reject", "blot"]
    assert "skyblot --help" in text
    assert len(text.splitlines()) < 15


@pytest.mark.parametrize("command", COMMANDS)
def test_the_help_of_each_command_has_an_example(run, command):
    code, text, errors = run("help", command)
    assert (code, errors) == (0, "")
    assert text == run(command, "--help")[1]
    assert f"Example: skyblot {command}" in text


def test_help_alone_is_the_list_of_all_commands(run):
    assert run("help") == run("--help")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("clena", "clean"), ("regect", "reject"), ("Blot", "blot"), ("warmup", "warm-up")],
)
@pytest.mark.parametrize("before", [(), ("help",)], ids=["", "help"])
def test_a_misspelt_command_is_told_what_is_like_it(run, before, typed, meant):
    code, text, errors = run(*before, typed)
    assert (code, text) == (2, "")
    assert f"no such command: {typed}; did you mean {meant}?" in errors


def test_a_command_that_is_like_no_other(run):
    assert "no such command: xyzzy; skyblot --help lists them" in run("xyzzy")[2]


@pytest.mark.parametrize(
    ("option", "said"),
    [
        (("--snr", "3", "5"), "--snr 3 5: expected two numbers above 0, first that of the seed"),
        (("--snr", "3", "0"), "--snr 3 0: expected two numbers above 0"),
        (("--rule", "plane"), "--rule plane: expected skyblot or plain"),
        (("--grow", "-1"), "--grow -1: expected"),
        (("--background", "two words"), "--background 'two words': expected"),
    ],
)
def test_values_are_told_as_they_are_typed(demo, run, out, option, said):
    code, _, errors = run("reject", demo.median, demo.exposures[0], "--output-dir", out, *option)
    assert code == 2
    assert errors.startswith(f"skyblot: error: {said}")
    assert os.listdir(out) == []


def test_an_output_that_is_there_is_told_without_python(demo, run, out):
    (out / "isky01a1q_sci1_blt.fits").write_text("mine")
    code, _, errors = run("blot", demo.median, demo.exposures[0], "--output-dir", out)
    assert code == 2
    assert errors.endswith("exists already; --overwrite replaces it\n")


# Folders.


@pytest.mark.parametrize("command", ["blot", "reject"])
def test_a_folder_that_is_not_there_is_made(demo, run, out, command):
    folder = out / "new" / "one"
    arguments = (command, demo.median, demo.exposures[0], "--output-dir", folder)
    assert run(*arguments, "--dry-run")[0] == 0
    assert os.listdir(out) == []
    assert run(*arguments)[0] == 0
    assert len(os.listdir(folder)) == 2


def test_a_folder_that_cannot_be_made(demo, run, out, monkeypatch):
    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", fail)
    code, _, errors = run("blot", demo.median, demo.exposures[0], "--output-dir", out / "new")
    assert code == 2
    assert errors.endswith("new: this folder cannot be made: No space left on device\n")


def test_a_folder_in_one_that_cannot_be_written_to(demo, run, out, monkeypatch):
    writable = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != out and writable(path, mode))
    code, _, errors = run("blot", demo.median, demo.exposures[0], "--output-dir", out / "new")
    assert code == 2
    assert f"{out / 'new'}: the folder {out} cannot be written to" in errors


# Messages.


def test_verbose_says_which_files_are_read_and_written(demo, run, out):
    exposure = demo.exposures[0]
    _, _, errors = run("reject", demo.median, exposure, "--output-dir", out, "-v")
    assert f"{demo.median}[sci,1]: a FITS file, " in errors or f"{demo.median}: " in errors
    assert f"{exposure}[sci,2]: a FITS file, " in errors
    assert f"{out}/isky01a1q_sci2_crmask.fits: written" in errors


@pytest.mark.parametrize("flag", ["-v", "--debug"])
def test_every_command_has_something_to_say(demo, run, out, flag):
    cfg = out / "my.cfg"
    one = f"{demo.exposures[0]}[sci,1]"
    for arguments in (
        ("config", cfg),
        ("config", cfg, "--check"),
        ("info", one),
        ("median", *demo.exposures, "-o", out / "a_med.fits"),
        ("drizzle", *demo.exposures, "-o", out / "a_drc.fits"),
        ("clean", *demo.exposures, "--output-dir", out / "cleaned"),
        ("blot", demo.median, one, "--output-dir", out),
        *([("show", one, "-o", out / "a.png")] if find_spec("matplotlib") else []),
    ):
        code, _, errors = run(*arguments, flag)
        assert code == 0, errors
        assert any(
            line.startswith(str(out.parent.parent)) or ": " in line for line in errors.splitlines()
        ), arguments


@pytest.mark.usefixtures("message_settings")
@pytest.mark.parametrize("verbose", [False, True])
def test_what_holds_for_many_chips_is_told_once(capsys, verbose):
    set_up_messages(verbose=verbose, quiet=False, debug=False)
    for chip in range(1, 5):
        warn("has no sky, 0 is taken", subject=f"a.fits[sci,{chip}]")
    warn("is far off", subject="a.fits[sci,1]")
    said = capsys.readouterr().err.splitlines()
    if verbose:
        assert len(said) == 5
    else:
        assert said == [
            "warning: a.fits[sci,1]: has no sky, 0 is taken",
            "warning: the same of others, which --verbose names: has no sky, 0 is taken",
            "warning: a.fits[sci,1]: is far off",
        ]


def test_a_report_is_told_to_be_written(demo, run, out):
    pytest.importorskip("jinja2", reason="the page needs jinja2")
    pytest.importorskip("matplotlib", reason="the page needs matplotlib")
    page = out / "page.html"
    for arguments in (
        ("reject", demo.median, f"{demo.exposures[0]}[sci,1]", "--output-dir", out),
        ("clean", *demo.exposures, "--output-dir", out / "cleaned"),
    ):
        _, _, errors = run(*arguments, "--report", page, "--overwrite")
        assert f"{page}: written, " in errors


# Narrow terminals.


def test_a_narrow_terminal_has_a_narrow_table():
    rows = [("jw01234001001_02101_00001_cal.fits", "sci,1", "100.0 %", "512 x 512", "1:2, 3:4")]
    headings = [
        [column.header for column in rich_table(rows, width).columns] for width in (90, 76, 60, 20)
    ]
    assert headings == [list(HEADINGS), list(HEADINGS[:4]), list(HEADINGS[:3]), list(HEADINGS[:3])]


@pytest.mark.parametrize("command", ["info", "blot"])
def test_nothing_is_wider_than_a_narrow_terminal(demo, out, command):
    arguments = {
        "info": ["info", demo.exposures[0]],
        "blot": ["blot", demo.median, *demo.exposures, "--output-dir", out, "--dry-run"],
    }[command]
    code, shown, _ = on_a_terminal(
        [sys.executable, "-m", "skyblot", *map(str, arguments)], columns=60
    )
    assert code == 0
    lines = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line) for line in shown.splitlines()]
    wide = [line for line in lines if len(line) > 60 and "reading headers" not in line]
    assert [line for line in wide if str(demo.folder) not in line] == []
    assert any("isky01a1q_flc.fits" in line for line in lines)


# Compiling.

COMPILE = """
import logging, sys
from skyblot.cli.common import set_up_messages
set_up_messages(verbose={verbose}, quiet={quiet}, debug=False)
from skyblot.kernels.compiling import kernel
@kernel
def double(x):
    return 2.0 * x
@kernel
def triple(x):
    return 3.0 * x
print(double(21.0), triple(1.0))
"""


@pytest.mark.parametrize("quiet", [False, True])
def test_that_something_is_compiled_is_said_once_at_a_terminal(tmp_path, quiet):
    script = tmp_path / "kernels.py"
    script.write_text(COMPILE.format(verbose=False, quiet=quiet))
    for expected in (0 if quiet else 1, 0):  # what is on disk is not compiled again
        code, shown, text = on_a_terminal([sys.executable, script], pipe_stdout=True)
        assert (code, text) == (0, "42.0 3.0\n")
        assert shown.count("compiling, once: ") == expected


def test_nothing_is_said_of_compiling_where_nobody_waits(tmp_path):
    script = tmp_path / "kernels.py"
    script.write_text(COMPILE.format(verbose=False, quiet=False))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "42.0 3.0\n", "")


def test_a_program_hears_of_every_kernel_that_is_compiled(caplog, tmp_path, monkeypatch):
    from skyblot.kernels.compiling import kernel

    # a module that was never there before: what is compiled is kept beside it
    (tmp_path / "halving.py").write_text("def _half(x):\n    return x / 2.0\n")
    monkeypatch.syspath_prepend(tmp_path)
    half = importlib.import_module("halving")._half
    with caplog.at_level(logging.INFO, "skyblot.kernels.compiling"):
        kernel(half)(4.0)
    assert "compiling _half, once for each new version" in caplog.messages


# What is missing.


def test_what_is_to_be_installed_is_what_the_extras_hold():
    from skyblot.io import gwcs, remote

    with open(ROOT / "pyproject.toml", "rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]

    def packages(extra):
        return " ".join(requirement.partition(">")[0] for requirement in extras[extra])

    assert f"pip install {packages('gwcs')}" == gwcs.INSTALL
    assert f"pip install {packages('remote')}" == remote.INSTALL
    assert packages("report") == "matplotlib jinja2"
    assert set(extras["all"][0].partition("[")[2].rstrip("]").split(",")) == {*extras} - {
        "all",
        "teal",
        "test",
        "lint",
        "docs",
        "compat",
        "pipelines",
    }


def test_nobody_is_told_to_install_skyblot_from_an_index():
    package = ROOT / "src" / "skyblot"
    assert [path for path in package.rglob("*.py") if "skyblot[" in path.read_text()] == []
