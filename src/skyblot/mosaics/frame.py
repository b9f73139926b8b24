"""The mosaic that is to be made: its pixels on the sky, its unit, and what its headers say."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ..headers.facts import BRIGHTNESS_OF_DN, DETECTOR, INSTRUMENT, TELESCOPE, Facts, number
from ..headers.units import rate_of, same_unit
from ..io.image import Plane, Role
from ..pixelmap.linear import pixel_scale

#: What pipelines give mosaics of exposures in DN/s.
_BRIGHTNESS_UNIT = "MJy/sr"
#: What the header of a mosaic that is not written yet would say.
_MADE = Role("mosaic", "made of these exposures")


@dataclass(frozen=True)
class Frame:
    """The mosaic's pixels and its unit.

    Attributes
    ----------
    wcs : astropy.wcs.WCS
        Undistorted.
    shape : tuple of int
        (ny, nx).
    bunit : str
        That of the exposures; of counts their rate.
    identity : mapping
        Telescope, instrument and detector, by their keywords.
    chips : tuple of (int, int)
        Shapes of the chips, (ny, nx).
    """

    wcs: Any
    shape: tuple[int, int]
    bunit: str
    identity: dict[str, Any]
    chips: tuple[tuple[int, int], ...] = ()

    @classmethod
    def like(
        cls,
        wcs: Any,
        shape: tuple[int, int],
        facts: Sequence[Facts],
        chips: tuple[tuple[int, int], ...] = (),
    ) -> "Frame":
        """Return a frame for chips with these headers; the first says what it is a mosaic of."""
        words = {}
        for fact in (TELESCOPE, INSTRUMENT, DETECTOR):
            keyword, value = facts[0].first(fact)
            if value is not None:
                words[keyword] = value
        return cls(wcs, shape, unit_for(facts), words, chips)

    def __getstate__(self) -> dict[str, Any]:
        """What goes to other processes: a WCS goes as text there, and its numbers beside it."""
        return {**vars(self), "numbers": _numbers(self.wcs.wcs)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        numbers = state.pop("numbers")
        for name, exact in numbers.items():
            setattr(state["wcs"].wcs, name, exact)
        vars(self).update(state)

    @cached_property
    def scale(self) -> float:
        """Pixel scale, arcsec."""
        return pixel_scale(self.wcs)

    @property
    def facts(self) -> Facts:
        """What the headers of the mosaic say of units."""
        extension = {"BUNIT": self.bunit} if self.bunit else {}
        return Facts("the stack", extension, self.identity, frozenset({"WHT"}))


def _numbers(projection: Any) -> dict[str, Any]:
    """The numbers of a WCS of which its text has some digits less."""
    return {
        "crpix": projection.crpix.copy(),
        "crval": projection.crval.copy(),
        "cdelt": projection.get_cdelt().copy(),
        "pc": projection.get_pc().copy(),
    }


def unit_for(facts: Sequence[Facts]) -> str:
    """Return the unit of a mosaic of chips: MJy/sr, if all are in DN and tell how much 1 DN/s is.

    Else it is that of the first, of counts their rate; an exposure without a unit is taken for one
    in counts.
    """
    if all(_tells_brightness(chip) for chip in facts):
        return _BRIGHTNESS_UNIT
    bunit = facts[0].bunit
    return rate_of(bunit) if bunit else "COUNTS/S"


def _tells_brightness(facts: Facts) -> bool:
    """Whether an exposure is in DN, or DN/s, of a surface brightness that is known."""
    brightness = number(facts.first(BRIGHTNESS_OF_DN)[1])
    return same_unit(rate_of(facts.bunit), "DN/s") and brightness is not None and brightness > 0


@dataclass(frozen=True)
class StackImage:
    """A mosaic in memory, as an image that is blotted: what `skyblot.io.images.Image` asks for.

    Attributes
    ----------
    frame : Frame
    data : array-like, shape (ny, nx)
    files : tuple of path
        The exposures that it was made of.
    path : Path
        What it would be called.
    """

    frame: Frame
    data: Any
    files: tuple[Any, ...]
    path: Path = Path("stack")
    name: str = "the stack"
    extension: str = ""
    number: int | None = None
    choices: int = 1
    record: dict[str, Any] = field(default_factory=dict)
    stated: Role = _MADE
    takes_flags: bool = False

    @property
    def facts(self) -> Facts:
        """Of its unit and its instrument."""
        return self.frame.facts

    @property
    def shape(self) -> tuple[int, int]:
        """(ny, nx)."""
        return self.frame.shape

    def as_reference(self, wcs_key: str = "") -> "StackImage":
        """Return the image itself: there is no other WCS."""
        return self

    def pixels(self) -> Any:
        """Return the pixels."""
        return self.data

    def wcs(self) -> Any:
        """Return the WCS."""
        return self.frame.wcs

    def header_offset(self, exact: Any) -> float | None:
        """Return None: it has no header."""
        return None

    def whole_wcs_header(self) -> Any:
        """Return the header of its WCS."""
        return self.frame.wcs.to_header(relax=True)

    def plane(self, fact: Any) -> Plane | None:
        """Return None: errors and flags are not looked for."""
        return None

    def plane_pixels(self, plane: Plane) -> Any:
        """Return nothing: there are no planes."""
        raise NotImplementedError

    def weights(self) -> None:
        """Return None: pixels that are not covered are NaN."""
        return
