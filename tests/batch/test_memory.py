"""Runs in little memory: what does not fit is refused with both figures, and the rest is made."""

import re

import numpy as np
import pytest
from samples import tan_header, write_sci

import skyblot
from skyblot import memory as memory_module
from skyblot.api.results import BatchError
from skyblot.errors import SkyblotError
from skyblot.runs import plan as batch_module

#: A blot of this needs 12 bytes a pixel, more than the 64 MB that are the least to be allowed.
LARGE, SMALL = (2400, 2400), (100, 100)
SENTENCE = (
    r"large\.fits\[sci,1\]: needs about (\S+ .B) of memory, (\S+ .B) are allowed: give more "
    r"\(memory\)"
)


@pytest.fixture
def pair(tmp_path):
    """A mosaic, an exposure of which nothing fits into 64 MB, and a small one."""
    for name, shape in (("med", SMALL), ("large", LARGE), ("small", SMALL)):
        write_sci(
            tmp_path / f"{name}.fits",
            np.arange(np.prod(shape), dtype=np.float32).reshape(shape),
            tan_header(shape, BUNIT="ELECTRONS", EXPTIME=100.0, MDRIZSKY=0.0),
        )
    return [str(tmp_path / f"{name}.fits") for name in ("med", "large", "small")]


def test_one_exposure_is_refused_with_the_figures(pair, tmp_path):
    with pytest.raises(BatchError) as caught:
        skyblot.blot_files(pair[0], pair[1:2], tmp_path, memory="64M")
    (failure,) = caught.value.failures
    assert type(failure.error) is SkyblotError
    needed, allowed = re.search(SENTENCE, failure.reason).groups()
    assert needed == f"{12 * LARGE[0] * LARGE[1] / 1e6:.1f} MB"
    assert allowed == f"{(64 << 20) / 1e6:.1f} MB"
    assert not list(tmp_path.glob("*_blt.fits"))


def test_the_others_are_made(pair, tmp_path):
    with pytest.raises(BatchError) as caught:
        skyblot.blot_files(pair[0], pair[1:], tmp_path, memory="64M")
    assert [result.path.name for result in caught.value.results] == ["small_sci1_blt.fits"]
    assert re.search(SENTENCE, caught.value.failures[0].reason)
    assert len(skyblot.blot_files(pair[0], pair[1:], tmp_path, memory="128M", overwrite=True)) == 2


def test_the_command_line_says_it_once(run, pair, tmp_path):
    for command in ("blot", "reject"):
        code, _, problem = run(command, *pair[:2], "--output-dir", tmp_path, "--memory", "64M")
        assert code in (1, 2)
        assert len(re.findall(SENTENCE, problem)) >= 1
        assert "Traceback" not in problem
    assert not list(tmp_path.glob("*_blt.fits")) + list(tmp_path.glob("*_crmask.fits"))


def test_a_dry_run_tells_it(run, pair, tmp_path):
    code, _, problem = run("blot", *pair, "--output-dir", tmp_path, "--memory", "64M", "--dry-run")
    assert code == 1
    assert re.search(SENTENCE, problem)


def test_without_a_limit_all_that_is_free_may_be_used(pair, tmp_path, monkeypatch):
    for module in (batch_module, memory_module):
        monkeypatch.setattr(module, "free_memory", lambda: 80_000_000)
    assert skyblot.blot_files(pair[0], pair[1:], tmp_path)
    for module in (batch_module, memory_module):
        monkeypatch.setattr(module, "free_memory", lambda: 68_000_000)
    with pytest.raises(BatchError, match=r"68\.0 MB are allowed"):
        skyblot.blot_files(pair[0], pair[1:], tmp_path, overwrite=True)


def no_memory(*_arguments, **_options):
    raise MemoryError("Unable to allocate 2.00 TiB")


def reject(pair, out):
    return skyblot.reject_files(pair[0], pair[2:], out, fail_fast=True, gain=1.0, read_noise=3.0)


@pytest.mark.parametrize(
    ("module", "name", "call"),
    [
        (
            "skyblot.resampling.geometry",
            "for_each_mapped_band",
            lambda pair, out: skyblot.blot_file(*pair[:2], out / "a.fits"),
        ),
        (
            "skyblot.resampling.geometry",
            "load_window",
            lambda pair, out: skyblot.blot_files(pair[0], pair[2:], out, fail_fast=True),
        ),
        ("skyblot.steps.compare", "compare", reject),
        (
            "skyblot.steps.blot",
            "open_weights",
            lambda pair, out: skyblot.blot_files(*pair[:1], pair[2:], out),
        ),
        (
            "skyblot.rejection.compare",
            "compare",
            lambda pair, out: skyblot.reject(np.ones((9, 9)), np.ones((9, 9)), 1.0),
        ),
    ],
)
def test_no_memory_is_an_error_of_skyblot(pair, tmp_path, monkeypatch, module, name, call):
    monkeypatch.setattr(f"{module}.{name}", no_memory)
    with pytest.raises(
        SkyblotError, match=r"the memory is not enough: Unable to allocate 2\.00 TiB"
    ):
        call(pair, tmp_path)


def test_arrays_that_do_not_fit_are_an_error_of_skyblot(monkeypatch):
    from astropy.wcs import WCS

    wcs = WCS(tan_header(SMALL))
    with pytest.raises(SkyblotError, match="the memory is not enough: Unable to allocate"):
        skyblot.blot(np.ones(SMALL, np.float32), wcs, wcs, shape=(1 << 25, 1 << 25))
    with pytest.raises(SkyblotError, match="the memory is not enough: Unable to allocate"):
        skyblot.pixel_map(wcs, wcs, shape=(1 << 25, 1 << 25))
