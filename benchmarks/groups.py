"""The rows of the benchmark, in groups: what is compared with what, on which work."""

from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from io import StringIO
from pathlib import Path

import numpy as np
import processes
import work
from competitors import (
    COMPETITORS,
    SKYBLOT,
    Competitor,
    DoBlotExact,
    DoBlotStep,
    Drizzle,
    Map,
    Reproject,
    Skyblot,
    Stcal,
    cannot_import,
)
from files import Files, write_files
from measure import Entry, Row
from work import Work

from skyblot.bands import available_cores

#: Every interpolant but poly5, which has rows of its own.
OTHERS = ("nearest", "linear", "poly3", "spline3", "lanczos3", "lanczos5", "sinc")


@dataclass(frozen=True)
class Bench:
    """What the rows are made with: small or full sizes, and a folder for files."""

    quick: bool
    folder: Path

    @cached_property
    def files(self) -> Files:
        """The UVIS work as files."""
        return write_files(work.uvis(self.quick), self.folder)


@dataclass(frozen=True)
class Group:
    """Rows that are asked for by one name.

    Attributes
    ----------
    name, title : str
    text : str
        What is compared, for the pages.
    rows : callable
        Makes the rows; each is measured before the next is made.
    works : tuple of callables
        The works used, for their facts.
    rounds : int
        At most so many, where a round is long.
    warmups : int
    slow : bool
        Starts processes: one round without a warm-up is enough for a smoke test.
    """

    name: str
    title: str
    text: str
    rows: Callable[[Bench], Iterator[Row]]
    works: tuple[Callable[[bool], Work], ...] = (work.uvis,)
    rounds: int = 1000
    warmups: int = 1
    slow: bool = False

    def plan(self, rounds: int, quick: bool) -> tuple[int, int]:
        """Return the rounds and warm-ups to run when `rounds` are asked for."""
        return (1, 0) if quick and self.slow else (min(rounds, self.rounds), self.warmups)


#: Who makes a map of every pixel, and by what.
MAPS: dict[str, Competitor] = {
    "skyblot.pixel_map": SKYBLOT,
    "drizzlepac WCSMap.forward": DoBlotExact(),
    "drizzle calc_pixmap": Drizzle(),
    "stcal calc_pixmap, stepsize=10": Stcal(),
}

#: Who makes one onto a source with distortion. drizzlepac's WCSMap takes the source's away first.
INVERSE_MAPS: dict[str, Competitor] = {
    "skyblot.pixel_map": SKYBLOT,
    "drizzle calc_pixmap": Drizzle(),
    "astropy pixel_to_pixel, as in reproject": Reproject(),
}


def blots(job: Work, interp: str, competitors: tuple[Competitor, ...] = COMPETITORS) -> Row:
    """One interpolant, map included, by all who have it."""
    entries = [
        _blot_entry(each, job, interp) for each in competitors if interp in each.interpolants
    ]
    return Row(interp, tuple(entries), SKYBLOT.name)


def _blot_entry(competitor: Competitor, job: Work, interp: str) -> Entry:
    return Entry(
        competitor.name, lambda: competitor.blot(job, interp), competitor.missing(), job.pixels
    )


def memory(bench: Bench) -> Iterator[Row]:
    """Poly5, by everyone; reproject has no poly5, its bicubic is closest."""
    yield poly5(work.uvis(bench.quick))


def poly5(job: Work, competitors: tuple[Competitor, ...] = COMPETITORS) -> Row:
    """Poly5, map included, by all who have it, and reproject's bicubic."""
    row = blots(job, "poly5", competitors)
    reproject = Reproject()
    bicubic = Entry(
        f"{reproject.name}, bicubic",
        lambda: reproject.blot(job, "spline3"),
        reproject.missing(),
        job.pixels,
    )
    return Row(row.title, (*row.entries, bicubic), row.baseline)


