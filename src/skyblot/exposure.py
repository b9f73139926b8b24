"""One blot from file to file: the geometry and the scaling from headers, then the pixels, then the output."""

import logging
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from . import messages, record
from .blotting import prepare
from .errors import WARNING_FILTERS, DataError, FileError, SkyblotWarning, WCSError
from .io.atomic import file_state
from .io.coverage import open_weights
from .io.images import Image, open_image, open_reference, write_blot
from .io.names import ImageName
from .io.planes import error_plane
from .io.remote import AnyPath
from .job import Blot, Job
from .parameters import Parameters
from .pixelmap.linear import pixel_scale
from .scaling import LABELS, Pair, Scaling, plan_scaling
from .target import Target, idcscale_of, plan_target, say_if_undistorted
from .window import CoveredView, FloatView, SquareView, Window

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
    errors : bool
        Carry the errors of the source over, too, into an ERR extension.
    force : bool
        Take an exposure as the mosaic, a mosaic as an exposure, or one file as both.
    """

    #: Whether blots are compared with their exposures.
    compared: ClassVar[bool] = False

    parameters: Parameters = field(default_factory=Parameters)
    overwrite: bool = False
    threads: int | None = None
    wcsmap: Any = None
    as_float: bool = False
    compress: bool = False
    errors: bool = False
    force: bool = False

    def storage(self, path: Path) -> dict[str, Any]:
        """What makes the bytes of the blot at `path`, beside the parameters."""
        compress = self.compress or path.suffix.lower() == ".fz"
        return {"compress": compress, "errors": self.errors, "as_float": self.as_float, "wcsmap": self.wcsmap}


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
    """The mosaic of a run, opened once: its image, its WCS, its pixels, unread, and its errors if asked for.

    Where it is `weighted`, its pixels without weight are NaN, and NaN is not covered.
    """

    image: Image
    wcs: Any
    pixels: Any
    weighted: bool = False
    errors: Any = None
    told: set[str] = field(default_factory=set, repr=False)

    def tell(self, message: str) -> None:
        """Warn of what was assumed in a run, each sentence once."""
        if message not in self.told:
            self.told.add(message)
            with WARNING_FILTERS:  # else another thread, which ignores warnings for a while, may swallow it
                warnings.warn(message, SkyblotWarning, stacklevel=3)


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
    check_size : callable
        Called with the name and the shape of an image; raises if the memory is not enough for it.
    """

    threads: int | None = None
    window: Window | None = None
    window_bytes: int | None = None
    proceed: Callable[[], None] = lambda: None
    check_size: Callable[[str, tuple[int, int]], None] = lambda name, shape: None


@contextmanager
def open_source(name: str | Path, settings: Settings) -> Iterator[Source]:
    """Open the source of a run; errors as for `open_image`, and a `DataError` where there are none to carry over."""
    with open_image(name) as image, open_weights(image) as weights:
        if image.choices > 1:
            first = image.name[len(str(image.path)) + 1 : -1]
            _warn(messages.FIRST_OF_MANY(name=image.path, count=image.choices, extension=first))
        pixels = image.pixels()
        if settings.as_float and settings.parameters.interpolant.averages and np.dtype(pixels.dtype).kind in "iub":
            pixels = FloatView(pixels)
        weighted = weights is not None and np.dtype(pixels.dtype).kind == "f"
        errors = _errors_of(image) if settings.errors else None
        yield Source(image, image.wcs(), CoveredView(pixels, weights) if weighted else pixels, weighted, errors)


def _errors_of(image: Image) -> np.ndarray:
    errors = error_plane(image)
    if errors is None:
        raise DataError(messages.NO_ERRORS(name=image.name))
    return errors


