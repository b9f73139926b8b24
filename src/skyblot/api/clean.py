"""From exposures to masks, cleaned exposures and a mosaic: no other pipeline is needed."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import DataError, ParameterError
from ..io.images import image_and_wcs, read_pixels
from ..io.mosaics import default_name
from ..mosaics.cluster import clean_on_cluster
from ..mosaics.parts import Stage
from ..mosaics.plan import (
    CleanPlan,
    Heading,
    frame_of,
    heading_of,
    say_if_filters_differ,
    say_if_scales_differ,
)
from ..mosaics.products import ChipRow
from ..mosaics.run import Finished, clean
from ..mosaics.single import require_astroscrappy
from ..parameters.mosaic import Drizzling, Grid, Matching, Writing
from ..parameters.options import RunOptions, given_values
from ..parameters.table import Recipe
from ..rejection.criteria import Criteria
from ..runs.work import ALONE, Beside, Failure, Work
from ..steps.copies import Products
from ..steps.mask_record import RejectResult
from ..text import html_rows
from .grid import like_wcs
from .progress import progress_bar
from .results import BatchError
from .steps import mask_step

#: What the parameters of a run belong to.
_REJECT = ("criteria", "planes", "masks", "options", "recipe")
#: Those of its own, which come first: `scale` is the grid's, not that of a rule.
_OWN = ("grid", "match", "drizzle", "writing")


@dataclass(frozen=True)
class CleanResult:
    """What a run has written, and what was found.

    Attributes
    ----------
    mosaic, median, objects : Path or None
        The mosaic; the stack and the list of what was rejected, where they are wanted.
    table : Path
        What was found of every chip, CSV; the same in JSON beside it.
    masks : list of RejectResult
        In the order of the exposures.
    rows : list of ChipRow
        Those of the table.
    kept : bool
        All was there already, made from the same inputs with the same parameters.
    """

    mosaic: Path | None
    median: Path | None
    objects: Path | None
    table: Path
    masks: list[RejectResult]
    rows: list[ChipRow]
    kept: bool = False

    def __repr__(self) -> str:
        return f"CleanResult({self._name}: {len(self.rows)} chips, {self._part})"

    def _repr_html_(self) -> str:
        """What notebooks show: a small picture of the mosaic, and tables."""
        from ..report.notebook import html_of

        facts = {"mosaic": self._name, "table": str(self.table), "found": self._part}
        chips = html_rows([_html_row(row) for row in self.rows])
        return html_of(facts, self._picture) + chips

    def plot(self) -> Any:
        """Draw the mosaic with its sky coordinates, which needs matplotlib.

        Returns
        -------
        astropy.visualization.wcsaxes.WCSAxes
            In a new figure.

        Raises
        ------
        SkyblotError
            If there is no mosaic, or it cannot be read.
        """
        from ..report.plot import plot_image

        if self.mosaic is None:
            raise DataError("there is no mosaic to draw, only masks", subject=self.table)
        return plot_image(*image_and_wcs(self.mosaic))

    @property
    def _name(self) -> str:
        return "no mosaic" if self.mosaic is None else str(self.mosaic)

    @property
    def _part(self) -> str:
        bad = sum(row.rejected for row in self.rows)
        judged = sum(row.judged for row in self.rows)
        return f"{100 * bad / judged:.2f} % rejected" if judged else "nothing judged"

    def _picture(self) -> tuple[str, str] | None:
        from ..report.notebook import picture_of_image

        if self.mosaic is None:
            return None
        return picture_of_image(read_pixels(self.mosaic), self.mosaic.name)


def _html_row(row: ChipRow) -> dict[str, str]:
    """What a notebook shows of a chip."""
    return {
        "exposure": row.exposure,
        "chip": row.extension,
        "rejected": f"{100 * row.fraction:.2f} %",
        "usual": f"{100 * row.expected_low:.2f} to {100 * row.expected_high:.2f} %",
        "moved": f"({row.dx:+.3f}, {row.dy:+.3f}) pixel",
        "flux ratio": f"{row.flux_ratio:.3f}",
        "noise": f"{row.noise:.3f}",
        "warnings": row.warnings,
    }


def clean_files(
    exposures: Sequence[str | Path],
    output_dir: str | Path = ".",
    *,
    recipe: Recipe | None = None,
    criteria: Criteria | Mapping[str, Any] | None = None,
    products: Products | None = None,
    options: RunOptions | None = None,
    **values: Any,
) -> CleanResult:
    """Find the cosmic rays of exposures by each other, and make a mosaic without them.

    Parameters
    ----------
    exposures : sequence of str or Path
        As for `skyblot.blot_files`. They are not changed.
    output_dir : str or Path
        Folder for all that is written; it is made where there is none.
    recipe, criteria, products, options
        As for `skyblot.reject_files`.
    **values
        Single values of these by name, ``grow=1.5``, ``overwrite=True``, and

        * of the grid: ``scale`` (arcsec), ``rotation`` (degrees), ``size`` (width, height),
          ``centre``, or ``like``, a mosaic whose pixels are taken;
        * of the comparison: ``sky`` ("match", "local", "none", "plane"), ``shift`` ("none",
          "fit"), ``passes`` (1, 2), ``single`` ("none", "lacosmic");
        * of the mosaic: ``kernel`` ("square", "turbo", "point"), ``pixfrac``, ``weight``
          ("exptime", "ivm", "err");
        * of what is written: ``name``, ``mosaic`` (False: none), ``save_median``, ``objects``.

    Returns
    -------
    CleanResult

    Raises
    ------
    BatchError
        At the end, if some exposures could not be used; the others are done.
    SkyblotError
        With one sentence on what is wrong.

    Warns
    -----
    SkyblotWarning
        As `skyblot.reject_files`; and of exposures that no overlap connects with the others.
    """
    plan = plan_clean(
        exposures,
        output_dir,
        recipe=recipe,
        criteria=criteria,
        products=products,
        options=options,
        **values,
    )
    failures: list[Failure] = []
    result = None
    with progress_bar(plan.options.progress) as bar:
        for event in clean_events(plan):
            if isinstance(event, Stage):
                bar.show(event.name, event.done, event.total)
            elif isinstance(event, Failure):
                failures.append(event)
            elif isinstance(event, CleanResult):
                result = event
    assert result is not None
    if failures:
        raise BatchError(result.masks, failures, "masks")
    return result


def plan_clean(
    exposures: Sequence[str | Path],
    output_dir: str | Path = ".",
    *,
    recipe: Recipe | None = None,
    criteria: Criteria | Mapping[str, Any] | None = None,
    products: Products | None = None,
    options: RunOptions | None = None,
    beside: Beside = ALONE,
    **values: Any,
) -> CleanPlan:
    """Return what `clean_files` would do with the same arguments; only headers are read.

    `beside` are files that are read and written too, a log for example: no output is one of them.

    Raises
    ------
    SkyblotError
        As `clean_files` does before any work.
    """
    singles = given_values(values, (*_REJECT, *_OWN))
    rest = {name: value for home in _REJECT for name, value in singles[home].items()}
    step, how = mask_step(rest, recipe, criteria, products, options)
    grid = Grid(**singles["grid"])
    writing = Writing(**singles["writing"])
    step = replace(step, with_values=writing.objects)
    work = Work.of(None, exposures, Path(output_dir), step, beside)
    work, headings = _read(work, force=how.force)
    say_if_filters_differ(headings)
    if writing.mosaic:
        say_if_scales_differ(headings)
    matching = Matching(**singles["match"])
    if matching.single == "lacosmic":
        require_astroscrappy()
    writing = replace(writing, name=writing.name or default_name([h.where for h in headings]))
    frame = frame_of(headings, grid, like_wcs(grid.like) if grid.like is not None else None)
    return CleanPlan(
        work,
        frame,
        matching,
        Drizzling(**singles["drizzle"]),
        writing,
        how,
        Path(output_dir),
    ).checked()


def clean_events(
    plan: CleanPlan,
) -> Generator[Stage | RejectResult | Failure | CleanResult]:
    """Do what a plan says: yield stages, failures and masks as they come, and all at last.

    Raises
    ------
    SkyblotError
        If nothing can be made; with `fail_fast`, whatever goes wrong first.
    """
    masks: list[RejectResult] = []
    run = clean if plan.options.client is None else clean_on_cluster
    for event in run(plan):
        if isinstance(event, Finished):
            outputs = plan.outputs
            yield CleanResult(
                outputs.mosaic,
                outputs.median,
                outputs.objects,
                outputs.table,
                masks,
                list(event.rows),
                event.kept,
            )
            return
        if isinstance(event, RejectResult):
            masks.append(event)
        if isinstance(event, Failure) and plan.options.fail_fast:
            raise event.error
        yield event


def _read(work: Work, *, force: bool) -> tuple[Work, list[Heading]]:
    """Read the headers of what is to be cleaned, and leave out what cannot be."""
    headings: list[Heading] = []
    failures = list(work.failures)
    tasks = []
    for task in work.tasks:
        try:
            headings.append(heading_of(task.where, work.step.recipe, force=force))
            tasks.append(task)
        except Exception as error:  # one exposure that cannot be read ends no run
            failures.append(Failure.of(task.where, error))
    if not headings:
        if failures:
            raise failures[0].error
        raise ParameterError("exposures: none is named, expected some")
    return replace(work, tasks=tuple(tasks), failures=tuple(failures)), headings
