"""The competitors: each gives the mask of a frame for its own defaults times a factor."""

import warnings
from collections.abc import Callable

import numpy as np
from scipy.ndimage import maximum_filter
from sets import READ_NOISE, SKY, Frame

import skyblot
from skyblot.parameters.rules import RULES

Rule = Callable[[Frame, float, int], np.ndarray]


def ours(frame: Frame, factor: float, exposures: int) -> np.ndarray:
    """skyblot's own rule, with the errors of the exposure and its gain, as for files."""
    snr = tuple(factor * each for each in RULES["skyblot"].snr)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", skyblot.SkyblotWarning)  # misaligned on purpose
        found = skyblot.reject(
            frame.data,
            frame.blot,
            frame.sigma,
            gain=1.0,
            valid=frame.valid,
            exposures=exposures,
            snr=snr,
        )
    return found.mask


def plain(frame: Frame, sigma: object, snr: tuple[float, float], factor: float) -> np.ndarray:
    """The rule of both peers. Our version equals theirs (tests/compat): sky is not measured."""
    how = {"snr": tuple(factor * each for each in snr), "scale": (factor * 1.2, factor * 0.7)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", skyblot.SkyblotWarning)
        return skyblot.reject(
            frame.data, frame.blot, sigma, valid=frame.valid, rule="plain", background=0.0, **how
        ).mask


def drizcr(frame: Frame, factor: float, exposures: int) -> np.ndarray:
    """The rule of drizCR: noise from the blot."""
    return plain(frame, skyblot.Noise(1.0, READ_NOISE, SKY), (3.5, 3.0), factor)


def stcal(frame: Frame, factor: float, exposures: int) -> np.ndarray:
    """The rule of stcal: noise from the errors of the exposure."""
    return plain(frame, frame.sigma, (5.0, 4.0), factor)


def lacosmic(frame: Frame, factor: float, exposures: int) -> np.ndarray:
    """LACosmic by astroscrappy: it sees the exposure alone."""
    return laplacian(frame, factor, SKY, READ_NOISE)


def laplacian(frame: Frame, factor: float, sky: float, read_noise: float) -> np.ndarray:
    """LACosmic by astroscrappy, for a sky and a read noise in electrons."""
    import astroscrappy

    mask, _ = astroscrappy.detect_cosmics(
        frame.data + np.float32(sky),
        sigclip=4.5 * factor,
        readnoise=read_noise,
        gain=1.0,
        satlevel=1e6,
    )
    return mask


def limit(frame: Frame, factor: float, exposures: int) -> np.ndarray:
    """What the noise of the exposure itself leaves: its truth as the blot, and no other noise."""
    strength = (frame.data - frame.truth) / frame.noise
    seeds = frame.valid & (strength > factor * 4.5)
    return frame.valid & (strength > factor * 2.6) & maximum_filter(seeds, 3)


def rules() -> dict[str, Rule]:
    """The competitors that are there."""
    found: dict[str, Rule] = {"skyblot": ours, "drizCR": drizcr, "stcal": stcal, "limit": limit}
    try:
        import astroscrappy  # noqa: F401
    except ImportError:
        return found
    return {**found, "astroscrappy": lacosmic}
