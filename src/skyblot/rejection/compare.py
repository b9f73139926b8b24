"""Find cosmic rays and bad pixels: an exposure against the blot of a mosaic of it. Arrays only."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..bands import for_each_band
from ..errors import DataError, memory_errors_told, warn
from ..kernels.compare import join_levels, model_sigma, spread
from ..parameters.rules import Circumstances, Marker
from ..resampling.geometry import checked_threads
from ..resampling.measured import plain_images
from .background import background_map
from .changed import without_changed
from .criteria import BACKGROUND_MAP, Criteria, Noise, criteria_with
from .look import REFUSED_FLUX
from .registration import REACH, Images, moved
from .residuals import Systematics, measure
from .result import Rejection
from .sharpness import MATCHED_TO, match_sharpness

#: Errors whose squares grow by less than this part of what photons do were not made from the
#: pixel's own charge, but from a model or from what a ramp has without jumps. Where the sky is near
#: 0 half of the pixels have no photons, and the part is 0.5.
_KNOWN = 0.25


def reject(
    exposure: Any,
    blot: Any,
    sigma: Any = None,
    *,
    valid: Any = None,
    gain: float | None = None,
    criteria: Criteria | None = None,
    threads: int | None = None,
    **overrides: Any,
) -> Rejection:
    """Find the pixels of an exposure that its blot cannot explain.

    Parameters
    ----------
    exposure, blot : array, Quantity or NDData, shape (ny, nx)
        In the same unit, or in some that convert; both with the sky or without it. What a mask
        marks is left out.
    sigma : array or Quantity, shape (ny, nx), or Noise, optional
        Standard deviation of each pixel of the exposure, in its unit; or what to make it of. By
        default the uncertainty of the exposure, an NDData.
    valid : array of bool, optional
        False for pixels to leave out: saturated, known to be bad, not covered by the blot. Pixels
        that are not finite in any of the arrays are left out anyway.
    gain : float, optional
        Electrons per unit, where `sigma` is a map made from the exposure itself: it is then turned
        into that of the blot's photons, as a cosmic ray adds to its own noise. The rule "plain"
        does not do that, and neither is it done where errors do not follow the pixels of the sky.
    criteria : Criteria, optional
    threads : int, optional
        By default the cores this process may use; the result does not depend on it.
    **overrides
        Single criteria by name: ``rule="plain"``, ``snr=(5, 4)``, ``grow=1.5``, ...

    Returns
    -------
    Rejection

    Raises
    ------
    ParameterError, DataError
        For arguments that cannot be used.

    Warns
    -----
    SkyblotWarning
        If exposure and blot are misaligned by more than 0.1 pixel.

    Notes
    -----
    With I the exposure, B the blot, D the largest absolute difference of a blot pixel to its
    neighbours left, right, below and above, and b the background, a pixel is bad for the rule
    "plain" if ``|I - B - b| > scale[1] D + snr[1] sigma``, and if some pixel of the 3 x 3 around it
    is above ``scale[0] D + snr[0] sigma``. For "skyblot" the residual and its noise are those of
    :doc:`/reject`.

    Examples
    --------
    >>> import numpy as np
    >>> import skyblot
    >>> exposure = np.full((5, 5), 10.0)
    >>> exposure[1, 3] += 60
    >>> noise = skyblot.Noise(gain=1.0, read_noise=3.0)
    >>> rejection = skyblot.reject(exposure, np.full((5, 5), 10.0), noise)
    >>> np.argwhere(rejection.mask)
    array([[1, 3]])
    """
    with memory_errors_told():
        exposure, blot, sigma, valid, overrides = plain_images(
            exposure, blot, sigma, valid, overrides
        )
        judged_by = criteria_with(criteria, overrides)
        rejection = compare(
            exposure, blot, sigma, judged_by, valid=valid, gain=gain, threads=threads
        )
    for doubt in rejection.doubts():
        warn(doubt, subject="the exposure")
    return rejection


def compare(
    exposure: Any,
    blot: Any,
    sigma: Any,
    criteria: Criteria,
    *,
    valid: Any,
    gain: float | None,
    threads: int | None,
    name: str = "the exposure",
) -> Rejection:
    """Do what `reject` does, without its warnings; errors call the exposure by its name."""
    workers = checked_threads(threads)
    known = measured(
        exposure, blot, sigma, criteria, valid=valid, gain=gain, threads=workers, name=name
    )
    levels, significance = marked(known.images, _marker(criteria, known), workers)
    systematics = known.systematics
    left = known.left
    mask = joined(levels, workers)
    if criteria.rule_used.adapts:
        mask = without_changed(mask, known.images, left)
    flux_ratio = systematics.flux_ratio
    count = np.count_nonzero(known.images.valid)
    fraction = np.count_nonzero(mask) / count if count else 0.0
    return Rejection(
        grown(mask, criteria, workers), significance, known.images.valid, left.background,
        left.noise, systematics.misalignment, systematics.misalignment_error,
        systematics.sharpness, left.roughness, fraction, criteria, flux_ratio.value,
        flux_ratio.error, systematics.ratio, systematics.shift, systematics.slopes,
        flux_ratio.unexplained, left.spread, known.uneven, left.own,
    )  # fmt: skip


@dataclass(frozen=True)
class Measured:
    """An exposure and its blot, ready to be judged.

    Attributes
    ----------
    images : Images
        The exposure without what its background has more in places, the blot that it is compared
        with, its errors, and the pixels to judge.
    systematics : Systematics
        What they differed by.
    left : Systematics
        What they still differ by.
    photons : float
        1 / gain where the errors include the photons of the residual itself, else 0.
    uneven : ndarray of float32, or None
        What the background has more at each pixel.
    """

    images: Images
    systematics: Systematics
    left: Systematics
    photons: float
    uneven: np.ndarray | None


def measured(
    exposure: Any,
    blot: Any,
    sigma: Any,
    criteria: Criteria,
    *,
    valid: Any,
    gain: float | None,
    threads: int,
    name: str = "the exposure",
) -> Measured:
    """Do what `compare` does before a rule judges pixels."""
    data = _pixels("exposure", exposure)
    model = _pixels("blot", blot)
    _check_shape("blot", model.shape, data.shape)
    noise = _sigma(sigma, model)
    _check_shape("sigma", noise.shape, data.shape)
    judged = _judged(data, model, noise, valid)
    uneven = None
    if criteria.background == BACKGROUND_MAP:
        uneven = background_map(data, model, noise, judged)
        uneven -= np.median(uneven)
        data = data - uneven
    systematics = measure(
        data, model, noise, judged, criteria.level, _wanted_ratio(criteria), threads
    )
    _check_match(systematics, criteria, name)
    if systematics.shift != (0, 0):
        model = moved(model, systematics.shift)
        judged &= np.isfinite(model)
    images = Images(data, model, noise, judged)
    model, noise, left = _matched(images, systematics, sigma, criteria, threads)
    photons = 0.0 if gain is None or isinstance(sigma, Noise) else 1.0 / Noise(gain).gain
    if left.growth < _KNOWN * photons:
        photons = 0.0
    images = images._replace(blot=model, sigma=noise)
    return Measured(images, systematics, left, photons, uneven)


def _matched(
    images: Images, systematics: Systematics, sigma: Any, criteria: Criteria, threads: int
) -> tuple[np.ndarray, np.ndarray, Systematics]:
    """A blot as sharp as its exposure, its errors, and what is then left of the systematics."""
    blot = images.blot
    noise = images.sigma
    left = systematics
    if criteria.rule_used.adapts:
        blot, left = match_sharpness(images, systematics, criteria.level, threads)
    if isinstance(sigma, Noise) and (
        left is not systematics or (systematics.ratio, systematics.shift) != (1.0, (0, 0))
    ):
        noise = _sigma(sigma, left.ratio * blot)
    if left is not systematics:
        noise = np.hypot(noise, MATCHED_TO * np.abs(blot - systematics.ratio * images.blot)).astype(
            noise.dtype, copy=False
        )
    return blot, noise, left


def _wanted_ratio(criteria: Criteria) -> float | str | None:
    """What the blot is to be multiplied by; None: what is measured, where it is not 1."""
    if criteria.flux_ratio is None and not criteria.rule_used.adapts:
        return 1.0
    return criteria.flux_ratio


def _check_match(systematics: Systematics, criteria: Criteria, name: str) -> None:
    """Refuse a blot that is not one of the exposure, or is so much too bright or too faint."""
    if not systematics.matches:
        #: Exposure and mosaic show different parts of the sky, or one of their WCS is wrong by
        #: much.
        raise DataError(
            "the blot does not match it: its sources are not where the blot has them, "
            f"nor within {REACH} pixels of there; are mosaic and WCS the right ones?",
            subject=name,
        )
    measured = systematics.flux_ratio
    if criteria.flux_ratio is not None or not measured.differs():
        return
    if not 1.0 / REFUSED_FLUX <= measured.value <= REFUSED_FLUX:
        #: Most often an exposure time or a unit is not what it seems: `skyblot info` shows what is
        #: read.
        raise DataError(
            f"its sources are {measured.value:.3g} times as bright as the blot's, "
            f"expected a flux ratio within a factor {REFUSED_FLUX:g}: are units and "
            "exposure times right? (--flux-ratio fit, or a number, compares all the same)",
            subject=name,
        )


def _marker(criteria: Criteria, known: Measured) -> Marker:
    """The kernel of a rule with its numbers."""
    return criteria.rule_used.marker(circumstances(criteria, known))


def circumstances(criteria: Criteria, known: Measured) -> Circumstances:
    """Return what a rule may use."""
    snr, scale = criteria.thresholds
    left = known.left
    return Circumstances(
        snr=snr,
        scale=scale,
        terms=left.terms,
        noise=left.noise,
        own_noise=left.own,
        ratio=left.ratio,
        roughness=left.roughness,
        photons=known.photons,
    )


def marked(images: Images, mark: Marker, threads: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what a rule makes of each pixel, and its significance."""
    levels = np.empty(images.data.shape, np.uint8)
    significance = np.empty(images.data.shape, np.float32)

    def work(row0: int, row1: int) -> None:
        mark(row0, *images, levels[row0:row1], significance[row0:row1])

    for_each_band(levels.shape, work, threads)
    return levels, significance


