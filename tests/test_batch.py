"""Many exposures from one mosaic: windows read once, bounded memory, failures one by one, resuming, stopping."""

import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from builders import ArrayMap, sky_image
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import RA, digests, tan_header, texture, write_sci

import skyblot
from skyblot import batch, exposure
from skyblot.batch import Options, run_batch
from skyblot.errors import FileError, ParameterError
from skyblot.exposure import Settings, Task
from skyblot.files import BatchError, blot_file, blot_files, plan_outputs
from skyblot.footprints import Footprint, area, group, union
from skyblot.io.atomic import atomic_write, remove_leftovers
from skyblot.io.names import parse_name
from skyblot.io.rows import FileRows
from skyblot.job import Job
from skyblot.kernels.interpolants import interpolant
from skyblot.memory import free_memory, memory_limit
from skyblot.window import EMPTY, load_window

RAW = {"in_units": "cps", "out_units": "cps", "addsky": False}


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    return skyblot.make_demo(tmp_path_factory.mktemp("demo"), exposures=3, chip_shape=(96, 160))


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def mosaic(path, shape=(300, 400), **cards):
    return write_sci(path, texture(shape), tan_header(shape, **cards))


def exposures(folder, places, shape=(20, 30)):
    """Small exposures at offsets (x, y) in pixels from the mosaic's centre."""
    paths = []
    for number, (x, y) in enumerate(places):
        header = tan_header(shape)
        header["CRPIX1"] -= x
        header["CRPIX2"] -= y
        paths.append(write_sci(folder / f"e{number}_flt.fits", np.zeros(shape, "f4"), header))
    return paths


# ---- the same as one by one -----------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("interp", ["poly5", "spline3", "nearest"])
def test_a_batch_is_the_same_as_one_by_one(demo, out, tmp_path, threads, interp):
    results = blot_files(demo.median, demo.exposures, out, threads=threads, interp=interp)
    assert [result.path.name for result in results] == [
        f"{path.name[:9]}_sci{chip}_blt.fits" for path in demo.exposures for chip in (1, 2)
    ]
    for result in results:
        alone = blot_file(demo.median, result.reference, tmp_path / result.path.name, interp=interp)
        if interp == "spline3":  # the prefilter of another window: equal to rounding of what it leaves out
            one, other = (fits.getdata(path, "SCI") for path in (alone, result.path))
            np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-5)
        else:
            assert alone.read_bytes() == result.path.read_bytes()


def test_strips_are_the_same_as_a_whole():
    image = sky_image((200, 300))
    big_endian = image.astype(">f4")
    y, x = np.mgrid[:150, :250].astype(float)
    positions = ArrayMap(x * 1.1 + 0.1 * y + 3, 1.2 * y - 0.05 * x + 12)
    for name in ("poly5", "nearest", "sinc"):
        job = Job(big_endian, positions, x.shape, interpolant(name, 1.0), np.dtype("f4"))
        whole = job.run().data
        # The smallest is less than any band needs: strips are bands then.
        for limit in (1, 20_000, 60_000, 10**9):
            assert np.array_equal(job.run(window_bytes=limit, threads=2).data, whole)


def test_strips_hold_no_more_than_they_may(monkeypatch):
    loaded = []
    original = load_window

    def watch(*args):
        window = original(*args)
        loaded.append(window.pixels.nbytes)
        return window

    monkeypatch.setattr("skyblot.job.load_window", watch)
    y, x = np.mgrid[:4000, :200].astype(float)
    source = np.zeros((4100, 300), ">f4")
    job = Job(source, ArrayMap(x + 20, y + 30), x.shape, interpolant("poly5", 1.0), np.dtype("f4"))
    job.run(window_bytes=600_000)
    assert max(loaded) <= 600_000
    assert len(loaded) < 20


