"""Find cosmic rays in exposures: blots are made on the way, and only masks are written."""

import warnings
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from . import messages
from .batch import ALONE, Beside, Failure, Options, Outcome, Plan, run_batch
from .checks import check_outputs
from .comparison import Comparison, RejectResult, RejectSettings, blot_path, mask_maker
from .copies import Copies, Wanted, mask_name, mask_tasks
from .criteria import Criteria, criteria_with
from .errors import WARNING_FILTERS, FileError, ParameterError, SkyblotWarning, not_allowed
from .exposure import Task
from .files import BatchError, plan_outputs
from .io.coverage import check_mosaic
from .io.images import open_image
from .io.names import ImageName
from .io.remote import AnyPath
from .io.weights import WEIGHT_SUFFIX, checked_suffix, exposure_weight_files
from .parameters import Parameters
from .progress import progress_bar
from .roles import check_not_both

__all__ = ["Comparison", "RejectResult", "mask_name", "reject_files"]


def reject_files(
    source: str | Path,
    references: Sequence[str | Path],
    output_dir: str | Path = ".",
    *,
    criteria: Criteria | Mapping[str, Any] | None = None,
    parameters: Parameters | None = None,
    save_blots: bool = False,
    update_dq: bool = False,
    clean: bool = False,
    keep_name: bool = False,
    one_file: bool | None = None,
    gain: float | None = None,
    read_noise: float | None = None,
    dq: str | None = None,
    err: str | None = None,
    weight_suffix: str = WEIGHT_SUFFIX,
    overwrite: bool = False,
    force: bool = False,
    fail_fast: bool = False,
    memory: int | str | None = None,
    threads: int | None = None,
    inspect: Callable[[Comparison], None] | None = None,
    beside: Beside = ALONE,
    on_plan: Callable[[Plan], None] = lambda plan: None,
    on_result: Callable[[RejectResult], None] | None = None,
    progress: bool = False,
    **overrides: Any,
) -> list[RejectResult]:
    """Compare exposures with the blots of a mosaic, and write a mask for each of their chips.

    Parameters
    ----------
    source : str or Path
        The mosaic, as for `skyblot.blot_files`.
    references : sequence of str or Path
        The exposures, as for `skyblot.blot_files`. They are not changed.
    output_dir : str or Path
        Folder for the masks, ``<root>_sci<N>_crmask.fits``: bytes, 1 for good pixels and 0 for bad ones.
    criteria : Criteria or mapping, optional
        How pixels are judged. What is not given is the instrument's default; of a `Criteria`, everything is given.
    parameters : Parameters, optional
        How blots are made.
    save_blots : bool
        Write the blots as well, ``<root>_sci<N>_blt.fits``.
    update_dq : bool
        Write a copy of each exposure with the bits for cosmic rays set in its DQ, ``<root>_crdq.fits``, of JWST
        ``<root>_crf.fits``: 4096 for ACS, WFC3, WFPC2 and NICMOS, 8192 for STIS, 1 + 16 for JWST, 1 + 128 for Roman.
        Where there is no DQ it is made: an extension beside SCI, else flags alone, laid out as the exposure is.
    clean : bool
        Write a copy of each exposure with the blot's values in bad pixels, ``<root>_crclean.fits``.
    keep_name : bool
        Give the copy the exposure's own name; `output_dir` is another folder then.
    one_file : bool, optional
        Write the masks of all chips of an exposure as extensions of one file, ``<root>_crmask.fits``. By default where
        there are several and none is called SCI.
    gain, read_noise : float, optional
        Electrons per unit of the exposures, and electrons; by default from their headers. They are needed where
        there is no map of errors.
    dq, err : str, optional
        The file with the flags of an exposure's pixels, and that with their errors, where they are in none of the
        places in which they are looked for. ``*`` stands for the exposure's name without ``.fits``: ``"*_dq.fits"`` is
        beside the exposure, ``"flags/*.fits[MASK]"`` in another folder. Errors are standard deviations, unless UTYPE,
        the extension or the file's name says that they are variances or weights.
    weight_suffix : str
        What the name of an exposure's file of weights has in the place of ``.fits``. Pixels without weight are left
        out; the weights are the noise, too, where nothing else says it and the pixels agree.
    force : bool
        Take an exposure as the mosaic, a mosaic as an exposure, or one file as both.
    overwrite, fail_fast, memory, threads, progress
        As for `skyblot.blot_files`.
    inspect : callable, optional
        Called with a `Comparison` of each exposure and its blot, by several threads.
    beside : skyblot.batch.Beside, optional
        What the caller reads and writes on top of all this: no output is one of these files.
    on_plan : callable, optional
        Called with the `skyblot.batch.Plan` of the run before its work begins.
    on_result : callable, optional
        Called with each `RejectResult` as soon as it is there.
    **overrides
        Single criteria by name: ``rule="plain"``, ``grow=1.5``, ...

    Returns
    -------
    list of RejectResult
        In the order of the exposures.

    Raises
    ------
    BatchError
        At the end, if some exposures could not be compared.
    SkyblotError
        With one sentence on what is wrong.

    Warns
    -----
    SkyblotWarning
        If an exposure is misaligned by more than 0.1 pixel, or if more or fewer pixels are rejected than its
        instrument has hit in its exposure time.
    """
    given, parameters = _given(criteria, overrides), parameters or Parameters()
    if parameters.user_wcs.given:
        raise ParameterError(messages.NOT_FOR_COMPARISON(names=", ".join(parameters.user_wcs.given)))
    failures: list[Failure] = []
    wanted = Wanted(Path(output_dir), overwrite, one_file, update_dq, clean, keep_name)
    lists: list[Path] = []
    blots = plan_outputs(references, output_dir, None if fail_fast else failures.append, on_table=lists.append)
    beside = Beside((*beside.reads, *lists), beside.writes)
    tasks = mask_tasks([where for where, _ in blots], wanted)
    settings = RejectSettings(
        parameters.override({"fill_value": "nan"}), overwrite, threads,
        criteria=given, exposures=mosaic_exposures(tasks), gain=gain, read_noise=read_noise, dq=dq, err=err,
        weight_suffix=checked_suffix(weight_suffix), save_blots=save_blots, keep_pixels=clean, inspect=inspect,
        force=force,
    )  # fmt: skip
    copies = _checked_copies(source, tasks, wanted, settings, beside)
    run = _Run(copies, failures, on_result, fail_fast=fail_fast)
    settings = replace(settings, together=copies.masks)
    return run.go(source, tasks, settings, Options(memory, fail_fast), on_plan, progress=progress)


