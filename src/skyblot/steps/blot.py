"""One blot from file to file: geometry and scaling from headers, then pixels, then output."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..errors import (
    WARNING_FILTERS,
    DataError,
    FileError,
    ParameterError,
    SkyblotError,
    WCSError,
    naming,
    warn,
)
from ..headers.pair import Pair
from ..headers.scaling import LABELS, Scaling, plan_scaling
from ..io.atomic import file_state
from ..io.coverage import open_weights
from ..io.head import head_of
from ..io.image import Image
from ..io.images import (
    blot_name,
    check_kind,
    image_and_wcs,
    open_image,
    open_reference,
    read_pixels,
    write_blot,
)
from ..io.names import ImageName, parse_name
from ..io.planes import companion_files, error_plane
from ..io.remote import AnyPath
from ..pixelmap.linear import pixel_scale
from ..resampling.arrays import prepare
from ..resampling.geometry import Job, Resampled
from ..resampling.target import Target, target_of
from ..resampling.window import CoveredView, FloatView, SquareView
from . import provenance
from .base import Resources, Result, Source, Step, Task, state_of
from .roles import check_not_both, check_source

logger = logging.getLogger(__name__)


@dataclass(frozen=True, repr=False)
class BlotResult(Result):
    """One blot on disk; see `skyblot.steps.base.Result`."""

    def plot(self) -> Any:
        """Draw the blot with its sky coordinates, which needs matplotlib.

        Returns
        -------
        astropy.visualization.wcsaxes.WCSAxes
            In a new figure.
        """
        from ..report.plot import plot_image

        return plot_image(*image_and_wcs(self.path))

    def _picture(self) -> tuple[str, str]:
        from ..report.notebook import picture_of_image

        return picture_of_image(read_pixels(self.path), self.path.name)


@dataclass(frozen=True)
class Blot(Step):
    """Blot the source onto an exposure's pixels.

    Attributes
    ----------
    compress : bool
        Write tile-compressed FITS, or ASDF with zlib.
    errors : bool
        Carry the errors of the source over, too, into an ERR extension.
    as_float : bool
        Average integers too, instead of refusing them.
    wcsmap : class or callable, optional
        Makes the pixel map, in place of the two WCS: see `skyblot.ablot.blot`.
    compared : bool
        Blots are compared with their exposures.
    """

    noun = "blot"
    verb = "blotting"

    compress: bool = False
    errors: bool = False
    as_float: bool = False
    wcsmap: Any = None
    compared: bool = False

    @property
    def bytes_per_pixel(self) -> int:
        """Four for the blot, four for a copy in the file's byte order, four more; errors too."""
        return 24 if self.errors else 12

    @property
    def is_local(self) -> bool:
        """Whether a class or function of the user's maps pixels."""
        return self.wcsmap is not None

    @contextmanager
    def open(self, name: str | Path) -> Iterator[Source]:
        """Open a source; a `DataError` for an exposure, or where errors are wanted and missing."""
        state = state_of(parse_name(name).path)
        with open_image(name) as image, open_weights(image) as weights:
            if not self.force:
                check_source(image)
            if image.choices > 1:
                first = image.name[len(str(image.path)) + 1 : -1]
                warn(
                    f"has {image.choices} images, the first, [{first}], is used", subject=image.path
                )
            pixels = image.pixels()
            if (
                self.as_float
                and self.recipe.interp != "nearest"
                and np.dtype(pixels.dtype).kind in "iub"
            ):
                pixels = FloatView(pixels)
            weighted = weights is not None and np.dtype(pixels.dtype).kind == "f"
            errors = _errors_of(image) if self.errors else None
            pixels = CoveredView(pixels, weights) if weighted else pixels
            yield Source(image, image.wcs(), pixels, weighted, errors, state)

    def tasks(self, images: Sequence[ImageName], folder: Path) -> list[Task]:
        """Return every image with the file that its blot goes to."""
        return [Task(where, folder / blot_name(where, compress=self.compress)) for where in images]

    def reads(self, path: AnyPath) -> list[AnyPath]:
        """Return the files of an exposure's planes, and of its WCS."""
        head = head_of(path)
        return [*companion_files(path), *([] if head is None else [head])]

    def check(self, source: str | Path | None, tasks: Sequence[Task]) -> None:
        """Refuse a name of another kind of file than the blot, and a source among the exposures."""
        for task in tasks:
            check_kind(task.path, task.where.path)
        if not self.force and source is not None:
            check_not_both(source, [task.where for task in tasks])

    def check_sendable(self) -> None:
        """Refuse a pixel map of the user's."""
        if self.wcsmap is not None:
            raise ParameterError(
                f"wcsmap = {self.wcsmap!r}: is for this process only, leave it or the cluster out"
            )

    def is_own(self, path: Path) -> bool:
        """Whether a file is a blot."""
        return provenance.is_own(path, provenance.BLOT)

    def kept(self, source: Source, tasks: Sequence[Task]) -> dict[Task, Result]:
        """Return the blots that are there already and may stay."""
        blots = {task: self.kept_blot(source, task) for task in tasks}
        return {task: blot for task, blot in blots.items() if blot is not None}

    def kept_blot(self, source: Source, task: Task) -> BlotResult | None:
        """Return a blot that is there already and may stay, or None."""
        record, shape = provenance.read_record(task.path)
        if not record or bool(record.get(provenance.ERROR_CARD)) != self.errors:
            return None
        try:
            with WARNING_FILTERS, open_reference(task.where, self.recipe.wcs_key) as reference:
                key = provenance.blot_key(
                    self.recipe, self.storage(task.path), source.image, reference
                )
        except SkyblotError:  # reported when it is tried
            return None
        if record.get(provenance.KEY_CARD) != key:
            return None
        return BlotResult(
            source.image.name, reference.name, task.path, shape, record["BLOTCOVR"], 0.0, kept=True
        )

    def storage(self, path: Path) -> dict[str, Any]:
        """What makes the bytes of the blot at `path`, beside the recipe."""
        compress = self.compress or path.suffix.lower() == ".fz"
        return {
            "compress": compress,
            "errors": self.errors,
            "as_float": self.as_float,
            "wcsmap": self.wcsmap,
        }

    def make(self, source: Source, task: Task, resources: Resources) -> BlotResult:
        """Blot the source onto one image, and write the result."""
        start = time.perf_counter()
        with opened(task.where, self.recipe.wcs_key) as exposure:
            rendering = rendered(source, exposure, self, resources)
            if rendering.blot.covered == 0:
                fill = rendering.planned.fill
                #: Different parts of the sky, or a wrong WCS in one of the files.
                warn(
                    f"{source.image.name} does not overlap {rendering.reference.name}: every pixel "
                    f"of the blot is {fill:g}"
                )
            rendering.write(task.path, source, self, overwrite=resources.overwrite)
        logger.info("%s: %s onto %s", task.path, source.image.name, rendering.reference.name)
        seconds = time.perf_counter() - start
        shape = rendering.blot.data.shape
        covered = rendering.blot.covered
        return BlotResult(
            source.image.name, rendering.reference.name, task.path, shape, covered, seconds
        )