def interpolants(bench: Bench) -> Iterator[Row]:
    """The other interpolants, against do_blot: its map is quick enough to be timed too."""
    for interp in OTHERS:
        if interp in DoBlotStep.interpolants:
            yield blots(work.uvis(bench.quick), interp, (SKYBLOT, DoBlotStep()))


def infrared(bench: Bench) -> Iterator[Row]:
    """Every interpolant by everyone, on a detector of one megapixel."""
    yield poly5(work.infrared(bench.quick))
    for interp in OTHERS:
        yield blots(work.infrared(bench.quick), interp)


def nircam(bench: Bench) -> Iterator[Row]:
    """Poly5, without reproject; and linear, which is what stcal uses."""
    for interp in ("poly5", "linear"):
        yield blots(work.nircam(bench.quick), interp, COMPETITORS[:-1])


def maps(bench: Bench) -> Iterator[Row]:
    """The pixel map of all pixels; do_blot's coarse map is made inside its C code."""
    yield map_row(work.uvis(bench.quick), MAPS)


def inverse_maps(bench: Bench) -> Iterator[Row]:
    """Where the pixels of a mosaic fall on a chip, and for comparison the way there."""
    job = work.onto_uvis(bench.quick)
    row = map_row(job, INVERSE_MAPS)
    there = work.uvis(bench.quick)
    forward = Entry(
        "skyblot.pixel_map, chip onto mosaic", lambda: SKYBLOT.pixel_map(there), "", there.pixels
    )
    yield Row(row.title, (*row.entries, forward), row.baseline)


def map_row(job: Work, makers: dict[str, Competitor]) -> Row:
    """The pixel map of all pixels, by several who are given with the names of what they call."""
    entries = [
        Entry(name, lambda each=each: each.pixel_map(job), each.missing(), job.pixels)
        for name, each in makers.items()
    ]
    return Row("map of every pixel", tuple(entries), "skyblot.pixel_map")


def resampling(bench: Bench) -> Iterator[Row]:
    """The map is given, in memory."""
    job = work.uvis(bench.quick)
    pixel_map = SKYBLOT.pixel_map(job)()
    drizzle = Drizzle()
    for interp in ("nearest", "linear", "poly3", "poly5", "lanczos3", "lanczos5"):
        entries = [
            Entry("skyblot", _resampler(SKYBLOT, job, interp, pixel_map), "", job.pixels),
            Entry(
                "drizzle blot_image",
                _resampler(drizzle, job, interp, pixel_map),
                drizzle.missing(),
                job.pixels,
            ),
        ]
        if interp == "poly5":  # the same C code as for its other interpolants
            tblot = DoBlotExact()
            entries.append(
                Entry(
                    "drizzlepac do_blot",
                    _resampler(tblot, job, interp, pixel_map),
                    tblot.missing(),
                    job.pixels,
                )
            )
        yield Row(interp, tuple(entries), "skyblot")


def _resampler(
    competitor: Competitor, job: Work, interp: str, pixel_map: Map
) -> Callable[[], Callable]:
    return lambda: competitor.resample(job, interp, pixel_map)


def floor(bench: Bench) -> Iterator[Row]:
    """The least any blot can take: its source and itself copied once."""
    job = work.uvis(bench.quick)

    def copy() -> Callable[[], None]:
        source, blot = np.empty_like(job.source), np.ones(job.shape, np.float32)
        out = np.empty_like(blot)

        def call() -> None:
            np.copyto(source, job.source)
            np.copyto(out, blot)

        return call

    yield Row(
        "poly5",
        (_blot_entry(SKYBLOT, job, "poly5"), Entry("numpy.copyto", copy, "", job.pixels)),
        "skyblot",
    )


