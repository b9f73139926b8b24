"""Functions of other packages replaced by ours, for a while."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


class Patch(ABC):
    """What stays in place until `undo`, or until the end of a ``with`` block."""

    @abstractmethod
    def undo(self) -> None:
        """Put the other package's own functions back."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.undo()
