"""A stack, or a drizzled mosaic, of exposures: parts of `skyblot.clean_files` by themselves."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import ParameterError
from ..io.images import list_images
from ..io.inputs import expand_references
from ..mosaics.alone import MosaicPlan, make_mosaic
from ..mosaics.parts import Stage
from ..mosaics.plan import frame_of, heading_of, say_if_filters_differ
from ..parameters.mosaic import Drizzling, Grid, Matching
from ..parameters.options import RunOptions, given_values
from ..parameters.table import Recipe
from ..steps.planes import Planes
from .grid import like_wcs
from .progress import progress_bar

#: What the parameters of a stack, and of a mosaic, belong to.
_STACK = ("recipe", "planes", "options", "grid", "match")
_MOSAIC = (*_STACK, "drizzle")


def median_files(exposures: Sequence[str | Path], output: str | Path, **values: Any) -> Path:
    """Stack exposures so that cosmic rays are not in it, and write the stack.

    Parameters
    ----------
    exposures : sequence of str or Path
        As for `skyblot.clean_files`.
    output : str or Path
        The file: SCI; WHT, how many exposures there are; ERR.
    **values
        Single values by name, as of `skyblot.clean_files`: of the grid (``scale``, ``like``, ...),
        ``sky``, ``threads``, ``overwrite``, ...

    Returns
    -------
    Path
        The file: a source for `skyblot.blot_files` and `skyblot.reject_files`.

    Raises
    ------
    SkyblotError
        With one sentence on what is wrong.
    """
    return _made(plan_median(exposures, output, **values))


def drizzle_files(
    exposures: Sequence[str | Path],
    output: str | Path,
    *,
    masks: str | Path | None = None,
    **values: Any,
) -> Path:
    """Drizzle exposures onto a mosaic, and write it.

    Parameters
    ----------
    exposures, output, **values
        As for `median_files`; and ``kernel``, ``pixfrac``, ``weight``.
    masks : str or Path, optional
        Folder of masks, as `skyblot.clean_files` and `skyblot.reject_files` write them. Pixels that
        DQ leaves out are left out anyway.

    Returns
    -------
    Path
        The file: SCI, WHT, CTX, ERR.

    Raises
    ------
    SkyblotError
        With one sentence on what is wrong.
    """
    return _made(plan_drizzle(exposures, output, masks=masks, **values))


def plan_median(exposures: Sequence[str | Path], output: str | Path, **values: Any) -> MosaicPlan:
    """Return what `median_files` would do; only headers are read."""
    return _plan(exposures, output, given_values(values, _STACK), None, None)


def plan_drizzle(
    exposures: Sequence[str | Path],
    output: str | Path,
    *,
    masks: str | Path | None = None,
    **values: Any,
) -> MosaicPlan:
    """Return what `drizzle_files` would do; only headers are read."""
    singles = given_values(values, _MOSAIC)
    return _plan(exposures, output, singles, Drizzling(**singles["drizzle"]), masks)


def mosaic_events(plan: MosaicPlan) -> Iterator[Stage]:
    """Do what a plan says, and yield stages."""
    return make_mosaic(plan)


def _plan(
    exposures: Sequence[str | Path],
    output: str | Path,
    singles: dict[str, dict[str, Any]],
    drizzling: Drizzling | None,
    masks: str | Path | None,
) -> MosaicPlan:
    images = [
        where for name in expand_references(exposures).exposures for where in list_images(name)
    ]
    if not images:
        raise ParameterError("exposures: none is named, expected some")
    grid = Grid(**singles["grid"])
    like = like_wcs(grid.like) if grid.like is not None else None
    recipe = Recipe().override(singles["recipe"])
    options = RunOptions().override(singles["options"])
    headings = [heading_of(where, recipe, force=options.force) for where in images]
    say_if_filters_differ(headings)
    return MosaicPlan(
        tuple(images),
        frame_of(headings, grid, like),
        Path(output),
        Matching(**singles["match"]).sky,
        drizzling,
        recipe,
        Planes(**singles["planes"]),
        options,
        None if masks is None else Path(masks),
    ).checked()


def _made(plan: MosaicPlan) -> Path:
    with progress_bar(plan.options.progress) as bar:
        for stage in make_mosaic(plan):
            bar.show(stage.name, stage.done, stage.total)
    return plan.output
