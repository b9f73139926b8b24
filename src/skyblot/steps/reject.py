"""Find the cosmic rays of one exposure, from file to mask, and write what is wanted beside it."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from ..errors import WARNING_FILTERS, SkyblotError, not_allowed
from ..headers.facts import number
from ..headers.instruments import DO_NOT_USE
from ..headers.pipelines import recorded_sky
from ..io.bad_pixels import KEY_CARD, BadPixels, common_key
from ..io.coverage import check_mosaic
from ..io.damage import readable
from ..io.head import head_of
from ..io.image import Image
from ..io.images import blot_name, open_reference
from ..io.masks import write_mask, write_masks
from ..io.names import ImageName
from ..io.planes import companion_files, companion_name
from ..io.remote import AnyPath
from ..io.weights import exposure_weight_files
from ..parameters.options import BACKGROUND_MAP
from ..text import ascii_text
from . import provenance
from .base import Resources, Result, Source, Step, Task
from .blot import Blot, Opened, Rendered, opened, rendered
from .compare import Judged, Judgement, judge, judgement
from .copies import Products, copies_of, is_shared, mask_name, together, write_copies
from .mask_record import RejectResult, mask_cards, read_masks, result_of, tell_notes
from .pictured import picture_of_mask
from .planes import Planes
from .roles import check_exposure, check_not_both

#: What a result on disk has of a `Rejection`.
_MEASURED = (
    "background",
    "flux_ratio",
    "flux_ratio_error",
    "ratio",
    "noise",
    "misalignment",
    "misalignment_error",
    "shift",
    "sharpness",
    "roughness",
    "criteria",
)


@dataclass(frozen=True)
class Compared:
    """An exposure that was compared with its blot, open; and what was found."""

    rendering: Rendered
    judged: Judged
    result: RejectResult
    blot: Blot

    def write_blot(self, source: Source, *, overwrite: bool) -> None:
        """Write the blot to its file."""
        assert self.result.blot_path is not None
        self.rendering.write(self.result.blot_path, source, self.blot, overwrite=overwrite)


@dataclass(frozen=True)
class Reject(Step):
    """Compare an exposure with its blot, and write a mask of its cosmic rays.

    Attributes
    ----------
    criteria : mapping
        What the user gave of `skyblot.Criteria`.
    exposures : int, optional
        How many exposures the mosaic was made of, where its headers do not tell.
    planes : Planes
    products : Products
    compress : bool
        Compress the blots that are saved.
    with_values : bool
        Results have the blot's values in bad pixels, whatever is written.
    """

    noun = "mask"
    verb = "comparing"

    criteria: Mapping[str, Any] = field(default_factory=dict)
    exposures: int | None = None
    planes: Planes = field(default_factory=Planes)
    products: Products = field(default_factory=Products)
    compress: bool = False
    with_values: bool = False

    @property
    def bytes_per_pixel(self) -> int:
        """Exposure, blots, errors, significance, copies, flags and masks: 24, measured.

        A map of the background, as a spline makes it, and the exposure without it take 16 more, and
        a picture of all 20.
        """
        pictured = 0 if self.products.pictures is None else 20
        return pictured + (50 if self.criteria.get("background") == BACKGROUND_MAP else 34)

    @property
    def _blot(self) -> Blot:
        return Blot(
            self.recipe.override({"fill_value": "nan"}), self.force, self.compress, compared=True
        )

    @contextmanager
    def open(self, name: str | Path) -> Iterator[Source]:
        """Open a source; a `DataError` for a plane of a mosaic."""
        with self._blot.open(name) as source:
            check_mosaic(source.image)
            yield source

    def for_exposures(self, count: int) -> Self:
        """Return the step for a source of so many exposures; one alone says nothing."""
        return replace(self, exposures=count if count > 1 else None)

    def tasks(self, images: Sequence[ImageName], folder: Path) -> list[Task]:
        """Return every image with the file that its mask goes to."""
        shared = together(images, self.products)
        return [Task(where, folder / mask_name(where, together=shared)) for where in images]

    def reads(self, path: AnyPath) -> list[AnyPath]:
        """Return the files of an exposure's planes, its weights, its WCS, and earlier masks."""
        pictures = self.products.pictures
        earlier = None if pictures is None else pictures.compare
        return [*self._companions(path), *([] if earlier is None else earlier.files(path))]

    def _companions(self, path: AnyPath) -> list[AnyPath]:
        """The files beside an exposure that its mask is made from."""
        planes = self.planes
        head = head_of(path)
        weights = exposure_weight_files(path, planes.weight_suffix)
        return [
            *companion_files(path, (planes.err, planes.dq)),
            *weights,
            *([] if head is None else [head]),
        ]

    def writes(self, tasks: Sequence[Task]) -> list[Path]:
        """Return masks, blots and copies."""
        masks = [task.path for task in tasks]
        blots = [self._blot_path(task) for task in tasks] if self.products.save_blots else []
        return [
            *(masks[:1] if is_shared(tasks[0]) else masks),
            *blots,
            *self._copies(tasks).values(),
        ]

    def _copies(self, tasks: Sequence[Task]) -> dict[str, Path]:
        return copies_of([task.where for task in tasks], self.products, tasks[0].path.parent)

    def _blot_path(self, task: Task) -> Path:
        return task.path.with_name(blot_name(task.where, compress=self.compress))

    def check(self, source: str | Path | None, tasks: Sequence[Task]) -> None:
        """Refuse one file of planes for several exposures, two kinds of noise, and the source."""
        planes = self.planes
        count = self.exposures or 1
        for name, pattern in (("dq", planes.dq), ("err", planes.err)):
            if pattern is not None and "*" not in pattern and count > 1:
                raise not_allowed(
                    name,
                    pattern,
                    f"a name with * for the exposure's, as there are {count} exposures",
                )
        if planes.err is not None and planes.read_noise is not None:
            expected = f"none beside err = {planes.err!r}, which says what the noise is"
            raise not_allowed("read_noise", planes.read_noise, expected)
        if not self.force and source is not None:
            check_not_both(source, [task.where for task in tasks])

    def is_own(self, path: Path) -> bool:
        """Whether a file is a mask, a blot, or a copy of an exposure that skyblot has changed."""
        return provenance.is_own(path, provenance.MASK) or (
            self.products.save_blots and provenance.is_own(path, provenance.BLOT)
        )

    def within(self, folder: Path) -> Self:
        """Return the step with patterns of files as seen from another folder."""
        return replace(self, planes=self.planes.within(folder))

    def kept(self, source: Source, tasks: Sequence[Task]) -> dict[Task, Result]:
        """Return the masks that may stay: of an exposure that has copies, all or none."""
        masks = self._kept_masks(source, tasks)
        bound = self.products.copies or is_shared(tasks[0])
        if bound and not (len(masks) == len(tasks) and self._has_copies(tasks, masks)):
            return {}
        return {task: result for task, (result, _) in masks.items()}

    def _kept_masks(
        self, source: Source, tasks: Sequence[Task]
    ) -> dict[Task, tuple[RejectResult, str]]:
        """The masks of one exposure that may stay, with their keys."""
        headers = {path: read_masks(path) for path in {task.path for task in tasks}}
        if sum(map(len, headers.values())) > len(tasks):  # one file, with masks of other images too
            return {}
        masks: dict[Task, tuple[RejectResult, str]] = {}
        for task in tasks:
            try:
                with WARNING_FILTERS, open_reference(task.where, self.recipe.wcs_key) as exposure:
                    key = self.key(source, exposure)
                    header = headers[task.path].get(ascii_text(exposure.name), {})
                    if header.get(KEY_CARD) != key or not self._has_blot(source, exposure, task):
                        continue
                    masks[task] = self._recorded(source, exposure, task, header), key
            except SkyblotError:  # to be reported when it is tried
                continue
        return masks

    def _has_blot(self, source: Source, exposure: Image, task: Task) -> bool:
        """Whether the blot of a mask is there, where it is wanted."""
        if not self.products.save_blots:
            return True
        blot = self._blot_onto(source, exposure)
        return blot.kept_blot(source, Task(task.where, self._blot_path(task))) is not None

    def _has_copies(
        self, tasks: Sequence[Task], masks: Mapping[Task, tuple[RejectResult, str]]
    ) -> bool:
        key = common_key([key for _, key in masks.values()])
        return all(provenance.copy_key(path) == key for path in self._copies(tasks).values())

    def _recorded(
        self, source: Source, exposure: Image, task: Task, header: Mapping[str, Any]
    ) -> RejectResult:
        plain = Result(
            source.image.name,
            exposure.name,
            task.path,
            exposure.shape,
            header["CRCOVR"],
            seconds=0.0,
            kept=True,
        )
        how = judgement(source, exposure, self.criteria, self.exposures, self.planes)
        blot = self._blot_path(task) if self.products.save_blots else None
        more = {
            "criteria": how.criteria,
            "bits": how.instrument.bits,
            "blot_path": blot,
            "together": is_shared(task),
        }
        return result_of(plain, header, **more)

    def key(self, source: Source, exposure: Image) -> str:
        """Return the key of everything that a mask of an exposure is made from."""
        planes = self.planes
        how = judgement(source, exposure, self.criteria, self.exposures, planes)
        patterns = [
            None if pattern is None else companion_name(exposure.path, pattern).extension
            for pattern in (planes.dq, planes.err)
        ]
        noise = planes.gain, planes.read_noise
        more = {**vars(how.criteria), "patterns": patterns, "noise": noise}
        return provenance.blot_key(
            self.recipe, more, source.image, exposure, self._companions(exposure.path)
        )

    def make(self, source: Source, task: Task, resources: Resources) -> RejectResult:
        """Compare one image with its blot, and write the mask, unless it shares a file."""
        start = time.perf_counter()
        with self.compared(source, task, resources) as compared:
            result = compared.result
            if result.blot_path is not None:
                compared.write_blot(source, overwrite=resources.overwrite)
            if not result.together:
                self.write_mask(result, compared.rendering.reference, overwrite=resources.overwrite)
            result = replace(result, seconds=time.perf_counter() - start)
            result = replace(result, picture=self.picture(replace(compared, result=result)))
        tell_notes(source, result)
        return result

    @contextmanager
    def compared(
        self, source: Source, task: Task, resources: Resources, exposure: Opened | None = None
    ) -> Iterator["Compared"]:
        """Compare one image with its blot, and write nothing.

        The exposure is open already, or is opened meanwhile.
        """
        with ExitStack() as stack:
            if exposure is None:
                exposure = stack.enter_context(opened(task.where, self.recipe.wcs_key))
            image = exposure.image
            with WARNING_FILTERS:
                if not self.force:
                    check_exposure(image)
                blot = self._blot_onto(source, image)
            rendering = rendered(source, exposure, blot, resources)
            how = judgement(source, image, self.criteria, self.exposures, self.planes)
            sky = rendering.planned.scaling.offset
            judged = judge(source, image, rendering.blot, how, sky, resources.threads)
            resources.proceed()
            rendering.check_unchanged()
            result = self._result(source, rendering, task, judged, how)
            yield Compared(rendering, judged, result, blot)

    def write_mask(self, result: RejectResult, exposure: Image, *, overwrite: bool) -> None:
        """Write the mask of an image that is open."""
        assert result.bad is not None
        mask = result.bad.good == 0
        write_mask(result.path, mask, exposure, result.bad.cards, overwrite=overwrite)

    def _blot_onto(self, source: Source, exposure: Image) -> Blot:
        """How the blot is made: without the sky where no header has it, or it is no number."""
        blot = self._blot
        if not self.recipe.addsky:
            return blot
        keyword, value = recorded_sky(exposure.facts)
        if number(value) is not None:
            return blot
        if value is not None:
            source.tell(
                f"sky {keyword} = {value!r} is no number; the background is measured instead",
                subject=exposure.name,
            )
        return replace(blot, recipe=blot.recipe.override({"addsky": False}))

    def _result(
        self, source: Source, rendering: Rendered, task: Task, judged: Judged, how: Judgement
    ) -> RejectResult:
        """What was found, before anything is written."""
        exposure = rendering.reference
        rejection = judged.rejection
        covered = rendering.blot.covered
        key = self.key(source, exposure)
        bad = self._bad_pixels(
            task.where,
            judged,
            rendering,
            mask_cards(source.image.name, exposure.name, rejection, key, covered),
        )
        if self.products.clean and how.instrument.bits & DO_NOT_USE:
            bad = bad.with_gaps(judged.data, rejection.expected(rendering.blot.data))
        count = int(np.count_nonzero(rejection.valid))
        return RejectResult(
            source.image.name,
            exposure.name,
            task.path,
            exposure.shape,
            covered,
            0.0,
            rejected=round(rejection.fraction * count),
            judged=count,
            blot_path=self._blot_path(task) if self.products.save_blots else None,
            bits=how.instrument.bits,
            bad=bad,
            notes=judged.notes,
            remarks=judged.remarks,
            together=is_shared(task),
            **{name: getattr(rejection, name) for name in _MEASURED},
        )

    def _bad_pixels(
        self, where: ImageName, judged: Judged, rendering: Rendered, cards: list[tuple]
    ) -> BadPixels:
        """The bad pixels, with a blot's values on the exposure's level for a clean copy."""
        rejection = judged.rejection
        flat = np.flatnonzero(rejection.mask)
        values = (
            rejection.expected(rendering.blot.data).ravel()[flat]
            if self.products.clean or self.with_values
            else np.empty(0)
        )
        return BadPixels(
            where, flat, values.astype(np.float32), rejection.mask.shape, cards, rendering.identity
        )

    def picture(self, compared: "Compared") -> Any:
        """Return what a page of pictures shows of a comparison, None where none is wanted."""
        pictures = self.products.pictures
        if pictures is None:
            return None
        made = compared.rendering
        found = compared.judged, compared.result
        return picture_of_mask(made.reference, made.blot.data, *found, pictures)

    def finish(self, tasks: Sequence[Task], results: Sequence[Any], resources: Resources) -> None:
        """Write masks in one file, and copies of the exposure."""
        shared = bool(results) and results[0].together
        if not results or not (shared or self.products.copies):
            return
        order = {task.where: place for place, task in enumerate(tasks)}
        bad = sorted((result.bad for result in results), key=lambda image: order[image.where])
        # files are opened, while other threads open theirs
        with WARNING_FILTERS, ExitStack() as stack:
            for image in bad:
                image.check_unchanged()
            stack.enter_context(readable(tasks[0].where.path, "what is to be copied"))
            if shared:
                write_masks(tasks[0].path, bad, overwrite=resources.overwrite)
            write_copies(self._copies(tasks), bad, results[0].bits, overwrite=resources.overwrite)
