"""What is refused before any work is done, wherever a run's work is done."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from . import messages
from .batch import ALONE, Beside, Options
from .errors import FileError
from .exposure import Settings, Task
from .io.atomic import check_output, remove_leftovers
from .io.coverage import weight_files
from .io.head import head_of
from .io.images import check_kind
from .io.names import parse_name
from .io.planes import companion_files
from .io.remote import AnyPath, RemotePath
from .record import is_own
from .roles import check_not_both

#: What tells a file from others under any of its names; of one that is not there, its folder and name.
_Identity = tuple[int, int] | tuple[str, str]


def check_run(source: str | Path, tasks: Sequence[Task], settings: Settings, options: Options) -> Settings:
    """Refuse outputs that cannot be written; return the settings of the run, which replaces outputs if it resumes.

    Raises
    ------
    SkyblotError
        For an output that is an input, is of the wrong kind, exists already or, where the run resumes, is no blot.
    """
    for task in tasks:
        check_kind(task.path, task.where.path)
    if not settings.force:
        check_not_both(source, tasks)
    outputs, overwrite = [task.path for task in tasks], settings.overwrite or options.resume
    check_outputs(source, tasks, outputs, overwrite=overwrite, beside=options.beside)
    foreign = () if settings.overwrite else (path for path in outputs if path.exists() and not is_own(path))
    for path in foreign:
        raise FileError(messages.NOT_OWN(name=path))
    return replace(settings, overwrite=overwrite)


def check_outputs(
    source: str | Path,
    tasks: Sequence[Task],
    outputs: Iterable[Path],
    *,
    overwrite: bool,
    patterns: tuple[str | None, str | None] = (None, None),
    beside: Beside = ALONE,
) -> None:
    """Refuse outputs that are inputs of the run or other outputs, or cannot be written.

    What killed processes have left in their folders is removed.

    Parameters
    ----------
    source : str or Path
    tasks : sequence of Task
    outputs : iterable of Path
        Files to write.
    overwrite : bool
        Whether they may exist.
    patterns : (str or None, str or None)
        How files of errors and of flags are named.
    beside : Beside
        What else the run reads and writes.

    Raises
    ------
    FileError
    """
    outputs = list(outputs)
    check_apart(files_read(source, tasks, patterns, beside), [*outputs, *beside.writes])
    for path in outputs:
        check_output(path, overwrite=overwrite)
    for folder in {path.parent for path in outputs}:
        remove_leftovers(folder)


def files_read(
    source: str | Path,
    tasks: Sequence[Task],
    patterns: tuple[str | None, str | None] = (None, None),
    beside: Beside = ALONE,
) -> list[AnyPath]:
    """Return every file that a run reads; parameters are those of `check_outputs`."""
    mosaic = parse_name(source).path
    files = [mosaic, *weight_files(mosaic), *beside.reads]
    for path in dict.fromkeys(task.where.path for task in tasks):
        head = head_of(path)
        files += [path, *companion_files(path, patterns), *([] if head is None else [head])]
    return files


def check_apart(reads: Iterable[AnyPath], writes: Iterable[Path]) -> None:
    """Refuse files to write that are read too, or are named twice, under whatever names.

    Raises
    ------
    FileError
    """
    inputs, seen = {_identity(path) for path in reads if not isinstance(path, RemotePath)}, set()
    for path in writes:
        identity = _identity(path)
        if identity in inputs:
            raise FileError(messages.IS_INPUT(name=path))
        if identity in seen:
            raise FileError(messages.SAME_OUTPUT(name=path))
        seen.add(identity)


def _identity(path: Path) -> _Identity:
    try:
        facts = os.stat(path)
    except (OSError, ValueError):
        return os.path.split(os.path.realpath(path))
    return facts.st_dev, facts.st_ino
