"""Bands over threads: rows of the target handed out one band at a time to a pool."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from queue import Empty, SimpleQueue
from typing import TypeVar

import numpy as np

Item = TypeVar("Item")
#: Pixels of a band: its map (two float64) and its blot then stay in a core's own cache.
BAND_PIXELS = 1 << 15


def available_cores() -> int:
    """Return how many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not Linux
        return os.cpu_count() or 1


def band_rows(nx: int) -> int:
    """Return the height of a band of a target `nx` pixels wide."""
    return max(1, BAND_PIXELS // max(nx, 1))


def for_each_band(
    shape: tuple[int, ...],
    work: Callable[[int, int], None],
    threads: int,
    rows: int | None = None,
) -> None:
    """Call ``work(row0, row1)`` for every band of an image.

    Parameters
    ----------
    shape : tuple of int
        (ny, nx) of the image.
    work : callable
        Does the rows `row0` to `row1`, without the last.
    threads : int
        How many bands to work on at once.
    rows : int, optional
        Height of a band; the results must not depend on it.
    """
    _share_out(shape, lambda: work, threads, rows)


def for_each_mapped_band(
    shape: tuple[int, ...],
    work: Callable[[int, int, np.ndarray, np.ndarray], None],
    threads: int,
    rows: int | None = None,
) -> None:
    """Call ``work(row0, row1, xmap, ymap)`` for every band, with two arrays for its map.

    Parameters
    ----------
    shape : tuple of int
        (ny, nx) of the target.
    work : callable
        Does one band; `xmap` and `ymap` are float64, shape (row1 - row0, nx), contents undefined.
        They belong to the thread, and serve its next band too.
    threads : int
        How many bands to work on at once.
    rows : int, optional
        Height of a band; the results must not depend on it.
    """
    height = min(rows or band_rows(shape[1]), shape[0])

    def start() -> Callable[[int, int], None]:
        xmap = np.empty((height, shape[1]))
        ymap = np.empty((height, shape[1]))
        return lambda row0, row1: work(row0, row1, xmap[: row1 - row0], ymap[: row1 - row0])

    _share_out(shape, start, threads, rows)


def _share_out(
    shape: tuple[int, ...],
    start: Callable[[], Callable[[int, int], None]],
    threads: int,
    rows: int | None = None,
) -> None:
    """Let threads, each with the worker that it starts with, take one band after the other."""
    ny, nx = shape
    height = rows or band_rows(nx)

    waiting: SimpleQueue[int] = SimpleQueue()
    for row0 in range(0, ny, height):
        waiting.put(row0)

    def serve() -> None:
        work = start()
        while True:
            try:
                row0 = waiting.get_nowait()
            except Empty:
                return
            work(row0, min(row0 + height, ny))

    _in_parallel(serve, min(threads, waiting.qsize()))


def each_done(items: Iterable[Item], work: Callable[[Item], None], threads: int) -> Iterator[Item]:
    """Call ``work(item)`` for every item, `threads` at once, and yield each when it is done.

    Closing the iterator ends it after the items that are being worked on.
    """
    if threads <= 1:
        for item in items:
            work(item)
            yield item
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="skyblot") as pool:
        try:
            running = {pool.submit(work, item): item for item in items}
            for future in as_completed(running):
                future.result()
                yield running[future]
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _in_parallel(serve: Callable[[], None], threads: int) -> None:
    """Run `serve` in `threads` threads at once; the first error is raised."""
    if threads <= 1:
        serve()
        return
    with ThreadPoolExecutor(threads, thread_name_prefix="skyblot") as pool:
        for future in [pool.submit(serve) for _ in range(threads)]:
            future.result()
