"""The rows of drizzling: one exposure onto a mosaic, where its pixels fall being given."""

from collections.abc import Callable, Iterator

import numpy as np
import work
from competitors import SKYBLOT, cannot_import
from groups import Bench
from measure import Entry, Row
from work import Work

from skyblot.bands import available_cores


def kernels(bench: Bench) -> Iterator[Row]:
    """Every kernel, and the default one with errors."""
    job = work.uvis(bench.quick)
    x, y = SKYBLOT.pixel_map(job)()
    rng = np.random.default_rng(1)
    images = [rng.uniform(0.5, 2, job.shape).astype(np.float32) for _ in range(3)]
    for kernel, pixfrac, planes in (
        ("square", 1.0, 0),
        ("square", 0.8, 0),
        ("square", 1.0, 1),
        ("turbo", 1.0, 0),
        ("point", 1.0, 0),
    ):
        given = (kernel, pixfrac, x, y, images[: 2 + planes])
        entries = [_ours(job, threads, *given) for threads in sorted({1, available_cores()})]
        entries.append(
            Entry(
                "drizzle",
                lambda given=given: _theirs(job, *given),
                cannot_import("drizzle"),
                job.pixels,
            )
        )
        title = f"{kernel}, pixfrac {pixfrac:g}" + (", with a variance" if planes else "")
        yield Row(title, tuple(entries), entries[-2].name)


def _ours(
    job: Work,
    threads: int,
    kernel: str,
    pixfrac: float,
    x: np.ndarray,
    y: np.ndarray,
    images: list[np.ndarray],
) -> Entry:
    """Sums in double precision, which are there before the clock starts, as drizzle's are."""

    def prepare() -> Callable[[], None]:
        from skyblot.resampling.drizzle import Drop, Exposure, Sums

        data, weight, *variances = images
        exposure = Exposure(data, weight, _corners(x), _corners(y), variances)
        sums = Sums(job.source.shape, variances=len(variances))
        drop = Drop(kernel, pixfrac)
        return lambda: sums.add(exposure, 0, drop, threads=threads)

    return Entry(f"skyblot, {threads} thread{'s'[: threads - 1]}", prepare, "", job.pixels)


def _theirs(
    job: Work, kernel: str, pixfrac: float, x: np.ndarray, y: np.ndarray, images: list[np.ndarray]
) -> Callable[[], None]:
    from drizzle.resample import Drizzle

    data, weight, *variances = images
    run = Drizzle(kernel=kernel, out_shape=job.source.shape)
    pixmap = np.dstack([x, y])
    options = {"weight_map": weight, "pixfrac": pixfrac, "data2": variances or None}
    return lambda: run.add_image(data, 1.0, pixmap, **options)


def _corners(centres: np.ndarray) -> np.ndarray:
    """Positions of the pixels' corners, by means of those of the centres around."""
    outside = 2 * centres[[0, -1]] - centres[[1, -2]]
    rows = np.concatenate([outside[:1], centres, outside[1:]])
    sides = 2 * rows[:, [0, -1]] - rows[:, [1, -2]]
    around = np.concatenate([sides[:, :1], rows, sides[:, 1:]], axis=1)
    return 0.25 * (around[1:, 1:] + around[:-1, 1:] + around[1:, :-1] + around[:-1, :-1])
