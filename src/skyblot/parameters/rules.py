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


@dataclass(frozen=True)
class Numbers:
    """What the rule skyblot has beside the criteria.

    Attributes
    ----------
    pair : float
        Two pixels of a 3 x 3 beyond this part of the threshold for a seed are as good as one seed.
    negative : float
        Negative residuals have to be so much farther: what adds charge does not take it away.
    usual_roughness, tail_power : float
        Errors of a blot rougher than this have longer tails: they grow with this power of the
        excess.
    """

    pair: float = 0.75
    negative: float = 2.5
    usual_roughness: float = 0.2
    tail_power: float = 1.0


NUMBERS = Numbers()


@dataclass(frozen=True)
class Circumstances:
    """What a rule may use beside the images.

    Attributes
    ----------
    snr, scale : (float, float)
        As those of `skyblot.Criteria`.
    terms : tuple of float
        What is expected of the exposure: flux ratio and background, and the coefficients of the
        blot's slopes in x and y and of its curvature.
    noise, own_noise : float
        Spread of the sky in sigma, and that of the exposure alone; NaN where it is not known.
    ratio, roughness : float
        As those of `skyblot.Rejection`.
    photons : float
        1 / gain where sigma includes the photons of the residual itself, else 0.
    """

    snr: Pair
    scale: Pair
    terms: tuple[float, ...]
    noise: float
    own_noise: float
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


def variance_marker(known: Circumstances, numbers: Numbers = NUMBERS) -> Marker:
    """Return the kernel of the rule skyblot with its numbers."""
    from ..kernels.compare import variance_levels

    share = noise_of_hits(known.noise, known.own_noise) ** 2
    error = known.ratio * blot_error(known.roughness, numbers)
    curved, stepped = (scale * error for scale in known.scale)
    thresholds = (*known.snr, numbers.pair * known.snr[0])
    weights = (share, curved, stepped, known.photons, numbers.negative)
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


def noise_of_hits(noise: float, own: float) -> float:
    """Return the noise, in sigma, of exposure minus blot where a pixel stands out.

    An exposure that is in the mosaic shares noise with its blot, so that they differ by less than
    its own noise. That does not hold for what stands out: a median does not follow a pixel that is
    the highest of its stack, and from a mean it was left out. The larger of both counts.

    Parameters
    ----------
    noise, own : float
        Spread of exposure minus blot, and of the exposure alone; NaN where they are not known.

    Examples
    --------
    >>> noise_of_hits(0.87, 0.98), noise_of_hits(1.1, 1.0), noise_of_hits(math.nan, math.nan)
    (0.98, 1.1, 1.0)
    """
    if not math.isfinite(noise):
        return 1.0
    return max(noise, own) if math.isfinite(own) else noise


def blot_error(roughness: float, numbers: Numbers = NUMBERS) -> float:
    """Return the error of a blot that the rule skyblot reckons with, in units of its structure.

    Examples
    --------
    >>> blot_error(0.1), round(blot_error(0.4), 3)
    (0.1, 0.8)
    """
    return roughness * max(1.0, roughness / numbers.usual_roughness) ** numbers.tail_power


#: All rules by their names. The numbers of the rule skyblot, those above among them, were found
#: once, over all simulated sets of benchmarks/rejection.
RULES: dict[str, Rule] = {
    rule.name: rule
    for rule in (
        Rule(
            name="skyblot",
            help="residuals over one noise, made of errors and of what interpolation leaves",
            snr=(4.1, 2.4),
            scale=(0.75, 0.5),
            marker=variance_marker,
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
    "default 4.1 2.4; with --rule plain the instrument's"
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
