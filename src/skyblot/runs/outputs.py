"""What is refused before any work is done, wherever a run's work is done."""

from collections.abc import Sequence
from pathlib import Path

from ..errors import FileError
from ..io.atomic import check_output, remove_leftovers
from ..memory import memory_limit
from ..parameters.options import RunOptions
from ..resampling.geometry import checked_threads
from .work import Work


def check_run(work: Work, options: RunOptions) -> None:
    """Refuse what cannot be done, and outputs that are inputs or cannot be written.

    What killed processes have left in the folders of the outputs is removed.

    Raises
    ------
    SkyblotError
        For an output that is an input, is of the wrong kind, exists already or, where the run
        resumes, is no product of skyblot's.
    """
    check_wishes(work, options)
    check_outputs(work, work.writes, options)


def check_wishes(work: Work, options: RunOptions) -> None:
    """Refuse what cannot be done, whatever is there already."""
    checked_threads(options.threads)
    memory_limit(options.memory)
    if options.client is not None:
        work.step.check_sendable()
    for tasks in work.exposures.values():
        work.step.check(work.source, tasks)
    work.check()


def check_outputs(work: Work, paths: Sequence[Path], options: RunOptions) -> None:
    """Refuse outputs that cannot be written, or exist and are not to be replaced."""
    for path in paths:
        check_output(path, overwrite=options.replaces)
    for folder in {path.parent for path in paths}:
        remove_leftovers(folder)
    if options.overwrite:
        return
    for path in paths:
        if path.exists() and not work.step.is_own(path):
            raise FileError(
                f"is no {work.step.noun} of skyblot's, and --resume (resume=True) replaces no "
                "other; --overwrite does",
                subject=path,
            )