def joined(levels: np.ndarray, threads: int) -> np.ndarray:
    """Return the mask that levels make: members beside seeds."""
    mask = np.empty(levels.shape, np.bool_)
    for_each_band(
        levels.shape, lambda row0, row1: join_levels(row0, levels, mask[row0:row1]), threads
    )
    return mask


def grown(mask: np.ndarray, criteria: Criteria, threads: int = 1) -> np.ndarray:
    """Return a mask with everything within `grow` of bad pixels, and with their tails of charge."""
    reach = math.floor(criteria.grow)
    offsets = [
        (dy, dx)
        for dy in range(-reach, reach + 1)
        for dx in range(-reach, reach + 1)
        if 0 < dy * dy + dx * dx <= criteria.grow**2
    ]
    offsets += [(criteria.cte_direction * step, 0) for step in range(1, criteria.cte_tail + 1)]
    if not offsets:
        return mask
    table = np.array(offsets)
    out = np.empty_like(mask)
    for_each_band(mask.shape, lambda row0, row1: spread(row0, mask, table, out[row0:row1]), threads)
    return out


def _pixels(name: str, image: Any) -> np.ndarray:
    """An image as contiguous float32 or float64 in the machine's byte order."""
    array = np.asarray(image)
    if array.ndim != 2 or array.dtype.kind not in "fiub":
        description = f"{array.dtype} of shape {array.shape}"
        raise DataError(f"is {description}, expected a 2-D image of numbers", subject=f"the {name}")
    small = array.dtype.kind == "f" and array.dtype.itemsize <= 4
    return np.ascontiguousarray(array, np.float32 if small else np.float64)


def _sigma(sigma: Any, blot: np.ndarray) -> np.ndarray:
    if not isinstance(sigma, Noise):
        return _pixels("sigma", sigma)
    out = np.empty(blot.shape, np.float32)
    model_sigma(blot.ravel(), sigma.sky, sigma.gain, sigma.read_noise, out.ravel())
    return out


def _judged(data: np.ndarray, blot: np.ndarray, sigma: np.ndarray, valid: Any) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        judged: np.ndarray = (
            np.isfinite(data) & np.isfinite(blot) & np.isfinite(sigma) & (sigma > 0)
        )
    if valid is not None:
        booleans = np.asarray(valid)
        _check_shape("valid", booleans.shape, data.shape)
        if booleans.dtype.kind != "b":
            expected = "booleans, True for the pixels to judge"
            raise DataError(f"is {booleans.dtype}, expected {expected}", subject="valid")
        judged &= booleans
    return judged


def _check_shape(name: str, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if shape != expected:
        wanted = f"that of the exposure, {expected}"
        raise DataError(f"has shape {shape}, expected {wanted}", subject=name)
