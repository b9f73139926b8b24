"""One blot from file to file: the geometry and the scaling from headers, then the pixels, then the output."""

import logging
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from . import messages, record
from .blotting import prepare
from .errors import WARNING_FILTERS, DataError, FileError, SkyblotWarning, WCSError
from .facts import is_drizzled
from .io.atomic import file_identity
from .io.images import Image, open_image, open_reference, write_blot
from .io.names import ImageName
from .job import Blot, Job
from .parameters import Parameters
from .pixelmap.linear import pixel_scale
from .pixelmap.sky import is_fits_wcs
from .scaling import LABELS, Scaling, plan_scaling
from .target import Target, idcscale_of, plan_target
from .window import FloatView, Window

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Settings:
    """How every blot of a run is made.

    Attributes
    ----------
    parameters : Parameters
    overwrite : bool
        Replace existing outputs.
    threads : int or None
        None: the cores this process may use.
    wcsmap : class or callable, optional
        Makes the pixel map, in place of the two WCS: see `skyblot.ablot.blot`.
    as_float : bool
        Average integers too, instead of refusing them.
    compress : bool
        Write tile-compressed FITS.
    """

    parameters: Parameters = field(default_factory=Parameters)
    overwrite: bool = False
    threads: int | None = None
    wcsmap: Any = None
    as_float: bool = False
    compress: bool = False


class Task(NamedTuple):
    """One blot to be made: onto which image, and to which file."""

    where: ImageName
    path: Path


@dataclass(frozen=True, repr=False)
class BlotResult:
    """One blot on disk.

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
    """

    source: str
    reference: str
    path: Path
    shape: tuple[int, int]
    covered: float
    seconds: float
    kept: bool = False

    def __repr__(self) -> str:
        ny, nx = self.shape
        return f"{type(self).__name__}({self.path}: {ny} x {nx}, {self._found}, {self._took})"

    def _repr_html_(self) -> str:
        """What notebooks show: a small picture of the blot, and a table."""
        from .notebook import html_of

        return html_of(self._facts, self._picture)

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

    def _picture(self) -> tuple[str, str]:
        from .notebook import picture_of_blot

        return picture_of_blot(self.path)


@dataclass(frozen=True)
class Source:
    """The mosaic of a run, opened once: its image, its WCS, and its pixels, unread."""

    image: Image
    wcs: Any
    pixels: Any


@dataclass(frozen=True)
class Resources:
    """What a blot may use.

    Attributes
    ----------
    threads : int or None
    window : Window, optional
        Part of the source that is in memory.
    window_bytes : int, optional
        Size of the windows to load where that does not suffice.
    proceed : callable
        Called between the stages; raises to end the blot without an output.
    """

    threads: int | None = None
    window: Window | None = None
    window_bytes: int | None = None
    proceed: Callable[[], None] = lambda: None


@contextmanager
def open_source(name: str | Path, settings: Settings) -> Iterator[Source]:
    """Open the source of a run; errors as for `open_image`."""
    with open_image(name) as image:
        pixels = image.pixels()
        if settings.as_float and settings.parameters.interp != "nearest" and np.dtype(pixels.dtype).kind in "iub":
            pixels = FloatView(pixels)
        yield Source(image, image.wcs(), pixels)


def blot_exposure(source: Source, where: ImageName, path: Path, settings: Settings, resources: Resources) -> BlotResult:
    """Blot the source onto one image, and write the result.

    Raises
    ------
    SkyblotError
        With one sentence on what is wrong; nothing has been written then.
    """
    start = time.perf_counter()
    with rendered(source, where, settings, resources) as made:
        made.write(path, source, settings)
    logger.info("%s: %s onto %s", path, source.image.name, made.reference.name)
    seconds = time.perf_counter() - start
    return BlotResult(source.image.name, made.reference.name, path, made.blot.data.shape, made.blot.covered, seconds)


@dataclass(frozen=True)
class Planned:
    """All that headers say of a blot."""

    target: Target
    job: Job
    scaling: Scaling
    fill: float


@dataclass(frozen=True)
class Rendered:
    """A blot, its reference, which is open meanwhile, and how it was made."""

    reference: Image
    planned: Planned
    blot: Blot
    identity: Any

    def write(self, path: Path, source: Source, settings: Settings) -> None:
        """Write the blot."""
        scaling, fill, covered = self.planned.scaling, self.planned.fill, self.blot.covered
        distorted = not self.planned.target.altered
        cards = record.cards(source.image, self.reference, settings.parameters, scaling, fill, covered, distorted)
        target = self.planned.target
        wcs = target.wcs if target.altered else None
        how = {"overwrite": settings.overwrite, "compress": settings.compress}
        write_blot(path, self.blot.data, self.reference, cards=cards, wcs=wcs, move=target.move, **how)

    def check_unchanged(self) -> None:
        """Refuse a reference that was replaced or changed since it was opened."""
        if file_identity(self.reference.path) != self.identity:
            raise FileError(messages.HAS_CHANGED(name=self.reference.path, since="while it was blotted onto"))


