"""A rectangle of pixels: rows and columns, half-open."""

from typing import NamedTuple


class Bounds(NamedTuple):
    """Rows `y0` to `y1` and columns `x0` to `x1`, without the ends, in pixels counted from 0.

    Examples
    --------
    >>> window = Bounds(10, 20, 0, 50)
    >>> window.shape, window.area
    ((10, 50), 500)
    >>> window.overlap(Bounds(15, 40, 30, 90))
    Bounds(y0=15, y1=20, x0=30, x1=50)
    """

    y0: int
    y1: int
    x0: int
    x1: int

    @classmethod
    def whole(cls, shape: tuple[int, ...]) -> "Bounds":
        """Return the bounds of an image of shape (ny, nx)."""
        ny, nx = shape
        return cls(0, ny, 0, nx)

    @classmethod
    def of_slices(cls, slices: tuple[slice, slice], shape: tuple[int, int]) -> "Bounds":
        """Return what two slices without steps cut out of an image of shape (ny, nx)."""
        y0, y1, _ = slices[0].indices(shape[0])
        x0, x1, _ = slices[1].indices(shape[1])
        return cls(y0, max(y0, y1), x0, max(x0, x1))

    @property
    def shape(self) -> tuple[int, int]:
        """(ny, nx)."""
        return self.y1 - self.y0, self.x1 - self.x0

    @property
    def origin(self) -> tuple[int, int]:
        """The first row and the first column."""
        return self.y0, self.x0

    @property
    def area(self) -> int:
        """How many pixels there are; 0 where the bounds are those of nothing."""
        return max(self.y1 - self.y0, 0) * max(self.x1 - self.x0, 0)

    @property
    def slices(self) -> tuple[slice, slice]:
        """What cuts these pixels out of an image."""
        return slice(self.y0, self.y1), slice(self.x0, self.x1)

    def shifted(self, dy: int, dx: int) -> "Bounds":
        """Return the bounds moved by whole pixels."""
        return Bounds(self.y0 + dy, self.y1 + dy, self.x0 + dx, self.x1 + dx)

    def within(self, other: "Bounds") -> "Bounds":
        """Return these bounds in pixels counted from the first one of `other`."""
        return self.shifted(-other.y0, -other.x0)

    def grown(self, margin: int) -> "Bounds":
        """Return the bounds with so many pixels more on each side."""
        return Bounds(self.y0 - margin, self.y1 + margin, self.x0 - margin, self.x1 + margin)

    def overlap(self, other: "Bounds") -> "Bounds":
        """Return the bounds of the pixels that both have, `EMPTY` where there are none."""
        common = Bounds(
            max(self.y0, other.y0),
            min(self.y1, other.y1),
            max(self.x0, other.x0),
            min(self.x1, other.x1),
        )
        return common if common.y0 < common.y1 and common.x0 < common.x1 else EMPTY

    def union(self, other: "Bounds") -> "Bounds":
        """Return the bounds around both; those of nothing do not count."""
        if self.area == 0 or other.area == 0:
            return self if other.area == 0 else other
        return Bounds(
            min(self.y0, other.y0),
            max(self.y1, other.y1),
            min(self.x0, other.x0),
            max(self.x1, other.x1),
        )

    def without(self, hole: "Bounds") -> list["Bounds"]:
        """Return what is left around a hole: the rows before and after it, then its sides."""
        if hole.area == 0:
            return [self]
        parts = [
            Bounds(self.y0, hole.y0, self.x0, self.x1),
            Bounds(hole.y1, self.y1, self.x0, self.x1),
            Bounds(hole.y0, hole.y1, self.x0, hole.x0),
            Bounds(hole.y0, hole.y1, hole.x1, self.x1),
        ]
        return [part for part in parts if part.area]


#: The bounds of nothing.
EMPTY = Bounds(0, 0, 0, 0)