def test_a_window_that_misses_something_is_no_harm():
    image = sky_image((100, 120))
    y, x = np.mgrid[:50, :60].astype(float)
    job = Job(image.astype(">f4"), ArrayMap(x + 30, y + 20), x.shape, interpolant("poly5", 1.0), np.dtype("f4"))
    small = load_window(image, (20, 40, 30, 60), np.dtype("f4"), interpolant("poly5", 1.0), 1)
    assert np.array_equal(job.run(window=small).data, job.run().data)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    windows=st.lists(
        st.tuples(st.integers(0, 60), st.integers(1, 40), st.integers(0, 80), st.integers(1, 40)),
        min_size=2,
        max_size=5,
    )
)
def test_a_window_next_to_another_is_not_read_twice(windows):
    image = np.arange(100 * 120, dtype="f4").reshape(100, 120)
    read = np.zeros(image.shape, int)

    class Source:
        shape, dtype = image.shape, image.dtype

        def __getitem__(self, key):
            read[key] += 1
            return image[key]

    previous = None
    for y0, ny, x0, nx in windows:
        bounds = (y0, y0 + ny, x0, x0 + nx)
        before = read.copy()
        window = load_window(Source(), bounds, image.dtype, interpolant("poly5", 1.0), 1, previous)
        inside = np.s_[y0 : y0 + ny, x0 : x0 + nx]
        assert np.array_equal(window.pixels, image[inside])
        known = np.zeros(image.shape, bool)
        if previous is not None:
            (row, column), (rows, columns) = previous.origin, previous.pixels.shape
            known[row : row + rows, column : column + columns] = True
        expected = np.zeros(image.shape, int)
        expected[inside] = 1
        expected[known] = 0
        assert np.array_equal(read - before, expected)
        previous = window


# ---- groups ---------------------------------------------------------------------------------------------

