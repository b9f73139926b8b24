"""Many exposures from one mosaic: planned in groups, windows read once, memory bounded."""

import math
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits
from builders import ArrayMap, sky_image
from hypothesis import given, settings
from hypothesis import strategies as st
from samples import RA, RAW, digests, tan_header, tasks_of, texture, write_sci

import skyblot
from skyblot.api.blot import blot_file, blot_files
from skyblot.bounds import EMPTY, Bounds
from skyblot.errors import ParameterError
from skyblot.io.names import parse_name
from skyblot.io.rows import FileRows
from skyblot.kernels.interpolants import interpolant
from skyblot.memory import free_memory, memory_limit
from skyblot.resampling.geometry import Job
from skyblot.resampling.window import load_window
from skyblot.runs.footprints import Footprint, Group, group
from skyblot.runs.plan import Needs
from skyblot.steps.blot import Blot

# ---- the same as one by one ----------------------------------------------------------------------


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


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("interp", ["poly5", "spline3", "nearest"])
def test_a_batch_is_the_same_as_one_by_one(demo, out, tmp_path, threads, interp):
    results = blot_files(demo.median, demo.exposures, out, threads=threads, interp=interp)
    assert [result.path.name for result in results] == [
        f"{path.name[:9]}_sci{chip}_blt.fits" for path in demo.exposures for chip in (1, 2)
    ]
    for result in results:
        alone = blot_file(demo.median, result.reference, tmp_path / result.path.name, interp=interp)
        # the prefilter of another window: equal to rounding of what it leaves out
        if interp == "spline3":
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

    monkeypatch.setattr("skyblot.resampling.geometry.load_window", watch)
    y, x = np.mgrid[:4000, :200].astype(float)
    source = np.zeros((4100, 300), ">f4")
    job = Job(source, ArrayMap(x + 20, y + 30), x.shape, interpolant("poly5", 1.0), np.dtype("f4"))
    job.run(window_bytes=600_000)
    assert max(loaded) <= 600_000
    assert len(loaded) < 20


def test_a_window_that_misses_something_is_no_harm():
    image = sky_image((100, 120))
    y, x = np.mgrid[:50, :60].astype(float)
    job = Job(
        image.astype(">f4"),
        ArrayMap(x + 30, y + 20),
        x.shape,
        interpolant("poly5", 1.0),
        np.dtype("f4"),
    )
    small = load_window(image, Bounds(20, 40, 30, 60), np.dtype("f4"), interpolant("poly5", 1.0), 1)
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
        bounds = Bounds(y0, y0 + ny, x0, x0 + nx)
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


# ---- groups --------------------------------------------------------------------------------------


BOUNDS = st.tuples(
    st.integers(0, 900), st.integers(1, 100), st.integers(0, 900), st.integers(1, 100)
).map(lambda b: Bounds(b[0], b[0] + b[1], b[2], b[2] + b[3]))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(places=st.lists(st.one_of(BOUNDS, st.just(EMPTY)), max_size=12), most=st.integers(1, 10**6))
def test_groups_hold_each_exposure_once_and_no_more_than_they_may(places, most):
    members = [Footprint(parse_name(f"{n}.fits"), (9, 9), 1.0, b) for n, b in enumerate(places)]
    groups = list(group(members, most))
    assert sorted(each.where.path.stem for one in groups for each in one.members) == sorted(
        map(str, range(len(places)))
    )
    for one in groups:
        around = EMPTY
        for each in one.members:
            around = around.union(each.bounds)
        assert one.bounds == around
        if len(one.members) > 1:
            assert one.bounds.area <= most
        assert one.bounds.area <= sum(each.bounds.area for each in one.members)


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
    references = exposures(
        tmp_path, [(0, 0), (3, 2), (-4, 1), (2, -3), (500, 100), (504, 102)], (60, 80)
    )
    blot_files(med, references, out, **RAW)
    # Two places, each with a window of (60 + 5 + 2 x 25) x (80 + 7 + 2 x 25) pixels or less, four
    # bytes each.
    assert bytes_read[0] <= 2 * 4 * (60 + 60) * (80 + 60)
    once = bytes_read[0]
    for reference in references:
        blot_file(med, reference, tmp_path / "one.fits", overwrite=True, **RAW)
    assert bytes_read[0] - once > once  # one by one, with narrower margins, it is more


