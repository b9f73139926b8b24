"""One self-contained HTML page: written chip by chip, so that memory holds one chip at a time."""

import logging
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import ParameterError, SkyblotError
from ..io.atomic import atomic_write, check_output
from .chip import ChipReport

logger = logging.getLogger(__name__)

#: Where the templates are: sizes above this make a page of 100 chips too large for a browser.
SIZES = (64, 8192)


def require_packages() -> None:
    """Raise an error that says how to install what pictures need, if it is missing."""
    for package in ("matplotlib", "jinja2"):
        if find_spec(package) is None:
            raise SkyblotError(f"pictures need the package {package}: pip install 'skyblot[report]'")


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

    The page needs no network and no other file. Chips are taken one by one: a generator keeps one in memory.

    Parameters
    ----------
    path : str or Path
        The page to write, ``.html``.
    chips : iterable of ChipReport
    title : str
    parameters : mapping
        What was asked for: names and values, shown once for all chips; `Parameters` is one.
    overwrite : bool
        Replace an existing file.
    size : int
        Largest width and height of a view in pixels; larger chips are made smaller by a whole factor. A chip takes
        about 0.8 MB at 1024, four times as much at 2048.
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
    require_packages()
    check_whole("size", size, *SIZES)
    check_whole("stamps", stamps, 0, 100)
    path = Path(path)
    check_output(path, overwrite=overwrite)
    with atomic_write(path, overwrite=overwrite) as stream:
        page = _Page(stream)
        page.begin(title, parameters)
        for chip in chips:
            page.add(chip, path.parent, size, stamps)
            del chip  # else it is kept while the next one is made
        written = page.end()
    logger.info("%s: %d chips, %s", path, page.count, size_text(written))
    return path


def check_whole(name: str, value: int, least: int, most: int) -> None:
    """Refuse a value that is not a whole number in a range."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ParameterError(f"{name} = {value!r}: expected a whole number from {least} to {most}")


class _Page:
    """A page that is being written."""

    def __init__(self, stream: BinaryIO) -> None:
        from jinja2 import Environment, PackageLoader, StrictUndefined

        loader = PackageLoader("skyblot.report", "page")
        options: dict[str, Any] = {"trim_blocks": True, "lstrip_blocks": True, "undefined": StrictUndefined}
        self._templates = Environment(loader=loader, autoescape=True, **options)
        self._stream, self.count, self._written = stream, 0, 0

    def begin(self, title: str, parameters: Any) -> None:
        from .. import __version__
        from .encode import diverging_colours
        from .facts import rows

        colours = diverging_colours(256).tobytes().hex()
        shown = rows(dict(parameters.items()))
        self._write(self._render("head.html", title=title, parameters=shown, colours=colours, version=__version__))

    def add(self, chip: ChipReport, folder: Path, size: int, stamps: int) -> None:
        from .view import chip_view

        self.count += 1
        self._write(self._render("chip.html", number=self.count, **chip_view(chip, folder, size, stamps)))

    def end(self) -> int:
        """Write what follows the chips; return the size of the page, which it says, in bytes."""
        from .stretch import STANDS_OUT

        facts = {"count": self.count, "stands_out": f"{STANDS_OUT:g}"}
        foot = self._render("foot.html", size=size_text(self._written), **facts)
        self._write(self._render("foot.html", size=size_text(self._written + len(foot)), **facts))
        return self._written

    def _render(self, name: str, **values: Any) -> str:
        return self._templates.get_template(name).render(values)

    def _write(self, text: str) -> None:
        # a name that is not Unicode, as file systems allow, must not end the page
        self._written += self._stream.write(text.encode("utf-8", "backslashreplace"))


def size_text(count: int) -> str:
    """Return a number of bytes in kB or MB."""
    return f"{count / 1e3:.0f} kB" if count < 1e6 else f"{count / 1e6:.1f} MB"
