"""Functions of other packages replaced by ours, for a while."""

import re
from abc import ABC, abstractmethod
from collections.abc import Collection
from types import TracebackType
from typing import Any, Self

from ..parameters.options import CRITERIA
from ..parameters.rules import Pair


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


def thresholds_of(snr: Any, usual: Collection[Pair]) -> Pair | None:
    """Return another package's thresholds in sigma; None where they are those it has by default.

    Its defaults were made for its own rule; what a user has changed counts.
    """
    values = re.split(r"[,;\s]+", snr.strip()) if isinstance(snr, str) else snr
    pair: Pair | None = next(row for row in CRITERIA if row.name == "snr").parse(values)
    return None if pair in usual else pair
