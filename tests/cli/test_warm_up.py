"""``skyblot warm-up``: what it compiles is all that later runs of commands need."""

import subprocess
import sys

import skyblot

CODE = """
import sys
from pkgutil import iter_modules
from importlib import import_module
from skyblot import kernels, warm_up
from skyblot.cli import main

def compiled():
    found = {}
    for module in iter_modules(kernels.__path__, "skyblot.kernels."):
        for name, kernel in vars(import_module(module.name)).items():
            for signature in getattr(kernel, "signatures", ()):
                found.setdefault(name, set()).add(signature)
    return found

warm_up()
before = compiled()
folder, out, source, *exposures = sys.argv[1:]
for arguments in (
    ["clean", *exposures, "--output-dir", f"{out}/cleaned"],
    ["reject", source, *exposures, "--output-dir", out],
    ["blot", source, *exposures, "--output-dir", out, "--interp", "lanczos3"],
    ["blot", f"{exposures[0]}[sci,1]", f"{exposures[1]}[sci,1]", "--force", "-o", f"{out}/a.fits"],
    ["median", *exposures, "-o", f"{out}/few_med.fits"],
    ["drizzle", *exposures, "-o", f"{out}/few_drc.fits", "--kernel", "turbo"],
    ["info", exposures[0], "--with", source],
):
    try:
        main([*arguments, "--quiet"])
    except SystemExit as end:
        assert not end.code, arguments
after = compiled()
assert len(before) > 25, before
print({name: after[name] - before.get(name, set()) for name in after
       if after[name] != before.get(name)})
"""


def test_later_runs_compile_nothing_more(demo, tmp_path):
    files = [demo.folder, tmp_path, demo.median, *demo.exposures]
    done = subprocess.run(
        [sys.executable, "-c", CODE, *map(str, files)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "{}"


def test_the_command_says_that_all_is_compiled_and_leaves_nothing(run, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    code, text, errors = run("warm-up")
    assert (code, text) == (0, "")
    assert errors.splitlines()[-1] == "all kernels are compiled"
    assert "warning" not in errors
    assert list(tmp_path.iterdir()) == []
    assert callable(skyblot.warm_up)
