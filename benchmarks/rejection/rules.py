"""The competitors: each gives the masks of a frame for its own defaults times a factor."""

from collections.abc import Callable

import numpy as np
from scipy.ndimage import maximum_filter
from sets import READ_NOISE, SKY, Frame

import skyblot
from skyblot.parameters.rules import RULES
from skyblot.rejection.compare import circumstances, joined, marked, measured
from skyblot.rejection.criteria import Criteria

#: The mask for a factor on all thresholds.
Judge = Callable[[float], np.ndarray]
#: Takes a frame, and how many exposures its mosaic has.
Rule = Callable[[Frame, int], Judge]


def ours(frame: Frame, exposures: int) -> Judge:
    """skyblot's own rule, with the errors of the exposure and its gain, as for files."""
    snr, scale = RULES["skyblot"].snr, RULES["skyblot"].scale
    return _judge(frame, frame.sigma, lambda factor: Criteria(snr=_times(factor, snr), scale=scale))


def plain(frame: Frame, sigma: object, snr: tuple[float, float]) -> Judge:
    """The rule of both peers. Our version equals theirs (tests/compat): sky is not measured."""
    how = {"rule": "plain", "background": 0.0}
    return _judge(
        frame,
        sigma,
        lambda factor: Criteria(
            **how, snr=_times(factor, snr), scale=_times(factor, RULES["plain"].scale)
        ),
    )


def _times(factor: float, pair: tuple[float, float]) -> tuple[float, float]:
    return factor * pair[0], factor * pair[1]


def _judge(frame: Frame, sigma: object, criteria: Callable[[float], Criteria]) -> Judge:
    """Measure a frame once, and judge it for any factor."""
    first = criteria(1.0)
    how = {"valid": frame.valid, "gain": 1.0, "threads": 1}
    known = measured(frame.data, frame.blot, sigma, first, **how)

    def judged(factor: float) -> np.ndarray:
        rule = criteria(factor)
        marker = rule.rule_used.marker(circumstances(rule, known))
        return joined(marked(known.images, marker, 1)[0], 1)

    return judged


def drizcr(frame: Frame, exposures: int) -> Judge:
    """The rule of drizCR: noise from the blot."""
    return plain(frame, skyblot.Noise(1.0, READ_NOISE, SKY), (3.5, 3.0))


def stcal(frame: Frame, exposures: int) -> Judge:
    """The rule of stcal: noise from the errors of the exposure."""
    return plain(frame, frame.sigma, (5.0, 4.0))


def lacosmic(frame: Frame, exposures: int) -> Judge:
    """LACosmic by astroscrappy: it sees the exposure alone."""
    return laplacian(frame, SKY, READ_NOISE)


def laplacian(frame: Frame, sky: float, read_noise: float) -> Judge:
    """LACosmic by astroscrappy, for a sky and a read noise in electrons."""
    import astroscrappy

    def judged(factor: float) -> np.ndarray:
        mask, _ = astroscrappy.detect_cosmics(
            frame.data + np.float32(sky),
            sigclip=4.5 * factor,
            readnoise=read_noise,
            gain=1.0,
            satlevel=1e6,
        )
        return mask

    return judged


def limit(frame: Frame, exposures: int) -> Judge:
    """What the noise of the exposure itself leaves: its truth as the blot, and no other noise."""
    strength = (frame.data - frame.truth) / frame.noise

    def judged(factor: float) -> np.ndarray:
        seeds = frame.valid & (strength > factor * 4.5)
        return frame.valid & (strength > factor * 2.6) & maximum_filter(seeds, 3)

    return judged


def rules() -> dict[str, Rule]:
    """The competitors that are there."""
    found: dict[str, Rule] = {"skyblot": ours, "drizCR": drizcr, "stcal": stcal, "limit": limit}
    try:
        import astroscrappy  # noqa: F401
    except ImportError:
        return found
    return {**found, "astroscrappy": lacosmic}
