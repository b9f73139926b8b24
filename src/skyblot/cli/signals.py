"""Ctrl-C, SIGTERM and SIGHUP, told to the program in one way."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

#: What asks a process to end, at a prompt, from another process, or by closing its terminal.
_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
#: Seconds after SIGTERM or SIGHUP when a process ends, wherever it is.
_GRACE = 0.8
INTERRUPTED = 130


class Interruption:
    """What the first of the signals does; more of them would only disturb the tidying up.

    It raises a `KeyboardInterrupt` at once, or, when `gentle`, at the next `check`: raised anywhere while other threads
    work, it can leave a lock closed that they wait for.
    """

    gentle = False
    _told = _due = _ending = False

    def __init__(self) -> None:
        self._over = threading.Event()

    def __call__(self, number: int, *_: Any) -> None:
        """The handler of the signal."""
        if number != signal.SIGINT and not self._ending:
            self._ending = True
            threading.Thread(target=self._end, daemon=True).start()
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

    def over(self) -> None:
        """Nothing is left to be interrupted."""
        self._over.set()

    def _end(self) -> None:
        """End the process in time, unless it has come to its end by itself."""
        from ..io.atomic import remove_temporaries

        if self._over.wait(_GRACE):
            return
        remove_temporaries()
        with suppress(OSError):
            os.write(2, b"skyblot: interrupted\n")
        os._exit(INTERRUPTED)


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Turn the first Ctrl-C, SIGTERM or SIGHUP into a `KeyboardInterrupt`; after the others the process ends soon.

    A signal that this process was started to ignore, as ``nohup`` and scripts do it, stays ignored.
    """
    interrupt = Interruption()
    if threading.current_thread() is not threading.main_thread():  # others cannot have handlers
        yield interrupt
        return
    before = {number: signal.getsignal(number) for number in _SIGNALS}
    ours = [number for number, handler in before.items() if handler not in (signal.SIG_IGN, None)]
    try:
        for number in ours:
            signal.signal(number, interrupt)
        yield interrupt
    finally:
        interrupt.over()
        for number in ours:
            signal.signal(number, before[number])
