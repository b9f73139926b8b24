"""House rules: no file over 400 lines, no function over 50, imports in one direction."""

import ast
import importlib.util
import re
import sys
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("src", "tests", "benchmarks", "docs")
LONGEST_FILE = 400
LONGEST_FUNCTION = 50  # its docstring not counted
LONGEST_CHAIN = 20  # of imports


def lines_of(function):
    """Number of lines of a function from its name on, without its docstring."""
    lines = function.end_lineno - function.lineno + 1
    if ast.get_docstring(function, clean=False) is not None:
        docstring = function.body[0]
        lines -= docstring.end_lineno - docstring.lineno + 1
    return lines


def complaints(name, text):
    """What is too long in a file: a sentence each."""
    lines = len(text.splitlines())
    if lines > LONGEST_FILE:
        yield f"{name} has {lines} lines, {LONGEST_FILE} are allowed: split it by topic"
    for node in ast.walk(ast.parse(text)):
        if (
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            and lines_of(node) > LONGEST_FUNCTION
        ):
            yield (
                f"{name}:{node.lineno}: {node.name} has {lines_of(node)} lines without its "
                f"docstring, {LONGEST_FUNCTION} are allowed: split it"
            )


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_file_and_no_function_is_too_long(folder):
    paths = sorted(
        path
        for path in (ROOT / folder).rglob("*.py")
        if not {"_build", "generated"} & set(path.parts)
    )
    assert paths
    found = [
        each
        for path in paths
        for each in complaints(path.relative_to(ROOT), path.read_text(encoding="utf-8"))
    ]
    assert not found, "\n".join(found)


def method(lines):
    """Text of a method with a docstring of three lines and so many others."""
    return (
        "class A:\n    def f(self):\n"
        + '        """One.\n\n        """\n'
        + "        pass\n" * (lines - 1)
    )


def test_what_is_too_long_is_named():
    assert not list(complaints("a.py", method(50)))
    assert list(complaints("a.py", method(51))) == [
        "a.py:2: f has 51 lines without its docstring, 50 are allowed: split it"
    ]
    assert not list(complaints("a.py", "pass\n" * 400))
    assert list(complaints("a.py", "pass\n" * 401)) == [
        "a.py has 401 lines, 400 are allowed: split it by topic"
    ]


@pytest.fixture(scope="module")
def structure():
    """The script that measures the shape of the source."""
    spec = importlib.util.spec_from_file_location("structure", ROOT / "tools" / "structure.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["structure"] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def graph(structure):
    """The modules that each module imports."""
    return structure.import_graph(structure.read_modules(ROOT / "src" / "skyblot"))


def test_imports_are_not_deep(structure, graph):
    chain = structure.longest_chain(graph)
    assert len(chain) <= LONGEST_CHAIN, " > ".join(chain)


def below(graph, name, seen=()):
    """The modules that a module imports, by way of others too."""
    found = set(seen)
    for other in graph[name]:
        if other not in found:
            found = below(graph, other, found | {other})
    return found


def walks():
    """The lists in CONTRIBUTING of the files that hand a name down, as modules."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    block = re.search(r"```text\n(source .*?)```", text, re.DOTALL)[1]
    for walk in re.split(r"\n(?=\w)", block.strip()):
        name, *files = walk.split()
        yield name, [f"skyblot.{file.removesuffix('.py').replace('/', '.')}" for file in files]


@pytest.mark.parametrize(("name", "files"), [*walks()])
def test_a_name_is_handed_down_and_never_back_up(name, files, graph):
    assert set(files[1:]) <= below(graph, files[0])
    for upper, lower in pairwise(files):
        assert upper not in below(graph, lower), f"{name}: {lower} imports {upper}"