BOUNDS = st.tuples(st.integers(0, 900), st.integers(1, 100), st.integers(0, 900), st.integers(1, 100)).map(
    lambda b: (b[0], b[0] + b[1], b[2], b[2] + b[3])
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(places=st.lists(st.one_of(BOUNDS, st.just(EMPTY)), max_size=12), most=st.integers(1, 10**6))
def test_groups_hold_each_exposure_once_and_no_more_than_they_may(places, most):
    members = [Footprint(Task(parse_name(f"{n}.fits"), Path(f"{n}")), (9, 9), 1.0, b) for n, b in enumerate(places)]
    groups = list(group(members, most))
    assert sorted(each.task.path.name for one in groups for each in one.members) == sorted(map(str, range(len(places))))
    for one in groups:
        around = EMPTY
        for each in one.members:
            around = union(around, each.bounds)
        assert one.bounds == around
        if len(one.members) > 1:
            assert area(one.bounds) <= most
        assert area(one.bounds) <= sum(area(each.bounds) for each in one.members)


@pytest.fixture
def bytes_read(monkeypatch):
    """Bytes of pixels read so far."""
    count = [0]
    original = FileRows._fill

    def fill(self, file, pixels, first):
        count[0] += pixels.nbytes
        original(self, file, pixels, first)

    monkeypatch.setattr(FileRows, "_fill", fill)
    return count


def test_what_exposures_share_is_read_once(tmp_path, out, bytes_read):
    med = mosaic(tmp_path / "med.fits", (600, 2000))
    references = exposures(tmp_path, [(0, 0), (3, 2), (-4, 1), (2, -3), (500, 100), (504, 102)], (60, 80))
    blot_files(med, references, out, **RAW)
    # Two places, each with a window of (60 + 5 + 2 x 25) x (80 + 7 + 2 x 25) pixels or less, four bytes each.
    assert bytes_read[0] <= 2 * 4 * (60 + 60) * (80 + 60)
    once = bytes_read[0]
    for reference in references:
        blot_file(med, reference, tmp_path / "one.fits", overwrite=True, **RAW)
    assert bytes_read[0] - once > once  # one by one, with narrower margins, it is more


def test_a_sparse_mosaic_of_30000_pixels(tmp_path, out, bytes_read):
    """Peak memory and bytes read depend on the window only: 3.6 GB on disk, a few hundred kB of it read."""
    header = tan_header((30000, 30000))
    hdu = fits.ImageHDU(header=header, name="SCI")
    hdu.header.update({"BITPIX": -32, "NAXIS": 2, "NAXIS1": 30000, "NAXIS2": 30000})
    path = tmp_path / "wide_med.fits"
    with open(path, "wb") as stream:
        fits.PrimaryHDU().writeto(stream)
        text = hdu.header.tostring().replace("NAXIS   =                    0", "NAXIS   =                    2")
        cards = fits.Header.fromstring(text)
        for position, (keyword, value) in enumerate((("NAXIS1", 30000), ("NAXIS2", 30000))):
            cards.remove(keyword, ignore_missing=True)
            cards.insert(3 + position, (keyword, value))
        stream.write(cards.tostring().encode())
        stream.truncate(math.ceil((stream.tell() + 4 * 30000**2) / 2880) * 2880)
    references = exposures(tmp_path, [(0, 0), (10, 10), (9000, -8000)], (100, 120))
    code = (
        "import sys, skyblot\n"
        f"skyblot.blot_files({str(path)!r}, sys.argv[1:], {str(out)!r}, **{RAW})\n"
        # Not ru_maxrss: that of the process that started this one counts in it.
        "print(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    command = [sys.executable, "-c", code, *map(str, references)]
    peak = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) * 1024
    assert peak < 600e6
    shutil.rmtree(out)
    out.mkdir()
    results = blot_files(path, references, out, **RAW)
    assert [result.covered for result in results] == [1.0] * 3
    assert bytes_read[0] <= 3 * 4 * (100 + 60) * (120 + 60)


def test_little_memory_means_several_windows_but_the_same_files(tmp_path, out, monkeypatch):
    med = mosaic(tmp_path / "med.fits", (2600, 3000))
    references = exposures(tmp_path, [(0, 0), (900, 700), (-900, -700)], (1100, 1000))
    blot_files(med, references, out, **RAW)
    expected = digests(out)
    monkeypatch.setattr("skyblot.memory.LEAST", 1 << 20)
    for limit in ("2M", "20M", 10**9):
        blot_files(med, references, out, memory=limit, overwrite=True, **RAW)
        assert digests(out) == expected


# ---- the plan -------------------------------------------------------------------------------------------


def test_the_plan_of_a_dry_run(demo, out):
    tasks, plans, outcomes = plan_outputs(demo.exposures, out), [], []
    run_batch(demo.median, tasks, Settings(), Options(dry_run=True), outcomes.append, plans.append)
    members = [each for one in plans[0].groups for each in one.members]
    assert [each.task for each in members] == tasks
    assert [each.shape for each in members] == [(96, 160)] * 6
    assert [each.overlap for each in members] == [1.0] * 6
    assert len(plans[0].groups) == 1
    assert plans[0].memory_bytes > 0
    assert plans[0].seconds > 0
    assert outcomes == []
    assert list(out.iterdir()) == []


def test_the_overlap_in_a_plan(tmp_path, out):
    med = mosaic(tmp_path / "med.fits", (100, 100))
    references = exposures(tmp_path, [(0, 0), (50, 0), (500, 0)], (30, 40))
    plans = []
    run_batch(med, plan_outputs(references, out), Settings(), Options(dry_run=True), print, plans.append)
    members = [each for one in plans[0].groups for each in one.members]
    by_name = {each.task.where.path.name: each for each in members}
    # 33 positions along 40 pixels: to one in 33.
    assert by_name["e0_flt.fits"].overlap == 1.0
    assert abs(by_name["e1_flt.fits"].overlap - 0.5) < 1 / 32
    assert by_name["e2_flt.fits"].overlap == 0.0
    assert by_name["e2_flt.fits"].bounds == EMPTY


# ---- failures -------------------------------------------------------------------------------------------


@pytest.fixture
def mixed(demo, tmp_path):
    """Good exposures and bad ones of several kinds; the reasons expected, by name."""
    good = [shutil.copy(path, tmp_path) for path in demo.exposures[:2]]
    truncated = tmp_path / "truncated_flc.fits"
    truncated.write_bytes(demo.exposures[0].read_bytes()[:100_000])
    garbage = tmp_path / "garbage_flc.fits"
    garbage.write_text("no FITS file")
    lost = write_sci(tmp_path / "lost_flc.fits", np.zeros((20, 20), "f4"), fits.Header())
    missing = tmp_path / "missing_flc.fits"
    reasons = {
        "truncated": "truncated_flc.fits[sci,1]: its WCS cannot be read",  # its tables are gone
        "garbage": "garbage_flc.fits: not a readable FITS file",
        "lost": "lost_flc.fits[sci,1]: no celestial WCS",
        "missing": "missing_flc.fits: no such file",
    }
    return [truncated, good[0], garbage, lost, good[1], missing], reasons


def test_one_bad_exposure_does_not_stop_the_others(demo, mixed, out):
    references, reasons = mixed
    with pytest.raises(BatchError) as caught:
        blot_files(demo.median, references, out)
    error = caught.value
    assert len(error.results) == 4
    assert str(error).startswith("4 of 8 blots could not be made: ")
    for reason in reasons.values():
        assert sum(reason in each.reason for each in error.failures) == 1
    assert sorted(path.name for path in out.iterdir()) == sorted(each.path.name for each in error.results)
    for each in error.results:
        blot_file(demo.median, each.reference, out / "again.fits", overwrite=True)
        assert np.array_equal(fits.getdata(out / "again.fits", "SCI"), fits.getdata(each.path, "SCI"))


def test_fail_fast(demo, mixed, out):
    references, _ = mixed
    with pytest.raises(FileError, match=r"garbage_flc\.fits: not a readable FITS file"):
        blot_files(demo.median, references, out, fail_fast=True)
    assert list(out.iterdir()) == []
    with pytest.raises(skyblot.SkyblotError, match="lost_flc"):
        blot_files(demo.median, [references[1], references[3], references[4]], out, fail_fast=True)


def test_an_unforeseen_error_is_a_failure_too(demo, out, monkeypatch):
    original = exposure.write_blot

    def write(path, *args, **options):
        if path.name.startswith("isky01a2q_sci1"):
            raise RuntimeError("out of luck")
        original(path, *args, **options)

    monkeypatch.setattr(exposure, "write_blot", write)
    with pytest.raises(BatchError, match="1 of 6 blots could not be made: internal error, RuntimeError: out of luck"):
        blot_files(demo.median, demo.exposures, out)
    assert len(list(out.iterdir())) == 5


def test_a_bad_source_is_no_failure_of_the_exposures(demo, tmp_path, out):
    with pytest.raises(FileError, match=r"nowhere\.fits: no such file"):
        blot_files(tmp_path / "nowhere.fits", demo.exposures, out)
    integers = write_sci(tmp_path / "int.fits", np.ones((30, 30), "i4"))
    with pytest.raises(skyblot.DataError, match=r"int.fits\[sci,1\] has dtype int32"):
        blot_files(integers, demo.exposures, out)
    assert list(out.iterdir()) == []


def test_a_source_that_changes_ends_the_run(demo, tmp_path, out):
    med = Path(shutil.copy(demo.median, tmp_path))

    def touch(_):
        os.utime(med, ns=(1, 1))

    with pytest.raises(BatchError, match=r"skydemo_med.fits: has changed since the run began") as caught:
        blot_files(med, demo.exposures, out, threads=1, on_result=touch)
    assert len(caught.value.results) in (1, 2)  # one more may have been past its last check
    assert len(list(out.iterdir())) == len(caught.value.results)


# ---- resuming and stopping ------------------------------------------------------------------------------


def test_resume(demo, tmp_path, out):
    exposures_ = [Path(shutil.copy(path, tmp_path)) for path in demo.exposures]
    med = Path(shutil.copy(demo.median, tmp_path))
    first = blot_files(med, exposures_, out)
    undisturbed = digests(out)

    def again(**more):
        results = blot_files(med, exposures_, out, resume=True, **more)
        assert [result.path for result in results] == [result.path for result in first]
        return [result.kept for result in results]

    assert again() == [True] * 6
    kept = blot_files(med, exposures_, out, resume=True)[1]
    assert (kept.shape, kept.covered, kept.reference) == (first[1].shape, first[1].covered, first[1].reference)
    first[2].path.unlink()
    first[3].path.write_bytes(first[3].path.read_bytes()[:9000])
    assert again() == [True, True, False, False, True, True]
    assert digests(out) == undisturbed
    os.utime(exposures_[1])
    assert again() == [True, True, False, False, True, True]
    assert again(interp="linear") == [False] * 6
    assert again(interp="linear") == [True] * 6
    os.utime(med)
    assert again(interp="linear") == [False] * 6
    # Blots made by hand, without a record, are made anew.
    fits.writeto(first[0].path, np.zeros((3, 3), "f4"), overwrite=True)
    assert again(interp="linear") == [False] + [True] * 5


def test_resume_removes_what_a_killed_process_left(demo, out):
    done = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    with atomic_write(out / "isky01a1q_sci1_blt.fits", overwrite=False) as stream:
        mine = Path(stream.name)
        host = mine.name.removeprefix(".isky01a1q_sci1_blt.fits.").rsplit("-", 2)[0]
        dead = mine.with_name(f".isky01a1q_sci1_blt.fits.{host}-{done.stdout.strip()}-0123abcd.tmp")
        elsewhere = mine.with_name(f".isky01a1q_sci1_blt.fits.other-{done.stdout.strip()}-0123abcd.tmp")
        for each in (dead, elsewhere):
            each.touch()
        remove_leftovers(out / "isky01a1q_sci1_blt.fits")
        assert mine.exists()
        assert elsewhere.exists()
        assert not dead.exists()
        dead.touch()
    (out / "isky01a1q_sci1_blt.fits").unlink()
    blot_files(demo.median, demo.exposures[:1], out, resume=True)
    assert not dead.exists()


@pytest.mark.parametrize("signal", [KeyboardInterrupt, SystemExit])
def test_an_interruption_drops_what_is_being_made(demo, out, signal):
    def stop(_):
        raise signal

    with pytest.raises(signal):
        blot_files(demo.median, demo.exposures, out, on_result=stop)
    made = sorted(out.iterdir())
    assert 1 <= len(made) < 6
    assert not [path for path in made if path.name.endswith(".tmp")]
    results = blot_files(demo.median, demo.exposures, out, resume=True)
    assert sum(result.kept for result in results) == len(made)


def test_another_run_s_file_is_not_replaced(tmp_path):
    path = tmp_path / "blot.fits"

    def both_write():
        with atomic_write(path, overwrite=False) as stream:
            stream.write(b"mine")
            path.write_bytes(b"theirs")

    with pytest.raises(FileError, match="exists already"):
        both_write()
    assert path.read_bytes() == b"theirs"
    with atomic_write(path, overwrite=True) as stream:
        stream.write(b"mine")
    assert path.read_bytes() == b"mine"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_system_without_links(tmp_path, monkeypatch):
    def link(*_):
        raise PermissionError

    monkeypatch.setattr(os, "link", link)
    with atomic_write(tmp_path / "blot.fits", overwrite=False) as stream:
        stream.write(b"mine")
    assert (tmp_path / "blot.fits").read_bytes() == b"mine"


# ---- memory ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("64M", 64 << 20),
        ("1.5G", 3 << 29),
        ("2 GB", 2 << 30),
        ("1GiB", 1 << 30),
        (1 << 28, 1 << 28),
        ("268435456", 1 << 28),
    ],
)
def test_memory_limits(given, expected):
    assert memory_limit(given) == expected


