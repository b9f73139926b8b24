"""What a run from exposures to a mosaic is going to do: a value, made from headers alone."""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Self

from ..errors import WARNING_FILTERS, warn
from ..headers.facts import FILTERS, Facts, number
from ..headers.ground import FLUX_SCALE
from ..io.atomic import check_output, file_identity
from ..io.images import open_reference
from ..io.mosaics import mosaic_name
from ..io.names import ImageName
from ..memory import check_memory, memory_limit
from ..parameters.mosaic import Drizzling, Grid, Matching, Writing
from ..parameters.options import RunOptions
from ..parameters.table import Recipe
from ..resampling.geometry import checked_threads
from ..resampling.grid import common_wcs
from ..resampling.target import say_if_undistorted
from ..runs.work import Work, check_outputs, check_wishes
from ..steps.provenance import copy_key
from ..steps.reject import Reject
from ..steps.roles import check_exposure
from ..text import size_text
from .chips import Wanted
from .frame import Frame
from .others import KEPT_BYTES

#: What the program and its compiled kernels take, and a pixel of the mosaic: stack, sums, counts;
#: later values, weights, errors, contexts.
_BYTES_OF_PROGRAM = 300 << 20
_BYTES_OF_MOSAIC = 16
#: Exposures whose scales differ by less than this factor are as bright as each other.
_SAME_SCALE = 1.01
#: What may be taken to judge several chips at once.
_BYTES_OF_JUDGING = 600 << 20


@dataclass(frozen=True)
class Outputs:
    """What is written beside masks and copies; None: not wanted.

    Attributes
    ----------
    table : Path
        CSV; the same in JSON beside it.
    mosaic, median, objects : Path or None
    """

    table: Path
    mosaic: Path | None
    median: Path | None
    objects: Path | None

    @property
    def paths(self) -> list[Path]:
        """All of them."""
        more = (self.mosaic, self.median, self.objects)
        return [self.table, self.table.with_suffix(".json"), *(path for path in more if path)]


@dataclass(frozen=True, repr=False)
class CleanPlan:
    """What a run is going to do.

    Attributes
    ----------
    work : Work
        The chips, where their masks go, and how they are judged.
    frame : Frame
        The mosaic.
    matching : Matching
    drizzling : Drizzling
    writing : Writing
    options : RunOptions
    folder : Path
    """

    work: Work
    frame: Frame
    matching: Matching
    drizzling: Drizzling
    writing: Writing
    options: RunOptions
    folder: Path

    def __repr__(self) -> str:
        return f"CleanPlan({self.summary})"

    @property
    def step(self) -> Reject:
        """How chips are judged."""
        assert isinstance(self.work.step, Reject)
        return self.work.step

    @property
    def images(self) -> list[ImageName]:
        """The chips."""
        return [task.where for task in self.work.tasks]

    @property
    def exposures(self) -> int:
        """How many exposures there are."""
        return len(self.work.exposures)

    @property
    def wanted(self) -> Wanted:
        """The chips, and the mosaic that is to be made of them."""
        step = self.step
        return Wanted(self.images, self.frame, step.recipe, step.planes)

    @property
    def by_others(self) -> bool:
        """Whether chips are judged by the other exposures, not by a stack that has themselves."""
        return self.matching.passes != 1 and self.exposures > 1

    @property
    def threads(self) -> int:
        """How many threads work."""
        return checked_threads(self.options.threads)

    @property
    def workers(self) -> int:
        """How many chips are judged at once."""
        room = memory_limit(self.options.memory) - self._least_bytes
        fitting = min(room, _BYTES_OF_JUDGING) // self._chip_bytes
        return max(1, min(self.threads, len(self.images), fitting))

    @property
    def layer_bytes(self) -> int:
        """How much the layers of a stack may take; with less, exposures are resampled twice."""
        if self.options.memory is None:
            return KEPT_BYTES
        room = memory_limit(self.options.memory) - self._least_bytes - self._chip_bytes
        return min(KEPT_BYTES, max(room, 0))

    @property
    def memory_bytes(self) -> int:
        """About how much memory the run takes."""
        return self._least_bytes + self.workers * self._chip_bytes

    @property
    def fits_in_memory(self) -> bool:
        """Whether the mosaic stays in memory while it is worked on; else it is in files."""
        needed = _BYTES_OF_PROGRAM + self._mosaic_bytes + self._chip_bytes
        return needed <= memory_limit(self.options.memory)

    @property
    def _mosaic_bytes(self) -> int:
        """What the mosaic takes."""
        return _BYTES_OF_MOSAIC * math.prod(self.frame.shape)

    @property
    def _least_bytes(self) -> int:
        """What the program takes, and the mosaic where it stays in memory."""
        return _BYTES_OF_PROGRAM + (self._mosaic_bytes if self.fits_in_memory else 0)

    @property
    def _chip_bytes(self) -> int:
        """What judging the largest chip takes."""
        return self.step.bytes_per_pixel * max(math.prod(shape) for shape in self.frame.chips)

    @property
    def summary(self) -> str:
        """What will be made, in words."""
        ny, nx = self.frame.shape
        count = f"{len(self.images)} chips of {self.exposures} exposures"
        where = f"{nx} x {ny} pixels of {self.frame.scale:.4g} arcsec"
        room = f"about {size_text(self.memory_bytes)} of memory"
        if not self.fits_in_memory:
            room += f", and {size_text(self._mosaic_bytes)} of the disk"
        return f"{count}, a mosaic of {where}; {room}"

    @cached_property
    def outputs(self) -> Outputs:
        """What is written beside masks and copies."""
        writing = self.writing
        name = writing.name
        assert name is not None
        folder = self.folder
        return Outputs(
            folder / f"{name}_chips.csv",
            folder / mosaic_name(name, self.images) if writing.mosaic else None,
            folder / mosaic_name(name, self.images, "med") if writing.save_median else None,
            folder / f"{name}_objects.csv" if writing.objects else None,
        )

    @cached_property
    def key(self) -> str:
        """What stands for all that makes the products."""
        step = self.step
        read = dict.fromkeys(f for path in self.work.exposures for f in (path, *step.reads(path)))
        files = [[str(path), *map(str, file_identity(path))] for path in read]
        wcs = self.frame.wcs.to_header_string(relax=True)
        values = [[str(where) for where in self.images], files, wcs, self.frame.shape]
        values += [repr(self.matching), repr(self.drizzling), repr(step.planes)]
        values += [repr(list(step.recipe.items())), repr(sorted(step.criteria.items()))]
        return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]

    def checked(self) -> Self:
        """Return the plan, unless outputs are inputs, or cannot be written.

        Raises
        ------
        SkyblotError
        """
        beside = self.work.beside
        writes = [*beside.writes, *self.outputs.paths]
        work = replace(self.work, beside=beside._replace(writes=writes))
        check_wishes(work, self.options)
        if self.options.memory is not None:
            check_memory("the run", self.memory_bytes, memory_limit(self.options.memory))
        check_outputs(work, work.writes, self.options)
        if self.folder.is_dir():
            for path in self.outputs.paths:
                check_output(path, overwrite=self.options.replaces)
        return replace(self, work=work)

    def has_all(self) -> bool:
        """Whether all products are there, made from the same inputs with the same parameters."""
        marked = [*(task.path for task in self.work.tasks), *filter(None, [self.outputs.mosaic])]
        paths = [*self.work.writes, *self.outputs.paths]
        return all(path.is_file() for path in paths) and all(
            copy_key(path) == self.key for path in marked
        )


