"""The rest of the one table: how pixels are judged, what is written, and how a run goes on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from .mosaic import DRIZZLE, GRID, MATCH, WRITING
from .row import Parameter
from .rules import DEFAULT, RULES, defaults_text, help_text
from .table import TABLE, Recipe, default, parse_fields, unknown

#: What SWarp's WEIGHT_SUFFIX is by default: it stands for .fits in an exposure's name.
WEIGHT_SUFFIX = ".weight.fits"
#: The background that is measured as a map.
BACKGROUND_MAP = "map"
_LARGEST_GROW = 50
JUDGING = "What is a cosmic ray"
OUTPUT = "Output"
RUNNING = "Many exposures"


def _criterion(name: str, kind: str, default: Any, help: str, **more: Any) -> Parameter:
    return Parameter(name, kind, default, help, JUDGING, **more)


def _product(
    name: str, help: str, kind: str = "flag", default: Any = False, **more: Any
) -> Parameter:
    return Parameter(name, kind, default, help, OUTPUT, **more)


def _run(name: str, help: str, kind: str = "flag", default: Any = False, **more: Any) -> Parameter:
    return Parameter(name, kind, default, help, RUNNING, **more)


CRITERIA: tuple[Parameter, ...] = (
    _criterion(
        "rule",
        "text",
        DEFAULT,
        f"How pixels are judged; {help_text()}.",
        choices=RULES,
        words=" or ".join(RULES),
        shown=f"default {DEFAULT}",
    ),
    _criterion(
        "snr",
        "seed and member",
        None,
        "Thresholds in sigma, the higher one first.",
        metavar="SEED MEMBER",
        words="two numbers above 0, first that of the seed, which is not below the other",
        shown=defaults_text("snr"),
    ),
    _criterion(
        "scale",
        "pair",
        None,
        "What the blot's structure is multiplied by.",
        metavar="X X",
        words="two numbers, at least 0",
        shown=defaults_text("scale"),
    ),
    _criterion(
        "exposures",
        "integer",
        None,
        "Exposures in SOURCE, for the rule plain; by default NCOMBINE, or those named.",
        minimum=1,
        words="a whole number, at least 1",
    ),
    _criterion(
        "grow",
        "number",
        0.0,
        "Reject all within so many pixels of bad ones too.",
        minimum=0,
        maximum=_LARGEST_GROW,
        words=f"a radius of 0 to {_LARGEST_GROW} pixels",
        shown="default 0",
    ),
    _criterion(
        "cte_tail",
        "integer",
        0,
        "Length of tails of charge.",
        minimum=0,
        words="a whole number of pixels, at least 0",
        shown="pixels; default 0",
    ),
    _criterion(
        "cte_direction",
        "sign",
        1,
        "Where tails run, to larger or to smaller y; by default away from the amplifier.",
        words="1 or -1",
        python=True,
    ),
    _criterion(
        "background",
        "number or map",
        None,
        "What the exposure has more than the blot: a number, or map: a smooth map. By default a "
        "number is measured.",
        metavar="X|map",
        words="a finite number, or 'map'",
    ),
    _criterion(
        "flux_ratio",
        "number or fit",
        None,
        "How bright the exposure's sources are in terms of the blot's: a number, or fit: what is "
        "measured.",
        metavar="X|fit",
        words="a number above 0, or 'fit'",
    ),
)

PLANES: tuple[Parameter, ...] = (
    _criterion(
        "gain",
        "any",
        None,
        "Electrons per unit of the exposures; by default that of their headers.",
        words="a number above 0",
    ),
    _criterion(
        "read_noise",
        "any",
        None,
        "Make the noise of it, instead of reading it from ERR.",
        shown="electrons",
        words="a number, at least 0",
    ),
    _criterion(
        "err",
        "any",
        None,
        "Files of errors, * for the exposure's name: '*_err.fits'.",
        metavar="PATTERN",
        words="names of files",
    ),
    _criterion(
        "dq",
        "any",
        None,
        "Files of flags, 0 for good pixels: '*_dq.fits', '*.fits[MASK]'.",
        metavar="PATTERN",
        words="names of files",
    ),
    _criterion(
        "weight_suffix",
        "any",
        WEIGHT_SUFFIX,
        "Files of weights beside EXPOSURE, for .fits in its name.",
        metavar="SUFFIX",
        shown=f"default {WEIGHT_SUFFIX}",
        words="the end of a FITS file's name",
    ),
)

MASKS: tuple[Parameter, ...] = (
    _product("save_blots", "Write the blots too, <root>_sci<N>_blt.fits."),
    _product(
        "update_dq",
        "Write a copy of EXPOSURE with flags set in DQ, flags alone where it has none, "
        "<root>_crdq.fits (JWST: _crf).",
    ),
    _product("clean", "Write a copy with the blot in bad pixels, <root>_crclean.fits."),
    _product("keep_name", "Give the copy EXPOSURE's own name, in another folder (--output-dir)."),
    _product(
        "one_file",
        "Write the masks of all chips to <root>_crmask.fits; by default of several chips that are "
        "not SCI.",
        "bool",
        None,
    ),
    _product(
        "pictures",
        "How each mask is pictured, for a page.",
        "any",
        None,
        words="Pictures",
        python=True,
    ),
)

BLOTS: tuple[Parameter, ...] = (
    _product("errors", "Carry the errors of SOURCE over too, its ERR, into an ERR extension."),
)

RUN: tuple[Parameter, ...] = (
    _product("overwrite", "Replace existing outputs."),
    _product("compress", "Compress the pixels of blots without loss: .fits.fz, or zlib in .asdf."),
    _product(
        "force",
        "Take an exposure as SOURCE, a mosaic in place of an exposure, or one file as both.",
    ),
    _run("resume", "Keep what was made from the same inputs and parameters; make the rest."),
    _run("fail_fast", "Stop at the first exposure that fails."),
    _run(
        "memory",
        "Memory to use, about: 8G, 500M; by default half of what is free.",
        "any",
        None,
        metavar="SIZE",
        words="bytes, or a size of at least 64M",
    ),
    _run(
        "threads",
        "Threads to use; by default the available cores.",
        "any",
        None,
        metavar="N",
        words="a whole number, at least 1",
    ),
    _run(
        "client",
        "Work on the Dask cluster at ADDRESS; 'local' starts one here.",
        "any",
        None,
        metavar="ADDRESS",
        flag="--dask",
        words="an address, 'local', or a distributed.Client",
    ),
    _run("progress", "Show a progress bar.", python=True),
)

#: What parameters belong to.
HOMES: dict[str, tuple[Parameter, ...]] = {
    "recipe": TABLE,
    "criteria": CRITERIA,
    "planes": PLANES,
    "masks": MASKS,
    "blots": BLOTS,
    "options": RUN,
    "grid": GRID,
    "match": MATCH,
    "drizzle": DRIZZLE,
    "writing": WRITING,
}


@dataclass(frozen=True)
class RunOptions:
    """How a run goes on: what it may use, replace and keep, and where it works.

    Attributes
    ----------
    threads : int, optional
        By default the cores this process may use.
    memory : int or str, optional
        About how much memory to use: bytes, or a size such as ``"8G"``. By default half of what is
        free.
    overwrite : bool
        Replace existing outputs; without it they are an error.
    resume : bool
        Keep what is there and was made from the same inputs with the same parameters; make the
        rest.
    compress : bool
        Compress the pixels of blots without loss: tile-compressed FITS, or ASDF with zlib.
    force : bool
        Take an exposure as the mosaic, a mosaic as an exposure, or one file as both.
    fail_fast : bool
        Stop at the first exposure that fails, instead of going on with the others.
    client : distributed.Client or str, optional
        Work on a Dask cluster: a client, the address of a scheduler, or ``"local"`` for a cluster
        of this machine's cores. `memory` is then each worker's, and `threads` each exposure's; for
        ``"local"``, all workers' together.
    progress : bool
        Show a progress bar, on a terminal or in a notebook.
    """

    threads: int | None = default("threads", RUN)
    memory: int | str | None = default("memory", RUN)
    overwrite: bool = default("overwrite", RUN)
    resume: bool = default("resume", RUN)
    compress: bool = default("compress", RUN)
    force: bool = default("force", RUN)
    fail_fast: bool = default("fail_fast", RUN)
    client: Any = None
    progress: bool = default("progress", RUN)

    def __post_init__(self) -> None:
        parse_fields(self, RUN)

    @property
    def replaces(self) -> bool:
        """Whether existing outputs may be replaced."""
        return self.overwrite or self.resume

    def override(self, values: Mapping[str, Any]) -> Self:
        """Return the same with some values replaced."""
        return replace(self, **values)


def given_values(values: Mapping[str, Any], homes: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Sort single values by what they belong to.

    Raises
    ------
    ParameterError
        For a name that is in none of the homes, with the closest that is.
    """
    found: dict[str, dict[str, Any]] = {home: {} for home in homes}
    owners = {row.name: home for home in homes for row in HOMES[home]}
    for name, value in values.items():
        if name == "parameters" and isinstance(value, Recipe | None):  # what a recipe was called
            found["recipe"] = {
                **dict(value.items() if value is not None else {}),
                **found["recipe"],
            }
            continue
        if name not in owners:
            raise unknown(name, owners)
        found[owners[name]][name] = value
    return found
