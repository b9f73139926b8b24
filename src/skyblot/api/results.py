"""A run from its beginning to its end, and all of its results."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from typing import Any

from ..errors import SkyblotError, memory_errors_told
from ..io.names import ImageName
from ..parameters.options import RunOptions
from ..runs.plan import Plan, plan_run
from ..runs.work import Failure, Work
from ..steps.base import Result
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


@contextmanager
def planned(work: Work, options: RunOptions, *, survey: bool = False) -> Iterator[Plan]:
    """Yield the plan of a run, its source open for the run too; arguments as for `plan_run`."""
    with memory_errors_told(), work.step.open(work.mosaic) as source:
        yield plan_run(work, options, source=source, survey=survey)


def results_of(work: Work, options: RunOptions) -> list[Any]:
    """Do what is asked for, and return the results in the order of the tasks.

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
        progress_bar(options.progress) as bar,
        planned(work, options) as plan,
        closing(bar.follow(plan)) as outcomes,
    ):
        for outcome in outcomes:
            if isinstance(outcome, Failure):
                failures.append(outcome)
            else:
                results[outcome.where] = outcome
    done = [results[task.where] for task in work.tasks if task.where in results]
    if failures:
        raise BatchError(done, failures, f"{work.step.noun}s")
    return done
