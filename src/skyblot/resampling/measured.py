"""Astropy's images with units, masks and uncertainties, as plain arrays.

astropy is not loaded for it.
"""

import sys
from typing import Any

import numpy as np

from ..errors import DataError, ParameterError, warn


def is_a(what: Any, module: str, *names: str) -> bool:
    """Whether an object is of a class of a module: never, if nobody has loaded the module."""
    loaded = sys.modules.get(module)
    return loaded is not None and isinstance(what, tuple(getattr(loaded, name) for name in names))


def is_nddata(what: Any) -> bool:
    """Return whether an object is an `astropy.nddata.NDData`."""
    return is_a(what, "astropy.nddata", "NDData")


def is_quantity(what: Any) -> bool:
    """Return whether an object is an `astropy.units.Quantity`."""
    return is_a(what, "astropy.units", "Quantity")


def variance_of(image: Any) -> Any:
    """Return the variance of an NDData's pixels, None where it has none or none that is known.

    An `InverseVariance` of 0 is a pixel of which nothing is known: NaN.
    """
    uncertainty = image.uncertainty
    if uncertainty is None or uncertainty.array is None:
        return None
    values = np.asarray(uncertainty.array)
    if uncertainty.uncertainty_type == "std":
        return np.square(values, dtype=np.float64)
    if uncertainty.uncertainty_type == "var":
        return values
    if uncertainty.uncertainty_type == "ivar":
        return _inverse(values)
    warn(
        f"the image's uncertainty, a {type(uncertainty).__name__}, is dropped: expected a "
        "standard deviation or a variance"
    )
    return None


def uncertainty_like(image: Any, variance: np.ndarray) -> Any:
    """Return an uncertainty of an NDData's kind for the variance of what was made of it."""
    uncertainty = image.uncertainty
    dtype = np.asarray(image.uncertainty.array).dtype.newbyteorder("=")
    values = variance
    if uncertainty.uncertainty_type == "std":
        values = np.sqrt(variance)
    elif uncertainty.uncertainty_type == "ivar":
        values = np.nan_to_num(_inverse(variance), nan=0.0)
    return type(uncertainty)(
        values.astype(dtype if dtype.kind == "f" else np.float64), unit=uncertainty.unit
    )


def _inverse(values: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(values > 0, 1.0 / values.astype(np.float64), np.nan)


def unit_of(what: Any) -> Any:
    """Return the unit that an object carries, None for one that carries none."""
    return what.unit if is_nddata(what) or is_quantity(what) else None


def pixels_in(what: Any, unit: Any, name: str, wanted: str) -> Any:
    """Return an image's plain pixels in a unit, that of `wanted`.

    What has no unit is taken to be in it.

    Raises
    ------
    DataError
        If the image's own unit does not convert.
    """
    own = unit_of(what)
    pixels = what.data if is_nddata(what) else what.value if is_quantity(what) else what
    return pixels if own is None or unit is None else scaled(pixels, own, unit, name, wanted)


def scaled(values: Any, own: Any, unit: Any, name: str, wanted: str) -> Any:
    """Return values in another unit; a `DataError` that names both where they do not convert."""
    from astropy.units import UnitConversionError

    try:
        factor = own.to(unit)
    except UnitConversionError:
        raise DataError(
            f"the {name} is in {own} and the {wanted} in {unit}: cannot be converted"
        ) from None
    return values if factor == 1 else np.asarray(values) * factor


def sigma_of(image: Any, unit: Any) -> Any:
    """Return the standard deviations of an NDData's pixels in a unit, None where it has none."""
    variance = variance_of(image)
    if variance is None:
        return None
    sigma = np.sqrt(np.asarray(variance, np.float64))
    own = image.uncertainty.unit
    if own is None or unit is None:
        return sigma
    power = {"std": 1, "var": 2, "ivar": -2}[image.uncertainty.uncertainty_type]
    return scaled(sigma, own ** (1 / power), unit, "exposure's uncertainty", "exposure")


def plain_images(
    exposure: Any, blot: Any, sigma: Any, valid: Any, others: dict[str, Any]
) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
    """Return an exposure, its blot, its noise and the other values as plain numbers.

    They are in the exposure's unit; what has none is taken to be in it. Masks of the images leave
    pixels out, and an exposure's own uncertainty stands in for `sigma`.

    Raises
    ------
    DataError
        For units that do not convert, masks of another shape.
    ParameterError
        If there is nothing to make `sigma` of.
    """
    unit = unit_of(exposure)
    if sigma is None and is_nddata(exposure):
        sigma = sigma_of(exposure, unit)
    if sigma is None:
        raise ParameterError(
            f"sigma is not given, and the exposure, a {type(exposure).__name__}, has no "
            "uncertainty: expected one of them"
        )
    values = [pixels_in(exposure, unit, "exposure", "exposure")]
    values += [
        pixels_in(what, unit, name, "exposure") for what, name in ((blot, "blot"), (sigma, "sigma"))
    ]
    for what, name in ((exposure, "exposure"), (blot, "blot"), (sigma, "sigma")):
        valid = _unmasked(getattr(what, "mask", None), name, np.shape(values[0]), valid)
    return (
        *values,
        valid,
        {name: pixels_in(value, unit, name, "exposure") for name, value in others.items()},
    )


def _unmasked(mask: Any, name: str, shape: tuple[int, ...], valid: Any) -> Any:
    """Which pixels are valid, without those that a mask marks."""
    if mask is None or not np.any(mask):
        return valid
    good = ~np.asarray(mask, bool)
    if good.shape != shape:
        expected = f"that of the exposure, {shape}"
        raise DataError(
            f"has shape {good.shape}, expected {expected}", subject=f"the {name}'s mask"
        )
    return good if valid is None else np.where(good, valid, False)
