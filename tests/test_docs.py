"""Every example in the README, the documentation and the docstrings does what it says."""

import contextlib
import csv
import doctest
import glob
import importlib
import logging
import pkgutil
import re
import shlex
import shutil
import tomllib
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest
from astropy import log as astropy_log
from check_links import broken

import skyblot
from skyblot.cli import main
from skyblot.headers.instruments import INSTRUMENTS
from skyblot.io.images import FORMATS
from skyblot.kernels.interpolants import INTERPOLANTS
from skyblot.parameters.rules import RULES

ROOT = Path(__file__).parent.parent
RST = sorted(
    path
    for path in (ROOT / "docs").rglob("*.rst")
    if not {"generated", "_build", "_templates"} & set(path.parts)
)
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *RST]
#: Notebooks, which the build of the documentation executes.
NOTEBOOKS = sorted(
    path for path in (ROOT / "docs").rglob("*.md") if not {"_build", "_made"} & set(path.parts)
)
#: How each kind of page opens a block, and how it closes it.
OPENINGS = {".md": r"```(python|console)", ".rst": r"\.\. code-block:: (python|console)"}
DOCTEST_FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
LARGEST_FIGURE = 150_000  # bytes


@dataclass(frozen=True)
class Block:
    """A piece of code on a page: its language, its text, and the line it starts on."""

    language: str
    text: str
    line: int


def blocks(page):
    """Return the blocks of code of a page, in order."""
    lines = page.read_text().splitlines()
    found = []
    for number, line in enumerate(lines):
        opening = re.fullmatch(OPENINGS[page.suffix], line)
        if opening:
            body = (
                fenced(lines[number + 1 :])
                if page.suffix == ".md"
                else indented(lines[number + 1 :])
            )
            blank = 0 if page.suffix == ".md" else 1
            found.append(Block(opening[1], "\n".join(body[blank:]) + "\n", number + 2 + blank))
    return found


def fenced(lines):
    return lines[: lines.index("```")]


def indented(lines):
    body = []
    for line in lines:
        if line and not line.startswith("   "):
            break
        body.append(line[3:])
    return body


@pytest.fixture(scope="module")
def demo_set(tmp_path_factory):
    """The demo data, as `skyblot demo` makes them, without the blots."""
    return skyblot.make_demo(tmp_path_factory.mktemp("docs") / "skyblot-demo").folder


@contextlib.contextmanager
def settings_restored():
    """The command line sets up logging and warnings for its process: put them back."""
    root, library = logging.getLogger(), logging.getLogger("skyblot")
    handlers, levels = root.handlers[:], (root.level, library.level, astropy_log.level)
    with warnings.catch_warnings():
        try:
            yield
        finally:
            root.handlers[:] = handlers
            for logger, level in zip((root, library, astropy_log), levels, strict=True):
                logger.setLevel(level)


@contextlib.contextmanager
def registries_restored():
    """Examples add interpolants, rules, instruments and formats: take them out again."""
    tables = [INTERPOLANTS, RULES, INSTRUMENTS]
    before = [dict(table) for table in tables]
    formats = FORMATS[:]
    try:
        yield
    finally:
        FORMATS[:] = formats
        for table, rows in zip(tables, before, strict=True):
            table.clear()
            table.update(rows)


def make_targets():
    return re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


