"""Planes of a mosaic in memory and in files."""

import os

import numpy as np
import pytest
from samples import no_space

import skyblot
from skyblot import FileError, make_demo
from skyblot.api.clean import plan_clean
from skyblot.mosaics.storage import IN_MEMORY, Storage


def test_planes_are_zeros_wherever_they_are(tmp_path):
    for storage in (IN_MEMORY, Storage(tmp_path)):
        plane = storage.zeros("a", (3, 5), np.float32)
        assert plane.dtype == np.float32
        np.testing.assert_array_equal(plane, np.zeros((3, 5)))
        assert storage.zeros("b", (0, 5), np.float32).shape == (0, 5)
    assert [path.name for path in tmp_path.iterdir()] == ["a.plane"]


def test_others_see_the_rows_that_are_saved_and_no_others(tmp_path):
    """Planes begin at different rows of the mosaic, and have other numbers of them."""
    shapes = {"whole": ((9, 4), 0), "part": ((5, 3), 2), "cube": ((2, 9, 4), 0)}
    first = Storage(tmp_path)
    made = {
        name: first.zeros(name, shape, np.int32, row0) for name, (shape, row0) in shapes.items()
    }
    mine = Storage(tmp_path, shared=False)
    for name, (shape, row0) in shapes.items():
        mine.zeros(name, shape, np.int32, row0)[...] = 1 + np.arange(np.prod(shape)).reshape(shape)
    assert not any(plane.any() for plane in made.values())
    mine.save(3, 6)
    for name, (shape, row0) in shapes.items():
        numbers = 1 + np.arange(np.prod(shape)).reshape(shape)
        rows = np.arange(shape[-2]) + row0
        inside = ((rows >= 3) & (rows < 6))[:, None]
        np.testing.assert_array_equal(made[name], np.where(inside, numbers, 0))


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system reserves no room")
def test_no_room_for_a_mosaic_is_told_before_it_is_made(tmp_path, monkeypatch):
    exposures = make_demo(tmp_path / "in", chip_shape=(96, 192)).exposures
    plan = plan_clean(exposures, tmp_path / "out", memory="4G", threads=1)
    little = plan.memory_bytes - 16 * plan.frame.shape[0] * plan.frame.shape[1] + 1
    assert "of the disk" not in plan.summary
    assert "of the disk" in plan_clean(exposures, tmp_path / "out", memory=little).summary
    monkeypatch.setattr(os, "posix_fallocate", no_space)
    with pytest.raises(FileError, match=r"no room for a mosaic of .* a plane: No space left"):
        skyblot.clean_files(exposures, tmp_path / "out", memory=little)
    assert not any((tmp_path / "out").iterdir())
