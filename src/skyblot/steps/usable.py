"""Which pixels of an exposure can be judged: by flags, weights and saturation."""

from dataclasses import dataclass

import numpy as np

from ..headers.facts import number
from ..headers.ground import SATURATION
from ..headers.units import COUNTS, unit_kind
from ..io.image import Image
from ..io.planes import usable_pixels
from ..rejection.saturation import MOST, is_level, saturated


@dataclass(frozen=True)
class Usable:
    """Pixels that can be judged.

    Attributes
    ----------
    pixels : ndarray of bool or None
        None: all.
    remarks : tuple of str
        What was assumed, and what is there but was not used.
    """

    pixels: np.ndarray | None
    remarks: tuple[str, ...] = ()


def usable_of(
    exposure: Image,
    data: np.ndarray,
    blot: np.ndarray,
    sky: float,
    *,
    ignored: int,
    dq: str | None,
    weights: np.ndarray | None,
) -> Usable:
    """Return which pixels of an exposure can be judged.

    Parameters
    ----------
    exposure : Image
    data, blot : ndarray, shape (ny, nx)
        Its pixels, and its blot.
    sky : float
        What the exposure has more than that.
    ignored : int
        Bits of its flags that leave no pixel out.
    dq : str, optional
        The file of flags, as for `skyblot.io.planes.find_plane`.
    weights : ndarray, optional
        What is not above 0 is left out.
    """
    usable = usable_pixels(exposure, ignored, dq)
    #: `--dq` names the file, where they are in another one.
    remarks = (
        []
        if usable is not None or weights is not None
        else [
            (
                "its pixels have no flags (DQ): bad ones are judged as all others (--dq, or dq=, "
                "names their file)"
            )
        ]
    )
    flagged = usable is not None
    if weights is not None:
        usable = weights > 0 if usable is None else usable & (weights > 0)
    level = None if flagged else _saturation(exposure)
    if level is not None and is_level(data, level):
        stars = saturated(data, blot + sky, level)
        usable = ~stars if usable is None else usable & ~stars
    elif level is not None:
        expected_level = f"a level that less than {100 * MOST:g} percent of its pixels reach"
        remarks.append(
            f"its {SATURATION.keywords[0]} = {level:g} is not used: expected {expected_level}"
        )
    return Usable(usable, tuple(remarks))


def _saturation(exposure: Image) -> float | None:
    """Where an exposure in counts saturates; a rate's level is that of its counts."""
    level = number(exposure.facts.first(SATURATION)[1])
    counts = unit_kind(exposure.facts.bunit) in (None, COUNTS)
    return level if counts and level is not None and level > 0 else None
