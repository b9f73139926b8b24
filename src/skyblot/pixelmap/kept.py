"""Parts of a pixel map that are made when they are needed, and kept while there is room."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

#: Parts that are kept however large they are: bands of several threads lie on both sides of a
#: border.
LEAST = 2


class _Sized(Protocol):
    @property
    def nbytes(self) -> int: ...


Part = TypeVar("Part", bound=_Sized)


class Kept(Generic[Part]):
    """The parts of something by their number; safe to use from several threads at once.

    One part is made at a time, so that making takes the memory of one; who needs another that is
    there does not wait.

    Parameters
    ----------
    make : callable
        Makes the part of a number: the same, whenever it is called.
    room : int
        Bytes that parts may take; those that were not used for the longest time go first.
    """

    def __init__(self, make: Callable[[int], Part], room: int) -> None:
        self._make = make
        self._room = room
        self._parts: OrderedDict[int, Part] = OrderedDict()
        self._looking = threading.Lock()
        self._making = threading.Lock()

    def __getitem__(self, number: int) -> Part:
        found = self._found(number)
        if found is not None:
            return found
        with self._making:
            found = self._found(number)  # another thread may have made it meanwhile
            if found is None:
                found = self._make(number)
                self._add(number, found)
        return found

    def _found(self, number: int) -> Part | None:
        with self._looking:
            if number in self._parts:
                self._parts.move_to_end(number)
            return self._parts.get(number)

    def _add(self, number: int, part: Part) -> None:
        with self._looking:
            self._parts[number] = part
            while (
                len(self._parts) > LEAST
                and sum(each.nbytes for each in self._parts.values()) > self._room
            ):
                self._parts.popitem(last=False)
