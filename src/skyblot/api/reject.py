"""Find cosmic rays in exposures: blots are made on the way, and only masks are written."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..parameters.options import RunOptions
from ..parameters.table import Recipe
from ..rejection.criteria import Criteria
from ..runs.plan import Plan
from ..runs.work import Beside
from ..steps.copies import Products
from ..steps.mask_record import RejectResult
from .results import Batch, batch_of
from .steps import mask_step


def reject_files(
    source: str | Path,
    references: Sequence[str | Path],
    output_dir: str | Path = ".",
    *,
    recipe: Recipe | None = None,
    criteria: Criteria | Mapping[str, Any] | None = None,
    products: Products | None = None,
    options: RunOptions | None = None,
    **values: Any,
) -> list[RejectResult]:
    """Compare exposures with the blots of a mosaic, and write a mask for each of their chips.

    Parameters
    ----------
    source : str or Path
        The mosaic, as for `skyblot.blot_files`.
    references : sequence of str or Path
        The exposures, as for `skyblot.blot_files`. They are not changed.
    output_dir : str or Path
        Folder for the masks, ``<root>_sci<N>_crmask.fits``: bytes, 1 for good pixels and 0 for bad
        ones.
    recipe : Recipe, optional
        How blots are made.
    criteria : Criteria or mapping, optional
        How pixels are judged. What is not given is the instrument's default; of a `Criteria`,
        everything is given.
    products : Products, optional
        What is written beside masks.
    options : RunOptions, optional
        What may be used, replaced and kept, and where to work.
    **values
        Single values of these by name, ``rule="plain"``, ``grow=1.5``, ``overwrite=True``, ...; and
        what goes with the exposures' pixels:

        * ``gain``, ``read_noise``: electrons per unit of the exposures, and electrons; by default
          from their headers. They are needed where there is no map of errors.
        * ``dq``, ``err``: the file with the flags of an exposure's pixels, and that with their
          errors, where they are in none of the places in which they are looked for. ``*`` stands
          for the exposure's name without ``.fits``: ``"*_dq.fits"`` is beside the exposure,
          ``"flags/*.fits[MASK]"`` in another folder. Errors are standard deviations, unless UTYPE,
          the extension or the file's name says that they are variances or weights.
        * ``weight_suffix``: what the name of an exposure's file of weights has in the place of
          ``.fits``. Pixels without weight are left out; the weights are the noise, too, where
          nothing else says it and the pixels agree.

    Returns
    -------
    list of RejectResult
        In the order of the exposures. For results as soon as they are there, see `plan_masks` and
        `run`.

    Raises
    ------
    BatchError
        At the end, if some exposures could not be compared.
    SkyblotError
        With one sentence on what is wrong.

    Warns
    -----
    SkyblotWarning
        If an exposure is misaligned by more than 0.1 pixel, or if more or fewer pixels are rejected
        than its instrument has hit in its exposure time.
    """
    step, run_options = mask_step(values, recipe, criteria, products, options)
    return batch_of(source, references, output_dir, step, run_options).results()


def plan_masks(
    source: str | Path,
    references: Sequence[str | Path],
    output_dir: str | Path = ".",
    *,
    recipe: Recipe | None = None,
    criteria: Criteria | Mapping[str, Any] | None = None,
    products: Products | None = None,
    options: RunOptions | None = None,
    **values: Any,
) -> Plan:
    """Return a plan of what `reject_files` would do with the same arguments, from headers alone.

    Parameters
    ----------
    source, references, output_dir, recipe, criteria, products, options, **values
        As for `reject_files`.

    Returns
    -------
    Plan
        What would be made, kept and written, with about what memory and time. `run` does it, and
        hands over each result as soon as it is there.

    Raises
    ------
    SkyblotError
        As `reject_files` does before any work.
    """
    step, run_options = mask_step(values, recipe, criteria, products, options)
    return batch_of(source, references, output_dir, step, run_options).plan()


def mask_batch(
    source: str | Path,
    references: Sequence[str | Path],
    output_dir: str | Path,
    *,
    recipe: Recipe,
    beside: Beside,
    **values: Any,
) -> Batch:
    """Return what the command line asks of `reject_files`.

    `beside` are files that are read and written too, a log for example: no mask is one of them.
    """
    step, options = mask_step(values, recipe)
    return batch_of(source, references, output_dir, step, options, beside)
