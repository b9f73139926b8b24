"""A stack, or a drizzled mosaic, without the rest of a run."""

from collections.abc import Generator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import DataError, FileError, memory_errors_told
from ..io.atomic import check_apart, check_output
from ..io.images import open_image
from ..io.masks import mask_of
from ..io.names import ImageName
from ..parameters.mosaic import Drizzling
from ..parameters.options import RunOptions
from ..parameters.table import Recipe
from ..resampling.bits import Bits
from ..resampling.geometry import checked_threads
from ..steps.copies import mask_name
from ..steps.planes import Planes
from .chips import Chip, Wanted
from .drizzle import Drizzler, Dropping
from .files import Written, write_drizzled, write_stack
from .frame import Frame
from .parts import Stage, survey, tiled
from .stack import Stack


@dataclass(frozen=True)
class MosaicPlan:
    """One file that is made of exposures.

    Attributes
    ----------
    images : tuple of ImageName
    frame : Frame
    output : Path
    sky : str
        How the sky is matched.
    drizzling : Drizzling or None
        None: a stack is made.
    recipe : Recipe
    planes : Planes
    options : RunOptions
    masks : Path, optional
        Folder of the exposures' masks.
    """

    images: tuple[ImageName, ...]
    frame: Frame
    output: Path
    sky: str
    drizzling: Drizzling | None
    recipe: Recipe
    planes: Planes
    options: RunOptions
    masks: Path | None = None

    def checked(self) -> "MosaicPlan":
        """Return the plan, unless its output is an input or cannot be written."""
        check_apart([where.path for where in self.images], [self.output])
        check_output(self.output, overwrite=self.options.overwrite)
        return self

    @property
    def summary(self) -> str:
        """What will be made, in words."""
        ny, nx = self.frame.shape
        count = len({where.path for where in self.images})
        what = "a stack" if self.drizzling is None else "a mosaic"
        return f"{what} of {count} exposures, {nx} x {ny} pixels of {self.frame.scale:.4g} arcsec"

    @property
    def written(self) -> Written:
        """What is said in the file."""
        cards = [("CRSKY", self.sky, "how the sky was matched")]
        masks = {}
        if self.masks is not None:
            masks = {where: self._mask(where).path.name for where in self.images}
        return Written(self.output, self.frame, cards, masks, self.options, self.drizzling)

    def rejected(self, chip: Chip) -> Chip:
        """Return a chip without what its mask rejects.

        Raises
        ------
        DataError
            If the mask has another shape.
        """
        if self.masks is None:
            return chip
        with open_image(self._mask(chip.where)) as mask:
            good = np.asarray(mask.pixels()[:, :])
            if good.shape != chip.shape:
                raise DataError(
                    f"has shape {good.shape}, expected that of {chip.name}, {chip.shape}",
                    subject=mask.name,
                )
        return replace(chip, rejected=Bits.of(good == 0))

    def _mask(self, where: ImageName) -> ImageName:
        """The mask of an image: in a file of its own, or with those of its exposure's others."""
        assert self.masks is not None
        own = self.masks / mask_name(where)
        if own.is_file():
            return ImageName(own)
        shared = self.masks / mask_name(where, together=True)
        if shared.is_file():
            return mask_of(shared, str(where))
        raise FileError(f"no mask of {where}: expected {own.name} or {shared.name}", self.masks)


def make_mosaic(plan: MosaicPlan) -> Generator[Stage]:
    """Make what a plan says, and yield stages."""
    threads = checked_threads(plan.options.threads)
    wanted = Wanted(plan.images, plan.frame, plan.recipe, plan.planes)
    with memory_errors_told(), ExitStack() as files:
        chips = yield from survey(wanted, files, plan.sky, threads)
        if plan.drizzling is None:
            yield from _stack(plan, chips, threads)
        else:
            yield from _drizzle(plan, chips, plan.drizzling, threads)


def _stack(plan: MosaicPlan, chips: Sequence[Chip], threads: int) -> Generator[Stage]:
    exposures = len({chip.exposure for chip in chips})
    stack = Stack.empty(plan.frame.shape, exposures)
    yield from tiled(stack, chips, threads)
    write_stack(plan.written, stack, chips)


def _drizzle(
    plan: MosaicPlan, chips: Sequence[Chip], how: Drizzling, threads: int
) -> Generator[Stage]:
    masked = [plan.rejected(chip) for chip in chips]
    drizzler = Drizzler(plan.frame, Dropping.of(plan.frame, masked, how), threads)
    for done, _ in enumerate(drizzler.drop(masked), 1):
        yield Stage("drizzling", done, len(masked))
    write_drizzled(plan.written, drizzler.result(), masked)
