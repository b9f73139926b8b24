"""Put this project's blot into an installed DrizzlePac, and take it out again."""

from types import TracebackType
from typing import Any

from .. import messages
from ..errors import SkyblotError

_NAMES = ("blot", "do_blot", "runBlot", "run_blot", "run", "buildBlotParamDict")


class Patch:
    """Names of ``drizzlepac.ablot`` replaced by ours until `undo`, or until the end of a ``with`` block."""

    def __init__(self, theirs: Any, ours: Any) -> None:
        self._theirs = theirs
        self._before = {name: getattr(theirs, name) for name in _NAMES}
        for name in _NAMES:
            setattr(theirs, name, getattr(ours, name))

    def undo(self) -> None:
        """Put DrizzlePac's own functions back."""
        for name, function in self._before.items():
            setattr(self._theirs, name, function)

    def __enter__(self) -> "Patch":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.undo()


def patch(ours: Any) -> Patch:
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
            messages.NOT_INSTALLED(name="patch_drizzlepac", package="DrizzlePac", reason=error)
        ) from error
    return Patch(theirs, ours)
