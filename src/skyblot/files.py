"""Blot files: one exposure, or many."""

import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from . import messages
from .batch import Beside, Failure, Options, Outcome, Plan, run_batch
from .checks import check_run
from .errors import ParameterError, SkyblotError, SkyblotWarning
from .exposure import BlotResult, Settings, Task
from .io.images import blot_name, list_images
from .io.inputs import expand_references
from .io.names import ImageName, extension_text, parse_name
from .parameters import Parameters
from .progress import progress_bar


class BatchError(SkyblotError):
    """Some blots, or masks, of many could not be made; the others are there.

    Attributes
    ----------
    results : list of BlotResult or RejectResult
    failures : list of Failure
        Each with `reference`, `reason` and `error`.
    """

    def __init__(self, results: list[BlotResult], failures: list[Failure], what: str = "blots") -> None:
        self.results, self.failures = results, failures
        reasons = "; ".join(each.reason for each in failures[:3])
        more = f"; and {len(failures) - 3} more" if len(failures) > 3 else ""
        count = len(results) + len(failures)
        super().__init__(messages.SOME_FAILED(failed=len(failures), count=count, what=what, reasons=reasons + more))


def blot_file(
    source: str | Path,
    reference: str | Path,
    output: str | Path,
    *,
    parameters: Parameters | None = None,
    overwrite: bool = False,
    compress: bool = False,
    errors: bool = False,
    force: bool = False,
    threads: int | None = None,
    **overrides: Any,
) -> Path:
    """Blot a mosaic onto one exposure and write the result.

    Parameters
    ----------
    source : str or Path
        The mosaic, ``med.fits`` or ``drz.fits[sci,1]``; without an extension its first SCI or other image. Of a URL,
        only the part that is needed is read.
    reference : str or Path
        The exposure that defines the blot's pixels, in the same form.
    output : str or Path
        File to write, float32, with the reference's WCS: FITS with a primary header and one SCI extension, or ASDF
        for a Roman reference.
    parameters : Parameters, optional
        By default the defaults: units from BUNIT, sky from MDRIZSKY, poly5, exact geometry.
    overwrite : bool
        Replace an existing output; without it that is an error.
    compress : bool
        Compress the pixels without loss: tile-compressed FITS, or ASDF with zlib.
    errors : bool
        Carry the mosaic's ERR over too, by the squares of the interpolant's weights, into an ERR extension.
    force : bool
        Take the source as it is, even if it is an exposure, or the reference itself.
    threads : int, optional
        By default the cores this process may use.
    **overrides
        Single parameters by name: ``interp="linear"``, ``out_units="cps"``, ...

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    SkyblotError
        With one sentence on what is wrong; nothing has been written then.
    """
    parameters = (parameters or Parameters()).override(overrides)
    where = parse_name(reference)
    if where.extension is None and where.path.is_file():
        chips = list_images(where)
        if len(chips) > 1:
            first = extension_text(chips[0].extension or 0)
            _warn(messages.FIRST_OF_MANY(name=where.path, count=len(chips), extension=first))
        where = chips[0]
    tasks = [Task(where, Path(output))]
    settings = Settings(parameters, overwrite, threads, compress=compress, errors=errors, force=force)
    return blot_all(source, tasks, settings)[0].path


