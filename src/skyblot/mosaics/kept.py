"""What a run that is resumed finds on disk."""

from collections.abc import Iterator

from ..steps.base import Result
from ..steps.mask_record import RejectResult, read_masks, result_of
from .plan import CleanPlan


def kept_results(plan: CleanPlan) -> Iterator[RejectResult]:
    """Yield what the masks of a plan say, all of which are there."""
    for task, shape in zip(plan.work.tasks, plan.frame.chips, strict=True):
        headers = read_masks(task.path)
        brackets = str(task.where)[len(str(task.where.path)) :]
        named = {name: header for name, header in headers.items() if name.endswith(brackets)}
        exposure, header = next(iter((named or headers).items()))
        covered = float(header.get("CRCOVR", 0.0))
        plain = Result(
            "the stack", exposure, task.path, shape, covered, 0.0, kept=True, where=task.where
        )
        yield result_of(plain, header, together=len(headers) > 1)
