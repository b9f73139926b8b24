"""What is loaded when, and who may import whom."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import skyblot

PACKAGE = Path(skyblot.__file__).parent
HEAVY = {
    "numba",
    "llvmlite",
    "astropy",
    "scipy",
    "matplotlib",
    "dask",
    "gwcs",
    "asdf",
    "numpy",
    "configobj",
}
MODULES = sorted(PACKAGE.rglob("*.py"))
ARRAYS_ONLY = [
    path
    for package in ("rejection", "resampling", "pixelmap", "headers", "kernels")
    for path in sorted((PACKAGE / package).glob("*.py"))
    if path.name != "containers.py"  # images in memory, and HDUs are among them
]


def python(code):
    """Run Python code in a process of its own; return the words it prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.split()


def loaded_by(code):
    """Top-level modules that are loaded after `code`, which may end the interpreter."""
    return (
        set(
            python(f"import atexit, sys\natexit.register(lambda: print('@', *sys.modules))\n{code}")
        )
        & HEAVY
    )


@pytest.mark.parametrize(
    "code",
    [
        "import skyblot",
        "import skyblot; dir(skyblot); skyblot.__version__; skyblot.SkyblotError; "
        "skyblot.Parameters",
        "from skyblot.cli import main; main(['--help'])",
        "from skyblot.cli import main; main(['--version'])",
        "from skyblot.cli import main; main(['blot', '--help'])",
        "from skyblot.cli import main; main(['demo', '--help'])",
        "from skyblot.cli import main; main(['reject', '--help'])",
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_needed(code):
    assert loaded_by(code) == set()


def test_the_check_above_sees_what_is_loaded():
    assert "numba" in loaded_by("import skyblot; skyblot.blot")


def test_one_command_does_not_load_the_other():
    names = python(
        "import sys; from skyblot.cli import cli, main; cli.get_command(None, 'demo'); "
        "print(*sys.modules)"
    )
    assert "skyblot.cli.demo" in names
    assert "skyblot.cli.blot" not in names


def test_every_public_name_resolves_and_is_in_dir():
    assert {"blot", "pixel_map", "blot_file", "blot_files", "Parameters", "__version__"} <= set(
        skyblot.__all__
    )
    assert len(set(skyblot.__all__)) == len(skyblot.__all__)
    for name in skyblot.__all__:
        assert getattr(skyblot, name) is not None
        assert name in dir(skyblot)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'skyblot' has no attribute 'blott'"):
        skyblot.blott  # noqa: B018


def imports_of(path):
    """Absolute names of everything that a module imports, functions' imports included."""
    package = ["skyblot", *path.relative_to(PACKAGE).parent.parts]
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) + 1 - node.level] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return names


def within(names, *packages):
    return sorted(
        name for name in names if any(f"{name}.".startswith(f"{package}.") for package in packages)
    )


def ids(path):
    return str(path.relative_to(PACKAGE))


@pytest.mark.parametrize("path", ARRAYS_ONLY, ids=ids)
def test_arrays_only_code_reads_no_files_and_knows_no_command_line(path):
    forbidden = (
        "astropy.io",
        "dask",
        "click",
        "rich",
        "asdf",
        "skyblot.io",
        "skyblot.cli",
        "skyblot.api",
    )
    assert within(imports_of(path), *forbidden) == []


@pytest.mark.parametrize(
    "path", [path for path in ARRAYS_ONLY if path.parent.name == "kernels"], ids=ids
)
def test_kernels_know_numpy_and_numba_only(path):
    allowed = {
        "numpy",
        "numba",
        "llvmlite",
        "skyblot",
        "math",
        "collections",
        "dataclasses",
        "typing",
        "functools",
        "logging",
    }
    roots = {name.split(".")[0] for name in imports_of(path)}
    assert roots <= allowed
    siblings = within(imports_of(path), "skyblot")
    assert (
        within(siblings, "skyblot.kernels", "skyblot.parameters.table", "skyblot.errors")
        == siblings
    )


def test_the_check_above_sees_imports():
    assert within(imports_of(PACKAGE / "api" / "blot.py"), "skyblot.io", "skyblot.steps")
    assert within(imports_of(PACKAGE / "io" / "fits.py"), "astropy.io") != []
    assert within(imports_of(PACKAGE / "pixelmap" / "sky.py"), "skyblot.errors") != []


@pytest.mark.parametrize("path", [path for path in MODULES if "cli" not in path.parts], ids=ids)
def test_no_print_in_the_library(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert [
        call.lineno for call in calls if isinstance(call, ast.Name) and call.id == "print"
    ] == []


def test_nothing_that_takes_time_is_imported_before_ctrl_c_is_heard():
    code = (
        "import sys; before = set(sys.modules); import skyblot.cli; print(*sorted(set(sys.modules) "
        "- before))"
    )
    assert python(code) == ["skyblot", "skyblot.cli"]


def test_ctrl_c_while_the_command_line_is_imported():
    code = (
        "import sys\n"
        "class Interrupted:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'click':\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "from skyblot.cli import main\n"
        "main(['info', 'a.fits'])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "skyblot: interrupted\n")
