"""What is known of the noise of an exposure: a map of its errors, else what its detector says."""

from dataclasses import dataclass

import numpy as np

from ..errors import DataError
from ..headers.amplifiers import Reading, electronics, sections
from ..headers.pixel_facts import ERRORS
from ..headers.units import unit_kind
from ..io.image import DEVIATION, Image, Plane
from ..io.planes import find_errors, find_plane, read_errors
from ..kernels.compare import model_sigma
from ..rejection.criteria import Noise
from ..rejection.robust import NORMAL

#: Weights whose noise is so many times what the pixels show, or so much less, are no inverse
#: variances.
_ALIKE = 1.33


@dataclass(frozen=True)
class KnownNoise:
    """The noise of an exposure.

    Attributes
    ----------
    sigma : ndarray or Noise
        Standard deviations in the exposure's unit, or what makes them.
    gain : float or None
        Electrons per unit, where `sigma` was made from the exposure itself and the gain is known.
    source : str
        What it was made of, in words.
    remarks : tuple of str
        What was assumed, and what is there but was not used.
    """

    sigma: np.ndarray | Noise
    gain: float | None
    source: str
    remarks: tuple[str, ...] = ()


def noise_of(
    exposure: Image,
    blot: np.ndarray,
    sky: float,
    *,
    gain: float | None = None,
    read_noise: float | None = None,
    pattern: str | None = None,
    weights: tuple[str, np.ndarray] | None = None,
) -> KnownNoise:
    """Return the noise of an exposure: its errors, else a model by gain and read noise.

    Where nobody knows these, weights are its sky's inverse variances, if the pixels agree.

    Parameters
    ----------
    exposure : Image
    blot : ndarray, shape (ny, nx)
        Its blot, whose photons make noise.
    sky : float
        What the exposure has more than the blot: its photons make noise too.
    gain, read_noise : float, optional
        Instead of what headers say; a read noise instead of the errors too.
    pattern : str, optional
        The file of errors, as for `skyblot.io.planes.find_plane`.
    weights : (str, ndarray), optional
        Where the exposure's weights are, and the weights.

    Raises
    ------
    DataError
        If nobody knows the noise.
    """
    known = electronics(exposure.facts)
    remarks = list[str]()
    plane = None if read_noise is not None else find_plane(exposure, ERRORS, pattern)
    if plane is not None:
        errors = read_errors(exposure, plane)
        if np.any(errors > 0):
            photons = known.gain.mean if gain is None else gain
            return KnownNoise(errors, photons, str(plane), _unit_remarks(exposure, plane))
        remarks.append(
            f"its {plane} has no value above 0: the noise is made of gain and read noise"
        )
    gains, noises = (
        reading if number is None else Reading({"": number})
        for number, reading in ((gain, known.gain), (read_noise, known.read_noise))
    )
    if not gains.values or not noises.values:
        missing = known.missing(gain=gain is None, read_noise=read_noise is None)
        lack = "no ERR extension" if plane is None else f"no value above 0 in its {plane}"
        if weights is not None:
            if are_inverse_variances(weights[1], exposure.pixels()[:, :], blot):
                return KnownNoise(
                    _of_weights(weights[1], blot, gains.mean), None, weights[0], tuple(remarks)
                )
            lack += f", weights that are no inverse variances ({weights[0]})"
        #: A map of errors is looked for beside the image first: ERR, UNCERT, VARIANCE, or DECam's
        #: file of weights.
        raise DataError(
            f"{lack}, and {missing}: give --gain and --read-noise, or --err (gain=, read_noise=, "
            "err=)",
            subject=exposure.name,
        )
    remarks += known.remarks(gain=gain is None, read_noise=read_noise is None)
    model = _model(exposure, blot, max(sky, 0.0), gains, noises)
    return KnownNoise(model, None, "gain and read noise", tuple(remarks))


def are_inverse_variances(weights: np.ndarray, data: np.ndarray, blot: np.ndarray) -> bool:
    """Return whether weights are the inverse variances of the sky, as its pixels have it."""
    known = (weights > 0) & np.isfinite(weights) & np.isfinite(blot) & np.isfinite(data)
    pairs = known[:, 1:] & known[:, :-1]
    if not pairs.any():
        return False
    rest = np.where(known, data - np.where(known, blot, 0.0), 0.0)
    spread = NORMAL * float(np.median(np.abs(np.diff(rest, axis=1))[pairs])) / np.sqrt(2.0)
    told = float(np.median(weights[known])) ** -0.5
    return bool(1.0 / _ALIKE < spread / told < _ALIKE)


def _of_weights(weights: np.ndarray, blot: np.ndarray, gain: float | None) -> np.ndarray:
    """Standard deviations of pixels with weights of the sky alone: sources add their photons."""
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.where(weights > 0, 1.0 / weights, np.nan)
    if gain is not None:
        variance = variance + np.maximum(np.nan_to_num(blot), 0.0) / gain
    return np.sqrt(variance).astype(np.float32)


def noise_text(image: Image) -> str:
    """Return what a comparison makes the noise of an image of, in words.

    An empty string where nobody knows it.
    """
    plane = find_errors(image)
    if plane is not None:
        return str(plane)
    known = electronics(image.facts)
    facts = [("gain", known.gain), ("read noise", known.read_noise)]
    words = [f"{word} {value.mean:.4g} ({value.source})" for word, value in facts if value.values]
    return ", ".join(words) if len(words) == 2 else ""


def _model(
    exposure: Image, blot: np.ndarray, sky: float, gains: Reading, noises: Reading
) -> np.ndarray | Noise:
    """The noise by gain and read noise of each amplifier, else by their means."""
    several = len(gains.values) > 1 or len(noises.values) > 1
    areas = sections(exposure.facts, exposure.shape) if several else {}
    gain = gains.mean
    read_noise = noises.mean
    assert gain is not None
    assert read_noise is not None
    if len(areas) == 1:
        (amplifier,) = areas
        return Noise(gains.at(amplifier), noises.at(amplifier), sky)
    if not areas:
        return Noise(gain, read_noise, sky)
    sigma = np.empty(blot.shape, np.float32)
    model_sigma(blot.ravel(), sky, gain, read_noise, sigma.ravel())
    for amplifier, area in areas.items():
        here = np.ascontiguousarray(blot[area.slices])
        part = np.empty(here.shape, np.float32)
        model_sigma(here.ravel(), sky, gains.at(amplifier), noises.at(amplifier), part.ravel())
        sigma[area.slices] = part
    return sigma


def _unit_remarks(exposure: Image, plane: Plane) -> tuple[str, ...]:
    """Errors in another kind of unit than the image."""
    unit = (
        ""
        if plane.hdu is None or plane.meaning != DEVIATION
        else str(plane.hdu.header.get("BUNIT", ""))
    )
    wanted = exposure.facts.bunit
    if None in (unit_kind(unit), unit_kind(wanted)) or unit_kind(unit) == unit_kind(wanted):
        return ()
    return (f"its {plane.name} is in {unit} and the image in {wanted}; it is taken as it is",)
