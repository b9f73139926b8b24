"""``editpars=True``: the parameters are edited, in TEAL or in an editor, and the task runs with
what was saved.
"""

import shlex
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from configobj import ConfigObj
from task_data import F32, flat_pair

from skyblot import ablot
from skyblot.ablot.teal import pars_folder
from skyblot.errors import ParameterError


@pytest.fixture
def names(tmp_path, monkeypatch):
    """Data and reference of a flat image, in the current folder; no TEAL, no editor."""
    monkeypatch.chdir(tmp_path)
    for variable in ("VISUAL", "EDITOR", "DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setitem(sys.modules, "stsci.tools", None)
    return flat_pair(tmp_path, skies=(None, 3.0))


@pytest.fixture
def editor(tmp_path, monkeypatch):
    """Sets EDITOR to a script whose n-th run does the n-th of some edits, then nothing; keeps what
    it was shown.
    """

    def use(*edits, variable="EDITOR"):
        folder = tmp_path / "the editor's"
        folder.mkdir()
        lines = [
            "import pathlib, sys",
            "path = pathlib.Path(sys.argv[-1])",
            f"folder = pathlib.Path({str(folder)!r})",
            "turn = len(list(folder.glob('shown*')))",
            "shown = path.read_text(encoding='utf-8')",
            "(folder / f'shown{turn}').write_text(shown, encoding='utf-8')",
            "(folder / 'arguments').write_text(repr(sys.argv[1:]))",
            f"edits = {[edit.strip() for edit in edits]!r}",
            "text = shown",
            "if turn < len(edits): exec(edits[turn])",
            "if text is not None: path.write_bytes(text if isinstance(text, bytes) else "
            "text.encode())",
        ]
        script = folder / "editor.py"
        script.write_text("\n".join(lines) + "\n")
        monkeypatch.setenv(
            variable, f"{shlex.quote(sys.executable)} {shlex.quote(str(script))} --wait"
        )
        return folder

    return use


def change(old, new):
    return f"assert {old!r} in text; text = text.replace({old!r}, {new!r})"


def shown(folder):
    return [path.read_text(encoding="utf-8") for path in sorted(folder.glob("shown*"))]


def value(path="o.fits"):
    """The flat blot's one value."""
    pixels = fits.getdata(path, ("SCI", 1))
    np.testing.assert_allclose(pixels, pixels.flat[0], rtol=4 * F32)
    return pytest.approx(float(pixels.flat[0]), rel=4 * F32)


@pytest.mark.parametrize("variable", ["EDITOR", "VISUAL"])
def test_saved_and_run(names, editor, monkeypatch, variable):
    """VISUAL goes before EDITOR; the command may have arguments and a path with a blank and a
    quote.
    """
    if variable == "VISUAL":
        monkeypatch.setenv("EDITOR", "no-such-editor")
    folder = editor(change('out_units = "counts"', 'out_units = "cps"'), variable=variable)
    assert ablot.blot(*names, "o", editpars=True, interp="linear", skyval=4.5) is None
    assert value() == 5
    (text,) = shown(folder)
    # The values of the call are what is there to edit.
    for line in (
        f'data = "{names[0]}"',
        f'reference = "{names[1]}"',
        'outdata = "o"',
        'interpol = "linear"',
    ):
        assert f"\n{line}\n" in text
    assert "\nskyval = 4.5\n" in text
    assert text.startswith("# Save to run the task")
    arguments = (folder / "arguments").read_text()
    assert "--wait" in arguments
    assert not Path(arguments.split("'")[-2]).exists()


def test_saved_unchanged_and_run(names, editor):
    folder = editor()
    ablot.blot(*names, "o", editpars="yes", addsky=False)
    assert value() == 200
    assert len(shown(folder)) == 1


def test_images_can_be_given_in_the_editor(names, editor):
    editor(
        change('data = ""', f'data = "{names[0]}"')
        + "; "
        + change('reference = ""', f"reference = {names[1]}")
    )
    ablot.blot(outdata="o", editpars=True, out_units="cps")
    assert value() == 5


def test_user_wcs_values_in_the_editor(names, editor):
    folder = editor(change("outny = 20", "outny = 7"))
    ablot.blot(*names, "o", editpars=True, outny=20, outnx=9, addsky=False)
    assert fits.getdata("o.fits", 1).shape == (7, 9)
    assert "\nuser_wcs = True\noutscale = None\n" in shown(folder)[0]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (change("stepsize = 10", "stepsize = ten"), "stepsize = 'ten': expected a whole number"),
        (change('"poly5"', '"poly6"'), "interp = 'poly6': expected one of nearest"),
        (change("coeffs", "coefs"), "unknown parameter 'coefs' (closest: 'coeffs')"),
        (
            change('in_units = "cps"', "in_units = furlong"),
            "section [Data Scaling Parameters]: in_units = 'furlong'",
        ),
        (change("[User WCS", "[[User WCS"), "not a .cfg file"),
        ('text = text.split("outdata")[0]', "outdata is not given"),
        (r'text = b"data = \xff\xfe\n" + text.encode()', "not a .cfg file"),
    ],
)
def test_invalid_is_explained_and_opened_again(names, editor, broken, reason):
    folder = editor(broken, "text = (folder / 'shown0').read_text()")
    ablot.blot(*names, "o", editpars=True, out_units="cps")
    assert value() == 5
    before, after = shown(folder)
    assert "NOT VALID" not in before
    assert after.startswith("# NOT VALID: ")
    assert reason in after.splitlines()[0]
    assert "ablot.cfg" not in after.splitlines()[0]