def threads(bench: Bench) -> Iterator[Row]:
    """One thread and as many as there are cores: whole, map alone, resampling alone."""
    job, cores = work.uvis(bench.quick), available_cores()
    counts = sorted({1, 2, cores}) if cores > 1 else [1]
    pixel_map = SKYBLOT.pixel_map(job)()
    kinds: dict[str, Callable[[Skyblot], Callable]] = {
        "blot, poly5": lambda each: each.blot(job, "poly5"),
        "pixel map": lambda each: each.pixel_map(job),
        "resampling, poly5": lambda each: each.resample(job, "poly5", pixel_map),
        "resampling, lanczos5": lambda each: each.resample(job, "lanczos5", pixel_map),
    }
    for title, kind in kinds.items():
        entries = [
            Entry(
                _threads(count), lambda count=count, kind=kind: kind(Skyblot(count)), "", job.pixels
            )
            for count in counts
        ]
        yield Row(title, tuple(entries), _threads(counts[-1]))


def _threads(count: int) -> str:
    return f"{count} thread{'s' if count > 1 else ''}"


def output_size(bench: Bench) -> Iterator[Row]:
    """Time per pixel of blots of 1, 4, 16, 64 Mpixel, one at a time: the largest takes 0.6 GB."""
    sizes = (64, 128, 256) if bench.quick else (1024, 2048, 4096, 8192)

    def entry(size: int) -> Entry:
        return Entry(
            f"{size} x {size}", lambda: SKYBLOT.blot(work.square(size), "poly5"), "", size * size
        )

    yield Row("poly5", tuple(entry(size) for size in sizes))
    work.square.cache_clear()


def source_size(bench: Bench) -> Iterator[Row]:
    """Time and memory of ``skyblot blot`` for mosaics that are much larger than the chip."""
    sizes = (512, 2048) if bench.quick else (4387, 16000, 30000)
    yield Row("poly5", processes.from_mosaics(work.uvis(bench.quick), bench.files, sizes))


def file_to_file(bench: Bench) -> Iterator[Row]:
    """In one process that has everything imported."""
    files = bench.files
    units = {"in_units": "cps", "out_units": "cps", "addsky": False}

    def ours() -> Callable[[], object]:
        import skyblot

        return lambda: skyblot.blot_file(
            files.source, f"{files.reference}[sci,1]", files.output, overwrite=True, **units
        )

    def theirs(**options: None) -> Callable[[], object]:
        from drizzlepac import ablot

        def call() -> None:
            files.output.unlink(missing_ok=True)
            given = (f"{files.source}[sci,1]", f"{files.reference}[sci,1]", str(files.output))
            with redirect_stdout(StringIO()):
                ablot.blot(*given, configObj="defaults", **units, **options)

        return call

    missing = cannot_import("drizzlepac.ablot")
    entries = (
        Entry("skyblot.blot_file", ours),
        Entry("drizzlepac ablot.blot, exact", theirs, missing),
        Entry("drizzlepac ablot.blot, stepsize=10", lambda: theirs(wcsmap=None), missing),
        Entry("the same bytes, read and written", lambda: _copy(files)),
    )
    yield Row("poly5", entries, "skyblot.blot_file")


def _copy(files: Files) -> Callable[[], None]:
    """Read the mosaic's bytes, write and flush as many as the reference has: the blot's size."""
    copy = files.output.with_name("copy.fits")

    def call() -> None:
        files.source.read_bytes()
        blot = files.reference.read_bytes()
        with open(copy, "wb") as stream:
            stream.write(blot)

    return call


def process(bench: Bench) -> Iterator[Row]:
    """Processes from start to end."""
    entries = (
        processes.warm(bench.files),
        processes.ablot(bench.files, "python, drizzlepac ablot.blot, exact", "exact"),
        processes.ablot(bench.files, "python, drizzlepac ablot.blot, stepsize=10", "stepsize"),
    )
    yield Row("poly5, warm", entries, "skyblot blot")


def cold_process(bench: Bench) -> Iterator[Row]:
    """The first run after an installation compiles the kernels."""
    yield Row("poly5, cold", (processes.cold(bench.files),))


def start_up(bench: Bench) -> Iterator[Row]:
    """Nothing but starting."""
    yield Row("help", processes.start_up())