def test_a_sparse_mosaic_of_30000_pixels(tmp_path, out, bytes_read):
    """Peak memory and bytes read depend on the window only: 3.6 GB on disk, a few hundred kB of it
    read.
    """
    header = tan_header((30000, 30000))
    hdu = fits.ImageHDU(header=header, name="SCI")
    hdu.header.update({"BITPIX": -32, "NAXIS": 2, "NAXIS1": 30000, "NAXIS2": 30000})
    path = tmp_path / "wide_med.fits"
    with open(path, "wb") as stream:
        fits.PrimaryHDU().writeto(stream)
        text = hdu.header.tostring().replace(
            "NAXIS   =                    0", "NAXIS   =                    2"
        )
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
        "lines = open('/proc/self/status').read().splitlines(); "
        "print(next(line.split()[1] for line in lines if line.startswith('VmHWM')))"
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


# ---- the plan ------------------------------------------------------------------------------------


def test_a_plan_is_made_of_headers(demo, out):
    plan = skyblot.plan_blots(demo.median, demo.exposures, out)
    members = [each for one in plan.groups for each in one.members]
    assert [each.where for each in members] == [
        task.where for task in tasks_of(demo.exposures, out)
    ]
    assert [each.shape for each in members] == [(96, 160)] * 6
    assert [each.overlap for each in members] == [1.0] * 6
    assert len(plan.groups) == 1
    assert plan.memory_bytes > 0
    assert plan.seconds > 0
    assert plan.known == []
    assert list(out.iterdir()) == []


def test_the_overlap_in_a_plan(tmp_path, out):
    med = mosaic(tmp_path / "med.fits", (100, 100))
    references = exposures(tmp_path, [(0, 0), (50, 0), (500, 0)], (30, 40))
    plan = skyblot.plan_blots(med, references, out)
    by_name = {each.where.path.name: each for one in plan.groups for each in one.members}
    # 33 positions along 40 pixels: to one in 33.
    assert by_name["e0_flt.fits"].overlap == 1.0
    assert abs(by_name["e1_flt.fits"].overlap - 0.5) < 1 / 32
    assert by_name["e2_flt.fits"].overlap == 0.0
    assert by_name["e2_flt.fits"].bounds == EMPTY


# ---- memory --------------------------------------------------------------------------------------


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
    with pytest.raises(
        ParameterError, match="expected bytes, or a size such as 8G or 500M, at least 64M"
    ):
        memory_limit(given)


def test_workers_fit_into_memory():
    """As many blots at once as have room in half of the memory, one at least."""
    needs = Needs(
        interpolant("poly5", 1.0), np.dtype("f4"), 8, 100 * 12 * 10**6, Blot().bytes_per_pixel
    )
    members = tuple(Footprint(parse_name("a"), (1000, n * 1000), 1.0, EMPTY) for n in (1, 10))
    assert needs.workers(Group(members * 20, EMPTY)) == 5
    assert needs.workers(Group(members[:1] * 20, EMPTY)) == 8
    assert needs.workers(Group(members[:1], EMPTY)) == 1
    assert replace(needs, memory=1).workers(Group(members * 20, EMPTY)) == 1


def test_a_mosaic_elsewhere_is_a_warning_for_each(tmp_path, out):
    med = mosaic(tmp_path / "med.fits", (100, 100), ra=RA + 1)
    with pytest.warns(skyblot.SkyblotWarning, match="does not overlap") as caught:
        results = blot_files(med, exposures(tmp_path, [(0, 0), (5, 5)]), out, **RAW)
    assert [result.covered for result in results] == [0.0, 0.0]
    assert len(caught) == 2
