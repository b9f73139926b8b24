"""What a page of pictures shows of an exposure that was compared with its blot."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import SkyblotError
from ..headers.instruments import exposure_time, instrument_of
from ..io.image import Image

if TYPE_CHECKING:
    from ..io.earlier import Earlier
    from ..report import Pictures
    from .compare import Judged
    from .mask_record import RejectResult


def picture_of_mask(
    exposure: Image, blot: np.ndarray, judged: "Judged", result: "RejectResult", how: "Pictures"
) -> Any:
    """Return the picture of a comparison.

    Parameters
    ----------
    exposure : Image
        Open.
    blot : ndarray, shape (ny, nx)
    judged : Judged
    result : RejectResult
    how : Pictures

    Returns
    -------
    ChipPicture
    """
    from ..report.rejected import report_of_rejection
    from ..report.view import picture_of

    exptime = exposure_time(exposure.facts)
    earlier, notes = _earlier(exposure, how.compare)
    chip = report_of_rejection(
        replace(result, notes=(*result.notes, *notes)),
        judged.data,
        blot,
        judged.rejection,
        exposure.facts.bunit,
        wcs=exposure.wcs(),
        expected=None if exptime is None else instrument_of(exposure.facts).expected(exptime),
        earlier=earlier,
    )
    return picture_of(chip, how)


def _earlier(exposure: Image, where: "Earlier | None") -> tuple[np.ndarray | None, list[str]]:
    """The earlier mask of an exposure, and why there is none, which is no reason to end a run."""
    if where is None:
        return None, []
    try:
        return where.mask(exposure), []
    except SkyblotError as error:
        return None, [f"not compared with an earlier mask: {error}"]
