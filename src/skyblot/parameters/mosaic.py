"""The part of the one table about a mosaic of exposures: its grid, its sky, how it is made."""

from dataclasses import dataclass
from typing import Any

from ..errors import ParameterError, not_allowed
from .row import Parameter
from .table import default, parse_fields

GRID_SECTION = "Grid of the mosaic"
MATCHING = "Exposures to each other"
DRIZZLING = "Mosaic"


def _grid(name: str, kind: str, help: str, **more: Any) -> Parameter:
    return Parameter(name, kind, None, help, GRID_SECTION, **more)


def _match(name: str, kind: str, default: Any, help: str, **more: Any) -> Parameter:
    return Parameter(name, kind, default, help, MATCHING, **more)


def _mosaic(name: str, kind: str, default: Any, help: str, **more: Any) -> Parameter:
    return Parameter(name, kind, default, help, DRIZZLING, **more)


GRID: tuple[Parameter, ...] = (
    _grid(
        "scale",
        "number",
        "Pixel scale; by default the exposures' own.",
        minimum=1e-6,
        unit="arcsec",
        words="arcsec above 0",
    ),
    _grid(
        "rotation",
        "number",
        "Position angle of the y axis, 0: north up; by default the exposures' mean.",
        unit="degree",
        words="degrees",
    ),
    _grid(
        "size",
        "any",
        "Width and height; by default around all exposures.",
        metavar="NX,NY",
        words="two whole numbers, width and height",
    ),
    _grid(
        "centre",
        "any",
        "Sky position of the middle, '10h00m30s +02d12m' or degrees.",
        metavar="POSITION",
        words="a position on the sky",
    ),
    _grid(
        "like",
        "any",
        "Take the pixels of this mosaic, exactly.",
        metavar="FILE",
        words="the name of a mosaic",
    ),
)

MATCH: tuple[Parameter, ...] = (
    _match(
        "sky",
        "text",
        "match",
        "Sky of each chip: from overlaps, each by itself, none, or a plane from overlaps.",
        choices=("match", "local", "none", "plane"),
        words="match, local, plane or none",
    ),
    _match(
        "shift",
        "text",
        "none",
        "Apply the shifts that are measured: none, or fit (x and y of each exposure).",
        choices=("none", "fit"),
        words="none or fit",
    ),
    _match(
        "passes",
        "integer",
        2,
        "Judge exposures by the stack of all (1), or by the mean of the others (2).",
        minimum=1,
        maximum=2,
        words="1 or 2",
    ),
    _match(
        "single",
        "text",
        "none",
        "What one exposure alone covers: left alone (none), or by L.A.Cosmic (needs astroscrappy).",
        choices=("none", "lacosmic"),
        words="none or lacosmic",
    ),
)

DRIZZLE: tuple[Parameter, ...] = (
    _mosaic(
        "kernel",
        "text",
        "square",
        "How pixels are dropped onto the mosaic: exactly, as upright squares, or as points.",
        choices=("square", "turbo", "point"),
        words="square, turbo or point",
    ),
    _mosaic(
        "pixfrac",
        "number",
        1.0,
        "Size of a drop in pixels of the exposure.",
        minimum=0.01,
        maximum=1.0,
        words="a number from 0.01 to 1",
    ),
    _mosaic(
        "weight",
        "text",
        None,
        "What pixels count: exposure time, inverse variance of the sky, or of each pixel's error; "
        "by default as the instrument's pipeline.",
        choices=("exptime", "ivm", "err"),
        words="exptime, ivm or err",
    ),
)

WRITING: tuple[Parameter, ...] = (
    Parameter(
        "name",
        "any",
        None,
        "First part of the names of mosaic and table; by default the target's.",
        "Output",
        metavar="NAME",
        words="the first part of a file's name",
    ),
    Parameter(
        "mosaic", "bool", True, "Write the mosaic, NAME_drz.fits or NAME_drc.fits.", "Output"
    ),
    Parameter("save_median", "flag", False, "Write the stack too, NAME_med.fits.", "Output"),
    Parameter(
        "objects", "flag", False, "Write a list of what was rejected, NAME_objects.csv.", "Output"
    ),
)


def check_like(like: Any, **wishes: Any) -> None:
    """Refuse wishes for a grid beside a mosaic whose pixels are taken.

    Raises
    ------
    ParameterError
    """
    others = " and ".join(name for name, value in wishes.items() if value is not None)
    if like is not None and others:
        raise ParameterError(f"like is given beside {others}: expected one of them")


@dataclass(frozen=True)
class Grid:
    """The pixels of a mosaic; names and meanings are those of the table.

    Attributes
    ----------
    scale : float, optional
        Arcsec per pixel.
    rotation : float, optional
        Position angle of the y axis, degrees.
    size : (int, int), optional
        Width and height, pixels.
    centre : optional
        Sky position of the middle.
    like : path, optional
        A mosaic whose pixels are taken.
    """

    scale: float | None = None
    rotation: float | None = None
    size: Any = None
    centre: Any = None
    like: Any = None

    def __post_init__(self) -> None:
        parse_fields(self, GRID)
        if isinstance(self.size, str):  # as on the command line
            sides = self.size.replace("x", ",").split(",")
            numbers = tuple(int(side) if side.strip().isdigit() else side for side in sides)
            object.__setattr__(self, "size", numbers)
        check_like(**vars(self))


@dataclass(frozen=True)
class Matching:
    """How exposures are brought together and judged; names and meanings are those of the table."""

    sky: str = default("sky", MATCH)
    shift: str = default("shift", MATCH)
    passes: int = default("passes", MATCH)
    single: str = default("single", MATCH)

    def __post_init__(self) -> None:
        parse_fields(self, MATCH)


@dataclass(frozen=True)
class Drizzling:
    """How a mosaic is drizzled; names and meanings are those of the table."""

    kernel: str = default("kernel", DRIZZLE)
    pixfrac: float = default("pixfrac", DRIZZLE)
    weight: str | None = None

    def __post_init__(self) -> None:
        parse_fields(self, DRIZZLE)


@dataclass(frozen=True)
class Writing:
    """What is written beside masks; names and meanings are those of the table."""

    name: str | None = None
    mosaic: bool = default("mosaic", WRITING)
    save_median: bool = default("save_median", WRITING)
    objects: bool = default("objects", WRITING)

    def __post_init__(self) -> None:
        parse_fields(self, WRITING)
        if self.name is not None and (not self.name or "/" in str(self.name)):
            raise not_allowed(
                "name", self.name, "the first part of a file's name, without a folder"
            )