def _errors_of(image: Image) -> np.ndarray:
    errors = error_plane(image)
    if errors is None:
        raise DataError(
            "has no errors (ERR) to be carried into a blot: leave --errors out",
            subject=image.name,
        )
    return errors


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
    blot: Resampled
    identity: Any
    errors: np.ndarray | None = None

    def write(self, path: Path, source: Source, step: Blot, *, overwrite: bool) -> None:
        """Write the blot."""
        scaling = self.planned.scaling
        fill = self.planned.fill
        covered = self.blot.covered
        target = self.planned.target
        image = source.image
        parameters = step.recipe
        distorted = not target.altered
        storage = step.storage(path)
        cards = provenance.cards(
            image, self.reference, parameters, scaling, fill, covered, distorted, storage
        )
        wcs = target.wcs if target.altered else None
        if self.errors is not None:
            cards.append((provenance.ERROR_CARD, True, "errors are those of the source, in ERR"))
        how: dict[str, Any] = {
            "overwrite": overwrite,
            "compress": step.compress,
            "errors": self.errors,
        }
        write_blot(
            path, self.blot.data, self.reference, cards=cards, wcs=wcs, move=target.move, **how
        )

    def check_unchanged(self) -> None:
        """Refuse a reference that was replaced or changed since it was opened."""
        if file_state(self.reference.path) != self.identity:
            raise FileError("has changed while it was blotted onto", subject=self.reference.path)


