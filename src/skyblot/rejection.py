"""Find cosmic rays and bad pixels: an exposure against the blot of a mosaic of it. Arrays only."""

import math
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import messages
from .bands import for_each_band
from .errors import DataError, ParameterError, SkyblotWarning, closest, not_allowed
from .job import checked_threads
from .kernels.compare import join_levels, model_sigma, plain_levels, spread, variance_levels
from .measured import plain_images
from .residuals import MISALIGNED, Systematics, measure, misaligned

RULES = ("skyblot", "plain")
#: Thresholds of the rules in sigma, seed and member, and what their terms of structure are multiplied by. Those of
#: skyblot, `PAIR`, `NEGATIVE` and `_TAILS` were found once, over all simulated sets of benchmarks/rejection.
DEFAULT_SNR = {"skyblot": (4.8, 3.4), "plain": (3.5, 3.0)}
DEFAULT_SCALE = {"skyblot": (0.75, 0.45), "plain": (1.2, 0.7)}
#: Two pixels of a 3 x 3 beyond this part of the rule skyblot's threshold for a seed are as good as one seed.
PAIR = 0.75
#: Negative residuals of the rule skyblot have to be so much farther: what adds charge does not take it away.
NEGATIVE = 2.0
#: Part of an exposure's variance that the median of n of them takes off the difference, times n.
_SHARED = 0.9
#: Errors of a blot rougher than this have longer tails: they grow with this power of the excess.
_TAILS = (0.27, 0.75)
_LARGEST_GROW = 50.0


@dataclass(frozen=True)
class Noise:
    """The noise of an exposure for which there is no map of errors.

    Attributes
    ----------
    gain : float
        Electrons per unit of the exposure.
    read_noise : float
        Electrons.
    sky : float
        What was subtracted from both the exposure and the blot, in their unit.
    """

    gain: float = 1.0
    read_noise: float = 0.0
    sky: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.gain) and self.gain > 0):
            raise not_allowed("gain", self.gain, "electrons per unit, above 0")
        if not (math.isfinite(self.read_noise) and self.read_noise >= 0):
            raise not_allowed("read_noise", self.read_noise, "electrons, at least 0")
        if not math.isfinite(self.sky):
            raise not_allowed("sky", self.sky, "a finite number")


