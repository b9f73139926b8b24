"""What is refused before any work is done, wherever a run's work is done."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from . import messages
from .batch import Options
from .errors import FileError
from .exposure import Settings, Task
from .io.atomic import check_output, remove_leftovers
from .io.coverage import weight_files
from .io.images import check_kind
from .io.names import parse_name
from .io.remote import AnyPath, RemotePath
from .roles import check_not_both


def check_run(source: str | Path, tasks: Sequence[Task], settings: Settings, options: Options) -> Settings:
    """Refuse outputs that cannot be written; return the settings of the run, which replaces outputs if it resumes.

    Raises
    ------
    SkyblotError
        For an output that is an input, is of the wrong kind or exists already.
    """
    if options.resume:
        settings = replace(settings, overwrite=True)
    for task in tasks:
        check_kind(task.path, task.where.path)
    if not settings.force:
        check_not_both(source, tasks)
    check_outputs(source, tasks, [task.path for task in tasks], overwrite=settings.overwrite)
    if options.resume:
        for task in tasks:
            remove_leftovers(task.path)
    return settings


def check_outputs(
    source: str | Path,
    tasks: Sequence[Task],
    outputs: Iterable[Path],
    *,
    overwrite: bool,
    beside: Iterable[AnyPath] = (),
) -> None:
    """Refuse outputs that are inputs of the run, or cannot be written; `beside` are more inputs.

    Raises
    ------
    FileError
    """
    mosaic = parse_name(source).path
    files = [mosaic, *weight_files(mosaic), *(task.where.path for task in tasks), *beside]
    inputs = set(_identities(files))
    for path in outputs:
        if inputs.intersection(_identities([path])):
            raise FileError(messages.IS_INPUT(name=path))
        check_output(path, overwrite=overwrite)


def _identities(paths: Iterable[AnyPath]) -> list[tuple[int, int]]:
    """What tells files apart under any of their names; nothing for those that are not there, or on a server."""
    found = []
    for path in paths:
        if isinstance(path, RemotePath):
            continue
        try:
            facts = os.stat(path)
        except OSError:
            continue
        found.append((facts.st_dev, facts.st_ino))
    return found
