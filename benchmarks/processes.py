"""Whole processes: what a user at a prompt waits for, and the memory it takes."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from competitors import cannot_import
from files import Files, write_sparse_mosaic
from measure import Entry, Spent
from work import Work

LAUNCHER = Path(__file__).with_name("launch.py")
OPTIONS = ("--in-units", "cps", "--out-units", "cps", "--no-addsky", "--quiet", "--overwrite")

#: The same by drizzlepac; the last word is the pixel map, as `ablot.blot` names it.
ABLOT = """
import os, sys, warnings
warnings.simplefilter("ignore")
from drizzlepac import ablot
source, reference, output, options = sys.argv[1:]
if os.path.exists(output):
    os.remove(output)
options = {"wcsmap": None} if options == "stepsize" else {}
ablot.blot(source + "[sci,1]", reference + "[sci,1]", output, configObj="defaults",
           in_units="cps", out_units="cps", addsky=False, **options)
"""


def run(
    command: Sequence[str], environment: dict[str, str] | None = None, folder: Path | None = None
) -> Spent:
    """Run a command, in a folder, and return its time and its peak memory."""
    launch = [sys.executable, "-I", "-S", str(LAUNCHER), *map(str, command)]
    done = subprocess.run(
        launch,
        capture_output=True,
        text=True,
        env={**os.environ, **(environment or {})},
        cwd=folder,
    )
    facts = json.loads(done.stdout) if done.returncode == 0 else {"exit": done.returncode}
    if facts["exit"] != 0:
        raise RuntimeError(
            f"{' '.join(map(str, command[:4]))} ... ended with {facts['exit']}: "
            f"{done.stderr[-2000:]}"
        )
    return Spent(facts["seconds"], facts["peak_bytes"], facts["cpu_seconds"])


def skyblot_command(*arguments: str | Path) -> list[str]:
    """The command line, by its script where there is one."""
    script = Path(sys.executable).with_name("skyblot")
    start = [str(script)] if script.is_file() else [sys.executable, "-m", "skyblot"]
    return [*start, *map(str, arguments)]


def blot_command(files: Files) -> list[str]:
    """``skyblot blot`` of these files."""
    return skyblot_command(
        "blot", files.source, f"{files.reference}[sci,1]", "-o", files.output, *OPTIONS
    )


def warm(files: Files) -> Entry:
    """``skyblot blot`` with its kernels in Numba's cache."""
    return Entry("skyblot blot", lambda: lambda: run(blot_command(files)))


def cold(files: Files) -> Entry:
    """``skyblot blot`` with nothing in Numba's cache, as on the first run after an installation."""

    def call() -> Spent:
        with tempfile.TemporaryDirectory() as empty:
            return run(blot_command(files), {"NUMBA_CACHE_DIR": empty})

    return Entry("skyblot blot, empty Numba cache", lambda: call)


def ablot(files: Files, name: str, options: str) -> Entry:
    """A Python process that imports drizzlepac.ablot and blots the same files."""
    command = [
        sys.executable,
        "-c",
        ABLOT,
        str(files.source),
        str(files.reference),
        str(files.output),
        options,
    ]
    return Entry(name, lambda: lambda: run(command), missing=cannot_import("drizzlepac"))


def start_up() -> tuple[Entry, ...]:
    """The shortest commands: what starting costs."""
    commands = {
        "skyblot --help": skyblot_command("--help"),
        "skyblot blot --help": skyblot_command("blot", "--help"),
        "python -c pass": [sys.executable, "-c", "pass"],
    }
    return tuple(Entry(name, _runner(command)) for name, command in commands.items())


def _runner(command: list[str]) -> Callable[[], Callable[[], Spent]]:
    return lambda: lambda: run(command)


def from_mosaics(work: Work, files: Files, sizes: Sequence[int]) -> tuple[Entry, ...]:
    """The same chip from square mosaics of several sizes on disk."""
    return tuple(_from_mosaic(work, files, size) for size in sizes)


def _from_mosaic(work: Work, files: Files, size: int) -> Entry:
    def prepare() -> Callable[[], Spent]:
        source = files.source.with_name(f"mosaic_{size}.fits")
        write_sparse_mosaic(work, source, size)
        command = blot_command(Files(source, files.reference, files.output))
        return lambda: run(command)

    return Entry(f"source {size} x {size}", prepare, pixels=work.pixels)
