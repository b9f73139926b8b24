"""Ctrl-C, SIGTERM and SIGHUP, told to the program in one way."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

#: What asks a process to end, at a prompt, from another process, or by closing its terminal.
_SIGNALS = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
#: Seconds after SIGTERM or SIGHUP when a process ends, wherever it is.
_GRACE = 0.5
INTERRUPTED = 130


class Interruption:
    """What the first of the signals does; more of them would only disturb the tidying up.

    It raises a `KeyboardInterrupt` at once, or, when `gentle`, at the next `check`: raised anywhere
    while other threads work, it can leave a lock closed that they wait for.
    """

    gentle = False
    _told = _due = False

    def __init__(self) -> None:
        self._over = threading.Event()

    def __call__(self, number: int, *_: Any) -> None:
        """The handler of the signal, as soon as the main thread is between two steps of Python."""
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
    def watched(self) -> Iterator[None]:
        """Hear of signals at once in a thread, whatever the main thread is doing or waiting for."""
        from ..io.atomic import remove_temporaries

        heard, told = socket.socketpair()
        told.setblocking(False)
        watcher = threading.Thread(
            target=self._watch, args=(heard, remove_temporaries), daemon=True
        )
        before = signal.set_wakeup_fd(told.fileno(), warn_on_full_buffer=False)
        watcher.start()
        try:
            yield
        finally:
            self._over.set()
            signal.set_wakeup_fd(before)
            told.close()
            watcher.join()
            heard.close()

    def _watch(self, heard: socket.socket, remove_temporaries: Callable[[], None]) -> None:
        """End the process in time after SIGTERM or SIGHUP, unless it ends by itself."""
        while number := heard.recv(1):
            if number[0] in _SIGNALS and number[0] != signal.SIGINT:
                break
        if not number or self._over.wait(_GRACE):
            return
        remove_temporaries()
        with suppress(OSError):
            os.write(2, b"skyblot: interrupted\n")
        os._exit(INTERRUPTED)


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Turn the first Ctrl-C, SIGTERM or SIGHUP into a `KeyboardInterrupt`; others end the process.

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
        with interrupt.watched():
            yield interrupt
    finally:
        for number in ours:
            signal.signal(number, before[number])
