"""What goes with the exposures' pixels: gain, read noise, flags, errors, weights."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from ..io.weights import checked_suffix
from ..parameters.options import PLANES
from ..parameters.table import default


@dataclass(frozen=True)
class Planes:
    """What goes with the exposures' pixels, where the user says so.

    Attributes
    ----------
    gain, read_noise : float, optional
        Electrons per unit, and electrons: instead of what headers say.
    dq, err : str, optional
        Patterns of the files that hold flags and errors.
    weight_suffix : str
        What stands for .fits in the name of an exposure's weights.
    """

    gain: float | None = default("gain", PLANES)
    read_noise: float | None = default("read_noise", PLANES)
    dq: str | None = default("dq", PLANES)
    err: str | None = default("err", PLANES)
    weight_suffix: str = default("weight_suffix", PLANES)

    def __post_init__(self) -> None:
        checked_suffix(self.weight_suffix)

    def within(self, folder: Path) -> Self:
        """Return the same with patterns as seen from another folder."""
        return replace(self, dq=_within(folder, self.dq), err=_within(folder, self.err))


def _within(folder: Path, pattern: str | None) -> str | None:
    """A pattern as seen from another folder; ``*`` without a folder is beside its exposure."""
    if pattern is None or ("*" in pattern and "/" not in pattern) or "://" in pattern:
        return pattern
    return str(folder / pattern)
