"""A mosaic that is to be written: its pixels, what went into it, and how it was made."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..headers.blending import blended, sum_of
from ..headers.facts import Facts
from ..headers.instruments import Instrument, instrument_of
from .image import Image


@dataclass(frozen=True)
class Input:
    """One image that went into a mosaic: a chip of an exposure.

    Attributes
    ----------
    image : Image
        Open.
    exposure : int
        Which exposure it is of, from 0: the bit of the context that stands for it.
    exptime_s : float or None
    weight : float or None
        What its pixels count by; None where each has a weight of its own.
    sky : float
        Level that was subtracted, in its own unit.
    factor : float
        The mosaic's unit in terms of its own.
    scale : float or None
        Size of its pixels, arcsec.
    mask : str
        Name of the file that says which of its pixels were left out.
    """

    image: Image
    exposure: int
    exptime_s: float | None
    weight: float | None = None
    sky: float = 0.0
    factor: float = 1.0
    scale: float | None = None
    mask: str = ""


@dataclass(frozen=True)
class Drizzle:
    """How a mosaic was drizzled.

    Attributes
    ----------
    kernel : str
    pixfrac : float
    weight : str
        What its weights count: ``exptime``, ``ivm`` or ``err``.
    correlation : float
        How much more noise a large area has than its pixels' own would make.
    fill : float
        What pixels are that no exposure covers.
    """

    kernel: str
    pixfrac: float
    weight: str
    correlation: float
    fill: float = math.nan


@dataclass(frozen=True)
class NewMosaic:
    """A mosaic that is to be written; shapes are (ny, nx).

    Attributes
    ----------
    path : Path
    wcs : astropy.wcs.WCS
        Undistorted.
    data, weights : ndarray of float32
        Pixels that are not covered have the weight 0. Weights of a stack are numbers of exposures.
    inputs : sequence of Input
        One at least; those of one exposure beside each other.
    bunit : str
    drizzle : Drizzle or None
        None for a stack.
    context : ndarray of uint32 or int32, shape (n, ny, nx), optional
        Bit k of plane p is set where exposure 32 p + k counts.
    errors : ndarray of float32, optional
        Standard deviations.
    variances : mapping
        By what they come from, ``poisson``, ``rnoise``, ``flat``: ndarrays of float32. The files of
        JWST and Roman have a place for them, others have not.
    cards : sequence of (keyword, value, comment)
        What else its header is to say; no keyword begins with ``BLOT``, as only those of blots do.
    overwrite : bool
    compress : bool
        Without loss: FITS tile by tile, ASDF with zlib.
    """

    path: Path
    wcs: Any
    data: np.ndarray
    weights: np.ndarray
    inputs: Sequence[Input]
    bunit: str
    drizzle: Drizzle | None = None
    context: np.ndarray | None = None
    errors: np.ndarray | None = None
    variances: Mapping[str, np.ndarray] = field(default_factory=dict)
    cards: Sequence[tuple[str, Any, str]] = ()
    overwrite: bool = False
    compress: bool = False

    @cached_property
    def exposures(self) -> list[Input]:
        """The first image of each exposure."""
        return list({each.exposure: each for each in reversed(self.inputs)}.values())[::-1]

    @cached_property
    def exposure_facts(self) -> list[Facts]:
        """The headers of the first image of each exposure."""
        return [each.image.facts for each in self.exposures]

    @cached_property
    def instrument(self) -> Instrument:
        """That of the first exposure."""
        return instrument_of(self.exposure_facts[0])

    @property
    def exptime_s(self) -> float | None:
        """The exposures' time in all, None where one has none."""
        return sum_of(self.exposure_facts, [each.exptime_s for each in self.exposures])

    @property
    def combined(self) -> int:
        """How many exposures there are; those of several detectors at the same time are one."""
        count = sum_of(self.exposure_facts, [1.0] * len(self.exposures))
        return round(count or 0)

    def blended(self) -> dict[str, Any]:
        """Return what the headers of all exposures say, by keyword."""
        headers = [each.image.facts for each in self.inputs]
        return blended(headers, self.exposure_facts, self.bunit)

    @property
    def signed_context(self) -> np.ndarray | None:
        """The same bits of the context as int32: FITS would store uint32 with an offset."""
        return None if self.context is None else self.context.view(np.int32)

    @property
    def sky_subtracted(self) -> bool:
        """Whether a sky was subtracted from any exposure."""
        return any(each.sky != 0 for each in self.inputs)