def _given(criteria: Criteria | Mapping[str, Any] | None, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """What was given of the criteria, checked."""
    known = vars(criteria) if isinstance(criteria, Criteria) else dict(criteria or {})
    given = {**known, **overrides}
    criteria_with(None, given)
    return {name: value for name, value in given.items() if value is not None}


def mosaic_exposures(tasks: Sequence[Task]) -> int | None:
    """Return how many exposures a mosaic was made of, if these are all of them; one alone says nothing."""
    count = len({task.where.path for task in tasks})
    return count if count > 1 else None


class _Run:
    """The outcomes of a run."""

    def __init__(
        self,
        copies: Copies,
        failures: list[Failure],
        on_result: Callable[[RejectResult], None] | None,
        *,
        fail_fast: bool,
    ) -> None:
        self._fail_fast = fail_fast
        self.results: dict[ImageName, RejectResult] = {}
        self._copies, self._failures, self._on_result = copies, failures, on_result
        self._told: set[tuple[AnyPath, str]] = set()

    def go(
        self,
        source: str | Path,
        tasks: Sequence[Task],
        settings: RejectSettings,
        options: Options,
        on_plan: Callable[[Plan], None],
        *,
        progress: bool,
    ) -> list[RejectResult]:
        """Compare, and return the results in the order of the tasks."""
        with progress_bar(progress) as bar:

            def planned(plan: Plan) -> None:
                bar.expect_plan(plan, "comparing")
                on_plan(plan)

            maker = mask_maker(settings.criteria)
            run_batch(source, tasks, settings, options, bar.counting(self.collect), planned, maker=maker)
        done = [self.results[task.where] for task in tasks if task.where in self.results]
        if self._failures:
            raise BatchError(list(done), self._failures, "masks")
        return done

    def collect(self, outcome: Outcome) -> None:
        try:
            if isinstance(outcome, Failure):
                self._failures.append(outcome)
                self._copies.miss(outcome)
                return
            assert isinstance(outcome, RejectResult)
            self._copies.add(outcome)
        except Exception as error:  # one exposure whose copies cannot be written ends no run
            if self._fail_fast:
                raise
            self._failures.append(Failure.of(outcome.reference, error))
            return
        self._compared(outcome)

    def _compared(self, outcome: RejectResult) -> None:
        assert outcome.bad is not None
        where = outcome.bad.where
        for remark in outcome.remarks:
            if (where.path, remark) not in self._told:
                self._told.add((where.path, remark))
                with WARNING_FILTERS:
                    warnings.warn(messages.CONCERNING(name=where.path, reason=remark), SkyblotWarning, stacklevel=2)
        result = replace(outcome, bad=None)
        self.results[where] = result
        if self._on_result is not None:
            self._on_result(result)


def _checked_copies(
    source: str | Path, tasks: Sequence[Task], wanted: Wanted, settings: RejectSettings, beside: Beside
) -> Copies:
    """Refuse, before any work is done, inputs that are none, and outputs that are inputs or may not be replaced."""
    _check_inputs(source, tasks, settings)
    if not settings.force:
        check_not_both(source, tasks)
    copies = Copies(tasks, wanted)
    masks = [task.path for task in tasks if task.path not in copies.masks]
    blots = [blot_path(task.where, task.path) for task in tasks] if settings.save_blots else []
    outputs = [*masks, *blots, *copies.paths()]
    for path, count in Counter(outputs).items():
        if count > 1:
            raise FileError(messages.TWO_TO_ONE_FILE(name=path))
    patterns = settings.err, settings.dq
    weights = [path for task in tasks for path in exposure_weight_files(task.where.path, settings.weight_suffix)]
    beside = beside._replace(reads=(*beside.reads, *weights))
    check_outputs(source, tasks, outputs, overwrite=settings.overwrite, patterns=patterns, beside=beside)
    return copies


def _check_inputs(source: str | Path, tasks: Sequence[Task], settings: RejectSettings) -> None:
    """Refuse a plane as the mosaic, one file of flags or errors for several exposures, and two sources of the noise."""
    with WARNING_FILTERS, open_image(source) as image:
        check_mosaic(image)
    dq, err, read_noise = settings.dq, settings.err, settings.read_noise
    count = len({task.where.path for task in tasks})
    for name, pattern in (("dq", dq), ("err", err)):
        if pattern is not None and "*" not in pattern and count > 1:
            raise not_allowed(name, pattern, f"a name with * for the exposure's, as there are {count} exposures")
    if err is not None and read_noise is not None:
        raise not_allowed("read_noise", read_noise, f"none beside err = {err!r}, which says what the noise is")
