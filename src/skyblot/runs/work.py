"""What a run is asked for: a source, exposures, a step, and the names of the products."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Self

from ..errors import FileError, ParameterError, SkyblotError, no_memory, one_line
from ..io.atomic import check_apart, check_output, remove_leftovers
from ..io.coverage import weight_files
from ..io.images import list_images
from ..io.inputs import expand_references
from ..io.names import ImageName, parse_name
from ..io.remote import AnyPath
from ..memory import memory_limit
from ..parameters.options import RunOptions
from ..resampling.geometry import checked_threads
from ..steps.base import Result, Step, Task


@dataclass(frozen=True)
class Failure:
    """A product that could not be made.

    Attributes
    ----------
    reference : str
        File and extension, or file.
    reason : str
        One sentence.
    error : Exception
    """

    reference: str
    reason: str
    error: Exception

    @classmethod
    def of(cls, reference: Any, error: Exception) -> "Failure":
        """Return the failure that an error means; an unforeseen one is an internal error."""
        reason = one_line(error)
        if isinstance(error, MemoryError):
            error = no_memory(error)
            reason = str(error)
        elif isinstance(error, OSError) and not isinstance(error, SkyblotError) and error.strerror:
            error = FileError(error.strerror, subject=error.filename or reference)
            reason = str(error)
        elif not isinstance(error, SkyblotError):
            reason = f"internal error, {type(error).__name__}: {reason}"
        return cls(str(reference), reason, error)


class Beside(NamedTuple):
    """What a run reads and writes beside mosaic and exposures: no output may be one of these.

    Attributes
    ----------
    reads : sequence of Path
        Lists, associations, a file of parameters.
    writes : sequence of Path
        A log, a page of pictures.
    """

    reads: Sequence[Path] = ()
    writes: Sequence[Path] = ()


#: Nothing beside.
ALONE = Beside()


Outcome = Result | Failure


@dataclass(frozen=True)
class Work:
    """What a run is asked for; the only headers read for it list the images of files.

    Attributes
    ----------
    source : str, Path or None
        The mosaic; None where it is made of the exposures.
    step : Step
        What is done with each exposure.
    tasks : tuple of Task
        The products to make.
    failures : tuple of Failure
        Of files that cannot be read.
    beside : Beside
        What is read and written on top of that.
    """

    source: str | Path | None
    step: Step
    tasks: tuple[Task, ...]
    failures: tuple[Failure, ...] = ()
    beside: Beside = ALONE

    @classmethod
    def of(
        cls,
        source: str | Path | None,
        exposures: Sequence[str | Path],
        folder: str | Path,
        step: Step,
        beside: Beside = ALONE,
    ) -> Self:
        """Find the images of exposures, and name what is to be made of them.

        Parameters
        ----------
        source, step, beside
            As the attributes.
        exposures : sequence of str or Path
            Files, ``flc.fits[sci,2]``, shell patterns, ``@list.txt``, association tables and
            folders.
        folder : str or Path
            Where products are written to.

        Raises
        ------
        SkyblotError
            If two products would have the same name, or nothing is named.
        """
        named = expand_references(exposures)
        images: list[ImageName] = []
        failures: list[Failure] = []
        for exposure in named.exposures:
            try:
                images += list_images(exposure)
            except Exception as error:  # one exposure that cannot be read must not end the run
                failures.append(Failure.of(exposure, error))
        chips: dict[AnyPath, list[ImageName]] = {}
        for where in images:
            chips.setdefault(where.path, []).append(where)
        step = step.for_exposures(len(chips))
        tasks = {
            task.where: task for mine in chips.values() for task in step.tasks(mine, Path(folder))
        }
        beside = Beside((*beside.reads, *named.tables), beside.writes)
        return cls(
            source, step, _distinct([tasks[where] for where in images]), tuple(failures), beside
        )

    @property
    def mosaic(self) -> str | Path:
        """The source of a run that has one."""
        assert self.source is not None
        return self.source

    @cached_property
    def exposures(self) -> Mapping[AnyPath, list[Task]]:
        """The tasks of each file."""
        by_file: dict[AnyPath, list[Task]] = {}
        for task in self.tasks:
            by_file.setdefault(task.where.path, []).append(task)
        return by_file

    @cached_property
    def reads(self) -> list[AnyPath]:
        """Every file that the run reads."""
        mosaics = [] if self.source is None else [parse_name(self.source).path]
        more = [file for path in self.exposures for file in (path, *self.step.reads(path))]
        return [*mosaics, *(w for m in mosaics for w in weight_files(m)), *self.beside.reads, *more]

    @cached_property
    def writes(self) -> list[Path]:
        """Every product."""
        return [path for tasks in self.exposures.values() for path in self.step.writes(tasks)]

    def check(self) -> None:
        """Refuse outputs that are inputs or other outputs, under whatever names.

        Raises
        ------
        FileError
        """
        twice = next((path for path, count in Counter(self.writes).items() if count > 1), None)
        if twice is not None:
            raise FileError(
                "two references would be written to this file; take them one by one", subject=twice
            )
        check_apart(self.reads, [*self.writes, *self.beside.writes])


def _distinct(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """The tasks, unless two exposures have the same output, or one image is named twice."""
    owners: dict[Path, AnyPath] = {}
    seen: set[ImageName] = set()
    for where, path in tasks:
        if where in seen or owners.setdefault(path, where.path) != where.path:
            raise ParameterError(
                "two references would be written to this file; take them one by one", subject=path
            )
        seen.add(where)
    return tuple(tasks)


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
