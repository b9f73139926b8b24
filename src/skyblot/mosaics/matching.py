"""The sky and the noise of chips, for which each is read once."""

from collections.abc import Iterator, Sequence

import numpy as np

from ..bands import each_done
from ..bounds import Bounds
from ..pixelmap.direct import DirectMap
from ..pixelmap.sky import sky_of
from ..resampling.blocks import Binned, bin_chip
from ..resampling.skymatch import match_sky
from .chips import Chip, Sky
from .frame import Frame
from .noise import noise_line


class Surveyed:
    """What was measured of chips: their binned pixels, and how their noise grows."""

    def __init__(self, chips: Sequence[Chip]) -> None:
        self._chips = chips
        self._binned: dict[int, Binned] = {}
        self._lines: dict[int, tuple[float, float]] = {}

    def survey(self, threads: int) -> Iterator[int]:
        """Read chips, and yield the place of each when it is done."""
        yield from each_done(range(len(self._chips)), self._one, threads)

    def _one(self, place: int) -> None:
        chip = self._chips[place]
        data, good = chip.read(Bounds.whole(chip.shape))
        binned = bin_chip(data, good)
        known = binned.values[np.isfinite(binned.values)]
        level = float(np.median(known)) if known.size else 0.0
        self._binned[place] = binned
        self._lines[place] = noise_line(chip.image, data, good, level)

    def matched(self, frame: Frame, method: str) -> list[Chip]:
        """Return the chips with their sky and their noise."""
        binned = [self._binned[place] for place in range(len(self._chips))]
        mosaic = sky_of(frame.wcs, "source")
        maps = [DirectMap(sky_of(chip.wcs, "target"), mosaic).at for chip in self._chips]
        factors = [1.0 / chip.factor for chip in self._chips]
        names = [chip.name for chip in self._chips]
        exposures = [chip.exposure for chip in self._chips]
        levels = match_sky(binned, maps, factors, method, names, exposures)
        return [
            chip.measured(
                Sky(
                    float(levels.levels[k]),
                    (float(levels.slopes[k, 0]), float(levels.slopes[k, 1])),
                    (float(levels.middles[k, 0]), float(levels.middles[k, 1])),
                ),
                self._lines[k],
            )
            for k, chip in enumerate(self._chips)
        ]
