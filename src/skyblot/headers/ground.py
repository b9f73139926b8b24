"""What SWarp writes of a coadd and of its exposures, which only ground-based data have."""

from typing import Any

from ..errors import DataError
from .facts import Fact, Facts, number

COADD_PROGRAM = Fact(
    name="program that made a coadd",
    keywords=("SOFTNAME",),
    overrides="",
    missing="what only SWarp does is not looked for",
    odd="as if it were missing, but for SWarp",
    contradicted="not checked by blot; reject compares the brightness of sources",
)
FLUX_SCALE = Fact(
    name="what SWarp multiplied an exposure by",
    keywords=("FLXSCALE",),
    overrides="--as-is; --flux-ratio for a comparison",
    missing="1, as SWarp's FSCALE_DEFAULT is",
    odd="an error: not above 0, text",
    contradicted=(
        "used only where SOFTNAME of the mosaic is SWarp, and said; reject compares the brightness "
        "of sources"
    ),
    places=(
        "the .head file beside the exposure, then the extension's header, then the primary header"
    ),
)
AREA_SCALE = Fact(
    name="whether SWarp's values are per pixel",
    keywords=("FLASCALE",),
    overrides="--pixel-area yes or no",
    missing=(
        "SWarp's coadds have none: they are taken as FSCALASTRO_TYPE FIXED makes them, flux per "
        "pixel; said where the pixel scales differ and BUNIT is missing"
    ),
    odd="passed over",
    contradicted=(
        "1 where pixel areas differ: FSCALASTRO_TYPE was NONE, and values are no flux per pixel"
    ),
)
EXPOSURE_WEIGHTS = Fact(
    name="weights of an exposure",
    keywords=(),
    overrides="--weight-suffix (weight_suffix=)",
    missing="no pixel is left out for them",
    odd=(
        "a pixel whose weight is not above 0, NaN too, is left out; weights that are 0 everywhere "
        "are an error"
    ),
    contradicted=(
        "they are the noise too, as inverse variances, where nothing else says it and the pixels "
        "agree to a third; another shape than the image's is an error"
    ),
    places="the file beside the exposure whose name ends in .weight.fits in the place of .fits",
)
SATURATION = Fact(
    name="saturation level",
    keywords=("SATURATE",),
    overrides="--dq PATTERN (dq=), which says what is bad",
    missing="no pixel is left out for it",
    odd="passed over: not above 0, text",
    contradicted=(
        "not used where 1 percent of the pixels are above it, which is said; nor beside a DQ, nor "
        "for rates; a pixel above it where the blot is faint is no star, and judged"
    ),
)

#: Parts by which FLASCALE may differ from 1 where nothing was scaled, and by which areas are the
#: same.
_SAME = 0.001
#: Kinds of coadds, by COMBINET, that outliers are left in.
_MEANS = {"AVERAGE", "WEIGHTED", "MAX", "CHI-OLD", "CHI-MODE", "CHI-MEAN", "WEIGHTED_WEIGHT"}


def is_swarp(source: Facts) -> bool:
    """Whether a mosaic says that SWarp made it."""
    return str(source.first(COADD_PROGRAM)[1] or "").strip().upper() == "SWARP"


def pixel_area(wanted: str, source: Facts, ratio: float) -> str:
    """Return "yes" where a mosaic's values are flux per pixel, "no", or "auto": its unit tells.

    Parameters
    ----------
    wanted : {"auto", "yes", "no"}
        What the user says.
    source : Facts
    ratio : float
        Pixel area of the exposure over that of the mosaic.
    """
    scale = number(source.first(AREA_SCALE)[1]) if is_swarp(source) else None
    if wanted != "auto" or scale is None or scale <= 0 or abs(ratio - 1) < _SAME:
        return wanted
    return "no" if abs(scale - 1) < _SAME else "yes"


def flux_scale(source: Facts, reference: Facts) -> float:
    """Return what SWarp multiplied an exposure by to make its coadd, by FLXSCALE.

    1 for other mosaics.

    Raises
    ------
    DataError
        If it is no number above 0.
    """
    keyword, value = reference.first(FLUX_SCALE) if is_swarp(source) else ("", None)
    if value is None:
        return 1.0
    scale = number(value)
    if scale is None or scale <= 0:
        raise DataError(f"{keyword} = {value!r}, expected a number above 0", subject=reference.name)
    return scale


def keeps_outliers(combination: str) -> bool:
    """Whether cosmic rays of exposures are left in a coadd of this kind, as COMBINET says.

    Examples
    --------
    >>> keeps_outliers("WEIGHTED"), keeps_outliers("CLIPPED"), keeps_outliers("")
    (True, False, False)
    """
    return combination.strip().upper() in _MEANS


def with_flux_scale(header: Any, head: Any) -> Any:
    """Return a header with the FLXSCALE of a .head file, where that has one.

    SWarp lets it go before the header's.
    """
    (keyword,) = FLUX_SCALE.keywords
    if keyword not in head:
        return header
    header = header.copy()
    header[keyword] = head[keyword]
    return header
