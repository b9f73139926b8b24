"""The one table of parameters.

The command-line options, the .cfg reader, the help texts and the documentation page are made from
it.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from itertools import groupby
from typing import TYPE_CHECKING, Any

from ..errors import ParameterError, closest
from ..kernels.interpolants import INTERPOLANTS, interpolant
from ..text import html_rows
from .row import Parameter

if TYPE_CHECKING:
    from ..kernels.weights import Interpolant

SCALING_SECTION = "Data Scaling Parameters"
USER_WCS_SECTION = "User WCS Parameters"

#: A sinc narrower than this cannot be normalised: at 0.5, a point halfway between two pixels has no
#: weight at all.
SMALLEST_SINSCL = 0.55

_UNITS = ("auto", "cps", "counts")
_AREAS = ("auto", "yes", "no")


def _scaling(name: str, kind: str, default: Any, help: str, **more: Any) -> Parameter:
    return Parameter(name, kind, default, help, SCALING_SECTION, **more)


def _user_wcs(name: str, kind: str, help: str, **more: Any) -> Parameter:
    return Parameter(name, kind, None, help, USER_WCS_SECTION, **more)


TABLE: tuple[Parameter, ...] = (
    Parameter(
        "coeffs",
        "bool",
        True,
        "Use the distortion model of the reference; no: its linear terms only.",
    ),
    Parameter("interp", "text", "poly5", "Interpolant.", choices=INTERPOLANTS),
    Parameter(
        "sinscl",
        "number",
        1.0,
        "Scale of the sinc interpolant.",
        minimum=SMALLEST_SINSCL,
        unit="pixel",
    ),
    Parameter(
        "stepsize",
        "integer",
        None,
        "Step of the pixel map's grid, bilinear between nodes; 0, 1 or nothing: exact at every "
        "pixel.",
        minimum=0,
        unit="pixel",
    ),
    Parameter(
        "tolerance",
        "number",
        1e-4,
        "Largest error of the pixel map where there is no closed form: gwcs, TPV and others.",
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
        "fill_value",
        "fill",
        0.0,
        "Value of blot pixels that the source does not cover; sky: the sky that is added.",
    ),
    Parameter(
        "wcs_key",
        "letter",
        "",
        "Letter of the exposures' alternate WCS to use; nothing: their primary WCS.",
    ),
    _scaling(
        "in_units", "text", "auto", "Units of the source; auto: from its BUNIT.", choices=_UNITS
    ),
    _scaling(
        "out_units",
        "text",
        "auto",
        "Units of the blot; auto: those of the reference.",
        choices=_UNITS,
    ),
    _scaling("expkey", "text", "exptime", "Header keyword of the exposure time."),
    _scaling(
        "expout",
        "number or input",
        "input",
        "Exposure time of the blot; input: the reference's.",
        unit="s",
    ),
    _scaling(
        "pixel_area",
        "text",
        "auto",
        "Are the source's values flux per pixel, less in smaller pixels? Auto: by its unit and "
        "its headers.",
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
    _scaling(
        "as_is",
        "bool",
        False,
        "Blot the values as they are, in the unit of the source: no factor, and no sky.",
    ),
    _user_wcs("outscale", "number", "Pixel scale.", minimum=1e-12, unit="arcsec/pixel"),
    _user_wcs(
        "orient", "number", "Position angle of the y axis, north through east.", unit="degree"
    ),
    _user_wcs("raref", "number", "Right ascension of the reference pixel.", unit="degree"),
    _user_wcs(
        "decref",
        "number",
        "Declination of the reference pixel.",
        minimum=-90,
        maximum=90,
        unit="degree",
    ),
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


def default(name: str, rows: Iterable[Parameter] = TABLE) -> Any:
    """Return the default of a parameter."""
    return next(row.default for row in rows if row.name == name)


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
        parse_fields(self, TABLE)

    @property
    def given(self) -> dict[str, float]:
        """The values that were given."""
        return {
            item.name: value
            for item in fields(self)
            if (value := getattr(self, item.name)) is not None
        }


@dataclass(frozen=True)
class Sampling:
    """Where between its pixels a source is looked up, and how, by the names of `TABLE`."""

    interp: str = default("interp")
    sinscl: float = default("sinscl")
    stepsize: int | None = default("stepsize")
    tolerance: float = default("tolerance")

    def __post_init__(self) -> None:
        parse_fields(self, TABLE)


@dataclass(frozen=True)
class Recipe:
    """How a blot's pixels are made, validated; the names and meanings are those of `TABLE`."""

    coeffs: bool = default("coeffs")
    interp: str = default("interp")
    sinscl: float = default("sinscl")
    stepsize: int | None = default("stepsize")
    tolerance: float = default("tolerance")
    fill_value: str | float = default("fill_value")
    wcs_key: str = default("wcs_key")
    addsky: bool = default("addsky")
    skyval: float = default("skyval")
    in_units: str = default("in_units")
    out_units: str = default("out_units")
    expkey: str = default("expkey")
    expout: str | float = default("expout")
    pixel_area: str = default("pixel_area")
    photmjsr: float | None = default("photmjsr")
    as_is: bool = default("as_is")
    user_wcs: UserWCS = field(default_factory=UserWCS)

    def __post_init__(self) -> None:
        parse_fields(self, TABLE)

    @property
    def sampling(self) -> Sampling:
        """Where the source is looked up, and how."""
        return Sampling(self.interp, self.sinscl, self.stepsize, self.tolerance)

    @classmethod
    def from_values(cls, values: Mapping[str, Any] | None = None) -> "Recipe":
        """Validate a flat mapping of names to values; missing names take their defaults.

        Raises
        ------
        ParameterError
            For an unknown name or a value that is not allowed.
        """
        return cls().override(values or {})

    def override(self, values: Mapping[str, Any]) -> "Recipe":
        """Return a copy with some values replaced, after validating them."""
        in_user_wcs = {name: parameter(name).section == USER_WCS_SECTION for name in values}
        user = replace(
            self.user_wcs, **{name: value for name, value in values.items() if in_user_wcs[name]}
        )
        return replace(
            self,
            user_wcs=user,
            **{name: value for name, value in values.items() if not in_user_wcs[name]},
        )

    @property
    def interpolant(self) -> "Interpolant":
        """What gives values between the source's pixels."""
        return interpolant(self.interp, self.sinscl)

    def _repr_html_(self) -> str:
        """What notebooks show: names, values, defaults and meanings."""
        meant = {row.name: row for row in TABLE}
        return html_rows(
            [
                {
                    "parameter": name,
                    "value": "" if value is None else str(value),
                    "default": "" if meant[name].default is None else str(meant[name].default),
                    "meaning": meant[name].help,
                }
                for name, value in self.items()
            ]
        )

    def items(self) -> Iterator[tuple[str, Any]]:
        """Names and values in the order of the table."""
        for row in TABLE:
            yield (
                row.name,
                getattr(self.user_wcs if row.section == USER_WCS_SECTION else self, row.name),
            )


#: What a `Recipe` was called.
Parameters = Recipe


def parse_fields(values: Any, rows: Iterable[Parameter]) -> None:
    """Give the fields of a frozen set of values the types that their rows of the table say."""
    by_name = {row.name: row for row in rows}
    for item in fields(values):
        if item.name in by_name:
            object.__setattr__(
                values, item.name, by_name[item.name].parse(getattr(values, item.name))
            )


def yes_or_no(name: str, value: Any) -> bool:
    """Return a switch as a bool, or raise a `ParameterError` that names it."""
    return bool(Parameter(name, "bool", False, "").parse(value))


def parameter(name: str) -> Parameter:
    """Return the row called `name`, or raise a `ParameterError` with the closest name."""
    if name not in BY_NAME:
        raise unknown(name, BY_NAME)
    return BY_NAME[name]


def unknown(name: str, names: Iterable[str]) -> ParameterError:
    """Return the error for a parameter that is none, with the closest name, or all of them."""
    known = list(names)
    hint = closest(name, known) or f"; expected one of {', '.join(known)}"
    return ParameterError(f"unknown parameter {name!r}{hint}")