@contextmanager
def rendered(source: Source, where: ImageName, settings: Settings, resources: Resources) -> Iterator[Rendered]:
    """Make a blot in memory."""
    with ExitStack() as stack:
        with WARNING_FILTERS:
            reference = stack.enter_context(open_reference(where, settings.parameters.wcs_key))
            identity = file_identity(reference.path)
            planned = _plan(source, reference, settings)
        resources.proceed()
        with named(source.image.name, reference.name):
            blot = planned.job.run(
                scale=planned.scaling.factor,
                offset=planned.scaling.offset,
                fill_value=planned.fill,
                threads=resources.threads,
                window=resources.window,
                window_bytes=resources.window_bytes,
            )
        if blot.covered == 0:
            _warn(messages.NO_OVERLAP(source=source.image.name, reference=reference.name, fill=planned.fill))
        made = Rendered(reference, planned, blot, identity)
        resources.proceed()
        made.check_unchanged()
        yield made


def _plan(source: Source, reference: Image, settings: Settings) -> Planned:
    parameters, target = settings.parameters, target_of(reference, settings.parameters)
    job = plan_job(source, target, reference, settings)
    scaling = LABELS
    if job.dtype.kind == "f":
        ratio = _scale_ratio(source, target, reference)
        scaling = plan_scaling(parameters, source.image.facts, reference.facts, ratio)
    fill = scaling.offset if parameters.fill_value == "sky" else float(parameters.fill_value)
    return Planned(target, job, scaling, fill)


def plan_job(source: Source, target: Target, reference: Image, settings: Settings) -> Job:
    """Plan the map and the resampling of a blot; errors name both files."""
    parameters = settings.parameters
    with named(source.image.name, reference.name):
        return prepare(
            source.pixels,
            source.wcs,
            target.wcs,
            shape=target.shape,
            interp=parameters.interp,
            sinscl=parameters.sinscl,
            stepsize=parameters.stepsize,
            tolerance=parameters.tolerance,
            wcsmap=settings.wcsmap,
        )


@contextmanager
def named(source: str, target: str = "the target") -> Iterator[None]:
    """Let errors about "the source" and "the target" say which files they are."""
    try:
        yield
    except (WCSError, DataError) as error:
        text = str(error).replace("the source", source, 1).replace("the target", target, 1)
        raise type(error)(text) from error


def target_of(reference: Image, parameters: Parameters) -> Target:
    """Return what to blot onto: the reference's pixels, or what the parameters make of them."""
    wcs = reference.wcs()
    say_if_undistorted(reference, wcs)
    idcscale = idcscale_of(reference.facts, pixel_scale(wcs))
    return plan_target(wcs, reference.shape, idcscale, parameters, reference.name)


def say_if_undistorted(reference: Image, wcs: Any) -> None:
    """Warn of an exposure of HST or JWST whose distortion is known, but not in its file."""
    facts = reference.facts
    if not is_fits_wcs(wcs) or wcs.has_distortion or wcs.wcs.get_pv() or is_drizzled(facts):
        return
    reason = ""
    if str(facts.find("IDCTAB") or "N/A").strip().upper() != "N/A":
        reason = "its IDCTAB is named, but its header has no SIP (was updatewcs run?)"
    elif facts.find("TELESCOP") == "JWST" and "ASDF" not in facts.beside:
        reason = "it has neither a gwcs nor SIP (was assign_wcs run?)"
    if reason:
        _warn(messages.NO_DISTORTION(name=reference.name, reason=reason))


def _scale_ratio(source: Source, target: Target, reference: Image) -> float:
    scale = pixel_scale(source.wcs)
    for value, image in ((scale, source.image), (target.scale, reference)):
        if not value > 0:
            raise WCSError(messages.SINGULAR(name=image.name, evidence=f"its pixel scale is {value} arcsec"))
    return scale / target.scale


def _warn(message: str) -> None:
    with WARNING_FILTERS:  # else another thread, which ignores warnings for a while, may swallow it
        warnings.warn(message, SkyblotWarning, stacklevel=2)