class Reader:
    """Someone who tries the examples of a page, one after the other, in one folder and one Python
    session.
    """

    def __init__(self, page, monkeypatch, capsys):
        self.page, self.monkeypatch, self.capsys = page, monkeypatch, capsys
        self.names = {"__name__": "__main__"}

    def try_block(self, block):
        if block.language == "console":
            self.try_console(block)
        elif block.text.lstrip().startswith(">>>"):
            self.try_session(block)
        else:
            code = "\n" * (block.line - 1) + block.text
            exec(compile(code, str(self.page), "exec"), self.names)

    def try_session(self, block):
        test = doctest.DocTestParser().get_doctest(
            block.text, self.names, self.page.name, str(self.page), block.line
        )
        test.globs = self.names
        runner = doctest.DocTestRunner(optionflags=DOCTEST_FLAGS, verbose=False)
        report = []
        runner.run(test, out=report.append, clear_globs=False)
        assert runner.failures == 0, "".join(report)

    def try_console(self, block):
        assert block.text.startswith("$ "), (
            f"{self.page.name}:{block.line}: a console block starts with a command"
        )
        for piece in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, shown = piece.partition("\n")
            self.try_command(shlex.split(command), shown.strip())

    def try_command(self, words, shown):
        program, arguments = words[0], words[1:]
        if program == "skyblot":
            self.try_skyblot(arguments, shown)
        elif program == "cd":
            self.monkeypatch.chdir(arguments[0])
        elif program == "mkdir":
            Path(arguments[0]).mkdir()
        elif program == ".":
            assert arguments == [".venv/bin/activate"]
        elif program == "make":
            assert set(arguments) <= set(make_targets()), words
        elif program == "pip":
            self.check_pip(arguments)
        else:
            pytest.fail(f"{self.page.name}: an example uses {program!r}, which no test knows")

    def try_skyblot(self, arguments, shown):
        """Run the command line as it is shown; the output must be as shown, but for the seconds."""
        self.capsys.readouterr()
        expanded = [name for word in arguments for name in (sorted(glob.glob(word)) or [word])]
        with settings_restored(), pytest.raises(SystemExit) as end:
            main(expanded)
        output = "".join(self.capsys.readouterr())
        assert end.value.code == (2 if "skyblot: error:" in shown else 0), output
        if shown:
            assert without_seconds(output) == without_seconds(shown)
        else:
            assert "warning" not in output

    def check_pip(self, arguments):
        action, what = arguments
        extras = re.fullmatch(r"\.(?:\[([a-z,]+)\])?", what)
        assert action == "install"
        assert extras, what
        known = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"][
            "optional-dependencies"
        ]
        assert set((extras[1] or "").split(",")) - {""} <= set(known)


def without_seconds(output):
    return re.sub(r"\d+\.\d+ s$", "SECONDS", output.strip(), flags=re.MULTILINE)


@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks(page)], ids=lambda page: page.stem
)
def test_the_examples_of_a_page_run(page, demo_set, tmp_path, monkeypatch, capsys):
    """In the folder above the demo data if the page changes into it, else in the demo data."""
    here = tmp_path / "skyblot-demo"
    shutil.copytree(demo_set, here)
    monkeypatch.chdir(tmp_path if "cd skyblot-demo" in page.read_text() else here)
    reader = Reader(page, monkeypatch, capsys)
    try:
        with registries_restored():
            for block in blocks(page):
                reader.try_block(block)
    finally:
        close_files(reader.names)


def close_files(names):
    """Close what the examples leave open, as the end of a session does."""
    for value in names.values():
        if hasattr(value, "fileinfo"):
            value.close()


def test_there_are_examples_on_the_pages_for_newcomers():
    for name in ("README.md", "docs/start.rst", "docs/blotting.rst"):
        languages = {block.language for block in blocks(ROOT / name)}
        assert languages == {"python", "console"}, name


def test_no_block_of_code_escapes_these_tests():
    for page in PAGES:
        fences = re.findall(
            r"^```(\w+)" if page.suffix == ".md" else r"code-block:: (\w+)", page.read_text(), re.M
        )
        assert set(fences) <= {"python", "console", "text"}, page


def modules():
    """Import every module of the package, except those that need an extra that is not installed."""
    yield skyblot
    for found in pkgutil.walk_packages(skyblot.__path__, "skyblot."):
        if found.name == "skyblot.__main__":
            continue
        try:
            yield importlib.import_module(found.name)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.startswith("skyblot"):
                raise


def test_the_examples_of_the_docstrings_run():
    attempted = 0
    # All of them first: what an example imports would change the modules that are being searched.
    for module in list(modules()):
        result = doctest.testmod(module, optionflags=DOCTEST_FLAGS)
        assert result.failed == 0, module.__name__
        attempted += result.attempted
    assert attempted > 0


def test_figures_and_tables_on_the_pages_exist_and_are_small():
    for page in PAGES:
        names = re.findall(
            r"(?:figure::|image::|:file:) *(\S+)|!\[[^\]]*\]\(([^)]+)\)", page.read_text()
        )
        for name in ("".join(pair) for pair in names):
            if "_made/" in name:
                continue  # by the build, which fails where one is missing
            path = page.parent / name
            assert path.is_file(), f"{page.name}: {name}"
            assert path.stat().st_size < LARGEST_FIGURE, name