@dataclass(frozen=True)
class Criteria:
    """How pixels are judged; for the defaults of an instrument see `skyblot.instruments.criteria_for`.

    Attributes
    ----------
    rule : {"skyblot", "plain"}
        "plain" is the rule of DrizzlePac's drizCR and of the pipelines of JWST and Roman.
    snr : (float, float), optional
        Thresholds in sigma, of the seed and of the members beside it.
    scale : (float, float), optional
        For "plain" what the largest difference of a blot pixel to its neighbours is multiplied by, for the seed and
        the members; for "skyblot" what the measured error of the blot is multiplied by, in its curvature and in
        that difference.
    exposures : int, optional
        How many exposures the mosaic was made of, this one among them: what to expect of their noise where there is
        too little sky to measure it.
    grow : float
        Radius in pixels, around bad pixels, of what is bad too.
    cte_tail : int
        Pixels of the tail of charge behind a bad pixel, along y.
    cte_direction : {1, -1}
        Where tails run, to larger or to smaller y: away from the amplifier.
    background : float, optional
        What the exposure has more than the blot; measured where it is not given.
    """

    rule: str = "skyblot"
    snr: tuple[float, float] | None = None
    scale: tuple[float, float] | None = None
    exposures: int | None = None
    grow: float = 0.0
    cte_tail: int = 0
    cte_direction: int = 1
    background: float | None = None

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise not_allowed("rule", self.rule, " or ".join(RULES) + closest(self.rule, RULES))
        _check_pair("snr", self.snr, above_zero=True)
        _check_pair("scale", self.scale, above_zero=False)
        if self.exposures is not None and not _whole(self.exposures, 1):
            raise not_allowed("exposures", self.exposures, "a whole number, at least 1")
        if not 0 <= self.grow <= _LARGEST_GROW:
            raise not_allowed("grow", self.grow, f"a radius of 0 to {_LARGEST_GROW:g} pixels")
        if not _whole(self.cte_tail, 0):
            raise not_allowed("cte_tail", self.cte_tail, "a whole number of pixels, at least 0")
        if self.cte_direction not in (1, -1):
            raise not_allowed("cte_direction", self.cte_direction, "1 or -1")
        if self.background is not None and not math.isfinite(self.background):
            raise not_allowed("background", self.background, "a finite number")

    @property
    def thresholds(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """`snr` and `scale`, the rule's own defaults where they are not given."""
        return self.snr or DEFAULT_SNR[self.rule], self.scale or DEFAULT_SCALE[self.rule]


@dataclass(frozen=True, repr=False)
class Rejection:
    """What a comparison found.

    Attributes
    ----------
    mask : ndarray of bool, shape (ny, nx)
        True where a pixel is bad.
    significance : ndarray of float32, shape (ny, nx)
        What is left of exposure minus blot over its noise; NaN where a pixel was left out.
    valid : ndarray of bool, shape (ny, nx)
        Pixels that were judged.
    background : float
        Exposure minus blot where there is nothing.
    noise : float
        Its spread there, in sigma; NaN where there is too little sky. An exposure that is in the mosaic shares noise
        with its blot, so that values below 1 are usual.
    misalignment : (float, float)
        By how many pixels in x and y sources lie farther in the exposure than in the blot; NaN where too few
        sources say it.
    misalignment_error : float
        Its standard error, pixels.
    sharpness : float
        Coefficient of the blot's second differences in the residual, square pixels: negative where the blot is
        smoother than the exposure; NaN where too few sources say it.
    roughness : float
        Error of the blot at sources, of interpolation for example, in units of its structure: 90 percent of the
        sources' pixels are within it.
    fraction : float
        Part of the judged pixels that the rule rejected, without what `grow` and tails add.
    criteria : Criteria
    """

    mask: np.ndarray
    significance: np.ndarray
    valid: np.ndarray
    background: float
    noise: float
    misalignment: tuple[float, float]
    misalignment_error: float
    sharpness: float
    roughness: float
    fraction: float
    criteria: Criteria = field(default_factory=Criteria)

    def __repr__(self) -> str:
        ny, nx = self.mask.shape
        judged = f"{np.count_nonzero(self.valid)} pixels judged, {100 * self.fraction:.2f} % rejected"
        return f"Rejection({ny} x {nx}, {judged}, background {self.background:.4g}, noise {self.noise:.3f})"

    def misaligned(self) -> str:
        """Return a sentence on a misalignment that matters, else an empty string."""
        if not misaligned(self.misalignment, self.misalignment_error):
            return ""
        dx, dy = self.misalignment
        return messages.MISALIGNED(dx=dx, dy=dy, most=MISALIGNED)


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
        In the same unit, or in some that convert; both with the sky or without it. What a mask marks is left out.
    sigma : array or Quantity, shape (ny, nx), or Noise, optional
        Standard deviation of each pixel of the exposure, in its unit; or what to make it of. By default the
        uncertainty of the exposure, an NDData.
    valid : array of bool, optional
        False for pixels to leave out: saturated, known to be bad, not covered by the blot. Pixels that are not
        finite in any of the arrays are left out anyway.
    gain : float, optional
        Electrons per unit, where `sigma` is a map made from the exposure itself: it is then turned into that of the
        blot's photons, as a cosmic ray adds to its own noise. The rule "plain" does not do that.
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
    With I the exposure, B the blot, D the largest absolute difference of a blot pixel to its neighbours left,
    right, below and above, and b the background, a pixel is bad for the rule "plain" if ``|I - B - b| > scale[1] D +
    snr[1] sigma``, and if some pixel of the 3 x 3 around it is above ``scale[0] D + snr[0] sigma``. For "skyblot" the
    residual and its noise are those of :doc:`/reject`.

    Examples
    --------
    >>> import numpy as np
    >>> import skyblot
    >>> exposure = np.full((5, 5), 10.0)
    >>> exposure[1, 3] += 60
    >>> found = skyblot.reject(exposure, np.full((5, 5), 10.0), skyblot.Noise(gain=1.0, read_noise=3.0))
    >>> np.argwhere(found.mask)
    array([[1, 3]])
    """
    exposure, blot, sigma, valid, overrides = plain_images(exposure, blot, sigma, valid, overrides)
    found = compare(exposure, blot, sigma, criteria_with(criteria, overrides), valid=valid, gain=gain, threads=threads)
    if doubt := found.misaligned():
        warnings.warn(messages.CONCERNING(name="the exposure", reason=doubt), SkyblotWarning, stacklevel=2)
    return found


def criteria_with(criteria: Criteria | None, overrides: dict[str, Any]) -> Criteria:
    """Return criteria with some of them replaced.

    Raises
    ------
    ParameterError
        For a name that is none, or a value that is not allowed.
    """
    names = list(Criteria.__dataclass_fields__)
    for name in overrides:
        if name not in names:
            hint = f"{closest(name, names)}; there are {', '.join(names)}"
            raise ParameterError(messages.UNKNOWN(kind="criterion", name=name, hint=hint))
    known = vars(criteria) if criteria is not None else {}
    return Criteria(**{**known, **overrides})


def compare(
    exposure: Any, blot: Any, sigma: Any, criteria: Criteria, *, valid: Any, gain: float | None, threads: int | None
) -> Rejection:
    """Do what `reject` does, without its warning."""
    workers = checked_threads(threads)
    data, model = _pixels("exposure", exposure), _pixels("blot", blot)
    _check_shape("blot", model.shape, data.shape)
    noise = _sigma(sigma, model)
    _check_shape("sigma", noise.shape, data.shape)
    judged = _judged(data, model, noise, valid)
    found = measure(data, model, noise, judged, criteria.background, workers)
    levels, significance = np.empty(data.shape, np.uint8), np.empty(data.shape, np.float32)
    mark = _marker(criteria, found, 0.0 if gain is None or isinstance(sigma, Noise) else 1.0 / Noise(gain).gain)

    def work(row0: int, row1: int, *_: np.ndarray) -> None:
        mark(row0, data, model, noise, judged, levels[row0:row1], significance[row0:row1])

    for_each_band(data.shape, work, workers)
    mask = _joined(levels, workers)
    count = np.count_nonzero(judged)
    fraction = np.count_nonzero(mask) / count if count else 0.0
    return Rejection(
        grown(mask, criteria, workers), significance, judged, found.background, found.noise, found.misalignment,
        found.misalignment_error, found.sharpness, found.roughness, fraction, criteria,
    )  # fmt: skip


def _marker(criteria: Criteria, found: Systematics, photons: float) -> Any:
    """The kernel of a rule with its numbers; called with the first row, the four images, levels, significance."""
    snr, scale = criteria.thresholds
    numbers: tuple[Any, ...]
    if criteria.rule == "plain":
        kernel, numbers = plain_levels, (found.background, snr, scale)
    else:
        share = found.noise**2 if math.isfinite(found.noise) else expected_share(criteria.exposures)
        curved, stepped = (factor * blot_error(found.roughness) for factor in scale)
        thresholds = (*snr, PAIR * snr[0])
        kernel, numbers = variance_levels, (found.terms, thresholds, (share, curved, stepped, photons, NEGATIVE))

    def mark(row0: int, *arrays: np.ndarray) -> None:
        *images, levels, significance = arrays
        kernel(row0, *images, *numbers, levels, significance)

    return mark


def expected_share(exposures: int | None) -> float:
    """Return what part of an exposure's variance there is in the difference to its blot."""
    return 1.0 - _SHARED / exposures if exposures else 1.0


def blot_error(roughness: float) -> float:
    """Return the error of a blot that the rule skyblot reckons with, in units of its structure.

    Examples
    --------
    >>> blot_error(0.1), round(blot_error(0.54), 3)
    (0.1, 0.908)
    """
    usual, power = _TAILS
    return roughness * max(1.0, roughness / usual) ** power


def _joined(levels: np.ndarray, threads: int) -> np.ndarray:
    mask = np.empty(levels.shape, np.bool_)
    for_each_band(levels.shape, lambda row0, row1, *_: join_levels(row0, levels, mask[row0:row1]), threads)
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
    table, out = np.array(offsets), np.empty_like(mask)
    for_each_band(mask.shape, lambda row0, row1, *_: spread(row0, mask, table, out[row0:row1]), threads)
    return out


def _pixels(name: str, image: Any) -> np.ndarray:
    """An image as contiguous float32 or float64 in the machine's byte order."""
    array = np.asarray(image)
    if array.ndim != 2 or array.dtype.kind not in "fiub":
        given = f"{array.dtype} of shape {array.shape}"
        raise DataError(messages.ARRAY_IS(name=f"the {name}", given=given, expected="a 2-D image of numbers"))
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
        judged: np.ndarray = np.isfinite(data) & np.isfinite(blot) & np.isfinite(sigma) & (sigma > 0)
    if valid is not None:
        given = np.asarray(valid)
        _check_shape("valid", given.shape, data.shape)
        if given.dtype.kind != "b":
            expected = "booleans, True for the pixels to judge"
            raise DataError(messages.ARRAY_IS(name="valid", given=given.dtype, expected=expected))
        judged &= given
    return judged


def _check_shape(name: str, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if shape != expected:
        wanted = f"that of the exposure, {expected}"
        raise DataError(messages.ARRAY_HAS(name=name, what="shape", given=shape, expected=wanted))


def _check_pair(name: str, value: Any, *, above_zero: bool) -> None:
    if value is None:
        return
    words = "two numbers" + (" above 0" if above_zero else ", at least 0")
    try:
        first, second = (float(each) for each in value)
    except (TypeError, ValueError):
        raise not_allowed(name, value, words) from None
    if not math.isfinite(first + second) or min(first, second) < 0 or (above_zero and 0 in (first, second)):
        raise not_allowed(name, value, words)


def _whole(value: Any, least: int) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and int(value) >= least