def test_invalid_twice_has_one_explanation(names, editor):
    folder = editor(change("= 10", "= ten"), change("= ten", "= nine"), change("= nine", "= 9"))
    ablot.blot(*names, "o", editpars=True)
    assert value() == 203
    assert [text.count("NOT VALID") for text in shown(folder)] == [0, 1, 1]
    assert "'nine'" in shown(folder)[2].splitlines()[0]


def test_invalid_and_left_so_is_an_error(names, editor):
    folder = editor(change("= 10", "= ten"))
    with pytest.raises(ParameterError, match="stepsize = 'ten'"):
        ablot.blot(*names, "o", editpars=True)
    assert len(shown(folder)) == 2
    assert not Path("o.fits").exists()


@pytest.mark.parametrize("edit", ['text = ""', 'text = " \\n\\n"', "text = None; path.unlink()"])
def test_emptied_is_cancelled(names, editor, edit):
    folder = editor(edit)
    assert ablot.blot(*names, "o", editpars=True) is None
    assert not Path("o.fits").exists()
    assert len(shown(folder)) == 1


def test_emptied_after_an_error_is_cancelled(names, editor):
    editor(change("= 10", "= ten"), 'text = ""')
    ablot.blot(*names, "o", editpars=True)
    assert not Path("o.fits").exists()


def test_editor_fails(names, editor):
    editor("raise SystemExit(3)")
    with pytest.raises(ParameterError, match=r"editpars: the editor '.*' failed: .*exit status 3"):
        ablot.blot(*names, "o", editpars=True)
    assert not Path("o.fits").exists()


def test_editor_is_missing(names, monkeypatch):
    monkeypatch.setenv("EDITOR", "no-such-editor -w")
    with pytest.raises(ParameterError, match="editpars: the editor 'no-such-editor -w' failed"):
        ablot.blot(*names, "o", editpars=True)


@pytest.mark.parametrize("command", [None, ""])
def test_no_editor(names, monkeypatch, command):
    if command is not None:
        monkeypatch.setenv("EDITOR", command)
    with pytest.raises(ParameterError, match="editpars: no editor, set VISUAL or EDITOR"):
        ablot.blot(*names, "o", editpars=True)


def test_a_quote_left_open_in_the_editors_command(names, monkeypatch):
    monkeypatch.setenv("EDITOR", "vi 'x")
    with pytest.raises(ParameterError, match="editpars: the editor"):
        ablot.blot(*names, "o", editpars=True)


# TEAL.