def test_links_of_the_readme_lead_somewhere():
    links = re.findall(r"\]\(([^)]+)\)", (ROOT / "README.md").read_text())
    assert len(links) > 5
    for link in links:
        assert link.startswith("https://") or (ROOT / link).is_file(), link


def test_the_layout_in_contributing_names_every_package_and_no_other():
    layout = re.search(r"```\n(.*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.DOTALL)[1]
    named = re.findall(r"(?<!\S)(\w+\.py|\w+/)(?!\S)", layout)
    there = {
        f"{each.name}/" if each.ispkg else f"{each.name}.py"
        for each in pkgutil.iter_modules(skyblot.__path__)
    }
    assert sorted(named) == sorted(there - {"__main__.py"})


def test_no_page_names_a_place_on_somebodys_machine():
    for path in [*PAGES, *NOTEBOOKS, *(ROOT / "docs").glob("*.py")]:
        assert not re.search(r"/(work|home|tmp|root|Users)/", path.read_text()), path


def test_notebooks_are_told_what_kind_of_code_each_block_is():
    """Code is run by the build, and text is for programs that are not installed there."""
    assert len(NOTEBOOKS) == 5
    for page in NOTEBOOKS:
        fences = re.findall(r"^```(\S+.*)$", page.read_text(), re.MULTILINE)
        assert set(fences) <= {"{code-cell} ipython3", "text"}, page
        assert f"{{nb-download}}`{page.stem}.ipynb`" in page.read_text(), page


def test_documents_that_pages_link_to_are_there():
    for page in [*RST, *NOTEBOOKS]:
        for shown in re.findall(r"(?::doc:|\{doc\})`([^`]+)`", page.read_text()):
            name = shown.rpartition("<")[2].rstrip(">")
            folder = ROOT / "docs" if name.startswith("/") else page.parent
            found = [folder / f"{name.lstrip('/')}{suffix}" for suffix in (".rst", ".md")]
            assert any(path.is_file() for path in found), f"{page.name}: {name}"


def test_a_link_between_built_pages_that_leads_nowhere_is_found(tmp_path):
    (tmp_path / "one.html").write_text(
        '<p id="here"><a href="#here">1</a> <a href="two.html#there">2</a> <a href="https://x.y">3'
        '</a> <a href="two.html#gone">4</a> <img src="none.png"></p>'
    )
    (tmp_path / "two.html").write_text('<h1 id="there"><a href="one.html">back</a></h1>')
    assert broken(tmp_path) == ["one.html: none.png", "one.html: two.html#gone"]


def test_every_page_is_in_the_directory():
    index = (ROOT / "docs" / "index.rst").read_text()
    for page in [*RST, *NOTEBOOKS]:
        name = page.relative_to(ROOT / "docs").with_suffix("").as_posix()
        if name != "index" and not name.startswith("benchmarks/"):
            assert re.search(rf"^   {name}$", index, re.MULTILINE), name


def test_the_readme_has_the_figures_of_the_benchmarks():
    text = (ROOT / "README.md").read_text()
    with open(ROOT / "docs" / "benchmarks" / "rejection_defaults.csv") as stream:
        rows = {row["rule"]: row for row in csv.DictReader(stream) if row["sets"] == "under"}
    rules = [rows[name] for name in ("skyblot", "drizCR", "stcal")]
    hits = " | ".join(f"{100 * float(row['above 3 sigma']):.0f} %" for row in rules)
    cores = " | ".join(f"{1000 * float(row['cores']):.0f} in 1000" for row in rules)
    assert f"found, undersampled stars | {hits} |" in text, hits
    assert f"taken for cosmic rays | {cores} |" in text, cores
    clean = (ROOT / "docs" / "clean.rst").read_text()
    for shown, measured in (
        ("14 s", "13.7 s"),
        ("42 s", "41.6 s"),
        ("7 s", "7.0 s"),
        ("43 s", "42.8 s"),
    ):
        assert measured in clean
        assert shown in text


def test_the_readme_fits_on_a_screen():
    text = (ROOT / "README.md").read_text()
    assert len(text.splitlines()) <= 60
    assert text.count("![") == 1
