"""The steps that users ask for, of what they choose by name."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..errors import ParameterError
from ..parameters.options import RunOptions, given_values
from ..parameters.table import Recipe
from ..rejection.criteria import Criteria, criteria_with
from ..steps.blot import Blot
from ..steps.copies import Products
from ..steps.planes import Planes
from ..steps.reject import Reject


def blot_step(
    values: Mapping[str, Any], recipe: Recipe | None = None, options: RunOptions | None = None
) -> tuple[Blot, RunOptions]:
    """Return the step of `blot_files` and the options of its run, with single values put in."""
    singles = given_values(values, ("recipe", "options", "blots"))
    recipe = (recipe or Recipe()).override(singles["recipe"])
    options = (options or RunOptions()).override(singles["options"])
    return Blot(recipe, options.force, options.compress, **singles["blots"]), options


def mask_step(
    values: Mapping[str, Any],
    recipe: Recipe | None = None,
    criteria: Criteria | Mapping[str, Any] | None = None,
    products: Products | None = None,
    options: RunOptions | None = None,
) -> tuple[Reject, RunOptions]:
    """Return the step of `reject_files` and the options of its run, with single values put in."""
    singles = given_values(values, ("criteria", "planes", "masks", "options", "recipe"))
    recipe = (recipe or Recipe()).override(singles["recipe"])
    if recipe.user_wcs.given:
        names = ", ".join(recipe.user_wcs.given)
        raise ParameterError(
            f"{names}: not for a comparison, which is made on the exposure's own pixels"
        )
    run_options = (options or RunOptions()).override(singles["options"])
    known = vars(criteria) if isinstance(criteria, Criteria) else dict(criteria or {})
    step = Reject(
        recipe,
        run_options.force,
        criteria=_checked({**known, **singles["criteria"]}),
        planes=Planes(**singles["planes"]),
        products=replace(products or Products(), **singles["masks"]),
        compress=run_options.compress,
    )
    return step, run_options


def _checked(criteria: Mapping[str, Any]) -> dict[str, Any]:
    """The criteria that the user chose, by name."""
    checked = vars(criteria_with(None, dict(criteria)))
    return {name: checked[name] for name, value in criteria.items() if value is not None}
