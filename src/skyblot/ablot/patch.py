"""Put this project's blot into an installed DrizzlePac, and take it out again."""

from typing import Any

from ..compat.patching import Patch
from ..errors import SkyblotError

_NAMES = ("blot", "do_blot", "runBlot", "run_blot", "run", "buildBlotParamDict")


class AblotPatch(Patch):
    """Names of ``drizzlepac.ablot`` replaced by ours."""

    def __init__(self, theirs: Any, ours: Any) -> None:
        self._theirs = theirs
        self._before = {name: getattr(theirs, name) for name in _NAMES}
        for name in _NAMES:
            setattr(theirs, name, getattr(ours, name))

    def undo(self) -> None:
        """Put DrizzlePac's own functions back."""
        for name, function in self._before.items():
            setattr(self._theirs, name, function)


def patch(ours: Any) -> AblotPatch:
    """Replace the functions of ``drizzlepac.ablot`` by those of the module `ours`.

    Raises
    ------
    SkyblotError
        If DrizzlePac is not installed.
    """
    try:
        from drizzlepac import ablot as theirs
    except ImportError as error:
        raise SkyblotError(
            f"DrizzlePac is not installed ({error})", subject="patch_drizzlepac"
        ) from error
    return AblotPatch(theirs, ours)
