"""Masks as bits: an eighth of what they take as booleans, for the masks of a whole run."""

from dataclasses import dataclass

import numpy as np

from ..bounds import Bounds


@dataclass(frozen=True)
class Bits:
    """A mask of shape (ny, nx), each row packed into bytes.

    Examples
    --------
    >>> mask = np.eye(3, 10, dtype=bool)
    >>> packed = Bits.of(mask)
    >>> packed.nbytes, (packed.within(Bounds(1, 3, 0, 2)) == mask[1:3, 0:2]).all()
    (6, np.True_)
    """

    packed: np.ndarray
    shape: tuple[int, int]

    @classmethod
    def of(cls, mask: np.ndarray) -> "Bits":
        """Pack a mask."""
        ny, nx = mask.shape
        return cls(np.packbits(mask, axis=1), (ny, nx))

    @classmethod
    def none(cls, shape: tuple[int, int]) -> "Bits":
        """Return a mask of nothing."""
        return cls(np.zeros((shape[0], -(-shape[1] // 8)), np.uint8), shape)

    @property
    def nbytes(self) -> int:
        """What it takes."""
        return self.packed.nbytes

    def whole(self) -> np.ndarray:
        """Return the mask as booleans."""
        return self.within(Bounds.whole(self.shape))

    def within(self, bounds: Bounds) -> np.ndarray:
        """Return a part of the mask as booleans."""
        first = bounds.x0 // 8
        rows = self.packed[bounds.y0 : bounds.y1, first : -(-bounds.x1 // 8)]
        bits = np.unpackbits(rows, axis=1).view(np.bool_)
        return bits[:, bounds.x0 - 8 * first : bounds.x1 - 8 * first]
