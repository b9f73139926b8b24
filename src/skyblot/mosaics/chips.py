"""The chips of exposures, as a mosaic needs them: where they lie, what they are worth, their
pixels.
"""

import threading
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..bounds import EMPTY, Bounds
from ..errors import WARNING_FILTERS
from ..headers.instruments import Instrument, exposure_time, instrument_of
from ..headers.pair import Pair
from ..headers.scaling import plan_scaling
from ..io.image import Image
from ..io.images import open_reference
from ..io.names import ImageName
from ..io.planes import usable_pixels
from ..io.weights import read_weights
from ..parameters.table import Recipe
from ..pixelmap import PartMap, RowMap, exact_map
from ..pixelmap.direct import DirectMap
from ..pixelmap.shifted import shifted
from ..pixelmap.sky import sky_of
from ..resampling.bits import Bits
from ..resampling.target import target_on
from ..steps.base import state_of
from ..steps.planes import Planes
from .frame import Frame

#: Positions along each edge of a chip that are looked up on the mosaic.
_EDGE = 65
#: Mosaic pixels around them, for what curves out between.
_MARGIN = 4


@dataclass(frozen=True)
class Sky:
    """The sky of a chip: a level in its middle, and slopes in x and y, a pixel."""

    level: float = 0.0
    slopes: tuple[float, float] = (0.0, 0.0)
    middle: tuple[float, float] = (0.0, 0.0)

    def within(self, bounds: Bounds) -> np.ndarray:
        """Return the sky of some pixels: what broadcasts to their shape."""
        if self.slopes == (0.0, 0.0):
            return np.full((1, 1), self.level, np.float32)
        x = np.arange(bounds.x0, bounds.x1) - self.middle[0]
        y = np.arange(bounds.y0, bounds.y1)[:, None] - self.middle[1]
        return (self.level + self.slopes[0] * x + self.slopes[1] * y).astype(np.float32)


@dataclass(frozen=True)
class Chip:
    """One image of an exposure, open.

    Attributes
    ----------
    where : ImageName
    exposure : int
        Which file it is of.
    image : Image
    wcs : WCS
    state : tuple or None
        What its file was when it was opened.
    instrument : Instrument
    exptime_s : float or None
    usable : Bits
        Pixels that no flag and no weight leaves out.
    scale : float
        Undistorted pixel scale, arcsec.
    tolerance : float
        Of its pixel maps, where there is no closed form.
    factor : float
        The exposure's unit in terms of the mosaic's.
    box : Bounds
        Mosaic pixels among which it lies.
    inverse : PartMap
        Pixels of the box to pixels of the chip.
    forward : RowMap
        Pixels of the chip to pixels of the mosaic.
    shift : (float, float)
        By how many pixels everything lies farther, x and y, than its own WCS has it; `wcs` has it
        right.
    sky : Sky
        In its own unit.
    line : (float, float)
        Variance of a pixel in the mosaic's unit: at the sky's level, and for each unit above.
    rejected : Bits or None
        Pixels that were found to be cosmic rays.
    """

    where: ImageName
    exposure: int
    image: Image
    wcs: Any
    state: Any
    instrument: Instrument
    exptime_s: float | None
    usable: Bits
    scale: float = 1.0
    tolerance: float = 1e-4
    factor: float = 1.0
    box: Bounds = EMPTY
    inverse: PartMap | None = None
    forward: RowMap | None = None
    shift: tuple[float, float] = (0.0, 0.0)
    sky: Sky = Sky()
    line: tuple[float, float] = (1.0, 0.0)
    rejected: Bits | None = None
    reading: Any = field(default_factory=threading.Lock, repr=False, compare=False)

    @property
    def name(self) -> str:
        """File and extension."""
        return self.image.name

    @property
    def shape(self) -> tuple[int, int]:
        """(ny, nx)."""
        return self.image.shape

    @property
    def extension(self) -> str:
        """The extension as a name has it, ``sci,1``; empty where its file has none."""
        return self.name[len(str(self.image.path)) :].strip("[]")

    def read(self, bounds: Bounds) -> tuple[np.ndarray, np.ndarray]:
        """Return pixels in the exposure's unit, float32, and which of them count."""
        data = np.array(self._pixels(bounds), np.float32)
        good = self.usable.within(bounds) & np.isfinite(data)
        if self.rejected is not None:
            good &= ~self.rejected.within(bounds)
        return data, good

    def window(self, bounds: Bounds) -> tuple[np.ndarray, np.ndarray]:
        """Return pixels in the mosaic's unit without the sky, and which of them count."""
        data, good = self.read(bounds)
        data -= self.sky.within(bounds)
        data *= np.float32(1.0 / self.factor)
        return data, good

    def values_at(self, flat: np.ndarray) -> np.ndarray:
        """Return pixels, counted along rows, as `window` has them."""
        sky = np.broadcast_to(self.sky.within(Bounds.whole(self.shape)), self.shape)
        rows, columns = np.divmod(flat, self.shape[1])
        values = self._pixels(Bounds.whole(self.shape))[rows, columns].astype(np.float32)
        values -= sky[rows, columns]
        values *= np.float32(1.0 / self.factor)
        return values

    def _pixels(self, bounds: Bounds) -> np.ndarray:
        """Pixels as the file has them."""
        pixels = self.image.pixels()
        if getattr(pixels, "concurrent", isinstance(pixels, np.ndarray)):
            return pixels[bounds.slices]
        with self.reading:
            return np.array(pixels[bounds.slices])

    def placed(self, frame: Frame, recipe: Recipe) -> "Chip":
        """Return the chip with its place on a mosaic, and what its unit is worth there."""
        target = target_on(self.wcs, self.image, recipe)
        plain = recipe.override({"addsky": False, "skyval": 0.0})
        pair = Pair(frame.facts, self.image.facts, (frame.scale, target.scale), compared=True)
        scaling = plan_scaling(plain, pair)
        forward = exact_map(self.wcs, frame.wcs, self.shape, recipe.tolerance)
        box = box_of(self.wcs, Bounds.whole(self.shape), frame)
        inverse = None
        if box.area:
            inverse = exact_map(
                frame.wcs,
                self.wcs,
                box.shape,
                recipe.tolerance,
                origin=(box.x0, box.y0),
                source_shape=self.shape,
            )
        return replace(
            self,
            scale=target.scale,
            tolerance=recipe.tolerance,
            factor=scaling.factor,
            box=box,
            inverse=inverse,
            forward=forward,
        )

    def moved(self, shift: tuple[float, float], frame: Frame, recipe: Recipe) -> "Chip":
        """Return the chip with everything farther by a shift, in its place on a mosaic."""
        total = (self.shift[0] + shift[0], self.shift[1] + shift[1])
        chip = replace(self, wcs=shifted(self.wcs, shift), shift=total, rejected=None)
        return chip.placed(frame, recipe)

    def measured(self, sky: Sky, line: tuple[float, float]) -> "Chip":
        """Return the chip with its sky and its noise, both given in its own unit."""
        base, growth = line
        return replace(self, sky=sky, line=(base / self.factor**2, growth / self.factor))


