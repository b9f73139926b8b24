"""An exposure against its blot: what is known of its noise, its flags and its instrument."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import DataError
from ..headers.facts import COMBINED, number
from ..headers.instruments import Instrument, exposure_time, instrument_of
from ..io.image import Image
from ..io.weights import read_weights
from ..rejection.compare import compare
from ..rejection.criteria import Criteria, criteria_for
from ..rejection.result import Rejection
from ..rejection.robust import NORMAL
from ..resampling.geometry import Resampled
from .base import Source
from .noise import KnownNoise, noise_of
from .planes import Planes
from .usable import Usable, usable_of

#: Between these is the spread of exposure minus blot, in sigma, wherever sigma is the noise.
_USUAL_SPREAD = (0.1, 10.0)


@dataclass(frozen=True)
class Judgement:
    """How one exposure is judged."""

    instrument: Instrument
    criteria: Criteria
    planes: Planes


@dataclass(frozen=True)
class Judged:
    """An exposure that was compared with its blot.

    Attributes
    ----------
    data : ndarray, shape (ny, nx)
        The exposure.
    rejection : Rejection
    notes : tuple of str
        What there is to warn of.
    remarks : tuple of str
        What was assumed of the exposure's file, or is missing in it.
    """

    data: np.ndarray
    rejection: Rejection
    notes: tuple[str, ...]
    remarks: tuple[str, ...]


def judgement(
    source: Source, exposure: Image, choices: Mapping[str, Any], count: int | None, planes: Planes
) -> Judgement:
    """Return how an exposure is judged: by its instrument, and by the user's choices.

    `count` is how many exposures the mosaic was made of, where neither the criteria nor its headers
    tell.
    """
    count = choices.get("exposures") or _counted(source) or count
    instrument = instrument_of(exposure.facts)
    return Judgement(instrument, criteria_for(exposure.facts, choices, count), planes)


def judge(
    source: Source,
    exposure: Image,
    blot: Resampled,
    how: Judgement,
    sky: float,
    threads: int | None,
) -> Judged:
    """Compare an exposure with its blot, to which a level of the sky was added.

    Raises
    ------
    DataError
        If there is nothing to compare.
    """
    pixels = exposure.pixels()[:, :]
    # once, in this machine's order of bytes
    data = np.asarray(pixels, pixels.dtype.newbyteorder("="))
    del pixels
    _check_blot(source, exposure, blot, sky)
    noise, usable = _known(exposure, blot.data, data, how)
    valid = usable.pixels
    if source.cover is not None:
        covered = source.cover > 0
        valid = covered if valid is None else valid & covered
    options: dict[str, Any] = {"valid": valid, "gain": noise.gain, "threads": threads}
    rejection = compare(data, blot.data, noise.sigma, how.criteria, name=exposure.name, **options)
    _check_judged(source, exposure, data, rejection, valid)
    if source.cover is not None:
        rejection = rejection.without((source.cover == 1) & (rejection.significance < 0))
    notes = (
        *_notes(rejection, how.instrument, exposure),
        *_noise_notes(data, blot.data, rejection, noise),
    )
    return Judged(data, rejection, notes, (*noise.remarks, *usable.remarks))


def _counted(source: Source) -> int | None:
    """How many exposures the mosaic's headers count."""
    count = number(source.image.facts.first(COMBINED)[1])
    return int(count) if count is not None and count > 1 and count.is_integer() else None


def _known(
    exposure: Image, blot: np.ndarray, data: np.ndarray, how: Judgement
) -> tuple[KnownNoise, Usable]:
    """What is known of an exposure's noise, photons of a sky its blot lacks too, and its pixels."""
    planes = how.planes
    sky = how.criteria.level
    if sky is None:
        some = _some(data.shape)
        difference = data[some].astype(np.float64) - blot[some]
        finite = difference[np.isfinite(difference)]
        sky = float(np.median(finite)) if finite.size else 0.0
    weights = read_weights(exposure, planes.weight_suffix)
    noise = noise_of(
        exposure,
        blot,
        sky,
        gain=planes.gain,
        read_noise=planes.read_noise,
        pattern=planes.err,
        weights=weights,
    )
    values = None if weights is None else weights[1]
    options: dict[str, Any] = {
        "ignored": how.instrument.ignored,
        "dq": planes.dq,
        "weights": values,
    }
    return noise, usable_of(exposure, data, blot, sky, **options)


