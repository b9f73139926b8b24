"""Run a plan, here or on a cluster."""

from collections.abc import Generator

from .local import run_here
from .plan import Plan
from .work import Failure, Outcome


def run(plan: Plan) -> Generator[Outcome, None, None]:
    """Do what a plan says, and yield an outcome for each image: a result, or a `Failure`.

    What is known without any work comes first: exposures that cannot be read, and products that are
    kept. Closing the generator stops the run and drops what is being made; where a loop may be left
    early, close it for certain with ``with contextlib.closing(run(plan)) as outcomes``.

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
        from .cluster import run_on_cluster

        yield from run_on_cluster(plan)
