"""Compile the kernels beforehand: by small runs of all that uses them, in a folder that goes."""

from collections.abc import Callable, Generator
from pathlib import Path
from tempfile import TemporaryDirectory

from .. import blot_files, clean_files, drizzle_files, make_demo, median_files, reject_files
from ..demo import DemoSet
from ..io.gwcs import missing_package
from ..kernels.interpolants import INTERPOLANTS
from ..mosaics.parts import Stage
from .progress import progress_bar

#: Above five exposures another stack is made.
_EXPOSURES = 6
_SHAPE = (160, 200)
#: Every so many pixels a position is exact.
_STEPSIZE = 5


def warm_up(progress: bool = False) -> None:
    """Compile all kernels, so that no later run has to.

    Where skyblot is new, or Numba, or the processor, that takes a minute or two; else a few
    seconds. They are kept where Numba keeps them: beside skyblot's own files, or in the folder that
    ``NUMBA_CACHE_DIR`` names.

    Parameters
    ----------
    progress : bool
        Show a bar, at a prompt and in notebooks.
    """
    with progress_bar(progress) as bar:
        for stage in warm_up_events():
            bar.show(stage.name, stage.done, stage.total)


def warm_up_events() -> Generator[Stage]:
    """Do what `warm_up` does, and yield stages."""
    with TemporaryDirectory(prefix="skyblot-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        yield Stage("making exposures", 0, 1)
        runs = _runs(make_demo(folder, exposures=_EXPOSURES, chip_shape=_SHAPE))
        if missing_package() is None:
            jwst = make_demo(folder / "jwst", "jwst", exposures=1, chip_shape=_SHAPE)
            runs.append(lambda: reject_files(jwst.median, jwst.exposures, folder))
        for done, run in enumerate(runs):
            yield Stage("compiling", done, len(runs))
            run()
        yield Stage("compiling", len(runs), len(runs))


def _runs(made: DemoSet) -> list[Callable[[], object]]:
    """What is to be run on exposures with a FITS WCS."""
    out = made.folder
    first, second, *_ = made.exposures

    def blot(interp: str, stepsize: int | None = None) -> Callable[[], object]:
        return lambda: blot_files(
            made.median, [first], out, interp=interp, stepsize=stepsize, overwrite=True
        )

    return [
        *(blot(interp) for interp in INTERPOLANTS),
        blot("poly5", _STEPSIZE),
        lambda: blot_files(
            f"{second}[sci,1]", [f"{first}[sci,1]"], out, overwrite=True, force=True
        ),
        lambda: reject_files(made.median, [first], out, rule="plain", overwrite=True),
        lambda: reject_files(made.median, [first], out, background="map", grow=1.0, overwrite=True),
        lambda: clean_files(made.exposures, out / "cleaned", shift="fit", objects=True),
        lambda: median_files(made.exposures[:4], out / "few_med.fits"),
        *(
            lambda kernel=kernel: drizzle_files(
                made.exposures, out / f"{kernel}.fits", kernel=kernel, pixfrac=0.8
            )
            for kernel in ("turbo", "point")
        ),
    ]