class FakeTeal(types.ModuleType):
    """Behaves as ``stsci.tools.teal`` does: loads a file, lets a user work, saves over what it has
    loaded.
    """

    def __init__(self, status, edits):
        super().__init__("stsci.tools.teal")
        self.status, self.edits, self.shown, self.executed = status, edits, [], 0

    def load(self, task, *args, **kwargs):
        assert (
            Path(task).with_suffix(".cfgspc").read_text()
            == (pars_folder() / "ablot.cfgspc").read_text()
        )
        self.file = Path(task)
        return TealObject(task, list_values=True)

    def teal(self, config, returnAs="dict", **kwargs):
        assert returnAs == "status"
        assert config.canExecute()
        self.shown.append(config.dict())
        for section, name, value in self.edits:
            (config[section] if section else config)[name] = value
        if self.status != -1:
            self.file.write_text("saved by TEAL")
        if self.status == 1:
            self.executed += 1
            config.run(mode="h", _save=1)
        return self.status


class TealObject(ConfigObj):
    def canExecute(self):
        return False

    def run(self, *args, **kwargs):
        raise AssertionError("the task must run once, after TEAL")


@pytest.fixture
def teal(names, monkeypatch):
    """Installs a fake TEAL and a fake display."""

    def use(status, *edits, display=True):
        fake, tkinter = FakeTeal(status, edits), types.ModuleType("tkinter")
        tkinter.TclError = type("TclError", (Exception,), {})

        def root():
            if not display:
                raise tkinter.TclError("couldn't connect to display")
            return types.SimpleNamespace(destroy=lambda: None)

        tkinter.Tk = root
        package, tools = types.ModuleType("stsci"), types.ModuleType("stsci.tools")
        package.tools, tools.teal = tools, fake
        modules = {
            "stsci": package,
            "stsci.tools": tools,
            "stsci.tools.teal": fake,
            "tkinter": tkinter,
        }
        for name, module in modules.items():
            monkeypatch.setitem(sys.modules, name, module)
        monkeypatch.setenv("DISPLAY", ":0")
        return fake

    return use


class Shift:
    """A wcsmap that counts how often it is made."""

    made = 0

    def __init__(self, blot_wcs, source_wcs):
        Shift.made += 1

    def forward(self, x, y):
        return x, y


@pytest.mark.parametrize(("status", "runs"), [(-1, 0), (0, 1), (1, 1)])
def test_teal_runs_once_with_the_wcsmap_or_is_cancelled(names, teal, status, runs):
    fake = teal(status, ("", "interpol", "linear"), ("Data Scaling Parameters", "out_units", "cps"))
    Shift.made = 0
    before = {path.name: path.read_bytes() for path in pars_folder().iterdir()}
    assert ablot.blot(*names, "o", editpars=True, wcsmap=Shift, stepsize=3) is None
    assert fake.executed == (status == 1)
    assert Shift.made == runs
    assert Path("o.fits").exists() == (status != -1)
    if runs:
        assert value() == 5
        assert fits.getval("o.fits", "BLOTINT", 1) == "linear"
        assert fits.getval("o.fits", "BLOTSTEP", 1) == 3
    # What TEAL saves, it saves over what it has loaded: that must not be the packaged file.
    assert {path.name: path.read_bytes() for path in pars_folder().iterdir()} == before
    assert not fake.file.exists()


def test_teal_shows_the_values_of_the_call(names, teal):
    fake = teal(0)
    ablot.blot(
        *names, "o", editpars=True, interp="poly3", addsky="no", skyval=2.5, stepsize=None, outny=20
    )
    (config,) = fake.shown
    assert (config["data"], config["reference"], config["outdata"]) == (*names, "o")
    assert (config["interpol"], config["addsky"], config["skyval"]) == ("poly3", False, 2.5)
    assert config["stepsize"] in (None, "")
    assert "interp" not in config
    wcs = config["User WCS Parameters"]
    assert (wcs["user_wcs"], wcs["outny"], wcs["outnx"], wcs["orient"]) == (True, 20, None, None)
    assert fits.getdata("o.fits", 1).shape == (20, 40)


def test_teal_values_are_validated(names, teal):
    teal(0, ("", "stepsize", -3))
    with pytest.raises(ParameterError, match="stepsize = -3"):
        ablot.blot(*names, "o", editpars=True)
    assert not Path("o.fits").exists()


def test_a_display_that_is_not_there_leaves_the_editor(names, teal, editor):
    fake, folder = teal(0, display=False), editor()
    ablot.blot(*names, "o", editpars=True)
    assert (fake.shown, len(shown(folder))) == ([], 1)
    assert value() == 203
