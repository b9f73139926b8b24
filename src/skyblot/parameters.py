"""The one table of parameters.

The command-line options, the .cfg reader, the help texts and the documentation page are made from it.
"""

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from . import messages
from .errors import ParameterError, closest, not_allowed
from .kernels.interpolants import INTERPOLANTS, interpolant

if TYPE_CHECKING:
    from .kernels.weights import Interpolant

SCALING_SECTION = "Data Scaling Parameters"
USER_WCS_SECTION = "User WCS Parameters"

#: A sinc narrower than this cannot be normalised: at 0.5, a point halfway between two pixels has no weight at all.
SMALLEST_SINSCL = 0.55

#: DrizzlePac's names of choices.
_SPELLINGS = {"lan3": "lanczos3", "lan5": "lanczos5"}

_TRUE, _FALSE = ("yes", "true", "on", "1", "y", "t"), ("no", "false", "off", "0", "n", "f")
UNSET = ("", "none", "indef")


@dataclass(frozen=True)
class Parameter:
    """One row of the table: what a parameter is called, what it accepts, and what it means."""

    name: str
    kind: str
    default: Any
    help: str
    section: str = ""
    choices: Collection[str] = ()
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None

    @property
    def option(self) -> str:
        """The command-line option."""
        return "--" + self.name.replace("_", "-")

    @property
    def allowed(self) -> str:
        """What values are allowed, in words."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        words = {
            "bool": "yes or no",
            "text": "a word",
            "number or input": "'input' or a number of seconds > 0",
            "fill": "a number, nan, or 'sky'",
            "letter": "a letter A to Z, or nothing",
        }
        text = words.get(self.kind, "a whole number" if self.kind == "integer" else "a number")
        if self.minimum is not None:
            text += f", at least {self.minimum:g}"
        if self.maximum is not None:
            text += f", at most {self.maximum:g}"
        return text if self.default is not None else text + ", or nothing"

    def parse(self, value: Any) -> Any:
        """Return `value` as this parameter's type.

        Raises
        ------
        ParameterError
            With the name, the value received and what is allowed.
        """
        if isinstance(value, str):
            value = value.strip()
        if value is None or (isinstance(value, str) and value.lower() in UNSET):
            if self.default is None or self.kind in ("text", "letter"):
                return self.default
            raise self._error(value)
        try:
            parsed = _PARSERS[self.kind](value)
        except (TypeError, ValueError, OverflowError):
            raise self._error(value) from None
        if self.choices:
            return self._choose(str(parsed))
        if isinstance(parsed, int | float) and not isinstance(parsed, bool) and not self._in_range(parsed):
            raise self._error(value)
        return parsed

    def _choose(self, value: str) -> str:
        value = _SPELLINGS.get(value.lower(), value)
        if value.lower() not in self.choices:
            raise self._error(value, closest(value, self.choices))
        return value.lower()

    def _in_range(self, value: float) -> bool:
        if self.minimum is not None and value < self.minimum:
            return False
        return self.maximum is None or value <= self.maximum

    def _error(self, value: Any, hint: str = "") -> ParameterError:
        return not_allowed(self.name, value, self.allowed + hint)


def _parse_letter(value: Any) -> str:
    letter = str(value).upper()
    if not re.fullmatch("[A-Z]", letter):
        raise ValueError(value)
    return letter


def _parse_bool(value: Any) -> bool:
    word = str(value).lower()
    if word not in _TRUE + _FALSE:
        raise ValueError(word)
    return word in _TRUE


def _parse_integer(value: Any) -> int:
    number = float(value)
    if isinstance(value, bool) or number != int(number):
        raise ValueError(value)
    return int(number)


def _parse_number(value: Any) -> float:
    number = float(value)
    if isinstance(value, bool) or not math.isfinite(number):
        raise ValueError(value)
    return number


def _parse_fill(value: Any) -> str | float:
    if isinstance(value, bool):
        raise ValueError(value)
    if str(value).lower() == "sky":
        return "sky"
    return float(value)


def _parse_number_or_input(value: Any) -> str | float:
    if str(value).lower() == "input":
        return "input"
    number = _parse_number(value)
    if number <= 0:
        raise ValueError(value)
    return number


_PARSERS: dict[str, Any] = {
    "bool": _parse_bool,
    "integer": _parse_integer,
    "number": _parse_number,
    "fill": _parse_fill,
    "text": str,
    "letter": _parse_letter,
    "number or input": _parse_number_or_input,
}

_UNITS = ("auto", "cps", "counts")
_AREAS = ("auto", "yes", "no")


def _scaling(name: str, kind: str, default: Any, help: str, **more: Any) -> Parameter:
    return Parameter(name, kind, default, help, SCALING_SECTION, **more)


def _user_wcs(name: str, kind: str, help: str, **more: Any) -> Parameter:
    return Parameter(name, kind, None, help, USER_WCS_SECTION, **more)


TABLE: tuple[Parameter, ...] = (
    Parameter("coeffs", "bool", True, "Use the distortion model of the reference; no: its linear terms only."),
    Parameter("interp", "text", "poly5", "Interpolant.", choices=INTERPOLANTS),
    Parameter("sinscl", "number", 1.0, "Scale of the sinc interpolant.", minimum=SMALLEST_SINSCL, unit="pixel"),
    Parameter(
        "stepsize",
        "integer",
        None,
        "Step of the pixel map's grid, bilinear between nodes; 0, 1 or nothing: exact at every pixel.",
        minimum=0,
        unit="pixel",
    ),
    Parameter(
        "tolerance",
        "number",
        1e-4,
        "Largest error of the pixel map where there is no closed form: gwcs, TPV, SIP mosaics.",
        minimum=1e-12,
        unit="source pixel",
    ),
    Parameter(
        "addsky",
        "bool",
        True,
        "Add the exposure's MDRIZSKY (JWST, Roman: its background level); no: add skyval.",
    ),
    Parameter("skyval", "number", 0.0, "Sky value to add when addsky is no.", unit="output unit"),
    Parameter(
        "fill_value", "fill", 0.0, "Value of blot pixels that the source does not cover; sky: the sky that is added."
    ),
    Parameter("wcs_key", "letter", "", "Letter of the exposures' alternate WCS to use; nothing: their primary WCS."),
    _scaling("in_units", "text", "auto", "Units of the source; auto: from its BUNIT.", choices=_UNITS),
    _scaling("out_units", "text", "auto", "Units of the blot; auto: those of the reference.", choices=_UNITS),
    _scaling("expkey", "text", "exptime", "Header keyword of the exposure time."),
    _scaling("expout", "number or input", "input", "Exposure time of the blot; input: the reference's.", unit="s"),
    _scaling(
        "pixel_area",
        "text",
        "auto",
        "Are the source's values flux per pixel, less in smaller pixels? Auto: by its unit and its headers.",
        choices=_AREAS,
    ),
    _scaling(
        "photmjsr",
        "number",
        None,
        "Surface brightness of 1 DN/s, instead of the exposure's PHOTMJSR.",
        minimum=1e-30,
        unit="MJy/sr",
    ),
    _scaling("as_is", "bool", False, "Blot the values as they are, in the unit of the source: no factor, and no sky."),
    _user_wcs("outscale", "number", "Pixel scale.", minimum=1e-12, unit="arcsec/pixel"),
    _user_wcs("orient", "number", "Position angle of the y axis, north through east.", unit="degree"),
    _user_wcs("raref", "number", "Right ascension of the reference pixel.", unit="degree"),
    _user_wcs("decref", "number", "Declination of the reference pixel.", minimum=-90, maximum=90, unit="degree"),
    _user_wcs("xrefpix", "number", "Reference pixel, x, counted from 1.", unit="pixel"),
    _user_wcs("yrefpix", "number", "Reference pixel, y, counted from 1.", unit="pixel"),
    _user_wcs("outnx", "integer", "Width of the blot.", minimum=1, unit="pixel"),
    _user_wcs("outny", "integer", "Height of the blot.", minimum=1, unit="pixel"),
)

#: Parameters that the documented ablot task does not have.
OURS = ("tolerance", "fill_value", "pixel_area", "photmjsr", "as_is", "wcs_key")

#: Defaults that the documented ablot task has and this project's own commands have not.
TASK_DEFAULTS: dict[str, Any] = {"stepsize": 10, "in_units": "cps", "out_units": "counts"}

BY_NAME: dict[str, Parameter] = {row.name: row for row in TABLE}


def by_section(rows: Iterable[Parameter]) -> Iterator[tuple[str, Iterator[Parameter]]]:
    """Rows of the table grouped by their sections, in order; the first has no name."""
    return groupby(rows, key=lambda row: row.section)


@dataclass(frozen=True)
class UserWCS:
    """Values that override those of the reference's WCS; None keeps the reference's."""

    outscale: float | None = None
    orient: float | None = None
    raref: float | None = None
    decref: float | None = None
    xrefpix: float | None = None
    yrefpix: float | None = None
    outnx: int | None = None
    outny: int | None = None

    def __post_init__(self) -> None:
        _parse_fields(self)

    @property
    def given(self) -> dict[str, float]:
        """The values that were given."""
        return {item.name: value for item in fields(self) if (value := getattr(self, item.name)) is not None}


@dataclass(frozen=True)
class Parameters:
    """One validated set of parameters; the names and meanings are those of `TABLE`."""

    coeffs: bool = True
    interp: str = "poly5"
    sinscl: float = 1.0
    stepsize: int | None = None
    tolerance: float = 1e-4
    fill_value: str | float = 0.0
    wcs_key: str = ""
    addsky: bool = True
    skyval: float = 0.0
    in_units: str = "auto"
    out_units: str = "auto"
    expkey: str = "exptime"
    expout: str | float = "input"
    pixel_area: str = "auto"
    photmjsr: float | None = None
    as_is: bool = False
    user_wcs: UserWCS = field(default_factory=UserWCS)

    def __post_init__(self) -> None:
        _parse_fields(self)

    @classmethod
    def from_values(cls, values: Mapping[str, Any] | None = None) -> "Parameters":
        """Validate a flat mapping of names to values; missing names take their defaults.

        Raises
        ------
        ParameterError
            For an unknown name or a value that is not allowed.
        """
        return cls().override(values or {})

    def override(self, values: Mapping[str, Any]) -> "Parameters":
        """Return a copy with some values replaced, after validating them."""
        in_user_wcs = {name: parameter(name).section == USER_WCS_SECTION for name in values}
        user = replace(self.user_wcs, **{name: value for name, value in values.items() if in_user_wcs[name]})
        return replace(self, user_wcs=user, **{name: value for name, value in values.items() if not in_user_wcs[name]})

    @property
    def interpolant(self) -> "Interpolant":
        """What gives values between the source's pixels."""
        return interpolant(self.interp, self.sinscl)

    def items(self) -> Iterator[tuple[str, Any]]:
        """Names and values in the order of the table."""
        for row in TABLE:
            yield row.name, getattr(self.user_wcs if row.section == USER_WCS_SECTION else self, row.name)


def _parse_fields(values: Any) -> None:
    """Give every field of a frozen set of values the type that its row of the table says."""
    for item in fields(values):
        if item.name in BY_NAME:
            object.__setattr__(values, item.name, BY_NAME[item.name].parse(getattr(values, item.name)))


def yes_or_no(name: str, value: Any) -> bool:
    """Return a switch as a bool, or raise a `ParameterError` that names it."""
    return bool(Parameter(name, "bool", False, "").parse(value))


def parameter(name: str) -> Parameter:
    """Return the row of the table called `name`, or raise a `ParameterError` with the closest name."""
    if name not in BY_NAME:
        hint = closest(name, BY_NAME) or f"; expected one of {', '.join(BY_NAME)}"
        raise ParameterError(messages.UNKNOWN(kind="parameter", name=name, hint=hint))
    return BY_NAME[name]
