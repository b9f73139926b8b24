"""What a run from exposures to a mosaic is going to do: a value, made from headers alone."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import DataError
from ..io.atomic import file_identity
from ..io.images import open_reference
from ..io.names import ImageName
from ..parameters.mosaic import Drizzling, Grid, Matching
from ..parameters.options import RunOptions
from ..resampling.geometry import checked_threads
from ..resampling.grid import common_wcs
from ..resampling.target import say_if_undistorted
from ..runs.work import Failure
from ..steps.base import Task
from ..steps.reject import Reject
from .frame import Frame


@dataclass(frozen=True)
class CleanPlan:
    """What a run is going to do.

    Attributes
    ----------
    tasks : tuple of Task
        The chips, and where their masks go.
    frame : Frame
        The mosaic.
    step : Reject
        How chips are judged.
    matching : Matching
    drizzling : Drizzling
    options : RunOptions
    failures : tuple of Failure
        Exposures that cannot be read.
    """

    tasks: tuple[Task, ...]
    frame: Frame
    step: Reject
    matching: Matching
    drizzling: Drizzling
    options: RunOptions
    failures: tuple[Failure, ...] = ()

    @property
    def exposures(self) -> int:
        """How many exposures there are."""
        return len({task.where.path for task in self.tasks})

    @property
    def threads(self) -> int:
        """How many threads work."""
        return checked_threads(self.options.threads)

    @property
    def key(self) -> str:
        """What stands for all that makes the products."""
        files = [
            [str(task.where), *map(str, file_identity(task.where.path))] for task in self.tasks
        ]
        wcs = self.frame.wcs.to_header_string(relax=True)
        values = [files, wcs, self.frame.shape, repr(self.matching), repr(self.drizzling)]
        values += [repr(list(self.step.recipe.items())), repr(self.step.criteria)]
        return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]


def frame_of(images: Sequence[ImageName], grid: Grid, like: Any = None) -> Frame:
    """Return the mosaic of images, for which their headers are read.

    Parameters
    ----------
    images : sequence of ImageName
    grid : Grid
    like : WCS, optional
        The pixels to take.
    """
    chips = []
    names = []
    facts = None
    for where in images:
        with open_reference(where) as reference:
            wcs = reference.wcs()
            say_if_undistorted(reference, wcs)
            chips.append((wcs, reference.shape))
            names.append(reference.name)
            facts = facts or reference.facts
    if facts is None:
        raise DataError("no exposure can be read", subject="the exposures")
    wcs = like
    if wcs is None:
        wishes = {name: getattr(grid, name) for name in ("scale", "rotation", "size", "centre")}
        wcs = common_wcs(chips, names=names, **wishes)
    return Frame.like(wcs, tuple(wcs.array_shape), facts)


def folder_of(path: str | Path) -> Path:
    """Return a folder, which is made where there is none."""
    folder = Path(path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder
