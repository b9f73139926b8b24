"""Rows of the benchmark: many chips from one mosaic, file to file."""

from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import numpy as np
import work
from astropy.io import fits
from competitors import cannot_import
from files import write_exposures
from groups import Bench
from measure import Entry, Row

UNITS = {"in_units": "cps", "out_units": "cps", "addsky": False}


def chips(bench: Bench) -> Iterator[Row]:
    """Sixteen chips (four, for a smoke test): ours, loops over the peer's task and over its step's
    work, the bytes.
    """
    references = write_exposures(work.uvis(bench.quick), bench.folder, 4 if bench.quick else 16)
    source, folder = bench.files.source, bench.folder / "blots"
    folder.mkdir(exist_ok=True)
    missing = cannot_import("drizzlepac.ablot")
    entries = (
        Entry("skyblot.blot_files", lambda: _ours(source, references, folder)),
        Entry(
            "loop over drizzlepac ablot.blot, exact",
            lambda: _task(source, references, folder),
            missing,
        ),
        Entry(
            "loop over drizzlepac ablot.blot, stepsize=10",
            lambda: _task(source, references, folder, True),
            missing,
        ),
        Entry("what runBlot does, stepsize=10", lambda: _step(source, references, folder), missing),
        Entry("the same bytes, read and written", lambda: _copy(source, references, folder)),
    )
    yield Row("poly5", entries, "skyblot.blot_files")


def _ours(source: Path, references: list[Path], folder: Path) -> Callable[[], object]:
    import skyblot

    return lambda: skyblot.blot_files(source, references, folder, overwrite=True, **UNITS)


def _task(
    source: Path, references: list[Path], folder: Path, stepped: bool = False
) -> Callable[[], object]:
    """The stand-alone task for each chip; without a `wcsmap` it takes the grid of its stepsize."""
    from drizzlepac import ablot

    options = {"wcsmap": None} if stepped else {}

    def call() -> None:
        for reference in references:
            output = folder / f"theirs_{reference.name}"
            output.unlink(missing_ok=True)
            with redirect_stdout(StringIO()):
                ablot.blot(
                    f"{source}[sci,1]",
                    f"{reference}[sci,1]",
                    str(output),
                    configObj="defaults",
                    **UNITS,
                    **options,
                )

    return call


def _step(source: Path, references: list[Path], folder: Path) -> Callable[[], object]:
    """AstroDrizzle's step without the rest of AstroDrizzle: the median read once, a blot and a file
    for each chip.
    """
    from drizzlepac import ablot
    from stwcs.wcsutil import HSTWCS

    def call() -> None:
        with fits.open(source) as hdus:
            median, median_wcs = hdus["SCI"].data.astype(np.float32), HSTWCS(hdus, ext=("SCI", 1))
        for reference in references:
            with fits.open(reference) as hdus:
                wcs = HSTWCS(hdus, ext=("SCI", 1))
                header = hdus["SCI", 1].header
                blot = ablot.do_blot(
                    median, median_wcs, wcs, 1.0, coeffs=True, interp="poly5", stepsize=10
                )
            fits.PrimaryHDU(blot, header).writeto(
                folder / f"step_{reference.name}", overwrite=True, output_verify="silentfix+ignore"
            )

    return call


def _copy(source: Path, references: list[Path], folder: Path) -> Callable[[], object]:
    """As ``cp`` does: the mosaic's bytes read, those of all chips read and written, without a
    flush.
    """

    def call() -> None:
        source.read_bytes()
        for reference in references:
            (folder / f"copy_{reference.name}").write_bytes(reference.read_bytes())

    return call
