"""Many exposures: what is asked for, its plan, its run, and all of its results."""

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import SkyblotError, memory_errors_told
from ..io.names import ImageName
from ..memory import memory_limit
from ..parameters.options import RunOptions
from ..resampling.geometry import checked_threads
from ..runs.local import run_here
from ..runs.plan import Plan, plan_run
from ..runs.work import ALONE, Beside, Failure, Outcome, Work
from ..steps.base import Result, Step
from .progress import progress_bar


class BatchError(SkyblotError):
    """Some blots, or masks, of many could not be made; the others are there.

    Attributes
    ----------
    results : list of BlotResult or RejectResult
    failures : list of Failure
        Each with `reference`, `reason` and `error`.
    """

    def __init__(
        self, results: Sequence[Result], failures: Sequence[Failure], what: str = "blots"
    ) -> None:
        self.results = list(results)
        self.failures = list(failures)
        reasons = "; ".join(failure.reason for failure in failures[:3])
        more = f"; and {len(failures) - 3} more" if len(failures) > 3 else ""
        count = len(results) + len(failures)
        self._what = what
        super().__init__(f"{len(failures)} of {count} {what} could not be made: {reasons}{more}")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.results, self.failures, self._what)


@dataclass(frozen=True)
class Batch:
    """Work on many exposures that is asked for; only the lists of their images have been read.

    Attributes
    ----------
    work : Work
    options : RunOptions
    """

    work: Work
    options: RunOptions

    @contextmanager
    def planned(self, *, survey: bool = False) -> Iterator[Plan]:
        """Yield the plan, its source open for the run too; `survey` is as for `plan_run`."""
        with memory_errors_told(), self.work.step.open(self.work.mosaic) as source:
            yield plan_run(self.work, self.options, source=source, survey=survey)

    def plan(self) -> Plan:
        """Return the plan, every exposure looked up on the source."""
        return plan_run(self.work, self.options, survey=True)

    def results(self) -> list[Any]:
        """Do it, and return the results in the order of the tasks.

        Raises
        ------
        BatchError
            At the end, if some products could not be made.
        SkyblotError
            If nothing can be made; with `fail_fast`, whatever went wrong first.
        """
        results: dict[ImageName | None, Result] = {}
        failures: list[Failure] = []
        with (
            progress_bar(self.options.progress) as bar,
            self.planned() as plan,
            closing(bar.follow(plan, run(plan))) as outcomes,
        ):
            for outcome in outcomes:
                if isinstance(outcome, Failure):
                    failures.append(outcome)
                else:
                    results[outcome.where] = outcome
        done = [results[task.where] for task in self.work.tasks if task.where in results]
        if failures:
            raise BatchError(done, failures, f"{self.work.step.noun}s")
        return done


def batch_of(
    source: str | Path,
    exposures: Sequence[str | Path],
    folder: str | Path,
    step: Step,
    options: RunOptions,
    beside: Beside = ALONE,
) -> Batch:
    """Return what is asked for; arguments are as for `Work.of`.

    What the run may use is checked before any file is opened.
    """
    checked_threads(options.threads)
    memory_limit(options.memory)
    return Batch(Work.of(source, exposures, folder, step, beside), options)


def run(plan: Plan) -> Generator[Outcome, None, None]:
    """Do what a plan says, here or on a cluster, and yield an outcome for each image.

    An outcome is a result, or a `Failure`. What is known without any work comes first: exposures
    that cannot be read, and products that are kept. Closing the generator stops the run and drops
    what is being made; where a loop may be left early, close it for certain with
    ``with contextlib.closing(run(plan)) as outcomes``.

    Raises
    ------
    SkyblotError
        If the source or the cluster cannot be used; with `fail_fast`, whatever goes wrong first.
    """
    for outcome in plan.known:
        if plan.options.fail_fast and isinstance(outcome, Failure):
            raise outcome.error
        yield outcome
    if not plan.count:
        return
    if plan.options.client is None:
        yield from run_here(plan)
    else:
        from ..runs.cluster import run_on_cluster

        yield from run_on_cluster(plan)
