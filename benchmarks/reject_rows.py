"""Rows of the benchmark: exposures compared with their blots, file to file."""

import contextlib
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from types import ModuleType

from competitors import cannot_import
from groups import Bench
from measure import Entry, Row, Spent

from skyblot.bands import available_cores
from skyblot.demo import DemoSet, make_demo

EXPOSURES = 4
#: The steps that are timed, by the names of the functions that do them.
_STEPS = (("ablot", "runBlot"), ("drizCR", "rundrizCR"))


def comparisons(bench: Bench) -> Iterator[Row]:
    """Four exposures of two chips (small ones, for a smoke test) and their median."""
    shape = {"chip_shape": (128, 256)} if bench.quick else {"full_size": True}
    demo = make_demo(bench.folder / "reject", exposures=EXPOSURES, **shape)
    missing = cannot_import("drizzlepac.astrodrizzle")
    entries = (
        Entry("skyblot.reject_files", lambda: _ours(demo)),
        Entry("skyblot.reject_files, save_blots=True", lambda: _ours(demo, save_blots=True)),
        Entry("skyblot.reject_files, rule='plain'", lambda: _ours(demo, rule="plain")),
        Entry("AstroDrizzle's steps blot and driz_cr", lambda: _theirs(demo), missing),
    )
    yield Row("4 exposures, 8 chips", entries, "skyblot.reject_files")


def _ours(demo: DemoSet, **how: object) -> Callable[[], object]:
    import skyblot

    masks = demo.folder / "masks"
    masks.mkdir(exist_ok=True)
    return lambda: skyblot.reject_files(
        demo.median,
        demo.exposures,
        masks,
        overwrite=True,
        exposures=EXPOSURES,
        threads=available_cores(),
        **how,
    )


def _theirs(demo: DemoSet) -> Callable[[], Spent]:
    """Run AstroDrizzle up to the masks, with its defaults and a process for each core; time the two
    steps alone.
    """
    from drizzlepac import astrodrizzle

    folder = demo.folder / "theirs"
    folder.mkdir()
    names = [Path(shutil.copy(path, folder)).name for path in demo.exposures]

    def call() -> Spent:
        with _quietly(folder), _timed_steps() as seconds:
            astrodrizzle.AstroDrizzle(
                names, output="final", mdriztab=False, updatewcs=False, wcskey="", resetbits=4096,
                build=False, clean=False, preserve=False, overwrite=True, skysub=True,
                skymethod="localmin", context=False, num_cores=available_cores(),
                driz_combine=False,
            )  # fmt: skip
        assert len(seconds) == len(_STEPS)
        return Spent(sum(seconds), 0)

    return call


@contextlib.contextmanager
def _timed_steps() -> Iterator[list[float]]:
    """Collect the seconds that each step takes."""
    import drizzlepac

    seconds: list[float] = []
    originals = []
    for module, name in _STEPS:
        home: ModuleType = getattr(drizzlepac, module)
        originals.append((home, name, getattr(home, name)))
        setattr(home, name, _timed(getattr(home, name), seconds))
    try:
        yield seconds
    finally:
        for home, name, original in originals:
            setattr(home, name, original)


def _timed(function: Callable, seconds: list[float]) -> Callable:
    def call(*arguments: object, **options: object) -> object:
        start = time.perf_counter()
        result = function(*arguments, **options)
        seconds.append(time.perf_counter() - start)
        return result

    return call


@contextlib.contextmanager
def _quietly(folder: Path) -> Iterator[None]:
    """In a folder, since AstroDrizzle writes where it is; its many lines are not for the tables."""
    logging.disable(logging.CRITICAL)
    os.environ.update(ASTROMETRY_STEP_CONTROL="off", iref="/nonexistent/", jref="/nonexistent/")
    try:
        with (
            contextlib.chdir(folder),
            contextlib.redirect_stdout(StringIO()),
            contextlib.redirect_stderr(StringIO()),
        ):
            yield
    finally:
        logging.disable(logging.NOTSET)
