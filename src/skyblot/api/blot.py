"""Blot files: one exposure, or many."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import ParameterError, warn
from ..io.images import list_images
from ..io.names import extension_text, parse_name
from ..parameters.options import RunOptions
from ..parameters.table import Recipe
from ..runs.plan import Plan
from ..runs.work import Beside, Work
from ..steps.base import Task
from ..steps.blot import BlotResult
from .results import Batch, batch_of
from .steps import blot_step


def blot_file(
    source: str | Path,
    reference: str | Path,
    output: str | Path,
    *,
    recipe: Recipe | None = None,
    options: RunOptions | None = None,
    **values: Any,
) -> Path:
    """Blot a mosaic onto one exposure and write the result.

    Parameters
    ----------
    source : str or Path
        The mosaic, ``med.fits`` or ``drz.fits[sci,1]``; without an extension its first SCI or other
        image. Of a URL, only the part that is needed is read.
    reference : str or Path
        The exposure that defines the blot's pixels, in the same form.
    output : str or Path
        The file to write, float32, with the reference's WCS: FITS with a primary header and one SCI
        extension, or ASDF for a Roman reference.
    recipe : Recipe, optional
        How its pixels are made. By default: units from BUNIT, sky from MDRIZSKY, poly5, exact
        geometry.
    options : RunOptions, optional
        What may be used and replaced.
    **values
        Single values of either by name, ``interp="linear"``, ``overwrite=True``, ``threads=2``; and
        ``errors=True`` carries the mosaic's ERR over too, by the squares of the interpolant's
        weights, into an ERR extension.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    SkyblotError
        With one sentence on what is wrong; nothing has been written then.
    """
    step, options = blot_step({**values, "fail_fast": True}, recipe, options)
    where = parse_name(reference)
    if where.extension is None and where.path.is_file():
        chips = list_images(where)
        if len(chips) > 1:
            first = extension_text(chips[0].extension or 0)
            warn(f"has {len(chips)} images, the first, [{first}], is used", subject=where.path)
        where = chips[0]
    (made,) = Batch(Work(source, step, (Task(where, Path(output)),)), options).results()
    path: Path = made.path
    return path


def blot_files(
    source: str | Path,
    references: Sequence[str | Path],
    output_dir: str | Path = ".",
    *,
    recipe: Recipe | None = None,
    options: RunOptions | None = None,
    **values: Any,
) -> list[BlotResult]:
    """Blot a mosaic onto every chip of every exposure.

    Windows of the mosaic that exposures share are read once, and several exposures are worked on at
    a time.

    Parameters
    ----------
    source, recipe
        As for `blot_file`.
    references : sequence of str or Path
        Exposures; ``flc.fits[sci,2]`` is that extension alone. Shell patterns, ``@list.txt``,
        association tables and folders stand for the exposures they name.
    output_dir : str or Path
        Folder for the blots, ``<root>_sci<N>_blt.fits`` (``.fits.fz`` with `compress`), or
        ``<root>_blt.asdf`` for Roman references.
    options : RunOptions, optional
        What may be used, replaced and kept, and where to work.
    **values
        Single values of either by name: ``interp="linear"``, ``resume=True``, ``memory="8G"``,
        ``progress=True``, ``client="local"``; and ``errors=True`` as for `blot_file`.

    Returns
    -------
    list of BlotResult
        In the order of the references. For results as soon as they are there, see `plan_blots` and
        `run`.

    Raises
    ------
    BatchError
        At the end, if some exposures could not be blotted: it holds the results of the others, and
        the reasons.
    SkyblotError
        With one sentence on what is wrong. Outputs that cannot be written are refused before any
        work.
    """
    step, options = blot_step(values, recipe, options)
    return batch_of(source, references, output_dir, step, options).results()


def plan_blots(
    source: str | Path,
    references: Sequence[str | Path],
    output_dir: str | Path = ".",
    *,
    recipe: Recipe | None = None,
    options: RunOptions | None = None,
    **values: Any,
) -> Plan:
    """Return a plan of what `blot_files` would do with the same arguments, from headers alone.

    Parameters
    ----------
    source, references, output_dir, recipe, options, **values
        As for `blot_files`.

    Returns
    -------
    Plan
        What would be made, kept and written, with about what memory and time. `run` does it, and
        hands over each result as soon as it is there.

    Raises
    ------
    SkyblotError
        As `blot_files` does before any work.
    """
    step, options = blot_step(values, recipe, options)
    return batch_of(source, references, output_dir, step, options).plan()


def blot_batch(
    source: str | Path,
    references: Sequence[str | Path],
    output_dir: str | Path,
    *,
    output: str | None,
    recipe: Recipe,
    beside: Beside,
    **values: Any,
) -> Batch:
    """Return what the command line asks of `blot_files`.

    `output` is the file to write, where there is a single blot; `beside` are files that are read
    and written too, a log for example: no blot is one of them.
    """
    step, options = blot_step(values, recipe)
    batch = batch_of(source, references, output_dir, step, options, beside)
    return batch if output is None else replace(batch, work=_to_file(batch.work, Path(output)))


def _to_file(work: Work, output: Path) -> Work:
    """The work on the only image there is, with another name of the product."""
    if work.failures:
        raise work.failures[0].error
    if len(work.tasks) > 1:
        names = ", ".join(str(where) for where, _ in work.tasks[:4]) + (
            ", ..." if len(work.tasks) > 4 else ""
        )
        raise ParameterError(
            f"--output names one file, but there are {len(work.tasks)} images to blot "
            f"onto ({names}): use --output-dir, or name one extension, as in "
            "file.fits[sci,1]"
        )
    return replace(work, tasks=(Task(work.tasks[0].where, output),))
