"""The sky and the noise of chips, for which each is read once."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

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


class Measured(NamedTuple):
    """What was measured of a chip: its binned pixels, and how its noise grows."""

    binned: Binned
    line: tuple[float, float]


def measure(chip: Chip) -> Measured:
    """Read a chip, and measure it."""
    data, good = chip.read(Bounds.whole(chip.shape))
    binned = bin_chip(data, good)
    known = binned.values[np.isfinite(binned.values)]
    level = float(np.median(known)) if known.size else 0.0
    return Measured(binned, noise_line(chip.image, data, good, level))


class Surveyed:
    """What was measured of chips."""

    def __init__(self, chips: Sequence[Chip]) -> None:
        self._chips = chips
        self._measured: dict[int, Measured] = {}

    def survey(self, threads: int) -> Iterator[int]:
        """Read chips, and yield the place of each when it is done."""

        def work(place: int) -> None:
            self.add(place, measure(self._chips[place]))

        yield from each_done(range(len(self._chips)), work, threads)

    def add(self, place: int, measured: Measured) -> None:
        """Add what was measured of the chip in a place."""
        self._measured[place] = measured

    def matched(self, frame: Frame, method: str) -> list[Chip]:
        """Return the chips with their sky and their noise."""
        binned = [self._measured[place].binned for place in range(len(self._chips))]
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
                self._measured[k].line,
            )
            for k, chip in enumerate(self._chips)
        ]
