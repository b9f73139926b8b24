"""What a comparison of an exposure with its blot found, and what is doubtful about it."""

import math
from dataclasses import dataclass, field, replace

import numpy as np

from ..text import html_facts
from .criteria import Criteria
from .fluxratio import FluxRatio
from .registration import moved
from .residuals import MISALIGNED, ODD_FIT, WRONG_FLUX, misaligned
from .sketch import mask_uri


@dataclass(frozen=True, repr=False)
class Rejection:
    """What a comparison found.

    Attributes
    ----------
    mask : ndarray of bool, shape (ny, nx)
        True where a pixel is bad.
    significance : ndarray of float32, shape (ny, nx)
        What is left of exposure minus blot over its noise; NaN where a pixel was left out.
    valid : ndarray of bool, shape (ny, nx)
        Pixels that were judged.
    background : float
        Exposure minus blot where there is nothing.
    flux_ratio, flux_ratio_error : float
        How bright the exposure's sources are in units of the blot's, and its standard error; NaN
        where there are too few sources.
    unexplained : float
        What is left of sources in smoothed images, in units of their brightness: more than 0.15
        where positions differ from place to place, by a rotation for example.
    ratio : float
        What the blot was multiplied by for the comparison: 1, `flux_ratio`, or what the criteria
        say.
    noise : float
        Its spread there, in sigma, from 0.3 to 3; NaN where there is too little sky. An exposure
        that is in the mosaic shares noise with its blot, so that values below 1 are usual.
    own_noise : float
        The noise of the exposure alone, in sigma; NaN where it is not known.
    spread : float
        The same as measured, however small or large it is.
    uneven : ndarray of float32, shape (ny, nx), or None
        What the background has more than `background` at each pixel, where the criteria ask for a
        map.
    misalignment : (float, float)
        By how many pixels in x and y sources lie farther in the exposure than in the blot; NaN
        where there are too few sources.
    misalignment_error : float
        Its standard error, pixels.
    slopes : (float, float)
        What the residual has of the blot's slopes in x and y, pixel by pixel: minus the
        misalignment, or less where stars are undersampled.
    shift : (int, int)
        Whole pixels, x and y, by which the blot was moved for the comparison, where it was far off.
    sharpness : float
        Coefficient of the blot's second differences in the residual, square pixels: negative where
        the blot is smoother than the exposure; NaN where there are too few sources.
    roughness : float
        Error of the blot at sources, of interpolation for example, in units of its structure: 90
        percent of the sources' pixels are within it.
    fraction : float
        Part of the judged pixels that the rule rejected, without what `grow` and tails add.
    criteria : Criteria
    """

    mask: np.ndarray
    significance: np.ndarray
    valid: np.ndarray
    background: float
    noise: float
    misalignment: tuple[float, float]
    misalignment_error: float
    sharpness: float
    roughness: float
    fraction: float
    criteria: Criteria = field(default_factory=Criteria)
    flux_ratio: float = math.nan
    flux_ratio_error: float = math.nan
    ratio: float = 1.0
    shift: tuple[int, int] = (0, 0)
    slopes: tuple[float, float] = (0.0, 0.0)
    unexplained: float = math.nan
    spread: float = math.nan
    uneven: np.ndarray | None = field(default=None, repr=False)
    own_noise: float = math.nan

    def __repr__(self) -> str:
        ny, nx = self.mask.shape
        judged = (
            f"{np.count_nonzero(self.valid)} pixels judged, {100 * self.fraction:.2f} % rejected"
        )
        return (
            f"Rejection({ny} x {nx}, {judged}, background {self.background:.4g}, noise "
            f"{self.noise:.3f})"
        )

    def _repr_html_(self) -> str:
        """What notebooks show: the mask as a small picture, a table, and what is doubtful."""
        ny, nx = self.mask.shape
        judged = int(np.count_nonzero(self.valid))
        dx, dy = self.misalignment
        moved_text = f"({dx:+z.3f}, {dy:+z.3f}) ± {self.misalignment_error:.3f} pixel"
        flux_text = f"{self.flux_ratio:.3f} ± {self.flux_ratio_error:.3f}"
        facts = {
            "size": f"{nx} x {ny} pixels",
            "judged": f"{100 * judged / self.mask.size:.2f} %",
            "rejected": f"{round(self.fraction * judged)} pixels, {100 * self.fraction:.2f} %",
            "flagged": f"{np.count_nonzero(self.mask)} pixels, with what grows and tails add",
            "background": f"{self.background:.4g}",
            "noise": f"{self.noise:.3f} sigma" if math.isfinite(self.noise) else "not known",
            "misalignment": moved_text if math.isfinite(self.misalignment_error) else "not known",
            "flux ratio": flux_text if math.isfinite(self.flux_ratio_error) else "not known",
            "rule": self.criteria.rule,
            **{f"doubt {k}": text for k, text in enumerate(self.doubts(), 1)},
        }
        style = "display:flex;gap:1em;align-items:flex-start"
        words = "the mask, what is flagged in orange"
        image = f'<img src="{mask_uri(self.mask)}" alt="{words}" title="{words}">'
        return f'<div style="{style}">{image}{html_facts(facts)}</div>'

    def expected(self, blot: np.ndarray) -> np.ndarray:
        """Return what the exposure should be: its blot, moved, times the ratio, plus background."""
        there = moved(blot, self.shift) if self.shift != (0, 0) else blot
        level = self.background if self.uneven is None else self.background + self.uneven
        return (self.ratio * there + level).astype(blot.dtype, copy=False)

    def without(self, spared: np.ndarray) -> "Rejection":
        """Return the same without some of the bad pixels."""
        mask = self.mask & ~spared
        count = np.count_nonzero(self.mask)
        share = np.count_nonzero(mask) / count if count else 1.0
        return replace(self, mask=mask, fraction=self.fraction * share)

    @property
    def noise_is_at_a_limit(self) -> bool:
        """Whether the sky's noise is so far from sigma that the rule does not follow it."""
        return math.isfinite(self.spread) and self.spread not in (0.0, self.noise)

    def doubts(self) -> list[str]:
        """Return sentences on misalignment, uneven fit, flux ratio and noise, where they matter."""
        sentences = []
        if self.unexplained > ODD_FIT:
            percent = 100 * self.unexplained
            #: A rotation, another pixel scale or distortion: the shift that is measured is only
            #: the mean of them.
            sentences.append(
                f"its sources do not fit the blot's all over, {percent:.0f} % of their "
                "brightness is left: by a rotation or another distortion, sources may "
                "look like cosmic rays; align the exposures first"
            )
        if misaligned(self.misalignment, self.misalignment_error):
            dx, dy = self.misalignment
            #: Align the exposures to the mosaic, with TweakReg or tweakreg for example.
            sentences.append(
                f"its sources lie ({dx:+z.2f}, {dy:+z.2f}) pixel from where the blot has "
                f"them: more than {MISALIGNED:g} pixel makes sources look like cosmic "
                "rays; align the exposures first"
            )
        measured = FluxRatio(self.flux_ratio, self.flux_ratio_error)
        if (
            self.criteria.flux_ratio is None
            and measured.differs()
            and abs(self.flux_ratio - 1.0) > WRONG_FLUX
        ):
            used = "multiplied by it" if self.ratio != 1.0 else "taken as it is"
            sentences.append(
                f"its sources are {self.flux_ratio:.3f} +- {self.flux_ratio_error:.3f} "
                f"times as bright as the blot's, which is {used}: are units and exposure "
                "times right, or are cores of stars missing in the mosaic? (--flux-ratio "
                "says what to use)"
            )
        if self.noise_is_at_a_limit:
            #: The errors, or gain and read noise, are of another unit or image, or the background
            #: is far from flat.
            sentences.append(
                f"the noise of its sky is {self.spread:.3g} times what its errors, or "
                f"gain and read noise, say, and {self.noise:g} times is used: are they "
                "right (--err, --gain, --read-noise), and is the background flat "
                "(--background map)?"
            )
        return sentences
