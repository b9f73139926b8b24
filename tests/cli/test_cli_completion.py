"""Completion in the shell: what click's scripts for bash, zsh and fish are told."""

import pytest

from skyblot.cli import directory, main
from skyblot.parameters.table import INTERPOLANTS

COMMANDS = list(directory.COMMANDS)


@pytest.fixture
def complete(monkeypatch, capsys):
    """Ask as bash does: the words of the line, the last of them being typed."""

    def ask(line):
        words = line.split(" ")
        monkeypatch.setenv("_SKYBLOT_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", line)
        monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        with pytest.raises(SystemExit) as end:
            main([])
        assert end.value.code == 0
        return capsys.readouterr().out.split()

    return ask


def plain(*words):
    return [f"plain,{word}" for word in words]


def test_commands(complete):
    assert complete("skyblot ") == plain(*COMMANDS)
    assert complete("skyblot bl") == plain("blot")
    assert complete("skyblot x") == []


def test_a_commands_module_is_imported_only_when_it_is_asked_about(complete, monkeypatch):
    """Completion of a word has to be quick."""
    asked = []

    def import_module(name, package):
        asked.append(name)
        return importlib_import(name, package)

    importlib_import = directory.importlib.import_module
    monkeypatch.setattr(directory.importlib, "import_module", import_module)
    assert complete("skyblot reject --c") == plain(
        "--config", "--compare", "--clean", "--cte-tail", "--compress", "--coeffs"
    )
    assert asked == [".reject"]


def test_options(complete):
    assert complete("skyblot blot --in") == plain("--interp", "--in-units")
    assert complete("skyblot blot a.fits b.fits --no-a") == plain("--no-addsky", "--no-as-is")
    assert complete("skyblot blot --overwrite --overw") == []


def test_choices_of_parameters(complete):
    assert complete("skyblot blot --interp ") == plain(*INTERPOLANTS)
    assert complete("skyblot blot --interp lan") == plain("lanczos3", "lanczos5")
    assert complete("skyblot blot --interp LAN") == plain("lanczos3", "lanczos5")
    assert complete("skyblot reject --out-units c") == plain("cps", "counts")
    assert complete("skyblot blot --sinscl ") == []


def test_other_choices(complete):
    assert complete("skyblot reject --rule ") == plain("skyblot", "plain")
    assert complete("skyblot demo --kind r") == plain("roman")


def test_outputs_are_left_to_the_shell(complete):
    assert complete("skyblot blot a.fits b.fits -o c") == ["file,c"]
    assert complete("skyblot blot a.fits b.fits --config my") == ["file,my"]


@pytest.mark.parametrize("command", ["blot", "reject", "info", "show"])
def test_inputs_are_left_to_the_shell(complete, command):
    assert complete(f"skyblot {command} mos") == ["file,mos"]
    assert complete("skyblot blot a.fits b.fits mos") == ["file,mos"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_there_is_a_script_for_each_shell(shell, monkeypatch, capsys):
    monkeypatch.setenv("_SKYBLOT_COMPLETE", f"{shell}_source")
    monkeypatch.setattr(
        "click.shell_completion.BashComplete._check_version", staticmethod(lambda: None)
    )
    with pytest.raises(SystemExit) as end:
        main([])
    assert end.value.code == 0
    assert f"_SKYBLOT_COMPLETE={shell}_complete" in capsys.readouterr().out
