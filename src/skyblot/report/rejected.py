"""Reports of rejections: an exposure, its blot, and what was taken for cosmic rays."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..io.names import parse_name
from .chip import ChipReport
from .facts import (
    BACKGROUND,
    REJECTED,
    chip_name,
    flux_ratio_text,
    misalignment_text,
    rejected_text,
)

if TYPE_CHECKING:
    from ..rejection.result import Rejection


def report_of_rejection(
    result: Any,
    exposure: np.ndarray,
    blot: np.ndarray,
    rejection: "Rejection",
    unit: str = "",
    *,
    wcs: Any = None,
    expected: tuple[float, float] | None = None,
    earlier: np.ndarray | None = None,
) -> ChipReport:
    """Return what a report shows of an exposure that was compared with its blot.

    Residuals are the rule's own: over the noise that it allows for. Pixels that were not judged are
    left out.

    Parameters
    ----------
    result : RejectResult
    exposure, blot : ndarray, shape (ny, nx)
    rejection : Rejection
        What was found in them.
    unit : str
        Of exposure and blot.
    wcs : WCS, optional
        The exposure's.
    expected : (float, float), optional
        Between which parts of the pixels its instrument has rejected in its exposure time.
    earlier : ndarray of bool, shape (ny, nx), optional
        An earlier mask to compare with, True where a pixel is bad.
    """
    residual = np.where(rejection.valid, rejection.significance, np.float32(np.nan))
    shown = rejection.expected(np.asarray(blot, np.float32))
    where = parse_name(result.reference)
    links = {"exposure": where.path, "mask": result.path}
    source = parse_name(result.source).path
    if not isinstance(source, Path) or source.is_file():  # a stack is in no file
        links["source"] = source
    if result.blot_path is not None:
        links["blot"] = result.blot_path
    return ChipReport(
        chip_name(where), exposure, shown, residual, rejection.mask, _facts(result), links, unit,
        result.notes, _measured(result, expected), wcs, earlier,
    )  # fmt: skip


def _measured(result: Any, expected: tuple[float, float] | None) -> dict[str, float]:
    """Numbers of the table of chips."""
    low, high = expected or (math.nan, math.nan)
    dx, dy = result.misalignment
    return {
        "rejected": result.fraction,
        "expected low": low,
        "expected high": high,
        "dx": dx,
        "dy": dy,
        "registration error": result.misalignment_error,
        "flux ratio": result.flux_ratio,
        "flux ratio error": result.flux_ratio_error,
        "noise": result.noise,
        "background": result.background,
    }


def _facts(result: Any) -> dict[str, object]:
    criteria = result.criteria
    (snr, scale) = result.criteria.thresholds
    return {
        REJECTED: rejected_text(result.rejected, result.judged),
        BACKGROUND: result.background,
        "misalignment (x, y)": misalignment_text(result.misalignment, result.misalignment_error),
        "flux ratio": flux_ratio_text(result.flux_ratio, result.flux_ratio_error),
        "sharpness [pixel²]": result.sharpness,
        "covered by the source": f"{100 * result.covered:.2f} %",
        "rule": criteria.rule,
        "thresholds of seed and member [σ]": snr,
        "scale of the blot's structure": scale,
        "exposures in the source": criteria.exposures,
        "grow [pixel]": criteria.grow,
        "tails of charge [pixel]": criteria.cte_tail,
        "bits of DQ": result.bits,
        "source": Path(result.source).name,
    }