@dataclass(frozen=True)
class Wanted:
    """Exposures, and the mosaic that is to be made of them.

    Attributes
    ----------
    images : sequence of ImageName
    frame : Frame
    recipe : Recipe
    planes : Planes
    """

    images: Sequence[ImageName]
    frame: Frame
    recipe: Recipe
    planes: Planes


def placed_chips(wanted: Wanted, files: ExitStack) -> list[Chip]:
    """Open exposures, which stay open as long as `files`, each chip in its place on the mosaic."""
    chips = open_chips(wanted.images, files, wanted.recipe, wanted.planes)
    return [chip.placed(wanted.frame, wanted.recipe) for chip in chips]


def open_chips(
    images: Sequence[ImageName], stack: ExitStack, recipe: Recipe, planes: Planes
) -> list[Chip]:
    """Open images, which stay open as long as `stack` does; those of one file are one exposure."""
    files = {path: number for number, path in enumerate(dict.fromkeys(w.path for w in images))}
    chips = []
    for where in images:
        with WARNING_FILTERS:
            state = state_of(where.path)
            image = stack.enter_context(open_reference(where, recipe.wcs_key))
            instrument = instrument_of(image.facts)
            chips.append(
                Chip(
                    where,
                    files[where.path],
                    image,
                    image.wcs(),
                    state,
                    instrument,
                    exposure_time(image.facts),
                    _usable(image, instrument, planes),
                )
            )
    return chips


def by_exposure(chips: Iterable[Chip]) -> list[list[Chip]]:
    """Return the chips of each exposure together, in whatever order they are named."""
    exposures: dict[int, list[Chip]] = {}
    for chip in chips:
        exposures.setdefault(chip.exposure, []).append(chip)
    return list(exposures.values())


def _usable(image: Image, instrument: Instrument, planes: Planes) -> Bits:
    """Pixels that go into a mosaic: by flags, and by weights above 0."""
    usable = usable_pixels(image, instrument.ignored | instrument.good, planes.dq)
    if usable is None:
        usable = np.ones(image.shape, np.bool_)
    weights = read_weights(image, planes.weight_suffix)
    if weights is not None:
        usable = usable & (weights[1] > 0)
    return Bits.of(usable)


def box_of(wcs: Any, bounds: Bounds, frame: Frame) -> Bounds:
    """Mosaic pixels around a part of a chip, by its outline; `EMPTY` where it lies beside it."""
    forward = DirectMap(sky_of(wcs, "target"), sky_of(frame.wcs, "source"))
    left, right = bounds.x0 - 0.5, bounds.x1 - 0.5
    lower, upper = bounds.y0 - 0.5, bounds.y1 - 0.5
    along_x = np.linspace(left, right, _EDGE)
    along_y = np.linspace(lower, upper, _EDGE)
    x = np.concatenate([along_x, along_x, np.full(_EDGE, left), np.full(_EDGE, right)])
    y = np.concatenate([np.full(_EDGE, lower), np.full(_EDGE, upper), along_y, along_y])
    mx, my = forward.at(x, y)
    known = np.isfinite(mx) & np.isfinite(my)
    if not known.any():
        return EMPTY
    low = np.floor([my[known].min(), mx[known].min()]).astype(int) - _MARGIN
    high = np.ceil([my[known].max(), mx[known].max()]).astype(int) + _MARGIN + 1
    box = Bounds(int(low[0]), int(high[0]), int(low[1]), int(high[1]))
    return box.overlap(Bounds.whole(frame.shape))
