"""Put this project's blot and rejection into an installed DrizzlePac, and take them out again."""

from importlib import import_module
from typing import Any

from ..compat.patching import Patch
from ..errors import SkyblotError
from .driz_cr import run_step

_NAMES = ("blot", "do_blot", "runBlot", "run_blot", "run", "buildBlotParamDict")


class AblotPatch(Patch):
    """Functions of DrizzlePac's modules replaced by ours.

    Parameters
    ----------
    replacements : list of (module, name, function)
    """

    def __init__(self, replacements: list[tuple[Any, str, Any]]) -> None:
        self._before = [(module, name, getattr(module, name)) for module, name, _ in replacements]
        for module, name, function in replacements:
            setattr(module, name, function)

    def undo(self) -> None:
        """Put DrizzlePac's own functions back."""
        for module, name, function in self._before:
            setattr(module, name, function)


def patch(ours: Any, *, driz_cr: bool) -> AblotPatch:
    """Replace the functions of ``drizzlepac.ablot`` by those of the module `ours`.

    With `driz_cr` the step of ``drizzlepac.drizCR`` is replaced too.

    Raises
    ------
    SkyblotError
        If DrizzlePac is not installed.
    """
    try:
        from drizzlepac import ablot as theirs

        step = import_module("drizzlepac.drizCR") if driz_cr else None
    except ImportError as error:
        raise SkyblotError(
            f"DrizzlePac is not installed ({error})", subject="patch_drizzlepac"
        ) from error
    replacements = [(theirs, name, getattr(ours, name)) for name in _NAMES]
    if step is not None:
        replacements.append((step, "rundrizCR", _step_of(step)))
    return AblotPatch(replacements)


def _step_of(theirs: Any) -> Any:
    """Our step 6, with the signature of theirs."""

    def rundrizCR(imgObjList: Any, configObj: Any, procSteps: Any = None) -> None:
        run_step(theirs, imgObjList, configObj, procSteps)

    return rundrizCR
