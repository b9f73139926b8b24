"""A mask on disk: what was found, how its header says it, and how it is read back."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import numpy as np

from ..errors import SkyblotError, warn
from ..io.bad_pixels import KEY_CARD, BadPixels
from ..io.images import is_complete, read_pixels
from ..io.masks import mask_headers, mask_of
from ..rejection.criteria import Criteria
from ..rejection.result import Rejection
from .base import Result, Source, Task

#: What a header has of a result, where it was finite.
_NUMBERS = {
    "background": "CRBACK",
    "flux_ratio": "CRFLUX",
    "flux_ratio_error": "CRFLUXE",
    "ratio": "CRRATIO",
    "noise": "CRNOISE",
    "misalignment_error": "CRDXYE",
}


@dataclass(frozen=True, repr=False)
class RejectResult(Result):
    """A mask on disk, and what was found; `path` is the mask's.

    Attributes
    ----------
    rejected, judged : int
        Pixels that the rule rejected, without what `grow` and tails add, and pixels that it looked
        at.
    background, flux_ratio, flux_ratio_error, ratio, noise, misalignment, misalignment_error, shift,
    sharpness, roughness
        As those of `skyblot.Rejection`.
    criteria : Criteria
    blot_path : Path or None
        The blot, if it was written.
    bits : int
        What DQ gets where a pixel is bad.
    bad : BadPixels or None
        For what is written when all images of an exposure have been compared.
    picture : ChipPicture or None
        What a page of pictures shows of it, where that is wanted.
    notes : tuple of str
        What there was to warn of.
    remarks : tuple of str
        What was assumed of the exposure's file, or is missing in it: warned of once for all of its
        images.
    together : bool
        `path` holds the masks of other chips too, each in an extension.
    """

    rejected: int = 0
    judged: int = 0
    background: float = 0.0
    flux_ratio: float = np.nan
    flux_ratio_error: float = np.nan
    ratio: float = 1.0
    noise: float = np.nan
    misalignment: tuple[float, float] = (np.nan, np.nan)
    misalignment_error: float = np.nan
    shift: tuple[int, int] = (0, 0)
    sharpness: float = np.nan
    roughness: float = np.nan
    criteria: Criteria = field(default_factory=Criteria)
    blot_path: Path | None = None
    bits: int = 0
    bad: BadPixels | None = field(default=None, repr=False, compare=False)
    picture: Any = field(default=None, repr=False, compare=False)
    notes: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()
    together: bool = False

    def named(self, task: Task) -> Self:
        """Return the same with the names that a task has, and the blot beside the mask."""
        blot = None if self.blot_path is None else task.path.with_name(self.blot_path.name)
        return replace(super().named(task), blot_path=blot)

    def public(self) -> Self:
        """Return the result without its bad pixels."""
        return replace(self, bad=None)

    @property
    def measured(self) -> dict[str, Any]:
        """What was found, for programs."""
        return {**super().measured, "rejected": self.fraction}

    @property
    def label(self) -> str:
        """The mask's file, with the exposure's extension where there are masks of others in it."""
        return self.mask

    @property
    def summary(self) -> str:
        """Percent rejected, misalignment and flux ratio, those that are known."""
        moved = f"  moved {self._shift('+z.3f')} pixel" if self._moved else ""
        flux = f"  flux ratio {self._flux}" if self._flux else ""
        return f"{100 * self.fraction:.2f} % rejected{moved}{flux}"

    @property
    def mask(self) -> str:
        """The mask's file, with the exposure's extension where there are masks of others in it."""
        extension = self.reference[self.reference.rfind("[") :] if self.together else ""
        return f"{self.path}{extension}"

    @property
    def fraction(self) -> float:
        """Part of the pixels that were looked at that the rule rejected."""
        return self.rejected / self.judged if self.judged else 0.0

    @property
    def _found(self) -> str:
        moved = f", moved {self._moved} pixel" if self._moved else ""
        flux = f", flux ratio {self._flux}" if self._flux else ""
        return f"{100 * self.fraction:.2f} % rejected{moved}{flux}"

    @property
    def _flux(self) -> str:
        return "" if np.isnan(self.flux_ratio_error) else f"{self.flux_ratio:.3f}"

    @property
    def _moved(self) -> str:
        return "" if np.isnan(self.misalignment_error) else self._shift("+.3f")

    def _shift(self, form: str) -> str:
        dx, dy = self.misalignment
        return f"({dx:{form}}, {dy:{form}})"

    @property
    def _facts(self) -> dict[str, str]:
        facts = super()._facts | {
            "rejected": (
                f"{self.rejected} of {self.judged} pixels judged, {100 * self.fraction:.2f} %"
            ),
            "background": f"{self.background:.4g}",
            "noise": f"{self.noise:.3f} sigma",
            "misalignment": f"{self._moved} pixel" if self._moved else "not known",
            "flux ratio": f"{self._flux} ± {self.flux_ratio_error:.3f}"
            if self._flux
            else "not known",
            "rule": self.criteria.rule,
        }
        return facts | ({"notes": "; ".join(self.notes)} if self.notes else {})

    def _picture(self) -> tuple[str, str]:
        from ..report.notebook import picture_of_mask

        flagged = read_pixels(mask_of(self.path, self.reference)) == 0
        return picture_of_mask(read_pixels(self.reference), flagged, self.reference, self.path)


def mask_cards(
    source: str, exposure: str, rejection: Rejection, key: str, covered: float
) -> list[tuple[str, Any, str]]:
    """Return how a mask was made, for its header: keyword, value, comment."""
    from .. import __version__

    criteria = rejection.criteria
    (snr, scale) = rejection.criteria.thresholds
    cards: list[tuple[str, Any, str]] = [
        ("CRVER", __version__, "version of skyblot"),
        ("CRSRC", source, ""),
        ("CREXP", exposure, ""),
        ("CRRULE", criteria.rule, "rule"),
        ("CRSNR1", float(snr[0]), "[sigma] threshold of seeds"),
        ("CRSNR2", float(snr[1]), "[sigma] threshold of members"),
        ("CRSCALE1", float(scale[0]), "first factor of the blot's structure"),
        ("CRSCALE2", float(scale[1]), "second factor of the blot's structure"),
        ("CRGROW", float(criteria.grow), "[pixel] radius around bad pixels"),
        ("CRTAIL", criteria.cte_tail * criteria.cte_direction, "[pixel] tails along y, signed"),
        ("CRBACK", rejection.background, "background of exposure minus blot"),
        *(
            [("CRBACKM", True, "background is a map; CRBACK is its middle")]
            if rejection.uneven is not None
            else []
        ),
        *(
            [("CRNOISE", rejection.noise, "[sigma] noise of exposure minus blot")]
            if np.isfinite(rejection.noise)
            else []
        ),
        ("CRFRAC", rejection.fraction, "fraction of the judged pixels rejected"),
        ("CRJUDGED", int(np.count_nonzero(rejection.valid)), "pixels judged"),
        ("CRCOVR", round(covered, 6), "fraction of the pixels that the source covers"),
        (KEY_CARD, key, "stands for inputs and parameters"),
    ]
    if np.isfinite(rejection.flux_ratio_error):
        cards += [
            ("CRFLUX", rejection.flux_ratio, "flux ratio of exposure to blot, measured"),
            ("CRFLUXE", rejection.flux_ratio_error, "its standard error"),
        ]
    cards.append(("CRRATIO", rejection.ratio, "what the blot was multiplied by"))
    if np.isfinite(rejection.sharpness):
        cards += [
            ("CRDX", rejection.misalignment[0], "[pixel] exposure minus blot, in x"),
            ("CRDY", rejection.misalignment[1], "[pixel] exposure minus blot, in y"),
        ]
    if np.isfinite(rejection.misalignment_error):
        cards.append(("CRDXYE", rejection.misalignment_error, "[pixel] standard error of both"))
    return cards


def read_masks(path: Path) -> Mapping[str, Mapping[str, Any]]:
    """Return the headers of complete masks in a file, by the names of their exposures."""
    if not is_complete(path):
        return {}
    try:
        return {str(header["CREXP"]): header for header in mask_headers(path)}
    except SkyblotError:
        return {}


def result_of(plain: Result, header: Mapping[str, Any], **more: Any) -> RejectResult:
    """Return what a mask's header says of what was found.

    Parameters
    ----------
    plain : Result
        Its names, its shape, and how much of it the source covers.
    header : mapping
    **more
        What no header says.
    """
    more |= {name: float(header[card]) for name, card in _NUMBERS.items() if card in header}
    if "CRDX" in header:
        more["misalignment"] = (float(header["CRDX"]), float(header["CRDY"]))
    judged = int(header["CRJUDGED"])
    return RejectResult(
        **vars(plain), rejected=round(header["CRFRAC"] * judged), judged=judged, **more
    )


def tell_notes(source: Source, result: RejectResult) -> None:
    """Warn of what there is to warn of in a comparison."""
    for note in result.notes:
        warn(note, subject=result.reference)
    for remark in result.remarks:
        source.tell(remark, subject=result.bad.where.path if result.bad else result.reference)
