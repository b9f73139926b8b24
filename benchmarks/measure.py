"""Time several ways to do the same work in turn, A B A B ..., and compare them round by round."""

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Spent:
    """What a timed call returns if it has measured itself: a process of its own.

    Attributes
    ----------
    seconds, cpu_seconds : float
    peak_bytes : int
        Of memory.
    written_bytes : int
        Of files, beside those that are read.
    """

    seconds: float
    peak_bytes: int
    cpu_seconds: float = 0.0
    written_bytes: int = 0


@dataclass(frozen=True)
class Entry:
    """One way to do the work.

    Attributes
    ----------
    name : str
    prepare : callable
        Returns the call to be timed; what it does itself is outside the clock.
    missing : str
        Why it cannot run here; empty if it can.
    pixels : int
        Of the blot; 0 leaves the time per pixel out.
    """

    name: str
    prepare: Callable[[], Callable[[], Any]]
    missing: str = ""
    pixels: int = 0


@dataclass(frozen=True)
class Row:
    """Entries timed in turn; the others are divided by `baseline`, the name of an entry."""

    title: str
    entries: tuple[Entry, ...]
    baseline: str | None = None


@dataclass
class Timing:
    """What was measured of one entry, a value for each round."""

    name: str
    pixels: int = 0
    seconds: list[float] = field(default_factory=list)
    peak_bytes: list[int] = field(default_factory=list)
    skipped: str = ""
    cpu_seconds: list[float] = field(default_factory=list)
    written_bytes: list[int] = field(default_factory=list)

    def add(self, spent: Spent) -> None:
        """Note one round."""
        self.seconds.append(spent.seconds)
        if spent.peak_bytes:
            self.peak_bytes.append(spent.peak_bytes)
        if spent.cpu_seconds:
            self.cpu_seconds.append(spent.cpu_seconds)
        if spent.written_bytes:
            self.written_bytes.append(spent.written_bytes)


@dataclass(frozen=True)
class Spread:
    """Median, smallest and largest of some values."""

    median: float
    low: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """Summarise values."""
    return Spread(statistics.median(values), min(values), max(values))


def ratios(timing: Timing, baseline: Timing) -> Spread:
    """How many times as long as the baseline, each round against the same round."""
    return spread(
        [one / other for one, other in zip(timing.seconds, baseline.seconds, strict=True)]
    )


def measure(row: Row, rounds: int, warmups: int) -> list[Timing]:
    """Run the entries of a row in turn, `rounds` times after `warmups` that do not count."""
    timings = [Timing(entry.name, entry.pixels, skipped=entry.missing) for entry in row.entries]
    calls = list(_prepared(row, timings))
    gc.collect()
    # else each collection before a call goes through all that the peers have imported: 0.15 s
    gc.freeze()
    for number in range(warmups + rounds):
        for timing, call in calls:
            spent = _timed(call)
            if number >= warmups:
                timing.add(spent)
    gc.unfreeze()
    return timings


def _prepared(row: Row, timings: Sequence[Timing]) -> Iterator[tuple[Timing, Callable[[], Any]]]:
    for entry, timing in zip(row.entries, timings, strict=True):
        if not timing.skipped:
            yield timing, entry.prepare()


def _timed(call: Callable[[], Any]) -> Spent:
    """Time one call; its result is freed outside the clock."""
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter()
        result = call()
        seconds = time.perf_counter() - start
    finally:
        gc.enable()
    return result if isinstance(result, Spent) else Spent(seconds, 0)
