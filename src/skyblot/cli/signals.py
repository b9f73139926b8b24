"""Ctrl-C and SIGTERM, told to the program in one way."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Interruption:
    """What the first Ctrl-C or SIGTERM does; more of them would only disturb the tidying up.

    It raises a `KeyboardInterrupt` at once, or, when `gentle`, at the next `check`: raised anywhere while other threads
    work, it can leave a lock closed that they wait for.
    """

    gentle = False
    _told = _due = False

    def __call__(self, *_: Any) -> None:
        """The handler of the signal."""
        if self._told:
            return
        self._told = True
        if not self.gentle:
            raise KeyboardInterrupt
        self._due = True

    def check(self) -> None:
        """Raise what is due."""
        if self._due:
            self._due = False
            raise KeyboardInterrupt


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Turn the first Ctrl-C or SIGTERM into a `KeyboardInterrupt`.

    A signal that this process was started to ignore, as ``nohup`` and scripts do it, stays ignored.
    """
    interrupt = Interruption()
    if threading.current_thread() is not threading.main_thread():  # others cannot have handlers
        yield interrupt
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    ours = [number for number, handler in before.items() if handler not in (signal.SIG_IGN, None)]
    try:
        for number in ours:
            signal.signal(number, interrupt)
        yield interrupt
    finally:
        for number in ours:
            signal.signal(number, before[number])
