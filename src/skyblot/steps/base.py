"""What can be done with one exposure, from file to file: the interface of all steps."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np

from ..errors import FileError, warn
from ..io.atomic import file_state
from ..io.image import Image
from ..io.names import ImageName
from ..io.remote import AnyPath
from ..parameters.table import Parameters
from ..resampling.window import Window


class Task(NamedTuple):
    """One product to be made: of which image, and to which file."""

    where: ImageName
    path: Path


@dataclass(frozen=True, repr=False)
class Result:
    """One product on disk.

    Attributes
    ----------
    source, reference : str
        The files and extensions it was made from.
    path : Path
        The file it was written to.
    shape : tuple of int
        (ny, nx).
    covered : float
        Fraction of its pixels that the source covers.
    seconds : float
        Time it took, reading and writing included.
    kept : bool
        It was there already, made from the same inputs with the same parameters.
    where : ImageName or None
        The image, under the name that the run was given.
    """

    source: str
    reference: str
    path: Path
    shape: tuple[int, int]
    covered: float
    seconds: float
    kept: bool = False
    where: ImageName | None = field(default=None, repr=False, compare=False)

    def __repr__(self) -> str:
        ny, nx = self.shape
        return f"{type(self).__name__}({self.path}: {ny} x {nx}, {self._found}, {self._took})"

    def _repr_html_(self) -> str:
        """What notebooks show: a small picture of the product, and a table."""
        from ..report.notebook import html_of

        return html_of(self._facts, self._picture)

    @property
    def measured(self) -> dict[str, Any]:
        """What was found, for programs."""
        return {"shape": self.shape, "covered": self.covered}

    @property
    def label(self) -> str:
        """The file, with what tells the product from others in it."""
        return str(self.path)

    @property
    def summary(self) -> str:
        """What was found, in a few words for a line."""
        return self._found

    def named(self, task: Task) -> Self:
        """Return the same under the names that a task uses for the same files."""
        return replace(self, where=task.where, path=task.path)

    def public(self) -> Self:
        """Return what users get of the result: without what only the end of the step needs."""
        return self

    @property
    def _found(self) -> str:
        return f"{100 * self.covered:.1f} % covered"

    @property
    def _took(self) -> str:
        return "kept" if self.kept else f"{self.seconds:.2f} s"

    @property
    def _facts(self) -> dict[str, str]:
        """The rows of the table."""
        ny, nx = self.shape
        return {
            "file": str(self.path),
            "made from": self.source,
            "onto": self.reference,
            "size": f"{ny} x {nx}",
            "covered": f"{100 * self.covered:.2f} %",
            "time": self._took,
        }

    def _picture(self) -> tuple[str, str] | None:
        """The address of a picture of the product, and what it shows; here there is none."""
        return None


@dataclass(frozen=True)
class Source:
    """The mosaic of a step, open: its image, WCS and pixels, unread, and errors if asked for.

    Where it is `weighted`, its pixels without weight are NaN, and NaN is not covered. `state` is
    that of its file before it was opened. `cover` says for each pixel of an exposure how many
    others are in the mosaic there, where that is known: a pixel without any is not judged, and one
    with a single other is rejected only if it is the higher. In an exposure everything lies farther
    by `shift` pixels, x and y, than its WCS has it.
    """

    image: Image
    wcs: Any
    pixels: Any
    weighted: bool = False
    errors: Any = None
    state: Any = None
    cover: np.ndarray | None = None
    shift: tuple[float, float] = (0.0, 0.0)
    told: set[str] = field(default_factory=set, repr=False)
    _lock: Any = field(default_factory=threading.Lock, repr=False)

    def tell(self, sentence: str, subject: object = None) -> None:
        """Warn of what was assumed in a run, each sentence once."""
        told = f"{subject}: {sentence}"
        if told not in self.told:
            self.told.add(told)
            warn(sentence, subject)


@dataclass(frozen=True)
class Resources:
    """What one product may use.

    Attributes
    ----------
    threads : int or None
    window : Window, optional
        Part of the source that is in memory.
    window_bytes : int, optional
        Size of the windows to load where that does not suffice.
    overwrite : bool
        Existing files may be replaced.
    proceed : callable
        Called between the stages; raises to end the work without an output.
    check_size : callable
        Called with the name and the shape of an image; raises if the memory is not enough for it.
    """

    threads: int | None = None
    window: Window | None = None
    window_bytes: int | None = None
    overwrite: bool = False
    proceed: Callable[[], None] = lambda: None
    check_size: Callable[[str, tuple[int, int]], None] = lambda name, shape: None


@dataclass(frozen=True)
class Step(ABC):
    """What is done with one exposure; a step knows nothing of other exposures.

    Attributes
    ----------
    recipe : Parameters
        How the pixels of a blot are made.
    force : bool
        Take an exposure as the mosaic, a mosaic as an exposure, or one file as both.
    """

    #: What one product is called, and what is done.
    noun: ClassVar[str]
    verb: ClassVar[str]

    recipe: Parameters = field(default_factory=Parameters)
    force: bool = False

    @property
    @abstractmethod
    def bytes_per_pixel(self) -> int:
        """Bytes of memory that it takes for each pixel of the exposure."""

    @property
    def is_local(self) -> bool:
        """Whether it maps pixels in a way that only this process knows."""
        return False

    @abstractmethod
    def open(self, name: str | Path) -> AbstractContextManager[Source]:
        """Open a source: errors as for `open_image`."""

    def for_exposures(self, count: int) -> Self:
        """Return the step for a source of this many exposures, unless it knows how many."""
        return self

    @abstractmethod
    def tasks(self, images: Sequence[ImageName], folder: Path) -> list[Task]:
        """Return what to make of the images of one exposure, with the names of the products."""

    @abstractmethod
    def reads(self, path: AnyPath) -> list[AnyPath]:
        """Return the files that are read beside an exposure's own."""

    def writes(self, tasks: Sequence[Task]) -> list[Path]:
        """Return every file that is going to be written of one exposure, each once."""
        return [task.path for task in tasks]

    @abstractmethod
    def check(self, source: str | Path | None, tasks: Sequence[Task]) -> None:
        """Refuse an exposure that the step cannot work on, before any work is done."""

    def check_sendable(self) -> None:  # noqa: B027 -- most steps can be sent
        """Refuse a step that cannot be sent to the workers of a cluster."""

    @abstractmethod
    def is_own(self, path: Path) -> bool:
        """Whether a file is a product of this step, complete or not."""

    def within(self, folder: Path) -> Self:
        """Return the step with names of files as seen from another folder."""
        return self

    @abstractmethod
    def kept(self, source: Source, tasks: Sequence[Task]) -> dict[Task, Result]:
        """Return the products of one exposure that are there already, and were made just so."""

    @abstractmethod
    def make(self, source: Source, task: Task, resources: Resources) -> Result:
        """Make one product.

        Raises
        ------
        SkyblotError
            With one sentence on what is wrong; the product has not been written then.
        """

    def finish(  # noqa: B027 -- most steps have nothing to finish
        self, tasks: Sequence[Task], results: Sequence[Any], resources: Resources
    ) -> None:
        """Write what is written once for all images of an exposure; `results` are of those made."""


def state_of(path: AnyPath) -> tuple[int | str, ...] | None:
    """What tells a file from one that is put in its place; None for one that cannot be found."""
    try:
        return file_state(path)
    except FileError:
        return None