def test_the_memory_limit_is_half_of_what_is_free():
    limit = memory_limit(None)
    assert limit == pytest.approx(free_memory() / 2, rel=0.2)


@pytest.mark.parametrize("given", ["", "much", "-1G", "1M", 0, "8 bananas", 3.5])
def test_memory_limits_that_are_none(given):
    with pytest.raises(ParameterError, match="expected bytes, or a size such as 8G or 500M, at least 64M"):
        memory_limit(given)


def test_workers_fit_into_memory(monkeypatch):
    """As many blots at once as have room in half of the memory, one at least."""
    run = object.__new__(batch._Run)
    run._memory, run._threads = 100 * 12 * 10**6, 8
    members = tuple(Footprint(Task(parse_name("a"), Path("a")), (1000, n * 1000), 1.0, EMPTY) for n in (1, 10))
    assert run._workers(batch.Group(members * 20, EMPTY)) == 5
    assert run._workers(batch.Group(members[:1] * 20, EMPTY)) == 8
    assert run._workers(batch.Group(members[:1], EMPTY)) == 1
    run._memory = 1
    assert run._workers(batch.Group(members * 20, EMPTY)) == 1


def test_a_mosaic_elsewhere_is_a_warning_for_each(tmp_path, out):
    med = mosaic(tmp_path / "med.fits", (100, 100), ra=RA + 1)
    with pytest.warns(skyblot.SkyblotWarning, match="does not overlap") as caught:
        results = blot_files(med, exposures(tmp_path, [(0, 0), (5, 5)]), out, **RAW)
    assert [result.covered for result in results] == [0.0, 0.0]
    assert len(caught) == 2
