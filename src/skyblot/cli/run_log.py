"""A log of a run for other programs: one JSON object a line."""

import errno
import json
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from ..errors import FileError, one_line


class RunLog:
    """Writes events; each is on disk before the next step."""

    def __init__(self, path: str, file: TextIO, on_problem: Callable[[str], None]) -> None:
        self._path = path
        self._file = file
        self._on_problem = on_problem
        self._broken = False

    def write(self, event: str, **facts: Any) -> None:
        """Append an event; one that cannot be written is a warning, once, and the run goes on."""
        if self._broken:
            return
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps(
            {"event": event, "time": now} | {name: _plain(value) for name, value in facts.items()}
        )
        try:
            self._file.write(line + "\n")
            self._file.flush()
        except OSError as error:
            self._broken = True
            self._on_problem(f"warning: {self._path}: cannot be written any more: {_reason(error)}")


class NoLog(RunLog):
    """Nobody asked for a log."""

    def __init__(self) -> None:
        self._broken = True


@contextmanager
def open_log(path: str | None, on_problem: Callable[[str], None]) -> Iterator[RunLog]:
    """Open a log to append to.

    Raises
    ------
    FileError
        If it cannot be written, or is a file of another kind.
    """
    if path is None:
        yield NoLog()
        return
    try:
        if os.path.isfile(path):
            with open(path, "rb") as old:
                if old.read(1) not in (b"", b"{"):
                    expected = "a new file or one of JSON lines to append to"
                    raise FileError(f"is not a log, expected {expected}", subject=path)
        file = open(path, "a", encoding="utf-8", opener=_without_waiting)  # noqa: SIM115 -- closed below
    except FileError:
        raise
    except OSError as error:
        raise FileError(f"this log cannot be written: {_reason(error)}", subject=path) from error
    try:
        yield RunLog(path, file, on_problem)
    finally:
        with suppress(OSError):  # what could not be written has been told
            file.close()


def _without_waiting(path: str, flags: int) -> int:
    """Open a file; a FIFO that nobody reads is an error instead of a wait for somebody who does."""
    opened = os.open(path, flags | getattr(os, "O_NONBLOCK", 0), 0o666)
    os.set_blocking(opened, True)
    return opened


def _reason(error: OSError) -> str:
    if error.errno == errno.ENXIO:
        return "it is a FIFO that nobody reads"
    return error.strerror or one_line(error)


def _plain(value: Any) -> Any:
    """What JSON can hold: no NaN, no paths."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return str(value) if isinstance(value, Path) else value
