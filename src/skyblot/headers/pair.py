"""A mosaic and the image that it is blotted onto, and the units of both."""

from collections.abc import Callable
from dataclasses import dataclass

from ..errors import warn
from ..parameters.table import Parameters
from .facts import COMBINATION, INSTRUMENT, Facts
from .ground import is_swarp
from .instruments import camera_of
from .units import COUNTS, RATE, same_unit, unit_kind

#: The kind of values that no factor is applied to.
UNCHANGED = "as they are"
#: Pixel scales that differ by more than this part are not the same.
_SAME_SCALE = 0.01


@dataclass(frozen=True)
class Pair:
    """A mosaic and the image that it is blotted onto.

    Attributes
    ----------
    source, reference : Facts
    scales : (float, float)
        Pixel scale of the source and undistorted pixel scale of the target, arcsec.
    compared : bool
        The blot is to be compared with the reference, pixel by pixel.
    tell : callable
        Takes the sentences on what was assumed.
    area : {"auto", "yes", "no"}
        Whether the source's values are flux per pixel; auto: its unit tells.
    """

    source: Facts
    reference: Facts
    scales: tuple[float, float] = (1.0, 1.0)
    compared: bool = False
    tell: Callable[..., None] = warn
    area: str = "auto"

    @property
    def area_ratio(self) -> float:
        """Pixel area of the target over that of the source."""
        return (self.scales[1] / self.scales[0]) ** 2

    @property
    def combination(self) -> str:
        """How a coadd was combined, empty for the sum of its exposures and for what is no coadd."""
        word = str(self.source.first(COMBINATION)[1] or "").strip().upper()
        return "" if word == "SUM" else word


@dataclass(frozen=True)
class Units:
    """The kinds of both units, their names, and whether BUNIT decides on them."""

    kinds: tuple[str, str]
    names: tuple[str, str]
    automatic: bool


def resolve_units(parameters: Parameters, pair: Pair) -> Units:
    """Return the units of both images: what the user says, BUNIT, or what is assumed and told."""
    source = pair.source.bunit or pair.source.presumed
    reference = pair.reference.bunit
    wishes = parameters.in_units, parameters.out_units
    kinds = unit_kind(source), unit_kind(reference)
    if source and not pair.source.bunit and wishes[0] == "auto":
        _assumed(pair, pair.source, source, "in_units")
    if wishes == ("auto", "auto"):
        if kinds == (None, None) and same_unit(source, reference):
            _tell_area(pair, "left as they are")
            return Units((UNCHANGED, UNCHANGED), (source, reference), automatic=True)
        _tell_gain(pair, kinds)
    coadd = wishes[0] == "auto" and not source and (bool(pair.combination) or is_swarp(pair.source))
    if coadd and wishes[1] == "auto" and not reference and is_swarp(pair.source):
        kinds = None, COUNTS  # whatever it is: SWarp's coadds are in the same
    out_kind = (
        wishes[1]
        if wishes[1] != "auto"
        else kinds[1] or _assumed(pair, pair.reference, COUNTS, "out_units")
    )
    if coadd:
        source = reference
        in_kind = out_kind
        if not is_swarp(pair.source):
            _assumed(pair, pair.source, f"{out_kind}, as {pair.reference.file} is", "in_units")
        _tell_area(pair, "scaled by the pixel area")
    elif wishes[0] == "auto":
        in_kind = kinds[0] or _assumed(pair, pair.source, RATE, "in_units")
        if kinds[0] is None:
            _tell_area(pair, "scaled by the pixel area")
    else:
        in_kind = wishes[0]
    name = source if wishes[0] == "auto" and source else in_kind
    wanted = reference if out_kind == kinds[1] else out_kind
    return Units((in_kind, out_kind), (name, wanted), automatic=wishes[0] == "auto")


def _assumed(pair: Pair, image: Facts, assumed: str, name: str) -> str:
    """The kind that is assumed of an image, which is told once for its file."""
    what = f"BUNIT = {image.bunit!r} is unknown" if image.bunit else "there is no BUNIT"
    option = name.replace("_", "-")
    pair.tell(
        f"{what}; taken as {assumed} (say --{option}, or {name}=, to choose)", subject=image.file
    )
    return assumed


def _tell_area(pair: Pair, done: str) -> None:
    """Say what is done about pixel areas that differ, where no unit tells, and nobody else."""
    if pair.area == "auto" and abs(pair.scales[0] / pair.scales[1] - 1) > _SAME_SCALE:
        source, target = pair.scales
        #: A coadd of SWarp's with FSCALASTRO_TYPE NONE, and one by `reproject`, keep the
        #: brightness of each pixel: `no`.
        pair.tell(
            "no unit tells whether its values are per pixel, and its pixels "
            f"({source:.4g} arcsec) are not as large as those of the blot ({target:.4g} "
            f"arcsec): values are {done} (--pixel-area yes or no)",
            subject=pair.source.file,
        )


def _tell_gain(pair: Pair, kinds: tuple[str | None, str | None]) -> None:
    if not set(kinds) <= {COUNTS, RATE}:
        return
    source = pair.source
    reference = pair.reference
    if {_base(source, reference), _base(reference, source)} == {"electrons", "data numbers"}:
        units = source.bunit, reference.bunit
        #: One is in electrons and one in DN: multiply the mosaic by the gain first, or live with
        #: the factor.
        pair.tell(
            f"{source.name} is in {units[0]} and {reference.name} in {units[1]}: the gain between "
            "them is not applied"
        )


def _base(image: Facts, other: Facts) -> str:
    """What an image counts: its own instrument tells it, or that of the image beside it."""
    word = image.bunit.lower()
    if word.startswith(("e", "photoe")):
        return "electrons"
    camera = camera_of(image if image.first(INSTRUMENT)[1] else other)
    known = word.startswith(("d", "a")) or (word.startswith("c") and camera.counts_are_dn)
    return "data numbers" if known else "counts"
