"""Pages of pictures of a run: ``--report``."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import ParameterError
from ..io.names import ImageName, parse_name
from ..parameters.table import Recipe
from ..runs.work import Beside, Work
from ..steps.base import Result
from ..steps.blot import BlotResult
from ..steps.mask_record import RejectResult
from ..steps.reject import Reject
from .common import Telling

if TYPE_CHECKING:
    from ..report import Pictures, Report


def check_report(path: str | None, recipe: Recipe, *, overwrite: bool) -> None:
    """Refuse a page that cannot be written, or has nothing to compare, before any work."""
    if path is None:
        return
    from ..io.atomic import check_output
    from ..report.packages import require_packages

    require_packages()
    if Path(path).suffix.lower() not in (".html", ".htm"):
        raise ParameterError(f"--report {path}: expected the name of a page to write, .html")
    if recipe.user_wcs.given:
        raise ParameterError(
            "--report compares blots with exposures pixel by pixel: it does not go with "
            "another WCS (--outscale, --orient, --raref, --decref, --xrefpix, --yrefpix, "
            "--outnx, --outny)"
        )
    check_output(Path(path), overwrite=overwrite)


def pictures_for(path: str | None, compare: str | None = None) -> "Pictures | None":
    """Return how pictures are made for a page of results that come one by one."""
    if path is None:
        if compare is not None:
            raise ParameterError("--compare needs a page to show the comparison on: --report FILE")
        return None
    from ..report.html import pictures_for

    return pictures_for(Path(path), compare=compare)


def files_beside(telling: Telling) -> Beside:
    """Return what is read and written on the side: no output may be one of these."""
    reads = [Path(telling.config)] if telling.config else []
    return Beside(reads, [Path(name) for name in (telling.log, telling.report) if name])


class Page:
    """The page of a run: it takes results as they come."""

    def __init__(self, report: "Report | None" = None, images: Sequence[ImageName] = ()) -> None:
        self._report = report
        self._order: dict[Any, int] = {where: number for number, where in enumerate(images)}
        self._blots: list[BlotResult] = []

    def add(self, result: Result) -> None:
        """Take a result: a blot, to be read when all are there, or the picture of a mask."""
        if self._report is None:
            return
        if isinstance(result, BlotResult):
            self._blots.append(result)
        elif isinstance(result, RejectResult) and result.picture is not None:
            self._report.add(result.picture, order=self._order[result.where])
        else:
            self._report.note(f"kept, and not shown: {result.label}")

    def note(self, text: str) -> None:
        """Say something above all chips."""
        if self._report is not None:
            self._report.note(text)

    @property
    def words(self) -> str:
        """What was written, when it was; empty where there is no page."""
        return "" if self._report is None else self._report.words

    def finish(self) -> None:
        """Read the blots."""
        if self._report is None:
            return
        from ..report import report_of_files

        for result in self._blots:
            for chip in report_of_files([(result.reference, result.path)]):
                self._report.add(chip, order=self._order[result.where])
                del chip  # else it is kept while the next one is made


@contextmanager
def open_page(path: str | None, work: Work, *, overwrite: bool) -> Iterator[Page]:
    """Yield the page of a run, written when the block succeeds; one takes nothing if unwanted."""
    if path is None:
        yield Page()
        return
    from ..report import open_report

    step = work.step
    name = parse_name(work.mosaic).path.name
    parameters = dict(step.recipe.items())
    title = f"Blots of {name}"
    if isinstance(step, Reject):
        title = f"Cosmic rays found with {name}"
        parameters = {**step.criteria, **parameters}
    with open_report(path, title=title, parameters=parameters, overwrite=overwrite) as report:
        yield Page(report, [task.where for task in work.tasks])
