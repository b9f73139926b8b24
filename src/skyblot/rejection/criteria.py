"""How pixels are judged: the criteria of a comparison, and a model of the noise."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import ParameterError, closest, not_allowed
from ..headers.facts import Facts
from ..headers.instruments import instrument_of
from ..parameters.options import BACKGROUND_MAP as BACKGROUND_MAP
from ..parameters.options import CRITERIA
from ..parameters.rules import RULES, Rule
from ..parameters.table import default, parse_fields


@dataclass(frozen=True)
class Noise:
    """The noise of an exposure for which there is no map of errors.

    Attributes
    ----------
    gain : float
        Electrons per unit of the exposure.
    read_noise : float
        Electrons.
    sky : float
        What was subtracted from both the exposure and the blot, or from the blot alone, in their
        unit.
    """

    gain: float = 1.0
    read_noise: float = 0.0
    sky: float = 0.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.gain) and self.gain > 0):
            raise not_allowed("gain", self.gain, "electrons per unit, above 0")
        if not (math.isfinite(self.read_noise) and self.read_noise >= 0):
            raise not_allowed("read_noise", self.read_noise, "electrons, at least 0")
        if not math.isfinite(self.sky):
            raise not_allowed("sky", self.sky, "a finite number")


@dataclass(frozen=True)
class Criteria:
    """How pixels are judged; for the defaults of an instrument see `criteria_for`.

    Attributes
    ----------
    rule : str
        ``skyblot``, or ``plain``: the rule of DrizzlePac's drizCR and of the pipelines of JWST and
        Roman.
    snr : (float, float), optional
        Thresholds in sigma, of the seed and of the members beside it.
    scale : (float, float), optional
        For "plain" what the largest difference of a blot pixel to its neighbours is multiplied by,
        for the seed and the members; for "skyblot" what the measured error of the blot is
        multiplied by, in its curvature and in that difference.
    exposures : int, optional
        How many exposures the mosaic was made of, this one among them: the thresholds of the rule
        "plain" depend on it for some instruments (`criteria_for`).
    grow : float
        Radius in pixels, around bad pixels, of what is bad too.
    cte_tail : int
        Pixels of the tail of charge behind a bad pixel, along y.
    cte_direction : {1, -1}
        Where tails run, to larger or to smaller y: away from the amplifier.
    background : float or "map", optional
        What the exposure has more than the blot: a number, or "map" for a smooth map that is
        measured, of a sky that is not flat. Where it is not given one number is measured.
    flux_ratio : float or "fit", optional
        How bright the exposure's sources are in units of the blot's: a number, or "fit" for what is
        measured. Where it is not given, the rule "skyblot" takes what is measured if it is not 1 by
        five standard errors and explains what sources leave; beyond a factor 3 exposure and blot
        are not compared. The rule "plain" takes 1.
    """

    rule: str = default("rule", CRITERIA)
    snr: tuple[float, float] | None = default("snr", CRITERIA)
    scale: tuple[float, float] | None = default("scale", CRITERIA)
    exposures: int | None = default("exposures", CRITERIA)
    grow: float = default("grow", CRITERIA)
    cte_tail: int = default("cte_tail", CRITERIA)
    cte_direction: int = default("cte_direction", CRITERIA)
    background: float | str | None = default("background", CRITERIA)
    flux_ratio: float | str | None = default("flux_ratio", CRITERIA)

    def __post_init__(self) -> None:
        parse_fields(self, CRITERIA)

    @property
    def level(self) -> float | None:
        """The background, where it is a number."""
        return None if isinstance(self.background, str) else self.background

    @property
    def thresholds(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """`snr` and `scale`, the rule's own defaults where they are not given."""
        rule = self.rule_used
        return self.snr or rule.snr, self.scale or rule.scale

    @property
    def rule_used(self) -> Rule:
        """All that is known of the rule."""
        return RULES[self.rule]


def criteria_with(criteria: Criteria | None, overrides: dict[str, Any]) -> Criteria:
    """Return criteria with some of them replaced.

    Raises
    ------
    ParameterError
        For an unknown name, or a value that is not allowed.
    """
    names = list(Criteria.__dataclass_fields__)
    for name in overrides:
        if name not in names:
            hint = f"{closest(name, names)}; there are {', '.join(names)}"
            raise ParameterError(f"unknown criterion {name!r}{hint}")
    known = vars(criteria) if criteria is not None else {}
    return Criteria(**{**known, **overrides})


def criteria_for(facts: Facts, wanted: Mapping[str, Any], exposures: int | None) -> Criteria:
    """Return the criteria for an exposure: what the user wants, else its instrument's.

    Parameters
    ----------
    facts : Facts
    wanted : mapping
        Criteria by their names.
    exposures : int or None
        How many exposures the mosaic was made of.

    Raises
    ------
    ParameterError
        For a value that is not allowed; for a tail of charge where nobody knows its direction.
    """
    instrument = instrument_of(facts)
    values: dict[str, Any] = {"exposures": exposures, **wanted}
    if Criteria(**values).rule_used.by_instrument:
        few = exposures is not None and exposures <= 2
        scale = instrument.scale_of_few if few and instrument.scale_of_few else instrument.scale
        values = {"snr": instrument.snr, "scale": scale} | values
    if values.get("cte_tail") and "cte_direction" not in values:
        values["cte_direction"] = instrument.tails.direction(facts)
        if values["cte_direction"] == 0:
            tail = values["cte_tail"]
            raise ParameterError(
                f"cte_tail = {tail}, but {instrument.name} has no known direction of "
                "tails: give cte_direction, 1 (to larger y) or -1",
                subject=facts.name,
            )
    return Criteria(**values)