def blot_exposure(source: Source, where: ImageName, path: Path, settings: Settings, resources: Resources) -> BlotResult:
    """Blot the source onto one image, and write the result.

    Raises
    ------
    SkyblotError
        With one sentence on what is wrong; nothing has been written then.
    """
    start = time.perf_counter()
    with rendered(source, where, settings, resources) as made:
        if made.blot.covered == 0:
            fill = made.planned.fill
            _warn(messages.NO_OVERLAP(source=source.image.name, reference=made.reference.name, fill=fill))
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
    errors: np.ndarray | None = None

    def write(self, path: Path, source: Source, settings: Settings) -> None:
        """Write the blot."""
        scaling, fill, covered = self.planned.scaling, self.planned.fill, self.blot.covered
        target = self.planned.target
        image, parameters, distorted = source.image, settings.parameters, not target.altered
        storage = settings.storage(path)
        cards = record.cards(image, self.reference, parameters, scaling, fill, covered, distorted, storage)
        wcs = target.wcs if target.altered else None
        if self.errors is not None:
            cards.append((record.ERROR_CARD, True, "errors are those of the source, in ERR"))
        how: dict[str, Any] = {"overwrite": settings.overwrite, "compress": settings.compress, "errors": self.errors}
        write_blot(path, self.blot.data, self.reference, cards=cards, wcs=wcs, move=target.move, **how)

    def check_unchanged(self) -> None:
        """Refuse a reference that was replaced or changed since it was opened."""
        if file_state(self.reference.path) != self.identity:
            raise FileError(messages.HAS_CHANGED(name=self.reference.path, since="while it was blotted onto"))


@contextmanager
def rendered(source: Source, where: ImageName, settings: Settings, resources: Resources) -> Iterator[Rendered]:
    """Make a blot in memory."""
    with ExitStack() as stack:
        with WARNING_FILTERS:
            identity = state_of(where.path)  # before it is opened: what comes later shows
            reference = stack.enter_context(open_reference(where, settings.parameters.wcs_key))
            planned = _plan(source, reference, settings)
        resources.check_size(reference.name, planned.target.shape)
        resources.proceed()
        with named(source.image.name, reference.name):
            blot = planned.job.run(
                scale=planned.scaling.factor,
                offset=planned.scaling.offset,
                fill_value=np.nan if source.weighted else planned.fill,
                threads=resources.threads,
                window=resources.window,
                window_bytes=resources.window_bytes,
            )
            errors = _errors_in_blot(source, planned, resources)
        if source.weighted:
            if errors is not None:
                errors[np.isnan(blot.data)] = np.nan
            blot = _filled(blot, planned.fill)
        made = Rendered(reference, planned, blot, identity, errors)
        resources.proceed()
        made.check_unchanged()
        yield made


def state_of(path: AnyPath) -> tuple[int | str, ...] | None:
    """What tells a file from one that is put in its place; None for one that cannot be found."""
    try:
        return file_state(path)
    except FileError:
        return None


def _errors_in_blot(source: Source, planned: Planned, resources: Resources) -> np.ndarray | None:
    """The errors of a blot, where the source's are to be carried over; NaN where it is not covered."""
    if source.errors is None:
        return None
    variances = planned.job.of_variances(SquareView(source.errors))
    made = variances.run(
        scale=planned.scaling.factor**2,
        fill_value=np.nan,
        threads=resources.threads,
        window_bytes=resources.window_bytes,
    ).data
    return np.sqrt(made)


def _filled(blot: Blot, fill: float) -> Blot:
    """A blot of a weighted source, with the fill value where taps met what is not covered."""
    gaps = np.isnan(blot.data)
    blot.data[gaps] = fill
    return Blot(blot.data, 1.0 - np.count_nonzero(gaps) / gaps.size)


def _plan(source: Source, reference: Image, settings: Settings) -> Planned:
    parameters, target = settings.parameters, target_of(reference, settings.parameters)
    job = plan_job(source, target, reference, settings)
    scaling = LABELS
    if job.dtype.kind == "f":
        facts, scales = (source.image.facts, reference.facts), _scales(source, target, reference)
        scaling = plan_scaling(parameters, Pair(*facts, scales, settings.compared, source.tell))
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


def _scales(source: Source, target: Target, reference: Image) -> tuple[float, float]:
    """The pixel scales of the source and of the target, arcsec."""
    scale = pixel_scale(source.wcs)
    for value, image in ((scale, source.image), (target.scale, reference)):
        if not value > 0:
            raise WCSError(messages.SINGULAR(name=image.name, evidence=f"its pixel scale is {value} arcsec"))
    return scale, target.scale


def _warn(message: str) -> None:
    with WARNING_FILTERS:  # else another thread, which ignores warnings for a while, may swallow it
        warnings.warn(message, SkyblotWarning, stacklevel=2)