def blot_files(
    source: str | Path,
    references: Sequence[str | Path],
    output_dir: str | Path = ".",
    *,
    parameters: Parameters | None = None,
    overwrite: bool = False,
    compress: bool = False,
    errors: bool = False,
    force: bool = False,
    resume: bool = False,
    fail_fast: bool = False,
    memory: int | str | None = None,
    threads: int | None = None,
    on_result: Callable[[BlotResult], None] | None = None,
    progress: bool = False,
    client: Any = None,
    **overrides: Any,
) -> list[BlotResult]:
    """Blot a mosaic onto every chip of every exposure.

    Windows of the mosaic that exposures share are read once, and several exposures are worked on at a time.

    Parameters
    ----------
    source, parameters, overwrite, compress, errors, force, threads, **overrides
        As for `blot_file`.
    references : sequence of str or Path
        Exposures; ``flc.fits[sci,2]`` is that extension alone. Shell patterns, ``@list.txt``, association tables
        and folders stand for the exposures they name.
    output_dir : str or Path
        Folder for the blots, ``<root>_sci<N>_blt.fits`` (``.fits.fz`` with `compress`), or ``<root>_blt.asdf`` for
        Roman references.
    resume : bool
        Keep blots that are there and were made from the same inputs with the same parameters; make the others.
    fail_fast : bool
        Stop at the first exposure that cannot be blotted, instead of going on with the others.
    memory : int or str, optional
        About how much memory to use: bytes, or a size such as ``"8G"``. By default half of what is free.
    on_result : callable, optional
        Called with each `BlotResult` as soon as it is there.
    progress : bool
        Show a progress bar, on a terminal or in a notebook (which needs ipywidgets for it).
    client : distributed.Client or str, optional
        Work on a Dask cluster: a client, the address of a scheduler, or ``"local"`` for a cluster of this machine's
        cores. `memory` is then each worker's, and `threads` each blot's; for ``"local"``, all workers' together.

    Returns
    -------
    list of BlotResult
        In the order of the references.

    Raises
    ------
    BatchError
        At the end, if some exposures could not be blotted: it holds the results of the others, and the reasons.
    SkyblotError
        With one sentence on what is wrong. Outputs that cannot be written are refused before any work.
    """
    parameters = (parameters or Parameters()).override(overrides)
    settings = Settings(parameters, overwrite, threads, compress=compress, errors=errors, force=force)
    results: dict[Path, BlotResult] = {}
    failures: list[Failure] = []

    def collect(outcome: Outcome) -> None:
        if isinstance(outcome, Failure):
            failures.append(outcome)
            return
        results[outcome.path] = outcome
        if on_result is not None:
            on_result(outcome)

    lists: list[Path] = []
    on_failure = None if fail_fast else failures.append
    tasks = plan_outputs(references, output_dir, on_failure, compress=compress, on_table=lists.append)
    options = Options(memory, fail_fast, resume, beside=Beside(lists))
    with progress_bar(progress) as bar:
        _engine(client)(source, tasks, settings, options, bar.counting(collect), bar.expect_plan)
    done = [results[task.path] for task in tasks if task.path in results]
    if failures:
        raise BatchError(done, failures)
    return done


def _engine(client: Any) -> Callable[..., None]:
    """What makes blots: this process, or a cluster."""
    if client is None:
        return run_tasks
    from .cluster import run_on_cluster

    return partial(run_on_cluster, client=client)


def plan_outputs(
    references: Sequence[str | Path],
    output_dir: str | Path,
    on_failure: Callable[[Failure], None] | None = None,
    *,
    compress: bool = False,
    on_table: Callable[[Path], None] = lambda path: None,
) -> list[Task]:
    """Return every image to blot onto and the file its blot goes to.

    Files that cannot be read are handed to `on_failure`, where it is given; else they raise. `on_table` is told of
    lists and associations.
    """
    tasks: list[Task] = []
    for reference in expand_references(references, on_table):
        try:
            found = list_images(reference)
            tasks += [Task(where, Path(output_dir) / output_name(where, compress=compress)) for where in found]
        except Exception as error:  # one exposure that cannot be read ends no run
            if on_failure is None:
                raise
            on_failure(Failure.of(reference, error))
    seen: set[Path] = set()
    for _, path in tasks:
        if path in seen:
            raise ParameterError(messages.TWO_TO_ONE_FILE(name=path))
        seen.add(path)
    return tasks


def output_name(where: ImageName, *, compress: bool = False) -> str:
    """Return the name of a blot.

    ``j8c0d1bwq_flc.fits[sci,1]`` gives ``j8c0d1bwq_sci1_blt.fits``, or ``.fits.fz`` with `compress`; Roman's
    ``r0001_wfi01_cal.asdf``, which has no extensions, gives ``r0001_wfi01_blt.asdf``.
    """
    return blot_name(where, compress=compress)


def blot_all(
    source: str | Path,
    tasks: Sequence[Task],
    settings: Settings,
    on_result: Callable[[BlotResult], None] | None = None,
) -> list[BlotResult]:
    """Make every blot or raise what goes wrong first; results are in the order of the tasks."""
    results: dict[Path, BlotResult] = {}

    def collect(outcome: Outcome) -> None:
        assert isinstance(outcome, BlotResult)
        results[outcome.path] = outcome
        if on_result is not None:
            on_result(outcome)

    run_tasks(source, tasks, settings, Options(fail_fast=True), collect)
    return [results[task.path] for task in tasks]


def run_tasks(
    source: str | Path,
    tasks: Sequence[Task],
    settings: Settings,
    options: Options,
    on_outcome: Callable[[Outcome], None],
    on_plan: Callable[[Plan], None] = lambda plan: None,
) -> None:
    """Make blots as `run_batch` does, after refusing outputs that cannot be written.

    Raises
    ------
    SkyblotError
        For an output that is an input, is of the wrong kind or exists already, before any work is done.
    """
    run_batch(source, tasks, check_run(source, tasks, settings, options), options, on_outcome, on_plan)


def _warn(message: str) -> None:
    warnings.warn(message, SkyblotWarning, stacklevel=3)