class Heading(NamedTuple):
    """What the headers of an image say of its place.

    Attributes
    ----------
    where : ImageName
    name : str
        File and extension.
    wcs : WCS
    shape : tuple of int
        (ny, nx).
    facts : Facts
    filters : str
        The filters that it was taken through, empty where nobody says.
    """

    where: ImageName
    name: str
    wcs: Any
    shape: tuple[int, int]
    facts: Facts
    filters: str


def heading_of(where: ImageName, recipe: Recipe, *, force: bool = False) -> Heading:
    """Read the headers of an image.

    Raises
    ------
    SkyblotError
        If it cannot be read, has no WCS, or is a mosaic, unless that is forced.
    """
    with WARNING_FILTERS, open_reference(where, recipe.wcs_key) as reference:
        if not force:
            check_exposure(reference)
        wcs = reference.wcs()
        say_if_undistorted(reference, wcs)
        facts = reference.facts
        words = [facts.find(keyword) for keyword in FILTERS.keywords]
        filters = " ".join(str(word) for word in words if word is not None)
        return Heading(where, reference.name, wcs, reference.shape, facts, filters)


def say_if_filters_differ(headings: Sequence[Heading]) -> None:
    """Warn of exposures through several filters: a star differs in them, as cosmic rays do."""
    names = dict.fromkeys(heading.filters for heading in headings)
    if len(names) > 1:
        listed = ", ".join(name or "none" for name in names)
        warn(
            f"they are through {len(names)} filters ({listed}), in which sources differ in "
            "brightness: clean those of each filter by themselves",
            subject="the exposures",
        )


def say_if_scales_differ(headings: Sequence[Heading]) -> None:
    """Warn of exposures that FLXSCALE would make as bright as each other: it is not applied."""
    values = [number(heading.facts.first(FLUX_SCALE)[1]) for heading in headings]
    known = [value for value in values if value is not None and value > 0]
    if known and max(known) > _SAME_SCALE * min(known):
        warn(
            f"FLXSCALE is {min(known):.4g} to {max(known):.4g}: each is compared at its own "
            "brightness, but their mosaic is a mean of them as they are; multiply them by it "
            "before, where fluxes matter",
            subject="the exposures",
        )


def frame_of(headings: Sequence[Heading], grid: Grid, like: Any = None) -> Frame:
    """Return the mosaic of images.

    Parameters
    ----------
    headings : sequence of Heading
        One at least.
    grid : Grid
    like : WCS, optional
        The pixels to take.
    """
    wcs = like
    if wcs is None:
        wishes = {name: getattr(grid, name) for name in ("scale", "rotation", "size", "centre")}
        chips = [(heading.wcs, heading.shape) for heading in headings]
        wcs = common_wcs(chips, names=[heading.name for heading in headings], **wishes)
    shapes = tuple(heading.shape for heading in headings)
    return Frame.like(wcs, tuple(wcs.array_shape), [heading.facts for heading in headings], shapes)
