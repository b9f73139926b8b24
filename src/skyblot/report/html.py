"""One self-contained HTML page: chips go to disk one by one, so that memory holds one at a time."""

import logging
import pickle
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import not_allowed
from ..io.atomic import check_output
from ..text import printable, size_text
from .chip import ChipPicture, ChipReport, MosaicReport, Pictures
from .packages import require_packages
from .scratch import Piece, Scratch
from .tiles import check_folder, folder_of

logger = logging.getLogger(__name__)

#: Least and largest size of a view: above, a page of many chips is too large for a browser.
SIZES = (64, 8192)
#: Where the templates are.
_FOLDER = "page"


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

    The page needs no network. Above 60 MB the pictures of the chips' own pixels are in a folder
    beside it, ``<page>_tiles``, which is replaced too. Chips are taken one by one: a generator
    keeps one in memory.

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
        Largest width and height of the overview of a chip, in pixels; larger chips are made
        smaller by a whole factor. Whoever zooms in sees the chip's own pixels.
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
    compare: str | None = None,
) -> "Iterator[Report]":
    """Yield a report to add chips to, from any thread; write the page when the block succeeds.

    Parameters and errors are those of `write_report`. Besides, `compare` says which earlier masks
    those of `pictures` are compared with: ``"DQ=4096"``, flags of the exposures;
    ``"old/*.fits=4096"``, those of other files, * for the exposure's name; ``"*_mask.fits"``, masks
    with 1 for good pixels; or a folder of masks, under the names that skyblot and AstroDrizzle give
    them.
    """
    require_packages()
    check_whole("size", size, *SIZES)
    check_whole("stamps", stamps, 0, 100)
    path = Path(path)
    check_output(path, overwrite=overwrite)
    check_folder(folder_of(path))
    pictures = pictures_for(path, size, stamps, compare)
    report = Report(path, pictures)
    yield report
    report.write(title, parameters, overwrite=overwrite)
    logger.info("%s: %s", path, report.words)


def pictures_for(
    page: Path, size: int = 1024, stamps: int = 6, compare: str | None = None
) -> Pictures:
    """Return how chips are pictured for a page; they wait on the disk beside it."""
    from ..io.earlier import Earlier

    earlier = None if compare is None else Earlier.parse(compare)
    return Pictures(page.parent, size, stamps, Scratch(page), earlier)


def check_whole(name: str, value: int, least: int, most: int) -> None:
    """Refuse a value that is not a whole number in a range."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise not_allowed(name, value, f"a whole number from {least} to {most}")


class Report:
    """A page that is being made: chips wait on the disk, and are put in order at the end.

    Attributes
    ----------
    count : int
        Chips added so far.
    pictures : Pictures
        How chips are pictured on this page.
    words : str
        What was written, when it was: how many chips, how large, and which folder beside it.
    """

    def __init__(self, path: Path, pictures: Pictures) -> None:
        from jinja2 import Environment, PackageLoader, StrictUndefined

        loader = PackageLoader("skyblot.report", _FOLDER)
        options: dict[str, Any] = {
            "trim_blocks": True,
            "lstrip_blocks": True,
            "undefined": StrictUndefined,
        }
        self._templates = Environment(loader=loader, autoescape=True, finalize=_shown, **options)
        self._path = path
        assert pictures.scratch is not None
        self._scratch = pictures.scratch
        self.pictures = pictures
        self._places: list[tuple[Any, Piece, tuple[Piece, ...]]] = []
        self._notes: list[str] = []
        self._lock = threading.Lock()
        self.words = ""

    @property
    def count(self) -> int:
        """Chips added so far."""
        return len(self._places)

    def add(self, chip: ChipReport | MosaicReport | ChipPicture, order: Any = None) -> None:
        """Add a chip; from any thread.

        Parameters
        ----------
        chip : ChipReport, MosaicReport or ChipPicture
            A chip, or what was made of one with `pictures`: `skyblot.RejectResult.picture` for
            example.
        order : sortable, optional
            Where it stands among the chips, by default last: all chips of a page have one, or none
            has.
        """
        from .view import picture_of

        picture = chip if isinstance(chip, ChipPicture) else picture_of(chip, self.pictures)
        tiles = picture.pieces(self._scratch)
        piece = self._scratch.put(pickle.dumps((picture.values, picture.row)))
        with self._lock:
            self._places.append((self.count if order is None else order, piece, tiles))

    def note(self, text: str) -> None:
        """Say something above all chips, for example which exposures are missing."""
        with self._lock:
            self._notes.append(text)

    def write(self, title: str, parameters: Any, *, overwrite: bool) -> None:
        """Write the page, and the folder beside it if it needs one."""
        from .facts import rows
        from .writing import Page, StoredChip

        self._places.sort(key=lambda place: place[0])
        chips = [StoredChip(piece, tiles) for _, piece, tiles in self._places]
        facts = {
            "title": title,
            "parameters": rows(dict(parameters.items())),
            "notes": self._notes,
        }
        page = Page(self._templates, self._path, self._scratch, chips, facts)
        size = page.write(overwrite=overwrite)
        self.words = f"{page.things}, {size_text(size)}"
        if page.folder is not None:
            self.words += f", with tiles in {page.folder.name}, which belongs beside it"


def _shown(value: Any) -> Any:
    """What a template shows of a value: markup as it is, and text without control characters."""
    return printable(value, keep="\n\t\N{NARROW NO-BREAK SPACE}") if type(value) is str else value
