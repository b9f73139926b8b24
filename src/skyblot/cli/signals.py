"""Ctrl-C and SIGTERM, told to the program in one way."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn the first Ctrl-C or SIGTERM into a `KeyboardInterrupt`; more of them would only disturb the tidying up.

    A signal that this process was started to ignore, as ``nohup`` and scripts do it, stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():  # others cannot have handlers
        yield
        return
    told = False

    def interrupt(*_: Any) -> None:
        nonlocal told
        if not told:
            told = True
            raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    ours = [number for number, handler in before.items() if handler not in (signal.SIG_IGN, None)]
    try:
        for number in ours:
            signal.signal(number, interrupt)
        yield
    finally:
        for number in ours:
            signal.signal(number, before[number])