class Opened(NamedTuple):
    """A reference that is open, and what its file was before."""

    image: Image
    state: Any


@contextmanager
def opened(where: ImageName, wcs_key: str) -> Iterator[Opened]:
    """Open an image to blot onto."""
    with ExitStack() as stack:
        with WARNING_FILTERS:
            state = state_of(where.path)  # before it is opened, so that later changes show
            image = stack.enter_context(open_reference(where, wcs_key))
        yield Opened(image, state)


def rendered(source: Source, exposure: Opened, step: Blot, resources: Resources) -> Rendered:
    """Make a blot in memory."""
    reference, identity = exposure
    with WARNING_FILTERS:
        planned = _plan(source, reference, step)
    resources.check_size(reference.name, planned.target.shape)
    resources.proceed()
    with naming(source.image.name, reference.name):
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
    rendering = Rendered(reference, planned, blot, identity, errors)
    resources.proceed()
    rendering.check_unchanged()
    return rendering


def _errors_in_blot(source: Source, planned: Planned, resources: Resources) -> np.ndarray | None:
    """The errors of a blot, where they are wanted; NaN where it is not covered."""
    if source.errors is None:
        return None
    variances = planned.job.of_variances(SquareView(source.errors))
    values = variances.run(
        scale=planned.scaling.factor**2,
        fill_value=np.nan,
        threads=resources.threads,
        window_bytes=resources.window_bytes,
    ).data
    return np.sqrt(values)


def _filled(blot: Resampled, fill: float) -> Resampled:
    """A blot of a weighted source, with the fill value where taps met what is not covered."""
    gaps = np.isnan(blot.data)
    blot.data[gaps] = fill
    return Resampled(blot.data, 1.0 - np.count_nonzero(gaps) / gaps.size)


def _plan(source: Source, reference: Image, step: Blot) -> Planned:
    parameters = step.recipe
    target = target_of(reference, step.recipe, source.shift)
    job = plan_job(source, target, reference, step)
    scaling = LABELS
    if job.dtype.kind == "f":
        facts = (source.image.facts, reference.facts)
        scales = _scales(source, target, reference)
        scaling = plan_scaling(parameters, Pair(*facts, scales, step.compared, source.tell))
    fill = scaling.offset if parameters.fill_value == "sky" else float(parameters.fill_value)
    return Planned(target, job, scaling, fill)


def plan_job(source: Source, target: Target, reference: Image, step: Blot) -> Job:
    """Plan the map and the resampling of a blot; errors name both files."""
    sampling = step.recipe.sampling
    shape = target.shape
    with naming(source.image.name, reference.name):
        return prepare(
            source.pixels, source.wcs, target.wcs, sampling, shape=shape, wcsmap=step.wcsmap
        )


def _scales(source: Source, target: Target, reference: Image) -> tuple[float, float]:
    """The pixel scales of the source and of the target, arcsec."""
    scale = pixel_scale(source.wcs)
    for value, image in ((scale, source.image), (target.scale, reference)):
        if not value > 0:
            raise WCSError(
                f"its WCS is singular: its pixel scale is {value} arcsec", subject=image.name
            )
    return scale, target.scale
