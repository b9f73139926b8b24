"""Pages of pictures of a run: ``--report``."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import messages
from ..errors import ParameterError
from ..exposure import Settings
from ..io.names import parse_name
from ..parameters import Parameters

if TYPE_CHECKING:
    from ..report import Report


def check_report(path: str, parameters: Parameters, *, overwrite: bool) -> None:
    """Refuse, before any work, a page that cannot be written, or that would have nothing to compare."""
    from ..io.atomic import check_output
    from ..report.html import require_packages

    require_packages()
    if Path(path).suffix.lower() not in (".html", ".htm"):
        raise ParameterError(messages.NOT_A_PAGE(name=path))
    if parameters.user_wcs.given:
        raise ParameterError(messages.REPORT_OTHER_WCS())
    check_output(Path(path), overwrite=overwrite)


def write_blot_report(
    path: str, source: str, pairs: Iterable[tuple[str, Path]], notes: Iterable[str], settings: Settings
) -> None:
    """Write the page of blots: pairs of an exposure and its blot, and what there is to say above them."""
    from ..report import open_report, report_of_files

    title = f"Blots of {parse_name(source).path.name}"
    with open_report(path, title=title, parameters=settings.parameters, overwrite=settings.overwrite) as report:
        for note in notes:
            report.note(note)
        for chip in report_of_files(pairs):
            report.add(chip)
            del chip  # else it is kept while the next one is made


def rejection_report(
    path: str | None, source: str, parameters: Mapping[str, Any], *, overwrite: bool
) -> "AbstractContextManager[Report | None]":
    """The page of a rejection, to which chips are added as they come; None where none is wanted."""
    if path is None:
        return nullcontext()
    from ..report import open_report

    title = f"Cosmic rays found with {parse_name(source).path.name}"
    return open_report(path, title=title, parameters=parameters, overwrite=overwrite)