def _some(shape: tuple[int, ...]) -> tuple[slice, ...]:
    """Rows and columns that stand for all of an image."""
    return tuple(slice(None, None, max(1, size // 256)) for size in shape)


def _noise_notes(
    data: np.ndarray, blot: np.ndarray, rejection: Rejection, noise: KnownNoise
) -> tuple[str, ...]:
    """Errors that pixels contradict: variances or weights taken for deviations, another unit."""
    if not isinstance(noise.sigma, np.ndarray):
        return ()
    some = _some(data.shape)
    judged = rejection.valid[some]
    uneven = 0.0 if rejection.uneven is None else rejection.uneven[some]
    difference = np.abs(data[some] - blot[some] - rejection.background - uneven)[judged]
    spread = float(NORMAL * np.median(difference) / np.median(noise.sigma[some][judged]))
    least, most = _USUAL_SPREAD
    #: Look at the unit and the kind of the errors; of a mosaic with little noise of its own the
    #: figure is about 1.
    return (
        ()
        if least <= spread <= most
        else (
            (
                f"its difference to the blot spreads by {spread:.3g} sigma in half of its pixels: "
                f"is the noise, by {noise.source}, right?"
            ),
        )
    )


def _check_blot(source: Source, exposure: Image, blot: Resampled, sky: float) -> None:
    """Refuse a blot that has nothing to compare with: its mask would call every pixel good."""
    reason = ""
    some = blot.data[_some(blot.data.shape)]
    if _only_value(some[np.isfinite(some)]) is None:
        return
    known = np.isfinite(blot.data)
    if blot.covered == 0:
        reason = "they do not overlap" + (" where the mosaic has weight" if source.weighted else "")
    elif not known.any():
        reason = "the mosaic has no finite pixel there"
    elif (level := _only_value(blot.data[known] - np.float32(sky))) is not None:
        reason = f"the mosaic is {'0' if level == 0 else 'the same'} everywhere there"
    if reason:
        raise DataError(
            f"cannot be compared with {source.image.name}: {reason}",
            subject=exposure.name,
        )


def _only_value(values: np.ndarray) -> float | None:
    """The value that all pixels have, to the rounding of an interpolation; None where they differ.

    NaN where there are no pixels.
    """
    if not values.size:
        return float("nan")
    low = float(values.min())
    high = float(values.max())
    return low if high - low <= 1e-5 * max(abs(low), abs(high)) else None


def _check_judged(
    source: Source,
    exposure: Image,
    data: np.ndarray,
    rejection: Rejection,
    valid: np.ndarray | None,
) -> None:
    """Refuse a comparison in which no pixel was looked at."""
    if rejection.valid.any():
        return
    reason = "no pixel has a finite value, a finite blot, an error above 0 and no flag"
    if not np.isfinite(data).any():
        reason = "the exposure has no finite pixel"
    elif valid is not None and not valid.any():
        reason = "its flags leave out every pixel"
    raise DataError(f"cannot be compared with {source.image.name}: {reason}", subject=exposure.name)


def _notes(rejection: Rejection, instrument: Instrument, exposure: Image) -> tuple[str, ...]:
    """What there is to warn of."""
    judged = int(np.count_nonzero(rejection.valid))
    rejected = round(rejection.fraction * judged)
    fraction = rejected / judged if judged else 0.0
    doubts = instrument.doubts(fraction, judged, exposure_time(exposure.facts)) if judged else ""
    return tuple(note for note in (*rejection.doubts(), doubts) if note)
