"""One self-contained HTML page: chips go to disk one by one, so that memory holds one at a time."""

import logging
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import FileError, SkyblotError, not_allowed
from ..io.atomic import atomic_write, check_output
from ..text import printable, size_text
from .chip import ChipPicture, ChipReport, Pictures

logger = logging.getLogger(__name__)

#: Least and largest size of a view: above, a page of many chips is too large for a browser.
SIZES = (64, 8192)
#: Where the templates are.
_FOLDER = "page"
_CHUNK = 1 << 20


def require_packages() -> None:
    """Raise an error that says how to install what pictures need, if it is missing."""
    for package in ("matplotlib", "jinja2"):
        if find_spec(package) is None:
            install = "pip install matplotlib jinja2"
            raise SkyblotError(f"pictures need the package {package}: {install}")


def write_report(
    path: str | Path,
    chips: Iterable[ChipReport],
    *,
    title: str,
    parameters: Mapping[str, object] | Any,
    overwrite: bool = False,
    size: int = 1024,
    stamps: int = 6,
) -> Path:
    """Write a page of pictures and facts about chips: complete, or not at all.

    The page needs no network and no other file. Chips are taken one by one: a generator keeps one
    in memory.

    Parameters
    ----------
    path : str or Path
        The page to write, ``.html``.
    chips : iterable of ChipReport
    title : str
    parameters : mapping
        What was asked for: names and values, shown once for all chips. `Parameters` will do.
    overwrite : bool
        Replace an existing file.
    size : int
        Largest width and height of a view in pixels; larger chips are made smaller by a whole
        factor. A chip takes about 0.8 MB at 1024, and up to four times as much at 2048.
    stamps : int
        How many of the worst residuals of each kind are shown, in the chip's own pixels.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    SkyblotError
        If matplotlib or jinja2 is missing, a value is out of range, or the file cannot be written.
    """
    with open_report(
        path, title=title, parameters=parameters, overwrite=overwrite, size=size, stamps=stamps
    ) as report:
        for chip in chips:
            report.add(chip)
            del chip  # else it is kept while the next one is made
    return Path(path)


@contextmanager
def open_report(
    path: str | Path,
    *,
    title: str,
    parameters: Mapping[str, object] | Any,
    overwrite: bool = False,
    size: int = 1024,
    stamps: int = 6,
) -> "Iterator[Report]":
    """Yield a report to add chips to, from any thread; write the page when the block succeeds.

    Parameters and errors are those of `write_report`.
    """
    require_packages()
    check_whole("size", size, *SIZES)
    check_whole("stamps", stamps, 0, 100)
    path = Path(path)
    check_output(path, overwrite=overwrite)
    with _scratch_file(path) as parts:
        report = Report(path, parts, size, stamps)
        yield report
        with atomic_write(path, overwrite=overwrite) as stream:
            written = report.finish(stream, title, parameters)
    logger.info("%s: %d chips, %s", path, report.count, size_text(written))


@contextmanager
def _scratch_file(path: Path) -> Iterator[BinaryIO]:
    """A nameless file on the disk that the page goes to: it needs the room there anyway."""
    with _errors_of(path):
        stream = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115 (closed below, whatever its last flush says)
    try:
        yield stream
    finally:
        with suppress(OSError):
            stream.close()


@contextmanager
def _errors_of(path: Path) -> Iterator[None]:
    """Let errors of writing name the page."""
    try:
        yield
    except OSError as error:
        raise FileError(f"cannot be written: {error.strerror or error}", subject=path) from error


def check_whole(name: str, value: int, least: int, most: int) -> None:
    """Refuse a value that is not a whole number in a range."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise not_allowed(name, value, f"a whole number from {least} to {most}")


class Report:
    """A page that is being made: chips wait in a file, and are put in order at the end.

    Attributes
    ----------
    count : int
        Chips added so far.
    pictures : Pictures
        How chips are pictured on this page.
    """

    def __init__(self, path: Path, parts: BinaryIO, size: int, stamps: int) -> None:
        from jinja2 import Environment, PackageLoader, StrictUndefined

        loader = PackageLoader("skyblot.report", _FOLDER)
        options: dict[str, Any] = {
            "trim_blocks": True,
            "lstrip_blocks": True,
            "undefined": StrictUndefined,
        }
        self._templates = Environment(loader=loader, autoescape=True, finalize=_shown, **options)
        self._path = path
        self._parts = parts
        self.pictures = Pictures(path.parent, size, stamps)
        self._places: list[tuple[Any, int, int]] = []
        self._notes: list[str] = []
        self._lock = threading.Lock()

    @property
    def count(self) -> int:
        """Chips added so far."""
        return len(self._places)

    def add(self, chip: ChipReport | ChipPicture, order: Any = None) -> None:
        """Add a chip; from any thread.

        Parameters
        ----------
        chip : ChipReport or ChipPicture
            A chip, or what was made of one with `pictures`: `skyblot.RejectResult.picture` for
            example.
        order : sortable, optional
            Where it stands among the chips, by default last: all chips of a page have one, or none
            has.
        """
        from .view import picture_of

        picture = chip if isinstance(chip, ChipPicture) else picture_of(chip, self.pictures)
        content = self._render("chip.html", picture.values)
        with self._lock, _errors_of(self._path):
            place = self._parts.tell()
            self._parts.write(content)
            self._parts.flush()
            self._places.append((self.count if order is None else order, place, len(content)))

    def note(self, text: str) -> None:
        """Say something above all chips, for example which exposures are missing."""
        with self._lock:
            self._notes.append(text)

    def finish(self, stream: BinaryIO, title: str, parameters: Any) -> int:
        """Write the page; return its size in bytes, which it says itself."""
        from .facts import rows

        values = {
            "title": title,
            "parameters": rows(dict(parameters.items())),
            "notes": self._notes,
        }
        total = self._parts.tell()
        for _ in range(2):  # the first time to learn how long they are
            head, foot = (
                self._frame(name, size_text(total), values) for name in ("head.html", "foot.html")
            )
            total = self._parts.tell() + len(head) + len(foot)
        stream.write(head)
        for _, place, length in sorted(self._places, key=lambda each: each[0]):
            self._parts.seek(place)
            _copy(self._parts, length, stream)
        stream.write(foot)
        return total

    def _frame(self, name: str, size: str, values: Mapping[str, Any]) -> bytes:
        """What stands before the chips, or after them."""
        from .. import __version__
        from .encode import diverging_colours
        from .stretch import STANDS_OUT

        facts = {
            "count": self.count,
            "size": size,
            "version": __version__,
            "stands_out": f"{STANDS_OUT:g}",
        }
        return self._render(
            name, {"colours": diverging_colours(256).tobytes().hex(), **facts, **values}
        )

    def _render(self, name: str, values: Mapping[str, Any]) -> bytes:
        # a name that is not Unicode, as file systems allow, must not end the page
        return self._templates.get_template(name).render(values).encode("utf-8", "backslashreplace")


def _copy(source: BinaryIO, length: int, target: BinaryIO) -> None:
    while length > 0:
        content = source.read(min(length, _CHUNK))
        if not content:
            raise OSError("what was written of it has gone")
        target.write(content)
        length -= len(content)


def _shown(value: Any) -> Any:
    """What a template shows of a value: markup as it is, and text without control characters."""
    return printable(value, keep="\n\t") if type(value) is str else value
