"""Rows of the benchmark: exposures in, masks and a mosaic out, as whole processes."""

import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import processes
from competitors import cannot_import
from groups import Bench
from measure import Entry, Row, Spent

from skyblot.demo import make_demo

HERE = Path(__file__).resolve().parent
#: JWST's pipeline wants other versions of drizzlepac's packages: `make compat-jwst` installs it.
PIPELINES = HERE.parent / ".venv-compat-jwst" / "bin" / "python"
EXPOSURES = 4


def comparisons(bench: Bench) -> Iterator[Row]:
    """Four exposures of two chips of WFC3/UVIS, and four of a detector of NIRCam."""
    size = {"chip_shape": (128, 256)} if bench.quick else {"full_size": True}
    folder = bench.folder / "clean"
    exposures = make_demo(folder / "uvis", exposures=EXPOSURES, **size).exposures
    command = [sys.executable, str(HERE / "astrodrizzle.py"), *(path.name for path in exposures)]
    entries = (
        _ours(folder / "ours", exposures),
        Entry(
            "python, AstroDrizzle",
            lambda: _in(folder / "theirs", command, exposures),
            cannot_import("drizzlepac.astrodrizzle"),
        ),
    )
    yield Row("4 exposures of WFC3/UVIS, 8 chips", entries, "skyblot clean")
    size = {"chip_shape": (256, 256)} if bench.quick else {"full_size": True}
    near = make_demo(folder / "nircam", "jwst", exposures=EXPOSURES, **size).exposures
    steps = [str(PIPELINES), str(HERE / "pipeline.py"), "pipeline_i2d.fits", *map(str, near)]
    entries = (
        _ours(folder / "ours_nircam", near),
        Entry(
            "python, skymatch, outlier_detection, resample",
            lambda: _in(folder / "pipeline", steps, ()),
            "" if PIPELINES.is_file() else "make compat-jwst installs it",
        ),
    )
    yield Row("4 exposures of NIRCam, gwcs", entries, "skyblot clean")


def growth(bench: Bench) -> Iterator[Row]:
    """Ever more small exposures of one field."""
    numbers = (2, 4) if bench.quick else (4, 16, 64)
    shape = (64, 128) if bench.quick else (512, 1024)
    folder = bench.folder / "growth"
    exposures = make_demo(folder, exposures=max(numbers), chip_shape=shape).exposures
    entries = [
        replace(_ours(folder / f"ours{number}", exposures[:number]), name=f"{number} exposures")
        for number in numbers
    ]
    yield Row("skyblot clean", tuple(entries))


def _ours(folder: Path, exposures: Sequence[Path]) -> Entry:
    command = processes.skyblot_command("clean", *exposures, "--output-dir", folder, "--quiet")
    return Entry("skyblot clean", lambda: _in(folder, command, ()))


def _in(folder: Path, command: list[str], copies: Sequence[Path]) -> Callable[[], Spent]:
    """A command in an empty folder, where there are copies of its input only."""

    def call() -> Spent:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for path in copies:
            shutil.copy(path, folder)
        spent = processes.run(command, {"CRDS_PATH": str(folder)}, folder)
        names = {path.name for path in copies}
        files = [path for path in folder.rglob("*") if path.is_file() and path.name not in names]
        return replace(spent, written_bytes=sum(path.stat().st_size for path in files))

    return call
