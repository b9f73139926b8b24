"""The mosaic that is to be made: its pixels on the sky, its unit, and what its headers say."""

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from ..headers.facts import DETECTOR, INSTRUMENT, TELESCOPE, Facts
from ..headers.units import rate_of
from ..io.image import Plane, Role
from ..pixelmap.linear import pixel_scale

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
        facts: Facts,
        chips: tuple[tuple[int, int], ...] = (),
    ) -> "Frame":
        """Return a frame for exposures whose headers are as those of one of them."""
        words = {}
        for fact in (TELESCOPE, INSTRUMENT, DETECTOR):
            keyword, value = facts.first(fact)
            if value is not None:
                words[keyword] = value
        # an exposure without a unit is taken for one in counts
        bunit = rate_of(facts.bunit) if facts.bunit else "COUNTS/S"
        return cls(wcs, shape, bunit, words, chips)

    @cached_property
    def scale(self) -> float:
        """Pixel scale, arcsec."""
        return pixel_scale(self.wcs)

    @property
    def facts(self) -> Facts:
        """What the headers of the mosaic say of units."""
        extension = {"BUNIT": self.bunit} if self.bunit else {}
        return Facts("the stack", extension, self.identity, frozenset({"WHT"}))


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
