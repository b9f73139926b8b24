"""The rules by which pixels are judged: their names, defaults, needs and kernels.

A rule is one row of `RULES` and one kernel of `skyblot.kernels.compare`. Nothing else asks for its
name.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Pair = tuple[float, float]
#: What gives levels: takes the first row, exposure, blot, sigma, the pixels to judge, and the rows
#: of levels and of significance to fill.
Marker = Callable[..., None]

#: Two pixels of a 3 x 3 beyond this part of the rule skyblot's threshold for a seed are as good as
#: one seed.
PAIR = 0.75
#: Negative residuals of the rule skyblot have to be so much farther: what adds charge does not take
#: it away.
NEGATIVE = 2.0
#: Part of an exposure's variance that the median of n of them takes off the difference, times n.
_SHARED = 0.9
#: Errors of a blot rougher than this have longer tails: they grow with this power of the excess.
_USUAL_ROUGHNESS = 0.27
_TAIL_POWER = 0.75


@dataclass(frozen=True)
class Circumstances:
    """What a rule may use beside the images.

    Attributes
    ----------
    snr, scale : (float, float)
        As those of `skyblot.Criteria`.
    exposures : int or None
        How many exposures the mosaic was made of.
    terms : tuple of float
        What is expected of the exposure: flux ratio and background, and the coefficients of the
        blot's slopes in x and y and of its curvature.
    noise : float
        Spread of the sky in sigma, NaN where it is not known.
    ratio, roughness : float
        As those of `skyblot.Rejection`.
    photons : float
        1 / gain where sigma includes the photons of the residual itself, else 0.
    """

    snr: Pair
    scale: Pair
    exposures: int | None
    terms: tuple[float, ...]
    noise: float
    ratio: float
    roughness: float
    photons: float


@dataclass(frozen=True)
class Rule:
    """One way to judge pixels.

    Attributes
    ----------
    name, help : str
        Its name, and what it is in a few words.
    snr, scale : (float, float)
        Defaults: thresholds in sigma, of the seed and of the members beside it, and what its terms
        of structure are multiplied by.
    by_instrument : bool
        An instrument has defaults of its own for it.
    adapts : bool
        It wants a blot that is like the exposure: what is measured of the two is put into the blot.
    marker : callable
        Makes the kernel's call of `Circumstances`. It imports the kernel itself, so that options
        and help can be made of this module without Numba.
    """

    name: str
    help: str
    snr: Pair
    scale: Pair
    marker: Callable[[Circumstances], Marker]
    by_instrument: bool = False
    adapts: bool = False


def _variance(known: Circumstances) -> Marker:
    from ..kernels.compare import variance_levels

    share = known.noise**2 if math.isfinite(known.noise) else expected_share(known.exposures)
    curved = known.scale[0] * known.ratio * blot_error(known.roughness)
    stepped = known.scale[1] * known.ratio * blot_error(known.roughness)
    thresholds = (*known.snr, PAIR * known.snr[0])
    weights = (share, curved, stepped, known.photons, NEGATIVE)
    return _with(variance_levels, known.terms, thresholds, weights)


def _plain(known: Circumstances) -> Marker:
    from ..kernels.compare import plain_levels

    return _with(plain_levels, known.terms[:2], known.snr, known.scale)


def _with(kernel: Callable[..., None], *numbers: Any) -> Marker:
    """A kernel with its numbers, which come after the images."""

    def mark(row0: int, *arrays: Any) -> None:
        *images, levels, significance = arrays
        kernel(row0, *images, *numbers, levels, significance)

    return mark


def expected_share(exposures: int | None) -> float:
    """Return what part of an exposure's variance there is in the difference to its blot."""
    return 1.0 - _SHARED / exposures if exposures else 1.0


def blot_error(roughness: float) -> float:
    """Return the error of a blot that the rule skyblot reckons with, in units of its structure.

    Examples
    --------
    >>> blot_error(0.1), round(blot_error(0.54), 3)
    (0.1, 0.908)
    """
    return roughness * max(1.0, roughness / _USUAL_ROUGHNESS) ** _TAIL_POWER


#: All rules by their names. The numbers of the rule skyblot, those above among them, were found
#: once, over all simulated sets of benchmarks/rejection.
RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule(
            name="skyblot",
            help="residuals over one noise, made of errors and of what interpolation leaves",
            snr=(4.8, 3.4),
            scale=(0.75, 0.45),
            marker=_variance,
            adapts=True,
        ),
        Rule(
            name="plain",
            help="that of drizCR and of the pipelines of JWST and Roman",
            snr=(3.5, 3.0),
            scale=(1.2, 0.7),
            marker=_plain,
            by_instrument=True,
        ),
    )
}

#: The rule where none is asked for.
DEFAULT = next(iter(RULES))


def help_text() -> str:
    """Return what the rules are, for help."""
    return "; ".join(f"{rule.name}: {rule.help}" for rule in RULES.values())


def defaults_text(name: str) -> str:
    """Return the defaults of `snr` or `scale` for help: of the usual rule, and of others.

    Examples
    --------
    >>> defaults_text("snr")
    "default 4.8 3.4; with --rule plain the instrument's"
    """
    texts = [f"default {_pair_text(RULES[DEFAULT], name)}"]
    others = [rule for rule in RULES.values() if rule.name != DEFAULT]
    return "; ".join(
        texts + [f"with --rule {rule.name} {_pair_text(rule, name)}" for rule in others]
    )


def _pair_text(rule: Rule, name: str) -> str:
    if rule.by_instrument:
        return "the instrument's"
    first, second = getattr(rule, name)
    return f"{first:g} {second:g}"
